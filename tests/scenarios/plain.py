#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""plain.py HOST CA [CERT KEY] [--tls12]: what a device does that knows nothing of Cordon: a TLS socket with
its certificate, one line, and the answer printed."""
import socket
import ssl
import sys

words = [w for w in sys.argv[1:] if not w.startswith("--")]
context = ssl.create_default_context(cafile=words[1])
if len(words) > 2:
    context.load_cert_chain(words[2], words[3])
if "--tls12" in sys.argv:
    context.maximum_version = ssl.TLSVersion.TLSv1_2
with socket.create_connection((words[0], 8883), timeout=30) as plain:
    with context.wrap_socket(plain, server_hostname=words[0]) as tls:
        tls.sendall(b"Hello Secure IoT Server\n")
        print(tls.recv(1024).decode().strip())

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""connect.py HOST PORT [TIMES [--tls12]]: TLS connections, one after the other; prints how many spoke both ways."""
import socket
import ssl
import sys

LIMIT = 40  # seconds


def connect(context, host, port):
    with socket.create_connection((host, port), timeout=LIMIT) as plain:
        with context.wrap_socket(plain, server_hostname="server.example") as tls:
            tls.sendall(b"GET / HTTP/1.0\r\n\r\n")
            got = b""
            while piece := tls.recv(4096):
                got += piece
            return bool(got)


def main():
    host, port, times = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 1
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if "--tls12" in sys.argv:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    good, why = 0, None
    for _ in range(times):
        try:
            good += connect(context, host, port)
        except OSError as error:
            why = error
    print(good)
    if why:
        print("#", type(why).__name__, why, file=sys.stderr)


main()

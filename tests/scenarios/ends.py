#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""ends.py listen PORT: takes one connection, and reads it to its end. ends.py talk HOST PORT: sends a byte now and then.
ends.py silent HOST PORT: connects, and speaks TLS when a line comes in. ends.py datagram HOST PORT HEX: sends that.
Prints "open" once there is a connection, then how it ended: "reset", "closed", "done", or an error's name."""
import select
import socket
import ssl
import sys

LIMIT = 30  # seconds


def say(word):
    print(word, flush=True)


def listen(port):
    with socket.create_server(("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
        sock, _ = listener.accept()
        say("open")
        while sock.recv(4096):
            pass
        return "closed"


def talk(host, port):
    with socket.create_connection((host, port), timeout=LIMIT) as sock:
        say("open")
        while True:
            sock.sendall(b".")
            if select.select([sock], [], [], 0.02)[0] and not sock.recv(4096):
                return "closed"


def silent(host, port):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection((host, port), timeout=LIMIT) as sock:
        say("open")
        sys.stdin.readline()
        with context.wrap_socket(sock):
            return "done"


def datagram(host, port, payload):
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        sock.connect((host, int(port)))
        sock.send(bytes.fromhex(payload))
        sock.recv(4096)
        return "done"


try:
    say({"listen": listen, "talk": talk, "silent": silent, "datagram": datagram}[sys.argv[1]](*sys.argv[2:]))
except ConnectionResetError:
    say("reset")
except OSError as error:
    say(type(error).__name__)

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""connect.py HOST PORT[-LAST] [TIMES [--tls12]]: TLS connections, one after the other at each of the ports, in equal
parts; prints how many spoke both ways, and on standard error why each other one did not."""
import concurrent.futures
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


def connect_all(context, host, port, times):
    good, why = 0, []
    for _ in range(times):
        try:
            good += connect(context, host, port)
        except OSError as error:
            why.append(error)
    return good, why


def main():
    host, times = sys.argv[1], int(sys.argv[3]) if len(sys.argv) > 3 else 1
    first, _, last = sys.argv[2].partition("-")
    ports = range(int(first), int(last or first) + 1)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if "--tls12" in sys.argv:
        context.maximum_version = ssl.TLSVersion.TLSv1_2
    with concurrent.futures.ThreadPoolExecutor(len(ports)) as pool:
        results = list(pool.map(lambda port: connect_all(context, host, port, times // len(ports)), ports))
    print(sum(good for good, _ in results))
    for error in (error for _, why in results for error in why):
        print("#", type(error).__name__, error, file=sys.stderr)


main()

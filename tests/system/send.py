#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""send.py DST4 DST6 SRC/PORT...: datagrams without end from each SRC to PORT of DST4 or DST6, whichever is of SRC's
family: sixteen times a second one from the same source port as before and one from another, which is a new connection.
"""
import itertools
import socket
import sys
import time

INTERVAL = 0.06


def open_socket(source, port):
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.setblocking(False)
    s.bind((source, port))
    return s


def send(s, to):
    try:
        s.sendto(b"cordon", to)
    except OSError:
        pass


def main():
    streams = []
    for word in sys.argv[3:]:
        source, port = word.rsplit("/", 1)
        to = (sys.argv[2] if ":" in source else sys.argv[1], int(port))
        streams.append((source, to, open_socket(source, 0)))
    for n in itertools.count():
        due = time.monotonic() + INTERVAL
        for i, (source, to, steady) in enumerate(streams):
            send(steady, to)
            try:
                with open_socket(source, 20000 + 1000 * i + n % 1000) as fresh:
                    send(fresh, to)
            except OSError:  # the port is the steady socket's
                pass
        time.sleep(max(0, due - time.monotonic()))


main()

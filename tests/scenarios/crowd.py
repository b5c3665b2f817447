#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""crowd.py HOST N FILE: N connections that send a byte now and then, renewed when they are cut, until FILE is gone"""
import os
import selectors
import socket
import sys

host, n, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
# A TLS record that promises 512 bytes, of which few ever come.
HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"


def slow():
    selector = selectors.DefaultSelector()
    cut = 0

    def connect(port):
        s = socket.create_connection((host, port), timeout=120)
        s.sendall(HELLO)
        s.setblocking(False)
        selector.register(s, selectors.EVENT_READ, port)

    for i in range(n):
        connect((8443, 8883)[i % 2])
    with open(path, "w", encoding="ascii") as out:
        out.write("ready\n")
    while os.path.exists(path):
        for key, _ in selector.select(0.5):
            selector.unregister(key.fileobj)
            key.fileobj.close()
            cut += 1
            connect(key.data)
        for key in list(selector.get_map().values()):
            try:
                key.fileobj.send(b"\0")
            except OSError:
                pass
    print(f"slow: {n} connections, {cut} were cut and came again")


slow()

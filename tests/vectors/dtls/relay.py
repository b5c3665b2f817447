#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""relay.py PORT SERVER-PORT SECONDS: pass datagrams between a client of PORT and a server on this machine;
what passed, as text for tests/kunit/suites/tls_flow.h, a C or S for each datagram."""
import select
import socket
import sys
import textwrap
import time

port, server_port, seconds = (int(word) for word in sys.argv[1:])
clients = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
clients.bind(("127.0.0.1", port))
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.connect(("127.0.0.1", server_port))
client, end = None, time.monotonic() + seconds
while (left := end - time.monotonic()) > 0:
    for ready in select.select([clients, server], [], [], left)[0]:
        datagram, sender = ready.recvfrom(65535)
        if ready is clients:
            client = sender
            server.send(datagram)
        else:
            clients.sendto(datagram, client)
        print("C" if ready is clients else "S")
        print("\n".join(textwrap.wrap(datagram.hex(), 96)))

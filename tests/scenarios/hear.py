#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""hear.py FILE INTERFACE,... GROUP,... PORT...: what arrives at these UDP ports, also for the groups on the interfaces.
FILE gets the numbers of probe's frames, a line each. Prints "ready" first."""
import select
import socket
import struct
import sys

MARK = b"CRDN"


def join(sock, group, interface):
    index = struct.pack("=I", socket.if_nametoindex(interface))
    if ":" in group:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, group) + index)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + bytes(4) + index)


def main():
    interfaces, groups, sockets = sys.argv[2].split(","), sys.argv[3].split(","), []
    for family in (socket.AF_INET, socket.AF_INET6):
        for port in sys.argv[4:]:
            sock = socket.socket(family, socket.SOCK_DGRAM)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind(("", int(port)))
            sockets.append(sock)
        # A group that one socket has joined is delivered to all that are bound to its port.
        for group in groups:
            if (":" in group) == (family == socket.AF_INET6):
                for interface in interfaces:
                    join(sockets[-1], group, interface)
    with open(sys.argv[1], "w", encoding="ascii", buffering=1) as seen:
        print("ready", flush=True)
        while True:
            for sock in select.select(sockets, [], [])[0]:
                data = sock.recv(2048)
                at = data.find(MARK)
                if at >= 0:
                    seen.write("%d\n" % struct.unpack_from("!I", data, at + 4))


main()

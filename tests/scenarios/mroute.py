#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""mroute.py ROUTE...: route groups until killed, IPv4 and IPv6. ROUTE is SOURCE,GROUP,IN,OUT[,OUT...]: what SOURCE sends
to GROUP comes in on the interface IN and leaves by each OUT. Prints "ready" when all routes stand."""
import signal
import socket
import struct
import sys

INIT, ADD_VIF, ADD_MFC = 200, 202, 204  # MRT_* and MRT6_* alike
USE_IFINDEX = 8
MAX_VIFS = 32


class Router:
    """The one multicast router that a namespace may have, of one family."""

    def __init__(self, family):
        self.v6 = family == socket.AF_INET6
        self.level = socket.IPPROTO_IPV6 if self.v6 else socket.IPPROTO_IP
        self.socket = socket.socket(family, socket.SOCK_RAW, socket.IPPROTO_ICMPV6 if self.v6 else socket.IPPROTO_IGMP)
        self.socket.setsockopt(self.level, INIT, 1)
        self.interfaces = []

    def interface(self, name):
        if name not in self.interfaces:
            number, index = len(self.interfaces), socket.if_nametoindex(name)
            entry = struct.pack("=HBBHxxI", number, 0, 1, index, 0) if self.v6 else struct.pack(
                "=HBBIIi", number, USE_IFINDEX, 1, 0, index, 0)
            self.socket.setsockopt(self.level, ADD_VIF, entry)
            self.interfaces.append(name)
        return self.interfaces.index(name)

    def add(self, source, group, came, leaves):
        came, leaves = self.interface(came), [self.interface(name) for name in leaves]
        if self.v6:
            ends = [struct.pack("=HHI16sI", socket.AF_INET6, 0, 0, socket.inet_pton(socket.AF_INET6, a), 0)
                    for a in (source, group)]
            entry = b"".join(ends) + struct.pack("=HxxI28x", came, sum(1 << n for n in leaves))
        else:
            ttls = bytes(int(n in leaves) for n in range(MAX_VIFS))
            entry = socket.inet_aton(source) + socket.inet_aton(group) + struct.pack("=H32sxxIIIi", came, ttls, 0, 0, 0, 0)
        self.socket.setsockopt(self.level, ADD_MFC, entry)


def main():
    routers = {4: Router(socket.AF_INET), 6: Router(socket.AF_INET6)}
    for route in sys.argv[1:]:
        source, group, came, *leaves = route.split(",")
        routers[6 if ":" in source else 4].add(source, group, came, leaves)
    print("ready", flush=True)
    signal.pause()


main()

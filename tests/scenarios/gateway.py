#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""What a gateway's scenario sends and hears beside the daemons. Exits with 0 when it was heard, with 1 when not.

gateway.py join DEV GROUP PORT FILE        join until killed; a line in FILE for each datagram that comes, "ready" first
gateway.py stream DEV GROUP PORT SECONDS   send to the group, ten times a second
gateway.py loop DEV GROUP PORT             send to a group that this host has joined itself; hear the copy
gateway.py browse DEV GROUP SERVICE NAME SECONDS   ask for a service by mDNS until somebody says NAME
gateway.py solicit DEV SECONDS             ask DHCPv6 servers until one answers
gateway.py hear DEV FAMILY FILE            a line in FILE for each packet of the protocols below, "ready" first
gateway.py say DEV FROM TO                 one packet of each: esp gre ospf vrrp sctp/5060 sctp/5061 99
"""
import ipaddress
import os
import select
import socket
import struct
import sys
import time

ESP, GRE, OSPF, VRRP, SCTP, UNASSIGNED = 50, 47, 89, 112, 132, 99
NAMES = {ESP: "esp", GRE: "gre", OSPF: "ospf", VRRP: "vrrp", UNASSIGNED: "99"}


def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def membership(group, dev):
    index = socket.if_nametoindex(dev)
    if ":" in group:
        return socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, socket.inet_pton(socket.AF_INET6, group) + struct.pack("@I", index)
    return socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, socket.inet_aton(group) + struct.pack("@4si", bytes(4), index)


def outgoing(sock, dev, ttl):
    index = socket.if_nametoindex(dev)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, ttl)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("@4s4si", bytes(4), bytes(4), index))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, ttl)


def udp(group, port, dev, ttl=8):
    """A socket on a port, for a group's family, that sends out of dev."""
    sock = socket.socket(family(group), socket.SOCK_DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind(("", port))
    outgoing(sock, dev, ttl)
    return sock


def there(sock, group, port, dev):
    return (group, port, 0, socket.if_nametoindex(dev)) if sock.family == socket.AF_INET6 else (group, port)


def wait(sock, seconds):
    return bool(select.select([sock], [], [], max(seconds, 0))[0])


def note(name, text):
    with open(name, "a", encoding="ascii") as out:
        out.write(text + "\n")


def join(dev, group, port, name):
    sock = udp(group, int(port), dev)
    sock.setsockopt(*membership(group, dev))
    note(name, "ready")
    while True:
        note(name, sock.recvfrom(2048)[1][0])


def stream(dev, group, port, seconds):
    sock = udp(group, 0, dev)
    for _ in range(int(seconds) * 10):
        sock.sendto(b"stream", there(sock, group, int(port), dev))
        time.sleep(0.1)
    return 0


def loop(dev, group, port):
    sock = udp(group, int(port), dev, 1)
    sock.setsockopt(*membership(group, dev))
    sock.sendto(b"loop", there(sock, group, int(port), dev))
    return 0 if wait(sock, 5) else 1


def browse(dev, group, service, name, seconds):
    """One that asks as a full member of the group, from the group's port: the answer comes to the group (RFC 6762, 5.2)."""
    sock = udp(group, 5353, dev, 255)
    sock.setsockopt(*membership(group, dev))
    question = struct.pack("!6H", 0, 0, 1, 0, 0, 0)
    question += b"".join(struct.pack("B", len(label)) + label for label in service.encode().split(b".")) + b"\0"
    question += struct.pack("!2H", 12, 1)
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        sock.sendto(question, there(sock, group, 5353, dev))
        pause = time.monotonic() + 0.5
        while wait(sock, pause - time.monotonic()):
            if name.encode() in sock.recv(9000):
                return 0
    return 1


def solicit(dev, seconds):
    """RFC 8415, 18.2.1: a Solicit with a client identifier and an IA_NA; any Advertise of ours will do."""
    group = "ff02::1:2"
    sock = udp(group, 546, dev, 1)
    duid = struct.pack("!HHHH", 1, 10, 3, 1) + bytes.fromhex("020000000170")
    ask = b"\x01\x0c\x0d\x0e" + duid + struct.pack("!HHHHH", 8, 2, 0, 3, 12) + struct.pack("!III", 1, 0, 0)
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        sock.sendto(ask, there(sock, group, 547, dev))
        if wait(sock, 0.5) and sock.recv(2048)[:4] == b"\x02\x0c\x0d\x0e":
            return 0
    return 1


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def init_chunk(port):
    """An SCTP INIT (RFC 9260, 3.3.2)."""
    head = struct.pack("!HHI", 40000 + port % 1000, port, 0)
    chunk = struct.pack("!BBHIIHHI", 1, 0, 20, 0x1234, 65536, 1, 1, 0x5678)
    return head + struct.pack("<I", crc32c(head + bytes(4) + chunk)) + chunk


def packets(src, dst):
    yield ESP, struct.pack("!II", 0x1000, 1) + bytes(32)
    yield GRE, struct.pack("!HH", 0, 0x0800) + bytes(20)
    hello = struct.pack("!BBHIIHHQ", 2, 1, 44, 0x0A000001, 0, 0, 0, 0) + bytes(20)
    yield OSPF, hello[:12] + struct.pack("!H", checksum(hello)) + hello[14:]
    advert = struct.pack("!BBBBHH", 0x31, 99, 100, 1, 100, 0) + bytes(16 if src.version == 6 else 4)
    pseudo = src.packed + dst.packed + struct.pack("!II", len(advert), VRRP)
    yield VRRP, advert[:6] + struct.pack("!H", checksum(pseudo + advert)) + advert[8:]
    yield SCTP, init_chunk(5060)
    yield SCTP, init_chunk(5061)
    yield UNASSIGNED, bytes(20)


def raw(kind, proto, dev):
    sock = socket.socket(kind, socket.SOCK_RAW, proto)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, dev.encode())
    return sock


def say(dev, src, dst):
    src, dst = ipaddress.ip_address(src), ipaddress.ip_address(dst)
    for proto, payload in packets(src, dst):
        sock = raw(family(str(src)), proto, dev)
        sock.bind((str(src), 0))
        if dst.is_multicast:
            outgoing(sock, dev, 1)
        sock.sendto(payload, (str(dst), 0))
    return 0


def hear(dev, version, name):
    kind = socket.AF_INET6 if version == "6" else socket.AF_INET
    socks = [raw(kind, proto, dev) for proto in (*NAMES, SCTP)]
    for group in ("ff02::5", "ff02::12") if version == "6" else ("224.0.0.5", "224.0.0.18"):
        socks[0].setsockopt(*membership(group, dev))
    note(name, "ready")
    while True:
        for sock in select.select(socks, [], [])[0]:
            data = sock.recv(2048)
            if kind == socket.AF_INET:
                data = data[(data[0] & 15) * 4 :]
            proto = sock.getsockopt(socket.SOL_SOCKET, socket.SO_PROTOCOL)
            note(name, NAMES[proto] if proto != SCTP else "sctp/%d" % struct.unpack_from("!H", data, 2))


if __name__ == "__main__":
    os.umask(0o22)
    sys.exit({f.__name__: f for f in (join, stream, loop, browse, solicit, hear, say)}[sys.argv[1]](*sys.argv[2:]))

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The cases of protocols.sh"""
from wire import *

POLICY = """
version: 1
mode: enforce
ports: [lan0, lan1]
uplinks: [wan0, plant0]
segments:
  iot: {}
  bare: {}
  wan: {networks: [0.0.0.0/0, "::/0"]}
rules:
  - {from: iot, to: wan, allow: [udp/9, %s]}
  - {from: iot, to: gateway, allow: [udp/9, %s]}
  - {from: wan, to: iot, allow: [%s]}
  - {from: bare, to: wan, allow: [udp/9]}
devices:
  - {name: cam, mac: "%s", network_segment: iot, addresses: [%s, "%s"], port: lan0}
  - {name: lock, mac: "%s", network_segment: bare, addresses: [%s, "%s"], port: lan1}
"""
HARDWARE = (CAM_MAC, CAM, CAM6, LOCK_MAC, LOCK, LOCK6)
GW_LOCK, GW_LOCK6 = "10.0.30.1", "fd00:30::1"
NAMES = {47: "gre", 50: "esp", 51: "ah", 112: "vrrp", 89: "ospf", 99: "99", 4: "ipencap", 115: "l2tp"}
w = Wire()


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFF


def sctp(sport, dport, mark):
    """An INIT (RFC 9260, 3.3.2) with a parameter that may be skipped"""
    init = struct.pack("!BBHIIHHI", 1, 0, 32, 7, 65535, 1, 1, 1) + struct.pack("!HH", 0xC0FF, 12) + mark
    head = struct.pack("!HHI", sport, dport, 0)
    return head + struct.pack("<I", crc32c(head + b"\0" * 4 + init)) + init


def dccp(sport, dport, mark):
    """A Request (RFC 4340, 5.1) with a short sequence number's worth of nothing behind it"""
    return struct.pack("!HHBBHBBHIIQ", sport, dport, 5 + 2, 0, 0, 1, 0, 0, 1, 0, 0)[:20] + b"\0" * 8 + mark


def udplite(sport, dport, mark):
    return udp(sport, dport, mark)


WITH_PORTS = {"sctp": (SCTP, sctp), "dccp": (DCCP, dccp), "udplite": (UDPLITE, udplite)}


def plain(src, dst, proto):
    # AH says what it authenticates; nothing follows it here
    return lambda mark: ip(src, dst, proto, (bytes([59, 4, 0, 0]) + b"\0\0\0\1" * 5 if proto == 51 else b"\0" * 24) + mark)


def datagram(src, dst):
    return lambda mark: ip(src, dst, UDP, udp(1000, 9, mark))


def each(how, names):
    words = ", ".join([*names.values(), "sctp/5060", "dccp/5001", "udplite/5002"])
    w.apply(POLICY % (words, words, words, *HARDWARE))
    for six, cam, lock, inet, gw in (("", CAM, LOCK, INET, GW_CAM), ("IPv6: ", CAM6, LOCK6, INET6, GW_CAM6)):
        for proto, name in names.items():
            # In IPv6, AH is an extension header: a packet is judged by what is behind it.
            if six and proto == 51:
                continue
            said = "%s%s by %s: " % (six, NAMES[proto], how)
            w.passes(said + "where it is allowed", "cam", "inet", plain(cam, inet, proto))
            w.passes(said + "and its reply", "inet", "cam", plain(inet, cam, proto))
            w.passes(said + "to the gateway", "cam", "gw", plain(cam, gw, proto))
            w.drops(said + "where it is not", "lock", "inet", plain(lock, inet, proto), datagram(lock, inet),
                    "lock:segment_violation")
        for name, (proto, make) in WITH_PORTS.items():
            dport = {SCTP: 5060, DCCP: 5001, UDPLITE: 5002}[proto]
            said = "%s%s by %s: " % (six, name, how)
            w.passes(said + "where its port is allowed", "cam", "inet",
                     lambda m: ip(cam, inet, proto, make(1000, dport, m)))
            if proto == UDPLITE:
                w.passes(said + "and its reply", "inet", "cam", lambda m: ip(inet, cam, proto, make(dport, 1000, m)))
            w.passes(said + "to the gateway", "cam", "gw", lambda m: ip(cam, gw, proto, make(1000, dport, m)))
            w.drops(said + "the port beside it", "cam", "inet", lambda m: ip(cam, inet, proto, make(1000, dport + 3, m)),
                    datagram(cam, inet), "cam:segment_violation")
            w.drops(said + "in a segment without it", "lock", "inet", lambda m: ip(lock, inet, proto, make(1000, dport, m)),
                    datagram(lock, inet), "lock:segment_violation")


def any_of_them():
    w.apply(POLICY % ("any", "any", "any", *HARDWARE))
    for six, cam, inet in (("", CAM, INET), ("IPv6: ", CAM6, INET6)):
        for proto in (3, 47, 253, 254):
            w.passes("%s%d, where anything is allowed" % (six, proto), "cam", "inet", plain(cam, inet, proto))
    w.passes("router discovery of IPv4, where anything is allowed", "cam", "gw",
             lambda m: ip(CAM, GW_CAM, ICMP, icmp(10, m)))
    w.passes("IPv6: a message that no connection tracking knows", "cam", "inet", lambda m: ip(CAM6, INET6, ICMP6, icmp(155, m)))
    w.drops("an echo reply that nobody asked for", "cam", "inet", lambda m: ip(CAM, INET, ICMP, icmp(0, m)),
            datagram(CAM, INET), "cam:unjudged")
    w.drops("IPv6: likewise", "cam", "inet", lambda m: ip(CAM6, INET6, ICMP6, icmp(129, m)), datagram(CAM6, INET6),
            "cam:unjudged")
    w.apply(POLICY % ("icmp6/155, icmp/10", "icmp6/155, icmp/10", "gre", *HARDWARE))
    w.passes("IPv6: and by its number", "cam", "inet", lambda m: ip(CAM6, INET6, ICMP6, icmp(155, m)))
    w.drops("IPv6: the number beside it", "cam", "inet", lambda m: ip(CAM6, INET6, ICMP6, icmp(156, m)),
            datagram(CAM6, INET6), "cam:segment_violation")
    w.passes("router discovery of IPv4 by its number", "cam", "gw", lambda m: ip(CAM, GW_CAM, ICMP, icmp(10, m)))
    w.drops("which is not the one of routers", "cam", "gw", lambda m: ip(CAM, GW_CAM, ICMP, icmp(9, m)),
            lambda m: ip(CAM, GW_CAM, UDP, udp(1000, 53, m)), "cam:segment_violation")


def igmp(src, group, kind):
    body = struct.pack("!BBH", kind, 0, 0) + packed(group)
    return lambda mark: ip(src, "224.0.0.22" if kind == 0x22 else "224.0.0.2" if kind == 0x17 else group, IGMP,
                           body + mark, 1, options=b"\x94\x04\0\0")


def membership():
    limit = "iot: {anomalies: {segment_violation: {limit: 2/1m, then: quarantine}}}"
    w.apply(POLICY.replace("iot: {}", limit) % ("gre", "gre", "gre", *HARDWARE))
    dns = {"cam": lambda m: ip(CAM, GW_CAM, UDP, udp(1000, 53, m)), "lock": lambda m: ip(LOCK, GW_LOCK, UDP, udp(1000, 53, m))}
    for host, me in (("cam", CAM), ("lock", LOCK)):
        for name, kind in (("v1 report", 0x12), ("v2 report", 0x16), ("leave", 0x17), ("v3 report", 0x22)):
            for _ in range(3):
                w.passes("IGMP of %s: %s" % (host, name), host, "gw", igmp(me, "224.0.0.251", kind))
        w.drops("IGMP of %s: a query for all" % host, host, "gw", igmp(me, "224.0.0.1", 0x11), dns[host], "")
        w.drops("IGMP of %s: a type that nobody knows" % host, host, "gw", igmp(me, "224.0.0.251", 0x30), dns[host], "")
    w.drops("IGMP: a query for the gateway alone", "cam", "gw",
            lambda m: ip(CAM, GW_CAM, IGMP, struct.pack("!BBHI", 0x11, 0, 0, 0) + m), dns["cam"], "cam:segment_violation")
    w.drops("IGMP: cut off", "cam", "gw", lambda m: ip(CAM, "224.0.0.251", IGMP, b"\x16\0\0"), dns["cam"], "cam:malformed")
    w.check("IGMP: a box that joins and leaves is active", "active", w.state(CAM_MAC))


def main():
    w.hear(UDP, IGMP, ICMP, SCTP, DCCP, UDPLITE, *NAMES)
    for group in ("224.0.0.251", "224.0.0.2", "224.0.0.22"):
        w.join(group, "lan0")
        w.join(group, "lan1")
    # Connection tracking takes UDP-Lite's checksum for UDP's, and every packet for invalid.
    w.write("/proc/sys/net/netfilter/nf_conntrack_checksum", "0")
    w.flush()
    each("name", NAMES)
    each("number", {proto: str(proto) for proto in (47, 51, 112)})
    any_of_them()
    membership()


main()

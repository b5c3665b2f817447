#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The cases of flood.sh"""
import struct

from wire import *

POLICY = """
version: 1
mode: enforce
ports: [lan0, lan1]
uplinks: [wan0, plant0]
segments:
  iot: {encryption: TLS1.3, anomalies: {unjudged: {limit: 1/1m, then: quarantine}}}
  wan: {networks: [0.0.0.0/0, "::/0"]}
rules:
  - {from: wan, to: iot, allow: [tcp/4430, udp/4430]}
  - {from: iot, to: wan, allow: [tcp/4430]}
devices:
  - {name: cam, mac: "%s", network_segment: iot, addresses: [%s, "%s"]}
  - {name: lock, mac: "%s", network_segment: iot, addresses: [%s, "%s"]}
"""
MANY = 200  # what others may open to one device at a time
NOP, EXPERIMENT = 1, 253
# The first record of a client of DTLS, whose hello goes on in another fragment
DTLS = bytes.fromhex("16fefd 0000 000000000001 000e 01 0000ff 0000 000000 000002 fefd")
w = Wire()


def segment(src, dst, sport, dport, flags, seq=1000, ack=0, data=b""):
    """The mark is in an option of TCP (RFC 4727, 4)."""
    return lambda mark: ip(
        src,
        dst,
        TCP,
        struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 8 << 4, flags, 64000, 0, 0)
        + bytes([EXPERIMENT, 10]) + mark + bytes([NOP, NOP]) + data,
    )


def flood(makes):
    """As many as there is room for; they need not arrive."""
    for make in makes:
        w.send("inet", make)
    mark, target = w.mark(), link_local(w.gateway["inet"].hex(":"))
    w.send("inet", ip(INET6, target, ICMP6, solicit(target, mark), 255))
    w.check("the gateway has had them all", True, mark in w.arrived("gw", mark))


def over_tcp(six, cam, inet):
    w.passes(six + "a SYN from outside", "inet", "cam", segment(inet, cam, 2000, 4430, SYN))
    flood(segment(inet, cam, 3000 + n, 4430, SYN, data=b"\x16")(b"%08d" % n) for n in range(MANY))
    w.passes(six + "after %d SYNs with data, another one" % MANY, "inet", "cam", segment(inet, cam, 2001, 4430, SYN))
    w.passes(six + "the answer to the first", "cam", "inet", segment(cam, inet, 4430, 2000, SYN | ACK, 5000, 1001))
    w.passes(six + "its first byte", "inet", "cam", segment(inet, cam, 2000, 4430, ACK, 1001, 5001, b"\x16"))
    w.passes(six + "a device's own SYN may have data", "cam", "inet", segment(cam, inet, 2000, 4430, SYN, data=b"\x16"))
    w.check(six + "the device is not charged", "active", w.state(CAM_MAC))


def over_udp(six, cam, inet):
    flood(ip(inet, cam, UDP, udp(3000 + n, 4430, DTLS)) for n in range(MANY))
    w.passes(six + "after %d datagrams, a SYN" % MANY, "inet", "cam", segment(inet, cam, 2002, 4430, SYN))
    w.check(six + "the device is not charged", "active", w.state(CAM_MAC))


def main():
    policy = POLICY % (CAM_MAC, CAM, CAM6, LOCK_MAC, LOCK, LOCK6)
    w.hear(ICMP6)
    w.mute("cam", "inet")
    w.flush()
    for six, cam, inet in (("", CAM, INET), ("IPv6: ", CAM6, INET6)):
        for case in (over_tcp, over_udp):
            w.apply(policy[: policy.index("devices:")])
            w.apply(policy)
            case(six, cam, inet)


main()

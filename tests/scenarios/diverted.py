#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The cases of diverted.sh: the gateway takes source routes, and its own addresses lie in wan's networks."""
import contextlib
import struct
import subprocess

from wire import *

POLICY = """
version: 1
mode: enforce
ports: [lan0, lan1]
uplinks: [wan0, plant0]
segments:
  iot: {anomalies: {unjudged: {limit: 1/1m, then: quarantine}}}
  plant: {networks: [10.0.50.0/24, "fd00:50::/64"]}
  wan: {networks: [0.0.0.0/0, "::/0"]}
rules:
  - {from: iot, to: wan, allow: [udp/53]}
  - {from: iot, to: plant, allow: [udp/9]}
devices:
  - {name: cam, mac: "%s", network_segment: iot, addresses: [%s, "%s"]}
  - {name: lock, mac: "%s", network_segment: iot, addresses: [%s, "%s"]}
"""
LOOSE, STRICT, NOP, ROUTING, SEGMENTS = 131, 137, 1, 43, 4
w = Wire()


def datagram(src, dst, dport):
    return lambda mark: ip(src, dst, UDP, udp(1000, dport, mark))


def by_option(kind, via, dst):
    """RFC 791, 3.1: the destination is the first stop, the last one is in the option."""
    options = bytes([kind, 7, 4]) + packed(dst) + bytes([NOP])
    return lambda mark: ip(CAM, via, UDP, udp(1000, 53, mark), options=options)


def by_segments(via, dst):
    """RFC 8754, 2: the last stop comes first."""
    header = struct.pack("!BBBBBBH", UDP, 4, SEGMENTS, 1, 1, 0, 0) + packed(dst) + packed(via)
    return lambda mark: ip(CAM6, via, UDP, udp(1000, 53, mark), nexthdr=ROUTING, before=header)


@contextlib.contextmanager
def translation(priority):
    """What is for the internet is led to the plant; connection tracking (-200) is told nothing."""
    rules = ("table inet stateless { chain c { type filter hook prerouting priority %d; "
             "ip daddr %s ip daddr set %s; ip6 daddr %s ip6 daddr set %s; }; }")
    subprocess.run(["nft", rules % (priority, INET, PLANT, INET6, PLANT6)], check=True)
    yield
    subprocess.run(["nft", "delete table inet stateless"], check=True)


def main():
    for name in ("all", "lan0", "plant0"):
        Wire.write("/proc/sys/net/ipv4/conf/%s/accept_source_route" % name, "1")
        Wire.write("/proc/sys/net/ipv6/conf/%s/seg6_enabled" % name, "1")
    w.mute("plant", "inet")
    four, six = datagram(CAM, PLANT, 9), datagram(CAM6, PLANT6, 9)
    w.flush()
    w.apply(POLICY % (CAM_MAC, CAM, CAM6, LOCK_MAC, LOCK, LOCK6))
    w.passes("what a rule opens", "cam", "plant", four)
    w.passes("IPv6: what a rule opens", "cam", "plant", six)
    w.passes("to the internet", "cam", "inet", datagram(CAM, INET, 53))
    w.passes("IPv6: to the internet", "cam", "inet", datagram(CAM6, INET6, 53))
    w.drops("another port is closed", "cam", "plant", datagram(CAM, PLANT, 53), four, "cam:segment_violation")
    for name, kind in (("loose", LOOSE), ("strict", STRICT)):
        w.drops("a %s source route by the gateway" % name, "cam", "plant", by_option(kind, GW_CAM, PLANT), four, ":unjudged")
    w.drops("IPv6: a list of segments", "cam", "plant", by_segments(GW_CAM6, PLANT6), six, ":unjudged")
    for version, net, to_plant in (("", INET, four), ("IPv6: ", INET6, six)):
        source = CAM6 if version else CAM
        with translation(-150):
            w.drops(version + "a translation behind connection tracking", "cam", "plant", datagram(source, net, 53), to_plant, ":unjudged")
        with translation(-300):
            w.drops(version + "one before it, to where no rule leads", "cam", "plant", datagram(source, net, 53), to_plant,
                    "cam:segment_violation")
            w.passes(version + "one before it, to where a rule leads", "cam", "plant", datagram(source, net, 9))
    w.check("nobody is quarantined for it", "active", w.state(CAM_MAC))


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The cases of behave.sh: cam is watched, lock is not."""
from wire import *

POLICY = """
version: 1
mode: %s
ports: [lan0, lan1]
uplinks: [wan0, plant0]
segments:
  watched: {anomalies: {%s}}
  others: {}
  wan: {networks: [0.0.0.0/0, "::/0"]}
rules:
  - {from: watched, to: wan, allow: [tcp/1-1024, udp/1-1024]}
  - {from: others, to: wan, allow: [tcp/1-1024, udp/1-1024]}
  - {from: wan, to: watched, allow: [udp/9]}
devices:
  - {name: cam, mac: "%s", network_segment: watched, addresses: [%s, "%s"], port: lan0}
  - {name: lock, mac: "%s", network_segment: others, addresses: [%s, "%s"], port: lan1}
"""
HARDWARE = (CAM_MAC, CAM, CAM6, LOCK_MAC, LOCK, LOCK6)
FAMILIES = (("", CAM, INET, GW_CAM), ("IPv6: ", CAM6, INET6, GW_CAM6))
URG, ECE, CWR = 32, 64, 128
w = Wire()
port = 2000


def apply(limits="", mode="enforce"):
    w.apply(POLICY % (mode, limits, *HARDWARE))


def datagram(src, dst, dport=9):
    return lambda mark: ip(src, dst, UDP, udp(1000, dport, mark))


def segment(src, dst, flags, dport=443, **more):
    """Of a connection of its own"""
    global port
    port += 1
    number = port
    return lambda mark: ip(src, dst, TCP, tcp(number, dport, flags, 1000, 5000 if flags & ACK else 0, mark), **more)


ODD = {
    "no flags": 0, "FIN": FIN, "FIN, PSH and URG": FIN | PSH | URG, "SYN and FIN": SYN | FIN, "SYN and RST": SYN | RST,
    "FIN and RST": FIN | RST | ACK, "PSH": PSH, "URG": URG, "all": 255,
}
SOUND = {"SYN": SYN, "SYN, ECE and CWR": SYN | ECE | CWR, "SYN and URG": SYN | URG, "ACK": ACK, "ACK and PSH": ACK | PSH,
         "ACK, URG and PSH": ACK | URG | PSH, "ACK, ECE and CWR": ACK | ECE | CWR}


def bad_flags():
    for six, cam, inet, gateway in FAMILIES:
        control = datagram(cam, inet)
        for name, flags in ODD.items():
            w.drops("%sTCP with %s" % (six, name), "cam", "inet", segment(cam, inet, flags), control, "cam:bad_flags")
        for name, flags in SOUND.items():
            w.passes("%sTCP with %s" % (six, name), "cam", "inet", segment(cam, inet, flags))
        w.drops(six + "to the gateway, too", "cam", "inet", segment(cam, gateway, FIN), control, "cam:bad_flags")
        w.drops(six + "from an uplink: no device's", "inet", "cam", segment(inet, cam, 0), datagram(inet, cam), ":bad_flags")
    options = dict(nexthdr=DSTOPTS, before=bytes([TCP, 0, 1, 4, 0, 0, 0, 0]))
    w.drops("IPv6: behind an extension header", "cam", "inet", segment(CAM6, INET6, FIN, **options), datagram(CAM6, INET6),
            "cam:bad_flags")
    w.passes("IPv6: SYN behind one", "cam", "inet", segment(CAM6, INET6, SYN, **options))
    w.drops("IPv4: behind options", "cam", "inet", segment(CAM, INET, FIN, options=b"\1" * 8), datagram(CAM, INET),
            "cam:bad_flags")
    w.passes("IPv4: SYN behind options", "cam", "inet", segment(CAM, INET, SYN, options=b"\1" * 8))


def bad_flags_observed():
    for six, cam, inet, _ in FAMILIES:
        w.passes(six + "observe: TCP without flags passes, and is counted once", "cam", "inet", segment(cam, inet, 0), "cam:bad_flags")
        w.passes(six + "observe: TCP with SYN", "cam", "inet", segment(cam, inet, SYN))


def bad_flags_limited():
    for _ in range(2):
        w.drops("below the limit", "cam", "inet", segment(CAM, INET, FIN), datagram(CAM, INET), "cam:bad_flags")
    w.check("below the limit: nothing follows", "active", w.state(CAM_MAC))
    w.send("cam", segment(CAM, INET, FIN)(w.mark()))
    w.until("the third one reaches it", "quarantined", lambda: w.state(CAM_MAC))
    w.run("cordonctl", "device", "release", "cam")
    w.passes("released: it may go on", "cam", "inet", segment(CAM, INET, SYN))


def main():
    w.mute("cam", "lock", "inet")
    apply()
    bad_flags()
    apply(mode="observe")
    bad_flags_observed()
    apply("bad_flags: {limit: 3/1h, then: quarantine}")
    bad_flags_limited()


main()

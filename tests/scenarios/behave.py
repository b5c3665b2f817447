#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The cases of behave.sh: cam is watched, lock is not."""
import json

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


def part(src, dst, proto, body, start, more):
    """A fragment, of the datagram whose number is that of the connection made last"""
    return fragment(src, dst, proto, body, start, more, port)


def parts(src, dst, proto, body, *cuts):
    """A datagram, cut there"""
    ends = (*cuts, len(body))
    for start, end in zip((0, *cuts), ends):
        yield part(src, dst, proto, body[start:end], start, end != len(body))


def arrives(name, host, at, packets, mark, counts=""):
    before = w.counts()
    for packet in packets:
        w.send(host, packet)
    w.check(name, (True, counts), (mark in w.arrived(at, mark), Wire.grown(before, w.counts())))


def connection(src, dst, doff=5):
    """A SYN with a mark behind 60 bytes, as a payload; in how many words it says that its header is"""
    global port
    port += 1
    mark = w.mark()
    body = tcp(port, 443, SYN, 1000, 0, b"\1" * 40 + mark * 4)
    return mark, summed(src, dst, TCP, body[:12] + bytes([doff << 4]) + body[13:])


def datagrams(src, dst, cuts):
    global port
    port += 1
    mark = w.mark()
    return mark, parts(src, dst, UDP, summed(src, dst, UDP, udp(port, 9, mark * 8)), *cuts)


def in_parts(src, dst, mark, *places):
    """Parts of a datagram of 72 bytes, which may overlap"""
    global port
    port += 1
    body = summed(src, dst, UDP, udp(port, 9, mark * 8))
    return [part(src, dst, UDP, body[start:end], start, end < len(body)) for start, end in places]


OVERLAPPING = {
    "the end of the first": ((0, 32), (24, 48), (48, 72)), "the beginning of one behind": ((48, 72), (0, 32), (24, 56), (32, 48)),
    "all of another": ((0, 8), (24, 32), (8, 40), (40, 72)),
}
COPIES = {
    "each of them twice": ((0, 24), (0, 24), (48, 72), (48, 72), (24, 48)), "one within another": ((0, 32), (8, 24), (32, 72)),
    "the last one first": ((48, 72), (24, 48), (0, 24)),
}
WITHIN = dict(nexthdr=FRAGMENT, before=struct.pack("!BBHIBBHI", FRAGMENT, 0, 0, 1, UDP, 0, 16, 2))


def fragments():
    for six, cam, inet, gateway in FAMILIES:
        control = datagram(cam, inet)
        for name, doff, cut in (("8 bytes", 5, 8), ("16 bytes", 5, 16), ("24 bytes, of a header of 40", 10, 24)):
            _, body = connection(cam, inet, doff)
            w.drops("%sa first fragment of TCP with %s" % (six, name), "cam", "inet",
                    lambda _: next(parts(cam, inet, TCP, body, cut)), control, "cam:fragment")
        for name, doff, cut in (("24 bytes", 5, 24), ("40 bytes, of a header of 40", 10, 40)):
            mark, body = connection(cam, inet, doff)
            arrives("%sa first fragment of TCP with %s, and the rest" % (six, name), "cam", "inet",
                    parts(cam, inet, TCP, body, cut), mark)
        mark, packets = datagrams(cam, inet, (8, 24))
        arrives(six + "a first fragment of UDP with 8 bytes, and the rest", "cam", "inet", packets, mark)
        w.drops(six + "8 bytes into TCP", "cam", "inet", lambda m: part(cam, inet, TCP, b"\0" * 8 + m, 8, 0), control, "cam:fragment")
        w.drops(six + "no multiple of 8 bytes, and more follows", "cam", "inet",
                lambda m: part(cam, inet, UDP, udp(1000, 9, m + b"\0"), 0, 1), control, "cam:fragment")
        w.drops(six + "behind 65,535 bytes", "cam", "inet", lambda m: part(cam, inet, UDP, m * 2, 65528, 0), control,
                "cam:fragment")
        w.drops(six + "to the gateway, too", "cam", "inet", lambda m: part(cam, gateway, TCP, m, 0, 1), control, "cam:fragment")
        for name, places in OVERLAPPING.items():
            w.drops("%sparts that overlap: %s" % (six, name), "cam", "inet", lambda m: in_parts(cam, inet, m, *places), control,
                    "cam:fragment*2", send_all)
        for name, places in COPIES.items():
            mark = w.mark()
            arrives("%sparts that do not: %s" % (six, name), "cam", "inet", in_parts(cam, inet, mark, *places), mark)
        mark = w.mark()
        before = w.counts()
        w.inside("cam", lambda: socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_DGRAM)).sendto(
            mark * 5000, (inet, 9))
        w.check(six + "a datagram of 40,000 bytes, as a stack cuts it", (True, ""),
                (mark in w.arrived("inet", mark), Wire.grown(before, w.counts())))
    w.drops("IPv6: a later fragment within a whole one", "cam", "inet", lambda m: ip(CAM6, INET6, 255, m * 2, **WITHIN),
            datagram(CAM6, INET6), "cam:fragment")


def send_all(host, packets):
    for packet in packets:
        w.send(host, packet)


def fragments_observed():
    # Of IPv6, the host that receives it refuses it.
    mark, body = connection(CAM, INET)
    arrives("observe: a first fragment that is too short is counted once, and passes", "cam", "inet",
            parts(CAM, INET, TCP, body, 16), mark, "cam:fragment")


class Monitor:
    """Events, as they come"""

    def __init__(self):
        self.out = tempfile.NamedTemporaryFile("w+", suffix=".events")
        self.said = tempfile.NamedTemporaryFile("w+", suffix=".said")
        self.process = subprocess.Popen(["cordonctl", "monitor", "--json"], stdout=self.out, stderr=self.said)
        w.until("somebody listens", True, lambda: "listening" in open(self.said.name, encoding="utf-8").read())

    def events(self):
        with open(self.out.name, encoding="utf-8") as f:
            return [json.loads(line) for line in f if line.endswith("\n")]

    def anomalies(self, *kinds):
        """What was told of them: kind, device, what followed"""
        return [(e["kind"], e["device"], e.get("action")) for e in self.events() if e.get("kind") in kinds]

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.out.close()
        self.said.close()


def limited(kind, count, action="quarantine", mode="enforce"):
    apply("%s: {limit: %d/1h, then: %s}" % (kind, count, action), mode)


def release(host="cam"):
    w.run("cordonctl", "device", "release", host)


def sent(host, packets):
    """All of them, and then one that arrives: what follows from them has followed. Return: what was counted"""
    before, control = w.counts(), w.mark()
    for number, packet in enumerate(packets):
        w.send(host, packet)
        # Before what arrives fills a socket
        if number % 50 == 49:
            w.flush()
    w.send(host, datagram(*{"cam": (CAM, INET), "lock": (LOCK, INET)}[host])(control))
    came = control in w.arrived("inet", control)
    return came, Wire.grown(before, w.counts())


def harmless(name, packets, host="cam", counts=""):
    w.check(name, (True, counts), sent(host, packets))


def held(name, packets, kind):
    """They have cam quarantined, and the event says why. It is let out again."""
    before = w.counts()
    monitor = Monitor()
    for number, packet in enumerate(packets):
        w.send("cam", packet)
        # Before what arrives fills a socket
        if number % 50 == 49:
            w.flush()
    w.until(name + ": it is quarantined", "quarantined", lambda: w.state(CAM_MAC))
    w.until(name + ": the event says why", [(kind, "cam", "quarantine")], lambda: monitor.anomalies(kind))
    monitor.close()
    after = w.counts()
    w.check(name + ": counted once", 1, after["cam", kind] - before["cam", kind])
    release()
    harmless(name + ": released, it goes on", [])


def syns(src, dst, ports):
    return [segment(src, dst, SYN, dport=number)(b"") for number in ports]


def feigned(src, dst, ports):
    """Of each connection an ACK comes first, as if it had begun before."""
    for number in ports:
        yield segment(src, dst, ACK, dport=number)(b"")
        yield ip(src, dst, TCP, tcp(port, number, SYN, 3000, 0, b""))


def echoes(src, others):
    kind, proto = (128, ICMP6) if is_v6(src) else (8, ICMP)
    return [ip(src, dst, proto, icmp(kind, b"", 0, 1)) for dst in others]


def scans():
    for six, cam, inet, gateway in FAMILIES:
        limited("scan", 50)
        harmless(six + "scan: 200 connections to one service are none", syns(cam, inet, [443] * 200))
        harmless(six + "scan: to 45 services neither", syns(cam, inet, range(1, 46)))
        harmless(six + "scan: nor to these again", syns(cam, inet, range(1, 46)))
        held(six + "scan: to 70 services", syns(cam, inet, range(1, 71)), "scan")
        harmless(six + "scan: from then on it is counted anew", syns(cam, inet, range(1, 46)))
        held(six + "scan: and it is one again", syns(cam, inet, range(1, 71)), "scan")
        limited("scan", 50)
        held(six + "scan: of what no rule opens", syns(cam, inet, range(2000, 2070)), "scan")
        limited("scan", 50)
        held(six + "scan: of what seems to have begun before", feigned(cam, inet, range(1, 71)), "scan")
        limited("scan", 50)
        held(six + "scan: of the gateway", syns(cam, gateway, range(1, 71)), "scan")
        limited("scan", 50)
        held(six + "scan: with UDP", [datagram(cam, inet, number)(b"") for number in range(1, 71)], "scan")
        limited("scan", 50)
        others = ["2001:db8::%x" % n if six else "192.0.2.%d" % n for n in range(100, 170)]
        held(six + "scan: of hosts, with echo requests", echoes(cam, others), "scan")
        limited("scan", 50)
        harmless(six + "scan: answers are none", answers(cam, inet, range(1, 71)))
        harmless(six + "scan: nor are segments of what has begun before", [
            segment(cam, inet, ACK, dport=number)(b"") for number in range(1, 71)])
        harmless(six + "scan: nor what may be late answers", [
            ip(cam, inet, UDP, udp(9, number, b"")) for number in range(100, 170)])
        harmless(six + "scan: nor fragments of one datagram", datagrams(cam, inet, range(8, 72, 8))[1])
    harmless("scan: another segment's device, without a limit", syns(LOCK, INET, range(1, 301)), "lock")


def answers(src, dst, ports):
    """Others ask on all of these ports."""
    marks = [w.mark() for _ in ports]
    for mark, number in zip(marks, ports):
        w.send("inet", ip(dst, src, UDP, udp(number, 9, mark)))
    w.arrived("cam", marks[-1])
    return [ip(src, dst, UDP, udp(9, number, b"")) for number in ports]


def other_ends():
    """What else may follow, and what a policy that only observes does."""
    limited("scan", 50, "event")
    monitor = Monitor()
    harmless("scan, then event: all pass", syns(CAM, INET, range(1, 101)), counts="cam:scan")
    w.until("scan, then event: it comes", [("scan", "cam", "event")], lambda: monitor.anomalies("scan"))
    monitor.close()
    limited("scan", 50, "count")
    harmless("scan, then count: all pass", syns(CAM, INET, range(1, 101)), counts="cam:scan")
    for kind in ("scan", "rate"):
        limited(kind, 50, mode="observe")
        harmless(kind + ", observe: counted once, and all pass", syns(CAM, INET, range(1, 101)), counts="cam:" + kind)
        limited(kind, 50)
        harmless(kind + ", then enforced: nothing follows from that", syns(CAM, INET, range(101, 131)))


def rates():
    for six, cam, inet, _ in FAMILIES:
        limited("rate", 50)
        harmless(six + "rate: a connection of 200 segments is one", [segment(cam, inet, SYN)(b"")] * 200)
        harmless(six + "rate: datagrams of one connection, unanswered", [ip(cam, inet, UDP, udp(port, 10, b""))] * 200)
        harmless(six + "rate: 40 more connections", syns(cam, inet, [443] * 40))
        held(six + "rate: 20 more", syns(cam, inet, [443] * 20), "rate")
        harmless(six + "rate: from then on it is counted anew", syns(cam, inet, [443] * 40))
        held(six + "rate: and is too much again", syns(cam, inet, [443] * 20), "rate")
        limited("rate", 50)
        held(six + "rate: of what seems to have begun before", feigned(cam, inet, [444] * 70), "rate")
        limited("rate", 50)
        harmless(six + "rate: answers are none", answers(cam, inet, range(1, 71)))
    harmless("rate: another segment's device, without a limit", syns(LOCK, INET, [443] * 300), "lock")


def main():
    w.mute("cam", "lock", "inet")
    apply()
    bad_flags()
    fragments()
    scans()
    rates()
    other_ends()
    apply(mode="observe")
    bad_flags_observed()
    fragments_observed()
    apply("bad_flags: {limit: 3/1h, then: quarantine}")
    bad_flags_limited()


if __name__ == "__main__":
    main()

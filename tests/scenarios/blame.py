#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The cases of blame.sh: cam is a camera, lock its recorder."""
import socket

from wire import *

LIMITS = "{%s}" % ", ".join(
    kind + ": {limit: 5/1m, then: quarantine}"
    for kind in ("segment_violation", "unauthenticated", "spoofed_source", "malformed", "moved_port", "unjudged")
)
POLICY = """
version: 1
mode: %s
ports: [lan0, lan1]
uplinks: [wan0, plant0]
segments:
  cameras: {authentication: certificate, isolate: true, anomalies: %s}
  recorders: {authentication: certificate, isolate: true, anomalies: %s}
  wan: {networks: [0.0.0.0/0, "::/0"]}
rules:
  - {from: cameras, to: recorders, allow: [udp/9, tcp/4430]}
  - {from: recorders, to: cameras, allow: [udp/9, tcp/4430]}
  - {from: cameras, to: wan, allow: [udp/9]}
  - {from: recorders, to: wan, allow: [udp/9]}
%s
devices:
  - {name: cam, mac: "%s", network_segment: cameras, addresses: [%s, "%s"], port: lan0}
  - {name: lock, mac: "%s", network_segment: recorders, addresses: [%s, "%s"], port: lan1}
"""
HARDWARE = (CAM_MAC, CAM, CAM6, LOCK_MAC, LOCK, LOCK6)
OPEN = "  - {from: wan, to: cameras, allow: [udp/9, tcp/4430]}"
FAMILIES = (("", CAM, LOCK, INET), ("IPv6: ", CAM6, LOCK6, INET6))
w = Wire()
port = 2000


def apply(mode="enforce", rules=OPEN):
    w.apply(POLICY % (mode, LIMITS, LIMITS, rules, *HARDWARE))


def fresh(mode="enforce", rules=OPEN):
    """Devices that never did anything"""
    policy = POLICY % (mode, LIMITS, LIMITS, rules, *HARDWARE)
    w.apply(policy[: policy.index("devices:")])
    w.apply(policy)
    both_active()


def device(verb, *words):
    Wire.run("cordonctl", "device", verb, *words)


def both_active():
    for name in ("cam", "lock"):
        device("release", name)
        device("lease", name, "1h")


def datagram(src, dst, sport, dport):
    return lambda mark: ip(src, dst, UDP, udp(sport, dport, mark))


def segment(src, dst, sport, dport, flags, seq=1000, ack=0):
    return lambda mark: ip(src, dst, TCP, tcp(sport, dport, flags, seq, ack, mark))


def silent(name, host, at, make, counts, times=1, states=None):
    """Sent so often, it never arrives, and this is what it counts. Frames of one host are taken in their order: when
    cam's frame to the internet has arrived, those of cam have been dealt with; of others, what the gateway has counted."""
    marks = [w.mark() for _ in range(times)]
    before = w.counts()
    denied = int(w.read("devices/%s/denied" % CAM_MAC)), int(w.read("devices/%s/denied" % LOCK_MAC))
    for mark in marks:
        w.send(host, make(mark))
    after = w.mark()
    # From whichever state: a neighbour's solicitation is for the gateway alone, and always open.
    me, ll = {"cam": (CAM6, "lan0"), "lock": (LOCK6, "lan1"), "inet": (INET6, "wan0")}[host]
    with open("/sys/class/net/%s/address" % ll, encoding="ascii") as f:
        target = link_local(f.read().strip())
    w.send(host, ip(me, target, ICMP6, solicit(target, after), 255))
    control = after in w.arrived("gw", after)
    arrived = sum(any(m in data for m in marks) for data in w.drain(at))
    grown = sum((int(w.read("devices/%s/denied" % CAM_MAC)) - denied[0], int(w.read("devices/%s/denied" % LOCK_MAC)) - denied[1]))
    w.check(name, (0, True, counts, True), (arrived, control, Wire.grown(before, w.counts()), grown >= times or host == "inet"))
    if states:
        w.check(name + ": what they are now", states, (w.state(CAM_MAC), w.state(LOCK_MAC)))


def lease_ends():
    global port
    for six, cam, lock, inet in FAMILIES:
        port += 1
        fresh()
        w.passes(six + "the camera opens", "cam", "lock", datagram(cam, lock, port, 9))
        w.passes(six + "the recorder answers", "lock", "cam", datagram(lock, cam, 9, port))
        w.passes(six + "the camera opens TCP", "cam", "lock", segment(cam, lock, port, 4430, SYN))
        w.passes(six + "the recorder answers it", "lock", "cam", segment(lock, cam, 4430, port, SYN | ACK, 5000, 1009))
        device("lease", "cam", "0")
        silent(six + "its lease ends: the recorder answers, and is not charged", "lock", "cam",
               datagram(lock, cam, 9, port), "", 10)
        silent(six + "nor for its answers over TCP", "lock", "cam", segment(lock, cam, 4430, port, ACK, 5001, 1009), "", 10,
               ("expired", "active"))
        silent(six + "nor for what it opens towards it", "lock", "cam", datagram(lock, cam, port, 9), "", 10)
        silent(six + "but for what it may never open", "lock", "cam", datagram(lock, cam, port, 10),
               "lock:segment_violation", 1, ("expired", "active"))
        silent(six + "the camera's ICMP error about an answer is no anomaly either", "cam", "lock",
               about(cam, lock, datagram(lock, cam, 9, port), six), "", 10)
        silent(six + "the camera is, for its own", "cam", "lock", datagram(cam, lock, port, 9), "cam:unauthenticated", 1,
               ("expired", "active"))
        silent(six + "and its limit acts on it alone", "cam", "lock", datagram(cam, lock, port, 9), "cam:unauthenticated*4", 4,
               ("quarantined", "active"))


def recorder_quarantined():
    global port
    for six, cam, lock, inet in FAMILIES:
        port += 1
        fresh()
        w.passes(six + "the recorder opens a stream", "lock", "cam", datagram(lock, cam, port, 9))
        w.passes(six + "the camera streams", "cam", "lock", datagram(cam, lock, 9, port))
        w.passes(six + "the camera opens a stream of its own", "cam", "lock", datagram(cam, lock, port + 500, 9))
        device("quarantine", "lock")
        silent(six + "the recorder is quarantined: the camera streams on", "cam", "lock", datagram(cam, lock, 9, port), "", 20)
        silent(six + "and on the connection that it opened", "cam", "lock", datagram(cam, lock, port + 500, 9), "", 20)
        silent(six + "and on a new one", "cam", "lock", datagram(cam, lock, port + 600, 9), "", 20, ("active", "quarantined"))
        silent(six + "what it may not open is charged as ever", "cam", "lock", datagram(cam, lock, port, 10),
               "cam:segment_violation")
        silent(six + "and the recorder for what it sends", "lock", "cam", datagram(lock, cam, port, 9),
               "lock:segment_violation", 1, ("active", "quarantined"))
        gateway_opens(six, lock)


def gateway_opens(six, lock):
    """Towards a device that is quarantined"""
    Wire.run("ip", "neigh", "flush", "dev", "lan1")
    for kind, dport in ((socket.SOCK_STREAM, 443), (socket.SOCK_DGRAM, 53)):
        with socket.socket(socket.AF_INET6 if six else socket.AF_INET, kind) as s:
            s.settimeout(WAIT)
            try:
                s.connect((lock, dport))
                s.send(b"hello")
                got = s.recv(16)
            except OSError as e:
                got = str(e)
        w.check("%swhat the gateway opens to it passes, %s" % (six, kind.name), b"hello", got)


def rule_taken():
    global port
    for six, cam, lock, inet in FAMILIES:
        port += 1
        fresh()
        w.passes(six + "the internet opens", "inet", "cam", datagram(inet, cam, port, 9))
        w.passes(six + "the camera answers", "cam", "inet", datagram(cam, inet, 9, port))
        w.passes(six + "the internet opens TCP", "inet", "cam", segment(inet, cam, port, 4430, SYN))
        w.passes(six + "the camera answers it", "cam", "inet", segment(cam, inet, 4430, port, SYN | ACK, 5000, 1009))
        apply(rules="")
        both_active()
        silent(six + "the rule is taken away: the camera answers", "cam", "inet", datagram(cam, inet, 9, port), "", 20)
        silent(six + "over TCP, too", "cam", "inet", segment(cam, inet, 4430, port, ACK, 5001, 1009), "", 20,
               ("active", "active"))
        silent(six + "the internet is charged", "inet", "cam", datagram(inet, cam, port, 9), ":segment_violation*20", 20,
               ("active", "active"))
        silent(six + "what the camera opens now is its own", "cam", "inet", datagram(cam, inet, port, 10),
               "cam:segment_violation", 1, ("active", "active"))
        fresh()
        silent(six + "an answer over TCP whose entry is gone is no anomaly", "cam", "inet",
               segment(cam, inet, 4430, port + 700, ACK, 9000, 1), "", 20, ("active", "active"))
        silent(six + "a SYN from there is one", "cam", "inet", segment(cam, inet, 4430, port + 701, SYN),
               "cam:segment_violation", 1, ("active", "active"))
        silent(six + "and an answer from a port that nobody may ask", "cam", "inet",
               segment(cam, inet, 4440, port + 702, ACK, 9000, 1), "cam:segment_violation", 1, ("active", "active"))


def late_answer():
    """Whoever may ask can ask, and have the entry forgotten before the answer comes."""
    global port
    for six, cam, lock, inet in FAMILIES:
        port += 1
        fresh()
        silent(six + "an answer over UDP whose entry is gone is counted, and no limit acts on it", "cam", "inet",
               datagram(cam, inet, 9, port), "cam:segment_violation*20", 20, ("active", "active"))
        silent(six + "one from a port that nobody may ask", "cam", "inet", datagram(cam, inet, 19, port),
               "cam:segment_violation*20", 20, ("quarantined", "active"))


def moved():
    """Somebody at the recorder's port bears the camera's MAC: the camera itself, or whoever likes."""
    for six, cam, lock, inet in FAMILIES:
        fresh()
        before, marks, after = w.counts(), [w.mark() for _ in range(20)], w.mark()
        for mark in marks:
            w.send("lock", datagram(cam, inet, 1000, 9)(mark), mac=CAM_MAC)
        w.send("lock", datagram(lock, inet, 1000, 9)(after))
        w.check(six + "a device's MAC at another port is dropped, what is sent there otherwise is not", {after},
                w.arrived("inet", after, marks))
        w.check(six + "it is counted, so that a device that moved is seen", "cam:moved_port*20", Wire.grown(before, w.counts()))
        w.check(six + "a limit does not quarantine the device for it", ("active", "active"), (w.state(CAM_MAC), w.state(LOCK_MAC)))
        w.passes(six + "the device goes on where it belongs", "cam", "inet", datagram(cam, inet, 1000, 9))
        silent(six + "what it does there itself is its own", "cam", "inet", datagram(cam, inet, 1001, 10),
               "cam:segment_violation*5", 5, ("quarantined", "active"))


def about(src, dst, inner, six):
    """An ICMP error about a packet"""
    if six:
        return lambda mark: ip(src, dst, ICMP6, icmp(1, inner(mark), 4))
    return lambda mark: ip(src, dst, ICMP, icmp(3, inner(mark), 3))


def errors():
    global port
    for six, cam, lock, inet in FAMILIES:
        port += 1
        fresh()
        w.passes(six + "the camera opens to the internet", "cam", "inet", datagram(cam, inet, port, 9))
        sent, answer = datagram(cam, inet, port, 9), datagram(inet, cam, 9, port)
        w.passes(six + "an error from a router there", "inet", "cam", about("2001:db8::99" if six else "192.0.2.99", cam, sent, six))
        w.passes(six + "an error from the camera about an answer", "cam", "inet", about(cam, inet, answer, six))
        silent(six + "an error from a device that has no part in it", "lock", "cam", about(lock, cam, sent, six),
               "lock:segment_violation", 1, ("active", "active"))
        gateway = "fd00:20::1" if six else "10.0.20.1"
        w.passes(six + "the camera asks the gateway", "cam", "gw", datagram(cam, gateway, port, 53))
        silent(six + "an error about that, from another device", "lock", "gw",
               about(lock, gateway, datagram(gateway, cam, 53, port), six), "lock:segment_violation", 1)
        w.passes(six + "from the camera itself", "cam", "gw", about(cam, gateway, datagram(gateway, cam, 53, port), six))


def observed():
    fresh("observe")
    for six, cam, lock, inet in FAMILIES:
        broken = dict(nexthdr=DSTOPTS, before=bytes([UDP, 20, 1, 4, 0, 0, 0, 0])) if six else {}
        for kind, make in (
            ("segment_violation", datagram(cam, inet, 1000, 10)),
            ("spoofed_source", datagram(lock, inet, 1000, 9)),
            ("malformed", lambda m: ip(cam, inet, UDP, struct.pack("!HHHH", 1000, 9, 16 if six else 99, 0) + m, **broken)),
        ):
            before = w.counts()
            for _ in range(999):
                w.send("cam", make(b""))
            w.flush()
            w.passes("%sobserve: %s passes" % (six, kind), "cam", "inet", make, "cam:" + kind)
            w.check("%sobserve: all of them are counted" % six, "cam:%s*1000" % kind, Wire.grown(before, w.counts()))
    w.check("observe: nobody is quarantined", ("active", "active"), (w.state(CAM_MAC), w.state(LOCK_MAC)))
    device("lease", "cam", "0")
    for _ in range(100):
        w.send("cam", datagram(CAM, LOCK, 1000, 9)(b""))
    device("lease", "cam", "1h")
    w.check("observe: a lease is granted after all", "active", w.state(CAM_MAC))
    apply("enforce")
    w.check("then enforced: nor now", ("active", "active"), (w.state(CAM_MAC), w.state(LOCK_MAC)))
    w.passes("then enforced: what is allowed passes", "cam", "inet", datagram(CAM, INET, 1000, 9))
    silent("then enforced: four anomalies are below the limit", "cam", "inet", datagram(CAM, INET, 1001, 10),
           "cam:segment_violation*4", 4, ("active", "active"))
    silent("then enforced: the fifth reaches it", "cam", "inet", datagram(CAM, INET, 1002, 10), "cam:segment_violation", 1,
           ("quarantined", "active"))


def main():
    apply()
    w.hear(UDP, ICMP, ICMP6)
    w.mute("cam", "lock", "inet")
    w.flush()
    lease_ends()
    recorder_quarantined()
    rule_taken()
    late_answer()
    errors()
    moved()
    observed()


main()

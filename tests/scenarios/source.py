#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The cases of source.sh"""
import socket
import struct
import subprocess

from wire import *

POLICY = """
version: 1
mode: %s
ports: [lan0, lan1]
uplinks: [wan0, plant0]
segments:
  iot: {anomalies: {segment_violation: {limit: 1000/1m, then: quarantine}}}
  locked: {authentication: certificate}
  plant: {networks: [10.0.50.0/24, "fd00:50::/64"], interfaces: [plant0]}
  wan: {networks: [0.0.0.0/0, "::/0"]}
rules:
  - {from: iot, to: wan, allow: [udp/9]}
  - {from: wan, to: iot, allow: [udp/9]}
  - {from: plant, to: iot, allow: [udp/9]}
  - {from: plant, to: gateway, allow: [udp/9]}
  - {from: wan, to: gateway, allow: [udp/10]}
devices:
  - {name: cam, mac: "%s", network_segment: iot, addresses: [%s, "%s"], port: lan0}
  - {name: lock, mac: "%s", network_segment: locked, addresses: [%s, "%s"], port: lan1}
"""
HARDWARE = (CAM_MAC, CAM, CAM6, LOCK_MAC, LOCK, LOCK6)
OPAQUE, OTHER = "fe80::1234:5678:9abc:def0", "fe80::99:88:77:66"
CAM_LL, LOCK_LL = link_local(CAM_MAC), link_local(LOCK_MAC)
w = Wire()


def datagram(src, dst, dport, sport=1000, hops=64):
    return lambda mark: ip(src, dst, UDP, udp(sport, dport, mark), hops)


def dns(src, dst):
    return datagram(src, dst, 53)


def dad(target):
    """Duplicate address detection; the group is the target's."""
    group = "ff02::1:ff" + socket.inet_pton(socket.AF_INET6, target)[-3:].hex()[:2] + ":"
    group += socket.inet_pton(socket.AF_INET6, target)[-2:].hex()
    return lambda mark: ip("::", group, ICMP6, icmp(135, packed(target)), 255)


def listener_report(src):
    """MLDv2 with its Router Alert (RFC 3810, 5.2)"""
    record = struct.pack("!BBH", 4, 0, 0) + packed("ff02::fb")
    return lambda mark: ip(
        src, "ff02::16", ICMP6, icmp(143, record, rest=1), 1, nexthdr=0, before=bytes([ICMP6, 0, 5, 2, 0, 0, 1, 0])
    )


def quiet(name, host, make):
    """What nobody waits for: it is no anomaly."""
    mark = w.mark()
    before = w.counts()
    w.send(host, make(mark))
    control = w.mark()
    w.send("cam", dns(CAM, GW_CAM)(control))
    seen = w.arrived("gw", control)
    w.check(name, (True, ""), (control in seen, Wire.grown(before, w.counts())))


def echo(source, target, port, kind):
    """cam asks the gateway, and is answered."""

    def ask():
        with socket.socket(socket.AF_INET6, kind) as s:
            s.settimeout(WAIT)
            scope = socket.if_nametoindex("eth0")
            try:
                s.bind((source, 0, 0, scope))
                s.connect((target, port, 0, scope))
                s.send(b"hello")
                return s.recv(16) == b"hello"
            except OSError as e:
                return str(e)

    before = w.counts()
    got = Wire.inside("cam", ask)
    return got, Wire.grown(before, w.counts())


def link_local_sources():
    gateway = link_local(open("/sys/class/net/lan0/address", encoding="ascii").read().strip())
    w.passes("IPv6: DHCP from its derived address", "cam", "gw", datagram(CAM_LL, "ff02::1:2", 547, 546))
    w.passes("IPv6: DNS at the gateway's link-local address", "cam", "gw", dns(CAM_LL, gateway))
    for how, kind in (("UDP", socket.SOCK_DGRAM), ("TCP", socket.SOCK_STREAM)):
        got = echo(CAM_LL, gateway, 53, kind)
        w.check("IPv6: DNS over %s at the gateway's link-local address is answered" % how, (True, ""), got)
    for name, group, port in (("mDNS", "ff02::fb", 5353), ("LLMNR", "ff02::1:3", 5355), ("SSDP", "ff02::c", 1900)):
        w.drops("IPv6: %s is nothing for the gateway" % name, "cam", "gw", datagram(CAM_LL, group, port, port),
                dns(CAM_LL, gateway), "")
        w.drops("IPv6: %s from its own address, likewise" % name, "cam", "gw", datagram(CAM6, group, port, port),
                dns(CAM_LL, gateway), "")
    w.drops("IPv6: another service of the gateway, asked for alone, is an anomaly", "cam", "gw",
            datagram(CAM_LL, gateway, 5353), dns(CAM_LL, gateway), "cam:segment_violation")
    quiet("IPv6: a listener report", "cam", listener_report(CAM_LL))
    quiet("IPv6: a listener report from ::", "cam", listener_report("::"))
    w.passes("IPv6: a router solicitation", "cam", "gw", lambda m: ip(CAM_LL, "ff02::2", ICMP6, icmp(133, m), 255))
    w.passes("IPv6: a router solicitation from ::", "cam", "gw", lambda m: ip("::", "ff02::2", ICMP6, icmp(133, m), 255))
    w.passes("IPv6: a neighbour solicitation", "cam", "gw", lambda m: ip(CAM_LL, gateway, ICMP6, solicit(gateway, m), 255))
    w.drops("IPv6: the neighbour's derived address", "cam", "gw", dns(LOCK_LL, gateway), dns(CAM_LL, gateway),
            "cam:spoofed_source")
    w.passes("IPv6: DNS at the gateway's other addresses, too", "cam", "gw", dns(CAM_LL, GW_CAM6))
    w.passes("IPv6: at any of them", "cam", "gw", dns(CAM_LL, GW_INET6))
    w.check("IPv6: and that is answered", (True, ""), echo(CAM_LL, GW_CAM6, 53, socket.SOCK_STREAM))
    w.drops("IPv6: no link-local address gets beyond the link", "cam", "inet", datagram(CAM_LL, INET6, 9),
            datagram(CAM6, INET6, 9), "cam:spoofed_source")

    Wire.inside("cam", lambda: Wire.run("ip", "addr", "add", OPAQUE + "/64", "dev", "eth0", "nodad"))
    quiet("IPv6: DAD of an opaque address", "cam", dad(OPAQUE))
    w.passes("IPv6: which is the device's from then on", "cam", "gw", dns(OPAQUE, gateway))
    w.drops("IPv6: another one is not", "cam", "gw", dns(OTHER, gateway), dns(OPAQUE, gateway), "cam:spoofed_source")
    w.passes("IPv6: the derived one still is", "cam", "gw", dns(CAM_LL, gateway))
    got = echo(OPAQUE, gateway, 53, socket.SOCK_DGRAM)
    w.check("IPv6: what is asked from the opaque address is answered", (True, ""), got)
    quiet("IPv6: DAD of another opaque address", "cam", dad(OTHER))
    w.drops("IPv6: which takes the first one's place", "cam", "gw", dns(OPAQUE, gateway), dns(OTHER, gateway),
            "cam:spoofed_source")
    gateway = link_local(open("/sys/class/net/lan1/address", encoding="ascii").read().strip())
    w.passes("IPv6: the first opaque address that is used needs no DAD", "lock", "gw", dns(OPAQUE, gateway))
    w.drops("IPv6: the second does", "lock", "gw", dns(OTHER, gateway), dns(OPAQUE, gateway), "lock:spoofed_source")


def chatter():
    for host, me, control in (("cam", CAM, dns(CAM, GW_CAM)), ("lock", LOCK, dns(LOCK, "10.0.30.1"))):
        broadcast = me.rsplit(".", 1)[0] + ".255"
        for name, to, port in (("mDNS", "224.0.0.251", 5353), ("SSDP", "239.255.255.250", 1900),
                               ("LLMNR", "224.0.0.252", 5355), ("NetBIOS", broadcast, 137),
                               ("a broadcast to all", "255.255.255.255", 6666)):
            w.drops("%s of %s is nothing for the gateway" % (name, host), host, "gw",
                    datagram(me, to, port, port), control, "",
                    lambda h, p: w.send(h, p, b"\xff" * 6 if p[19] == 255 else None))
    w.drops("NetBIOS to the gateway alone is an anomaly", "cam", "gw", datagram(CAM, GW_CAM, 137), dns(CAM, GW_CAM),
            "cam:segment_violation")
    w.drops("and of a device without a lease another one", "lock", "gw", datagram(LOCK, "10.0.30.1", 137),
            dns(LOCK, "10.0.30.1"), "lock:unauthenticated")


def own_copies():
    """A sender and a listener on the gateway, as dnsmasq and avahi are."""
    for name, group, interface in (("a group", "224.0.0.251", "lan0"), ("IPv6: a group", "ff02::fb", "lan0"),
                                   ("a group on an uplink", "224.0.0.251", "wan0"),
                                   ("IPv6: a group on an uplink", "ff02::fb", "wan0"),
                                   ("broadcast", "10.0.20.255", "lan0"), ("broadcast to all", "255.255.255.255", "lan0")):
        family = socket.AF_INET6 if is_v6(group) else socket.AF_INET
        before = w.counts()
        index = socket.if_nametoindex(interface)
        with socket.socket(family, socket.SOCK_DGRAM) as listener, socket.socket(family, socket.SOCK_DGRAM) as sender:
            listener.settimeout(WAIT)
            listener.bind(("", 5454))
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
            if is_v6(group):
                member = packed(group) + struct.pack("@I", index)
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, member)
            elif group.startswith("224"):
                member = packed(group) + struct.pack("@4si", b"", index)
                listener.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
            try:
                sender.sendto(b"hello", (group, 5454, 0, index) if is_v6(group) else (group, 5454))
                got = listener.recv(16)
            except OSError as e:
                got = str(e)
        w.check("%s: the gateway hears itself" % name, (b"hello", ""), (got, Wire.grown(before, w.counts())))


def forwarded_copies():
    """A device's packet for a group is forwarded to wan0, where the gateway is a member. The copy that the gateway keeps
    is none of its own: a rule says whether the device may send it to the gateway."""
    index = [socket.if_nametoindex(name) for name in ("lan0", "wan0")]
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, IGMP) as router:
        router.setsockopt(socket.IPPROTO_IP, 200, 1)  # MRT_INIT
        for vif in (0, 1):  # MRT_ADD_VIF, VIFF_USE_IFINDEX
            router.setsockopt(socket.IPPROTO_IP, 202, struct.pack("=HBBIII", vif, 8, 1, 0, index[vif], 0))
        cache = packed(CAM) + packed("239.1.1.1") + struct.pack("=H32s2xIIIi", 0, b"\0\1", 0, 0, 0, 0)
        router.setsockopt(socket.IPPROTO_IP, 204, cache)  # MRT_ADD_MFC
        w.join("239.1.1.1", "wan0")
        group = lambda mark: ip(CAM, "239.1.1.1", UDP, udp(1000, 9, mark), 4)
        w.passes("a device's packet for a group, forwarded", "cam", "inet", group)
        w.flush()
        w.drops("the gateway's copy of it", "cam", "gw", group, dns(CAM, GW_CAM), "")
        opened = POLICY.replace("rules:", "rules:\n  - {from: iot, to: gateway, allow: [udp/9]}")
        w.apply(opened % ("enforce", *HARDWARE))
        w.passes("where a rule opens it to the gateway, too", "cam", "gw", group)
        w.apply(POLICY % ("enforce", *HARDWARE))


def mapped():
    inside, plant = "::ffff:" + CAM, "::ffff:" + PLANT
    good = datagram(INET6, CAM6, 9)
    w.drops("a mapped source from an uplink, forwarded", "inet", "cam", datagram(plant, CAM6, 9), good, ":malformed")
    w.drops("a mapped destination from an uplink", "inet", "cam", datagram(INET6, inside, 9), good, ":malformed")
    w.drops("both", "inet", "cam", datagram(plant, inside, 9), good, ":malformed")
    w.drops("a mapped source to the gateway", "inet", "gw", datagram(plant, GW_INET6, 10), datagram(INET6, GW_INET6, 10),
            ":malformed")
    w.drops("the gateway's address, mapped", "inet", "gw", datagram(INET6, "::ffff:" + GW_INET, 10),
            datagram(INET6, GW_INET6, 10), ":malformed")
    w.drops("its own address, mapped, from a device", "cam", "inet", datagram(inside, INET6, 9), datagram(CAM6, INET6, 9),
            "cam:malformed")
    w.drops("a mapped destination from a device", "cam", "inet", datagram(CAM6, "::ffff:" + INET, 9),
            datagram(CAM6, INET6, 9), "cam:malformed")
    w.drops("the gateway's address, mapped, from a device", "cam", "gw", datagram(CAM6, "::ffff:" + GW_CAM, 53),
            dns(CAM6, GW_CAM6), "cam:malformed")


def places():
    for six, plant, cam, gw in (("", PLANT, CAM, GW_INET), ("IPv6: ", PLANT6, CAM6, GW_INET6)):
        inet = INET6 if six else INET
        w.passes(six + "an address of the plant from the plant", "plant", "cam", datagram(plant, cam, 9))
        w.passes(six + "to the gateway, likewise", "plant", "gw", datagram(plant, "fd00:50::1" if six else "10.0.50.1", 9))
        w.drops(six + "the same address from elsewhere", "inet", "cam", datagram(plant, cam, 9), datagram(inet, cam, 9),
                ":spoofed_source")
        w.drops(six + "to the gateway, likewise", "inet", "gw", datagram(plant, gw, 9), datagram(inet, gw, 10),
                ":spoofed_source")
        w.drops(six + "a device's address from an uplink", "inet", "cam", datagram(cam, "fd00:20::12" if six else "10.0.20.12", 9),
                datagram(inet, cam, 9), ":spoofed_source")
        w.passes(six + "a segment that names no interface is believed anywhere", "plant", "cam",
                 datagram("2001:db8::99" if six else "192.0.2.99", cam, 9))


HEADERS = {
    "destination options": (60, bytes([UDP, 0, 1, 4, 0, 0, 0, 0])),
    "AH": (51, bytes([UDP, 4, 0, 0]) + b"\0\0\0\1" * 4 + b"\0" * 4),
    "routing": (43, bytes([UDP, 0, 4, 0, 0, 0, 0, 0])),
}


def pieces(src, dst, proto, body, number, nexthdr):
    """Two fragments; the first one has 64 bytes of payload."""
    for offset, more, part in ((0, 1, body[:64]), (64, 0, body[64:])):
        header = struct.pack("!BBHI", nexthdr, 0, offset | more, number)
        yield ip(src, dst, proto, part, nexthdr=FRAGMENT, before=header)


def fragments():
    for number, (name, (nexthdr, header)) in enumerate(HEADERS.items(), 7000):
        piece = struct.pack("!BBHI", nexthdr, 0, 64, number)
        quiet("IPv6: a later fragment behind %s is not malformed" % name, "cam",
              lambda m: ip(CAM6, INET6, 255, b"\xff" * 32 + m, nexthdr=FRAGMENT, before=piece))
        for dport, wanted in ((9, True), (10, False)):
            mark, control = w.mark(), w.mark()
            body = header + summed(CAM6, INET6, UDP, udp(1000, dport, mark + b"\1" * 80))
            before = w.counts()
            for part in pieces(CAM6, INET6, 255, body, number + 100 * dport, nexthdr):
                w.send("cam", part)
            w.send("cam", datagram(CAM6, INET6, 9)(control))
            seen = w.arrived("inet", control, [mark])
            w.check("IPv6: a datagram behind %s in fragments: %s" % (name, "passes" if wanted else "no rule opens it"),
                    (wanted, "" if wanted else "cam:segment_violation"),
                    (mark in seen, Wire.grown(before, w.counts())))
        w.drops("IPv6: the same from another's address", "cam", "inet",
                lambda m: ip(LOCK6, INET6, 255, b"\xff" * 32 + m, nexthdr=FRAGMENT, before=piece),
                datagram(CAM6, INET6, 9), "cam:spoofed_source")
    broken = bytes([UDP, 20, 1, 4, 0, 0, 0, 0])
    good, answer = datagram(CAM6, INET6, 9), datagram(INET6, CAM6, 9)
    w.drops("IPv6: options that say more than there is are malformed", "cam", "inet",
            lambda m: ip(CAM6, INET6, UDP, udp(1000, 9, m), nexthdr=DSTOPTS, before=broken), good, "cam:malformed")
    w.drops("IPv6: from an uplink, too", "inet", "cam",
            lambda m: ip(INET6, CAM6, UDP, udp(1000, 9, m), nexthdr=DSTOPTS, before=broken), answer, ":malformed")
    first = struct.pack("!BBHI", DSTOPTS, 0, 1, 7999)
    w.drops("IPv6: a first fragment without its whole chain is one that no stack cuts", "cam", "inet",
            lambda m: ip(CAM6, INET6, 255, broken + m, nexthdr=FRAGMENT, before=first), good, "cam:fragment")


def neighbours():
    """Nobody speaks for another, is a router or gives addresses, on a port in no bridge either."""
    def raw(host, data):
        w.sockets[host].send(data)

    def entry():
        return subprocess.run(["ip", "-o", "neigh", "show", CAM, "dev", "lan0"], check=True, capture_output=True).stdout

    broadcast, nobody, control = "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00", datagram(CAM, INET, 9)
    for name, op, mac, address in (("another's address", REPLY, CAM_MAC, LOCK), ("the gateway's", REQUEST, CAM_MAC, GW_CAM),
                                   ("another's MAC", REPLY, LOCK_MAC, CAM)):
        w.drops("ARP: " + name, "cam", "inet", arp(broadcast, CAM_MAC, op, mac, address, nobody, GW_CAM), control,
                "cam:arp_spoof", raw)
    w.check("the gateway knows who has the address", (True, False),
            (CAM_MAC.encode() in entry(), LOCK_MAC.encode() in entry()))
    w.drops("ARP: a MAC that no device has", "cam", "inet",
            arp(broadcast, "02:00:00:00:99:99", REPLY, "02:00:00:00:99:99", CAM, nobody, GW_CAM), control, ":unknown_device", raw)
    w.drops("ARP: on another's port", "cam", "inet", arp(broadcast, LOCK_MAC, REPLY, LOCK_MAC, LOCK, nobody, GW_CAM),
            control, "lock:moved_port", raw)
    w.drops("ARP: its own", "cam", "inet", arp(broadcast, CAM_MAC, REQUEST, CAM_MAC, CAM, nobody, GW_CAM), control, "", raw)
    for name, make, kind in (
        ("its own advertisement", advert(CAM6, GW_CAM6, CAM6, CAM_MAC), ""),
        ("an advertisement of another's address", advert(CAM6, GW_CAM6, LOCK6, CAM_MAC), "cam:nd_spoof"),
        ("an advertisement of another's MAC", advert(CAM6, GW_CAM6, CAM6, LOCK_MAC), "cam:nd_spoof"),
        ("a router advertisement", routers(CAM_LL, "ff02::1"), "cam:rogue_ra"),
    ):
        if kind:
            w.drops("NDP: " + name, "cam", "gw", make, dns(CAM6, GW_CAM6), kind)
        else:
            w.passes("NDP: " + name, "cam", "gw", make)


def clock():
    for six, cam, lock, to in (("", CAM, LOCK, (GW_CAM, "10.0.30.1")), ("IPv6: ", CAM6, LOCK6, (GW_CAM6, "fd00:30::1"))):
        w.passes(six + "NTP is open", "cam", "gw", datagram(cam, to[0], 123))
        w.passes(six + "without a lease, too", "lock", "gw", datagram(lock, to[1], 123))
        w.drops(six + "the port beside it is not", "lock", "gw", datagram(lock, to[1], 124), dns(lock, to[1]),
                "lock:unauthenticated")
    Wire.run("cordonctl", "device", "quarantine", "lock")
    for six, cam, lock, to in (("", CAM, LOCK, "10.0.30.1"), ("IPv6: ", CAM6, LOCK6, "fd00:30::1")):
        before = w.counts()
        mark = w.mark()
        w.send("lock", datagram(lock, to, 123)(mark))
        control = w.mark()
        w.send("cam", datagram(cam, GW_CAM6 if six else GW_CAM, 123)(control))
        seen = w.arrived("gw", control, [mark])
        w.check(six + "NTP is closed in quarantine", (False, "lock:segment_violation"),
                (mark in seen, Wire.grown(before, w.counts())))
    Wire.run("cordonctl", "device", "release", "lock")


def main():
    w.apply(POLICY % ("enforce", *HARDWARE))
    w.hear(UDP, ICMP6)
    for group in ("224.0.0.251", "224.0.0.252", "239.255.255.250", "ff02::fb", "ff02::1:3", "ff02::c", "ff02::1:2"):
        w.join(group, "lan0")
        w.join(group, "lan1")
    w.flush()
    link_local_sources()
    chatter()
    own_copies()
    forwarded_copies()
    neighbours()
    clock()
    mapped()
    places()
    fragments()


main()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The cases of uplink.sh"""
import errno
import socket

from wire import *

POLICY = """
version: 1
mode: enforce
ports: [lan0, lan1]
uplinks: [%s]
segments:
  iot: {isolate: false}
  admin: {networks: [10.0.50.0/24, "fd00:50::/64"]%s}
  wan: {networks: [0.0.0.0/0, "::/0"]}
rules:
  - {from: iot, to: wan, allow: [udp/9]}
  - {from: iot, to: iot, allow: [udp/9]}
  - {from: wan, to: gateway, allow: [udp/9%s]}
  - {from: wan, to: iot, allow: [udp/9]}
  - {from: admin, to: gateway, allow: [udp/9%s]}
devices:
  - {name: cam, mac: "%s", network_segment: iot, addresses: [%s, "%s"], port: lan0}
  - {name: lock, mac: "%s", network_segment: iot, addresses: [%s, "%s"]%s}
"""
HARDWARE = (CAM_MAC, CAM, CAM6, LOCK_MAC, LOCK, LOCK6)
DHCP = ", udp/67, udp/547, icmp6/133"
w = Wire()


def apply(uplinks="wan0, plant0", interfaces="", wan="", admin="", port=""):
    w.apply(POLICY % (uplinks, interfaces, wan, admin, *HARDWARE, port))


def address(interface):
    with open("/sys/class/net/%s/address" % interface, encoding="ascii") as f:
        return link_local(f.read().strip())


def datagram(src, dst, dport, sport=1000):
    return lambda mark: ip(src, dst, UDP, udp(sport, dport, mark))


def message(src, dst, kind, hops=255, rest=0):
    return lambda mark: ip(src, dst, ICMP6, icmp(kind, packed("fe80::77") + b"\xfd\x02" + mark.ljust(14, b"\0"), rest=rest), hops)


def query(src):
    return lambda mark: ip(src, "224.0.0.1", IGMP, struct.pack("!BBH", 0x11, 100, 0) + b"\0" * 4 + mark, 1)


def cases(host, own4, own6, gateway4, gateway6, gateway_ll):
    """What a server, a router and a querier say on the gateway's uplink. @own4 and @own6: their addresses"""
    other4 = own4.rsplit(".", 1)[0] + ".77" if host == "inet" else own4
    other6 = "2001:db8::77" if host == "inet" else own6
    link = "fe80::77" if host == "inet" else link_local(CAM_MAC)
    yield "a DHCP answer from another server", datagram(other4, gateway4, 68, 67)
    yield "a DHCP answer for all", datagram(own4, "255.255.255.255", 68, 67)
    yield "a DHCPv6 answer from another server", datagram(other6, gateway6, 546, 547)
    yield "a DHCPv6 answer from a link-local address", datagram(link, gateway_ll, 546, 547)
    yield "a router advertisement", message(link, "ff02::1", 134)
    yield "a router advertisement for it alone", message(link, gateway_ll, 134)
    yield "a redirect", message(link, gateway_ll, 137)
    yield "an MLD query", message(link, "ff02::1", 130, 1)
    yield "an IGMP query", query(own4)


def upkeep():
    control = datagram(INET, GW_INET, 9)
    for name, make in cases("inet", INET, INET6, GW_INET, GW_INET6, address("wan0")):
        w.passes("from an uplink: " + name, "inet", "gw", make)
    w.passes("from an uplink: a neighbour solicitation", "inet", "gw",
             lambda m: ip("fe80::77", address("wan0"), ICMP6, solicit(address("wan0"), m), 255))
    w.passes("from an uplink: a neighbour advertisement", "inet", "gw", message("fe80::77", address("wan0"), 136))
    w.drops("from an uplink: another port", "inet", "gw", datagram(INET, GW_INET, 69, 67), control, ":segment_violation")
    w.drops("IPv6: from an uplink: another port", "inet", "gw", datagram(INET6, GW_INET6, 545, 547), control,
            ":segment_violation")
    many = ("a DHCP answer for all", "an MLD query", "an IGMP query")
    router = ("a router advertisement", "a router advertisement for it alone", "a redirect")
    for name, make in cases("cam", CAM, CAM6, GW_CAM, GW_CAM6, address("lan0")):
        w.drops("from a device: " + name, "cam", "gw", make, datagram(CAM, GW_CAM, 53),
                "" if name in many else "cam:rogue_ra" if name in router else "cam:segment_violation")
    apply(uplinks="plant0")
    for name, make in cases("inet", INET, INET6, GW_INET, GW_INET6, address("wan0")):
        mark, control = w.mark(), w.mark()
        before = w.counts()
        w.send("inet", make(mark))
        w.send("cam", datagram(CAM, GW_CAM, 53)(control))
        seen = w.arrived("gw", control, [mark])
        w.check("from an interface that is not listed: " + name, (False, ":unlisted"),
                (mark in seen, Wire.grown(before, w.counts())))


def asking():
    yield "DHCP", datagram("0.0.0.0", "255.255.255.255", 67, 68)
    yield "DHCPv6", datagram("fe80::77", "ff02::1:2", 547, 546)
    yield "router discovery", lambda m: ip("fe80::77", "ff02::2", ICMP6, icmp(133, m), 255)
    yield "router discovery from ::", lambda m: ip("::", "ff02::2", ICMP6, icmp(133, m), 255)


def addressless():
    """An administrator's PC on an uplink of its own, which is plant0."""
    control = datagram(PLANT, "10.0.50.1", 9)
    for how, interfaces in (("networks", ""), ("interfaces", ", interfaces: [plant0]")):
        apply(interfaces=interfaces, admin=DHCP)
        for name, make in asking():
            w.passes("%s: %s of who has no address is judged as of the segment there" % (how, name), "plant", "gw", make)
        for name, make in asking():
            mark, after = w.mark(), w.mark()
            before = w.counts()
            w.send("inet", make(mark))
            w.send("inet", datagram(INET, GW_INET, 9)(after))
            seen = w.arrived("gw", after, [mark])
            w.check("%s: %s from another uplink is not" % (how, name), (True, False, ""),
                    (after in seen, mark in seen, Wire.grown(before, w.counts())))
        apply(interfaces=interfaces, wan=DHCP)
        for name, make in asking():
            w.drops("%s: %s is not opened by the rule of 0.0.0.0/0" % (how, name), "plant", "gw", make, control, "")
        for name, make in asking():
            w.passes("%s: %s on the uplink of that one is" % (how, name), "inet", "gw", make)


def local(dst, port):
    """The gateway sends. Return: what the kernel says to it"""
    with socket.socket(socket.AF_INET6 if is_v6(dst) else socket.AF_INET, socket.SOCK_DGRAM) as s:
        mark = w.mark()
        try:
            s.sendto(mark, (dst, port))
        except OSError as e:
            return mark, errno.errorcode[e.errno]
        return mark, "sent"


def reroute():
    """The address of lock is routed to wan0."""
    for six, address, via in (("", LOCK + "/32", INET), ("IPv6: ", LOCK6 + "/128", INET6)):
        target = LOCK6 if six else LOCK
        me = CAM6 if six else CAM
        to = INET6 if six else INET
        apply(port=", port: lan1")
        w.passes(six + "a device with a port is reached there", "cam", "lock", datagram(me, target, 9))
        mark, said = local(target, 9)
        w.check(six + "by the gateway, too", (True, "sent"), (mark in w.arrived("lock", mark), said))
        Wire.run("ip", "route", "add", address, "via", via, "dev", "wan0")
        w.drops(six + "and nowhere else", "cam", "inet", datagram(me, target, 9), datagram(me, to, 9), ":moved_port")
        before = w.counts()
        w.check(six + "nor by the gateway", ("EPERM", ":moved_port"),
                (local(target, 9)[1], Wire.grown(before, w.counts())))
        apply()
        w.passes(six + "a device without a port is sent to wherever the route leads", "cam", "inet", datagram(me, target, 9))
        mark, said = local(target, 9)
        w.check(six + "by the gateway, too (no port)", (True, "sent"), (mark in w.arrived("inet", mark), said))
        Wire.run("ip", "route", "del", address, "via", via, "dev", "wan0")
        apply(port=", port: lan1")
        family, other = ("ip6", "2001:db8::55") if six else ("ip", "192.0.2.55")
        Wire.run("nft", "add table %s nat; add chain %s nat out { type nat hook output priority -100; }; "
                 "add rule %s nat out %s daddr %s dnat to %s" % (family, family, family, family, other, target))
        before = w.counts()
        mark, said = local(other, 9)
        w.check(six + "what the gateway sends elsewhere, and translates to the device, leaves by the port",
                (True, "sent", ""), (mark in w.arrived("lock", mark), said, Wire.grown(before, w.counts())))
        Wire.run("nft", "delete table %s nat" % family)


def main():
    apply()
    w.hear(UDP, ICMP6, IGMP)
    w.join("ff02::1:2", "plant0")
    w.join("ff02::1:2", "wan0")
    w.flush()
    upkeep()
    addressless()
    reroute()


main()

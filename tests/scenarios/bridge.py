#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""bridge.py [WORDS]: the cases of bridge.sh that single frames make; WORDS go before their names"""
import json
import struct
import subprocess
import sys
import time

from wire import *

PLUG, PLUG6, PLUG_MAC = "10.0.20.13", "fd00:20::13", "02:00:00:00:01:03"
NEAR, NEAR6 = "10.0.20.12", "fd00:20::12"
STRANGER = "02:00:00:00:99:99"
BROADCAST, ALL_NODES, MDNS = "ff:ff:ff:ff:ff:ff", "33:33:00:00:00:01", "01:00:5e:00:00:fb"
V4 = {"cam": CAM, "lock": NEAR, "plug": PLUG}
V6 = {"cam": CAM6, "lock": NEAR6, "plug": PLUG6}
MAC = {"cam": CAM_MAC, "lock": LOCK_MAC, "plug": PLUG_MAC}

PORTS.clear()
PORTS.update({"cam": "br0", "lock": "br0", "plug": "br0", "inet": "wan0"})


def l3(to, sender, make):
    """A packet in a frame."""
    return lambda mark: (lambda packet: frame(to, sender, 0x86DD if packet[0] >> 4 == 6 else 0x0800, packet))(make(mark))


def datagram(src, dst, sport, dport):
    return lambda mark: ip(src, dst, UDP, udp(sport, dport, mark))


def ask(src, dst, target, mac):
    return lambda mark: ip(src, dst, ICMP6, icmp(135, packed(target) + option(SOURCE_MAC, mac) + unknown(mark)), 255)


def redirect(src, dst):
    return lambda mark: ip(src, dst, ICMP6, icmp(137, packed(GW_CAM6) + packed(INET6) + unknown(mark)), 255)


def solicited_group(target):
    """Its MAC"""
    return "33:33:ff:%02x:%02x:%02x" % tuple(packed(target)[13:])


def solicited(target):
    return socket.inet_ntop(socket.AF_INET6, packed("ff02::1:ff00:0")[:13] + packed(target)[13:])


class Bridge(Wire):
    def __init__(self, words):
        super().__init__()
        self.words = words
        self.gw = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def check(self, name, wanted, got):
        super().check(self.words + name, wanted, got)

    def send(self, host, packet, to=None, mac=None):
        """A whole frame, as all of them are here, or several; from inet a packet."""
        if isinstance(packet, list):
            for one in packet:
                self.send(host, one, to, mac)
        elif host == "inet":
            super().send(host, packet, to, mac)
        else:
            self.sockets[host].send(packet)

    def unseen(self, name, host, at, make, counts="", by="lock"):
        """A frame is not seen at a host, and one that another host sends it afterwards is."""
        mark, after = self.mark(), self.mark()
        before = self.counts()
        self.send(host, make(mark))
        if by == "gw":
            self.gw.sendto(after, (V4[at], 999))
        else:
            self.send(by, l3(MAC[at], MAC[by], datagram(V4[by], V4[at], 999, 443))(after))
        seen = self.arrived(at, after, [mark])
        self.check(name, ("unseen", True, counts),
                   ("seen" if mark in seen else "unseen", after in seen, self.grown(before, self.counts())))


def to_whom(b):
    """What one device sends to another is seen by that one alone."""
    for six, addresses in (("IPv4: ", V4), ("IPv6: ", V6)):
        opened = datagram(addresses["lock"], addresses["cam"], 4000, 443)
        b.passes(six + "a datagram that a rule admits", "lock", "cam", l3(CAM_MAC, LOCK_MAC, opened))
        b.unseen(six + "nobody beside sees it", "lock", "plug", l3(CAM_MAC, LOCK_MAC, opened))
        b.passes(six + "its answer", "cam", "lock",
                 l3(LOCK_MAC, CAM_MAC, datagram(addresses["cam"], addresses["lock"], 443, 4000)))
        b.unseen(six + "no rule admits it", "lock", "cam",
                 l3(CAM_MAC, LOCK_MAC, datagram(addresses["lock"], addresses["cam"], 4000, 7)), "lock:segment_violation")
        b.unseen(six + "in a segment that isolates", "cam", "plug",
                 l3(PLUG_MAC, CAM_MAC, datagram(addresses["cam"], addresses["plug"], 4000, 443)), "cam:segment_violation")
        b.unseen(six + "the address of one, the MAC of another", "lock", "plug",
                 l3(PLUG_MAC, LOCK_MAC, datagram(addresses["lock"], addresses["cam"], 4001, 443)), ":unjudged")
        b.unseen(six + "for a MAC that nobody has", "lock", "plug",
                 l3(STRANGER, LOCK_MAC, datagram(addresses["lock"], addresses["cam"], 4000, 443)), ":unjudged*2")
        b.unseen(six + "another's source", "cam", "lock",
                 l3(LOCK_MAC, CAM_MAC, datagram(addresses["plug"], addresses["lock"], 443, 4000)), "cam:spoofed_source",
                 by="gw")
        b.unseen(six + "an unknown MAC", "cam", "lock",
                 l3(LOCK_MAC, STRANGER, datagram(addresses["cam"], addresses["lock"], 443, 4000)), ":unknown_device",
                 by="gw")
        b.unseen(six + "the MAC of a device that is tied to another port", "cam", "lock",
                 l3(LOCK_MAC, PLUG_MAC, datagram(addresses["plug"], addresses["lock"], 443, 4000)), "plug:moved_port",
                 by="gw")


def for_many(b):
    """What is for many is seen by whom it may be opened towards."""
    b.unseen("a broadcast, in a segment that isolates", "cam", "plug",
             l3(BROADCAST, CAM_MAC, datagram(CAM, "10.0.20.255", 5353, 5353)))
    b.unseen("a group, in a segment that isolates", "cam", "plug", l3(MDNS, CAM_MAC, datagram(CAM, "224.0.0.251", 5353, 5353)))
    b.unseen("a group, and no rule admits it", "lock", "cam", l3(MDNS, LOCK_MAC, datagram(NEAR, "224.0.0.251", 5353, 5353)))
    b.passes("a group, and a rule admits it", "lock", "cam", l3(MDNS, LOCK_MAC, datagram(NEAR, "224.0.0.251", 443, 443)))


def who_has(b):
    """ARP and neighbour discovery: between devices of which one may open something towards the other."""
    ll = {name: link_local(mac) for name, mac in MAC.items()}
    nobody = "00:00:00:00:00:00"

    def arp_ask(who, target, sender=None):
        return arp(BROADCAST, MAC[who], REQUEST, MAC[who], sender or V4[who], nobody, target)

    b.passes("ARP: a question for one it may open something towards", "lock", "plug", arp_ask("lock", PLUG))
    b.passes("ARP: a question for one that may open something towards it", "cam", "lock", arp_ask("cam", NEAR))
    b.unseen("ARP: nobody beside sees it", "cam", "plug", arp_ask("cam", NEAR))
    b.unseen("ARP: in a segment that isolates", "cam", "plug", arp_ask("cam", PLUG))
    b.passes("ARP: is the address free", "cam", "lock", arp_ask("cam", NEAR, "0.0.0.0"))
    b.passes("ARP: an answer", "cam", "lock", arp(LOCK_MAC, CAM_MAC, REPLY, CAM_MAC, CAM, LOCK_MAC, NEAR))
    for name, who, address in (("another's address", CAM_MAC, NEAR), ("the gateway's address", CAM_MAC, GW_CAM),
                               ("another's MAC", PLUG_MAC, CAM)):
        for how, to, op in (("an answer", LOCK_MAC, REPLY), ("for all", BROADCAST, REQUEST)):
            b.unseen("ARP: %s, %s" % (name, how), "cam", "lock", arp(to, CAM_MAC, op, who, address, nobody, NEAR),
                     "cam:arp_spoof", by="gw")
    group = solicited(NEAR6)
    b.passes("NDP: a question", "cam", "lock",
             l3(solicited_group(NEAR6), CAM_MAC, ask(CAM6, group, NEAR6, CAM_MAC)))
    b.unseen("NDP: nobody beside sees it", "cam", "plug",
             l3(solicited_group(NEAR6), CAM_MAC, ask(CAM6, group, NEAR6, CAM_MAC)))
    b.unseen("NDP: in a segment that isolates", "cam", "plug",
             l3(solicited_group(PLUG6), CAM_MAC, ask(CAM6, solicited(PLUG6), PLUG6, CAM_MAC)))
    b.passes("NDP: an answer", "cam", "lock", l3(LOCK_MAC, CAM_MAC, advert(CAM6, NEAR6, CAM6, CAM_MAC)))
    b.passes("NDP: of its link-local address", "cam", "lock",
             l3(LOCK_MAC, CAM_MAC, advert(ll["cam"], NEAR6, ll["cam"], CAM_MAC)))
    for name, make in (
        ("another's address", advert(CAM6, NEAR6, PLUG6, CAM_MAC)),
        ("the gateway's address", advert(CAM6, NEAR6, GW_CAM6, CAM_MAC)),
        ("another's link-local address", advert(CAM6, NEAR6, ll["plug"], CAM_MAC)),
        ("another's MAC", advert(CAM6, NEAR6, CAM6, PLUG_MAC)),
        ("from afar", advert(CAM6, NEAR6, CAM6, CAM_MAC, 64)),
        ("another's MAC, in a question", ask(CAM6, NEAR6, NEAR6, PLUG_MAC)),
        ("behind an extension header", advert(CAM6, NEAR6, PLUG6, CAM_MAC, nexthdr=DSTOPTS, before=b"\x3a\0\1\4\0\0\0\0")),
        ("in a fragment", advert(CAM6, NEAR6, CAM6, CAM_MAC, nexthdr=FRAGMENT, before=b"\x3a\0\0\0\0\0\0\1")),
    ):
        b.unseen("NDP: " + name, "cam", "lock", l3(LOCK_MAC, CAM_MAC, make), "cam:nd_spoof", by="gw")


def servers(b):
    """No device is a router, or gives addresses."""
    for name, to, make, kind in (
        ("router advertisement", ALL_NODES, routers(link_local(CAM_MAC), "ff02::1"), "rogue_ra"),
        ("router advertisement to one", LOCK_MAC, routers(CAM6, NEAR6), "rogue_ra"),
        ("behind an extension header", LOCK_MAC,
         routers(CAM6, NEAR6, nexthdr=DSTOPTS, before=b"\x3a\0\1\4\0\0\0\0"), "rogue_ra"),
        ("redirect", LOCK_MAC, redirect(CAM6, NEAR6), "rogue_ra"),
        ("DHCP", LOCK_MAC, datagram(CAM, NEAR, 67, 68), "rogue_dhcp"),
        ("DHCP for all", BROADCAST, datagram(CAM, "255.255.255.255", 67, 68), "rogue_dhcp"),
        ("DHCPv6", LOCK_MAC, datagram(CAM6, NEAR6, 547, 546), "rogue_dhcp"),
    ):
        b.unseen("rogue: " + name, "cam", "lock", l3(to, CAM_MAC, make), "cam:" + kind, by="gw")


def other_frames(b):
    """What nothing here decides on does not pass."""
    b.unseen("a VLAN's frame", "lock", "cam", lambda mark: frame(
        CAM_MAC, LOCK_MAC, 0x8100, b"\0\x14\x08\0" + datagram(NEAR, CAM, 4000, 443)(mark)), ":unjudged")
    b.unseen("another protocol", "lock", "cam", lambda mark: frame(CAM_MAC, LOCK_MAC, 0x88B5, mark.ljust(46, b"\0")), ":unjudged")
    b.unseen("a header of IP that lies", "lock", "cam",
             lambda mark: frame(CAM_MAC, LOCK_MAC, 0x0800, b"\x45\0\x0f\xff" + datagram(NEAR, CAM, 4000, 443)(mark)[4:]),
             "lock:malformed")


def explained(b):
    """explain says of a frame by which ports it leaves, and the kernel does it."""
    at = {"cam": "lan0", "lock": "lan1", "plug": "lan2"}
    nobody = "00:00:00:00:00:00"

    def question(who, target):
        return arp(BROADCAST, MAC[who], REQUEST, MAC[who], V4[who], nobody, target)

    def opens(who, to, port):
        return l3(MAC[to], MAC[who], datagram(V4[who], V4[to], 4000, port))

    group = "224.0.0.251"
    for name, host, words, make, wanted in (
        ("a rule admits it", "lock", "--to cam --proto udp --dport 443", opens("lock", "cam", 443), ["lan0"]),
        ("no rule admits it", "lock", "--to cam --proto udp --dport 7", opens("lock", "cam", 7), []),
        ("in a segment that isolates", "cam", "--to plug --proto udp --dport 443", opens("cam", "plug", 443), []),
        ("a group, and a rule admits it", "lock", "--to %s --proto udp --dport 443" % group,
         l3(MDNS, LOCK_MAC, datagram(NEAR, group, 443, 443)), ["lan0", "lan2"]),
        ("a broadcast, and none does", "cam", "--to 10.0.20.255 --proto udp --dport 5353",
         l3(BROADCAST, CAM_MAC, datagram(CAM, "10.0.20.255", 5353, 5353)), []),
        ("ARP", "cam", "--to lock --proto arp", question("cam", NEAR), ["lan1"]),
        ("ARP in a segment that isolates", "cam", "--to plug --proto arp", question("cam", PLUG), []),
        ("neighbour discovery", "cam", "--to lock --proto nd",
         l3(solicited_group(NEAR6), CAM_MAC, ask(CAM6, solicited(NEAR6), NEAR6, CAM_MAC)), ["lan1"]),
        ("an advertisement", "cam", "--to %s --proto icmp6 --dport 136" % NEAR6,
         l3(LOCK_MAC, CAM_MAC, advert(CAM6, NEAR6, CAM6, CAM_MAC)), ["lan1"]),
        ("what a server of DHCP sends", "cam", "--to lock --proto udp --dport 68",
         l3(LOCK_MAC, CAM_MAC, datagram(CAM, NEAR, 67, 68)), []),
    ):
        mark, after = b.mark(), b.mark()
        b.send(host, make(mark))
        for other in at:
            b.gw.sendto(after, (V4[other], 999))
        seen = [port for other, port in at.items() if other != host and mark in b.arrived(other, after, [mark])]
        said = subprocess.run(["cordonctl", "explain", "--json", "--from", host, *words.split()], check=False,
                              stdout=subprocess.PIPE).stdout
        answers = json.loads(said or b"{}")
        by = sorted(a["interface"] for a in answers.get("answers", [answers])
                    if a.get("verdict") == "allow" and a["switched"])
        b.check("explain is right: " + name, (wanted, wanted), (seen, by))


def bad_flags(b):
    """Flags of TCP that no stack sets together are dropped where they come in."""
    for six, addresses in (("IPv4: ", V4), ("IPv6: ", V6)):
        def segment(flags):
            return l3(CAM_MAC, LOCK_MAC, lambda mark: ip(addresses["lock"], addresses["cam"], TCP, tcp(4002, 443, flags, payload=mark)))

        for name, flags in (("none", 0), ("FIN", FIN), ("SYN and FIN", SYN | FIN)):
            b.unseen("%sflags of TCP, %s" % (six, name), "lock", "cam", segment(flags), "lock:bad_flags")
        b.passes(six + "flags of TCP, SYN", "lock", "cam", segment(SYN))
    first = struct.pack("!BBHI", TCP, 0, 1, 9001)
    b.unseen("IPv6: a first fragment without the whole header", "lock", "cam", l3(CAM_MAC, LOCK_MAC, lambda mark: ip(
        NEAR6, CAM6, 255, tcp(4003, 443, SYN)[:8] + mark, nexthdr=FRAGMENT, before=first)), "lock:fragment")


def fragments(b):
    """Of at least 1,280 bytes: bridges do not pass on smaller ones of IPv6, once connection tracking has seen them."""
    number = int(time.monotonic() * 1000)
    for six, addresses in (("IPv4: ", V4), ("IPv6: ", V6)):
        src, dst = addresses["lock"], addresses["cam"]

        def pieces(*places):
            """Of a datagram, each as a frame"""
            nonlocal number
            number += 1

            def make(mark):
                body = summed(src, dst, UDP, udp(4004, 443, mark * 470))
                return [l3(CAM_MAC, LOCK_MAC, lambda _, start=start, end=end: fragment(
                    src, dst, UDP, body[start:end], start, end < len(body), number))(mark) for start, end in places]
            return make

        b.unseen(six + "fragments that overlap", "lock", "cam", pieces((0, 1280), (1272, 2560), (2560, 3768)), "lock:fragment*2")
        b.passes(six + "fragments in order", "lock", "cam", pieces((0, 1280), (1280, 2560), (2560, 3768)))
        b.passes(six + "fragments in disorder", "lock", "cam", pieces((0, 1280), (2560, 3768), (1280, 2560)))


def main():
    words = sys.argv[1] + ": " if len(sys.argv) > 1 else ""
    b = Bridge(words)
    b.mute("cam", "lock", "plug")
    b.flush()
    to_whom(b)
    for_many(b)
    who_has(b)
    servers(b)
    other_frames(b)
    bad_flags(b)
    fragments(b)
    if not words:
        explained(b)
    for host in MAC:
        b.inside(host, lambda: b.run("nft", "delete table inet mute"))


if __name__ == "__main__":
    main()

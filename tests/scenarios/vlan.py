#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""vlan.py: the cases of vlan.sh that single frames make: those of bridge.py, with lock in a tagged VLAN, and those that
only VLANs make"""
import json

import bridge
from bridge import *

DESK, DESK6, DESK_MAC = "10.0.40.14", "fd00:40::14", "02:00:00:00:01:04"
STRANGER = "02:00:00:00:99:98"
PORTS.update({"cam": "br0.20", "lock": "br0.20", "plug": "br0.20"})
AT = 12  # a tag stands behind the MACs


def tag(packet, *tags):
    """Tags before an Ethernet frame's type, the outer one first: (TPID, VLAN)"""
    return packet[:AT] + b"".join(struct.pack("!HH", *t) for t in tags) + packet[AT:]


class Vlans(Bridge):
    """The frames of lock's stack, and the ones for it, bear the tag of VLAN 20; a case's own are sent as they are."""

    def send(self, host, packet, to=None, mac=None):
        if host == "lock":
            packet = tag(packet, (0x8100, 20))
        super().send(host, packet, to, mac)

    def as_is(self, name, host, at, make, counts=""):
        """A frame as it is, from the trunk or from cam, is not seen at a host; what the gateway sends there is."""
        mark, after = self.mark(), self.mark()
        before = self.counts()
        self.sockets[host].send(make(mark))
        self.gw.sendto(after, (V4[at], 999))
        seen = self.arrived(at, after, [mark])
        self.check(name, ("unseen", True, counts),
                   ("seen" if mark in seen else "unseen", after in seen, self.grown(before, self.counts())))

    def comes(self, name, host, at, make):
        mark = self.mark()
        before = self.counts()
        self.sockets[host].send(make(mark))
        arrived = mark in self.arrived(at, mark)
        self.check(name, ("arrives", ""), ("arrives" if arrived else "does not", self.grown(before, self.counts())))


def tags(b):
    """In which VLAN a frame is, by its tags and where it comes in; and that it may be in its device's alone."""
    for six, addresses in (("IPv4: ", V4), ("IPv6: ", V6)):
        from_lock = l3(CAM_MAC, LOCK_MAC, datagram(addresses["lock"], addresses["cam"], 4000, 443))
        from_cam = l3(LOCK_MAC, CAM_MAC, datagram(addresses["cam"], addresses["lock"], 443, 4000))

        def with_tags(make, *list_of):
            return lambda mark: tag(make(mark), *list_of)

        b.comes(six + "its VLAN, tagged", "lock", "cam", with_tags(from_lock, (0x8100, 20)))
        b.comes(six + "its VLAN, tagged, and a priority", "lock", "cam", with_tags(from_lock, (0x8100, 0xA014)))
        b.as_is(six + "another VLAN", "lock", "cam", with_tags(from_lock, (0x8100, 30)), "lock:moved_port")
        b.as_is(six + "untagged, where it is in a tagged VLAN", "lock", "cam", from_lock, "lock:moved_port")
        b.as_is(six + "a priority, and no VLAN", "lock", "cam", with_tags(from_lock, (0x8100, 0xA000)), "lock:moved_port")
        b.as_is(six + "a VLAN that none can be", "lock", "cam", with_tags(from_lock, (0x8100, 4095)), ":unjudged")
        b.as_is(six + "a provider's tag", "lock", "cam", with_tags(from_lock, (0x88A8, 20)), ":unjudged")
        b.as_is(six + "a provider's tag before its own", "lock", "cam", with_tags(from_lock, (0x88A8, 20), (0x8100, 20)),
                ":unjudged")
        b.as_is(six + "a second tag", "lock", "cam", with_tags(from_lock, (0x8100, 20), (0x8100, 30)), ":unjudged")
        b.as_is(six + "a second tag behind a priority", "lock", "cam", with_tags(from_lock, (0x8100, 0), (0x8100, 20)),
                "lock:moved_port")
        b.comes(six + "a PVID, untagged", "cam", "lock", from_cam)
        b.comes(six + "a PVID, tagged", "cam", "lock", with_tags(from_cam, (0x8100, 20)))
        b.comes(six + "a PVID, and a priority", "cam", "lock", with_tags(from_cam, (0x8100, 0xA000)))
        b.as_is(six + "another VLAN than the PVID", "cam", "lock", with_tags(from_cam, (0x8100, 30)), "cam:moved_port")
        b.as_is(six + "an unknown MAC, tagged", "lock", "cam",
                lambda mark: tag(l3(CAM_MAC, STRANGER, datagram(addresses["lock"], addresses["cam"], 4000, 443))(mark),
                                 (0x8100, 20)), ":unknown_device")


def other_vlan(b):
    """A device in another VLAN is not there, whoever names it and wherever the bridge would flood a frame."""
    def in_30(make):
        return lambda mark: tag(make(mark), (0x8100, 30))

    nobody = "00:00:00:00:00:00"
    for name, make in (
        ("IPv4", l3(PLUG_MAC, DESK_MAC, datagram(DESK, PLUG, 4000, 443))),
        ("IPv6", l3(PLUG_MAC, DESK_MAC, datagram(DESK6, PLUG6, 4000, 443))),
        ("ARP", arp(BROADCAST, DESK_MAC, REQUEST, DESK_MAC, DESK, nobody, PLUG)),
        ("ARP, an answer", arp(PLUG_MAC, DESK_MAC, REPLY, DESK_MAC, DESK, PLUG_MAC, PLUG)),
        ("NDP", l3(solicited_group(PLUG6), DESK_MAC, ask(DESK6, solicited(PLUG6), PLUG6, DESK_MAC))),
        ("NDP, an answer", l3(PLUG_MAC, DESK_MAC, advert(DESK6, PLUG6, DESK6, DESK_MAC))),
    ):
        b.as_is(name + ": for a device in another VLAN, which its port is in", "lock", "plug", in_30(make))
    for name, make in (
        ("IPv4", l3(PLUG_MAC, LOCK_MAC, datagram(V4["lock"], PLUG, 4000, 443))),
        ("ARP", arp(BROADCAST, LOCK_MAC, REQUEST, LOCK_MAC, V4["lock"], nobody, PLUG)),
        ("NDP", l3(solicited_group(PLUG6), LOCK_MAC, ask(V6["lock"], solicited(PLUG6), PLUG6, LOCK_MAC))),
    ):
        b.passes(name + ": for one in the same", "lock", "plug", make)
    gateway = {vlan: b.packet_socket("br0.%d" % vlan) for vlan in (20, 30)}
    mark, after = b.mark(), b.mark()
    for vlan, payload in ((30, mark), (20, after)):
        gateway[vlan].send(l3(PLUG_MAC, "02:00:00:00:01:fe", datagram(GW_CAM, PLUG, 4000, 443))(payload))
    seen = b.arrived("plug", after, [mark])
    b.check("the gateway's own, in another VLAN and in the device's", (False, True), (mark in seen, after in seen))


def acknowledgement(mac, address):
    """What a server of DHCP gives a client, for all: RFC 2131"""
    def make(mark):
        message = struct.pack("!BBBBIHH4s4s4s4s16s", 2, 1, 6, 0, 7, 0, 0x8000, b"", packed(address), b"", b"", mac_bytes(mac))
        message += b"\0" * 192 + b"\x63\x82\x53\x63" + b"\x35\x01\x05" + b"\x33\x04\0\0\x0e\x10"
        return ip(GW_CAM, "255.255.255.255", UDP, udp(67, 68, message + b"\xff" + mark))
    return l3(BROADCAST, "02:00:00:00:01:fe", make)


def learned(b):
    """A device that learns its addresses has those that are told in its VLAN."""
    gateway = {vlan: b.packet_socket("br0.%d" % vlan) for vlan in (20, 30)}

    def bound():
        said = subprocess.run(["cordonctl", "show", "bindings", "--json"], check=False, stdout=subprocess.PIPE).stdout
        return {d["address"]: d["origin"] for d in json.loads(said) if d["device"] == "pad"}

    pad = "02:00:00:00:01:05"
    for vlan, address in ((20, "10.0.20.55"), (30, "10.0.40.55")):
        mark = b.mark()
        gateway[vlan].send(acknowledgement(pad, address)(mark))
        b.check("DHCP in VLAN %d: the server's words arrive" % vlan, True, mark in b.arrived("lock", mark))
    b.until("DHCP: bound is what was told in its VLAN", {"10.0.40.55": "dhcp"}, bound)
    for address, vlan in (("fd00:20::55", 30), ("fd00:40::55", 30), ("fd00:40::56", 20)):
        b.sockets["lock"].send(tag(l3(solicited_group(address), pad, lambda mark, address=address: ip(
            "::", solicited(address), ICMP6, icmp(135, packed(address) + unknown(mark)), 255))(b.mark()), (0x8100, vlan)))
    b.until("NDP: of the networks of its VLAN alone", {"10.0.40.55": "dhcp", "fd00:40::55": "nd"}, bound)


def main():
    b = Vlans("")
    b.mute("cam", "lock", "plug")
    b.flush()
    to_whom(b)
    for_many(b)
    who_has(b)
    explained(b)
    tags(b)
    other_vlan(b)
    learned(b)
    for host in MAC:
        b.inside(host, lambda: b.run("nft", "delete table inet mute"))


main()

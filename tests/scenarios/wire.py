# SPDX-License-Identifier: GPL-2.0
"""Single frames into the topology of lib.sh, and what becomes of them. To be imported by the cases of a scenario,
which run in the gateway's namespace. A frame is looked for where it should arrive by a mark in its payload; what must
not arrive is followed by a control that must, on the same way. Prints "ok NAME" or "not ok NAME" for each case."""
import ctypes
import os
import select
import socket
import struct
import subprocess
import tempfile
import time

CAM, CAM6, CAM_MAC = "10.0.20.11", "fd00:20::11", "02:00:00:00:01:01"
LOCK, LOCK6, LOCK_MAC = "10.0.30.12", "fd00:30::12", "02:00:00:00:01:02"
PLANT, PLANT6 = "10.0.50.10", "fd00:50::10"
INET, INET6 = "192.0.2.10", "2001:db8::10"
GW_CAM, GW_CAM6, GW_INET, GW_INET6 = "10.0.20.1", "fd00:20::1", "192.0.2.1", "2001:db8::1"
ICMP, IGMP, TCP, UDP, FRAGMENT, ICMP6, DSTOPTS = 1, 2, 6, 17, 44, 58, 60
DCCP, SCTP, UDPLITE = 33, 132, 136
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
REQUEST, REPLY = 1, 2  # of ARP
SOURCE_MAC, TARGET_MAC = 1, 2  # options of neighbour discovery
PORTS = {"cam": "lan0", "lock": "lan1", "plant": "plant0", "inet": "wan0"}
WAIT = 5  # seconds for what must arrive
SYSFS = "/sys/kernel/cordon/"
# Where the checksum of a payload stands, and whether it is over the addresses, too
CHECKSUMS = {
    ICMP: (2, False), IGMP: (2, False), TCP: (16, True), UDP: (6, True), ICMP6: (2, True), DCCP: (6, True),
    UDPLITE: (6, True),
}

libc = ctypes.CDLL(None, use_errno=True)


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def mac_bytes(mac):
    return bytes.fromhex(mac.replace(":", ""))


def is_v6(address):
    return ":" in address


def packed(address):
    return socket.inet_pton(socket.AF_INET6 if is_v6(address) else socket.AF_INET, address)


def link_local(mac):
    """RFC 4291, appendix A"""
    m = mac_bytes(mac)
    interface = bytes([m[0] ^ 2]) + m[1:3] + b"\xff\xfe" + m[3:]
    return socket.inet_ntop(socket.AF_INET6, b"\xfe\x80" + b"\0" * 6 + interface)


def udp(sport, dport, payload):
    return struct.pack("!HHHH", sport, dport, 8 + len(payload), 0) + payload


def tcp(sport, dport, flags, seq=0, ack=0, payload=b""):
    return struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 5 << 4, flags, 64000, 0, 0) + payload


def icmp(kind, payload=b"", code=0, rest=0):
    return struct.pack("!BBHI", kind, code, 0, rest) + payload


def solicit(target, payload):
    """A neighbour solicitation; the payload is an option that nobody knows."""
    return icmp(135, packed(target) + b"\xfd\x02" + payload.ljust(14, b"\0"))


def fragment(src, dst, proto, body, start, more, number):
    """A part of the datagram with that number"""
    if is_v6(src):
        return ip(src, dst, 255, body, nexthdr=FRAGMENT, before=struct.pack("!BBHI", proto, 0, start | more, number & 0xffffffff))
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), number & 0xffff, more << 13 | start // 8, 64, proto, 0)
    head += packed(src) + packed(dst)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def summed(src, dst, proto, body):
    at, pseudo = CHECKSUMS.get(proto, (None, False))
    if at is None or len(body) < at + 2:
        return body
    over = body
    if pseudo:
        over = packed(src) + packed(dst) + struct.pack("!II", len(body), proto) + body
    return body[:at] + struct.pack("!H", checksum(over) or 0xFFFF) + body[at + 2 :]


def ip(src, dst, proto, body, hops=64, nexthdr=None, before=b"", options=b""):
    """A packet of IPv4 or IPv6, by its addresses. IPv6: @before are extension headers, the first one is @nexthdr.
    IPv4: @options"""
    body = summed(src, dst, proto, body)
    if is_v6(src):
        payload = before + body
        head = struct.pack("!IHBB", 6 << 28, len(payload), proto if nexthdr is None else nexthdr, hops)
        return head + packed(src) + packed(dst) + payload
    words = 5 + len(options) // 4
    head = struct.pack("!BBHHHBBH", 0x40 | words, 0, words * 4 + len(body), 0, 0x4000, hops, proto, 0)
    head += packed(src) + packed(dst) + options
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def frame(to, sender, ethertype, payload):
    return mac_bytes(to) + mac_bytes(sender) + struct.pack("!H", ethertype) + payload


def arp(to, sender, op, mac, address, target_mac, target):
    """A frame of ARP with a mark in its padding."""
    body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, op)
    body += mac_bytes(mac) + packed(address) + mac_bytes(target_mac) + packed(target)
    return lambda mark: frame(to, sender, 0x0806, body + mark.ljust(18, b"\0"))


def option(kind, mac):
    return struct.pack("!BB", kind, 1) + mac_bytes(mac)


def unknown(mark):
    """An option that nobody knows."""
    return b"\xfd\x02" + mark.ljust(14, b"\0")


def advert(src, dst, target, mac, hops=255, **more):
    return lambda mark: ip(src, dst, ICMP6, icmp(136, packed(target) + option(TARGET_MAC, mac) + unknown(mark), 0, 1 << 29),
                           hops, **more)


def routers(src, dst, **more):
    """A router advertisement."""
    return lambda mark: ip(src, dst, ICMP6, struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0) + unknown(mark), 255,
                           **more)


class Wire:
    def __init__(self):
        os.sched_setaffinity(0, {0})
        self.sockets, self.macs, self.gateway = {}, {}, {}
        for name, port in PORTS.items():
            self.sockets[name] = self.inside(name, lambda: self.packet_socket("eth0"))
            self.macs[name] = self.sockets[name].getsockname()[4]
            # Nothing that a case did not send: no host looks for routers.
            self.inside(name, lambda: self.write("/proc/sys/net/ipv6/conf/eth0/accept_ra", "0"))
            with open("/sys/class/net/%s/address" % port, encoding="ascii") as f:
                self.gateway[name] = mac_bytes(f.read().strip())
        self.raw = []
        self.members = []
        self.files, self.kinds = {}, []
        self.number = 0
        self.cases = 0

    @staticmethod
    def inside(namespace, what):
        """Do something in another network namespace."""
        with open("/run/netns/" + namespace, "rb") as there, open("/proc/self/ns/net", "rb") as here:
            if libc.setns(there.fileno(), 0):
                raise OSError(ctypes.get_errno(), "setns")
            try:
                return what()
            finally:
                libc.setns(here.fileno(), 0)

    @staticmethod
    def write(path, value):
        with open(path, "w", encoding="ascii") as f:
            f.write(value)

    def mute(self, *hosts):
        """What arrives there is not answered by the host itself, but on ports that have a server."""
        rules = "add table inet mute; add chain inet mute in { type filter hook input priority 0; }; " + "".join(
            "add rule inet mute in %s dport %s; " % rule
            for rule in (("tcp", "53 accept"), ("tcp", "443 accept"), ("udp", "53 accept"), ("tcp", ">= 1 drop"),
                         ("udp", ">= 1 drop"))
        )
        for host in hosts:
            self.inside(host, lambda: subprocess.run(["nft", rules], check=True))

    @staticmethod
    def packet_socket(interface):
        s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
        s.bind((interface, 3))
        return s

    def hear(self, *protocols):
        """On the gateway, what is delivered of these protocols."""
        for proto in protocols:
            for family in (socket.AF_INET, socket.AF_INET6):
                self.raw.append(socket.socket(family, socket.SOCK_RAW, proto))

    def join(self, group, interface, port=None):
        """The gateway becomes a member of a group."""
        index = socket.if_nametoindex(interface)
        s = socket.socket(socket.AF_INET6 if is_v6(group) else socket.AF_INET, socket.SOCK_DGRAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if port:
            s.bind(("", port))
        if is_v6(group):
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, packed(group) + struct.pack("@I", index))
        else:
            s.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, packed(group) + struct.pack("@4si", b"", index))
        self.members.append(s)
        return s

    def mark(self):
        self.number += 1
        return b"CRDN%04d" % self.number

    def send(self, host, packet, to=None, mac=None):
        """A packet from a host, to the gateway's MAC unless it is for a group."""
        dst = to or self.gateway[host]
        version = packet[0] >> 4
        if not to and version == 6 and packet[24] == 0xFF:
            dst = b"\x33\x33" + packet[36:40]
        elif not to and version == 4 and packet[16] >> 4 == 0xE:
            dst = b"\x01\x00\x5e" + bytes([packet[17] & 0x7F]) + packet[18:20]
        elif not to and version == 4 and packet[16:20] in (b"\xff" * 4, packed("10.0.20.255")):
            dst = b"\xff" * 6
        source = mac_bytes(mac) if mac else self.macs[host]
        self.sockets[host].send(dst + source + (b"\x86\xdd" if version == 6 else b"\x08\x00") + packet)

    def drain(self, at):
        """All that has arrived at a host, or on the gateway (gw)."""
        for s in self.raw if at == "gw" else [self.sockets[at]]:
            while select.select([s], [], [], 0)[0]:
                data, where = s.recvfrom(65536)
                if at == "gw" or where[2] != socket.PACKET_OUTGOING:
                    yield data

    def arrived(self, at, mark, others=()):
        """Wait for a mark. Return: which of all marks were seen, by then."""
        seen = set()
        end = time.monotonic() + WAIT
        sources = self.raw if at == "gw" else [self.sockets[at]]
        while mark not in seen and (left := end - time.monotonic()) > 0:
            select.select(sources, [], [], left)
            for data in self.drain(at):
                seen.update(m for m in (mark, *others) if m in data)
        return seen

    def flush(self):
        for at in (*PORTS, "gw"):
            for _ in self.drain(at):
                pass

    @staticmethod
    def read(path):
        with open(SYSFS + path, encoding="ascii") as f:
            return f.read().strip()

    def value(self, path):
        """The same of a file that is read again and again, and stays open for that. A file that is gone says so."""
        for _ in range(2):
            if path not in self.files:
                self.files[path] = os.open(SYSFS + path, os.O_RDONLY)
            try:
                return os.pread(self.files[path], 100, 0).strip()
            except OSError:
                os.close(self.files.pop(path))
        return self.read(path)

    def counts(self):
        """All anomalies: {(device or "", kind): n}, those of no device under ""."""
        devices = {self.value("devices/%s/name" % mac).decode(): mac for mac in os.listdir(SYSFS + "devices")}
        self.kinds = self.kinds or os.listdir(SYSFS + "anomalies")
        found = {}
        for kind in self.kinds:
            found["", kind] = int(self.value("anomalies/" + kind))
            for name, mac in devices.items():
                found[name, kind] = int(self.value("devices/%s/anomalies/%s" % (mac, kind)))
                found["", kind] -= found[name, kind]
        return found

    @staticmethod
    def grown(before, after):
        return " ".join(
            "%s:%s%s" % (*key, "" if after[key] == n + 1 else "*%d" % (after[key] - n))
            for key, n in sorted(before.items())
            if after.get(key, n) != n
        )

    def check(self, name, wanted, got):
        self.cases += 1
        if wanted != got:
            print("# wanted %r, got %r" % (wanted, got))
        print("%s %s" % ("ok" if wanted == got else "not ok", name), flush=True)

    def passes(self, name, host, at, make, counts=""):
        """A packet arrives; @counts: the anomalies that this counts, as DEVICE:KIND."""
        mark = self.mark()
        before = self.counts()
        self.send(host, make(mark))
        arrived = mark in self.arrived(at, mark)
        self.check(name, ("arrives", counts), ("arrives" if arrived else "does not", self.grown(before, self.counts())))

    def drops(self, name, host, at, make, control, counts, send=None):
        """A packet does not arrive, and its control does, which comes behind it."""
        mark, after = self.mark(), self.mark()
        before = self.counts()
        (send or self.send)(host, make(mark))
        self.send(host, control(after))
        seen = self.arrived(at, after, [mark])
        self.check(
            name,
            ("dropped", "its control arrives", counts),
            (
                "arrives" if mark in seen else "dropped",
                "its control arrives" if after in seen else "so is its control",
                self.grown(before, self.counts()),
            ),
        )

    def until(self, name, wanted, look):
        """What is looked at becomes what is wanted, before the time is over."""
        end = time.monotonic() + WAIT
        while (got := look()) != wanted and time.monotonic() < end:
            select.select([], [], [], 0.02)
        self.check(name, wanted, got)

    @staticmethod
    def apply(policy):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
            f.write(policy)
            f.flush()
            subprocess.run(["cordonctl", "apply", f.name], check=True, stdout=subprocess.DEVNULL)

    @staticmethod
    def state(mac):
        return Wire.read("devices/%s/state" % mac)

    @staticmethod
    def run(*words):
        return subprocess.run(words, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""raw.py FLOW DEVICE SERVER: connections of single segments, as no honest stack would send them. FLOW is a captured
one; its first flight is what a device would send. DEVICE and SERVER are NAMESPACE,ADDRESS,MAC: of an address that no
stack answers for, and of the gateway. Prints what arrived at the other end of the segment that each case is about:
"whole", all of the hello; "passed", something else; "syn", "ack", "rst", or "-", nothing."""
import ctypes
import select
import socket
import struct
import sys
import time

SYN, RST, ACK, URG = 2, 4, 16, 32
PORT = 7777
WAIT = 10  # seconds for what must arrive
QUIET = 0.3  # and for what must not: it would pass in milliseconds


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class End:
    """One end: a raw socket in its namespace, and the frame's constant parts."""

    libc = ctypes.CDLL(None, use_errno=True)

    def __init__(self, namespace, address, gateway):
        with open("/run/netns/" + namespace, "rb") as there, open("/proc/self/ns/net", "rb") as here:
            self.enter(there)
            self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
            self.socket.bind(("eth0", 0x0800))
            self.mac = self.socket.getsockname()[4]
            self.enter(here)
        self.gateway = bytes.fromhex(gateway.replace(":", ""))
        self.address = socket.inet_aton(address)

    def enter(self, namespace):
        if self.libc.setns(namespace.fileno(), 0):
            raise OSError(ctypes.get_errno(), "setns")

    def send(self, to, ports, flags, seq, ack, payload):
        tcp = struct.pack("!HHIIBBHHH", *ports, seq, ack, 5 << 4, flags, 64000, 0, len(payload) if flags & URG else 0)
        pseudo = self.address + to.address + struct.pack("!HH", 6, len(tcp) + len(payload))
        tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp + payload)) + tcp[18:]
        ip = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp) + len(payload), 0, 0x4000, 64, 6, 0)
        ip += self.address + to.address
        ip = ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:]
        self.socket.send(self.gateway + self.mac + b"\x08\x00" + ip + tcp + payload)

    def hear(self, port, seconds):
        """The next segment of the connection: (flags, seq, payload), or None."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and select.select([self.socket], [], [], left)[0]:
            frame, where = self.socket.recvfrom(65536)
            ip = frame[14:]
            if where[2] == socket.PACKET_OUTGOING or len(ip) < 40 or ip[9] != 6:
                continue
            ip, tcp = ip[: struct.unpack_from("!H", ip, 2)[0]], ip[(ip[0] & 15) * 4 :]
            if port not in struct.unpack_from("!HH", tcp):
                continue
            tcp = tcp[: len(ip) - (ip[0] & 15) * 4]
            return tcp[13], struct.unpack_from("!I", tcp, 4)[0], tcp[(tcp[12] >> 4) * 4 :]
        return None


class Connection:
    port = 7000

    def __init__(self, device, server):
        self.ends = {"c": device, "s": server}
        Connection.port += 1

    def say(self, side, flags, seq, ack=0, payload=b"", arrives=True):
        """One segment; what of it is heard at the other end: its payload, "rst", "syn" or "ack", or None."""
        here, there = self.ends[side], self.ends["s" if side == "c" else "c"]
        ports = (self.port, PORT) if side == "c" else (PORT, self.port)
        here.send(there, ports, flags, seq, ack, payload)
        heard = there.hear(self.port, WAIT if arrives else QUIET)
        if not heard:
            return None
        if heard[0] & RST:
            return "rst"
        return heard[2] or ("syn" if heard[0] & SYN else "ack")

    def open(self):
        self.say("c", SYN, 999)
        self.say("s", SYN | ACK, 4999, 1000)
        self.say("c", ACK, 1000, 5000)


def cases(new, hello):
    """Name, and what arrived of each segment."""
    c = new()
    c.open()
    yield "a hello", c.say("c", ACK, 1000, 5000, hello)
    c = new()
    c.open()
    yield "what lies ahead", c.say("c", ACK, 1100, 5000, hello[100:], False)
    yield "then its beginning", c.say("c", ACK, 1000, 5000, hello[:100])
    yield "then the rest, sent again", c.say("c", ACK, 1100, 5000, hello[100:])
    yield "what was read before, once more", c.say("c", ACK, 1050, 5000, hello[50:200])
    c = new()
    c.say("c", SYN, 999)
    c.say("c", SYN, 2999)
    c.say("s", SYN | ACK, 4999, 3000)
    c.say("c", ACK, 3000, 5000)
    yield "a hello behind a second SYN", c.say("c", ACK, 3000, 5000, hello)
    yield "in the clear, what the first SYN promised", c.say("c", ACK, 1000, 5000, b"GET / HTTP/1.0", False)
    c = new()
    yield "a SYN with a hello, RFC 7413", c.say("c", SYN, 999, 0, hello)
    c = new()
    yield "a SYN in the clear", c.say("c", SYN, 999, 0, b"GET / HTTP/1.0", False)
    c = new()
    c.say("c", SYN, 999)
    c.say("s", SYN, 4999)
    c.say("c", SYN | ACK, 999, 5000)
    c.say("s", SYN | ACK, 4999, 1000)
    yield "a hello after both opened", c.say("c", ACK, 1000, 5000, hello)
    c = new()
    c.open()
    yield "urgent data", c.say("c", ACK | URG, 1000, 5000, hello)
    c = new()
    c.open()
    c.say("c", ACK, 1000, 5000, hello)
    yield "a reset in between", c.say("c", RST | ACK, 1000 + len(hello), 5000)
    yield "in the clear, after a reset", c.say("c", ACK, 1000 + len(hello), 5000, b"GET / HTTP/1.0", False)


def flights(name):
    """What the client says first, and what the server answers."""
    with open(name, encoding="ascii") as flow:
        client, server = flow.read().replace("C", "S").split("S")[1:3]
    return bytes.fromhex("".join(client.split())), bytes.fromhex("".join(server.split()))


def show(name, got, hello):
    if isinstance(got, bytes):
        got = "whole" if got == hello else "passed"
    print("%s: %s" % (name, got or "-"), flush=True)


def main():
    ends = [End(*word.split(",")) for word in sys.argv[2:]]
    hello, _ = flights(sys.argv[1])
    for name, got in cases(lambda: Connection(*ends), hello):
        show(name, got, hello)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The cases of again.sh"""
import struct

from wire import *

POLICY = """
version: 1
mode: enforce
ports: [lan0, lan1]
uplinks: [wan0, plant0]
segments:
  iot: {encryption: TLS1.3}
  wan: {networks: [0.0.0.0/0, "::/0"]}
rules:
  - {from: iot, to: wan, allow: [udp/5684]}
devices:
  - {name: cam, mac: "%s", network_segment: iot, addresses: [%s, "%s"]}
"""
CLIENT_HELLO, SERVER_HELLO, CERTIFICATE = 1, 2, 11
V1_2, V1_3 = b"\xfe\xfd", b"\xfe\xfc"
SUITES = {V1_2: b"\xc0\x2b", V1_3: b"\x13\x01"}
w = Wire()


def record(kind, epoch, body):
    return struct.pack("!BHHHIH", kind, 0xFEFD, epoch, 0, 1, len(body)) + body


def message(kind, body):
    """In one fragment (RFC 9147, 5.2)."""
    size = len(body).to_bytes(3, "big")
    return record(22, 0, bytes([kind]) + size + b"\0\0" + b"\0\0\0" + size + body)


def extension(body):
    body = struct.pack("!HH", 43, len(body)) + body
    return struct.pack("!H", len(body)) + body


def client_hello(mark, *versions):
    suites = b"".join(SUITES[v] for v in versions)
    listed = extension(bytes([2 * len(versions)]) + b"".join(versions))
    return message(CLIENT_HELLO, V1_2 + mark * 4 + b"\0\0" + struct.pack("!H", len(suites)) + suites + b"\1\0" + listed)


def server_hello(mark, version):
    selected = extension(version) if version == V1_3 else b""
    return message(SERVER_HELLO, V1_2 + mark * 4 + b"\0" + SUITES[version] + b"\0" + selected)


def encrypted(mark):
    return record(23, 1, mark)


def connection(src, dst, sport, dport):
    """What makes a packet of one that has a body for a mark."""
    return lambda body: lambda mark: ip(src, dst, UDP, udp(sport, dport, body(mark)))


def hello(*versions):
    return lambda mark: client_hello(mark, *versions)


def answer(version):
    return lambda mark: server_hello(mark, version)


def handshake(six, up, down):
    w.passes(six + "a client's hello", "cam", "inet", up(hello(V1_3)))
    w.passes(six + "the server's", "inet", "cam", down(answer(V1_3)))
    w.passes(six + "what is encrypted", "cam", "inet", up(encrypted))


def again(six, up, down, other):
    w.drops(six + "a hello that offers less", "cam", "inet", up(hello(V1_2)), up(encrypted), "cam:tls_downgrade")
    w.passes(six + "one that offers both", "cam", "inet", up(hello(V1_3, V1_2)))
    w.passes(six + "somebody may have forged it: the connection goes on", "cam", "inet", up(encrypted))
    w.passes(six + "with the rest of a handshake", "inet", "cam", down(lambda mark: message(CERTIFICATE, mark)))
    w.drops(six + "a server's that selects less", "inet", "cam", down(answer(V1_2)), down(encrypted),
            "cam:tls_downgrade")
    w.drops(six + "once more", "inet", "cam", down(answer(V1_2)), down(encrypted), "")
    w.drops(six + "the one that was demanded, but nobody asked", "inet", "cam", down(answer(V1_3)), down(encrypted), "")
    w.passes(six + "the client asks", "cam", "inet", up(hello(V1_3, V1_2)))
    w.passes(six + "and gets TLS 1.3", "inet", "cam", down(answer(V1_3)))
    w.passes(six + "the other end asks", "inet", "cam", down(hello(V1_3, V1_2)))
    w.drops(six + "and gets less", "cam", "inet", up(answer(V1_2)), up(encrypted), "cam:tls_downgrade")
    w.passes(six + "other ports begin as ever", "cam", "inet", other(hello(V1_3)))


def main():
    policy = POLICY % (CAM_MAC, CAM, CAM6)
    w.mute("cam", "inet")
    w.flush()
    w.apply(policy)
    for six, cam, inet in (("", CAM, INET), ("IPv6: ", CAM6, INET6)):
        up, down = connection(cam, inet, 5684, 5684), connection(inet, cam, 5684, 5684)
        handshake(six, up, down)
        again(six, up, down, connection(cam, inet, 5685, 5684))


main()

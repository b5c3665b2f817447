#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The cases of related.sh. The control connection is single segments: the helper reads those of the client."""
import socket

from wire import *

POLICY = """
version: 1
mode: enforce
ports: [lan0, lan1]
uplinks: [wan0, plant0]
segments:
  iot: {authentication: certificate}
  other: {}
  wan: {networks: [0.0.0.0/0, "::/0"]}
rules:
  - {from: iot, to: wan, allow: [tcp/21]%s}
  - {from: iot, to: gateway, allow: [tcp/21]%s}
  - {from: wan, to: iot, allow: [udp/9]}
  - {from: wan, to: other, allow: [udp/9]}
  - {from: wan, to: onboarding, allow: [udp/9]}
  - {from: wan, to: quarantine, allow: [udp/9]}
  - {from: iot, to: wan, allow: [udp/9]}
devices:
  - {name: cam, mac: "%s", network_segment: iot, addresses: [%s, "%s"], port: lan0}
  - {name: lock, mac: "%s", network_segment: other, addresses: [%s, "%s"], port: lan1}
"""
FAMILIES = (("", CAM, INET), ("IPv6: ", CAM6, INET6))
w = Wire()
number = 0


def apply(related=""):
    w.apply(POLICY % (related, related, CAM_MAC, CAM, CAM6, LOCK_MAC, LOCK, LOCK6))
    device("release", "cam")
    device("lease", "cam", "1h")


def device(verb, *words):
    Wire.run("cordonctl", "device", verb, *words)


def segment(src, dst, sport, dport, flags, seq, ack=0):
    return lambda mark: ip(src, dst, TCP, tcp(sport, dport, flags, seq, ack, mark))


def text(src, dst, sport, dport, seq, ack, line):
    return ip(src, dst, TCP, tcp(sport, dport, PSH | ACK, seq, ack, line))


def datagram(src, dst):
    return lambda mark: ip(src, dst, UDP, udp(1000, 9, mark))


def quiet(host, packet, at):
    """A segment that is not looked for; what comes behind it is."""
    w.send(host, packet)
    src = packet[8:24] if packet[0] >> 4 == 6 else packet[12:16]
    dst = packet[24:40] if packet[0] >> 4 == 6 else packet[16:20]
    family = socket.AF_INET6 if len(src) == 16 else socket.AF_INET
    mark = w.mark()
    w.send(host, datagram(socket.inet_ntop(family, src), socket.inet_ntop(family, dst))(mark))
    w.arrived(at, mark)


def announce(cam, inet, host=None):
    """A client says where it, or another host, waits. Return: its port, and where it waits"""
    global number
    number += 1
    client, data = 3000 + number, 50000 + number
    quiet("cam", ip(cam, inet, TCP, tcp(client, 21, SYN, 1000)), "inet")
    quiet("inet", ip(inet, cam, TCP, tcp(21, client, SYN | ACK, 5000, 1001)), "cam")
    quiet("cam", ip(cam, inet, TCP, tcp(client, 21, ACK, 1001, 5001)), "inet")
    line = b"USER x\r\n"
    quiet("cam", text(cam, inet, client, 21, 1001, 5001, line), "inet")
    host = host or cam
    where = b"EPRT |2|%s|%d|\r\n" % (host.encode(), data) if is_v6(cam) else b"PORT %s,%d,%d\r\n" % (
        host.replace(".", ",").encode(), data >> 8, data & 255)
    quiet("cam", text(cam, inet, client, 21, 1001 + len(line), 5001, where), "inet")
    return client, data


def about(src, dst, inner):
    if is_v6(src):
        return lambda mark: ip(src, dst, ICMP6, icmp(1, inner(mark), 4))
    return lambda mark: ip(src, dst, ICMP, icmp(3, inner(mark), 3))


def active():
    for six, cam, inet in FAMILIES:
        control = datagram(inet, cam)
        apply(", related: true")
        client, data = announce(cam, inet)
        w.drops(six + "what nobody announced", "inet", "cam", segment(inet, cam, 20, data + 500, SYN, 100), control,
                ":segment_violation")
        w.passes(six + "the data connection of active FTP", "inet", "cam", segment(inet, cam, 20, data, SYN, 100))
        w.passes(six + "its answer", "cam", "inet", segment(cam, inet, data, 20, SYN | ACK, 700, 109))
        w.passes(six + "and what follows", "inet", "cam", segment(inet, cam, 20, data, ACK, 109, 709))
        w.passes(six + "an ICMP error about it", "cam", "inet", about(cam, inet, segment(inet, cam, 20, data, ACK, 109, 709)))

        device("lease", "cam", "0")
        w.drops(six + "the lease ends: data stops", "inet", "cam", segment(inet, cam, 20, data, ACK, 117, 709), control, "")
        device("lease", "cam", "1h")
        w.passes(six + "a lease again: data goes on", "inet", "cam", segment(inet, cam, 20, data, ACK, 117, 709))
        device("quarantine", "cam")
        w.drops(six + "quarantine: data stops", "inet", "cam", segment(inet, cam, 20, data, ACK, 125, 709), control, "")
        device("release", "cam")
        device("lease", "cam", "1h")
        w.passes(six + "released: data goes on", "inet", "cam", segment(inet, cam, 20, data, ACK, 125, 709))
        client, data = announce(cam, inet)
        device("quarantine", "cam")
        w.drops(six + "quarantine: nothing is announced any more", "inet", "cam", segment(inet, cam, 20, data, SYN, 100),
                control, "")

        apply()
        client, data = announce(cam, inet)
        w.drops(six + "without the rule's word it is denied", "inet", "cam", segment(inet, cam, 20, data, SYN, 100), control,
                ":segment_violation")


def third_party():
    """A helper that takes the client's word for whose address it is"""
    Wire.write("/sys/module/nf_conntrack_ftp/parameters/loose", "1")
    for six, cam, inet, lock in (("", CAM, INET, LOCK), ("IPv6: ", CAM6, INET6, LOCK6)):
        apply(", related: true")
        client, data = announce(cam, inet, lock)
        w.drops(six + "who announced it has no say about another device", "inet", "lock",
                segment(inet, lock, 20, data, SYN, 100), datagram(inet, lock), ":segment_violation")
        client, data = announce(cam, inet)
        w.passes(six + "but for itself", "inet", "cam", segment(inet, cam, 20, data, SYN, 100))
    Wire.write("/sys/module/nf_conntrack_ftp/parameters/loose", "0")


def passive():
    """The server is the gateway."""
    for six, cam, gateway in (("", CAM, GW_CAM), ("IPv6: ", CAM6, GW_CAM6)):
        family = socket.AF_INET6 if six else socket.AF_INET
        for related, wanted in ((", related: true", b"data"), ("", "timed out")):
            apply(related)
            with socket.create_server((gateway, 21), family=family) as server, \
                    socket.create_server((gateway, 0), family=family) as data:
                port = data.getsockname()[1]
                client = Wire.inside("cam", lambda: socket.create_connection((gateway, 21), WAIT))
                peer = server.accept()[0]
                peer.sendall(b"220 here\r\n")
                client.recv(64)
                client.sendall(b"EPSV\r\n" if six else b"PASV\r\n")
                peer.recv(64)
                peer.sendall(b"229 Extended Passive (|||%d|)\r\n" % port if six else
                             b"227 Passive (%s,%d,%d)\r\n" % (gateway.replace(".", ",").encode(), port >> 8, port & 255))
                client.recv(64)
                try:
                    stream = Wire.inside("cam", lambda: socket.create_connection((gateway, port), 2))
                    data.accept()[0].sendall(b"data")
                    got = stream.recv(16)
                    stream.close()
                except OSError as e:
                    got = str(e)
                w.check(six + "passive FTP of the gateway%s" % ("" if related else ", without the rule's word"), wanted, got)
                client.close()
                peer.close()


def main():
    for family in ("ip", "ip6"):
        subprocess.run(["nft", "add table %s h; add ct helper %s h ftp { type \"ftp\" protocol tcp; }; "
                        "add chain %s h in { type filter hook prerouting priority 0; }; "
                        "add rule %s h in tcp dport 21 ct helper set \"ftp\"" % ((family,) * 4)], check=True)
    w.hear(UDP)
    w.mute("inet", "lock")
    Wire.inside("cam", lambda: subprocess.run(
        ["nft", "add table inet mute; add chain inet mute in { type filter hook input priority 0; }; "
                "add rule inet mute in tcp dport 3000-29999 drop; "
                "add rule inet mute in tcp dport 50000-59999 tcp sport 20 drop; "
                "add rule inet mute in udp dport 9 drop"], check=True))
    w.flush()
    active()
    third_party()
    passive()


main()

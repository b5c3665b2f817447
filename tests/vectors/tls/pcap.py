#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""pcap.py FILE.pcap: the payload of its TCP connection as text, for tests/kunit/suites/tls_flow.h.

One C or S for each segment, in stream order; what was sent twice is there once.
"""
import struct
import sys
import textwrap

with open(sys.argv[1], "rb") as file:
    capture = file.read()
magic, link = struct.unpack("<I16xI", capture[:24])
if magic != 0xa1b2c3d4 or link != 1:
    sys.exit(f"{sys.argv[1]}: not a little-endian capture of Ethernet")
client, expected, at = None, {}, 24
while at < len(capture):
    size = struct.unpack("<8xI4x", capture[at:at + 16])[0]
    ip = capture[at + 30:at + 16 + size]
    at += 16 + size
    tcp = ip[(ip[0] & 15) * 4:struct.unpack(">H", ip[2:4])[0]]
    port, sequence, offset, flags = struct.unpack(">H2xI4xBB", tcp[:14])
    payload = tcp[(offset >> 4) * 4:]
    if flags & 2:
        client = client or port
        expected[port] = sequence + 1
    old = expected[port] - sequence
    if payload and old < 0:
        sys.exit(f"{sys.argv[1]}: a segment is missing")
    if len(payload) > old:
        expected[port] += len(payload) - old
        print("C" if port == client else "S")
        print("\n".join(textwrap.wrap(payload[old:].hex(), 96)))

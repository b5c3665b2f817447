#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""resend.py FLOW DEVICE SERVER: segments that are sent again, before and after the other side has acknowledged them.
Arguments and output are those of raw.py. That the first copy dies behind the gateway is played by the other side, which
acknowledges nothing."""
import sys

from raw import ACK, URG, Connection, End, flights, show

PLAIN = b"GET / HTTP/1.0\r\n\r\n"
SEGMENT = 1400


def padded(hello, size):
    """The hello with an extension of padding (RFC 7685) of so many bytes."""
    extension = b"\x00\x15" + size.to_bytes(2, "big") + bytes(size)
    at = 9 + 2 + 32  # behind record, message, version and random
    at += 1 + hello[at]
    at += 2 + int.from_bytes(hello[at : at + 2], "big")
    at += 1 + hello[at]
    extensions = hello[at + 2 :] + extension
    body = hello[9:at] + len(extensions).to_bytes(2, "big") + extensions
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return hello[:3] + len(message).to_bytes(2, "big") + message


def cases(new, hello, answer):
    C, S = 1000 + len(hello), 5000 + len(answer)

    def opened(first=hello):
        c = new()
        c.open()
        c.say("c", ACK, 1000, 5000, first)
        return c

    def answered():
        c = opened()
        c.say("s", ACK, 5000, C, answer)
        return c

    yield "the hello's place, in the clear", opened().say("c", ACK, 1000, 5000, PLAIN)
    yield "its end, with another byte", opened().say("c", ACK, C - 1, 5000, bytes([hello[-1] ^ 1]))
    c = opened()
    yield "the hello again", c.say("c", ACK, 1000, 5000, hello)
    yield "again, cut elsewhere", c.say("c", ACK, 1037, 5000, hello[37:111])
    yield "again, its other part", c.say("c", ACK, 1111, 5000, hello[111:])
    c = opened(hello[:100])
    yield "cut elsewhere, with what follows", c.say("c", ACK, 1050, 5000, hello[50:])
    c = opened(hello[:100])
    yield "another byte before what follows", c.say("c", ACK, 1050, 5000, bytes([hello[50] ^ 1]) + hello[51:])
    c = opened(hello[:100])
    c.say("s", ACK, 5000, 1100)
    yield "other bytes in place of acknowledged ones", c.say("c", ACK, 1000, 5000, PLAIN)
    yield "and the rest after them", c.say("c", ACK, 1100, 5000, hello[100:])
    yield "the server's hello again", answered().say("s", ACK, 5000, C, answer)
    yield "its place, in the clear", answered().say("s", ACK, 5000, C, b"HTTP/1.0 200 OK\r\n\r\n")
    c = answered()
    yield "what follows it", c.say("s", ACK, S, C, b"\x17\x03\x03 more")
    yield "the client's hello again, after it", c.say("c", ACK, 1000, 5000, hello)
    c.say("c", ACK, C, S)
    yield "what follows once that is acknowledged", c.say("c", ACK, C, S, b"\x17\x03\x03 more")
    c = new()
    c.open()
    yield "an urgent byte is announced", c.say("c", ACK | URG, 1000, 5000)
    # 4 KiB may be in flight.
    long = padded(hello, 6000)
    c = new()
    c.open()
    for at in range(0, 2 * SEGMENT, SEGMENT):
        c.say("c", ACK, 1000 + at, 5000, long[at : at + SEGMENT])
    third = long[2 * SEGMENT : 3 * SEGMENT]
    yield "more than may be in flight", c.say("c", ACK, 1000 + 2 * SEGMENT, 5000, third, False)
    c.say("s", ACK, 5000, 1000 + SEGMENT)
    yield "once some of it is acknowledged", c.say("c", ACK, 1000 + 2 * SEGMENT, 5000, third)


def main():
    ends = [End(*word.split(",")) for word in sys.argv[2:]]
    hello, answer = flights(sys.argv[1])
    for name, got in cases(lambda: Connection(*ends), hello, answer):
        show(name, got, hello)


main()

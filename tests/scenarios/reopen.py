#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""reopen.py TURNS FLOW DEVICE SERVER: connections that begin anew on the conntrack entry of an older one. The other
arguments and the output are those of raw.py. Each case has a connection with TLS 1.3 and its verdict, brings conntrack's
entry into one of its states, opens the same ports again, and sends a request in the clear, which must not arrive, or a
hello, which must. TURNS times it carries data first, so that its packets take the fast path."""
import sys

from raw import ACK, RST, SYN, Connection, End, flights, show

FIN = 1
PLAIN = b"GET / HTTP/1.0\r\n\r\n"


class Again(Connection):
    """C and S: where the next byte of the client goes, and of the server."""

    def __init__(self, ends, hello, answer):
        super().__init__(*ends)
        self.hello, self.answer = hello, answer
        self.C, self.S = 1000 + len(hello), 5000 + len(answer)

    def verdict(self):
        self.open()
        self.say("c", ACK, 1000, 5000, self.hello)
        self.say("s", ACK, 5000, self.C, self.answer)
        self.say("c", ACK, self.C, self.S)

    def client(self, flags):
        return self.say("c", flags | ACK, self.C, self.S)

    def server(self, flags):
        return self.say("s", flags | ACK, self.S, self.C)

    def reopen(self):
        self.say("c", SYN, 899999)
        self.say("s", SYN | ACK, 699999, 900000)
        self.say("c", ACK, 900000, 700000)

    def again(self, payload, arrives=True):
        self.reopen()
        return self.say("c", ACK, 900000, 700000, payload, arrives)


# conntrack's state, and who does what to bring its entry there
STATES = {
    "SYN on ESTABLISHED": [],
    "SYN on FIN_WAIT": ["c"],
    "SYN on FIN_WAIT, the server's": ["s"],
    "SYN on CLOSE_WAIT": ["c", "sa"],
    "SYN on LAST_ACK": ["c", "s"],
    "SYN on TIME_WAIT": ["c", "s", "ca"],
    "SYN on CLOSE, the server's reset": ["sr"],
    "SYN on CLOSE, the client's reset": ["cr"],
}


def prepare(c, steps):
    c.verdict()
    follow(c, steps)


def follow(c, steps):
    for step in steps:
        flags = {"": FIN, "a": 0, "r": RST}[step[1:]]
        seq = 1 if FIN in (flags,) else 0
        if step[0] == "c":
            c.client(flags)
            c.C += seq
        else:
            c.server(flags)
            c.S += seq


def cases(new):
    for name, steps in STATES.items():
        c = new()
        prepare(c, steps)
        yield name + ", in the clear", c.again(PLAIN)
        c = new()
        prepare(c, steps)
        yield name + ", TLS", c.again(c.hello)
    c = new()
    prepare(c, ["c", "s", "ca"])
    c.say("s", SYN, 699999)
    c.say("c", SYN | ACK, 899999, 700000)
    c.say("s", ACK, 700000, 900000)
    yield "roles change on TIME_WAIT, in the clear", c.say("s", ACK, 700000, 900000, PLAIN)
    c = new()
    prepare(c, ["c", "s", "ca"])
    c.say("s", SYN, 699999)
    c.say("c", SYN | ACK, 899999, 700000)
    c.say("s", ACK, 700000, 900000)
    yield "roles change on TIME_WAIT, TLS", c.say("s", ACK, 700000, 900000, c.hello)
    # Neither of these may end a connection, or have it read again.
    c = new()
    c.verdict()
    yield "a stale SYN/ACK", c.say("s", SYN | ACK, 4999, 1000, arrives=False)
    yield "a SYN/ACK of nobody's SYN", c.say("s", SYN | ACK, 777, 888, arrives=False)
    yield "the connection after them", c.say("c", ACK, c.C, c.S, b"\x17\x03\x03 more")
    c = new()
    c.verdict()
    yield "a bare SYN", c.say("c", SYN, 899999)
    yield "the connection after it", c.say("c", ACK, c.C, c.S, b"\x17\x03\x03 more")
    yield "a bare SYN with data", c.say("c", SYN, 899999, 0, PLAIN, arrives=False)


def turns(new, times):
    """What arrived of each payload, in all turns."""
    got = {PLAIN: set(), new().hello: set()}
    for turn in range(times):
        for payload in got:
            c = new()
            c.verdict()
            for _ in range(2):
                c.say("c", ACK, c.C, c.S, b"data")
                c.C += 4
                c.say("s", ACK, c.S, c.C, b"data")
                c.S += 4
            follow(c, list(STATES.values())[turn % len(STATES)])
            got[payload].add(c.again(payload))
            # Else it stays half-read, as no more than 200 of a device's may be at a time.
            if payload == c.hello:
                c.say("s", ACK, 700000, 900000 + len(c.hello), c.answer)
                c.say("c", ACK, 900000 + len(c.hello), 700000 + len(c.answer))
    return got.values()


def main():
    ends = [End(*word.split(",")) for word in sys.argv[3:]]
    hello, answer = flights(sys.argv[2])
    new = lambda: Again(ends, hello, answer)
    for name, got in cases(new):
        show(name, got, hello)
    for name, got in zip(("all turns, in the clear", "all turns, TLS"), turns(new, int(sys.argv[1]))):
        show(name, got.pop() if len(got) == 1 else "mixed", hello)


main()

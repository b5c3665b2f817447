#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""report.py TRACE SYMBOLS OUT: where the instructions of a packet go, and what memory it touches. TRACE is what
tests/bench/trace/plugin.c wrote, SYMBOLS the guest's /proc/kallsyms, OUT what tests/bench/guest.sh printed, which has the
names of the traces in their order. A packet lasts from prerouting to prerouting; figures are means, without the first."""
import bisect
import collections
import sys

LINE = 6  # bits of a cache line of 64 bytes
STACK = 14  # bits of a kernel stack of x86-64
FIRST = ('prerouting_v4', 'prerouting_v6')


class Symbols:
    """Functions by address. Cordon's are those of its module."""

    def __init__(self, path):
        found = []
        with open(path, encoding='ascii') as lines:
            for line in lines:
                word = line.split()
                if word[1] in 'tTwW':
                    found.append((int(word[0], 16), word[2], word[3:] == ['[cordon]']))
        found.sort()
        self.starts = [f[0] for f in found]
        self.found = found
        self.entries = {start for start, name, own in found if own and name in FIRST}
        self.known = {}

    def of(self, address):
        if address not in self.known:
            _, name, own = self.found[bisect.bisect_right(self.starts, address) - 1]
            self.known[address] = name, own
        return self.known[address]


class Packet:
    def __init__(self):
        self.instructions = collections.Counter()
        self.locks = 0
        self.stack = None
        self.lines = {}  # those that Cordon touches, by the function that does first
        self.others = set()

    def touch(self, address, written, name, own):
        if not own:
            self.others.add(address >> LINE)
            return
        # The first thing that a function does is to put a register on its stack.
        if self.stack is None and written:
            self.stack = address >> STACK
        if address >> STACK != self.stack:
            self.lines.setdefault(address >> LINE, name)


def packets(events, symbols):
    """Of one trace, up to its end."""
    packet, name, own = None, '', False
    for line in events:
        what, _, number = line.partition(' ')
        if what == 'end\n':
            if packet:
                yield packet
            return
        address = int(number, 16)
        if what in 'il':
            if address in symbols.entries:
                if packet:
                    yield packet
                packet = Packet()
            name, own = symbols.of(address)
            if packet and own:
                packet.instructions[name] += 1
                packet.locks += what == 'l'
        elif packet:
            packet.touch(address, what == 'w', name, own)


def mean(numbers):
    return sum(numbers) / len(numbers)


def report(name, all_of):
    # What others touched between two packets belongs to the one behind as well: its buffer comes from there.
    for before, packet in zip(all_of, all_of[1:]):
        packet.before = before.others
    some = all_of[1:]
    own = [{line: f for line, f in p.lines.items() if line not in p.others and line not in p.before} for p in some]
    print('%s: %.0f instructions of Cordon\'s, %.1f that lock; %.1f cache lines, %.1f of them touched by nothing else' %
          (name, mean([sum(p.instructions.values()) for p in some]), mean([p.locks for p in some]),
           mean([len(p.lines) for p in some]), mean([len(lines) for lines in own])))
    for function in sorted(set().union(*(p.instructions for p in some))):
        print('  %-40s %8.1f %8.1f' % (function, mean([p.instructions[function] for p in some]),
                                      mean([sum(f == function for f in lines.values()) for lines in own])))


def main():
    trace, names, out = sys.argv[1:]
    symbols = Symbols(names)
    with open(out, encoding='ascii', errors='replace') as lines:
        cases = [line.split(' ', 2)[2].strip() for line in lines if line.startswith('RESULT trace ')]
    print('function, its instructions for each packet, and the lines that it is the first to touch')
    with open(trace, encoding='ascii') as events:
        for case in cases:
            for line in events:
                if line == 'begin\n':
                    break
            report(case, list(packets(events, symbols)))


main()

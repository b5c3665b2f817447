#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""report.py JSON N=FILE...: one table of what tests/bench/guest.sh printed for each N; the same as JSON."""
import json
import sys

PACKETS = [
    ('cordon loaded, no policy', 'idle', 'stateless', 'plain', 'stateless'),
    ('conntrack, new', 'tracked', 'new', 'plain', 'stateless'),
    ('conntrack, established', 'tracked', 'established', 'plain', 'stateless'),
    ('nftables, new', 'nftables', 'new', 'tracked', 'new'),
    ('nftables, established', 'nftables', 'established', 'tracked', 'established'),
    ('cordon, new', 'cordon', 'new', 'tracked', 'new'),
    ('cordon, established', 'cordon', 'established', 'tracked', 'established'),
    ('cordon, under the TLS gate', 'gated', 'established', 'ungated', 'established'),
]
HANDSHAKES = [('OpenSSL 3.0', 'o30'), ('OpenSSL 3.5, X25519MLKEM768', 'o35-vs35')]


def read(name):
    result = {}
    with open(name, encoding='ascii') as lines:
        for line in lines:
            word = line.split()
            if word[:1] == ['RESULT']:
                result.setdefault(word[1], {})[word[2]] = int(word[3])
    return result


def main():
    runs = {}
    for arg in sys.argv[2:]:
        n, name = arg.split('=', 1)
        runs[int(n)] = read(name)

    def row(label, values):
        print('%-44s' % label + ''.join('%16s' % v for v in values))

    row('devices', ['{:,}'.format(n) for n in runs])
    print('instructions for each packet')
    row('  plain forwarding', ['{:,}'.format(r['plain']['stateless']) for r in runs.values()])
    added = {n: {} for n in runs}
    for label, case, what, base, base_what in PACKETS:
        for n, r in runs.items():
            added[n][label] = r[case][what] - r[base][base_what]
        over = {'plain': 'plain', 'tracked': 'conntrack', 'ungated': 'without'}[base]
        row('  %s, over %s' % (label, over), ['{:+,}'.format(added[n][label]) for n in runs])
    print('instructions for each connection: reading its handshake, over without the gate')
    for label, what in HANDSHAKES:
        for n, r in runs.items():
            added[n][label] = r['gated'][what] - r['ungated'][what]
        row('  ' + label, ['{:+,}'.format(added[n][label]) for n in runs])
    print('kernel memory for each of 10,000 connections in their handshake, in bytes')
    row('  cordon', ['{:,.0f}'.format(r['gated']['inspection_bytes'] / r['gated']['inspections'])
                     if 'inspections' in r['gated'] else '-' for r in runs.values()])
    print('to load the policy, in millions of instructions')
    for case in ('nftables', 'cordon'):
        row('  ' + case, ['{:,.0f}'.format(r[case]['load'] / 1e6) for r in runs.values()])
    print('kernel memory for each device, in bytes (without sysfs)')
    for case in ('nftables', 'cordon'):
        # Of few devices, pages are all that could be seen.
        row('  ' + case, ['{:,}'.format(r[case]['bytes']) if n >= 1024 else '-' for n, r in runs.items()])
    print('Instructions are counted under emulation, cache misses are not. nftables does the same work:\n'
          'tests/bench/rules.py. 60-byte UDP, kernel 6.1, one CPU.')
    with open(sys.argv[1], 'w', encoding='ascii') as out:
        json.dump({str(n): {'measured': runs[n], 'added': added[n]} for n in runs}, out, indent=2)
        out.write('\n')


main()

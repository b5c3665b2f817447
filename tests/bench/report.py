#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""report.py JSON N=FILE...: one table of what tests/bench/guest.sh printed for each N; the same as JSON.
report.py --compare JSON JSON: how much dearer each case has become, in percent of all that its packet costs."""
import json
import sys

# label, case, what, and the case that it is more than
PACKETS = [
    ('cordon loaded, no policy', 'idle', 'stateless', 'plain', 'stateless'),
    ('conntrack, new', 'tracked', 'new', 'plain', 'stateless'),
    ('conntrack, established', 'tracked', 'established', 'plain', 'stateless'),
    ('conntrack, reply', 'tracked', 'reply', 'plain', 'reply'),
]
KINDS = [('nftables', 'nftables'), ('eBPF, hash maps', 'ebpf_lru'), ('eBPF, arrays', 'ebpf_flat'), ('cordon', 'cordon')]
WAYS = [('new', 'new'), ('established', 'established'), ('reply', 'reply'), ('device to device', 'between')]
PACKETS += [('%s, %s' % (kind, way), case, what, 'tracked', what) for way, what in WAYS for kind, case in KINDS]
PACKETS += [
    ('cordon, under the TLS gate', 'gated', 'established', 'ungated', 'established'),
    ('cordon, limits for scan, rate and new destinations, new', 'watch', 'new', 'cordon', 'new'),
    ('cordon, the same limits, established', 'watch', 'established', 'cordon', 'established'),
    ('cordon, devices with leases, new', 'lease', 'new', 'tracked', 'new'),
    ('cordon, devices with leases, established', 'lease', 'established', 'tracked', 'established'),
    ('cordon, IPv6, established', 'cordon6', 'established', 'tracked6', 'established'),
    ('cordon, with NAT', 'nat_cordon', 'established', 'nat', 'established'),
    ('nftables\' flow table', 'flowtable', 'established', 'tracked', 'established'),
    ('flow table and cordon', 'flowtable_cordon', 'established', 'tracked', 'established'),
]
PACKETS += [('%s, denied at the %s hook' % (kind, what), case, what, 'tracked', what)
            for what in ('first', 'second') for kind, case in KINDS[1:]]
OVER = {'plain': 'plain', 'cordon': 'without', 'tracked': 'conntrack', 'tracked6': 'conntrack', 'ungated': 'without', 'nat': 'conntrack and NAT'}
LEARNED = [('an acknowledgement that changes nothing, server included', 'known'), ('a first address, likewise', 'add'),
           ('another address, likewise', 'move'), ('the end of a lease', 'end')]
HANDSHAKES = [('OpenSSL 3.0', 'o30'), ('OpenSSL 3.5, X25519MLKEM768', 'o35-vs35')]
EXPLAINED = '''Instructions are counted under emulation, cache misses are not: median of three, (difference between the largest and
the smallest). nftables and eBPF do the same work: tests/bench/rules.py, tests/bench/ebpf/guard.bpf.c. The eBPF programs
have no RELATED, no fragments of IPv6, no policy swapped at one stroke, and state that strangers can evict. Denied is
over a hook in the same place that drops; tc denies before both. 60-byte UDP, kernel 6.1, one CPU.'''


def read(name):
    result, spread = {}, {}
    with open(name, encoding='ascii', errors='replace') as lines:
        for line in lines:
            word = line.split()
            if word[:1] == ['RESULT']:
                result.setdefault(word[1], {})[word[2]] = int(word[3])
                if word[4:]:
                    spread.setdefault(word[1], {})[word[2]] = int(word[4])
    return result, spread


def row(label, values):
    print('%-64s' % label + ''.join('%18s' % ('-' if v is None else v) for v in values))


def rows(label, values, scale=1):
    if any(v is not None for v in values):
        row('  ' + label, ['-' if v is None else '{:,.0f}'.format(v / scale) for v in values])


def report(runs, spreads):
    added = {n: {} for n in runs}

    def get(n, case, what):
        return runs[n].get(case, {}).get(what)

    def difference(label, case, what, base, base_what):
        values = []
        for n in runs:
            a, b = get(n, case, what), get(n, base, base_what)
            if a is None or b is None:
                values.append(None)
                continue
            added[n][label] = a - b
            spread = spreads[n].get(case, {}).get(what)
            values.append('{:+,}'.format(a - b) + ('' if spread is None else ' ({:,})'.format(spread)))
        if any(values):
            row('  %s, over %s' % (label, 'a hook that drops' if 'denied' in label else OVER[base]), values)

    row('devices', ['{:,}'.format(n) for n in runs])
    print('instructions for each packet')
    rows('plain forwarding', [get(n, 'plain', 'stateless') for n in runs])
    for packet in PACKETS:
        difference(*packet)
    print('instructions for each connection: reading its handshake, over without the gate')
    for label, what in HANDSHAKES:
        for n in runs:
            if get(n, 'gated', what):
                added[n][label] = get(n, 'gated', what) - get(n, 'ungated', what)
        rows(label, [added[n].get(label) for n in runs])
    print('kernel memory for each of 10,000 connections in their handshake, in bytes')
    rows('cordon', [get(n, 'gated', 'inspections') and get(n, 'gated', 'inspection_bytes') / get(n, 'gated', 'inspections')
                    for n in runs])
    print('to load the policy, in millions of instructions')
    for label, case in KINDS:
        rows(label, [get(n, case, 'load') for n in runs], 1e6)
    print('to change one device, and to list all as JSON, in millions of instructions; cordonctl\'s start is {:.1f} of them'
          .format(max(get(n, 'cordon', 'nothing') or 0 for n in runs) / 1e6))
    for label, what in (('cordon, device set', 'set'), ('cordon, show devices --json', 'dump')):
        row('  ' + label, [None if get(n, 'cordon', what) is None else '%.1f' % (get(n, 'cordon', what) / 1e6) for n in runs])
    print('addresses that devices learn from a server of DHCP on the gateway: instructions of a change')
    for label, what in LEARNED:
        rows(label, [get(n, 'learned', what) for n in runs])
    print('and of an established packet, whole')
    rows('while nothing changes', [get(n, 'learned', 'quiet') for n in runs])
    rows('while 1,000 a second do, with what interrupts it', [get(n, 'learned', 'busy') for n in runs])
    print('kernel memory for each device, in bytes (without sysfs)')
    for label, case in KINDS:
        # Of few devices, pages are all that could be seen.
        rows(label, [get(n, case, 'bytes') if n >= 1024 else None for n in runs])
    rows('cordon, what a device has learned', [get(n, 'learned', 'bytes') if n >= 1024 else None for n in runs])
    print(EXPLAINED)
    return added


def compare(before, now):
    both = [n for n in now if n in before]
    row('devices', ['{:,}'.format(int(n)) for n in both])
    print('instructions of the whole packet or handshake: before, now, difference')
    for case in now[both[0]]['measured']:
        for what in now[both[0]]['measured'][case]:
            values = []
            for n in both:
                a = before[n]['measured'].get(case, {}).get(what)
                b = now[n]['measured'].get(case, {}).get(what)
                values += ['-' if not a or b is None else '{:,} {:,} {:+.1f} %'.format(a, b, 100 * (b / a - 1))]
            print('%-32s' % ('  %s, %s' % (case, what)) + ''.join('%34s' % v for v in values))


def load(name):
    with open(name, encoding='ascii') as old:
        return {n: r for n, r in json.load(old).items() if n.isdigit()}


def main():
    if sys.argv[1] == '--compare':
        compare(load(sys.argv[2]), load(sys.argv[3]))
        return
    runs, spreads = {}, {}
    for arg in sys.argv[2:]:
        n, name = arg.split('=', 1)
        runs[int(n)], spreads[int(n)] = read(name)
    added = report(runs, spreads)
    with open(sys.argv[1], 'w', encoding='ascii') as out:
        json.dump({str(n): {'measured': runs[n], 'added': added[n]} for n in runs}, out, indent=2)
        out.write('\n')


main()

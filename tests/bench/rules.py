#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""rules.py N DIR: the same work for N devices in eight segments, as DIR/policy.yaml, as DIR/rules.nft, and as
DIR/devices.txt for tests/bench/ebpf.

Device i has the MAC 02:00:00:00:00:00 + i, the address 10.0.0.16 + (i + 1) % N (the order in which pktgen
counts both up), and is in segment i % 8, from which everything measured is allowed. One more device answers the others.

rules.nft is written as its users are advised to write it: one verdict map (MAC . address) with counters binds
the source on every packet and leads to its segment's chain; established connections then pass; the others'
destination is found in a hash of devices, else among networks, and judged by a matrix of segments.
"""
import ipaddress
import sys

NETWORKS = [('192.0.2.0/24', 6), ('198.18.0.0/15', 7), ('203.0.113.0/24', 5), ('172.16.0.0/12', 4)]


def mac(i):
    return '02:00:00:%02x:%02x:%02x' % (i >> 16 & 255, i >> 8 & 255, i & 255)


def address(i, n):
    return ipaddress.ip_address('10.0.0.16') + (i + 1) % n


def devices(n):
    """MAC, segment and address of each"""
    for i in range(n):
        yield mac(i), i % 8, address(i, n)
    yield '02:88:00:00:00:00', 0, '10.7.255.254'


def policy(out, n):
    out.write('version: 1\nports: [gd]\nuplinks: [gx]\nsegments:\n')
    for s in range(8):
        nets = ', '.join(net for net, seg in NETWORKS if seg == s)
        out.write('  s%d: {networks: [%s], isolate: false}\n' % (s, nets))
    out.write('rules:\n')
    for s in range(8):
        for d in range(8):
            if s != d:
                out.write('  - {from: s%d, to: s%d, allow: [udp/2000-4000]}\n' % (s, d))
    out.write('devices:\n')
    for i, device in enumerate(devices(n)):
        out.write('  - {name: d%d, mac: "%s", network_segment: s%d, addresses: [%s]}\n' % (i, *device))


def nft(out, n):
    out.write('table ip guard {\n')
    out.write('  map binding { type ether_addr . ipv4_addr : verdict; size %d; counter\n    elements = {\n' % (2 * n))
    out.write(',\n'.join('%s . %s : jump seg%d' % (m, ip, s) for m, s, ip in devices(n)))
    out.write('} }\n  map dhost { type ipv4_addr : mark; size %d;\n    elements = {\n' % (2 * n))
    out.write(',\n'.join('%s : %d' % (ip, s) for m, s, ip in devices(n)))
    out.write('} }\n  map dnet { type ipv4_addr : mark; flags interval; elements = { %s } }\n' %
              ', '.join('%s : %d' % net for net in NETWORKS))
    for s in range(8):
        out.write('  map row%d { type mark : verdict; elements = { %s } }\n' %
                  (s, ', '.join('%d : accept' % d for d in range(8))))
    for s in range(8):
        out.write('''  chain seg%d {
    ct state vmap { established : accept, related : accept, invalid : drop }
    meta mark set 0xff
    meta mark set ip daddr map @dhost
    meta mark 0xff meta mark set ip daddr map @dnet
    meta mark vmap @row%d
    drop
  }
''' % (s, s))
    out.write('''  chain forward { type filter hook forward priority filter; policy drop;
    iifname != "gd" accept
    ether saddr . ip saddr vmap @binding
  }
}
''')


def ebpf(out, n):
    for net in NETWORKS:
        out.write('net %s %d\n' % net)
    for device in devices(n):
        out.write('%s %d %s\n' % device)


def main():
    n, where = int(sys.argv[1]), sys.argv[2]
    for name, write in (('policy.yaml', policy), ('rules.nft', nft), ('devices.txt', ebpf)):
        with open('%s/%s' % (where, name), 'w', encoding='ascii') as out:
            write(out, n)


main()

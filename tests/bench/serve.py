#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""serve.py DEVICES FILE JSON: a table of what tests/bench/load.c printed; the same into the JSON, as "serve"."""
import json
import os
import sys

EXPLAINED = '''Processor time of the server's processes by the scheduler's account, user and kernel, on this machine, with
whatever else ran on it; one device after the other over loopback, a new connection each; P-256. The client's
time does not count. All cases take turns, so compare within the table: other load on the machine makes every
figure of it larger, mostly through cold caches. No module is loaded: where the agent asks the kernel, a round
trip over generic netlink is made, but what the module does meanwhile is not in it. Log lines go to a file.
Enrolments are on the disk when they are answered; waiting for the disk takes no processor time. The bare loop
has OpenSSL's defaults, without tickets, and reads and writes nothing after the handshake. Who asks for firmware
runs the newest. Downloads are of 64 MiB, in memory's cache, with TLS_AES_128_GCM_SHA256; nginx is Debian's, with
Debian's settings, one worker, and without a log.'''
POLLING, INTERVAL = 10000, 300	# devices; seconds
DOWNLOADS = 16	# in a GiB


def read(name):
    result = {}
    with open(name, encoding='ascii') as lines:
        for line in lines:
            word = line.split()
            if word[:1] == ['RESULT']:
                each = [int(w) / 1e6 for w in word[4:]]
                result.setdefault(word[1], {})[word[2]] = {
                    'operations': int(word[3]), 'ms': sum(each), 'processes': each}
    return result


def main():
    devices, result = int(sys.argv[1]), read(sys.argv[2])
    bare, few, many = result['bare']['bare']['ms'], result['few'], result['many']

    def row(label, *values):
        print('%-46s' % label + ''.join('%17s' % v for v in values))

    def times(label, case, target):
        more = 100 * (many[case]['ms'] / few[case]['ms'] - 1)
        row('  ' + label, '%.2f' % few[case]['ms'], '%.2f' % many[case]['ms'], '%+.1f %%' % more, target)

    row('registered devices', '16', '{:,}'.format(devices), 'difference', 'target')
    row('', '', '', '<= +-10 %')
    print('server, milliseconds of processor time for each of {:,}'.format(few['enroll']['operations']))
    times('enrolment with a token', 'enroll', '<= 2.5')
    times('renewal, client certificate', 'renew', '<= 2.5')
    times('check-in', 'checkin', '')
    row('  bare TLS 1.3 handshake, client certificate', '%.2f' % bare)
    row('  check-ins, rate over bare handshakes', *('%.0f %%' % (100 * bare / r['checkin']['ms']) for r in (few, many)),
        '', '>= 80 %')
    times('question for firmware, client certificate', 'poll', '')
    core = ['%.1f %%' % (r['poll']['ms'] / 1000 * POLLING / INTERVAL * 100) for r in (few, many)]
    row('  {:,} devices that ask every {} s, of a core'.format(POLLING, INTERVAL), *core, '', '<= 5 %')
    row('  revocation list, {:,} entries'.format(devices), '', '%.1f' % many['crl']['ms'], '', '<= 50')
    ours, others = (result[s]['download']['ms'] * DOWNLOADS / 1000 for s in ('few', 'nginx'))
    row('download of firmware, client certificate', 'cordon', 'nginx', 'cordon / nginx')
    row('  seconds of processor time for each GiB', '%.2f' % ours, '%.2f' % others)
    row('  GiB for each second of processor time', '%.2f' % (1 / ours), '%.2f' % (1 / others),
        '%.2f' % (others / ours), '>= 0.80')
    row('by process: front, agent, signer')
    for case in ('enroll', 'renew', 'checkin', 'poll'):
        row('  ' + case, *(' '.join('%.2f' % ms for ms in r[case]['processes']) for r in (few, many)))
    print(EXPLAINED)

    every = {}
    if os.path.exists(sys.argv[3]):
        with open(sys.argv[3], encoding='ascii') as old:
            every = json.load(old)
    every['serve'] = {'devices': devices, **result}
    with open(sys.argv[3], 'w', encoding='ascii') as out:
        json.dump(every, out, indent=2)
        out.write('\n')


main()

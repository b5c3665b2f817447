# SPDX-License-Identifier: GPL-2.0
"""agree.py DIR HOST...: hold what explain said of each packet (DIR/verdicts: NUMBER|TO|QUESTION|WHERE) against where it
arrived (DIR/HOST.seen). Prints the packets, how many arrived, how many of those were for many, and how many verdicts
were wrong; those are told in comments first."""
import sys

folder, hosts = sys.argv[1], sys.argv[2:]
seen = {}
for host in hosts:
    with open(f"{folder}/{host}.seen", encoding="ascii") as file:
        for number in file.read().split():
            seen.setdefault(number, set()).add(host)
packets = arrived = many = wrong = 0
with open(f"{folder}/verdicts", encoding="ascii") as file:
    for line in file:
        number, to, question, where = line.rstrip("\n").split("|")
        there = seen.get(number, set())
        packets += 1
        arrived += bool(there)
        many += to == "many" and bool(there)
        if set(where.split()) != there:
            wrong += 1
            print(f"# {number} {question}: explained {where!r}, seen {sorted(there)}")
print(packets, arrived, many, wrong)

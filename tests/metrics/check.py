#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""check.py NAMES FILE [all|nodevices]: is FILE an OpenMetrics exposition, of what NAMES says there is?

Each family once, its series together, of the type and with the labels of the table, no series twice, # EOF at the end.
all: every family has a series. nodevices: none is of a device.
"""
import re
import sys

SERIES = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\[\\"n])*",?)+)\})? (-?\d+)')


def family_of(name, kind):
    suffix = {"counter": "_total", "info": "_info"}.get(kind, "")
    assert name.endswith(suffix), f"{name} is a {kind}"
    return name[:len(name) - len(suffix)] if suffix else name


def read_names(path):
    with open(path, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    return {r[0]: (r[1], [] if r[2] == "-" else r[2].split(",")) for r in rows}


def check(names, text):
    assert text.endswith("# EOF\n") and text.count("# EOF") == 1, "no end"
    seen, begun, family, kind = set(), set(), None, None
    for line in text.split("\n")[:-2]:
        if line.startswith("# HELP "):
            family = line.split(" ")[2]
            assert family not in begun, f"{family} a second time"
            begun.add(family)
            continue
        if line.startswith("# TYPE "):
            assert line.split(" ")[2] == family, line
            kind = line.split(" ")[3]
            continue
        m = SERIES.fullmatch(line)
        assert m, f"no series: {line!r}"
        assert family_of(m[1], kind) == family, f"{m[1]} among {family}"
        labels = re.findall(r'([a-z_]+)="', re.sub(r'="(?:[^"\\]|\\.)*"', '="', m[2] or ""))
        assert names[m[1]] == (kind, labels), f"{m[1]}: {kind} {labels}, by the table {names[m[1]]}"
        assert (m[1], m[2]) not in seen, f"a second time: {line}"
        seen.add((m[1], m[2]))
    return seen


def main():
    names = read_names(sys.argv[1])
    with open(sys.argv[2], encoding="utf-8", newline="") as file:
        seen = check(names, file.read())
    with_series = {name for name, _ in seen}
    if "all" in sys.argv[3:]:
        assert with_series == set(names), f"without a series: {sorted(set(names) - with_series)}"
    if "nodevices" in sys.argv[3:]:
        of_devices = [s for s in seen if 'device="' in (s[1] or "") or s[1] and s[1].startswith('what="device",name')]
        assert not of_devices, of_devices[:3]
    print(len(seen))


main()

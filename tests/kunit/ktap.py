#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""ktap.py: turn KUnit's results on stdin into TAP, one line per case.

A suite that did not say how many cases it has, or ran another number, is a failed case of its own.
"""
import re
import sys

results = []
suite, planned, seen, notes = None, None, 0, []


def end_suite():
    if suite and planned != seen:
        results.append((False, f"{suite}: planned {planned}, ran {seen}", []))


for line in sys.stdin.read().splitlines():
    if m := re.match(r" {4}# Subtest: (\S+)$", line):
        end_suite()
        suite, planned, seen, notes = m[1], None, 0, []
    elif m := re.match(r" {4}1\.\.(\d+)$", line):
        planned = int(m[1])
    elif m := re.match(r" {4}(not )?ok \d+(?: -)? (\S+)(.*)$", line):
        seen += 1
        results.append((not m[1], f"{suite}.{m[2]}{m[3]}", notes if m[1] else []))
        notes = []
    elif suite:
        notes.append(line.strip(" #"))
end_suite()
if not results:
    results.append((False, "no suite ran", []))

for number, (passed, text, notes) in enumerate(results, 1):
    for note in notes:
        print("#", note)
    print("ok" if passed else "not ok", number, "-", text)
sys.exit(not all(passed for passed, _, _ in results))

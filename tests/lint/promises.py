#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""promises.py [ROOT]: every test that Documentation/security.md names is there, by its file and its words.

A test is named as `path`: "words", and more "words" of the same file behind commas. A row of a table whose
header ends with "test" must name one.
"""
import os
import re
import sys

ROOT = sys.argv[1] if len(sys.argv) > 1 else "."
NAMED = re.compile(r'`(tests/[^`]+)`((?:[^`"|]*"[^"]+")+)')


def faults(text):
    """What does not hold, a sentence each."""
    named = 0
    for path, words in NAMED.findall(text):
        try:
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                code = file.read()
        except OSError:
            yield f"{path} is not there"
            continue
        for word in re.findall(r'"([^"]+)"', words):
            named += 1
            if word not in code:
                yield f'{path} has no case "{word}"'
    if not named:
        yield "no test is named"
    table = False
    for line in text.splitlines():
        if line.startswith("| ") and line.rstrip().endswith("| test |"):
            table = True
        elif not line.startswith("|"):
            table = False
        elif table and not line.startswith("|--") and not NAMED.search(line):
            yield f"a promise without a test: {line[:60]}"


def main():
    """Print them; the status is 1 if there are any."""
    with open(os.path.join(ROOT, "Documentation/security.md"), encoding="utf-8") as file:
        found = list(faults(file.read()))
    for fault in found:
        print("Documentation/security.md:", fault)
    sys.exit(bool(found))


main()

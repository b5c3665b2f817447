#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""names.py NAMES FILE...: do these files name metrics and labels that there are?

NAMES is what `make build/metrics.names` writes. Names with colons are those of recording rules, in any of the files.
Prints a line for each that there is not; exits with 1 then.
"""
import re
import sys

# Of the scrape, of the alert itself, and of whoever rewrites them.
ANYWHERE = {"instance", "job", "alertname", "severity", "alertstate"}


def read(path):
    """The labels of each metric that there is."""
    with open(path, encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    return {row[0]: set() if row[2] == "-" else set(row[2].split(",")) for row in rows}


def recorded(text):
    return set(re.findall(r"^\s*-?\s*record: (cordon:[a-z0-9_:]+)$", text, re.M))


def faults(names, text, records=frozenset()):
    """What text names that there is not."""
    for name in sorted(set(re.findall(r"\bcordon_[a-z0-9_]+\b(?!:)", text))):
        if name not in names:
            yield f"no such metric: {name}"
    for name in sorted(set(re.findall(r"\bcordon:[a-z0-9_:]+", text)) - set(records)):
        yield f"no such recording rule: {name}"
    for name, inside in re.findall(r"\b(cordon_[a-z0-9_]+)\{([^}]*)\}", text):
        for label in re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)", re.sub(r'"(?:[^"\\]|\\.)*"', "", inside.replace('\\"', '"'))):
            if name in names and label not in names[name] | ANYWHERE:
                yield f"{name} has no label {label}"
    known = set().union(*names.values()) | ANYWHERE
    for inside in re.findall(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([a-z_, ]*)\)", text):
        for label in filter(None, re.split(r"[, ]+", inside)):
            if label not in known:
                yield f"nothing has a label {label}"


def main():
    names = read(sys.argv[1])
    texts = {}
    for path in sys.argv[2:]:
        with open(path, encoding="utf-8") as file:
            texts[path] = file.read()
    records = set().union(*map(recorded, texts.values()))
    found = [f"{path}: {fault}" for path, text in texts.items() for fault in faults(names, text, records)]
    print("\n".join(found), end="\n" if found else "")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())

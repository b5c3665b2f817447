# SPDX-License-Identifier: GPL-2.0
"""roundtrip.py PROGRAM: policies with names that look like something else, printed and read again.

What the program prints is read by the program, which prints the same, and by PyYAML, for which every name
must be the text that it was.
"""
import os
import random
import subprocess
import sys
import tempfile

import yaml

# What some reader of YAML takes for a boolean, null, a number, a date or an operator.
NASTY = """yes no on off true false null y n Yes NO On oFF True FALSE Null NULL Y N nan inf Infinity NaN
1 12 0 007 08 0o17 0x10 0b101 1e3 1E3 12e03 1.5 1. 1.e4 1_000 0x_f 2024-01-01 2001-12-14 1-1 685.230_15e03
_ __ _1 1_ e3 E e x0 0x a-b a.b a_b gateway1 update-2 1.2.3.4 5m 1h 365d any auto none""".split()
PORTS = ["lan0", "yes", "null", "~", "12", "1e3", "0x10", "#a", "a#b", "!a", "&a", "*a", "%a", "@a", "`a",
         "a\"b", "a\\b", "a'b", "{", "}", "[", "]", ",", "?", "-", "--", "=", "<<", "|", ">", "l\u00e4n0", "\u65e5",
         "\x01", "\x7f", "x\u00a0", "\ufeffa", "\u2028", "\U0001f600", "\\x41", "a\u0080b", "\ue000"]
LETTERS = "abcdefxyzABCDEFXYZ0123456789_"


def word(rng, longest):
    if rng.random() < 0.5:
        return rng.choice(NASTY)
    name = rng.choice(LETTERS) + "".join(rng.choice(LETTERS + "-.") for _ in range(rng.randrange(longest)))
    return name[:longest]


def words(rng, n, longest, taken=()):
    found = set()
    while len(found) < n:
        name = word(rng, longest)
        if name not in taken:
            found.add(name)
    return sorted(found)


def addresses(rng, i):
    """What a device has, and what it learns."""
    own = [f"192.168.0.{i + 1}"]
    return rng.choice([
        {"addresses": own}, {"addresses": "auto"}, {"addresses": {"auto": {"static": True}}},
        {"addresses": own, "auto": True}, {"addresses": own, "auto": {"static": True}},
    ])


def tied(rng, ports):
    return {"port": rng.choice(ports)} if rng.random() < 0.5 else {"ports": rng.sample(ports, rng.randrange(2, 5))}


def policy(rng):
    builtin = {"gateway", "onboarding", "quarantine", "update"}
    segments = words(rng, 8, 31, builtin)
    ports = rng.sample(PORTS, 6)
    others = [name for name in PORTS + ["ppp*", "br-*", "*"] if name not in ports]
    out = {
        "version": 1, "mode": rng.choice(["enforce", "observe"]), "ports": ports, "uplinks": rng.sample(others, 4),
        "segments": {name: {"networks": [f"10.{i}.0.0/16"], "interfaces": rng.sample(others, 2)} if i % 2 else {} for i, name in enumerate(segments)},
        "rules": [{"from": rng.choice(segments), "to": rng.choice(segments),
                   "allow": [rng.choice(["tcp/%d" % (i + 1), "gre", "any", "sctp/*", "icmp/echo-request", "200"])],
                   "related": rng.random() < 0.5} for i in range(6)],
        "devices": [{"name": name, "mac": f"02:00:00:00:00:{i:02x}", "network_segment": rng.choice(segments),
                     **addresses(rng, i), **tied(rng, ports), "vlan": rng.randrange(1, 4095), "model": word(rng, 31),
                     "idevid": {"issuer": word(rng, 31), "serial": f"{i}{word(rng, 60)}"}}
                    for i, name in enumerate(words(rng, 8, 63))],
    }
    out["dhcp_servers"] = [v["addresses"][0] for v in out["devices"] if isinstance(v["addresses"], list) and
                           rng.random() < 0.5]
    return out


def run(program, path):
    return subprocess.run([program, path], capture_output=True, check=True).stdout


def wrong(given, got):
    """What PyYAML read that was not given, or None."""
    if list(got["segments"]) != list(given["segments"]):
        return "segments", list(given["segments"]), list(got["segments"])
    for key in ("mode", "ports", "uplinks"):
        if got[key] != given[key]:
            return key, given[key], got[key]
    if got.get("dhcp_servers", []) != given["dhcp_servers"]:
        return "dhcp_servers", given["dhcp_servers"], got.get("dhcp_servers")
    for key in ("rules", "devices"):
        for one, other in zip(given[key], got[key], strict=True):
            for field, value in one.items():
                if other.get(field, False) != value:
                    return key, field, value, other[field]
    for name, body in given["segments"].items():
        for field, value in body.items():
            if got["segments"][name][field] != value:
                return name, field, value, got["segments"][name]
    return None


def main():
    program = sys.argv[1]
    rng = random.Random(1)
    failed = {"read by the program": None, "read by PyYAML": None, "the same again": None}
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, "policy.yaml")
        for _ in range(200):
            given = policy(rng)
            with open(path, "w", encoding="utf-8") as out:
                out.write(yaml.safe_dump(given, sort_keys=False))
            try:
                first = run(program, path)
            except subprocess.CalledProcessError as error:
                failed["read by the program"] = error.stderr
                continue
            why = wrong(given, yaml.safe_load(first.decode()))
            failed["read by PyYAML"] = failed["read by PyYAML"] or why
            with open(path, "wb") as out:
                out.write(first)
            if run(program, path) != first:
                failed["the same again"] = first
    print(f"1..{len(failed)}")
    for i, (name, why) in enumerate(failed.items()):
        if why:
            print("#", repr(why)[:2000])
        print(f"{'not ' if why else ''}ok {i + 1} - {name}")
    return any(failed.values())


sys.exit(main())

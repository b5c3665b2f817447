#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""powercut.py CORDONCTL TREE TOLD: does the disk of a gateway whose power was cut hold what it had acknowledged?
powercut.py --booted TOLD OUT: is what a boot put in force what had been acknowledged: the policy, quarantines, leases?

TREE has the directories etc (/etc/cordon) and lib (/var/lib/cordon), TOLD the lines of powercut-guest.sh. Each fault is
a line; exit status 1, there are some.
"""
import glob
import json
import os
import re
import sqlite3
import subprocess
import sys

ISSUED, DELIVERED, REVOKED = 1, 2, 3


def numbers(lines, word):
    """Of the lines that begin with a word."""
    return [int(line.split()[1]) for line in lines if re.fullmatch(word + r" \d+", line)]


def words(lines, word):
    """Likewise."""
    return {line.split()[1] for line in lines if re.fullmatch(word + r" \S+", line)}


def lines_of(path):
    """Whole ones: the last may be cut off."""
    with open(path, encoding="utf-8", errors="replace") as f:
        text = f.read()
    return text[:text.rfind("\n") + 1].splitlines()


def mark_faults(mark, told, what):
    """A policy must be the last one that was acknowledged, or one that was begun after it."""
    least = max(numbers(told, "applied"), default=0)
    most = max(numbers(told, "applying"), default=0)
    if mark is None or not least <= mark <= most:
        yield f"{what}: policy {mark}, where {least} was acknowledged and {most} begun"


def saved(told):
    """Pairs of a device that is quarantined and one that has a lease."""
    return [line.split()[1:] for line in told if re.fullmatch(r"saved \S+ \S+", line)]


def state_faults(told, quarantined, leased, what):
    """What was saved is there."""
    for prisoner, tenant in saved(told):
        if prisoner not in quarantined:
            yield f"{what}: {prisoner} was saved as quarantined, and is not"
        if tenant not in leased:
            yield f"{what}: {tenant} was saved with a lease, and has none"


def openssl(*args):
    """What it says."""
    return subprocess.run(["openssl", *args], capture_output=True, check=False, text=True)


def rows_of(path):
    """A registry's certificates."""
    db = sqlite3.connect(path)
    try:
        return db.execute("SELECT serial, state, der FROM certificate").fetchall()
    finally:
        db.close()


class Disk:
    """What a gateway would find."""

    def __init__(self, ctl, tree, told):
        self.ctl, self.told = ctl, told
        self.etc, self.lib = os.path.join(tree, "etc"), os.path.join(tree, "lib")

    def run(self, *args):
        """cordonctl's exit status, and what it says."""
        done = subprocess.run([self.ctl, *args], capture_output=True, check=False, timeout=60, text=True)
        return done.returncode, done.stdout + done.stderr

    def mark(self, path):
        """Of a policy that validates; None, it does not."""
        if not os.path.exists(path) or self.run("check", path)[0]:
            return None
        with open(path, encoding="utf-8") as f:
            found = re.search(r"mark-(\d+)", f.read())
        return int(found[1]) if found else None

    def policy(self):
        """As boot chooses: the file, unless it is broken or was being tried; else the last good one."""
        lib = {name: os.path.join(self.lib, name) for name in ("policy.yaml", "unconfirmed.yaml")}
        mark, good = self.mark(os.path.join(self.etc, "policy.yaml")), self.mark(lib["policy.yaml"])
        tried = self.mark(lib["unconfirmed.yaml"])
        for name, path in lib.items():
            if os.path.exists(path) and self.mark(path) is None:
                yield f"{name} does not validate"
        if mark is not None and mark == tried and mark in numbers(self.told, "applied"):
            yield f"policy {mark} was acknowledged, and counts as never confirmed"
        yield from mark_faults(good if mark is None or mark == tried else mark, self.told, "the next boot")

    def state(self):
        """It can be read, and has the quarantines and leases that were saved."""
        path = os.path.join(self.lib, "state")
        if not os.path.exists(path):
            if saved(self.told):
                yield "there is no state, and one was saved"
            return
        status, text = self.run("state", "show", path)
        if status:
            yield f"state: {text}"
            return
        with open(path, encoding="utf-8") as f:
            devices = json.load(f)["devices"]
        yield from state_faults(self.told, {d["name"] for d in devices if d.get("quarantined")},
                                {d["name"] for d in devices if d.get("lease_end")}, "state")

    def registry(self):
        """It is sound, and has what was acknowledged; no serial number twice."""
        path, ca = os.path.join(self.lib, "registry.db"), os.path.join(self.lib, "ca")
        status, text = self.run("registry", "check", "--registry", path, "--ca", ca)
        if status:
            yield f"registry check: {text}"
        try:
            rows = rows_of(path)
        except sqlite3.Error as why:
            yield f"registry: {why}"
            return
        if len(set(serial for serial, _, _ in rows)) != len(rows):
            yield "a serial number is there twice"
        rows = {serial.hex().upper(): (state, der) for serial, state, der in rows}
        enrolled = {serial.rjust(32, "0") for serial in words(self.told, "enrolled")}
        revoking = {serial.rjust(32, "0") for serial in words(self.told, "revoking")}
        revoked = {serial.rjust(32, "0") for serial in words(self.told, "revoked")}
        for serial in enrolled:
            state = rows.get(serial, (None, None))[0]
            if state not in (ISSUED, DELIVERED) and not (state == REVOKED and serial in revoking):
                yield f"certificate {serial} was handed out, and is in state {state}"
        for serial in revoked:
            if rows.get(serial, (None, None))[0] != REVOKED:
                yield f"certificate {serial} was revoked, and is not"
        yield from self.verify(ca, [rows[serial][1] for serial in enrolled if serial in rows])
        yield from self.crl(ca)

    def verify(self, ca, certificates):
        """They are of this CA."""
        names = []
        for number, der in enumerate(certificates):
            names.append(os.path.join(self.lib, f"{number}.pem"))
            subprocess.run(["openssl", "x509", "-inform", "DER", "-out", names[-1]], input=der, check=True)
        if not names:
            return
        done = openssl("verify", "-CAfile", f"{ca}/root.crt", "-untrusted", f"{ca}/issuing.crt", *names)
        if done.returncode:
            yield f"certificates: {done.stdout} {done.stderr}"

    def crl(self, ca):
        """What was on a list stays on one."""
        listed = words(self.told, "listed")
        if not listed:
            return
        done = openssl("crl", "-noout", "-text", "-in", f"{ca}/crl.pem")
        if done.returncode:
            yield f"crl.pem: {done.stderr}"
        for serial in listed:
            if serial.lstrip("0") not in done.stdout:
                yield f"crl.pem: {serial} was on a list, and is not any more"

    def ca(self):
        """It loads, keys included."""
        ca = os.path.join(self.lib, "ca")
        if not words(self.told, "booted") and not os.path.exists(ca):
            return
        for name in ("root", "issuing"):
            pair = [openssl("x509", "-noout", "-pubkey", "-in", f"{ca}/{name}.crt").stdout,
                    openssl("pkey", "-pubout", "-in", f"{ca}/{name}.key").stdout]
            if not pair[0] or pair[0] != pair[1]:
                yield f"ca: {name}.crt and {name}.key do not belong together"

    def left(self):
        """Half-written files under the names of whole ones."""
        for path in glob.glob(self.lib + "/**/*", recursive=True):
            if os.path.isfile(path) and not os.path.getsize(path) and re.search(r"(\.yaml|\.crt|\.key|/state)$", path):
                yield f"{path[len(self.lib) + 1:]}: is empty"

    def faults(self):
        """All of them."""
        yield from self.ca()
        yield from self.policy()
        yield from self.state()
        yield from self.registry()
        yield from self.left()


def booted(told, out):
    """What a boot in earnest says of itself."""
    said = next((m for line in out if (m := re.fullmatch(r"booted (\d+|nothing) status (\d+)", line))), None)
    if not said:
        yield "it did not say what is in force"
        return
    yield from mark_faults(None if said[1] == "nothing" else int(said[1]), told, "this boot")
    # A policy that was being tried when the power went is not put in force, and that is said.
    if said[2] != "0" and numbers(told, "applied")[-1:] == numbers(told, "applying")[-1:]:
        yield f"cordonctl boot: exit status {said[2]}"
    yield from state_faults(told, words(out, "quarantined"), words(out, "leased"), "this boot")
    if "registry is sound" not in out:
        yield from (line for line in out if "registry check" in line)
        yield "the registry is not sound"


def main():
    """Print the faults."""
    if sys.argv[1] == "--booted":
        found = list(booted(lines_of(sys.argv[2]), lines_of(sys.argv[3])))
    else:
        found = list(Disk(sys.argv[1], sys.argv[2], lines_of(sys.argv[3])).faults())
    for fault in found:
        print(fault)
    sys.exit(bool(found))


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The audit log of the server: what it issued and refused, how much of it, and whether it is as it was written."""
import json
import os
import signal
import subprocess

from gateway import (CTL, Gateway, Tap, certificate, ctl, enroll, must, new_csr, new_key, renew, run, serial, until)

tap = Tap()
MANY = 40  # refusals from one address
TOLD = 3   # of which have a line of their own
MAC = "02:00:00:00:50:01"


def lines(gw):
    """The lines there are, as objects."""
    with open(gw.audit, encoding="ascii") as f:
        return [json.loads(line) for line in f]


def find(gw, what, **fields):
    """Lines about something the server did, with these fields."""
    return [line for line in lines(gw) if line["what"] == ["serve", what]
            and all(line.get(name) == value for name, value in fields.items())]


def audit(gw, *words):
    """cordonctl audit of this gateway."""
    return run(CTL, "audit", *words, env={**os.environ, "CORDON_AUDIT": gw.audit})


def issued_and_refused(gw, token):
    """One of each is a line that says who, from where, and why not."""
    key = new_key(gw, "cam")
    got = enroll(gw, "cam", token, new_csr(key), source="127.0.3.1")
    cert = certificate(gw, got, "cam")
    number = serial(cert).hex()
    done = find(gw, "enrol", result="done")
    tap.ok(len(done) == 1 and done[0]["device"] == "cam" and done[0]["from"] == {"peer": "127.0.3.1"} and
           done[0]["serial"].replace(":", "").lower().rjust(32, "0") == number and
           done[0]["who"] == {"process": "serve"}, "an enrolment is written: whose, from where, which certificate", done)
    enroll(gw, "cam", "wrong-token-of-somebody", new_csr(key), source="127.0.3.2")
    refused = find(gw, "enrol", result="refused")
    tap.ok(len(refused) == 1 and refused[0]["device"] == "cam" and refused[0]["from"] == {"peer": "127.0.3.2"} and
           refused[0]["reason"] in ("bad_token", "token_used") and refused[0]["why"],
           "a refused one is written: whose name, from where, and why", refused)
    got = renew(gw, cert, key, new_csr(key), source="127.0.3.1")
    done = find(gw, "renew", result="done", device="cam")
    tap.ok(got.status == 200 and len(done) == 1 and
           done[0]["replaces"].replace(":", "").lower().rjust(32, "0") == number,
           "a renewal is written, with what it replaces", done)
    with open(gw.audit, encoding="ascii") as f:
        text = f.read()
    tap.ok(token not in text and "wrong-token" not in text, "no token is in it")
    tap.ok(find(gw, "start"), "and that the server started")


def many(gw):
    """Whoever tries again and again fills nothing."""
    before = len(lines(gw))
    key = new_key(gw, "many")
    for n in range(MANY):
        enroll(gw, f"nobody{n}", "wrong-token-of-somebody", new_csr(key), source="127.0.3.9")
    more = lines(gw)[before:]
    reasons = {line["reason"] for line in more}
    tap.ok(reasons and len(more) <= TOLD * len(reasons), f"{MANY} refusals: {TOLD} lines of a reason and an address",
           more)
    got = enroll(gw, "lock", gw.token("lock", "02:00:00:00:50:02"), new_csr(key), source="127.0.3.10")
    tap.ok(got.status == 200 and find(gw, "enrol", result="done", device="lock"), "allowed: who is enrolled is written")
    return before


def reload_config(gw):
    """A signal is somebody's doing, too."""
    gw.process.send_signal(signal.SIGHUP)
    tap.ok(until(lambda: find(gw, "reload", result="done")), "a reload is written", lines(gw)[-3:])


def stopped(gw, before):
    """What was not told is summed up when it ends."""
    gw.stop()
    more = lines(gw)[before:]
    told = [line for line in more if line["result"] == "refused" and line["what"][1] != "more"]
    rest = sum(line["count"] for line in more if line["what"][1] == "more")
    tap.equal("the others are summed up, exactly", MANY, len(told) + rest)
    tap.ok(find(gw, "stop"), "and that it stopped")
    got = audit(gw, "--verify")
    tap.ok(got.returncode == 0 and b"as they were written" in got.stdout, "--verify: as they were written", got)


def shown(gw):
    """The table, by device, and lines as they are."""
    got = audit(gw, "--device", "cam")
    text = got.stdout.decode()
    tap.ok(got.returncode == 0 and "serve enrol, device cam" in text and "lock" not in text, "--device", text)
    tap.ok(max(len(line) for line in text.splitlines()) <= 80, "the table has 80 columns", text)
    got = audit(gw, "--since", "1h", "--json")
    tap.equal("--json: the lines as they are", open(gw.audit, "rb").read(), got.stdout)


def tampered(gw):
    """One line removed, one changed."""
    with open(gw.audit, encoding="ascii") as f:
        text = f.read().splitlines(keepends=True)
    removed, changed = len(text) - 3, 4
    with open(gw.audit, "w", encoding="ascii") as f:
        f.writelines(line.replace("serve", "swerve") if n == changed else line
                     for n, line in enumerate(text, 1) if n != removed)
    got = audit(gw, "--verify")
    tap.ok(got.returncode == 1 and sorted(got.stdout.decode().splitlines()) ==
           sorted([f"line {changed} was changed", f"line {removed} is missing"]), "--verify names both, and nothing else", got)


def together(gw):
    """Commands and the server write one chain."""
    env = {**os.environ, "CORDON_AUDIT": gw.audit}
    key = new_key(gw, "both")
    jobs = [subprocess.Popen([CTL, "device", "token", f"d{n}", "--mac", f"02:00:00:00:51:{n:02x}", "--registry",
                              gw.registry], env=env, stdout=subprocess.PIPE) for n in range(8)]
    for n in range(8):
        enroll(gw, f"stranger{n}", "wrong-token-of-somebody", new_csr(key), source=f"127.0.4.{n + 1}")
    for job in jobs:
        job.communicate()
    got = audit(gw, "--verify")
    tap.ok(not any(job.returncode for job in jobs) and got.returncode == 0 and
           len([1 for line in lines(gw) if line["what"][0] == "device" and line["result"] == "done"]) == 8,
           "commands and the server at once: one chain", got)


def unwritable():
    """No log: devices are served all the same, and it is said."""
    with Gateway() as gw:
        os.makedirs(gw.audit)
        gw.must_start()
        key = new_key(gw, "cam")
        got = enroll(gw, "cam", gw.token("cam", MAC), new_csr(key))
        tap.ok(got.status == 200 and "the audit log cannot be written" in gw.logged(),
               "without a log: a device is enrolled, and the system's log says what is lacking", gw.logged())
        done = ctl("device", "token", "cam2", "--mac", "02:00:00:00:50:09", "--registry", gw.registry,
                   env={**os.environ, "CORDON_AUDIT": gw.audit})
        tap.ok(os.geteuid() or (done.returncode == 1 and b"not begun" in done.stderr and not gw.query(
            "SELECT 1 FROM device WHERE name = 'cam2'")), "but a command of the operator's is not begun", done)


def main():
    """All of it, on one gateway."""
    with Gateway() as gw:
        token = gw.token("cam", MAC)
        gw.must_start()
        issued_and_refused(gw, token)
        before = many(gw)
        reload_config(gw)
        stopped(gw, before)
        shown(gw)
        gw.must_start()
        together(gw)
        gw.stop()
        must(CTL, "audit", env={**os.environ, "CORDON_AUDIT": gw.audit})
        tampered(gw)
    unwritable()
    tap.done()


if __name__ == "__main__":
    main()

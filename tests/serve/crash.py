#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""kill -9 at random moments while devices enrol: afterwards the registry and what devices hold agree, one to one.

SEED=N repeats the moments (not what the machine does in them); DEVICES and KILLS say how many.
"""
import base64
import hashlib
import json
import os
import random
import signal
import sqlite3
import threading
import time

from gateway import (CTL, EST, NAMES, NOTHING, PKCS10, WAIT, Client, Crypto, Gateway, Tap, basic, comm, head, must,
                     until)

tap = Tap()
SEED = int(os.environ.get("SEED", time.time_ns() % 1000000))
DEVICES = int(os.environ.get("DEVICES", 1000))
KILLS = int(os.environ.get("KILLS", 150))  # in all, the three processes in turn
WORKERS = 6
DEADLINE = 300  # seconds for all of it
rng = random.Random(SEED)


class Device:
    """Asks with the same key and token until it has its certificate, as curl in a loop would."""

    def __init__(self, n, csr):
        self.name = f"device-{n}"
        self.mac = bytes([2, 0, 0, 1, n >> 8, n & 255])
        self.token = base64.b32encode(os.urandom(16)).decode().rstrip("=").lower()
        self.csr = csr
        self.tries = 0
        self.got = []
        self.said = []

    def attempt(self, gw, context):
        """One try; true, there is a certificate, or there will be none."""
        body = base64.b64encode(self.csr)
        self.tries += 1
        try:
            with Client(gw, context=context, timeout=5) as client:
                client.send(head("POST", EST + "simpleenroll", [PKCS10, basic(self.name, self.token),
                                                                ("Content-Length", len(body))]) + body)
                answer = client.answer()
        except OSError:
            answer = NOTHING
        if answer.status == 200:
            self.got.append(answer.der())
        elif answer.status:
            self.said.append(f"{answer.status} {answer.why()}")
        return answer.status == 200 or 400 <= answer.status < 500


def give_tokens(gw, devices):
    """Tokens by the thousand, after the pattern of one that cordonctl has made."""
    token = gw.token("pattern", "02:00:00:00:00:01")
    algorithm, salt, digest, made, expires = gw.query("SELECT algorithm, salt, hash, made, expires FROM token")[0]
    tap.equal("a token is recorded as SHA-256 of salt and secret", hashlib.sha256(salt + token.encode()).digest(), digest)
    db = sqlite3.connect(gw.registry)
    with db:
        for d in devices:
            salt = os.urandom(len(salt))
            row = db.execute("INSERT INTO device (name, mac, approval, approved) VALUES (?, ?, 0, 0)", (d.name, d.mac)).lastrowid
            db.execute("INSERT INTO token (device, algorithm, salt, hash, made, expires) VALUES (?, ?, ?, ?, ?, ?)",
                       (row, algorithm, salt, hashlib.sha256(salt + d.token.encode()).digest(), made, expires))
    db.close()


class Fleet:
    """Devices that enrol as fast as they may: so many more for each crash that is to come."""

    def __init__(self, gw, devices):
        self.gw = gw
        self.waiting = list(reversed(devices))
        self.open = 0
        self.stop = False
        self.up = threading.Event()
        self.up.set()
        self.condition = threading.Condition()
        self.threads = [threading.Thread(target=self.work, daemon=True) for _ in range(WORKERS)]
        for thread in self.threads:
            thread.start()

    def admit(self, n):
        """Let so many more begin."""
        with self.condition:
            self.open += n
            self.condition.notify_all()

    def work(self):
        """One device after another."""
        context = self.gw.context()
        while True:
            with self.condition:
                self.condition.wait_for(lambda: self.stop or not self.waiting or self.open > 0)
                if self.stop or not self.waiting:
                    return
                self.open -= 1
                device = self.waiting.pop()
            while not self.stop and not device.attempt(self.gw, context):
                self.up.wait(0.2)

    def end(self, seconds):
        """Wait for all; false, it took too long."""
        self.admit(len(self.waiting))
        end = time.monotonic() + seconds
        for thread in self.threads:
            thread.join(max(0, end - time.monotonic()))
        self.stop = any(thread.is_alive() for thread in self.threads)
        return not self.stop


def gone(pids):
    """None of these runs any more."""
    return not any(comm(pid) in NAMES for pid in pids)


def torment(gw, fleet):
    """Kill, see that the others go, start again, as a supervisor does. How often each was killed."""
    killed = dict.fromkeys(NAMES, 0)
    each = DEVICES / (KILLS + 1)
    span = 0.004 * each + 0.01  # about as long as so many devices take
    for n in range(KILLS):
        victim = NAMES[n % len(NAMES)]
        delay = rng.uniform(0, span)
        fleet.admit(round((n + 1) * each) - round(n * each))
        pids = gw.pids()
        time.sleep(delay)
        os.kill(pids[victim], signal.SIGKILL)
        killed[victim] += 1
        fleet.up.clear()
        gw.process.wait(WAIT)
        if not until(lambda pids=pids: gone(pids.values()), 10):
            tap.ok(False, f"{victim} killed: the other two end", pids)
        gw.must_start()
        fleet.up.set()
    return killed


def serials_of(gw, devices):
    """Serial numbers of what devices hold, by name; read by openssl, all at once."""
    held = {}
    for device in devices:
        held[device.name] = {serial(der) for der in device.got}
    sample = next(d for d in devices if d.got).got[-1]
    text = must("openssl", "pkcs7", "-inform", "DER", "-print_certs", input=sample)
    text = must("openssl", "x509", "-noout", "-serial", input=text).decode().strip().partition("=")[2]
    tap.equal("the serial number read here is the one that openssl reads", bytes.fromhex(text.rjust(32, "0")), serial(sample))
    return held


def element(data, at):
    """Tag, content's begin and end of the DER element at an offset."""
    n, begin = data[at + 1], at + 2
    if n & 0x80:
        begin += n & 0x7f
        n = int.from_bytes(data[at + 2:begin], "big")
    return data[at], begin, begin + n


def serial(p7):
    """Serial number of the one certificate in a degenerate PKCS #7."""
    at = element(p7, 0)[1]
    at = element(p7, at)[2]  # contentType
    at = element(p7, element(p7, at)[1])[1]  # [0], SignedData
    for _ in range(3):  # version, digestAlgorithms, contentInfo
        at = element(p7, at)[2]
    at = element(p7, element(p7, element(p7, at)[1])[1])[1]  # [0], Certificate, TBSCertificate
    if p7[at] == 0xa0:
        at = element(p7, at)[2]
    _, begin, end = element(p7, at)
    return p7[begin:end].lstrip(b"\0").rjust(16, b"\0")


def agree(gw, devices):
    """The registry and the devices, one to one."""
    held = serials_of(gw, devices)
    tap.equal("every device has one certificate, the same each time it got it", [],
              [name for name, serials in held.items() if len(serials) != 1])
    rows = gw.query("SELECT name, serial, state, der FROM certificate WHERE kind = 0")
    live = {}
    for name, number, state, _ in rows:
        if state in (1, 2):
            live.setdefault(name, set()).add(number)
    tap.equal("the registry's live certificates are those that devices hold", held, live)
    tap.equal("and there are no others", [], sorted({(name, state) for name, _, state, _ in rows if state not in (1, 2, 4)}))
    by_serial = {number: der for _, number, state, der in rows if state in (1, 2)}
    tap.equal("byte by byte", [], [d.name for d in devices if d.got and by_serial.get(serial(d.got[-1]), b"none") not in d.got[-1]])
    tap.equal("no serial number twice", len(rows), len({number for _, number, _, _ in rows}))
    tap.equal("the registry is sound", [("ok",)], gw.query("PRAGMA integrity_check"))
    tap.equal("nor does any key point nowhere", [], gw.query("PRAGMA foreign_key_check"))
    listed = json.loads(must(CTL, "ca", "list", "--registry", gw.registry, "--dir", gw.ca, "--json"))
    mine = {entry["serial"].lower() for entry in listed if entry.get("name", "").startswith("device-")}
    tap.ok({number.hex() for serials in held.values() for number in serials} <= mine, "ca list has them all", listed[:2])
    said = sorted({word for d in devices for word in d.said})
    tap.ok(all(word.startswith("503 ") for word in said), "no device was ever told anything worse than 503", said)


def main():
    """Kill and count."""
    tap.say(f"SEED={SEED} DEVICES={DEVICES} KILLS={KILLS}")
    with Gateway() as gw:
        gw.must_start()
        crypto = Crypto()
        begun = time.monotonic()
        devices = [Device(n, crypto.request(f"device-{n}")) for n in range(DEVICES)]
        give_tokens(gw, devices)
        tap.say(f"{time.monotonic() - begun:.1f} s for {DEVICES} keys, requests and tokens")
        begun = time.monotonic()
        fleet = Fleet(gw, devices)
        killed = torment(gw, fleet)
        tap.ok(fleet.end(DEADLINE) and all(d.got for d in devices), "every device has its certificate in the end",
               [d.name for d in devices if not d.got][:20])
        tap.equal("so many times was each process killed", KILLS, sum(killed.values()))
        tries = sum(d.tries for d in devices)
        tap.say(f"{time.monotonic() - begun:.1f} s for {DEVICES} enrolments, {tries} tries, killed: {killed}")
        gw.stop()
        agree(gw, devices)
    tap.done()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""chaos.py [PATTERN]: devices enrol, check in and are revoked at three gateways while members and gateways are killed and cut
off; then compaction during a partition, and a snapshot that is restored. See chaos.sh."""
import os
import random
import re
import signal
import sys
import threading
import time

from cluster import poll
from device import crypto, key_id
from straw import Fleet, seconds_since
from gateway import Tap  # of tests/serve, where straw looks, too

LONG = os.environ.get("TORTURE", "") not in ("", "0")
SEED = int(os.environ.get("SEED", time.time_ns() % 1000000))
ENROLMENTS = int(os.environ.get("ENROLMENTS", 1000 if LONG else 100))
CHECKINS = int(os.environ.get("CHECKINS", 5000 if LONG else 500))
FAULTS = int(os.environ.get("FAULTS", 50 if LONG else 5))
DEVICES, WORKERS, GRACE = 60, 6, 1.0
rng = random.Random(SEED)
tap = Tap()


class Tally:
    """What was tried, and what came of it; what must never be is kept in words."""

    def __init__(self):
        self.lock = threading.Lock()
        self.numbers, self.wrong = {}, []
        self.tokens = {}  # token: serials that were got for it
        self.keys = {}  # token: SHA-256 of the keys that were to be certified for it
        self.revoked = {}  # serial: (device's certificate and key, when the command had returned)

    def count(self, what):
        """One more."""
        with self.lock:
            self.numbers[what] = self.numbers.get(what, 0) + 1

    def got(self, token, serial):
        """A certificate, for a token."""
        with self.lock:
            self.tokens.setdefault(token, set()).add(serial)

    def asked(self, token, csr):
        """A certificate is going to be asked for."""
        with self.lock:
            self.keys.setdefault(token, set()).add(key_id(csr))

    def made_twice(self, fleet):
        """Tokens for which two certificates are in force, as the registries have it, whoever got them."""
        made = {}
        for g in fleet.gateways:
            for key, serial in g.query("SELECT key_id, serial FROM certificate WHERE kind = 0 AND state IN (1, 2)"):
                made.setdefault(key, set()).add(serial)
        of = {token: set().union(*(made.get(key, set()) for key in keys)) for token, keys in self.keys.items()}
        return {token: [serial.hex() for serial in serials] for token, serials in of.items() if len(serials) > 1}

    def bad(self, text):
        """That must not be."""
        with self.lock:
            self.wrong.append(text)


class Work:
    """One worker's part: enrolments and check-ins at gateways that are drawn, until there are enough and @quiet is set."""

    def __init__(self, fleet, tally, number, share, quiet):
        self.fleet, self.tally, self.rng = fleet, tally, random.Random(SEED * 1000 + number)
        self.devices = fleet.devices[number::WORKERS]
        self.enrolments, self.checkins = share
        self.quiet = quiet
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.error = None
        self.thread.start()

    def run(self):
        """All of it."""
        try:
            while self.enrolments or self.checkins or not self.quiet.is_set():
                device = self.rng.choice(self.devices)
                if not device.serial or self.rng.randrange(self.enrolments + self.checkins + 1) < self.enrolments:
                    self.enrol(device)
                else:
                    self.check_in(device)
        except Exception as e:  # pylint: disable=broad-except
            self.error = e
            raise

    def token(self, device):
        """One, made at a gateway; None, it cannot be had now."""
        at = self.rng.choice(self.fleet.gateways)
        done = at.ctl("device", "token", device.name, "--mac", device.mac, "--registry", at.registry, check=False)
        return (at, done.stdout.decode().strip()) if done.returncode == 0 else (at, None)

    def arrived(self, device, made, there):
        """The token of here is known there."""
        salt = "SELECT t.salt FROM token AS t JOIN device AS d ON d.id = t.device WHERE d.name = ?"
        wanted = made.query(salt, device.name)
        return poll(lambda: wanted and there.query(salt, device.name) == wanted, 10)

    def enrol(self, device):
        """With a new token and key, again and again until there is a certificate, or nothing will come of it."""
        made, token = self.token(device)
        device.at = self.rng.choice(self.fleet.gateways)
        if not token or not self.arrived(device, made, device.at):
            self.tally.count("tokens that did not arrive")
            return
        request = crypto.key_and_request(device.name)
        self.tally.asked(token, request[1])
        rival = self.rng.random() < 0.2 and threading.Thread(target=self.rival, args=(device, token))
        if rival:
            rival.start()
        end = time.monotonic() + 30
        status = 0
        while status in (0, 503) and time.monotonic() < end:
            status = device.enrol(device.at, token, 5, request)
            self.tally.count(f"enrolment: {status}")
            if status in (0, 503):
                time.sleep(self.rng.uniform(0.05, 0.3))
        if rival:
            rival.join()
        if status == 200:
            self.tally.got(token, device.serial)
        self.enrolments -= status == 200 and self.enrolments > 0
        if status == 200 and self.rng.random() < 0.15:
            self.revoke(device)

    def rival(self, device, token):
        """Somebody with another key and the same token, elsewhere, at the same moment."""
        other = type(device).__new__(type(device))
        other.__dict__.update(device.__dict__, name=device.name, dir=device.dir + "/rival")
        os.makedirs(other.dir, exist_ok=True)
        other.at = self.rng.choice([g for g in self.fleet.gateways if g is not device.at])
        other.serial = None
        request = crypto.key_and_request(device.name)
        self.tally.asked(token, request[1])
        status = other.enrol(other.at, token, 5, request)
        self.tally.count(f"rival: {status}")
        if status == 200:
            self.tally.got(token, other.serial)

    def revoke(self, device):
        """At a gateway that need not be its own."""
        at, serial = self.rng.choice(self.fleet.gateways), device.serial
        if not poll(lambda: at.query("SELECT 1 FROM certificate WHERE serial = ?", serial), 10):
            return
        done = at.ctl("ca", "revoke", serial.hex(), "--registry", at.registry, "--dir", at.ca, check=False)
        self.tally.count(f"revocation: {done.returncode}")
        if done.returncode == 0:
            kept = f"{device.dir}/revoked-{serial.hex()}"
            for what in ("crt", "key"):
                os.rename(device.path(what), f"{kept}.{what}")
            with self.tally.lock:
                self.tally.revoked[serial] = (device, kept)
            device.serial = None

    def check_in(self, device):
        """With what it has, or now and then with what was revoked."""
        device.at = self.rng.choice(self.fleet.gateways)
        with self.tally.lock:
            mine = [(s, kept) for s, (d, kept) in self.tally.revoked.items() if d is device]
        if mine and self.rng.random() < 0.3:
            try_revoked(self.tally, device, *self.rng.choice(mine))
        else:
            good = device.checkin(device.at, 5)
            self.tally.count("check-in" if good else "check-in: refused or no answer")
        self.checkins -= self.checkins > 0


def try_revoked(tally, device, serial, kept):
    """A revoked certificate is tried: it is bad if that was in the registry there for a second, and it is let in."""
    began, known = time.monotonic(), device.at.first_seen.get(serial)
    other = type(device).__new__(type(device))
    other.__dict__.update(device.__dict__)
    other.path = lambda what: f"{kept}.{what}"
    let_in = other.checkin(device.at, 5)
    tally.count("revoked, tried: " + ("let in" if let_in else "refused" if other.said.startswith("refused") else "no answer"))
    if let_in and known and known + GRACE < began:
        tally.bad(f"{device.name} is let in at {device.at.name} {began - known:.1f} s after its revocation was there: "
                  f"{serial.hex()}")
    return let_in


class Look:
    """Since when each gateway knows each revocation."""

    def __init__(self, fleet):
        self.fleet, self.stop = fleet, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        """Look."""
        while not self.stop.wait(0.1):
            for g in self.fleet.gateways:
                rows = g.query("SELECT serial FROM certificate WHERE state = 3") or []
                now = time.monotonic()
                for serial, in rows:
                    g.first_seen.setdefault(serial, now)


def fault(fleet):
    """One that is drawn: what it was, and what ends it."""
    what = rng.choice(("member", "fleet", "serve", "cut gateway", "cut member"))
    m, g = rng.choice(fleet.cluster.members), rng.choice(fleet.gateways)
    if what == "member":
        m.kill()
        return f"kill -9 of {m.name}", m.start
    if what == "fleet":
        g.kill("fleet")
        return f"kill -9 of {g.name}'s cordon-fleet", g.start_fleet
    if what == "serve":
        g.kill("serve")
        return f"kill -9 of {g.name}'s server", g.start_serve
    ns, others = (g.ns, fleet.members_ns) if what == "cut gateway" else (m.ns, [o for o in fleet.members_ns if o != m.ns])
    fleet.net.cut(ns, others)
    return what.replace("gateway", g.name).replace("member", m.name), lambda: fleet.net.heal(ns)


def faults(fleet, working):
    """At moments that are drawn, each for a time that is drawn, while there is work; how many of which."""
    seen, left = {}, FAULTS
    while left and working():
        time.sleep(rng.uniform(0.1, 1.5))
        what, end = fault(fleet)
        left -= 1
        kind = re.sub(r"\b[mg][123]\b('s)? ?", "", what).strip()
        seen[kind] = seen.get(kind, 0) + 1
        time.sleep(rng.uniform(0.1, 3))
        end()
    return seen, left


def share(total, number):
    """Of so many, what falls to this worker."""
    return total // WORKERS + (number < total % WORKERS)


def torment(fleet):
    """Shows 2 of the fleet's design."""
    began, tally, look = time.monotonic(), Tally(), Look(fleet)
    quiet = threading.Event()
    workers = [Work(fleet, tally, n, (share(ENROLMENTS, n), share(CHECKINS, n)), quiet) for n in range(WORKERS)]
    seen, left = faults(fleet, lambda: any(w.thread.is_alive() for w in workers))
    quiet.set()
    end = time.monotonic() + (1800 if LONG else 240)
    for w in workers:
        w.thread.join(max(0, end - time.monotonic()))
    look.stop.set()
    print(f"# {seconds_since(began)}: {dict(sorted(tally.numbers.items()))}; faults: {seen}")
    tap.ok(not any(w.thread.is_alive() or w.error for w in workers), f"{ENROLMENTS} enrolments and {CHECKINS} check-ins are done",
           [(w.enrolments, w.checkins, w.error) for w in workers])
    tap.ok(not left, f"under {FAULTS} faults", f"{left} were left when all workers had failed")
    judge(fleet, tally)


def judge(fleet, tally):
    """What must hold at the end."""
    began = time.monotonic()
    said = fleet.agree()
    tap.ok(said, f"all registries have the same digest, and nothing waits: after {seconds_since(began)}",
           "\n".join(f"{g.name}: {g.status()}\n{g.logged('cordon-fleet', 600)}" for g in fleet.gateways))
    wrong = []

    def same():
        """A server that was started last may be making a certificate of its own while one registry after the other is read."""
        wrong[:] = fleet.differences()
        return not wrong

    poll(same, 20, 0.3)
    tap.ok(not wrong, "devices, tokens, certificates, revocations and marks are the same in all", "\n".join(wrong))
    made = "SELECT serial, fingerprint FROM certificate WHERE fingerprint IS NOT NULL"
    rows = [row for g in fleet.gateways for row in g.query(made) or []]
    prints = {}
    for serial, fingerprint in rows:
        prints.setdefault(serial, set()).add(fingerprint)
    twice = [s.hex() for s, f in prints.items() if len(f) > 1]
    tap.ok(rows and not twice, f"none of {len(prints)} serial numbers is of two certificates", twice)
    in_etcd = {key.rpartition("/")[2] for key, _, _ in fleet.gate().under("cordon/all/cert/")}
    lost = [s.hex() for serials in tally.tokens.values() for s in serials if s.hex() not in in_etcd]
    tap.ok(in_etcd and not lost, "each certificate that a device has is in etcd", lost[:10])
    revoked = {serial for g in fleet.gateways for serial, in g.query("SELECT serial FROM certificate WHERE state = 3") or []}
    double = {t: [s.hex() for s in serials] for t, serials in tally.tokens.items() if len(serials - revoked) > 1}
    tap.ok(not double, f"none of {len(tally.tokens)} tokens has made two certificates that are in force", double)
    double = tally.made_twice(fleet)
    tap.ok(not double, f"nor has one of {len(tally.keys)}, with those whose answer was lost", double)
    missed = [(g.name, s.hex()) for g in fleet.gateways for s in tally.revoked
              if not g.query("SELECT 1 FROM certificate WHERE serial = ? AND state = 3", s)]
    tap.ok(tally.revoked and not missed, f"each of {len(tally.revoked)} revocations is in all registries", missed)
    tried = tally.numbers.get("revoked, tried: refused", 0)
    tap.ok(tried and not tally.wrong, "no revoked device was let in a second after its revocation was there",
           "\n".join(tally.wrong) or tally.numbers)
    everywhere(fleet, tally)


def everywhere(fleet, tally):
    """When all is quiet: who is revoked is refused at each gateway, and who is not is let in at each."""
    let_in = []
    for serial, (device, kept) in list(tally.revoked.items())[:20]:
        for device.at in fleet.gateways:
            if try_revoked(Tally(), device, serial, kept):
                let_in.append((device.name, device.at.name))
    tap.ok(not let_in, "at the end: who is revoked is refused at each gateway", let_in)
    refused = []
    # A rival with the same token may have taken a device's place.
    good = [d for d in fleet.devices if d.serial and not knows_revoked(fleet.gateways[0], d.serial)]
    for device in good[:10]:
        for device.at in fleet.gateways:
            if not poll(lambda d=device: d.checkin(d.at, 5), 10, 0.2):
                refused.append((device.name, device.at.name, device.said))
    tap.ok(len(good) >= 10 and not refused, "and who is not is let in at each", refused or good)


def enrolled(device, gateway):
    """With a token of its gateway's."""
    device.at = gateway
    return poll(lambda: device.enrol(gateway, seconds=5) == 200, 30, 0.3)


def revoke_at(gateway, serial, wait=True):
    """The command; True, it was done. It may be left to itself."""
    if not wait:
        gateway.start_one("revoke", gateway.program, "ca", "revoke", serial.hex(), "--registry", gateway.registry, "--dir",
                          gateway.ca)
        return True
    done = gateway.ctl("ca", "revoke", serial.hex(), "--registry", gateway.registry, "--dir", gateway.ca, check=False)
    return done.returncode == 0


def knows_revoked(gateway, serial):
    """Its registry does."""
    return bool(gateway.query("SELECT 1 FROM certificate WHERE serial = ? AND state = 3", serial))


def prompt(fleet):
    """Revoked at g1, its lease ends in g3's kernel: how long after the command was called, many times."""
    one, _, three = fleet.gateways
    device, times = fleet.devices[4], []
    for _ in range(20):
        if not enrolled(device, one) or not goes_to(device, three):
            break
        ended, began = three.kernel.leases(device.name)[1], time.monotonic()
        revoke_at(one, device.serial, wait=False)
        if not poll(lambda e=ended: three.kernel.leases(device.name)[1] > e, 20, 0.001):
            break
        times.append((time.monotonic() - began) * 1000)
    tap.ok(len(times) == 20 and max(times) < 1000, f"revoked at g1, the lease at g3 ends within a second, {len(times)} times: "
           f"worst {max(times or [0]):.0f} ms, median {sorted(times or [0])[len(times) // 2]:.0f} ms, from the command's start",
           f"{times}\n{device.said}\n{three.logged('cordon-fleet')}")


def goes_to(device, gateway):
    """It checks in there, as soon as that knows of it."""
    device.at = gateway
    return poll(lambda: device.checkin(gateway, 5), 20, 0.05)


def compacted(fleet):
    """A gateway is cut off while a certificate is revoked and the history is compacted: it lists anew, and misses nothing."""
    one, _, cut = fleet.gateways
    device, other = fleet.devices[:2]
    tap.ok(enrolled(device, one) and enrolled(other, one), "two devices enrol at g1", device.said + other.said)
    has = "SELECT 1 FROM certificate WHERE serial = ?"
    tap.ok(poll(lambda: all(cut.query(has, d.serial) for d in (device, other)), 10), "g3 knows of them")
    device.at = other.at = cut
    tap.ok(poll(lambda: device.checkin(cut, 5) and other.checkin(cut, 5), 10), "both check in there", device.said)
    fleet.net.cut(cut.ns, fleet.members_ns)
    tap.ok(poll(lambda: cut.status().get("reachable") is False, 40), "g3 is cut off, and says so", cut.status())
    tap.ok(device.checkin(cut, 5), "who is there and not revoked may go on checking in", device.said)
    tap.ok(revoke_at(one, device.serial), "one is revoked at g1")
    gate = fleet.gate()
    tap.ok(poll(lambda: gate.under(f"cordon/all/revoked/{device.serial.hex()}"), 10), "it is in etcd")
    revision = int(gate.put("cordon/other", "x")["header"]["revision"])
    gate.call("kv/compaction", {"revision": str(revision), "physical": True})
    tap.ok(not knows_revoked(cut, device.serial), "etcd is compacted; g3 knows of nothing")
    fleet.net.heal(cut.ns)
    began = time.monotonic()
    known = poll(lambda: knows_revoked(cut, device.serial), 60)
    tap.ok(known, f"it is back: the revocation is there, {seconds_since(began)} after the cut ended",
           f"{cut.status()}\n{cut.logged('cordon-fleet')}")
    time.sleep(GRACE)
    tap.ok(not device.checkin(cut, 5), "and its device is refused", device.said)
    tap.ok(poll(lambda: other.checkin(cut, 5), 10), "the other one is not", other.said)
    tap.ok(fleet.agree(), "all registries have the same digest", [g.status() for g in fleet.gateways])


def restored(fleet):
    """etcd is restored from a snapshot of before a revocation: noticed, refused, said; rejoin brings the revocation back."""
    one, two, _ = fleet.gateways
    device = fleet.devices[2]
    tap.ok(enrolled(device, one), "a device enrols", device.said)
    tap.ok(fleet.agree(), "all know of it")
    snapshot = f"{fleet.dir}/snapshot"
    fleet.cluster.members[0].ctl("snapshot", "save", snapshot)
    tap.ok(revoke_at(two, device.serial), "it is revoked at g2, after a snapshot")
    tap.ok(poll(lambda: all(knows_revoked(g, device.serial) for g in fleet.gateways), 20), "all know")
    fleet.agree()
    fleet.cluster.restore(snapshot, "two")
    tap.ok(fleet.cluster.start(), "the snapshot is restored on all members")
    for g in fleet.gateways:
        tap.ok(poll(lambda g=g: g.status().get("refused"), 60), f"{g.name} refuses it, and says so",
               f"{g.status()}\n{g.logged('cordon-fleet')}")
        tap.ok(knows_revoked(g, device.serial), f"{g.name} still knows of the revocation")
        device.at = g
        tap.ok(not device.checkin(g, 5), f"{g.name} refuses the device", device.said)
    new = fleet.devices[3]
    new.at = one
    status = new.enrol(one, seconds=5)
    tap.ok(status == 503, "nobody enrols meanwhile", f"{status} {new.said}")
    for g in fleet.gateways:
        done = g.ctl("fleet", "rejoin", "--config", g.config, check=False)
        tap.ok(done.returncode == 0, f"{g.name}: fleet rejoin", done.stdout + done.stderr)
    tap.ok(fleet.agree(), "all registries have the same digest", [g.status() for g in fleet.gateways])
    tap.ok(fleet.gate().under(f"cordon/all/revoked/{device.serial.hex()}"), "the revocation is in etcd again")
    for g in fleet.gateways:
        device.at = g
        tap.ok(knows_revoked(g, device.serial) and not device.checkin(g, 5), f"{g.name} refuses the device",
               device.said)
    tap.ok(enrolled(new, one), "and devices enrol again", new.said)


def main():
    """The parts that are asked for, one fleet for all."""
    pattern = sys.argv[1] if len(sys.argv) > 1 else ""
    print(f"# SEED={SEED} ENROLMENTS={ENROLMENTS} CHECKINS={CHECKINS} FAULTS={FAULTS}", flush=True)
    fleet = Fleet()
    try:
        fleet.make(DEVICES)
        why = fleet.start()
        if tap.ok(not why, "three members and three gateways are up", why):
            for part in (prompt, torment, compacted, restored):
                if re.search(pattern, part.__name__):
                    began = time.monotonic()
                    part(fleet)
                    print(f"# {part.__name__}: {seconds_since(began)}", flush=True)
    finally:
        fleet.remove()
    tap.done()


def die(*_):
    """Leave as an exception, so that everything is cleaned up."""
    raise SystemExit(1)


signal.signal(signal.SIGTERM, die)
if __name__ == "__main__":
    main()

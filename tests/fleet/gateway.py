# SPDX-License-Identifier: GPL-2.0
"""A gateway of a fleet, for tests: its registry, its cordon-fleet, and its socket."""
import hashlib
import json
import os
import select
import signal
import socket
import sqlite3
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "etcd"))
from etcd_member import ENV, WORK, ok, started  # noqa: E402

BUILD = sys.argv[1]
ASAN = f"{BUILD}/fleet/cordon-fleet"
CONFINED = f"{BUILD}/cordon-fleet"
CTL = f"{BUILD}/cordonctl"
NOW = int(time.time())
# What cordonctl does here is none of this machine's business.
os.environ["CORDON_AUDIT"] = ENV["CORDON_AUDIT"] = f"{WORK}/audit.jsonl"
QUIET = {**ENV, "ASAN_OPTIONS": "detect_leaks=1:exitcode=99", "UBSAN_OPTIONS": "print_stacktrace=1"}


def wait(what, seconds=20, every=0.02):
    """Until what() is true: its value; else the last one."""
    end = time.monotonic() + seconds
    while True:
        value = what()
        if value or time.monotonic() >= end:
            return value
        select.select([], [], [], every)


class Line:
    """A connection to the socket."""

    def __init__(self, path):
        self.s = socket.socket(socket.AF_UNIX)
        self.s.connect(path)
        self.buffer, self.lines, self.last = b"", [], 0

    def read(self, seconds):
        if not select.select([self.s], [], [], seconds)[0]:
            return True
        try:
            data = self.s.recv(1 << 16)
        except ConnectionResetError:
            return False
        self.buffer += data
        *whole, self.buffer = self.buffer.split(b"\n")
        self.lines += map(json.loads, whole)
        return bool(data)

    def say(self, **question):
        self.last += 1
        self.s.sendall(json.dumps({"id": self.last, **question}).encode() + b"\n")
        return self.last

    def hear(self, which, seconds=20):
        end = time.monotonic() + seconds
        while True:
            for i, line in enumerate(self.lines):
                if which(line):
                    return self.lines.pop(i)
            if time.monotonic() >= end or not self.read(max(0, end - time.monotonic())):
                return None

    def ask(self, seconds=20, **question):
        number = self.say(**question)
        return self.hear(lambda l: l.get("id") == number, seconds)

    def is_closed(self, seconds=10):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if not self.read(0.1):
                return True
        return False

    def close(self):
        self.s.close()


class Gateway:
    def __init__(self, name, members, program=ASAN, where=None):
        self.name, self.program, self.process, self.fails = name, program, None, False
        self.where = f"{WORK}/{where or name}"
        self.members = members
        os.makedirs(self.where, exist_ok=True)
        self.config, self.db_path, self.log = f"{self.where}/serve.yaml", f"{self.where}/registry.db", f"{self.where}/log"
        self.control = f"{self.where}/run/control"
        self.configure()

    def configure(self):
        with open(self.config, "w", encoding="ascii") as f:
            f.write(f"""ca: {self.where}/ca
registry:
  file: {self.db_path}
  etcd: [{", ".join(m.url for m in self.members)}]
  ca: {WORK}/ca.crt
  cert: {WORK}/client.crt
  key: {WORK}/client.key
  gateway: {self.name}
  run: {self.where}/run
  directory: {self.where}/fleet
""")

    def start(self):
        if os.path.exists(self.control):
            os.unlink(self.control)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([self.program, "--config", self.config, "--foreground", "--json"], stdout=log, stderr=log,
                                            env={**QUIET, "CORDON_FAKE_FLEET_KERNEL": f"{self.where}/kernel"})
        started.append(self.process)
        wait(lambda: os.path.exists(self.control) or self.process.poll() is not None)
        if self.process.poll() is not None and not self.fails:
            with open(self.log, encoding="utf-8", errors="replace") as log:
                print("".join(f"# {l}" for l in log.readlines()[-20:]))
            sys.exit(f"Bail out! cordon-fleet of {self.name} does not start")
        return self

    def stop(self):
        """Its exit status."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return None

    def kill(self):
        self.process.kill()
        self.process.wait()

    def line(self):
        return Line(self.control)

    def ask(self, **question):
        line = self.line()
        try:
            return line.ask(**question)
        finally:
            line.close()

    def status(self):
        try:
            return self.ask(do="status") or {}
        except OSError:
            return {}

    def is_reachable(self, seconds=20):
        return bool(wait(lambda: self.status().get("reachable"), seconds))

    def is_away(self, seconds=20):
        return bool(wait(lambda: self.status().get("reachable") is False, seconds))

    def said(self, event):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            return [l for l in f if event in l]

    def hears(self, event, seconds=20):
        return bool(wait(lambda: self.said(event), seconds))

    def sql(self, statement, *values):
        db = sqlite3.connect(self.db_path, timeout=20, isolation_level=None)
        try:
            return db.execute(statement, values).fetchall()
        finally:
            db.close()

    # Rows, as agent and cordonctl write them.
    def device(self, name, mac):
        self.sql("INSERT INTO device (name, mac, approval, approved) VALUES (?, ?, 0, 0)", name, bytes.fromhex(mac))

    def has_device(self, name):
        return self.sql("SELECT hex(mac), retired FROM device WHERE name = ?", name)

    def certificate(self, name, mac, serial):
        now = int(time.time())
        self.sql("INSERT INTO certificate (serial, kind, state, name, mac, key_id, fingerprint, not_before, not_after, der)"
                 " VALUES (?, 0, 2, ?, ?, ?, ?, ?, ?, x'00')", bytes.fromhex(serial), name, bytes.fromhex(mac),
                 hashlib.sha256(b"key" + serial.encode()).digest(), hashlib.sha256(serial.encode()).digest(), now - 10,
                 now + 86400)

    def revoke(self, serial):
        self.sql("UPDATE certificate SET state = 3, revoked = unixepoch(), reason = 1 WHERE serial = ?", bytes.fromhex(serial))

    def state(self, serial):
        rows = self.sql("SELECT state FROM certificate WHERE serial = ?", bytes.fromhex(serial))
        return rows[0][0] if rows else None

    def token(self, name, mac):
        done = subprocess.run([CTL, "device", "token", name, "--mac", ":".join(mac[i:i + 2] for i in range(0, 12, 2)),
                               "--registry", self.db_path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        return done.returncode == 0 or done.stderr.decode()

    def ctl(self, *words):
        done = subprocess.run([CTL, "fleet", *words, "--config", self.config], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              check=False)
        return done.returncode, done.stdout.decode(), done.stderr.decode()


def command(*words):
    """Run cordonctl, which has to succeed."""
    done = subprocess.run([CTL, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        print("".join(f"# {l}\n" for l in done.stderr.decode().splitlines()), flush=True)
    done.check_returncode()


def admit(member, *gateways):
    """What `cordonctl fleet add` writes."""
    for g in gateways:
        member.ctl("put", f"cordon/all/gateway/{g.name}", json.dumps({"v": 1}))


def same(*gateways):
    """All have the same registry, and nothing waits."""
    def look():
        all_ = [g.status() for g in gateways]
        return all(s.get("reachable") and not s["waiting"] for s in all_) and len({s["digest"] for s in all_}) == 1
    return bool(wait(look, 30))


def serial(n):
    return f"{n:032x}"


def mac(n):
    return f"02{n:010x}"


def seconds_until(what):
    """How long it takes; 99, too long."""
    began = time.monotonic()
    return time.monotonic() - began if wait(what, 10, 0.005) else 99


def pair(m, name):
    """Two gateways on a member, reachable."""
    a, b = (Gateway(n, [m], where=f"{name}-{n}") for n in ("a", "b"))
    admit(m, a, b)
    a.start(), b.start()
    ok(a.is_reachable() and b.is_reachable(), "two gateways reach etcd")
    return a, b


def ended(*gateways):
    """Without a leak, or anything else that a sanitizer sees."""
    status = [g.stop() for g in gateways]
    ok(status == [0] * len(status), f"cordon-fleet ends, and leaves nothing behind: {status}")
    for g, s in zip(gateways, status):
        if s:
            with open(g.log, encoding="utf-8", errors="replace") as f:
                print("".join(f"# {l}" for l in f.readlines()[-40:]))

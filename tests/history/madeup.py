#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""madeup.py DIR LIVE_DIR [--devices N] [--days D] [--seed S] [--now T] [--hostile]

Fill DIR/history.db and LIVE_DIR/live.db with a history that never was, the same one for the same numbers. A row
is told by the start of its minute, hour or day (UTC); a minute in which nothing came has none. With --hostile
the first devices carry names that would run, break out, mislead or take too much room on a page, a terminal or
in a metric. HOSTILE has them.
"""
import argparse
import os
import random
import sqlite3
import subprocess
import sys
import time

TREE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")

HOSTILE = [
    b"<script>alert(1)</script>",
    b"\"><img src=x onerror=alert(2)>",
    b"' onmouseover='alert(3)' x='",
    b"</title></textarea><svg/onload=alert(4)>",
    b"javascript:alert(5)",
    b"data: x\n\nevent: state\nid: 9",
    b"a\x01\x02\x1b[31mred\x1b[0m\x7f",
    "abc\u202eexe.gpj\u2066x\u2069\u200b".encode(),
    b"\xff\xfe\xc0\xaf\xed\xa0\x80bad",
    b"x" * 4000,
    b"&lt;b&gt;&amp;#60;",
    b"{{7*7}}${7*7}`id`$(id)%s%n",
    b"'; DROP TABLE device; --",
    b"a\",le=\"\\\n# HELP x",
]

SEGMENTS = ["gateway", "onboarding", "quarantine", "update", "iot_zone", "cameras", "plant", "office", "wan"]
HOMES = ["iot_zone"] * 6 + ["cameras"] * 2 + ["plant", "office"]
KINDS = ["segment_violation"] * 8 + ["plaintext"] * 3 + ["scan", "spoofed_source", "arp_spoof", "moved_port",
         "tls_downgrade", "unauthenticated", "rate", "new_destination", "rogue_dhcp"]
MODELS = [("acme-t1", "thermostat"), ("acme-c4", "camera"), ("volt-m2", "meter"), ("lumen-b1", "lamp"),
          ("door-x", "lock")]
RULES = [
    ("iot_zone", "wan", "tcp/443, tcp/8883", 0, 0, 40), ("iot_zone", "gateway", "udp/53, udp/67, udp/123", 1, 0, 5),
    ("cameras", "plant", "tcp/554, udp/5000-5010", 0, 1, 86400 * 3), ("cameras", "wan", "tcp/443", 0, 0, 3600),
    ("plant", "iot_zone", "tcp/502", 1, 0, None), ("office", "iot_zone", "tcp/443", 0, 0, 600),
    ("office", "cameras", "tcp/443, tcp/554", 0, 0, 86400 * 40), ("office", "wan", "any", 1, 0, 2),
    ("quarantine", "wan", "tcp/443", 0, 0, None), ("onboarding", "gateway", "tcp/8443", 0, 0, 7200),
]
STATES = ["active"] * 88 + ["expired"] * 4 + ["onboarding"] * 3 + ["outdated"] * 3 + ["quarantined"] * 2
WHY = {
    "quarantined": ["scan: 104 destinations in 10 s", "cordonctl device quarantine, by anna", "arp_spoof"],
    "expired": ["the lease ended", "the certificate was revoked"],
    "outdated": ["runs 1.3.9, may not run below 1.4.0"],
    "onboarding": ["never checked in"],
    "active": ["checked in", "checked in", None],
}
EFFECTIVE = {"quarantined": "quarantine", "expired": "onboarding", "onboarding": "onboarding", "outdated": "update"}

# Numbers that look random, of a device and a time, made by SQLite itself: there are millions of rows.
SERIES = """
INSERT INTO {table}(device, at, rx_packets, rx_bytes, tx_packets, tx_bytes, denied, anomalies)
WITH RECURSIVE t(at) AS (VALUES({first}) UNION ALL SELECT at + {step} FROM t WHERE at + {step} <= {last})
SELECT id, at, p, p * (90 + h % 700), p * 2 / 3 + 1, p * (60 + h % 90), d, d + (h % 211 = 0) FROM (
  SELECT device.id AS id, at, h, 1 + (h % 97) * {scale} * (1 + device.id % 7) * (10 + (at / 3600 % 24)) / 20 AS p,
    CASE WHEN (h % 499) < {denied} THEN 1 + h % 13 ELSE 0 END AS d
  FROM (SELECT device.id AS di, at, ((device.id * 2654435761 + at / {step} * 40503 + {seed}) % 1000000007 * 2246822519 % 4294967291) >> 9
        AS h FROM t, device WHERE device.first <= at + {step} AND ({every})) JOIN device ON device.id = di)
"""


def parse():
    p = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    p.add_argument("dir")
    p.add_argument("live_dir")
    p.add_argument("--devices", type=int, default=100)
    p.add_argument("--days", type=int, default=30)
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--now", type=int, default=int(time.time()))
    p.add_argument("--hostile", action="store_true")
    return p.parse_args()


def create(at):
    tool = os.path.join(os.environ.get("BUILD", os.path.join(TREE, "build")), "history", "create")
    sources = [os.path.join(TREE, s) for s in ("tests/history/create.c", "userspace/history/schema.c",
                                               "userspace/history/history.h")]
    if not os.path.exists(tool) or os.path.getmtime(tool) < max(map(os.path.getmtime, sources)):
        os.makedirs(os.path.dirname(tool), exist_ok=True)
        new = f"{tool}.{os.getpid()}"
        subprocess.run([os.environ.get("CC", "cc"), "-D_GNU_SOURCE", "-I" + os.path.join(TREE, "userspace"), "-o", new,
                        *sources[:2], "-lsqlite3"], check=True)
        os.rename(new, tool)
    for folder in (at.dir, at.live_dir):
        os.makedirs(folder, exist_ok=True)
    history = os.path.join(at.dir, "history.db")
    if os.path.exists(history):
        os.unlink(history)
    subprocess.run([tool, at.dir, at.live_dir], check=True)
    db = sqlite3.connect(history, isolation_level=None)
    db.execute("ATTACH ? AS live", (os.path.join(at.live_dir, "live.db"),))
    db.execute("PRAGMA synchronous = OFF")
    db.execute("PRAGMA journal_mode = MEMORY")
    return db


def insert(db, table, rows):
    rows = list(rows)
    if rows:
        names = ", ".join(rows[0])
        db.executemany(f"INSERT OR IGNORE INTO {table}({names}) VALUES ({', '.join(':' + n for n in rows[0])})", rows)


class Madeup:
    def __init__(self, at, db):
        self.at, self.db, self.now = at, db, at.now
        self.r = random.Random(at.seed)
        self.began = at.now - at.days * 86400
        self.devices = [self.device(i) for i in range(1, at.devices + 1)]

    def device(self, i):
        r = self.r
        model, what = MODELS[i % len(MODELS)]
        state, segment = r.choice(STATES), r.choice(HOMES)
        first = self.began if r.random() < 0.8 else r.randint(self.began, self.now - 3600)
        since = r.randint(max(first, self.now - 20 * 86400), self.now)
        leased = state == "active" and segment != "office"
        return {
            "id": i, "mac": "02:00:%02x:%02x:%02x:%02x" % (i >> 24 & 255, i >> 16 & 255, i >> 8 & 255, i & 255),
            "name": f"{what}-{i}", "segment": segment, "effective": EFFECTIVE.get(state, segment), "state": state,
            "since": since, "why": r.choice(WHY[state]), "listed": int(i % 97 != 0), "model": model,
            "ports": "lan%d" % (i % 4), "vlan": 20 if i % 3 == 0 else None,
            "addresses": "10.%d.%d.%d" % (20 + (i >> 16), i >> 8 & 255, i & 255),
            "authentication": "none" if segment == "office" else "certificate",
            "encryption": "TLS1.2" if segment == "cameras" else "any" if segment == "office" else "TLS1.3",
            "firmware": i % 2, "lease_until": self.now + r.randint(60, 3600) if leased else None,
            "lease_port": "lan%d" % (i % 4) if leased else None, "outdated": int(state == "outdated"),
            "certificate": "%040x" % r.getrandbits(158) if leased else None,
            "certificate_end": self.now + r.randint(-86400, 90 * 86400) if leased else None,
            "version": r.choice(["1.4.2", "1.4.1", "1.3.9"]), "hostname": f"{what}{i}.local",
            "vendor_class": "udhcp 1.3%d.0" % (i % 9), "parameters": "1,3,6,12,15,28,42", "first": first,
            "last": self.now - r.randint(0, 300 if i % 29 else 9 * 86400), "destinations": r.randint(1, 60),
            "learning": self.now + 86400 if i % 41 == 0 else None,
            "rx_packets": 0, "rx_bytes": 0, "tx_packets": 0, "tx_bytes": 0, "denied": 0, "anomalies": 0,
        }

    def series(self):
        now, seed = self.now, self.at.seed
        for table, step, kept, scale, denied, every in (
                ("day", 86400, 400 * 86400, 300, 90, "1"), ("hour", 3600, 32 * 86400, 20, 12, "1"),
                ("minute", 60, 26 * 3600, 1, 3, "device.id % 10 = 0 OR (at / 60 + device.id) % (3 + device.id % 12) = 0")):
            first = max(self.began, now - kept) // step * step
            last = (now - step) // step * step
            self.db.execute(SERIES.format(table=table, step=step, first=first, last=last, scale=scale, seed=seed,
                                          denied=denied, every=every))
        counts = ("rx_packets", "rx_bytes", "tx_packets", "tx_bytes", "denied", "anomalies")
        self.db.execute("UPDATE live.now SET (%s) = (SELECT %s FROM day WHERE device = now.id)" % (
            ", ".join(counts), ", ".join(f"coalesce(sum({c}), 0)" for c in counts)))
        insert(self.db, "restart", ({"device": d["id"], "at": self.now - 5 * 86400} for d in self.devices[::50]))

    def episodes(self):
        r = self.r
        for n in range(min(200000, self.at.devices * max(1, self.at.days // 3))):
            d, kind = r.choice(self.devices), r.choice(KINDS)
            first = self.now - 30 - int((self.at.days * 86400 - 30) * r.random() ** 2)
            yield {"device": d["id"], "kind": kind, "first": first,
                   "last": min(self.now, first + r.randint(0, 1800)) if n % 40 else self.now - r.randint(0, 500),
                   "count": r.randint(1, 400), "denied": r.randint(0, 400), "source": d["addresses"],
                   "destination": "203.0.113.%d" % r.randint(1, 254), "protocol": 6,
                   "dport": r.choice([23, 80, 443, 445, 1883, 8080]),
                   "server": r.choice([None, "api.example.com", "telemetry.example.net"]),
                   "tls": "TLS1.2" if kind == "tls_downgrade" else None, "interface": d["ports"],
                   "ports": "lan3" if kind == "moved_port" else None, "action": r.choice(["event", "count", "quarantine"]),
                   "acknowledged": first + 4000 if first < self.now - 86400 and n % 3 == 0 else None,
                   "acknowledged_by": "anna" if first < self.now - 86400 and n % 3 == 0 else None}

    def denials(self):
        r = self.r
        for d in self.devices[::2]:
            for _ in range(r.randint(1, 6)):
                to, port, last = r.choice(["wan", "plant", "cameras", "office"]), r.choice([23, 80, 445, 8080]), \
                    self.now - r.randint(0, 86400 * min(7, self.at.days))
                yield {"device": d["id"], "kind": "segment_violation", "source": d["addresses"],
                       "destination": "10.99.%d.%d" % (r.randint(0, 9), r.randint(1, 254)), "protocol": r.choice([6, 17]),
                       "dport": port, "from_segment": d["segment"], "to_segment": to,
                       "rule": "{from: %s, to: %s, allow: [tcp/%d]}" % (d["segment"], to, port),
                       "first": last - r.randint(0, 86400), "last": last, "count": r.randint(1, 900)}

    def states(self):
        r = self.r
        for d in self.devices:
            for _ in range(r.randint(0, 4)):
                state = r.choice(STATES)
                at = r.randint(d["first"], self.now - 1)
                if at < d["since"]:
                    yield {"device": d["id"], "at": at, "state": state, "segment": EFFECTIVE.get(state, d["segment"]),
                           "why": r.choice(WHY[state])}
            yield {"device": d["id"], "at": d["since"], "state": d["state"], "segment": d["effective"], "why": d["why"]}

    def peers(self):
        r = self.r
        for d in self.devices:
            for _ in range(r.randint(1, 8)):
                other = r.choice(self.devices) if r.random() < 0.4 else None
                first = r.randint(d["first"], self.now - 1)
                yield {"device": d["id"], "peer": other["addresses"] if other else "198.51.100.%d" % r.randint(1, 254),
                       "protocol": r.choice([6, 6, 17]), "dport": r.choice([53, 123, 443, 8883, 502, 554]),
                       "opened": int(r.random() < 0.8), "other": other and other["id"],
                       "segment": other["segment"] if other else "wan", "first": first,
                       "last": r.randint(first, self.now), "connections": r.randint(1, 5000)}

    def now_rest(self):
        r, now, devices = self.r, self.now, self.devices
        insert(self.db, "live.now_anomaly", ({"device": d["id"], "kind": k, "count": r.randint(1, 900)}
                                             for d in devices[::3] for k in set(r.sample(KINDS, 3))))
        self.db.execute("INSERT INTO live.total_anomaly SELECT kind, sum(count) FROM live.now_anomaly GROUP BY kind")
        insert(self.db, "live.total_anomaly", [{"kind": "unknown_device", "count": 17}])
        insert(self.db, "live.binding", [b for d in devices for b in (
            {"address": d["addresses"], "device": d["id"], "origin": "dhcp" if d["id"] % 3 else "policy",
             "until": now + r.randint(60, 86400) if d["id"] % 3 else None},
            {"address": "fd00:20::%x" % d["id"], "device": d["id"], "origin": "nd", "until": now + 3000})])
        insert(self.db, "live.segment", ({
            "id": i, "name": s, "devices": sum(d["segment"] == s for d in devices), "packets": 1000 * i * i,
            "bytes": 700000 * i * i, "denied": 13 * i} for i, s in enumerate(SEGMENTS)))
        insert(self.db, "live.rule", ({"id": i, "from_segment": f, "to_segment": t, "matches": m, "plaintext": p, "related": rel,
                                       "used": None if u is None else now - u}
                                      for i, (f, t, m, p, rel, u) in enumerate(RULES)))
        insert(self.db, "live.interface", (
            {"name": n, "present": p, "up": u, "role": role, "closed": c} for n, p, u, role, c in (
                ("lan0", 1, 1, "port", None), ("lan1", 1, 1, "port", None), ("lan2", 1, 0, "port", None),
                ("lan3", 0, 0, "port", None), ("wan0", 1, 1, "uplink", None), ("tap7", 1, 1, "unlisted", "the policy does not list it"))))
        insert(self.db, "live.certificate", [
            {"serial": d["certificate"], "name": d["name"], "kind": "device", "until": d["certificate_end"]}
            for d in devices if d["certificate"]] + [
            {"serial": "0a" * 10, "name": "Cordon CA", "kind": "ca", "until": now + 900 * 86400},
            {"serial": "0b" * 10, "name": "gateway.example", "kind": "server", "until": now + 20 * 86400},
            {"serial": "0c" * 10, "name": "anna", "kind": "operator", "until": now + 5 * 86400}])
        insert(self.db, "live.rollout", (
            {"id": i, "model": m, "version": v, "state": s, "share": share, "offered": o, "succeeded": ok, "failed": bad,
             "began": now - i * 7 * 86400} for i, m, v, s, share, o, ok, bad in (
                 (1, "acme-t1", "1.4.2", "running", 25, 12, 9, 1), (2, "acme-c4", "2.0.0", "halted", 10, 30, 4, 11),
                 (3, "volt-m2", "1.4.1", "done", 100, 200, 200, 0))))
        totals = self.db.execute("SELECT sum(rx_packets), sum(rx_bytes), sum(tx_packets), sum(tx_bytes), sum(denied), "
                                 "sum(anomalies) FROM live.now").fetchone()
        meta = {"sampled": now - 4, "boot": "5f0c1f6e-8a0e-4a53-9f1c-2d3c4b5a6978", "generation": 42, "mode": "enforce",
                "in_force": 1, "awaiting": 0, "confirm": 0, "lockdown": 0, "unknown": "deny", "applied_at": now - 7200,
                "applied_by": "anna", "module": "0.1"}
        meta.update(zip(("rx_packets", "rx_bytes", "tx_packets", "tx_bytes", "denied", "anomalies"), totals))
        insert(self.db, "live.meta", ({"key": k, "value": v} for k, v in meta.items()))

    def applied(self):
        for n in range(42):
            at = self.now - 7200 - n * self.at.days * 86400 // 43
            yield {"at": at, "generation": 42 - n, "mode": "observe" if n == 30 else "enforce",
                   "who": self.r.choice(["anna", "root", "bob", None]),
                   "changes": "+ rule: {from: iot_zone, to: wan, allow: [tcp/%d]}\n- device lamp-%d" % (8000 + n, n)}

    def hostile(self):
        """The first devices, and what is told of them, say what an attacker would like them to."""
        db, texts = self.db, HOSTILE[:len(self.devices)]
        for i, text in enumerate(texts, 1):
            for sql in ("UPDATE device SET name = CAST(:t AS TEXT) WHERE id = :i",
                        "UPDATE live.now SET (name, hostname, vendor_class, parameters, model, version, why, ports) = (SELECT "
                        "t, t, t, t, t, t, t, t FROM (SELECT CAST(:t AS TEXT) AS t)) WHERE id = :i",
                        "UPDATE episode SET (server, tls, interface, acknowledged_by, action) = (SELECT t, t, t, t, t FROM "
                        "(SELECT CAST(:t AS TEXT) AS t)) WHERE device = :i",
                        "UPDATE denial SET rule = CAST(:t AS TEXT), to_segment = CAST(:t AS TEXT) WHERE device = :i",
                        "UPDATE state SET why = CAST(:t AS TEXT) WHERE device = :i",
                        "UPDATE peer SET segment = CAST(:t AS TEXT) WHERE device = :i",
                        "UPDATE live.certificate SET name = CAST(:t AS TEXT) WHERE serial = "
                        "(SELECT certificate FROM live.now WHERE id = :i)",
                        "UPDATE applied SET who = CAST(:t AS TEXT), changes = CAST(:t AS TEXT) WHERE generation = 43 - :i"):
                db.execute(sql, {"t": text, "i": i})
            # Each of them is on the first page of everything.
            db.execute("INSERT INTO episode(device, kind, first, last, count, server) VALUES "
                       "(?, 'segment_violation', ?, ?, 3, CAST(? AS TEXT))", (i, self.now - 60, self.now - 5, text))
            if i > 1:
                db.execute("UPDATE live.rollout SET model = CAST(? AS TEXT), version = CAST(? AS TEXT) WHERE id = ?",
                           (text, text, i - 1))
        db.execute("UPDATE live.meta SET value = CAST(? AS TEXT) WHERE key = 'applied_by'", (HOSTILE[0],))
        db.execute("UPDATE live.interface SET closed = CAST(? AS TEXT) WHERE closed IS NOT NULL", (HOSTILE[1],))

    def fill(self):
        keys = ("id", "mac", "name", "segment", "first", "last")
        self.db.execute("BEGIN")
        insert(self.db, "device", ({k: d[k] for k in keys} for d in self.devices))
        insert(self.db, "live.now", self.devices)
        self.series()
        insert(self.db, "episode", self.episodes())
        insert(self.db, "denial", self.denials())
        insert(self.db, "state", self.states())
        insert(self.db, "peer", self.peers())
        insert(self.db, "applied", self.applied())
        self.now_rest()
        if self.at.hostile:
            self.hostile()
        self.db.execute("COMMIT")
        self.db.close()


def main():
    at = parse()
    Madeup(at, create(at)).fill()
    return 0


if __name__ == "__main__":
    sys.exit(main())

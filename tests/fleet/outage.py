# SPDX-License-Identifier: GPL-2.0
"""What breaks below a fleet, and how it is whole again: members and cordon-fleet that are killed, etcd that is compacted,
restored from a snapshot, or full, a registry that is put back from a backup, an event that was not told."""
import json
import sqlite3

from gateway import NOW, Gateway, admit, command, ended, mac, pair, same, serial, wait
from hold import with_kernels
from etcd_member import WORK, Member, ok, restored, three_members


def members():
    three = three_members()
    a, b = Gateway("a", three, where="members-a"), Gateway("b", three, where="members-b")
    admit(three[0], a, b)
    a.start(), b.start()
    ok(a.is_reachable() and b.is_reachable(), "two gateways reach etcd, of three members")
    n = 0
    for m in three:
        m.kill()
        for _ in range(5):
            n += 1
            a.device(f"k{n}", mac(n))
        ok(wait(lambda: b.has_device(f"k{n}"), 30), "a member is killed: changes still come")
        m.start().ready()
    for i in range(3):
        for _ in range(5):
            n += 1
            a.device(f"k{n}", mac(n))
        a.kill()
        b.device(f"w{i}", mac(1000 + i))
        n += 1
        a.device(f"k{n}", mac(n))
        a.start()
        ok(a.is_reachable() and wait(lambda: b.has_device(f"k{n}"), 20) and wait(lambda: a.has_device(f"w{i}")),
           "cordon-fleet is killed in the middle, and comes back by itself, both ways")
    ok(same(a, b) and all(b.has_device(f"k{i}") for i in range(1, n + 1)), "nothing is lost, and both are the same")
    for m in three[:2]:
        m.kill()
    ok(a.is_away(40), "two of three members are gone: without etcd")
    a.certificate("k1", mac(1), serial(7))
    a.revoke(serial(7))
    s = a.status()
    ok(s["waiting"] > 0 and s["waiting_since"] > 0 and not s["reachable"], f"what is said meanwhile waits: {s['waiting']}")
    code, out, _ = a.ctl("status")
    ok(code == 0 and "NOT reachable" in out and "waiting" in out, "and status says so")
    for m in three[:2]:
        m.start()
    for m in three[:2]:
        m.ready()
    ok(wait(lambda: b.state(serial(7)) == 3, 40) and a.is_reachable(40) and same(a, b), "they come back: it is told")
    ended(a, b)
    for m in three:
        m.kill()


def compaction():
    m = Member("compaction").start().ready()
    a, b = pair(m, "compaction")
    a.device("old", mac(1))
    a.device("leaves", mac(2))
    ok(wait(lambda: b.has_device("leaves")), "a device is in both")
    b.certificate("old", mac(1), serial(1))
    ok(wait(lambda: a.state(serial(1)) is not None), "its certificate, too")
    b.kill()
    a.revoke(serial(1))
    a.sql("DELETE FROM device WHERE name = 'leaves'")
    a.device("new", mac(3))
    b.device("meanwhile", mac(4))
    ok(wait(lambda: not a.status()["waiting"]), "one is stopped, and the other goes on")
    revision = json.loads(m.ctl("get", "x", "-w", "json"))["header"]["revision"]
    m.ctl("compaction", str(revision))
    # In this program one gateway lists at a time.
    lease = m.ctl("lease", "grant", "600").split()[1]
    m.ctl("put", "cordon/list/0", "c", "--lease", lease)
    b.start()
    ok(wait(lambda: "waits for its turn" in b.status()["why"]) and not b.status()["reachable"] and not b.has_device("new"),
       "etcd is compacted meanwhile, and another gateway lists: this one waits, and status says so")
    m.ctl("del", "cordon/list/0")
    ok(b.is_reachable() and b.said("is listed"), "its turn: all is listed")
    ok(wait(lambda: not m.ctl("get", "--prefix", "--keys-only", "cordon/list/").split()), "and it is others' turn")
    ok(b.has_device("new") and not b.has_device("leaves") and b.state(serial(1)) == 3, "what came, what went, what was revoked")
    ok(wait(lambda: a.has_device("meanwhile")) and same(a, b), "what was changed here meanwhile is told")
    ended(a, b)
    m.kill()


def restore():
    m = Member("restore").start().ready()
    a, b = pair(m, "restore")
    for i in range(3):
        a.certificate(f"r{i}", mac(i + 1), serial(i + 1))
    ok(wait(lambda: b.state(serial(3)) is not None) and same(a, b), "certificates are in both")
    m.ctl("snapshot", "save", f"{WORK}/fleet.snapshot")
    a.revoke(serial(1))
    b.revoke(serial(2))
    a.device("late", mac(9))
    ok(wait(lambda: b.state(serial(1)) == 3 and a.state(serial(2)) == 3 and b.has_device("late")) and same(a, b),
       "after the snapshot: two revocations, and a device")
    restored(m, f"{WORK}/fleet.snapshot")
    m.start().ready()
    ok(wait(lambda: a.status().get("refused") and b.status().get("refused"), 40), "a snapshot is restored: refused by both")
    ok(not a.status()["reachable"] and a.said("another history"), "unreachable, and the log says why")
    ok(a.state(serial(1)) == 3 and b.has_device("late"), "nothing was taken over")
    code, out, _ = a.ctl("status")
    ok(code == 0 and "rejoin" in out, "status says what to do")
    a.device("alone", mac(10))
    line = a.line()
    ok(line.ask(do="certify", name="x", mac="02:00:00:00:00:01", serial=serial(9), key="0" * 64, kind=0, **{"from": NOW, "until": NOW + 9},
                token=False)["is"] == "unreachable", "nothing is certified")
    line.close()
    b.kill()
    b.start()
    ok(wait(lambda: b.status().get("refused")), "started anew: it is remembered")
    left = m.ctl("get", "--prefix", "--keys-only", "cordon/all/revoked/").decode().split()
    ok(not left, "nothing was written to etcd")
    code, out, err = a.ctl("rejoin")
    ok(code == 0 and a.is_reachable(), f"rejoin ({err.strip()})")
    ok(wait(lambda: len(m.ctl("get", "--prefix", "--keys-only", "cordon/all/revoked/").decode().split()) == 2),
       "the lost revocations are in etcd again")
    code, out, err = b.ctl("rejoin")
    ok(code == 0 and b.is_reachable() and same(a, b), f"the other one, too: both are the same ({err.strip()})")
    ok(a.state(serial(1)) == b.state(serial(1)) == a.state(serial(2)) == b.state(serial(2)) == 3 and a.state(serial(3)) == 2,
       "what was revoked is, what was not is not")
    ok(wait(lambda: b.has_device("alone")), "and what was changed meanwhile is told")
    code, out, err = b.ctl("rejoin")
    ok(code == 1 and "nothing to rejoin" in err, "rejoin where nothing was refused: refused")
    a.device("after", mac(11))
    ok(wait(lambda: b.has_device("after")), "it goes on as ever")
    ended(a, b)
    m.kill()


def put_back():
    """A registry that is put back from a backup under a cordon-fleet that runs."""
    m, a, b = with_kernels("put_back")
    words = ("--registry", b.db_path, "--ca", f"{b.where}/ca", "--run", f"{b.where}/serve")
    for i in (1, 2, 3):
        a.certificate(f"d{i}", mac(i), serial(i))
    ok(wait(lambda: b.state(serial(3)) == 2) and same(a, b), "certificates are in both")
    kept = f"{b.where}/backup.db"
    other = f"{b.where}/other.db"
    for path in (kept, other):
        command("registry", "backup", path, *words[:2])
    b.kernel.hold(2)
    ok(wait(lambda: a.sql("SELECT mac FROM fleet_mark")), "a quarantine of its kernel is the fleet's")
    a.revoke(serial(1))
    a.device("late", mac(9))
    ok(wait(lambda: b.state(serial(1)) == 3 and b.has_device("late")) and same(a, b),
       "and a revocation and a device come, all after the backup")
    command("registry", "restore", kept, *words)
    ok(b.hears("put back from a backup"), "which is noticed")
    ok(wait(lambda: b.state(serial(1)) == 3 and b.has_device("late"), 5), "what came since is there again within seconds, by itself")
    ok(b.state(serial(2)) == 2, "and the other certificate stays good")
    ok(b.is_reachable() and same(a, b), "both are the same")
    ok(b.kernel.is_held(2) and a.sql("SELECT mac FROM fleet_mark"), "the quarantine stands, in its kernel and in the fleet")
    b.device("after", mac(10))
    ok(wait(lambda: a.has_device("after")), "and what is changed there is told")
    db = sqlite3.connect(kept, isolation_level=None)
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'fleet_%'").fetchall():
        db.execute(f"DROP TRIGGER {name}")
    for table in ("fleet", "fleet_key", "fleet_note", "fleet_mark", "fleet_revoked", "fleet_gateway", "fleet_held", "fleet_text"):
        db.execute(f"DELETE FROM {table}")
    db.close()
    command("registry", "restore", kept, *words)
    ok(wait(lambda: b.state(serial(1)) == 3 and b.has_device("after"), 5), "a backup of before the fleet: it joins by itself")
    b.device("joined", mac(11))
    ok(wait(lambda: a.has_device("joined")) and wait(lambda: same(a, b)), "and what is changed there is told")
    ok(b.kernel.is_held(2) and a.sql("SELECT mac FROM fleet_mark"), "the quarantine still stands")
    db = sqlite3.connect(other, isolation_level=None)
    db.execute("UPDATE fleet SET gateway = 'other'")
    db.close()
    command("registry", "restore", other, *words)
    ok(wait(lambda: b.process.poll() is not None) and b.said("another gateway's"), "another gateway's backup: it ends, and says why")
    ended(a)
    m.kill()


def full():
    """etcd has no space left, and then it has."""
    m = Member("full").start().ready()
    a, b = pair(m, "full")
    a.certificate("f1", mac(1), serial(1))
    ok(wait(lambda: b.state(serial(1)) == 2), "a certificate is in both")
    m.alarm()
    a.revoke(serial(1))
    a.device("waits", mac(2))
    ok(a.hears("cannot be written into etcd now") and a.status()["waiting"] >= 2, "without space in etcd what is said here waits")
    ok("space" in a.said("cannot be written into etcd now")[0], "and the log says why")
    m.ctl("alarm", "disarm")
    ok(wait(lambda: b.state(serial(1)) == 3 and b.has_device("waits"), 5), "with space again it is told within seconds")
    ok(same(a, b), "both are the same")
    ended(a, b)
    m.kill()


def kept():
    """A gateway is seen again after an outage in which it could not say that it is there. It has 9 seconds here, not 60."""
    m = Member("kept").start().ready()
    a, b = pair(m, "kept")
    m.kill()
    ok(a.is_away() and b.is_away(), "etcd is away")
    wait(lambda: False, 4)
    m.start().ready()
    ok(a.is_reachable() and b.is_reachable(), "it comes back")
    ok(not wait(lambda: sorted(a.status().get("here", ())) != ["a", "b"] or not b.status().get("reachable"), 14, 0.2),
       "both stay connected")
    ended(a, b)
    m.kill()


def missed():
    """A revocation that no event told (etcd 18089): what is revoked is listed once an hour, which has 4 seconds here."""
    m = Member("missed").start().ready()
    a, b = pair(m, "missed")
    for i in (1, 2):
        a.certificate(f"m{i}", mac(i), serial(i))
    ok(wait(lambda: b.state(serial(2)) == 2) and same(a, b), "certificates are in both")
    a.revoke(serial(1))
    ok(wait(lambda: b.state(serial(1)) == 3) and same(a, b), "one is revoked")
    b.sql("UPDATE fleet SET still = 1")
    b.sql("UPDATE certificate SET state = 2, revoked = 0 WHERE serial = ?", bytes.fromhex(serial(1)))
    b.sql("DELETE FROM fleet_key WHERE key = ?", "all/revoked/" + serial(1))
    b.sql("UPDATE fleet SET still = 0")
    ok(wait(lambda: b.state(serial(1)) == 3, 15), "a registry that has missed it has it within the hour")
    ok(b.state(serial(2)) == 2, "and the other certificate stays good")
    ended(a, b)
    m.kill()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""fleet.py BUILD [PATTERN]: gateways that share a registry over etcd, and what goes wrong between them.
Here: who is in it, what must happen once, strange values and clients; the parts in hold.py, outage.py and policy.py are run, too.

	registry A <--> cordon-fleet A ---.                 .--- member 1
	registry B <--> cordon-fleet B ---+--- mutual TLS --+--- member 2
	registry C <--> cordon-fleet C ---'                 '--- member 3
"""
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

from gateway import BUILD, CONFINED, CTL, NOW, Gateway, admit, command, ended, mac, pair, same, seconds_until, serial, wait
from hold import hold, marks
from outage import compaction, full, kept, members, missed, put_back, restore
from policy import policy
from etcd_member import WORK, Member, authorities, finish, ok, plan

PATTERN = sys.argv[2] if len(sys.argv) > 2 else ""


def confined(g):
    """What the process is left with."""
    def status():
        with open(f"/proc/{g.process.pid}/status", encoding="ascii") as f:
            return dict(l.rstrip("\n").split(":\t", 1) for l in f if ":\t" in l)

    wait(lambda: status()["Seccomp"] == "2")
    said = status()
    ok(said["Seccomp"] == "2" and said["NoNewPrivs"] == "1", "its system calls are filtered")
    if os.geteuid() == 0:
        ok("0" not in said["Uid"].split() and int(said["CapEff"], 16) in (0, 1 << 12) and said["CapBnd"] in (said["CapEff"], "0" * 16),
           f"it is not root, and has no capability but CAP_NET_ADMIN ({said['Uid']}, {said['CapEff']}, {said['CapBnd']})")
    done = subprocess.run([f"{BUILD}/serve/sandbox", "connect"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    said = dict(l.split(":", 1) for l in done.stdout.decode().splitlines())
    ok(done.returncode == 0 and "0" in said["inet"].split() and said["netlink"].split() == ["0", "16"],
       f"sandbox: TCP, generic netlink and rtnetlink {done.stderr.decode()}")
    ok([said[k].split() for k in ("datagrams", "packet", "unix", "unix, whole messages")] == [[]] * 4, "sandbox: no other sockets")


def join():
    m = Member("join").start().ready()
    a, b = Gateway("a", [m], CONFINED), Gateway("b", [m])
    done = subprocess.run([CTL, "ca", "init", "--dir", f"{a.where}/ca", "--registry", a.db_path], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    ok(done.returncode == 0, f"a gateway has a CA ({done.stdout.decode().strip()[-80:]})")
    a.start()
    confined(a)
    ok(a.hears("not in the fleet") and not a.status()["reachable"], "a gateway that nobody added: not in the fleet, and it says so")
    ok("fleet add" in a.status()["why"], f"and what helps ({a.status()['why']})")
    a.device("before", mac(1))
    code, out, err = a.ctl("init")
    ok(code == 0 and a.is_reachable(), f"fleet init: it is in ({err.strip()})")
    b.start()
    b.device("same", mac(9))
    a.device("same", mac(8))
    ok(wait(lambda: b"cordon/all/device/same" in m.ctl("get", "--keys-only", "cordon/all/device/same")), "a name that both have")
    admit(m, b)
    ok(b.is_reachable() and wait(lambda: b.has_device("before")), "another one joins, and has what was there before")
    ok(b.hears("another device of the fleet has this name") and b.has_device("same")[0][0] == mac(8).upper() and
       a.has_device("same") == b.has_device("same"), "of a name that both have: it is the fleet's device, which is said")
    took = []
    for i in range(20):
        x, y = (a, b) if i % 2 else (b, a)
        x.device(f"d{i}", mac(100 + i))
        took.append(seconds_until(lambda: y.has_device(f"d{i}")))
    ok(max(took) < 1, f"a change in one registry is in the other: worst of 20 {max(took):.3f} s")
    took = []
    for i in range(20):
        a.certificate(f"d{i}", mac(100 + i), serial(1000 + i))
    ok(wait(lambda: b.state(serial(1019)) is not None), "certificates as well")
    for i in range(20):
        x, y = (a, b) if i % 2 else (b, a)
        x.revoke(serial(1000 + i))
        took.append(seconds_until(lambda: y.state(serial(1000 + i)) == 3))
    ok(max(took) < 1, f"a revocation is in the other: worst of 20 {max(took):.3f} s")
    ok(same(a, b), "both have the same digest, and nothing waits")
    # What is shown of others may be a second old.
    ok(wait(lambda: sorted(a.status()["here"]) == ["a", "b"], 3), "status: who is connected")
    s = a.status()
    ok(abs(s["here"]["b"]["clock"]) < 10, "status: how the clocks go")
    code, out, err = a.ctl("status")
    ok(code == 0 and "reachable" in out and "revision" in out, "fleet status, for a person")
    code, out, err = a.ctl("status", "--json")
    ok(code == 0 and json.loads(out)["gateway"] == "a", "fleet status --json")
    code, out, err = b.ctl("gateways")
    ok(code == 0 and out.count("connected for") == 2, "fleet gateways")
    ok(not os.path.exists(f"{b.where}/fleet/issuers.pem"), "without a CA of its own: no issuers are written, see issuing()")
    ok(wait(lambda: issuers(a) == 1), "its issuer is written, from within the sandbox")
    code, out, err = a.ctl("leave")
    ok(code == 1 and "runs" in err, "leave while it runs: refused")
    ok(a.stop() == 0, "the one in the sandbox ends")
    ok("a" not in m.ctl("get", "--prefix", "--keys-only", "cordon/here/").decode().replace("cordon/here/", ""),
       "and is not connected any more, at once")
    ended(b)
    code, out, err = a.ctl("leave")
    ok(code == 0 and a.sql("SELECT count(*) FROM fleet")[0][0] == 0 and a.has_device("d1"), "leave: the rows stay")
    code, out, err = a.ctl("status")
    ok(code == 1 and "does not run" in err, "status without cordon-fleet: said")
    m.kill()


def once():
    """What must happen once: serial numbers, tokens."""
    m = Member("once").start().ready()
    a, b = pair(m, "once")
    la, lb = a.line(), b.line()

    def certify(line, n, name="dev", number=0, token=False, revision=None):
        more = {} if revision is None else {"revision": revision}
        return line.say(do="certify", name=name, mac="02:00:00:00:00:%02x" % number, serial=serial(n), key="%064x" % n, kind=0,
                        **{"from": NOW, "until": NOW + 1000}, token=token, **more)

    def looked_at(g, name):
        """The revision of a token in a registry."""
        return ([r[0] for r in g.sql("SELECT revision FROM fleet_key WHERE key = ?", f"all/token/{name}")] + [0])[0]

    def answer(line, number):
        return line.hear(lambda l: l.get("id") == number)

    ok(answer(la, certify(la, 1))["is"] == "done", "a serial number is reserved")
    ok(answer(la, certify(la, 1))["is"] == "done", "the same question again: the same answer")
    r = answer(lb, certify(lb, 1, number=7))
    ok(r["is"] == "refused" and "serial" in r["why"], f"another gateway asks for the same serial number: refused ({r.get('why')})")
    ok(wait(lambda: b.state(serial(1)) == 0), "it is in the other registry, as reserved")
    r = answer(la, certify(la, 2, token=True, revision=0))
    ok(r["is"] == "refused" and "token" in r["why"], "a token that is not there: refused")
    r = answer(la, certify(la, 2, token=True))
    ok(r["is"] == "refused" and "revision" in r["why"], "a token that nobody has looked at: refused")
    for what, bad in (("name", {"name": "a b"}), ("mac", {"mac": "02"}), ("serial", {"serial": "00"}), ("key", {"key": "zz"}),
                      ("kind", {"kind": "x"})):
        q = {"do": "certify", "name": "dev", "mac": "02:00:00:00:00:01", "serial": serial(3), "key": "0" * 64, "kind": 0, "from": NOW,
             "until": NOW + 9, "token": False, **bad}
        r = la.ask(**q)
        ok(r["is"] == "refused" and what in r["why"], f"certify with a wrong {what}: refused ({r.get('why')})")
    wins = []
    for i in range(20):
        name = f"t{i}"
        made = a.token(name, mac(200 + i))
        if made is not True:
            ok(False, f"a token: {made}")
            break
        if not wait(lambda: b.sql("SELECT 1 FROM token JOIN device ON device = device.id WHERE name = ?", name)):
            ok(False, "a token is in the other registry")
            break
        if not wait(lambda: looked_at(a, name) == looked_at(b, name) > 0):
            ok(False, "both know it by the same revision")
            break
        revision = looked_at(a, name)
        na, nb = certify(la, 100 + i, name, i, True, revision), certify(lb, 200 + i, name, i, True, revision)
        wins.append(sorted((answer(la, na)["is"], answer(lb, nb)["is"])))
    r = la.ask(do="certify", name="t0", mac=":".join(re.findall("..", mac(200))), serial=serial(400), key="0" * 64, kind=0,
               **{"from": NOW, "until": NOW + 9}, token=True, revision=1)
    ok(r["is"] == "again", "who has looked at an older token than the registry has: again")
    odd = [w for w in wins if w != ["again", "done"]]
    ok(wins == [["again", "done"]] * 20, f"two gateways want one token at the same moment, 20 times: one has it ({odd})")
    states = a.sql("SELECT count(*) FROM token WHERE state = 1")
    ok(wait(lambda: a.sql("SELECT count(*) FROM token WHERE state = 1")[0][0] == 20), f"claimed in the registry, each ({states})")
    revoked = lambda: m.ctl("get", "--prefix", "--keys-only", "cordon/all/revoked/").decode().split()
    ok(not revoked(), "tokens that were claimed for the first time: nothing is revoked")
    # Whoever takes a claim's place may be killed before it makes its certificate; the other one may have been made.
    of = "SELECT lower(hex(serial)) FROM token WHERE device = (SELECT id FROM device WHERE name = ?)"
    old = b.sql(of, "t0")[0][0]
    r = answer(lb, certify(lb, 500, "t0", 0, True, looked_at(b, "t0")))
    ok(r["is"] == "done" and revoked() == [f"cordon/all/revoked/{old}"],
       f"a claim takes another one's place: the certificate of that is revoked at the same moment ({revoked()})")
    ok(wait(lambda: a.state(old) == b.state(old) == 3 and a.sql(of, "t0") == b.sql(of, "t0") == [(serial(500),)]),
       "in both registries, and the claim is the new one")
    ok(a.state(serial(500)) == b.state(serial(500)) == 0, "whose certificate is reserved")
    r = answer(la, certify(la, 501, "t0", 0, True, looked_at(a, "t0")))
    ok(r["is"] == "done" and sorted(revoked()) == sorted(f"cordon/all/revoked/{s}" for s in (old, serial(500))),
       "and so again, at the other gateway")
    # It has been used here, which etcd does not know yet when the question comes.
    revision = looked_at(b, "t1")
    m.process.send_signal(signal.SIGSTOP)
    b.sql("UPDATE token SET state = 2 WHERE device = (SELECT id FROM device WHERE name = 't1')")
    n = certify(lb, 502, "t1", 1, True, revision)
    ok(answer(lb, n)["is"] == "again", "a token that was used up here meanwhile: again")
    m.process.send_signal(signal.SIGCONT)
    ok(len(revoked()) == 2, "and nothing is revoked")
    ok(same(a, b), "both registries are the same")
    m.kill()
    ok(a.is_away() and answer(la, certify(la, 300))["is"] == "unreachable", "etcd away: unreachable, at once")
    la.close(), lb.close()
    ended(a, b)


def expel():
    m = Member("expel").start().ready()
    a, b = pair(m, "expel")
    code, out, err = a.ctl("expel", "b", "--why", "stolen")
    ok(code == 1 and "--yes" in err, "expel without --yes: refused, with what it means")
    code, out, err = a.ctl("expel", "b")
    ok(code == 2 and "--why" in err, "without a reason: usage")
    code, out, err = a.ctl("expel", "nobody", "--why", "x", "--yes")
    ok(code == 1 and "no such gateway" in err, "somebody who is not there: refused")
    code, out, err = a.ctl("expel", "a", "--why", "x", "--yes")
    ok(code == 1 and "itself" in err, "itself: refused")
    b.device("good", mac(1))
    ok(wait(lambda: a.has_device("good")), "until then it writes")
    code, out, err = a.ctl("expel", "b", "--why", "stolen", "--yes")
    ok(code == 0 and "client-crl-file" in err, "expelled, and what is left to be done at etcd")
    ok(b.is_away() and b.hears("expelled") and b.status()["expelled"], "it knows, and is not reachable any more")
    b.device("bad", mac(2))
    b.kill()
    b.start()
    ok(wait(lambda: b.status().get("expelled")) and not b.is_reachable(2) and not a.has_device("bad"),
       "it writes nothing, not after a new start either")
    code, out, _ = a.ctl("gateways")
    ok("expelled" in out and "stolen" in out, "gateways: expelled, and why")
    code, out, err = a.ctl("expel", "b", "--why", "again", "--yes")
    ok(code == 1 and "already" in err, "twice: refused")
    for what, do in (("says that it is not", ("put", '{"v":1}')), ("is gone", ("del",)), ("makes no sense", ("put", "{"))):
        m.ctl(do[0], "cordon/all/gateway/b", *do[1:])
        ok(wait(lambda: b'"expelled":' in m.ctl("get", "cordon/all/gateway/b")) and "expelled" in a.ctl("gateways")[1],
           f"its row {what}: it stays expelled, and is so in etcd again")
    # Nobody takes these over, whatever the rest says.
    for n, row in (("c", '{"v":7}'), ("d", '{"v":1,"expelled":1,"issuer":5}'), ("e", '{"v":7,"expelled":1}')):
        m.ctl("put", f"cordon/all/gateway/{n}", row)
        code, out, err = a.ctl("expel", n, "--why", "stolen", "--yes")
        ok(wait(lambda: a.sql(f"SELECT expelled > 0 FROM fleet_gateway WHERE name = '{n}'") == [(1,)]),
           f"expelled with a row like {row} ({code}, {err[:60].strip()})")
    a.certificate("x", mac(7), serial(77))
    a.sql("UPDATE certificate SET gateway = 'lost' WHERE name = 'x'")
    code, out, err = a.ctl("expel", "lost", "--why", "stolen", "--yes")
    ok(code == 0 and wait(lambda: b'"expelled":' in m.ctl("get", "cordon/all/gateway/lost")), "expelled, though it has deleted its row")
    ok(a.status()["reachable"], "the other one goes on")
    for what, words in (("writes itself in again", ("put", "cordon/all/gateway/b", '{"v":1}')), ("deletes its row",
                        ("del", "cordon/all/gateway/b"))):
        revision = json.loads(m.ctl(*words, "-w", "json"))["header"]["revision"]
        ok(wait(lambda: a.status()["revision"] >= revision) and "stolen" in a.ctl("gateways")[1],
           f"who stole it {what} in etcd: it stays expelled")
    ended(a, b)
    m.kill()


def strange():
    """Values that make no sense, and a key that cannot be put."""
    m = Member("strange").start().ready()
    a, b = pair(m, "strange")
    a.device("one", mac(1))
    ok(wait(lambda: b.has_device("one")), "a device is in both")
    for key, value in (("all/device/one", "{"), ("all/device/two", "[]"), ("all/cert/xyz", "{}"), ("all/revoked/" + serial(1), "null"),
                       ("all/nothing/x", "{}"), ("all/mark/zz", '{"v":1}'), ("all/device/three", '{"v":7}')):
        m.ctl("put", "cordon/" + key, value)
    ok(b.hears("makes no sense") and wait(lambda: b.status()["strange"] > 0), f"counted, and logged ({b.status()['strange']})")
    ok(b.has_device("one"), "what was there stays")
    b.device("after", mac(2))
    ok(wait(lambda: a.has_device("after")), "and it goes on")
    a.sql("UPDATE device SET approved = 1 - approved WHERE name = 'one'")
    ok(wait(lambda: b"02:00:00:00:00:01" in m.ctl("get", "cordon/all/device/one")) and wait(lambda: b.sql(
        "SELECT approved FROM device WHERE name = 'one'")[0][0] == 1), "who changes what another has spoilt heals it")
    a.device("beside", mac(3))
    ok(wait(lambda: b.has_device("beside")), "others are not kept up by it")
    ok(a.status()["reachable"] and b.status()["reachable"], "both are reachable all the while")
    code, out, _ = a.ctl("status")
    ok("make no sense" in out, "status says so")
    words = "\u001b]0;x\u0007 \u009b2J\u007f\r\b \\u001b q\u00e9"
    m.ctl("put", "cordon/all/gateway/odd", json.dumps({"v": 1, "version": words}))
    m.ctl("put", "cordon/here/e\u001bvil", json.dumps({"version": words}))
    ok(wait(lambda: "\nodd" in "\n" + a.ctl("gateways")[1]), "a gateway whose words are for a terminal")
    for out in (a.ctl("gateways")[1], a.ctl("status")[1], a.ctl("gateways", "--json")[1]):
        ok(not re.search("[\0-\x08\x0b-\x1f\x7f-\x9f]", out), f"nothing of it reaches one: {out[-60:]!r}")
    got = json.loads(a.ctl("gateways", "--json")[1])["gateways"]["odd"]["value"]["version"]
    ok(got.endswith(" \\u001b q\u00e9"), f"what is text stays: {got!r}")
    m.ctl("put", "cordon/all/gateway/z", '{"v":1}')
    for name in ("z", "\x1b[2J"):
        m.ctl("put", f"cordon/here/{name}", json.dumps({"v": 1, "clock": 999, "version": "8\n\x1b[2J\u009b2J", "since": NOW}))
    ok(wait(lambda: "z is 999 s" in a.ctl("status")[1]), "a gateway says of itself what it likes")
    out = a.ctl("status")[1] + a.ctl("gateways")[1]
    ok("version 8??[2J??2J" in out and not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f]", out), f"none of it moves root's terminal {out!a}")
    ended(a, b)
    m.kill()


def clients():
    m = Member("clients").start().ready()
    a, b = pair(m, "clients")
    first = a.line()
    ok(first.hear(lambda l: l.get("is") == "state")["reachable"] is True, "who connects is told how it is")
    for what, data in (("no JSON", b"hello\n"), ("no object", b"[1]\n"), ("no id", b'{"do":"status"}\n'), ("an id that is no number",
                       b'{"id":"x","do":"status"}\n'), ("nothing to do", b'{"id":1}\n'), ("NULs", b"\0" * 100 + b"\n"),
                       ("a line that does not end", b"x" * (5 << 20))):
        line = a.line()
        try:
            line.s.settimeout(10)
            line.s.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass
        ok(line.is_closed(), f"{what}: let go")
        line.close()
    r = first.ask(do="dance")
    ok(r["is"] == "refused", f"what is no question: refused ({r['why']})")
    many = []
    for _ in range(40):
        try:
            many.append(a.line())
        except OSError:
            break
    alive = sum(bool(l.hear(lambda x: x.get("is") == "state", 0.5)) for l in many)
    ok(20 < alive < 40, f"so many at a time, and no more: {alive} of {len(many)}")
    for l in many:
        l.close()
    ok(wait(lambda: a.status().get("reachable")), "and when they are gone, others come")
    deaf = a.line()
    deaf.s.setblocking(False)
    sent = 0
    try:
        for i in range(200000):
            sent += deaf.s.send(b'{"id":%d,"do":"gateways"}\n' % i)
    except (BlockingIOError, BrokenPipeError, ConnectionResetError):
        pass
    ok(a.status().get("reachable") and sent, "who asks and does not read stops nobody")
    deaf.close()
    gone = a.line()
    for i in range(100):
        gone.say(do="status")
    gone.close()
    ok(a.status().get("reachable"), "who asks and goes away harms nobody")
    burst = a.line()
    numbers = [burst.say(do="status") for _ in range(400)]
    got = [burst.hear(lambda l, n=n: l.get("id") == n) for n in numbers]
    ok(all(got), "four hundred questions at once: all are answered")
    burst.close()
    m.kill()
    ok(first.hear(lambda l: l.get("is") == "state" and not l["reachable"], 30) is not None, "etcd goes away: told at once, unasked")
    m.start().ready()
    ok(first.hear(lambda l: l.get("is") == "state" and l["reachable"], 40) is not None, "and when it is back") or print("#", a.status())
    first.close()
    if os.geteuid() == 0:
        # Nobody, who is neither root nor agent.
        r, w = os.pipe()
        pid = os.fork()
        if not pid:
            os.chmod(a.control, 0o666)
            os.chmod(a.where, 0o755), os.chmod(WORK, 0o755)
            os.setgroups([]), os.setgid(65534), os.setuid(65534)
            s = socket.socket(socket.AF_UNIX)
            try:
                s.settimeout(10)
                s.connect(a.control)
                os.write(w, b"let in" if s.recv(10) else b"out")
            except OSError:
                os.write(w, b"out")
            os._exit(0)
        os.waitpid(pid, 0)
        ok(os.read(r, 10) == b"out", "another user: not let in, whatever the mode of the file is")
        os.close(r), os.close(w)
    ended(a, b)


def names():
    """Two gateways of one name."""
    m = Member("names").start().ready()
    a = Gateway("a", [m], where="names-1")
    twin = Gateway("a", [m], where="names-2")
    admit(m, a)
    a.start()
    ok(a.is_reachable(), "a gateway is connected")
    twin.start()
    ok(twin.hears("two gateways of one name") and not twin.status()["reachable"], "another one of its name: refused, and said")
    twin.device("double", mac(1))
    a.device("single", mac(2))
    ok(wait(lambda: not a.status()["waiting"]) and not a.has_device("double"), "it writes nothing")
    ok(a.status()["reachable"] and not a.said("two gateways"), "the first one is not disturbed")
    a.kill()
    a.start()
    ok(a.is_reachable(10), "it is killed and started anew: taken for itself, at once")
    ok(a.stop() == 0 and twin.is_reachable(30), "it leaves: the other one has the name")
    ended(twin)
    other = Gateway("other", [m], where="names-1")
    other.fails = True
    other.start()
    ok(other.process.wait(20) == 1 and other.said("another gateway's"), "a registry that is another gateway's: not started")
    m.kill()


def has_ca(gateway, root=None):
    """An issuing CA, of a root of its own, or below another gateway's; the chain's file."""
    home, csr, chain = f"{gateway.where}/ca", f"{gateway.where}/csr", f"{gateway.where}/chain.pem"
    if not root:
        command("ca", "init", "--dir", home, "--name", gateway.name)
        return f"{home}/issuing.crt"
    command("ca", "init", "--dir", home, "--csr-out", csr, "--name", gateway.name, "--server-name", f"{gateway.name}.test")
    command("ca", "sign-issuing", csr, "--gateway", gateway.name, "--dir", f"{root.where}/ca", "--out", chain)
    command("ca", "import", chain, "--dir", home)
    return chain


def issuers(gateway):
    """How many certificates front is given."""
    try:
        with open(f"{gateway.where}/fleet/issuers.pem", encoding="ascii") as f:
            return f.read().count("BEGIN CERTIFICATE")
    except FileNotFoundError:
        return 0


def issuing():
    """From the first gateway to the second, with issuing CAs below one root; and one of another root."""
    m = Member("issuing").start().ready()
    a, b, c, x = Gateway("a", [m], CONFINED, "i-a"), Gateway("b", [m], where="i-b"), Gateway("c", [m], where="i-c"), \
        Gateway("x", [m], where="i-x")
    has_ca(a)
    chains = {g.name: has_ca(g, a) for g in (b, c)}
    foreign = has_ca(x)
    a.start()
    got = a.ctl("add", "b", "--certificate", chains["b"])
    ok(got[0] == 1 and "in no fleet" in got[2], f"fleet add before fleet init: refused ({got[2].strip()})")
    got = a.ctl("init")
    ok(got[0] == 0 and "gateway a begins the fleet" in got[1], f"fleet init {got}")
    ok(a.is_reachable() and a.ctl("init")[0] == 0, "the first gateway is in it; again: it is done")
    ok(wait(lambda: issuers(a) == 1), "confined, it writes issuers.pem")
    b.start()
    ok(b.hears("not in the fleet"), "the second one waits")
    got = b.ctl("init")
    ok(got[0] == 1 and "there is a fleet" in got[2], f"its fleet init: refused ({got[2].strip()})")
    got = a.ctl("add", "b", "--certificate", foreign)
    ok(got[0] == 1 and "root does not lead to it" in got[2], f"fleet add with another root's issuer: refused ({got[2].strip()})")
    got = a.ctl("add", "b", "--certificate", chains["c"] + "x")
    ok(got[0] == 1 and "No such file" in got[2], "of a file that is not there: refused")
    got = a.ctl("add", "b", "--certificate", chains["b"])
    ok(got[0] == 0 and "gateway b is in the fleet" in got[1], f"fleet add {got}")
    ok(b.is_reachable() and a.ctl("add", "b", "--certificate", chains["b"])[0] == 0, "it is in; again: it is done")
    got = a.ctl("add", "b", "--certificate", chains["c"])
    ok(got[0] == 1 and "with another issuing CA" in got[2], f"with another certificate: refused ({got[2].strip()})")
    got = a.ctl("add", "d", "--certificate", chains["b"])
    ok(got[0] == 1 and "another gateway of the fleet has this issuing CA" in got[2], "by another name: refused")
    ok(wait(lambda: issuers(a) == 2 and issuers(b) == 2), "both write both issuers")
    ok(same(a, b), "and have the same registry")
    a.device("here", mac(1))
    x.start()
    ok(x.hears("etcd has another fleet"), "a gateway of another root: it says so")
    ok(not x.has_device("here") and not x.status()["reachable"] and "the fleet's root" in x.status()["why"],
       f"and takes nothing over ({x.status()['why']})")
    ok(wait(lambda: a.sql("SELECT count(*) FROM fleet_gateway WHERE name = 'b' AND value LIKE '%client%'") == [(1,)]),
       "a gateway tells which certificate it shows to etcd")
    ok("BEGIN CERTIFICATE" in json.loads(a.ctl("gateways", "--json")[1])["gateways"]["b"]["value"]["certificate"],
       "fleet gateways --json has its issuing certificate, to be revoked by")
    got = a.ctl("expel", "b", "--why", "stolen", "--yes")
    ok(got[0] == 0 and "--client-crl-file" in got[2] and "serial number" in got[2] and "ca crl --root --revoke" in got[2],
       f"fleet expel says what is left to do: {got}")
    ok(wait(lambda: issuers(a) == 1, 3), "its issuer is gone within seconds")
    got = a.ctl("add", "b", "--certificate", chains["b"])
    ok(got[0] == 1 and "was expelled" in got[2], f"it does not come back by that name ({got[2].strip()})")
    ended(a, b, x)
    m.kill()


def main():
    authorities()
    for part in (join, once, members, compaction, restore, put_back, full, kept, missed, expel, strange, clients, names, hold, marks, policy, issuing):
        if re.search(PATTERN, part.__name__):
            began = time.monotonic()
            part()
            print(f"# {part.__name__}: {time.monotonic() - began:.1f} s", flush=True)
    return plan()


finish(main)

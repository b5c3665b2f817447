#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""members.py CLIENT [PATTERN]: members of etcd come, are killed, stopped, compacted and restored, under clients' hands.

	client A ---.                 .--- member 1 (127.0.0.1, ports of its own)
	client B ---+--- mutual TLS --+--- member 2
	                              '--- member 3
"""
import json
import os
import re
import select
import signal
import subprocess
import sys
import time

from etcd_member import ENV, WORK, Member, authorities, finish, ok, plan, restored, started, three_members

CLIENT, PATTERN = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else ""


class Client:
    def __init__(self, *members, ca="ca", cert="client", urls=()):
        urls = urls or [m.url for m in members]
        self.process = subprocess.Popen(
            [CLIENT, "c/", f"{WORK}/{ca}.crt", f"{WORK}/{cert}.crt", f"{WORK}/{cert}.key", *urls],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=ENV)
        self.buffer, self.lines, self.where, self.witness = b"", [], "", None
        started.append(self.process)

    def say(self, line):
        self.process.stdin.write(line.encode() + b"\n")
        self.process.stdin.flush()

    def read(self, wait):
        if select.select([self.process.stdout], [], [], wait)[0]:
            self.buffer += os.read(self.process.stdout.fileno(), 1 << 16)
            *whole, self.buffer = self.buffer.split(b"\n")
            self.lines += map(json.loads, whole)

    def hear(self, which, wait=20):
        """The next line for which which() is true; those before it are left. None, none came."""
        end = time.monotonic() + wait
        while True:
            for i, line in enumerate(self.lines):
                if which(line):
                    if line.get("watch") == "open":
                        self.where = line["why"]
                    return self.lines.pop(i)
            if time.monotonic() >= end or self.process.poll() is not None:
                return None
            self.read(0.1)

    def call(self, line, wait=20):
        self.say(line)
        return self.hear(lambda l: "call" in l, wait)

    def news(self, wait=20):
        return self.hear(lambda l: "watch" in l and l["watch"] != "events", wait)

    def opened(self, wait=20):
        """Until it is open, whatever else is told."""
        return self.hear(lambda l: l.get("watch") == "open", wait)

    def events(self, n, wait=30):
        """So many events at least."""
        end, got, self.parts = time.monotonic() + wait, [], 0
        while len(got) < n and time.monotonic() < end:
            line = self.hear(lambda l: l.get("watch") == "events", 0.5)
            got += line["events"] if line else []
            if line:
                self.parts += not line["through"]
                self.witness = (line["witness"], line["mod"], line["through"])
        return got

    def close(self):
        self.process.stdin.close()
        try:
            return self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return None


def calls():
    m = Member("calls").start().ready()
    a = Client(m)
    s = a.call("status")
    ok(s["result"] == "ok" and s["leader"] and s["version"], f"status: etcd {s['version']}, with a client certificate")
    first = a.call("put d/a one")
    got = a.call("get d/a")
    ok(first["succeeded"] and got["kv"] == [{"key": "d/a", "value": "one", "mod": first["revision"], "version": 1}],
       "put, and get")
    ok(a.call("get d/b")["kv"] == [], "a key that is not there")
    ok(not a.call("cas d/a 0 two")["succeeded"] and a.call(f"cas d/a {first['revision']} two")["succeeded"],
       "compare and swap: not from nothing, but from what it is")
    r = a.call("put big " + "x" * 1000000)
    got = a.call("get big")
    ok(r["succeeded"] and len(got["kv"][0]["value"]) == 1000000, "a megabyte there, and back")
    r = a.call("put big " + "x" * 1600000)
    ok(r["result"] == "refused" and "too large" in r["why"], f"more than etcd takes: refused ({r['why']})")
    grant = a.call("grant 2")
    a.call(f"put l/x here {grant['lease']}")
    ok(a.call(f"keep {grant['lease']}")["ttl"] == 2 and a.call("get l/x")["kv"], "a lease is kept, and its key")
    a.call(f"revoke {grant['lease']}")
    ok(a.call("get l/x")["kv"] == [] and a.call(f"keep {grant['lease']}")["ttl"] == 0, "revoked: its key goes")
    gone = a.call(f"revoke {grant['lease']}")
    ok(gone["result"] == "refused" and "lease not found" in gone["why"], "revoked twice: refused, in etcd's words")
    for i in range(25):
        a.call(f"put p/{i:03} x")
    pages = [a.call("list p/ 10")]
    m.ctl("put", "c/p/999", "late")
    while pages[-1]["kv"]:
        pages.append(a.hear(lambda l: "call" in l))
    keys = [k["key"] for p in pages for k in p["kv"]]
    ok(keys[:25] == [f"p/{i:03}" for i in range(25)] and [len(p["kv"]) for p in pages[:2]] == [10, 10], "a list, in pages")
    old = a.call("status")["revision"]
    m.ctl("put", "elsewhere", "x")
    a.say(f"watch d/ {old}")
    ok(a.opened() is not None, "a watch begins")
    m.ctl("put", "c/e/a", "not ours")
    m.ctl("put", "c/d/z", "ours")
    m.ctl("del", "c/d/z")
    ok([e[:2] for e in a.events(2)] == [["put", "d/z"], ["delete", "d/z"]], "events of its prefix, and no others")
    stranger = Client(m, cert="stranger")
    r = stranger.call("get d/a")
    ok(r["result"] in ("unreachable", "timed out"), f"a certificate of another CA: not let in ({r['why']})")
    stranger.close()
    r = (distrustful := Client(m, ca="other")).call("get d/a")
    ok(r["result"] == "unreachable" and not r["unsure"] and "certificate" in r["why"], f"a member of another CA: not spoken to ({r['why']})")
    distrustful.close()
    port = m.url.split(":")[-1]
    named = Client(urls=[f"https://etcd.test:{port}@127.0.0.1"])
    r = named.call("get d/a")
    ok(r["kv"] and len(os.listdir(f"/proc/{named.process.pid}/task")) == 1, "by a name, with its address beside it: no thread")
    named.close()
    r = (named := Client(urls=[f"https://other.test:{port}@127.0.0.1"])).call("get d/a")
    ok(r["result"] == "unreachable" and "other.test" in r["why"], f"a name that is not the member's: refused ({r['why']})")
    named.close()
    revision = a.call("status")["revision"]
    for i in range(12):
        a.call(f"put f/{i:02} " + "x" * 500000)
    b = Client(m)
    b.say(f"watch f/ {revision}")
    got = b.events(12)
    ok([e[1] for e in got] == [f"f/{i:02}" for i in range(12)] and b.witness[2] == got[-1][2] and b.parts,
       "more than one message holds: in fragments, all of it")
    ok([a.close(), b.close()] == [0, 0], "the client ends without a leak")
    m.kill()


def marks_hold(a, key, n, what):
    last = a.call(f"get {key}")["kv"][0]
    page, marks = a.call(f"list {key}/ 1000"), 0
    while page["kv"]:
        marks += len(page["kv"])
        page = a.hear(lambda l: "call" in l)
    ok(int(last["value"]) == last["version"] == marks == n,
       f"{what}: {last['value']} of {n} steps, {last['version']} writes, {marks} marks")


def race():
    m = Member("race").start().ready()
    a, b = Client(m), Client(m)
    a.say("race n 100")
    b.say("race n 100")
    both = [c.hear(lambda l: "race" in l, 60) for c in (a, b)]
    ok(all(both), "two clients add to one number, a hundred times each")
    marks_hold(a, "n", 200, "no step is lost or done twice")
    ok(both[0]["tries"] + both[1]["tries"] > 200, f"they did meet: {both[0]['tries']} and {both[1]['tries']} tries")
    a.close(), b.close()
    m.kill()


def fill(m, prefix, n, aside=False):
    for i in range(n):
        m.ctl("put", f"c/{prefix}{i}", "x", aside=aside)


def compaction():
    m = Member("compaction").start().ready()
    a = Client(m)
    revision = a.call("put d/a x")["revision"]
    a.say(f"watch d/ {revision}")
    a.opened()
    m.ctl("put", "c/d/b", "x")
    seen = a.events(1)[0][2]
    m.kill()
    ok(a.news()["watch"] == "lost", "the member is killed: lost")
    m.start().ready()
    m.ctl("put", "c/d/c", "x")
    ok(a.opened() and a.events(1) == [["put", "d/c", seen + 1]], "it comes back: on from where it was")
    m.kill()
    a.news()
    m.start(aside=True).ready(aside=True)
    fill(m, "d/x", 5, aside=True)
    m.ctl("compaction", str(seen + 4), aside=True)
    m.kill()
    m.start().ready()
    n = a.hear(lambda l: l.get("watch") in ("compacted", "events"))
    ok(n["watch"] == "compacted" and n["revision"] == seen + 4, f"compacted meanwhile: told, with the revision ({n['why']})")
    r = a.call("list d/ 100")
    a.hear(lambda l: "call" in l)
    a.say(f"watch d/ {r['revision']}")
    ok(r["revision"] == seen + 6 and len(r["kv"]) == 8 and a.opened(), "listed anew, and watched from there")
    m.ctl("put", "c/d/y", "x")
    ok(a.events(1) == [["put", "d/y", seen + 7]], "nothing is missed")
    # What only the next revision is compacted up to: the deletion in it may be gone.
    a.say("unwatch")
    m.ctl("del", "c/d/y")
    m.ctl("compaction", str(seen + 8))
    a.say(f"watch d/ {seen + 7}")
    ok(a.news()["watch"] == "compacted", "compacted up to the very next one, which is a deletion: told as well")
    a.close()
    m.kill()


def restore():
    m = Member("restore").start().ready()
    a = Client(m)
    a.call("put d/a x")
    m.ctl("snapshot", "save", f"{WORK}/snapshot")
    fill(m, "d/x", 5)
    now = a.call("get d/a")["revision"]
    a.say(f"watch d/ {now}")
    a.opened()
    m.ctl("put", "c/d/last", "x")
    a.events(1)
    b = Client(m)
    b.say(f"watch d/ {a.witness[2]} {a.witness[0]} {a.witness[1]}")
    ok(b.news()["watch"] == "open", "a client that begins anew, in the same history: its watch begins")
    b.close()
    restored(m, f"{WORK}/snapshot")
    m.start().ready()
    n = a.hear(lambda l: l.get("watch") in ("went back", "other cluster", "events", "open"))
    ok(n["watch"] == "went back", f"a snapshot is restored: the watch ends ({n['why']})")
    ok(a.call("get d/a")["result"] == "went back" and a.call("put d/z x")["result"] == "went back",
       "and no call is answered by it")
    b = Client(m)
    b.say(f"watch d/ {a.witness[2]}")
    ok(b.news()["watch"] == "went back", "a client that begins anew and knows the revision: likewise")
    b.close()
    fill(m, "d/other", 12)
    b = Client(m)
    b.say(f"watch d/ {a.witness[2]} {a.witness[0]} {a.witness[1]}")
    n = b.news()
    ok(n["watch"] == "went back" and a.witness[0] in n["why"], f"it has grown longer since: the witness tells ({n['why']})")
    b.close()
    b = Client(m)
    b.call("get d/a")
    restored(m, f"{WORK}/snapshot", token="two")
    m.start().ready()
    n = b.call("get d/a")
    ok(n["result"] == "other cluster", f"restored as another cluster: told ({n['why']})")
    a.close(), b.close()
    m.kill()


def revisions(events):
    return [e[2] for e in events]


def stands_still(w, these, who, a=None):
    """As a machine does whose disk hangs, or that is cut off: connections stay."""
    w.lines.clear()
    began = time.monotonic()
    for m in these:
        m.process.send_signal(signal.SIGSTOP)
    n = w.hear(lambda l: l.get("watch") == "lost", 40)
    ok(n is not None, f"{who} stand still: lost after {time.monotonic() - began:.1f} s ({n and n['why']})")
    if a:
        r = a.call("get n")
        ok(r["result"] in ("unreachable", "timed out") and not r["unsure"], f"a read: {r['result']} ({r['why']})")
        r = a.call("put m/x 1")
        ok(r["result"] in ("unreachable", "timed out"), f"a change: {r['result']}, unsure: {r['unsure']} ({r['why']})")
    else:
        ok(w.opened() is not None, "another one goes on with it")
    for m in these:
        m.process.send_signal(signal.SIGCONT)


def members():
    three = three_members()
    a, b, w = Client(*three), Client(*three), Client(*three)
    start = w.call("get x")["revision"]
    w.say(f"watch n {start}")
    w.opened()
    a.say("race n 150")
    b.say("race n 150")
    for m in three:
        w.hear(lambda l: False, 0.7)
        m.kill()
        w.hear(lambda l: False, 0.7)
        m.start().ready()
    both = [c.hear(lambda l: "race" in l, 90) for c in (a, b)]
    ok(all(both), f"each member is killed and comes back, under two clients that race ({both})")
    marks_hold(a, "n", 300, "no step is lost or done twice")
    got = w.events(600)
    counts = [e for e in got if e[1] == "n"]
    ok(len(got) == 600 and len(counts) == 300 and len(set(revisions(counts))) == 300 and revisions(got) == sorted(revisions(got)),
       f"the watch: {len(got)} of 600 events, {len(set(map(tuple, got)))} different, in order")
    lost = sum(l.get("watch") == "lost" for l in w.lines)
    ok(lost > 0, f"it was lost {lost} times meanwhile")
    while w.opened(0.1):
        pass
    stands_still(w, [m for m in three if m.url == w.where], "the watch's member")
    for m in three:
        m.ready()
    stands_still(w, [m for m in three if m.url != w.where], "the two others", a)
    ok(w.opened(30) is not None, "they go on: so does the watch")
    three[0].ready().ctl("put", "c/nearly", "x")
    ok([e[1] for e in w.events(1)] == ["nearly"], "and nothing is missed")
    ok([c.close() for c in (a, b, w)] == [0, 0, 0], "the clients end without a leak")
    for m in three:
        m.kill()


def main():
    authorities()
    for part in (calls, race, compaction, restore, members):
        if re.search(PATTERN, part.__name__):
            began = time.monotonic()
            part()
            print(f"# {part.__name__}: {time.monotonic() - began:.1f} s", flush=True)
    return plan()


finish(main)

# SPDX-License-Identifier: GPL-2.0
"""Policies for the whole fleet: ordered at one gateway, put in force by all. Each has a cordonctl of straw beside its
cordon-fleet, as there is no kernel module: it writes down what it was called with."""
import json
import os
import shutil
import subprocess
import threading

from gateway import ASAN, CONFINED, CTL, Gateway, wait
from etcd_member import ENV, WORK, Member, ok, run

STRAW = """#!/bin/sh
echo "$*" >>{where}/argv
[ ! -e {where}/does ] || . {where}/does
"""


class Ordered(Gateway):
    def __init__(self, name, members, program):
        where = f"{WORK}/policy-{name}"
        os.makedirs(f"{where}/bin")
        shutil.copy(program, f"{where}/bin/cordon-fleet")
        with open(f"{where}/bin/cordonctl", "w", encoding="ascii", opener=lambda p, f: os.open(p, f, 0o755)) as f:
            f.write(STRAW.format(where=where))
        super().__init__(name, members, f"{where}/bin/cordon-fleet", f"policy-{name}")

    def configure(self):
        super().configure()
        with open(self.config, "a", encoding="ascii") as f:
            f.write(f"policy: {self.where}/policy.yaml\n")

    def read(self, name):
        try:
            with open(f"{self.where}/{name}", encoding="utf-8") as f:
                return f.read()
        except OSError:
            return ""

    def does(self, text):
        with open(f"{self.where}/does.new", "w", encoding="ascii") as f:
            f.write(text)
        os.rename(f"{self.where}/does.new", f"{self.where}/does")

    def cordonctl(self, *words):
        """Status, and what was printed."""
        done = subprocess.run([CTL, *words, "--config", self.config], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              check=False, cwd=WORK, env=ENV)
        return done.returncode, done.stdout.decode()

    def apply(self, where="orders", *words):
        return self.cordonctl("apply", "--fleet", where, *words)

    def policy(self):
        """What each gateway says, as this one sees it."""
        answer = self.ask(do="policy")
        return {n: g["policy"] or {} for n, g in answer["gateways"].items()} if answer and answer["is"] == "done" else {}

    def has(self, number, text=""):
        return wait(lambda: f"number {number}," in self.read("policy.yaml") and text in self.read("fleet/policy/common.yaml"))


def write(names, mark="one", ports="[lan0]", where="orders"):
    """DIR, with a comment in each file by which it is known."""
    shutil.rmtree(f"{WORK}/{where}", ignore_errors=True)
    os.makedirs(f"{WORK}/{where}/gateway")
    with open(f"{WORK}/{where}/common.yaml", "w", encoding="ascii") as f:
        f.write(f"# {mark}\nsegments: {{iot: {{}}}}\n")
    for name in names:
        with open(f"{WORK}/{where}/gateway/{name}.yaml", "w", encoding="ascii") as f:
            f.write(f"# {mark}\nversion: 1\ninclude: ../common.yaml\nports: {ports}\nuplinks: [wan0]\n")


def admit(m, names):
    """As `cordonctl fleet add`, and as gateways say which interfaces they have."""
    row = json.dumps({"v": 1, "ports": ["lan0"], "uplinks": ["wan0"]}, separators=(",", ":"))
    puts = "".join(f"put cordon/all/gateway/{n} {row}\n" for n in names)
    run("etcdctl", "--endpoints", m.url, "--cacert", "ca.crt", "--cert", "client.crt", "--key", "client.key", "txn",
        input=("\n" + puts + "\n\n").encode())


def revision(m, key):
    got = json.loads(m.ctl("get", f"cordon/all/policy/{key}", "-w", "json"))
    return got["kvs"][0]["mod_revision"]


def applied(a, b, c):
    write("abc")
    status, text = a.apply()
    ok(status == 0 and "policy 1 of the fleet is ordered" in text, "a first policy is ordered") or print("#", text)
    ok(all(f"{g.name}: policy 1 in force" in text for g in (a, b, c)), "each gateway says that it is in force")
    ok(all(g.read("argv") == f"apply gateway/{g.name}.yaml\n" for g in (a, b, c)), "each has applied its own file, once")
    ok(all(g.has(1, "# one") for g in (a, b, c)), "and has it for the next start")
    ok(c.read("fleet/policy/gateway/c.yaml").startswith("# one\nversion: 1\n"), "as it was written")
    status, text = b.apply()
    ok(status == 0 and "policy 1 of the fleet: no change" in text, "the same again, at another gateway: no change")
    status, text = a.cordonctl("fleet", "policy")
    ok(status == 0 and "policy 1 is the fleet's" in text and "b: policy 1 in force" in text, "fleet policy shows it")
    write("abc", "wrong", "[lan0, lan5]")
    status, text = a.apply()
    ok(status == 1 and "orders/gateway/b.yaml:4:15: gateway 'b' has no interface 'lan5'" in text, "a port that is not there") or \
        print("#", text)
    write("ab")
    ok(a.apply()[0] == 1 and a.policy()["a"]["number"] == 1, "a gateway without a file: nothing is ordered")


def trial(a, b, c):
    write("abc", "two")
    status, text = a.apply("orders", "--confirm", "5m")
    ok(status == 0 and all(f"{g.name}: policy 2 on trial" in text for g in (a, b, c)), "on trial everywhere") or print("#", text)
    ok(all("apply gateway/" in g.read("argv") and "--confirm " in g.read("argv") for g in (a, b, c)), "by each kernel's timer")
    ok(all("number 1," in g.read("policy.yaml") for g in (a, b, c)), "the next start would have the one before")
    ok("is on trial for another" in b.apply()[1], "no other meanwhile")
    status, text = b.cordonctl("confirm", "--fleet")
    ok(status == 0 and all(f"{g.name}: policy 2 in force" in text for g in (a, b, c)), "confirmed at another gateway") or \
        print("#", text)
    ok(all(g.read("argv").endswith("confirm\n") and g.has(2, "# two") for g in (a, b, c)), "each has confirmed it")
    ok("is confirmed already" in a.cordonctl("confirm", "--fleet")[1], "once is enough")


def refused(a, b, c):
    c.does("[ $1 != apply ] || { echo 'no such interface' >&2; exit 1; }\n")
    write("abc", "three")
    status, text = a.apply()
    ok(status == 1 and "c: policy 3 is refused, policy 2 is in force\n    no such interface" in text, "one refuses, and says why") or \
        print("#", text)
    ok("a: policy 3 in force" in text and b.has(3), "the others have it")
    status, text = b.cordonctl("fleet", "policy")
    ok(status == 3 and "c: policy 3 is refused" in text, "fleet policy says so, at each gateway")
    ok("policy     3 is refused" in c.cordonctl("fleet", "status")[1], "fleet status at that one")
    status, text = b.cordonctl("fleet", "policy", "--json")
    ok(status == 3 and json.loads(text)["gateways"]["c"]["policy"]["why"] == "no such interface", "also to programs")
    c.does("exit 0\n")


def away(a, b, c, m):
    c.stop()
    write("abc", "four")
    status, text = a.apply()
    ok(status == 0 and "c: is not connected: it puts it in force when it is back" in text, "one is away") or print("#", text)
    c.start()
    ok(c.has(4, "# four"), "it is back, and puts it in force")
    m.kill()
    ok(a.is_away(40), "etcd is away")
    write("abc", "five")
    status, text = a.apply()
    ok(status == 1 and "unreachable" in text, "nothing can be ordered") or print("#", text)
    a.stop(), a.start()
    ok("number 4," in a.read("policy.yaml") and a.read("argv").count("apply ") == 4, "a start without it changes nothing")
    m.start().ready()
    ok(all(g.is_reachable(60) for g in (a, b, c)), "etcd is back")
    ok(a.apply()[0] == 0 and all(g.has(5, "# five") for g in (a, b, c)), "and it can be")


def at_once(a, b, c):
    """Two who order at once, again and again: never a bit of both."""
    said = []
    for n in range(5):
        write("abc", f"a-{n}", where="by-a")
        write("abc", f"b-{n}", where="by-b")
        both = [threading.Thread(target=lambda g=g: said.append(g.apply(f"by-{g.name}", "--wait", "1s"))) for g in (a, b)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        number = json.loads(a.cordonctl("fleet", "policy", "--json")[1])["order"]["number"]
        good = wait(lambda: all(p.get("number") == number and p["is"] == "in force" for p in a.policy().values()))
        marks = {g.read(f"fleet/policy/{file}").split("\n")[0] for g in (a, b, c)
                 for file in ("common.yaml", f"gateway/{g.name}.yaml")}
        ok(good and len(marks) == 1, f"two at once: all have the same one ({', '.join(marks)})")
    ok(any("somebody else ordered" in text or "ordered" in text for _, text in said), "and whoever was late is told")


def many(a, b, c, m):
    names = [f"g{n:03}" for n in range(250)]
    for at in range(0, len(names), 100):
        admit(m, names[at:at + 100])
    ok(wait(lambda: len(a.policy()) == 253), "250 more gateways")
    write([*"abc", *names], "many")
    status, text = a.apply()
    ok(status == 0 and "g249: is not connected" in text, "more texts than a transaction holds") or print("#", text[:500])
    ok(revision(m, "gateway/a") < revision(m, "order"), "the order is in the last of several")
    ok(all(g.read("fleet/policy/common.yaml").startswith("# many") for g in (a, b, c)), "who is there has it")


def policy():
    m = Member("policy").start().ready()
    a, b, c = (Ordered(n, [m], p) for n, p in (("a", ASAN), ("b", CONFINED), ("c", ASAN)))
    admit(m, "abc")
    for g in (a, b, c):
        g.start()
    ok(all(g.is_reachable() for g in (a, b, c)), "three gateways reach etcd")
    applied(a, b, c)
    trial(a, b, c)
    refused(a, b, c)
    away(a, b, c, m)
    at_once(a, b, c)
    many(a, b, c, m)
    status = [g.stop() for g in (a, b, c)]
    ok(status == [0, 0, 0], f"cordon-fleet ends, and leaves nothing behind: {status}")
    m.kill()

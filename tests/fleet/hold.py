# SPDX-License-Identifier: GPL-2.0
"""Gateways with kernels of a file: which one holds a device, where its lease ends, where it is in quarantine."""
import json
import time

from gateway import Gateway, admit, ended, mac, seconds_until, serial, wait
from etcd_member import Member, ok
from fake_kernel import Kernel

TRIES = 20


def dotted(n):
    text = mac(n)
    return ":".join(text[i:i + 2] for i in range(0, 12, 2))


def with_kernels(name):
    m = Member(name).start().ready()
    a, b = (Gateway(n, [m], where=f"{name}-{n}") for n in ("a", "b"))
    for g in (a, b):
        g.kernel = Kernel(f"{g.where}/kernel", 1, 2, 3)
    admit(m, a, b)
    a.start(), b.start()
    if not ok(a.is_reachable() and b.is_reachable(), f"{name}: two gateways reach etcd"):
        print("".join(f"# {l}" for g in (a, b) for l in g.said("")[-30:]))
    return m, a, b


def ask(g, n, roam=False):
    return g.ask(do="hold", name=f"d{n}", mac=dotted(n), port="lan0", lease=600, roam=roam)


def holder(m, n):
    """The gateway that etcd has for the device; None, none."""
    value = m.ctl("get", "--print-value-only", f"cordon/holder/{dotted(n)}").decode().strip()
    return json.loads(value)["gateway"] if value else None


def roam(m, a, b):
    took = []
    for i in range(TRIES):
        x, y = (a, b) if i % 2 else (b, a)
        began = time.monotonic()
        if ask(x, 1, roam=True)["is"] != "done" or not wait(lambda: not y.kernel.has_lease(1), 10, 0.002):
            began = 0
        took.append(time.monotonic() - began)
        x.kernel.lease(1, serial(1))
    ok(max(took) < 1, f"a device that roams: from the question to the end of its lease where it was; worst of {TRIES} "
       f"{max(took):.3f} s")
    ok(holder(m, 1) == "a" and a.kernel.has_lease(1) and not b.kernel.has_lease(1), "and it has the one where it is")


def hold():
    m, a, b = with_kernels("hold")
    ok(ask(a, 1) == {"id": 1, "is": "done"} and holder(m, 1) == "a", "a device is held by the gateway that asks")
    a.kernel.lease(1, serial(1))
    said = ask(b, 1)
    ok(said["is"] == "elsewhere" and said["gateway"] == "a", "another one is told which")
    a.device("d1", mac(1))
    wait(lambda: b.has_device("d1"))
    for g, name in ((a, "d1"), (b, "d1"), (b, dotted(1).upper())):
        code, out, err = g.ctl("where", name)
        ok(code == 0 and f"d1 ({dotted(1)}) is at gateway a, on port lan0, for " in out, f"where {name}: {out.strip()}{err}")
    code, out, _ = b.ctl("where", dotted(7))
    ok(code == 0 and "at no gateway" in out, "where: one that is nowhere")
    ok(json.loads(b.ctl("where", dotted(7), "--json")[1]) == {"mac": dotted(7), "holder": None} and
       json.loads(b.ctl("where", "d1", "--json")[1])["holder"]["port"] == "lan0", "where, for programs")
    code, out, err = b.ctl("where", "nobody")
    ok(code == 1 and not out and "nobody: refused: the registry has no device of this name" in err, f"where: {err.strip()}")
    ok(b.ctl("where")[0] == 2, "where, of nobody: usage")
    m.ctl("put", f"cordon/holder/{dotted(8)}", '{"v":1,"gateway":"\\u001b[2J"}')
    code, out, err = b.ctl("where", dotted(8))
    ok(code == 1 and "makes no sense" in err and "\033" not in err, "where: what makes no sense")
    b.kernel.lease(1, serial(1))
    ok(wait(lambda: not b.kernel.has_lease(1)) and a.kernel.has_lease(1), "a lease that it gives without asking ends")
    roam(m, a, b)
    ask(a, 2)
    a.kernel.lease(2, serial(2))
    m.kill()
    ok(a.is_away(), "etcd is away")
    ok(ask(a, 3)["is"] == "unreachable", "nobody holds anything new")
    ok("out of reach" in a.ctl("where", dotted(1))[2], "and where a device is, is not known")
    time_before = time.monotonic()
    a.kernel.end(2)
    m.start()
    ok(a.is_reachable() and b.is_reachable() and wait(lambda: holder(m, 2) is None, 20),
       f"a lease that ended meanwhile is given back ({time.monotonic() - time_before:.1f} s)")
    ok(holder(m, 1) == "a" and a.kernel.has_lease(1), "one that did not is not")
    ok(a.stop() == 0, "A ends, with a lease in its kernel")
    ok(ask(b, 1)["is"] == "elsewhere" and "at" in m.ctl("get", "cordon/to/a/gone").decode(),
       "it holds its device, and since when it is gone is written down")
    ok(ask(b, 1, roam=True)["is"] == "done", "a device that roams does not wait for it")
    b.kernel.lease(1, serial(1))
    a.start()
    ok(wait(lambda: not a.kernel.has_lease(1)) and b.kernel.has_lease(1), "A is back, and its lease ends")
    ok(wait(lambda: not m.ctl("get", "--prefix", "--keys-only", "cordon/to/").strip()), "nothing is left to be told")
    ended(a, b)
    m.kill()


def marks():
    m, a, b = with_kernels("marks")
    took, freed = [], []
    for i in range(TRIES):
        x, y = (a, b) if i % 2 else (b, a)
        x.kernel.hold(2)
        took.append(seconds_until(lambda: y.kernel.is_held(2)))
        y.kernel.hold(2, False)
        freed.append(seconds_until(lambda: not x.kernel.is_held(2)))
    ok(max(took) < 1, f"a quarantine here is one there; worst of {TRIES} {max(took):.3f} s")
    ok(max(freed) < 1, f"likewise its end; worst of {TRIES} {max(freed):.3f} s")
    took = []
    for i in range(TRIES):
        x, y = (a, b) if i % 2 else (b, a)
        x.device(f"r{i}", mac(1))
        x.certificate(f"r{i}", mac(1), serial(100 + i))
        wait(lambda: y.state(serial(100 + i)) is not None)
        ask(y, 1, roam=True)
        y.kernel.lease(1, serial(100 + i))
        x.revoke(serial(100 + i))
        took.append(seconds_until(lambda: not y.kernel.has_lease(1)))
    ok(max(took) < 1, f"a certificate is revoked here: its lease ends there; worst of {TRIES} {max(took):.3f} s")
    a.kernel.hold(3)
    ok(wait(lambda: b.kernel.is_held(3)), "a device is held everywhere")
    b.kernel.load(False)
    ok(b.hears("no kernel module"), "B's module is unloaded, which is said")
    b.kernel.load()
    ok(wait(lambda: b.kernel.is_held(3)), "loaded, it is told of it")
    b.kill()
    b.kernel.load()
    a.kernel.hold(1)
    a.kernel.hold(3, False)
    wait(lambda: not json.loads(a.ctl("status", "--json")[1] or "{}").get("waiting", 1))
    b.start()
    ok(wait(lambda: b.kernel.is_held(1)) and wait(lambda: not b.kernel.is_held(3)),
       "what was said while B was away is so when it is back")
    ok(a.kernel.is_held(1) and not a.kernel.is_held(3), "and is as it was at A")
    expelled(a, b)
    ended(a)
    m.kill()


def expelled(a, b):
    a.kernel.hold(1, False)
    b.device("e", mac(1))
    b.certificate("e", mac(1), serial(900))
    wait(lambda: a.state(serial(900)) is not None)
    ask(a, 1, roam=True)
    a.kernel.lease(1, serial(900))
    b.stop()
    a.certificate("f", mac(2), serial(901))
    ask(a, 2)
    a.kernel.lease(2, serial(901))
    said = a.ask(do="expel", gateway="b", why="stolen")
    ok(said["is"] == "done", f"B is expelled: {said}")
    ok(wait(lambda: not a.kernel.has_lease(1)), "a lease by a certificate that it has issued ends")
    ok(a.kernel.has_lease(2), "one by another gateway's does not")

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
The page's way in: who may look and who may act, each refusal counted by its name; forms of other people's pages, other
names; what operators do, in kernel and audit log; streams of events; slow and many clients; what the process may do.

    127.0.0.x   may look without a certificate  ==\\
    192.0.2.1   an address of no loopback       ===  page (8444 as a rule) -- agent -- kernel of straw
"""
import contextlib
import json
import os
import re
import signal
import socket
import sqlite3
import ssl
import statistics
import struct
import sys
import threading
import time
import urllib.request

from gateway import (CTL, EST, NOTHING, PKCS10, WAIT, Answer, Client, Tap, ask, checkin, children, comm, ctl, hold_port, must,
                     new_csr, new_key, run, until)
from kernel import Device, FirmwareGateway

tap = Tap()
OUTSIDE = "192.0.2.1"
MAC = "02:00:00:00:00:09"
MAKE = os.path.join(os.path.dirname(CTL), "serve", "history")
CLOCK = os.path.join(os.path.dirname(CTL), "serve", "clock.so")
WORD = "correct-Horse7battery-staple"
FORM = "application/x-www-form-urlencoded"


class PageGateway(FirmwareGateway):
    """A server with a page and metrics."""

    def __init__(self, history=True):
        super().__init__()
        self.held += [hold_port(), hold_port()]
        self.page, self.metrics = (sock.getsockname()[1] for sock in self.held[-2:])
        for name in ("history", "live"):
            os.mkdir(self.path(name))
            os.chmod(self.path(name), 0o755)
        if history:
            self.history()
        self.write_config(f"page: [\"[::]:{self.page}\"]\nmetrics: [127.0.0.1:{self.metrics}]\n"
                          f"history: {self.path('history')}\nhistory_live: {self.path('live')}\n")

    def history(self):
        """What is to be seen: one device; made anew, the live one."""
        must(MAKE, self.path("history"), self.path("live"))
        db = sqlite3.connect(self.path("live", "live.db"))
        db.execute("ATTACH ? AS kept", (self.path("history", "history.db"),))
        db.execute("INSERT OR IGNORE INTO kept.device VALUES (1, ?, 'cam', 'iot_zone', 1, 1)", (MAC,))
        db.execute("INSERT INTO now (id, mac, name, segment, effective, state, listed) VALUES (1, ?, 'cam', 'iot_zone',"
                   " 'iot_zone', 'active', 1)", (MAC,))
        db.commit()
        db.close()

    def operator(self, name, *more, **how):
        """An operator's certificate and key; their paths."""
        must(CTL, "ca", "operator", name, "--dir", self.ca, "--registry", self.registry, "--out", self.dir, *more,
             env={**os.environ, **self.environment}, **how)
        return self.path(name + ".crt"), self.path(name + ".key")

    def browser(self, who=None, outside=False, **more):
        """A connection of somebody; @who: certificate and key."""
        host = OUTSIDE if outside else "127.0.0.1"
        return Client(self, source=host, host=host, context=self.context(*(who or ())), port=self.page, **more)

    def look(self, who=None, path="/", method="GET", headers=(), body=b"", **more):
        """One request."""
        try:
            with self.browser(who, **more) as client:
                return client.request(method, path, headers, body)
        except OSError:
            return NOTHING

    def token(self, *words, **more):
        """A device's, or, of an operator, what his forms carry."""
        if isinstance(words[0], tuple):
            return re.search(r'name="token" value="([0-9a-f]+)"', self.look(words[0], f"/device/{MAC}").body.decode()).group(1)
        return super().token(*words, **more)

    def act(self, who, path, token=None, headers=(), **more):
        """A form is sent."""
        body = f"token={token}".encode() if token else b""
        return self.look(who, path, "POST", [("Content-Type", FORM), *headers], body, **more)

    def acts(self):
        """What of operators is in the audit log: what, result."""
        with open(self.audit, encoding="ascii") as f:
            lines = [json.loads(line) for line in f]
        return [(*line["what"][1:], line["result"], line["who"]["operator"]) for line in lines
                if "operator" in line["who"]]


def counted(gw, name, reason, status, call, why=""):
    """It is refused, and counted once by this name."""
    before = gw.counters()
    got = call()
    good = got.status == status and why in got.why()
    after = gw.counters()
    changed = {key: after[key] - before[key] for key in after if after[key] != before[key] and key != "connections"}
    tap.ok(good and changed == {reason: 1}, f"{name}: {status}, counted as {reason}", (got, changed))
    return got


# ---- who may look

def access(gw):
    """Each kind of certificate, and none."""
    alice, gone = gw.operator("alice"), gw.operator("gone")
    device = Device(gw, "cam", 9)
    cam = (device.cert, device.key)
    before = gw.counters()["page"]
    got = gw.look()
    tap.ok(got.status == 200 and b"You may look, and change nothing" in got.body, "loopback, no certificate: may look", got)
    got = gw.look(alice)
    tap.ok(got.status == 200 and b"You are <bdi>alice</bdi>" in got.body, "loopback, an operator's", got)
    got = gw.look(alice, outside=True)
    tap.ok(got.status == 200 and b"You are <bdi>alice</bdi>" in got.body, "from outside, an operator's", got)
    tap.equal("pages are counted", 3, gw.counters()["page"] - before)
    counted(gw, "from outside, no certificate", "page_no_certificate", 403, lambda: gw.look(outside=True), "no certificate")
    for outside in (False, True):
        counted(gw, f"a device's, {'from outside' if outside else 'loopback'}", "page_no_operator", 403,
                lambda outside=outside: gw.look(cam, outside=outside), "not an operator's")
    with PageGateway() as other:
        foreign = other.operator("alice")
        counted(gw, "an operator's of another CA", "page_foreign", 403, lambda: gw.look(foreign, outside=True),
                "not issued by this gateway")
    past = gw.path("past")
    with open(past, "wb") as out:
        out.write(struct.pack("=q", -2 * 86400))
    late = late_operator(gw, past)
    counted(gw, "an operator's that has ended", "page_expired", 403, lambda: gw.look(late, outside=True), "expired")
    gw.query("DELETE FROM certificate WHERE name = 'gone'")
    counted(gw, "one that the registry does not know", "page_unknown", 403, lambda: gw.look(gone, outside=True), "registry")
    context = gw.context(*alice, version=ssl.TLSVersion.TLSv1_2)
    before = gw.counters()["page_tls"]
    try:
        Client(gw, port=gw.page, context=context).close()
        refused = False
    except OSError:
        refused = True
    tap.ok(refused and until(lambda: gw.counters()["page_tls"] == before + 1), "TLS 1.2: refused, counted as page_tls")
    return alice, device


def late_operator(gw, past):
    """One whose certificate was made two days ago for a day."""
    gw.environment.update({"LD_PRELOAD": CLOCK, "CLOCK_FILE": past})
    try:
        return gw.operator("late", "--days", "1")
    finally:
        del gw.environment["LD_PRELOAD"], gw.environment["CLOCK_FILE"]


def apart(gw, alice, device):
    """An operator's certificate is no device's."""
    before = gw.counters()["certificate_foreign"]
    got = ask(gw, "POST", EST + "simplereenroll", [PKCS10], b"", context=gw.context(*alice))
    tap.ok(got.status in (401, 403) and "an operator's certificate, not a device's" in got.why(), "EST: an operator's: refused", got)
    got = ask(gw, "POST", "/cordon/v1/checkin", context=gw.context(*alice), source=device.address)
    tap.ok(got.status == 403 and "an operator's certificate" in got.why(), "check-in over HTTPS: likewise", got)
    said = checkin(gw, *alice, source=device.address)
    tap.ok(said.startswith("refused: ") and "an operator's certificate" in said, "plain check-in: likewise", said)
    tap.equal("each is counted", 3, gw.counters()["certificate_foreign"] - before)
    tap.equal("a device's checks in", "Welcome IoT Device", checkin(gw, device.cert, device.key, source=device.address))
    done = ctl("ca", "operator", "cam", "--dir", gw.ca, "--registry", gw.registry, "--out", gw.dir)
    tap.ok(done.returncode == 1 and b"a device of this name" in done.stderr, "ca operator: a device's name: refused", done)
    got = json.loads(must(CTL, "ca", "list", "alice", "--json", "--dir", gw.ca, "--registry", gw.registry))
    tap.equal("ca list: its kind", ["operator"], [c["kind"] for c in got])


def revoked(gw):
    """What is revoked is worth nothing with the next request, of a connection that is kept, too."""
    bob = gw.operator("bob")
    token = gw.token(bob)
    with gw.browser(bob, outside=True) as client:
        tap.equal("kept: before", 200, client.request("GET", "/").status)
        must(CTL, "ca", "revoke", "bob", "--dir", gw.ca, "--registry", gw.registry)
        counted(gw, "kept, and revoked meanwhile", "page_revoked", 403, lambda: client.request("GET", "/"), "revoked")
        held = gw.kernel.fields("cam")[1][4]
        got = client.request("POST", "/device/02:00:00:00:00:09/quarantine", [("Content-Type", FORM)], f"token={token}".encode())
        tap.ok(got.status == 403 and gw.kernel.fields("cam")[1][4] == held, "nor does it act", got)


# ---- names and headers

def hosts(gw, alice):
    """By which names it may be called."""
    def call(*lines):
        with gw.browser(alice) as client:
            client.send(("GET / HTTP/1.1\r\n" + "".join(line + "\r\n" for line in lines) + "\r\n").encode())
            return client.answer("GET")
    for host in ("localhost", f"localhost:{gw.page}", "gateway.test", "GATEWAY.test:8444", "127.0.0.1", "127.1.2.3", "[::1]:8444"):
        tap.equal(f"Host: {host}: it is ours", 200, call(f"Host: {host}").status)
    for lines in (("Host: evil.example",), ("Host: gateway.test.evil.example",), ("Host: 10.9.8.7",), ("Host: [::2]",),
                  ("Host: localhost", "Host: localhost"), ("Host: localhost:x",), ("Host: localhost/",), ("Host: ",), ()):
        counted(gw, f"{', '.join(lines) or 'no Host'}", "page_host", 421, lambda lines=lines: call(*lines))
    with gw.browser(alice) as client:
        client.send(b"GET https://evil.example/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
        tap.equal("an absolute URL of another host", 421, client.answer("GET").status)
    got = gw.look(alice).headers
    wanted = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin",
              "Cross-Origin-Resource-Policy": "same-origin", "Cache-Control": "no-store", "Content-Security-Policy":
              "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
              "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"}
    tap.equal("headers", wanted, {name: got.get(name) for name in wanted})
    tap.equal("no cookies", None, got.get("Set-Cookie"))
    got = gw.look(alice, method="HEAD")
    tap.ok(got.status == 200 and not got.body and int(got.headers["Content-Length"]) > 0, "HEAD: the headers alone", got)
    counted(gw, "two lengths", "page_request", 400, lambda: gw.look(alice, headers=[("Content-Length", "0")]))


# ---- acts

def acts(gw, alice):
    """Quarantine and release, in kernel and audit log."""
    path, token = "/device/02:00:00:00:00:09", gw.token(alice)
    held = lambda: gw.kernel.fields("cam")[1][4]
    before = gw.counters()["page_act"]
    got = gw.act(alice, path + "/quarantine", token, outside=True)
    tap.ok(got.status == 303 and got.headers["Location"] == path and held() == 1, "quarantine: done, and back to the device", got)
    got = gw.act(alice, path + "/release", token, [("Sec-Fetch-Site", "same-origin"), ("Origin", "null")])
    tap.ok(got.status == 303 and held() == 0, "release: done, as a browser asks for it", got)
    got = gw.act(alice, path.replace(":", "%3A") + "/quarantine", token, [("Origin", "https://localhost")])
    tap.ok(got.status == 303 and held() == 1, "a MAC as a URL has it, and an Origin", got)
    gw.act(alice, path + "/release", token)
    tap.equal("acts are counted", 4, gw.counters()["page_act"] - before)
    mac = "02:00:00:00:00:09"
    both = [[(what, mac, "begun", "alice"), (what, mac, "done", "alice")] for what in ("quarantine", "release")] * 2
    tap.equal("each is in the audit log, with who did it", sum(both, []), gw.acts())
    got = must(CTL, "audit", env={**os.environ, "CORDON_AUDIT": gw.audit}).decode()
    tap.ok(re.search(r"alice +127\.0\.0\.1 +done +page release\s+02:00:00:00:00:09", got), "audit: names the operator", got)
    must(CTL, "audit", "--verify", env={**os.environ, "CORDON_AUDIT": gw.audit})
    counted(gw, "a device that there is not", "page_act_failed", 404,
            lambda: gw.act(alice, "/device/02:00:00:00:00:77/quarantine", token), "no such device")
    gw.kernel.commit(absent=1)
    counted(gw, "no kernel module", "page_act_failed", 503, lambda: gw.act(alice, path + "/quarantine", token), "not loaded")
    gw.kernel.commit(absent=0)
    for where, want in (("/device/02:00:00:00:00:09", path), ("//evil.example/", path), ("https://evil.example/", path),
                        ("/\\evil.example", path), ("/devices", "/devices")):
        got = gw.look(alice, path + "/release", "POST", [("Content-Type", FORM)], f"token={token}&back={where}".encode())
        tap.equal(f"back={where}", (303, want), (got.status, got.headers and got.headers["Location"]))


def forged(gw, alice):
    """Forms that are not ours, or nobody's who may."""
    carol = gw.operator("carol")
    path, token = "/device/02:00:00:00:00:09/quarantine", gw.token(alice)
    held = lambda: gw.kernel.fields("cam")[1][4]
    refused = (
        ("no token", None, ()), ("a wrong token", "0" * 64, ()), ("a token that is cut", token[:63], ()),
        ("another operator's token", gw.token(carol), ()), ("another site", token, [("Sec-Fetch-Site", "cross-site")]),
        ("the same site, another origin", token, [("Sec-Fetch-Site", "same-site")]),
        ("typed in", token, [("Sec-Fetch-Site", "none")]), ("another Origin", token, [("Origin", "https://evil.example")]),
        ("another port", token, [("Origin", "https://localhost:1")]), ("plain HTTP", token, [("Origin", "http://localhost")]),
        ("Origin null, and nothing else", token, [("Origin", "null")]),
        ("another Origin, though the site is the same", token, [("Sec-Fetch-Site", "same-origin"), ("Origin", "https://evil.example")]))
    for name, with_token, headers in refused:
        counted(gw, f"form: {name}", "page_forged", 403,
                lambda with_token=with_token, headers=headers: gw.act(alice, path, with_token, headers))
    counted(gw, "loopback without a certificate: acts not", "page_no_certificate", 403, lambda: gw.act(None, path, token), "certificate")
    for bad in ("/device/02:00:00:00:00:09", "/device/cam/quarantine", "/device//quarantine", "/device/02:00:00:00:00:09/retire",
                "/episode/0/acknowledge", "/episode/-1/acknowledge", "/episode/9223372036854775808/acknowledge", "/"):
        counted(gw, f"POST {bad}", "page_request", 404, lambda bad=bad: gw.act(alice, bad, token))
    counted(gw, "not a form", "page_request", 400,
            lambda: gw.look(alice, path, "POST", [("Content-Type", "application/json")], b'{"token": "x"}'))
    counted(gw, "a body that is too large", "page_request", 413,
            lambda: gw.look(alice, path, "POST", [("Content-Type", FORM)], b"a=" + 8192 * b"b"), "more than 4096")
    counted(gw, "headers that are too large", "page_request", 400, lambda: gw.look(alice, headers=[("X", 9000 * "y")]), "8192")
    counted(gw, "a method that there is not", "page_request", 501, lambda: gw.look(alice, method="DELETE"), "no such method")
    gw.look(alice, path)
    tap.equal("nothing of all that was done, nor by a GET", 0, held())
    got = gw.act(alice, path, token)
    tap.ok(got.status == 303 and held() == 1, "and the same form, as it should be: done", got)
    gw.act(alice, path.replace("quarantine", "release"), token)


@contextlib.contextmanager
def watch(gw, replies):
    """Who writes the history, of straw: what it was asked is in the list that is given."""
    asked, path = [], gw.path("live", "control")
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server.bind(path)
    os.chmod(path, 0o666)
    server.listen(8)

    def answer():
        for reply in replies:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                asked.append(client.recv(512))
                if reply is not None:
                    client.send(reply)
    thread = threading.Thread(target=answer, daemon=True)
    thread.start()
    try:
        yield asked
    finally:
        server.close()
        os.unlink(path)
        thread.join(WAIT)


def acknowledges(gw, alice):
    """Episodes are acknowledged by who writes the history."""
    token = gw.token(alice)
    counted(gw, "acknowledge: nobody writes the history", "page_act_failed", 503,
            lambda: gw.act(alice, "/episode/7/acknowledge", token), "does not answer")
    with watch(gw, (b"ok\n", b"there is no such episode\n", None)) as asked:
        got = gw.act(alice, "/episode/7/acknowledge", token)
        tap.ok(got.status == 303 and got.headers["Location"] == "/" and asked == [b"acknowledge 7 alice\n"], "acknowledge: done",
               (got, asked))
        counted(gw, "acknowledge: refused there", "page_act_failed", 409, lambda: gw.act(alice, "/episode/8/acknowledge", token),
                "no such episode")
        counted(gw, "acknowledge: no answer", "page_act_failed", 503, lambda: gw.act(alice, "/episode/9/acknowledge", token), "gone")
    last = gw.acts()[-6:]
    tap.equal("all of it is in the audit log", [(what, number, result) for number, end in (("7", "done"), ("8", "refused"), ("9", "refused"))
                                                for what, result in (("acknowledge", "begun"), ("acknowledge", end))],
              [line[:3] for line in last])


def slow_watch(gw, alice, device):
    """Who writes the history hangs: devices do not wait for it."""
    token = gw.token(alice)
    path = gw.path("live", "control")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.bind(path)
        os.chmod(path, 0o666)
        server.listen(8)
        got = []
        thread = threading.Thread(target=lambda: got.append(gw.act(alice, "/episode/7/acknowledge", token)))
        thread.start()
        until(lambda: len(gw.acts()) and gw.acts()[-1][2] == "begun")
        begin = time.monotonic()
        good = checkin(gw, device.cert, device.key, source=device.address)
        took = time.monotonic() - begin
        tap.ok(good == "Welcome IoT Device" and took < 4, "watch hangs: a check-in meanwhile does not", took)
        tap.equal("watch hangs: another one is told to wait", 503, gw.act(alice, "/episode/8/acknowledge", token).status)
        thread.join(WAIT)
        tap.ok(got[0].status == 503 and "does not answer" in got[0].why(), "watch hangs: in the end it is said", got)
    os.unlink(path)


# ---- streams

def streams(gw, alice):
    """Events as they come; so many at a time."""
    before = gw.counters()
    opened = []
    for _ in range(8):
        client = gw.browser(alice, outside=True)
        client.send(b"GET /events/stream HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: 5\r\n\r\n")
        opened.append(client)
    with contextlib.closing(sqlite3.connect(gw.path("history", "history.db"))) as db:
        db.execute("INSERT INTO state VALUES (1, ?, 'expired', 'iot_zone', NULL)", (int(time.time()),))
        db.commit()
    said = b""
    while b"event: row" not in said and (more := opened[0].sock.recv(4096)):
        said += more
    tap.ok(b"Content-Type: text/event-stream" in said and b"retry: 1000" in said and b"default-src 'none'" in said,
           "a stream: events come", said)
    tap.ok(until(lambda: gw.counters()["page_stream"] - before["page_stream"] == 8), "eight at a time of one address")
    counted(gw, "a ninth", "page_crowded", 503, lambda: gw.look(alice, "/events/stream", outside=True), "too many streams")
    tap.equal("pages, beside them", 200, gw.look(alice, outside=True).status)
    opened.pop().close()
    def again():
        with gw.browser(alice, outside=True) as client:
            client.send(b"GET /events/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return b"200 OK" in client.sock.recv(4096)
    tap.ok(until(again), "one goes: there is room for another")
    for client in opened:
        client.close()
    counted(gw, "a stream without a certificate, from outside", "page_no_certificate", 403,
            lambda: gw.look(None, "/events/stream", outside=True))


# ---- slow and many

def stuffed(gw, alice):
    """Who sends without end goes, and nothing of it is kept."""
    pid = gw.pids()["cordonctl:page"]
    resident = lambda: int(status(pid)["VmRSS"].split()[0])
    for name, who, begin in (
            ("a chunk's length without end", None, b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"),
            ("bytes beside a stream of events", alice, b"GET /events/stream HTTP/1.1\r\nHost: localhost\r\n\r\n")):
        before, refused, ended = resident(), gw.counters()["page_request"], True
        with gw.browser(who, outside=True) as client, contextlib.suppress(OSError):
            client.send(begin)
            for _ in range(512):
                client.send(65536 * b"0")
            ended = False
        counted_once = until(lambda refused=refused: gw.counters()["page_request"] == refused + 1)
        tap.ok(ended and counted_once, f"{name}: the connection ends, counted as page_request", (ended, gw.counters()))
        tap.ok(resident() - before < 8192, f"{name}: of 32 MB, none is kept", (before, resident()))

def crowd(gw, alice, device):
    """Many that do nothing, and slow ones: each has its time, and check-ins take no longer."""
    def usual():
        took = []
        for _ in range(10):
            begin = time.monotonic()
            if checkin(gw, device.cert, device.key, source=device.address) != "Welcome IoT Device":
                return None
            took.append(time.monotonic() - begin)
        return statistics.median(took)
    alone = usual()
    before = gw.counters()
    silent = [socket.create_connection(("127.0.0.1", gw.page), WAIT, (f"127.0.9.{1 + n // 30}", 0)) for n in range(300)]
    half = []
    for n in range(20):
        client = gw.browser(timeout=WAIT)
        client.send(b"GET / HTTP/1.1\r\nHost: loc")
        half.append(client)
    beside = usual()
    tap.ok(alone and beside and beside < 5 * alone + 0.1, "check-ins beside 320 slow clients take as long as without", (alone, beside))
    tap.say(f"a check-in alone {1000 * alone:.0f} ms, beside them {1000 * (beside or 0):.0f} ms")
    tap.equal("an operator beside them", 200, gw.look(alice, outside=True).status)
    tap.ok(gw.counters()["page_crowded"] > before["page_crowded"], "who has come least far makes room", gw.counters())
    tap.ok(all(client.ended() for client in half), "half a request: its time ends")
    tap.ok(gw.counters()["page_timeout"] > before["page_timeout"], "and is counted")
    many, crowded = [], gw.counters()["page_crowded"]
    for _ in range(40):
        with contextlib.suppress(OSError):
            many.append(gw.browser())
    tap.ok(until(lambda: gw.counters()["page_crowded"] > crowded), "of one address, so many at a time")
    for sock in [*silent, *half, *many]:
        sock.close()
    tap.equal("afterwards", 200, gw.look(alice).status)


def stopped(gw, alice, device):
    """Page hangs, and does not read what agent tells it: devices do not notice."""
    pid = next(pid for pid in children(gw.process.pid) if comm(pid) == "cordonctl:page")
    os.kill(pid, signal.SIGSTOP)
    try:
        tap.equal("page hangs: a check-in", "Welcome IoT Device", checkin(gw, device.cert, device.key, source=device.address))
    finally:
        os.kill(pid, signal.SIGCONT)
    tap.equal("page goes on", 200, gw.look(alice).status)


# ---- metrics

def metrics(gw):
    """On the loopback alone, over plain HTTP."""
    def get(path="/metrics", host="127.0.0.1", headers=(), method="GET"):
        with socket.create_connection(("127.0.0.1", gw.metrics), WAIT) as sock:
            sock.sendall((f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers) +
                          "Connection: close\r\n\r\n").encode())
            data = b""
            while more := sock.recv(65536):
                data += more
        top, _, body = data.partition(b"\r\n\r\n")
        return Answer(int(top.split()[1]), dict(line.split(": ", 1) for line in top.decode().split("\r\n")[1:]), body)
    got = get()
    tap.ok(got.status == 200 and b"cordon_" in got.body and got.headers["Content-Type"].startswith("text/plain; version=0.0.4"),
           "metrics: Prometheus' text", got)
    got = get(headers=[("Accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5")])
    tap.ok(got.status == 200 and got.body.endswith(b"# EOF\n") and
           got.headers["Content-Type"].startswith("application/openmetrics-text"), "metrics: OpenMetrics", got)
    for path in ("/", "/metrics/", "/device/02:00:00:00:00:09", "/events/stream"):
        counted(gw, f"metrics: {path}", "page_request", 404, lambda path=path: get(path))
    counted(gw, "metrics: another name", "page_host", 421, lambda: get(host="evil.example"))
    counted(gw, "metrics: not even the server's", "page_host", 421, lambda: get(host="gateway.test"))
    tap.equal("the page has none", 404, gw.look(None, "/metrics").status)
    with contextlib.suppress(OSError):
        socket.create_connection((OUTSIDE, gw.metrics), 2).close()
        tap.ok(False, "metrics: from outside, nobody listens")
        return
    tap.ok(True, "metrics: from outside, nobody listens")


# ---- the process

def status(pid):
    """/proc/PID/status as a mapping."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return dict(line.split(":", 1) for line in f.read().splitlines())


def process(gw):
    """It has what it should, and no more."""
    pid = gw.pids().get("cordonctl:page")
    if not tap.ok(pid, "a fourth process", gw.pids()):
        return
    s = status(pid)
    users = [status(other)["Uid"].split()[0] for other in gw.pids().values()]
    tap.ok(os.geteuid() != 0 or ("0" not in users and len(set(users)) == 4), "a user of its own", users)
    tap.equal("no other groups", "", s["Groups"].strip())
    tap.equal("seccomp filters, no new privileges", ("2", "1"), (s["Seccomp"].strip(), s["NoNewPrivs"].strip()))
    tap.equal("no capabilities", [0, 0], [int(s[kind], 16) for kind in ("CapEff", "CapPrm")])
    files, kinds = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")], {}
    for table in ("netlink", "tcp6", "packet", "raw"):
        with open(f"/proc/{pid}/net/{table}", encoding="ascii") as f:
            for line in f.read().splitlines()[1:]:
                kinds[line.split()[{"netlink": 9, "packet": 8}.get(table, 9)]] = table
    has = {kinds.get(name[8:-1]) for name in files if name.startswith("socket:")}
    tap.ok("tcp6" in has and "netlink" not in has, "sockets of the network, no netlink", has)
    names = ("registry.db", ".key", "audit", "serve.lock")
    tap.ok(not any(name in file for name in names for file in files), "neither registry nor keys, audit log or lock", files)
    tap.ok(any("history.db" in file for file in files), "the history", files)
    pipes = [file for file in files if file.startswith("pipe:")]
    others = [os.readlink(f"/proc/{other}/fd/{fd}") for name, other in gw.pids().items() if name != "cordonctl:page"
              for fd in os.listdir(f"/proc/{other}/fd")]
    tap.equal("none of the pipes between the others", [], [pipe for pipe in pipes if pipe in others])


def sandbox():
    """What agent may open for the sake of the page: a socket to who writes the history."""
    done = run(os.path.join(os.path.dirname(CTL), "serve", "sandbox"), "local")
    said = dict(line.rsplit(":", 1) for line in done.stdout.decode().splitlines())
    tap.ok(not done.returncode and "0" in said["unix, whole messages"].split() and not said["unix"].split() and
           not said["inet"].split() and said["netlink"].split() == ["0", "16"], "sandbox: agent's: local sockets of one kind", said)


def dies(gw):
    """Any of them takes the others along."""
    pids = gw.pids()
    os.kill(pids["cordonctl:page"], signal.SIGKILL)
    ended = gw.process.wait(WAIT)
    tap.ok(ended != 0 and until(lambda: not any(comm(pid) for pid in pids.values())), "page is killed: all end, not with 0", ended)
    gw.must_start()
    pids = gw.pids()
    gw.stop()
    tap.ok(gw.process.returncode == 0 and until(lambda: not any(comm(pid) for pid in pids.values())), "stopped: all end, with 0",
           gw.process.returncode)
    gw.must_start()
    os.kill(gw.pids()["cordonctl:agent"], signal.SIGKILL)
    tap.ok(gw.process.wait(WAIT) != 0, "agent is killed: likewise")


def reloaded(gw, alice):
    """SIGHUP: other names, by which it may be called at once."""
    more = open(gw.config, encoding="ascii").read()
    with open(gw.config, "w", encoding="ascii") as out:
        out.write(more.replace('"gateway.test"', '"other.test"'))
    def call(host):
        with gw.browser(alice) as client:
            client.send(f"GET / HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            return client.answer("GET").status
    tap.equal("before: another name", 421, call("other.test"))
    gw.process.send_signal(signal.SIGHUP)
    tap.ok(until(lambda: call("other.test") == 200) and call("gateway.test") == 421, "SIGHUP: the names of the new certificate")


def histories():
    """There is none yet; then there is; then who writes it starts anew."""
    with PageGateway(history=False) as gw:
        gw.must_start()
        counted(gw, "no history", "page_history", 503, gw.look, "cordon-watch.service")
        with urllib.request.urlopen(f"http://127.0.0.1:{gw.metrics}/metrics", timeout=WAIT) as got:
            text = got.read()
        tap.ok(b"\ncordon_watch_up 0\n" in text and b"\ncordon_serve_connections " in text, "no history: metrics say so", text)
        gw.history()
        tap.equal("then there is one", 200, gw.look().status)
        gw.history()
        tap.equal("made anew", 200, gw.look().status)
        tap.ok(until(lambda: not any("(deleted)" in os.readlink(f"/proc/{gw.pids()['cordonctl:page']}/fd/{fd}")
                                     for fd in os.listdir(f"/proc/{gw.pids()['cordonctl:page']}/fd"))), "and the old one is let go of")


def configurations(gw):
    """What serve.yaml may say of it."""
    path = gw.path("t.yaml")

    def check(text):
        with open(path, "w", encoding="ascii") as out:
            out.write(text)
        return ctl("serve", "--check", "--config", path)
    for text, at, why in (("metrics: [10.0.0.1]\n", "1:10", "loopback only"), ("metrics: \"[::]:9842\"\n", "1:10", "loopback only"),
                          ("page: [nonsense]\n", "1:8", "'nonsense' is not an address and port like \"[::]:8444\""),
                          ("page: []\n", "1:7", "names no address"), ("history: x\n", "1:10", "does not begin with /")):
        said = check(text)
        tap.ok(said.returncode == 1 and f"{path}:{at}: " in said.stderr.decode() and why in said.stderr.decode(),
               f"serve.yaml: {text.strip()}: refused at {at}", said)
    for text in ("page: [\"[::]\"]\nmetrics: [127.0.0.1, \"::1\"]\n", "page: 10.0.0.1\nmetrics: 127.1.2.3:1\n", "history: /a\nhistory_live: /b\n"):
        said = check(text)
        tap.ok(not said.returncode and not said.stderr, f"serve.yaml: {text.split(chr(10))[0]}: good", said)


def pkcs12(gw):
    """A file for a browser."""
    word, weak = gw.path("word"), gw.path("weak")
    for path, text in ((word, WORD), (weak, "password1")):
        with open(path, "w", encoding="ascii") as out:
            out.write(text + "\n")
    ca = ("--dir", gw.ca, "--registry", gw.registry, "--out", gw.path("p12"))
    done = ctl("ca", "operator", "erin", "--pkcs12", "--new-passphrase-file", weak, *ca)
    tap.ok(done.returncode == 1 and not gw.query("SELECT 1 FROM certificate WHERE name = 'erin'"),
           "ca operator: a weak passphrase: refused, nothing is issued", done)
    done = ctl("ca", "operator", "erin", "--pkcs12", "--new-passphrase-file", word, *ca)
    names = sorted(os.listdir(gw.path("p12"))) if not done.returncode else done.stderr
    tap.equal("ca operator --pkcs12: one file, no key in the clear", ["ca.crt", "erin.p12"], names)
    tap.equal("which nobody else may read", 0o600, os.stat(gw.path("p12", "erin.p12")).st_mode & 0o777)
    pem = gw.path("erin.pem")
    must("openssl", "pkcs12", "-in", gw.path("p12", "erin.p12"), "-passin", f"file:{word}", "-nodes", "-out", pem)
    got = gw.look((pem, pem), outside=True)
    tap.ok(got.status == 200 and b"You are <bdi>erin</bdi>" in got.body, "and it opens the page", got)
    csr = gw.path("frank.csr")
    key = new_key(gw, "frank")
    with open(csr, "wb") as out:
        out.write(new_csr(key))
    cert = gw.operator("frank", "--csr", csr)[0]
    got = gw.look((cert, key), outside=True)
    tap.ok(got.status == 200 and b"You are <bdi>frank</bdi>" in got.body, "ca operator --csr: for a key that is elsewhere", got)
    for words, code in ((("operator",), 2), (("operator", "a", "--csr", csr, "--pkcs12"), 2), (("operator", "a b"), 1),
                        (("operator", "a", "--new-passphrase-file", word), 2), (("operator", "a", "--mac", "02:00:00:00:00:01"), 2)):
        done = ctl("ca", *words, *ca)
        tap.equal(f"ca {' '.join(words)}"[:40] + f": {code}", code, done.returncode)


def main():
    """In a network of its own, as root; there is an address of no loopback there."""
    with PageGateway() as gw:
        gw.must_start()
        alice, device = access(gw)
        process(gw)
        sandbox()
        apart(gw, alice, device)
        hosts(gw, alice)
        acts(gw, alice)
        forged(gw, alice)
        revoked(gw)
        acknowledges(gw, alice)
        slow_watch(gw, alice, device)
        streams(gw, alice)
        stuffed(gw, alice)
        metrics(gw)
        pkcs12(gw)
        configurations(gw)
        stopped(gw, alice, device)
        crowd(gw, alice, device)
        reloaded(gw, alice)
        dies(gw)
    histories()
    tap.done()


if __name__ == "__main__":
    if not os.environ.get("CORDON_PAGE_NETWORK"):
        os.environ["CORDON_PAGE_NETWORK"] = "1"
        os.execvp("unshare", ["unshare", "-n", sys.executable, *sys.argv])
    must("ip", "link", "set", "lo", "up")
    must("ip", "address", "add", OUTSIDE + "/32", "dev", "lo")
    main()

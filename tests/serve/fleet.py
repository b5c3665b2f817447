#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A gateway of a fleet: what agent asks of cordon-fleet, and what it does without an answer; a liar plays cordon-fleet."""
import contextlib
import json
import os
import re
import shutil
import sys
import threading
import time

from fleet_gateway import FleetGateway
from gateway import CTL, Crypto, Tap, ask, certificate, checkin, ctl, enroll, new_csr, new_key, run, serial, until
from idevid import Vendor, simple

SLOTS = 128
WELCOME = "Welcome IoT Device"
tap = Tap()


def moved(gw, before):
    """Counters that have changed."""
    after = gw.counters()
    return {name: after[name] - before[name] for name in after if after[name] != before[name] and name != "connections"}


def expect(gw, name, counted, asked, call, good):
    """What call() gets is good, what was counted and how often was asked; what it got."""
    before, n, issued = gw.counters(), len(gw.liar.asked), gw.issued()
    got = call()
    tap.ok(good(got), name, got)
    tap.equal(f"{name}: counted", counted, moved(gw, before))
    tap.equal(f"{name}: asked {asked} times", asked, len(gw.liar.asked) - n)
    if not {"enrolment", "renewal"} & set(counted):
        tap.equal(f"{name}: nothing is issued", issued, gw.issued())
    return got


def says(status, why="", retry=None):
    """For expect(): an answer of HTTP."""
    return lambda got: got.status == status and why in got.why() and (retry is None or
                                                                      (got.headers.get("Retry-After") is not None) == retry)


def enrolment(gw):
    """By a token: asked first, with the serial number that is signed."""
    one = gw.new("one")
    expect(gw, "enrolment: a wrong token", {"bad_token": 1}, 0, lambda: one.enroll(token="x" * 26), says(401))
    got = expect(gw, "enrolment: done", {"enrolment": 1}, 1, one.enroll, says(200))
    one.cert = certificate(gw, got, "one")
    q = gw.liar.asked[-1]
    row = gw.query("SELECT hex(key_id), not_before, not_after FROM certificate WHERE name = 'one'")[0]
    revision = q.pop("revision", None)
    tap.ok(isinstance(revision, int), "enrolment: and of which token", revision)
    tap.equal("enrolment: what is asked", {
        "do": "certify", "name": "one", "mac": one.mac, "serial": serial(one.cert).hex(), "key": row[0].lower(), "kind": 0,
        "from": row[1], "until": row[2], "token": True}, {key: q[key] for key in q if key != "id"})
    until(lambda: gw.query("SELECT 1 FROM certificate WHERE name = 'one' AND state = 2"))
    expect(gw, "enrolment: the token was used", {"token_used": 1}, 0, one.enroll, says(401))
    expect(gw, "renewal: done", {"renewal": 1}, 1, one.renew, says(200))
    tap.equal("renewal: without a token", (False, "certify"), (gw.liar.asked[-1]["token"], gw.liar.asked[-1]["do"]))
    # As if its answer had been lost.
    two = gw.new("two")
    two.enroll()
    until(lambda: gw.query("SELECT 1 FROM certificate WHERE name = 'two' AND state = 2"))
    with gw.database() as db:
        db.execute("UPDATE certificate SET state = 1 WHERE name = 'two'")
        db.execute("UPDATE token SET state = 1 WHERE device = (SELECT id FROM device WHERE name = 'two')")
    expect(gw, "enrolment: the same again", {"enrolment": 1}, 0, two.enroll, says(200))


def idevid(gw):
    """By a manufacturer's certificate."""
    acme = Vendor(gw, "acme")
    gw.configure(f"manufacturers: [{{name: acme, roots: {acme.root[0]}}}]\n")
    gw.stop()
    gw.must_start()
    gw.ready()
    at = gw.lan.add("made", "acme", "SN-1")
    pair, csr = acme.device("made", "SN-1"), new_csr(new_key(gw, "made"))
    gw.liar.words("unreachable")
    expect(gw, "idevid: unreachable", {"fleet_unreachable": 1}, 1, lambda: simple(gw, pair, csr, at), says(503))
    gw.liar.words("again", then=gw.liar.done)
    expect(gw, "idevid: done the second time", {"enrolment": 1}, 2, lambda: simple(gw, pair, csr, at), says(200))
    tap.equal("idevid: without a token", False, gw.liar.asked[-1]["token"])


def answers(gw):
    """What else there may be said."""
    liar, d = gw.liar, gw.new("answers")
    out_of_reach = says(503, "out of reach", True)

    def garbage(link, _):
        liar.say(link, b"hello\n")

    def huge(link, _):
        for _ in range(70):
            liar.say(link, b"x" * 1024)

    def half(link, q):
        liar.say(link, json.dumps({"id": q["id"], "is": "done"}).encode()[:-4])
        liar.hang_up()

    def list_(link, _):
        liar.say(link, b"[1, 2]\n")

    for name, how in (("garbage", garbage), ("a line that is too long", huge), ("half an answer", half),
                      ("no object", list_), ("an end instead", lambda *_: liar.hang_up()), ("silence", liar.silent)):
        liar.how = how
        expect(gw, f"answers: {name}", {"fleet_unreachable": 1}, 1, d.enroll, out_of_reach)
        tap.ok(gw.ready(), f"answers: {name}: connected again")
    for name, answer in (("unreachable", {"is": "unreachable", "why": "no leader"}), ("a word that is not known", "maybe")):
        liar.words(answer)
        expect(gw, f"answers: {name}", {"fleet_unreachable": 1}, 1, d.enroll, out_of_reach)
    liar.words({"is": "refused", "why": "its token is\nanother key's"})
    expect(gw, "answers: refused", {"fleet_refused": 1}, 1, d.enroll, says(403, "its token isanother key's", False))
    liar.words("again")
    expect(gw, "answers: again, for ever", {"fleet_unreachable": 1}, 4, d.enroll, out_of_reach)
    tap.equal("answers: each time another serial number", 4, len({q["serial"] for q in liar.asked[-4:]}))

    def another(link, q):
        liar.say(link, {"id": q["id"] + 1000, "is": "done"})
        liar.say(link, {"is": "done"})
        liar.say(link, {"id": "1", "is": "done"})
        liar.say(link, {"id": q["id"], "is": "unreachable"})
    liar.how = another
    expect(gw, "answers: to what nobody asked", {"fleet_unreachable": 1}, 1, d.enroll, out_of_reach)
    liar.words("again", "again", then=liar.done)
    expect(gw, "answers: after all that, and two that were faster: done", {"enrolment": 1}, 3, d.enroll, says(200))


def holding(gw):
    """Check-ins: of devices that are held here, and that are not."""
    liar, d = gw.liar, gw.enrolled("mover")

    def welcome(line):
        return line == WELCOME

    def refusal(why):
        return lambda line: line.startswith("refused: ") and why in line

    liar.words({"is": "elsewhere", "gateway": "berlin"})
    expect(gw, "hold: elsewhere", {"moved_gateway": 1}, 1, d.checkin, refusal("mover is at gateway berlin"))
    tap.equal("hold: elsewhere: no lease", (0, 0), gw.kernel.leases("mover"))
    q = liar.asked[-1]
    tap.equal("hold: what is asked", {"do": "hold", "name": "mover", "mac": d.mac, "port": "", "lease": 3600, "roam": False},
              {key: q[key] for key in q if key != "id"})
    liar.how = liar.done
    gw.kernel.change("mover", quarantined=1)
    expect(gw, "hold: quarantined: not even asked", {"quarantined": 1}, 0, d.checkin, refusal("quarantined"))
    gw.kernel.change("mover", quarantined=0)
    expect(gw, "hold: from another address: not even asked", {"wrong_address": 1}, 0,
           lambda: checkin(gw, d.cert, d.key, source="127.77.9.9"), refusal("not bound"))
    for roam in ("roam: true", "roam: false"):
        gw.lan.devices[-1] = (*gw.lan.devices[-1][:3], f", {roam}")
        gw.lan.write()
        liar.words({"is": "unreachable"})
        expect(gw, f"hold: {roam}: unreachable", {"fleet_unreachable": 1}, 1, d.checkin, refusal("out of reach"))
        tap.equal(f"hold: {roam}", roam == "roam: true", liar.asked[-1]["roam"])
    liar.words("again", then=liar.done)
    expect(gw, "hold: done the second time", {"checkin": 1}, 2, d.checkin, welcome)
    expect(gw, "hold: held: not asked", {"checkin": 1}, 0, d.checkin, welcome)
    with open(gw.lan.file, "a", encoding="ascii") as out:
        out.write("nonsense: true\n")
    gw.replica("hold", d.mac, "0")
    liar.words({"is": "elsewhere", "gateway": "berlin"})
    expect(gw, "hold: the policy's file has a fault", {"moved_gateway": 1}, 1, d.checkin, refusal("berlin"))
    tap.equal("hold: the policy's file has a fault: no roaming", False, liar.asked[-1]["roam"])
    gw.lan.write()
    liar.how = liar.done


def together(gw):
    """Two requests of one device at once, and a third."""
    liar, d = gw.liar, gw.enrolled("twice")
    liar.how, said = liar.silent, []
    before, n = gw.counters(), len(liar.asked)
    threads = [threading.Thread(target=lambda: said.append(d.checkin())) for _ in range(3)]
    threads[0].start()
    until(lambda: len(liar.asked) > n)
    for thread in threads[1:]:
        thread.start()
    until(lambda: said)
    tap.ok(said and said[0].startswith("refused: too many"), "at once: a third is refused", said)
    liar.done(liar.links[-1], liar.asked[n])
    for thread in threads:
        thread.join()
    tap.equal("at once: both are let in", [WELCOME] * 2, said[1:])
    tap.equal("at once: one question", 1, len(liar.asked) - n)
    tap.equal("at once: counted", {"checkin": 2, "crowded": 1},
              {name: moved(gw, before).get(name, 0) for name in ("checkin", "crowded")})
    liar.how = liar.done


def offline(gw):
    """Without etcd: devices that are held here, for as long as that is allowed."""
    liar, d, other = gw.liar, gw.enrolled("held", held=True), gw.enrolled("other")

    def told(heard):
        at = int(time.time() + heard)
        liar.tell(reachable=False, heard=at)
        until(lambda: not gw.status()["reachable"] and gw.status()["heard"] == at)
        return f"{-heard / 60:g} minutes ago"

    def state(heard, held, why):
        name = told(heard)
        expect(gw, f"offline: heard {name}: held", {"checkin": 1} if held else {"fleet_offline": 1}, 0, d.checkin,
               lambda line: line == WELCOME if held else "out of reach for 1h" in line)
        expect(gw, f"offline: heard {name}: not held", {"fleet_unreachable": 1}, 0, other.checkin,
               lambda line: why in line)
        expect(gw, f"offline: heard {name}: no renewal", {"fleet_unreachable": 1}, 0, d.renew, says(503, "", True))

    state(-60, True, "out of reach")
    state(-3500, True, "out of reach")
    state(-3700, False, "out of reach")
    told(-60)
    expect(gw, "offline: a later time told while it lasts", {"fleet_offline": 1}, 0, d.checkin, lambda line: "for 1h" in line)
    liar.tell(reachable=True, heard=int(time.time()))
    gw.ready()
    liar.tell(reachable=True, refused=True, heard=int(time.time()))
    until(lambda: not gw.status()["reachable"])
    expect(gw, "offline: another history: held", {"checkin": 1}, 0, d.checkin, lambda line: line == WELCOME)
    expect(gw, "offline: another history: not held", {"fleet_unreachable": 1}, 0, other.checkin, lambda line: "reach" in line)
    liar.tell(reachable=True, refused=False)
    tap.ok(gw.ready(), "offline: it is over")
    expect(gw, "offline: it is over: not held", {"checkin": 1}, 1, other.checkin, lambda line: line == WELCOME)


def on_list(gw):
    """Serial numbers on the revocation list."""
    text = run("openssl", "crl", "-inform", "DER", "-noout", "-text", input=ask(gw, "GET", "/cordon/v1/crl").body).stdout
    return set(re.findall(r"Serial Number: ([0-9A-F]+)", text.decode()))


def lists(gw, d, row):
    """Another gateway's certificate that is revoked is on that one's list, not on this one's."""
    number = serial(d.cert).hex().upper().lstrip("0")
    for gateway, state, name, there in (("", 3, "this gateway's", True), ("berlin", 3, "another's", False), ("", 1, "", False)):
        row(f"gateway = '{gateway}', state = {state}, revoked = {int(time.time()) if state == 3 else 0}")
        gw.query("UPDATE counter SET value = value + 1 WHERE name = 'revocations'")
        if name:
            tap.equal(f"lists: revoked, {name}", there, number in {n.lstrip("0") for n in on_list(gw)})


def others(gw):
    """Certificates and tokens that other gateways have made or taken, as the registry has them."""
    d = gw.enrolled("guest", held=True)

    def row(sql):
        with gw.database() as db:
            db.execute(f"UPDATE certificate SET {sql} WHERE name = 'guest'")

    def gateway(expelled, name="berlin"):
        gw.replica("apply", f"all/gateway/{name}", str(next(revisions)),
                   json.dumps({"v": 1, "expelled": expelled, "why": "stolen" if expelled else ""}))

    revisions = iter(range(100, 200))
    lists(gw, d, row)
    gateway(0)
    row("gateway = 'berlin', der = x''")
    expect(gw, "others: of another gateway: let in", {"checkin": 1}, 0, d.checkin, lambda line: line == WELCOME)
    # It takes the place of the files.
    cert, key = shutil.copy(d.cert, gw.path("rekeyed.crt")), shutil.copy(d.key, gw.path("rekeyed.key"))
    gw.kernel.place("guest", "127.0.0.1")
    done = ctl("renew", "--server", f"https://127.0.0.1:{gw.port}", "--cert", cert, "--key", key, "--ca",
               os.path.join(gw.ca, "root.crt"), "--rekey")
    tap.ok(not done.returncode, "others: renewed with another key, which the old one signed", done.stderr)
    tap.equal("others: the proof was seen", 0, gw.counters()["rekey_unsigned"])
    gw.kernel.place("guest", d.at)
    gw.query("DELETE FROM certificate WHERE name = 'guest' AND gateway = ''")
    gateway(int(time.time()))
    expect(gw, "others: of one that was expelled", {"gateway_expelled": 1}, 0, d.checkin,
           lambda line: "gateway berlin, which was expelled" in line)
    expect(gw, "others: of one that was expelled: no renewal", {"gateway_expelled": 1}, 0, d.renew, says(403, "", False))
    gateway(0)
    expect(gw, "others: of one that says that it is not any more", {"gateway_expelled": 1}, 0, d.checkin,
           lambda line: "gateway berlin, which was expelled" in line)
    row("gateway = 'paris'")
    expect(gw, "others: of one that nobody knows", {"gateway_expelled": 1}, 0, d.checkin,
           lambda line: "gateway paris, which was expelled, or is not in the fleet" in line)
    gateway(0, "paris")
    row("state = 0, fingerprint = NULL")
    expect(gw, "others: reserved there, and shown here", {"fleet_unreachable": 1}, 0, d.checkin,
           lambda line: "not known here yet" in line)
    row("gateway = ''")
    expect(gw, "others: reserved here, and shown", {"certificate_unknown": 1}, 0, d.checkin,
           lambda line: "does not know" in line)


def claims(gw):
    """A token that another gateway took for this key or another one, and a claim that is in the registry first."""
    liar = gw.liar

    def elsewhere(name):
        device = gw.new(name)
        device.enroll()
        until(lambda: gw.query("SELECT 1 FROM certificate WHERE name = ? AND state = 2", name))
        with gw.database() as db:
            db.execute("UPDATE certificate SET state = 1, gateway = 'berlin', der = x'' WHERE name = ?", (name,))
            db.execute("UPDATE token SET state = 1 WHERE device = (SELECT id FROM device WHERE name = ?)", (name,))
        return device, gw.query("SELECT serial FROM certificate WHERE name = ?", name)[0][0]

    def state(of):
        return gw.query("SELECT state FROM certificate WHERE serial = ?", of)[0][0]

    def row(name):
        """Of a token, but for its claim."""
        return json.loads(gw.query("SELECT json_object('v', 1, 'algorithm', algorithm, 'salt', lower(hex(salt)), 'hash',"
                                   " lower(hex(hash)), 'made', made, 'expires', expires, 'maker', maker) FROM token"
                                   " WHERE device = (SELECT id FROM device WHERE name = ?)", name)[0][0])

    def first(link, q):
        """As if etcd's event were here before the answer."""
        token = row(q["name"])
        gw.replica("apply", "all/cert/" + q["serial"], str(next(revisions)), json.dumps({
            "v": 1, "fingerprint": None, "gateway": "here", "state": 0,
            **{key: q[key] for key in ("name", "mac", "key", "kind", "from", "until")}}))
        gw.replica("apply", "all/token/" + q["name"], str(next(revisions)), json.dumps({
            **token, "state": 1, "key": q["key"], "serial": q["serial"]}))
        if link:
            liar.done(link, q)

    def overtaken(link, q):
        """As if another gateway had taken the token right after that, and had revoked what was asked for here."""
        liar.how = liar.done
        first(None, q)
        taken.append(bytes.fromhex(q["serial"]))
        token = {**row(q["name"]), "state": 1, "key": q["key"]}
        cert = {"v": 1, "fingerprint": None, "gateway": "berlin", "state": 0,
                **{key: q[key] for key in ("name", "mac", "key", "kind", "from", "until")}}
        gw.replica("apply", "all/revoked/" + q["serial"], str(next(revisions)), json.dumps({
            "v": 1, "when": int(time.time()), "reason": 4, "until": q["until"], "name": q["name"], "mac": q["mac"],
            "by": "berlin"}))
        other = "ab" * 16
        taken.append(bytes.fromhex(other))
        gw.replica("apply", "all/cert/" + other, str(next(revisions)), json.dumps(cert))
        gw.replica("apply", "all/token/" + q["name"], str(next(revisions)), json.dumps({**token, "serial": other}))
        liar.done(link, q)

    def retired(link, q):
        """As if the device had been retired after its certificate was reserved."""
        first(None, q)
        with gw.database() as db:
            db.execute("UPDATE device SET retired = unixepoch() WHERE name = ?", (q["name"],))
        liar.done(link, q)

    taken = []
    revisions = iter(range(1000, 2000))
    device = gw.new("overtaken")
    liar.how = overtaken
    expect(gw, "claims: another gateway takes it before the answer", {"enrolment": 1}, 2, device.enroll, says(200))
    tap.equal("claims: another gateway takes it before the answer: neither of the two counts", [3, 3], list(map(state, taken)))
    tap.equal("claims: and the token is claimed for one that does", 1, gw.query(
        "SELECT count(*) FROM token AS t JOIN certificate AS c USING (serial) WHERE c.name = ? AND c.state IN (1, 2)",
        "overtaken")[0][0])
    device = gw.new("retired")
    liar.how = retired
    tap.equal("claims: retired after it was reserved: refused", 503, device.enroll().status)
    tap.equal("claims: retired after it was reserved: nothing is made", [(0,)],
              gw.query("SELECT state FROM certificate WHERE name = 'retired'"))
    device = gw.new("early")
    liar.how = first
    expect(gw, "claims: in the registry before the answer", {"enrolment": 1}, 1, device.enroll, says(200))
    device, before = elsewhere("same")
    expect(gw, "claims: for this key elsewhere", {"enrolment": 1}, 1, device.enroll, says(200))
    tap.equal("claims: for this key elsewhere: that one is revoked", 3, state(before))
    liar.how = liar.done
    device, before = elsewhere("late")
    liar.words("unreachable")
    expect(gw, "claims: for this key elsewhere: unreachable", {"fleet_unreachable": 1}, 1, device.enroll, says(503))
    tap.equal("claims: for this key elsewhere: unreachable: that one still counts", 1, state(before))
    liar.how = liar.done
    device, before = elsewhere("another")
    expect(gw, "claims: for another key elsewhere", {"enrolment": 1}, 1,
           lambda: device.enroll(new_csr(new_key(gw, "another-2"))), says(200))
    tap.equal("claims: for another key elsewhere: that one is revoked", 3, state(before))


def alone(gw):
    """No cordon-fleet at all: what the registry says of when etcd was heard last."""
    liar, d = gw.liar, gw.enrolled("left", held=True)
    gw.liar.close()
    until(lambda: not gw.status()["reachable"])
    expect(gw, "no cordon-fleet: held", {"checkin": 1}, 0, d.checkin, lambda line: line == WELCOME)
    new = gw.new("nobody")
    expect(gw, "no cordon-fleet: enrolment", {"fleet_unreachable": 1}, 0, new.enroll, says(503, "", True))
    for name, heard, held in (("a minute ago", -60, True), ("two hours ago", -7200, False), ("in an hour", 3600, False),
                              ("never", -time.time(), False)):
        gw.stop()
        gw.replica("heard", str(max(0, int(time.time() + heard))))
        gw.must_start()
        expect(gw, f"started without: heard {name}", {"checkin": 1} if held else {"fleet_offline": 1}, 0, d.checkin,
               lambda line, held=held: line == WELCOME if held else "out of reach" in line)
    said = gw.logged()[-8000:].count('"no connection to cordon-fleet"')
    tap.ok(said <= 5, "started without: it is said once", said)
    liar.state.update(reachable=True, heard=int(time.time()))
    liar.open()
    tap.ok(gw.ready(), "it comes: connected")
    expect(gw, "it comes: enrolment", {"enrolment": 1}, 1, new.enroll, says(200))


def frozen(gw):
    """A cordon-fleet that is stopped: nobody asks it anything, and it is noticed all the same."""
    before, beats = gw.logged(), gw.liar.beats
    until(lambda: gw.liar.beats >= beats + 2)
    tap.ok(gw.status()["reachable"] and "no connection" not in gw.logged()[len(before):], "frozen: one that has nothing to say is there")
    gw.liar.frozen = True
    tap.ok(until(lambda: not gw.status()["reachable"]), "frozen: noticed")
    gw.liar.frozen = False
    gw.liar.hang_up()
    tap.ok(gw.ready(), "frozen: it goes on")


def status(gw):
    """What people see."""
    def text():
        return ctl("serve", "--status", "--config", gw.config).stdout.decode()
    got = gw.status()
    tap.ok(got["gateway"] == "here" and got["reachable"] is True and time.time() - got["since"] < 600, "status: reachable", got)
    tap.ok("fleet: gateway here, reachable since " in text(), "status: reachable, in words", text())
    gw.liar.tell(reachable=False, heard=int(time.time()) - 100)
    got = until(lambda: (s := gw.status())["reachable"] is False and s)
    tap.ok(got and 90 < time.time() - got["heard"] < 130, "status: out of reach", got)
    tap.ok("fleet: gateway here, out of reach since " in text() and "last heard of" in text(), "status: out of reach, in words",
           text())
    gw.liar.tell(reachable=True, heard=int(time.time()))
    gw.ready()


def quick(d, n):
    """Seconds that n check-ins take; all of them are let in."""
    start = time.monotonic()
    good = sum(d.checkin() == WELCOME for _ in range(n))
    return time.monotonic() - start if good == n else float("inf")


def waiting(gw):
    """Slots full of enrolments that a silent fleet keeps waiting: held devices do not notice."""
    liar, d, crypto = gw.liar, gw.enrolled("steady", held=True), Crypto()
    names = [f"w{i}" for i in range(SLOTS + 1)]
    tokens = {name: gw.token(name, f"02:00:00:01:{i >> 8:02x}:{i & 255:02x}") for i, name in enumerate(names)}
    csrs = {name: crypto.request(name) for name in names}
    usual = quick(d, 300)
    liar.how, got, n = liar.silent, [], len(liar.asked)
    before = gw.counters()
    threads = [threading.Thread(target=lambda name=name: got.append(enroll(gw, name, tokens[name], csrs[name])))
               for name in names[:SLOTS]]
    for thread in threads[:50]:
        thread.start()
    until(lambda: len(liar.asked) - n == 50)
    took = quick(d, 300)
    tap.ok(took < 2 * usual + 1, "300 check-ins beside 50 that wait: as fast as ever", f"{usual:.2f} s, then {took:.2f} s")
    tap.say(f"300 check-ins: {usual:.2f} s alone, {took:.2f} s beside 50 that wait")
    for thread in threads[:50]:
        thread.join()
    gw.ready()
    n = len(liar.asked)
    for thread in threads[50:]:
        thread.start()
    more = [threading.Thread(target=lambda name=name: got.append(enroll(gw, name, tokens[name], csrs[name])))
            for name in names[:50]]
    for thread in more:
        thread.start()
    until(lambda: len(liar.asked) - n == SLOTS)
    last = enroll(gw, names[-1], tokens[names[-1]], csrs[names[-1]])
    tap.ok(last.status == 503 and "too many" in last.why() and last.headers.get("Retry-After"), "no slot left: refused", last)
    tap.equal("no slot left: a device that is held", WELCOME, d.checkin())
    for thread in threads[50:] + more:
        thread.join()
    tap.equal("all that waited are told to try again", {503}, {answer.status for answer in got})
    change = moved(gw, before)
    tap.equal("counted", (SLOTS + 50, 1), (change["fleet_unreachable"], change["crowded"]))
    pid, secret = gw.pids()["cordonctl:agent"], [tokens[name].encode() for name in names]
    tap.equal("none of their tokens is left in agent's memory", 0, remembered(pid, secret))
    liar.how = liar.done
    gw.ready()
    tap.equal("and then one is let in", 200, enroll(gw, names[0], tokens[names[0]], csrs[names[0]]).status)


def locked(gw):
    """The registry while cordon-fleet writes to it, as it does for all of etcd: held devices do not notice."""
    d = gw.enrolled("calm", held=True)
    quick(d, 1)
    usual = quick(d, 100)
    with gw.database() as db:
        db.execute("BEGIN IMMEDIATE")
        took = quick(d, 100)
        refused = d.renew()
    tap.ok(took < 2 * usual + 2, "locked: 100 check-ins", f"{usual:.2f} s, then {took:.2f} s")
    tap.ok(refused.status == 503 and refused.headers.get("Retry-After"), "locked: a renewal is told to try again", refused)
    tap.equal("locked: it is over", 200, d.renew().status)


def remembered(pid, secrets):
    """How many of them a process has anywhere in what it may write to."""
    found = set()
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for line in maps:
            span, mode = line.split()[:2]
            start, end = (int(part, 16) for part in span.split("-"))
            if mode[:2] != "rw" or "[v" in line:
                continue
            memory.seek(start)
            with contextlib.suppress(OSError):
                data = memory.read(min(end - start, 1 << 28))
                found.update(secret for secret in secrets if secret in data)
    return len(found)


def sandbox(_):
    """What agent may open besides, in a fleet."""
    done = run(os.path.join(os.path.dirname(CTL), "serve", "sandbox"), "stream")
    said = dict(line.rsplit(":", 1) for line in done.stdout.decode().splitlines())
    tap.ok(not done.returncode and "0" in said["unix, streams that do not block"].split() and not said["unix"].split() and
           not said["unix, whole messages"].split() and not said["inet"].split() and said["netlink"].split() == ["0", "16"],
           "sandbox: local streams, no other socket", said)


def main():
    """One gateway, or for what is named."""
    cases = [enrolment, answers, holding, together, offline, others, claims, frozen, status, waiting, locked, alone, idevid, sandbox]
    with FleetGateway() as gw:
        gw.must_start()
        tap.ok(gw.ready(), "connected")
        for case in cases:
            if len(sys.argv) < 2 or case.__name__ in sys.argv[1:]:
                case(gw)
    tap.done()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""device list, show and retire: what kernel and registry know together, and what is left where one is not there."""
import json
import os
import stat

from gateway import CTL, Tap, checkin, ctl, enroll, new_csr, new_key, renew, run, until
from kernel import FAKE, Device, FirmwareGateway

tap = Tap()
DAY = 86400
POLICY = """\
# Straße 7: what is written here stays
version: 1
ports: [lan0]   # all of them
uplinks: [wan0]
segments:
  iot_zone: {}
devices:
  # by the door
  - {name: cam, mac: "02:00:00:00:00:15", network_segment: iot_zone, addresses: [10.0.20.21]}   # the old one
  # in the hall
  - name: bell
    mac: "02:00:00:00:00:16"   # it rings
    network_segment: iot_zone
    addresses:
      - 10.0.20.22

  # nobody knows
  - {name: plug, mac: "02:00:00:00:00:17", network_segment: iot_zone, addresses: [10.0.20.23]}
# the end
"""


def fake(gw, *words, program=FAKE):
    """cordonctl device, with the kernel of straw."""
    return run(program, "device", *words, "--registry", gw.registry, env={**os.environ, **gw.environment})


def asked(gw, *words, program=FAKE):
    """What it prints, as JSON."""
    done = fake(gw, *words, "--json", program=program)
    if done.returncode:
        tap.ok(False, " ".join(words), done)
        return {}
    return json.loads(done.stdout)


def names(gw, *words):
    """Who is listed."""
    return [row["name"] for row in asked(gw, "list", *words)]


def listed(gw):
    """device list, and what it leaves out."""
    rows = {row["name"]: row for row in asked(gw, "list")}
    tap.equal("list: whoever kernel or registry knows", ["bell", "cam", "lost", "plug"], sorted(rows))
    tap.ok(rows["cam"]["state"] == "active" and rows["cam"]["lease_seconds"] == 3600 and rows["cam"]["segment"] == "iot_zone" and
           rows["cam"]["certificate_not_after"] and rows["cam"]["last_checkin"] and rows["cam"]["firmware"] == "1.4",
           "list: of both", rows["cam"])
    tap.ok(rows["lost"]["listed"] is False and "state" not in rows["lost"], "list: who is in the registry alone", rows["lost"])
    tap.ok(rows["plug"]["listed"] and "certificate_not_after" not in rows["plug"], "list: who is in the policy alone")
    tap.equal("list --segment", ["bell", "cam", "plug"], names(gw, "--segment", "iot_zone"))
    done = fake(gw, "list", "--segment", "wan")
    tap.ok(done.returncode == 1 and done.stderr.startswith(b"cordonctl: wan: no such segment") and not done.stdout,
           "list --segment: one that there is not: refused", done)
    tap.equal("list --segment: one that nobody is in", [], names(gw, "--segment", "quarantine"))
    gw.kernel.change("plug", quarantined=1)
    tap.equal("list --state", ["plug"], names(gw, "--state", "quarantined"))
    tap.equal("list --segment: who is held in it", ["plug"], names(gw, "--segment", "quarantine"))
    gw.kernel.change("plug", quarantined=0)
    tap.equal("list --expiring: nobody", [], names(gw, "--expiring", "30"))
    tap.equal("list --expiring: in days", ["cam"], names(gw, "--expiring", "91"))
    tap.equal("list --expiring: as a duration", ["cam"], names(gw, "--expiring", "91d"))
    text = fake(gw, "list").stdout.decode().splitlines()
    tap.ok(len(text) == 5 and max(map(len, text)) <= 80 and text[2].split()[:4] == ["cam", "iot_zone", "active", "60m"],
           "list: a line each, of 80 columns", "\n".join(text))
    for words in (("--state", "well"), ("--expiring", "0"), ("--expiring", "soon"), ("--segment", "s" * 40), ("more",)):
        tap.equal(f"list {' '.join(words)[:20]}: usage", 2, fake(gw, "list", *words).returncode)


def shown(gw):
    """device show: a page."""
    page = asked(gw, "show", "cam")
    tap.ok(page["why"] == "its lease holds" and page["registry"]["certificate"]["state"] == "delivered" and
           page["registry"]["firmware"] == "1.4" and page["registry"]["token"]["used"] and page["stats"]["anomalies"]["scan"] == 3,
           "show: a device of both", page)
    tap.equal("show: by its MAC", "cam", asked(gw, "show", "02:00:00:00:00:15")["name"])
    text = fake(gw, "show", "cam").stdout.decode()
    tap.ok("state         active, in iot_zone: its lease holds\n" in text and "99 packets, 1.2M bytes\n" in text and
           "anomalies     scan 3\n" in text and "firmware      1.4\n" in text, "show: in words", text)
    tap.ok("99 packets, 1234567 bytes\n" in fake(gw, "show", "cam", "--bytes").stdout.decode(), "show --bytes: every digit")
    text = fake(gw, "show", "bell").stdout.decode()
    tap.ok("certificate   none\n" in text and "token         not used yet, ends " in text and "never\n" in text,
           "show: one that has a token alone", text)
    page = asked(gw, "show", "lost")
    tap.ok(page["listed"] is False and "why" not in page and page["registry"]["enrolled"] is None, "show: not in the policy", page)
    tap.ok("does not have it" in fake(gw, "show", "plug").stdout.decode(), "show: not in the registry")
    done = fake(gw, "show", "nobody")
    tap.ok(done.returncode == 1 and done.stderr ==
           b"cordonctl: nobody: neither the policy in force nor the registry has such a device\n", "show: nobody", done)
    for word, meant in (("camm", b"cam"), ("belt", b"bell"), ("los", b"lost")):
        done = fake(gw, "show", word)
        tap.ok(done.returncode == 1 and b": did you mean '" + meant + b"'?\n" in done.stderr, f"show: {word}: who is meant", done)
    for words in ((), ("a", "b"), ("a b",)):
        tap.equal(f"show {' '.join(words)}: usage", 2, fake(gw, "show", *words).returncode)


ONBOARDING, EXPIRED = 2, 3  # as fake_nl.c has it


def why(gw, name, **change):
    """Why a device is in its state, once the kernel has changed that."""
    gw.kernel.change(name, **change)
    said = asked(gw, "show", name).get("why")
    gw.kernel.change(name, quarantined=0, outdated=0)
    return said


def reasons(gw):
    """device show: why the state is what it is."""
    tap.equal("why: it needs none", "nobody demands a certificate of it", why(gw, "bell"))
    tap.equal("why: it has a token", "it has a token, and has not enrolled yet", why(gw, "bell", quarantined=ONBOARDING))
    gw.query("UPDATE device SET approval = 1 WHERE name = 'bell'")
    tap.equal("why: it waits", "it has a token, and waits for 'cordonctl device approve'", why(gw, "bell", quarantined=ONBOARDING))
    gw.query("UPDATE device SET approved = 1 WHERE name = 'bell'")
    tap.equal("why: no more", "it has a token, and has not enrolled yet", why(gw, "bell", quarantined=ONBOARDING))
    gw.query("UPDATE token SET expires = 1 WHERE device = (SELECT id FROM device WHERE name = 'bell')")
    tap.equal("why: its token has ended", "its token is used up or has ended: 'cordonctl device token' makes another",
              why(gw, "bell", quarantined=ONBOARDING))
    tap.equal("why: it has none", "it has no token to enrol with: 'cordonctl device token' makes one",
              why(gw, "plug", quarantined=ONBOARDING))
    tap.equal("why: it was there, and is not", "its lease has ended, and it has not checked in since",
              why(gw, "cam", quarantined=EXPIRED))
    tap.equal("why: it has not come yet", "it has a certificate, and has not checked in with it yet",
              why(gw, "cam", quarantined=ONBOARDING))
    end = gw.query("SELECT not_after FROM certificate WHERE name = 'cam'")[0][0]
    gw.query("UPDATE certificate SET not_after = ? WHERE name = 'cam'", 1 + gw.query("SELECT not_before FROM certificate"
                                                                                     " WHERE name = 'cam'")[0][0])
    tap.equal("why: its certificate", "its certificate has ended", why(gw, "cam", quarantined=EXPIRED))
    gw.query("UPDATE certificate SET not_after = ? WHERE name = 'cam'", end)
    tap.equal("why: quarantine", "by a limit or an operator, until 'cordonctl device release'", why(gw, "cam", quarantined=1))
    tap.equal("why: its firmware", "its firmware is too old, or an operator said so", why(gw, "cam", outdated=1))
    gw.floor("2.0")
    tap.equal("why: its firmware, by the floor", "its firmware is below the floor", why(gw, "cam", outdated=1))
    gw.floor(None)


def counted(gw):
    """stats: numbers for people, and for programs."""
    for words in (("stats",), ("stats", "cam")):
        people, exact = (run(FAKE, *words, *more, env={**os.environ, **gw.environment}).stdout.split()
                         for more in ((), ("--bytes",)))
        tap.ok(b"1.2M" in people and b"1234567" not in people and b"1234567" in exact and b"99" in people,
               f"{' '.join(words)}: large numbers are rounded, but for --bytes", (people, exact))


def without(gw):
    """No module, no registry, neither."""
    done = fake(gw, "list", program=CTL)
    tap.ok(not done.returncode and b"cam" in done.stdout and done.stderr.count(b"\n") == 1 and b"cordonctl module load" in done.stderr,
           "list: no module: the registry's, and a line that says so", done)
    done = fake(gw, "list", "--state", "active", program=CTL)
    tap.ok(done.returncode == 1 and not done.stdout, "list --state: no module: refused", done)
    done = fake(gw, "show", "cam", program=CTL)
    tap.ok(not done.returncode and b"delivered" in done.stdout and b"cordonctl module load" in done.stderr, "show: no module", done)
    away = run(FAKE, "device", "list", "--registry", gw.path("none.db"), env={**os.environ, **gw.environment})
    tap.ok(not away.returncode and b"active" in away.stdout and away.stderr.count(b"\n") == 1 and
           b"makes one" in away.stderr, "list: no registry: the kernel's, and a line that says so", away)
    away = run(FAKE, "device", "list", "--expiring", "30", "--registry", gw.path("none.db"), env={**os.environ, **gw.environment})
    tap.ok(away.returncode == 1 and not away.stdout, "list --expiring: no registry: refused", away)
    away = run(FAKE, "device", "show", "cam", "--registry", gw.path("none.db"), env={**os.environ, **gw.environment})
    tap.ok(not away.returncode and b"active" in away.stdout, "show: no registry", away)
    for words in (("list",), ("show", "cam"), ("retire", "cam")):
        done = ctl("device", *words, "--registry", gw.path("none.db"))
        tap.equal(f"{words[0]}: neither: failed", 1, done.returncode)


def policy_file(gw, text=POLICY):
    """A policy file, of a mode of its own."""
    path = gw.path("policy.yaml")
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)
    os.chmod(path, 0o640)
    return path


def read(path):
    """All of it."""
    with open(path, encoding="utf-8") as f:
        return f.read()


def retire(gw, *words, program=FAKE):
    """device retire."""
    return fake(gw, "retire", *words, "--ca", gw.ca, program=program)


def retired(gw, cam):
    """One that is enrolled goes out of use, for good."""
    path = policy_file(gw)
    tap.ok("Welcome" in checkin(gw, cam.cert, cam.key, source=cam.address), "before: it checks in")
    done = retire(gw, "cam", "--policy", gw.path("nowhere.yaml"))
    tap.ok(done.returncode == 1 and "Welcome" in checkin(gw, cam.cert, cam.key, source=cam.address),
           "retire: a policy that is not there: nothing is done", done)
    broken = gw.path("broken.yaml")
    with open(broken, "w", encoding="ascii") as out:
        out.write("devices: [\n")
    done = retire(gw, "cam", "--policy", broken)
    tap.ok(done.returncode == 1 and b"broken.yaml:" in done.stderr and asked(gw, "show", "cam")["state"] == "active",
           "retire: one that is none: nothing is done, and where", done)
    done = retire(gw, "cam", "--reason", "boredom")
    tap.equal("retire: no such reason: usage", 2, done.returncode)
    done = retire(gw, "cam", "--policy", path)
    tap.ok(not done.returncode and b"1 certificate revoked" in done.stdout and b"quarantine" in done.stdout and
           b"line 9 on" in done.stdout, "retire: done", done)
    left = "".join(line for line in POLICY.splitlines(True) if "name: cam" not in line)
    tap.equal("retire --policy: the line is gone, all else is as it was", left, read(path))
    tap.equal("retire --policy: the file's mode", 0o640, stat.S_IMODE(os.stat(path).st_mode))
    page = asked(gw, "show", "cam")
    tap.ok(page["state"] == "quarantined" and page["why"] == "it was retired" and page["lease_seconds"] == 0 and page["registry"]["retired"] and
           page["registry"]["certificate"]["reason"] == "cessationOfOperation", "retire: kernel and registry know it", page)
    tap.ok("Welcome" not in checkin(gw, cam.cert, cam.key, source=cam.address), "retire: no check-in")
    tap.ok(renew(gw, cam.cert, cam.key, new_csr(cam.key), source=cam.address).status != 200, "retire: no next certificate")
    crl = run("openssl", "crl", "-in", os.path.join(gw.ca, "crl.pem"), "-noout", "-text").stdout
    tap.ok(b"Cessation Of Operation" in crl, "retire: it is on the revocation list", crl)
    done = ctl("ca", "issue", "cam", "--mac", cam.mac, "--dir", gw.ca, "--registry", gw.registry, "--out", gw.path("again"))
    tap.ok(done.returncode == 1 and b"was retired: a new token takes it back" in done.stderr, "ca issue: refused", done)
    done = retire(gw, "cam", "--policy", path, "--json")
    got = json.loads(done.stdout)
    tap.ok(not done.returncode and got["again"] and got["revoked"] == 0 and read(path) == left, "retire: once more", done)


def others(gw):
    """A token alone; a device of the kernel's; no module; one that comes back."""
    path = policy_file(gw)
    token = gw.token("bell", "02:00:00:00:00:16")
    done = retire(gw, "bell", "--policy", path)
    tap.ok(not done.returncode and b"its token is withdrawn" in done.stdout, "retire: a token alone", done)
    got = enroll(gw, "bell", token, new_csr(new_key(gw, "bell")), source="127.0.1.22")
    tap.equal("retire: its token is no good", 401, got.status)
    left = POLICY[:POLICY.index("  - name: bell")] + POLICY[POLICY.index("\n  # nobody"):]
    tap.equal("retire --policy: a device of several lines", left, read(path))
    done = retire(gw, "plug")
    tap.ok(not done.returncode and b"held in quarantine" in done.stdout, "retire: one that never enrolled", done)
    done = ctl("ca", "issue", "plug", "--mac", "02:00:00:00:00:17", "--dir", gw.ca, "--registry", gw.registry, "--out",
               gw.path("plug"))
    tap.ok(done.returncode == 1 and b"was retired" in done.stderr, "retire: one that never enrolled gets no certificate", done)
    done = retire(gw, "lost", program=CTL)
    tap.ok(not done.returncode and b"there is no lease to end" in done.stderr and b"token is withdrawn" in done.stdout,
           "retire: no module", done)
    tap.equal("list: who is retired, and not in the policy, is left out", ["bell", "cam", "plug"], names(gw))
    tap.equal("list --state retired", ["bell", "cam", "lost", "plug"], names(gw, "--state", "retired"))
    gw.token("lost", "02:00:00:00:00:18")
    tap.equal("a new token takes it back", ["bell", "cam", "plug"], names(gw, "--state", "retired"))
    done = retire(gw, "nobody")
    tap.ok(done.returncode == 1 and b"neither" in done.stderr, "retire: nobody", done)


def renamed(gw):
    """The policy has another name, or another MAC, than the registry."""
    old = Device(gw, "old", 0x30)
    gw.kernel.devices.remove("old")
    gw.kernel.add("new", old.mac, old.address)
    gw.kernel.commit()
    tap.ok("Welcome" in checkin(gw, old.cert, old.key, source=old.address), "renamed: its certificate is as good as before")
    done = retire(gw, "new")
    tap.ok(not done.returncode and b"1 certificate revoked" in done.stdout, "renamed: retire: what it had by its old name", done)
    tap.equal("renamed: no next certificate", 403, renew(gw, old.cert, old.key, new_csr(old.key), source=old.address).status)
    tap.ok(set(names(gw, "--state", "retired")) >= {"old", "new"}, "renamed: both names are out of use")
    late = Device(gw, "late", 0x33)
    gw.kernel.devices.remove("late")
    gw.kernel.add("late2", late.mac, late.address)
    gw.kernel.commit()
    tap.ok("Welcome" in checkin(gw, late.cert, late.key, source=late.address), "renamed: another checks in")
    ended = gw.kernel.leases("late2")[1]
    done = retire(gw, "late")
    tap.ok(not done.returncode and b"its lease has ended" in done.stdout and gw.kernel.leases("late2")[1] == ended + 1,
           "renamed: retire by the old name: its lease ends as well", done)
    before = Device(gw, "moved", 0x31)
    gw.kernel.devices.remove("moved")
    gw.kernel.add("moved", "02:00:00:00:00:32", "127.0.1.50")
    gw.kernel.commit()
    done = retire(gw, "moved")
    tap.ok(not done.returncode and b"1 certificate revoked" in done.stdout and "moved" in names(gw, "--state", "retired") and
           renew(gw, before.cert, before.key, new_csr(before.key), source=before.address).status == 403,
           "another MAC: retire: the name is out of use, and so is the device before", done)


def written(gw):
    """Policies in other forms: what is left is the same policy without the device, or nothing is written."""
    flow = POLICY[:POLICY.index("devices:")] + (
        'devices: [{name: a, mac: "02:00:00:00:01:01", network_segment: iot_zone, addresses: [10.0.0.1]},\n'
        '  {name: lost, mac: "02:00:00:00:00:18", network_segment: iot_zone, addresses: [10.0.0.2]}, # "ö"\n'
        '  {name: c, mac: "02:00:00:00:01:03", network_segment: iot_zone, addresses: [10.0.0.3]}]\n')
    path = policy_file(gw, flow)
    done = retire(gw, "lost", "--policy", path)
    want = flow.replace(',\n  {name: lost, mac: "02:00:00:00:00:18", network_segment: iot_zone, addresses: [10.0.0.2]}', "")
    tap.ok(not done.returncode and read(path) == want, "retire --policy: a list in brackets", f"{done}\n{read(path)}")
    last = flow.replace("name: lost", "name: b").replace("name: c", "name: lost").replace("00:00:18", "01:02:18")
    path = policy_file(gw, last.replace("00:01:03", "00:00:18"))
    done = retire(gw, "lost", "--policy", path)
    tap.ok(not done.returncode and "lost" not in read(path) and '[10.0.0.2]} # "ö"' in read(path) and
           not ctl("check", path).returncode, "retire --policy: the last of them", f"{done}\n{read(path)}")
    odd = POLICY.replace("  - name: bell", "  -\n    name: bell")
    path = policy_file(gw, odd)
    done = retire(gw, "bell", "--policy", path)
    tap.ok(not done.returncode and "name: bell" not in read(path) and not ctl("check", path).returncode,
           "retire --policy: a dash in a line of its own", f"{done}\n{read(path)}")
    odd = POLICY.replace("  - name: bell", "  - # front door\n    name: bell")
    path = policy_file(gw, odd)
    done = retire(gw, "bell", "--policy", path)
    tap.ok(done.returncode == 1 and b"by itself" in done.stderr and read(path) == odd, "retire --policy: an odd form: untouched", done)
    only = POLICY[:POLICY.index("  # by")] + '  - {name: lost, mac: "02:00:00:00:00:18", network_segment: iot_zone, addresses: auto}\n'
    path = policy_file(gw, only)
    done = retire(gw, "lost", "--policy", path)
    tap.ok(not done.returncode and read(path).endswith("devices:\n") and not ctl("check", path).returncode,
           "retire --policy: the only one", f"{done}\n{read(path)}")
    tap.equal("retire --policy -: usage", 2, retire(gw, "lost", "--policy", "-").returncode)


def main():
    """One server."""
    with FirmwareGateway() as gw:
        gw.must_start()
        cam = Device(gw, "cam", 0x15)
        gw.kernel.add("bell", "02:00:00:00:00:16", "127.0.1.22")
        gw.kernel.add("plug", "02:00:00:00:00:17", "127.0.1.23")
        gw.token("bell", "02:00:00:00:00:16")
        gw.token("lost", "02:00:00:00:00:18")
        tap.ok("Welcome" in checkin(gw, cam.cert, cam.key, source=cam.address), "a device checks in")
        tap.ok(until(lambda: gw.query("SELECT checkin FROM device WHERE name = 'cam'")[0][0]), "which the registry has")
        gw.kernel.commit()
        tap.ok(cam.tell("1.4").status in (200, 204), "and tells its firmware")
        listed(gw)
        shown(gw)
        reasons(gw)
        counted(gw)
        without(gw)
        retired(gw, cam)
        others(gw)
        renamed(gw)
        written(gw)
    tap.done()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The registry is copied while devices enrol, an older one is put back, and it is deleted: the fleet goes on.

    before     backup      after                     restored, or lost
    early -----------------------------------------> goes on
               |           late --------------------> is adopted, goes on
    gone  -----|-----------X revoked                  stays revoked
               |           brief ---X revoked         stays revoked, though the registry never knew it
    a token ---|-----------used                       stays burnt
"""
import glob
import json
import os
import shutil
import signal
import sqlite3
import stat
import threading

from gateway import CTL, Crypto, certificate, checkin, ctl, enroll, must, new_csr, new_key, renew, run, serial, until
from gateway import Tap
from kernel import FirmwareGateway
from liar import Liar

tap = Tap()
WELCOME = "Welcome IoT Device"
OLDER = "the registry is older than the last revocation list, or was lost"
LOAD = 40       # devices that enrol while backups are made
BACKUPS = 5
STEPS = 200     # more than a restore takes
DIE = os.path.join(os.path.dirname(CTL), "serve", "die.so")


class Fleet(FirmwareGateway):
    """Devices with keys and certificates, each at an address of its own."""

    def __init__(self):
        super().__init__()
        self.members = {}
        self.number = 0

    def member(self, name):
        """A device that the policy knows, with a key; no certificate yet."""
        self.number += 1
        mac, address = f"02:00:00:00:66:{self.number:02x}", f"127.0.66.{self.number}"
        self.kernel.add(name, mac, address)
        self.members[name] = {"mac": mac, "address": address, "key": new_key(self, name)}
        return self.members[name]

    def registry_words(self, *more):
        """Options that name this gateway's files."""
        return ["--registry", self.registry, "--ca", self.ca, "--run", self.run, *more]

    def enrol(self, name, token=None):
        """A first certificate; the status."""
        m = self.members.get(name) or self.member(name)
        got = enroll(self, name, token or self.token(name, m["mac"]), new_csr(m["key"]), source=m["address"])
        if got.status == 200:
            m["cert"] = certificate(self, got, name)
        return got.status

    def here(self, name, cert=None, key=None):
        """What the check-in of a device says."""
        m = self.members[name]
        return checkin(self, cert or m["cert"], key or m["key"], source=m["address"])

    def renew(self, name):
        """The next certificate; the status."""
        m = self.members[name]
        got = renew(self, m["cert"], m["key"], new_csr(m["key"]), source=m["address"])
        if got.status == 200:
            m["cert"] = certificate(self, got, name)
        return got.status

    def revoke(self, name):
        """As an operator does it."""
        must(CTL, "ca", "revoke", name, "--dir", self.ca, "--registry", self.registry)

    def restart(self):
        """Stop and start."""
        self.stop()
        self.must_start()

    def events(self, what):
        """Lines of the log of one event."""
        return [line for line in self.logged().splitlines() if f'"{what}"' in line]


def files(path):
    """A registry's bytes, and those of its log."""
    found = {}
    for end in ("", "-wal", "-journal"):
        if os.path.exists(path + end):
            with open(path + end, "rb") as f:
                found[end] = f.read()
    return found


def remove(path):
    """The registry, lost."""
    for end in ("", "-wal", "-shm", "-journal"):
        if os.path.exists(path + end):
            os.unlink(path + end)


def query(path, sql):
    """Rows of a database that nobody else has."""
    db = sqlite3.connect(path)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def load(gw, statuses):
    """Devices that enrol, one after the other."""
    crypto = Crypto()
    for name, mac, address, token in gw.crowd:
        statuses.append(enroll(gw, name, token, crypto.request(name), source=address).status)


def under_load(gw):
    """Backups while devices enrol: each is sound, of one moment, and nobody waits in vain."""
    gw.crowd = []
    for i in range(LOAD):
        mac, address = f"02:00:00:00:65:{i + 1:02x}", f"127.0.65.{i + 1}"
        gw.kernel.add(f"crowd-{i}", mac, address)
        gw.crowd.append((f"crowd-{i}", mac, address, gw.token(f"crowd-{i}", mac)))
    statuses, seen, wrong = [], [], []
    thread = threading.Thread(target=load, args=(gw, statuses))
    thread.start()
    path = gw.path("load.db")
    for i in range(BACKUPS):
        until(lambda i=i: len(statuses) >= LOAD * i // BACKUPS)
        done = ctl("registry", "backup", path, "--registry", gw.registry, "--json")
        if done.returncode:
            wrong.append(done.stderr)
            continue
        told = json.loads(done.stdout)
        seen.append(told["certificates"])
        mode = stat.S_IMODE(os.stat(path).st_mode)
        half = query(path, "SELECT count(*) FROM token AS t LEFT JOIN certificate AS c ON c.serial = t.serial"
                     " WHERE t.state > 0 AND c.serial IS NULL")[0][0]
        check = ctl("registry", "check", path)
        if mode != 0o600 or half or check.returncode:
            wrong.append(f"mode {mode:o}, {half} half done, {check.stderr}")
    thread.join()
    tap.ok(not wrong and seen == sorted(seen) and len(seen) == BACKUPS,
           f"{BACKUPS} backups while {LOAD} devices enrol: each is sound and of one moment", f"{wrong} {seen}")
    tap.equal("and every one of the devices gets its certificate", [200] * LOAD, statuses)
    tap.equal("nothing is left beside a backup", [path], glob.glob(path + "*"))


def backup(gw):
    """What an operator kept yesterday, and what has happened since."""
    for name in ("early", "gone"):
        tap.equal(f"{name}: enrols", 200, gw.enrol(name))
    tokens = {}
    for name in ("used", "unused"):
        m = gw.member(name)
        tokens[name] = gw.token(name, m["mac"])
    yesterday = gw.path("yesterday.db")
    must(CTL, "registry", "backup", yesterday, "--registry", gw.registry)
    for name in ("late", "brief"):
        tap.equal(f"{name}: enrols after the backup", 200, gw.enrol(name))
    tap.equal("a token of before the backup is used after it", 200, gw.enrol("used", tokens["used"]))
    gw.revoke("gone")
    gw.revoke("brief")
    # Of too many certificates of a device, the server itself revokes the oldest.
    gw.enrol("often")
    first = (shutil.copy(gw.members["often"]["cert"], gw.path("first.crt")), gw.members["often"]["key"])
    tap.equal("often: renews four times", [200] * 4, [gw.renew("often") for _ in range(4)])
    revoked = serial(first[0]).hex().upper()
    tap.ok(until(lambda: revoked in saved(gw)), "what the server revokes itself is on the list that it keeps beside the CA")
    return yesterday, tokens, first


def saved(gw):
    """The list beside the CA, as openssl shows it."""
    text = ""
    for path in (gw.ca + ".crl", gw.ca + ".crl~"):
        text += ctl_openssl("crl", "-inform", "DER", "-in", path, "-noout", "-text")
    return text


def ctl_openssl(*words):
    """openssl's words; empty, it has none."""
    try:
        return must("openssl", *words).decode().upper()
    except RuntimeError:
        return ""


def goes_on(gw, how, tokens, first):
    """Who has a certificate goes on; who has none any more does not."""
    tap.equal(f"{how}: used renews before it does anything else", 200, gw.renew("used"))
    for name in ("early", "late", "used", "often"):
        tap.equal(f"{how}: {name} checks in", WELCOME, gw.here(name))
    tap.equal(f"{how}: late renews", 200, gw.renew("late"))
    tap.equal(f"{how}: and checks in with that", WELCOME, gw.here("late"))
    for name in ("gone", "brief"):
        tap.equal(f"{how}: {name} stays revoked", "refused: the certificate is revoked", gw.here(name))
        tap.equal(f"{how}: and does not renew", 403, gw.renew(name))
    tap.equal(f"{how}: what the server revoked stays revoked", "refused: the certificate is revoked", gw.here("often", *first))
    for name, token in tokens.items():
        m = gw.members[name]
        got = enroll(gw, name, token, new_csr(m["key"]), source=m["address"])
        tap.equal(f"{how}: a token of before, {name}, is of no use", 401, got.status)
    tap.equal(f"{how}: a new token is", 200, gw.enrol("unused"))
    adopted = gw.events("adopted")
    tap.ok(any('"late"' in line for line in adopted) and gw.counters()["adopted"] >= 1,
           f"{how}: what is adopted is said, and counted", adopted)
    got = json.loads(must(CTL, "serve", "--status", "--json", "--config", gw.config))
    tap.equal(f"{how}: in serve --status, too", gw.counters()["adopted"], got["adopted"])
    numbers = gw.query("SELECT count(*), count(DISTINCT serial) FROM certificate")[0]
    tap.equal(f"{how}: no serial number is there twice", numbers[0], numbers[1])
    check = ctl("registry", "check", *gw.registry_words())
    tap.ok(not check.returncode, f"{how}: the registry is sound", check.stdout + check.stderr)


def refused(gw, name, words, why):
    """A restore that is refused, and changes nothing."""
    before = files(gw.registry)
    done = ctl("registry", "restore", *words, *gw.registry_words())
    tap.ok(done.returncode == 1 and why.encode() in done.stderr and files(gw.registry) == before and
           not glob.glob(gw.registry + ".*"), f"restore: {name}: refused, nothing is changed",
           f"{done.returncode} {done.stderr.decode()} {glob.glob(gw.registry + '*')}")


def bad_files(gw, yesterday):
    """What is no registry, or no sound one, is not put back."""
    def put(name, data):
        with open(gw.path(name), "wb") as out:
            out.write(data)
        return gw.path(name)
    with open(yesterday, "rb") as f:
        good = f.read()
    refused(gw, "no such file", [gw.path("nowhere")], "nowhere: No such file")
    refused(gw, "a directory", [gw.dir], "")
    refused(gw, "an empty file", [put("empty", b"")], "never a registry")
    refused(gw, "nonsense", [put("nonsense", b"registry" * 4000)], "not a database")
    refused(gw, "half of a backup", [put("half", good[:len(good) // 2 // 4096 * 4096])], "")
    middle = good[:8192] + b"\xff" * 4096 + good[12288:]
    refused(gw, "a backup with a page of nonsense", [put("damaged", middle)], "")
    refused(gw, "the registry itself", [gw.registry], "the registry itself")
    other = gw.path("other.db")
    db = sqlite3.connect(other)
    db.execute("CREATE TABLE t (x)")
    db.commit()
    db.execute("PRAGMA user_version = 1")
    db.close()
    refused(gw, "another program's database", [other], "not a registry")
    newer = shutil.copy(yesterday, gw.path("newer.db"))
    db = sqlite3.connect(newer)
    db.execute("PRAGMA user_version = 99")
    db.close()
    refused(gw, "a newer program's", [newer], "a newer cordonctl wrote it")
    bent = shutil.copy(yesterday, gw.path("bent.db"))
    db = sqlite3.connect(bent)
    db.execute("UPDATE certificate SET der = x'3000' WHERE id = (SELECT min(id) FROM certificate WHERE der IS NOT NULL)")
    db.commit()
    db.close()
    refused(gw, "a certificate that is another one", [bent], "not the one whose fingerprint is recorded")
    done = ctl("registry", "check", bent, "--json")
    tap.ok(done.returncode == 1 and len(json.loads(done.stdout)["faults"]) == 1, "check: says the same, in JSON", done)
    done = ctl("registry", "backup", gw.registry, "--registry", gw.registry)
    tap.ok(done.returncode == 1 and b"the registry itself" in done.stderr, "backup: onto the registry itself: refused", done)
    done = ctl("registry", "backup", gw.dir, "--registry", gw.registry)
    tap.ok(done.returncode == 1 and b"not a regular file" in done.stderr, "backup: onto a directory: refused", done)
    for words in ((), ("backup",), ("restore",), ("nonsense",), ("check", "a", "b")):
        tap.equal(f"registry {' '.join(words)}: usage", 2, ctl("registry", *words).returncode)


def restore(gw, yesterday):
    """What it is made of is said."""
    before = gw.issued()
    done = ctl("registry", "restore", yesterday, *gw.registry_words("--json"))
    told = json.loads(done.stdout or "{}")
    tap.ok(not done.returncode and told.get("tokens_withdrawn") == 2 and told.get("revocations_taken_over") == 3 and
           told.get("tokens") == 0, "restore: says what it took over and withdrew", f"{told} {done.stderr}")
    tap.ok(query(told["kept"], "SELECT count(*) FROM certificate WHERE kind = 0")[0][0] == before and
           stat.S_IMODE(os.stat(told["kept"]).st_mode) == 0o600, "restore: what was there is kept beside it", told)
    tap.equal("restore: its modes", 0o600, stat.S_IMODE(os.stat(gw.registry).st_mode))
    left = set(glob.glob(gw.registry + ".*")) - {told["kept"]}
    tap.equal("restore: nothing else is left", set(), left)
    gw.must_start()


def killed(gw, yesterday):
    """A restore that is killed before each of its steps: there is the old registry or the new one, and it is sound."""
    gw.stop()
    want = [query(path, "SELECT count(*) FROM certificate WHERE id > 0")[0][0] for path in (gw.registry, yesterday)]
    kept = shutil.copy(gw.registry, gw.path("kept.db"))
    wrong, step, seen = [], 1, set()
    while step < STEPS:
        for path in glob.glob(gw.registry + "*"):
            os.unlink(path)
        shutil.copy(kept, gw.registry)
        done = run(CTL, "registry", "restore", yesterday, *gw.registry_words(),
                   env={**os.environ, "LD_PRELOAD": DIE, "DIE_AT": str(step)})
        check = ctl("registry", "check", *gw.registry_words())
        got = query(gw.registry, "SELECT count(*) FROM certificate WHERE id > 0")[0][0]
        if got not in want or b"damaged" in check.stderr or check.returncode not in (0, 1):
            wrong.append(f"step {step}: {got} certificates, {check.stderr}")
        seen.add(got)
        if done.returncode != -signal.SIGKILL:
            break
        step += 1
    tap.ok(5 < step < STEPS and not wrong and seen == set(want) and not done.returncode,
           f"restore: killed before each of {step - 1} steps: the old one or the new one, and sound", f"{wrong} {want} {seen}")
    for path in glob.glob(gw.registry + "*"):
        os.unlink(path)
    shutil.copy(kept, gw.registry)
    gw.must_start()


def damaged(gw, yesterday):
    """A registry that cannot be read any more, with a log of its own, is put aside; the log is not applied."""
    gw.stop()
    for kept in glob.glob(gw.registry + ".before-*"):
        remove(kept)
    # A log that was not taken in: of the registry that is replaced, and of no other.
    shutil.copy(gw.registry, gw.path("kept.db"))
    db = sqlite3.connect(gw.registry)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("UPDATE device SET firmware = 'of the old log'")
    db.commit()
    shutil.copy(gw.registry + "-wal", gw.path("wal"))
    db.close()
    remove(gw.registry)
    with open(gw.registry, "wb") as out:
        out.write(b"nonsense" * 1024)
    os.chmod(gw.registry, 0o600)
    shutil.copy(gw.path("wal"), gw.registry + "-wal")
    done = ctl("registry", "check", *gw.registry_words())
    tap.ok(done.returncode == 1 and b"not a database" in done.stderr, "check: of a registry that is none", done)
    done = ctl("registry", "restore", yesterday, *gw.registry_words())
    kept = glob.glob(gw.registry + ".before-*Z")
    tap.ok(not done.returncode and len(kept) == 1 and open(kept[0], "rb").read(8) == b"nonsense",
           "restore: onto a registry that cannot be read, which is kept", f"{done} {kept}")
    tap.equal("restore: the old one's log is not applied to the new one", 0,
              query(gw.registry, "SELECT count(*) FROM device WHERE firmware = 'of the old log'")[0][0])
    gw.must_start()


def foreign_lists(gw):
    """A list of another CA, and half of one, change nothing."""
    with Fleet() as other:
        must(CTL, "ca", "crl", "--dir", other.ca, "--registry", other.registry, "--out", other.path("crl"))
        gw.stop()
        shutil.copy(other.path("crl"), gw.ca + ".crl")
    gw.must_start()
    tap.ok(len(gw.events("a file beside the CA holds no revocation list of it: it is left out")) == 1,
           "a list of another CA is left out, and that is said")


def half_a_list(gw):
    """The power was cut while the list was saved: the other file has it. The registry's log is still there."""
    whole = saved(gw)
    gw.enrol("last")
    # Agent first: it would take its log in when it ends by itself.
    os.kill(gw.pids()["cordonctl:agent"], signal.SIGKILL)
    gw.process.wait()
    tap.ok(os.path.getsize(gw.registry + "-wal"), "the server is killed, and a log is left")
    with open(gw.ca + ".crl", "r+b") as f:
        f.truncate(os.path.getsize(gw.ca + ".crl") // 2)
    os.unlink(os.path.join(gw.ca, "crl.pem"))
    os.unlink(gw.registry)
    gw.must_start()
    check = ctl("registry", "check", *gw.registry_words())
    tap.ok(not check.returncode, "the registry deleted, and not its log: it is sound", check.stdout + check.stderr)
    tap.equal("half a list, and the registry deleted: what was revoked stays revoked",
              ["refused: the certificate is revoked"] * 2, [gw.here(name) for name in ("gone", "brief")])
    tap.ok(until(lambda: saved(gw).count("SERIAL NUMBER") >= whole.count("SERIAL NUMBER")),
           "and the list is whole again")


def by_hand_alone():
    """A CA without a server: its list is not replaced by one that has less."""
    with Fleet() as gw:
        words = ["--dir", gw.ca, "--registry", gw.registry]
        must(CTL, "ca", "issue", "solo", "--mac", "02:00:00:00:66:01", "--out", gw.path("out"), *words)
        gw.revoke("solo")
        remove(gw.registry)
        done = ctl("ca", "crl", *words)
        with open(gw.path("crl"), "wb") as out:
            out.write(done.stdout)
        text = ctl_openssl("crl", "-in", gw.path("crl"), "-noout", "-text")
        tap.ok(serial(gw.path("out", "solo.crt")).hex().upper() in text and b"taken over" in done.stderr,
               "ca crl: with the registry deleted, what was revoked stays on the list", f"{done} {text}")


def no_adoption(gw):
    """What is not adopted, by default and with adopt: true."""
    must(CTL, "ca", "issue", "stranger", "--mac", "02:00:00:00:66:f1", "--dir", gw.ca, "--registry", gw.path("its.db"),
         "--out", gw.path("out"))
    m = gw.member("stranger")
    gw.kernel.devices.pop()
    gw.kernel.add("stranger", "02:00:00:00:66:f1", m["address"])
    m.update(cert=gw.path("out", "stranger.crt"), key=gw.path("out", "stranger.key"))
    gw.must_start()
    unknown = "refused: the registry does not know the certificate"
    tap.equal("by default: a certificate that the registry does not know is refused", unknown, gw.here("stranger"))
    gw.write_config("adopt: true\n")
    os.kill(gw.pids()["cordonctl:front"], 1)
    tap.ok(until(lambda: gw.here("stranger") == WELCOME), "adopt: true, read again: it is adopted")
    gw.token("ghost", "02:00:00:00:66:e1")
    for what, name, mac in (("a name that the registry has by another MAC", "ghost", "02:00:00:00:66:f2"),
                            ("a MAC that the registry has by another name", "spook", "02:00:00:00:66:e1")):
        must(CTL, "ca", "issue", name, "--mac", mac, "--dir", gw.ca, "--registry", gw.path(name + mac[-2:] + ".db"),
             "--out", gw.path(mac[-2:]))
        got = gw.here("stranger", gw.path(mac[-2:], name + ".crt"), gw.path(mac[-2:], name + ".key"))
        tap.ok(got == unknown and "in the registry, not" in gw.events("not adopted")[-1], f"adopt: true: {what}: refused",
               f"{got} {gw.events('not adopted')[-1:]}")
    m = gw.member("known")
    for what, name, mac in (("a name that the policy has by another MAC", "known", "02:00:00:00:66:f3"),
                            ("a MAC that the policy has by another name", "unknown", m["mac"])):
        must(CTL, "ca", "issue", name, "--mac", mac, "--dir", gw.ca, "--registry", gw.path("policy" + name + ".db"),
             "--out", gw.path("policy" + name))
        gw.kernel.commit()
        got = gw.here("known", gw.path("policy" + name, name + ".crt"), gw.path("policy" + name, name + ".key"))
        tap.ok(got == unknown and "the policy has another" in gw.events("not adopted")[-1], f"adopt: true: {what}: refused",
               f"{got} {gw.events('not adopted')[-1:]}")
    forged(gw, m, unknown)
    tap.equal("control: the device itself, under its own name", 200, gw.enrol("known"))
    gw.write_config("adopt: false\n")
    must(CTL, "ca", "issue", "denied", "--mac", "02:00:00:00:66:f4", "--dir", gw.ca, "--registry", gw.path("denied.db"),
         "--out", gw.path("denied"))
    gw.kernel.add("denied", "02:00:00:00:66:f4", "127.0.66.244")
    gw.members["denied"] = {"address": "127.0.66.244", "cert": gw.path("denied", "denied.crt"),
                            "key": gw.path("denied", "denied.key")}
    with gw.database() as db:
        db.execute("INSERT OR REPLACE INTO counter VALUES ('restored', 1)")
    gw.restart()
    tap.equal("adopt: false, though the registry was restored: refused", unknown, gw.here("denied"))
    gw.write_config()
    gw.restart()
    tap.equal("control: without it, it is adopted", WELCOME, gw.here("denied"))


def forged(gw, m, unknown):
    """Another CA of the same name, with the key identifier of ours: it looks like ours until it is verified."""
    issuing = os.path.join(gw.ca, "issuing.crt")
    text = must("openssl", "x509", "-in", issuing, "-noout", "-ext", "subjectKeyIdentifier").decode().split("\n")[1].strip()
    subject = must("openssl", "x509", "-in", issuing, "-noout", "-subject", "-nameopt", "compat").decode().strip()
    fake = new_key(gw, "fake-ca")
    with open(gw.path("fake.cnf"), "w", encoding="ascii") as out:
        out.write(f"[ca]\nbasicConstraints=critical,CA:TRUE,pathlen:0\nsubjectKeyIdentifier={text}\n"
                  "[leaf]\nextendedKeyUsage=clientAuth\nauthorityKeyIdentifier=keyid\n"
                  f"subjectAltName=URI:urn:dev:mac:{m['mac'][:8].replace(':', '')}fffe{m['mac'][9:].replace(':', '')}\n")
    csr = gw.path("fake-ca.csr")
    must("openssl", "req", "-new", "-key", fake, "-subj", subject.partition("=")[2].strip(), "-out", csr)
    must("openssl", "x509", "-req", "-in", csr, "-signkey", fake, "-extfile", gw.path("fake.cnf"), "-extensions", "ca",
         "-out", gw.path("fake-ca.crt"))
    with open(csr, "wb") as out:
        out.write(new_csr(m["key"], "/CN=known"))
    must("openssl", "x509", "-req", "-inform", "DER", "-in", csr, "-CA", gw.path("fake-ca.crt"), "-CAkey", fake, "-extfile",
         gw.path("fake.cnf"), "-extensions", "leaf", "-set_serial", "0x1234", "-out", gw.path("forged.crt"))
    got = gw.here("known", gw.path("forged.crt"), m["key"])
    tap.ok(got == unknown and "not signed by this gateway" in gw.events("not adopted")[-1],
           "adopt: true: one of another CA that calls itself like ours: refused", f"{got} {gw.events('not adopted')[-1:]}")


def lying_front():
    """A front that lies can have adopted what the CA signed, and nothing else."""
    with Liar() as gw:
        gw.write_config("adopt: true\n")
        gw.must_start()
        gw.kernel.add("cam", "02:00:00:00:66:01", "127.0.66.1")
        must(CTL, "ca", "issue", "cam", "--mac", "02:00:00:00:66:01", "--dir", gw.ca, "--registry", gw.path("its.db"), "--out",
             gw.path("out"))
        cert = gw.path("out", "cam.crt")
        der = must("openssl", "x509", "-in", cert, "-outform", "DER")
        print_of = bytes.fromhex(must("openssl", "x509", "-in", cert, "-noout", "-fingerprint", "-sha256").decode()
                                 .partition("=")[2].replace(":", ""))
        shown = {"serial": serial(cert), "fingerprint": print_of, "ifindex": 1}
        bent = der[:200] + bytes([der[200] ^ 1]) + der[201:]
        for what, words in (("nothing behind it", {}), ("a byte of it changed", {"cert": bent}),
                            ("a byte behind it", {"cert": der + b"\0"}), ("half of it", {"cert": der[:len(der) // 2]}),
                            ("nonsense", {"cert": b"\x30\x80\x30\x80\x00\x00"}),
                            ("another serial number", {"cert": der, "serial": bytes(15) + b"\x05"}),
                            ("another fingerprint", {"cert": der, "fingerprint": bytes(32)})):
            got = gw.say("checkin", "127.0.66.1", **{**shown, **words})
            tap.ok(got[0] == 403 and not gw.issued(), f"liar: a certificate with {what}: refused", got)
        tap.equal("liar: control: as the CA signed it, it is adopted", 200,
                  gw.say("checkin", "127.0.66.1", **shown, cert=der)[0])
        tap.equal("liar: and known from then on", 200, gw.say("checkin", "127.0.66.1", **shown)[0])


def main():
    """One gateway through its worst days."""
    with Fleet() as gw:
        gw.must_start()
        under_load(gw)
        yesterday, tokens, first = backup(gw)
        refused(gw, "while the server runs", [yesterday], "the server runs")
        gw.stop()
        bad_files(gw, yesterday)
        restore(gw, yesterday)
        goes_on(gw, "restored", tokens, first)
        gw.stop()
        remove(gw.registry)
        gw.must_start()
        goes_on(gw, "deleted", tokens, first)
        gw.stop()
        remove(gw.registry)
        shutil.copy(yesterday, gw.registry)
        before = gw.logged().count(OLDER)
        gw.must_start()
        tap.equal("copied by hand: the server sees that it is older", before + 1, gw.logged().count(OLDER))
        goes_on(gw, "copied by hand", tokens, first)
        killed(gw, yesterday)
        damaged(gw, yesterday)
        goes_on(gw, "damaged and restored", tokens, first)
        foreign_lists(gw)
        half_a_list(gw)
    by_hand_alone()
    with Fleet() as gw:
        no_adoption(gw)
    lying_front()
    tap.done()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Everything of a gateway goes into one file and comes back; a file that is not whole, or not ours, changes nothing.

A backup is read here by Python's tarfile, and made by it: as any other tar, with the manifest that backup.h describes.
"""
import glob
import hashlib
import io
import json
import os
import random
import shutil
import signal
import sqlite3
import stat
import tarfile

from gateway import CTL, Tap, certificate, checkin, ctl, enroll, must, new_csr, new_key, run, serial
from kernel import FAKE, FirmwareGateway

tap = Tap()
SEED = int(os.environ.get("SEED", "0")) or random.SystemRandom().randrange(1, 1 << 31)
rng = random.Random(SEED)
BLOCK = 512
MOST = 4096     # more steps than a restore takes
KILLS = int(os.environ.get("KILLS", "6"))
DIE = os.path.join(os.path.dirname(CTL), "serve", "die.so")
WELCOME = "Welcome IoT Device"
PASSPHRASE = "correct horse battery staple 9"
POLICY = """version: 1
mode: observe
ports: [lan0]
uplinks: [wan0]
segments: {iot: {}}
devices:
  - {name: early, mac: "02:00:00:00:66:01", network_segment: iot, addresses: [10.0.20.11]}
"""
STATE = {"version": 1, "saved": 1700000000, "boot": "b", "changed": [], "deleted": [], "devices": [
    {"mac": "02:00:00:00:66:01", "name": "early", "quarantined": True}]}


class Box(FirmwareGateway):
    """A gateway with something of everything, below one directory."""

    def __init__(self):
        super().__init__()
        os.mkdir(self.path("etc"))
        self.policy = self.path("etc", "policy.yaml")
        self.state = self.path("lib")
        os.mkdir(self.state, 0o700)
        self.put(self.policy, POLICY, 0o644)
        self.put(os.path.join(self.state, "policy.yaml"), POLICY, 0o600)
        self.put(os.path.join(self.state, "state"), json.dumps(STATE), 0o600)
        self.passphrase = self.path("passphrase")
        self.put(self.passphrase, PASSPHRASE + "\n", 0o600)
        self.out = self.path("backup.tar")
        self.keys = {}
        self.certs = {}

    @staticmethod
    def put(path, text, mode):
        """A file."""
        with open(path, "w", encoding="ascii") as out:
            out.write(text)
        os.chmod(path, mode)

    def enrol(self, name, number):
        """A device with a certificate."""
        mac, address = f"02:00:00:00:66:{number:02x}", f"127.0.66.{number}"
        self.kernel.add(name, mac, address)
        self.keys[name] = new_key(self, name)
        got = enroll(self, name, self.token(name, mac), new_csr(self.keys[name]), source=address)
        tap.equal(f"{name}: enrols", 200, got.status)
        self.certs[name] = certificate(self, got, name)

    def here(self, name, number):
        """What its check-in says."""
        return checkin(self, self.certs[name], self.keys[name], source=f"127.0.66.{number}")

    def words(self, *more):
        """Options that name this gateway's files."""
        return ["--policy", self.policy, "--config", self.config, "--state", self.state, *more]

    def backup(self, path, *more):
        """Make one."""
        return ctl("backup", path, *self.words(*more))

    def restore(self, path, *more, program=CTL, **how):
        """Put one back."""
        return run(program, "restore", path, *self.words(*more), **how)

    def parts(self):
        """What is to come back."""
        return [self.policy, self.config, self.state, self.ca, self.ca + ".crl", self.ca + ".crl~", self.registry,
                self.firmware["directory"]]

    def tree(self):
        """Mode and contents of all of it; of the registry, its rows."""
        found = {}
        for top in self.parts():
            for path in [top, *glob.glob(top + "/**", recursive=True)]:
                if os.path.isdir(path):
                    found[path.rstrip("/")] = (stat.S_IMODE(os.stat(path).st_mode), "")
                elif os.path.isfile(path):
                    with open(path, "rb") as f:
                        data = f.read()
                    found[path] = (stat.S_IMODE(os.stat(path).st_mode),
                                   rows(path) if path == self.registry else hashlib.sha256(data).hexdigest())
        return found

    def wipe(self):
        """The disk has died."""
        for top in self.parts():
            for path in glob.glob(top + "*"):
                shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)


def rows(path):
    """What a registry holds, but for what a restore notes and withdraws."""
    db = sqlite3.connect(path)
    try:
        return [db.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in ("device", "certificate", "firmware_release")]
    finally:
        db.close()


def left_over(box):
    """What a restore or a backup should have taken away."""
    return [path for path in glob.glob(box.path("**"), recursive=True)
            if "restoring" in path or path.startswith(box.out + ".")]


def members(path):
    """Name and contents of what is in a backup."""
    with tarfile.open(path, "r:") as tar:
        return {m.name: (m, tar.extractfile(m).read()) for m in tar.getmembers()}


def fill(box):
    """Something of everything."""
    box.must_start()
    for number, name in enumerate(("early", "gone"), 1):
        box.enrol(name, number)
    must(CTL, "ca", "revoke", "gone", "--dir", box.ca, "--registry", box.registry)
    box.stop()
    must(CTL, "ca", "crl", "--dir", box.ca, "--registry", box.registry)
    must(CTL, "ca", "init", "--rollover", "--dir", box.ca, "--registry", box.registry)
    must(CTL, "ca", "init", "--rollover", "--activate", "--force", "1", "--dir", box.ca, "--registry", box.registry)
    must(CTL, "ca", "init", "--rollover", "--dir", box.ca, "--registry", box.registry)
    box.put(box.path("image.swu"), "firmware " * 300, 0o644)
    must(CTL, "firmware", "sign", box.path("image.swu"), "--ca", box.ca, "--registry", box.registry)
    box.release("1.4.2", rng.randbytes(3000))
    must(CTL, "ca", "crl", "--dir", box.ca, "--registry", box.registry)


def holds_key(path):
    """A private key in the clear."""
    if not os.path.isfile(path):
        return False
    with open(path, "rb") as f:
        return b"BEGIN PRIVATE KEY" in f.read()


def look(box):
    """What a backup is."""
    done = box.backup(box.out, "--with-keys", "--passphrase-file", box.passphrase)
    tap.ok(not done.returncode and b"read again and checked" in done.stdout, "backup: done", done)
    tap.equal("backup: only its owner may read it", 0o600, stat.S_IMODE(os.stat(box.out).st_mode))
    tap.equal("backup: nothing else is left", [], left_over(box))
    inside = members(box.out)
    manifest = json.loads(inside["manifest.json"][1])
    wrong = [p["name"] for p in manifest["parts"] if hashlib.sha256(inside[p["name"]][1]).hexdigest() != p["sha256"] or
             len(inside[p["name"]][1]) != p["size"] or inside[p["name"]][0].mode != int(p["mode"], 8)]
    tap.ok(not wrong and len(inside) == len(manifest["parts"]) + 2, "backup: a tar whose manifest is right about each file", wrong)
    checked = run("sha256sum", "-c", "--strict", cwd=unpack(box, inside), input=inside["manifest.sha256"][1])
    tap.ok(not checked.returncode, "backup: sha256sum finds the manifest right", checked)
    keys = {name: data for name, (_, data) in inside.items() if b"PRIVATE KEY" in data}
    here = [os.path.relpath(p, box.ca) for p in glob.glob(box.ca + "/**", recursive=True) if holds_key(p)]
    tap.ok({"code.pem", "issuing.key"} < set(here), "backup: there are keys in files of several kinds", here)
    tap.equal("backup: all keys are in it", sorted("ca/" + name for name in here), sorted(keys))
    tap.ok(keys and all(b"ENCRYPTED" in data for data in keys.values()), "backup: each encrypted", keys)
    must("openssl", "pkey", "-noout", "-passin", "file:" + box.passphrase, "-in", box.path("inside", "ca/issuing.key"))
    plain = box.path("plain.tar")
    done = box.backup(plain)
    tap.ok(not done.returncode and b"NOT in it" in done.stdout and not set(keys) & set(members(plain)),
           "backup: without --with-keys there is no key in it, and it is said", done)
    with open(plain, "rb") as f:
        tap.ok(b"PRIVATE KEY" not in f.read(), "backup: and no byte of one")
    return inside


def unpack(box, inside):
    """As files."""
    top = box.path("inside")
    for name, (_, data) in inside.items():
        os.makedirs(os.path.dirname(os.path.join(top, name)), exist_ok=True)
        with open(os.path.join(top, name), "wb") as out:
            out.write(data)
    return top


def bad_backups(box):
    """What cannot be restored is no backup; the one before stays."""
    with open(box.out, "rb") as f:
        before = f.read()
    done = box.backup(box.out, "--with-keys", "--passphrase-file", box.path("nowhere"))
    tap.ok(done.returncode == 1 and b"nowhere" in done.stderr, "backup: no passphrase: refused", done)
    weak = box.path("weak")
    box.put(weak, "password1234\n", 0o600)
    done = box.backup(box.out, "--with-keys", "--passphrase-file", weak)
    tap.ok(done.returncode == 1 and b"passphrase: " in done.stderr, "backup: a weak passphrase: refused", done)
    box.put(box.policy, POLICY.replace("segments:", "segmants:"), 0o644)
    done = box.backup(box.out)
    tap.ok(done.returncode == 1 and b"\npolicy.yaml:5:1: " in done.stderr, "backup: a policy with a fault: refused, named", done)
    box.put(box.policy, POLICY, 0o644)
    done = box.backup(box.dir)
    tap.ok(done.returncode == 1 and b"not a regular file" in done.stderr, "backup: onto a directory: refused", done)
    with open(box.out, "rb") as f:
        tap.ok(f.read() == before and not left_over(box), "backup: each time the one before stays, and nothing else", left_over(box))
    for words in (("backup",), ("restore",), ("backup", "a", "b"), ("backup", "a", "--passphrase-file", "b")):
        tap.equal(f"{' '.join(words)}: usage", 2, ctl(*words).returncode)


def round_trip(box):
    """A disk that died."""
    want = box.tree()
    done = box.restore(box.out, "--dry-run")
    tap.ok(not done.returncode and b"would be replaced" in done.stdout and box.tree() == want and not left_over(box),
           "restore --dry-run: says what it would do, and does nothing", done)
    box.wipe()
    os.mkdir(box.state, 0o700)
    done = box.restore(box.out, "--dry-run")
    tap.ok(not done.returncode and b"would be made" in done.stdout and not os.path.exists(box.ca),
           "restore --dry-run: on an empty disk, too", done)
    done = box.restore(box.out, "--passphrase-file", box.passphrase)
    got = box.tree()
    # The list that a server left half-written, or the registry's log, are nothing to compare.
    differs = sorted(path for path in want.keys() | got.keys() if want.get(path) != got.get(path))
    tap.ok(not done.returncode and not differs, "restore: on an empty disk everything is as it was, keys and modes included",
           f"{done} {differs}")
    tap.equal("restore: nothing else is left", [], left_over(box))
    box.must_start()
    tap.equal("early: checks in", WELCOME, box.here("early", 1))
    tap.equal("gone: stays revoked", "refused: the certificate is revoked", box.here("gone", 2))
    done = box.restore(box.out, "--passphrase-file", box.passphrase)
    tap.ok(done.returncode == 1 and b"the server runs" in done.stderr, "restore: while the server runs: refused", done)
    box.stop()


def since(box):
    """A backup of yesterday, on a gateway that went on."""
    box.must_start()
    box.enrol("late", 3)
    must(CTL, "ca", "revoke", "early", "--dir", box.ca, "--registry", box.registry)
    must(CTL, "ca", "crl", "--dir", box.ca, "--registry", box.registry)
    box.stop()
    numbers = must("openssl", "crl", "-noout", "-crlnumber", "-in", box.path("ca", "crl.pem"))
    plain = box.path("plain.tar")
    done = box.restore(plain)
    tap.ok(not done.returncode and b"taken over" in done.stdout and b"what was there before" in done.stdout,
           "restore: an older one, without keys", done)
    left = [name for name in ("issuing.key", "root.key", "code.pem", "next/issuing.key") if not holds_key(box.path("ca", name))]
    tap.equal("restore: the keys of this machine's same CA stay", [], left)
    tap.equal("restore: a newer revocation list stays", numbers,
              must("openssl", "crl", "-noout", "-crlnumber", "-in", box.path("ca", "crl.pem")))
    box.must_start()
    tap.equal("early: was revoked since, and stays so", "refused: the certificate is revoked", box.here("early", 1))
    tap.equal("late: is adopted", WELCOME, box.here("late", 3))
    box.stop()
    tap.ok(not ctl("registry", "check", "--registry", box.registry, "--ca", box.ca).returncode, "the registry is sound")
    count = box.query("SELECT count(*), count(DISTINCT serial) FROM certificate")[0]
    tap.equal("no serial number is there twice", count[0], count[1])
    done = box.restore(box.out, "--without-keys")
    tap.ok(not done.returncode and os.path.exists(box.path("ca", "issuing.key")),
           "restore --without-keys: needs no passphrase", done)


def in_force(box):
    """What the kernel holds is newer than any state."""
    want = dict(box.tree())
    env = {**os.environ, "CORDON_FAKE_KERNEL": box.kernel.path}
    done = box.restore(box.out, "--without-keys", program=FAKE, env=env)
    aside = os.path.join(box.state, "state.restored")
    tap.ok(not done.returncode and b"stays in force" in done.stdout and b"state.restored" in done.stdout,
           "restore: while a policy is in force it stays, which is said", done)
    with open(aside, encoding="ascii") as f:
        tap.equal("restore: the state comes beside it", STATE, json.load(f))
    tap.equal("restore: that of the kernel is not touched", [], [path for path in ("state", "policy.yaml") if box.tree().get(
        os.path.join(box.state, path)) != want.get(os.path.join(box.state, path))])
    os.unlink(aside)


def damaged(box, data, why, name, want):
    """A file that is refused, and changes nothing; what is wrong, empty, nothing is."""
    path = box.path("damaged.tar")
    with open(path, "wb") as out:
        out.write(data)
    done = box.restore(path, "--passphrase-file", box.passphrase)
    text = done.stderr.decode(errors="replace")
    if done.returncode == 1 and why in text and text.startswith("cordonctl: ") and box.tree() == want and not left_over(box):
        return []
    return [f"{name}: {done.returncode} {text} {left_over(box)}"]


def flips(box, want):
    """A byte of each block, a bit of it; and the file cut off at each block, and within."""
    with open(box.out, "rb") as f:
        good = f.read()
    wrong = []
    for at in range(0, len(good), BLOCK):
        place = at + rng.randrange(min(BLOCK, len(good) - at))
        bad = bytearray(good)
        bad[place] ^= 1 << rng.randrange(8)
        wrong += damaged(box, bytes(bad), "nothing was changed", f"byte {place}", want)
    tap.ok(not wrong, f"restore: a bit of each of {len(good) // BLOCK} blocks is another: refused, nothing is changed",
           "\n".join(wrong[:5]))
    wrong = []
    for at in range(0, len(good), 4 * BLOCK):
        for place in (at, at + rng.randrange(1, BLOCK)):
            if place < len(good):
                wrong += damaged(box, good[:place], "nothing was changed", f"cut at {place}", want)
    tap.ok(not wrong, f"restore: cut off at {len(good) // BLOCK // 2} places: refused, nothing is changed", "\n".join(wrong[:5]))
    wrong = damaged(box, good + bytes(BLOCK), "longer than", "longer", want)
    wrong += damaged(box, bytes(len(good)), "not a backup", "nothing but zeros", want)
    wrong += damaged(box, b"", "not a backup", "an empty file", want)
    tap.ok(not wrong, "restore: one that is longer, nonsense or empty: refused", "\n".join(wrong))
    done = box.restore(box.path("nowhere.tar"))
    tap.ok(done.returncode == 1 and b"No such file" in done.stderr, "restore: no such file", done)
    done = box.restore(box.dir)
    tap.ok(done.returncode == 1 and b"not a regular file" in done.stderr, "restore: a directory", done)


def made(inside, change=None, entries=None, made_by="0.1.0", form=1):
    """A backup made by Python: change: what becomes of the parts; entries: and of the tar's headers."""
    parts = {name: [data, info.mode] for name, (info, data) in inside.items() if not name.startswith("manifest.")}
    sealed = {p["name"] for p in json.loads(inside["manifest.json"][1])["parts"] if p.get("sealed")}
    if change:
        change(parts)
    manifest = json.dumps({"format": form, "cordonctl": made_by, "parts": [
        {"name": name, "size": len(data), "mode": f"{mode:04o}", "sha256": hashlib.sha256(data).hexdigest(),
         "sealed": name in sealed} for name, (data, mode) in sorted(parts.items())]}).encode()
    check = f"{hashlib.sha256(manifest).hexdigest()}  manifest.json\n".encode()
    files = [("manifest.json", manifest, 0o600), ("manifest.sha256", check, 0o600),
             *((name, data, mode) for name, (data, mode) in sorted(parts.items()))]
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data, mode in files:
            info = tarfile.TarInfo(name)
            info.size, info.mode, info.mtime = len(data), mode, 1700000000
            if entries:
                entries(info)
            tar.addfile(info, io.BytesIO(data))
    end = sum(BLOCK + -(-len(data) // BLOCK) * BLOCK for _, data, _ in files) + 2 * BLOCK
    return out.getvalue()[:end]


def hostile(box, inside, want):
    """Whole files with the right checksums that nobody should have made."""
    def renamed(name):
        def change(parts):
            parts[name] = parts.pop("policy.yaml")
        return change

    def typed(which, **fields):
        def entries(info):
            if info.name == which:
                for key, value in fields.items():
                    setattr(info, key, value)
        return entries

    def with_data(name, data):
        def change(parts):
            parts[name] = [data, 0o600]
        return change

    cases = [("a newer format", made(inside, form=2, made_by="9.9"), "a newer cordonctl (9.9) made it"),
             ("no parts", made(inside, change=lambda parts: parts.clear()), "names no parts")]
    for name in ("/etc/passwd", "../policy.yaml", "ca/../../x", "ca/next/../../x", "ca/.hidden", "ca/next", "ca/", "firmware/a/b",
                 "state/other", "x" * 99):
        cases.append((f"a part {name}", made(inside, change=renamed(name)), "has a name that no part has"))
    for name, fields in (("a symbolic link", {"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}),
                         ("a hard link", {"type": tarfile.LNKTYPE, "linkname": "/etc/passwd"}),
                         ("a device", {"type": tarfile.CHRTYPE}), ("another owner", {"uid": 1}),
                         ("another mode", {"mode": 0o4755}), ("another name", {"name": "../policy.yaml"}),
                         ("another time", {"mtime": 1})):
        cases.append((name, made(inside, entries=typed("policy.yaml", **fields)), "policy.yaml"))
    huge = bytearray(made(inside))
    huge[124:136] = b"77777777777\0"
    cases.append(("a manifest of 8 GiB", bytes(huge), "not a backup"))
    cases.append(("a mode of 07777", made(inside, change=lambda parts: parts["policy.yaml"].__setitem__(1, 0o7777)), "no mode"))
    cases.append(("a bad policy", made(inside, change=with_data("policy.yaml", b"version: 7\n")), "policy.yaml:1:"))
    cases.append(("a bad serve.yaml", made(inside, change=with_data("serve.yaml", b"sst: {}\n")), "serve.yaml:1:"))
    cases.append(("a bad state", made(inside, change=with_data("state/state", b"{")), "state/state"))
    cases.append(("a registry that is none", made(inside, change=with_data("registry.db", b"x" * 9000)), "registry.db: "))
    page = bytearray(inside["registry.db"][1])
    page[8192:12288] = b"\xff" * 4096
    cases.append(("a damaged registry", made(inside, change=with_data("registry.db", bytes(page))), "registry.db: "))
    cases.append(("a CA without a root", made(inside, change=lambda parts: parts.pop("ca/root.crt")), "ca/root.crt"))
    cases.append(("another CA's key", made(inside, change=lambda parts: parts.__setitem__("ca/issuing.key", parts["ca/root.key"])),
                  "issuing.key"))
    for name, data, why in cases:
        wrong = damaged(box, data, why, name, want)
        tap.ok(not wrong, f"restore: {name}: refused, nothing is changed", wrong)
    other = box.path("other")
    box.put(other, "another passphrase 8 words\n", 0o600)
    done = box.restore(box.out, "--passphrase-file", other)
    tap.ok(done.returncode == 1 and b": not this passphrase; nothing was changed" in done.stderr and box.tree() == want and
           not left_over(box), "restore: another passphrase: refused, nothing is changed", done)
    path = box.path("python.tar")
    with open(path, "wb") as out:
        out.write(made(inside))
    done = box.restore(path, "--passphrase-file", box.passphrase)
    tap.ok(not done.returncode, "restore: one that Python's tarfile made, of the same files, is as good", done)


def same(box, old, new, path):
    """The old one, the new one, or neither."""
    got = box.tree().get(path)
    return (["old"] if got == old.get(path) else []) + (["new"] if got == new.get(path) else [])


def failing(box):
    """A restore of which one step cannot be done is taken back as a whole."""
    before = box.tree()
    aside = box.path("aside.db")
    os.rename(box.registry, aside)
    os.mkdir(box.registry)  # which no registry can take the place of
    without = {path: entry for path, entry in before.items() if path != box.registry}
    done = box.restore(box.out, "--without-keys")
    got = {path: entry for path, entry in box.tree().items() if path != box.registry}
    tap.ok(done.returncode == 1 and got == without and not left_over(box),
           "restore: the registry cannot be replaced: everything is as it was", f"{done} {left_over(box)}")
    os.rmdir(box.registry)
    os.rename(aside, box.registry)


def try_killed(box, step):
    """A restore that is killed before its nth step; was it?"""
    done = box.restore(box.out, "--passphrase-file", box.passphrase,
                       env={**os.environ, "LD_PRELOAD": DIE, "DIE_AT": str(step)})
    return done.returncode == -signal.SIGKILL


def sweep(box):
    """What restores have kept is of no more use."""
    for path in glob.glob(box.path("**/*.before-*"), recursive=True):
        shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)


def count_steps(box):
    """How many steps a restore has that a disk sees."""
    low, high = 1, MOST
    while low < high:
        middle = (low + high) // 2
        if try_killed(box, middle):
            low = middle + 1
        else:
            high = middle
    return low - 1


def killed(box):
    """Killed before some of its steps: every file is the old one or the new one, and the next restore does all of it."""
    new = box.tree()
    change = {box.policy: POLICY.replace("observe", "enforce"), os.path.join(box.state, "state"): json.dumps(
        {**STATE, "devices": []})}
    steps = count_steps(box)
    wrong, seen = [], set()
    for step in sorted(rng.sample(range(1, steps + 1), min(KILLS, steps))):
        for path, text in change.items():
            box.put(path, text, 0o600)
        shutil.rmtree(box.ca)
        os.mkdir(box.ca)  # with nothing in it that the restore could take over
        old = box.tree()
        try_killed(box, step)
        for path in (box.policy, os.path.join(box.state, "state"), os.path.join(box.ca, "issuing.key"), box.registry):
            found = same(box, old, new, path)
            seen.update(found)
            wrong += [] if found else [f"step {step}: {path} is neither"]
        again = box.restore(box.out, "--passphrase-file", box.passphrase)
        got = box.tree()
        bad = [path for path in new if got.get(path) != new[path]]
        if again.returncode or bad or left_over(box):
            wrong.append(f"step {step}: the next one: {again} {bad} {left_over(box)}")
        sweep(box)
    tap.ok(20 < steps < MOST - 1 and not wrong and seen == {"old", "new"},
           f"restore: killed before {KILLS} of {steps} steps: each file is the old or the new one, and the next restore does it all",
           "\n".join(wrong[:5]))


def request_state(box, top=None):
    """Of the request that waits for its certificate: is it there, and its key?"""
    top = top or box.ca
    return (os.path.exists(os.path.join(top, "request", "request.pem")), holds_key(os.path.join(top, "request", "issuing.key")))


def asked(box, *more):
    """A request for the certificate of the next CA, or of the first."""
    must(CTL, "ca", "init", *more, "--csr-out", box.path("csr"), "--dir", box.ca)
    with open(box.path("ca", "request", "request.pem"), "rb") as f:
        return f.read()


def waiting(box):
    """A request whose key nobody has waits for ever, and keeps another from being made: it comes with its key, or not."""
    plain, keys = box.path("asked.tar"), box.path("asked-keys.tar")
    csr = asked(box, "--rollover")
    tap.ok(not box.backup(plain).returncode and "ca/request/issuing.key" not in members(plain), "a request waits: backup, without its key")
    tap.ok(not box.backup(keys, "--with-keys", "--passphrase-file", box.passphrase).returncode, "and with it")
    done = box.restore(plain)
    tap.ok(not done.returncode and request_state(box) == (True, True) and b"request" not in done.stdout,
           "restore, without keys: that of the same request stays", f"{done} {request_state(box)}")
    shutil.rmtree(box.path("ca", "request"))
    for which, words in ((plain, ()), (keys, ("--without-keys",))):
        sweep(box)
        done = box.restore(which, *words)
        tap.ok(not done.returncode and b"ca init --rollover --csr-out" in done.stdout and not os.path.exists(box.path("ca", "request")),
               "restore, of a request whose key is gone: it is left out, and that is said", f"{done} {request_state(box)}")
    other = asked(box, "--rollover")
    sweep(box)
    done = box.restore(plain)
    before = glob.glob(box.ca + ".before-*")
    tap.ok(not done.returncode and not os.path.exists(box.path("ca", "request")) and len(before) == 1 and
           request_state(box, before[0]) == (True, True) and other != csr,
           "restore, with another request there: its key is kept with the CA as it was, and nowhere else", f"{done} {before}")
    tap.ok(asked(box, "--rollover") != other, "and another can be made")
    done = box.restore(keys, "--passphrase-file", box.passphrase)
    with open(box.path("ca", "request", "request.pem"), "rb") as f:
        tap.ok(not done.returncode and request_state(box) == (True, True) and f.read() == csr,
               "restore, with keys: request and key are back", f"{done} {request_state(box)}")
    sweep(box)


def waiting_first(box):
    """A CA that has nothing but a request."""
    plain = box.path("first.tar")
    shutil.rmtree(box.ca)
    asked(box, "--name", "First")
    tap.ok(not box.backup(plain).returncode, "a CA that waits for its first certificate: backup, without its key")
    done = box.restore(plain)
    tap.ok(not done.returncode and request_state(box) == (True, True), "restore: that of the same request stays", done)
    shutil.rmtree(box.ca)
    done = box.restore(plain)
    tap.ok(not done.returncode and b"ca init --csr-out" in done.stdout and not os.path.exists(box.ca) and not left_over(box) and
           b"\nca, " not in done.stdout and b"no issuing.key" not in done.stdout,
           "restore, on a disk without it: there is no CA, and that is said", done)
    asked(box, "--name", "First")
    sweep(box)


def main():
    """Make one, put it back, break it."""
    tap.say(f"SEED={SEED}")
    with Box() as box:
        fill(box)
        inside = look(box)
        bad_backups(box)
        round_trip(box)
        want = box.tree()
        flips(box, want)
        hostile(box, inside, want)
        failing(box)
        sweep(box)
        killed(box)
        since(box)
        in_force(box)
        sweep(box)
        must(CTL, "ca", "init", "--rollover", "--activate", "--force", "1", "--dir", box.ca, "--registry", box.registry)
        waiting(box)
        waiting_first(box)
    tap.done()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A front that lies to the real agent and signer (liar.c): what it cannot get, and what it can.

    liar == agent -- signer      the pipe is the real one; the liar says who asks, from where, and for what

Everything that it says of a device is true as far as a broken front knows it: serial number and fingerprint of the
certificate, the address. It never has the device's key.
"""
import base64
import hashlib
import os
import ssl
import subprocess
import time

from gateway import (CTL, EST, PKCS10, WAIT, Gateway, Tap, ask, certificate, ctl, enroll, must, new_csr, new_key, renew,
                     serial, until)
from kernel import FirmwareGateway

tap = Tap()
LIAR = os.path.join(os.path.dirname(CTL), "serve", "liar")
OPS = {"enroll": 1, "renew": 2, "checkin": 3, "server": 6, "operator": 23, "quarantine": 24, "release": 25, "acknowledge": 26}
CONTEXT = b"Cordon: request for another key\0"


class Liar(FirmwareGateway):
    """A server whose front does what it is told."""

    def __init__(self):
        super().__init__()
        self.program = LIAR

    def must_start(self):
        """Start it; it listens nowhere."""
        with open(self.log, "a", encoding="ascii") as log:
            self.process = subprocess.Popen(
                [self.program, "serve", "--foreground", "--json", "--config", self.config], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=log, env={**os.environ, **self.environment,
                                                         "NOTIFY_SOCKET": self.path("notify")}, text=True)
        self.manager.settimeout(WAIT)
        if self.manager.recv(64) != b"READY=1":
            raise RuntimeError(self.logged())
        return self

    def stop(self):
        """Its input ends."""
        if self.process and self.process.poll() is None:
            self.process.stdin.close()
            self.process.wait(WAIT)

    def say(self, op, address="", **words):
        """One request: (status, seconds until another try, certificate, why)."""
        words["op"] = OPS.get(op, op)
        if address:
            words["peer"] = (bytes(10) + b"\xff\xff" + bytes(int(part) for part in address.split("."))).hex()
        line = " ".join(f"{k}={v.hex() if isinstance(v, bytes) else v}" for k, v in words.items())
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        status, retry, _, der, why = self.process.stdout.readline().rstrip("\n").split(" ", 4)
        return int(status), int(retry), b"" if der == "-" else bytes.fromhex(der), why


class Victim:
    """A device that enrolled by this front, while that was still honest."""

    def __init__(self, gw, name, number, kind="P-256"):
        self.gw, self.name = gw, name
        self.mac, self.address = f"02:00:00:00:77:{number:02x}", f"127.0.77.{number}"
        gw.kernel.add(name, self.mac, self.address)
        self.key = new_key(gw, name, kind)
        got = gw.say("enroll", self.address, name=name, secret=gw.token(name, self.mac), csr=new_csr(self.key))
        if got[0] != 200:
            raise RuntimeError(got)
        self.use(got[2])

    def use(self, der):
        """The certificate that it has from now on."""
        self.cert = self.gw.path(self.name + ".crt")
        with open(self.cert, "w", encoding="ascii") as out:
            out.write(ssl.DER_cert_to_PEM_cert(der))
        self.public = {"serial": serial(self.cert), "fingerprint": hashlib.sha256(der).digest()}

    def renew(self, csr, **more):
        """What front says of it, and a request."""
        return self.gw.say("renew", more.pop("address", self.address), csr=csr, **self.public, **more)


def sign(key, data, gw):
    """A signature by a key, as openssl makes it."""
    path = gw.path("to-sign")
    with open(path, "wb") as out:
        out.write(data)
    text = must("openssl", "pkey", "-in", key, "-noout", "-text")
    digest = ["-rawin"] if b"ED25519" in text.upper() else ["-rawin", "-digest", "sha384" if b"P-384" in text else "sha256"]
    return must("openssl", "pkeyutl", "-sign", "-inkey", key, "-in", path, *digest)


def counted(gw, reason, ask):
    """What ask() gives, and how often it was counted as refused for that reason."""
    before = gw.counters()
    got = ask()
    after = gw.counters()
    return got, after[reason] - before[reason]


def refused(gw, name, status, reason, ask, why=""):
    """Refused, counted once, nothing issued, and said in the log."""
    issued = gw.query("SELECT count(*) FROM certificate WHERE state IN (1, 2)")
    got, times = counted(gw, reason, ask)
    tap.ok((got[0], got[2], times) == (status, b"", 1) and why in got[3] and
           gw.query("SELECT count(*) FROM certificate WHERE state IN (1, 2)") == issued, name, (got, times))


def granted(name, got):
    """The control: it is no deny for everybody."""
    return tap.ok(got[0] == 200 and not got[3], name, got)


def another_key(gw, policy):
    """A certificate for the device's name, and the liar's key."""
    cam = Victim(gw, f"cam-{policy}", 1 + 100 * (policy == "any"))
    own = new_key(gw, "liar")
    csr, bound = new_csr(own), new_csr(own, f"/CN={cam.name}")
    if policy == "signed":
        refused(gw, "signed: another key, on front's word", 403, "rekey", lambda: cam.renew(csr), "is signed")
    for what, proof in (("of the new key", sign(own, CONTEXT + csr, gw)),
                        ("of the old key over another request", sign(cam.key, CONTEXT + bound, gw)),
                        ("of the old key without what says what for", sign(cam.key, csr, gw)),
                        ("of the old key over nothing", sign(cam.key, CONTEXT, gw)),
                        ("that is none", b"\x30\x00"), ("of zeros", bytes(72))):
        refused(gw, f"{policy}: another key with a signature {what}", 403, "rekey",
                lambda proof=proof: cam.renew(csr, proof=proof), "not the old key's")
    # The self-signature of a request of the old key, with the new key put in its place.
    old = new_csr(cam.key)
    bent = old.replace(spki(cam.key), spki(own))
    tap.ok(bent != old, f"{policy}: a request with another key put into it")
    swapped = cam.renew(bent, proof=sign(cam.key, CONTEXT + bent, gw))
    tap.ok(swapped[0] == 400 and not swapped[2], f"{policy}: that the old key signed, and the new one did not: refused", swapped)
    granted(f"{policy}: control: the same key needs no more than its request", cam.renew(new_csr(cam.key)))
    fresh = new_key(gw, "fresh")
    csr = new_csr(fresh)
    got = cam.renew(csr, proof=sign(cam.key, CONTEXT + csr, gw))
    granted(f"{policy}: control: another key with the old key's signature", got)
    tap.equal(f"{policy}: which is no unsigned one", 0, gw.counters()["rekey_unsigned"])
    granted(f"{policy}: control: the answer got lost: the new key again, by the old certificate", cam.renew(csr))
    for kind in ("P-384", "Ed25519"):
        other = Victim(gw, f"cam-{policy}-{kind.lower()}", (2 if kind == "P-384" else 3) + 100 * (policy == "any"), kind)
        granted(f"{policy}: control: an old key of {kind}", other.renew(csr, proof=sign(other.key, CONTEXT + csr, gw)))


def spki(key):
    """A public key, DER."""
    return must("openssl", "pkey", "-in", key, "-pubout", "-outform", "DER")


def once_in_a_while(gw):
    """The default: a foreign client's re-key, which only TLS proves."""
    cam = Victim(gw, "foreign", 150)
    csr, again = new_csr(new_key(gw, "one")), new_csr(new_key(gw, "two"))
    before = gw.counters()["rekey_unsigned"]
    got = cam.renew(csr)
    granted("any: another key on front's word: once", got)
    tap.equal("any: counted", before + 1, gw.counters()["rekey_unsigned"])
    line = until(lambda: [x for x in gw.logged().splitlines() if "re-keyed without the old key's signature" in x], 5)
    tap.ok(len(line) == 1 and '"foreign"' in line[0] and cam.public["serial"].hex() in line[0] and cam.address in line[0],
           "any: and an audit line: who, which certificates, from where", line)
    refused(gw, "any: not twice", 429, "rekey", lambda: cam.renew(again), "the last one was")
    tap.ok(0 < cam.renew(again)[1] <= 86400, "any: it is said when")
    granted("any: control: the same key again, its answer having been lost", cam.renew(csr))
    granted("any: control: the old key, in between", cam.renew(new_csr(cam.key)))
    with gw.database() as db:
        db.execute("UPDATE device SET rekeyed = ? WHERE name = 'foreign'", (int(time.time()) - 86401,))
    granted("any: a day later, once more", cam.renew(again))
    with gw.database() as db:
        db.execute("UPDATE device SET rekeyed = ? WHERE name = 'foreign'", (int(time.time()) + 10 ** 6,))
    granted("any: a clock that was ahead then locks nobody out", cam.renew(new_csr(new_key(gw, "three"))))
    gw.stop()
    gw.must_start()
    refused(gw, "any: nor does a restart make it forget", 429, "rekey", lambda: cam.renew(new_csr(new_key(gw, "four"))))


def elsewhere(gw):
    """A lease, or a certificate, for a device that is elsewhere."""
    here, there = Victim(gw, "here", 160), Victim(gw, "there", 161)

    def lease(who, address, ifindex=2):
        return gw.say("checkin", address, ifindex=ifindex, **who.public)
    for what, address, reason in (("at another device's address", there.address, "wrong_address"),
                                  ("at an address of nobody's", "127.0.99.99", "wrong_address"),
                                  ("without an address", "", "wrong_address")):
        refused(gw, f"a lease {what}", 403, reason, lambda address=address: lease(here, address))
    refused(gw, "a lease by one's serial and another's fingerprint", 403, "certificate_unknown",
            lambda: gw.say("checkin", here.address, ifindex=2, serial=here.public["serial"], fingerprint=there.public["fingerprint"]))
    refused(gw, "a lease by a serial that was never given", 403, "certificate_unknown",
            lambda: gw.say("checkin", here.address, ifindex=2, serial=bytes(16), fingerprint=here.public["fingerprint"]))
    refused(gw, "a lease that is to hold on every port", 403, "wrong_address", lambda: lease(here, here.address, 0))
    refused(gw, "a renewal at another device's address", 403, "wrong_address",
            lambda: here.renew(new_csr(here.key), address=there.address))
    refused(gw, "a renewal at an address of nobody's", 403, "remote",
            lambda: here.renew(new_csr(here.key), address="127.0.99.99"))
    granted("control: a lease at the device's own address", lease(here, here.address))
    granted("control: a renewal at the device's own address", here.renew(new_csr(here.key)))
    tap.ok(until(lambda: gw.logged().count('"checked in"') == 1, 5), "what it can claim is seen: a line for each check-in")
    must(CTL, "ca", "revoke", here.public["serial"].hex(), "--dir", gw.ca, "--registry", gw.registry)
    refused(gw, "a lease by a certificate that is revoked", 403, "certificate_revoked", lambda: lease(here, here.address))


def names(gw):
    """A name of the server's, or another device's."""
    own = new_key(gw, "server")
    for what, subject, more in (("a name", "/CN=bank.example", ()),
                                ("alternative names", "/", ("-addext", "subjectAltName=DNS:bank.example")),
                                ("a device's", "/", ("-addext", "subjectAltName=URI:urn:dev:mac:020000fffe007701"))):
        refused(gw, f"a server certificate: its request has {what}", 400, "bad_csr",
                lambda subject=subject, more=more: gw.say("server", csr=new_csr(own, subject, *more)), "the configuration's")
    got = gw.say("server", csr=new_csr(own))
    granted("control: the server's own", got)
    tap.ok(until(lambda: gw.logged().count('"server certificate issued"') == 1, 5), "and it is seen: a line in the log")
    with open(gw.path("server.crt"), "w", encoding="ascii") as out:
        out.write(ssl.DER_cert_to_PEM_cert(got[2]))
    text = must("openssl", "x509", "-in", gw.path("server.crt"), "-noout", "-ext", "subjectAltName,extendedKeyUsage").decode()
    tap.ok("gateway.test" in text and "bank.example" not in text and "Code Signing" not in text and "Client" not in text,
           "which has the configuration's names, and no other purpose", text)
    cam, other = Victim(gw, "cam-name", 170), Victim(gw, "other-name", 171)
    for what, subject, more in (("another device's name", "/CN=other-name", ()),
                                ("the server's name", "/", ("-addext", "subjectAltName=DNS:gateway.test")),
                                ("another device's URN", "/", ("-addext", "subjectAltName=URI:urn:dev:mac:020000fffe0077ab")),
                                ("a CA's rights", "/", ("-addext", "basicConstraints=CA:TRUE"))):
        refused(gw, f"a renewal with {what}", 400, "bad_csr",
                lambda subject=subject, more=more: cam.renew(new_csr(cam.key, subject, *more)))
    granted("control: with its own name", cam.renew(new_csr(cam.key, "/CN=cam-name")))
    refused(gw, "an enrolment without a token", 401, "bad_token",
            lambda: gw.say("enroll", other.address, name="other-name", secret="guess", csr=new_csr(own)))


def honest(policy):
    """The real front: our own client, which signs with the old key, and a foreign one, which does not."""
    with Gateway(rekey=policy) as gw:
        gw.must_start()
        home, url = gw.path("home"), f"https://localhost:{gw.port}"
        token = gw.path("token")
        with open(token, "w", encoding="ascii") as out:
            out.write(gw.token("own", "02:00:00:00:78:01"))
        os.chmod(token, 0o600)
        must(CTL, "enroll", "--server", url, "--name", "own", "--token-file", token, "--out", home, "--ca",
             os.path.join(gw.ca, "root.crt"))
        for _ in range(2):
            done = ctl("renew", "--server", url, "--dir", home, "--rekey")
            tap.ok(not done.returncode, f"{policy}: cordonctl renew --rekey, again and again", done.stderr.decode())
        tap.equal(f"{policy}: and none of it on front's word", 0, gw.counters()["rekey_unsigned"])
        key = new_key(gw, "foreign")
        cert = certificate(gw, enroll(gw, "foreign", gw.token("foreign", "02:00:00:00:78:02"), new_csr(key)), "foreign")
        got, times = counted(gw, "rekey", lambda: renew(gw, cert, key, new_csr(new_key(gw, "next"))))
        tap.equal(f"{policy}: a foreign client's other key", (403, 1) if policy == "signed" else (200, 0), (got.status, times))
        csr = new_csr(new_key(gw, "later"))
        with open(gw.path("to-sign"), "wb") as out:
            out.write(CONTEXT + csr)
        proof = base64.b64encode(must("openssl", "dgst", "-sha256", "-sign", key, gw.path("to-sign"))).decode()
        for what, field, status in (("with curl and openssl, as devices.md has it", proof, 200),
                                    ("with a field that is no base64", "*", 400), ("with an empty field", "", 400),
                                    ("with too long a field", "A" * 400, 400)):
            got = ask(gw, "POST", EST + "simplereenroll", [PKCS10, ("Cordon-Rekey-Proof", field)], base64.b64encode(csr),
                      context=gw.context(cert, key))
            tap.ok(got.status == status, f"{policy}: a foreign client's other key, {what}: {status}", got)
        got = renew(gw, cert, key, new_csr(key))
        tap.equal(f"{policy}: control: its own key", 200, got.status)


GRANTED = {"a device", "the server", "code signing for signer's key", "an offer"}


def forger():
    """An agent that lies to signer (forger.c)."""
    with Gateway() as gw:
        gw.program = os.path.join(os.path.dirname(CTL), "serve", "forger")
        done = subprocess.run([gw.program, "serve", "--foreground", "--config", gw.config], stdin=subprocess.DEVNULL,
                              capture_output=True, check=False, timeout=WAIT, text=True)
        said = [line.split(": ", 1) for line in done.stdout.splitlines()]
        tap.ok(len(said) == 16 and GRANTED < {what for what, _ in said}, "forger: signer has answered all of it", done)
        for what, answer in said:
            tap.ok(answer == "granted" if what in GRANTED else answer.startswith("refused: ") and len(answer) > 9,
                   f"forger: {'control: ' * (what in GRANTED)}{what}: {answer}", done.stderr)


def operators(gw):
    """An operator's certificate, which front has seen: it is no device's, and what operators do is not front's to ask for."""
    must(CTL, "ca", "operator", "alice", "--dir", gw.ca, "--registry", gw.registry, "--out", gw.dir)
    with open(gw.path("alice.crt"), encoding="ascii") as f:
        der = ssl.PEM_cert_to_DER_cert("-----BEGIN" + f.read().split("-----BEGIN")[1])
    public = {"serial": serial(gw.path("alice.crt")), "fingerprint": hashlib.sha256(der).digest()}
    victim = Victim(gw, "held", 60)
    refused(gw, "a lease by an operator's certificate", 403, "certificate_foreign",
            lambda: gw.say("checkin", victim.address, ifindex=1, **public), "not a device's")
    refused(gw, "a renewal of an operator's certificate", 403, "certificate_foreign",
            lambda: gw.say("renew", victim.address, csr=new_csr(victim.key), **public), "not a device's")
    gw.kernel.change("held", quarantined=1)
    for what in ("operator", "quarantine", "release", "acknowledge"):
        refused(gw, f"front asks as page does: {what}", 500, "bad_request",
                lambda what=what: gw.say(what, victim.address, detail=victim.mac, number=1, **public), "no such request")
    tap.equal("front releases nobody", 1, gw.kernel.fields("held")[1][4])


def main():
    """By each of both policies; what does not depend on them, once."""
    with Liar() as gw:
        gw.est["rekey"] = "signed"
        gw.write_config()
        gw.must_start()
        another_key(gw, "signed")
        elsewhere(gw)
        names(gw)
        operators(gw)
    with Liar() as gw:
        gw.must_start()
        another_key(gw, "any")
        once_in_a_while(gw)
    for policy in ("signed", "any"):
        honest(policy)
    forger()
    tap.done()


if __name__ == "__main__":
    main()

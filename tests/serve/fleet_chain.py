#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Two gateways, each with an issuing CA of its own below one root. No etcd: issuers.pem is written by hand, and where a
certificate is to be given, a liar plays cordon-fleet.

    Test root CA (at A) -+- Test issuing CA -- A's server, and the devices that enrol there
                         +- gw-b issuing CA -- B's server (constrained to its names), which A's devices come to
"""
import json
import os
import shutil

from fleet_gateway import REPLICA, Liar
from gateway import CTL, Gateway, Tap, certificate, ctl, enroll, hold_port, must, new_csr, new_key, renew, run, until

tap = Tap()
NOBODY = "http://127.0.0.1:1"
MANY = 40  # issuers: more than clients are told of


class Member(Gateway):
    """A gateway of a fleet, whose issuing CA another one's root has certified."""

    def __init__(self, root, name):
        self.name = name
        super().__init__()
        self.held.append(hold_port())
        self.status = self.held[-1].getsockname()[1]
        shutil.rmtree(self.ca)
        self.signed(root, self.ca, name, *self.names)
        self.issuers = self.path("fleet", "issuers.pem")
        os.mkdir(self.path("fleet"))
        os.chmod(self.path("fleet"), 0o755)
        self.join()

    def signed(self, root, where, name, *names):
        """Make an issuing CA: its certificate."""
        csr, chain = where + ".csr", where + ".pem"
        must(CTL, "ca", "init", "--dir", where, "--csr-out", csr, "--name", name)
        words = [word for one in names for word in ("--server-name", one)]
        must(CTL, "ca", "sign-issuing", csr, "--gateway", name, "--dir", root, "--out", chain, *words)
        must(CTL, "ca", "import", chain, "--dir", where)
        return os.path.join(where, "issuing.crt")

    def join(self):
        """serve.yaml of a fleet."""
        self.fleet = {"etcd": [NOBODY], "gateway": self.name, "directory": self.path("fleet"), "run": self.path("fleet")}
        self.write_config(f'status: {{listen: "127.0.0.1:{self.status}"}}\n')

    def put(self, *paths, cut=None):
        """issuers.pem, as cordon-fleet puts it: a whole one in place of another."""
        text = "".join(open(path, encoding="ascii").read() for path in paths)
        with open(self.issuers + ".new", "w", encoding="ascii") as out:
            out.write(text[:cut])
        os.chmod(self.issuers + ".new", 0o644)
        os.rename(self.issuers + ".new", self.issuers)

    def lines(self, event):
        """What was logged under a name."""
        return [line for line in self.logged().splitlines() if event in line]

    def put_and_wait(self, event, *paths, cut=None):
        """Until front has said what it makes of it; what it said."""
        before = len(self.lines(event))
        self.put(*paths, cut=cut)
        until(lambda: len(self.lines(event)) > before)
        return self.lines(event)[-1] if len(self.lines(event)) > before else ""


def verdict(gw, cert, key):
    """Why a renewal is refused, by the counter that goes up; or its status."""
    before = gw.counters()
    got = renew(gw, cert, key, new_csr(key), source="127.0.0.1")
    after = gw.counters()
    up = [name for name in after if after[name] > before.get(name, 0) and name.startswith("certificate_")]
    return up[0] if up else got.status


def constraints(gw, root):
    """What B's issuing CA may certify, as OpenSSL and GnuTLS see it."""
    issuing = os.path.join(gw.ca, "issuing.crt")
    text = must("openssl", "x509", "-in", issuing, "-noout", "-text").decode()
    tap.ok("CA:TRUE, pathlen:0" in text and "Name Constraints: critical" in text and "gw-b issuing CA" in text and
           "DNS:gateway.test" in text, "an issuing certificate: path length 0, constrained, its gateway's name", text)
    key = new_key(gw, "server")
    for name, good in (("gateway.test", True), ("evil.test", False)):
        with open(gw.path("ext"), "w", encoding="ascii") as out:
            out.write(f"subjectAltName=DNS:{name}\nextendedKeyUsage=serverAuth\n")
        must("openssl", "req", "-new", "-key", key, "-subj", f"/CN={name}", "-out", gw.path("server.csr"))
        must("openssl", "x509", "-req", "-in", gw.path("server.csr"), "-CA", issuing, "-CAkey",
             os.path.join(gw.ca, "issuing.key"), "-CAcreateserial", "-days", "5", "-extfile", gw.path("ext"), "-out",
             gw.path("server.crt"))
        leads(f"a server certificate for {name}", gw, gw.path("server.crt"), root, good)


def leads(what, gw, cert, root, good):
    """OpenSSL and GnuTLS agree on a certificate."""
    issuing = os.path.join(gw.ca, "issuing.crt")
    done = run("openssl", "verify", "-x509_strict", "-CAfile", root, "-untrusted", issuing, cert)
    tap.ok(bool(done.returncode) != good, f"{what}: openssl verify {'takes' if good else 'refuses'} it", done)
    with open(gw.path("chain"), "w", encoding="ascii") as out:
        out.write(must("openssl", "x509", "-in", cert).decode() + open(issuing, encoding="ascii").read())
    done = run("certtool", "--verify", "--load-ca-certificate", root, "--infile", gw.path("chain"))
    tap.ok(bool(done.returncode) != good, f"{what}: certtool --verify likewise", done)


def refusals(a, b):
    """Requests that are not signed."""
    csr, root = b.ca + ".csr", a.ca
    other = b.path("other.csr")
    must("openssl", "req", "-new", "-key", new_key(b, "other"), "-subj", "/", "-out", other)
    for name, why, *words in (
            ("no name of a server", b"the request asks for none", other, "--gateway", "x"),
            ("no DNS name", b"no DNS name", csr, "--gateway", "x", "--server-name", "10.0.0.1"),
            ("a gateway without a name", b"empty", csr, "--gateway", ""),
            ("the root's own key", b"must be another", b.path("own.csr"), "--gateway", "x", "--server-name", "x.test"),
            ("another root's key", b"not this certificate's", csr, "--gateway", "x", "--server-name", "x.test", "--root-key",
             b.path("other.key")),
            ("no request", b"", root + "/root.crt", "--gateway", "x", "--server-name", "x.test")):
        must("openssl", "req", "-new", "-key", os.path.join(root, "root.key"), "-subj", "/", "-out", b.path("own.csr"))
        done = ctl("ca", "sign-issuing", *words, "--dir", root, "--out", b.path("never"))
        tap.ok(done.returncode and why in done.stderr and not os.path.exists(b.path("never")),
               f"sign-issuing: {name}: refused", done)


def comes_and_goes(a, b, cam):
    """Issuers are taken and forgotten while the server runs."""
    pid = b.process.pid
    own, others = os.path.join(b.ca, "issuing.crt"), os.path.join(a.ca, "issuing.crt")
    tap.equal("no issuers.pem: a device of A's is foreign at B", "certificate_foreign", verdict(b, *cam))
    said = b.put_and_wait("issuers of the fleet", own, others)
    tap.ok('"taken":"2"' in said and '"left_out":"0"' in said, "A's issuer comes: taken without a restart", said)
    tap.equal("a device of A's is let through, and refused by the registry", "certificate_unknown", verdict(b, *cam))
    with Gateway() as c:
        c.must_start()
        key = new_key(c, "thief")
        thief = certificate(c, enroll(c, "thief", c.token("thief", "02:00:00:00:00:09"), new_csr(key)), "thief"), key
        tap.equal("another root's device is foreign", "certificate_foreign", verdict(b, *thief))
        said = b.put_and_wait("issuers of the fleet", own, others, os.path.join(c.ca, "issuing.crt"),
                              os.path.join(c.ca, "root.crt"), os.path.join(a.ca, "root.crt"), cam[0])
        tap.ok('"taken":"2"' in said and '"left_out":"4"' in said and "does not lead to it" in said,
               "another root's issuer, that root, ours, and a device's certificate: left out, and told", said)
        tap.equal("its device stays foreign", "certificate_foreign", verdict(b, *thief))
        tap.equal("A's stays let through", "certificate_unknown", verdict(b, *cam))
    for name, cut, paths in (("cut off", -30, (own, others)), ("empty", 0, (own,)), ("a key", None, (own, cam[1])),
                             ("words", None, (b.config,))):
        said = b.put_and_wait("what held before holds", *paths, cut=cut)
        tap.ok("issuers.pem" in said, f"issuers.pem, {name}: told", said)
        tap.equal(f"issuers.pem, {name}: what held before holds", "certificate_unknown", verdict(b, *cam))
    os.remove(b.issuers)
    b.put_and_wait("issuers of the fleet", own)
    tap.equal("A's issuer goes: its devices are foreign", "certificate_foreign", verdict(b, *cam))
    tap.ok(b.process.pid == pid and b.process.poll() is None, "and the server has run all the while")


def many(a, b, cam):
    """As many issuers as a handshake should not name."""
    own, others = os.path.join(b.ca, "issuing.crt"), os.path.join(a.ca, "issuing.crt")
    names = ["openssl", "s_client", "-connect", f"127.0.0.1:{b.port}", "-CAfile", os.path.join(a.ca, "root.crt")]
    b.put_and_wait("issuers of the fleet", own, others)
    said = run(*names, input=b"").stdout.decode()
    tap.ok("gw-b issuing CA" in said and "Test issuing CA" in said, "of few issuers clients are told the names", said[-1500:])
    certs = [b.signed(a.ca, b.path(f"gw-{i}"), f"gw-{i}", f"gw-{i}.test") for i in range(MANY)]
    said = b.put_and_wait("issuers of the fleet", own, others, *certs)
    tap.ok(f'"taken":"{MANY + 2}"' in said, "many are taken", said)
    said = run(*names, input=b"").stdout.decode()
    tap.ok("No client certificate CA names sent" in said, "of many, none", said[-1500:])
    found = []
    for i in range(0, MANY, 7):
        must(CTL, "ca", "issue", f"dev{i}", "--mac", f"02:00:00:00:01:{i:02x}", "--dir", b.path(f"gw-{i}"), "--registry",
             b.path(f"gw-{i}.db"), "--out", b.path("devices"))
        found.append(verdict(b, b.path("devices", f"dev{i}.crt"), b.path("devices", f"dev{i}.key")))
    tap.equal("devices of any of them are let through", ["certificate_unknown"] * len(found), found)
    tap.equal("and A's", "certificate_unknown", verdict(b, *cam))
    b.put_and_wait("issuers of the fleet", own, *certs)
    tap.equal("but A's no more when that is left out", "certificate_foreign", verdict(b, *cam))


def ocsp(b, issuer, root, *words):
    """What B says of a certificate's status."""
    done = run("openssl", "ocsp", "-issuer", issuer, *words, "-url", f"http://127.0.0.1:{b.status}/ocsp", "-CAfile", root)
    return done.stdout.decode() + done.stderr.decode()


def device(a, b, cam):
    """A device that goes from A to B with what it has: with a registry that both know it by."""
    root, here = os.path.join(a.ca, "root.crt"), b.path("device")
    own, others = os.path.join(b.ca, "issuing.crt"), os.path.join(a.ca, "issuing.crt")
    os.mkdir(here)
    for source, name in ((cam[0], "device.crt"), (cam[1], "device.key"), (root, "ca.crt")):
        shutil.copy(source, os.path.join(here, name))
    os.chmod(os.path.join(here, "device.key"), 0o600)
    b.put_and_wait("issuers of the fleet", own, others)
    words = ("renew", "--server", f"https://localhost:{b.port}", "--dir", here)
    done = ctl(*words)
    tap.ok(done.returncode and b"does not know the certificate" in done.stderr,
           "cordonctl renew trusts B's server by the root, and is refused by the registry alone", done)
    said = ocsp(b, others, root, "-cert", cam[0])
    tap.ok("unauthorized" in said, "OCSP at B for A's issuer: unauthorized", said)
    a.stop()
    b.stop()
    shutil.copy(a.registry, b.registry)
    must(REPLICA, b.registry, "join", b.name)
    liar = Liar(b)
    b.must_start()
    until(lambda: json.loads(ctl("serve", "--status", "--config", b.config, "--json").stdout)["fleet"]["reachable"])
    until(lambda: len(b.lines("issuers of the fleet")))
    number = must("openssl", "x509", "-noout", "-serial", "-in", cam[0]).decode().strip().partition("=")[2]
    said = ocsp(b, own, root, "-serial", "0x" + number)
    tap.ok(": unknown" in said and ": good" not in said, "OCSP at B for its own issuer and A's serial number: unknown", said)
    done = ctl(*words)
    tap.ok(not done.returncode, "with A's registry: cordonctl renew at B with A's certificate", done)
    leads("the certificate that B gave it", b, os.path.join(here, "device.crt"), root, True)
    said = ocsp(b, own, root, "-cert", os.path.join(here, "device.crt"))
    tap.ok(": good" in said, "OCSP at B for what B gave: good", said)
    done = ctl(*words)
    tap.ok(not done.returncode, "and again, with B's", done)
    tap.equal("each asked for in the fleet", 2, len([q for q in liar.asked if q["do"] == "certify"]))
    liar.close()


def revoked(a, b, cam):
    """The root takes A's issuing certificate back."""
    own, others = os.path.join(b.ca, "issuing.crt"), os.path.join(a.ca, "issuing.crt")
    b.stop()
    must(CTL, "ca", "crl", "--root", "--revoke", others, "--reason", "cACompromise", "--dir", a.ca, "--out",
         os.path.join(b.ca, "root-crl.pem"))
    os.remove(b.issuers)
    b.must_start()
    said = b.put_and_wait("issuers of the fleet", own, others)
    tap.ok('"taken":"1"' in said and "revoked" in said, "revoked by the root: A's issuer is left out", said)
    tap.equal("and its devices are foreign", "certificate_foreign", verdict(b, *cam))


with Gateway() as at_a, Member(at_a.ca, "gw-b") as at_b:
    at_a.must_start()
    at_b.must_start()
    device_key = new_key(at_a, "cam")
    answer = enroll(at_a, "cam", at_a.token("cam", "02:00:00:00:00:01"), new_csr(device_key))
    camera = certificate(at_a, answer, "cam"), device_key
    constraints(at_b, os.path.join(at_a.ca, "root.crt"))
    refusals(at_a, at_b)
    comes_and_goes(at_a, at_b, camera)
    many(at_a, at_b, camera)
    device(at_a, at_b, camera)
    revoked(at_a, at_b, camera)
tap.done()

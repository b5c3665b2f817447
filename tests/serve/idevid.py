#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""First enrolment by the manufacturer's certificate: a made-up vendor, what is granted, and what each condition keeps out."""
import base64
import os
import shutil
import signal
import tempfile
import time

from gateway import (EST, PKCS10, Tap, ask, basic, certificate, checkin, ctl, enroll, must, new_csr, new_key, renew, run,
                     until)
from kernel import FAKE, FirmwareGateway

tap = Tap()
DAY = 86400
FOREVER = "99991231235959Z"  # RFC 5280, 4.1.2.5: no end
LEAF = ("basicConstraints=CA:FALSE", "authorityKeyIdentifier=keyid")
AUTHORITY = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign", "subjectKeyIdentifier=hash")


def day(offset):
    """As openssl takes it."""
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + offset * DAY))


class Vendor:
    """A manufacturer: a root, and one below it that signs for devices."""

    def __init__(self, gw, name):
        self.gw, self.name = gw, name
        self.root = self.make("root", f"/O={name}/CN={name} Root", AUTHORITY, None)
        self.issuing = self.make("issuing", f"/O={name}/CN={name} Devices", AUTHORITY, self.root)
        os.chmod(self.root[0], 0o644)

    def make(self, name, subject, extensions, issuer, start=-1.0, end=FOREVER, kind="P-256", ready=None):
        """A certificate: its file and its key's; issuer None, by itself."""
        name = f"{self.name}-{name}"
        key, work = ready or new_key(self.gw, name, kind), self.gw.path("vendor")
        os.makedirs(work, exist_ok=True)
        with open(os.path.join(work, "index"), "w", encoding="ascii"):
            pass
        with open(os.path.join(work, "cnf"), "w", encoding="ascii") as out:
            out.write(f"[ca]\ndefault_ca = d\n[d]\ndatabase = {work}/index\nnew_certs_dir = {work}\n"
                      f"default_md = sha256\nrand_serial = yes\npolicy = p\npreserve = yes\n[p]\norganizationName = optional\n"
                      f"commonName = optional\nserialNumber = optional\n[e]\n" + "\n".join(extensions) + "\n")
        csr, cert = self.gw.path(name + ".csr"), self.gw.path(name + ".crt")
        must("openssl", "req", "-new", "-key", key, "-subj", subject, "-out", csr)
        signer = ["-cert", issuer[0], "-keyfile", issuer[1]] if issuer else ["-selfsign", "-keyfile", key]
        must("openssl", "ca", "-batch", "-notext", "-config", os.path.join(work, "cnf"), "-extensions", "e", *signer,
             "-startdate", day(start), "-enddate", end, "-in", csr, "-out", cert)
        return cert, key

    def device(self, name, serial, extensions=LEAF, chain=None, issuer=None, subject=None, **more):
        """A device's: a file with its chain, and its key's."""
        subject = subject or f"/O={self.name}/CN={name}" + (f"/serialNumber={serial}" if serial else "")
        cert, key = self.make(name, subject, extensions, issuer or self.issuing, **more)
        with open(cert, "a", encoding="ascii") as out:
            for path in [self.issuing[0]] if chain is None else chain:
                with open(path, encoding="ascii") as other:
                    out.write(other.read())
        return cert, key


class Lan:
    """The gateway's devices: in the policy's file, and in the kernel."""

    def __init__(self, gw):
        self.gw, self.devices, self.file = gw, [], gw.path("policy.yaml")
        self.write()

    def write(self, more=""):
        """The policy's file."""
        with open(self.file + "~", "w", encoding="ascii") as out:
            out.write("version: 1\nports: [lan0]\nuplinks: [wan0]\nsegments: {iot_zone: {}}\ndevices:\n" + "".join(
                f"  - {{name: {name}, mac: \"{mac}\", network_segment: iot_zone, addresses: [{address}]{idevid}}}\n"
                for name, mac, address, idevid in self.devices) + more)
        os.chmod(self.file + "~", 0o644)
        os.replace(self.file + "~", self.file)

    def add(self, name, issuer=None, serial=None, kernel=True, address=None):
        """One more; its address on the loopback interface is what its clients bind to."""
        number = len(self.devices) + 1
        mac, at = f"02:00:00:00:77:{number:02x}", address or f"127.77.0.{number}"
        self.devices.append((name, mac, f"10.77.0.{number}",
                             f", idevid: {{issuer: {issuer}, serial: \"{serial}\"}}" if issuer else ""))
        self.write()
        if kernel:
            self.gw.kernel.add(name, mac, at)
            self.gw.kernel.commit()
        return at


def simple(gw, pair, csr, source, headers=()):
    """A first certificate for a manufacturer's."""
    return ask(gw, "POST", EST + "simpleenroll", [PKCS10, *headers], base64.b64encode(csr), context=gw.context(*pair),
               source=source)


def refused(gw, name, reason, status, why, call):
    """It is refused, says why, is counted once under its name, is a line of the log, and nothing is issued."""
    before, issued, since = gw.counters(), gw.issued(), len(gw.logged())
    got = call()
    tap.ok(got.status == status and why in got.why(), f"{name}: {status}, {why}", got)
    after = gw.counters()
    moved = {key: after[key] - before[key] for key in after if after[key] != before[key] and key != "connections"}
    tap.equal(f"{name}: counted as {reason}, nothing is issued", ({reason: 1}, issued), (moved, gw.issued()))
    tap.ok(f'"reason":"{reason}"' in gw.logged()[since:].replace('": "', '":"'), f"{name}: a line in the log",
           gw.logged()[since:])


def granted(gw, name, device, pair, source, subject="/"):
    """There is a certificate, and the device checks in with it; its file and its key's."""
    key = new_key(gw, device)
    before = gw.counters()["enrolment"]
    got = simple(gw, pair, new_csr(key, subject), source)
    if not tap.equal(f"allowed: {name}", (200, before + 1), (got.status, gw.counters()["enrolment"])):
        tap.say(got)
        return None
    cert = certificate(gw, got, device)
    tap.equal(f"allowed: {name}: it checks in", "Welcome IoT Device", checkin(gw, cert, key, source=source))
    until(lambda: gw.query("SELECT 1 FROM certificate WHERE name = ? AND state = 2", device))
    return cert, key


def kinds(gw, lan, acme):
    """What manufacturers' certificates look like."""
    for name, subject, more in (
            ("plain", "/", {}),
            ("named", "/CN=named", {}),
            ("rsa", "/", {"kind": "RSA"}),
            ("purpose", "/", {"extensions": (*LEAF, "extendedKeyUsage=clientAuth", "keyUsage=critical,digitalSignature")}),
            ("straight", "/", {"issuer": acme.root, "chain": []})):
        at = lan.add(name, "acme", f"SN {name}")
        granted(gw, f"{name}, without an end", name, acme.device(name, f"SN {name}", **more), at, subject)
    rows = gw.query("SELECT name, mac FROM certificate WHERE name = 'plain'")
    tap.equal("allowed: for the policy's name and MAC", [("plain", bytes.fromhex("020000007701"))], rows)
    tap.ok('"by": "idevid"' in gw.logged().replace('":"', '": "'), "allowed: the log says by what", gw.logged()[-400:])


def tool(gw, lan, acme):
    """cordonctl enroll, with nothing typed in."""
    lan.add("tool", "acme", "SN-tool", address="127.0.0.1")
    cert, key = acme.device("tool", "SN-tool")
    words = ["enroll", "--server", f"https://127.0.0.1:{gw.port}", "--ca", os.path.join(gw.ca, "root.crt"), "--out",
             gw.path("tool")]
    for name, more, status, said in (
            ("a key alone", ["--idevid-key", key], 2, b"--idevid-cert and --idevid-key come together"),
            ("a token as well", ["--idevid-key", key, "--idevid-cert", cert, "--token", "x"], 2, b"either a token or"),
            ("another's key", ["--idevid-key", acme.root[1], "--idevid-cert", cert], 1, b"not the key of the certificate"),
            ("no certificate", ["--idevid-key", key, "--idevid-cert", key], 1, b"no certificate in PEM"),
            ("cordonctl enroll", ["--idevid-key", key, "--idevid-cert", cert], 0, b"this device's key is SHA256:")):
        done = ctl(*words, *more)
        tap.ok(done.returncode == status and said in done.stderr, f"tool: {name}", done.stderr)
    tap.ok(done.stdout.startswith(b"enrolled: tool: "), "tool: for the device by that serial number", done.stdout)


def foreign(gw, lan, acme, other):
    """Certificates that are none of a manufacturer that is known, or not good."""
    at = lan.add("foreign", "acme", "SN-1")
    csr = new_csr(new_key(gw, "foreign"))
    between = acme.make("no-ca", "/O=acme/CN=no CA", LEAF, acme.issuing)
    deep = [acme.root]
    for i in range(6):
        deep.insert(0, acme.make(f"deep-{i}", f"/O=acme/CN=deep {i}", AUTHORITY, deep[0]))
    alone = acme.make("self", "/CN=self/serialNumber=SN-1", LEAF[:1], None)
    issuer, chain = "the manufacturer's certificate: unable to get local issuer certificate", []
    for name, reason, why, pair in (
            ("another vendor's", "idevid_foreign", issuer, other.device("w-vendor", "SN-1")),
            ("without its chain", "idevid_foreign", issuer, acme.device("w-chain", "SN-1", chain=chain)),
            ("signed by itself", "idevid_foreign", "self-signed", alone),
            ("below what is no CA", "idevid_foreign", "invalid CA", acme.device(
                "w-ca", "SN-1", issuer=between, chain=[between[0], acme.issuing[0]])),
            ("too long a chain", "idevid_foreign", "too long", acme.device(
                "w-deep", "SN-1", issuer=deep[0], chain=[pair[0] for pair in deep[:-1]])),
            ("a CA's own", "idevid_foreign", "a CA's, not a device's", acme.device("w-own", "SN-1", extensions=AUTHORITY)),
            ("for servers", "idevid_foreign", "for other purposes", acme.device(
                "w-eku", "SN-1", extensions=(*LEAF, "extendedKeyUsage=serverAuth"))),
            ("of a key for agreement", "idevid_foreign", "not for signatures", acme.device(
                "w-ku", "SN-1", extensions=(*LEAF, "keyUsage=critical,keyAgreement"))),
            ("without a serial number", "idevid_foreign", "has no serialNumber", acme.device("w-none", None)),
            ("with two", "idevid_foreign", "more than one serialNumber", acme.device(
                "w-two", None, subject="/O=acme/serialNumber=SN-1/serialNumber=SN-1")),
            ("expired", "idevid_expired", "has expired", acme.device("w-late", "SN-1", start=-30, end=day(-1))),
            ("not yet valid", "idevid_expired", "not yet valid", acme.device("w-soon", "SN-1", start=1)),
            ("of another serial number", "idevid_unknown", "no device with serial number 'SN-2'",
             acme.device("w-serial", "SN-2")),
            ("of the same in small letters", "idevid_unknown", "serial number 'sn-1'", acme.device("w-case", "sn-1"))):
        refused(gw, f"refused: {name}", reason, 403, why, lambda: simple(gw, pair, csr, at))
    refused(gw, "refused: no certificate at all", "bad_token", 401, "needs the device's name and its token", lambda: ask(
        gw, "POST", EST + "simpleenroll", [PKCS10], base64.b64encode(csr), source=at))
    granted(gw, "the right one, after all that", "foreign", acme.device("right", "SN-1"), at)


def rsa(gw, *options):
    """A key, of odd measures; its path."""
    key = gw.path("rsa.key")
    must("openssl", "genpkey", "-algorithm", "RSA", "-out", key,
         *(word for option in options for word in ("-pkeyopt", f"rsa_keygen_{option}")), timeout=300)
    return key


def costly(gw, lan, acme):
    """RSA keys whose signatures take long to check: whoever made them up need not be able to sign."""
    at = lan.add("costly", "acme", "SN-costly")
    csr = new_csr(new_key(gw, "costly-try"))
    for name, options in (("of more than 4096 bits", ("bits:4104",)),
                          ("with a large exponent", ("bits:2048", "pubexp:36893488147419103363"))):
        before = gw.counters()["tls_handshake"]
        got = simple(gw, acme.device("costly", "SN-costly", ready=rsa(gw, *options)), csr, at)
        tap.ok(not got.status and until(lambda wanted=before + 1: gw.counters()["tls_handshake"] == wanted),
               f"costly: RSA {name}: no handshake, and counted", got)
    granted(gw, "RSA of 4096 bits", "costly", acme.device("costly", "SN-costly", ready=rsa(gw, "bits:4096")), at)


def reload(gw, *vendors):
    """Read serve.yaml again, of which nothing is taken if it has a fault; how many it has."""
    since = gw.logged().count("reload")
    configure(gw, gw.lan, *vendors)
    gw.process.send_signal(signal.SIGHUP)
    until(lambda: gw.logged().count("reload") > since)
    # What comes behind it is answered when it is done.
    return ask(gw, "GET", "/cordon/v1/crl").status


def second(gw, lan, acme, other):
    """Two manufacturers: each for its own devices."""
    at = lan.add("second", "acme", "SN-9")
    mine, its, csr = acme.device("second", "SN-9"), other.device("second", "SN-9"), new_csr(new_key(gw, "second"))
    gw.lan = lan
    tap.equal("second: reload", 200, reload(gw, acme, other))
    refused(gw, "second: the same serial number of another manufacturer", "idevid_unknown", 403, "serial number 'SN-9'",
            lambda: simple(gw, its, csr, at))
    os.rename(other.root[0], other.root[0] + "~")
    reload(gw, acme, other)
    tap.ok("cannot use a manufacturer's roots" in gw.logged(), "second: reload: roots that are not there", gw.logged()[-500:])
    refused(gw, "second: then what held before holds", "idevid_unknown", 403, "serial number 'SN-9'",
            lambda: simple(gw, its, csr, at))
    os.rename(other.root[0] + "~", other.root[0])
    reload(gw, acme)
    refused(gw, "second: one that is taken out", "idevid_foreign", 403, "unable to get local issuer",
            lambda: simple(gw, its, csr, at))
    granted(gw, "of the manufacturer that the policy names", "second", mine, at)


def place(gw, lan, acme):
    """The same rules as for a token; and what the policy's file has to say."""
    other = Vendor(gw, "third").device("third", "SN-gone")
    at, mine = lan.add("place", "acme", "SN-place"), acme.device("place", "SN-place")
    there = lan.add("neighbour")
    csr = new_csr(new_key(gw, "place-try"))
    refused(gw, "place: a neighbour's address", "wrong_address", 403, "the address of neighbour",
            lambda: simple(gw, mine, csr, there))
    refused(gw, "place: no device's address", "remote", 403, "est.allow_remote is off",
            lambda: simple(gw, mine, csr, "127.99.0.1"))
    refused(gw, "place: a request for another's name", "bad_csr", 400, "", lambda: simple(
        gw, mine, new_csr(new_key(gw, "place-cn"), "/CN=neighbour"), at))
    refused(gw, "place: no request", "bad_csr", 400, "not PKCS #10", lambda: simple(gw, mine, b"0123", at))
    granted(gw, "from its own address", "place", mine, at)
    lan.add("typo", "acne", "SN-typo")
    gw.process.send_signal(signal.SIGHUP)
    tap.ok(until(lambda: "that serve.yaml does not" in gw.logged() and '"acne"' in gw.logged()),
           "place: a manufacturer that serve.yaml does not name is said", gw.logged()[-500:])
    lan.add("paper", "acme", "SN-paper", kernel=False)
    refused(gw, "place: a policy that is not in force", "unknown_device", 403, "no device 'paper'",
            lambda: simple(gw, acme.device("paper", "SN-paper"), csr, at))
    at = lan.add("gone", "acme", "SN-gone")
    gone = acme.device("gone", "SN-gone")
    gw.kernel.commit(absent=True)
    refused(gw, "place: no module", "kernel", 503, "not loaded", lambda: simple(gw, gone, csr, at))
    gw.kernel.commit(absent=False)
    lan.write("nonsense\n")
    refused(gw, "place: a policy's file with a fault", "policy", 503, "cannot be read", lambda: simple(gw, gone, csr, at))
    refused(gw, "place: the same with another vendor's certificate: it is not even looked at", "idevid_foreign", 403,
            "unable to get local issuer", lambda: simple(gw, other, csr, at))
    os.unlink(lan.file)
    refused(gw, "place: no policy's file", "policy", 503, "cannot be read", lambda: simple(gw, gone, csr, at))
    lan.write()
    granted(gw, "once file and module are there", "gone", gone, at)


def nothing_else(gw, lan, acme):
    """What such a certificate is not good for."""
    at, mine = lan.add("else", "acme", "SN-else"), acme.device("else", "SN-else")
    context = gw.context(*mine)
    for name, path, method, body in (
            ("a check-in over HTTPS", "/cordon/v1/checkin", "POST", b"{}"), ("a poll of DDI", "/default/controller/v1/else", "GET", b""),
            ("a poll for firmware", "/cordon/v1/firmware", "GET", b"")):
        refused(gw, f"else: {name}", "certificate_foreign", 403, "not issued by this gateway",
                lambda: ask(gw, method, path, [], body, context=context, source=at))
    refused(gw, "else: a renewal", "certificate_foreign", 403, "not issued by this gateway",
            lambda: renew(gw, *mine, new_csr(mine[1]), source=at))
    before = gw.counters()["certificate_foreign"]
    tap.equal("else: the plain check-in", ("refused: not issued by this gateway", before + 1),
              (checkin(gw, *mine, source=at), gw.counters()["certificate_foreign"]))
    refused(gw, "else: with a wrong token it is the token that counts", "bad_token", 401, "", lambda: simple(
        gw, mine, new_csr(mine[1]), at, [basic("else", "x" * 26)]))
    leases = gw.kernel.fields("else")[1][7]
    granted(gw, "an enrolment, after all that", "else", mine, at)
    tap.equal("else: of all that, one lease", leases + 1, gw.kernel.fields("else")[1][7])


def again(gw, lan, acme):
    """The second time."""
    at, mine = lan.add("again", "acme", "SN-again"), acme.device("again", "SN-again")
    pair = granted(gw, "the first time", "again", mine, at)
    csr, other = new_csr(pair[1]), new_csr(new_key(gw, "again-other"))
    for name, which in (("the same key", csr), ("another key", other)):
        refused(gw, f"again: {name}", "idevid_enrolled", 403, "again has a certificate", lambda: simple(gw, mine, which, at))
    tap.equal("again: its own certificate renews", 200, renew(gw, *pair, csr, source=at).status)
    until(lambda: len(gw.query("SELECT 1 FROM certificate WHERE name = 'again' AND state = 2")) == 2)
    gw.query("UPDATE certificate SET state = 1 WHERE name = 'again'")
    rows = gw.issued()
    tap.equal("again: an answer that was lost: the same certificate, nothing new", (200, rows),
              (simple(gw, mine, csr, at).status, gw.issued()))
    until(lambda: gw.query("SELECT 1 FROM certificate WHERE name = 'again' AND state = 2"))
    gw.query("UPDATE certificate SET state = 1 WHERE name = 'again'")
    tap.equal("again: lost, and another key", 200, simple(gw, mine, other, at).status)
    until(lambda: gw.query("SELECT 1 FROM certificate WHERE name = 'again' AND state = 2"))
    tap.equal("again: then the lost ones are revoked as superseded", [(4,)],
              gw.query("SELECT DISTINCT reason FROM certificate WHERE name = 'again' AND state = 3"))
    done = ctl("ca", "revoke", "again", "--registry", gw.registry, "--dir", gw.ca)
    tap.ok(not done.returncode, "again: an operator takes it back", done.stderr)
    refused(gw, "again: revoked", "not_approved", 202, "again waits for an operator's approval",
            lambda: simple(gw, mine, other, at))
    waits = ctl("device", "pending", "--registry", gw.registry).stdout.decode()
    tap.ok("again SHA256:" in waits and f"by idevid from {at}" in waits, "again: device pending shows it", waits)
    done = ctl("device", "approve", "again", "--registry", gw.registry)
    tap.ok(not done.returncode and simple(gw, mine, other, at).status == 200, "again: an operator lets it in again", done.stderr)
    at, mine = lan.add("late", "acme", "SN-late"), acme.device("late", "SN-late")
    granted(gw, "a device that will be off for long", "late", mine, at)
    gw.query("UPDATE certificate SET not_after = ? WHERE name = 'late'", int(time.time()) - DAY)
    granted(gw, "a device whose certificate has ended", "late", mine, at)


def taken_back(gw, lan, acme):
    """An operator's word does not end with the certificate, nor hang on the reason that was given for it."""
    for name, what, reason, late in (
            ("ended", "back: its certificate would have ended", "keyCompromise", True),
            ("reason", "back: as superseded", "superseded", False),
            ("forgotten", "back: the registry has forgotten it", None, True)):
        at, mine = lan.add(name, "acme", f"SN-{name}"), acme.device(name, f"SN-{name}")
        granted(gw, f"one that will be taken back, {name}", name, mine, at)
        if reason:
            done = ctl("ca", "revoke", name, "--reason", reason, "--registry", gw.registry, "--dir", gw.ca)
            tap.ok(not done.returncode, f"back: {name}: revoked", done.stderr)
        else:
            gw.query("DELETE FROM certificate WHERE name = ?", name)
        if late and reason:
            gw.query("UPDATE certificate SET not_after = ? WHERE name = ?", int(time.time()) - DAY, name)
        key = new_key(gw, f"{name}-again")
        refused(gw, what, "not_approved", 202, "waits for an operator's approval",
                lambda: simple(gw, mine, new_csr(key), at))
        done = ctl("device", "approve", name, "--registry", gw.registry)
        tap.ok(not done.returncode and simple(gw, mine, new_csr(key), at).status == 200, f"back: {name}: and then", done.stderr)


def retired(gw, lan, acme):
    """Who is out of use is asked neither to wait nor to come again, enrolled before or not."""
    def retire(name):
        done = run(FAKE, "device", "retire", name, "--registry", gw.registry, "--ca", gw.ca,
                   env={**os.environ, **gw.environment})
        tap.ok(not done.returncode, f"retired: {name}", done.stderr)
        gw.kernel.change(name, quarantined=0)

    for name, what, before in (("used", "retired: no second certificate", True), ("unused", "retired: no first certificate", False)):
        at, mine = lan.add(name, "acme", f"SN-{name}"), acme.device(name, f"SN-{name}")
        if before:
            granted(gw, f"one that will be retired, {name}", name, mine, at)
        retire(name)
        csr = new_csr(new_key(gw, f"{name}-again"))
        refused(gw, what, "idevid_enrolled", 403, "was retired", lambda: simple(gw, mine, csr, at))
        tap.equal(f"retired: {name}: nobody is asked to approve it", [],
                  gw.query("SELECT 1 FROM pending AS p JOIN device AS d ON d.id = p.device WHERE d.name = ?", name))
        gw.token(name, "02:00:00:00:77:%02x" % len(lan.devices))
        tap.equal(f"retired: {name}: a new token takes it back", 202 if before else 200, simple(gw, mine, csr, at).status)


def included(gw, lan, acme):
    """A policy of several files, read from within the sandbox."""
    os.makedirs(gw.path("policy.d"), exist_ok=True)
    os.chmod(gw.path("policy.d"), 0o755)
    at = lan.add("part", "acme", "SN-part")
    mine, csr = acme.device("part", "SN-part"), new_csr(new_key(gw, "part-try"))
    line, part = lan.devices.pop(), gw.path("policy.d/part.yaml")
    with open(part, "w", encoding="ascii") as out:
        out.write(f"devices:\n  - {{name: part, mac: \"{line[1]}\", network_segment: iot_zone, addresses: [{line[2]}]{line[3]}}}\n")
    for name, more in (("by its name", "include: policy.d/part.yaml\n"), ("by a pattern", "include: policy.d/*.yaml\n")):
        os.chmod(part, 0o600)
        lan.write(more)
        refused(gw, f"included: {name}: one that agent may not read", "policy", 503, "cannot be read",
                lambda: simple(gw, mine, csr, at))
        tap.ok("policy.d/part.yaml: Permission denied" in gw.logged(), f"included: {name}: which is said", gw.logged()[-500:])
    outside = tempfile.mkdtemp(dir="/var/tmp")
    os.chmod(outside, 0o755)
    try:
        with open(os.path.join(outside, "far.yaml"), "w", encoding="ascii") as out:
            out.write("devices: []\n")
        for what in ("far.yaml", "*.yaml"):
            lan.write(f"include: {outside}/{what}\n")
            refused(gw, f"included: from afar, {what}", "policy", 503, "cannot be read", lambda: simple(gw, mine, csr, at))
            tap.ok("Permission denied" in gw.logged()[-1500:], f"included: from afar, {what}: which is said", gw.logged()[-500:])
    finally:
        shutil.rmtree(outside)
    os.chmod(part, 0o644)
    lan.write("include: policy.d/*.yaml\n")
    granted(gw, "one that another file has", "part", mine, at)
    lan.devices.append(line)
    lan.write()


def beside_tokens(gw, lan, acme):
    """A device that has a token as well, or another's MAC."""
    at, mine = lan.add("both", "acme", "SN-both"), acme.device("both", "SN-both")
    token = gw.token("both", "02:00:00:00:77:%02x" % len(lan.devices))
    tap.equal("both: by its token", 200, enroll(gw, "both", token, new_csr(new_key(gw, "both")), source=at,
                                                context=gw.context(*mine)).status)
    until(lambda: gw.query("SELECT 1 FROM certificate WHERE name = 'both' AND state = 2"))
    refused(gw, "both: then not by the manufacturer's", "idevid_enrolled", 403, "both has a certificate",
            lambda: simple(gw, mine, new_csr(new_key(gw, "both-2")), at))
    at, mine = lan.add("renamed", "acme", "SN-renamed"), acme.device("renamed", "SN-renamed")
    gw.token("as-before", "02:00:00:00:77:%02x" % len(lan.devices))
    refused(gw, "renamed: the MAC is another name's in the registry", "idevid_enrolled", 403, "is that of 'as-before'",
            lambda: simple(gw, mine, new_csr(new_key(gw, "renamed")), at))
    gw.query("DELETE FROM device WHERE name = 'as-before'")
    granted(gw, "once that is gone", "renamed", mine, at)


def approval(gw, lan, acme):
    """est.approval holds for them as well."""
    at, mine = lan.add("slow", "acme", "SN-slow"), acme.device("slow", "SN-slow")
    key = new_key(gw, "slow")
    refused(gw, "approval", "not_approved", 202, "slow waits for an operator's approval",
            lambda: simple(gw, mine, new_csr(key), at))
    done = ctl("device", "approve", "slow", "--registry", gw.registry)
    tap.ok(not done.returncode and simple(gw, mine, new_csr(key), at).status == 200, "approval: and then", done.stderr)


def configure(gw, lan, *vendors):
    """serve.yaml, with manufacturers."""
    gw.write_config(f"policy: {lan.file}\n" + ("manufacturers:\n" if vendors else "") + "".join(
        f"  - {{name: {vendor.name}, roots: {vendor.root[0]}}}\n" for vendor in vendors))


def starts(gw, lan, acme):
    """Files that it does not start with."""
    class Odd:
        """One with another file."""
        name = "odd"

    for name, path, why in (("none", gw.path("none.pem"), "No such file"), ("a key", acme.root[1], "no certificate in PEM"),
                            ("our own CA", os.path.join(gw.ca, "root.crt"), "of this gateway's own CA")):
        Odd.root = (path,)
        configure(gw, lan, acme, Odd)
        tap.ok(not gw.start() and why in gw.logged(), f"start: roots: {name}", gw.logged()[-500:])


def main():
    """Without manufacturers, with one, with two."""
    with FirmwareGateway() as gw:
        lan, acme, other = Lan(gw), Vendor(gw, "acme"), Vendor(gw, "other")
        at, mine = lan.add("none", "acme", "SN-none"), acme.device("none", "SN-none")
        configure(gw, lan)
        gw.must_start()
        refused(gw, "no manufacturer", "bad_token", 401, "needs the device's name and its token",
                lambda: simple(gw, mine, new_csr(mine[1]), at))
        gw.stop()
        starts(gw, lan, acme)
        configure(gw, lan, acme)
        gw.must_start()
        tap.ok("that serve.yaml does not" not in gw.logged() and "cannot be used for" not in gw.logged(),
               "start: nothing to complain of", gw.logged())
        lan.devices.clear()
        gw.kernel.devices.clear()
        for part in (kinds, tool):
            part(gw, lan, acme)
        foreign(gw, lan, acme, other)
        costly(gw, lan, acme)
        second(gw, lan, acme, other)
        for part in (place, nothing_else, again, taken_back, retired, included, beside_tokens):
            part(gw, lan, acme)
        gw.est["approval"] = True
        configure(gw, lan, acme)
        gw.stop()
        gw.must_start()
        approval(gw, lan, acme)
    tap.done()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A gateway's CA below a company's: an RSA root, an RSA intermediate, our issuing CA, whose key has a passphrase.

    Acme Root (RSA) -- Acme Policy CA (RSA) -- Plant issuing CA (P-256, here) -- devices, the server
"""
import base64
import os
import shutil
import signal
import subprocess

from gateway import CTL, EST, Gateway, Tap, certificate, checkin, ctl, must, new_csr, renew, run
from kernel import Device, FirmwareGateway
from rollover import STRONGSWAN, Curl, Ours, Swan

tap = Tap()
WELCOME = "Welcome IoT Device"
DIE = os.path.join(os.path.dirname(CTL), "serve", "die.so")
STEPS = 200  # more than any command takes
PASSPHRASE = "quite-Some-7-Lighthouses"
CA = ["basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign", "subjectKeyIdentifier=hash",
      "authorityKeyIdentifier=keyid"]


class Company:
    """Two CAs of a company, with keys that no gateway sees."""

    def __init__(self, gw):
        self.gw = gw
        os.mkdir(gw.path("company"))
        for name in ("root", "policy"):
            must("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", self.path(name + ".key"))
        self.request("root", "/O=Acme/CN=Acme Root")
        self.request("policy", "/O=Acme/CN=Acme Policy CA")
        self.extensions(CA[:3])
        must("openssl", "x509", "-req", "-in", self.path("root.csr"), "-signkey", self.path("root.key"), "-days", "3000",
             "-extfile", self.path("ext"), "-out", self.path("root.crt"))
        self.root = self.path("root.crt")
        self.policy = self.sign(self.path("policy.csr"), "root", "policy")

    def path(self, name):
        """A file of the company's."""
        return self.gw.path("company", name)

    def request(self, name, subject):
        """For a certificate of one of its CAs."""
        must("openssl", "req", "-new", "-key", self.path(name + ".key"), "-subj", subject, "-out", self.path(name + ".csr"))

    def crl(self, *revoked):
        """The root's list, as openssl(1) makes it."""
        with open(self.path("ca.cnf"), "w", encoding="ascii") as out:
            out.write(f"[ca]\ndefault_ca = x\n[x]\ndatabase = {self.path('index')}\ndefault_md = sha256\n"
                      "default_crl_days = 30\n")
        open(self.path("index"), "w", encoding="ascii").close()
        words = ["openssl", "ca", "-config", self.path("ca.cnf"), "-cert", self.root, "-keyfile", self.path("root.key")]
        for path in revoked:
            must(*words, "-revoke", path)
        must(*words, "-gencrl", "-out", self.path("crl.pem"))
        return self.path("crl.pem")

    def extensions(self, lines):
        """For the next certificate."""
        with open(self.path("ext"), "w", encoding="ascii") as out:
            out.write("\n".join(lines) + "\n")

    def sign(self, csr, by, name, extensions=()):
        """Certify a request as a CA; the certificate's path."""
        self.extensions([*CA, *extensions])
        must("openssl", "x509", "-req", "-in", csr, "-CA", self.path(by + ".crt"), "-CAkey", self.path(by + ".key"),
             "-CAcreateserial", "-days", "1000", "-extfile", self.path("ext"), "-out", self.path(name + ".crt"))
        return self.path(name + ".crt")


def joined(gw, *paths):
    """Certificates in one file."""
    out = gw.path("chain.pem")
    with open(out, "w", encoding="ascii") as f:
        f.write("".join(open(path, encoding="ascii").read() for path in paths))
    return out


def on_ca(gw, verb, *more):
    """A verb on this gateway's CA."""
    return ctl("ca", verb, *more, "--dir", gw.ca, "--registry", gw.registry)


def protected(gw, verb, *more):
    """Likewise, with the passphrase of its keys."""
    return on_ca(gw, verb, *more, "--passphrase-file", gw.secret)


def snapshot(top):
    """All files and what is in them."""
    found = {}
    for where, _, names in os.walk(top):
        for name in names:
            with open(os.path.join(where, name), "rb") as f:
                found[os.path.relpath(os.path.join(where, name), top)] = f.read()
    return found


def begin(gw):
    """No CA yet, but a key and a request."""
    shutil.rmtree(gw.ca)
    gw.secret = gw.path("secret")
    with open(gw.secret, "w", encoding="ascii") as out:
        out.write(PASSPHRASE + "\n")
    csr = gw.path("plant.csr")
    done = protected(gw, "init", "--csr-out", csr, "--name", "Plant")
    tap.ok(not done.returncode and b"ca import CHAIN" in done.stderr, "ca init --csr-out", done)
    text = must("openssl", "req", "-verify", "-noout", "-subject", "-text", "-in", csr).decode()
    tap.ok("Plant issuing CA" in text and "CA:TRUE" in text and "Certificate Sign, CRL Sign" in text,
           "a request that openssl(1) verifies, for a CA's certificate", text)
    tap.equal("its key is nobody else's to read", 0o600, os.stat(os.path.join(gw.ca, "request", "issuing.key")).st_mode & 0o777)
    return csr


def waits(gw):
    """Until the certificate has come, every command says so, and what helps."""
    before = snapshot(gw.ca)
    for words in (("export",), ("issue", "cam", "--mac", "02:00:00:00:00:01"), ("crl",), ("init", "--rollover"),
                  ("init", "--rollover", "--activate")):
        done = on_ca(gw, *words)
        tap.ok(done.returncode == 1 and b"waits for its certificate" in done.stderr and b"'cordonctl ca import CHAIN'" in
               done.stderr, f"ca {' '.join(words[:2])}: waits for its certificate, and says what helps", done)
    done = protected(gw, "init", "--csr-out", gw.path("again.csr"))
    tap.ok(done.returncode == 1 and b"waits" in done.stderr and snapshot(gw.ca) == before, "a second request: refused", done)
    tap.ok(not gw.start() and "waits for its certificate" in gw.logged(), "the server does not start, and says so",
           gw.logged()[-500:])
    words = ["--policy", gw.path("policy.yaml"), "--config", gw.config, "--state", gw.dir]
    done = ctl("backup", gw.path("waits.tar"), "--with-keys", *words)
    shutil.rmtree(gw.ca)
    back = ctl("restore", gw.path("waits.tar"), *words)
    tap.ok(not done.returncode and not back.returncode and snapshot(gw.ca) == before, "backup and restore: it still waits",
           f"{done} {back}")


def refused(gw, name, why, *paths):
    """A chain that is not taken; nothing is changed."""
    before = snapshot(gw.ca)
    done = protected(gw, "import", joined(gw, *paths))
    tap.ok(done.returncode == 1 and why in done.stderr.decode() and snapshot(gw.ca) == before, f"import: {name}: refused", done)


def killed_at_each(gw, whole, verb, *more):
    """Kill a verb before each of its steps that a disk sees; the step at which it had done all of it, 0: a part of it."""
    before = snapshot(gw.ca)
    for step in range(1, STEPS):
        done = ctl("ca", verb, *more, "--dir", gw.ca, "--registry", gw.registry, "--passphrase-file", gw.secret,
                   env={**os.environ, "LD_PRELOAD": DIE, "DIE_AT": str(step)})
        if done.returncode != -signal.SIGKILL:
            return 0
        now = snapshot(gw.ca)
        if now != before:
            good = whole(before, now)
            restore(gw, before)
            return step if good else 0
    return 0


def restore(gw, files):
    """The CA's directory as it was."""
    shutil.rmtree(gw.ca)
    for name, data in files.items():
        os.makedirs(os.path.dirname(os.path.join(gw.ca, name)), 0o700, exist_ok=True)
        with open(os.path.join(gw.ca, name), "wb") as out:
            out.write(data)
        os.chmod(os.path.join(gw.ca, name), 0o600 if name.endswith(".key") else 0o644)


def imported(gw, company, csr):
    """What will not do; then the chain, in no order."""
    own = company.sign(csr, "policy", "plant")
    refused(gw, "without what is in between", "which is not in it", own, company.root)
    refused(gw, "without the root", "--root-cert", own, company.policy)
    refused(gw, "without ours", "of the key that waits", company.root, company.policy)
    done = on_ca(gw, "import", joined(gw, own, company.policy, company.root), "--passphrase-file", company.root)
    tap.ok(done.returncode == 1, "import: another passphrase: refused", done)
    chain = joined(gw, company.root, own, company.policy)
    step = killed_at_each(gw, lambda before, now: not on_ca(gw, "export").returncode and now.get("issuing.key") ==
                          before.get("request/issuing.key"), "import", chain)
    tap.ok(5 < step < STEPS, "import: killed before each of its steps, the key waits and nothing is lost", step)
    done = protected(gw, "import", chain)
    tap.ok(not done.returncode and b"Acme Policy CA" in done.stdout and b"Acme Root" in done.stdout,
           "import: in no order: taken", done)
    tap.equal("and nothing waits any more", ["chain.crt", "issuing.crt", "issuing.key", "root.crt"], sorted(snapshot(gw.ca)))


def credential(gw):
    """The passphrase comes from the service manager."""
    tap.ok(not gw.start() and "needs a passphrase" in gw.logged(), "without its passphrase the server does not start",
           gw.logged()[-500:])
    os.mkdir(gw.path("credentials"))
    shutil.copy(gw.secret, gw.path("credentials", "ca-passphrase"))
    gw.environment["CREDENTIALS_DIRECTORY"] = gw.path("credentials")
    tap.ok(gw.start(), "with the credential ca-passphrase it does", gw.logged()[-500:])
    words = ["ca", "crl", "--dir", gw.ca, "--registry", gw.registry]
    done = ctl(*words, stdin=subprocess.DEVNULL, start_new_session=True)
    tap.ok(done.returncode == 1 and b"needs a passphrase" in done.stderr, "a command without it: refused", done)
    done = ctl(*words, env={**os.environ, **gw.environment})
    tap.ok(not done.returncode and b"BEGIN X509 CRL" in done.stdout, "a command of a service takes it as well", done)


def bag_of(gw):
    """How many certificates cacerts gives, as curl gets them by the root alone."""
    done = run("curl", "-sS", "--fail-with-body", "--cacert", os.path.join(gw.ca, "root.crt"),
               f"https://localhost:{gw.port}{EST}cacerts")
    if done.returncode:
        return done.stderr
    return must("openssl", "pkcs7", "-inform", "DER", "-print_certs", input=base64.b64decode(done.stdout)).count(b"BEGIN")


def devices(gw, company):
    """A device enrols, checks in, renews; openssl(1) and curl find their way to the root."""
    tap.equal("curl trusts the server by the root alone; cacerts has root, intermediate and issuing certificate", 3, bag_of(gw))
    done = run("openssl", "s_client", "-connect", f"localhost:{gw.port}", "-CAfile", company.root, "-verify_return_error",
               "-brief", input=b"")
    tap.ok(not done.returncode and b"Verification: OK" in done.stderr, "so does openssl s_client", done)
    cam = Device(gw, "cam", 1)
    tap.equal("a device enrols, and checks in", WELCOME, checkin(gw, cam.cert, cam.key, source=cam.address))
    done = run("openssl", "verify", "-CAfile", company.root, "-untrusted", os.path.join(gw.ca, "issuing.crt"), "-untrusted",
               company.policy, "-purpose", "sslclient", cam.cert)
    tap.ok(not done.returncode, "its certificate leads to the company's root", done)
    got = renew(gw, cam.cert, cam.key, new_csr(cam.key), source=cam.address)
    tap.equal("it renews", 200, got.status)
    cam.cert = certificate(gw, got, "cam-2")
    tap.equal("and checks in", WELCOME, checkin(gw, cam.cert, cam.key, source=cam.address))
    return cam


def ours(gw, company):
    """cordonctl on a device, which is given the company's root and nothing else."""
    where = gw.path("tool")
    gw.kernel.add("tool", "02:00:00:00:00:99", "127.0.0.1")
    done = ctl("enroll", "--server", f"https://localhost:{gw.port}", "--ca", company.root, "--name", "tool", "--token",
               gw.token("tool", "02:00:00:00:00:99"), "--out", where)
    tap.ok(not done.returncode, "cordonctl enroll, with the company's root", done)
    visit = ["checkin", "--server", f"localhost:{gw.visit}", "--cert", os.path.join(where, "device.crt"), "--key",
             os.path.join(where, "device.key"), "--ca", os.path.join(where, "ca.crt")]
    done = ctl(*visit)
    tap.ok(not done.returncode, "cordonctl checkin", done)
    done = ctl("renew", "--server", f"https://localhost:{gw.port}", "--dir", where)
    tap.ok(not done.returncode, "cordonctl renew", done)
    return visit


def revoked(gw, company):
    """A device that is taken back."""
    lost = Device(gw, "lost", 2)
    tap.equal("another checks in", WELCOME, checkin(gw, lost.cert, lost.key, source=lost.address))
    done = protected(gw, "revoke", "lost")
    tap.ok(not done.returncode, "ca revoke", done)
    tap.equal("it does not any more", "refused: the certificate is revoked", checkin(gw, lost.cert, lost.key, source=lost.address))
    done = run("openssl", "verify", "-CAfile", company.root, "-untrusted", os.path.join(gw.ca, "issuing.crt"), "-untrusted",
               company.policy, "-CRLfile", os.path.join(gw.ca, "crl.pem"), "-crl_check", lost.cert)
    tap.ok(b"certificate revoked" in done.stderr, "and by the list, which our key signed, neither", done)


def of_company(gw, company, cam):
    """The company's CA may certify whom it likes: here it is nobody's device."""
    urn = "urn:dev:mac:" + (cam.mac[:9] + "ff:fe:" + cam.mac[9:]).replace(":", "")
    before = gw.issued()
    for by in ("policy", "root"):
        with open(company.path("csr"), "wb") as out:
            out.write(must("openssl", "req", "-new", "-key", cam.key, "-subj", "/CN=cam"))
        company.extensions(["basicConstraints=critical,CA:FALSE", "extendedKeyUsage=clientAuth", "subjectAltName=URI:" + urn,
                            "authorityKeyIdentifier=keyid"])
        must("openssl", "x509", "-req", "-in", company.path("csr"), "-CA", company.path(by + ".crt"), "-CAkey",
             company.path(by + ".key"), "-CAcreateserial", "-days", "30", "-extfile", company.path("ext"), "-out",
             company.path("foreign.crt"))
        foreign = company.path("foreign.crt")
        tap.equal(f"a certificate of the company's {by} in a device's name: refused", "refused: not issued by this gateway",
                  checkin(gw, foreign, cam.key, source=cam.address))
        got = renew(gw, foreign, cam.key, new_csr(cam.key), source=cam.address)
        tap.equal("and not renewed", (403, before), (got.status, gw.issued()))


def rolled(gw, company, cam, visit):
    """The next issuing CA, of a second request, below the same root."""
    done = protected(gw, "init", "--rollover")
    tap.ok(done.returncode == 1 and b"--csr-out" in done.stderr, "a roll-over without the root's key: says what to do", done)
    csr = gw.path("next.csr")
    done = protected(gw, "init", "--rollover", "--csr-out", csr)
    tap.ok(not done.returncode, "the next one's request", done)
    tap.equal("while it waits, the present one signs", 200,
              renew(gw, cam.cert, cam.key, new_csr(cam.key), source=cam.address).status)
    refused(gw, "at a roll-over: the present one's chain", "of the key that waits", company.path("plant.crt"), company.policy)
    own = company.sign(csr, "policy", "next")
    done = protected(gw, "import", joined(gw, company.policy, own))
    tap.ok(not done.returncode and b"--activate" in done.stderr and os.path.exists(os.path.join(gw.ca, "next", "issuing.crt")),
           "its chain is published, and the root need not be in it again", done)
    done = protected(gw, "import", joined(gw, company.policy, own))
    tap.ok(done.returncode == 1, "and is not published twice", done)
    done = protected(gw, "init", "--rollover", "--activate")
    tap.ok(not done.returncode, "activated: the root stays, nobody has anything to learn", done)
    gw.stop()
    gw.must_start()
    tap.equal("the certificate of before checks in", WELCOME, checkin(gw, cam.cert, cam.key, source=cam.address))
    got = renew(gw, cam.cert, cam.key, new_csr(cam.key), source=cam.address)
    cam.cert = certificate(gw, got, "cam-3")
    tap.ok(not run("openssl", "verify", "-CAfile", company.root, "-untrusted", own, "-untrusted", company.policy,
                   cam.cert).returncode, "it renews, below the next issuing CA")
    tap.equal("and checks in", WELCOME, checkin(gw, cam.cert, cam.key, source=cam.address))
    done = ctl(*visit)
    tap.ok(not done.returncode, "cordonctl checkin trusts the server still", done)


def kept(gw, company, cam):
    """Backup and restore."""
    words = ["--policy", gw.path("policy.yaml"), "--config", gw.config, "--state", gw.path("state")]
    os.mkdir(gw.path("state"))
    gw.stop()
    before = snapshot(gw.ca)
    done = ctl("backup", gw.path("all.tar"), "--with-keys", *words)
    tap.ok(not done.returncode, "backup", done)
    shutil.rmtree(gw.ca)
    done = ctl("restore", gw.path("all.tar"), *words)
    tap.ok(not done.returncode and snapshot(gw.ca) == before, "restore: the chain is as it was", done)
    shutil.copy(company.crl(), os.path.join(gw.ca, "root-crl.pem"))
    done = ctl("restore", gw.path("all.tar"), *words)
    tap.ok(not done.returncode and os.path.exists(os.path.join(gw.ca, "root-crl.pem")),
           "restore: a list of the root's that came since stays", done)
    gw.must_start()
    tap.equal("and the device checks in", WELCOME, checkin(gw, cam.cert, cam.key, source=cam.address))


def firmware(gw):
    """What our CA signs for code leads to the company's root as well."""
    image = gw.path("image.swu")
    with open(image, "wb") as out:
        out.write(b"an image")
    done = ctl("firmware", "sign", image, "--ca", gw.ca, "--registry", gw.registry, "--passphrase-file", gw.secret)
    tap.ok(not done.returncode, "firmware sign", done)
    done = ctl("firmware", "add", image, "--model", "acme", "--version", "1.0", "--ca", gw.ca, "--registry", gw.registry,
               "--directory", gw.firmware["directory"])
    tap.ok(not done.returncode, "firmware add: the signature leads to the company's root", done)


def another_passphrase(gw, cam):
    """The passphrase is changed while the server runs, which has its key."""
    new = gw.path("secret-2")
    with open(new, "w", encoding="ascii") as out:
        out.write("Forty-two.Brown.Kettles\n")
    keys = [name for name in snapshot(gw.ca) if name.endswith(".key")]
    step = killed_at_each(gw, lambda before, now: now.keys() == before.keys() and not any(
        run("openssl", "pkey", "-noout", "-passin", "file:" + new, "-in", os.path.join(gw.ca, name)).returncode
        for name in keys), "passphrase", "--new-passphrase-file", new)
    tap.ok(5 < step < STEPS and len(keys) == 2, "ca passphrase: killed before each of its steps, all keys have it or none",
           f"{step} {keys}")
    old, gw.secret = gw.secret, new
    done = on_ca(gw, "passphrase", "--passphrase-file", old, "--new-passphrase-file", gw.secret)
    tap.ok(not done.returncode and b"the passphrase is changed" in done.stdout, "ca passphrase", done)
    tap.equal("the server that runs goes on", 200, renew(gw, cam.cert, cam.key, new_csr(cam.key), source=cam.address).status)
    gw.stop()
    tap.ok(not gw.start() and "not this passphrase" in gw.logged(), "with the old one it does not start", gw.logged()[-400:])
    shutil.copy(gw.secret, gw.path("credentials", "ca-passphrase"))
    gw.must_start()
    tap.equal("with the new one it does", WELCOME, checkin(gw, cam.cert, cam.key, source=cam.address))


def taken_back(gw, company, cam):
    """The company's root takes back what is between: by its list nothing is issued any more, and nothing taken."""
    place = os.path.join(gw.ca, "root-crl.pem")
    gw.stop()
    shutil.copy(company.crl(), place)
    tap.ok(gw.start(), "a list of the company's root without entries: the server starts", gw.logged()[-400:])
    gw.stop()
    shutil.copy(company.crl(company.path("policy.crt")), place)
    tap.ok(not gw.start() and "was revoked" in gw.logged(), "the one between is on it: it does not, and says why",
           gw.logged()[-400:])
    done = protected(gw, "issue", "other", "--mac", "02:00:00:00:00:77", "--out", gw.path("out"))
    tap.ok(done.returncode == 1 and b"was revoked" in done.stderr, "nor is a certificate issued by hand", done)
    os.unlink(place)
    gw.must_start()
    tap.equal("without it all is as before", WELCOME, checkin(gw, cam.cert, cam.key, source=cam.address))


def others():
    """Clients of three makes, each of which builds a path of its own to the company's root."""
    with Gateway() as gw:
        company = Company(gw)
        csr = begin(gw)
        done = protected(gw, "import", joined(gw, company.sign(csr, "policy", "plant"), company.policy, company.root))
        tap.ok(not done.returncode, "import, for clients of three makes", done)
        with open(gw.path("strongswan.conf"), "w", encoding="ascii") as out:
            out.write(STRONGSWAN)
        gw.write_config(f"passphrase_file: {gw.secret}\n")
        gw.must_start()
        for number, kind in enumerate((Ours, Curl, Swan)):
            device = kind(gw, kind.__name__.lower(), f"02:00:00:00:08:{number:02x}")
            tap.ok(device.enroll(), f"{device.name}: enrols", device.why)
            tap.ok(device.renew(), f"{device.name}: renews, by what cacerts gave it", device.why)


def constrained(company):
    """A company that gives its plants names below its own and no others."""
    with Gateway(allow_remote=True) as gw:
        shutil.rmtree(gw.ca)
        must("cp", "-r", company.gw.path("company"), gw.path("company"))
        csr = gw.path("plant.csr")
        on_ca(gw, "init", "--csr-out", csr)
        company.gw, old = gw, company.gw
        company.request("policy", "/O=Acme/CN=Acme Named CA")
        company.sign(company.path("policy.csr"), "root", "policy", ["nameConstraints=critical,permitted;DNS:acme.example"])
        own = company.sign(csr, "policy", "named")
        done = on_ca(gw, "import", joined(gw, own, company.path("policy.crt"), company.path("root.crt")))
        tap.ok(not done.returncode, "constrained to names of the company: taken, as devices are named otherwise", done)
        tap.ok(not gw.start() and "Acme Named CA" in gw.logged() and "DNS:acme.example" in gw.logged(),
               "a server of another name gets no certificate; the constraint is named", gw.logged()[-700:])
        gw.names = ["gateway.acme.example"]
        gw.write_config()
        tap.ok(gw.start(), "a server of such a name does", gw.logged()[-500:])
        words = ["--mac", "02:00:00:00:00:01", "--out", gw.path("out")]
        done = on_ca(gw, "issue", "cam.acme.test", *words)
        tap.ok(done.returncode == 1 and b"Acme Named CA" in done.stderr and b"DNS:acme.example" in done.stderr,
               "a device whose name reads as a DNS name of others: refused, as verifiers would", done)
        done = on_ca(gw, "issue", "cam", *words)
        tap.ok(not done.returncode, "one of another name: issued", done)
        done = run("openssl", "verify", "-CAfile", company.path("root.crt"), "-untrusted", gw.path("out", "cam.crt"),
                   gw.path("out", "cam.crt"))
        tap.ok(not done.returncode, "and it leads to the root", done)
        company.gw = old


def main():
    """One gateway from the request to the restore, and one that is constrained."""
    with FirmwareGateway() as gw:
        company = Company(gw)
        csr = begin(gw)
        waits(gw)
        imported(gw, company, csr)
        credential(gw)
        cam = devices(gw, company)
        visit = ours(gw, company)
        revoked(gw, company)
        of_company(gw, company, cam)
        rolled(gw, company, cam, visit)
        kept(gw, company, cam)
        firmware(gw)
        another_passphrase(gw, cam)
        taken_back(gw, company, cam)
        constrained(company)
    others()
    tap.done()


if __name__ == "__main__":
    main()

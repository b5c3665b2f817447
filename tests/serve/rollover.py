#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""From one CA to the next with 20 devices of three kinds of client: none is lost, whoever is killed when.

                                      publish      activate
    awake (17)   know the old root  | learn the next one   | go on
    asleep (3)   know the old root  | nothing              | come to know it by the cross certificates
"""
import base64
import glob
import os
import shutil
import signal

from gateway import CTL, EST, Gateway, Tap, ask, ctl, must, new_csr, new_key, run, until

tap = Tap()
DIE = os.path.join(os.path.dirname(CTL), "serve", "die.so")
STRONGSWAN = ("libtls { version_max = 1.3 }\n"
              "pki { load = aes sha1 sha2 random nonce x509 revocation constraints pubkey "
              "pkcs1 pkcs7 pkcs8 pem openssl gcm hmac kdf }\n")
STEPS = 200  # more than any command takes


def killed(step, *words):
    """Run cordonctl, killed before its step-th step that a disk sees; None: it came to its end before."""
    done = run(CTL, *words, env={**os.environ, "LD_PRELOAD": DIE, "DIE_AT": str(step)})
    return None if done.returncode != -signal.SIGKILL else done


class Device:
    """A device with a key, a certificate, and files of whom it trusts: nothing else keeps it in touch."""

    def __init__(self, gw, name, mac):
        self.gw, self.name, self.mac = gw, name, mac
        self.dir = gw.path(name)
        os.mkdir(self.dir)
        self.why = ""
        shutil.copy(os.path.join(gw.ca, "root.crt"), self.path("trust.pem"))

    def path(self, name):
        """A file of the device's."""
        return os.path.join(self.dir, name)

    def done(self, result):
        """Keep why it failed."""
        self.why = f"{self.name}: {result.returncode}: {result.stderr.decode(errors='replace')[-600:]}"
        return not result.returncode

    def trusts(self, root):
        """Is that root among what it trusts."""
        text = "".join(open(p, encoding="ascii").read() for p in self.trusted())
        return open(root, encoding="ascii").read().strip() in text


class Ours(Device):
    """cordonctl enroll, cordonctl renew."""

    def trusted(self):
        """Files of whom it trusts."""
        return [self.path("ca.crt")]

    def enroll(self):
        """The first certificate."""
        return self.done(ctl("enroll", "--server", f"https://localhost:{self.gw.port}", "--ca", self.path("trust.pem"),
                             "--name", self.name, "--token", self.gw.token(self.name, self.mac), "--out", self.dir))

    def words(self):
        """Of its renewal."""
        return ["renew", "--server", f"https://localhost:{self.gw.port}", "--dir", self.dir]

    def renew(self):
        """The next certificate, and whom to trust."""
        return self.done(ctl(*self.words()))


class Curl(Device):
    """curl and openssl, as the manual has it: cacerts first, then the certificate."""

    def trusted(self):
        """Files of whom it trusts."""
        return [self.path("trust.pem")]

    def fetch(self, where, *more):
        """One request; its answer as certificates in PEM, or None."""
        done = run("curl", "-sS", "--fail-with-body", "--cacert", self.path("trust.pem"), *more,
                   f"https://localhost:{self.gw.port}{EST}{where}")
        if not self.done(done):
            return None
        return must("openssl", "pkcs7", "-inform", "DER", "-print_certs", input=base64.b64decode(done.stdout))

    def obtain(self, where, *more):
        """Whom to trust, and a certificate."""
        bag = self.fetch("cacerts")
        if not bag:
            return False
        with open(self.path("trust.pem"), "wb") as out:
            out.write(bag)
        with open(self.path("csr"), "wb") as out:
            out.write(base64.b64encode(new_csr(self.path("device.key"), f"/CN={self.name}")))
        post = ["-H", "Content-Type: application/pkcs10", "--data-binary", "@" + self.path("csr")]
        pem = self.fetch(where, *post, *more)
        if pem:
            with open(self.path("device.crt"), "wb") as out:
                out.write(pem)
        return bool(pem)

    def enroll(self):
        """The first certificate."""
        new_key(self.gw, os.path.join(self.name, "device"))
        return self.obtain("simpleenroll", "-u", f"{self.name}:{self.gw.token(self.name, self.mac)}")

    def renew(self):
        """The next certificate, and whom to trust."""
        return self.obtain("simplereenroll", "--cert", self.path("device.crt"), "--key", self.path("device.key"))


class Swan(Device):
    """strongSwan's pki, which builds paths of its own and trusts every file that it is given."""

    def trusted(self):
        """Files of whom it trusts."""
        return sorted(glob.glob(self.path("ca*.pem"))) or [self.path("trust.pem")]

    def pki(self, *words):
        """One call of it."""
        cas = [word for path in self.trusted() for word in ("--cacert", path)]
        return run("pki", *words, "--url", f"https://127.0.0.1:{self.gw.port}", *cas, "--outform", "pem",
                   env={**os.environ, "STRONGSWAN_CONF": self.gw.path("strongswan.conf")})

    def obtain(self, *more):
        """Whom to trust, and a certificate."""
        if not self.done(self.pki("--estca", "--caout", self.path("new.pem"), "--force")):
            return False
        for path in self.trusted():
            os.unlink(path)
        for path in glob.glob(self.path("new*.pem")):
            os.rename(path, self.path("ca" + os.path.basename(path)[3:]))
        with open(self.path("csr"), "wb") as out:
            out.write(new_csr(self.path("device.key"), f"/CN={self.name}"))
        done = self.pki("--est", "--in", self.path("csr"), *more)
        if self.done(done):
            with open(self.path("device.crt"), "wb") as out:
                out.write(done.stdout)
        return not done.returncode

    def enroll(self):
        """The first certificate."""
        new_key(self.gw, os.path.join(self.name, "device"))
        return self.obtain("--userpass", f"{self.name}:{self.gw.token(self.name, self.mac)}")

    def renew(self):
        """The next certificate, and whom to trust."""
        return self.obtain("--cert", self.path("device.crt"), "--key", self.path("device.key"))


def rollover(gw, *more):
    """The words of a step."""
    return ["ca", "init", "--rollover", "--dir", gw.ca, "--registry", gw.registry, *more]


def snapshot(gw):
    """All files of the CA and what is in them."""
    found = {}
    for where, _, names in os.walk(gw.ca):
        for name in names:
            path = os.path.join(where, name)
            with open(path, "rb") as f:
                found[os.path.relpath(path, gw.ca)] = f.read()
    return found


def restart(gw):
    """The server takes the CA as it is now."""
    gw.stop()
    gw.must_start()


def all_of(name, devices, what):
    """A case: every device can."""
    lost = [device.why for device in devices if not what(device)]
    tap.ok(not lost, f"{name}: all {len(devices)}", "\n".join(lost))


def step_by_step(gw, name, words, devices):
    """A step of the roll-over, killed before each of its own. Until it is taken, server and devices go on."""
    before = snapshot(gw)
    lost, broken, step, looked = [], [], 1, 0
    while step < STEPS and killed(step, *words):
        taken = os.path.isdir(os.path.join(gw.ca, "next")) != any(name.startswith("next/") for name in before)
        if not taken and not before.items() <= snapshot(gw).items():
            broken.append(step)
        # Once in a while only: it takes longer than all the rest.
        if not taken and step % 4 == 1:
            restart(gw)
            device = devices[looked % len(devices)]
            if not device.renew():
                lost.append(f"step {step}: {device.why}")
            looked += 1
        step += 1
    tap.ok(10 < step < STEPS and looked > 3 and not broken and not lost,
           f"{name}: killed before each of its steps, nothing is lost, and devices go on",
           "\n".join(lost) + f"\nbroken: {broken}\nsteps: {step}, looked: {looked}")


def elsewhere(gw):
    """root.key is kept elsewhere: said, and nothing is changed."""
    os.rename(os.path.join(gw.ca, "root.key"), gw.path("root.key"))
    before = snapshot(gw)
    done = ctl(*rollover(gw))
    tap.ok(done.returncode == 1 and b"root.key is not there" in done.stderr and b"--old-root-key" in done.stderr and
           snapshot(gw) == before, "the root's key is elsewhere: refused, and nothing is changed", done.stderr)
    done = ctl(*rollover(gw, "--activate"))
    tap.ok(done.returncode == 1 and b"no next CA is published" in done.stderr and snapshot(gw) == before,
           "nothing is published: nothing is activated", done.stderr)
    wrong = new_key(gw, "wrong")
    done = ctl(*rollover(gw, "--old-root-key", wrong))
    tap.ok(done.returncode == 1 and b"not that of" in done.stderr and snapshot(gw) == before,
           "another root's key: refused", done.stderr)


def publish(gw, awake):
    """The next root is made known."""
    old = snapshot(gw)
    words = rollover(gw, "--old-root-key", gw.path("root.key"))
    step_by_step(gw, "publish", words, awake)
    now = snapshot(gw)
    tap.ok(old.items() <= now.items() and "next/root.crt" in now, "published: the present CA is as it was")
    done = ctl(*words)
    tap.ok(done.returncode == 1 and b"published already" in done.stderr and snapshot(gw) == now,
           "published twice: refused", done.stderr)
    return os.path.join(gw.ca, "next", "root.crt")


def told(gw):
    """What `ca list` says of the roll-over."""
    text = must(CTL, "ca", "list", "--dir", gw.ca, "--registry", gw.registry).decode()
    return "".join(line for line in text.splitlines() if line.startswith("roll-over"))


def late(gw, asleep):
    """Devices that have not come to know the next root hold it up."""
    before = snapshot(gw)
    names = " ".join(sorted(device.name for device in asleep))
    tap.equal("ca list says how many know the next root, and who does not",
              f"roll-over: 17 of 20 devices know the next root; not yet: {names}", told(gw))
    done = ctl(*rollover(gw, "--activate"))
    tap.ok(done.returncode == 1 and b"3 of 20" in done.stderr and names.encode() in done.stderr and
           b"'--force 3'" in done.stderr and snapshot(gw) == before, "activate: refused while three do not know it",
           done.stderr)
    done = ctl(*rollover(gw, "--activate", "--force", "2"))
    tap.ok(done.returncode == 1 and b"must name 3 devices" in done.stderr and snapshot(gw) == before,
           "activate --force 2: refused, they are three", done.stderr)


def activate(gw, devices):
    """The next CA signs, though three devices know nothing of it."""
    os.mkdir(os.path.join(gw.ca, "mine"))
    done = ctl(*rollover(gw, "--activate", "--force", "3"))
    tap.ok(done.returncode == 1 and b"mine" in done.stderr and os.path.isdir(os.path.join(gw.ca, "next")),
           "a directory that is no CA's is in the way: refused", done.stderr)
    os.rmdir(os.path.join(gw.ca, "mine"))
    with open(os.path.join(gw.ca, "notes"), "w", encoding="ascii") as out:
        out.write("the operator's\n")
    before = snapshot(gw)
    words = rollover(gw, "--activate", "--force", "3")
    # Renewals on the way let nobody learn: these devices have learned.
    step_by_step(gw, "activate", words, devices)
    now = snapshot(gw)
    tap.ok(now["root.crt"] == before["next/root.crt"] and now["issuing.key"] == before["next/issuing.key"] and
           now["previous/01-issuing.key"] == before["issuing.key"] and now["notes"] == before["notes"] and
           not any(name.startswith("next") for name in now), "activated: the next CA is the present one", sorted(now))
    return os.path.join(gw.ca, "root.crt")


def kill_a_device(gw, device, root):
    """A device that knows the old root alone is killed before each step of its renewal."""
    kept = gw.path("kept")
    shutil.copytree(device.dir, kept)
    lost, step = [], 1
    while step < STEPS and killed(step, *device.words()):
        if not device.renew() or not device.trusts(root):
            lost.append(f"step {step}: {device.why}")
        # Of many certificates the oldest are no good any more: it goes on with the last, and the old root.
        for name in ("device.crt", "device.key"):
            shutil.copy(device.path(name), os.path.join(kept, name))
        shutil.rmtree(device.dir)
        shutil.copytree(kept, device.dir)
        step += 1
    tap.ok(1 < step < STEPS and not lost, f"a renewal killed before each of {step - 1} steps: the next one is well",
           "\n".join(lost))
    shutil.rmtree(device.dir)
    shutil.copytree(kept, device.dir)
    shutil.rmtree(kept)


def next_root_alone(gw, device):
    """Who knows the new root and nothing else is served as well."""
    shutil.copy(os.path.join(gw.ca, "root.crt"), device.path("trust.pem"))
    tap.ok(device.fetch("cacerts"), "a device that knows the new root alone reaches cacerts", device.why)


def number_of(cert):
    """A certificate's serial number, as text."""
    return must("openssl", "x509", "-in", cert, "-noout", "-serial").decode().strip().split("=")[1]


def lists(gw, old, young):
    """Revocation lists of both issuers: a device of each is taken back."""
    for cert in (old, young):
        done = ctl("ca", "revoke", number_of(cert), "--dir", gw.ca, "--registry", gw.registry)
        tap.ok(b"is revoked" in done.stdout, "ca revoke", done.stderr)
    path = os.path.join(gw.ca, "crl.pem")
    previous = os.path.join(gw.ca, "previous", "01-")
    issuers = {"old": (previous + "root.crt", previous + "issuing.crt", old),
               "new": (os.path.join(gw.ca, "root.crt"), os.path.join(gw.ca, "issuing.crt"), young)}
    tap.equal("crl.pem holds a list of each issuer", 2, open(path, encoding="ascii").read().count("BEGIN X509 CRL"))
    for name, (root, issuing, cert) in issuers.items():
        done = run("openssl", "verify", "-CAfile", root, "-untrusted", issuing, "-CRLfile", path, "-crl_check", cert)
        tap.ok(b"certificate revoked" in done.stderr, f"and by that of the {name} one its certificate is revoked",
               done.stderr.decode())


def key_id(issuing):
    """An issuer's key identifier, as it stands in the path of its list."""
    text = must("openssl", "x509", "-in", issuing, "-noout", "-ext", "subjectKeyIdentifier").decode().split("\n")[1]
    return text.strip().replace(":", "").lower()


def lists_served(gw, old):
    """The server signs the old issuer's list as well, for whoever asks for it by its key."""
    issuing = os.path.join(gw.ca, "previous", "01-issuing.crt")
    got = ask(gw, "GET", "/cordon/v1/crl/" + key_id(issuing))
    with open(gw.path("old.crl"), "wb") as out:
        out.write(got.body)
    done = run("openssl", "crl", "-inform", "DER", "-in", gw.path("old.crl"), "-noout", "-CAfile", issuing, "-text")
    number = number_of(old)
    tap.ok(got.status == 200 and b"verify OK" in done.stderr and number in done.stdout.decode().upper(),
           "the server gives the old issuer's list, with what was revoked", f"{got.status} {done.stderr}")
    for what, path, status in (("no earlier issuer's", key_id(os.path.join(gw.ca, "issuing.crt")), 404),
                               ("no key's", "../ca", 404), ("too long", "0" * 70, 404)):
        got = ask(gw, "GET", "/cordon/v1/crl/" + path)
        tap.equal(f"a list that is {what}: {status}", status, got.status)
    got = ask(gw, "GET", "/cordon/v1/crl")
    tap.equal("and that of the present issuer as before", 200, got.status)


def main():
    """Both steps over one server, with its devices."""
    with Gateway() as gw:
        with open(gw.path("strongswan.conf"), "w", encoding="ascii") as out:
            out.write(STRONGSWAN)
        gw.must_start()
        kinds = [Ours] * 8 + [Curl] * 6 + [Swan] * 6
        devices = [kind(gw, f"{kind.__name__.lower()}-{n}", f"02:00:00:00:07:{n:02x}") for n, kind in enumerate(kinds)]
        old_root = gw.path("old-root.crt")
        shutil.copy(os.path.join(gw.ca, "root.crt"), old_root)
        all_of("enrolled", devices, lambda device: device.enroll())
        asleep, awake = devices[7::6], [device for device in devices if device not in devices[7::6]]
        tap.equal("one of each kind sleeps", ["Ours", "Curl", "Swan"], [type(device).__name__ for device in asleep])
        elsewhere(gw)
        next_root = publish(gw, awake)
        all_of("renewed while the server does not give the next root yet", awake[:3], lambda device: device.renew())
        tap.ok(told(gw).startswith("roll-over: 0 of 20 devices know"), "nobody knows it by that", told(gw))
        restart(gw)
        all_of("published: renewed", awake, lambda device: device.renew())
        all_of("published: they know both roots", awake,
               lambda device: device.trusts(next_root) and device.trusts(old_root))
        until(lambda: told(gw).startswith("roll-over: 17 of 20"))
        late(gw, asleep)
        of_old = gw.path("of-old.crt")
        shutil.copy(awake[5].path("device.crt"), of_old)
        root = activate(gw, awake)
        all_of("activated, and the server not started again: renewed", awake[:1], lambda device: device.renew())
        restart(gw)
        all_of("activated: those that know the old root alone do", asleep,
               lambda device: device.trusts(old_root) and not device.trusts(root))
        kill_a_device(gw, asleep[0], root)
        all_of("activated: those that slept are renewed", asleep, lambda device: device.renew())
        all_of("activated: those that were awake are renewed", awake, lambda device: device.renew())
        all_of("activated: and again", devices, lambda device: device.renew())
        all_of("all of them know the new root", devices, lambda device: device.trusts(root))
        next_root_alone(gw, awake[10])
        lists(gw, of_old, awake[1].path("device.crt"))
        lists_served(gw, of_old)
    tap.done()


if __name__ == "__main__":
    main()

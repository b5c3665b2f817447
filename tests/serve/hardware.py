#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Keys in hardware: the CA's and a device's, in SoftHSM2 by PKCS#11 and in a TPM (swtpm)."""
import contextlib
import glob
import os
import pty
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import tty

from gateway import CTL, Tap, children, comm, ctl, must, run, until
from kernel import FAKE, FirmwareGateway
from processes import has_landlock

tap = Tap()
SOFTHSM = "/usr/lib/softhsm/libsofthsm2.so"
PIN = "Pin-of-the-token"
# As the service runs: root, who may not read what is not root's.
SERVICE = () if os.geteuid() else ("setpriv", "--inh-caps=-all", "--bounding-set=-all,+net_admin,+net_bind_service,+setuid,+setgid,"
                                   "+setpcap,+chown")
NOWHERE = {"OPENSSL_MODULES": "/nonexistent", "OPENSSL_ENGINES": "/nonexistent"}


def write(path, text):
    """A file; its path."""
    with open(path, "w", encoding="ascii") as out:
        out.write(text)
    return path


def read(path):
    """What is in a file."""
    with open(path, encoding="ascii", errors="replace") as f:
        return f.read()


def changed(path):
    """When a file was written; 0, there is none."""
    return os.stat(path).st_mtime_ns if os.path.exists(path) else 0


def touch(path):
    """Touch it; when that was."""
    os.utime(path)
    return os.stat(path).st_ctime_ns


def spki(cert):
    """A certificate's public key."""
    return must("openssl", "x509", "-in", cert, "-noout", "-pubkey")


class HardwareGateway(FirmwareGateway):
    """A gateway whose CA is made by the test, and devices that check in from 127.0.0.1, one after the other."""

    def __init__(self):
        super().__init__()
        self.pin = write(self.path("pin"), PIN + "\n")
        self.wrong = write(self.path("wrong"), "999999\n")
        self.number = 0
        self.tokens = tempfile.mkdtemp(prefix="cordon-tokens.")  # not below serve.yaml's directory, which signer may read

    def fresh(self):
        """PINs that nobody has refused yet: touched, and later than what says so, by the file system's clock."""
        for path in (self.pin, self.wrong):
            until(lambda path=path: touch(path) > changed(path + ".refused"))

    def remove(self):
        """The tokens as well."""
        super().remove()
        shutil.rmtree(self.tokens, ignore_errors=True)

    def init(self, *words, env=None, directory=None):
        """ca init, from scratch."""
        directory = directory or self.ca
        shutil.rmtree(directory, ignore_errors=True)
        return ctl("ca", "init", "--dir", directory, *words, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL)

    def device(self, name):
        """One more, which is the one at 127.0.0.1 from now on; its token."""
        for known in self.kernel.devices:
            at, fields = self.kernel.fields(known)
            fields[5] = 0x7f000100 + at
            self.kernel.put(at, fields)
        self.number += 1
        mac = f"02:00:00:00:00:{self.number:02x}"
        self.kernel.add(name, mac, "127.0.0.1")
        return self.token(name, mac)

    def enroll(self, name, key, token, env=None):
        """cordonctl enroll."""
        return ctl("enroll", "--server", f"https://127.0.0.1:{self.port}", "--ca", os.path.join(self.ca, "root.crt"), "--name",
                   name, "--token", token, "--out", self.path(name), "--key", key, env={**os.environ, **(env or {})})

    def renew(self, name, *more, env=None):
        """cordonctl renew."""
        return ctl("renew", "--server", f"https://127.0.0.1:{self.port}", "--dir", self.path(name), *more,
                   env={**os.environ, **(env or {})})

    def checkin(self, name, key=None, env=None):
        """cordonctl checkin."""
        return ctl("checkin", "--server", f"127.0.0.1:{self.visit}", "--cert", self.path(name, "device.crt"), "--key",
                   key or self.path(name, "device.key"), "--ca", self.path(name, "ca.crt"), env={**os.environ, **(env or {})})

    def serve(self, name):
        """Start the server, and say so."""
        return tap.ok(self.start(under=SERVICE), f"{name}: the server starts", self.logged()[-1000:])


def good(name, done, said=b""):
    """A command that did what it should."""
    return tap.ok(not done.returncode and said in done.stdout, name, done.stdout + done.stderr)


def refused(name, done, sentence):
    """A command that says why not, in one sentence."""
    lines = done.stderr.decode().splitlines()
    return tap.ok(done.returncode == 1 and lines and sentence in lines[-1] and "PIN of" not in lines[-1], name, done.stderr)


def refusals(gw, what, table):
    """Bad names of a key: each says why, and leaves nothing behind."""
    for name, word, env, sentence in table:
        gw.fresh()
        refused(f"{what}: {name}", gw.init("--key", word, env=env, directory=gw.path("bad")), sentence)
        tap.ok(not os.path.exists(gw.path("bad")) and not os.path.exists(gw.path("bad.new")),
               f"{what}: {name}: nothing is left behind")


def has_key(directory):
    """Files that hold a private key."""
    return [name for name in sorted(os.listdir(directory)) if os.path.isfile(os.path.join(directory, name)) and
            "PRIVATE KEY" in read(os.path.join(directory, name)).replace("TSS2 PRIVATE KEY", "")]


def signer_is_confined(gw, name):
    """Another user, no new privileges, seccomp's filter."""
    pid = [pid for pid in [gw.process.pid] + children(gw.process.pid) if comm(pid) == "cordonctl:sign"]
    status = dict(line.split(":\t", 1) for line in read(f"/proc/{pid[0]}/status").splitlines()) if pid else {}
    tap.ok(status.get("Seccomp", "").strip() == "2" and status.get("NoNewPrivs", "").strip() == "1" and
           "0" not in status.get("Uid", "0").split(), f"{name}: signer is confined", status)


def sandbox():
    """signer's, from inside: with a key in hardware, sockets that are open go on, and none is made."""
    for role, want in (("hardware", "sendmsg recvmsg"), ("plain", "")):
        done = run(os.path.join(os.path.dirname(FAKE), "sandbox"), role)
        said = dict(line.split(":", 1) for line in done.stdout.decode().splitlines())
        tap.ok(said.pop("before", "").split(), f"sandbox: {role}: before: sockets", done.stderr)
        tap.equal(f"sandbox: {role}: what is open", want, said.pop("open", "none").strip())
        tap.equal(f"sandbox: {role}: no socket is made", [7, ""], [len(said), "".join(said.values()).strip()])


# An HSM, by PKCS#11.


def pkcs11(*words):
    """pkcs11-tool, logged in."""
    return must("pkcs11-tool", "--module", SOFTHSM, "--token-label", "cordon", "--login", "--pin", PIN, *words)


def make_token(gw):
    """A token with the keys of these tests; readable, as signer's user here is nobody's."""
    os.environ["SOFTHSM2_CONF"] = write(gw.path("softhsm2.conf"), f"directories.tokendir = {gw.tokens}\nlog.level = ERROR\n")
    must("softhsm2-util", "--init-token", "--free", "--label", "cordon", "--so-pin", "12345678", "--pin", PIN)
    for number, (label, kind) in enumerate((("ca", "EC:prime256v1"), ("root", "EC:secp384r1"), ("device", "EC:prime256v1"),
                                            ("next", "EC:prime256v1"), ("rsa", "rsa:2048"))):
        pkcs11("--keypairgen", "--key-type", kind, "--label", label, "--id", f"{number + 1:02x}")
    must("chmod", "-R", "a+rX", gw.tokens)


def uri(gw, label, pin=None, token="cordon"):
    """Names a key in the token."""
    return f"pkcs11:token={token};object={label}?pin-source={pin or gw.pin}"


def hsm_names(gw):
    """What is refused."""
    soft = write(gw.path("soft"), must("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256").decode())
    refusals(gw, "pkcs11", (
        ("a wrong PIN", uri(gw, "ca", gw.wrong), None, "token=cordon;object=ca: not this PIN; it is not tried again"),
        ("no PIN", "pkcs11:token=cordon;object=ca", None, "token=cordon;object=ca: needs a PIN: ?pin-source=FILE names it"),
        ("no file with the PIN", uri(gw, "ca", gw.path("none")), None, "/none: No such file or directory"),
        ("no such token", uri(gw, "ca", token="other"), None, "token=other;object=ca: no such private key: is the token there"),
        ("no such key", uri(gw, "nothing"), None, "no such private key"),
        ("another kind of key", uri(gw, "rsa"), None, "object=rsa: key of another kind than P-256 and P-384"),
        ("no token named", "pkcs11:object=ca", None, "which token? give token= or serial="),
        ("no key named", "pkcs11:token=cordon", None, "which key? give object= or id="),
        ("a PIN in the URI", f"pkcs11:token=cordon;object=ca?pin-value={PIN}", None, "a PIN does not belong into a URI"),
        ("another module", "pkcs11:token=cordon;object=ca?module-path=/tmp/x.so", None, "pin-source= alone is taken"),
        ("neither provider nor engine", uri(gw, "ca"), NOWHERE, "Debian's package pkcs11-provider, on Debian 12 "
         "libengine-pkcs11-openssl, brings it"),
        ("a file with a key itself", soft, None, "holds neither the URI of a key in hardware nor a TPM's wrapped key")))


def one_try(gw):
    """A wrong PIN reaches the token once, and so it can be used yet."""
    spy = gw.path("spy")
    module = must("sh", "-c", "dpkg -L opensc-pkcs11 | grep '/pkcs11-spy.so$' | head -n 1").decode().strip()
    env = {"PKCS11_MODULE_PATH": module, "PKCS11_PROVIDER_MODULE": module, "PKCS11SPY": SOFTHSM, "PKCS11SPY_OUTPUT": spy}
    gw.fresh()
    gw.init("--key", uri(gw, "ca", gw.wrong), env=env, directory=gw.path("bad"))
    tap.equal("pkcs11: a wrong PIN is tried once", 1, read(spy).count("C_Login\n"))
    refused("pkcs11: nor by another command", gw.init("--key", uri(gw, "ca", gw.wrong), env=env, directory=gw.path("bad")),
            "was refused: put the right one there, or touch it")
    tap.equal("pkcs11: a wrong PIN is still tried once", 1, read(spy).count("C_Login\n"))
    gw.fresh()
    gw.init("--key", uri(gw, "ca", gw.wrong), env=env, directory=gw.path("bad"))
    tap.equal("pkcs11: a PIN is tried again once its file was touched", 2, read(spy).count("C_Login\n"))
    tap.ok(os.path.exists(gw.wrong + ".refused") and PIN not in read(gw.wrong + ".refused"), "pkcs11: a file says that it was refused")
    os.unlink(spy)
    good("pkcs11: the same way with the right one", gw.init("--key", uri(gw, "ca"), env=env, directory=gw.path("bad")))
    shutil.rmtree(gw.path("bad"))


def spki_of(gw, label):
    """A public key, as the token has it."""
    pkcs11("--read-object", "--type", "pubkey", "--label", label, "--output-file", gw.path("read.der"))
    return must("openssl", "pkey", "-pubin", "-inform", "DER", "-in", gw.path("read.der"))


def hsm_ca(gw):
    """A CA whose keys are in the token."""
    good("pkcs11: ca init with root and issuing key there", gw.init("--key", uri(gw, "ca"), "--root-key", uri(gw, "root")))
    tap.equal("pkcs11: the CA's files hold no key", [], has_key(gw.ca))
    tap.equal("pkcs11: issuing.key names the key", (uri(gw, "ca"), 0o100600),
              (read(os.path.join(gw.ca, "issuing.key")), os.stat(os.path.join(gw.ca, "issuing.key")).st_mode))
    tap.equal("pkcs11: issuing.crt is of the token's key", spki_of(gw, "ca"), spki(os.path.join(gw.ca, "issuing.crt")))
    good("pkcs11: the chain verifies", run("openssl", "verify", "-CAfile", os.path.join(gw.ca, "root.crt"),
                                           os.path.join(gw.ca, "issuing.crt")))
    refused("pkcs11: root and issuing key may not be the same", gw.init("--key", uri(gw, "ca"), "--root-key", uri(gw, "ca"),
            directory=gw.path("bad")), "the issuing key must be another than the root's")
    good("pkcs11: a root in the token certifies another CA", ctl(
        "ca", "init", "--dir", gw.path("second"), "--root-cert", os.path.join(gw.ca, "root.crt"), "--root-key", uri(gw, "root")))
    good("pkcs11: ca issue", ctl("ca", "issue", "by-hand", "--dir", gw.ca, "--registry", gw.registry, "--mac", "02:00:00:00:99:01",
                                 "--out", gw.path("by-hand")))


def hsm_rollover(gw):
    """The next CA's key is in the token as well, or is said not to be."""
    words = ("ca", "init", "--dir", gw.ca, "--registry", gw.registry, "--rollover")
    refused("pkcs11: no roll-over to a key in a file unasked", ctl(*words), "the present issuing key is in hardware")
    good("pkcs11: roll-over to another key in the token", ctl(*words, "--key", uri(gw, "next")))
    tap.equal("pkcs11: next/issuing.key names it", uri(gw, "next"), read(os.path.join(gw.ca, "next", "issuing.key")))
    good("pkcs11: the next CA is activated", ctl(*words, "--activate", "--force", "2"))
    tap.equal("pkcs11: issuing.crt is of the next key", spki(os.path.join(gw.ca, "issuing.crt")), spki_of(gw, "next"))
    good("pkcs11: ca issue by the next CA", ctl("ca", "issue", "after", "--dir", gw.ca, "--registry", gw.registry, "--mac",
                                                "02:00:00:00:99:02", "--out", gw.path("after")))


def hsm_backup(gw):
    """A backup has what names the key, with and without keys."""
    policy = write(gw.path("policy.yaml"), "version: 1\nmode: observe\nports: [lan0]\n")
    passphrase = write(gw.path("passphrase"), "correct horse battery staple 7\n")
    for more in ((), ("--with-keys", "--passphrase-file", passphrase)):
        out = gw.path("backup.tar")
        good(f"pkcs11: backup {' '.join(more[:1])}", ctl("backup", out, "--config", gw.config, "--policy", policy, "--state",
                                                         gw.path("state"), *more))
        got = run("tar", "-xOf", out, "--wildcards", "*ca/issuing.key", "./ca/issuing.key")
        tap.ok(uri(gw, "next") in got.stdout.decode(), f"pkcs11: backup {' '.join(more[:1])}: names the key",
               got.stdout + got.stderr)


def hsm_firmware(gw):
    """A vendor's key in the token signs firmware."""
    root = [gw.path("vendor." + end) for end in ("key", "crt")]
    public, cert, image = gw.path("code.pub"), gw.path("code.crt"), write(gw.path("image"), "firmware")
    with open(public, "wb") as out:
        out.write(spki_of(gw, "device"))
    must("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=vendor", "-keyout",
         root[0], "-out", root[1])
    must("openssl", "req", "-new", "-key", root[0], "-subj", "/CN=code", "-out", gw.path("code.csr"))
    must("openssl", "x509", "-req", "-in", gw.path("code.csr"), "-CA", root[1], "-CAkey", root[0], "-force_pubkey", public, "-extfile",
         write(gw.path("code.ext"), "keyUsage=critical,digitalSignature\nextendedKeyUsage=codeSigning\n"), "-out", cert)
    good("pkcs11: firmware sign", ctl("firmware", "sign", image, "--key", uri(gw, "device"), "--cert", cert))
    good("pkcs11: its signature verifies", run(
        "openssl", "cms", "-verify", "-binary", "-content", image, "-in", image + ".p7s", "-inform", "DER", "-CAfile", root[1], "-purpose",
        "any", "-out", "/dev/null"))


def hsm_passphrase(gw):
    """Where no file with a PIN is named, the CA's passphrase is the PIN."""
    name, directory, words = "pkcs11:token=cordon;object=ca", gw.path("plain"), ("--passphrase-file", gw.pin)
    good("pkcs11: ca init with the passphrase as PIN", gw.init("--key", name, *words, directory=directory))
    tap.equal("pkcs11: with the passphrase: issuing.key", name, read(os.path.join(directory, "issuing.key")))
    tap.ok("BEGIN ENCRYPTED" in read(os.path.join(directory, "root.key")), "pkcs11: with the passphrase: root.key is encrypted")
    issue = ("ca", "issue", "plain", "--dir", directory, "--registry", gw.path("plain.db"), "--mac", "02:00:00:00:99:03", "--out",
             gw.path("plain.out"))
    refused("pkcs11: ca issue with another passphrase", ctl(*issue, "--passphrase-file", gw.wrong), "not this PIN")
    good("pkcs11: ca issue with the passphrase as PIN", ctl(*issue, *words))
    tap.ok(asked(issue), "pkcs11: ca issue asks for it on a terminal")


def asked(words):
    """Run it on a terminal, and type the PIN when it asks."""
    pid, terminal = pty.fork()
    if not pid:
        os.execv(CTL, (CTL, *words))
    said = b""
    with contextlib.suppress(OSError):
        while True:
            said += os.read(terminal, 4096)
            if said.endswith(b": ") and PIN.encode() not in said:
                os.write(terminal, PIN.encode() + b"\n")
                said += PIN.encode()
    os.close(terminal)
    return not os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def hsm_serve(gw):
    """The server signs with it, from within its sandbox."""
    name = "pkcs11: no other file is readable for signer"
    if not has_landlock():
        tap.skip(name, "the kernel has no landlock")
    elif glob.glob("/usr/lib/*/ossl-modules/pkcs11.so"):
        tap.skip(name, "OpenSSL's provider, other than its engine, has the module read none as it signs")
    else:
        tap.ok(not gw.start() and "cannot be made" in gw.logged(), name, gw.logged()[-500:])
        gw.stop()
    gw.write_config(f"token_directory: {gw.tokens}\n")
    if gw.serve("pkcs11"):
        signer_is_confined(gw, "pkcs11")
        hsm_device(gw)
    gw.stop()
    gw.fresh()
    before = read(os.path.join(gw.ca, "issuing.key"))
    write(os.path.join(gw.ca, "issuing.key"), uri(gw, "ca", gw.wrong))
    tap.ok(not gw.start() and gw.process.wait() == 77 and "not this PIN" in gw.logged(),
           "pkcs11: a wrong PIN ends the server with the status that it is not restarted after", gw.logged()[-500:])
    write(os.path.join(gw.ca, "issuing.key"), before)
    gw.serve("pkcs11: again")
    gw.stop()


def hsm_device(gw):
    """A device's key is there, too."""
    token = gw.device("hsm")
    gw.fresh()
    refused("pkcs11: enroll with a wrong PIN", gw.enroll("hsm", uri(gw, "device", gw.wrong), token), "not this PIN")
    tap.ok(not os.path.exists(gw.path("hsm", "device.key")), "pkcs11: enroll with a wrong PIN writes no key")
    good("pkcs11: enroll", gw.enroll("hsm", uri(gw, "device"), token), b"enrolled: hsm")
    tap.equal("pkcs11: the device's files hold no key", [], has_key(gw.path("hsm")))
    good("pkcs11: check-in", gw.checkin("hsm"), b"Welcome IoT Device")
    good("pkcs11: check-in with the URI itself", gw.checkin("hsm", uri(gw, "device")), b"Welcome IoT Device")
    before, before_cert = spki(gw.path("hsm", "device.crt")), read(gw.path("hsm", "device.crt"))
    good("pkcs11: renew", gw.renew("hsm"), b"renewed: hsm")
    tap.equal("pkcs11: renewed with the same key", before, spki(gw.path("hsm", "device.crt")))
    refused("pkcs11: renew --rekey makes no key", gw.renew("hsm", "--rekey"),
            "the key is in hardware: make the next one there, and write its URI to")
    write(gw.path("hsm", "device.key.new"), uri(gw, "next"))
    good("pkcs11: renew --rekey with the next one", gw.renew("hsm", "--rekey"), b"renewed: hsm")
    tap.ok(spki(gw.path("hsm", "device.crt")) != before and read(gw.path("hsm", "device.key")) == uri(gw, "next") and
           not os.path.exists(gw.path("hsm", "device.key.new")), "pkcs11: renewed with the next key")
    good("pkcs11: check-in with the next key", gw.checkin("hsm"), b"Welcome IoT Device")
    half_done(gw, before_cert)


def half_done(gw, old):
    """A renew --rekey that was killed is finished by the next one, and not thrown away while the token is out of reach."""
    cert, new = gw.path("hsm", "device.crt"), gw.path("hsm", "device.crt.new")
    text = read(cert)
    os.rename(cert, new)
    write(cert, old)
    empty = {"SOFTHSM2_CONF": write(gw.path("empty.conf"), f"directories.tokendir = {gw.path('run')}\n")}
    refused("pkcs11: half a renewal, and no token", gw.renew("hsm", env=empty), "cannot be given its place: is what holds its key there?")
    tap.ok(os.path.exists(new) and read(new) == text, "pkcs11: half a renewal, and no token: nothing is lost")
    good("pkcs11: half a renewal, with the token", gw.renew("hsm", "--if-older", "50"), b"not due")
    tap.ok(read(cert) == text and not os.path.exists(new), "pkcs11: half a renewal is finished")
    good("pkcs11: half a renewal: check-in", gw.checkin("hsm"), b"Welcome IoT Device")


# A TPM.


class Tpm:
    """A TPM of one's own: over a socket, or behind a terminal as if it were /dev/tpmrm0."""

    def __init__(self, gw, name):
        self.socket = gw.path(name + ".sock")
        os.mkdir(gw.path(name))
        self.process = subprocess.Popen(
            ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={gw.path(name)}", "--server", f"type=unixio,path={self.socket}",
             "--ctrl", f"type=unixio,path={self.socket}.ctrl", "--flags", "not-need-init,startup-clear"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until(lambda: os.path.exists(self.socket))
        self.ends = ()

    def env(self):
        """For programs that use it."""
        return {"TPM2OPENSSL_TCTI": f"swtpm:path={self.socket}", "TPM2TOOLS_TCTI": f"swtpm:path={self.socket}",
                "TSS2_LOG": "all+NONE"}

    def run(self, *words):
        """Run a program with it."""
        return must(*words, env={**os.environ, **self.env()})

    def key(self, path, *more):
        """A wrapped key; its path."""
        self.run("openssl", "genpkey", "-provider", "tpm2", "-provider", "default", "-algorithm", "EC", "-pkeyopt", "group:P-256",
                 "-out", path, *more)
        return path

    def persistent(self, gw, handle, passphrase):
        """A key that stays in it."""
        names = {name: gw.path("made." + name) for name in ("primary", "pub", "priv", "ctx")}
        for words in (("tpm2_createprimary", "-Q", "-C", "o", "-G", "ecc", "-c", names["primary"]),
                      ("tpm2_create", "-Q", "-C", names["primary"], "-G", "ecc256:ecdsa-sha256", "-p", passphrase,
                       "-u", names["pub"], "-r", names["priv"]),
                      ("tpm2_flushcontext", "-t"),
                      ("tpm2_load", "-Q", "-C", names["primary"], "-u", names["pub"], "-r", names["priv"], "-c", names["ctx"]),
                      ("tpm2_evictcontrol", "-Q", "-c", names["ctx"], handle), ("tpm2_flushcontext", "-t")):
            self.run(*words)

    def open_device(self):
        """A device file for it, which one program may have open: env for that."""
        master, slave = pty.openpty()
        tty.setraw(slave)
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(self.socket)
        self.ends = (master, slave, sock)
        threading.Thread(target=carry, args=(master, sock), daemon=True).start()
        return {"TPM2OPENSSL_TCTI": "device:" + os.ttyname(slave)}

    def stop(self):
        """No TPM any more."""
        self.process.kill()
        self.process.wait()


def whole(get):
    """A command or an answer: its length is in its head."""
    data = b""
    while len(data) < 6 or len(data) < struct.unpack(">I", data[2:6])[0]:
        more = get()
        if not more:
            return b""
        data += more
    return data


def carry(master, sock):
    """Commands there, answers back, until there is no TPM any more: then the device is gone as well."""
    with contextlib.suppress(OSError):
        while True:
            sock.sendall(whole(lambda: os.read(master, 4096)))
            answer = whole(lambda: sock.recv(4096))
            if not answer:
                break
            os.write(master, answer)
    os.close(master)


def tpm_names(gw, mine, other):
    """What is refused. Each wrong passphrase is one that the TPM counts."""
    foreign = other.key(gw.path("foreign.pem"))
    env = mine.env()
    refusals(gw, "tpm", (
        ("a wrong passphrase", f"handle:0x81000001?pin-source={gw.wrong}", env, "0x81000001: not this passphrase; it is not tried again"),
        ("no passphrase", "handle:0x81000001?pass", env, "0x81000001: needs a PIN: ?pin-source=FILE names it"),
        ("no such key", "handle:0x81000009", env, "0x81000009: no such key: is it this TPM's"),
        ("another TPM's key", foreign, env, "the TPM's key: no such key: is it this TPM's"),
        ("no TPM", "handle:0x81000001", {"TPM2OPENSSL_TCTI": "device:/nonexistent"}, "does the TPM answer"),
        ("no provider", "handle:0x81000001", {**env, **NOWHERE}, "Debian's package tpm2-openssl brings it"),
        ("no key named", "handle:", env, "which of the TPM's keys?")))


def tpm_all(gw):
    """The CA's key in one, a device's in another."""
    mine, other = Tpm(gw, "tpm"), Tpm(gw, "other")
    try:
        mine.persistent(gw, "0x81000001", PIN)
        tpm_names(gw, mine, other)
        good("tpm: ca init", gw.init("--key", f"handle:0x81000001?pin-source={gw.pin}", env=mine.env()))
        tap.equal("tpm: the root's is the only key in the CA's files", ["root.key"], has_key(gw.ca))
        good("tpm: the chain verifies", run("openssl", "verify", "-CAfile", os.path.join(gw.ca, "root.crt"),
                                            os.path.join(gw.ca, "issuing.crt")))
        gw.write_config()
        gw.environment.update(mine.open_device())
        if gw.serve("tpm"):
            signer_is_confined(gw, "tpm")
            tpm_device(gw, mine, other)
    finally:
        gw.stop()
        mine.stop()
        other.stop()


def tpm_device(gw, mine, tpm):
    """A device's key, wrapped by its TPM."""
    env = tpm.env()
    key = tpm.key(gw.path("wrapped.pem"))
    good("tpm: enroll", gw.enroll("tpm", key, gw.device("tpm"), env), b"enrolled: tpm")
    tap.ok(read(gw.path("tpm", "device.key")) == read(key) and not has_key(gw.path("tpm")),
           "tpm: the device has the wrapped key and no other")
    good("tpm: check-in", gw.checkin("tpm", env=env), b"Welcome IoT Device")
    good("tpm: renew", gw.renew("tpm", env=env), b"renewed: tpm")
    good("tpm: check-in with the next certificate", gw.checkin("tpm", env=env), b"Welcome IoT Device")
    done = gw.checkin("tpm", env={"TPM2OPENSSL_TCTI": "device:/nonexistent"})
    refused("tpm: no check-in without the TPM", done, "does the TPM answer")
    token = gw.device("late")
    mine.stop()
    done = gw.enroll("late", tpm.key(gw.path("late.pem")), token, env)
    tap.ok(done.returncode == 1 and "is what holds the key still there?" in gw.logged(),
           "tpm: nothing is issued without the CA's, and the log says what to look at", gw.logged()[-500:])


def main():
    """All of it."""
    sandbox()
    with HardwareGateway() as gw:
        make_token(gw)
        hsm_names(gw)
        one_try(gw)
        hsm_ca(gw)
        hsm_passphrase(gw)
        hsm_serve(gw)
        hsm_rollover(gw)
        hsm_backup(gw)
        hsm_firmware(gw)
        tap.ok(PIN not in gw.logged(), "pkcs11: no PIN in the log")
    with HardwareGateway() as gw:
        tpm_all(gw)
    tap.done()


if __name__ == "__main__":
    main()

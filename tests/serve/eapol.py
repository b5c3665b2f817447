#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""`cordonctl hostapd` with a hostapd and a kernel of straw, and `cordonctl ca export --hostapd`.

Whose lease a session gives, what ends it, and what a station may call itself without getting another's. That the real
hostapd and FreeRADIUS speak like this is what tests/scenarios/eapol.sh shows.
"""
import json
import os
import re
import select
import signal
import socket
import stat
import subprocess
import sys
import threading

from gateway import Tap, ctl, must, serial, until
from kernel import FAKE, FirmwareGateway

CAM, LOCK, NEW = "02:00:00:00:01:01", "02:00:00:00:01:02", "02:00:00:00:01:03"
PORT = "lo"  # which is there on every machine
SECRET = re.compile(r"&User-Name := \"cordon-([0-9a-f]{32})-%\{TLS-Client-Cert-Serial\}\"")


class Hostapd:
    """hostapd of one interface: its control interface, and stations as a test says they are."""

    def __init__(self, directory, port=PORT):
        self.path = os.path.join(directory, port)
        self.stations = {}
        self.asked = []
        self.listeners = set()
        self.stop = False
        self.noise = []
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.path)
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def station(self, mac, user, flags="[AUTHORIZED]", state=5, successes=1):
        """One as hostapd would tell of it."""
        self.stations[mac] = (
            f"{mac}\nflags={flags}\naid=0\ncapability=0x0\ndot1xAuthPaeState={state}\ndot1xAuthReAuthPeriod=1800\n"
            f"dot1xAuthReAuthEnabled=TRUE\ndot1xAuthBackendAuthSuccesses={successes}\n"
            f"dot1xAuthBackendAuthFails=0\ndot1xAuthSessionUserName={user}\nlast_eap_type_as=13 (TLS)\n")

    def answer(self, words):
        """The reply to a request."""
        if words[0] in ("PING", "ATTACH"):
            return {"PING": "PONG\n", "ATTACH": "OK\n"}[words[0]]
        macs = list(self.stations)
        if words[0] == "STA":
            return self.stations.get(words[1], "FAIL\n")
        if words[0] == "STA-FIRST":
            return self.stations[macs[0]] if macs else ""
        if words[0] == "STA-NEXT":
            if words[1] not in macs:
                return "FAIL\n"
            at = macs.index(words[1]) + 1
            return self.stations[macs[at]] if at < len(macs) else ""
        self.asked.append(" ".join(words))
        if words[0] == "DEAUTHENTICATE":
            self.stations.pop(words[1], None)
        return "OK\n"

    def serve(self):
        """Answer until it is closed."""
        while not self.stop:
            if not select.select([self.sock], [], [], 0.05)[0]:
                continue
            request, peer = self.sock.recvfrom(4096)
            words = request.decode().split()
            if words[0] == "ATTACH":
                self.listeners.add(peer)
            else:
                noise, self.noise = self.noise, []
                for text in noise:
                    self.event(text)
            self.sock.sendto(self.answer(words).encode(), peer)

    def event(self, text):
        """Tell whoever listens."""
        for peer in self.listeners:
            try:
                self.sock.sendto(b"<3>" + text.encode(), peer)
            except OSError:
                pass

    def close(self):
        """As a hostapd that is killed: its socket's file stays."""
        self.stop = True
        self.thread.join()
        self.sock.close()


class Setup:
    """A CA with three devices, its export, hostapd and the helper."""

    def __init__(self, tap):
        self.tap = tap
        self.gw = FirmwareGateway()
        self.control = self.gw.path("hostapd")
        self.export = self.gw.path("8021x")
        os.mkdir(self.control, 0o755)
        self.where = ("--dir", self.gw.ca, "--registry", self.gw.registry)
        for name, mac, address in (("cam", CAM, "127.0.0.5"), ("lock", LOCK, "127.0.0.6")):
            self.gw.kernel.add(name, mac, address)
        self.cert = {name: self.issue(name, mac) for name, mac in (("cam", CAM), ("lock", LOCK), ("new", NEW))}
        self.helper = None
        self.token = None
        self.log = self.gw.path("helper.log")

    def issue(self, name, mac):
        """A certificate by hand; its serial number, as FreeRADIUS writes it."""
        must(FAKE, "ca", "issue", name, "--mac", mac, "--out", self.gw.path(name), *self.where)
        return serial(self.gw.path(name, name + ".crt")).hex()

    def user(self, name, token=None):
        """What FreeRADIUS answers for a device's certificate."""
        return f"cordon-{token or self.token}-{self.cert[name]}"

    def start(self, *words):
        """The helper."""
        self.helper = subprocess.Popen(
            [FAKE, "hostapd", "--control", self.control, "--token", os.path.join(self.export, "token"), "--registry",
             self.gw.registry, *words], stderr=open(self.log, "ab"), env={**os.environ, **self.gw.environment})

    def said(self):
        """What the helper has logged."""
        with open(self.log, encoding="utf-8") as log:
            return log.read()

    def end(self):
        """No helper any more, and nothing of it but its leases."""
        self.helper.send_signal(signal.SIGTERM)
        self.helper.wait(30)

    def leases(self, want, name="cam"):
        """Wait until so many were given, and ended."""
        return until(lambda: self.gw.kernel.leases(name) == want, 15) or self.gw.kernel.leases(name)


def other_ca(t):
    """Another CA below the same root, and a certificate of its own with the serial number of cam's: where they lie."""
    gw, at = t.gw, t.gw.path("other")
    os.mkdir(at)
    with open(gw.path("other", "ext"), "w", encoding="ascii") as file:
        file.write("[ca]\nbasicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign\n"
                   "[leaf]\nextendedKeyUsage=clientAuth\nkeyUsage=critical,digitalSignature\n")
    for name, issuer, key, section, number in (
            ("ca", os.path.join(gw.ca, "root.crt"), os.path.join(gw.ca, "root.key"), "ca", "0x77"),
            ("forged", gw.path("other", "ca.crt"), gw.path("other", "ca.key"), "leaf", "0x" + t.cert["cam"])):
        must("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
             "-keyout", os.path.join(at, name + ".key"), "-out", os.path.join(at, name + ".csr"))
        must("openssl", "x509", "-req", "-in", os.path.join(at, name + ".csr"), "-CA", issuer, "-CAkey", key, "-set_serial",
             number, "-days", "1", "-extfile", gw.path("other", "ext"), "-extensions", section,
             "-out", os.path.join(at, name + ".crt"))
    return gw.path("other", "ca.crt"), gw.path("other", "forged.crt")


def revoked(t):
    """The issuing CA is taken back: FreeRADIUS is not told to take its certificates, though none must be made."""
    place = os.path.join(t.gw.ca, "root-crl.pem")
    words = ("ca", "export", "--hostapd", t.export, "lan0", *t.where)
    with open(os.path.join(t.export, "ca.pem"), "rb") as file:
        before = file.read()
    must(FAKE, "ca", "crl", "--root", "--revoke", os.path.join(t.gw.ca, "issuing.crt"), "--dir", t.gw.ca)
    done = ctl(*words)
    tap = t.tap
    tap.ok(done.returncode == 1 and b"was revoked" in done.stderr, "export: of a CA that was revoked: refused", done.stderr)
    with open(os.path.join(t.export, "ca.pem"), "rb") as file:
        tap.equal("export: and nothing is written", before, file.read())
    os.unlink(place)
    tap.equal("export: control: without that list", 0, ctl(*words).returncode)


def exported(t):
    """What is written, by whom it may be read, and what stays."""
    tap, gw = t.tap, t.gw
    out = ctl("ca", "export", "--hostapd", t.export, "lan0", "lan1.7", "--json", *t.where)
    tap.equal("export: done", 0, out.returncode)
    tap.equal("export: a file for each port", ["hostapd-lan0.conf", "hostapd-lan1.7.conf"], json.loads(out.stdout)["hostapd"])
    modes = {name: stat.S_IMODE(os.stat(os.path.join(t.export, name)).st_mode) for name in os.listdir(t.export)}
    tap.equal("export: nobody else reads it", {
        "ca.pem": 0o640, "server.pem": 0o640, "radiusd.conf": 0o640, "token": 0o600, "radius.secret": 0o600,
        "hostapd-lan0.conf": 0o600, "hostapd-lan1.7.conf": 0o600}, modes)
    tap.equal("export: nor the directory", 0, os.stat(t.export).st_mode & 0o7)

    def text(name):
        with open(os.path.join(t.export, name), encoding="ascii") as file:
            return file.read()
    t.token = text("token").strip()
    tap.equal("export: FreeRADIUS has the token", t.token, SECRET.search(text("radiusd.conf"))[1])
    secret = text("radius.secret").strip()
    tap.ok(f"auth_server_shared_secret={secret}\n" in text("hostapd-lan0.conf") and
           f"secret = {secret}\n" in text("radiusd.conf"), "export: hostapd and FreeRADIUS share a secret")
    tap.ok(secret != t.token and t.token not in text("hostapd-lan0.conf"), "export: hostapd has no token")
    tap.ok("interface=lan1.7\n" in text("hostapd-lan1.7.conf"), "export: the port's name")
    with open(os.path.join(t.export, "ca.pem"), encoding="ascii") as file:
        pem = file.read()
    tap.ok(re.findall("BEGIN ([A-Z0-9 ]+)-", pem) == ["TRUSTED CERTIFICATE", "X509 CRL"],
           "export: the issuing CA, for clients alone, and its revocation list", pem)
    chain = gw.path("chain.pem")
    with open(chain, "wb") as file:
        file.write(must(FAKE, "ca", "export", "--dir", gw.ca))
    other, forged = other_ca(t)
    for name, purpose, anchors, want in (("server.pem", "sslserver", chain, 0), ("server.pem", "sslclient", "ca.pem", 2),
                                         (gw.path("cam", "cam.crt"), "sslclient", "ca.pem", 0),
                                         (forged, "sslclient", chain, 0), (forged, "sslclient", "ca.pem", 2)):
        done = subprocess.run(["openssl", "verify", "-purpose", purpose, *(["-crl_check"] if anchors != chain else []), "-untrusted",
                               other, "-CAfile", os.path.join(t.export, anchors), os.path.join(t.export, name)],
                              capture_output=True, check=False)
        tap.equal(f"export: {os.path.basename(name)} as {purpose} by {os.path.basename(anchors)}", want, done.returncode)
    before = {name: text(name) for name in modes}
    must(FAKE, "ca", "export", "--hostapd", t.export, "lan0", *t.where)
    tap.equal("export, again: secrets and the server's certificate stay", [],
              [name for name in modes if name != "ca.pem" and text(name) != before[name]])
    tap.ok(text("ca.pem") != before["ca.pem"], "export, again: the revocation list is a fresh one")
    server = os.path.join(t.export, "server.pem")
    os.chown(t.export, -1, 65534)
    must(FAKE, "ca", "export", "--hostapd", t.export, "lan0", *t.where)
    tap.equal("export, once FreeRADIUS has its group: the certificate that stays is given to it", os.stat(t.export).st_gid,
              os.stat(server).st_gid)
    tap.equal("export: and is the same", before["server.pem"], text("server.pem"))
    revoked(t)
    for words, why in ((("relative", "lan0"), "absolute path"), ((gw.path("a b"), "lan0"), "absolute path"),
                       ((gw.path("x"), "lan 0"), "not a name"), ((gw.path("x"), "lan0\nx"), "not a name"),
                       ((gw.path("x"), "../lan0"), "not a name"), ((gw.path("x"), "a" * 16), "not a name")):
        done = ctl("ca", "export", "--hostapd", *words, *t.where)
        tap.ok(done.returncode == 1 and why in done.stderr.decode(), f"export: refused: {words!r}", done.stderr.decode())
    tap.ok(not os.path.exists(gw.path("x")), "export: and nothing is made then")
    os.mkdir(gw.path("theirs"), 0o755)
    with open(gw.path("theirs", "passwd"), "w", encoding="ascii") as file:
        file.write("root\n")
    done = ctl("ca", "export", "--hostapd", gw.path("theirs"), "lan0", *t.where)
    tap.ok(done.returncode == 1 and "neither empty" in done.stderr.decode(), "export: not among others' files", done.stderr)
    tap.equal("export: which are as they were", (["passwd"], 0o40755),
              (os.listdir(gw.path("theirs")), os.stat(gw.path("theirs")).st_mode))
    os.unlink(gw.path("theirs", "passwd"))
    tap.equal("export: control: into an empty directory", 0,
              ctl("ca", "export", "--hostapd", gw.path("theirs"), "lan0", *t.where).returncode)
    for words in (("export", "lan0"), ("export", "--hostapd", gw.path("x")),
                  ("export", "--hostapd", gw.path("x"), "--der", "lan0")):
        tap.equal(f"usage: {' '.join(words[:2])}", 2, ctl("ca", *words, *t.where).returncode)
    with open(os.path.join(t.export, "token"), "w", encoding="ascii") as file:
        file.write("short\n")
    done = ctl("ca", "export", "--hostapd", t.export, "lan0", *t.where)
    tap.ok(done.returncode == 1 and "token" in done.stderr.decode(), "export: a token that is none is not replaced")
    done = ctl("hostapd", "--token", os.path.join(t.export, "token"))
    tap.ok(done.returncode == 1 and "token" in done.stderr.decode(), "the helper does not take it, either")
    with open(os.path.join(t.export, "token"), "w", encoding="ascii") as file:
        file.write(t.token + "\n")


def usage(t):
    """What is no command."""
    good = "3dccbdb3ebbb2e982916d622e4c14b76"
    rows = (
        (("device", "lease", "--certificate", good, "--port", "lan0"), "which device?"),
        (("device", "lease", "cam", "1h", "--certificate", good, "--port", "lan0"), "the lease is its segment's"),
        (("device", "lease", "cam", "--certificate", good), "--port"),
        (("device", "lease", "cam", "--certificate", good, "--port", "l" * 16), "--port"),
        (("device", "lease", "cam", "--certificate", "", "--port", "lan0"), "not a serial number"),
        (("device", "lease", "cam", "--certificate", good + "0", "--port", "lan0"), "not a serial number"),
        (("device", "lease", "cam", "end", "more", "--certificate", good), "the lease is its segment's"),
        (("device", "lease", "no name", "--certificate", good, "--port", "lan0"), "neither a device's name nor a MAC"),
        (("hostapd", "lan0"), "too many words"), (("hostapd", "--port", "lan0"), "port"),
    )
    for words, why in rows:
        done = ctl(*words)
        t.tap.ok(done.returncode == 2 and why in done.stderr.decode(), f"usage: {' '.join(words)}", done.stderr.decode())


def sessions(t):
    """What gives a lease, and what does not."""
    tap, hostapd = t.tap, Hostapd(t.control)
    hostapd.station(CAM, t.user("cam"))
    t.start()
    tap.equal("a session that was there before gives a lease", (1, 0), t.leases((1, 0)) and t.gw.kernel.leases("cam"))
    hostapd.event(f"AP-STA-CONNECTED {CAM}")
    hostapd.station(CAM, t.user("cam"), successes=2)
    hostapd.event(f"CTRL-EVENT-EAP-SUCCESS2 {CAM}")
    t.leases((2, 0))
    tap.equal("each authentication gives it once", (2, 0), t.gw.kernel.leases("cam"))

    # What is not this device's word, with the same device's as a control after each.
    forged = "cordon-" + "0" * 32
    rows = (
        ("another device's certificate", t.user("lock"), True, "lock, 02:00:00:00:01:02"),
        ("its own name, no certificate", "cam", True, "named no certificate"),
        ("a certificate by a forged token", f"{forged}-{t.cert['cam']}", True, "named no certificate"),
        ("a serial number alone", t.cert["cam"], True, "named no certificate"),
        ("no serial number that the registry knows", t.user("cam")[:-4] + "ffff", True, "does not know"),
        ("a name with a line that names the certificate", f"x\ndot1xAuthSessionUserName={t.user('cam')}", False, ""),
        ("a name with a line that opens the port", "x\nflags=[AUTHORIZED]", False, ""),
    )
    for name, user, out, why in rows:
        hostapd.asked.clear()
        given, ended = t.gw.kernel.leases("cam")
        hostapd.station(CAM, user, successes=given + 5)
        hostapd.event(f"CTRL-EVENT-EAP-SUCCESS2 {CAM}")
        tap.ok(until(lambda e=ended: t.gw.kernel.leases("cam")[1] == e + 1), f"{name}: the lease ends")
        if out:
            tap.ok(until(lambda: f"DEAUTHENTICATE {CAM}" in hostapd.asked), f"{name}: hostapd throws it out")
            tap.ok(until(lambda w=why: w in t.said()), f"{name}: logged", t.said())
        tap.equal(f"{name}: no lease", given, t.gw.kernel.leases("cam")[0])
        hostapd.station(CAM, t.user("cam"), successes=given + 6)
        hostapd.event(f"CTRL-EVENT-EAP-SUCCESS2 {CAM}")
        tap.ok(until(lambda g=given: t.gw.kernel.leases("cam")[0] == g + 1), f"{name}: control: its own gives one")
    given, ended = t.gw.kernel.leases("cam")

    # While it authenticates anew, the name is what the station calls itself.
    hostapd.asked.clear()
    hostapd.station(CAM, t.user("lock"), state=4, successes=given + 5)
    hostapd.event(f"AP-STA-CONNECTED {CAM}")
    hostapd.station(LOCK, t.user("lock"))
    hostapd.event(f"CTRL-EVENT-EAP-SUCCESS2 {LOCK}")
    tap.ok(until(lambda: t.gw.kernel.leases("lock") == (1, 0)), "another station's session gives it one")
    tap.equal("a re-authentication that is under way changes nothing", ((given, ended), []),
              (t.gw.kernel.leases("cam"), hostapd.asked))

    # Its own certificate, but the policy has no such device, or holds it.
    hostapd.station(NEW, t.user("new"))
    hostapd.event(f"CTRL-EVENT-EAP-SUCCESS2 {NEW}")
    tap.ok(until(lambda: f"mac={NEW}" in t.said()), "a device that the policy does not have: logged")
    tap.ok(f"DEAUTHENTICATE {NEW}" not in hostapd.asked, "and kept: the policy may get it")
    t.gw.kernel.add("new", NEW, "127.0.0.7")
    tap.ok(until(lambda: t.gw.kernel.leases("new") == (1, 0)), "it has its lease once the policy has it")
    t.gw.kernel.change("lock", quarantined=True)
    hostapd.station(LOCK, t.user("lock"), successes=2)
    hostapd.event(f"CTRL-EVENT-EAP-SUCCESS2 {LOCK}")
    tap.ok(until(lambda: "lock is quarantined" in t.said()), "quarantined: no lease, logged", t.said())
    tap.equal("quarantined: none is given", (1, 0), t.gw.kernel.leases("lock"))
    t.gw.kernel.change("lock", quarantined=False)
    tap.ok(until(lambda: t.gw.kernel.leases("lock") == (2, 0)), "released, it has it without another authentication")
    return hostapd


def noisy(t, hostapd):
    """Frames of strangers, by which hostapd has more to tell than there is room for before it answers."""
    tap = t.tap
    room = hostapd.sock.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF) // 256
    given, ended = t.gw.kernel.leases("cam")
    hostapd.station(CAM, t.user("cam"), successes=given + 50)
    strange = [f"CTRL-EVENT-EAP-STARTED 02:00:00:00:{n >> 8 & 255:02x}:{n & 255:02x}" for n in range(room + 200)]
    hostapd.noise = [*strange[:100], f"AP-STA-DISCONNECTED {CAM}", *strange[100:]]
    tap.ok(until(lambda: t.gw.kernel.leases("cam") == (given + 1, ended + 1)), "a flood: what is not noise in it is heard",
           t.gw.kernel.leases("cam"))
    tap.ok("does not answer" not in t.said(), "a flood: hostapd is heard", t.said())
    # More than is kept: then everybody is looked at.
    hostapd.noise = [f"AP-STA-CONNECTED 02:00:00:00:09:{n % 256:02x}" for n in range(room + 200)]
    until(lambda: not hostapd.noise)
    hostapd.station(CAM, t.user("cam"), successes=given + 51)
    hostapd.event(f"CTRL-EVENT-EAP-SUCCESS2 {CAM}")
    tap.ok(until(lambda: t.gw.kernel.leases("cam") == (given + 2, ended + 1)), "a flood of sessions: one of them has its lease")
    tap.ok("does not answer" not in t.said(), "a flood of sessions: hostapd is heard", t.said())


def ends(t, hostapd):
    """What takes a lease away."""
    tap = t.tap
    given, ended = t.gw.kernel.leases("lock")
    hostapd.stations.pop(LOCK)
    hostapd.event(f"AP-STA-DISCONNECTED {LOCK}")
    tap.ok(until(lambda: t.gw.kernel.leases("lock") == (given, ended + 1)), "a session that ends: its lease, too")
    hostapd.station(LOCK, t.user("lock"))
    hostapd.event(f"AP-STA-CONNECTED {LOCK}")
    tap.ok(until(lambda: t.gw.kernel.leases("lock") == (given + 1, ended + 1)), "control: it begins again")
    # The same count, another session, whose end nobody saw before it was there.
    hostapd.station(LOCK, t.user("cam"))
    hostapd.event(f"AP-STA-DISCONNECTED {LOCK}")
    tap.ok(until(lambda: f"DEAUTHENTICATE {LOCK}" in hostapd.asked), "at its place at once, another's certificate: thrown out")
    tap.equal("and no lease", (given + 1, ended + 2), t.gw.kernel.leases("lock"))

    hostapd.station(LOCK, t.user("lock"))
    hostapd.event(f"AP-STA-CONNECTED {LOCK}")
    t.leases((given + 2, ended + 2), "lock")
    hostapd.station(LOCK, t.user("lock"), flags="", state=2)
    tap.ok(until(lambda: t.gw.kernel.leases("lock") == (given + 2, ended + 3)), "an end of which no event came: within a walk")

    given, ended = t.gw.kernel.leases("new")
    hostapd.asked.clear()
    must(FAKE, "ca", "revoke", "new", *t.where, env={**os.environ, **t.gw.environment})
    tap.ok(until(lambda: f"EAPOL_REAUTH {NEW}" in hostapd.asked), "revoked: hostapd authenticates it anew", hostapd.asked)
    hostapd.station(NEW, t.user("new"), successes=2)
    hostapd.event(f"CTRL-EVENT-EAP-SUCCESS2 {NEW}")
    tap.ok(until(lambda: f"DEAUTHENTICATE {NEW}" in hostapd.asked), "with the same certificate: thrown out")
    tap.equal("no lease for it", given, t.gw.kernel.leases("new")[0])
    tap.ok("the certificate is revoked" in t.said(), "and logged")

    # hostapd goes: nobody says that sessions are over.
    given, ended = t.gw.kernel.leases("cam")
    hostapd.close()
    tap.ok(until(lambda: "does not answer" in t.said()), "hostapd is gone: logged")
    os.unlink(hostapd.path)
    hostapd = Hostapd(t.control)
    tap.ok(until(lambda: t.said().count("hears hostapd") == 2), "it is there again: heard")
    tap.equal("leases last meanwhile", (given, ended), t.gw.kernel.leases("cam"))
    hostapd.station(CAM, t.user("cam"))
    hostapd.event(f"AP-STA-CONNECTED {CAM}")
    tap.ok(until(lambda: t.gw.kernel.leases("cam") == (given + 1, ended)), "and the session is a new one")
    tap.ok(t.token not in t.said(), "the token is in no log")
    t.end()
    tap.equal("the helper goes: leases last", (given + 1, ended), t.gw.kernel.leases("cam"))
    hostapd.close()


def moved(t):
    """A device that proves itself on one port, then on another."""
    tap = t.tap
    port = next((name for name in sorted(os.listdir("/sys/class/net")) if name != PORT), None)
    if not port:
        tap.skip("a device that moves", "there is no interface but lo")
        return
    os.unlink(os.path.join(t.control, PORT))
    here, there = Hostapd(t.control), Hostapd(t.control, port)
    heard = t.said().count("hears hostapd")
    t.start()
    until(lambda: t.said().count("hears hostapd") == heard + 2)
    given, ended = t.gw.kernel.leases("cam")
    here.station(CAM, t.user("cam"))
    here.event(f"AP-STA-CONNECTED {CAM}")
    tap.ok(until(lambda: t.gw.kernel.leases("cam") == (given + 1, ended)), "on one port: a lease")
    there.station(CAM, t.user("cam"))
    there.event(f"AP-STA-CONNECTED {CAM}")
    tap.ok(until(lambda: t.gw.kernel.leases("cam") == (given + 2, ended)), "on another one: a lease there")
    # Seen by a walk alone, which has looked at the first port's stations then.
    before = t.gw.kernel.leases("lock")[0]
    here.station(LOCK, t.user("lock"))
    tap.ok(until(lambda: t.gw.kernel.leases("lock")[0] == before + 1), "another device, of which no event came")
    tap.equal("the first session does not take the lease back", (given + 2, ended), t.gw.kernel.leases("cam"))
    here.stations.pop(CAM)
    here.event(f"AP-STA-DISCONNECTED {CAM}")
    here.station(LOCK, t.user("lock"), successes=2)
    here.event(f"CTRL-EVENT-EAP-SUCCESS2 {LOCK}")
    tap.ok(until(lambda: t.gw.kernel.leases("lock")[0] == before + 2), "events of that port have been heard")
    tap.equal("and its end does not end it", (given + 2, ended), t.gw.kernel.leases("cam"))
    there.stations.pop(CAM)
    there.event(f"AP-STA-DISCONNECTED {CAM}")
    tap.ok(until(lambda: t.gw.kernel.leases("cam") == (given + 2, ended + 1)), "control: that of the other one does")
    t.end()
    here.close()
    there.close()
    os.unlink(there.path)


def places(t):
    """Directories that anybody may write to."""
    tap = t.tap
    os.unlink(os.path.join(t.control, PORT))
    hostapd = Hostapd(t.control)
    hostapd.station(CAM, t.user("cam"))
    given, ended = t.gw.kernel.leases("cam")
    os.chmod(t.control, 0o777)
    heard = t.said().count("hears hostapd")
    t.start()
    tap.ok(until(lambda: "cannot be asked" in t.said()), "a directory that anybody may write to: not believed", t.said())
    tap.equal("and nothing is given", (given, ended, heard), (*t.gw.kernel.leases("cam"), t.said().count("hears hostapd")))
    os.chmod(t.control, 0o755)
    tap.ok(until(lambda: t.gw.kernel.leases("cam") == (given + 1, ended)), "control: root's alone")
    t.end()
    hostapd.close()


def main():
    """All of it."""
    t = Setup(Tap())
    try:
        exported(t)
        usage(t)
        hostapd = sessions(t)
        noisy(t, hostapd)
        ends(t, hostapd)
        moved(t)
        places(t)
    finally:
        if t.helper and t.helper.poll() is None:
            t.helper.kill()
        t.gw.remove()
    t.tap.done()


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Certificates that have ended: est.renew_after_expiry renews them, within bounds, and nothing else takes them."""
import base64
import hashlib
import os
import ssl
import time

from gateway import EST, PKCS10, Tap, ask, basic, certificate, checkin, ctl, must, new_csr, new_key, renew, serial
from kernel import Device, FirmwareGateway
from refuse import DEVICE, forge

tap = Tap()
DAY = 86400


def key_id(key):
    """As the registry has it: SHA-256 of the public key."""
    return hashlib.sha256(must("openssl", "pkey", "-in", key, "-pubout", "-outform", "DER")).digest()


def register(gw, device, cert, key, end, state=2):
    """Write a certificate down, as if it had been given to a device in its time."""
    with open(cert, encoding="ascii") as f:
        der = ssl.PEM_cert_to_DER_cert("-----BEGIN" + f.read().split("-----BEGIN")[1])
    gw.query("INSERT INTO certificate (serial, kind, state, name, mac, key_id, fingerprint, not_before, not_after, der)"
             " VALUES (?, 0, ?, ?, ?, ?, ?, ?, ?, ?)", serial(cert), state, device.name,
             bytes.fromhex(device.mac.replace(":", "")), key_id(key), hashlib.sha256(der).digest(),
             int(end - 90 * DAY), int(end), der)


class Late(Device):
    """A device whose only certificate ended so many days ago."""

    def __init__(self, gw, name, number, days):
        super().__init__(gw, name, number)
        gw.query("DELETE FROM certificate WHERE name = ?", name)
        urn = "urn:dev:mac:" + (self.mac[:9] + "ff:fe:" + self.mac[9:]).replace(":", "")
        end = time.time() - days * DAY
        self.cert, self.key = forge(gw, name + "-late", f"/CN={name}", [line.format(urn=urn) for line in DEVICE],
                                    -(days + 90) * DAY, -days * DAY)
        register(gw, self, self.cert, self.key, end)

    def move(self, address):
        """It has another address from now on."""
        at, fields = self.gw.kernel.fields(self.name)
        fields[5] = int.from_bytes(bytes(int(part) for part in address.split(".")), "big")
        self.gw.kernel.put(at, fields)

    def renew(self, key=None, source=None):
        """Ask for the next one."""
        return renew(self.gw, self.cert, self.key, new_csr(key or self.key), source=source or self.address)


def counted(gw, name, reason, status, why, call):
    """It is refused, says why, is counted once, and nothing is issued."""
    before, issued = gw.counters(), gw.issued()
    got = call()
    tap.ok(got.status == status and why in got.why(), f"{name}: {status}, {why}", got)
    after = gw.counters()
    tap.equal(f"{name}: counted as {reason}, nothing is issued", (1, 0, issued),
              (after[reason] - before[reason], after["renewal"] - before["renewal"], gw.issued()))


def granted(gw, device, name, got):
    """There is a next certificate, and a check-in with it."""
    if not tap.equal(f"{name}: renewed", 200, got.status):
        tap.say(got)
        return
    cert = certificate(gw, got, device.name + "-next")
    tap.equal(f"{name}: and the next certificate checks in", "Welcome IoT Device",
              checkin(gw, cert, device.key, source=device.address))


def off(gw):
    """By default, one that has ended is of no use."""
    device = Late(gw, "off", 1, 2)
    counted(gw, "off: renewal", "certificate_expired", 403, "certificate expired", device.renew)
    device = Late(gw, "off-tool", 2, 2)
    device.move("127.0.0.1")
    done = tool(gw, device)
    tap.ok(done.returncode == 1 and b"refused (403): certificate expired" in done.stderr and
           b"has expired" in done.stderr, "off: cordonctl renew tries, and says what the server answered", done.stderr)
    device.move(device.address)


def tool(gw, device, *more):
    """cordonctl renew, from 127.0.0.1."""
    return ctl("renew", "--server", f"https://127.0.0.1:{gw.port}", "--cert", device.cert, "--key", device.key, "--ca",
               os.path.join(gw.ca, "root.crt"), *more)


def on(gw):
    """Within the time that is given."""
    device = Late(gw, "on", 3, 2)
    granted(gw, device, "on", device.renew())
    tap.ok('"renewed a certificate that had expired","device":"on"' in gw.logged(), "on: the log says so",
           gw.logged()[-600:])
    device = Late(gw, "on-tool", 4, 29)
    device.move("127.0.0.1")
    counted(gw, "on: cordonctl renew --rekey", "rekey", 0, "", lambda: Answered(tool(gw, device, "--rekey")))
    done = tool(gw, device)
    tap.ok(not done.returncode and b"renewed" in done.stdout, "on: cordonctl renew", done.stderr)


class Answered:
    """A command that failed, as if it were an answer."""

    def __init__(self, done):
        self.status, self.text = done.returncode - 1, done.stderr.decode()

    def why(self):
        """What it said."""
        return self.text


def elsewhere(gw):
    """Nothing but that one request takes it."""
    device = Late(gw, "else", 5, 2)
    pair = gw.context(device.cert, device.key)
    for name, call in (
            ("check-in over HTTPS", lambda: device.ask("POST", "/cordon/v1/checkin", [], b"{}")),
            ("a poll of DDI", lambda: device.ask("GET", "")),
            ("a poll of the update interface", lambda: device.ask("GET", "/cordon/v1/firmware"))):
        counted(gw, f"else: {name}", "certificate_expired", 403, "certificate expired", call)
    before = gw.counters()["certificate_expired"]
    line = checkin(gw, device.cert, device.key, source=device.address)
    tap.ok(line.startswith("refused: certificate expired"), "else: the plain check-in", line)
    tap.equal("else: the plain check-in: counted", before + 1, gw.counters()["certificate_expired"])
    counted(gw, "else: an enrolment without a token", "bad_token", 401, "", lambda: ask(
        gw, "POST", EST + "simpleenroll", [PKCS10, basic("else", "x" * 32)], base64.b64encode(new_csr(device.key)),
        context=pair, source=device.address))
    granted(gw, device, "else, after all that", device.renew())


def bounds(gw):
    """What each of the conditions keeps out."""
    device = Late(gw, "bounds", 6, 40)
    counted(gw, "after the time", "certificate_expired", 403, "certificate expired", device.renew)
    device = Late(gw, "rekey", 7, 2)
    other = new_key(gw, "rekey-other")
    counted(gw, "another key", "rekey", 403, "its own key only", lambda: device.renew(other))
    granted(gw, device, "its own key", device.renew())
    device, thief = Late(gw, "place", 8, 2), Device(gw, "thief", 9)
    counted(gw, "another device's address", "wrong_address", 403, "the address of thief",
            lambda: device.renew(source=thief.address))
    counted(gw, "no device's address, though allow_remote", "remote", 403, "no device's address",
            lambda: device.renew(source="127.0.200.1"))
    tap.equal("a certificate that has not ended: renewed from afar", 200,
              renew(gw, thief.cert, thief.key, new_csr(thief.key), source="127.0.200.1").status)
    granted(gw, device, "the device's own address", device.renew())


def revoked(gw):
    """An operator's word holds after the end as well."""
    device = Late(gw, "revoked", 10, 2)
    done = ctl("ca", "revoke", "revoked", "--registry", gw.registry, "--dir", gw.ca)
    tap.ok(not done.returncode, "ca revoke takes one back that has ended", done.stderr)
    counted(gw, "revoked after its end", "certificate_revoked", 403, "is revoked", device.renew)


def later(gw):
    """A device that went on with another certificate."""
    device = Late(gw, "later", 11, 2)
    urn = "urn:dev:mac:" + (device.mac[:9] + "ff:fe:" + device.mac[9:]).replace(":", "")
    cert, key = forge(gw, "later-new", "/CN=later", [line.format(urn=urn) for line in DEVICE], -DAY, DAY)
    register(gw, device, cert, key, time.time() + DAY, state=1)
    granted(gw, device, "a later one that never arrived", device.renew())
    gw.query("DELETE FROM certificate WHERE name = 'later' AND not_after > ?", int(time.time()) + 2 * DAY)
    gw.query("UPDATE certificate SET state = 2 WHERE serial = ?", serial(cert))
    counted(gw, "a later one with another key", "certificate_expired", 403, "was given a later one", device.renew)
    gw.query("UPDATE certificate SET key_id = ? WHERE serial = ?", key_id(device.key), serial(cert))
    granted(gw, device, "a later one with the same key", device.renew())
    gw.query("DELETE FROM certificate WHERE name = 'later' AND not_after > ?", int(time.time()) + 2 * DAY)
    gw.query("UPDATE certificate SET state = 3, revoked = 1 WHERE serial = ?", serial(cert))
    counted(gw, "a later one that is revoked", "certificate_expired", 403, "which is revoked", device.renew)


def main():
    """One server without, then with."""
    with FirmwareGateway() as gw:
        gw.est["allow_remote"] = True
        gw.must_start()
        off(gw)
        gw.stop()
        gw.est["renew_after_expiry"] = "30d"
        gw.write_config()
        gw.must_start()
        on(gw)
        elsewhere(gw)
        bounds(gw)
        revoked(gw)
        later(gw)
    tap.done()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""`cordonctl firmware sign` and `add`, the server, and `cordonctl update`: all as they are, over the loopback."""
import os
import signal
import socket
import subprocess

from gateway import CTL, Tap, ctl, must, new_key, run, until
from kernel import Device, FirmwareGateway

tap = Tap()
IMAGE = os.urandom(16 << 20)
ADDRESS = 5  # of a device's fields
LOOPBACK = int.from_bytes(socket.inet_aton("127.0.0.1"), "big")
SUCCEEDED, FAILED = 4, 5


class Updated(Device):
    """A device that runs cordonctl, and so comes from the loopback's own address."""

    def __init__(self, gw, name, number):
        super().__init__(gw, name, number)
        at, fields = gw.kernel.fields(name)
        fields[ADDRESS] = LOOPBACK
        gw.kernel.put(at, fields)
        gw.kernel.commit()
        until(lambda: gw.query("SELECT 1 FROM device WHERE name = ? AND model = 'acme'", name))
        with open(gw.path("install"), "w", encoding="ascii") as out:
            out.write(f"#!/bin/sh\ncp \"$1\" {gw.path('installed')}\n[ ! -e {gw.path('broken')} ]\n")
        os.chmod(gw.path("install"), 0o755)

    def words(self, version=None, more=()):
        """What it calls."""
        gw = self.gw
        return [CTL, "update", "--server", f"127.0.0.1:{gw.port}", "--cert", self.cert, "--key", self.key, "--ca",
                os.path.join(gw.ca, "root.crt"), "--model", "acme", "--state", gw.path("state"), "--json",
                *more, *(["--version", version] if version else []), "--install", gw.path("install")]

    def update(self, version=None, *more):
        """One call."""
        return run(*self.words(version, more))

    def has(self, image):
        """Is that what was installed last? It is forgotten, then."""
        try:
            with open(self.gw.path("installed"), "rb") as file:
                got = file.read()
            os.unlink(self.gw.path("installed"))
        except FileNotFoundError:
            got = None
        return got == image


def part_size(gw):
    """Of what has come so far."""
    names = [name for name in os.listdir(gw.path("state")) if name.startswith("part-")] if os.path.isdir(gw.path("state")) else []
    return os.path.getsize(gw.path("state", names[0])) if names else 0


def signed(gw, cam):
    """From the file to the device."""
    name = gw.path("image+1.1.img")
    with open(name, "wb") as out:
        out.write(IMAGE)
    where = ("--registry", gw.registry)
    got = ctl("firmware", "sign", name, "--ca", gw.ca, *where)
    tap.ok(got.returncode == 0, "firmware sign", got)
    got = ctl("firmware", "add", name, "--model", "acme", "--version", "1.1", "--ca", gw.ca, "--directory",
              gw.firmware["directory"], *where)
    tap.ok(got.returncode == 0, "firmware add", got)
    got = cam.update()
    tap.ok(got.returncode == 0 and b'"updated"' in got.stdout and cam.has(IMAGE), "an update", got)
    tap.equal("the registry has its version and its success", ("1.1", [(SUCCEEDED,)]),
              (gw.version("cam"), gw.query("SELECT state FROM firmware_action")))
    got = cam.update("1.1")
    tap.ok(got.returncode == 0 and b"nothing to do" in got.stdout, "and again: nothing to do", got)


def killed(gw, cam):
    """kill -9 in the middle."""
    image = IMAGE[::-1]
    gw.release("1.2", image)
    with subprocess.Popen(cam.words("1.1"), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        until(lambda: part_size(gw) > 0 or process.poll() is not None)
        process.send_signal(signal.SIGKILL)
    size = part_size(gw)
    tap.ok(0 < size < len(image), "kill -9 in the middle: a part is there", size)
    got = cam.update("1.1")
    tap.ok(got.returncode == 0 and cam.has(image), "and the next call goes on", got)


def failures(gw, cam):
    """What does not work, and what is not right."""
    release = gw.release("1.3", IMAGE[:1 << 20])
    with open(gw.path("broken"), "w", encoding="ascii"):
        pass
    got = cam.update("1.2")
    tap.ok(got.returncode == 1 and b"exit status is 1" in got.stderr, "an installer that fails", got)
    tap.equal("the registry has why", [(FAILED, "the installer's exit status is 1")],
              gw.query("SELECT state, detail FROM firmware_action WHERE release = ?", release))
    os.unlink(gw.path("broken"))
    cam.has(b"")
    got = cam.update("1.2")
    tap.ok(got.returncode == 0 and b"nothing to do" in got.stdout, "what failed is not offered again", got)
    image = IMAGE[:100000]
    release = gw.release("1.4", image)
    for name in os.listdir(gw.firmware["directory"]):
        path = os.path.join(gw.firmware["directory"], name)
        if os.path.getsize(path) == len(image):
            with open(path, "r+b") as file:
                file.write(b"tampered")
    got = cam.update("1.2")
    tap.ok(got.returncode == 1 and b"SHA-256 is another" in got.stderr and cam.has(None),
           "an artifact that was tampered with on the gateway is not installed", got)
    tap.equal("and that is a failure", [(FAILED,)], gw.query("SELECT state FROM firmware_action WHERE release = ?", release))


def vendor(gw, name):
    """Somebody who signs firmware: certificate and key."""
    key, cert = new_key(gw, name), gw.path(name + ".crt")
    must("openssl", "req", "-x509", "-new", "-key", key, "-subj", f"/CN={name}", "-days", "10", "-out", cert, "-addext",
         "extendedKeyUsage=codeSigning", "-addext", "keyUsage=digitalSignature", "-addext", "basicConstraints=critical,CA:FALSE")
    return cert, key


def two_signatures(gw, cam):
    """A device that wants the vendor's word, too: the gateway's alone installs nothing."""
    (ours, key), (other, _) = vendor(gw, "vendor"), vendor(gw, "other")
    where = ("--registry", gw.registry)

    def add(version, image, signed_by_vendor):
        path = gw.path(f"image-{version}.img")
        with open(path, "wb") as out:
            out.write(image)
        must(CTL, "firmware", "sign", path, *(("--key", key, "--cert", ours) if signed_by_vendor else ("--ca", gw.ca)), *where)
        must(CTL, "firmware", "add", path, "--model", "acme", "--version", version, *(
            ("--signer", ours) if signed_by_vendor else ("--ca", gw.ca)), "--directory", gw.firmware["directory"], *where)

    def refused(name, version, want, *more):
        got = cam.update(version, *more)
        tap.ok(got.returncode == 1 and want in got.stderr and cam.has(None) and not part_size(gw), name, got)
    add("2.0", IMAGE[1:1 << 20], True)
    got = cam.update("1.2", "--vendor-cert", gw.path("none"))
    tap.ok(got.returncode == 1 and b"none" in got.stderr and cam.has(None), "vendor: a file that is not there: nothing is asked", got)
    got = cam.update("1.2", "--vendor-cert", ours)
    tap.ok(got.returncode == 0 and cam.has(IMAGE[1:1 << 20]), "vendor: signed by both: installed", got)
    add("2.1", IMAGE[1:1 << 19], True)
    refused("vendor: another vendor's: not installed", "2.0", b"the vendor's signature: ", "--vendor-cert", other)
    tap.equal("vendor: the gateway hears why", FAILED, gw.query("SELECT state FROM firmware_action ORDER BY id DESC")[0][0])
    add("2.2", IMAGE[1:1 << 18], False)
    refused("vendor: signed by the gateway's CA alone: not installed", "2.0", b"the vendor's signature: ", "--vendor-cert", ours)
    gw.release("2.3", IMAGE[1:1 << 17])
    refused("vendor: no signature at all: not installed", "2.0", b"no vendor's signature", "--vendor-cert", ours)
    gw.release("2.4", IMAGE[1:1 << 16])
    got = cam.update("2.0")
    tap.ok(got.returncode == 0 and cam.has(IMAGE[1:1 << 16]), "vendor: control: whoever does not ask for it installs that", got)


def main():
    """One server, one device."""
    with FirmwareGateway() as gw:
        gw.must_start()
        cam = Updated(gw, "cam", 9)
        got = cam.update()
        tap.ok(got.returncode == 0 and b"nothing to do" in got.stdout, "nothing to do", got)
        signed(gw, cam)
        killed(gw, cam)
        failures(gw, cam)
        two_signatures(gw, cam)
    tap.done()


if __name__ == "__main__":
    main()

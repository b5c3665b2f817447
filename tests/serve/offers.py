#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Firmware without hawkBit, as operators have it, for many devices, and for slow ones."""
import base64
import hashlib
import json
import os
import re
import time

from firmware import IMAGE, denied, tap, told
from gateway import CTL, ask, head, must, new_key, run, until
from kernel import Device, FirmwareGateway, path_of

# ---- without hawkBit

MANIFEST = "/cordon/v1/firmware"


def manifest(gw, device):
    """The offer and its signature, or None."""
    got = device.ask("GET", MANIFEST)
    if got.status != 200:
        return None
    with open(gw.path("manifest"), "wb") as out:
        out.write(got.body)
    with open(gw.path("signature"), "wb") as out:
        out.write(base64.b64decode(got.headers["Cordon-Signature"]))
    return json.loads(got.body)


def result(device, action, what, **more):
    """What became of it."""
    return device.ask("POST", f"{MANIFEST}/{action}", [], {"result": what, **more})


def plain(gw, cam):
    """A signed offer, its artifact, its end."""
    cam.say(cam.offered(), "closed", "success") if cam.offered() else None
    tap.equal("manifest: nothing for it: 204", (204, b""), (cam.ask("GET", MANIFEST).status, cam.ask("GET", MANIFEST).body))
    release = gw.release("2.0", IMAGE[:50000], file="plain+image.bin")
    begin = int(time.time())
    offer = manifest(gw, cam)
    want = {"device": "cam", "model": "acme", "version": "2.0", "file": "plain+image.bin", "size": 50000, "notes": "for people",
            "sha256": hashlib.sha256(IMAGE[:50000]).hexdigest(),
            "url": f"{cam.root}/softwaremodules/{release}/artifacts/plain%2Bimage.bin"}
    tap.equal("manifest: what is offered", want, {name: offer[name] for name in want})
    tap.ok(begin <= offer["issued"] <= time.time() and offer["expires"] - offer["issued"] == 3600, "manifest: for an hour", offer)
    verify = ["openssl", "cms", "-verify", "-binary", "-inform", "DER", "-in", gw.path("signature"), "-content",
              gw.path("manifest"),
              "-CAfile", os.path.join(gw.ca, "root.crt"), "-purpose", "any", "-signer", gw.path("code.crt"), "-out", "/dev/null"]
    done = run(*verify)
    tap.ok(not done.returncode, "manifest: signed, and the chain is in the signature", done.stderr.decode())
    shown = must("openssl", "cms", "-cmsout", "-print", "-inform", "DER", "-in", gw.path("signature")).decode()
    tap.ok("eContentType: undefined (2.25.147871991299479329994808971922472868913)" in shown,
           "manifest: which says that it is over an offer", shown[:300])
    with open(gw.path("manifest"), "r+b") as out:
        out.write(b"{ ")
    tap.ok(run(*verify).returncode, "manifest: that it is signed to the byte")
    shown = must("openssl", "x509", "-in", gw.path("code.crt"), "-noout", "-text").decode()
    tap.ok("Code Signing" in shown and "CN = firmware offers" in shown, "manifest: by a certificate for code signing", shown)
    rows = gw.query("SELECT kind, state FROM certificate WHERE name = 'firmware offers'")
    manifest(gw, cam)
    tap.equal("manifest: the certificate is in the registry, and there is one", ([(2, 2)], 1),
              (rows, len(gw.query("SELECT 1 FROM certificate WHERE name = 'firmware offers'"))))
    tap.equal("manifest: its artifact", IMAGE[:50000], cam.ask("GET", offer["url"]).body)
    results(gw, cam, offer["action"])


def results(gw, cam, action):
    """POST of what became of it."""
    bad = 'the body is not JSON like {"result"'
    for name, body, why in (("nothing", b"", bad), ("no JSON", b"{", bad), ("another word", {"result": "dancing"}, bad),
                            ("no word", {"result": 1}, bad), ("a version that is none", {"result": "success", "version": 2},
                                                              "the version"),
                            ("a version of 10 kB", {"result": "success", "version": "2" * 10000}, "the version"),
                            ("a long detail", {"result": "running", "detail": "x" * 256}, "the detail"),
                            ("another version", {"result": "success", "version": "9.9"}, f"action {action} is about version 2.0")):
        denied(gw, f"result: {name}", "bad_request", 400, why, lambda body=body: cam.ask("POST", f"{MANIFEST}/{action}", [], body))
    for path in (f"{MANIFEST}/", f"{MANIFEST}/x", f"{MANIFEST}/1/2", f"{MANIFEST}/9999999999999999999"):
        denied(gw, f"POST {path}", "bad_request", 404, "no such resource",
               lambda path=path: cam.ask("POST", path, [], {"result": "running"}))
    denied(gw, "POST of the offer", "bad_request", 405, "wrong method", lambda: cam.ask("POST", MANIFEST))
    denied(gw, "no certificate", "no_certificate", 401, "no certificate", lambda: ask(gw, "GET", MANIFEST, source=cam.address))
    tap.equal("result: running, twice", [204, 204, "running"],
              [result(cam, action, "running").status, result(cam, action, "running").status,
                                                               gw.state(action)])
    told(gw, "result: success", {"succeeded": 1}, lambda: result(cam, action, "success", version="2.0", detail="done"))
    told(gw, "result: success again, since the answer was lost", {}, lambda: result(cam, action, "success", version="2.0"))
    tap.equal("result: success", ("succeeded", "2.0"), (gw.state(action), gw.version("cam")))
    denied(gw, "result: running, afterwards", "not_offered", 409, f"action {action} is over",
           lambda: result(cam, action, "running"))
    taken_back(gw, cam)


def taken_back(gw, cam):
    """An operator takes it back while the device is at it."""
    for version, what in (("2.1", "running"), ("2.2", "failure"), ("2.3", "success")):
        gw.release(version, version.encode())
        action = manifest(gw, cam)["action"]
        result(cam, action, "running")
        gw.query("UPDATE firmware_action SET state = 2, barred = 1 WHERE id = ?", action)
        if what == "success":
            told(gw, "taken back: success counts all the same", {"succeeded": 1}, lambda: result(cam, action, "success"))
            tap.equal("taken back: success", ("succeeded", "2.3"), (gw.state(action), gw.version("cam")))
            continue
        got = result(cam, action, what)
        tap.equal(f"taken back: {what}: 409, and it is canceled", (409, f"action {action} was taken back", "canceled"),
                  (got.status, got.why(), gw.state(action)))
    gw.release("2.4", b"2.4")
    action = manifest(gw, cam)["action"]
    result(cam, action, "running")
    gw.query("UPDATE firmware_action SET state = 2, barred = 1 WHERE id = ?", action)
    tap.equal("taken back: whoever asks again has stopped", (204, "canceled"), (cam.ask("GET", MANIFEST).status, gw.state(action)))
    tap.equal("taken back and done all the same: the version counts", (204, "canceled", "2.4"), (
        result(cam, action, "success").status, gw.state(action), gw.version("cam")))
    gw.release("2.5", b"2.5")
    action = manifest(gw, cam)["action"]
    told(gw, "result: failure", {"failed": 1}, lambda: result(cam, action, "failure", detail="no space"))
    told(gw, "result: failure again", {}, lambda: result(cam, action, "failure"))
    tap.equal("result: failure", ("failed", "2.4"), (gw.state(action), gw.version("cam")))


def by_hand():
    """All of it as operators and devices have it: firmware sign, add, floor and cancel, and update."""
    with FirmwareGateway() as gw:
        gw.est["allow_remote"] = True  # the device's client comes from 127.0.0.1
        gw.write_config()
        gw.must_start()
        cam = Device(gw, "cam", 9)
        gw.kernel.commit()
        image, installed = gw.path("image.bin"), gw.path("installed")
        where = ["--registry", gw.registry, "--ca", gw.ca, "--directory", gw.firmware["directory"]]

        def add(version):
            with open(image, "wb") as out:
                out.write(IMAGE + version.encode())
            must(CTL, "firmware", "sign", image, "--registry", gw.registry, "--ca", gw.ca)
            must(CTL, "firmware", "add", image, "--model", "acme", "--version", version, *where)

        add("5.0")
        must(CTL, "firmware", "floor", "acme", "5.0", "--registry", gw.registry)
        tap.ok(until(lambda: gw.kernel.outdated("cam")), "firmware floor: the device is confined")
        add("5.1")
        tap.equal("firmware add: the newest is offered", "5.1", cam.deployment()["deployment"]["chunks"][0]["version"])
        with open(gw.path("install"), "w", encoding="ascii") as out:
            out.write(f"#!/bin/sh\ncp \"$1\" {installed}\n")
        os.chmod(gw.path("install"), 0o755)
        words = [CTL, "update", "--server", f"localhost:{gw.port}", "--cert", cam.cert, "--key", cam.key, "--ca",
                 os.path.join(gw.ca, "root.crt"), "--model", "acme", "--state", gw.path("state"), "--install", gw.path("install")]
        done = run(*words)
        tap.ok(not done.returncode, "cordonctl update", done.stderr.decode())
        with open(installed, "rb") as f:
            tap.ok(f.read() == IMAGE + b"5.1", "cordonctl update: the artifact is installed")
        tap.equal("cordonctl update: its success is known, and the device free", ("succeeded", "5.1", False),
                  (gw.state(1), gw.version("cam"), gw.kernel.outdated("cam")))
        done = run(*words)
        tap.ok(not done.returncode, "cordonctl update again: nothing to do", done.stderr.decode())
        add("5.2")
        action = cam.offered()
        cam.say(action, "proceeding")
        must(CTL, "firmware", "cancel", "cam", "--registry", gw.registry)
        tap.equal("firmware cancel: the device is told", ["cancelAction"],
                  [name for name in cam.poll()["_links"] if name != "configData"])


# ---- many, and slow ones

def memory(pid):
    """Resident kilobytes."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))


def is_sanitized(pid):
    """A sanitizer keeps what was freed: its memory says nothing."""
    with open(f"/proc/{pid}/maps", encoding="utf-8") as f:
        return "asan" in f.read()


class Slow:
    """A download that takes its time."""

    def __init__(self, device, path, start=True):
        self.client = device.client()
        self.client.send(head("GET", path, []))
        self.got = 0
        if start:
            self.read(1000)

    def read(self, least):
        """So many bytes."""
        while least > 0:
            data = self.client.sock.recv(min(least, 16384))
            if not data:
                return False
            self.got += len(data)
            least -= len(data)
        return True

    def close(self):
        """Go in the middle."""
        self.client.close()


def settled(gw):
    """Wait until no connection is open any more: what a process has open is the same each time then."""
    until(lambda: gw.counters()["connections"] == 0)


def slow_ones(gw, cam, door):
    """They hold nothing up, cost little, and may stay."""
    large = os.urandom(1 << 20) * 48
    release = gw.release("3.0", large)
    gw.release("3.0", large, model="lock")
    path = f"{cam.root}/softwaremodules/{release}/artifacts/image.swu"
    tap.ok(cam.offered() and door.offered(), "a large artifact is offered to both")
    front = gw.pids()["cordonctl:front"]
    settled(gw)
    before, files = memory(front), len(os.listdir(f"/proc/{front}/fd"))
    slow = [Slow(cam, path) for _ in range(4)]
    denied(gw, "a fifth download of one address", "crowded", 429, "too many downloads", lambda: cam.ask("GET", path))
    tap.ok("deploymentBase" in door.poll()["_links"], "others are served meanwhile")
    got = door.ask("GET", path_of(door.deployment()["deployment"]["chunks"][0]["artifacts"][0]["_links"]["download"]["href"]))
    tap.ok(got.body == large, "and download meanwhile")
    grown = memory(front) - before
    if not is_sanitized(front):
        tap.ok(grown < 8192, f"five downloads of 48 MB cost {grown} kB of memory")
    patient(slow[0])
    for one in slow:
        one.close()
    tap.ok(until(lambda: cam.ask("GET", path, [("Range", "bytes=0-9")]).status == 206), "allowed: when they are gone, another")
    for _ in range(300):
        Slow(cam, path, start=False).close()
    settled(gw)
    until(lambda: len(os.listdir(f"/proc/{front}/fd")) <= files)
    tap.equal("300 downloads that break off: no file stays open", files, len(os.listdir(f"/proc/{front}/fd")))
    # The allocator takes more now and then, in steps; what is lost with each download is lost each time.
    grown = []
    for _ in range(3):
        mid = memory(front)
        for _ in range(300):
            Slow(cam, path, start=False).close()
        grown.append(memory(front) - mid)
    if not is_sanitized(front):
        tap.ok(min(grown) < 128, "300 more cost no memory", grown)
    cam.say(cam.offered(), "closed", "failure")
    door.say(door.offered(), "closed", "failure")


def patient(slow):
    """Longer than any other connection may stay, and slower than any clock here would like."""
    end = time.monotonic() + 24
    good = True
    while good and time.monotonic() < end:
        again = time.monotonic() + 1
        good = slow.read(20000)
        until(lambda again=again: time.monotonic() >= again, 2)
    tap.ok(good and slow.read(4 << 20), "a download of half a minute goes on", slow.got)


# ---- roll-outs

def rollout():
    """A fifth of a hundred devices, and the end of it."""
    with FirmwareGateway() as gw:
        gw.must_start()
        key = new_key(gw, "all")
        devices = [Device(gw, f"n{i}", i + 1, key=key) for i in range(100)]
        gw.kernel.commit()
        tap.ok(until(lambda: len(gw.query("SELECT 1 FROM device WHERE model = 'acme'")) == 100),
               "roll-out: 100 devices of the model")
        gw.release("1.1", b"a" * 1000, percent=20)
        offers = {device: device.offered() for device in devices}
        chosen = [device for device in devices if offers[device]]
        tap.equal("roll-out at 20 %: offered to 20 of 100", 20, len(chosen))
        tap.equal("roll-out: and to the same when they ask again", [offers[device] for device in devices[:30]],
                  [device.offered() for device in devices[:30]])
        told(gw, "roll-out: one succeeds", {"succeeded": 1}, lambda: chosen[0].say(offers[chosen[0]], "closed", "success"))
        for device in chosen[1:5]:
            told(gw, f"roll-out: {device.name} fails", {"failed": 1},
                 lambda device=device: device.say(offers[device], "closed", "failure"))
        tap.ok(chosen[19].offered(), "roll-out: after four failures it goes on")
        told(gw, "roll-out: the fifth failure stops it", {"failed": 1, "rollout_stopped": 1},
             lambda: chosen[5].say(offers[chosen[5]], "closed", "failure"))
        tap.equal("roll-out: nobody is offered it any more", [None] * 94,
                  [device.offered() for device in devices if device not in chosen[:6]])
        tap.ok("roll-out stopped by failures" in gw.logged(), "roll-out: it is logged")


def main():
    """A server for each."""
    with FirmwareGateway() as gw:
        gw.must_start()
        cam, door = Device(gw, "cam", 9), Device(gw, "door", 10, model="lock")
        gw.kernel.commit()
        until(lambda: gw.query("SELECT 1 FROM device WHERE name = 'door' AND model = 'lock'"))
        cam.tell("1.0")
        plain(gw, cam)
        slow_ones(gw, cam, door)
    by_hand()
    rollout()
    tap.done()


if __name__ == "__main__":
    main()

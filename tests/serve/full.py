#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""A disk with no byte left under registry, counters, log and artifacts; a process with no descriptor left."""
import json
import os
import socket
import sys

from firmware import tap
from gateway import CTL, EST, WAIT, ask, certificate, checkin, ctl, enroll, must, new_csr, new_key, renew, run, until
from kernel import Device, FirmwareGateway, path_of

BROKEN = "the registry does not work"
FILES = 48
DISK = "2m"


class Disk:
    """A small file system for all that the server writes."""

    def __init__(self, gw):
        self.where = gw.path("disk")
        os.mkdir(self.where)
        must("mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0755", "cordon-test", self.where)
        gw.registry, gw.run, gw.log = (os.path.join(self.where, name) for name in ("registry.db", "run", "log"))
        gw.firmware["directory"] = os.path.join(self.where, "firmware")
        os.mkdir(gw.firmware["directory"])
        gw.write_config()

    def fill(self):
        """Not a byte is left."""
        fd = os.open(os.path.join(self.where, "fill"), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        for size in (65536, 4096, 1):
            try:
                while os.write(fd, bytes(size)):
                    pass
            except OSError:
                pass
        os.close(fd)

    def drain(self):
        """There is room again."""
        os.unlink(os.path.join(self.where, "fill"))


def unavailable(name, got, why=BROKEN):
    """503, what it is, and when to come back."""
    tap.ok(got.status == 503 and got.why() == why and int(got.headers["Retry-After"] or 0) > 0,
           f"{name}: 503, {why}, Retry-After", got)


def requests(gw, old, new, token, url):
    """What needs the registry's disk is refused, what does not is granted."""
    issued = gw.issued()
    unavailable("full: enrolment", enroll(gw, "new", token, new_csr(new), source="127.0.1.77"))
    unavailable("full: renewal", renew(gw, old.cert, old.key, new_csr(old.key), source=old.address))
    unavailable("full: what it runs", old.tell("1.0.1"))
    tap.equal("full: nothing is issued, nothing is written down", (issued, "1.0"), (gw.issued(), gw.version("old")))
    tap.equal("full: a check-in is granted", "Welcome IoT Device", checkin(gw, old.cert, old.key, source=old.address))
    got = old.ask("GET", url)
    tap.equal("full: an artifact is sent", (200, b"firmware" * 1000), (got.status, got.body))
    tap.equal("full: the CA's certificates are sent", 200, ask(gw, "GET", EST + "cacerts").status)


def feedback(gw, device, action):
    """Where the registry's log is used again from its begin, there may be room for a few lines yet."""
    got = device.say(action, "closed", "success")
    tap.ok((got.status, gw.state(action)) in ((200, "succeeded"), (503, "offered")),
           "full: feedback is granted and written down, or neither", (got, gw.state(action)))


def commands(gw):
    """Who works at the gateway is told, and leaves nothing behind."""
    files = os.listdir(gw.firmware["directory"])
    done = ctl("device", "token", "third", "--mac", "02:00:00:00:40:03", "--registry", gw.registry)
    tap.ok(done.returncode == 1 and b"cannot write the registry: database or disk is full" in done.stderr,
           "full: device token: refused, with the reason", done.stderr)
    with open(gw.path("big.swu"), "wb") as out:
        out.write(bytes(300000))
    must(CTL, "firmware", "sign", gw.path("big.swu"), "--ca", gw.ca, "--registry", gw.path("other.db"))
    done = run(CTL, "firmware", "add", gw.path("big.swu"), "--model", "acme", "--version", "9.9", "--ca", gw.ca,
               "--registry", gw.registry, "--directory", gw.firmware["directory"])
    tap.ok(done.returncode == 1 and (b"No space left" in done.stderr or b"full" in done.stderr),
           "full: firmware add: refused, with the reason", done.stderr)
    tap.equal("full: firmware add: no file is left", files, os.listdir(gw.firmware["directory"]))


def disk_full():
    """No room, then room again."""
    with FirmwareGateway() as gw:
        disk = Disk(gw)
        try:
            gw.must_start()
            old = Device(gw, "old", 9)
            gw.kernel.add("new", "02:00:00:00:00:4d", "127.0.1.77")
            gw.kernel.commit()
            until(lambda: gw.query("SELECT 1 FROM device WHERE name = 'old' AND model = 'acme'"))
            new, token = new_key(gw, "new"), gw.token("new", "02:00:00:00:00:4d")
            old.tell("1.0")
            gw.release("1.1", b"firmware" * 1000)
            offer = old.deployment()
            artifact = offer["deployment"]["chunks"][0]["artifacts"][0]
            action, url = offer["id"], path_of(artifact["_links"]["download"]["href"])
            before = gw.pids()
            disk.fill()
            requests(gw, old, new, token, url)
            commands(gw)
            feedback(gw, old, int(action))
            tap.equal("full: all three processes are the same", before, gw.pids())
            disk.drain()
            got = enroll(gw, "new", token, new_csr(new), source="127.0.1.77")
            tap.equal("room again: the token is still good", 200, got.status)
            certificate(gw, got, "new")
            tap.equal("room again: renewal, and what it runs", (200, 200, "1.0.1"), (
                renew(gw, old.cert, old.key, new_csr(old.key), source=old.address).status, old.tell("1.0.1").status,
                gw.version("old")))
            tap.equal("room again: the same processes, a sound registry", (before, [("ok",)]),
                      (gw.pids(), gw.query("PRAGMA integrity_check")))
            restart(gw, disk)
        finally:
            gw.stop()
            run("umount", disk.where)


def restart(gw, disk):
    """Started while there is no room, it may fail, and says why; once there is, it starts."""
    gw.stop()
    gw.log = gw.path("log")
    disk.fill()
    if gw.start():
        gw.stop()
    else:
        said = gw.logged()
        tap.ok("No space left" in said or "full" in said, "full: a start that fails says why", said)
    disk.drain()
    tap.ok(gw.start(), "room again: it starts", gw.logged())
    gw.stop()


def open_files(pid):
    """How many descriptors a process may have."""
    with open(f"/proc/{pid}/limits", encoding="ascii") as f:
        return next(int(line.split()[3]) for line in f if line.startswith("Max open files"))


def no_descriptors():
    """More connections than descriptors, twice as many downloads as well."""
    with FirmwareGateway() as gw:
        under, gw.start_plain = ("prlimit", f"--nofile={FILES}:{FILES}"), gw.start
        gw.start = lambda **more: gw.start_plain(under=under, **more)
        gw.must_start()
        old = Device(gw, "old", 9)
        gw.kernel.commit()
        until(lambda: gw.query("SELECT 1 FROM device WHERE name = 'old' AND model = 'acme'"))
        old.tell("1.0")
        gw.release("1.1", b"firmware" * 1000000)
        url = path_of(old.deployment()["deployment"]["chunks"][0]["artifacts"][0]["_links"]["download"]["href"])
        before = gw.pids()
        limits = [open_files(pid) for pid in before.values()]
        tap.ok(max(limits) <= FILES, f"{FILES} descriptors for each process", limits)
        idle = [socket.create_connection(("127.0.0.1", port), WAIT, (f"127.0.9.{n}", 0))
                for port in (gw.port, gw.visit) for n in range(1, FILES + 1)]
        tap.equal("no descriptor left: a check-in", "Welcome IoT Device",
                  checkin(gw, old.cert, old.key, source=old.address))
        tap.equal("no descriptor left: a renewal", 200,
                  renew(gw, old.cert, old.key, new_csr(old.key), source=old.address).status)
        got = old.ask("GET", url)
        tap.ok(got.status == 200 or (got.status == 503 and int(got.headers["Retry-After"] or 0) > 0),
               "no descriptor left: an artifact, or 503 with Retry-After", got.status)
        for sock in idle:
            sock.close()
        tap.equal("descriptors again: an artifact", 200, until(lambda: old.ask("GET", url).status == 200) and 200)
        tap.equal("descriptors again: the same processes", before, gw.pids())
        told = json.loads(must(CTL, "stats", "--serve", "--run", gw.run, "--json"))
        tap.ok(told["refused"]["crowded"] > 0, "those that were sent away are counted", told["refused"])


def main():
    """In a mount namespace of its own, so that nothing of it is left."""
    if "--inside" not in sys.argv:
        words = ["unshare", "--mount", "--propagation", "private"]
        if not run(*words, "true").returncode:
            os.execvp(words[0], [*words, sys.executable, *sys.argv, "--inside"])
        tap.skip("a disk that is full", "there is no mount namespace to be had here")
    else:
        disk_full()
    no_descriptors()
    tap.done()


if __name__ == "__main__":
    main()

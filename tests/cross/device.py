#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""device.py COMMAND...: a device's cordonctl, called by that command, against the server of this machine."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "serve"))
from gateway import Tap, must, new_key, run  # noqa: E402
from kernel import FirmwareGateway  # noqa: E402

tap = Tap()
COMMAND = sys.argv[1:]
MAC = "02:00:00:00:01:01"


def device(*words):
    """Run it."""
    return run(*COMMAND, *words)


def enrols(gw):
    """From the token to the lease."""
    own = gw.path("device")
    server, root = f"https://127.0.0.1:{gw.port}", os.path.join(gw.ca, "root.crt")
    words = ("enroll", "--server", server, "--ca", root, "--name", "cam", "--out", own, "--token")
    got = device(*words, "wrong")
    tap.ok(got.returncode == 1 and b"401" in got.stderr, "a wrong token is refused", got)
    got = device(*words, gw.token("cam", MAC))
    tap.ok(got.returncode == 0 and gw.issued() == 1, "the server of this machine enrols it", got)
    got = device("renew", "--server", server, "--dir", own, "--rekey")
    tap.ok(got.returncode == 0 and gw.issued() == 2, "and renews its certificate, with another key", got)
    identity = ("--cert", f"{own}/device.crt", "--key", f"{own}/device.key", "--ca", f"{own}/ca.crt")
    got = device("checkin", "--server", f"127.0.0.1:{gw.visit}", *identity)
    tap.ok(got.returncode == 0 and got.stdout == b"Welcome IoT Device\n", "and takes its check-in", got)
    got = device("checkin", "--server", f"127.0.0.1:{gw.visit}", "--cert", f"{own}/device.crt", "--key",
                 gw.path("other.key"), "--ca", f"{own}/ca.crt")
    tap.ok(got.returncode == 1, "but not with another's key", got)


def far(gw):
    """A certificate that ends when 32 bits of seconds are over."""
    own = gw.path("far")
    os.mkdir(own)
    key = new_key(gw, "far/device")
    must("openssl", "req", "-x509", "-key", key, "-subj", "/CN=cam", "-days", "20000", "-out", f"{own}/device.crt")
    must("cp", f"{own}/device.crt", f"{own}/ca.crt")
    end = must("openssl", "x509", "-noout", "-enddate", "-dateopt", "iso_8601", "-in", f"{own}/device.crt").decode()
    day = end.partition("=")[2].split()[0]
    got = device("renew", "--server", "https://127.0.0.1:1", "--dir", own, "--if-older", "50")
    tap.ok(day > "2080" and got.returncode == 0 and got.stdout.startswith(b"not due: cam: ") and
           day.encode() in got.stdout, "a certificate beyond 2038 is not due, and its end is right", (day, got))


def main():
    """All of it."""
    with FirmwareGateway() as gw:
        gw.kernel.add("cam", MAC, "127.0.0.1")
        gw.must_start()
        new_key(gw, "other")
        enrols(gw)
        far(gw)
    tap.done()


main()

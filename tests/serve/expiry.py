#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Certificates that end: said in `status`, `stats --prometheus`, `ca list --expiring` and the log, before they do."""
import json
import os
import time

from gateway import CTL, Tap, certificate, ctl, enroll, must, new_csr, new_key, run, until
from kernel import FAKE, FirmwareGateway

tap = Tap()
DAY = 86400


def end_at(gw, name, days):
    """Let a device's certificate of 90 days end in so many, as far as the registry knows."""
    end = int(time.time() + days * DAY)
    gw.query("UPDATE certificate SET not_after = ?, not_before = ? WHERE name = ?", end, end - 90 * DAY, name)


def told(gw, *words):
    """What a command says of this gateway's certificates."""
    done = ctl_fake(gw, *words, "--ca", gw.ca, "--registry", gw.registry)
    tap.ok(not done.returncode, " ".join(words), done.stderr.decode())
    return done.stdout.decode()


def ctl_fake(gw, *words):
    """cordonctl, with the kernel of straw."""
    return run(FAKE, *words, env={**os.environ, **gw.environment})


def metrics(gw):
    """cordon_certificate_expiry_seconds by what and name, in days."""
    found = {}
    for line in told(gw, "stats", "--prometheus").splitlines():
        if line.startswith("cordon_certificate_expiry_seconds{"):
            labels, value = line[len("cordon_certificate_expiry_seconds{"):].split("} ")
            what, name = (part.split("=")[1].strip('"') for part in labels.split(","))
            found[what, name] = round(int(value) / DAY)
    return found


def listed(gw, *words):
    """Names that `ca list` prints."""
    done = must(CTL, "ca", "list", *words, "--dir", gw.ca, "--registry", gw.registry, "--json")
    return [row["name"] for row in json.loads(done)]


def warnings(gw):
    """Lines of `status` that warn of certificates."""
    return [line for line in told(gw, "status").splitlines() if line.startswith("warning: ")]


def devices(gw):
    """Three that are well, late and gone."""
    for n, name in enumerate(("well", "late", "gone")):
        mac, address = f"02:00:00:00:09:{n:02x}", f"127.0.0.{n + 20}"
        key = new_key(gw, name)
        got = enroll(gw, name, gw.token(name, mac), new_csr(key), source=address)
        tap.equal(f"{name}: enrolled", 200, got.status)
        certificate(gw, got, name)


def quiet(gw):
    """Nothing ends soon: nothing is said."""
    tap.equal("status: no warning of certificates", [], warnings(gw))
    tap.equal("status --json: none either", [], json.loads(told(gw, "status", "--json"))["certificates"])
    got = metrics(gw)
    tap.ok(got.get(("root", "")) == 7305 and got.get(("issuing", "")) == 3652 and
           got.get(("server", "gateway.test")) == 30 and got.get(("device", "well")) == 90,
           "stats --prometheus: root, issuing, server and devices", got)
    tap.equal("ca list --expiring 20d: none", [], listed(gw, "--expiring", "20d"))
    tap.ok("certificate ends soon" not in gw.logged(), "the log: nothing")


def without_module(gw):
    """Where there is no module, server and registry are told all the same."""
    place = ("--ca", gw.ca, "--registry", gw.registry)
    got = told(gw, "stats", "--prometheus").splitlines()
    tap.ok("cordon_up 1" in got and any(line.startswith("cordon_policy_generation ") for line in got),
           "stats --prometheus: cordon_up 1", got)
    done = run(FAKE, "stats", "--prometheus", *place, env={**os.environ, "CORDON_FAKE_KERNEL": gw.path("nowhere")})
    got = done.stdout.decode().splitlines()
    tap.ok(not done.returncode and "cordon_up 0" in got and not any(line.startswith("cordon_policy_") for line in got) and
           any(line.startswith("cordon_certificate_expiry_seconds{what=\"root\"") for line in got) and
           done.stderr.count(b"\n") == 1, "stats --prometheus: no module: cordon_up 0, and what there is", done)


def late(gw):
    """A device does not renew, another has ended, one has a later certificate."""
    end_at(gw, "late", 10)
    end_at(gw, "gone", -3)
    got = warnings(gw)
    tap.equal("status: two devices are late, by name",
              ["warning: 2 devices have not renewed, and the certificate ends soon or has ended: gone late"], got)
    found = json.loads(told(gw, "status", "--json"))["certificates"]
    tap.equal("status --json: likewise", [("device", "gone", -3), ("device", "late", 10)],
              [(row["what"], row["name"], round(row["seconds"] / DAY)) for row in found])
    got = metrics(gw)
    tap.equal("stats --prometheus: how long", (10, -3, 90),
              (got.get(("device", "late")), got.get(("device", "gone")), got.get(("device", "well"))))
    tap.equal("ca list --expiring 20d: what is in use and ends", ["late"], listed(gw, "--expiring", "20d"))
    tap.equal("ca list --expiring 9d: nothing", [], listed(gw, "--expiring", "9d"))
    tap.equal("ca list --expiring 4000d: the issuing certificate, too",
              ["CN=Test issuing CA"], [name for name in listed(gw, "--expiring", "4000d") if name.startswith("CN=")])
    gw.query("INSERT INTO certificate (serial, kind, state, name, mac, key_id, fingerprint, not_before, not_after, der)"
             " SELECT randomblob(16), kind, state, name, mac, key_id, fingerprint, not_before,"
             " not_after + 90 * 86400, der"
             " FROM certificate WHERE name = 'late'")
    tap.equal("who has a later certificate is not listed", [], listed(gw, "--expiring", "20d"))
    tap.ok(len(warnings(gw)) == 1 and "1 device has not" in warnings(gw)[0], "and not warned of", warnings(gw))
    gw.query("DELETE FROM certificate WHERE id = (SELECT max(id) FROM certificate)")
    for word in ("0d", "soon", ""):
        done = ctl("ca", "list", "--expiring", word)
        tap.equal(f"ca list --expiring {word!r}: a usage error", 2, done.returncode)


def logged(gw):
    """The server says it when it starts, and once a day."""
    gw.stop()
    gw.must_start()
    tap.ok(until(lambda: '"certificate ends soon","of":"device","name":"late"' in gw.logged()), "the log: who is late",
           gw.logged()[-600:])
    tap.ok(until(lambda: '"certificate has ended","of":"device","name":"gone"' in gw.logged()),
           "the log: who has ended", gw.logged()[-600:])


def short_root(gw):
    """A root of one's own that ends in 40 days, and a CA below it."""
    key, cert = new_key(gw, "root"), gw.path("root.crt")
    must("openssl", "req", "-x509", "-new", "-key", key, "-subj", "/CN=Short", "-days", "40", "-out", cert,
         "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    must(CTL, "ca", "init", "--dir", gw.path("short"), "--root-cert", cert, "--root-key", key)
    return gw.path("short")


def shortened(gw):
    """A certificate that would outlive the CA's is shortened, and that is said."""
    tap.ok("shortened" not in gw.logged(), "a certificate that ends before the CA's: nothing is said")
    gw.stop()
    gw.ca = short_root(gw)
    gw.write_config()
    gw.must_start()
    tap.ok(until(lambda: '"certificate ends soon","of":"issuing"' in gw.logged()), "the log: the CA ends",
           gw.logged()[-600:])
    got = warnings(gw)
    tap.ok(sum("the CA's root ends" in line or "the CA's issuing certificate ends" in line for line in got) == 2 and
           any(("in 39 days" in line or "in 40 days" in line) and "--rollover" in line for line in got),
           "status: the CA ends, and what to do", got)
    got = enroll(gw, "long", gw.token("long", "02:00:00:00:09:09"), new_csr(new_key(gw, "long")), source="127.0.0.29")
    tap.ok(got.status == 200 and '"certificate is shortened to the end of the CA\'s","name":"long"' in gw.logged(),
           "the log: a device's certificate is shortened", f"{got}\n{gw.logged()[-600:]}")
    for days, said in (("90", True), ("20", False)):
        done = ctl("ca", "issue", "hand", "--mac", "02:00:00:00:09:0a", "--days", days, "--dir", gw.ca, "--registry",
                   gw.registry, "--out", gw.path("hand"))
        tap.ok(not done.returncode and (b"it ends with the CA's issuing certificate" in done.stderr) == said,
               f"ca issue --days {days}: {'said' if said else 'as it was asked for'}", done.stderr)


def main():
    """One server, its devices and its clock."""
    with FirmwareGateway() as gw:
        gw.kernel.add("well", "02:00:00:00:09:00", "127.0.0.20")
        gw.kernel.add("late", "02:00:00:00:09:01", "127.0.0.21")
        gw.kernel.add("gone", "02:00:00:00:09:02", "127.0.0.22")
        gw.kernel.add("long", "02:00:00:00:09:09", "127.0.0.29")
        gw.must_start()
        devices(gw)
        quiet(gw)
        without_module(gw)
        late(gw)
        logged(gw)
        shortened(gw)
    tap.done()


if __name__ == "__main__":
    main()

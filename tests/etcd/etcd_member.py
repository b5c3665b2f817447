#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Members of etcd on loopback, with mutual TLS, for tests: they come, are killed, compacted and restored."""
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time

WORK = tempfile.mkdtemp(prefix="cordon-etcd.")
ENV = {**os.environ, "ETCDCTL_API": "3", "ASAN_OPTIONS": "detect_leaks=1"}
count = failed = 0
started = []


def ok(good, name):
    global count, failed
    count += 1
    failed += not good
    print(f"{'ok' if good else 'not ok'} {count} - {name}", flush=True)
    return good


def run(*words, **kw):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=WORK, env=ENV, **kw).stdout


def certify(name, ca, usage):
    run("openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key", "-out",
        f"{name}.req", "-subj", f"/O={name}")
    with open(f"{WORK}/{name}.cnf", "w", encoding="ascii") as f:
        f.write(f"subjectAltName=IP:127.0.0.1,DNS:etcd.test\nextendedKeyUsage={usage}\n")
    run("openssl", "x509", "-req", "-in", f"{name}.req", "-CA", f"{ca}.crt", "-CAkey", f"{ca}.key", "-CAcreateserial", "-days",
        "2", "-extfile", f"{name}.cnf", "-out", f"{name}.crt")


def authority(name):
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
        "-out", f"{name}.crt", "-subj", f"/CN={name}", "-days", "2")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Member:
    """A member, which may come back with its data, and listen elsewhere for a while."""

    def __init__(self, name, server="server"):
        self.name, self.server, self.process = name, server, None
        self.url = f"https://127.0.0.1:{free_port()}"
        self.aside = f"https://127.0.0.1:{free_port()}"
        self.peer = f"http://127.0.0.1:{free_port()}"
        self.data, self.token, self.all = f"{WORK}/{name}", "one", [self]

    def cluster(self):
        return ",".join(f"{m.name}={m.peer}" for m in self.all)

    def start(self, aside=False):
        url = self.aside if aside else self.url
        new = not os.path.exists(self.data)
        with open(f"{WORK}/{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(
                ["etcd", "--name", self.name, "--data-dir", self.data, "--listen-client-urls", url,
                 "--advertise-client-urls", url, "--listen-peer-urls", self.peer, "--initial-advertise-peer-urls", self.peer,
                 "--initial-cluster", self.cluster(), "--initial-cluster-token", self.token,
                 "--initial-cluster-state", "new" if new or len(self.all) == 1 else "existing",
                 "--heartbeat-interval", "50", "--election-timeout", "500", "--cert-file", f"{WORK}/{self.server}.crt",
                 "--key-file", f"{WORK}/{self.server}.key", "--client-cert-auth", "--trusted-ca-file", f"{WORK}/ca.crt"],
                stdout=log, stderr=log, env=ENV)
        started.append(self.process)
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()

    def ctl(self, *words, aside=False):
        return run("etcdctl", "--endpoints", self.aside if aside else self.url, "--cacert", "ca.crt", "--cert", "client.crt",
                   "--key", "client.key", "--dial-timeout", "2s", *words)

    def alarm(self):
        """It is out of space, until the alarm is disarmed."""
        run("curl", "-sf", "--cacert", "ca.crt", "--cert", "client.crt", "--key", "client.key", f"{self.url}/v3/maintenance/alarm",
            "-d", '{"action": "ACTIVATE", "alarm": "NOSPACE"}')

    def ready(self, aside=False):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                self.ctl("get", "x", aside=aside)
                return self
            except subprocess.CalledProcessError:
                select.select([], [], [], 0.1)
        sys.exit(f"Bail out! {self.name} does not come up: see its log")


def three_members():
    """A cluster that answers."""
    three = [Member(f"member{i}") for i in range(3)]
    for m in three:
        m.all = three
    for m in three:
        m.start()
    for m in three:
        m.ready()
    return three


def restored(m, snapshot, token="one"):
    m.kill()
    shutil.rmtree(m.data)
    m.token = token
    run("etcdctl", "snapshot", "restore", snapshot, "--name", m.name, "--data-dir", m.data, "--initial-cluster", m.cluster(),
        "--initial-advertise-peer-urls", m.peer, "--initial-cluster-token", token)


def authorities():
    """ca, which members and clients have, and other, which nobody here trusts."""
    authority("ca")
    authority("other")
    certify("server", "ca", "serverAuth,clientAuth")
    certify("client", "ca", "clientAuth")
    certify("stranger", "other", "clientAuth")


def plan():
    """The exit status."""
    print(f"1..{count}")
    return 1 if failed or not count else 0


def finish(main):
    """Whatever main() has started ends with it."""
    try:
        status = main()
    finally:
        for process in started:
            if process.poll() is None:
                process.kill()
                process.wait()
        if os.environ.get("KEEP"):
            print(f"# kept: {WORK}")
        else:
            shutil.rmtree(WORK, ignore_errors=True)
    sys.exit(status)

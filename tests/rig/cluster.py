# SPDX-License-Identifier: GPL-2.0
"""Members of etcd, with mutual TLS among them and to clients: in namespaces, or on loopback. For the rig and the scenario of
a fleet, and for what is measured; tests/etcd/etcd_member.py has members for tests of one machine, without a CA among them."""
import base64
import contextlib
import ctypes
import http.client
import json
import os
import select
import shutil
import signal
import socket
import ssl
import subprocess
import time

CLONE_NEWNET = 0x40000000
libc = ctypes.CDLL(None, use_errno=True)
ETCD = ["--heartbeat-interval", "100", "--election-timeout", "1000", "--quota-backend-bytes", str(8 << 30),
        "--auto-compaction-retention", "24h", "--logger", "zap"]


@contextlib.contextmanager
def within(ns):
    """What this thread opens or starts here is in the namespace, and stays there."""
    home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/run/netns/{ns}", os.O_RDONLY)
    try:
        if libc.setns(there, CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {ns}")
        yield
    finally:
        libc.setns(home, CLONE_NEWNET)
        os.close(there)
        os.close(home)


def free_port():
    """A port of loopback that nobody has."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def poll(what, seconds, every=0.05):
    """Until what() is true; its value."""
    end = time.monotonic() + seconds
    while not (value := what()) and time.monotonic() < end:
        select.select([], [], [], every)
    return value


class Authority:
    """Certificates of etcd's members and of who speaks to them."""

    def __init__(self, directory, name="etcd-ca"):
        self.dir, self.crt = directory, f"{directory}/{name}.crt"
        os.makedirs(directory, exist_ok=True)
        self.ca = f"{directory}/{name}"
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                     f"{self.ca}.key", "-out", self.crt, "-subj", f"/CN={name}", "-days", "2")

    @staticmethod
    def openssl(*words, **more):
        """Run it; it must succeed."""
        subprocess.run(["openssl", *words], check=True, capture_output=True, **more)

    def issue(self, name, addresses=("127.0.0.1",)):
        """NAME.crt and NAME.key, for a member (which is its own client, too) or a client; their path without the ending."""
        path = f"{self.dir}/{name}"
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{path}.key",
                     "-out", f"{path}.req", "-subj", f"/CN={name}")
        with open(f"{path}.ext", "w", encoding="ascii") as out:
            out.write(f"subjectAltName={','.join('IP:' + a for a in addresses)}\nextendedKeyUsage=serverAuth,clientAuth\n")
        self.openssl("x509", "-req", "-in", f"{path}.req", "-CA", self.crt, "-CAkey", f"{self.ca}.key", "-CAcreateserial",
                     "-days", "2", "-extfile", f"{path}.ext", "-out", f"{path}.crt")
        return path


class Member:
    """One; it may be killed, and come back with its data."""

    def __init__(self, cluster, n, address, ns):
        self.cluster, self.name, self.address, self.ns = cluster, f"m{n}", address, ns
        alone = ns is None
        self.port, self.peer_port, self.metrics_port = (free_port() for _ in range(3)) if alone else (2379, 2380, 2381)
        self.url = f"https://{address}:{self.port}"
        self.peer = f"https://{address}:{self.peer_port}"
        self.data = f"{cluster.dir}/{self.name}.data"
        self.process = None

    def start(self):
        """Start it; it joins by itself."""
        crt = self.cluster.tls
        words = ["etcd", "--name", self.name, "--data-dir", self.data, "--listen-client-urls", self.url,
                 "--advertise-client-urls", self.url, "--listen-peer-urls", self.peer, "--initial-advertise-peer-urls",
                 self.peer, "--initial-cluster", self.cluster.spelled(), "--initial-cluster-token", self.cluster.token,
                 "--initial-cluster-state", "existing" if os.path.exists(self.data) else "new", "--listen-metrics-urls",
                 f"http://{self.address}:{self.metrics_port}", "--client-cert-auth", "--peer-client-cert-auth"]
        for peer in ("", "peer-"):
            words += [f"--{peer}cert-file", f"{crt}.crt", f"--{peer}key-file", f"{crt}.key", f"--{peer}trusted-ca-file",
                      self.cluster.authority.crt]
        if self.ns:
            words = ["ip", "netns", "exec", self.ns, *words]
        with open(f"{self.cluster.dir}/{self.name}.log", "ab") as log:
            self.process = subprocess.Popen(words + ETCD + self.cluster.more, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log)
        return self

    def kill(self):
        """As a machine that loses its power, but for the disk."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()

    def ctl(self, *words, timeout=30):
        """etcdctl, to this member; what it says, or None."""
        enter = ["ip", "netns", "exec", self.ns] if self.ns else []
        client = self.cluster.client
        try:
            done = subprocess.run(
                [*enter, "etcdctl", "--endpoints", self.url, "--cacert", self.cluster.authority.crt, "--cert", f"{client}.crt",
                 "--key", f"{client}.key", *words], capture_output=True, check=False, timeout=timeout,
                env={**os.environ, "ETCDCTL_API": "3"})
        except subprocess.TimeoutExpired:
            return None
        return done.stdout if done.returncode == 0 else None

    def metrics(self):
        """What it counts, by name; what has labels is summed up."""
        found = {}
        c = http.client.HTTPConnection(self.address, self.metrics_port, timeout=10)
        c.request("GET", "/metrics")
        for line in c.getresponse().read().decode().splitlines():
            if line[:1] != "#":
                name, _, value = line.rpartition(" ")
                name = name.partition("{")[0]
                found[name] = found.get(name, 0) + float(value)
        c.close()
        return found


class Cluster:
    """Members, their CA, and a client of their JSON gateway that waits."""

    def __init__(self, directory, places=((None, "127.0.0.1"),) * 3, more=()):
        self.dir, self.token, self.more = directory, "one", list(more)
        self.authority = Authority(directory)
        self.tls = self.authority.issue("member", sorted({address for _, address in places}))
        self.client = self.authority.issue("client")
        self.members = [Member(self, n + 1, address, ns) for n, (ns, address) in enumerate(places)]

    def spelled(self):
        """All of them, for each of them."""
        return ",".join(f"{m.name}={m.peer}" for m in self.members)

    def start(self):
        """All, until they have a leader."""
        for m in self.members:
            m.start()
        return self.ready()

    def ready(self, seconds=60):
        """True: each answers a read that needs a majority."""
        return all(poll(lambda m=m: m.ctl("get", "x") is not None, seconds) for m in self.members)

    def admit(self, gateways):
        """Gateways of the fleet: each adds to its row itself what it is."""
        for g in gateways:
            self.members[0].ctl("put", f"cordon/all/gateway/{g.name}", '{"v":1}')

    def stop(self):
        """Kill all."""
        for m in self.members:
            m.kill()

    def restore(self, snapshot, token):
        """All members anew from a snapshot, as its manual says."""
        self.stop()
        for m in self.members:
            shutil.rmtree(m.data, ignore_errors=True)
            subprocess.run(["etcdctl", "snapshot", "restore", snapshot, "--name", m.name, "--data-dir", m.data,
                            "--initial-cluster", self.spelled(), "--initial-advertise-peer-urls", m.peer,
                            "--initial-cluster-token", token], check=True, capture_output=True,
                           env={**os.environ, "ETCDCTL_API": "3"})
        self.token = token


class Gate:
    """etcd's JSON gateway, over one connection, waiting for each answer."""

    def __init__(self, cluster, member):
        self.context = ssl.create_default_context(cafile=cluster.authority.crt)
        self.context.load_cert_chain(f"{cluster.client}.crt", f"{cluster.client}.key")
        self.member, self.connection = member, None

    def call(self, what, body):
        """One call; its answer."""
        if not self.connection:
            self.connection = http.client.HTTPSConnection(self.member.address, self.member.port, context=self.context,
                                                          timeout=60)
            with within(self.member.ns) if self.member.ns else contextlib.nullcontext():
                self.connection.connect()
        try:
            self.connection.request("POST", f"/v3/{what}", body if isinstance(body, str) else json.dumps(body))
            answer = self.connection.getresponse()
            text = answer.read()
        except OSError:
            self.connection.close()
            self.connection = None
            raise
        if answer.status != 200:
            raise RuntimeError(f"{what}: {answer.status} {text[:300]}")
        return json.loads(text)

    def put(self, key, value):
        """Put a key, whole name."""
        return self.call("kv/put", {"key": b64(key), "value": b64(value)})

    def under(self, prefix):
        """All below a prefix: key, value, mod revision."""
        found, after = [], prefix
        end = prefix[:-1] + chr(ord(prefix[-1]) + 1)
        while True:
            page = self.call("kv/range", {"key": b64(after), "range_end": b64(end), "limit": 2000})
            for kv in page.get("kvs", []):
                found.append((unb64(kv["key"]).decode(), unb64(kv.get("value", "")), int(kv["mod_revision"])))
            if not page.get("more"):
                return found
            after = found[-1][0] + "\0"


def b64(text):
    """As JSON wants it."""
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def unb64(text):
    """And back."""
    return base64.b64decode(text)

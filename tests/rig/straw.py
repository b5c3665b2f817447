# SPDX-License-Identifier: GPL-2.0
"""Three gateways with kernels of straw and three members of etcd, and what their registries must have in common."""
import contextlib
import os
import shutil
import sqlite3
import sys
import tempfile
import time

from cluster import Cluster, Gate, poll
from device import Device
from place import BUILD, FleetGateway, Net, Root, ROOT

sys.path.append(os.path.join(ROOT, "tests", "serve"))
from kernel import Kernel  # pylint: disable=wrong-import-position

# What all gateways have alike, once all is told. A certificate in the making, or on its way, is its issuer's business.
SHARED = {
    "devices": "SELECT name, hex(mac), approval, approved, enrolled, firmware, retired FROM device ORDER BY name",
    "tokens": "SELECT d.name, hex(t.salt), hex(t.hash), t.expires, t.state, hex(t.key_id), hex(t.serial) FROM token AS t"
              " JOIN device AS d ON d.id = t.device ORDER BY d.name",
    "certificates": "SELECT hex(serial), kind, name, hex(mac), hex(key_id), hex(fingerprint), not_before, not_after,"
                    " iif(state IN (1, 2), 1, state) FROM certificate WHERE state != 3 ORDER BY serial",
    "revoked": "SELECT hex(serial), revoked, reason FROM certificate WHERE state = 3 ORDER BY serial",
    "marks": "SELECT hex(mac), why, since FROM fleet_mark ORDER BY mac",
}


class StrawGateway(FleetGateway):
    """One whose kernel is a file."""

    def __init__(self, directory, name, ns, cluster, root):
        os.makedirs(f"{directory}/kernels", exist_ok=True)
        self.kernel = Kernel(f"{directory}/kernels/{name}")
        self.first_seen = {}
        super().__init__(directory, name, ns, cluster, root, ctl=f"{BUILD}/serve/cordonctl",
                         fleet=f"{BUILD}/serve/cordon-fleet", environment={"CORDON_FAKE_KERNEL": self.kernel.path},
                         more="est: {allow_remote: true, renew_interval: 0s}\n"
                         f"policy: {directory}/policy.yaml\n")

    def query(self, sql, *args):
        """Rows of the registry, as they are; None, it is not to be had now."""
        try:
            with contextlib.closing(sqlite3.connect(f"file:{self.registry}?mode=ro", uri=True, timeout=10)) as db:
                return db.execute(sql, args).fetchall()
        except sqlite3.Error:
            return None

    def shared(self):
        """All that is shared, as text."""
        return {what: self.query(sql) for what, sql in SHARED.items()}

    def status(self):
        """What cordon-fleet says of itself; an empty one, nothing."""
        return self.asks("status", 0.1) or {}

    def reachable(self, seconds=60):
        """It has etcd, and all of it."""
        return poll(lambda: self.status().get("reachable"), seconds, 0.2)


class StrawDevice(Device):
    """One that is known to all kernels; it goes where it is told."""

    def __init__(self, fleet, number):
        super().__init__(fleet.devices_dir, f"device-{number}", f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}")
        self.source, self.at = f"127.0.{1 + (number >> 8)}.{number & 255}", None
        for g in fleet.gateways:
            g.kernel.add(self.name, self.mac, self.source)

    def reach(self):
        """There."""
        return self.at.ns, "127.0.0.1"


class Fleet:
    """All of it, in namespaces whose names nobody else has."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="cordon-fleet.")
        os.chmod(self.dir, 0o755)
        self.net, self.cluster, self.gateways, self.devices, self.members_ns = None, None, [], [], []
        self.root = self.devices_dir = None

    def make(self, devices):
        """Members, gateways and devices, none of which runs."""
        self.net = Net(f"cf{os.getpid()}-")
        self.members_ns = [self.net.add(f"m{n}", n) for n in (1, 2, 3)]
        self.cluster = Cluster(f"{self.dir}/etcd", [(ns, self.net.at[ns]) for ns in self.members_ns])
        self.root = Root(self.dir)
        self.gateways = [StrawGateway(self.dir, f"g{n}", self.net.add(f"g{n}", 10 + n), self.cluster, self.root)
                         for n in (1, 2, 3)]
        self.devices_dir = f"{self.dir}/devices"
        os.mkdir(self.devices_dir)
        self.devices = [StrawDevice(self, n) for n in range(1, devices + 1)]
        self.write_policy()

    def write_policy(self):
        """What the kernels do not say: who may go from gateway to gateway."""
        with open(f"{self.dir}/policy.yaml", "w", encoding="ascii") as out:
            out.write("version: 1\nports: [lan0]\nuplinks: [wan0]\nsegments:\n"
                      "  iot_zone: {authentication: certificate, roam: true}\ndevices:\n")
            for n, d in enumerate(self.devices):
                out.write(f"  - {{name: {d.name}, mac: \"{d.mac}\", network_segment: iot_zone, addresses: [10.1.0.{n + 1}]}}\n")

    def start(self):
        """Until devices may come; a sentence, what is not there."""
        if not self.cluster.start():
            return "the members do not come up"
        self.cluster.admit(self.gateways)
        for g in self.gateways:
            if not g.start():
                return f"{g.name} does not serve:\n{g.logged('serve')}\n{g.logged('cordon-fleet')}"
        for g in self.gateways:
            if not g.reachable():
                return f"{g.name} has not reached etcd: {g.status()}\n{g.logged('cordon-fleet')}"
        return ""

    def gate(self, n=0):
        """To look into etcd by oneself."""
        return Gate(self.cluster, self.cluster.members[n])

    def agree(self, seconds=60):
        """Wait until nothing waits to be told, and all registries are the same: by digest. The statuses."""
        def once():
            said = [g.status() for g in self.gateways]
            same = len({s.get("digest") for s in said}) == 1 and said[0].get("digest")
            return said if same and not any(s.get("waiting") for s in said) and all(s.get("reachable") for s in said) else None
        return poll(once, seconds, 0.3)

    def differences(self):
        """What is not the same in all registries."""
        all_of = [g.shared() for g in self.gateways]
        wrong = []
        for what in SHARED:
            rows = [set(map(str, a[what] or [])) for a in all_of]
            common = set.intersection(*rows)
            wrong += [f"{what}: {g.name} does not tell" for g, a in zip(self.gateways, all_of) if a[what] is None]
            wrong += [f"{what}: {g.name} alone: {row}" for g, r in zip(self.gateways, rows) for row in sorted(r - common)[:5]]
        return wrong

    def remove(self):
        """Take all away."""
        for g in self.gateways:
            g.stop()
        if self.cluster:
            self.cluster.stop()
        if self.net:
            self.net.remove()
        if os.environ.get("KEEP"):
            print(f"# kept: {self.dir}")
        else:
            shutil.rmtree(self.dir, ignore_errors=True)


def seconds_since(began):
    """For people."""
    return f"{time.monotonic() - began:.1f} s"

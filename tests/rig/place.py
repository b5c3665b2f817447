# SPDX-License-Identifier: GPL-2.0
"""Network namespaces on one bridge, which may be cut off from each other; and gateways of a fleet in them."""
import json
import os
import signal
import subprocess
import time

from cluster import Authority, poll, within

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD", os.path.join(ROOT, "build"))


def must(*words, **more):
    """Run a program that has to succeed; what it printed."""
    done = subprocess.run(words, capture_output=True, check=False, timeout=120, **more)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.returncode}: {done.stderr.decode(errors='replace')}")
    return done.stdout


class Net:
    """A bridge in a namespace of its own, and who is on it: NAME at 10.9.0.N, in PREFIXname."""

    def __init__(self, prefix=""):
        self.prefix, self.names, self.at = prefix, [], {}
        self.hub = self.space("hub")
        must("ip", "-n", self.hub, "link", "add", "br0", "up", "type", "bridge")

    def space(self, name):
        """A namespace, with loopback."""
        ns = self.prefix + name
        must("ip", "netns", "add", ns)
        self.names.append(ns)
        must("ip", "-n", ns, "link", "set", "lo", "up")
        return ns

    def add(self, name, number, dev="wan0"):
        """A namespace on the bridge; its name."""
        ns = self.space(name)
        self.at[ns] = f"10.9.0.{number}"
        must("ip", "-batch", "-", input=f"link add {dev} netns {ns} type veth peer name p{number} netns {self.hub}\n".encode())
        must("ip", "-n", self.hub, "link", "set", f"p{number}", "master", "br0", "up")
        must("ip", "-n", ns, "-batch", "-", input=f"addr add {self.at[ns]}/24 dev {dev}\nlink set {dev} up\n".encode())
        return ns

    def cut(self, ns, others):
        """Nothing passes between a namespace and others, either way; connections stay as they are, and hang."""
        them = ", ".join(self.at[o] for o in others)
        self.heal(ns)
        chains = "; ".join(f"chain {hook} {{ type filter hook {hook} priority -300; ip {way} {{ {them} }} drop; }}"
                           for hook, way in (("input", "saddr"), ("output", "daddr")))
        must("ip", "netns", "exec", ns, "nft", f"table ip cut {{ {chains}; }}")

    @staticmethod
    def heal(ns):
        """All passes again."""
        subprocess.run(["ip", "netns", "exec", ns, "nft", "delete", "table", "ip", "cut"], capture_output=True, check=False)

    def remove(self):
        """Take all away."""
        for ns in self.names:
            subprocess.run(["ip", "netns", "del", ns], capture_output=True, check=False)


class Root:
    """The fleet's root, whose key no gateway has."""

    def __init__(self, directory):
        self.crt, self.key = f"{directory}/fleet-root.crt", f"{directory}/fleet-root.key"
        Authority.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout",
                          self.key, "-out", self.crt, "-subj", "/CN=Fleet root", "-days", "3650", "-addext",
                          "keyUsage=critical,keyCertSign,cRLSign")


class FleetGateway:
    """One: a CA below the fleet's root, a registry, serve.yaml, `cordonctl serve` and cordon-fleet, in a namespace."""

    def __init__(self, directory, name, ns, cluster, root, *, ctl=None, fleet=None, environment=None, names=(),
                 more=""):
        self.name, self.ns, self.cluster = name, ns, cluster
        self.dir = f"{directory}/{name}"
        os.makedirs(self.dir, mode=0o755)
        self.program = ctl or f"{BUILD}/cordonctl"
        self.fleet_program = fleet or f"{BUILD}/cordon-fleet"
        self.ca, self.run, self.fleet_run = self.path("ca"), self.path("run"), self.path("fleet-run")
        self.registry, self.config = self.path("registry.db"), self.path("serve.yaml")
        self.environment = {"CORDON_AUDIT": self.path("audit.jsonl"), **(environment or {})}
        self.serve = self.fleet = None
        self.ctl("ca", "init", "--name", name, "--dir", self.ca, "--root-cert", root.crt, "--root-key", root.key)
        self.write(names, more)

    def path(self, *names):
        """A file of this gateway's."""
        return os.path.join(self.dir, *names)

    def write(self, names, more):
        """serve.yaml."""
        tls = self.cluster.authority.issue(self.name)
        os.makedirs(self.fleet_run, exist_ok=True)
        os.makedirs(self.path("fleet"), exist_ok=True)
        registry = {"file": self.registry, "etcd": [m.url for m in self.cluster.members], "ca": self.cluster.authority.crt,
                    "cert": f"{tls}.crt", "key": f"{tls}.key", "prefix": "cordon/", "gateway": self.name,
                    "run": self.fleet_run, "directory": self.path("fleet"), "offline": "1h"}
        with open(self.config, "w", encoding="ascii") as out:
            out.write(f"ca: {self.ca}\nrun: {self.run}\nregistry: {json.dumps(registry)}\n"
                      f"server_names: {json.dumps(['localhost', '127.0.0.1', *names])}\n{more}")

    def env(self):
        """Of what runs here."""
        return {**os.environ, **self.environment}

    def ctl(self, *words, check=True, **more):
        """cordonctl, in the namespace; what it printed, or with check=False all of it."""
        done = subprocess.run(["ip", "netns", "exec", self.ns, self.program, *words], capture_output=True,
                              check=False, timeout=120, env=self.env(), **more)
        if check and done.returncode:
            raise RuntimeError(f"{self.name}: {' '.join(words)}: {done.returncode}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode() if check else done

    def start_one(self, what, *words):
        """Start a program of this gateway's, in the foreground."""
        with within(self.ns), open(self.path(f"{what}.log"), "ab") as log:
            return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env(),
                                    start_new_session=True)

    def start_fleet(self):
        """cordon-fleet."""
        self.fleet = self.start_one("cordon-fleet", self.fleet_program, "--foreground", "--config", self.config)

    def start_serve(self):
        """The server of devices."""
        self.serve = self.start_one("serve", self.program, "serve", "--foreground", "--json", "--config", self.config)

    def listening(self, port):
        """Somebody serves this port of TCP here, over IPv4 or both."""
        with within(self.ns):
            return subprocess.run(["ss", "-Hltn", f"sport = :{port}"], capture_output=True,
                                  check=False).stdout != b""

    def start(self, port=8443):
        """Both, until devices may come."""
        self.start_fleet()
        self.start_serve()
        return poll(lambda: self.listening(port), 60)

    def kill(self, what):
        """kill -9 of "fleet" or "serve", with all that it has started."""
        process = getattr(self, what)
        if process.poll() is not None:
            log = self.logged("cordon-fleet" if what == "fleet" else what)
            raise RuntimeError(f"{self.name}: {what} had ended by itself:\n{log}")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def stop(self):
        """End both."""
        for process in (self.serve, self.fleet):
            if process and process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()

    def logged(self, what, last=2000):
        """The end of what it said."""
        try:
            with open(self.path(f"{what}.log"), encoding="utf-8", errors="replace") as f:
                return f.read()[-last:]
        except OSError:
            return ""

    def asks(self, what, seconds=20):
        """`cordonctl fleet WHAT --json`, as soon as there is an answer."""
        def once():
            done = self.ctl("fleet", what, "--config", self.config, "--json", check=False)
            return json.loads(done.stdout) if done.returncode == 0 else None
        return poll(once, seconds, 0.2)


def milliseconds(since):
    """From a time of CLOCK_MONOTONIC until now."""
    return (time.monotonic() - since) * 1000

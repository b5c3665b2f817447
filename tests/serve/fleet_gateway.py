# SPDX-License-Identifier: GPL-2.0
"""A gateway of a fleet with its devices, and a liar that plays cordon-fleet: what fleet.py and fleet_chain.py share."""
import contextlib
import json
import os
import socket
import threading
import time

from gateway import CTL, certificate, checkin, ctl, enroll, must, new_csr, new_key, renew, until
from idevid import Lan
from kernel import FirmwareGateway

REPLICA = os.path.join(os.path.dirname(CTL), "serve", "replica")


class Liar:
    """cordon-fleet, as far as agent sees it: answers as it is told, or not at all."""

    def __init__(self, gw):
        self.gw = gw
        self.asked, self.links = [], []
        self.lock = threading.RLock()
        self.state = {"reachable": True, "heard": int(time.time()), "refused": False}
        self.how = self.done
        self.sock, self.frozen, self.beats = None, False, 0
        self.open()

    def open(self):
        """Be there."""
        os.makedirs(self.gw.path("fleet"), exist_ok=True)
        os.chmod(self.gw.path("fleet"), 0o755)
        path = self.gw.path("fleet", "control")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.bind(path)
        os.chmod(path, 0o666)
        self.sock.listen(8)
        threading.Thread(target=self.accept, args=[self.sock], daemon=True).start()

    def close(self):
        """Be gone, and the socket with it."""
        os.unlink(self.gw.path("fleet", "control"))
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        self.hang_up()

    def hang_up(self):
        """End all connections."""
        with self.lock:
            links, self.links = self.links, []
        for link in links:
            with contextlib.suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)
            link.close()

    def accept(self, sock):
        """Each connection has its thread."""
        while True:
            try:
                link = sock.accept()[0]
            except OSError:
                return
            with self.lock:
                self.links.append(link)
                if not self.frozen:
                    self.say(link, {"is": "state", **self.state})
            threading.Thread(target=self.serve, args=[link], daemon=True).start()

    def serve(self, link):
        """Until it is gone."""
        with contextlib.suppress(OSError, ValueError), link.makefile("rb") as lines:
            for line in lines:
                question = json.loads(line)
                if question["do"] == "state":
                    self.beats += 1
                    if not self.frozen:
                        self.say(link, {"id": question["id"], "is": "refused", "why": "no such question"})
                    continue
                self.asked.append(question)
                self.how(link, question)

    @staticmethod
    def say(link, what):
        """A line; bytes as they are."""
        with contextlib.suppress(OSError):
            link.sendall(what if isinstance(what, bytes) else json.dumps(what).encode() + b"\n")

    def tell(self, **more):
        """The state has changed."""
        with self.lock:
            self.state.update(more)
            for link in self.links:
                self.say(link, {"is": "state", **self.state})

    def done(self, link, q):
        """Whatever is asked for; a device that is held here is written down, as cordon-fleet does."""
        if q["do"] == "hold":
            self.gw.replica("hold", q["mac"], "1")
        self.say(link, {"id": q["id"], "is": "done"})

    def words(self, *answers, then=None):
        """These answers, one after the other; then is for all after them, or the last goes on."""
        left = list(answers)

        def how(link, q):
            answer = left.pop(0) if len(left) > 1 or (left and then) else left[0] if left else None
            if answer is None:
                then(link, q)
            else:
                self.say(link, {"id": q["id"], **({"is": answer} if isinstance(answer, str) else answer)})
        self.how = how

    def silent(self, *_):
        """Say nothing."""


class FleetGateway(FirmwareGateway):
    """One of a fleet."""

    def __init__(self, **more):
        super().__init__()
        self.est["allow_remote"] = True
        self.fleet = {"etcd": ["http://127.0.0.1:1"], "gateway": "here", "run": self.path("fleet"),
                      "directory": self.path("fleet"), **more}
        self.number = 0
        self.replica("join", "here")
        self.lan = Lan(self)
        self.liar = Liar(self)
        self.configure()

    def configure(self, more=""):
        """serve.yaml; the policy is in it."""
        self.write_config(f"policy: {self.lan.file}\n{more}")

    def replica(self, *words):
        """What cordon-fleet does to the registry."""
        must(REPLICA, self.registry, *words)

    def remove(self):
        with contextlib.suppress(OSError):
            self.liar.close()
        super().remove()

    def ready(self):
        """Agent has heard the liar."""
        return until(lambda: self.status()["reachable"])

    def status(self):
        """What serve --status says of the fleet."""
        return json.loads(ctl("serve", "--status", "--config", self.config, "--json").stdout)["fleet"]

    def new(self, name, held=False):
        """A device of the policy and the kernel, with a key: its name, token, address, MAC, key."""
        at = self.lan.add(name)
        mac = self.lan.devices[-1][1]
        device = Visitor(self, name, self.token(name, mac), at, mac)
        if held:
            self.replica("hold", mac, "1")
        return device

    def enrolled(self, name, held=False):
        """One that has a certificate."""
        device = self.new(name, held)
        got = device.enroll()
        if got.status != 200:
            raise RuntimeError(f"{name} is not enrolled: {got}")
        device.cert = certificate(self, got, name)
        until(lambda: self.query("SELECT 1 FROM certificate WHERE name = ? AND state = 2", name))
        return device


class Visitor:
    """A device."""

    def __init__(self, gw, name, token, at, mac):
        self.gw, self.name, self.token, self.at, self.mac = gw, name, token, at, mac
        self.key, self.cert = new_key(gw, name), None

    def enroll(self, csr=None, token=None):
        """A first certificate."""
        return enroll(self.gw, self.name, token or self.token, csr or new_csr(self.key), source=self.at)

    def checkin(self):
        """What the plain check-in says."""
        return checkin(self.gw, self.cert, self.key, source=self.at)

    def renew(self):
        """A next one."""
        return renew(self.gw, self.cert, self.key, new_csr(self.key), source=self.at)

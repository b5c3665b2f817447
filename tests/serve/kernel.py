# SPDX-License-Identifier: GPL-2.0
"""A kernel of straw: the file that build/serve/cordonctl takes for the module, see fake_nl.c."""
import hashlib
import json
import os
import struct
import time

from gateway import CTL, Client, Gateway, certificate, enroll, new_csr, new_key

FAKE = os.path.join(os.path.dirname(CTL), "serve", "cordonctl")
HEAD = struct.Struct("=6I")
DEVICE = struct.Struct("=64s32s6sBBIIIII32s")
DEVICES = 256
INHERIT = 255


class Kernel:
    """Devices, by place; what the server does to them is in the file."""

    def __init__(self, path, automatic=True, grace=0, postpone=86400):
        self.path = path
        self.devices = []
        self.head = [1, 0, int(automatic), grace, postpone, 0]
        with open(path, "wb") as out:
            out.write(bytes(HEAD.size + DEVICES * DEVICE.size))
        os.chmod(path, 0o666)
        self.write()

    def write(self):
        """The head, which is all that a running server may find changed."""
        self.head[1] = len(self.devices)
        with open(self.path, "r+b") as out:
            out.write(HEAD.pack(*self.head))

    def put(self, at, fields):
        """One device."""
        with open(self.path, "r+b") as out:
            out.seek(HEAD.size + at * DEVICE.size)
            out.write(DEVICE.pack(*fields))

    def fields(self, name):
        """All that is known of a device."""
        at = self.devices.index(name)
        with open(self.path, "rb") as f:
            f.seek(HEAD.size + at * DEVICE.size)
            return at, list(DEVICE.unpack(f.read(DEVICE.size)))

    def add(self, name, mac, address, model="acme", automatic=INHERIT):
        """A device, at an address like 127.0.0.9."""
        number = int.from_bytes(bytes(int(part) for part in address.split(".")), "big")
        self.devices.append(name)
        self.put(len(self.devices) - 1, (name.encode(), model.encode(), bytes.fromhex(mac.replace(":", "")),
                                         automatic, 0, number, 0, 0, 0, 0, bytes(32)))
        self.write()

    def commit(self, **more):
        """Another policy: what is named changes, too."""
        names = ("generation", "n", "automatic", "grace", "postpone", "absent")
        for name, value in more.items():
            self.head[names.index(name)] = int(value)
        self.head[0] += 1
        self.write()

    def change(self, name, **more):
        """As an operator, or an anomaly, changes a device."""
        at, fields = self.fields(name)
        for key, value in more.items():
            fields[{"automatic": 3, "quarantined": 4, "outdated": 6}[key]] = int(value)
        self.put(at, fields)

    def place(self, name, address):
        """It has another address from now on."""
        at, fields = self.fields(name)
        fields[5] = int.from_bytes(bytes(int(part) for part in address.split(".")), "big")
        self.put(at, fields)

    def outdated(self, name):
        """Has the server marked it?"""
        return bool(self.fields(name)[1][6])

    def leases(self, name):
        """How many it got, and how many of them were ended."""
        fields = self.fields(name)[1]
        return fields[7], fields[9]

    def sets(self, name):
        """How often it was told of it."""
        return self.fields(name)[1][8]


class FirmwareGateway(Gateway):
    """A server with such a kernel, and a directory of artifacts."""

    def __init__(self, **kernel):
        super().__init__(allow_remote=False)
        self.program = FAKE
        self.kernel = Kernel(self.path("kernel"), **kernel)
        self.environment["CORDON_FAKE_KERNEL"] = self.kernel.path

    def release(self, version, data, model="acme", file="image.swu", percent=100, stop_after=5):
        """A release, as it is once it was added; its number."""
        sums = [hashlib.new(name, data).digest() for name in ("sha256", "sha1", "md5")]
        with open(os.path.join(self.firmware["directory"], sums[0].hex()), "wb") as out:
            out.write(data)
        with self.database() as db:
            number = db.execute(
                "INSERT INTO firmware_release (model, version, file, notes, signer, size, sha256, sha1, md5, added, percent,"
                " paused, stop_after) VALUES (?, ?, ?, 'for people', 'Vendor', ?, ?, ?, ?, ?, ?, 0, ?)",
                (model, version, file, len(data), *sums, int(time.time()), percent, stop_after)).lastrowid
            db.execute("UPDATE counter SET value = value + 1 WHERE name = 'firmware'")
        return number

    def floor(self, version, model="acme", since=0):
        """The oldest version that is good enough; None, any."""
        with self.database() as db:
            db.execute("DELETE FROM firmware_floor WHERE model = ?", (model,))
            if version:
                db.execute("INSERT INTO firmware_floor VALUES (?, ?, ?)", (model, version, since or int(time.time()) - 1))
            db.execute("UPDATE counter SET value = value + 1 WHERE name = 'firmware'")

    def state(self, action):
        """Of an action, by its name."""
        found = self.query("SELECT state FROM firmware_action WHERE id = ?", action)
        return ("offered", "running", "canceling", "canceled", "succeeded", "failed")[found[0][0]] if found else None

    def version(self, name):
        """What a device runs, as the registry has it."""
        return self.query("SELECT firmware FROM device WHERE name = ?", name)[0][0]


class Device:
    """One that is enrolled, and in the policy."""

    def __init__(self, gw, name, number, model="acme", key=None, **more):
        self.gw, self.name = gw, name
        self.mac = f"02:00:00:00:{number >> 8:02x}:{number & 255:02x}"
        self.address = f"127.0.{1 + (number >> 8)}.{number & 255}"
        gw.kernel.add(name, self.mac, self.address, model, **more)
        self.key = key or new_key(gw, name)
        csr = new_csr(self.key)
        self.cert = certificate(gw, enroll(gw, name, gw.token(name, self.mac), csr, source=self.address), name)
        self.root = f"/default/controller/v1/{name}"

    def client(self):
        """A connection."""
        return Client(self.gw, source=self.address, context=self.gw.context(self.cert, self.key))

    def ask(self, method, path, headers=(), body=b""):
        """One request; a path without a slash is below the device's own."""
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
        path = path if path.startswith("/") else f"{self.root}/{path}" if path else self.root
        with self.client() as client:
            return client.request(method, path, headers, body)

    def poll(self):
        """What there is."""
        return json.loads(self.ask("GET", "").body)

    def offered(self):
        """Number of the action that is offered, or None."""
        link = self.poll()["_links"].get("deploymentBase")
        return int(link["href"].rpartition("/")[2]) if link else None

    def deployment(self):
        """All of the offer, or None."""
        action = self.offered()
        return json.loads(self.ask("GET", f"deploymentBase/{action}").body) if action else None

    def say(self, action, execution, finished="none", *details, where="deploymentBase"):
        """Feedback; its status."""
        return self.ask("POST", f"{where}/{action}/feedback", [], {
            "id": str(action), "status": {"execution": execution, "result": {"finished": finished},
                                          "details": list(details)}})

    def tell(self, version, **more):
        """What it runs."""
        return self.ask("PUT", "configData", [], {"data": {"firmware": version}, **more})


def path_of(url):
    """A link's path."""
    return "/" + url.split("/", 3)[3]

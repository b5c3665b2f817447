# SPDX-License-Identifier: GPL-2.0
"""A server of one's own, clients to it, and TAP: what the tests of `cordonctl serve` share."""
import base64
import contextlib
import ctypes
import http.client
import json
import os
import re
import resource
import shutil
import signal
import socket
import sqlite3
import ssl
import struct
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CTL = os.path.join(os.environ.get("BUILD", os.path.join(ROOT, "build")), "cordonctl")
EST = "/.well-known/est/"
NAMES = ("cordonctl:front", "cordonctl:agent", "cordonctl:sign")
os.environ.setdefault("CORDON_AUDIT", os.path.join(os.path.dirname(CTL), "serve", "audit", "audit.jsonl"))
WAIT = 30  # seconds until something that should happen has not


class Tap:
    """Test Anything Protocol."""

    def __init__(self):
        self.count = self.failed = 0

    def ok(self, good, name, detail=None):
        """Report a case; detail is shown where it failed."""
        self.count += 1
        self.failed += not good
        if not good and detail is not None:
            for line in str(detail).splitlines() or [""]:
                print("#", line)
        print(("ok" if good else "not ok"), self.count, "-", name.replace("#", "no. "), flush=True)
        return bool(good)

    def equal(self, name, want, got):
        """Report whether got is what is wanted."""
        return self.ok(want == got, name, f"wanted {want!r}\ngot    {got!r}")

    def skip(self, name, why):
        """Report a case that cannot be had here."""
        self.count += 1
        print("ok", self.count, "-", name, "# SKIP", why, flush=True)

    @staticmethod
    def say(text):
        """A comment."""
        print("#", text, flush=True)

    def done(self):
        """Print the plan and end the program; one that has shown nothing has failed."""
        print(f"1..{self.count}", flush=True)
        sys.exit(bool(self.failed) or not self.count)


def until(what, seconds=WAIT):
    """Poll until what() is true; its value, or what it was last."""
    end = time.monotonic() + seconds
    value = what()
    while not value and time.monotonic() < end:
        time.sleep(0.01)
        value = what()
    return value


def hold_port():
    """A port of TCP that is ours while this is open: no client is given it, and a server with SO_REUSEADDR may listen."""
    sock = socket.socket(socket.AF_INET6)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("::", 0))
    return sock


def run(*words, timeout=WAIT, **more):
    """Run a program to its end."""
    return subprocess.run(words, capture_output=True, check=False, timeout=timeout, **more)


def must(*words, **more):
    """Run a program that has to succeed; what it printed."""
    done = run(*words, **more)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}: {done.returncode}: {done.stderr.decode(errors='replace')}")
    return done.stdout


def ctl(*words, **more):
    """Run cordonctl."""
    return run(CTL, *words, **more)


class Gateway:
    """A CA, a registry, a configuration, and the server that goes with them."""

    def __init__(self, key="p256", **est):
        self.dir = tempfile.mkdtemp(prefix="cordon-serve.")
        os.chmod(self.dir, 0o755)  # agent reads serve.yaml as another user
        self.ca = self.path("ca")
        self.run = self.path("run")
        self.registry = self.path("registry.db")
        self.config = self.path("serve.yaml")
        self.log = self.path("log")
        self.est = dict(est)
        self.names = ["gateway.test", "localhost", "127.0.0.1", "::1"]
        self.names_of_counters = None
        self.process = None
        self.program = CTL
        # The audit log of this gateway; what is called without it, as ctl(), writes to the one of all tests.
        self.audit = self.path("audit", "audit.jsonl")
        self.environment = {"CORDON_AUDIT": self.audit}
        self.firmware = {"directory": self.path("firmware")}
        self.fleet = None
        must(CTL, "ca", "init", "--dir", self.ca, "--name", "Test", "--key", key)
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.manager.bind(self.path("notify"))
        self.manager.settimeout(WAIT)
        self.held = [hold_port(), hold_port()]
        self.port, self.visit = (sock.getsockname()[1] for sock in self.held)
        self.write_config()

    def path(self, *names):
        """A file of this gateway's directory."""
        return os.path.join(self.dir, *names)

    def write_config(self, more=""):
        """serve.yaml, as the attributes say."""
        est = {"listen": f"[::]:{self.port}", "allow_remote": True, "renew_interval": "0s", **self.est}
        registry = json.dumps({"file": self.registry, **self.fleet}) if self.fleet else self.registry
        with open(self.config, "w", encoding="ascii") as out:
            out.write(f"est: {json.dumps(est)}\ncheckin: {{listen: \"[::]:{self.visit}\"}}\n"
                      f"ca: {self.ca}\nregistry: {registry}\nrun: {self.run}\n"
                      f"server_names: {json.dumps(self.names)}\nfirmware: {json.dumps(self.firmware)}\n{more}")

    def start(self, file_size=None, under=()):
        """Start the server in the foreground, and wait until it is ready; False: it ended instead."""
        def limit():
            if file_size:
                resource.setrlimit(resource.RLIMIT_FSIZE, (file_size, file_size))
        self.notified()
        with open(self.log, "a", encoding="ascii") as log:
            self.process = subprocess.Popen(
                [*under, self.program, "serve", "--foreground", "--json", "--config", self.config],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, preexec_fn=limit if file_size else None,
                env={**os.environ, "NOTIFY_SOCKET": self.path("notify"), **self.environment})
        self.manager.settimeout(0.1)
        for _ in range(10 * WAIT):
            try:
                return self.manager.recv(64) == b"READY=1"
            except socket.timeout:
                if self.process.poll() is not None:
                    return False
        return False

    def notified(self):
        """What the service manager was told since it was last asked."""
        told = []
        self.manager.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                told.append(self.manager.recv(64).decode().partition("\n")[0])
        return told

    def must_start(self, **how):
        """Start it; the test ends where it does not."""
        if not self.start(**how):
            raise RuntimeError("the server does not start:\n" + self.logged()[-2000:])
        return self

    def logged(self):
        """What it said."""
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return log.read()

    def pids(self):
        """The three processes, by name."""
        found = {}
        parent = self.process.pid
        for pid in [parent] + children(parent):
            found[comm(pid)] = pid
        return found

    def stop(self):
        """Stop the server, however it is."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(WAIT)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def remove(self):
        """Stop it and take everything away."""
        self.stop()
        for sock in (self.manager, *self.held):
            sock.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.remove()

    def token(self, name, mac, *more):
        """A one-time secret for a device."""
        return must(CTL, "device", "token", name, "--mac", mac, "--registry", self.registry,
                    *more).decode().strip()

    def told(self):
        """What it has counted, as cordonctl tells it: one flat mapping."""
        got = json.loads(must(CTL, "stats", "--serve", "--run", self.run, "--json"))
        return {"started": got["started"], "connections": got["connections"], **got["accepted"], **got["refused"],
                **got["updates"]}

    def counters(self):
        """The same, from the file: that is asked for a few hundred times."""
        self.names_of_counters = self.names_of_counters or list(self.told())
        with open(os.path.join(self.run, "serve.stats"), "rb") as f:
            data = f.read()
        return dict(zip(self.names_of_counters, struct.unpack(f"=8x{len(data) // 8 - 1}Q", data)))

    @contextlib.contextmanager
    def database(self):
        """The registry, in a transaction."""
        db = sqlite3.connect(self.registry, timeout=WAIT)
        try:
            with db:
                yield db
        finally:
            db.close()

    def query(self, sql, *args):
        """Rows of the registry."""
        with self.database() as db:
            return db.execute(sql, args).fetchall()

    def issued(self):
        """How many certificates of devices were ever recorded."""
        return self.query("SELECT count(*) FROM certificate WHERE kind = 0")[0][0]

    def context(self, cert=None, key=None, version=ssl.TLSVersion.TLSv1_3):
        """TLS as a device speaks it."""
        context = ssl.create_default_context(cafile=os.path.join(self.ca, "root.crt"))
        context.minimum_version = context.maximum_version = version
        if cert:
            context.load_cert_chain(cert, key)
        return context


def comm(pid):
    """A process' name; empty, it is gone."""
    try:
        with open(f"/proc/{pid}/comm", encoding="ascii") as f:
            return f.read().strip()
    except OSError:
        return ""


def children(pid):
    """Processes that a process has made."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as f:
            return [int(word) for word in f.read().split()]
    except OSError:
        return []


class Answer:
    """What a server said."""

    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    def why(self):
        """The first line of the body."""
        return self.body.decode(errors="replace").partition("\n")[0]

    def der(self):
        """A body of base64."""
        return base64.b64decode(self.body)

    def __repr__(self):
        return f"{self.status} {dict(self.headers or {})} {self.body[:200]!r}"


NOTHING = Answer(0, {}, b"")


class Client:
    """One connection, over which requests are sent as they are wanted: well formed or not."""

    def __init__(self, gateway, source="127.0.0.1", context=None, port=None, timeout=WAIT, host="127.0.0.1"):
        raw = socket.create_connection((host, port or gateway.port), timeout, (source, 0))
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # else what follows the handshake waits for 40 ms
        try:
            self.sock = (context or gateway.context()).wrap_socket(raw, server_hostname="localhost")
        except OSError:
            raw.close()
            raise

    def send(self, data):
        """Send bytes."""
        self.sock.sendall(data)

    def answer(self, method="POST"):
        """Wait for an answer; NOTHING: the connection ended without one."""
        reply = http.client.HTTPResponse(self.sock, method=method)
        try:
            reply.begin()
            return Answer(reply.status, reply.headers, reply.read())
        except (http.client.HTTPException, OSError):
            return NOTHING
        finally:
            reply.close()

    def request(self, method, path, headers=(), body=b""):
        """Send a request with a length, and wait for its answer."""
        self.send(head(method, path, [*headers, ("Content-Length", len(body))]) + body)
        return self.answer(method)

    def ended(self):
        """Wait until the server has closed the connection."""
        try:
            return self.sock.recv(1) == b""
        except OSError:
            return True

    def close(self):
        """Go."""
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def head(method, path, headers):
    """A request's lines before its body."""
    lines = [f"{method} {path} HTTP/1.1", "Host: localhost"] + [f"{k}: {v}" for k, v in headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def basic(name, token):
    """Credentials (RFC 7617)."""
    return ("Authorization", "Basic " + base64.b64encode(f"{name}:{token}".encode()).decode())


PKCS10 = ("Content-Type", "application/pkcs10")


def ask(gateway, method, path, headers=(), body=b"", **more):
    """One request over a connection of its own."""
    try:
        with Client(gateway, **more) as client:
            return client.request(method, path, headers, body)
    except OSError:
        return NOTHING


def enroll(gateway, name, token, csr, **more):
    """A first certificate."""
    return ask(gateway, "POST", EST + "simpleenroll", [PKCS10, basic(name, token)], base64.b64encode(csr), **more)


def renew(gateway, cert, key, csr, **more):
    """A next certificate."""
    return ask(gateway, "POST", EST + "simplereenroll", [PKCS10], base64.b64encode(csr),
               context=gateway.context(cert, key), **more)


def checkin(gateway, cert=None, key=None, version=ssl.TLSVersion.TLSv1_3, line=b"Hello Secure IoT Server\n", **more):
    """The plain check-in: the line that is answered; empty, none is."""
    try:
        with Client(gateway, context=gateway.context(cert, key, version), port=gateway.visit, **more) as client:
            client.send(line)
            said = b""
            while not said.endswith(b"\n"):
                data = client.sock.recv(1024)
                if not data:
                    break
                said += data
            return said.decode(errors="replace").strip()
    except OSError:
        return ""


def certificate(gateway, answer, name):
    """The certificate in an answer as NAME.crt; its path."""
    path = gateway.path(name + ".crt")
    must("openssl", "pkcs7", "-inform", "DER", "-print_certs", "-out", path, input=answer.der())
    return path


def serial(path):
    """A certificate's serial number, as the registry has it."""
    text = must("openssl", "x509", "-noout", "-serial", "-in", path).decode()
    return bytes.fromhex(text.strip().partition("=")[2].rjust(32, "0"))


def new_key(gateway, name, kind="P-256"):
    """A key as NAME.key; its path."""
    path = gateway.path(name + ".key")
    words = {"P-256": ["EC", "-pkeyopt", "ec_paramgen_curve:P-256"], "P-384": ["EC", "-pkeyopt", "ec_paramgen_curve:P-384"],
             "P-521": ["EC", "-pkeyopt", "ec_paramgen_curve:P-521"], "Ed25519": ["ED25519"],
             "RSA": ["RSA", "-pkeyopt", "rsa_keygen_bits:2048"]}[kind]
    must("openssl", "genpkey", "-algorithm", *words, "-out", path)
    return path


def new_csr(key, subject="/", *more):
    """A request for a certificate, DER."""
    return must("openssl", "req", "-new", "-key", key, "-subj", subject, "-outform", "DER", *more)


class Crypto:
    """Keys and requests by the thousand: libcrypto itself, since a process for each would take longer."""

    def __init__(self):
        name = re.search(r"\S*libcrypto\.so\S*", open("/proc/self/maps", encoding="utf-8").read())
        self.lib = ctypes.CDLL(name.group(0) if name else "libcrypto.so.3")
        for call in ("EVP_PKEY_Q_keygen", "X509_REQ_new", "X509_REQ_get_subject_name", "EVP_sha256"):
            getattr(self.lib, call).restype = ctypes.c_void_p

    def request(self, common_name):
        """A fresh P-256 key's request, DER. The key is of no use after that, and forgotten."""
        lib, point = self.lib, ctypes.c_void_p
        key = point(lib.EVP_PKEY_Q_keygen(None, None, b"EC", b"P-256"))
        req = point(lib.X509_REQ_new())
        subject = point(lib.X509_REQ_get_subject_name(req))
        good = lib.X509_NAME_add_entry_by_txt(subject, b"CN", 0x1001, common_name.encode(), -1, -1, 0) and \
            lib.X509_REQ_set_pubkey(req, key) and lib.X509_REQ_sign(req, key, point(lib.EVP_sha256()))
        size = lib.i2d_X509_REQ(req, None) if good else 0
        der = ctypes.create_string_buffer(max(size, 1))
        lib.i2d_X509_REQ(req, ctypes.byref(point(ctypes.addressof(der))))
        lib.X509_REQ_free(req)
        lib.EVP_PKEY_free(key)
        return der.raw[:size]


def die(*_):
    """Leave as an exception, so that everything is cleaned up."""
    raise SystemExit(1)


signal.signal(signal.SIGTERM, die)

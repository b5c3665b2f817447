#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Three processes, of which each can do one thing; how they start, reload and end; what serve.yaml may say."""
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import time

from gateway import (CTL, EST, NAMES, WAIT, Client, Gateway, Tap, ask, children, comm, ctl, must, new_csr, new_key, renew,
                     enroll, certificate, run, until)

tap = Tap()
NET_ADMIN = 1 << 12
INET = {"tcp", "tcp6", "udp", "udp6", "raw", "raw6"}


def status(pid):
    """/proc/PID/status as a mapping."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return dict(line.split(":", 1) for line in f.read().splitlines())


def sockets(pid):
    """Kinds of the sockets that a process has open, and all its other files."""
    kinds, files = [], []
    inodes = {}
    for table in ("tcp", "tcp6", "udp", "udp6", "raw", "raw6", "unix", "netlink", "packet"):
        with open(f"/proc/{pid}/net/{table}", encoding="ascii") as f:
            for line in f.read().splitlines()[1:]:
                words = line.split()
                inodes[words[{"unix": 6, "netlink": 9, "packet": 8}.get(table, 9)]] = table
    for fd in os.listdir(f"/proc/{pid}/fd"):
        target = os.readlink(f"/proc/{pid}/fd/{fd}")
        found = re.fullmatch(r"socket:\[(\d+)\]", target)
        if found:
            kinds.append(inodes.get(found.group(1), "other"))
        else:
            files.append(target)
    return kinds, files


def confined(gw):
    """Who may do what."""
    pids = gw.pids()
    tap.equal("three processes", sorted(NAMES), sorted(pids))
    users = set()
    for name in NAMES:
        s = status(pids[name])
        uids, gids = s["Uid"].split(), s["Gid"].split()
        users.add(uids[0])
        tap.ok(os.geteuid() != 0 or "0" not in uids + gids, f"{name}: neither root's user nor group", uids + gids)
        tap.equal(f"{name}: no other groups", "", s["Groups"].strip())
        tap.equal(f"{name}: seccomp filters", "2", s["Seccomp"].strip())
        tap.equal(f"{name}: no new privileges", "1", s["NoNewPrivs"].strip())
        want = NET_ADMIN if name == "cordonctl:agent" and os.geteuid() == 0 else 0
        for kind in ("CapEff", "CapPrm", "CapInh", "CapAmb") if os.geteuid() == 0 else ("CapEff",):
            tap.equal(f"{name}: {kind}", want if kind in ("CapEff", "CapPrm") else 0, int(s[kind], 16))
        tap.equal(f"{name}: no core dumps", "0", limit(pids[name], "Max core file size"))
    tap.equal("each has a user of its own", 3, len(users))
    front, agent, signer = (sockets(pids[name]) for name in NAMES)
    tap.ok(INET & set(front[0]), "front: sockets of devices", front)
    tap.ok(not INET & set(agent[0]), "agent: no socket of the network", agent)
    tap.equal("signer: no socket at all", [], signer[0])
    tap.ok(any("registry.db" in file for file in agent[1]), "agent: the registry", agent[1])
    for name, (_, files) in (("front", front), ("signer", signer)):
        tap.ok(not any("registry.db" in file for file in files), f"{name}: no registry", files)
    for name, (_, files) in (("front", front), ("agent", agent), ("signer", signer)):
        tap.ok(not any(".key" in file for file in files), f"{name}: no file of a key", files)
    where_the_key_is(gw, pids)


def limit(pid, name):
    """Soft limit of a process."""
    with open(f"/proc/{pid}/limits", encoding="ascii") as f:
        return next(line[len(name):].split()[0] for line in f if line.startswith(name))


def where_the_key_is(gw, pids):
    """Search each process' memory for the CA's private key."""
    text = must("openssl", "pkey", "-in", os.path.join(gw.ca, "issuing.key"), "-noout", "-text").decode()
    secret = bytes.fromhex(re.search(r"priv:\s*((?:[0-9a-f]{2}[:\s]*)+)", text).group(1).replace(":", "").replace(
        "\n", "").replace(" ", ""))[-32:]
    holders = []
    for name in NAMES:
        held = holds(pids[name], (secret, secret[::-1]))
        if held is None:
            tap.skip("the CA's private key is in signer's memory alone", "another process' memory cannot be read here")
            return
        if held:
            holders.append(name)
    tap.equal("the CA's private key is in signer's memory alone", ["cordonctl:sign"], holders)


def holds(pid, needles):
    """Is any of these in a process' writable memory; None, it cannot be read."""
    try:
        with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", buffering=0) as mem:
            for line in maps:
                span, mode = line.split()[:2]
                if not mode.startswith("rw") or "[v" in line:
                    continue
                start, end = (int(x, 16) for x in span.split("-"))
                if end - start > 1 << 30:  # a sanitizer's shadow
                    continue
                mem.seek(start)
                data = mem.read(end - start)
                if any(needle in data for needle in needles):
                    return True
    except OSError:
        return None
    return False


# ---- from outside of a sandbox

def has_landlock():
    """Version of the kernel's landlock; 0, it has none."""
    script = "import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1))"
    return max(0, int(run("python3", "-c", script).stdout))


def users():
    """Each process becomes its user, where the machine has these, as the packages make them."""
    if os.geteuid():
        tap.skip("each process is its own user's", "only root can become another")
        return
    with Gateway() as gw:
        wanted = {"cordonctl:front": "970", "cordonctl:agent": "971", "cordonctl:sign": "972"}
        shutil.copy("/etc/passwd", gw.path("passwd"))
        with open(gw.path("passwd"), "a", encoding="ascii") as out:
            for name, uid in zip(("front", "agent", "signer"), wanted.values()):
                out.write(f"cordon-{name}:x:{uid}:{uid}::/:/usr/sbin/nologin\n")
        mounted = f"mount --bind {gw.path('passwd')} /etc/passwd && exec \"$@\""
        gw.start(under=("unshare", "-m", "--propagation", "private", "sh", "-c", mounted, "-"))
        found = {name: (status(pid)["Uid"].split()[1], status(pid)["Gid"].split()[1]) for name, pid in gw.pids().items()}
        tap.equal("each process is its own user's", {name: (uid, uid) for name, uid in wanted.items()}, found)


def traced():
    """What the three do on their way in."""
    with Gateway() as gw:
        trace = gw.path("trace")
        calls = "trace=landlock_restrict_self,seccomp,prctl,execve,socket"
        if run("strace", "-o", trace, "true").returncode:
            tap.skip("strace: landlock, seccomp and users", "strace does not work here")
            return
        tap.ok(gw.start(under=("strace", "-f", "-o", trace, "-e", calls)), "strace: it starts", gw.logged())
        tap.equal("strace: it serves", 200, ask(gw, "GET", EST + "cacerts").status)
        ctl("serve", "--stop", "--config", gw.config)
        gw.process.wait(WAIT)
        with open(trace, encoding="ascii", errors="replace") as f:
            lines = f.read().splitlines()
        seccomp = {line.split()[0] for line in lines if re.search(r"seccomp\(SECCOMP_SET_MODE_FILTER.*= 0|PR_SET_SECCOMP", line)}
        tap.equal("strace: seccomp in three processes", 3, len(seccomp))
        locked = {line.split()[0] for line in lines if re.search(r"landlock_restrict_self\(.*= 0", line)}
        version = has_landlock()
        if version:
            tap.equal("strace: landlock in the same three", seccomp, locked)
            tap.say(f"landlock of version {version}")
        else:
            tap.skip("strace: landlock in the same three", "the kernel has no landlock")
        late = [line for at, line in enumerate(lines) if re.search(r"(execve\(|socket\(AF_(?!NETLINK)).* = \d", line)
                and any(re.search("SECCOMP_SET_MODE_FILTER|PR_SET_SECCOMP", was) and was.split()[0] == line.split()[0]
                        for was in lines[:at])]
        tap.equal("strace: after that, no program is started, and no socket made but netlink", [], late)


def sandbox():
    """What agent may open, by one that is in its place."""
    done = run(os.path.join(os.path.dirname(CTL), "serve", "sandbox"))
    said = dict(line.split(":") for line in done.stdout.decode().splitlines())
    if not tap.ok(not done.returncode and len(said) == 5, "sandbox: agent's can be entered", done.stderr.decode()):
        return
    tap.ok({"0", "12", "16"} <= set(said["before"].split()), "sandbox: before: netfilter's netlink, too", said)
    tap.equal("sandbox: rtnetlink and generic netlink, no other", ["0", "16"], said["netlink"].split())
    for kind in ("netlink, with more bits than an int has", "inet", "packet"):
        tap.equal(f"sandbox: {kind}: none", [], said[kind].split())


# ---- start, stop, reload

def background():
    """As an operator has it."""
    with Gateway() as gw:
        done = ctl("serve", "--config", gw.config)
        tap.ok(not done.returncode and not done.stdout + done.stderr.replace(warning(done), b""),
               "serve: comes back when devices may come", done)
        tap.equal("and they may", 200, ask(gw, "GET", EST + "cacerts").status)
        with open(os.path.join(gw.run, "serve.pid"), encoding="ascii") as f:
            front = int(f.read())
        tap.equal("serve.pid is the front", "cordonctl:front", comm(front))
        done = ctl("serve", "--config", gw.config)
        tap.ok(done.returncode == 1 and b"cordonctl: serve: it runs already" in done.stderr, "a second one is refused", done)
        tap.equal("and the first one goes on", 200, ask(gw, "GET", EST + "cacerts").status)
        others = children(front)
        done = ctl("serve", "--stop", "--config", gw.config)
        tap.ok(not done.returncode and until(lambda: not any(comm(pid) in NAMES for pid in [front, *others])),
               "--stop: all three are gone", done)
        done = ctl("serve", "--stop", "--config", gw.config)
        tap.ok(done.returncode == 1 and done.stderr == b"cordonctl: serve: it does not run\n", "--stop: it does not run", done)
        for signo in (signal.SIGTERM, signal.SIGINT):
            gw.must_start()
            gw.process.send_signal(signo)
            tap.equal(f"{signo.name}: exit status 0", 0, gw.process.wait(WAIT))


def stop_spares():
    """--stop ends the server, whatever serve.pid says: somebody else's number is no order to end that."""
    with Gateway() as gw:
        other = subprocess.Popen(["sleep", "600"])
        path = os.path.join(gw.run, "serve.pid")

        def lie():
            with open(path, "w", encoding="ascii") as out:
                out.write(f"{other.pid}\n")
        try:
            gw.must_start()
            files = sockets(gw.pids()["cordonctl:front"])[1]
            tap.ok(not any("serve.pid" in file for file in files), "serve.pid: front does not have it open", files)
            tap.equal("serve.lock: nobody else can hold it", 0o600, os.stat(os.path.join(gw.run, "serve.lock")).st_mode & 0o777)
            lie()
            done = ctl("serve", "--stop", "--config", gw.config)
            tap.ok(not done.returncode and gw.process.wait(WAIT) == 0, "serve.pid lies: --stop ends the server", done)
            tap.equal("serve.pid lies: and not whom it names", None, other.poll())
            done = ctl("serve", "--stop", "--config", gw.config)
            tap.ok(done.returncode == 1 and b"it does not run" in done.stderr and other.poll() is None,
                   "serve.pid is left behind: nobody is ended", done)
            gw.must_start()
            tap.equal("serve.pid is left behind: the next one starts", 200, ask(gw, "GET", EST + "cacerts").status)
        finally:
            other.kill()
            other.wait()


def warning(done):
    """What is said where there is no module."""
    return b"".join(line for line in done.stderr.splitlines(True) if b"no kernel module" in line)


def one_dies():
    """Any of the three takes the others along."""
    with Gateway() as gw:
        for name in NAMES:
            gw.must_start()
            pids = gw.pids()
            os.kill(pids[name], signal.SIGKILL)
            ended = gw.process.wait(WAIT)
            gone = until(lambda: not any(comm(pid) in NAMES for pid in pids.values()))
            tap.ok(gone and ended != 0, f"{name} is killed: all end, not with 0", ended)
        gw.must_start()
        tap.equal("and it can be started again", 200, ask(gw, "GET", EST + "cacerts").status)


def names_of(gw):
    """Names in the server's certificate."""
    context = ssl.create_default_context(cafile=os.path.join(gw.ca, "root.crt"))
    context.check_hostname = False
    with Client(gw, context=context) as client:
        return [value for _, value in client.sock.getpeercert()["subjectAltName"]]


def reload():
    """SIGHUP."""
    with Gateway(approval=True) as gw:
        gw.must_start()
        csr = new_csr(new_key(gw, "cam"))
        token = gw.token("cam", "02:00:00:00:40:01")
        tap.equal("before: approval", 202, enroll(gw, "cam", token, csr).status)
        gw.names = ["localhost", "other.test", "10.1.2.3"]
        gw.est["approval"] = False
        gw.write_config()
        gw.process.send_signal(signal.SIGHUP)
        tap.ok(until(lambda: names_of(gw) == gw.names), "SIGHUP: a certificate with the new names", names_of(gw))
        tap.equal("SIGHUP: no approval any more", 200, enroll(gw, "cam", token, csr).status)
        before = gw.logged()
        held = gw.names
        gw.names = ["localhost", "wrong.test"]
        gw.write_config("nonsense: 1\n")
        gw.process.send_signal(signal.SIGHUP)
        until(lambda: "what held before holds" in gw.logged()[len(before):])
        said = gw.logged()[len(before):]
        tap.ok(f"{gw.config}:8:1: " in said, "SIGHUP: a broken file: where", said)
        until(lambda: said.count("new server certificate") or "new server certificate" in gw.logged()[len(before):])
        tap.ok(names_of(gw) == held and gw.process.poll() is None, "SIGHUP: a broken file: what held goes on to hold")
        tap.ok(f"{gw.config}:8:1: " in reasons(gw)[-1], "SIGHUP: a broken file: where, in the log's own line", reasons(gw))
        status_is(gw, "a broken file", 1, 1)
        if os.geteuid() == 0:
            gw.write_config()
            os.chmod(gw.config, 0o600)
            gw.process.send_signal(signal.SIGHUP)
            until(lambda: len(reasons(gw)) == 2)
            tap.ok("denied" in reasons(gw)[-1], "SIGHUP: a file that may not be read", reasons(gw))
            status_is(gw, "a file that may not be read", 1, 1)
            os.chmod(gw.config, 0o644)
            gw.names = held
            gw.write_config()
            gw.process.send_signal(signal.SIGHUP)
            until(lambda: not shown(gw)["config_faults"])
            status_is(gw, "a good file again", 0, 0)
        os.unlink(gw.config)
        count = len(reasons(gw))
        gw.process.send_signal(signal.SIGHUP)
        until(lambda: len(reasons(gw)) == count + 1)
        tap.equal("SIGHUP: no file at all: likewise", (200, held), (ask(gw, "GET", EST + "cacerts").status, names_of(gw)))


def reload_by_command():
    """serve --reload, and what --status says of the server."""
    with Gateway(approval=True) as gw:
        done = ctl("serve", "--reload", "--config", gw.config)
        tap.ok(done.returncode == 1 and done.stderr == b"cordonctl: serve: it does not run\n", "--reload: it does not run", done)
        gw.must_start()
        got = shown(gw)
        tap.ok(got["est"] == [f"[::]:{gw.port}"] and got["checkin"] == [f"[::]:{gw.visit}"] and got["config"] == gw.config and
               got["certificate_not_after"] and got["accepted"]["enrolment"] == 0, "--status --json: where, until when, what", got)
        text = ctl("serve", "--status", "--config", gw.config).stdout.decode()
        tap.ok(f"listens at [::]:{gw.port} for EST" in text and "server certificate: ends " in text and ("in 30d" in text or "in 29d" in text) and
               "granted: nothing\n" in text and "refused: nothing\n" in text, "--status: likewise", text)
        csr = new_csr(new_key(gw, "cam"))
        token = gw.token("cam", "02:00:00:00:40:01")
        tap.equal("before: approval", 202, enroll(gw, "cam", token, csr).status)
        gw.est["approval"] = False
        gw.write_config()
        gw.notified()
        done = ctl("serve", "--reload", "--config", gw.config)
        tap.ok(not done.returncode and done.stdout == b"configuration: taken\n", "--reload: taken", done)
        tap.equal("--reload: it holds when the command is back", 200, enroll(gw, "cam", token, csr).status)
        told = []
        tap.ok(until(lambda: told.extend(gw.notified()) or told == ["RELOADING=1", "READY=1"]), "the service manager is told", told)
        text = ctl("serve", "--status", "--config", gw.config).stdout.decode()
        tap.ok("granted: enrolment 1\n" in text and "refused: not_approved 1\n" in text, "--status: what was granted and refused", text)
        refused_reloads(gw)


def refused_reloads(gw):
    """What is not taken, and what needs a new start."""
    reads = gw.logged().count('"reload"')
    gw.write_config("nonsense: 1\n")
    done = ctl("serve", "--reload", "--config", gw.config)
    tap.ok(done.returncode == 1 and f"{gw.config}:8:1: ".encode() in done.stderr and gw.logged().count('"reload"') == reads,
           "--reload: a fault: where, and the server does not hear of it", done)
    done = ctl("serve", "--reload", "--config", good_config(gw))
    tap.ok(done.returncode == 1 and b"the server runs with another file" in done.stderr and gw.logged().count('"reload"') == reads,
           "--reload: another file than the server's: refused", done)
    gw.write_config()
    port, gw.port = gw.port, 1
    gw.ca, ca = gw.path("elsewhere"), gw.ca
    gw.write_config()
    gw.port, gw.ca = port, ca
    done = ctl("serve", "--reload", "--config", gw.config)
    tap.ok(not done.returncode and done.stdout == b"configuration: taken\n"
           b"as it was, until the server is started again: est.listen, ca\n", "--reload: what needs a new start is named", done)
    got = json.loads(ctl("serve", "--reload", "--json", "--config", gw.config).stdout)
    tap.equal("--reload --json: likewise", (["est.listen", "ca"], 0), (got["after_start"], got["config_faults"]))
    tap.equal("and the old goes on", 200, ask(gw, "GET", EST + "cacerts").status)
    if os.geteuid() == 0:
        gw.write_config()
        os.chmod(gw.config, 0o600)
        done = ctl("serve", "--reload", "--config", gw.config)
        tap.ok(done.returncode == 1 and b"not taken" in done.stdout, "--reload: a file that the server may not read", done)
        os.chmod(gw.config, 0o644)
        nobody = run("setpriv", "--reuid", "65534", "--clear-groups", CTL, "serve", "--reload", "--config", gw.config)
        tap.ok(nobody.returncode == 1 and b"try it with sudo" in nobody.stderr, "--reload: not as anybody", nobody)


def reasons(gw):
    """Why a configuration was not taken, as the log tells."""
    lines = [json.loads(line) for line in gw.logged().splitlines() if line.startswith("{")]
    return [line["why"] for line in lines if "what held before holds" in line["event"]]


def shown(gw, config=None):
    """serve --status."""
    return json.loads(ctl("serve", "--status", "--json", "--config", config or good_config(gw)).stdout)


def good_config(gw):
    """One that only says where the server runs: the server's own may be broken."""
    path = gw.path("status.yaml")
    with open(path, "w", encoding="ascii") as out:
        out.write(f"run: {gw.run}\n")
    return path


def status_is(gw, what, code, faults):
    """serve --status after a reload."""
    done = ctl("serve", "--status", "--config", good_config(gw))
    said = b"not taken for 1 faults: what held before holds" if faults else b", taken"
    tap.ok(done.returncode == code and said in done.stdout and shown(gw)["config_faults"] == faults, f"--status: {what}", done)


def own_certificate():
    """A server certificate of somebody else's."""
    with Gateway() as gw:
        key = new_key(gw, "tls")
        must("openssl", "req", "-x509", "-key", key, "-subj", "/CN=localhost", "-days", "1", "-out", gw.path("tls.crt"),
             "-addext", "subjectAltName=DNS:localhost")
        gw.write_config(f"certificate: {gw.path('tls.crt')}\nkey: {key}\n")
        gw.must_start()
        context = ssl.create_default_context(cafile=gw.path("tls.crt"))
        tap.equal("certificate, key: the server is known by them", 200, ask(gw, "GET", EST + "cacerts", context=context).status)
        context = gw.context()
        tap.equal("and not by the CA", 0, ask(gw, "GET", EST + "cacerts", context=context).status)
        renewed(gw, key)


def renewed(gw, key):
    """The certificate of another CA was renewed."""
    def make(name, of):
        must("openssl", "req", "-x509", "-key", of, "-subj", f"/CN={name}", "-days", "1", "-out", gw.path("new.crt"),
             "-addext", "subjectAltName=DNS:localhost")
        os.replace(gw.path("new.crt"), gw.path("tls.crt"))

    def serves():
        context = ssl.create_default_context(cafile=gw.path("tls.crt"))
        return ask(gw, "GET", EST + "cacerts", context=context).status == 200

    other = new_key(gw, "other")
    os.chmod(key, 0o644)
    make("renewed", key)
    tap.ok(not serves(), "another certificate is in place, and not taken yet")
    gw.process.send_signal(signal.SIGHUP)
    tap.ok(until(serves), "SIGHUP: it is taken", gw.logged())
    make("mismatch", other)
    gw.process.send_signal(signal.SIGHUP)
    until(lambda: reasons(gw))
    tap.equal("SIGHUP: a certificate without its key is not taken", ["no key in PEM, or not that of the certificate"], reasons(gw))
    tap.ok(not serves() and shown(gw)["certificate_faults"] == 1, "and --status says so", shown(gw))
    if os.geteuid() == 0:
        make("unreadable", key)
        os.chmod(key, 0o600)
        gw.process.send_signal(signal.SIGHUP)
        until(lambda: len(reasons(gw)) == 2)
        tap.equal("SIGHUP: a key that may not be read", "Permission denied", reasons(gw)[-1])
    os.chmod(key, 0o644)
    make("good", key)
    gw.process.send_signal(signal.SIGHUP)
    tap.ok(until(serves) and until(lambda: shown(gw)["certificate_faults"] == 0), "SIGHUP: a good one is taken", gw.logged())


# ---- whether it is well

def heard(gw, seconds):
    """What the service manager is told in so many seconds of silence after it; nothing, at once."""
    gw.manager.settimeout(seconds)
    try:
        return gw.manager.recv(256)
    except socket.timeout:
        return b""


def health():
    """/healthz and the watchdog ask all three processes."""
    with Gateway() as gw:
        gw.environment["WATCHDOG_USEC"] = "1000000"
        gw.must_start()
        pids = gw.pids()
        tap.equal("watchdog: the service manager is told", b"WATCHDOG=1", heard(gw, WAIT))
        tap.equal("healthz: well", 200, ask(gw, "GET", "/healthz").status)
        for name in ("cordonctl:sign", "cordonctl:agent"):
            os.kill(pids[name], signal.SIGSTOP)
            while heard(gw, 0.001):  # before
                pass
            told = 0
            while told < 5 and heard(gw, 3):
                told += 1
            tap.ok(told < 5, f"watchdog: {name} hangs: no more is said", told)
            tap.equal(f"healthz: {name} hangs: no answer", 0, ask(gw, "GET", "/healthz", timeout=2).status)
            os.kill(pids[name], signal.SIGCONT)
            tap.equal(f"watchdog: {name} goes on: it is said again", b"WATCHDOG=1", heard(gw, WAIT))
            tap.equal(f"healthz: {name} goes on: well", 200, ask(gw, "GET", "/healthz").status)
    with Gateway() as gw:
        gw.must_start()
        gw.query("ALTER TABLE counter RENAME TO counted")
        got = ask(gw, "GET", "/healthz")
        tap.ok(got.status == 503 and got.why().startswith("registry: "), "healthz: no registry: 503, and why", got)
        gw.query("ALTER TABLE counted RENAME TO counter")
        tap.equal("healthz: the registry is back: well", 200, ask(gw, "GET", "/healthz").status)


def date_back(gw, begin):
    """The issuing certificate begins at another time."""
    work = gw.path("date")
    os.makedirs(work, exist_ok=True)
    crt = os.path.join(gw.ca, "issuing.crt")
    with open(os.path.join(work, "index"), "w", encoding="ascii"), open(os.path.join(work, "e"), "w", encoding="ascii") as out:
        out.write("basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign,digitalSignature\n"
                  "subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
    with open(os.path.join(work, "cnf"), "w", encoding="ascii") as out:
        out.write(f"[ca]\ndefault_ca = d\n[d]\ndatabase = {work}/index\nnew_certs_dir = {work}\ndefault_md = sha256\n"
                  f"rand_serial = yes\npolicy = p\nunique_subject = no\n[p]\ncommonName = supplied\n")
    must("openssl", "x509", "-x509toreq", "-in", crt, "-signkey", os.path.join(gw.ca, "issuing.key"), "-out",
         os.path.join(work, "csr"))
    dates = [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(at)) for at in (begin, begin + 86400)]
    must("openssl", "ca", "-batch", "-notext", "-config", os.path.join(work, "cnf"), "-extfile", os.path.join(work, "e"), "-cert",
         os.path.join(gw.ca, "root.crt"), "-keyfile", os.path.join(gw.ca, "root.key"), "-startdate", dates[0], "-enddate",
         dates[1], "-in", os.path.join(work, "csr"), "-out", crt)


def waits(gw, begin, good, told):
    """A server that was started before its time does nothing until then."""
    tap.ok(not good and gw.process.poll() is None and "waiting for the right time" in gw.logged(),
           "the clock is too early: it waits, and says so", (good, gw.logged()))
    while not good and heard(gw, WAIT).startswith(b"STATUS=waiting"):
        pass
    tap.ok(until(lambda: ask(gw, "GET", EST + "cacerts").status == 200), "then the time comes, and devices may", gw.logged())
    tap.ok(time.time() >= begin > told, "and not before", (told, begin))


def clock():
    """A clock before the CA's beginning, as that of a machine without a battery."""
    for lead in (6, 24, 96):  # seconds; on a slow machine they are over before the server has started
        with Gateway() as gw:
            begin = int(time.time()) + lead
            date_back(gw, begin)
            good = gw.start()
            told = time.time()
            if told < begin or lead == 96:
                waits(gw, begin, good, told)
                return


def descriptors():
    """None left: whoever has come least far goes, and a device is served."""
    with Gateway() as gw:
        tap.ok(gw.start(under=("sh", "-c", "ulimit -n 40; exec \"$@\"", "sh")), "with 40 descriptors it starts", gw.logged())
        crowd = [socket.create_connection(("127.0.0.1", port), WAIT) for port in (gw.port, gw.visit) for _ in range(30)]
        tap.equal("no descriptors left: a device is served all the same", 200,
                  ask(gw, "GET", EST + "cacerts", source="127.0.0.2").status)
        tap.ok(gw.counters()["crowded"] > 0 and "no descriptors" in gw.logged(), "who says nothing has made room", gw.counters())
        for sock in crowd:
            sock.close()
        until(lambda: gw.counters()["connections"] == 0)
        tap.equal("and afterwards", 200, ask(gw, "GET", EST + "cacerts").status)


# ---- serve.yaml

BAD = (
    ("nonsense: 1\n", "1:1", "nonsense"),
    ("est: 1\n", "1:6", ""),
    ("est: {listen: 1.2.3.4.5}\n", "1:15", "'1.2.3.4.5' is not an address and port"),
    ("est: {listen: \"[::]:0\"}\n", "1:15", "'[::]:0' is not an address and port"),
    ("est: {listen: \"[::]:65536\"}\n", "1:15", "'[::]:65536' is not"),
    ("est: {listen: \"[::]:\"}\n", "1:15", "'[::]:' is not"),
    ("est: {listen: \"[::\"}\n", "1:15", "'[::' is not"),
    ("est: {listen: localhost}\n", "1:15", "'localhost' is not"),
    ("est: {listen: []}\n", "1:15", "listen names no address"),
    ("est: {listen: [" + ", ".join(["10.0.0.1"] * 9) + "]}\n", "1:96", "more than 8 addresses"),
    ("est: {allow_remote: maybe}\n", "1:21", "allow_remote"),
    ("est: {approval: 1}\n", "1:17", "approval"),
    ("est: {valid: 59s}\n", "1:14", "'59s' is not a duration from 1m to 3650d"),
    ("est: {valid: 3651d}\n", "1:14", "'3651d' is not a duration"),
    ("est: {valid: soon}\n", "1:14", "'soon' is not a duration"),
    ("est: {rekey: never}\n", "1:14", "rekey is 'never', not any or signed"),
    ("est: {listen: 1}\n", "1:15", "'1' is not"),
    ("est: {}\nest: {}\n", "2:1", "est"),
    ("checkin: {approval: true}\n", "1:11", "approval"),
    ("ca: relative\n", "1:5", "ca 'relative' does not begin with /"),
    ("ca: [/a]\n", "1:5", ""),
    ("registry: \"\"\n", "1:11", "registry is empty"),
    ("registry: /" + "a" * 300 + "\n", "1:11", "registry is too long"),
    ("server_names: []\n", "1:15", "server_names holds 0 names, not 1 to 32"),
    ("server_names: localhost\n", "1:15", "server_names"),
    ("server_names: [" + ", ".join(["a"] * 33) + "]\n", "1:15", "server_names holds 33 names"),
    ("server_names: [a, \"\"]\n", "1:19", "a server's name is empty"),
    ("certificate: /a\n", "1:14", "certificate and key come together"),
    ("key: /a\n", "1:6", "certificate and key come together"),
    ("run: [\n", "2:1", ""),
    ("firmware: 1\n", "1:11", ""),
    ("firmware: {grace: 1d}\n", "1:12", "grace"),
    ("firmware: {poll: 9s}\n", "1:18", "'9s' is not a duration from 10s to 1d"),
    ("firmware: {poll: 2d}\n", "1:18", "'2d' is not a duration from 10s to 1d"),
    ("firmware: {poll: often}\n", "1:18", "'often' is not a duration"),
    ("firmware: {tenant: a/b}\n", "1:20", "tenant 'a/b' must be 1 to 63 letters"),
    ("firmware: {tenant: \"\"}\n", "1:20", "tenant '' must be"),
    ("firmware: {directory: relative}\n", "1:23", "directory 'relative' does not begin with /"),
    ("est: {listen: 10.0.0.1}\n\tca: /a\n", "2:1", ""),
)
GOOD = ("", "# nothing\n", "est: {rekey: any}\n", "est: {rekey: signed}\n", "est: {listen: \"[::]:8443\"}\n",
        "est: {listen: [10.0.0.1, \"10.0.0.2:1\", \"::1\"]}\n",
        "est: {allow_remote: false, approval: true, valid: 1m}\n", "checkin: {listen: \"::\"}\n",
        "server_names: [gateway.example, 10.0.20.1, \"fd00:20::1\"]\n", "certificate: /a\nkey: /b\n", "passphrase_file: /a\n",
        "firmware: {poll: 1d, tenant: acme.io, directory: /srv/firmware}\n", "firmware: {poll: 10s}\n")


def configurations():
    """What serve.yaml may say."""
    with Gateway() as gw:
        path = gw.path("t.yaml")

        def check(text):
            with open(path, "w", encoding="ascii") as out:
                out.write(text)
            return ctl("serve", "--check", "--config", path)

        for text, at, why in BAD:
            done = check(text)
            said = done.stderr.decode()
            tap.ok(done.returncode == 1 and f"{path}:{at}: " in said and why in said and "^" in said,
                   f"serve.yaml: {text[:60]!r}: refused at {at}", said)
        for text in GOOD:
            done = check(text)
            tap.ok(not done.returncode and not done.stderr, f"serve.yaml: {text[:60]!r}: good", done.stderr.decode())
        done = check("nonsense: 1\nest: {valid: soon, approval: 1}\nca: x\n")
        tap.equal("serve.yaml: all faults in one run", 4, len(re.findall(rf"^{path}:\d+:\d+: ", done.stderr.decode(), re.M)))
        for words, code, why in ((("serve", "--check", "--config", "/nonexistent"), 1, "No such file"),
                                 (("serve", "now"), 2, "too many words"), (("serve", "--nonsense"), 2, "")):
            done = ctl(*words)
            tap.ok(done.returncode == code and why in done.stderr.decode(), f"{' '.join(words)}: {code}", done.stderr.decode())
        starts_not(gw)


def starts_not(gw):
    """A good file of what is not there."""
    for what, text, why in (
            ("no CA", f"ca: {gw.path('none')}\n", "cannot load the CA"),
            ("a registry in a file", f"registry: {gw.config}/r.db\n", "registry"),
            ("an address that is not here", "est: {listen: 192.0.2.1}\n", "192.0.2.1:8443"),
            ("a certificate that is not there", f"certificate: {gw.path('none')}\nkey: {gw.path('none')}\n",
             "cannot use the server's certificate")):
        base = {"est": f"est: {{listen: \"[::]:{gw.port}\"}}\n", "checkin": f"checkin: {{listen: \"[::]:{gw.visit}\"}}\n",
                "ca": f"ca: {gw.ca}\n", "registry": f"registry: {gw.registry}\n", "run": f"run: {gw.run}\n",
                "firmware": f"firmware: {{directory: {gw.path('firmware')}}}\n"}
        base.pop(text.partition(":")[0], None)
        with open(gw.config, "w", encoding="ascii") as out:
            out.write("".join(base.values()) + text)
        done = ctl("serve", "--config", gw.config)
        tap.ok(done.returncode == 1 and why in done.stderr.decode() and not os.path.exists(gw.path("none")),
               f"serve: {what}: not started, and why", done.stderr.decode())
        tap.ok(until(lambda: ctl("serve", "--stop", "--config", gw.config).returncode == 1), f"serve: {what}: nobody is left")
    for setting, address in (("est", "127.0.0.1"), ("checkin", "::1")):
        port_taken(gw, setting, address)


def port_taken(gw, setting, address):
    """Somebody else has the port: which setting it is, which port, and who."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as other:
        other.bind((address, 0))
        other.listen()
        port = other.getsockname()[1]
        shown = f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
        listen = {"est": f"[::]:{gw.port}", "checkin": f"[::]:{gw.visit}", setting: shown}
        with open(gw.config, "w", encoding="ascii") as out:
            out.write(f"est: {{listen: \"{listen['est']}\"}}\ncheckin: {{listen: \"{listen['checkin']}\"}}\nca: {gw.ca}\n"
                      f"registry: {gw.registry}\nrun: {gw.run}\nfirmware: {{directory: {gw.path('firmware')}}}\n")
        done = ctl("serve", "--config", gw.config)
        said = done.stderr.decode()
        tap.ok(done.returncode == 1 and all(word in said for word in (
            "the port is taken", f"setting={setting}.listen", shown, f"{comm(os.getpid())}, process {os.getpid()}")),
               f"serve: {setting}: a port that is taken: which, and by whom", said)
    done = ctl("serve", "--config", gw.config)
    tap.ok(not done.returncode, f"serve: {setting}: when it is free, it starts", done.stderr.decode())
    ctl("serve", "--stop", "--config", gw.config)


def passphrase():
    """A CA whose key has a passphrase."""
    with Gateway() as gw:
        word, wrong = gw.path("word"), gw.path("wrong")
        for path, text in ((word, "correct-Horse7battery-staple\n"), (wrong, "correct-Horse7battery-stable\n")):
            with open(path, "w", encoding="ascii") as out:
                out.write(text)
            os.chmod(path, 0o600)
        gw.ca = gw.path("locked")
        done = ctl("ca", "init", "--dir", gw.ca, "--passphrase-file", word)
        if not tap.ok(not done.returncode, "a CA with a passphrase", done.stderr.decode()):
            return
        for what, more in (("none", ""), ("a wrong one", f"passphrase_file: {wrong}\n"),
                           ("no file", f"passphrase_file: {gw.path('nowhere')}\n")):
            gw.write_config(more)
            tap.ok(not gw.start(), f"passphrase: {what}: the server does not start", gw.logged())
        gw.write_config(f"passphrase_file: {word}\n")
        gw.must_start()
        csr = new_csr(new_key(gw, "cam"))
        got = enroll(gw, "cam", gw.token("cam", "02:00:00:00:41:01"), csr)
        tap.equal("passphrase: the right one: devices enrol", 200, got.status)
        pids = gw.pids()
        held = [holds(pid, (b"correct-Horse7battery-staple",)) for pid in pids.values()]
        if None in held:
            tap.skip("passphrase: in nobody's memory", "another process' memory cannot be read here")
        else:
            tap.equal("passphrase: in nobody's memory", [False] * 3, held)


def main():
    """One server after another."""
    with Gateway() as gw:
        gw.must_start()
        confined(gw)
    users()
    traced()
    sandbox()
    background()
    stop_spares()
    one_dies()
    reload()
    reload_by_command()
    own_certificate()
    health()
    clock()
    descriptors()
    configurations()
    passphrase()
    tap.done()


if __name__ == "__main__":
    main()

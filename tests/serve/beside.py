#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
How long an honest check-in takes while strangers flood a port: with KeyUpdates, and with long chains. Milliseconds are
told; what is demanded does not depend on how fast the machine is, or how busy: that it is answered, how many of the
attackers' connections are served meanwhile, and what each of these costs the front.
"""
import contextlib
import multiprocessing
import os
import re
import signal
import socket
import statistics
import threading
import time

from flood import Tls, cost, swamp
from gateway import WAIT, Gateway, Tap, ask, checkin, until
from kernel import Device, FirmwareGateway

tap = Tap()
ATTACKERS = 4  # processes ...
CONNECTIONS = int(os.environ.get("CONNECTIONS", "4"))  # ... and how many connections each has at a time
CHECKINS = 10  # of each kind, beside each attack
BATCH = 50  # KeyUpdates that are sent at once
ROUNDS = 10  # how often each of the attackers' connections may come through while one device checks in
LIMIT = 100  # records without data that a connection may send
CROWD = 200  # that wait to be let in, more than are let in within several turns of the loop
DEAR = 10  # check-ins: what a connection of an attacker may cost at most


# ---- attacks: one connection each, from the handshake until the server ends it

def updates(tls, port, going):
    """KeyUpdates for as long as the server reads them."""
    with socket.create_connection(("127.0.0.1", port)) as sock, tls.updates(sock) as more:
        while going():
            sock.sendall(more(BATCH))


def chain(context, port):
    """A handshake with a client's certificate and all that is sent along with it."""
    with socket.create_connection(("127.0.0.1", port), WAIT) as raw:
        context.wrap_socket(raw, server_hostname="localhost").close()


def attack(one, made, stop):
    """A process of an attacker: connections one after the other, several at a time, until it is told to stop."""
    def repeat():
        while not stop.is_set():
            with contextlib.suppress(OSError):
                one(lambda: not stop.is_set())
            with made.get_lock():
                made.value += 1
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    threads = [threading.Thread(target=repeat, daemon=True) for _ in range(CONNECTIONS)]
    for thread in threads:
        thread.start()
    stop.wait()
    os._exit(0)  # not for those that still wait for an answer


@contextlib.contextmanager
def attacked(one):
    """While this holds, the attack goes on; gives how many connections it has come through."""
    made, stop = multiprocessing.Value("L", 0), multiprocessing.Event()
    processes = [multiprocessing.Process(target=attack, args=(one, made, stop), daemon=True) for _ in range(ATTACKERS)]
    for process in processes:
        process.start()
    try:
        until(lambda: made.value >= ATTACKERS * CONNECTIONS)
        yield lambda: made.value
    finally:
        stop.set()
        for process in processes:
            process.join(WAIT)
            process.kill()
            process.join()


# ---- the honest one

def over_line(gw, device):
    """The plain check-in, a connection of its own."""
    return checkin(gw, device.cert, device.key, source=device.address) == "Welcome IoT Device"


def over_https(gw, device):
    """The same over HTTPS."""
    return ask(gw, "POST", "/cordon/v1/checkin", context=gw.context(device.cert, device.key),
               source=device.address).status == 200


KINDS = (("plain", over_line), ("HTTPS", over_https))


def ran(pid):
    """Milliseconds of processor time that a process has had."""
    try:
        with open(f"/proc/{pid}/schedstat", encoding="ascii") as f:
            return int(f.read().split()[0]) / 1e6
    except OSError:
        return 1000 * cost(pid) / os.sysconf("SC_CLK_TCK")


def timed(call, gw, device, made=lambda: 0):
    """Check-ins, one after the other: whether each is answered, and of each milliseconds and connections meanwhile."""
    good, took, others = True, [], []
    for _ in range(CHECKINS):
        begin, before = time.monotonic(), made()
        good = call(gw, device) and good
        took.append(1000 * (time.monotonic() - begin))
        others.append(made() - before)
    return good, took, others


def told(name, took, more):
    """The figures."""
    tap.say(f"{name}: median {statistics.median(took):.0f} ms, longest {max(took):.0f} ms; {more}")


def undisturbed(gw, device):
    """Check-ins without an attack; what one costs the front."""
    front = gw.pids()["cordonctl:front"]
    spent = ran(front)
    for kind, call in KINDS:
        good, took, _ = timed(call, gw, device)
        tap.ok(good, f"no attack: each {kind} check-in succeeds")
        told(f"no attack: {kind} check-in", took, f"load {os.getloadavg()[0]:.0f}")
    return (ran(front) - spent) / CHECKINS / len(KINDS)


def bounded(gw):
    """What the server does not have to read it does not read, though it has come with what it does: by the cost."""
    tls, front = Tls(), gw.pids()["cordonctl:front"]
    for port, where in ((gw.port, "EST"), (gw.visit, "check-in port")):
        each = []
        for records in (LIMIT + 1, 2000):
            spent = ran(front)
            ended = [swamp(port, lambda sock, records=records: tls.some(sock, records, records)) for _ in range(CHECKINS)]
            tap.ok(all(ended), f"{records} KeyUpdates, {where}: each connection is ended", ended)
            until(lambda: gw.counters()["connections"] == 0)
            each.append((ran(front) - spent) / CHECKINS)
        tap.ok(each[1] < 2 * each[0], f"2000 KeyUpdates, {where}: cost as much as {LIMIT + 1}", each)
        tap.say(f"{where}: {LIMIT + 1} KeyUpdates cost the front {each[0]:.2f} ms, 2000 {each[1]:.2f} ms")


def beside(gw, device, usual, name, one):
    """Both kinds of check-in beside an attack."""
    pids = gw.pids()
    front = pids["cordonctl:front"]
    with attacked(one) as made:
        begun, spent = made(), ran(front)
        for kind, call in KINDS:
            good, took, others = timed(call, gw, device, made)
            each = statistics.median(others)
            tap.ok(good, f"{name}: each {kind} check-in beside it succeeds", took)
            tap.ok(each <= ROUNDS * ATTACKERS * CONNECTIONS, f"{name}: a {kind} check-in has its turn", others)
            told(f"{name}: {kind} check-in", took, f"median {each:.0f} other connections meanwhile")
        tap.ok(until(lambda: made() > begun), f"{name}: it went on", made())
        each = (ran(front) - spent) / max(made() - begun, 1)
        tap.ok(each < DEAR * usual, f"{name}: a connection of it costs little", (each, usual))
        tap.say(f"{name}: {each:.2f} ms of the front each; a check-in without an attack {usual:.2f} ms")
    tap.ok(gw.pids() == pids, f"{name}: the server is up")


def turns():
    """A crowd that waits at one port keeps nobody waiting who comes to the other."""
    with Gateway() as gw:
        gw.must_start()
        for crowded, port, where in ((gw.port, gw.visit, "EST"), (gw.visit, gw.port, "check-in port")):
            before = len(gw.logged())
            os.kill(gw.process.pid, signal.SIGSTOP)
            try:
                socks = [socket.create_connection(("127.0.0.1", crowded), WAIT) for _ in range(CROWD)]
                socks.append(socket.create_connection(("127.0.0.1", port), WAIT, ("127.0.0.3", 0)))
                for sock in socks:
                    sock.sendall(b"this is no TLS\r\n")
            finally:
                os.kill(gw.process.pid, signal.SIGCONT)
            peers = until(lambda before=before: (lambda found: found if len(found) > CROWD else None)(
                re.findall(r'"peer": ?"([^"]+)"', gw.logged()[before:]))) or ["nobody"]
            tap.equal(f"{CROWD} wait, {where}: each is answered", (CROWD, 1), (peers.count("127.0.0.1"), peers.count("127.0.0.3")))
            tap.ok("127.0.0.3" in peers[:CROWD // 2], f"{CROWD} wait, {where}: who came last, to the other port, has its turn",
                   peers.index("127.0.0.3") if "127.0.0.3" in peers else None)
            for sock in socks:
                sock.close()


def long_chain(gw, device, count):
    """A device's certificate and a tail; TLS with it."""
    path = gw.path(f"chain-{count}.crt")
    with open(device.cert, encoding="ascii") as f:
        one = "-----BEGIN" + f.read().split("-----BEGIN")[1]
    with open(os.path.join(gw.ca, "issuing.crt"), encoding="ascii") as f:
        issuing = f.read()
    with open(path, "w", encoding="ascii") as out:
        out.write(one + issuing * count)
    return gw.context(path, device.key)


def main():
    """Each attack on each port."""
    turns()
    with FirmwareGateway() as gw:
        gw.must_start()
        device = Device(gw, "honest", 9)
        usual = undisturbed(gw, device)
        bounded(gw)
        tls = Tls()
        large, whole = long_chain(gw, device, 170), long_chain(gw, device, 14)
        for port, where in ((gw.port, "EST"), (gw.visit, "check-in port")):
            beside(gw, device, usual, f"KeyUpdates, {where}", lambda going, port=port: updates(tls, port, going))
            beside(gw, device, usual, f"a chain of 171, {where}", lambda _, port=port: chain(large, port))
            beside(gw, device, usual, f"a chain of 15, {where}", lambda _, port=port: chain(whole, port))
    tap.done()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""One guest does not eat for all: floods of TLS records, chains, renewals and revocations, and honest devices beside them."""
import base64
import contextlib
import ctypes
import os
import re
import socket
import ssl  # pylint: disable=unused-import  # its library is the one that Tls looks for
import threading
import time

from gateway import (CTL, EST, NOTHING, PKCS10, WAIT, Client, Crypto, Tap, ask, certificate, checkin, enroll, must, new_csr, new_key,
                     renew, run, until)
from kernel import Device, FirmwareGateway

tap = Tap()
RECORDS = 2000  # of a flood, of one connection; a server without a limit reads them all
ROUNDS = 5  # connections of a flood, one after the other, four times at once


def is_up(gw, pids):
    """The three processes are those that were started, and they answer."""
    return gw.process.poll() is None and gw.pids() == pids and ask(gw, "GET", EST + "cacerts").status == 200


# ---- TLS

class Tls:
    """libssl itself: Python's module has no KeyUpdate."""

    def __init__(self):
        name = re.search(r"\S*libssl\.so\S*", open("/proc/self/maps", encoding="utf-8").read())
        self.lib = ctypes.CDLL(name.group(0) if name else "libssl.so.3")
        for call in ("TLS_client_method", "SSL_CTX_new", "SSL_new", "BIO_new", "BIO_s_mem", "SSL_get_wbio"):
            getattr(self.lib, call).restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(self.lib.SSL_CTX_new(ctypes.c_void_p(self.lib.TLS_client_method())))

    @contextlib.contextmanager
    def updates(self, sock):
        """A handshake over a socket that blocks; gives what makes the bytes of so many records of KeyUpdate."""
        lib, point = self.lib, ctypes.c_void_p
        conn = point(lib.SSL_new(self.context))
        try:
            lib.SSL_set_fd(conn, sock.fileno())
            if lib.SSL_connect(conn) != 1:
                raise OSError("no handshake")
            memory = point(lib.BIO_new(point(lib.BIO_s_mem())))
            lib.SSL_set0_wbio(conn, memory)
            yield lambda count: self.records(conn, memory, count)
        finally:
            lib.SSL_free(conn)

    def records(self, conn, memory, count):
        """What a connection writes into memory that updates its keys so often."""
        for _ in range(count):
            self.lib.SSL_key_update(conn, 0)
            self.lib.SSL_do_handshake(conn)
        data = ctypes.create_string_buffer(32 * count)
        size = self.lib.BIO_read(memory, data, len(data))
        return data.raw[:max(size, 0)]

    def some(self, sock, count, at_once=100):
        """A handshake, and then so many records of KeyUpdate, some at once."""
        with self.updates(sock) as more:
            for _ in range(count // at_once):
                yield more(at_once)


def checked_in(gw, device):
    """What a device hears that checks in from its own address."""
    return checkin(gw, device.cert, device.key, source=device.address)


def swamp(port, data_of):
    """Connect, and send the pieces that data_of makes of the connection: True, the server ended it meanwhile."""
    with socket.create_connection(("127.0.0.1", port)) as sock:
        try:
            for data in data_of(sock):
                sock.sendall(data)
            sock.settimeout(WAIT)
            while sock.recv(4096):
                pass
            return True
        except socket.timeout:
            return False
        except OSError:
            return True


def beside(gw, device, what, flood):
    """While floods go on, an honest device checks in; nothing ends."""
    pids = gw.pids()
    ended = []
    threads = [threading.Thread(target=lambda: ended.extend(flood() for _ in range(ROUNDS))) for _ in range(4)]
    for thread in threads:
        thread.start()
    longest = 0
    answers = set()
    while any(thread.is_alive() for thread in threads):
        begin = time.monotonic()
        answers.add(checked_in(gw, device))
        longest = max(longest, time.monotonic() - begin)
    for thread in threads:
        thread.join()
    tap.equal(f"{what}: each is ended", [True] * 4 * ROUNDS, ended)
    tap.equal(f"{what}: every check-in beside it succeeds", {"Welcome IoT Device"}, answers)
    tap.say(f"{what}: the slowest check-in beside it took {longest:.2f} s")
    tap.ok(is_up(gw, pids), f"{what}: the server is up")


def cost(pid):
    """Ticks of processor time that a process has had."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        words = f.read().rpartition(")")[2].split()
    return int(words[11]) + int(words[12])


def records(gw, device):
    """KeyUpdate, and a ClientHello in pieces."""
    tls = Tls()
    front = gw.pids()["cordonctl:front"]
    for port, name in ((gw.port, "HTTPS"), (gw.visit, "plain check-in")):
        before, spent = gw.counters()["tls_handshake"], cost(front)
        beside(gw, device, f"{RECORDS} KeyUpdates, {name}", lambda port=port: swamp(port, lambda s: tls.some(s, RECORDS)))
        tap.equal(f"KeyUpdates, {name}: counted", 4 * ROUNDS, gw.counters()["tls_handshake"] - before)
        tap.say(f"KeyUpdates, {name}: {cost(front) - spent} ticks of the front")
        hello = b"\x16\x03\x01\x00\x01"
        pieces = hello + b"\x01" + hello + b"\x01" + hello + b"\xf0" + hello + b"\x00" + (hello + b"\x00") * 120000
        before = gw.counters()["tls_handshake"]
        beside(gw, device, f"a ClientHello of 120,000 records, {name}", lambda port=port: swamp(port, lambda s: [pieces]))
        tap.equal(f"a ClientHello in pieces, {name}: counted", 4 * ROUNDS, gw.counters()["tls_handshake"] - before)
    before = gw.counters()
    with socket.create_connection(("127.0.0.1", gw.port)) as sock:
        sock.sendall(b"".join(tls.some(sock, 20, 20)))
        until(lambda: gw.counters()["timeout"] > before["timeout"])
        tap.equal("allowed: 20 KeyUpdates, until the connection has had its time", before["tls_handshake"],
                  gw.counters()["tls_handshake"])


def chains(gw, device):
    """A certificate with a long tail."""
    with open(device.cert, encoding="ascii") as f:
        text = f.read()
    one = "-----BEGIN" + text.split("-----BEGIN")[1]
    with open(os.path.join(gw.ca, "issuing.crt"), encoding="ascii") as f:
        issuing = f.read()
    for count, good in ((4, True), (170, False)):
        path = gw.path("chain.crt")
        with open(path, "w", encoding="ascii") as out:
            out.write(one + issuing * count)
        before = gw.counters()["tls_handshake"]
        for port, name in ((gw.port, "HTTPS"), (gw.visit, "plain check-in")):
            if name == "HTTPS":
                got = ask(gw, "POST", "/cordon/v1/checkin", context=gw.context(path, device.key)).status != 0
            else:
                got = checkin(gw, path, device.key, source=device.address) != ""
            tap.equal(f"a chain of {count + 1} certificates, {name}: " + ("answered" if good else "refused"), good, got)
        want = before if good else before + 2
        until(lambda want=want: gw.counters()["tls_handshake"] == want)
        tap.equal(f"a chain of {count + 1}: counted", want, gw.counters()["tls_handshake"])


# ---- revocations

def fill(gw, count):
    """The registry has so many revoked certificates more."""
    end = int(time.time()) + 86400
    with gw.database() as db:
        db.executemany("INSERT INTO certificate (serial, kind, state, name, mac, key_id, not_before, not_after, revoked, reason)"
                       " VALUES (?, 0, 3, 'gone', x'020000000001', ?, 1, ?, 1, 4)",
                       ((b"\x40" + os.urandom(15), bytes(32), end) for _ in range(count)))
        db.execute("UPDATE counter SET value = value + 1 WHERE name = 'revocations'")


def entries(gw, der):
    """How many a list has, and whether it is signed by the CA."""
    path = gw.path("crl")
    with open(path, "wb") as out:
        out.write(der)
    done = run("openssl", "crl", "-inform", "DER", "-in", path, "-noout", "-CAfile", os.path.join(gw.ca, "issuing.crt"))
    return b"verify OK" in done.stderr, run("openssl", "crl", "-inform", "DER", "-in", path, "-noout", "-text").stdout.count(
        b"Serial Number:")


def listed(gw):
    """The list, or why there is none; asked for again if it is signed for longer than a connection may last."""
    return until(lambda: (lambda got: got if got.status else None)(ask(gw, "GET", "/cordon/v1/crl"))) or NOTHING


def crl():
    """A revocation list that is too large for a message ends nothing."""
    with FirmwareGateway() as gw:
        gw.must_start()
        pids = gw.pids()
        device = Device(gw, "cam", 9)
        fill(gw, 20000)
        got = listed(gw)
        tap.equal("a list of 20,000 entries", (200, (True, 20000)), (got.status, entries(gw, got.body)))
        again = listed(gw)
        tap.ok(again.body == got.body, "the same list again")
        must(CTL, "ca", "revoke", "cam", "--registry", gw.registry, "--dir", gw.ca)
        got = listed(gw)
        tap.equal("one more: it is on the list", (200, (True, 20001)), (got.status, entries(gw, got.body)))
        grown = resident(pids["cordonctl:front"])
        clients = []
        for _ in range(100):
            clients.append(Client(gw))
            clients[-1].send(b"GET /cordon/v1/crl HTTP/1.1\r\nHost: localhost\r\n\r\n")
        tap.ok(all(client.sock.recv(4) == b"HTTP" for client in clients), "100 who fetch it slowly are answered")
        tap.say(f"100 who fetch {len(got.body)} bytes slowly cost the front {resident(pids['cordonctl:front']) - grown} kB")
        for client in clients:
            client.close()
        for count, what in ((90000, "that signer cannot answer with"), (100000, "that agent cannot ask for")):
            fill(gw, count)
            got = listed(gw)
            tap.equal(f"a list {what}: 503, and why", (503, "there is no revocation list that can be sent"),
                      (got.status, got.why()))
            tap.ok(is_up(gw, pids), f"a list {what}: the server is up", gw.logged()[-2000:])
        tap.ok('"event":"no revocation list"' in gw.logged().replace(": ", ":"), "it is logged", gw.logged()[-2000:])
        got = checked_in(gw, device)
        tap.equal("the revocation holds all the same", "refused: the certificate is revoked", got)


def resident(pid):
    """Kilobytes."""
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))


# ---- bytes

def stuffed(gw):
    """Who sends without end, and no certificate."""
    pids = gw.pids()
    before, refused, ended = resident(pids["cordonctl:front"]), gw.counters()["bad_request"], True
    with Client(gw) as client, contextlib.suppress(OSError):
        client.send(f"POST {EST}simpleenroll HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(512):
            client.send(65536 * b"0")
        ended = False
    tap.ok(ended and until(lambda: gw.counters()["bad_request"] == refused + 1),
           "a chunk's length without end: the connection ends, counted as bad_request", (ended, gw.counters()))
    grown = resident(pids["cordonctl:front"]) - before
    tap.ok(grown < 8192 and is_up(gw, pids), "a chunk's length without end: of 32 MB, none is kept", grown)


# ---- renewals

def size(gw):
    """Bytes of the registry, and of the log."""
    return sum(os.path.getsize(gw.registry + end) for end in ("", "-wal") if os.path.exists(gw.registry + end)), \
        os.path.getsize(gw.log)


def live(gw, name):
    """Certificates of a device that are good."""
    return gw.query("SELECT count(*) FROM certificate WHERE name = ? AND state IN (1, 2)", name)[0][0]


def greedy():
    """One device that renews as fast as it can."""
    tries = int(os.environ.get("TRIES", "2000"))
    crypto = Crypto()
    with FirmwareGateway() as gw:
        gw.est["renew_interval"] = "1h"
        gw.write_config()
        gw.must_start()
        pids = gw.pids()
        cam = Device(gw, "cam", 9)
        before, counted = size(gw), gw.counters()
        own = base64.b64encode(new_csr(cam.key))
        statuses, bodies, retry = {}, set(), set()
        with Client(gw, source=cam.address, context=gw.context(cam.cert, cam.key)) as client:
            for n in range(tries):
                line = own if n % 2 else base64.b64encode(crypto.request("cam"))
                got = client.request("POST", EST + "simplereenroll", [PKCS10], line)
                statuses[got.status] = statuses.get(got.status, 0) + 1
                if got.status == 200:
                    bodies.add(got.body)
                else:
                    retry.add(0 < int(got.headers["Retry-After"] or 0) <= 3600)
        tap.equal(f"{tries} renewals: two are granted, the same key gets the same again, the rest comes too soon",
                  (2, {200, 429}, {True}), (len(bodies), set(statuses), retry))
        tap.equal(f"{tries} renewals: each refusal is counted", statuses[429], gw.counters()["too_soon"] - counted["too_soon"])
        grown = [b - a for a, b in zip(before, size(gw))]
        tap.ok(max(grown) < 1 << 20, f"{tries} renewals: registry and log grow by less than 1 MB", grown)
        tap.say(f"{tries} renewals: the registry grew by {grown[0]} bytes, the log by {grown[1]}")
        tap.equal(f"{tries} renewals: rows of the registry", 3, gw.issued())
        tap.equal(f"{tries} renewals: its check-in succeeds", "Welcome IoT Device", checked_in(gw, cam))
        must(CTL, "ca", "revoke", "cam", "--registry", gw.registry, "--dir", gw.ca)
        tap.equal("revoked: no check-in", "refused: the certificate is revoked", checked_in(gw, cam))
        got = listed(gw)
        tap.equal("revoked: all of its certificates are on the list", (200, (True, 3)), (got.status, entries(gw, got.body)))
        tap.ok(is_up(gw, pids), "and the server is up")


def superseded():
    """A device has four certificates at most; older ones die."""
    with FirmwareGateway() as gw:
        gw.must_start()
        cam, door = Device(gw, "cam", 9), Device(gw, "door", 10)
        certs = [cam.cert]
        for n in range(8):
            got = renew(gw, certs[-1], cam.key, new_csr(cam.key), source=cam.address)
            certs.append(certificate(gw, got, f"cam{n}"))
        tap.equal("nine certificates of a device: four are good", (4, 9), (live(gw, "cam"), gw.issued() - 1))
        for name, cert, said in (("newest", certs[8], "Welcome IoT Device"), ("fourth", certs[5], "Welcome IoT Device"),
                                 ("fifth", certs[4], "refused: the certificate is revoked"),
                                 ("first", certs[0], "refused: the certificate is revoked")):
            tap.equal(f"superseded: check-in with the {name}", said, checkin(gw, cert, cam.key, source=cam.address))
        got = listed(gw)
        tap.equal("superseded: on the list", (True, 5), entries(gw, got.body))
        for n in range(8):
            got = renew(gw, certs[5], cam.key, new_csr(cam.key), source=cam.address)
            tap.ok(got.status == 200, f"renewal {n} with the same certificate", got)
        tap.equal("the certificate that the device shows stays", (4, "Welcome IoT Device"),
                  (live(gw, "cam"), checkin(gw, certs[5], cam.key, source=cam.address)))
        for _ in range(6):
            got = enroll(gw, "cam", gw.token("cam", cam.mac), new_csr(new_key(gw, "again")), source=cam.address)
            certificate(gw, got, "again")
        tap.equal("new tokens count, too", 4, live(gw, "cam"))
        tap.equal("allowed: another device keeps its own", ("Welcome IoT Device", 1), (checked_in(gw, door), live(gw, "door")))


def main():
    """A server for each."""
    with FirmwareGateway() as gw:
        gw.must_start()
        device = Device(gw, "honest", 9)
        records(gw, device)
        chains(gw, device)
        stuffed(gw)
    crl()
    greedy()
    superseded()
    tap.done()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Revocation lists, issuers' certificates and statuses over plain HTTP: by the URLs in certificates, stapled, renewed
in time, and for clients that mean no good."""
import base64
import contextlib
import os
import re
import signal
import socket
import struct
import time
import urllib.error
import urllib.parse
import urllib.request

from gateway import (CTL, ROOT, Gateway, Tap, WAIT, certificate, ctl, enroll, hold_port, must, new_csr, new_key, run, until)

tap = Tap()
DAY = 86400
RESPONSE = "application/ocsp-response"
REQUEST = "application/ocsp-request"


class StatusGateway(Gateway):
    """A gateway that answers for its certificates, and whose clock can be set ahead."""

    def __init__(self, **est):
        self.status = None
        super().__init__(**est)
        self.held.append(hold_port())
        self.status = self.held[-1].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.status}/pki"
        self.clock = self.path("clock")
        self.ahead(0)
        os.chmod(self.clock, 0o644)
        build = os.environ.get("BUILD", os.path.join(ROOT, "build"))
        self.environment = {"LD_PRELOAD": os.path.join(build, "serve/clock.so"), "CLOCK_FILE": self.clock}
        self.write_status()

    def write_status(self, url=True):
        """serve.yaml with the listener, and the URL."""
        at = f'status: {{listen: "127.0.0.1:{self.status}"' + (f", url: {self.url}" if url else "") + "}\n"
        self.write_config(at)

    def ahead(self, seconds):
        """Set the server's clock."""
        with open(self.clock, "r+b" if os.path.exists(self.clock) else "wb") as out:
            out.write(struct.pack("=q", seconds))

    def device(self, name, number):
        """A device with a certificate: its files."""
        key = new_key(self, name)
        got = enroll(self, name, self.token(name, f"02:00:00:00:0a:{number:02x}"), new_csr(key))
        tap.equal(f"{name}: enrolled", 200, got.status)
        return certificate(self, got, name), key

    def post_from(self, source, der):
        """The same from another address: HTTP's status and the body."""
        with socket.create_connection(("127.0.0.1", self.status), WAIT, (source, 0)) as sock:
            sock.sendall(b"POST /ocsp HTTP/1.0\r\nContent-Type: " + REQUEST.encode() +
                         f"\r\nContent-Length: {len(der)}\r\n\r\n".encode() + der)
            said = b""
            while part := sock.recv(4096):
                said += part
        return said

    def fetch(self, path, data=None, **headers):
        """GET or POST: status, media type, body."""
        url = path if path.startswith("http") else self.url + path
        req = urllib.request.Request(url, data=data, headers={k.replace("_", "-"): v for k, v in headers.items()})
        try:
            with urllib.request.urlopen(req, timeout=WAIT) as got:
                return got.status, got.headers["Content-Type"], got.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers["Content-Type"], error.read()

    def post(self, der):
        """Ask for a status: the OCSPResponseStatus, and all of the answer."""
        status, kind, body = self.fetch("/ocsp", der, Content_Type=REQUEST)
        return (body[4] if status == 200 and kind == RESPONSE and body[:1] == b"\x30" else -status, body) \
            if len(body) < 128 else (0 if status == 200 and kind == RESPONSE else -status, body)

    def ocsp(self, *words, issuer=None):
        """What openssl says of certificates."""
        issuer = issuer or os.path.join(self.ca, "issuing.crt")
        done = run("openssl", "ocsp", "-issuer", issuer, *words, "-url", self.url + "/ocsp", "-CAfile",
                   os.path.join(self.ca, "root.crt"))
        return done.stdout.decode() + done.stderr.decode()


def text_of(cert):
    """A certificate for people."""
    return must("openssl", "x509", "-in", cert, "-noout", "-text").decode()


def request_of(gw, *words, issuer=None):
    """An OCSPRequest, DER."""
    out = gw.path("request.der")
    must("openssl", "ocsp", "-issuer", issuer or os.path.join(gw.ca, "issuing.crt"), *words, "-reqout", out)
    with open(out, "rb") as f:
        return f.read()


def issuer_id(gw):
    """The issuing certificate's subject key identifier."""
    text = must("openssl", "x509", "-in", os.path.join(gw.ca, "issuing.crt"), "-noout", "-ext",
                "subjectKeyIdentifier").decode()
    return text.split("\n")[1].strip().replace(":", "").lower()


def pointers(gw, cert):
    """What certificates name, with a URL and without."""
    text, ident = text_of(cert), issuer_id(gw)
    tap.equal("certificate: list, responder and issuer", [f"{gw.url}/{ident}.crl", f"{gw.url}/ocsp", f"{gw.url}/{ident}.cer"],
              re.findall(r"URI:(http\S+)", text))
    tap.ok("OCSP - URI" in text and "CA Issuers - URI" in text, "certificate: each by its method", text)
    server = gw.path("server.crt")
    shown = run("openssl", "s_client", "-connect", f"127.0.0.1:{gw.port}", "-servername", "localhost", input=b"")
    with open(server, "wb") as out:
        out.write(shown.stdout)
    tap.ok(gw.url in text_of(server), "certificate: the server's own, too")
    for words, named in (((), False), (("--config", gw.config), True)):
        done = ctl("ca", "issue", "hand", "--mac", "02:00:00:00:0a:f0", "--dir", gw.ca, "--registry", gw.registry,
                   "--out", gw.path("hand"), *words)
        tap.ok(not done.returncode and (gw.url in text_of(gw.path("hand", "hand.crt"))) == named,
               f"ca issue {' '.join(words[:1])}: {'the URL' if named else 'nothing, as serve.yaml is not this one'}",
               done.stderr)
    return server


def files(gw):
    """The list and the certificate."""
    ident = issuer_id(gw)
    for name in (ident, "issuing"):
        status, kind, body = gw.fetch(f"/{name}.crl")
        good = run("openssl", "crl", "-inform", "DER", "-noout", "-verify", "-CAfile",
                   os.path.join(gw.ca, "issuing.crt"), input=body)
        tap.ok(status == 200 and kind == "application/pkix-crl" and b"verify OK" in good.stderr, f"GET {name[:8]}.crl", good)
        status, kind, body = gw.fetch(f"/{name}.cer")
        want = must("openssl", "x509", "-in", os.path.join(gw.ca, "issuing.crt"), "-outform", "DER")
        tap.ok(status == 200 and kind == "application/pkix-cert" and body == want, f"GET {name[:8]}.cer", status)
    for path in ("/", "/root.key", "/../ca/issuing.key", "/0123.crl", "/issuing.key", "/" + "f" * 200 + ".crl", "/.cer"):
        tap.equal(f"GET {path[:24]}: nothing", 404, gw.fetch(path)[0])


def statuses(gw, cert):
    """Good, unknown, revoked; by POST, by GET, with a nonce and without."""
    got = gw.ocsp("-cert", cert)
    tap.ok("Response verify OK" in got and f"{cert}: good" in got and "no nonce" not in got, "ocsp: good, with a nonce", got)
    for digest in ("-sha256", "-sha384", "-sha512"):
        got = gw.ocsp(digest, "-cert", cert)
        tap.ok("Response verify OK" in got and ": good" in got, f"ocsp: issuer by {digest[1:]}", got)
    got = gw.ocsp("-serial", "0x1234567890", "-serial", "0", "-serial", "0x" + "7f" * 20, "-cert", cert)
    tap.ok("Response verify OK" in got and got.count(": unknown") == 3 and got.count(": good") == 1,
           "ocsp: made-up serial numbers are unknown, beside one that is good", got)
    before = gw.told()
    der = request_of(gw, "-no_nonce", "-cert", cert)
    bodies = {gw.post(der)[1] for _ in range(20)}
    coded = urllib.parse.quote(base64.b64encode(der).decode(), safe="")
    bodies.add(gw.fetch("/ocsp/" + coded)[2])
    bodies.add(gw.fetch("/ocsp/" + base64.b64encode(der).decode())[2])
    after = gw.told()
    tap.ok(len(bodies) == 1 and after["ocsp"] - before["ocsp"] == 22 and
           after["ocsp_signed"] - before["ocsp_signed"] <= 1, "ocsp: 22 questions without a nonce, one signature",
           (len(bodies), before, after))
    answer = bodies.pop()
    with open(gw.path("answer.der"), "wb") as out:
        out.write(answer)
    got = must("openssl", "ocsp", "-respin", gw.path("answer.der"), "-noverify", "-resp_text").decode()
    tap.ok("OCSP Signing" in got and "OCSP No Check" in got and "CN = OCSP responder" in got,
           "ocsp: signed by a certificate for that alone", got)
    gw.ahead(1900)
    anew = gw.post(der)[1]
    tap.ok(anew != answer and gw.post(der)[1] == anew, "ocsp: signed anew after half of its time, and kept again")
    gw.ahead(0)


def revoked(gw, cert):
    """With the command, the next answer."""
    der = request_of(gw, "-no_nonce", "-cert", cert)
    before = gw.post(der)[1]
    must(CTL, "ca", "revoke", "cam", "--reason", "keyCompromise", "--dir", gw.ca, "--registry", gw.registry)
    got = gw.ocsp("-cert", cert)
    tap.ok("Response verify OK" in got and ": revoked" in got and "keyCompromise" in got, "ocsp: revoked, and why", got)
    tap.ok(gw.post(der)[1] != before, "ocsp: what was kept is not told any more")
    listed = must("openssl", "crl", "-inform", "DER", "-noout", "-text", input=gw.fetch("/issuing.crl")[2]).decode()
    number = must("openssl", "x509", "-in", cert, "-noout", "-serial").decode().strip().partition("=")[2]
    tap.ok(number in listed, "the list has it, too", listed)


def memory(gw):
    """KiB that the three processes have in memory."""
    found = {}
    for name, pid in gw.pids().items():
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            found[name] = int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))
    return found


def many(gw, der, seconds):
    """Questions of many addresses, one after the other: how many."""
    end, n = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        gw.post_from(f"127.0.{n % 8}.{n % 32 + 40}", der)
        n += 1
    return n


def leaks(gw, cert):
    """No question leaves anything behind."""
    asked = [request_of(gw, "-no_nonce", "-cert", cert), request_of(gw, "-cert", cert), b"garbage"]
    for der in asked:
        many(gw, der, 0.5)
    before = memory(gw)
    n = sum(many(gw, der, 1) for der in asked)
    after = memory(gw)
    tap.ok(all(after[name] - before[name] < 1024 for name in before), f"memory: {n} questions leave nothing behind",
           (before, after))


def flood(gw, cert):
    """Nonces cost a signature each: so many a second, and who comes then has the status without it."""
    before, began = gw.told()["ocsp_signed"], time.monotonic()
    der = request_of(gw, "-cert", cert)
    asked = without = errors = 0
    nonce = der[-16:]
    while time.monotonic() < began + 2:
        said = gw.post_from(f"127.0.0.{asked % 8 + 10}", der)
        asked += 1
        errors += b" 200 OK" not in said
        without += len(said) > 500 and nonce not in said
    signed, may = gw.told()["ocsp_signed"] - before, 50 * (time.monotonic() - began + 1)
    tap.ok(not errors and signed <= may + 2, f"flood: {asked} questions with a nonce, so many signatures a second",
           (asked, signed, may, errors))
    tap.ok(asked <= may or without, "flood: the others get the status without a nonce", (asked, without))
    unknown = request_of(gw, "-no_nonce", "-serial", "0x77")
    known = request_of(gw, "-no_nonce", "-cert", cert)
    signed, answers, others, began = gw.told()["ocsp_signed"], [], [], time.monotonic()
    due = began + 1  # what the flood before has used up is there again
    while time.monotonic() < began + 3 or not others:
        answers.append(gw.post(unknown)[0])
        if time.monotonic() >= due:
            others.append(len(gw.post_from("127.0.0.2", known)))
            due = time.monotonic() + 0.05
    signed, may = gw.told()["ocsp_signed"] - signed, 50 * (time.monotonic() - began + 1)
    tap.ok(set(answers) <= {0, 3} and (3 in answers or len(answers) <= may) and signed <= may + 1,
           f"flood: {len(answers)} questions for what is unknown: later", (set(answers), signed, may))
    tap.ok(min(others) > 500, "flood: a known certificate's status is told elsewhere all the while", others)
    tap.ok(until(lambda: "unknown" in gw.ocsp("-no_nonce", "-serial", "0x77")), "flood: and when it is over, what is unknown")


def raw(gw, data, wait=True):
    """Bytes as they are; what comes back."""
    with socket.create_connection(("127.0.0.1", gw.status), WAIT) as sock:
        sock.sendall(data)
        said = b""
        with contextlib.suppress(OSError):
            while wait and (part := sock.recv(4096)):
                said += part
        return said


def hostile(gw, cert):
    """What is no question, and too much of one."""
    good = request_of(gw, "-no_nonce", "-cert", cert)
    other = gw.path("other")
    must(CTL, "ca", "init", "--dir", other, "--name", "Other")
    theirs = os.path.join(other, "issuing.crt")
    ids = [word for n in range(8) for word in ("-serial", str(n + 1))]
    rows = [
        ("garbage", 1, b"garbage"), ("nothing", 1, b""), ("cut off", 1, good[:-1]), ("a byte more", 1, good + b"\0"),
        ("nested without end", 1, b"\x30\x80" * 2000), ("a length that is a lie", 1, b"\x30\x84\x7f\xff\xff\xff"),
        ("9 certificates", 1, request_of(gw, *ids, "-cert", cert)), ("8 certificates", 0, request_of(gw, *ids)),
        ("another issuer", 6, request_of(gw, "-serial", "1", issuer=theirs)),
        ("two issuers", 6, request_of(gw, "-serial", "1", "-issuer", theirs, "-serial", "1")),
        ("a root's certificate", 6, request_of(gw, "-serial", "1", issuer=os.path.join(gw.ca, "root.crt"))),
        ("a digest that is none", 6, good.replace(bytes.fromhex("2b0e03021a"), bytes.fromhex("2b0e03021b"))),
        ("a serial number of 21 bytes", 1, request_of(gw, "-serial", "0x" + "7f" * 21)), ("control", 0, good),
    ]
    for name, want, der in rows:
        tap.equal(f"hostile: {name}: {want}", want, gw.post(der)[0])
    for length, want in ((0, 1), (1, 0), (32, 0), (128, 0), (129, 1)):
        tap.equal(f"hostile: a nonce of {length} bytes: {want}", want, gw.post(with_nonce(good, length))[0])
    tap.equal("hostile: another media type", 415, gw.fetch("/ocsp", good, Content_Type="text/plain")[0])
    tap.equal("hostile: another path", 404, gw.fetch("/", good, Content_Type=REQUEST)[0])
    said = raw(gw, b"POST /ocsp HTTP/1.1\r\nHost: a\r\nContent-Type: " + REQUEST.encode() + b"\r\nContent-Length: 1000000\r\n\r\n")
    tap.ok(said.startswith(b"HTTP/1.1 413"), "hostile: a body of a megabyte", said[:80])
    said = raw(gw, b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\n\r\n")
    tap.ok(not said or said.startswith(b"HTTP/1.1 4"), "hostile: a path without end", said[:80])
    tap.ok(not raw(gw, b"\x16\x03\x01\x02\x00" * 100).startswith(b"HTTP/1.1 200"), "hostile: TLS")
    tap.ok(raw(gw, b"DELETE /issuing.crl HTTP/1.1\r\n\r\n").startswith(b"HTTP/1.1 5"), "hostile: another method")


def with_nonce(der, length):
    """A request of less than 128 bytes, with a nonce."""
    def tlv(tag, *parts):
        body = b"".join(parts)
        size = bytes([len(body)]) if len(body) < 128 else b"\x81" + bytes([len(body)]) if len(body) < 256 else \
            b"\x82" + len(body).to_bytes(2, "big")
        return bytes([tag]) + size + body
    inner = der[4:]  # SEQUENCE { SEQUENCE { requestList } }
    extension = tlv(0x30, tlv(6, bytes.fromhex("2b0601050507300102")), tlv(4, tlv(4, b"n" * length)))
    return tlv(0x30, tlv(0x30, inner, tlv(0xa2, tlv(0x30, extension))))


def crowd(gw, cert):
    """Those that come and say nothing make room, and cost no descriptors for long."""
    fds = f"/proc/{gw.pids()['cordonctl:front']}/fd"
    start = len(os.listdir(fds))
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            sock = stack.enter_context(socket.create_connection(("127.0.0.1", gw.status), WAIT))
            sock.sendall(b"GET /issuing.crl HTTP/1.1\r\n")
        got = gw.ocsp("-cert", cert)
        tap.ok(": good" in got, "crowd: 200 that say half a request: one that asks is answered", got)
        tap.ok(until(lambda: len(os.listdir(fds)) - start <= 64, 5), "crowd: at most 64 stay", len(os.listdir(fds)) - start)
    tap.ok(until(lambda: len(os.listdir(fds)) <= start), "crowd: and when they are gone, nothing does",
           (start, len(os.listdir(fds))))
    with socket.create_connection(("127.0.0.1", gw.status), WAIT) as slow:
        began = time.monotonic()
        slow.settimeout(0.2)
        gone = False
        while not gone and time.monotonic() - began < WAIT:
            try:
                slow.sendall(b"G")
                gone = slow.recv(1) == b""
            except socket.timeout:
                pass
            except OSError:
                gone = True
        tap.ok(gone and time.monotonic() - began < 20, "crowd: a byte now and then is cut off in time", time.monotonic() - began)


def stapled(gw):
    """What s_client says of the server's certificate."""
    done = run("openssl", "s_client", "-connect", f"127.0.0.1:{gw.port}", "-status", "-CAfile",
               os.path.join(gw.ca, "root.crt"), input=b"")
    return done.stdout.decode(errors="replace")


def staple(gw):
    """The server's own status comes along with its certificate, to those that ask."""
    tap.ok(until(lambda: "OCSP Response Status: successful" in stapled(gw)), "staple: there is one", stapled(gw)[:600])
    got = stapled(gw)
    tap.ok("Cert Status: good" in got, "staple: good", got[:1200])
    plain = run("openssl", "s_client", "-connect", f"127.0.0.1:{gw.port}", input=b"").stdout.decode(errors="replace")
    tap.ok("OCSP" not in plain, "staple: who does not ask gets none")
    must(CTL, "ca", "revoke", "gateway.test", "--dir", gw.ca, "--registry", gw.registry)
    tap.ok(until(lambda: "Cert Status: revoked" in stapled(gw)), "staple: when the certificate is revoked, it says so")
    gw.process.send_signal(signal.SIGHUP)
    tap.ok(until(lambda: "Cert Status: good" in stapled(gw)), "staple: good again with the next certificate")


def responder(gw, number):
    """Who signs now: serial number and end of its certificate; and all of it."""
    with open(gw.path("later.der"), "wb") as out:
        out.write(gw.post(request_of(gw, "-no_nonce", "-serial", number))[1])
    text = must("openssl", "ocsp", "-respin", gw.path("later.der"), "-noverify", "-resp_text").decode()
    found = re.search(r"Certificate:.*?Serial Number:\s*(\S+).*?Not After : ([^\n]*)", text, re.DOTALL)
    return found.group(1), int(must("date", "-d", found.group(2), "+%s")), text


def fresh(gw):
    """Nothing is revoked, and the list is renewed before it ends."""
    def ends():
        der = until(lambda: [body for status, _, body in [gw.fetch("/issuing.crl")] if status == 200])[0]
        text = must("openssl", "crl", "-inform", "DER", "-noout", "-nextupdate", input=der)
        return int(must("date", "-d", text.decode().partition("=")[2].strip(), "+%s"))
    def saved():
        with open(gw.ca + ".crl", "rb") as f:
            return f.read()
    first, before = ends(), until(saved)
    gw.ahead(3 * DAY)
    tap.equal("list: good for days, and stays", first, ends())
    for days in (4, 20):
        gw.ahead(days * DAY)
        tap.ok(ends() > time.time() + days * DAY + 6 * DAY, f"list: renewed, {days} days later", ends() - time.time())
        tap.ok(until(lambda: saved() != before), f"list: and saved, {days} days later")
        before = saved()
    number, end, text = responder(gw, "1")
    tap.ok(end > time.time() + 26 * DAY, "ocsp: 20 days later another responder's certificate", text)
    tap.equal("ocsp: which stays", number, responder(gw, "2")[0])
    gw.ahead(3652 * DAY - DAY // 2)
    last, end, text = responder(gw, "1")
    tap.ok(last not in (number, "") and end < time.time() + 3653 * DAY, "ocsp: it ends with the issuer", text)
    tap.equal("ocsp: and is made once, however little is left", last, responder(gw, "2")[0])
    gw.ahead(0)
    tap.ok(": unknown" in gw.ocsp("-serial", "1"), "ocsp: and when the clock is set back", gw.ocsp("-serial", "1"))


def rolled(gw, cert):
    """What was given before a roll-over is answered for by the issuer before."""
    before, ident = gw.path("before.crt"), issuer_id(gw)
    must("cp", os.path.join(gw.ca, "issuing.crt"), before)
    must("cp", os.path.join(gw.ca, "root.crt"), gw.path("before-root.crt"))
    must(CTL, "ca", "crl", "--root", "--revoke", before, "--out", gw.path("before-root.crl"), "--dir", gw.ca)
    os.unlink(os.path.join(gw.ca, "root-crl.pem"))
    gw.stop()
    must(CTL, "ca", "init", "--rollover", "--dir", gw.ca, "--registry", gw.registry)
    must(CTL, "ca", "init", "--rollover", "--activate", "--force", "2", "--dir", gw.ca, "--registry", gw.registry)
    gw.must_start()
    done = run("openssl", "ocsp", "-issuer", before, "-cert", cert, "-url", gw.url + "/ocsp", "-CAfile",
               gw.path("before-root.crt"))
    got = done.stdout.decode() + done.stderr.decode()
    tap.ok("Response verify OK" in got and ": good" in got, "roll-over: a certificate of before is good", got)
    got = gw.ocsp("-cert", cert)
    tap.ok("Response verify OK" in got and ": unknown" in got, "roll-over: and unknown to the present issuer", got)
    want = must("openssl", "x509", "-in", before, "-outform", "DER")
    tap.equal("roll-over: the issuer before", want, gw.fetch(f"/{ident}.cer")[2])
    listed = gw.fetch(f"/{ident}.crl")[2]
    good = run("openssl", "crl", "-inform", "DER", "-noout", "-verify", "-CAfile", before, input=listed)
    tap.ok(b"verify OK" in good.stderr, "roll-over: its list", good)
    gw.stop()
    must("cp", gw.path("before-root.crl"), os.path.join(gw.ca, "root-crl.pem"))
    gw.must_start()
    done = run("openssl", "ocsp", "-issuer", before, "-cert", cert, "-url", gw.url + "/ocsp", "-CAfile",
               gw.path("before-root.crt"))
    got = done.stdout.decode() + done.stderr.decode()
    tap.ok("Response verify OK" in got and ": revoked" in got, "roll-over: the root takes the issuer back: it is not good", got)
    os.unlink(os.path.join(gw.ca, "root-crl.pem"))


def settings(gw):
    """Off by default, and what is no URL."""
    gw.stop()
    gw.write_config()
    gw.must_start()
    with contextlib.suppress(OSError):
        socket.create_connection(("127.0.0.1", gw.status), 1).close()
        tap.ok(False, "settings: without status nobody listens")
    cert, _ = gw.device("plain", 99)
    tap.ok("URI:http" not in text_of(cert), "settings: without status certificates name nothing", text_of(cert))
    rows = [("https://a/", "does not begin with http://"), ("http:///x", "names no host"), ("http://a b/", "a character"),
            ("http://" + "a" * 160, "longer than 160"), ("http://a/?x", "a character"),
            ("http://a/ocsp", "put behind it")]
    for url, why in rows:
        gw.write_config(f'status: {{listen: "[::1]:8080", url: "{url}"}}\n')
        done = ctl("serve", "--check", "--config", gw.config)
        tap.ok(done.returncode == 1 and why in done.stderr.decode(), f"settings: {url[:16]}: {why}", done.stderr)
    gw.write_config("status: {url: http://gateway.example/}\n")
    done = ctl("serve", "--check", "--config", gw.config)
    tap.ok(done.returncode == 1 and b"url without listen" in done.stderr, "settings: url without listen", done.stderr)
    gw.write_config('status: {listen: "[::1]:8080", url: "http://gateway.example/"}\n')
    tap.equal("settings: control", 0, ctl("serve", "--check", "--config", gw.config).returncode)


def main():
    """One server, and its clock."""
    with StatusGateway() as gw:
        gw.must_start()
        cam, _ = gw.device("cam", 1)
        lamp, _ = gw.device("lamp", 2)
        pointers(gw, cam)
        files(gw)
        staple(gw)
        statuses(gw, cam)
        revoked(gw, cam)
        hostile(gw, lamp)
        crowd(gw, lamp)
        leaks(gw, lamp)
        flood(gw, lamp)
        fresh(gw)
        tap.equal("all three processes are there", 3, len(gw.pids()))
        rolled(gw, lamp)
        settings(gw)
    tap.done()


if __name__ == "__main__":
    main()

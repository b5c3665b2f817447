#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Bad input: a clear refusal, a count under its reason, nothing issued; and beside it, what is granted."""
import base64
import os
import random
import signal
import socket
import sqlite3
import ssl
import threading
import time

from gateway import (CTL, EST, NOTHING, PKCS10, WAIT, Client, Gateway, Tap, ask, basic, certificate, checkin,
                     enroll, head, must, new_csr, new_key, renew, run, until)

tap = Tap()
DEADLINE = 10  # seconds that a connection has for a request
REASONS = ("tls_version tls_handshake no_certificate certificate_foreign certificate_expired certificate_revoked "
           "certificate_unknown wrong_address remote unknown_device quarantined bad_token token_expired token_used "
           "too_many_tries not_approved bad_request bad_csr timeout crowded kernel registry").split()
addresses = (f"127.1.{n // 250}.{n % 250 + 1}" for n in range(60000))  # wrong tokens count against the address


def moved(before, after):
    """Counters that differ, and by how much."""
    return {name: after[name] - before[name] for name in (*REASONS, "enrolment", "renewal", "checkin")
            if after[name] != before[name]}


def refused(gw, name, reason, call, n=1):
    """Make a call: it counts n under reason and nothing else, and issues nothing. What the call returned."""
    before, issued = gw.counters(), gw.issued()
    got = call()
    want = {reason: n}
    until(lambda: moved(before, gw.counters()) == want)
    count = moved(before, gw.counters())
    tap.ok(count == want and gw.issued() == issued, f"{name}: counted as {reason}, nothing issued",
           f"counted {count}, issued {gw.issued() - issued}\n{got}")
    return got


def denied(gw, name, reason, status, why, call):
    """The same of an answer over HTTP, with its status and a reason that begins so."""
    got = refused(gw, name, reason, call)
    kind = (got.headers or {}).get("Content-Type")
    tap.ok(got.status == status and got.why().startswith(why) and kind == "text/plain; charset=utf-8",
           f"{name}: {status} {why}", got)
    return got


def granted(gw, name, call):
    """The control: the same, as it should be."""
    issued = gw.issued()
    got = call()
    tap.ok(got.status == 200 and gw.issued() == issued + 1, f"allowed: {name}", got)
    return got


def raw(gw, data, method="POST", context=None):
    """Bytes over TLS; what comes back."""
    try:
        with Client(gw, context=context) as client:
            client.send(data)
            return client.answer(method)
    except OSError:
        return NOTHING


class Device:
    """One that is enrolled."""

    def __init__(self, gw, name, mac):
        self.name, self.mac = name, mac
        self.key = new_key(gw, name)
        self.csr = new_csr(self.key)
        self.token = gw.token(name, mac)
        self.cert = certificate(gw, enroll(gw, name, self.token, self.csr, source=next(addresses)), name)
        self.pair = (self.cert, self.key)


# ---- HTTP

NOT_HTTP = "not a request of HTTP/1.1 (RFC 9112) with at most 16384 bytes of headers"
TOO_LARGE = "a body of more than 32768 bytes, or in chunks that are none"
GET = b"GET /.well-known/est/cacerts HTTP/1.1\r\nHost: a\r\n"
POST = b"POST /.well-known/est/simplereenroll HTTP/1.1\r\nHost: a\r\n"
MALFORMED = (
    ("one word", 400, NOT_HTTP, b"garbage\r\n\r\n"),
    ("bytes of every value", 400, NOT_HTTP, bytes(range(256)) + b"\r\n\r\n"),
    ("a header without a colon", 400, NOT_HTTP, b"GET / HTTP/1.1\r\nHost\r\n\r\n"),
    ("HTTP/9.9", 400, NOT_HTTP, b"GET / HTTP/9.9\r\nHost: a\r\n\r\n"),
    ("no version", 400, NOT_HTTP, b"GET /healthz\r\n\r\n"),
    ("no target", 400, NOT_HTTP, b"GET  HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a header of 20000 bytes", 400, NOT_HTTP, GET + b"X: " + b"a" * 20000 + b"\r\n\r\n"),
    ("9000 headers", 400, NOT_HTTP, GET + b"X: y\r\n" * 9000 + b"\r\n"),
    ("a target of 20000 bytes", 400, NOT_HTTP, b"GET /" + b"a" * 20000 + b" HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("an unknown method", 501, "no such method", b"BREW / HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a body of 40000 bytes", 413, TOO_LARGE, POST + b"Content-Length: 40000\r\n\r\n" + b"a" * 40000),
    ("a length of 24 digits", 413, TOO_LARGE, POST + b"Content-Length: " + b"9" * 24 + b"\r\n\r\na"),
    ("a negative length", 400, NOT_HTTP, POST + b"Content-Length: -1\r\n\r\na"),
    ("a length that is no number", 400, NOT_HTTP, POST + b"Content-Length: ten\r\n\r\na"),
    ("two lengths", 400, "more than one Content-Length (RFC 9112, 6.3)",
     POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\naa"),
    ("a chunk without a size", 413, TOO_LARGE, POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
    ("a chunk of 4 GB", 413, TOO_LARGE, POST + b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\naaaa"),
    ("a chunk of 2^64 + 1", 413, TOO_LARGE, POST + b"Transfer-Encoding: chunked\r\n\r\n10000000000000001\r\na\r\n0\r\n\r\n"),
    ("a negative chunk", 413, TOO_LARGE, POST + b"Transfer-Encoding: chunked\r\n\r\n-5\r\naaaa"),
    ("chunks, 40000 bytes of them", 413, TOO_LARGE,
     POST + b"Transfer-Encoding: chunked\r\n\r\n" + (b"2000\r\n" + b"a" * 8192 + b"\r\n") * 5 + b"0\r\n\r\n"),
    ("another expectation", 417, "an expectation that is not 100-continue", POST + b"Expect: tea\r\nContent-Length: 1\r\n\r\na"),
    ("another resource", 404, "no such resource", b"GET /.well-known/est/serverkeygen HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a path with dots", 404, "no such resource", b"GET /.well-known/est/../../healthz HTTP/1.1\r\nHost: a\r\n\r\n"),
    ("a path with NUL", 404, "no such resource", b"GET /healthz%00 HTTP/1.1\r\nHost: a\r\n\r\n"),
)


def malformed_http(gw):
    """What is no request at all."""
    flood = ("a header of 2 MB", 400, NOT_HTTP, GET + b"X: " + b"a" * 2000000 + b"\r\n\r\n")
    for name, status, why, data in (*MALFORMED, flood):
        if len(data) < 16384:
            denied(gw, f"HTTP: {name}", "bad_request", status, why, lambda data=data: raw(gw, data))
            continue
        # Who is still sending when the answer comes may see the connection's end before the answer.
        got = refused(gw, f"HTTP: {name}", "bad_request", lambda data=data: raw(gw, data))
        tap.ok(got is NOTHING or (got.status == status and got.why().startswith(why)), f"HTTP: {name}: {status}, or cut", got)
    refused(gw, "HTTP: half a request", "bad_request", lambda: half(gw))
    tap.equal("allowed: the same with GET and POST in good form", (200, 401),
              (raw(gw, GET + b"\r\n", "GET").status, raw(gw, POST + b"Content-Length: 0\r\n\r\n").status))


def half(gw):
    """Go in the middle."""
    with Client(gw) as client:
        client.send(GET)


# ---- bodies

def bodies(gw, device):
    """Requests that are none of EST's."""
    token, csr = gw.token("body", "02:00:00:00:10:01"), new_csr(new_key(gw, "body"))
    line = base64.b64encode(csr)
    auth = basic("body", token)

    def post(headers, body):
        return lambda: ask(gw, "POST", EST + "simpleenroll", [auth, *headers], body)

    kind = "Content-Type is not application/pkcs10 (RFC 7030, 4.2.1)"
    code = "the body is not base64 of at most 8192 bytes (RFC 8951, 3.2)"
    denied(gw, "body: no Content-Type", "bad_request", 415, kind, post([], line))
    for word in ("text/plain", "application/pkcs10x", "application/pkcs", "application/x-www-form-urlencoded", ""):
        denied(gw, f"body: Content-Type '{word}'", "bad_request", 415, kind, post([("Content-Type", word)], line))
    for name, body in (
            ("empty", b""), ("white space", b" \r\n\t\r\n"), ("not base64", b"#" + line), ("cut base64", line[:-1]),
            ("padding within", b"AA==" + line), ("padding alone", b"===="), ("NUL within", line[:8] + b"\0\0\0\0" + line[8:]),
            ("DER itself", csr), ("a PEM line alone", b"-----BEGIN CERTIFICATE REQUEST-----"),
            ("8193 bytes", base64.b64encode(bytes(8193)))):
        denied(gw, f"body: {name}", "bad_request", 400, code, post([PKCS10], body))
    for method, path in (("GET", "simpleenroll"), ("PUT", "simpleenroll"), ("DELETE", "simplereenroll"),
                         ("POST", "cacerts"), ("POST", "csrattrs"), ("PUT", "cacerts")):
        got = denied(gw, f"{method} {path}", "bad_request", 405, "wrong method",
                     lambda method=method, path=path: ask(gw, method, EST + path, [auth, PKCS10], line,
                                                          context=gw.context(*device.pair)))
        tap.ok(got.headers["Allow"] == ("POST" if "enroll" in path else "GET"), f"{method} {path}: Allow says which")
    granted(gw, "after all that, the token is still good",
            post([("Content-Type", "application/pkcs10; charset=x")], line))


# ---- DER

def hostile(csr):
    """Name and DER: lengths and nestings that lie."""
    yield "behind it, a byte", csr + b"\0"
    yield "behind it, itself", csr + csr
    for name, length in (("indefinite", b"\x80"), ("negative", b"\x84\xff\xff\xff\xff"), ("huge", b"\x84\x7f\xff\xff\xff"),
                         ("2^64 - 1", b"\x88" + b"\xff" * 8), ("2^72", b"\x89" + b"\xff" * 9), ("reserved", b"\xff"),
                         ("not shortest", b"\x84\0\0" + (len(csr) - 3).to_bytes(2, "big"))):
        yield f"length: {name}", b"\x30" + length + csr[3:]
        yield f"inner length: {name}", csr[:3] + b"\x30" + length + csr[6:]
    for tag in (0x30, 0x31, 0xa0, 0x24):
        nest = b""
        for _ in range(2000):
            nest = bytes([tag]) + der_length(len(nest)) + nest
            if len(nest) > 7900:
                break
        yield f"nested without an end, tag {tag:02x}", nest
        yield f"nested, indefinite, tag {tag:02x}", bytes([tag, 0x80]) * 4000
    yield "zeroes", bytes(200)
    yield "a sequence of nothing", b"\x30\x00"
    yield "a certificate's worth of NULL", b"\x30\x82\x10\x00" + b"\x05\x00" * 2048


def der_length(n):
    """Length octets (X.690, 8.1.3)."""
    if n < 128:
        return bytes([n])
    size = (n.bit_length() + 7) // 8
    return bytes([0x80 | size]) + n.to_bytes(size, "big")


def burst(gw, device, ders, token=None):
    """Many requests over one connection; those that were not refused as they should be."""
    wrong = []
    path = EST + ("simpleenroll" if token else "simplereenroll")
    headers = [PKCS10, basic(device.name, token)] if token else [PKCS10]
    with Client(gw, context=gw.context(*device.pair), source=next(addresses)) as client:
        for name, der in ders:
            got = client.request("POST", path, headers, base64.b64encode(der))
            if got.status != 400 or not got.why() or "base64" in got.why():
                wrong.append(f"{name}: {got}")
    return "\n".join(wrong)


def encodings(gw, device):
    """Requests whose DER is cut, bent or worse, with a certificate and with a token."""
    seed = int(os.environ.get("SEED", time.time_ns() % 1000000))
    tap.say(f"SEED={seed}")
    rng = random.Random(seed)
    csr = device.csr
    token = gw.token(device.name, device.mac)
    cut = [(f"cut at {n}", csr[:n]) for n in range(1, len(csr))]
    bent = []
    for at in range(len(csr)):
        bent.append((f"byte {at} bent", csr[:at] + bytes([csr[at] ^ (1 << rng.randrange(8))]) + csr[at + 1:]))
    for name, ders, token_too in (("cut at every offset", cut, True), ("a bit turned in every byte", bent, False),
                                  ("lengths and nestings that lie", list(hostile(csr)), True)):
        wrong = refused(gw, f"DER: {name}", "bad_csr", lambda ders=ders: burst(gw, device, ders), len(ders))
        tap.equal(f"DER: {name}: 400 and why, {len(ders)} times", "", wrong)
        if token_too:
            wrong = refused(gw, f"DER, with a token: {name}", "bad_csr",
                            lambda ders=ders: burst(gw, device, ders, token), len(ders))
            tap.equal(f"DER, with a token: {name}: 400 and why", "", wrong)
    granted(gw, "the request as it was, with the certificate", lambda: renew(gw, *device.pair, csr))
    granted(gw, "and with the token", lambda: enroll(gw, device.name, token, csr, source=next(addresses)))


# ---- what is asked for

def requests(gw, neighbour):
    """Well-formed requests for what is not to be had."""
    name, mac = "asks", "02:00:00:00:11:01"
    key, token = new_key(gw, name), gw.token("asks", "02:00:00:00:11:01")
    csr = new_csr(key)
    flip = bytearray(csr)
    flip[-1] ^= 1
    ext = "-addext"

    def with_key(kind, *more):
        return new_csr(new_key(gw, "other", kind), "/", *more)

    for what, der, why in (
            ("an RSA key", with_key("RSA"), "key of kind rsaEncryption: use P-256, P-384 or Ed25519"),
            ("a key on P-521", with_key("P-521"), "key of kind"),
            ("a signature of SHA-1", new_csr(key, "/", "-sha1"), "signature algorithm ecdsa-with-SHA1"),
            ("a wrong signature", bytes(flip), "request is not signed with the key in it (RFC 2986, 4.2)"),
            ("a neighbour's name", new_csr(key, f"/CN={neighbour.name}"), f"CN '{neighbour.name}': this device is 'asks'"),
            ("its name and a byte more", new_csr(key, "/CN=asks2"), "CN 'asks2': this device is 'asks'"),
            ("two names", new_csr(key, "/CN=asks/CN=asks"), "more than one CN"),
            ("a neighbour's SAN", new_csr(key, "/", ext, "subjectAltName=URI:urn:dev:mac:020000fffe001001"),
             "SAN 'urn:dev:mac:020000fffe001001': this device may have urn:dev:mac:020000fffe001101 alone"),
            ("its own SAN and a neighbour's",
             new_csr(key, "/", ext, "subjectAltName=URI:urn:dev:mac:020000fffe001101,URI:urn:dev:mac:020000fffe001001"),
             "SAN 'urn:dev:mac:020000fffe001001'"),
            ("the gateway's DNS name", new_csr(key, "/", ext, "subjectAltName=DNS:gateway.test"),
             "DNS name 'gateway.test': this device is 'asks'"),
            ("CA:TRUE", new_csr(key, "/", ext, "basicConstraints=CA:TRUE"), "CA:TRUE")):
        denied(gw, f"request for {what}", "bad_csr", 400, why,
               lambda der=der: enroll(gw, name, token, der, source=next(addresses)))
        denied(gw, f"renewal for {what}", "bad_csr", 400, why.replace("asks'", neighbour.name + "'").replace(
            "001101", "001000") if "this device" not in why else "",
               lambda der=der: renew(gw, *neighbour.pair, der)) if what in ("CA:TRUE", "a wrong signature", "an RSA key") else None
    granted(gw, "its own name and SAN", lambda: enroll(
        gw, name, token, new_csr(key, "/CN=asks", ext, "subjectAltName=URI:urn:dev:mac:020000fffe001101"),
        source=next(addresses)))
    tap.equal("and the registry has it by its MAC", [(bytes.fromhex(mac.replace(":", "")),)],
              gw.query("SELECT mac FROM certificate WHERE name = 'asks'"))
    odd = new_csr(key, "/CN=asks", ext, "subjectAltName=DNS:asks.lan", ext, "subjectKeyIdentifier=hash", ext,
                  "nsCertType=client", ext, "tlsfeature=status_request", ext, "1.3.6.1.4.1.311.20.2=ASN1:UTF8String:Machine")
    got = enroll(gw, name, gw.token("asks", mac), odd, source=next(addresses))
    text = must("openssl", "x509", "-in", certificate(gw, got, "odd"), "-noout", "-text") if got.status == 200 else b""
    tap.ok(b"urn:dev:mac:020000fffe001101" in text and b"asks.lan" not in text and b"Netscape" not in text and
           b"1.3.6.1.4.1.311" not in text, "what nobody needs is left out of the certificate", f"{got.status} {text!r}")


# ---- tokens

NO_AUTH = "enrolment needs the device's name and its token (RFC 7030, 3.2.3)"
NO_TOKEN = "no such device, or not its token"


def credentials(gw, neighbour):
    """Authorization headers that are none, and tokens that open nothing."""
    name, token = "lock", gw.token("lock", "02:00:00:00:12:01")
    csr = new_csr(new_key(gw, name))
    line = base64.b64encode(csr)
    for what, value in (
            ("none", None), ("Bearer", "Bearer " + token), ("nothing behind it", "Basic "), ("not base64", "Basic !!!!"),
            ("no colon", "Basic " + base64.b64encode(b"lock").decode()),
            ("no name", "Basic " + base64.b64encode(b":" + token.encode()).decode()),
            ("no token", "Basic " + base64.b64encode(b"lock:").decode()),
            ("NUL in it", "Basic " + base64.b64encode(b"lock\0:" + token.encode()).decode()),
            ("a name of 300 bytes", "Basic " + base64.b64encode(b"a" * 300 + b":x").decode()),
            ("a token of 400 bytes", "Basic " + base64.b64encode(b"lock:" + b"x" * 400).decode()),
            ("10000 bytes", "Basic " + "A" * 10000)):
        headers = [PKCS10] + ([("Authorization", value)] if value else [])
        got = denied(gw, f"credentials: {what}", "bad_token", 401, NO_AUTH,
                     lambda headers=headers: ask(gw, "POST", EST + "simpleenroll", headers, line))
        tap.ok((got.headers or {}).get("WWW-Authenticate", "").startswith("Basic"), f"credentials: {what}: asks for Basic")

    def attempt(who, secret):
        return lambda: enroll(gw, who, secret, csr, source=next(addresses))

    for what, who, secret in (("wrong", name, token[:-1] + "!"), ("upper case", name, token.upper()),
                              ("cut", name, token[:-1]), ("longer", name, token + "a")):
        denied(gw, f"token: {what}", "bad_token", 401, NO_TOKEN, attempt(who, secret))
    granted(gw, "the right token, after four wrong ones", attempt(name, token))
    denied(gw, "token: of another device", "bad_token", 401, NO_TOKEN, attempt(name, gw.token("x", "02:00:00:00:12:02")))
    denied(gw, "token: of a device that nobody knows", "bad_token", 401, NO_TOKEN, attempt("nobody", token))
    denied(gw, "token: SQL", "bad_token", 401, NO_TOKEN, attempt("lock' OR '1'='1", token))
    denied(gw, "token: used, by the same key", "token_used", 401, "the token was used already", attempt(name, token))
    denied(gw, "token: used, by another key", "token_used", 401, "the token was used already",
           lambda: enroll(gw, name, token, neighbour.csr, source=next(addresses)))
    aged(gw, csr)


def aged(gw, csr):
    """Tokens and clocks."""
    for what, change in (("expired", "expires = 1"), ("made tomorrow: the clock was set back", "made = made + 86400")):
        token = gw.token("aged", "02:00:00:00:12:03")
        own = "WHERE device = (SELECT id FROM device WHERE name = 'aged')"
        before = gw.query(f"SELECT made, expires FROM token {own}")[0]
        gw.query(f"UPDATE token SET {change} {own}")
        denied(gw, f"token: {what}", "token_expired", 401, "the token has expired",
               lambda token=token: enroll(gw, "aged", token, csr, source=next(addresses)))
        gw.query(f"UPDATE token SET made = ?, expires = ? {own}", *before)
        granted(gw, "the same token in time",
                lambda token=token: enroll(gw, "aged", token, csr, source=next(addresses)))


def guesses(gw):
    """Five wrong ones for a name from an address, then a pause for both together; none for a token of 128 random bits."""
    csr = new_csr(new_key(gw, "guess"))
    here = next(addresses)
    random_one = gw.token("guess-1", "02:00:00:00:13:01")
    mac = "02:00:00:00:13:02"
    secret = "correct-horse-battery-staple-9"

    def chosen():
        must(CTL, "device", "token", "guess-2", "--mac", mac, "--registry", gw.registry, "--set", "-", input=secret.encode())

    def tries(n, name_of, source_of):
        for i in range(n):
            enroll(gw, name_of(i), "wrong", csr, source=source_of())

    chosen()
    refused(gw, "five wrong tries for a name from five addresses", "bad_token",
            lambda: tries(5, lambda n: "guess-2", lambda: next(addresses)), 5)
    granted(gw, "then the right secret from a sixth", lambda: enroll(gw, "guess-2", secret, csr, source=here))
    chosen()
    refused(gw, "five wrong tries for a name from one address", "bad_token", lambda: tries(5, lambda n: "guess-2", lambda: here), 5)
    got = denied(gw, "then the right secret from there", "too_many_tries", 429, "too many wrong tokens",
                 lambda: enroll(gw, "guess-2", secret, csr, source=here))
    tap.ok(0 < int(got.headers["Retry-After"] or 0) <= 600, "429 says when to come again", got)
    denied(gw, "and a wrong one", "too_many_tries", 429, "too many wrong tokens",
           lambda: enroll(gw, "guess-2", "wrong", csr, source=here))
    chosen()
    granted(gw, "device token clears it", lambda: enroll(gw, "guess-2", secret, csr, source=here))
    refused(gw, "five wrong tries for a device with a random token", "bad_token", lambda: tries(5, lambda n: "guess-1", lambda: here),
            5)
    denied(gw, "then a sixth", "too_many_tries", 429, "too many wrong tokens",
           lambda: enroll(gw, "guess-1", "wrong", csr, source=here))
    granted(gw, "a random token from the same address all the same", lambda: enroll(gw, "guess-1", random_one, csr, source=here))
    for _ in range(8):
        denied(gw, "a right token that was used is no wrong one", "token_used", 401, "the token was used already",
               lambda: enroll(gw, "guess-1", random_one, csr, source=here))
    chosen()
    refused(gw, "fifty wrong tries from an address", "bad_token", lambda: tries(50, lambda n: f"no-{n}", lambda: here), 50)
    denied(gw, "then a device with a secret of a person's choice from there", "too_many_tries", 429, "too many wrong tokens",
           lambda: enroll(gw, "guess-2", secret, csr, source=here))
    granted(gw, "the same from another address", lambda: enroll(gw, "guess-2", secret, csr, source=next(addresses)))


# ---- certificates

DEVICE = ("basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature", "extendedKeyUsage=clientAuth",
          "subjectAltName=URI:{urn}")
SERVER = (DEVICE[0], DEVICE[1], "extendedKeyUsage=serverAuth", "subjectAltName=DNS:localhost")
DAY = 86400


def forge(gw, name, subject, extensions, start, end, ca=None):
    """A certificate signed with the CA's own key, past the registry, or with another's; and its key."""
    work = gw.path("forge")
    os.makedirs(work, exist_ok=True)
    with open(os.path.join(work, "index"), "w", encoding="ascii"):
        pass
    with open(os.path.join(work, "serial"), "w", encoding="ascii") as out:
        out.write("40" + os.urandom(15).hex() + "\n")
    with open(os.path.join(work, "cnf"), "w", encoding="ascii") as out:
        out.write(f"[ca]\ndefault_ca = d\n[d]\ndatabase = {work}/index\nnew_certs_dir = {work}\ndefault_md = sha256\n"
                  f"serial = {work}/serial\npolicy = p\n[p]\ncommonName = supplied\n[e]\n" + "\n".join(extensions) + "\n")
    key = new_key(gw, name)
    csr = gw.path(name + ".csr")
    must("openssl", "req", "-new", "-key", key, "-subj", subject, "-out", csr)
    cert, signer = ca or (os.path.join(gw.ca, "issuing.crt"), os.path.join(gw.ca, "issuing.key"))
    dates = [time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + at)) for at in (start, end)]
    must("openssl", "ca", "-batch", "-notext", "-config", os.path.join(work, "cnf"), "-extensions", "e",
         "-cert", cert, "-keyfile", signer, "-startdate", dates[0], "-enddate", dates[1], "-in", csr,
         "-out", gw.path(name + ".crt"))
    return gw.path(name + ".crt"), key


def strangers(gw, other, device):
    """Name, reason, status, why, certificate and key: pairs that open nothing."""
    urn = "urn:dev:mac:" + "020000fffe001001"
    ext = [line.format(urn=urn) for line in DEVICE]
    subject = f"/CN={device.name}"
    key = new_key(gw, "self")
    must("openssl", "req", "-x509", "-key", key, "-subj", subject, "-days", "1", "-out", gw.path("self.crt"),
         "-addext", f"subjectAltName=URI:{urn}", "-addext", "extendedKeyUsage=clientAuth")
    foreign = (os.path.join(other.ca, "issuing.crt"), os.path.join(other.ca, "issuing.key"))
    gone = Device(gw, "gone", "02:00:00:00:14:01")
    must(CTL, "ca", "revoke", "gone", "--registry", gw.registry, "--dir", gw.ca)
    lost = Device(gw, "forgotten", "02:00:00:00:14:02")
    until(lambda: gw.query("SELECT 1 FROM certificate WHERE name = 'forgotten' AND state = 2"))
    gw.query("UPDATE certificate SET state = 4 WHERE name = 'forgotten'")
    late = Device(gw, "late", "02:00:00:00:14:03")
    gw.query("UPDATE certificate SET not_after = 1 WHERE name = 'late'")
    unknown = "the registry does not know the certificate"
    with open(device.cert, encoding="ascii") as cert:
        der = bytearray(ssl.PEM_cert_to_DER_cert("-----BEGIN" + cert.read().split("-----BEGIN")[1]))
    der[-1] ^= 1
    with open(gw.path("broken.crt"), "w", encoding="ascii") as cert:
        cert.write(ssl.DER_cert_to_PEM_cert(bytes(der)))
    return (
        ("no certificate", "no_certificate", 401, "no certificate", (None, None)),
        ("self-signed", "certificate_foreign", 403, "not issued by this gateway", (gw.path("self.crt"), key)),
        ("another gateway's, same name", "certificate_foreign", 403, "not issued by this gateway",
         forge(gw, "foreign", subject, ext, -DAY, DAY, foreign)),
        ("expired", "certificate_expired", 403, "certificate expired", forge(gw, "old", subject, ext, -2 * DAY, -DAY)),
        ("of tomorrow: the clock was set back", "certificate_expired", 403, "certificate not yet valid",
         forge(gw, "young", subject, ext, DAY, 2 * DAY)),
        ("a server's", "certificate_foreign", 403, "not a client certificate", forge(gw, "server", subject, SERVER, -DAY, DAY)),
        ("no URN in it", "certificate_foreign", 403, "no", forge(gw, "bare", subject, DEVICE[:3], -DAY, DAY)),
        ("two URNs in it", "certificate_foreign", 403, "more than one URN",
         forge(gw, "two", subject, ext[:3] + [ext[3] + ",URI:urn:dev:mac:020000fffe001002"], -DAY, DAY)),
        ("made past the registry", "certificate_unknown", 403, unknown, forge(gw, "past", subject, ext, -DAY, DAY)),
        ("with another signature", "certificate_unknown", 403, unknown, (gw.path("broken.crt"), device.key)),
        ("of a reservation that was abandoned", "certificate_unknown", 403, unknown, lost.pair),
        ("revoked", "certificate_revoked", 403, "the certificate is revoked", gone.pair),
        ("expired, says the registry", "certificate_expired", 403, "the certificate has expired", late.pair),
    )


def certificates(gw, other, device):
    """Renewal and check-in with certificates that open nothing."""
    for name, reason, status, why, pair in strangers(gw, other, device):
        denied(gw, f"renewal, certificate {name}", reason, status, why, lambda pair=pair: renew(gw, *pair, device.csr))
        denied(gw, f"check-in over HTTPS, certificate {name}", reason, status, why,
               lambda pair=pair: ask(gw, "POST", "/cordon/v1/checkin", body=b"{}", context=gw.context(*pair)))
        line = refused(gw, f"check-in, certificate {name}", reason, lambda pair=pair: checkin(gw, *pair))
        tap.ok(line.startswith("refused: " + why), f"check-in, certificate {name}: refused: {why}", line)
    wrong_key = (device.cert, new_key(gw, "wrong"))
    try:
        gw.context(*wrong_key)
        tap.ok(False, "a certificate without its key is none")
    except ssl.SSLError:
        tap.ok(True, "a certificate without its key is none")
    granted(gw, "renewal with the device's own", lambda: renew(gw, *device.pair, device.csr))
    line = refused(gw, "check-in with the device's own: as far as without the module", "kernel",
                   lambda: checkin(gw, *device.pair))
    tap.equal("and only the kernel says no", "refused: the gateway's kernel module is not loaded", line)
    for name, body in (("not JSON", b"firmware 1.4.2"), ("an array", b"[]"), ("a number", b'{"firmware": 1}'),
                       ("64 bytes", b'{"firmware": "' + b"1" * 64 + b'"}'), ("twice", b'{"firmware": "1", "firmware": "2"}'),
                       ("not UTF-8", b'{"firmware": "\xff"}'), ("nested", b"[" * 10000)):
        denied(gw, f"check-in over HTTPS, body {name}", "bad_request", 400, "the body is not JSON like",
               lambda body=body: ask(gw, "POST", "/cordon/v1/checkin", body=body, context=gw.context(*device.pair)))


# ---- TLS

def bare(port, data, shut=True):
    """Bytes over TCP; what comes back until the end."""
    with socket.create_connection(("127.0.0.1", port), WAIT) as sock:
        got = b""
        try:
            sock.sendall(data)
            if shut:
                sock.shutdown(socket.SHUT_WR)
            while part := sock.recv(4096):
                got += part
        except OSError:
            pass
        return got


def transport(gw, device):
    """What is not TLS 1.3."""
    old = ssl.TLSVersion.TLSv1_2
    refused(gw, "TLS 1.2, EST", "tls_version",
            lambda: ask(gw, "GET", EST + "cacerts", context=gw.context(version=old)))
    line = refused(gw, "TLS 1.2, check-in", "tls_version", lambda: checkin(gw, *device.pair, version=old))
    tap.equal("TLS 1.2: no answer", "", line)
    for port, where in ((gw.port, "EST"), (gw.visit, "check-in")):
        for name, data in (("plain HTTP", b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"), ("SSH", b"SSH-2.0-OpenSSH_9.2\r\n"),
                           ("bytes of every value", bytes(range(256)) * 8), ("zeroes", bytes(4096)),
                           ("half a ClientHello", b"\x16\x03\x01\x01\x00\x01\x00\x00\xfc\x03\x03" + bytes(40)),
                           ("a record too long", b"\x16\x03\x01\xff\xff" + bytes(70000))):
            refused(gw, f"{where}: {name}", "tls_handshake", lambda port=port, data=data: bare(port, data))
    before = gw.counters()
    bare(gw.port, b"")
    bare(gw.visit, b"")
    until(lambda: gw.counters()["connections"] == 0)
    tap.equal("who only asks whether the port is open is not counted", {}, moved(before, gw.counters()))
    tap.equal("allowed: TLS 1.3 on both", (200, True),
              (ask(gw, "GET", EST + "cacerts").status, checkin(gw, *device.pair).startswith("refused: ")))


# ---- time

class Slow:
    """Clients that take their time, of a server of their own; the others go on meanwhile."""

    def __init__(self):
        self.gw = Gateway().must_start()
        self.device = Device(self.gw, "honest", "02:00:00:00:20:01")
        self.before = self.gw.counters()
        self.lasted = {}
        self.threads = []
        for name, port, start in (("EST: says nothing", self.gw.port, None), ("check-in: says nothing", self.gw.visit, None),
                                  ("EST: half a ClientHello", self.gw.port, b"\x16\x03\x01\x01\x00\x01"),
                                  ("check-in: half a ClientHello", self.gw.visit, b"\x16\x03\x01\x01\x00\x01")):
            self.begin(name, lambda port=port, start=start: self.mute(port, start))
        self.begin("EST: a handshake, then nothing", lambda: self.drip(b""))
        self.begin("EST: a byte at a time", lambda: self.drip(head("GET", EST + "cacerts", [("X", "a" * 4000)])))
        self.begin("EST: a body that does not come", lambda: self.drip(POST + b"Content-Length: 100\r\n\r\n", True))

    def begin(self, name, work):
        """Let one run."""
        def timed():
            start = time.monotonic()
            work()
            self.lasted[name] = time.monotonic() - start
        self.threads.append(threading.Thread(target=timed, daemon=True))
        self.threads[-1].start()

    @staticmethod
    def mute(port, data):
        """Connect, and wait for the end."""
        bare(port, data or b"", shut=False)

    def drip(self, data, at_once=False):
        """Send so slowly that it never ends."""
        with Client(self.gw) as client:
            try:
                if at_once:
                    client.send(data)
                    data = b""
                client.sock.settimeout(0.02)
                for byte in data:
                    client.send(bytes([byte]))
                    try:
                        if not client.sock.recv(1):
                            return
                    except socket.timeout:
                        pass
                client.sock.settimeout(WAIT)
                client.ended()
            except OSError:
                pass

    def meanwhile(self):
        """Others are served."""
        gw = self.gw
        until(lambda: gw.counters()["connections"] == len(self.threads))
        granted(gw, "beside slow clients, an honest device renews", lambda: renew(gw, *self.device.pair, self.device.csr))
        tap.ok(not self.lasted, "and the slow ones were still there", self.lasted)

    def report(self):
        """Wait for all of them, and say what became of them."""
        gw = self.gw
        for thread in self.threads:
            thread.join(2 * WAIT)
        tap.equal("every slow client is cut", len(self.threads), len(self.lasted))
        tap.ok(min(self.lasted.values()) > DEADLINE / 2, "but none before its time", self.lasted)
        until(lambda: moved(self.before, gw.counters()).get("timeout") == len(self.threads))
        tap.equal("each is counted once, as timeout", {"timeout": len(self.threads), "renewal": 1},
                  moved(self.before, gw.counters()))
        tap.ok(until(lambda: not gw.counters()["connections"]), "no connection is left")
        gw.remove()


# ---- place

def queue(gw, port):
    """300 that wait to be let in, as the front is at something else: more than one address may have at a time."""
    os.kill(gw.process.pid, signal.SIGSTOP)
    try:
        socks = [socket.create_connection(("127.0.0.1", port), WAIT) for _ in range(300)]
        for sock in socks:
            sock.sendall(b"this is no TLS\r\n")
    finally:
        os.kill(gw.process.pid, signal.SIGCONT)
    return [(sock.recv(100), sock.close()) for sock in socks]


def turns(gw):
    """Who is here has a turn before all others are let in, so none of them is pushed out."""
    for service, port in (("EST", gw.port), ("check-in", gw.visit)):
        refused(gw, f"300 at once, {service}", "tls_handshake", lambda port=port: len(queue(gw, port)), 300)


def from_afar():
    """Without the module nobody's address is a device's, and so everybody is far away."""
    with Gateway(allow_remote=False) as gw:
        gw.must_start()
        key = new_key(gw, "far")
        csr, token = new_csr(key), gw.token("far", "02:00:00:00:32:01")
        why = "127.0.0.1 is no device's address, and est.allow_remote is off"
        denied(gw, "from afar: enrolment", "remote", 403, why, lambda: enroll(gw, "far", token, csr))
        gw.est["allow_remote"] = True
        gw.write_config()
        gw.process.send_signal(signal.SIGHUP)
        got = until(lambda: (lambda answer: answer if answer.status == 200 else None)(enroll(gw, "far", token, csr)))
        if not tap.ok(got, "allowed: the same with est.allow_remote"):
            return
        pair = (certificate(gw, got, "far"), key)
        gw.est["allow_remote"] = False
        gw.write_config()
        gw.stop()
        gw.must_start()
        denied(gw, "from afar: renewal", "remote", 403, why, lambda: renew(gw, *pair, csr))


# ---- a registry that does not work

class Full:
    """A registry on a disk of its own, if this machine lets one mount it."""

    def __init__(self, gw):
        self.where = gw.path("disk")
        os.mkdir(self.where)
        self.mounted = run("mount", "-t", "tmpfs", "-o", "size=512k,mode=0755", "cordon-test", self.where).returncode == 0

    def fill(self):
        """Not a byte is left."""
        with open(os.path.join(self.where, "fill"), "wb", buffering=0) as out:
            try:
                while out.write(bytes(512)):
                    pass
            except OSError:
                pass

    def drain(self):
        """There is room again."""
        os.unlink(os.path.join(self.where, "fill"))

    def end(self):
        """As it was."""
        if self.mounted:
            run("umount", "-l", self.where)


def nothing_leaves(gw, device, token, why, let_go):
    """With a registry that takes nothing: 503, no certificate; then all is well again."""
    broken = "the registry does not work"
    got = denied(gw, f"{why}: enrolment", "registry", 503, broken, lambda: enroll(gw, "new", token, device.csr))
    tap.ok(b"MII" not in got.body, f"{why}: no certificate leaves", got)
    denied(gw, f"{why}: renewal", "registry", 503, broken, lambda: renew(gw, *device.pair, device.csr))
    let_go()
    granted(gw, f"{why}: it is over, and the token is still good", lambda: enroll(gw, "new", token, device.csr))
    tap.equal(f"{why}: the registry is sound", [("ok",)], gw.query("PRAGMA integrity_check"))


def disk_full():
    """No room."""
    with Gateway() as gw:
        disk = Full(gw)
        try:
            if not disk.mounted:
                tap.skip("disk full: a tmpfs of 512 KiB", "no file system can be mounted here")
                return
            gw.registry = os.path.join(disk.where, "registry.db")
            gw.write_config()
            gw.must_start()
            device = Device(gw, "old", "02:00:00:00:30:01")
            token = gw.token("new", "02:00:00:00:30:02")
            disk.fill()
            nothing_leaves(gw, device, token, "disk full", disk.drain)
            gw.stop()
        finally:
            disk.end()


def limits():
    """Files may not grow; somebody holds the registry; it is none."""
    with Gateway() as gw:
        gw.must_start()
        device = Device(gw, "old", "02:00:00:00:31:01")
        token = gw.token("new", "02:00:00:00:31:02")
        gw.stop()
        gw.must_start(file_size=200000)
        for _ in range(200):
            if renew(gw, *device.pair, device.csr).status != 200:
                break
        nothing_leaves(gw, device, token, "a file may not grow", lambda: (gw.stop(), gw.must_start()))
        token = gw.token("new", "02:00:00:00:31:02")
        lock = sqlite3.connect(gw.registry, isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        got = enroll(gw, "new", token, device.csr)
        tap.equal("somebody holds the registry: 503", (503, "the registry does not work"), (got.status, got.why()))
        lock.execute("ROLLBACK")
        lock.close()
        granted(gw, "it is let go", lambda: enroll(gw, "new", token, device.csr))
        gw.stop()
        for suffix in ("-wal", "-shm"):
            if os.path.exists(gw.registry + suffix):
                os.unlink(gw.registry + suffix)
        with open(gw.registry, "r+b") as out:
            out.write(b"not a registry")
        tap.ok(not gw.start() and "registry" in gw.logged(), "a file that is no registry: the server does not start",
               gw.logged())


def main():
    """All of it, while the slow ones wait."""
    slow = Slow()
    try:
        slow.meanwhile()
        with Gateway() as gw, Gateway() as other:
            gw.must_start()
            device = Device(gw, "cam", "02:00:00:00:10:00")
            malformed_http(gw)
            bodies(gw, device)
            encodings(gw, device)
            requests(gw, device)
            credentials(gw, device)
            guesses(gw)
            certificates(gw, other, device)
            transport(gw, device)
            turns(gw)
            tap.equal("nothing was refused before it was known where it came from", 0, gw.logged().count('"peer":"::"'))
        slow.report()
    finally:
        slow.gw.remove()
    from_afar()
    disk_full()
    limits()
    tap.done()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""EST (RFC 7030, RFC 8951) as clients speak it: every way to put a request, real clients, every kind of key."""
import base64
import hashlib
import json
import os
import socket
import threading

from gateway import (CTL, EST, PKCS10, WAIT, Client, Gateway, Tap, ask, basic, certificate, checkin, ctl, enroll,
                     head, must, new_csr, new_key, renew, run, serial, until)

tap = Tap()


class Wire:
    """Between a client and the server: passes everything on, and keeps what the server sent."""

    def __init__(self, port):
        self.port = port
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(WAIT)
        self.got = bytearray()
        threading.Thread(target=self.work, daemon=True).start()

    def work(self):
        """Serve one connection."""
        near = self.listener.accept()[0]
        far = socket.create_connection(("127.0.0.1", self.port))
        threading.Thread(target=self.pump, args=(near, far, None), daemon=True).start()
        self.pump(far, near, self.got)
        self.listener.close()

    @staticmethod
    def pump(source, sink, keep):
        """One direction, to its end."""
        try:
            while data := source.recv(65536):
                if keep is not None:
                    keep += data
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def records(self, since):
        """Types and lengths of the records that came since so many bytes."""
        found, at, data = [], since, bytes(self.got)
        while at + 5 <= len(data):
            length = int.from_bytes(data[at + 3:at + 5], "big")
            found.append((data[at], length))
            at += 5 + length
        return found


def request(path, body, *headers):
    """A POST of a request for a certificate, with a length."""
    return head("POST", EST + path, [PKCS10, *headers, ("Content-Length", len(body))]) + body


def chunked(path, body, size, *headers):
    """The same in chunks."""
    parts = [body[i:i + size] for i in range(0, len(body), size)] + [b""]
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    return head("POST", EST + path, [PKCS10, *headers, ("Transfer-Encoding", "chunked")]) + chunks


def wrapped(der, end):
    """Base64 in lines of 64."""
    text = base64.b64encode(der)
    return b"".join(text[i:i + 64] + end for i in range(0, len(text), 64))


def shape(answer, kind):
    """What is wrong with an answer's form; empty, nothing."""
    wrong = []
    if answer.status != 200:
        return f"{answer}"
    if answer.headers["Content-Type"] != kind:
        wrong.append(f"Content-Type {answer.headers['Content-Type']}")
    if answer.headers["Content-Length"] != str(len(answer.body)):
        wrong.append(f"Content-Length {answer.headers['Content-Length']} of {len(answer.body)}")
    if answer.body.count(b"\n") != 1 or not answer.body.endswith(b"\n") or b"\r" in answer.body:
        wrong.append("not one line with LF")
    if answer.body[:-1] != base64.b64encode(base64.b64decode(answer.body)):
        wrong.append("not base64")
    return ", ".join(wrong)


CERTS_ONLY = "application/pkcs7-mime; smime-type=certs-only"


def downloads(gw):
    """What anybody may have."""
    got = ask(gw, "GET", EST + "cacerts")
    tap.equal("cacerts: one line of base64 with its length", "", shape(got, "application/pkcs7-mime"))
    text = must("openssl", "pkcs7", "-inform", "DER", "-print_certs", input=got.der()).decode()
    pems = [must("openssl", "x509", "-in", os.path.join(gw.ca, name)).decode() for name in ("root.crt", "issuing.crt")]
    tap.ok(all(pem in text for pem in pems), "cacerts: root and issuing CA are in it", text)
    got = ask(gw, "GET", EST + "csrattrs")
    tap.equal("csrattrs: one line of base64 with its length", "", shape(got, "application/csrattrs"))
    text = must("openssl", "asn1parse", "-inform", "DER", input=got.der()).decode()
    tap.ok("ecdsa-with-SHA256" in text and "prime256v1" in text, "csrattrs: ECDSA with P-256", text)
    got = ask(gw, "GET", "/healthz")
    tap.ok(got.status == 200 and b'"ok"' in got.body, "healthz, from this machine", got)
    got = ask(gw, "GET", "/cordon/v1/crl")
    path = gw.path("crl")
    with open(path, "wb") as out:
        out.write(got.body)
    done = run("openssl", "crl", "-inform", "DER", "-in", path, "-noout", "-CAfile", os.path.join(gw.ca, "issuing.crt"))
    tap.ok(b"verify OK" in done.stderr, "the revocation list is the CA's", done.stderr.decode())


def keys(gw):
    """Every kind of key: enrol, look at the certificate, renew."""
    for n, kind in enumerate(("P-256", "P-384", "Ed25519")):
        name, mac = f"key-{n}", f"02:00:00:00:01:{n:02x}"
        key = new_key(gw, name, kind)
        got = enroll(gw, name, gw.token(name, mac), new_csr(key))
        if not tap.equal(f"{kind}: enrolled", "", shape(got, CERTS_ONLY)):
            continue
        cert = certificate(gw, got, name)
        chain = run("openssl", "verify", "-purpose", "sslclient", "-CAfile", os.path.join(gw.ca, "root.crt"),
                    "-untrusted", os.path.join(gw.ca, "issuing.crt"), cert)
        tap.ok(not chain.returncode, f"{kind}: the CA's certificate, for a client", chain.stderr.decode())
        got = renew(gw, cert, key, new_csr(key, f"/CN={name}"))
        tap.equal(f"{kind}: renewed with it", "", shape(got, CERTS_ONLY))
        tap.ok(serial(certificate(gw, got, "next")) != serial(cert), f"{kind}: and that is another one")
    return gw.path("key-0.crt"), gw.path("key-0.key")


def identity(gw):
    """Who it is, the registry says."""
    key = new_key(gw, "who")
    mac = "02:00:00:00:02:01"
    urn = "urn:dev:mac:020000fffe000201"
    got = enroll(gw, "who", gw.token("who", mac), new_csr(
        key, "/O=Acme/OU=Sensors/CN=who", "-addext", f"subjectAltName=URI:{urn}", "-addext",
        "keyUsage=keyCertSign,cRLSign", "-addext", "extendedKeyUsage=serverAuth"))
    if not tap.equal("a request that asks for more is granted", 200, got.status):
        tap.say(got)
        return
    cert = certificate(gw, got, "who")
    text = must("openssl", "x509", "-in", cert, "-noout", "-text", "-nameopt", "RFC2253").decode()
    tap.ok("Subject: CN=who\n" in text, "but the subject is the registry's", text)
    tap.ok(f"X509v3 Subject Alternative Name: \n                URI:{urn}\n" in text, "and the SAN its URN alone", text)
    tap.ok("TLS Web Client Authentication\n" in text and "Server" not in text, "for clients only", text)
    tap.ok("Certificate Sign" not in text and "CA:TRUE" not in text, "and no CA", text)
    want = [("who", bytes.fromhex(mac.replace(":", "")), 2)]
    tap.ok(until(lambda: gw.query("SELECT name, mac, state FROM certificate WHERE serial = ?", serial(cert)) == want),
           "the registry knows it by name and MAC, delivered")


def framings(gw, cert, key):
    """One request in every form that clients put it in."""
    der = new_csr(key)
    line = base64.b64encode(der)
    pem = b"-----BEGIN CERTIFICATE REQUEST-----\n" + wrapped(der, b"\n") + b"-----END CERTIFICATE REQUEST-----\n"
    path = "simplereenroll"
    cte = ("Content-Transfer-Encoding", "base64")
    forms = {
        "Content-Length, one line": request(path, line),
        "with LF behind it": request(path, line + b"\n"),
        "lines of 64, LF": request(path, wrapped(der, b"\n")),
        "lines of 64, CR LF": request(path, wrapped(der, b"\r\n")),
        "PEM": request(path, pem),
        "PEM with text before it": request(path, b"Certificate Request:\n    Data:\n" + pem),
        "PEM, CR LF": request(path, pem.replace(b"\n", b"\r\n")),
        "Content-Transfer-Encoding: base64": request(path, line, cte),
        "Content-Transfer-Encoding that is wrong": request(path, line, (cte[0], "binary")),
        "one chunk": chunked(path, line, len(line)),
        "chunks of 7 bytes": chunked(path, wrapped(der, b"\r\n"), 7),
        "chunks, PEM, Content-Transfer-Encoding": chunked(path, pem, 100, cte),
    }
    for name, data in forms.items():
        with Client(gw, context=gw.context(cert, key)) as client:
            client.send(data)
            tap.equal(f"request: {name}", "", shape(client.answer(), CERTS_ONLY))
    with Client(gw, context=gw.context(cert, key)) as client:
        for byte in forms["lines of 64, CR LF"]:
            client.send(bytes([byte]))
        tap.equal("request: a TLS record for each byte", "", shape(client.answer(), CERTS_ONLY))


def expectation(gw, cert, key):
    """Expect: 100-continue (RFC 9110, 10.1.1)."""
    body = base64.b64encode(new_csr(key))
    with Client(gw, context=gw.context(cert, key)) as client:
        client.send(head("POST", EST + "simplereenroll", [PKCS10, ("Content-Length", len(body)),
                                                          ("Expect", "100-continue")]))
        said = client.sock.recv(1024)
        tap.equal("Expect: 100-continue: it is told to go on", b"HTTP/1.1 100 Continue\r\n\r\n", said)
        client.send(body)
        tap.equal("Expect: 100-continue: the answer", "", shape(client.answer(), CERTS_ONLY))


def connections(gw, cert, key):
    """How long a connection lasts."""
    body = base64.b64encode(new_csr(key))
    with Client(gw, context=gw.context(cert, key)) as client:
        got = [client.request("GET", EST + "cacerts").status,
               client.request("POST", EST + "simplereenroll", [PKCS10], body).status,
               client.request("GET", "/nothing").status,
               client.request("POST", EST + "simplereenroll", [PKCS10], body).status]
    tap.equal("a connection takes one request after another", [200, 200, 404, 200], got)
    with Client(gw) as client:
        got = client.request("GET", EST + "cacerts", [("Connection", "close")])
        tap.ok(got.status == 200 and client.ended(), "Connection: close: it is closed after the answer", got)
        tap.equal("Connection: close: and the answer says so", "close", (got.headers["Connection"] or "").lower())
    with Client(gw) as client:
        client.send(f"GET {EST}cacerts HTTP/1.0\r\n\r\n".encode())
        got = client.answer("GET")
        tap.ok(got.status == 200 and client.ended(), "HTTP/1.0: closed after the answer", got)
    with Client(gw) as client:
        both = head("GET", EST + "csrattrs", []) * 2
        client.send(both)
        reply = b""
        while reply.count(b"HTTP/1.1 200 OK") < 2 or not reply.endswith(b"\n"):
            data = client.sock.recv(4096)
            if not data:
                break
            reply += data
        tap.equal("two requests at once: two answers", 2, reply.count(b"HTTP/1.1 200 OK"))


def one_record(gw, cert, key):
    """Headers and body arrive together: small clients read once."""
    csr = base64.b64encode(new_csr(key))
    for name, method, path, headers, body in (
            ("cacerts", "GET", EST + "cacerts", [], b""),
            ("a certificate", "POST", EST + "simplereenroll", [PKCS10], csr),
            ("a refusal", "POST", EST + "simplereenroll", [PKCS10], b"!")):
        wire = Wire(gw.port)
        with Client(gw, context=gw.context(cert, key), port=wire.listener.getsockname()[1]) as client:
            client.request("GET", "/healthz")
            since = len(wire.got)
            got = client.request(method, path, headers, body)
            records = wire.records(since)
        tap.ok(len(records) == 1 and records[0][0] == 23 and records[0][1] > len(got.body),
               f"on the wire: {name} is one TLS record", records)


def fingerprint(key):
    """A key's, as cordonctl shows it."""
    der = must("openssl", "pkey", "-in", key, "-pubout", "-outform", "DER")
    return "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode().rstrip("=")


def approval(gw):
    """An operator has a say."""
    csr = new_csr(new_key(gw, "slow"))
    token = gw.token("slow", "02:00:00:00:03:01", "--approval")
    for turn in ("first", "second"):
        got = enroll(gw, "slow", token, csr)
        tap.equal(f"approval: {turn} try: 202", (202, "slow waits for an operator's approval", True),
                  (got.status, got.why(), int((got.headers or {}).get("Retry-After", 0)) > 0))
    tap.equal("approval: nothing is issued meanwhile", [], gw.query("SELECT 1 FROM certificate WHERE name = 'slow'"))
    waits = json.loads(must(CTL, "device", "pending", "--registry", gw.registry, "--json"))
    key = gw.path("slow.key")
    tap.equal("device pending: whose, which key, from where",
              [("slow", fingerprint(key), "token", "127.0.0.1", False)],
              [tuple(w[name] for name in ("device", "fingerprint", "by", "address", "approved")) for w in waits])
    tap.ok(f'"waits for approval","device":"slow","key":"{fingerprint(key)}"' in gw.logged().replace(": ", ":"),
           "approval: the log has the key", gw.logged()[-400:])
    other = new_key(gw, "slow-other")
    tap.equal("approval: another key waits as well", 202, enroll(gw, "slow", token, new_csr(other)).status)
    done = ctl("device", "approve", "slow", "--registry", gw.registry)
    tap.ok(done.returncode == 1 and b"2 keys wait" in done.stderr, "device approve: which one?", done.stderr)
    done = ctl("device", "approve", "slow", "--fingerprint", fingerprint(key), "--registry", gw.registry)
    tap.ok(not done.returncode, "device approve", done.stderr.decode())
    tap.equal("approval: the other key waits on", 202, enroll(gw, "slow", token, new_csr(other)).status)
    tap.equal("approval: then 200", "", shape(enroll(gw, "slow", token, csr), CERTS_ONLY))
    tap.equal("approval: it was for one certificate", [], gw.query("SELECT 1 FROM pending"))


def delivered(gw, name):
    """Does the registry know that a certificate has arrived?"""
    return gw.query("SELECT 1 FROM certificate WHERE name = ? AND state = 2", name)


def undeliver(gw, name):
    """Take back what the registry knows of a certificate's arrival, as if the answer had been lost."""
    until(lambda: delivered(gw, name))
    gw.query("UPDATE certificate SET state = 1 WHERE name = ?", name)
    gw.query("UPDATE token SET state = 1 WHERE device = (SELECT id FROM device WHERE name = ?)", name)


def again(gw):
    """An answer that is lost: the same token and key get the same certificate, as long as none arrived."""
    key = new_key(gw, "lost")
    csr = new_csr(key)
    token = gw.token("lost", "02:00:00:00:04:01")
    first = enroll(gw, "lost", token, csr)
    undeliver(gw, "lost")
    second = enroll(gw, "lost", token, csr)
    tap.ok(first.status == 200 and first.body == second.body, "an answer that got lost is given again", second)
    undeliver(gw, "lost")
    third = enroll(gw, "lost", token, new_csr(new_key(gw, "found")))
    until(lambda: delivered(gw, "lost"))
    states = gw.query("SELECT state FROM certificate WHERE name = 'lost' ORDER BY id")
    tap.equal("lost with its key: another certificate, and the first one is revoked",
              (200, [(3,), (2,)]), (third.status, states))


def binding(gw, cert, key):
    """A request that is bound to another connection (RFC 7030, 3.5; RFC 9266). The right one: cordonctl enroll."""
    with open(gw.path("binding.cnf"), "w", encoding="ascii") as out:
        out.write("[req]\nprompt = no\ndistinguished_name = dn\nattributes = at\n[dn]\nCN = key-0\n[at]\n"
                  f"challengePassword = {base64.b64encode(bytes(32)).decode()}\n")
    csr = must("openssl", "req", "-new", "-key", key, "-config", gw.path("binding.cnf"), "-outform", "DER")
    got = renew(gw, cert, key, csr)
    tap.ok(got.status == 400 and "RFC" in got.why(), "a request that is bound to another connection", got)


def with_curl(gw):
    """curl and openssl, as the manual has it."""
    key = new_key(gw, "curl")
    url = f"https://localhost:{gw.port}{EST}"
    with open(gw.path("csr.b64"), "wb") as out:
        out.write(wrapped(new_csr(key), b"\n"))
    curl = ["curl", "-sS", "--fail-with-body", "--max-time", str(WAIT), "--cacert", os.path.join(gw.ca, "root.crt")]
    post = ["-H", "Content-Type: application/pkcs10", "--data-binary", "@" + gw.path("csr.b64")]
    done = run(*curl, url + "cacerts")
    tap.ok(not done.returncode and done.stdout.startswith(b"MII"), "curl: cacerts", done.stderr.decode())
    done = run(*curl, *post, "-u", "curl:" + gw.token("curl", "02:00:00:00:05:01"), "-H", "Expect: 100-continue",
               url + "simpleenroll")
    if not tap.ok(not done.returncode, "curl: simpleenroll", done.stderr.decode()):
        return
    path = gw.path("curl.crt")
    must("openssl", "pkcs7", "-inform", "DER", "-print_certs", "-out", path, input=base64.b64decode(done.stdout))
    done = run(*curl, *post, "-H", "Transfer-Encoding: chunked", "--cert", path, "--key", key, url + "simplereenroll")
    tap.ok(not done.returncode and done.stdout.startswith(b"MII"), "curl: simplereenroll, in chunks",
           done.stderr.decode())


def with_strongswan(gw):
    """strongSwan's pki, which speaks TLS of its own."""
    with open(gw.path("strongswan.conf"), "w", encoding="ascii") as out:
        out.write("libtls { version_max = 1.3 }\npki { load = aes sha1 sha2 random nonce x509 revocation constraints "
                  "pubkey pkcs1 pkcs7 pkcs8 pem openssl gcm hmac kdf }\n")
    env = {**os.environ, "STRONGSWAN_CONF": gw.path("strongswan.conf")}
    url = f"https://127.0.0.1:{gw.port}"
    root, issuing = (os.path.join(gw.ca, name) for name in ("root.crt", "issuing.crt"))
    done = run("pki", "--estca", "--url", url, "--cacert", root, "--caout", gw.path("swan.ca"), "--outform", "pem",
               "--force", env=env)
    tap.ok(not done.returncode and any(name.startswith("swan.ca") for name in os.listdir(gw.dir)), "strongSwan: cacerts",
           done.stderr.decode())
    key = new_key(gw, "swan")
    csr = gw.path("swan.csr")
    with open(csr, "wb") as out:
        out.write(new_csr(key, "/CN=swan"))
    words = ["pki", "--est", "--url", url, "--in", csr, "--cacert", root, "--cacert", issuing, "--outform", "pem"]
    done = run(*words, "--userpass", "swan:" + gw.token("swan", "02:00:00:00:06:01"), env=env)
    if not tap.ok(b"BEGIN CERTIFICATE" in done.stdout, "strongSwan: enrolled", done.stderr.decode()):
        return
    path = gw.path("swan.crt")
    with open(path, "wb") as out:
        out.write(done.stdout)
    done = run(*words, "--cert", path, "--key", key, env=env)
    tap.ok(b"BEGIN CERTIFICATE" in done.stdout and done.stdout != open(path, "rb").read(), "strongSwan: renewed",
           done.stderr.decode())
    tap.ok(until(lambda: len(gw.query("SELECT 1 FROM certificate WHERE name = 'swan' AND state = 2")) == 2),
           "strongSwan: the registry has both")


def https_checkin(gw, cert, key):
    """Without the module, a check-in is as good as it gets when only the kernel refuses it."""
    got = ask(gw, "POST", "/cordon/v1/checkin", [("Content-Type", "application/json")], b'{"firmware": "1.4.2"}',
              context=gw.context(cert, key))
    tap.equal("check-in over HTTPS: all is well but the kernel", (503, "the gateway's kernel module is not loaded"),
              (got.status, got.why()))
    tap.equal("check-in: likewise", "refused: the gateway's kernel module is not loaded", checkin(gw, cert, key))


def main():
    """Everything over one server."""
    with Gateway() as gw:
        gw.must_start()
        downloads(gw)
        cert, key = keys(gw)
        identity(gw)
        framings(gw, cert, key)
        expectation(gw, cert, key)
        connections(gw, cert, key)
        one_record(gw, cert, key)
        approval(gw)
        again(gw)
        binding(gw, cert, key)
        with_curl(gw)
        with_strongswan(gw)
        https_checkin(gw, cert, key)
        tap.equal("no request was taken before it was known where it came from", 0, gw.logged().count('"peer":"::"'))
    tap.done()


if __name__ == "__main__":
    main()

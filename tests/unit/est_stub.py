#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""est_stub.py DIR: an EST and check-in server that misbehaves as DIR/mode says; certificates by openssl(1).

DIR holds what test_enroll.sh made. Prints "est PORT checkin PORT" when it listens, writes what it was
asked to DIR/log, and keeps requests as DIR/N.csr. A client's certificate is checked where there is one.
"""
import base64
import json
import os
import socket
import ssl
import subprocess
import sys
import threading

from stub import request

DIR = sys.argv[1]
TOKEN = "thermostat-1:right-token"


def path(name):
    return os.path.join(DIR, name)


def mode():
    with open(path("mode"), encoding="ascii") as file:
        return file.read().strip()


def openssl(*words, data=None):
    return subprocess.run(["openssl", *words], input=data, check=True, capture_output=True).stdout


def log(text):
    with open(path("log"), "a", encoding="ascii") as file:
        file.write(text + "\n")


def certs_only(*names):
    words = [word for name in names for word in ("-certfile", path(name))]
    der = openssl("crl2pkcs7", "-nocrl", *words, "-outform", "DER")
    return base64.b64encode(der) if mode() == "unwrapped" else base64.encodebytes(der).replace(b"\n", b"\r\n")


def issue(der, key=None):
    """A certificate for a request; with key for that key instead."""
    number = len([name for name in os.listdir(DIR) if name.endswith(".csr")]) + 1
    request = path(f"{number}.csr")
    openssl("req", "-inform", "DER", "-verify", "-out", request, data=der)
    words = ["-force_pubkey", path(key)] if key else []
    openssl("x509", "-req", "-in", request, "-CA", path("issuing.crt"), "-CAkey", path("issuing.key"),
            "-set_serial", str(1000 + number), "-days", "30", "-extfile", path("device.cnf"),
            *words, "-out", path("issued.crt"))
    return certs_only("issued.crt")


def reply(status, kind, body, *fields):
    head = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", *fields]
    if mode() == "chunked":
        chunks = b"".join(b"%x\r\n%s\r\n" % (len(body[i:i + 7]), body[i:i + 7]) for i in range(0, len(body), 7))
        head.append("Transfer-Encoding: chunked")
        body = chunks + b"0\r\n\r\n"
    elif mode() != "until-close":
        head.append(f"Content-Length: {len(body)}")
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def refuse(status, reason, *fields):
    return reply(status, "text/plain", reason.encode(), *fields)


def enroll(connection, fields, body, again):
    with open(path("log"), encoding="ascii") as file:
        first = sum("enroll" in line for line in file) == 1
    if mode() == "limit":
        return refuse("429 Too Many Requests", "too many attempts", "Retry-After: 77")
    if again:
        peer = connection.getpeercert()
        if not peer:
            return refuse("401 Unauthorized", "no certificate")
        subject = dict(pair for name in peer["subject"] for pair in name)
        log(f"renewal by {subject.get('commonName')}")
    elif mode() == "idevid":
        if "authorization" in fields or not connection.getpeercert():
            return refuse("401 Unauthorized", "not the manufacturer's certificate alone")
        subject = dict(pair for name in connection.getpeercert()["subject"] for pair in name)
        log(f"idevid {subject.get('serialNumber')}")
    elif fields.get("authorization") != "Basic " + base64.b64encode(TOKEN.encode()).decode():
        return refuse("401 Unauthorized", "the token is used up\x1b[2J or wrong\nsecond line")
    if fields.get("content-type") != "application/pkcs10":
        return refuse("415 Unsupported Media Type", "not a request")
    if mode() == "approve" and first:
        return reply("202 Accepted", "text/plain", b"wait", "Retry-After: 1")
    if mode() == "approve-later":
        return reply("202 Accepted", "text/plain", b"wait", "Retry-After: 3600")
    if mode() == "garbage":
        return reply("200 OK", "application/pkcs7-mime", b"\x00\xff garbage")
    if mode() == "html":
        return reply("200 OK", "text/html", b"<html>welcome to this wireless network</html>")
    if mode() == "other-key":
        return reply("200 OK", "application/pkcs7-mime; smime-type=certs-only",
                     issue(base64.b64decode(body), "other.pub"))
    answer = issue(base64.b64decode(body))
    if mode() == "break-first" and first:
        return None
    return reply("200 OK", "application/pkcs7-mime; smime-type=certs-only", answer,
                 "Content-Transfer-Encoding: base64")


def checkin(connection, fields, body):
    if not connection.getpeercert():
        return refuse("401 Unauthorized", "no certificate")
    log("checkin " + json.dumps(json.loads(body), sort_keys=True))
    if mode() == "refuse":
        return refuse("403 Forbidden", "not from this address")
    return reply("200 OK", "application/json",
                 json.dumps({"device": "thermostat-1", "segment": "iot_zone", "lease_seconds": 3600,
                             "more": None}).encode())


def answer(connection, method, target, fields, body):
    log(f"{method} {target}")
    if mode() == "silent":
        return b""
    if (method, target) == ("GET", "/.well-known/est/cacerts"):
        return reply("200 OK", "application/pkcs7-mime",
                     certs_only(*(["foreign.crt"] if mode() == "foreign" else ["issuing.crt", "root.crt"])))
    if (method, target) == ("POST", "/.well-known/est/simpleenroll"):
        return enroll(connection, fields, body, False)
    if (method, target) == ("POST", "/.well-known/est/simplereenroll"):
        return enroll(connection, fields, body, True)
    if (method, target) == ("POST", "/cordon/v1/checkin"):
        return checkin(connection, fields, body)
    return refuse("404 Not Found", "nothing here")


def serve_est(connection):
    with connection.makefile("rb") as stream:
        method, target, fields, body = request(stream)
        text = answer(connection, method, target, fields, body)
        if text == b"":
            stream.read(1)
        elif text is not None:
            connection.sendall(text)
            connection.unwrap()


def serve_checkin(connection):
    if mode() == "silent":
        connection.recv(1024)
        connection.recv(1024)
        return
    peer = connection.getpeercert()
    line = connection.recv(1024).decode("ascii", "replace").strip()
    log(f"hello {line}")
    refused = mode() == "refuse" or not peer
    connection.sendall(b"refused: not from this address\n" if refused else b"Welcome IoT Device\n")


def context(must):
    version = ssl.TLSVersion.TLSv1_2 if mode() == "tls12" else ssl.TLSVersion.TLSv1_3
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.minimum_version = tls.maximum_version = version
    tls.load_cert_chain(path("other-name.pem" if mode() == "other-name" else "server.pem"), path("server.key"))
    tls.load_verify_locations(path("root.crt"))
    tls.load_verify_locations(path("issuing.crt"))
    tls.verify_mode = ssl.CERT_REQUIRED if must else ssl.CERT_OPTIONAL
    return tls


def accept(listener, serve, must):
    def one(raw):
        try:
            with context(must).wrap_socket(raw, server_side=True) as connection:
                serve(connection)
        except (OSError, ValueError, subprocess.CalledProcessError) as error:
            log(f"failed {error}")
            if isinstance(error, subprocess.CalledProcessError):
                log(error.stderr.decode())

    while True:
        threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()


listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
threading.Thread(target=accept, args=(listeners[1], serve_checkin, True), daemon=True).start()
print("est", listeners[0].getsockname()[1], "checkin", listeners[1].getsockname()[1], flush=True)
accept(listeners[0], serve_est, False)

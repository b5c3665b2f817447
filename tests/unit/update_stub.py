#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""update_stub.py DIR: a gateway that offers firmware, and misbehaves as DIR/mode says; signatures by openssl(1).

DIR holds what test_update.sh made. Prints "port PORT" when it listens. DIR/log gets a line for each request,
for the bytes of the artifact that were sent, and for each result that a device told. DIR/offer holds members
of the manifest that are to be others.
"""
import hashlib
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time

from stub import request

DIR = sys.argv[1]
SEEN = set()
OFFER = "2.25.147871991299479329994808971922472868913"  # PKI_OFFER_OID


def path(name):
    return os.path.join(DIR, name)


def read(name):
    with open(path(name), "rb") as file:
        return file.read()


def mode():
    return read("mode").decode().strip()


def log(text):
    with open(path("log"), "a", encoding="utf-8") as file:
        file.write(text + "\n")


def first(what):
    """Is it the first time since the mode was set?"""
    key = (what, os.stat(path("mode")).st_mtime_ns)
    if key in SEEN:
        return False
    SEEN.add(key)
    return True


def sign(text):
    name = {"by-device": "device", "by-foreign": "foreign-code", "by-expired": "expired-code"}.get(mode(), "code")
    with open(path("manifest"), "wb") as file:
        file.write(text)
    words = ["-md", "sha1"] if mode() == "sha1" else []
    der = subprocess.run(["openssl", "cms", "-sign", "-binary", "-outform", "DER", "-in", path("manifest"), "-econtent_type",
                          OFFER, "-signer", path(name + ".crt"), "-inkey", path(name + ".key"), "-certfile", path("issuing.crt"), *words],
                         check=True, capture_output=True).stdout
    return subprocess.run(["openssl", "base64", "-A"], input=der, check=True, capture_output=True).stdout.decode()


def offer():
    artifact, now = read("artifact"), int(time.time())
    what = {"device": "thermostat-1", "action": 7, "model": "acme-t1", "version": "1.1.0", "file": "t1-1.1.0.img",
            "size": len(artifact), "sha256": hashlib.sha256(artifact).hexdigest(),
            "url": "/cordon/v1/firmware/7/artifact", "notes": "Better.", "issued": now, "expires": now + 3600}
    for name, value in json.loads(read("offer")).items():
        what[name] = now + value if name in ("issued", "expires") else value
    text = json.dumps({name: value for name, value in what.items() if value is not None}).encode()
    signature = sign(text)
    if mode() == "tampered-offer":
        text = text.replace(b"acme-t1", b"acme-t2")
    fields = [] if mode() == "unsigned" else [f"Cordon-Signature: {signature}"]
    return reply("200 OK", "text/html" if mode() == "html" else "application/json", text, *fields)


def reply(status, kind, body, *fields):
    head = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *fields]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def send(connection, data, pause=0.0, piece=65536):
    sent = 0
    try:
        for at in range(0, len(data), piece):
            connection.sendall(data[at:at + piece])
            sent = min(at + piece, len(data))
            time.sleep(pause)
    finally:
        log(f"sent {sent}")


def serve_artifact(connection, fields):
    """Head and content; whether the connection ends properly."""
    how, whole = mode(), bytearray(read("artifact"))
    if how == "tampered":
        whole[len(whole) // 3] ^= 1
    if how == "swapped":
        whole = bytearray(os.urandom(len(whole)))
    start, size = 0, len(whole)
    tag = '"' + hashlib.sha256(read("artifact")).hexdigest() + '"'
    status, extra = "200 OK", []
    ranged = fields.get("range", "")
    if ranged and how != "no-range" and fields.get("if-range", tag) == tag:
        start = int(ranged.removeprefix("bytes=").removesuffix("-"))
        status = "206 Partial Content"
    total = size + 1 if how == "lying-range" else size
    if how == "wrong-range" and start:
        start -= 1
    if start:
        extra.append(f"Content-Range: bytes {start}-{total - 1}/{total}")
    body = bytes(whole[start:])
    if how == "longer":
        body += b"more"
    if how in ("truncated", "truncated-until-end"):
        body = body[:-10]
    if how != "truncated-until-end" and how != "longer-until-end":
        extra.append(f"Content-Length: {len(body)}")
    else:
        body += b"more" if how == "longer-until-end" else b""
    connection.sendall("\r\n".join([f"HTTP/1.1 {status}", f"ETag: {tag}", *extra]).encode() + b"\r\n\r\n")
    half = (size // 2) - start
    if how in ("cut", "cut-properly", "wrong-range", "lying-range", "no-range") and first("artifact"):
        send(connection, body[:half])
        return how == "cut-properly"
    if how == "stall" and first("artifact"):
        send(connection, body[:half])
        connection.recv(1)
        return False
    if how == "pieces":
        send(connection, body[:size // 5 + 1])
        return len(body) <= size // 5 + 1
    if how == "trickle":
        send(connection, body, 0.05, size // 20)
    elif how == "drip":
        send(connection, body, 0.2, 100)
    else:
        send(connection, body)
    return True


def take_result(target, body):
    result = json.loads(body)
    log(f"result {target.rsplit('/', 1)[1]} {json.dumps(result, sort_keys=True)}")
    if mode() == "taken-back" and result["result"] == "running":
        return reply("409 Conflict", "text/plain", b"taken back")
    if mode() == "forbidding":
        return reply("403 Forbidden", "text/plain", b"not now")
    if mode() == "unknowing":
        return reply("404 Not Found", "text/plain", b"no such action")
    if mode() == "deaf" and result["result"] != "running":
        return reply("503 Service Unavailable", "text/plain", b"busy")
    return b"HTTP/1.1 204 No Content\r\n\r\n"


def answer(connection, method, target, fields, body):
    """What to send, or whether the connection ends properly."""
    log(" ".join([method, target, *([fields["range"]] if "range" in fields else [])]))
    how = mode()
    if not connection.getpeercert():
        return reply("401 Unauthorized", "text/plain", b"no certificate")
    if method == "POST":
        return take_result(target, body)
    if target == "/cordon/v1/firmware":
        if how == "nothing":
            return b"HTTP/1.1 204 No Content\r\n\r\n"
        if how == "redirect-offer":
            return reply("302 Found", "text/plain", b"", "Location: https://127.0.0.1:1/cordon/v1/firmware")
        return offer()
    if target == "/cordon/v1/firmware/7/artifact":
        if how == "redirect":
            return reply("307 Temporary Redirect", "text/plain", b"", "Location: https://127.0.0.1:1/evil")
        if how == "missing":
            return reply("404 Not Found", "text/plain", b"nothing here")
        if how == "busy" and first("artifact"):
            return reply("503 Service Unavailable", "text/plain", b"busy", "Retry-After: 1")
        return serve_artifact(connection, fields)
    return reply("404 Not Found", "text/plain", b"nothing here")


def serve(connection):
    with connection.makefile("rb") as stream:
        method, target, fields, body = request(stream)
        what = answer(connection, method, target, fields, body)
        if isinstance(what, bytes):
            connection.sendall(what)
        if what:
            connection.unwrap()


def context():
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.minimum_version = ssl.TLSVersion.TLSv1_3
    tls.load_cert_chain(path("server.pem"), path("server.key"))
    tls.load_verify_locations(path("root.crt"))
    tls.load_verify_locations(path("issuing.crt"))
    tls.verify_mode = ssl.CERT_REQUIRED
    return tls


def one(raw):
    try:
        with context().wrap_socket(raw, server_side=True) as connection:
            serve(connection)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        log(f"failed {error}")
        if isinstance(error, subprocess.CalledProcessError):
            log(error.stderr.decode())


listener = socket.create_server(("127.0.0.1", 0))
print("port", listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=one, args=(listener.accept()[0],), daemon=True).start()

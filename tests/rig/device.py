# SPDX-License-Identifier: GPL-2.0
"""A device of a fleet: it enrols with a token (EST) and checks in, at whichever gateway it is; no process for either."""
import base64
import ctypes
import hashlib
import http.client
import os
import re
import socket
import ssl

from cluster import within


class Crypto:
    """Keys, requests, and what an answer holds: libcrypto itself, since a process for each would take longer."""

    def __init__(self):
        with open("/proc/self/maps", encoding="utf-8") as maps:
            self.lib = ctypes.CDLL(re.search(r"\S*libcrypto\.so\S*", maps.read()).group(0))
        for call in ("EVP_PKEY_Q_keygen", "X509_REQ_new", "X509_REQ_get_subject_name", "EVP_sha256", "BIO_new", "BIO_s_mem",
                     "BIO_new_mem_buf", "d2i_PKCS7_bio"):
            getattr(self.lib, call).restype = ctypes.c_void_p

    def text(self, write):
        """What @write(bio) has written, in PEM."""
        lib, point = self.lib, ctypes.c_void_p
        bio = point(lib.BIO_new(point(lib.BIO_s_mem())))
        write(bio)
        out = ctypes.create_string_buffer(65536)
        n = lib.BIO_read(bio, out, len(out))
        lib.BIO_free(bio)
        return out.raw[:max(n, 0)]

    def key_and_request(self, name):
        """A fresh P-256 key in PEM, and a request in DER."""
        lib, point = self.lib, ctypes.c_void_p
        key, req = point(lib.EVP_PKEY_Q_keygen(None, None, b"EC", b"P-256")), point(lib.X509_REQ_new())
        lib.X509_NAME_add_entry_by_txt(point(lib.X509_REQ_get_subject_name(req)), b"CN", 0x1001, name.encode(), -1, -1, 0)
        lib.X509_REQ_set_pubkey(req, key)
        lib.X509_REQ_sign(req, key, point(lib.EVP_sha256()))
        size = lib.i2d_X509_REQ(req, None)
        der = ctypes.create_string_buffer(size)
        lib.i2d_X509_REQ(req, ctypes.byref(point(ctypes.addressof(der))))
        pem = self.text(lambda bio: lib.PEM_write_bio_PrivateKey(bio, key, None, None, 0, None, None))
        lib.X509_REQ_free(req)
        lib.EVP_PKEY_free(key)
        return pem, der.raw[:size]


crypto = Crypto()


def element(data, at):
    """Tag, content's begin and end of the DER element at an offset."""
    n, begin = data[at + 1], at + 2
    if n & 0x80:
        begin += n & 0x7f
        n = int.from_bytes(data[at + 2:begin], "big")
    return data[at], begin, begin + n


def certificates(p7):
    """The certificates in a degenerate PKCS #7, DER."""
    at = element(p7, 0)[1]
    at = element(p7, at)[2]  # contentType
    at = element(p7, element(p7, at)[1])[1]  # [0], SignedData
    for _ in range(3):  # version, digestAlgorithms, contentInfo
        at = element(p7, at)[2]
    _, at, end = element(p7, at)
    found = []
    while at < end:
        after = element(p7, at)[2]
        found.append(p7[at:after])
        at = after
    return found


def serial(der):
    """A certificate's serial number, as the registry has it."""
    at = element(der, element(der, 0)[1])[1]
    if der[at] == 0xa0:
        at = element(der, at)[2]
    _, begin, end = element(der, at)
    return der[begin:end].lstrip(b"\0").rjust(16, b"\0")


def key_id(csr):
    """SHA-256 of the public key in a request, as the registry has it."""
    at = element(csr, element(csr, 0)[1])[1]
    for _ in range(2):  # version, subject
        at = element(csr, at)[2]
    return hashlib.sha256(csr[at:element(csr, at)[2]]).digest()


class Device:
    """One; reach() says where it is."""

    def __init__(self, directory, name, mac):
        self.name, self.mac, self.dir = name, mac, directory
        self.serial, self.said, self.n, self.source = None, "", 0, None

    def reach(self):
        """Namespace it is in, and address of its gateway from there."""
        raise NotImplementedError

    def connect(self, context, port, seconds):
        """TLS to its gateway."""
        ns, address = self.reach()
        with within(ns):
            raw = socket.socket()
        raw.settimeout(seconds)
        try:
            if self.source:
                raw.bind((self.source, 0))
            raw.connect((address, port))
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return context.wrap_socket(raw, server_hostname="127.0.0.1")
        except OSError:
            raw.close()
            raise

    def context(self, gateway, own=True):
        """TLS 1.3, with its certificate if it has one."""
        context = ssl.create_default_context(cafile=gateway.ca + "/root.crt")
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        if own:
            context.load_cert_chain(self.path("crt"), self.path("key"))
        return context

    def path(self, what):
        """Its certificate or key."""
        return f"{self.dir}/{self.name}.{what}"

    def enrol(self, gateway, token=None, seconds=20, request=None):
        """By a token, made here unless there is one. The status; 0, no answer. With @request, by that once more."""
        token = token or gateway.ctl("device", "token", self.name, "--mac", self.mac, "--registry", gateway.registry).strip()
        key, csr = request or crypto.key_and_request(self.name)
        try:
            with self.connect(self.context(gateway, False), 8443, seconds) as tls:
                body = base64.b64encode(csr)
                credentials = base64.b64encode(f"{self.name}:{token}".encode()).decode()
                lines = ("POST /.well-known/est/simpleenroll HTTP/1.1", "Host: gateway", "Content-Type: application/pkcs10",
                         f"Authorization: Basic {credentials}", f"Content-Length: {len(body)}", "", "")
                tls.sendall("\r\n".join(lines).encode() + body)
                answer = http.client.HTTPResponse(tls, method="POST")
                answer.begin()
                text = answer.read()
        except (OSError, http.client.HTTPException) as e:
            self.said = str(e)
            return 0
        self.said = f"{answer.status} {text[:300]!r}"
        if answer.status == 200:
            self.keep(key, base64.b64decode(text))
        return answer.status

    def keep(self, key, p7):
        """What it has from now on: its certificate comes first, what led to it follows."""
        chain = certificates(p7)
        for what, data in (("crt", "".join(map(ssl.DER_cert_to_PEM_cert, chain)).encode()), ("key", key)):
            with open(self.path(what), "wb") as out:
                out.write(data)
            os.chmod(self.path(what), 0o600)
        self.serial = serial(chain[0])

    def checkin(self, gateway, seconds=20):
        """True: welcome."""
        self.said = ""
        try:
            with self.connect(self.context(gateway), 8883, seconds) as tls:
                tls.sendall(b"Hello Secure IoT Server\n")
                while not self.said.endswith("\n"):
                    data = tls.recv(1024)
                    if not data:
                        break
                    self.said += data.decode(errors="replace")
        except OSError as e:
            self.said = str(e)
        return self.said.strip() == "Welcome IoT Device"

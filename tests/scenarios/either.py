#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""either.py serve PORT CERT KEY: a server that speaks TLS 1.3 or, with who does not, in the clear. It answers one line,
waits for another unless it is to vanish, and then does what the first one said: "reset", "close", "vanish" (nothing is sent), or wait until the client goes.
either.py HOST PORT FROM LINE...: one connection for each LINE, all of them from the port FROM. With "tls" as its first
word it speaks TLS, with "plain" it does not; with "vanish" as its last one the client sends nothing at its end, either.
Prints "yes" for each that was answered, else "no"."""
import errno
import fcntl
import socket
import ssl
import struct
import sys
import termios
import threading
import time

TCP_REPAIR = 19
LIMIT = 20  # seconds


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def vanish(sock):
    """The socket is gone, and nothing is sent: but first, each side has what the other one sent."""
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
    late = time.monotonic() + LIMIT
    while struct.unpack("i", fcntl.ioctl(sock, termios.TIOCOUTQ, bytes(4)))[0] and time.monotonic() < late:
        pass
    sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)


def wait(sock):
    while sock.recv(4096):
        pass


def end(sock, words):
    if "reset" in words:
        reset(sock)
    elif "vanish" in words:
        vanish(sock)
    elif "close" not in words:
        wait(sock)
    sock.close()


def answer(sock, context):
    try:
        first = sock.recv(1, socket.MSG_PEEK)
        if first == b"\x16":
            sock = context.wrap_socket(sock, server_side=True)
        line = sock.recv(4096)
        sock.sendall(b"heard " + line)
        if b"vanish" not in line:
            sock.recv(4096)
        end(sock, line.decode().split())
    except OSError:
        sock.close()


def serve(port, cert, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with socket.create_server(("::", int(port)), family=socket.AF_INET6, dualstack_ipv6=True) as listener:
        while True:
            sock, _ = listener.accept()
            threading.Thread(target=answer, args=(sock, context), daemon=True).start()


def connect(host, port, source):
    """From the port that the connection before had, which may be waiting for its last acknowledgement."""
    late = time.monotonic() + LIMIT
    while True:
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.settimeout(LIMIT)
        try:
            sock.bind(("", source))
            sock.connect((host, port))
            return sock
        except OSError as error:
            sock.close()
            if error.errno not in (errno.EADDRINUSE, errno.EADDRNOTAVAIL) or time.monotonic() > late:
                raise


def ask(host, port, source, words):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    sock = connect(host, port, source)
    if words[0] == "tls":
        sock = context.wrap_socket(sock)
    sock.sendall(" ".join(words).encode())
    got = sock.recv(4096)
    if words[-1] == "vanish":
        vanish(sock)
    else:
        sock.sendall(b"bye")
    if "reset" in words or "close" in words:
        try:
            wait(sock)
        except OSError:
            pass
    sock.close()
    return got.startswith(b"heard")


def main():
    if sys.argv[1] == "serve":
        serve(*sys.argv[2:])
    for line in sys.argv[4:]:
        try:
            print("yes" if ask(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), line.split()) else "no", flush=True)
        except OSError as error:
            print("no", flush=True)
            print("#", line, error, file=sys.stderr)


main()

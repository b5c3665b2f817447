#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""family.py WHAT [ARG...]: what cordonctl would not do with the netlink family. Numbers are taken from the uapi header.

  commit old|random N   a policy with N addresses, colliding by the hash that the module had or not: milliseconds
  busy N                the same, and meanwhile sockets without a transaction are closed, and anybody's questions asked:
                        milliseconds of the commit, how often in that time, and the longest
  begin N               N sockets begin a transaction each: what they were told
  join                  the group of events
  wait FILE             join whatever number is no group yet, say so in FILE, wait for a line on stdin: how many
                        messages of the family came
  hold FILE             the largest policy that a stranger may have: commit it, stage it again, say so in FILE and wait
                        for a line on stdin

A refusal is printed with its sentence, and the status is 1."""
import os
import random
import re
import socket
import struct
import sys
import threading
import time

NETLINK_GENERIC = 16
SOL_NETLINK, ADD_MEMBERSHIP, CAP_ACK, EXT_ACK = 270, 1, 10, 11
CTRL = 16  # nlctrl: its family, its command to ask for one and the attributes
GETFAMILY, FAMILY_ID, FAMILY_NAME, MCAST_GROUPS, GROUP_NAME, GROUP_ID = 3, 1, 2, 7, 1, 2
REQUEST, ACK, NESTED = 1, 4, 1 << 15
MESSAGE = 28000  # bytes of staged objects
HEADER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../include/uapi/linux/cordon.h")
M64 = (1 << 64) - 1
FNV_PRIME, GOLDEN = 0x100000001B3, 0x9E3779B97F4A7C15


def numbers():
    found = {}
    with open(HEADER, encoding="ascii") as file:
        text = re.sub(r"/\*.*?\*/", "", file.read(), flags=re.S)
    for body in re.findall(r"enum[^{]*\{(.*?)\}", text, re.S):
        value = 0
        for name, given in re.findall(r"(\w+)(?: = (\w+))?,\n", body):
            value = int(given) if given else value
            found[name] = value
            value += 1
    return found


N = numbers()


class Refused(Exception):
    pass


def attr(kind, data):
    length = 4 + len(data)
    return struct.pack("=HH", length, kind) + data + b"\0" * (-length % 4)


def number(kind, value):
    return attr(kind, struct.pack("=I", value))


def text(kind, value):
    return attr(kind, value.encode() + b"\0")


def nest(kind, *parts):
    return attr(kind | NESTED, b"".join(parts))


def attrs(data):
    at = 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        yield kind & 0x3FFF, data[at + 4:at + length]
        at += length + -length % 4


def new_socket():
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_GENERIC)
    sock.bind((0, 0))
    sock.setsockopt(SOL_NETLINK, CAP_ACK, 1)
    sock.setsockopt(SOL_NETLINK, EXT_ACK, 1)
    return sock


def ask(sock, family, command, *parts):
    """The attributes of the answer; an error with its sentence is Refused."""
    payload = struct.pack("=BBH", command, 1, 0) + b"".join(parts)
    sock.send(struct.pack("=IHHII", 16 + len(payload), family, REQUEST | ACK, 1, 0) + payload)
    answer = {}
    while True:
        data, at = sock.recv(65536), 0
        while at < len(data):
            length, kind, flags = struct.unpack_from("=IHH", data, at)
            if kind == 2:
                error = -struct.unpack_from("=i", data, at + 16)[0]
                # The request's header follows; the sentence is attribute 1 behind that.
                said = dict(attrs(data[at + 36:at + length])) if flags & 0x200 else {}
                if error:
                    raise Refused(said.get(1, b"\0")[:-1].decode() or os.strerror(error))
                return answer
            answer = dict(attrs(data[at + 20:at + length]))
            at += length + -length % 4


def resolve():
    answer = ask(new_socket(), CTRL, GETFAMILY, text(FAMILY_NAME, "cordon"))
    group = 0
    for _, one in attrs(answer.get(MCAST_GROUPS, b"")):
        group = struct.unpack("=I", dict(attrs(one))[GROUP_ID])[0]
    return struct.unpack("=H", answer[FAMILY_ID])[0], group


def command(name):
    return N["CORDON_CMD_" + name]


def a(name):
    return N["CORDON_A_" + name]


def old_hash(high, low, slots):
    """The place of an address in the table that the module had, unkeyed."""
    k = (high * FNV_PRIME & M64) ^ low
    return ((k ^ k >> 32) * GOLDEN & M64) >> 32 & slots - 1


def addresses(how, n):
    """n IPv6 addresses; colliding, by going through the unkeyed hash the other way round."""
    slots = 8
    while slots < 2 * n:
        slots *= 2
    inverse, high = pow(GOLDEN, -1, 1 << 64), 0xFD00 << 48
    dice, found = random.Random(11), set()
    while len(found) < n:
        low = dice.getrandbits(64)
        if how == "old":
            k = (low & ~((slots - 1) << 32)) * inverse & M64
            low = k ^ k >> 32 ^ high * FNV_PRIME & M64
        found.add(low)
    if how == "old":
        assert len({old_hash(high, low, slots) for low in found}) == 1
    return [struct.pack("!QQ", high, low) for low in found]


def device(i, segment, own):
    return nest(a("DEVICE"), text(a("DEVICE_NAME"), "d%d" % i),
                attr(a("DEVICE_MAC"), bytes((2, 0)) + struct.pack("!I", i)),
                text(a("DEVICE_SEGMENT"), segment), *(attr(a("DEVICE_ADDRESS"), addr) for addr in own))


def stage(sock, family, objects):
    message = b""
    for one in objects:
        if len(message) + len(one) > MESSAGE:
            ask(sock, family, command("STAGE"), message)
            message = b""
        message += one
    ask(sock, family, command("STAGE"), message)


def begin(sock, family):
    ask(sock, family, command("BEGIN"))


def staged(family, objects):
    sock = new_socket()
    begin(sock, family)
    stage(sock, family, objects)
    return sock


def policy(how, n):
    found = addresses(how, n)
    return [number(a("MODE"), N["CORDON_MODE_OBSERVE"]), nest(a("SEGMENT"), text(a("SEGMENT_NAME"), "iot"))] + \
        [device(i, "iot", found[i * 16:i * 16 + 16]) for i in range((n + 15) // 16)]


def commit(sock, family):
    start = time.monotonic()
    ask(sock, family, command("COMMIT"))
    return (time.monotonic() - start) * 1000


def run_commit(how, n):
    family, _ = resolve()
    print("%.0f" % commit(staged(family, policy(how, int(n))), family))


def bother(family, over, times):
    """What whoever has nothing to do with the policy does all the time."""
    name = text(a("SEGMENT_NAME"), "quarantine")
    while not over.is_set():
        start = time.monotonic()
        sock = new_socket()
        ask(sock, family, command("SEGMENT_GET"), nest(a("SEGMENT"), name))
        sock.close()
        times.append((time.monotonic() - start) * 1000)


def run_busy(n):
    family, _ = resolve()
    objects = policy("random", int(n))
    # One that is in force, so that there is something to ask for.
    commit(staged(family, objects[:3]), family)
    sock, over, times = staged(family, objects), threading.Event(), []
    other = threading.Thread(target=bother, args=(family, over, times))
    other.start()
    took = commit(sock, family)
    over.set()
    other.join()
    print("%.0f %d %.0f" % (took, len(times), max(times)))


def run_begin(n):
    family, _ = resolve()
    open_ones = []
    for i in range(int(n)):
        open_ones.append(new_socket())
        begin(open_ones[-1], family)
        print("begun", i + 1, flush=True)


def run_join():
    _, group = resolve()
    try:
        new_socket().setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, group)
    except PermissionError as error:
        raise Refused("not permitted") from error


def say_and_wait(path):
    with open(path, "w", encoding="ascii") as file:
        file.write("ready\n")
    sys.stdin.readline()


def run_wait(path):
    sock = new_socket()
    joined = 0
    for group in range(1, 32):
        try:
            sock.setsockopt(SOL_NETLINK, ADD_MEMBERSHIP, group)
            joined += 1
        except OSError:
            pass
    say_and_wait(path)
    family, group = resolve()
    sock.setblocking(False)
    heard = 0
    try:
        while True:
            heard += struct.unpack_from("=IH", sock.recv(65536))[1] == family
    except BlockingIOError:
        pass
    print("%d of %s" % (heard, "a number that was free" if joined and group < 32 else "none"))


def run_hold(path):
    family, _ = resolve()
    dice = random.Random(os.getpid())
    objects = [nest(a("SEGMENT"), text(a("SEGMENT_NAME"), "s%d" % i)) for i in range(60)]
    for i in range(1024):
        own = [struct.pack("!QQ", 0xFD00 << 48, dice.getrandbits(64)) for _ in range(16)]
        objects.append(device(i, "s%d" % (i % 60), own))
    # Two in force, as one awaits confirmation, and one being staged.
    commit(staged(family, objects), family)
    sock = staged(family, objects)
    ask(sock, family, command("COMMIT"), number(a("CONFIRM"), 3600))
    kept = staged(family, objects)
    say_and_wait(path)
    kept.close()


try:
    globals()["run_" + sys.argv[1]](*sys.argv[2:])
except Refused as why:
    print("refused:", why)
    sys.exit(1)

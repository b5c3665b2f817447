#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""xdp.py INTERFACE: a generic XDP program on it that lets everything pass, until somebody takes it off."""
import ctypes
import os
import socket
import struct
import sys

BPF_PROG_LOAD, BPF_PROG_TYPE_XDP, XDP_PASS = 5, 6, 2
SYS_BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]
RTM_SETLINK, NLM_F_REQUEST, NLM_F_ACK, NLM_F_NESTED = 19, 1, 4, 0x8000
IFLA_XDP, IFLA_XDP_FD, IFLA_XDP_FLAGS, XDP_FLAGS_SKB_MODE = 43, 1, 3, 2


def load():
    # r0 = XDP_PASS; exit
    code = ctypes.create_string_buffer(struct.pack("=BBhiBBhi", 0xb7, 0, 0, XDP_PASS, 0x95, 0, 0, 0))
    licence = ctypes.create_string_buffer(b"GPL")
    attr = ctypes.create_string_buffer(
        struct.pack("=IIQQ", BPF_PROG_TYPE_XDP, 2, ctypes.addressof(code), ctypes.addressof(licence)), 120)
    libc = ctypes.CDLL(None, use_errno=True)
    fd = libc.syscall(SYS_BPF, BPF_PROG_LOAD, attr, len(attr))
    if fd < 0:
        sys.exit(f"bpf: {os.strerror(ctypes.get_errno())}")
    return fd


def attach(fd, ifindex):
    values = b"".join(struct.pack("=HHI", 8, kind, value) for kind, value in
                      ((IFLA_XDP_FD, fd), (IFLA_XDP_FLAGS, XDP_FLAGS_SKB_MODE)))
    body = struct.pack("=BxHiII", socket.AF_UNSPEC, 0, ifindex, 0, 0)
    body += struct.pack("=HH", 4 + len(values), IFLA_XDP | NLM_F_NESTED) + values
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0) as s:
        s.send(struct.pack("=IHHII", 16 + len(body), RTM_SETLINK, NLM_F_REQUEST | NLM_F_ACK, 1, 0) + body)
        error, = struct.unpack_from("=i", s.recv(65536), 16)
    if error:
        sys.exit(f"{sys.argv[1]}: {os.strerror(-error)}")


attach(load(), socket.if_nametoindex(sys.argv[1]))

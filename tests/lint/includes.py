#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""includes.py [ROOT]: which room of the code may see which other, checked by what files include.

The kernel module: the core sees itself and the uapi header, the state sees the core, the adapters see
state and core but never one another; main.c orders them all. User space: every folder may use lib,
lib uses none, draw lib alone; pki and device never see nl, nl never sees pki. The processes of serve
never see one another, only what they have in common; front, signer and page see neither kernel nor registry. What is measured,
and what is run for an alert, comes from the history or the caller: neither sees kernel, registry or certificates.
etcd's client knows nothing of what is kept there.

In the kernel module there is no circle, either: where one file needs another (a .c and its .h are one, and so
are the files of an adapter, and those of TLS inspection), that one needs it by no way back.
"""
import os
import re
import sys

ROOT = sys.argv[1] if len(sys.argv) > 1 else "."

# What the core may take from the kernel: nothing that needs a context, a lock or memory.
CORE_MAY = re.compile(
    r"linux/(types|errno|string|sort|bsearch|minmax|build_bug|bits|bitops|limits|math64|overflow|"
    r"stddef|compiler|align|in6?|if_ether|hash|jhash|siphash)\.h$|asm/byteorder\.h$|"
    r"(linux|asm)/unaligned\.h$|vdso/.*\.h$")
# Its shim for user space is the one file that sees the C library.
CORE_SHIM = "kernel/core/types.h"

ADAPTERS = ("hook", "netlink", "sysfs")
# The tracepoints are like a print: all but the core may use them.
MODULE = {"core", "uapi", "state", "trace"}
MAY_SEE = {
    "core": {"core", "uapi"},
    "trace": {"core", "uapi", "state", "trace"},
    "state": MODULE,
    **{a: MODULE | {a} for a in ADAPTERS},
    "main": MODULE | set(ADAPTERS),
    "user/lib": {"core", "uapi", "user/lib"},
    "user/page": {"core", "uapi", "user/lib", "user/history", "user/page"},
    "user/draw": {"core", "uapi", "user/lib", "user/draw"},
    "user/metrics": {"core", "uapi", "user/lib", "user/history", "user/serve/common", "user/metrics"},
    # base64 is the device's, as EST needs it there.
    "user/etcd": {"core", "uapi", "user/lib", "user/device", "user/etcd"},
    # It joins etcd, registry and kernel; it sees no certificate's key, and no process of serve.
    "user/fleet": {"core", "uapi", "user/lib", "user/etcd", "user/store", "user/nl", "user/priv", "user/audit",
                   "user/state", "user/serve/common", "user/fleet"},
    "user/notify": {"core", "uapi", "user/lib", "user/notify"},
}
PROCESSES = ("front", "agent", "signer", "page")
MAY_NOT_SEE = {
    "user/pki": {"user/nl"},
    "user/device": {"user/nl"},
    "user/nl": {"user/pki"},
    "user/serve/common": {"user/nl", *(f"user/serve/{p}" for p in PROCESSES)},
    "user/serve/front": {"user/nl", "user/store", "user/serve/agent", "user/serve/signer", "user/serve/page"},
    "user/serve/agent": {"user/serve/front", "user/serve/signer", "user/serve/page"},
    "user/serve/signer": {"user/nl", "user/store", "user/serve/front", "user/serve/agent", "user/serve/page"},
    "user/serve/page": {"user/nl", "user/store", "user/serve/front", "user/serve/agent", "user/serve/signer"},
}


def room(path):
    parts = path.split("/")
    if path.startswith("include/uapi/"):
        return "uapi"
    if parts[0] == "userspace":
        return "/".join(["user", *parts[1:-1]])
    if parts[0] != "kernel" or parts[1] == "compat":
        return None
    if parts[1] == "core":
        return "core"
    name = re.match(r"[a-z0-9]+", parts[1])[0]
    return name if name in MAY_SEE else "state"


def resolve(including, name):
    """The file of this tree that is meant, or None."""
    for base in (os.path.dirname(including), "kernel", "kernel/core", "include", "include/uapi", "userspace"):
        path = os.path.normpath(os.path.join(base, name))
        if os.path.exists(os.path.join(ROOT, path)):
            return path
    return None


def faults(path):
    here = room(path)
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if not (m := re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)):
                continue
            target = resolve(path, m[1])
            there = room(target) if target else None
            if there:
                allowed = there in MAY_SEE[here] if here in MAY_SEE else (
                    there.startswith("user") and there not in MAY_NOT_SEE.get(here, ())
                    or there in ("core", "uapi"))
            else:
                allowed = here != "core" or path == CORE_SHIM or CORE_MAY.match(m[1])
            if not allowed:
                yield f"{path}:{number}: {here} may not include {m[1]}" + (f" ({there})" if there else "")


def unit(path):
    """What a file of the module belongs to; None for others."""
    if not path.startswith("kernel/") or path.startswith("kernel/compat/"):
        return None
    name = path[len("kernel/"):-2]
    if re.match(r"inspect(_.*|ion)?$", name):
        return "inspect"
    return next((a for a in ADAPTERS if name.startswith(a)), name)


def circle(needs):
    """One way that leads back to where it began, or None."""
    done, way = set(), []

    def follow(at):
        if at in way:
            return way[way.index(at):] + [at]
        if at in done:
            return None
        way.append(at)
        for other in sorted(needs.get(at, ())):
            if back := follow(other):
                return back
        done.add(way.pop())
        return None

    return next(filter(None, map(follow, sorted(needs))), None)


def needed(path):
    with open(os.path.join(ROOT, path), encoding="utf-8") as file:
        for m in filter(None, (re.match(r'\s*#\s*include\s*"([^"]+)"', line) for line in file)):
            target = resolve(path, m[1])
            if target and (there := unit(target)) and there != unit(path):
                yield there


found, seen, needs = [], 0, {}
for top in ("kernel", "userspace"):
    for folder, _, names in os.walk(os.path.join(ROOT, top)):
        for source in sorted(names):
            relative = os.path.relpath(os.path.join(folder, source), ROOT)
            if source.endswith((".c", ".h")) and not source.endswith(".mod.c") and room(relative):
                seen += 1
                found += faults(relative)
                if unit(relative):
                    needs.setdefault(unit(relative), set()).update(needed(relative))
if not seen:
    found = ["no source found"]
if way := circle(needs):
    found.append("kernel: a circle: " + " needs ".join(way))
for fault in found:
    print(fault)
sys.exit(bool(found))

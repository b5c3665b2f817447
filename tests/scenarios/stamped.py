#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""stamped.py DEVICE OUT N NAME FORBID ALLOW: traffic of a device leaves by the interface OUT on a connection that has
its stamp. N times: FORBID, a command; from then on no packet may leave; ALLOW; from then on it flows again. All packets
of the device take one queue, so once one of them was denied, those before it are through."""
import subprocess
import sys
import time

device, out, times, name, forbid, allow = sys.argv[1:]
WAIT = 20


def read(path):
    with open(path, encoding="ascii") as file:
        return int(file.read())


def left():
    return read("/sys/class/net/%s/statistics/tx_packets" % out)


def denied():
    return read("/sys/kernel/cordon/devices/%s/denied" % device)


def grows(what, by):
    """Wait until a counter has grown so far."""
    start, end = what(), time.monotonic() + WAIT
    while what() < start + by:
        if time.monotonic() > end:
            return False
    return True


wrong = late = 0
flows = grows(left, 50)
print("%s %s: control: traffic flows" % ("ok" if flows else "not ok", name))
for _ in range(int(times)):
    subprocess.run(forbid, shell=True, check=True, stdout=subprocess.DEVNULL)
    at_once = left()
    if not grows(denied, 2):
        wrong += 1
        break
    before = left()
    late += before - at_once
    grows(denied, 5)
    wrong += left() - before
    subprocess.run(allow, shell=True, check=True, stdout=subprocess.DEVNULL)
    if not grows(left, 5):
        flows = False
        break
print("# %s: %d packets were on their way when it was forbidden" % (name, late))
print("%s %s: %s times, not one packet passed" % ("not ok" if wrong or late > int(times) else "ok", name, times))
print("%s %s: it flowed again each time" % ("ok" if flows else "not ok", name))

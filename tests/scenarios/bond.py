#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The cases of bond.sh: somebody behind lan1 claims to be from the internet while lan1 gets into a bond, and out of it."""
import subprocess
import time

from wire import *

POLICY = """
version: 1
ports: [lan0, lan1]
uplinks: [wan0, plant0, "bond*"]
segments:
  iot_zone: {}
  wan: {networks: [0.0.0.0/0, "::/0"]}
rules:
  - {from: wan, to: iot_zone, allow: [udp/9]}
devices:
  - {name: cam, mac: "%s", network_segment: iot_zone, addresses: [%s, "%s"]}
""" % (CAM_MAC, CAM, CAM6)
FAMILIES = (("IPv4", "198.51.100.7", CAM), ("IPv6", "2001:db8:99::7", CAM6))
STRANGER = "02:00:00:00:09:09"
w = Wire()


def datagram(src, dst):
    return lambda mark: ip(src, dst, UDP, udp(1000, 9, mark))


def link(*words):
    return Wire.run("ip", "link", *words)


def while_it_runs(name, *words):
    """Frames of a stranger behind lan1, as long as a command takes"""
    marks = {family: [] for family, _, _ in FAMILIES}
    command = subprocess.Popen(("ip", "link", *words))
    while command.poll() is None:
        for family, src, dst in FAMILIES:
            mark = w.mark()
            try:
                w.send("lock", datagram(src, dst)(mark), mac=STRANGER)
                marks[family].append(mark)
            except OSError:
                # Newer kernels say so while the other end is down.
                pass
        time.sleep(0.002)
    after = w.mark()
    w.send("inet", datagram(INET, CAM)(after))
    seen = w.arrived("cam", after, [m for sent in marks.values() for m in sent])
    w.check(name + ": a frame of an uplink arrives", True, after in seen)
    for family, sent in marks.items():
        w.check("%s: enough were sent, %s" % (name, family), True, len(sent) >= 10)
        w.check("%s: none of a stranger's arrives, %s" % (name, family), 0, sum(m in seen for m in sent))


def settled(role):
    """What bond9 is to the policy, before long"""
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        said = subprocess.run(("cordonctl", "show", "interfaces"), check=True, capture_output=True, text=True).stdout
        if any(line.split()[:2] == ["bond9", role] for line in said.splitlines()):
            return True
    return False


def bond(mode):
    """A bond of that mode as an uplink, which a port gets into and leaves"""
    link("add", "bond9", "type", "bond", "mode", mode, "all_slaves_active", "1", "miimon", "100")
    Wire.run("ip", "addr", "add", "10.0.90.1/24", "dev", "bond9")
    link("set", "lan1", "down")
    # The bond takes the MAC of its first member.
    link("set", "bond9", "up")
    w.check(mode + ": the bond is an uplink", True, settled("uplink"))
    while_it_runs(mode + ": getting in", "set", "lan1", "master", "bond9")
    w.check(mode + ": the bond is closed", True, settled("closed"))
    while_it_runs(mode + ": getting out", "set", "lan1", "nomaster")
    w.check(mode + ": the bond is an uplink again", True, settled("uplink"))
    link("del", "bond9")


def fails():
    """A link that is announced and not made: what was closed for it is open again."""
    link("add", "bond9", "type", "bond", "mode", "balance-rr")
    link("set", "bond9", "up")
    w.check("a bond that nothing gets into is an uplink", True, settled("uplink"))
    link("add", "br9", "type", "bridge")
    # It is told that it joins, and then fails: its frames are the macvlan's.
    link("add", "link", "lan1", "name", "mv9", "type", "macvlan")
    w.check("a port that cannot get in", True, link("set", "lan1", "master", "bond9") != 0)
    w.check("the bond is an uplink after that", True, settled("uplink"))
    link("del", "mv9")
    link("set", "lan1", "master", "br9")
    w.check("a port that gets into something else: the bond is an uplink", True, settled("uplink"))
    link("del", "br9")
    link("set", "lan1", "down")
    w.check("one that can", 0, link("set", "lan1", "master", "bond9"))
    link("del", "bond9")
    link("set", "lan1", "up")


def main():
    w.apply(POLICY)
    w.mute("cam")
    w.flush()
    for family, src, dst in FAMILIES:
        w.passes("a host on an uplink, %s" % family, "plant", "cam", datagram(src, dst))
    for mode in ("balance-rr", "balance-xor", "active-backup"):
        bond(mode)
    fails()


main()

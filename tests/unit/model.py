#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""model.py VERDICT [SEED]: random policies and flows, judged by a naive model and by the program VERDICT.

The model is written from what the manuals promise and shares nothing with the core: lists are walked,
addresses are Python's, every rule is looked at. Prints TAP.
"""
import ipaddress
import json
import os
import random
import subprocess
import sys
import tempfile

POLICIES = 500
FLOWS = 20		# of each policy
DOORS = 4		# of each policy, besides

TCP, UDP, ICMP, ICMP6, GRE, SCTP = 6, 17, 1, 58, 47, 132
NAMES = {"tcp": TCP, "udp": UDP, "icmp": ICMP, "icmp6": ICMP6, "gre": GRE, "47": GRE, "sctp": SCTP}
TYPES = {("icmp", "echo-request"): 8, ("icmp", "echo-reply"): 0, ("icmp6", "echo-request"): 128,
         ("icmp6", "nd-neighbor-solicit"): 135}
# Open to every device that is not quarantined: DNS, DHCP, enrolment, check-in, the link's upkeep.
SERVICES = {(UDP, 53), (UDP, 67), (UDP, 123), (UDP, 547), (TCP, 53), (TCP, 8443), (TCP, 8883)} | {
    (ICMP6, t) for t in (131, 132, 133, 135, 136, 143)}
NEIGHBOURS = {(ICMP6, 135), (ICMP6, 136)}


# The model.

def allows(match, proto, port):
    if match == "any":
        return True
    name, _, what = match.partition("/")
    if NAMES[name] != proto:
        return False
    if what in ("*", ""):
        return True
    if (name, what) in TYPES:
        return TYPES[name, what] == port
    low, _, high = what.partition("-")
    return int(low) <= port <= int(high or low)


def device_at(policy, address):
    for device in policy["devices"]:
        if address in [ipaddress.ip_address(a) for a in device["addresses"]]:
            return device
    return None


def state_of(policy, device, posture):
    segment = policy["segments"].get(device["network_segment"], {})
    must = "certificate" in (device.get("authentication"), segment.get("authentication"))
    if posture["quarantined"]:
        return "quarantined"
    if must and not posture["leased"]:
        return "expired" if posture["was_leased"] else "onboarding"
    return "outdated" if posture["outdated"] else "active"


def network_segment(policy, address):
    best, found = -1, "-"
    for name, segment in policy["segments"].items():
        for text in segment.get("networks", []):
            network = ipaddress.ip_network(text)
            if network.version == address.version and address in network and network.prefixlen > best:
                best, found = network.prefixlen, name
    return found


def end(policy, postures, text):
    """(segment, state); the state of what is no device is "-"."""
    if text == "gateway":
        return "gateway", "-"
    address = ipaddress.ip_address(text)
    device = device_at(policy, address)
    if not device:
        return network_segment(policy, address), "-"
    state = state_of(policy, device, postures[device["name"]])
    held = {"quarantined": "quarantine", "outdated": "update", "onboarding": "onboarding",
            "expired": "onboarding"}
    return held.get(state, device["network_segment"]), state


def is_service(segment, proto, port):
    if segment != "quarantine":
        return (proto, port) in SERVICES
    # What the gateway opens to it, and rules from quarantine, need the neighbour.
    return (proto, port) in NEIGHBOURS


def isolates(policy, segment):
    return policy["segments"].get(segment, {}).get("isolate", True)


def judge(policy, source, target, proto, port):
    (here, state), (there, other) = source, target
    if "-" in (here, there):
        return "unjudged"
    if here == "gateway":
        return "pass"
    opened = [r for r in policy["rules"] if (r["from"], r["to"]) == (here, there)
              and any(allows(m, proto, port) for m in r["allow"])]
    if opened:
        return "pass,plaintext" if any(r.get("plaintext") for r in opened) else "pass"
    if state != "-" and there == "gateway" and is_service(here, proto, port):
        return "pass"
    both = state != "-" and other != "-"
    if here == there and not (both and isolates(policy, here)):
        return "pass"
    return "unauthenticated" if state in ("onboarding", "expired") else "segment_violation"


def door(policy, mac, port, source):
    device = next((d for d in policy["devices"] if d["mac"] == mac), None)
    if not device:
        return "unknown_device"
    if device.get("port", port) != port:
        return "moved_port"
    return "pass" if device_at(policy, source) is device else "spoofed_source"


# The cases. The pools are small, so that things meet.

def some_address(rng, version):
    if version == 4:
        return ipaddress.ip_address("10.0.%d.%d" % (rng.randrange(4), rng.randrange(1, 24)))
    return ipaddress.ip_address("fd00:0:0:%x::%x" % (rng.randrange(4), rng.randrange(1, 24)))


def some_network(rng):
    version = rng.choice((4, 6))
    length = rng.choice((0, 8, 22, 23, 24, 27, 28, 30, 32) if version == 4 else
                        (0, 8, 48, 62, 63, 64, 123, 124, 127, 128))
    address = rng.choice((some_address(rng, version), some_address(rng, version) + 65536))
    return str(ipaddress.ip_network((address, length), strict=False))


def some_port(rng):
    return rng.choice((1, 53, 67, 68, 80, 123, 443, 546, 547, 8443, 8883, 8884, 65535, rng.randrange(65536)))


def some_match(rng):
    name = rng.choice(("tcp", "tcp", "tcp", "udp", "udp", "icmp", "icmp6", "sctp", "gre", "47"))
    kind = rng.randrange(10)
    if kind == 0:
        return "any"
    if NAMES[name] == GRE:
        return name
    if kind == 1:
        return name + "/*"
    if name in ("icmp", "icmp6"):
        named = [t for n, t in TYPES if n == name]
        return "%s/%s" % (name, rng.choice(named + [str(rng.choice((0, 8, 128, 133, 135, 255)))]))
    if kind < 5:
        return "%s/%d-%d" % (name, *sorted((some_port(rng), some_port(rng))))
    return "%s/%d" % (name, some_port(rng))


def some_segment(rng, taken):
    segment = {}
    if rng.random() < 0.4:
        segment["authentication"] = "certificate"
    if rng.random() < 0.5:
        segment["isolate"] = rng.random() < 0.3
    networks = {some_network(rng) for _ in range(rng.randrange(4))} - taken
    taken |= networks
    if networks:
        segment["networks"] = sorted(networks)
    return segment


def some_device(rng, number, segments, taken):
    addresses = {str(some_address(rng, rng.choice((4, 6)))) for _ in range(rng.randrange(1, 4))} - taken
    taken |= addresses
    device = {"name": "d%d" % number, "mac": "02:00:00:00:00:%02x" % number,
              "network_segment": rng.choice(segments + ["quarantine", "update"][:rng.randrange(3)]),
              "addresses": sorted(addresses)}
    if rng.random() < 0.3:
        device["port"] = rng.choice(("lan0", "lan1"))
    if rng.random() < 0.2:
        device["authentication"] = "certificate"
    return device if addresses else None


def some_rule(rng, segments):
    rule = {"from": rng.choice(segments + ["onboarding", "quarantine", "update"]),
            "to": rng.choice(segments + ["gateway", "gateway", "quarantine", "update"]),
            "allow": [some_match(rng) for _ in range(rng.randrange(1, 5))]}
    if rng.random() < 0.5:
        rule["plaintext"] = rng.random() < 0.8
    return rule


def some_policy(rng):
    taken = set()
    segments = {"s%d" % i: some_segment(rng, taken) for i in range(rng.randrange(1, 5))}
    names, taken = list(segments), set()
    devices = [some_device(rng, i, names, taken) for i in range(rng.randrange(1, 9))]
    return {"version": 1, "ports": ["lan0", "lan1"], "uplinks": ["wan0"], "segments": segments,
            "rules": [some_rule(rng, names) for _ in range(rng.randrange(16))],
            "devices": [d for d in devices if d]}


def some_end(rng, policy, version):
    bound = [a for d in policy["devices"] for a in d["addresses"]
             if ipaddress.ip_address(a).version == version]
    return rng.choice(bound * 3 + [str(some_address(rng, version)),
                                   "203.0.113.9" if version == 4 else "2001:db8::9", "gateway"])


def some_flow(rng, policy):
    version = rng.choice((4, 6))
    proto = rng.choice((TCP, TCP, UDP, ICMP, ICMP6, GRE, SCTP))
    port = 0 if proto == GRE else some_port(rng)
    if proto in (ICMP, ICMP6):
        port = rng.choice((0, 8, 128, 131, 132, 133, 134, 135, 136, 143, rng.randrange(256)))
    return some_end(rng, policy, version), some_end(rng, policy, version), proto, port


def ask(rng, directory, number, cases, expected):
    policy = some_policy(rng)
    path = "%s/%d.yaml" % (directory, number)
    with open(path, "w") as out:
        json.dump(policy, out)		# which is YAML, too
    cases.append("policy " + path)
    postures = {}
    for device in policy["devices"]:
        postures[device["name"]] = p = {k: rng.random() < share for k, share in (
            ("quarantined", 0.15), ("outdated", 0.15), ("leased", 0.6), ("was_leased", 0.5))}
        cases.append("posture %s %d %d %d %d" % (device["name"], *p.values()))
    for _ in range(FLOWS):
        a, b, proto, port = some_flow(rng, policy)
        source, target = end(policy, postures, a), end(policy, postures, b)
        cases.append("flow %s %s %d %d" % (a, b, proto, port))
        expected.append((path, cases[-1], "%s %s %s %s %s" % (
            *source, *target, judge(policy, source, target, proto, port))))
    for _ in range(DOORS):
        mac = "02:00:00:00:00:%02x" % rng.randrange(9)
        port, source = rng.choice(("lan0", "lan1", "wan0")), some_end(rng, policy, rng.choice((4, 6)))
        if source == "gateway":
            source = "198.51.100.1"
        cases.append("door %s %s %s" % (mac, port, source))
        expected.append((path, cases[-1], door(policy, mac, port, ipaddress.ip_address(source))))


def tally(expected):
    counts = {}
    for _, case, answer in expected:
        what = case.split()[0] + " " + answer.split()[-1]
        counts[what] = counts.get(what, 0) + 1
    return counts


def main():
    program, seed = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 1
    rng = random.Random(seed)
    cases, expected = [], []
    with tempfile.TemporaryDirectory() as directory:
        for number in range(POLICIES):
            ask(rng, directory, number, cases, expected)
        path = os.path.join(directory, "cases")
        with open(path, "w") as out:
            out.write("\n".join(cases) + "\n")
        run = subprocess.run([program, path], stdout=subprocess.PIPE, text=True)
        answers = run.stdout.splitlines()
        wrong = [(e, a) for e, a in zip(expected, answers) if e[2] != a]
        for (file, case, answer), got in wrong[:5]:
            print("# %s\n#  model %s\n#  core  %s\n#  policy %s" % (case, answer, got, open(file).read()))
    counts = tally(expected)
    kinds = ["flow pass", "flow pass,plaintext", "flow unjudged", "flow unauthenticated",
             "flow segment_violation", "door pass", "door unknown_device", "door moved_port",
             "door spoofed_source"]
    for kind in kinds:
        print("# %d %s" % (counts.get(kind, 0), kind))
    good = [run.returncode == 0 and len(answers) == len(expected), not wrong,
            all(counts.get(k, 0) >= 50 for k in kinds)]
    print("%sok 1 - every case is answered" % ("" if good[0] else "not "))
    print("%sok 2 - %d flows and %d doors: model and core agree (seed %d)" % (
        "" if good[1] else "not ", POLICIES * FLOWS, POLICIES * DOORS, seed))
    print("%sok 3 - every verdict comes up" % ("" if good[2] else "not "))
    print("1..3")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())

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
PACKETS = 40		# likewise: through the gateway, by its interfaces

TCP, UDP, ICMP, ICMP6, GRE, SCTP, IGMP, ESP = 6, 17, 1, 58, 47, 132, 2, 50
NAMES = {"tcp": TCP, "udp": UDP, "icmp": ICMP, "icmp6": ICMP6, "gre": GRE, "47": GRE, "sctp": SCTP, "igmp": IGMP,
         "esp": ESP}
TYPES = {("icmp", "echo-request"): 8, ("icmp", "echo-reply"): 0, ("icmp6", "echo-request"): 128,
         ("icmp6", "nd-neighbor-solicit"): 135}
LINKS = ("lan0", "lan1", "wan0", "plant0", "other0")
# Open to every device that is not quarantined: DNS, DHCP, NTP, enrolment, check-in, the link's upkeep.
SERVICES = {(UDP, 53), (UDP, 67), (UDP, 123), (UDP, 547), (TCP, 53), (TCP, 8443), (TCP, 8883)} | {
    (ICMP6, t) for t in (131, 132, 133, 135, 136, 143)} | {(IGMP, t) for t in (0x12, 0x16, 0x17, 0x22)}
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


def ports_of(device):
    """Those that it is tied to."""
    return device.get("ports") or ([device["port"]] if "port" in device else [])


def may_be_at(device, port):
    return not ports_of(device) or port in ports_of(device)


def only_port(device):
    """Where it is, if the policy says so."""
    return ports_of(device)[0] if len(ports_of(device)) == 1 else None


def door(policy, mac, port, source):
    device = next((d for d in policy["devices"] if d["mac"] == mac), None)
    if not device:
        return "unknown_device"
    if not may_be_at(device, port):
        return "moved_port"
    return "pass" if device_at(policy, source) is device else "spoofed_source"


# What becomes of a packet, by the interfaces that it comes in on and leaves by.

UNSPECIFIED = ("0.0.0.0", "::")
EVERYBODY = ipaddress.ip_address("255.255.255.255")
STRICT = ("any", "TLS1.2", "TLS1.3")


def is_link_local(address):
    return address.version == 6 and address in ipaddress.ip_network("fe80::/10")


def is_group(address):
    return address.is_multicast or address == EVERYBODY


def role(policy, name):
    if name in policy["ports"]:
        return "port"
    named = [i for s in policy["segments"].values() for i in s.get("interfaces", [])]
    if name == "wan0" or name in named or "plant*" in named and name.startswith("plant"):
        return "uplink"
    return "unlisted"


def is_at(policy, segment, name):
    """Whether a segment's addresses may come in on an uplink."""
    places = policy["segments"].get(segment, {}).get("interfaces")
    return not places or name in places or "plant*" in places and name.startswith("plant")


def on_link(links, address):
    """The interface with the longest network that holds an address."""
    best, found = -1, None
    if is_link_local(address) or str(address) in UNSPECIFIED:
        return None
    for name, own in links.items():
        for interface in own:
            network = interface.network
            if network.version == address.version and address in network and network.prefixlen > best:
                best, found = network.prefixlen, name
    return found


def broadcast_of(links, address):
    for name, own in links.items():
        for interface in own:
            network = interface.network
            if network.version == 4 and network.prefixlen < 31 and network.broadcast_address == address:
                return name
    return None


def mac_in(address):
    """The MAC that a link-local address is derived from, or None."""
    b = address.packed[8:]
    return bytes([b[0] ^ 2, b[1], b[2], b[5], b[6], b[7]]) if b[3:5] == b"\xff\xfe" else None


def may_use(policy, device, address):
    """A link-local address that is not somebody else's by its MAC."""
    if address not in ipaddress.ip_network("fe80::/64") or str(address) == "fe80::":
        return False
    mac = mac_in(address)
    text = mac and ":".join("%02x" % b for b in mac)
    return not mac or text == device["mac"] or all(d["mac"] != text for d in policy["devices"])


def for_the_link(packet, types):
    """Neighbour and router discovery and listener reports; explain takes them to be well formed."""
    proto, port, target = packet["proto"], packet["port"], packet["to"]
    if proto != ICMP6 or port not in types:
        return False
    return port not in (131, 132, 143) or target == "gateway" or is_group(target)


def source_is_own(policy, device, packet):
    source, target = packet["from"], packet["to"]
    owner = device_at(policy, source)
    if owner:
        return owner is device
    if str(source) == "0.0.0.0":
        return (packet["proto"], packet["port"]) == (UDP, 67) and target in ("gateway", EVERYBODY)
    if str(source) == "::":
        # Who solicits a neighbour from there asks for an address of his own.
        asks = packet["port"] != 135 or any(":" in a for a in device["addresses"])
        return asks and for_the_link(packet, (131, 132, 133, 135, 143))
    if not is_link_local(source):
        return False
    upkeep = for_the_link(packet, (131, 132, 133, 135, 136, 143)) or (packet["proto"], packet["port"]) == (UDP, 547)
    near = target == "gateway" or is_link_local(target) or is_group(target)
    return may_use(policy, device, source) and (near or upkeep)


def segments_on(policy, links, name):
    """Those on the link of an uplink: that name it; else of the networks that its addresses lie in."""
    named = [s for s, v in policy["segments"].items() if v.get("interfaces") and is_at(policy, s, name)]
    return named or own_segments(policy, links, name)


def own_segments(policy, links, name):
    return list(dict.fromkeys(network_segment(policy, i.ip) for i in links[name] if not is_link_local(i.ip)))


def demand_of(policy, who):
    segment = policy["segments"].get(who["segment"], {})
    return STRICT.index(who.get("encryption") or segment.get("encryption", "any"))


def behind(policy, links, port):
    """The segments behind a port, and the strictest demand of their devices there."""
    found = {}
    for device in policy["devices"]:
        near = any(ipaddress.ip_address(a) in i.network for a in device["addresses"] for i in links[port]
                   if ipaddress.ip_address(a).version == i.version)
        if port in ports_of(device) or not ports_of(device) and near:
            segment = device["network_segment"]
            demand = demand_of(policy, {"segment": segment, "encryption": device.get("encryption")})
            found[segment] = max(demand, found.get(segment, 0))
    order = ["quarantine", "update"] + list(policy["segments"])
    return [(s, found[s]) for s in order if s in found]


def open_to(policy, source, target, packet):
    """The verdict, what must be encrypted where no rule lifts that, whether related ones are admitted."""
    verdict = judge(policy, source[:2], target[:2], packet["proto"], packet["port"])
    if not verdict.startswith("pass"):
        return verdict, 0, False
    rules = [r for r in policy["rules"] if (r["from"], r["to"]) == (source[0], target[0])
             and any(allows(m, packet["proto"], packet["port"]) for m in r["allow"])]
    free = verdict == "pass,plaintext" or not rules and target[0] == "gateway"
    return "pass", 0 if free else max(source[2], target[2]), any(r.get("related") for r in rules)


def say(verdict, demand, related):
    if verdict != "pass":
        return verdict
    return verdict + ("," + STRICT[demand] if demand else "") + (",related" if related else "")


def sender(policy, postures, links, packet):
    """What its source is refused for, or None; and its end."""
    device, source = packet["device"], packet["from"]
    came = packet["in"]
    if device and not came:
        came = only_port(device)
        kind = "port"
    else:
        came = came or on_link(links, source)
        kind = role(policy, came) if came else "uplink"
    if device:
        here = end(policy, postures, device["addresses"][0])
        here += (demand_of(policy, {"segment": here[0], "encryption": device.get("encryption")}),)
    elif kind != "uplink":
        here = ("-", "-", 0)
    elif str(source) in UNSPECIFIED or is_link_local(source):
        one = segments_on(policy, links, came) if came else []
        one = one if len(one) == 1 else own_segments(policy, links, came) if came else []
        here = (one[0] if len(one) == 1 else "-", "-", 0)
    else:
        here = (network_segment(policy, source), "-", 0)
    if kind == "unlisted":
        return "unlisted", here, kind, came
    if kind == "port":
        if not device:
            return "unknown_device", here, kind, came
        if came and not may_be_at(device, came):
            return "moved_port", here, kind, came
        if not source_is_own(policy, device, packet):
            return "spoofed_source", here, kind, came
        # No device is a router: advertisements and redirects.
        return "rogue_ra" if (packet["proto"], packet["port"]) in ((ICMP6, 134), (ICMP6, 137)) else None, here, kind, came
    foreign = device_at(policy, source) or came and str(source) not in UNSPECIFIED and \
        not is_link_local(source) and not is_at(policy, network_segment(policy, source), came)
    return "spoofed_source" if foreign else None, here, kind, came


def to_here(policy, packet, here, kind):
    proto, port = packet["proto"], packet["port"]
    upkeep = proto == IGMP or proto == ICMP6 and (130 <= port <= 137 and port != 133 or port == 143) or \
        (proto, port) == (UDP, 68 if packet["from"].version == 4 else 546)
    if kind == "uplink" and upkeep:
        return "pass"
    return say(*open_to(policy, here, ("gateway", "-", 0), packet))


def to_many(policy, links, packet, here, name, own):
    if role(policy, name) == "unlisted":
        return "unlisted"
    if own:
        return "unjudged"
    reach = behind(policy, links, name) if name in policy["ports"] else \
        [(s, 0) for s in segments_on(policy, links, name)]
    related = False
    for segment, demand in reach:
        verdict, must, related = open_to(policy, here, (segment, "-", demand), packet)
        # A device does not reach others of a segment that isolates them.
        if verdict == "pass" and here[:1] == (segment,) and here[1] != "-" and isolates(policy, segment) \
                and not any((r["from"], r["to"]) == (segment, segment)
                            and any(allows(m, packet["proto"], packet["port"]) for m in r["allow"])
                            for r in policy["rules"]):
            return "segment_violation"
        if verdict != "pass":
            return verdict
        if must:
            return "plaintext"
    return say("pass", 0, related) if reach else "unjudged"


def to_one(policy, postures, links, packet, here, came):
    address = packet["to"]
    device = device_at(policy, address)
    out = packet["out"] or (came if is_link_local(address) else on_link(links, address))
    if not out and not is_link_local(address) and device:
        out = only_port(device)
    there = end(policy, postures, str(address))
    there += (demand_of(policy, {"segment": there[0], "encryption": device.get("encryption")}) if device else 0,)
    if out and role(policy, out) == "unlisted" and here[0] != "gateway":
        verdict = "unlisted"
    elif out and device and not may_be_at(device, out):
        verdict = "moved_port"
    elif here[0] == "gateway":
        verdict = "pass"
    else:
        if not device and out in policy["ports"]:
            there = ("-", "-", 0)
        verdict = say(*open_to(policy, here, there, packet))
    return "%s:%s" % (out or "-", verdict)


def through(policy, postures, links, packet):
    """What verdict says of a packet."""
    gateway = packet["from"] == "gateway"
    if gateway:
        refused, here, kind, came = None, ("gateway", "-", 0), None, packet["in"]
    else:
        refused, here, kind, came = sender(policy, postures, links, packet)
    if refused:
        return "-:" + refused
    target = packet["to"]
    if target == "gateway" or any(target == i.ip for own in links.values() for i in own) and \
            not is_group(target) and not broadcast_of(links, target):
        return "here:" + ("pass" if gateway else to_here(policy, packet, here, kind))
    near = broadcast_of(links, target)
    if not near and not is_group(target):
        return to_one(policy, postures, links, packet, here, came)
    answers = [] if gateway or packet["out"] else ["here:" + to_here(policy, packet, here, kind)]
    far = target.version == 6 and (target.packed[1] & 15) > 2 or target.version == 4 and \
        target != EVERYBODY and target not in ipaddress.ip_network("224.0.0.0/24")
    # Good for its link only.
    own = not gateway and (str(packet["from"]) in UNSPECIFIED or is_link_local(packet["from"]))
    far = far and not own
    only = packet["out"] or near
    for name in links:
        if name == came and not only:
            continue
        if name == only if only else far and role(policy, name) != "unlisted":
            answers.append("%s:%s" % (name, "pass" if gateway else to_many(policy, links, packet, here, name, own)))
    return " ".join(answers)


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
        if rng.random() < 0.3:
            segment["interfaces"] = rng.choice((["plant*"], ["plant0"], ["wan0"], ["plant0", "wan0"]))
    if rng.random() < 0.4:
        segment["encryption"] = rng.choice(STRICT + ("TLS1.2", "TLS1.2"))
    return segment


def some_device(rng, number, segments, taken):
    addresses = {str(some_address(rng, rng.choice((4, 6)))) for _ in range(rng.randrange(1, 4))} - taken
    taken |= addresses
    device = {"name": "d%d" % number, "mac": "02:00:00:00:00:%02x" % number,
              "network_segment": rng.choice(segments + ["quarantine", "update"][:rng.randrange(3)]),
              "addresses": sorted(addresses)}
    if rng.random() < 0.3:
        device["port"] = rng.choice(("lan0", "lan1"))
    elif rng.random() < 0.3:
        device["ports"] = rng.sample(("lan0", "lan1"), rng.randrange(1, 3))
    if rng.random() < 0.2:
        device["authentication"] = "certificate"
    if rng.random() < 0.15:
        device["encryption"] = "TLS1.3"		# a segment demands no more
    return device if addresses else None


def some_rule(rng, segments):
    rule = {"from": rng.choice(segments + ["onboarding", "quarantine", "update"]),
            "to": rng.choice(segments + ["gateway", "gateway", "quarantine", "update"]),
            "allow": [some_match(rng) for _ in range(rng.randrange(1, 5))]}
    if rng.random() < 0.5:
        rule["plaintext"] = rng.random() < 0.8
    if rng.random() < 0.3:
        rule["related"] = rng.random() < 0.8
    return rule


def some_policy(rng):
    taken = set()
    segments = {"s%d" % i: some_segment(rng, taken) for i in range(rng.randrange(1, 5))}
    if rng.random() < 0.5 and not taken & {"0.0.0.0/0", "::/0"}:
        segments["s0"].setdefault("networks", []).extend(["0.0.0.0/0", "::/0"])
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


def some_links(rng):
    links = {}
    for name in LINKS:
        own = []
        for _ in range(rng.randrange(3)):
            address = some_address(rng, rng.choice((4, 6)))
            length = rng.choice((22, 24, 27, 28, 30, 31, 32) if address.version == 4 else (62, 64, 124, 127, 128))
            own.append(ipaddress.ip_interface("%s/%d" % (address, length)))
        if rng.random() < 0.5:
            own.append(ipaddress.ip_interface("fe80::1/64"))
        links[name] = own
    return links


def some_source(rng, policy, version):
    if rng.random() < 0.2:
        return ipaddress.ip_address("0.0.0.0" if version == 4 else "::")
    if version == 6 and rng.random() < 0.3:
        return ipaddress.ip_address(rng.choice(("fe80::1234", "fe80::200:ff:fe00:%x" % rng.randrange(9), "fe80:1::5")))
    text = some_end(rng, policy, version)
    return some_address(rng, version) if text == "gateway" else ipaddress.ip_address(text)


def some_target(rng, policy, links, version):
    kind = rng.randrange(6)
    if kind < 2:
        return ipaddress.ip_address(rng.choice(("239.1.1.1", "224.0.0.251", "255.255.255.255") if version == 4 else
                                               ("ff05::1", "ff02::fb", "ff02::1", "ff0e::7")))
    own = [i for name in links for i in links[name] if i.version == version]
    if kind == 2 and own:
        interface = rng.choice(own)
        return interface.network.broadcast_address if version == 4 and rng.random() < 0.7 else interface.ip
    if kind == 3 and version == 6:
        return ipaddress.ip_address(rng.choice(("fe80::1", "fe80::99")))
    text = some_end(rng, policy, version)
    return text if text == "gateway" else ipaddress.ip_address(text)


def some_packet(rng, policy, links):
    version = rng.choice((4, 6))
    _, _, proto, port = some_flow(rng, policy)
    if rng.random() < 0.2:
        proto, port = rng.choice(((UDP, 67), (UDP, 68), (UDP, 547), (UDP, 546), (ICMP6, 135), (ICMP6, 143),
                                  (IGMP, 0x16), (IGMP, 0x11), (ESP, 0)))
    source = some_source(rng, policy, version)
    packet = {"device": device_at(policy, source), "from": source, "to": some_target(rng, policy, links, version),
              "in": rng.choice((None,) * 6 + LINKS[:4] + LINKS), "out": rng.choice((None,) * 9 + LINKS),
              "proto": proto, "port": port}
    if rng.random() < 0.1:
        packet["device"] = rng.choice(policy["devices"] + [None])
    elif not packet["device"] and packet["in"] in policy["ports"] and rng.random() < 0.7:
        packet["device"] = rng.choice(policy["devices"] or [None])
    if packet["in"] not in policy["ports"] and packet["in"]:
        packet["device"] = None		# of an uplink no MAC is looked at
    if rng.random() < 0.05:
        packet.update({"from": "gateway", "device": None, "in": None})
    return packet


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
    links = some_links(rng)
    cases.extend("link %s %s" % (name, " ".join(str(i) for i in own)) for name, own in links.items())
    for _ in range(PACKETS):
        packet = some_packet(rng, policy, links)
        cases.append("packet %s %s %s %s %s %d %d" % (
            packet["device"]["name"] if packet["device"] else "-", packet["from"], packet["in"] or "-", packet["to"],
            packet["out"] or "-", packet["proto"], packet["port"]))
        expected.append((path, cases[-1], through(policy, postures, links, packet)))


def tally(expected):
    counts = {}
    for _, case, answer in expected:
        kind = case.split()[0]
        for word in answer.split() if kind == "packet" else answer.split()[-1:]:
            what = kind + " " + word.partition(":")[2] if kind == "packet" else kind + " " + word
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
             "door spoofed_source"] + ["packet " + k for k in (
                 "pass", "pass,TLS1.2", "pass,TLS1.3", "pass,related", "unjudged", "unauthenticated",
                 "segment_violation", "unknown_device", "moved_port", "spoofed_source", "unlisted", "plaintext")]
    for kind in kinds:
        print("# %d %s" % (counts.get(kind, 0), kind))
    good = [run.returncode == 0 and len(answers) == len(expected), not wrong,
            all(counts.get(k, 0) >= 20 for k in kinds)]
    print("%sok 1 - every case is answered" % ("" if good[0] else "not "))
    print("%sok 2 - %d flows, %d doors and %d packets: model and core agree (seed %d)" % (
        "" if good[1] else "not ", POLICIES * FLOWS, POLICIES * DOORS, POLICIES * PACKETS, seed))
    print("%sok 3 - every verdict comes up" % ("" if good[2] else "not "))
    print("1..3")
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())

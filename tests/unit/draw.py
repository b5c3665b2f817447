#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""draw.py VERB FILE ...: what a reader sees in the picture of a policy. Says what is wrong, and fails; or says nothing.

sound FILE               it is XML, nothing in it runs or comes from elsewhere, it has its words and fits its size
cells FILE POLICY        in it is what the policy's rules open, and nothing else
agrees FILE POLICY CTL   it says of each pair what `cordonctl explain` says
contrast FILE            text can be read on its ground, light and dark
"""
import json
import re
import subprocess
import sys
import xml.etree.ElementTree as ET

import yaml

SVG = "{http://www.w3.org/2000/svg}"
MAY_BE = {"svg", "title", "desc", "style", "rect", "g", "text", "path", "circle"}
MAY_HAVE = {"class", "role", "width", "height", "viewBox", "aria-labelledby", "id", "x", "y", "rx", "d", "cx", "cy", "r",
            "data-from", "data-to", "transform"}


def sound(root):
    for e in root.iter():
        name = e.tag.removeprefix(SVG)
        if name not in MAY_BE:
            yield f"an element <{name}>"
        yield from (f"<{name}> has {a}" for a in set(e.attrib) - MAY_HAVE)
    width, height = int(root.get("width")), int(root.get("height"))
    if root.get("viewBox") != f"0 0 {width} {height}":
        yield f"viewBox {root.get('viewBox')}"
    named = {e.get("id") for e in root if e.tag in (SVG + "title", SVG + "desc") and e.text}
    if set(root.get("aria-labelledby").split()) != named:
        yield "no title, no desc, or they are not those that it is labelled by"
    boxes = []
    for e in root.iter(SVG + "rect"):
        x, y, w, h = (int(e.get(a, 0)) for a in ("x", "y", "width", "height"))
        if x < 0 or y < 0 or x + w > width or y + h > height:
            yield f"a box at {x},{y} is not in the picture"
        if e.get("class") == "cell":
            boxes.append((y, y + h, x, x + w))
    if "matrix" in root.get("aria-labelledby"):
        boxes.sort()
        for i, (a, b, c, d) in enumerate(boxes):
            for e, _, g, h in boxes[i + 1:i + 100]:
                if e < b and c < h and g < d:
                    yield f"two cells overlap at {a},{c}"
    for e in root.iter(SVG + "text"):
        x, y = int(e.get("x", 0)), int(e.get("y", 0))
        if e.get("class") != "letter" and not e.get("transform") and x + 6.5 * len(e.text or "") > width:
            yield f"'{e.text}' is not in the picture"


def groups(root):
    """(from, to): what it says there: texts of rules, in grey, letters of marks, and whether it is isolated."""
    out = {}
    for g in root.iter(SVG + "g"):
        if not g.get("data-from") is None:
            texts = [(t.get("class"), t.text) for t in g.iter(SVG + "text")]
            circles = sum(c.get("class") == "mark" for c in g.iter(SVG + "circle"))
            slashes = sum(c.get("class") == "mark" for c in g.iter(SVG + "path"))
            out[g.get("data-from"), g.get("data-to")] = {
                "open": [t for c, t in texts if c is None], "quiet": [t for c, t in texts if c == "quiet"],
                "letters": {t for c, t in texts if c == "letter"}, "isolated": bool(circles and slashes),
                "class": g.get("class").split(), "title": g.find(SVG + "title").text}
    return out


def cells(root, policy):
    want = {}
    for rule in policy.get("rules") or []:
        cell = want.setdefault((rule["from"], rule["to"]), {"open": [], "letters": set()})
        cell["open"] += rule["allow"]
        cell["letters"] |= ({"P"} if rule.get("plaintext") else set()) | ({"R"} if rule.get("related") else set())
    shown = groups(root)
    for pair, cell in want.items():
        if pair not in shown:
            yield f"{pair}: open, and not in the picture"
        elif shown[pair]["open"] != cell["open"] or shown[pair]["letters"] - {"S"} != cell["letters"]:
            yield f"{pair}: {shown[pair]}, not {cell}"
        elif ("plaintext" in shown[pair]["class"]) != ("P" in cell["letters"]):
            yield f"{pair}: its colour"
    for pair, cell in shown.items():
        if pair not in want and (cell["open"] or "open" in cell["class"]):
            yield f"{pair}: closed, and the picture says {cell}"
    text = [e.text for e in root.iter(SVG + "text")]
    for name, segment in policy["segments"].items():
        if name not in text:
            yield f"{name}: not in the picture"
        for key in ("authentication", "encryption"):
            demand = (segment or {}).get(key)
            if demand and demand not in ("none", "any") and demand not in text:
                yield f"{name}: {demand} is not in the picture"


def opens(match, proto, port):
    if match == "any":
        return True
    p, _, ports = match.partition("/")
    low, _, high = ports.partition("-")
    return p == proto and (ports in ("", "*") or int(low) <= port <= int(high or low))


def says(cell, proto, port):
    if cell is None:
        return False
    return (any(opens(m, proto, port) for m in cell["open"]) or ("any" in cell["quiet"] and not cell["isolated"])
            or ("S" in cell["letters"] and (proto, port) in {("udp", 53), ("udp", 67), ("udp", 123), ("tcp", 8443)}))


def agrees(root, path, ctl):
    """A segment stands for one of its devices, or for a host of its networks, as explain has it."""
    policy = yaml.safe_load(open(path, encoding="utf-8"))
    shown, asked = groups(root), 0
    names = [*policy["segments"], "gateway"]
    for src in policy["segments"]:
        for dst in names:
            for proto, port in (("tcp", 443), ("tcp", 22), ("udp", 53), ("udp", 123), ("tcp", 8443), ("udp", 5005)):
                done = subprocess.run([ctl, "explain", "--policy", path, "--from", src, "--to", dst, "--proto", proto,
                                       "--dport", str(port), "--json"], capture_output=True, check=False)
                if done.returncode not in (0, 3):
                    yield f"{src} -> {dst}: explain: {done.stderr.decode()}"
                    return
                asked += 1
                if says(shown.get((src, dst)), proto, port) != (done.returncode == 0):
                    yield f"{src} -> {dst} {proto}/{port}: {shown.get((src, dst))}, not {json.loads(done.stdout)}"
    if asked < 30:
        yield f"only {asked} asked"


def luminance(colour):
    parts = [int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5)]
    parts = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(root):
    light, dark = root.find(SVG + "style").text.split("@media (prefers-color-scheme: dark) {")
    grounds = (".ground", ".cell", ".open .cell", ".plaintext .cell", ".node")
    for scheme in light, dark:
        fill = {}
        for names, colour in re.findall(r"([^{}]+)\{[^}]*\bfill: (#[0-9a-f]{6})", scheme):
            fill.update((n.replace(".cordon-policy ", "").strip(), colour) for n in names.split(","))
        for text in ("text", "text.quiet", "text.demand"):
            for ground in grounds:
                a, b = sorted((luminance(fill[text]), luminance(fill[ground])))
                if (b + 0.05) / (a + 0.05) < 4.5:
                    yield f"{text} on {ground}: {(b + 0.05) / (a + 0.05):.1f}"


picture = ET.parse(sys.argv[2]).getroot()
if sys.argv[1] == "sound":
    found = list(sound(picture))
elif sys.argv[1] == "cells":
    with open(sys.argv[3], encoding="utf-8") as file:
        found = list(cells(picture, yaml.safe_load(file)))
elif sys.argv[1] == "agrees":
    found = list(agrees(picture, *sys.argv[3:5]))
else:
    found = list(contrast(picture))
for line in found[:20]:
    print(line)
sys.exit(bool(found))

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""stage.py SPEC: print the spec as the generator of kernel code must see it.

For plain `genetlink` the generator writes the whole family, but with struct genl_split_ops, which came
with 6.2. `kernel-policy: per-op` makes it write struct genl_ops, which every version takes; they have
one policy for do and dump, so what a dump accepts is merged into what do accepts.
"""
import sys

import yaml

with open(sys.argv[1], encoding="utf-8") as file:
    spec_license = file.readline()
    spec = yaml.safe_load(file)

spec["protocol"] = "genetlink"
spec["kernel-policy"] = "per-op"
for op in spec["operations"]["list"]:
    if "request" in op.get("do", {}) and "request" in op.get("dump", {}):
        accepted = op["do"]["request"]["attributes"]
        extra = op["dump"].pop("request")["attributes"]
        op["do"]["request"]["attributes"] = accepted + [a for a in extra if a not in accepted]

print(spec_license + yaml.safe_dump(spec, sort_keys=False), end="")

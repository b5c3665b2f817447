#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""compile-commands.py: the compile_commands.json of user space, from what make says it would run."""
import json
import os
import shlex
import subprocess

commands = []
dry_run = subprocess.run(["make", "-nB", "userspace"], check=True, capture_output=True, text=True)
for line in dry_run.stdout.replace("\\\n", " ").splitlines():
    try:
        words = shlex.split(line)
    except ValueError:
        continue
    if not words or "cc" not in os.path.basename(words[0]):
        continue
    for word in words[1:]:
        if word.endswith(".c"):
            commands.append({"directory": os.getcwd(), "file": os.path.abspath(word), "arguments": words})
print(json.dumps(commands, indent=1))

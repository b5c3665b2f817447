# SPDX-License-Identifier: GPL-2.0
"""stub.py: what small servers that misbehave have in common."""


def request(stream):
    """The next request of a connection: method, target, fields by lower-case name, body."""
    method, target, _ = stream.readline().decode("ascii").split()
    fields = {}
    while (line := stream.readline().decode("ascii").strip()):
        name, _, value = line.partition(":")
        fields[name.lower()] = value.strip()
    return method, target, fields, stream.read(int(fields.get("content-length", 0)))

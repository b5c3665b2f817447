#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""fleet_stub.py DIR: a cordon-fleet that knows nothing of etcd: its socket is DIR/run/control.

DIR/gateways.json is what it says of gateways, DIR/becomes.json what becomes of a policy on each of them once one is
ordered, {"NAME": {"is": "refused", "why": "..."}}; DIR/answer.json, where it is there, is the answer to "apply" and
"confirm". Questions are kept in DIR/asked, a line each. Prints "ready".
"""
import json
import os
import socket
import sys
import threading
import time

DIR = sys.argv[1]
ORDER = {"v": 1, "number": 0, "until": 0, "confirm": 0, "before": 0, "force": False, "by": "a"}


def load(name):
    with open(os.path.join(DIR, name), encoding="utf-8") as file:
        return json.load(file)


def save(name, value):
    with open(os.path.join(DIR, name + ".new"), "w", encoding="utf-8") as file:
        json.dump(value, file)
    os.rename(os.path.join(DIR, name + ".new"), os.path.join(DIR, name))


def become(number):
    """As if each gateway had done what was ordered, and said so."""
    gateways, becomes = load("gateways.json"), load("becomes.json")
    for name, what in becomes.items():
        gateways[name]["policy"] = {"v": 1, "number": number, "why": "", "at": 1, "generation": 3, "good": 1,
                                    "differs": False, **what}
    save("gateways.json", gateways)


def answer(question):
    what = question["do"]
    with open(os.path.join(DIR, "asked"), "a", encoding="utf-8") as file:
        print(json.dumps(question), file=file)
    if what == "policy":
        return {"is": "done", "order": ORDER if ORDER["number"] else None, "gateways": load("gateways.json")}
    if os.path.exists(os.path.join(DIR, "answer.json")):
        return load("answer.json")
    if what == "apply":
        ORDER["before"] = ORDER["number"] if not ORDER["until"] else ORDER["before"]
        ORDER["number"] += 1
        ORDER["until"] = int(time.time()) + question["confirm"] if question["confirm"] else 0
    else:
        ORDER["until"] = 0
    become(ORDER["number"])
    return {"is": "done", "number": ORDER["number"], "changed": 2}


def serve(connection):
    with connection, connection.makefile("rw", encoding="utf-8") as lines:
        # Unasked, as cordon-fleet does.
        print(json.dumps({"is": "state", "reachable": True, "heard": 1, "refused": False}), file=lines, flush=True)
        for line in lines:
            question = json.loads(line)
            print(json.dumps({"id": question["id"], **answer(question)}), file=lines, flush=True)


def main():
    os.makedirs(os.path.join(DIR, "run"), exist_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(os.path.join(DIR, "run/control"))
        listener.listen()
        print("ready", flush=True)
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


main()

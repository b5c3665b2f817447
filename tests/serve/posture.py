#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Which devices are confined for their firmware, and when the kernel is told."""
import json
import time

from firmware import moved, tap, told
from gateway import checkin, until
from kernel import Device, FirmwareGateway

def posture():
    """What the kernel is told."""
    with FirmwareGateway(grace=0) as gw:
        gw.must_start()
        cam, door, mute, lax = (Device(gw, name, 20 + i, model=model, **more) for i, (name, model, more) in enumerate((
            ("cam", "acme", {}), ("door", "lock", {}), ("mute", "acme", {}), ("lax", "acme", {"automatic": 0}))))
        gw.kernel.commit()
        kernel = gw.kernel
        tap.ok(until(lambda: cam.tell("1.0").status == 200 and "configData" not in cam.poll()["_links"]),
               "posture: cam runs 1.0")
        door.tell("1.0")
        tap.equal("posture: without a floor nobody is outdated", [False] * 4,
                  [kernel.outdated(d.name) for d in (cam, door, mute, lax)])
        before = gw.counters()
        gw.floor("1.1")
        tap.ok(until(lambda: kernel.outdated("cam") and kernel.outdated("mute")),
               "floor 1.1: who runs 1.0, or never told, is outdated")
        tap.equal("floor: not another model, nor who is only to report", (False, False),
                  (kernel.outdated("door"), kernel.outdated("lax")))
        until(lambda: moved(before, gw.counters()) == {"outdated": 2})
        tap.equal("floor: counted", {"outdated": 2}, moved(before, gw.counters()))
        told(gw, "configData with a good version lifts it at once", {"restored": 1}, lambda: cam.tell("1.1"))
        tap.ok(not kernel.outdated("cam"), "configData: and the kernel knows when the answer is there")
        told(gw, "configData with an old one sets it at once", {"outdated": 1}, lambda: cam.tell("1.1-rc1"))
        tap.equal("told when it changes, and only then", (3, 1, 0, 0), tuple(kernel.sets(d.name) for d in (cam, mute, door, lax)))
        checkins(gw, kernel, cam)
        told_by_update(gw, kernel, mute)
        policies(gw, kernel, cam, lax)
        graces(gw, kernel, cam)


def check_in(device, firmware):
    """Over HTTPS: the segment that it is in then."""
    got = device.ask("POST", "/cordon/v1/checkin", [("Content-Type", "application/json")],
                     {"firmware": firmware} if firmware else {})
    return json.loads(got.body).get("segment") if got.status == 200 else got


def checkins(gw, kernel, cam):
    """With and without a version."""
    tap.equal("check-in without a version changes nothing", ("update", True), (check_in(cam, None), kernel.outdated("cam")))
    tap.equal("check-in with a good one: back in its segment", ("iot_zone", False), (check_in(cam, "1.1"), kernel.outdated("cam")))
    tap.equal("check-in with an old one: confined", ("update", True), (check_in(cam, "1.0.9"), kernel.outdated("cam")))
    tap.ok(until(lambda: gw.version("cam") == "1.0.9"), "check-in: the registry has it")
    said = checkin(gw, cam.cert, cam.key, source=cam.address, line=b"firmware 1.2\n")
    tap.equal("the plain check-in is granted", "Welcome IoT Device", said)
    tap.ok(until(lambda: not kernel.outdated("cam") and gw.version("cam") == "1.2"),
           "the plain check-in with a good one lifts it")
    sets = kernel.sets("cam")
    for _ in range(5):
        check_in(cam, "1.2")
    gw.floor("2.0", model="lock", since=1)
    tap.ok(until(lambda: kernel.outdated("door")), "a floor of another model: all are judged")
    tap.equal("what does not change is not told again", sets, kernel.sets("cam"))


def told_by_update(gw, kernel, mute):
    """An update's success is a report."""
    gw.release("1.3", b"good" * 1000)
    action = mute.offered()
    tap.ok(action and kernel.outdated("mute"), "outdated: it is offered its update")
    mute.say(action, "proceeding")
    tap.ok(kernel.outdated("mute"), "proceeding: it is still outdated")
    told(gw, "success lifts it", {"succeeded": 1, "restored": 1}, lambda: mute.say(action, "closed", "success"))
    tap.ok(not kernel.outdated("mute"), "success: and the kernel knows when the answer is there")


def policies(gw, kernel, cam, lax):
    """What the policy, an operator and an anomaly have to say."""
    kernel.change("lax", outdated=1)
    kernel.change("cam", quarantined=1)
    kernel.commit()
    gw.floor("2.0")
    tap.ok(until(lambda: kernel.outdated("cam")), "floor 2.0: cam is outdated, though it is quarantined")
    tap.equal("and still quarantined", 1, kernel.fields("cam")[1][4])
    gw.floor(None)
    tap.ok(until(lambda: not kernel.outdated("cam")), "no floor: cam is not")
    tap.equal("and still quarantined, then", 1, kernel.fields("cam")[1][4])
    tap.ok(kernel.outdated("lax"), "an operator's mark on a device that only reports stays")
    gw.floor("2.0")
    until(lambda: kernel.outdated("cam"))
    kernel.commit(automatic=False)
    tap.ok(until(lambda: not kernel.outdated("cam")), "firmware_auto_update: false: the mark that we made is taken back")
    kernel.commit(automatic=True)
    tap.ok(until(lambda: kernel.outdated("cam")), "true: it is there again")
    kernel.commit(absent=1)
    tap.equal("without the module offers are none, and nothing breaks", 403, cam.ask("GET", "").status)
    kernel.change("cam", outdated=0, quarantined=0)
    kernel.commit(absent=0)
    tap.ok(until(lambda: kernel.outdated("cam")), "a module that was loaded anew is told all")
    gw.stop()
    kernel.change("cam", outdated=0)
    gw.must_start()
    tap.ok(until(lambda: kernel.outdated("cam")), "a server that was started anew judges all")
    gw.floor(None)
    until(lambda: not kernel.outdated("cam"))


def graces(gw, kernel, cam):
    """Time to get there."""
    gw.floor(None, model="lock")
    until(lambda: not kernel.outdated("door"))
    kernel.commit(grace=4)
    gw.floor("3.0", model="lock", since=1)
    until(lambda: kernel.outdated("door"))
    begin = time.time()
    gw.floor("9.0", since=int(begin))
    end = int(begin) + 4
    early = until(lambda: (kernel.outdated("cam") and time.time() < end and "early") or (time.time() >= end and "in time"))
    tap.equal("within the grace it is not confined", "in time", early)
    tap.ok(until(lambda: kernel.outdated("cam")) and time.time() - begin > 3, "when the grace ends it is, by itself",
           time.time() - begin)


if __name__ == "__main__":
    posture()
    tap.done()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""The cases of destinations.sh: cam is watched, lock is not. Nobody waits for the end of learning: what was learned is
saved, and given back as if that were over."""
import itertools

from behave import *

RULES = """rules:
  - {from: watched, to: others, allow: [tcp/443, tcp/444]}
  - {from: wan, to: watched, allow: [tcp/22]}
"""
LIMIT = "new_destination: {limit: %s, learn: 1h, then: %s}"
ENDS = {"cam": (CAM, INET), "lock": (LOCK, INET)}
kept = tempfile.mkdtemp()
state = kept + "/saved"
sports = itertools.count(20000)


def policy(limit, mode="enforce", ports="1-1024"):
    text = POLICY % (mode, limit, *HARDWARE)
    return text.replace("rules:\n", RULES).replace("to: wan, allow: [tcp/1-1024", "to: wan, allow: [tcp/" + ports)


def limited(count="1/1h", action="quarantine", **more):
    w.apply(policy(LIMIT % (count, action), **more))


def ctl(*words):
    return subprocess.run(("cordonctl", *words), check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def done(*words):
    """A command that must do what it is told"""
    result = ctl(*words)
    if result.returncode:
        print("# %s: %s" % (" ".join(words), result.stdout.replace("\n", " ")))
    return result.returncode


def known(name="cam"):
    """How many, whether that is all that there is room for, and whether they are being learned"""
    shown = json.loads(ctl("show", "devices", "--json").stdout)
    found = next(device for device in shown if device["name"] == name).get("destinations")
    if not found:
        return None
    left = found["learning_seconds"]
    return found["known"], found["full"], "waits" if left is None else "learns" if left else "over"


def over():
    """Learning comes to its end, and nothing else changes."""
    before = known()
    done("state", "save", state, "--state", kept)
    with open(state, encoding="utf-8") as f:
        saved = json.load(f)
    for device in saved["destinations"]:
        device.pop("learn_end", None)
    with open(state, "w", encoding="utf-8") as f:
        json.dump(saved, f)
    done("state", "restore", state, "--state", kept)
    w.check("learning is over, and all is known still", (before[0], before[1], "over"), known())


def anew():
    w.check("it is learned anew", (0, (0, False, "waits")), (done("device", "learn", "cam"), known()))


def other(inet, number):
    """A host of the same network"""
    return inet + str(number) if is_v6(inet) else inet.rsplit(".", 1)[0] + ".%d" % number


def control(src, dst, mark):
    """A connection of its own each time, to a service that is known"""
    return segment(src, dst, SYN, dport=1)(mark)


def quiet(name, packets, ends=None, host="cam", counts=""):
    """They are accepted, unless they are counted as what is denied: what comes behind them arrives."""
    before, mark = w.counts(), w.mark()
    for number, packet in enumerate(packets):
        w.send(host, packet)
        # Before what arrives fills a socket
        if number % 50 == 49:
            w.flush()
    w.send(host, control(*(ends or ENDS[host]), mark))
    came = mark in w.arrived("inet", mark)
    w.check(name, (True, counts), (came, Wire.grown(before, w.counts())))


def kept_out(name, make, ends):
    """It is denied, and has cam quarantined, and the event says why. Cam is let out again."""
    before, mark, after = w.counts(), w.mark(), w.mark()
    monitor = Monitor()
    w.send("cam", make(mark))
    w.until(name + ": it is quarantined", "quarantined", lambda: w.state(CAM_MAC))
    w.until(name + ": the event says why", [("new_destination", "cam", "quarantine")],
            lambda: monitor.anomalies("new_destination"))
    monitor.close()
    w.check(name + ": counted once", "cam:new_destination", Wire.grown(before, w.counts()))
    release()
    w.send("cam", control(*ends, after))
    seen = w.arrived("inet", after, [mark])
    w.check(name + ": the packet was denied, and what comes after its release is not", (False, True), (mark in seen, after in seen))


def begun(src, dst, ports, sport=None):
    """Connections that began before anybody saw them"""
    return [ip(src, dst, TCP, tcp(sport or next(sports), number, ACK, 1000, 5000, b"")) for number in ports]


def usual(cam, inet):
    """Twenty services of TCP, one of them the control's, and one of which the connection is older; and one of UDP"""
    return syns(cam, inet, range(1, 20)) + begun(cam, inet, [20]) + [ip(CAM, INET, UDP, udp(next(sports), 9, b""))]


def learning():
    for six, cam, inet, _ in FAMILIES:
        ends = (cam, inet)
        limited()
        anew()
        quiet(six + "learning: 21 services", usual(cam, inet), ends)
        w.check(six + "learning: they are known", (21, False, "learns"), known())
        quiet(six + "learning: these again, and at another host of the network",
              syns(cam, inet, range(1, 21)) + syns(cam, other(inet, 77), range(1, 21)), ends)
        quiet(six + "what is denied", syns(cam, inet, range(2000, 2005)), ends, counts="cam:segment_violation*5")
        quiet(six + "what the other end may have opened before", begun(cam, inet, range(30, 40), 22), ends)
        w.check(six + "they teach nothing", (21, False, "learns"), known())
        over()
        quiet(six + "what the other end may have opened before is no new destination", begun(cam, inet, range(40, 50), 22), ends)
        quiet(six + "a healthy device", usual(cam, inet) + syns(cam, other(inet, 78), range(1, 21)), ends)
        quiet(six + "what is denied is no new destination", syns(cam, inet, [2000]), ends, counts="cam:segment_violation")
        told(six, cam, inet)
        acted(six, cam, inet)
    quiet("another segment's device, without a limit", syns(LOCK, INET, range(100, 120)), host="lock")
    w.check("of which nothing is known", None, known("lock"))


def told(six, cam, inet):
    ends = (cam, inet)
    limited(action="event")
    w.check(six + "another policy: it is known still", (21, False, "over"), known())
    monitor = Monitor()
    quiet(six + "a new destination, then event: it passes, and is counted", syns(cam, inet, [30]), ends, counts="cam:new_destination")
    w.until(six + "and told", [("new_destination", "cam", "event")], lambda: monitor.anomalies("new_destination"))
    event = next((event for event in monitor.events() if event.get("kind") == "new_destination"), {})
    w.check(six + "with all that is known", (cam, inet, TCP, 30, False),
            tuple(event.get(key) for key in ("source", "destination", "protocol", "dport", "denied")))
    monitor.close()
    quiet(six + "again: it is known", syns(cam, inet, [30]), ends)
    quiet(six + "one as if the connection had begun before", begun(cam, inet, [51]), ends, counts="cam:new_destination")
    limited(action="event", ports="1-3000")
    quiet(six + "what was denied before, and is not now", syns(cam, inet, [2000]), ends, counts="cam:new_destination")


def acted(six, cam, inet):
    ends = (cam, inet)
    # Its windows begin anew: the limit has acted in this one.
    release()
    limited()
    kept_out(six + "a new destination", segment(cam, inet, SYN, dport=31), ends)
    quiet(six + "let out, it may go there", syns(cam, inet, [31]), ends)
    limited("3/1h")
    quiet(six + "two, where the third is too many", syns(cam, inet, [32, 33]), ends, counts="cam:new_destination*2")
    kept_out(six + "the third", segment(cam, inet, SYN, dport=34), ends)
    limited("1/1h", mode="observe")
    quiet(six + "observe: counted, and nothing follows", syns(cam, inet, [35, 36]), ends, counts="cam:new_destination*2")
    limited("2/1h")
    quiet(six + "then enforced: nothing follows from that", syns(cam, inet, [35, 36, 37]), ends, counts="cam:new_destination")


def hosts():
    """A device is known by its MAC, and the gateway is one, by whichever address."""
    limited()
    anew()
    quiet("learning: lock, and the gateway's DNS, besides the control's", syns(CAM, LOCK, [443]) + [ip(CAM, GW_CAM, UDP, udp(next(sports), 53, b""))])
    over()
    quiet("lock by another address, and the gateway by others", syns(CAM6, LOCK6, [443]) + [
        ip(CAM6, GW_CAM6, UDP, udp(next(sports), 53, b"")), ip(CAM, "10.0.30.1", UDP, udp(next(sports), 53, b""))])
    limited(action="event")
    quiet("another port of lock's", syns(CAM, LOCK, [444]), counts="cam:new_destination")
    quiet("another protocol of the gateway's", syns(CAM, GW_CAM, [53]), counts="cam:new_destination")


def too_many():
    limited()
    anew()
    quiet("learning: 200 services", syns(CAM, INET, range(1, 201)))
    w.check("160 are known", (160, True, "learns"), known())
    over()
    quiet("then new ones alarm nobody", syns(CAM, INET, range(201, 301)))
    w.check("and that is told", True,
            "160 destinations known: too many to learn, and to tell a new one" in ctl("show", "devices").stdout)


def carried():
    limited()
    anew()
    quiet("learning: 21 services", usual(CAM, INET))
    over()
    done("device", "set", "cam", "--model", "other")
    w.check("a change of the device: it is known still", (21, False, "over"), known())
    done("device", "set", "cam", "--segment", "others")
    w.check("in a segment that does not ask, nothing is told", (None, 1), (known(), ctl("device", "learn", "cam").returncode))
    done("device", "set", "cam", "--segment", "watched")
    w.check("back, it is known still", (21, False, "over"), known())
    done("device", "set", "lock", "--segment", "watched")
    w.check("one that comes in is to be learned", (0, False, "waits"), known("lock"))
    quiet("what it opens", syns(LOCK, INET, range(1, 6)), host="lock")
    w.check("is learned", (5, False, "learns"), known("lock"))
    reloaded()


def reloaded():
    both = policy(LIMIT % ("1/1h", "event")).replace('name: lock, mac: "%s", network_segment: others' % LOCK_MAC,
                                                      'name: lock, mac: "%s", network_segment: watched' % LOCK_MAC)
    with open(kept + "/policy", "w", encoding="utf-8") as f:
        f.write(both)
    w.check("all of it is saved", 0, done("state", "save", "--state", kept))
    for number in w.files.values():
        os.close(number)
    w.files.clear()
    w.check("another module", (0, 0), (w.run("rmmod", "cordon"), done("boot", kept + "/policy", "--state", kept)))
    w.check("it is known still", ((21, False, "over"), (5, False, "learns")), (known(), known("lock")))
    quiet("a healthy device", usual(CAM, INET))
    quiet("and a new destination", syns(CAM, INET, [50]), counts="cam:new_destination")
    quiet("of one that is learned still, none", syns(LOCK, INET, range(6, 11)), host="lock")


def main():
    w.mute("cam", "lock", "inet")
    learning()
    hosts()
    too_many()
    carried()


main()

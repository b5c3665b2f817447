#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""hawkBit's DDI as its clients speak it: polls, offers, downloads in every form, feedback; and who may not."""
import hashlib
import json
import os
import re
import time

from firmware import IMAGE, denied, moved, tap, told
from gateway import ask, head, until
from kernel import Device, FirmwareGateway, path_of

HAL = "application/hal+json"


def seconds(poll):
    """Of HH:MM:SS."""
    text = poll["config"]["polling"]["sleep"]
    hours, minutes, rest = (int(part) for part in re.fullmatch(r"(\d\d):(\d\d):(\d\d)", text).groups())
    return hours * 3600 + minutes * 60 + rest


# ---- polling

def polls(gw, cam, door):
    """With nothing to offer."""
    got = cam.ask("GET", "")
    tap.equal("poll: 200 in hal+json", (200, HAL), (got.status, got.headers["Content-Type"]))
    got = cam.ask("GET", "", [("Accept", "application/json;charset=UTF-8")])
    tap.equal("poll: JSON for whom that is all", (200, "application/json"), (got.status, got.headers["Content-Type"]))
    tap.ok(27 <= seconds(cam.poll()) <= 33, "poll: who never told what it runs is to come back soon", cam.poll())
    door.tell("0.1")
    sleeps = [seconds(door.poll()) for _ in range(3)]
    tap.ok(270 <= sleeps[0] <= 330 and sleeps == [sleeps[0]] * 3,
           "poll: others in 5 minutes, give or take a tenth, and always the same", sleeps)
    tap.equal("poll: it is to tell what it runs, and there is nothing else", ["configData"], list(cam.poll()["_links"]))
    for host, want in (("localhost:{}", "localhost:{}"), ("gateway.test:1234", "gateway.test:1234"), ("[::1]:{}", "[::1]:{}"),
                       ("127.0.0.1:{}", "127.0.0.1:{}"), ("localhost", "localhost:{}"), ("evil.example:{}", "gateway.test:{}"),
                       ("localhost:99999", "gateway.test:{}"), ("localhost:x", "gateway.test:{}"), ("[::1", "gateway.test:{}"),
                       ("a b", "gateway.test:{}"), ("", "gateway.test:{}")):
        with cam.client() as client:
            client.send(f"GET {cam.root} HTTP/1.1\r\nHost: {host.format(gw.port)}\r\n\r\n".encode())
            got = json.loads(client.answer("GET").body)["_links"]["configData"]["href"]
        tap.equal(f"links: Host {host!r}", f"https://{want.format(gw.port)}{cam.root}/configData", got)


def reports(gw, cam):
    """configData."""
    tap.equal("configData: 200", 200, cam.tell("1.0").status)
    tap.equal("configData: the registry has it", "1.0", gw.version("cam"))
    tap.equal("configData: and is not asked for again", [], list(cam.poll()["_links"]))
    for name, body, want in (
            ("merge", {"mode": "merge", "data": {"version": "1.0.1"}}, "1.0.1"),
            ("replace, by another name", {"mode": "replace", "data": {"sw_version": "1.0.2", "x": "y"}}, "1.0.2"),
            ("remove tells nothing", {"mode": "remove", "data": {"firmware": ""}}, "1.0.2"),
            ("attributes without a version", {"data": {"hwRevision": "2", "n": 3}}, "1.0.2"),
            ("as SWUpdate puts it", {"id": "", "time": "20260101T000000", "status": {
                "result": {"finished": "success"}, "execution": "closed", "details": [""]}, "data": {"firmware": "1.0"}}, "1.0"),
            ("a word that is no version", {"data": {"firmware": "blue"}}, "blue"),
            ("and back", {"data": {"firmware": "1.0"}}, "1.0")):
        got = cam.ask("PUT", "configData", [], body)
        tap.equal(f"configData: {name}", (200, want), (got.status, gw.version("cam")))
    bad = "the body is not JSON like"
    for name, body, why in (
            ("nothing", b"", bad), ("no JSON", b"{", bad), ("a list", b"[]", bad), ("no data", b"{}", bad), ("data that is none",
             b'{"data": 1}', bad), ("another mode", b'{"mode": "guess", "data": {}}', "mode is not merge"),
            ("a mode that is none", b'{"mode": 1, "data": {}}', "mode is not merge"),
            ("a version that is a number", b'{"data": {"firmware": 1}}', "the version is not a text"),
            ("64 bytes", json.dumps({"data": {"firmware": "1" * 64}}).encode(), "the version is not a text"),
            ("10 kB", json.dumps({"data": {"firmware": "1" * 10000}}).encode(), "the version is not a text"),
            ("not UTF-8", b'{"data": {"firmware": "\xff"}}', bad), ("NUL", b'{"data": {"firmware": "1\\u0000"}}', bad),
            ("a control character", b'{"data": {"firmware": "1\\n2"}}', "the firmware's version is"),
            ("deep", b'{"data":' * 3000, bad)):
        denied(gw, f"configData: {name}", "bad_request", 400, why, lambda body=body: cam.ask("PUT", "configData", [], body))
    tap.equal("configData: none of them is written down", "1.0", gw.version("cam"))


def strangers(gw, cam, door):
    """Who may not."""
    path = cam.root
    denied(gw, "no certificate", "no_certificate", 401, "no certificate",
           lambda: ask(gw, "GET", path, source=cam.address))
    denied(gw, "another's name", "wrong_device", 403, "the certificate is another device's", lambda: door.ask("GET", path))
    denied(gw, "its name and more", "wrong_device", 403, "the certificate is another",
           lambda: cam.ask("GET", path + "x"))
    denied(gw, "half its name", "wrong_device", 403, "the certificate is another", lambda: cam.ask("GET", path[:-1]))
    denied(gw, "another tenant", "wrong_device", 404, "no such tenant",
           lambda: cam.ask("GET", path.replace("default", "other")))
    tap.equal("the tenant in other letters", 200, cam.ask("GET", path.replace("default", "DEFAULT")).status)
    denied(gw, "half the tenant", "wrong_device", 404, "no such tenant",
           lambda: cam.ask("GET", path.replace("default", "defaul")))
    denied(gw, "from another's address", "wrong_address", 403, f"{door.address} is the address of door, not of cam",
           lambda: ask(gw, "GET", path, context=gw.context(cam.cert, cam.key), source=door.address))
    denied(gw, "from afar", "remote", 403, "127.0.0.1 is no device's address",
           lambda: ask(gw, "GET", path, context=gw.context(cam.cert, cam.key)))
    tap.equal("allowed: its own name, from its own address", 200, cam.ask("GET", path).status)
    for method, what in (("POST", ""), ("GET", "configData"), ("POST", "configData"), ("PUT", "deploymentBase/1"),
                         ("GET", "deploymentBase/1/feedback"), ("PUT", "cancelAction/1/feedback"), ("POST", "cancelAction/1"),
                         ("POST", "softwaremodules/1/artifacts"), ("PUT", "softwaremodules/1/artifacts/a")):
        denied(gw, f"{method} {what}", "bad_request", 405, "wrong method", lambda method=method, what=what: cam.ask(method, what))
    for what in ("nothing", "deploymentBase", "deploymentBase/", "deploymentBase/x", "deploymentBase/-1", "deploymentBase/1/x",
                 "deploymentBase/1/feedback/", "deploymentBase/9999999999999999999", "cancelAction/", "softwaremodules/1",
                 "softwaremodules/1/artifacts/", "softwaremodules/x/artifacts/a", "softwaremodules/1/artifacts/a%00b",
                 "softwaremodules/1/artifacts/" + "a" * 200, "installedBase/1"):
        denied(gw, f"GET {what[:60]}", "bad_request", 404, "no such resource", lambda what=what: cam.ask("GET", what))


# ---- an update

def update(gw, cam):
    """From the offer to its end."""
    release = gw.release("1.1", IMAGE, file="image v1.1.swu")
    action = cam.offered()
    tap.ok(action and gw.state(action) == "offered", "a release: it is offered", cam.poll())
    tap.equal("a release: it is the same offer every time", action, cam.offered())
    offer = json.loads(cam.ask("GET", f"deploymentBase/{action}").body)
    tap.equal("deployment: its id", str(action), offer["id"])
    tap.equal("deployment: it may be put off", ("attempt", "attempt"),
              (offer["deployment"]["download"], offer["deployment"]["update"]))
    chunk = offer["deployment"]["chunks"][0]
    tap.equal("deployment: one chunk", (1, "os", "1.1", "acme"),
              (len(offer["deployment"]["chunks"]), chunk["part"], chunk["version"],
                                                                chunk["name"]))
    artifact = chunk["artifacts"][0]
    tap.equal("deployment: name, size and hashes of the artifact",
              ("image v1.1.swu", len(IMAGE), {n: hashlib.new(n, IMAGE).hexdigest() for n in ("sha1", "md5", "sha256")}),
              (artifact["filename"], artifact["size"], artifact["hashes"]))
    links = {name: link["href"] for name, link in artifact["_links"].items()}
    url = f"https://localhost:{gw.port}{cam.root}/softwaremodules/{release}/artifacts/image%20v1.1.swu"
    tap.equal("deployment: links", (url, url, url + ".MD5SUM"), (links["download"], links["download-http"], links["md5sum"]))
    downloads(gw, cam, path_of(url), release)
    tap.equal("feedback: proceeding", (200, "running"), (cam.say(action, "proceeding", "none", "at it").status, gw.state(action)))
    for execution in ("download", "downloaded", "scheduled", "resumed", "rejected"):
        tap.equal(f"feedback: {execution}", (200, "running"), (cam.say(action, execution).status, gw.state(action)))
    bad_feedback(gw, cam, action)
    told(gw, "feedback: closed, success", {"succeeded": 1}, lambda: cam.say(action, "closed", "success", "one", "two"))
    tap.equal("success: action and version", ("succeeded", "1.1"), (gw.state(action), gw.version("cam")))
    tap.equal("success: the last words are kept", "one; two",
              gw.query("SELECT detail FROM firmware_action WHERE id = ?", action)[0][0])
    tap.equal("success: nothing more is offered, but what it runs is asked for", ["configData"], list(cam.poll()["_links"]))
    cam.tell("1.1")
    over = f"action {action} is done"
    denied(gw, "feedback afterwards", "not_offered", 410, over, lambda: cam.say(action, "closed", "success"))
    denied(gw, "its deployment afterwards", "not_offered", 410, over, lambda: cam.ask("GET", f"deploymentBase/{action}"))
    denied(gw, "its artifact afterwards", "not_offered", 404, "cam is not offered that artifact",
           lambda: cam.ask("GET", path_of(url)))


def bad_feedback(gw, cam, action):
    """What is none leaves the action as it is."""
    no_status = "the body is not JSON like"
    for name, body, why in (
            ("nothing", b"", no_status), ("no JSON", b"{", no_status), ("no status", {}, no_status), ("a list", [], no_status),
            ("no execution", {"status": {"result": {"finished": "success"}}}, no_status),
            ("an execution that is none", {"status": {"execution": 1}}, no_status),
            ("another execution", {"status": {"execution": "dancing"}}, "no such status.execution"),
            ("another result", {"status": {"execution": "closed", "result": {"finished": "maybe"}}}, "status.result.finished"),
            ("a result that is none", {"status": {"execution": "closed", "result": {"finished": 1}}}, "status.result.finished")):
        denied(gw, f"feedback: {name}", "bad_request", 400, why,
               lambda body=body: cam.ask("POST", f"deploymentBase/{action}/feedback", [], body))
    tap.equal("feedback: after all that it is still running", "running", gw.state(action))
    long = cam.say(action, "proceeding", "none", *(["\u00e4\u4e2d\n\x1b[2J" * 20] * 50))
    tap.equal("feedback: 50 long details", 200, long.status)
    body = b'{"status": {"execution": "proceeding"}}'
    with cam.client() as client:
        client.send(head("POST", f"{cam.root}/deploymentBase/{action}/feedback",
                         [("Content-Length", len(body)), ("Expect", "100-continue")]))
        said = client.sock.recv(1024)
        client.send(body)
        tap.equal("feedback: Expect: 100-continue", (b"HTTP/1.1 100 Continue\r\n\r\n", 200), (said, client.answer().status))


# ---- artifacts

def downloads(gw, cam, path, release):
    """Whole, in part, again."""
    etag = f'"{hashlib.sha256(IMAGE).hexdigest()}"'

    def get(*headers, method="GET"):
        return cam.ask(method, path, headers)

    got = told(gw, "download", {}, get)
    tap.ok(got.body == IMAGE, "download: every byte of it")
    want = {"ETag": etag, "Content-Length": str(len(IMAGE)), "Content-Type": "application/octet-stream", "Accept-Ranges": "bytes"}
    tap.equal("download: headers", want, {name: got.headers[name] for name in want})
    got = get(method="HEAD")
    tap.equal("HEAD: the same headers, no body", (200, want, b""),
              (got.status, {name: got.headers[name] for name in want}, got.body))
    size = len(IMAGE)
    for field, first, end in (("bytes=0-0", 0, 1), ("bytes=0-", 0, size), ("bytes=100-199", 100, 200),
                              (f"bytes={size - 1}-", size - 1, size),
                              ("bytes=-10", size - 10, size), (f"bytes=-{size * 2}", 0, size), (f"bytes=5-{size * 9}", 5, size),
                              ("Bytes= 7-8 ", 7, 9), ("bytes=1-99999999999999999999999", 1, size)):
        got = get(("Range", field))
        tap.ok(got.status == 206 and got.body == IMAGE[first:end] and
               got.headers["Content-Range"] == f"bytes {first}-{end - 1}/{size}" and got.headers["ETag"] == etag,
               f"Range: {field}: 206", got)
    for field in ("bytes=0-1,5-6", "bytes=5-4", "bytes=", "bytes=-", "bytes=x-", "bytes=1-2x", "lines=1-2", "1-2", "bytes=--1",
                  "bytes=+1-2"):
        got = get(("Range", field))
        tap.ok(got.status == 200 and got.body == IMAGE, f"Range: {field}: everything", got)
    for field in (f"bytes={size}-", f"bytes={size}-{size + 5}", "bytes=-0", "bytes=99999999999999999999999-"):
        got = denied(gw, f"Range: {field}", "bad_request", 416, "no byte of the artifact",
                     lambda field=field: get(("Range", field)))
        tap.equal(f"Range: {field}: Content-Range", f"bytes */{size}", got.headers["Content-Range"])
    for field, status in ((etag, 206), (f"W/{etag}", 200), ('"other"', 200), ("Sat, 01 Jan 2026 00:00:00 GMT", 200)):
        tap.equal(f"If-Range: {field[:12]}: {status}", status, get(("Range", "bytes=5-"), ("If-Range", field)).status)
    for field, status in ((etag, 304), (f"W/{etag}", 304), ("*", 304), (f'"a", "b,c" , {etag}', 304), ('"a"', 200), ("a", 200),
                          (f'"a{etag}', 200), (etag[:-1], 200)):
        got = get(("If-None-Match", field))
        tap.ok(got.status == status and (status == 200 or not got.body), f"If-None-Match: {field[:12]}: {status}", got)
    got = get(("If-None-Match", etag), ("Range", f"bytes={size}-"))
    tap.equal("If-None-Match comes before Range", 304, got.status)
    tap.equal("Range of a HEAD: none", 200, get(("Range", "bytes=5-"), method="HEAD").status)
    got = cam.ask("GET", path + ".MD5SUM")
    tap.equal("MD5SUM", f"{hashlib.md5(IMAGE).hexdigest()}  image v1.1.swu\n".encode(), got.body)
    listed = json.loads(cam.ask("GET", f"softwaremodules/{release}/artifacts").body)
    tap.equal("the list of artifacts", ["image v1.1.swu"], [entry["filename"] for entry in listed])
    for name in ("image", "image%20v1.1.swu%2f..%2f..%2fregistry.db", "..%2f..%2fca%2fissuing.key", "%2e%2e",
                 hashlib.sha256(IMAGE).hexdigest(),
                 "image%20v1.1.swu.p7", "other.swu.p7s", "IMAGE%20v1.1.swu"):
        denied(gw, f"artifact: {name[:40]}", "not_offered", 404, "cam is not offered that artifact",
               lambda name=name: cam.ask("GET", f"softwaremodules/{release}/artifacts/{name}"))
    denied(gw, "artifact: a path with slashes", "not_offered", 404, "cam is not offered",
           lambda: cam.ask("GET", f"softwaremodules/{release}/artifacts/../../../../etc/passwd"))
    resumes(cam, path, etag)
    with cam.client() as client:
        bodies = [client.request("GET", path, [("Range", f"bytes={at}-{at + 9}")]).body for at in (0, 10, 300000)]
        bodies.append(client.request("GET", cam.root).status)
    tap.equal("one connection: three parts and a poll", [IMAGE[:10], IMAGE[10:20], IMAGE[300000:300010], 200], bodies)


def resumes(cam, path, etag):
    """Cut at a third, and at two, and complete all the same."""
    have = b""
    for _ in range(2):
        with cam.client() as client:
            client.send(head("GET", path, [("Range", f"bytes={len(have)}-"), ("If-Range", etag)]))
            data = b""
            while len(data) < len(IMAGE) // 3:
                data += client.sock.recv(65536)
            have += data.partition(b"\r\n\r\n")[2]
    rest = cam.ask("GET", path, [("Range", f"bytes={len(have)}-"), ("If-Range", etag)])
    tap.ok(rest.status == 206 and have + rest.body == IMAGE, "a download that is cut twice is resumed", rest.status)


# ---- the end of an offer

def cancellation(gw, cam):
    """An operator takes it back."""
    gw.release("1.2", b"cancel me" * 1000)
    action = cam.offered()
    cam.say(action, "proceeding")
    url = path_of(cam.deployment()["deployment"]["chunks"][0]["artifacts"][0]["_links"]["download"]["href"])
    denied(gw, "cancelAction of what is not canceled", "not_offered", 404, f"action {action} is not to be canceled",
           lambda: cam.ask("GET", f"cancelAction/{action}"))
    denied(gw, "cancel feedback of what is not canceled", "not_offered", 404, f"action {action} is not to be canceled",
           lambda: cam.say(action, "closed", "success", where="cancelAction"))
    tap.equal("allowed: its artifact, before", 200, cam.ask("GET", url).status)
    gw.query("UPDATE firmware_action SET state = 2, barred = 1 WHERE id = ?", action)
    links = cam.poll()["_links"]
    tap.equal("canceled: it is told so, and of no deployment", f"{cam.root}/cancelAction/{action}",
              path_of(links.get("cancelAction", {"href": "///"})["href"]))
    tap.ok("deploymentBase" not in links, "canceled: no deployment besides", links)
    got = json.loads(cam.ask("GET", f"cancelAction/{action}").body)
    tap.equal("cancelAction: what to stop", {"id": str(action), "cancelAction": {"stopId": str(action)}}, got)
    denied(gw, "its artifact, then", "not_offered", 404, "cam is not offered", lambda: cam.ask("GET", url))
    denied(gw, "its deployment, then", "not_offered", 410, f"action {action} is to be canceled",
           lambda: cam.ask("GET", f"deploymentBase/{action}"))
    for where in ("cancelAction", "deploymentBase"):
        tap.equal(f"{where}: proceeding: it is still to be canceled", (200, "canceling"),
                  (cam.say(action, "proceeding", where=where).status, gw.state(action)))
    tap.equal("cancelAction: rejected: it goes on", (200, "running", action),
              (cam.say(action, "rejected", where="cancelAction").status, gw.state(action), cam.offered()))
    gw.query("UPDATE firmware_action SET state = 2 WHERE id = ?", action)
    told(gw, "cancel feedback: closed", {"canceled": 1}, lambda: cam.say(action, "closed", "success", where="cancelAction"))
    tap.equal("canceled: it is over, and the version stays", ("canceled", "1.1"), (gw.state(action), gw.version("cam")))
    tap.equal("canceled: nothing is offered", None, cam.offered())
    denied(gw, "cancel feedback again", "not_offered", 410, f"action {action} is canceled",
           lambda: cam.say(action, "closed", "success", where="cancelAction"))


def too_late(gw, cam):
    """What was done before the device heard of it is done."""
    gw.release("1.3", b"too late" * 1000)
    action = cam.offered()
    cam.say(action, "proceeding")
    gw.query("UPDATE firmware_action SET state = 2 WHERE id = ?", action)
    told(gw, "success while it is to be canceled", {"succeeded": 1}, lambda: cam.say(action, "closed", "success"))
    tap.equal("it counts", ("succeeded", "1.3"), (gw.state(action), gw.version("cam")))


def failure(gw, cam):
    """It does not work."""
    gw.release("1.4", b"broken" * 1000)
    action = cam.offered()
    told(gw, "feedback: closed, failure", {"failed": 1}, lambda: cam.say(action, "closed", "failure", "no space"))
    tap.equal("failure: action and version", ("failed", "1.3"), (gw.state(action), gw.version("cam")))
    tap.equal("failure: it is not offered again", None, cam.offered())
    gw.release("1.5", b"better" * 1000)
    action = cam.offered()
    tap.ok(action, "failure: but the next release is")
    told(gw, "feedback: canceled by the device", {"canceled": 1}, lambda: cam.say(action, "canceled"))
    tap.equal("and that is an end, too", ("canceled", None), (gw.state(action), cam.offered()))


def postponed(gw, cam):
    """It may be put off, but not for ever."""
    gw.release("1.6", b"later" * 1000)
    action = cam.offered()
    tap.equal("within the day: attempt", "attempt", cam.deployment()["deployment"]["update"])
    gw.query("UPDATE firmware_action SET offered = offered - 86400 WHERE id = ?", action)
    tap.equal("after it: forced", "forced", cam.deployment()["deployment"]["update"])


def others(gw, cam, door):
    """What is another's."""
    action = cam.offered()
    release = gw.query("SELECT release FROM firmware_action WHERE id = ?", action)[0][0]
    before = gw.query("SELECT * FROM firmware_action WHERE id = ?", action)
    for name, call in (("deployment", lambda: door.ask("GET", f"deploymentBase/{action}")),
                       ("feedback", lambda: door.say(action, "closed", "failure")),
                       ("cancelAction", lambda: door.ask("GET", f"cancelAction/{action}")),
                       ("cancel feedback", lambda: door.say(action, "closed", "success", where="cancelAction")),
                       ("result", lambda: door.ask("POST", f"/cordon/v1/firmware/{action}", [], {"result": "success"}))):
        denied(gw, f"another's {name}", "not_offered", 404, f"door has no action {action}", call)
    denied(gw, "an action that never was", "not_offered", 404, "door has no action 999999",
           lambda: door.ask("GET", "deploymentBase/999999"))
    for what in ("artifacts", "artifacts/image.swu", "artifacts/image.swu.MD5SUM"):
        denied(gw, f"another model's {what}", "not_offered", 404, "door is not offered that artifact",
               lambda what=what: door.ask("GET", f"softwaremodules/{release}/{what}"))
    tap.equal("and nothing of it has changed", before, gw.query("SELECT * FROM firmware_action WHERE id = ?", action))
    tap.equal("allowed: all of that for the device itself", [200] * 4, [
        cam.ask("GET", f"deploymentBase/{action}").status, cam.ask("GET", f"softwaremodules/{release}/artifacts").status,
        cam.ask("GET", f"softwaremodules/{release}/artifacts/image.swu").status, cam.say(action, "proceeding").status])
    cam.say(action, "closed", "success")


def held(gw, cam):
    """Paused, missing, or not for devices that only report."""
    release = gw.release("1.7", b"held" * 1000)
    gw.query("UPDATE firmware_release SET paused = 1 WHERE id = ?", release)
    tap.equal("paused: not offered", None, cam.offered())
    gw.query("UPDATE firmware_release SET paused = 0 WHERE id = ?", release)
    tap.ok(cam.offered(), "allowed: and then it is")
    gw.kernel.commit(automatic=False)
    tap.ok(until(lambda: cam.offered() is None), "firmware_auto_update: false: not offered")
    gw.kernel.commit(automatic=True)
    tap.ok(until(cam.offered), "allowed: true, and it is")
    name = os.path.join(gw.firmware["directory"], hashlib.sha256(b"held" * 1000).hexdigest())
    url = f"softwaremodules/{release}/artifacts/image.swu"
    for what, change in (("cut", lambda: os.truncate(name, 10)),
                         ("a link", lambda: (os.unlink(name), os.symlink("/etc/passwd", name))),
                         ("gone", lambda: os.unlink(name))):
        change()
        denied(gw, f"an artifact that is {what}", "artifact", 503, "the artifact cannot be read", lambda: cam.ask("GET", url))
    with open(name, "wb") as out:
        out.write(b"held" * 1000)
    tap.equal("allowed: it is there again", b"held" * 1000, cam.ask("GET", url).body)
    cam.say(cam.offered(), "closed", "success")


def main():
    """One server for devices of two kinds."""
    with FirmwareGateway() as gw:
        gw.must_start()
        cam, door = Device(gw, "cam", 9), Device(gw, "door", 10, model="lock")
        gw.kernel.commit()
        until(lambda: gw.query("SELECT 1 FROM device WHERE name = 'door' AND model = 'lock'"))
        polls(gw, cam, door)
        reports(gw, cam)
        strangers(gw, cam, door)
        update(gw, cam)
        cancellation(gw, cam)
        too_late(gw, cam)
        failure(gw, cam)
        postponed(gw, cam)
        others(gw, cam, door)
        held(gw, cam)
    tap.done()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
What rauc-hawkbit-updater sends, by libcurl as it does, in its order, with the client certificate that it can have
since 1.4; then odd requests and odd versions. The sequence is read from its source before 1.4, and its changes since.
"""
import hashlib
import json
import os

from firmware import IMAGE, denied, moved, tap
from gateway import WAIT, head, run, until
from kernel import Device, FirmwareGateway

JSON = "application/json;charset=UTF-8"
DEVICE = {"product": "Terminator", "model": "T-1000", "serialnumber": "8922673153", "hw_revision": "2"}


class Rauc:
    """rauc-hawkbit-updater with ssl_cert, ssl_key and an auth_token that nobody here needs."""

    def __init__(self, gw, device, token="TargetToken bhVahL1Il1shie2aj2poojeChee6ahShu", tenant="DEFAULT"):
        self.gw, self.device, self.token = gw, device, token
        self.url = f"https://localhost:{gw.port}/{tenant}/controller/v1/{device.name}"
        self.bundle = gw.path("bundle.raucb")

    def words(self, accept):
        """What every request has."""
        return ["-sS", "-4", "--max-time", str(WAIT), "--interface", self.device.address,
                "--cacert", os.path.join(self.gw.ca, "root.crt"), "--cert", self.device.cert, "--key", self.device.key,
                "-A", "rauc-hawkbit-updater/1.4", "-H", f"Authorization: {self.token}", "-H", f"Accept: {accept}",
                "-w", "\n%{http_code} %{num_connects}"]

    def rest(self, method, url, body=None):
        """rest_request(): status and body in JSON."""
        words = ["-X", method, *self.words(JSON), url]
        if body is not None:
            words += ["-H", f"Content-Type: {JSON}", "--data-binary", json.dumps(body)]
        done = run("curl", *words)
        text, _, code = done.stdout.decode(errors="replace").rpartition("\n")
        try:
            return int(code.split()[0]), json.loads(text)
        except (ValueError, IndexError):
            return int((code or "0").split()[0]), text + done.stderr.decode()

    def status(self, finished, execution, number=None, detail=None, data=None):
        """json_build_status()."""
        body = {"id": number} if number else {}
        body |= {"time": "20261128T141500", "status": {"result": {"finished": finished}, "execution": execution}}
        if detail:
            body["status"]["details"] = [detail]
        return body | ({"data": data} if data else {})

    def poll(self):
        """What there is for it."""
        status, root = self.rest("GET", self.url)
        tap.ok(status == 200 and len(root["config"]["polling"]["sleep"].split(":")) == 3, "poll: 200, HH:MM:SS", root)
        return root["_links"]

    def identify(self, data):
        """configData."""
        return self.rest("PUT", f"{self.url}/configData", self.status("success", "closed", data=data))[0]

    def feedback(self, number, detail, finished, execution, where="deploymentBase"):
        """feedback()."""
        body = self.status(finished, execution, number, detail)
        return self.rest("POST", f"{self.url}/{where}/{number}/feedback", body)[0]

    def download(self, url, resume=False):
        """get_binary(): status; the file is what has come."""
        done = run("curl", *self.words("application/octet-stream"), "-L", "--max-redirs", "8", "-o", self.bundle,
                   *(["-C", str(os.path.getsize(self.bundle))] if resume else []), url)
        return int((done.stdout.decode().split() or ["0"])[0])

    def sha1(self):
        """Of the file."""
        with open(self.bundle, "rb") as f:
            return hashlib.sha1(f.read()).hexdigest()


def deployment(rauc, links):
    """process_deployment(): id, and the artifact's size, SHA-1 and URL."""
    status, root = rauc.rest("GET", links["deploymentBase"]["href"])
    deploy = root["deployment"]
    tap.ok(status == 200 and deploy["download"] != "skip" and deploy["update"] != "skip" and
           len(deploy["chunks"]) == 1 and len(deploy["chunks"][0]["artifacts"]) == 1 and
           isinstance(root["id"], str) and deploy["chunks"][0]["version"] and deploy["chunks"][0]["name"],
           "deploymentBase: one chunk with one artifact, to be downloaded and installed", root)
    artifact = deploy["chunks"][0]["artifacts"][0]
    return root["id"], artifact["size"], artifact["hashes"]["sha1"], artifact["_links"]["download"]["href"]


def success(gw, rauc):
    """An update as it should be, in the updater's order."""
    links = rauc.poll()
    tap.equal("first poll: it is to identify itself", ["configData"], list(links))
    want = f"https://localhost:{gw.port}/default/controller/v1/{rauc.device.name}/configData"
    tap.equal("its link", want, links["configData"]["href"])
    tap.equal("configData: 200", 200, rauc.identify({**DEVICE, "version": "1.0"}))
    tap.equal("configData: the registry has the version", "1.0", gw.version("cam"))
    tap.equal("second poll: nothing to do", [], list(rauc.poll()))
    gw.release("1.1", IMAGE, file="bundle-1.1.raucb")
    number, size, sha1, url = deployment(rauc, rauc.poll())
    tap.equal("download: 200, and its checksum", (200, size, sha1),
              (rauc.download(url), os.path.getsize(rauc.bundle), rauc.sha1()))
    for detail in ("Download complete. 12.00 MB/s", "File checksum OK.", "0% Installing", "100% Installing done."):
        tap.equal(f"feedback: {detail}", (200, "running"),
                  (rauc.feedback(number, detail, "none", "proceeding"), gw.state(int(number))))
    os.truncate(rauc.bundle, size // 3)
    tap.equal("a download that broke off: 206, and its checksum", (206, sha1), (rauc.download(url, True), rauc.sha1()))
    tap.equal("resumed at its end: 416, and nothing is added", (416, sha1), (rauc.download(url, True), rauc.sha1()))
    tap.equal("feedback: installed", (200, "succeeded"), (rauc.feedback(
        number, "Software bundle installed successfully.", "success", "closed"), gw.state(int(number))))
    rauc.identify({**DEVICE, "version": "1.1"})
    tap.equal("then: nothing to do", [], list(rauc.poll()))


def failure(gw, rauc):
    """It does not work, then it is only to be downloaded."""
    gw.release("1.2", b"broken" * 1000, file="bundle-1.2.raucb")
    number = deployment(rauc, rauc.poll())[0]
    tap.equal("feedback: downloaded", (200, "running"),
              (rauc.feedback(number, "File checksum OK.", "success", "downloaded"), gw.state(int(number))))
    tap.equal("feedback: failed", (200, "failed"), (rauc.feedback(
        number, "Failed to install software bundle.", "failure", "closed"), gw.state(int(number))))
    tap.ok("deploymentBase" not in rauc.poll(), "failed: it is not offered again")
    tap.equal("feedback after the end: 410", 410, rauc.feedback(number, "again", "success", "closed"))


def cancel(gw, rauc):
    """process_cancel(): too late, then in time."""
    gw.release("1.3", b"cancel" * 1000, file="bundle-1.3.raucb")
    number = deployment(rauc, rauc.poll())[0]
    rauc.feedback(number, "0% Installing", "none", "proceeding")
    for detail, execution, state in (("Cancelation impossible, installation started already.", "rejected", "running"),
                                     ("Action canceled.", "closed", "canceled")):
        gw.query("UPDATE firmware_action SET state = 2, barred = 1 WHERE id = ?", int(number))
        links = rauc.poll()
        tap.ok("cancelAction" in links and "deploymentBase" not in links, "poll: to be canceled", links)
        status, root = rauc.rest("GET", links["cancelAction"]["href"])
        tap.equal("cancelAction: what to stop", (200, number), (status, root["cancelAction"]["stopId"]))
        tap.equal(f"cancel feedback: {detail}", (200, state),
                  (rauc.feedback(number, detail, "success", execution, "cancelAction"), gw.state(int(number))))


def tokens(gw, rauc, cam):
    """Tokens say nothing: the certificate does."""
    gateway = Rauc(gw, cam, "GatewayToken bhVahL1Il1shie2aj2poojeChee6ahShu")
    tap.equal("a GatewayToken besides the certificate: 200", 200, gateway.rest("GET", gateway.url)[0])
    bare = Rauc(gw, cam)
    words = bare.words(JSON)
    at = words.index("--cert")
    bare.words = lambda accept: words[:at] + words[at + 4:]
    before = gw.counters()
    tap.equal("a TargetToken without a certificate: 401", 401, bare.rest("GET", bare.url)[0])
    tap.ok(until(lambda: moved(before, gw.counters()) == {"no_certificate": 1}), "and it is counted",
           moved(before, gw.counters()))
    done = run("curl", *rauc.words(JSON), rauc.url, rauc.url + "/configData", "-X", "PUT", "-d",
               json.dumps(rauc.status("success", "closed", data=DEVICE)))
    tap.ok(done.stdout.decode().endswith(" 0"), "the connection is used for the next request", done.stdout)


def requests(gw, cam):
    """Odd, and meant well."""
    gw.release("1.4", b"odd" * 1000)
    action = cam.offered()
    for path in ("/DEFAULT/controller/v1/cam", "/Default/controller/v1/cam/", "/default/controller/v1/cam?",
                 "/default/controller/v1/cam?name=%20x&c=-1",
                 f"/DeFaUlT/controller/v1/cam/deploymentBase/{action}?c=-2129030598",
                 f"/default/controller/v1/cam/deploymentBase/{action}?actionHistory=10"):
        tap.equal(f"GET {path}: 200", 200, cam.ask("GET", path).status)
    for path in ("//default/controller/v1/cam", "/default//controller/v1/cam", "/default/controller/v1/",
                 "/default/controller/v2/cam", "/controller/v1/cam", "/default/controller/v1/CAM"):
        tap.ok(cam.ask("GET", path).status in (403, 404), f"GET {path}: refused", cam.ask("GET", path))
    for kind in ("application/json", JSON, 'application/json; charset="utf-8"', "application/hal+json", "text/plain",
                 None):
        headers = [("Content-Type", kind)] if kind else []
        got = cam.ask("PUT", "configData", headers, {"data": {"version": "1.1"}})
        tap.equal(f"configData, Content-Type {kind}: 200", 200, got.status)
    for name, body in (
            ("id is text", {"id": str(action)}), ("id is a number", {"id": action}), ("id is null", {"id": None}),
            ("time is a number", {"time": 1790000000}), ("members nobody knows", {"timestamp": 1, "x": [{"y": None}]}),
            ("a code and a progress", {"status": {"code": 200, "execution": "proceeding", "result": {
                "finished": "none", "progress": {"cnt": 2, "of": 5}}, "details": None}}),
            ("details that are a text", {"status": {"execution": "proceeding", "details": "at it"}}),
            ("details that are none", {"status": {"execution": "proceeding", "details": [1, None, {}, "at it"]}})):
        body = {"status": {"execution": "proceeding", "result": {"finished": "none"}}, **body}
        got = cam.ask("POST", f"deploymentBase/{action}/feedback", [("Content-Type", JSON)], body)
        tap.equal(f"feedback, {name}: 200", (200, "running"), (got.status, gw.state(action)))
    with cam.client() as client:
        body = json.dumps({"data": {"version": "1.1"}}).encode()
        client.send(head("PUT", f"{cam.root}/configData", [("Transfer-Encoding", "chunked")]) +
                    f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n")
        tap.equal("configData in chunks: 200", 200, client.answer().status)
    cam.say(action, "closed", "success")


def versions(gw, cam):
    """As vendors write them: written down as they are, and compared where they can be."""
    for told_as, release, offered in (
            ("v2.0", "2.0", False), ("V2.0", "2.0", False), ("2.0", "v2.0", False), ("v2.0", "2.1", True),
            ("2.0-rc1+7", "2.0", True), ("2.0-rc1+7", "2.0-rc1+8", False), ("2.0+7", "2.0", False),
            ("2026-04-01", "2026.04.01", False), ("2026-04-01", "2026-05-01", True), ("20260401", "20260501", True),
            ("2026.04", "2026.4", False)):
        gw.query("DELETE FROM firmware_action")
        gw.query("DELETE FROM firmware_release")
        gw.release(release, f"{told_as} {release}".encode())
        got = cam.tell(told_as)
        tap.equal(f"{told_as} is told, {release} is there: {'offered' if offered else 'not offered'}",
                  (200, told_as, offered), (got.status, gw.version("cam"), bool(cam.offered())))
    for text in ("blue", "Release of Tuesday", "", "2.0 (beta)", "1..2", "latest", "1.0_3"):
        tap.equal(f"free text {text!r}: 200", 200, cam.tell(text).status)
    denied(gw, "text that is no ASCII", "bad_request", 400, "the firmware's version is", lambda: cam.tell("gr\u00fcn"))
    gw.query("DELETE FROM firmware_release")
    gw.floor("2.0")
    for version, outdated in (("1.9", True), ("v2.0", False), ("1.9", True), ("2.0-rc1+7", True), ("2026-04-01", False),
                              ("v1.0", True), ("Release of Tuesday", False), ("0.1", True), ("2.0+7", False)):
        cam.tell(version)
        tap.ok(until(lambda outdated=outdated: gw.kernel.outdated("cam") == outdated),
               f"floor 2.0, {version}: {'outdated' if outdated else 'not held against it'}")


def main():
    """One server, one updater."""
    with FirmwareGateway() as gw:
        gw.must_start()
        cam = Device(gw, "cam", 9)
        gw.kernel.commit()
        until(lambda: gw.query("SELECT 1 FROM device WHERE name = 'cam' AND model = 'acme'"))
        rauc = Rauc(gw, cam)
        success(gw, rauc)
        failure(gw, rauc)
        cancel(gw, rauc)
        tokens(gw, rauc, cam)
        requests(gw, cam)
        versions(gw, cam)
    tap.done()


if __name__ == "__main__":
    main()

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""
The pages as `cordonctl serve` answers them, in Chromium: with an operator's certificate a device is quarantined by a
click; without one nothing can be clicked. What is tested of it without a browser is in tests/serve/page.py.
"""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "serve"))

from gateway import must, until  # noqa: E402
from page import PageGateway, tap  # noqa: E402

MAC = "02:00:00:00:00:01"


class MadeupGateway(PageGateway):
    """One with a history."""

    def history(self):
        must(os.path.join(HERE, "..", "history", "madeup.py"), self.path("history"), self.path("live"), "--devices", "40",
             "--days", "3")
        for name in ("history", "live"):
            os.chmod(self.path(name, name + ".db"), 0o644)


def main():
    """In a network of its own, as root."""
    with MadeupGateway() as gw:
        gw.must_start()
        gw.kernel.add("camera-1", MAC, "127.0.1.1", "acme-c4")
        cert, key = gw.operator("alice")
        done = subprocess.run(["node", os.path.join(HERE, "operate.js"), f"https://127.0.0.1:{gw.page}", cert, key, MAC],
                              check=False, stdout=subprocess.PIPE, text=True)
        for line in done.stdout.splitlines():
            if line.startswith(("ok - ", "not ok - ")):
                tap.ok(line.startswith("ok"), line.split(" - ", 1)[1])
            else:
                print("# " + line)
        tap.equal("the browser's tests ran to their end", 0, done.returncode)
        until(gw.acts)
        tap.ok(any("alice" in act for act in gw.acts()), "what was clicked is in the audit log, with who", gw.acts())
    tap.done()


if __name__ == "__main__":
    if not os.environ.get("CORDON_PAGE_NETWORK"):
        os.environ["CORDON_PAGE_NETWORK"] = "1"
        os.execvp("unshare", ["unshare", "-n", sys.executable, *sys.argv])
    must("ip", "link", "set", "lo", "up")
    main()

# SPDX-License-Identifier: GPL-2.0
"""What the tests of firmware share: what is granted and refused, and how that is counted."""
import os

from gateway import Tap, until

tap = Tap()
IMAGE = os.urandom(700001)


def moved(before, after):
    """Counters that differ, but those of what is asked for all the time."""
    quiet = ("connections", "poll", "firmware_report", "download")
    return {name: after[name] - before[name] for name in after if after[name] != before[name] and name not in quiet}


def denied(gw, name, reason, status, why, call):
    """A refusal: its status, the begin of its reason, and that it is counted under reason alone."""
    before = gw.counters()
    got = call()
    until(lambda: moved(before, gw.counters()) == {reason: 1})
    tap.ok(got.status == status and got.why().startswith(why) and moved(before, gw.counters()) == {reason: 1},
           f"{name}: {status} {why}", f"{got}\n{moved(before, gw.counters())}")
    return got


def told(gw, name, want, call):
    """Make a call that is granted: it counts what is wanted and nothing else."""
    before = gw.counters()
    got = call()
    until(lambda: moved(before, gw.counters()) == want)
    tap.ok(got.status in (200, 204) and moved(before, gw.counters()) == want, f"{name}: counted as {want}",
           f"{got}\n{moved(before, gw.counters())}")
    return got

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""top.py: the cases of top.sh on a terminal: what is on it, its size, its keys, and that it is given back."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

WAIT = 20
ESCAPES = re.compile(r"\x1b\[[?0-9;]*[A-Za-z]")
BEGIN, END = "\x1b[?1049h", "\x1b[?1049l"


class Terminal:
    def __init__(self, *words, lines=24, columns=80):
        self.main, self.other = pty.openpty()
        self.resize(lines, columns)
        self.before = termios.tcgetattr(self.other)
        self.text = ""
        env = dict(os.environ, LC_ALL="C.UTF-8", TERM="vt100")
        self.process = subprocess.Popen(["cordonctl", "top", "--interval", "0.2", *words], stdin=self.other,
                                        stdout=self.other, stderr=self.other, env=env, start_new_session=True)

    def resize(self, lines, columns):
        fcntl.ioctl(self.other, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))

    def read(self, left):
        if select.select([self.main], [], [], left)[0]:
            self.text += os.read(self.main, 65536).decode("utf-8", "replace")

    def screens(self):
        """Those that are complete: their lines, without escape sequences."""
        parts = self.text.split("\x1b[H")[1:]
        return [ESCAPES.sub("", part).replace("\r", "").split("\n") for part in parts if part.endswith("\x1b[J")
                or "\x1b[J" in part]

    def shows(self, fits):
        """A new screen that fits comes."""
        self.text = self.text[self.text.rfind("\x1b[H"):] if "\x1b[H" in self.text else self.text
        end = time.monotonic() + WAIT
        while (left := end - time.monotonic()) > 0:
            if any(fits(screen) for screen in self.screens()):
                return True
            self.read(left)
        return False

    def ends(self):
        """Return: its status, once it has ended, and whether the terminal is as it was."""
        end = time.monotonic() + WAIT
        while self.process.poll() is None and time.monotonic() < end:
            self.read(0.1)
        self.read(0)
        return self.process.poll(), END in self.text and termios.tcgetattr(self.other) == self.before


def check(name, good):
    print("%s %s" % ("ok" if good else "not ok", name), flush=True)


def names(screen):
    return [line.split()[0] for line in screen[3:] if line.strip()]


def fits(lines, columns):
    return lambda s: len(s) <= lines and max(map(len, s)) <= columns and names(s)


def main():
    t = Terminal()
    check("80 columns of 24 lines", t.shows(fits(24, 80)))
    check("rates", t.shows(lambda s: any(re.match(r"cam +active +[1-9]", line) for line in s)))
    check("a graph", t.shows(lambda s: any(line.rstrip().endswith(("▇", "█")) for line in s)))
    os.write(t.main, b"d")
    check("key d: by what is denied", t.shows(lambda s: "DENIED" in s[1] and names(s) == ["lock", "cam"]))
    os.write(t.main, b"n")
    check("key n: by name", t.shows(lambda s: "NAME" in s[1] and names(s) == ["cam", "lock"]))
    t.resize(4, 40)
    os.kill(t.process.pid, signal.SIGWINCH)
    check("a smaller terminal", t.shows(lambda s: fits(4, 40)(s) and names(s) == ["cam"]))
    os.write(t.main, b"q")
    check("key q: it ends, and gives the terminal back", t.ends() == (0, True))
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        t = Terminal()
        t.shows(fits(24, 80))
        t.process.send_signal(number)
        check("%s: likewise" % number.name, t.ends() == (-number, True))
    t = Terminal("--count", "1")
    check("--count: likewise", t.ends() == (0, True))


main()

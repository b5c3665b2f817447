# SPDX-License-Identifier: GPL-2.0
"""The kernel of fake_kernel.c, as the test sees it: a file with devices, their leases and quarantines."""
import hashlib
import mmap
import os
import struct

DEVICES, SIZE, HEAD = 8, 44, 8


class Kernel:
    """Devices by number, as mac() of gateway.py numbers them."""

    def __init__(self, path, *numbers, absent=False):
        self.path, self.numbers = path, list(numbers)
        with open(path, "wb") as f:
            f.write(struct.pack("<II", absent, len(numbers)) +
                    b"".join(struct.pack("<6sBBI32s", bytes([2]) + n.to_bytes(5, "big"), 0, 0, 0, b"") for n in numbers)
                    .ljust(DEVICES * SIZE, b"\0"))
        fd = os.open(path, os.O_RDWR)
        self.map = mmap.mmap(fd, HEAD + DEVICES * SIZE)
        os.close(fd)

    def _at(self, n):
        return HEAD + self.numbers.index(n) * SIZE

    def load(self, loaded=True):
        """The module is loaded, anew: it knows nothing, or it is not there."""
        if loaded:
            for n in self.numbers:
                self.map[self._at(n) + 6:self._at(n) + SIZE] = bytes(SIZE - 6)
        self.map[0:4] = struct.pack("<I", not loaded)

    def hold(self, n, quarantined=True):
        """Quarantine, by an operator or by itself."""
        self.map[self._at(n) + 6] = quarantined

    def is_held(self, n):
        return bool(self.map[self._at(n) + 6])

    def lease(self, n, serial, seconds=3600):
        """Of the certificate with this serial number."""
        at = self._at(n)
        self.map[at + 12:at + SIZE] = hashlib.sha256(serial.encode()).digest()
        self.map[at + 8:at + 12] = struct.pack("<I", seconds)

    def end(self, n):
        self.map[self._at(n) + 8:self._at(n) + 12] = bytes(4)

    def has_lease(self, n):
        return any(self.map[self._at(n) + 8:self._at(n) + 12])

#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""vmlinux.py BZIMAGE OUT: unpack the kernel in a bzImage; as such it boots faster under emulation."""
import gzip
import lzma
import struct
import subprocess
import sys

image = open(sys.argv[1], "rb").read()
setup = (image[0x1F1] or 4) + 1
offset, length = (struct.unpack_from("<I", image, at)[0] for at in (0x248, 0x24C))
payload = image[setup * 512 + offset : setup * 512 + offset + length]
if payload.startswith(b"\xfd7zXZ\0"):
    kernel = lzma.LZMADecompressor().decompress(payload)
elif payload.startswith(b"\x1f\x8b"):
    kernel = gzip.decompress(payload)
elif payload.startswith(b"\x28\xb5\x2f\xfd"):
    # The last four bytes are the size, for the boot code.
    kernel = subprocess.run(["zstd", "-dcq"], input=payload[:-4], stdout=subprocess.PIPE, check=False).stdout
else:
    sys.exit(f"vmlinux: unknown compression {payload[:8].hex()}")
if not kernel.startswith(b"\x7fELF"):
    sys.exit("vmlinux: what came out is no kernel")
with open(sys.argv[2], "wb") as out:
    out.write(kernel)

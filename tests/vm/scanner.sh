#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# scanner.sh: unpack nmap, once; print the directory, which is for chroot.
set -euo pipefail

# shellcheck source=tests/vm/unpack.sh
. "$(dirname "$0")/unpack.sh"
unpack scanner bookworm nmap

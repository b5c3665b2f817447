#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# eapol.sh: unpack the two ends of 802.1X, and who knows certificates between them, once; print the directory, which is
# for chroot.
set -euo pipefail

# shellcheck source=tests/vm/unpack.sh
. "$(dirname "$0")/unpack.sh"
unpack eapol bookworm hostapd wpasupplicant freeradius

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# bare.sh [bookworm|trixie]: three commands on a running Debian that has seen nothing of Cordon: apt with all packages, which
# compiles the module; one file; one systemctl. A device is held, and still is after a reboot. Prints TAP; the transcript
# is in build/system-last. The emulator takes minutes to compile.
set -uo pipefail

suite=${1:-bookworm}
# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh"

cp "$here/gateway.sh" "$here/gateway.yaml" "$work/share/"
stage bare -t 3600
stage guarded -t 900
finished

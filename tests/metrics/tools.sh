#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# tools.sh: unpack Prometheus, Alertmanager and nmap of Debian 12, once; print the directory. Not installed: that would start
# them. promtool and amtool run as they lie there, the others want to be in it (chroot).
set -euo pipefail

# shellcheck source=tests/vm/unpack.sh
. "$(dirname "$0")/../vm/unpack.sh"
unpack monitoring bookworm prometheus prometheus-alertmanager nmap

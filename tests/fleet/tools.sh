#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# tools.sh: etcd of Debian, which a guest finds on this machine's disk.
set -euo pipefail

exec "$(dirname "$0")/../deps.sh" etcd

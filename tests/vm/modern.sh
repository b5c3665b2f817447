#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# modern.sh: unpack what Debian 13 has of clients and servers, once; print the directory, which is for chroot.
set -euo pipefail

# shellcheck source=tests/vm/unpack.sh
. "$(dirname "$0")/unpack.sh"
unpack modern trixie openssl curl nginx nodejs mosquitto mosquitto-clients dropbear-bin dash ngtcp2-client ngtcp2-server swupdate

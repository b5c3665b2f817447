#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# cli.sh ARGS: the kernel's own netlink command-line client, which knows of Cordon only what the spec
# says.
#   cli.sh --dump device-get --output-json
#   cli.sh --do device-get --json '{"mac": "02:00:00:00:01:01"}'
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
exec /usr/bin/python3 "$("$here/ynl.sh")/tools/net/ynl/pyynl/cli.py" --no-schema \
	--spec "$here/../../Documentation/netlink/specs/cordon.yaml" "$@"

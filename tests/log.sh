#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# log.sh WHAT COMMAND...: say what is being done; show what the command printed only when it fails.
set -uo pipefail

what=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT
echo "$what" >&2
if ! "$@" >"$log" 2> >(tee -a "$log" | grep --line-buffered -E '^(fetching|making|installing) ' >&2); then
	echo "failed: $*" >&2
	tail -n 60 "$log" >&2
	exit 1
fi

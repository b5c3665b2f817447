#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# sanitize.sh: run the scenarios that say `# sanitize: yes` in their header on the sanitizer kernel.
# Prints TAP, one case per scenario; what a failed one said comes as comments.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
mapfile -t scenarios < <(grep -lsE '^# sanitize: yes$' tests/scenarios/*.sh)

echo "1..${#scenarios[@]}"
[ ${#scenarios[@]} -gt 0 ] || { echo "Bail out! no scenario asks for the sanitizers"; exit 1; }
failed=0 count=0
output=$(mktemp)
trap 'rm -f "$output"' EXIT
for scenario in "${scenarios[@]}"; do
	count=$((count + 1))
	if "$here/uml.sh" "$scenario" >"$output" 2>&1; then
		echo "ok $count - $(basename "$scenario" .sh) under sanitizers"
	else
		sed 's/^/# /' "$output"
		echo "not ok $count - $(basename "$scenario" .sh) under sanitizers"
		failed=1
	fi
done
exit $failed

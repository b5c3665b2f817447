#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# debsource.sh DIR PATTERN SUITE: download the newest linux-source package whose name matches the
# regex PATTERN from a Debian suite into DIR, and print the path of its .deb.
# apt keeps its state below $CORDON_CACHE, so the machine's own suites and lists stay as they are.
set -euo pipefail

dir=$1 pattern=$2 suite=$3
apt=${CORDON_CACHE:-$HOME/.cache/cordon}/apt-$suite

# The mirror is the one that this machine uses for its own release.
mirror() {
	find /etc/apt -maxdepth 2 \( -name '*.sources' -o -name '*.list' \) -exec awk '
		/^deb .* bookworm / { sub(/\[[^]]*\] /, ""); print $2 }
		/^URIs:/ { uri = $2 }
		/^Suites:/ { if (/ bookworm( |$)/) print uri }' {} +
}

mkdir -p "$dir" "$apt"/{lists,archives}/partial
exec 9>"$apt/lock"
flock 9

url=$(mirror | sed -n 1p)
[ -n "$url" ] || { echo "debsource: no Debian mirror in /etc/apt" >&2; exit 1; }
echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $url $suite main" >"$apt/sources.list"
: >"$apt/status"
options=(-qq -o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt" -o Dir::State::status="$apt/status"
	-o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null
	-o APT::Sandbox::User=root)

apt-get "${options[@]}" update >&2
package=$(apt-cache "${options[@]}" search --names-only "^$pattern\$" | cut -d' ' -f1 | sort -V | tail -n 1)
[ -n "$package" ] || { echo "debsource: nothing called $pattern in $suite" >&2; exit 1; }
(cd "$dir" && apt-get "${options[@]}" download "$package" >&2)
ls "$dir/${package}"_*.deb

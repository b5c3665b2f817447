# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# apt.sh (to be sourced): packages of any Debian suite, without a change to this machine's apt.
#   debian_apt SUITE[:ARCH|:source] get|cache ARG...
# State is kept below $CORDON_CACHE, one user at a time: apt would not wait for its locks. The mirror is the
# one that this machine uses for its own release.

debian_mirror() {
	find /etc/apt -maxdepth 2 \( -name '*.sources' -o -name '*.list' \) -exec awk '
		/^deb .* bookworm / { sub(/\[[^]]*\] /, ""); print $2 }
		/^URIs:/ { uri = $2 }
		/^Suites:/ { if (/ bookworm( |$)/) print uri }' {} + | sed -n 1p
}

debian_apt() {
	local suite=${1%:*} arch='' type=deb command=$2 mirror apt
	apt=${CORDON_CACHE:-$HOME/.cache/cordon}/apt-${1/:/-}
	case $1 in
	*:source) type=deb-src ;;
	*:*) arch=${1#*:} ;;
	esac
	shift 2
	mirror=$(debian_mirror)
	[ -n "$mirror" ] || { echo "apt: no Debian mirror in /etc/apt" >&2; return 1; }
	mkdir -p "$apt"/{lists,archives}/partial
	# By name, where apt-get would read a half-written one.
	echo "$type [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$apt/sources.list.$$"
	mv "$apt/sources.list.$$" "$apt/sources.list"
	: >>"$apt/status"
	flock "$apt/lock" "apt-$command" -qq -o Dir::State::Lists="$apt/lists" -o Dir::Cache="$apt" -o Dir::State::status="$apt/status" \
		-o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
		${arch:+-o APT::Architecture="$arch" -o APT::Architectures="$arch"} -o APT::Sandbox::User=root -o Acquire::Retries=3 -o APT::Update::Error-Mode=any "$@"
}

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# trixie.sh: the same packages by the tools of Debian 13, in build/deb-trixie. Build dependencies are installed once, into a
# layer of their own above the build root that tests/vm/chroot.sh makes; nothing of this machine changes.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
out=$root/build/deb-trixie
cache=${CORDON_CACHE:-$HOME/.cache/cordon}
lower=$("$root/tests/vm/chroot.sh")
layer=$cache/deb-trixie-$(sha256sum "$root/userspace/packaging/debian/control" "$0" | sha256sum | cut -c 1-8)

in_layer() {	# COMMAND...: with the checkout at /tree, read-only, and $out at /out
	mkdir -p "$layer"/{upper,work,root} "$out"
	# shellcheck disable=SC2016
	unshare -m --propagation private bash -ec '
		lower=$1 layer=$2 tree=$3 out=$4
		shift 4
		at=$layer/root
		mount -t overlay -o "lowerdir=$lower,upperdir=$layer/upper,workdir=$layer/work" overlay "$at"
		mkdir -p "$at/tree" "$at/out"
		mount --bind "$tree" "$at/tree"
		mount --bind "$out" "$at/out"
		mount -t proc proc "$at/proc"
		mount --bind /dev "$at/dev"
		cp /etc/resolv.conf /etc/hosts "$at/etc/"
		exec chroot "$at" env -i HOME=/root DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
			PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"' - "$lower" "$layer" "$root" "$out" "$@"
}

exec 9>"$cache/deb-trixie.lock"
flock 9
if [ ! -e "$layer/done" ]; then
	echo "making a build root for packages of Debian 13" >&2
	rm -rf "$layer"
	in_layer bash -ec 'apt-get -qq -o APT::Sandbox::User=root update
		mkdir -p /tmp/source
		cp -r /tree/userspace/packaging/debian /tmp/source/
		apt-get -qq -y -o APT::Sandbox::User=root --no-install-recommends install build-essential lintian
		apt-get -qq -y -o APT::Sandbox::User=root --no-install-recommends build-dep /tmp/source
		rm -rf /tmp/source' >&2
	touch "$layer/done"
fi
in_layer bash -ec '/tree/userspace/packaging/deb.sh /out && lintian --allow-root --fail-on error,warning /out/*.changes'

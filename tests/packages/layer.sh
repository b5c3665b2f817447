# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# layer.sh (to be sourced): what builds the packages in a Debian of its own. Build dependencies are installed once, into a
# layer above the build root that tests/vm/chroot.sh makes; nothing of this machine changes.
#   layer SUITE OUT [ARCH]   what is built there, for ARCH by cross compilers, goes to OUT
#   in_layer COMMAND...      with the checkout at /tree, read-only, and OUT at /out
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${CORDON_CACHE:-$HOME/.cache/cordon}

in_layer() {
	# shellcheck disable=SC2016
	unshare -m --propagation private bash -ec '
		lower=$1 layer=$2 tree=$3 out=$4
		shift 4
		at=$layer/root
		mount -t overlay -o "lowerdir=$lower,upperdir=$layer/upper,workdir=$layer/work" overlay "$at"
		mkdir -p "$at/tree" "$at/out"
		mount --bind -o ro "$tree" "$at/tree"
		mount --bind "$out" "$at/out"
		mount -t proc proc "$at/proc"
		mount --bind /dev "$at/dev"
		cp /etc/resolv.conf /etc/hosts "$at/etc/"
		exec chroot "$at" env -i HOME=/root DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
			PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"' - "$lower" "$layer" "$root" "$out" "$@"
}

# In the layer: an architecture that is not its own is added, with its compilers. Recommended are its C library's headers.
build_dependencies() {
	# shellcheck disable=SC2016
	in_layer bash -ec '
		get="apt-get -qq -y -o APT::Sandbox::User=root --no-install-recommends"
		[ -z "$1" ] || dpkg --add-architecture "$1"
		$get update
		mkdir -p /tmp/source
		cp -r /tree/userspace/packaging/debian /tmp/source/
		$get install build-essential lintian ${1:+"crossbuild-essential-$1" "libc6-dev:$1"}
		$get ${1:+-a "$1" -P cross,nocheck} build-dep /tmp/source
		rm -rf /tmp/source' - "$1"
}

layer() {
	local suite=$1 arch=${3-} name=deb-$1${3:+-$3}

	out=$2
	lower=$("$root/tests/vm/chroot.sh" "$suite")
	layer=$cache/$name-$(cat "$root/userspace/packaging/debian/control" "$here/layer.sh" | sha256sum | cut -c 1-8)
	exec 9>"$cache/$name.lock"
	flock 9
	mkdir -p "$layer"/{upper,work,root} "$out"
	[ ! -e "$layer/done" ] || return 0
	echo "making a build root for packages of $suite${arch:+ for $arch}" >&2
	rm -rf "$layer"
	mkdir -p "$layer"/{upper,work,root}
	build_dependencies "$arch" >&2
	touch "$layer/done"
}

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# autopkgtest.sh [bookworm|trixie]: the packages' own tests, debian/tests, as Debian runs them: by autopkgtest, in the
# running system, which is the machine of its own that they ask for. Prints TAP.
set -uo pipefail

suite=${1:-bookworm}
# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh"

# For autopkgtest a source package is a directory with debian/ in it.
mkdir "$work/share/source"
cp -r "$root/userspace/packaging/debian" "$work/share/source/"
on_disk apt-get -y -o APT::Sandbox::User=root install --no-install-recommends autopkgtest \
	"/run/debs/$(cd "$debs" && ls cordon-dkms_*.deb)" "/run/debs/$(cd "$debs" && ls cordonctl_*.deb)"
ok "the packages and autopkgtest install"
stage autopkgtest -t 1200
finished

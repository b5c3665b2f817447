#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh [bookworm|trixie]: the packages of build/deb on a Debian with systemd: installed with apt, used, kept over a
# reboot, upgraded, removed and purged. Prints TAP.
# The module is compiled by DKMS in a chroot of the guest's disk, since the emulator would take minutes for that; all the
# rest happens in the running system: stages/*.sh, a boot for each.
set -uo pipefail

suite=${1:-bookworm}
# shellcheck source=tests/system/host.sh
. "$(dirname "$0")/host.sh"

cp "$root/userspace/packaging/debian/tests/deny" "$work/share/"
files before
ok "the disk can be read"
on_disk apt-get -y -o APT::Sandbox::User=root install --no-install-recommends "/run/debs/$(cd "$debs" && ls cordon-dkms_*.deb)"
ok "cordon-dkms installs"
on_disk dkms status cordon
grep -F ", $release, " "$work/log" | grep -E "^cordon[/,] *[0-9.]+, .*: installed"
ok "DKMS has built the module for $release"
stage install -t 900
stage reboot -t 900
on_disk apt-get -y purge cordon-dkms
ok "cordon-dkms is purged"
files after
diff "$work/files-before" "$work/files-after" >"$work/log"
ok "nothing is left"
finished

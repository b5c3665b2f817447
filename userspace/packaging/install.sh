#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# install.sh install|uninstall [device|fleet]: what the list beside it names, files or files.device, below $DESTDIR. From the
# environment: BUILD, PREFIX, and BINDIR, SBINDIR, MANDIR, DATADIR, LIBDIR, UNITDIR, SYSCONFDIR where they are not PREFIX's.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
: "${BUILD:?}" "${PREFIX=/usr/local}" "${DESTDIR=}"
: "${BINDIR:=$PREFIX/bin}" "${SBINDIR:=$PREFIX/sbin}" "${DATADIR:=$PREFIX/share}" "${LIBDIR:=$PREFIX/lib}" "${SYSCONFDIR:=/etc}"
: "${MANDIR:=$DATADIR/man}" "${UNITDIR:=$LIBDIR/systemd/system}"

fill() {	# the words between @
	sed -e "s|@BUILD@|$BUILD|g; s|@BINDIR@|$BINDIR|g; s|@SBINDIR@|$SBINDIR|g; s|@MANDIR@|$MANDIR|g; s|@DATADIR@|$DATADIR|g" \
		-e "s|@LIBDIR@|$LIBDIR|g; s|@UNITDIR@|$UNITDIR|g; s|@SYSCONFDIR@|$SYSCONFDIR|g"
}

put() {	# KIND SOURCE FILE
	local mode=644

	[ "$1" != program ] || mode=755
	if [ "$1" = program ]; then
		install -D -m "$mode" "$2" "$3"
	elif [ "$1" = text ] || [ ! -e "$3" ]; then
		# By another name first: what reads the file meets the old one or the new one.
		install -D -m "$mode" /dev/null "$3.new"
		fill <"$2" >"$3.new"
		mv "$3.new" "$3"
	fi
}

# A configuration that was changed stays.
take() {	# KIND SOURCE FILE
	[ "$1" = config ] && ! fill <"$2" | cmp -s - "$3" || rm -f "$3"
	rmdir --ignore-fail-on-non-empty "$(dirname "$3")" 2>/dev/null || :
}

# Without DESTDIR it is this machine, and its service manager is told.
tell_manager() {
	[ -z "$DESTDIR" ] && [ -d /run/systemd/system ] || return 0
	if [ "$1" = install ]; then
		systemd-sysusers "$LIBDIR/sysusers.d/cordon.conf"
		systemd-tmpfiles --create "$LIBDIR/tmpfiles.d/cordon.conf"
	fi
	systemctl daemon-reload
}

case ${1-} in
install) each=put ;;
uninstall) each=take ;;
*) echo "usage: install.sh install|uninstall [device|fleet]" >&2; exit 2 ;;
esac
fill <"$here/files${2:+.$2}" | grep -v '^#' | while read -r kind pattern target; do
	compgen -G "$pattern" >/dev/null || { echo "install: no such file: $pattern" >&2; exit 1; }
	for source in $pattern; do
		case $target in
		*/) "$each" "$kind" "$source" "$DESTDIR$target${source##*/}" ;;
		*) "$each" "$kind" "$source" "$DESTDIR$target" ;;
		esac
	done
done
[ -n "${2-}" ] || tell_manager "$1"

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# run.sh: the Debian packages are built, lintian finds nothing, and what each installs is what `make install` does.
# With TORTURE=1 they are built again elsewhere, at another time, in another time zone and language, by one process at a
# time, under another umask: the same bytes. Prints TAP.
set -uo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
debs=${BUILD:-$root/build}/deb
again=$(mktemp -d)
trap 'rm -rf "$again"' EXIT
n=0 failed=0

ok() {	# NAME: as the last command went
	local status=$?

	n=$((n + 1))
	if [ $status = 0 ]; then echo "ok $n - $1"; else sed 's/^/# /' "$again/log"; echo "not ok $n - $1"; failed=1; fi
}

# same FILE: what a package has is what make install has put there
same() {
	local has=$again/packaged/$1

	case $1 in
	usr/lib/systemd/*) [ -e "$has" ] || has=$again/packaged/${1#usr/} ;;
	usr/share/man/*) zcat "$has.gz" | cmp -s - "$again/installed/$1"; return ;;
	esac
	cmp -s "$has" "$again/installed/$1"
}

# Without a running service manager. What is said last is the sum.
exposure() {
	local unit

	for unit in "$again"/packaged/{usr/,}lib/systemd/system/*.service; do
		[ ! -e "$unit" ] || echo "$(basename "$unit"): $(systemd-analyze security --no-pager --offline=yes \
			--root="$again/packaged" "$(basename "$unit")" | tail -n 1)"
	done
	systemd-analyze security --no-pager --offline=yes --root="$again/packaged" --threshold=25 cordon-serve.service >"$again/said" ||
		{ cat "$again/said"; return 1; }
}

"$root/tests/deps.sh" build deb >"$again/log" 2>&1 && "$root/userspace/packaging/deb.sh" "$debs" >>"$again/log" 2>&1
ok "the packages are built"
lintian --fail-on error,warning --no-tag-display-limit --allow-root "$debs"/*.changes >"$again/log" 2>&1
ok "lintian finds no error and no warning"
! grep -rl . "$root/userspace/packaging/debian" --include='*lintian-overrides*' >"$again/log"
ok "and is told to overlook nothing"
for deb in "$debs"/*.deb; do
	dpkg-deb -x "$deb" "$again/packaged"
done
(unset MAKEFLAGS MFLAGS MAKELEVEL
	make -s -C "$root" DESTDIR="$again/installed" PREFIX=/usr install-userspace install-device install-fleet) >"$again/log" 2>&1
(cd "$again/packaged" && find . -path ./usr/share/doc -prune -o -path ./usr/src -prune -o -type f -printf '%P\n') |
	sed 's|^lib/systemd|usr/&|; s|^\(usr/share/man/.*\)\.gz$|\1|' | sort >"$again/has"
(cd "$again/installed" && find . -type f -printf '%P\n') | sort | diff - "$again/has" >>"$again/log"
ok "they install what make install does"
(cd "$again/installed" && find . -type f ! -path './usr/*bin/*' -printf '%P\n') | while IFS= read -r file; do
	same "$file" || echo "differs: $file"
done >"$again/log" 2>&1
[ ! -s "$again/log" ]
ok "and the texts are the same"
exposure >"$again/log" 2>&1
ok "systemd-analyze security: cordon-serve's exposure is at most 2.5"
sed 's/^/# /' "$again/log"
(cd "$again/packaged/usr/src"/cordon-*/ && find . -type f ! -name dkms.conf -printf '%P\n') | sort >"$again/has"
(cd "$root" && find Kbuild kernel include -name '*.[ch]' ! -name '*.mod.c' -o -name Kbuild) | sort |
	diff - "$again/has" >"$again/log"
ok "DKMS gets the module's sources, and nothing else"

rebuild() {	# from a copy that git knows nothing of, as an unpacked archive is
	"$root/tests/deps.sh" deb-long >"$again/log" 2>&1
	mkdir "$again/tree"
	tar -c -C "$root" --exclude=./.git --exclude=./build . | tar -x -C "$again/tree"
	localedef -i tr_TR -f UTF-8 "$again/tr_TR.UTF-8" >"$again/log" 2>&1
	ok "there is another language"
	(umask 077 && LOCPATH=$again LC_ALL=tr_TR.UTF-8 TZ=Asia/Tokyo HOME=$again DEB_BUILD_OPTIONS=parallel=1 \
		"$again/tree/userspace/packaging/deb.sh" "$again/another/place") >"$again/log" 2>&1
	ok "the packages are built again"
	for deb in "$debs"/*.deb "$debs"/*.tar.xz; do
		cmp "$deb" "$again/another/place/$(basename "$deb")" >"$again/log" 2>&1
		ok "the same bytes: $(basename "$deb")"
	done
}

[ "${TORTURE-}" != 1 ] || rebuild
echo "1..$n"
exit $failed

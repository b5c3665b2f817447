#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# prepare.sh: install what the rings need; fetch and build, once, what every checkout shares. The downloads
# overlap with the long build of the sanitizer kernel. Prints TAP.
set -uo pipefail

cd "$(dirname "$0")/.." || exit
count=0 failed=0

report() {
	count=$((count + 1))
	if [ "$1" = 0 ]; then echo "ok $count - $2"; else echo "not ok $count - $2"; failed=1; fi
}

tests/deps.sh build vm bench kunit lint unit serve etcd page deb
report $? "Debian's packages are installed"
tests/kunit/fetch.sh >/dev/null &
sanitizer=$!
tests/spec/ynl.sh >/dev/null
report $? "the netlink tools of the kernel are there"
for line in 6.1 6.12 7.3; do
	tests/vm/fetch.sh "$line" >/dev/null
	report $? "kernel $line is there"
done
tests/vm/modern.sh >/dev/null
report $? "clients and servers of Debian 13 are there"
tests/vm/daemons.sh >/dev/null
report $? "a gateway's daemons are there"
tests/vm/scanner.sh >/dev/null
report $? "a scanner is there"
tests/vm/dhcp.sh >/dev/null
report $? "servers and clients of DHCP are there"
tests/vm/attack.sh >/dev/null
report $? "tools that attack a local network are there"
tests/bench/nginx.sh >/dev/null
report $? "nginx is there"
[ ! -d "/proc/$sanitizer" ] || echo "building the sanitizer kernel" >&2
wait $sanitizer
report $? "the sanitizer kernel is there"
echo "1..$count"
exit $failed

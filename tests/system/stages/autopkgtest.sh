# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
# autopkgtest.sh: debian/tests, on a running system.
. ./lib.sh

# To its null runner nothing is a machine of its own; here it is one.
run_tests() {
	autopkgtest --no-built-binaries --ignore-restrictions=isolation-machine "$PWD/source" -- null 2>&1 |
		tee $log | sed 's/^/# /'
	return "${PIPESTATUS[0]}"
}

run_tests
ok "autopkgtest: all tests pass"
grep -qE '^(autopkgtest.*: )?deny +PASS' $log
ok "deny was among them"
! try grep -q '^cordon ' /proc/modules
ok "the module is not left loaded"
sed -i "s/'\[\]'/'[{from: iot, to: wan, allow: [\"icmp\/*\"]}]'/" source/debian/tests/deny
! run_tests
ok "with a deny that is none, they do not"
grep -qE 'deny +FAIL' $log
ok "since deny fails"
echo "done"

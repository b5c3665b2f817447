#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# build.sh module|kunit|planted|lint [MAKE-ARG...]: build for the User Mode Linux kernel in a copy of the
# checkout, so that the checkout stays free of objects; print the directory of the copy, which holds
# the compiler's words in `log`.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
kind=$1
stage=$root/build/uml/$kind
shift
kernel=$("$here/fetch.sh")

# Objects stay for the next build; sources go, so that a deleted file is not built again.
mkdir -p "$stage/tests"
exec 7>"$stage/lock"
flock 7
find "$stage" -name '*.[ch]' ! -name '*.mod.c' -delete
for part in kernel include tests/kunit; do
	[ ! -d "$root/$part" ] || cp -a "$root/$part" "$stage/$(dirname "$part")/"
done
case $kind in
module | lint) cp -a "$root/Kbuild" "$stage/" ;;
kunit) cp -a "$here/Kbuild" "$stage/" ;;
planted) cp -a "$here"/planted/* "$stage/" ;;
esac

# um does not select UBSAN for everything, and by a command-line variable no Kbuild needs to know.
make -sC "$kernel" ARCH=um CC=gcc-12 M="$stage" UBSAN_SANITIZE=y -j"$(nproc)" "$@" modules >"$stage/log" 2>&1 ||
	{ cat "$stage/log" >&2; exit 1; }
echo "$stage"

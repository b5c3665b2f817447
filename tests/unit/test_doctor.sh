#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# doctor on a machine that is only a directory: what its files tell. What the kernel tells is in tests/scenarios/lockout.sh.
set -u
cd "$(dirname "$0")/../.." || exit 2
ctl=$PWD/build/cordonctl
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
. tests/unit/lib.sh
shown=("$dir/out")
root=$dir/root
running=$(uname -r)
efi=$root/sys/firmware/efi/efivars

mkdir -p "$root/sys/class/net/eth0" "$root/proc/net" "$root/boot" "$root/etc/systemd/system/sysinit.target.wants" \
	"$root/usr/lib/systemd/system" "$efi"
echo 1 >"$root/sys/class/net/eth0/type"
printf 'version: 1\nports: [eth0]\nuplinks: [eth1]\n' >"$dir/policy.yaml"

# module RELEASE [FILE]: a kernel, and the module for it
kernel() {
	mkdir -p "$root/lib/modules/$1/updates"
	: >"$root/boot/vmlinuz-$1"
	echo "kernel/net/other.ko: kernel/cordon.kox" >"$root/lib/modules/$1/modules.dep"
	[ -z "${2-}" ] || echo "updates/$2:" >>"$root/lib/modules/$1/modules.dep"
}
# says NAME LINE
says() {
	"$ctl" doctor --root "$root" --policy "$dir/policy.yaml" "${@:3}" >"$dir/out" 2>&1
	[ $? = 1 ] && grep -qF -- "$2" "$dir/out"
	ok "$1" $?
}

says "no module" "OPEN    module        not loaded: nothing is guarded"
says "what mends it" "-> cordonctl module load"
ln -s cordon.service "$root/etc/systemd/system/sysinit.target.wants/cordon.service"
says "where cordon.service does" "-> mend what follows, then systemctl start cordon"
rm "$root/etc/systemd/system/sysinit.target.wants/cordon.service"
mkdir -p "$root/sys/module/cordon"
says "a module" "ok      module        loaded"
kernel "$running"
says "none is installed" "OPEN    kernel        the module is not installed for the kernel that runs ($running)"
kernel "$running" cordon.ko.xz
says "one is installed" "ok      kernel        the module is installed for the kernel that runs ($running)"
kernel 999.9.0-1-amd64
kernel 999.10.0-1-amd64
says "none for the newest kernel" "OPEN    next kernel   999.10.0-1-amd64 has no module"
says "without DKMS" "-> install cordon-dkms and linux-headers-999.10.0-1-amd64, or: make install"
mkdir -p "$root/var/lib/dkms/cordon"
says "with DKMS, without headers" "-> apt-get install linux-headers-999.10.0-1-amd64 && dkms autoinstall -k 999.10.0-1-amd64"
mkdir "$root/lib/modules/999.10.0-1-amd64/build"
says "with headers" "-> dkms autoinstall -k 999.10.0-1-amd64; if that fails, see /var/lib/dkms/cordon/*/build/make.log"
kernel 999.10.0-1-amd64 cordon.ko
says "one for the newest" "ok      next kernel   the module is installed for 999.10.0-1-amd64, too"
says "none for one that is not the newest" "OPEN    next kernel   999.9.0-1-amd64 has no module"
rm "$root/boot/vmlinuz-999.9.0-1-amd64"
says "what is left of a kernel that was removed is none" "ok      next kernel   the module is installed for 999.10.0-1-amd64, too"
! grep -q 999.9.0 "$dir/out"
ok "and is not told of" $?
: >"$root/lib/modules/999.9.0-1-amd64/vmlinuz"
says "an image beside the modules" "OPEN    next kernel   999.9.0-1-amd64 has no module"
rm -r "$root/lib/modules/999.9.0-1-amd64"

says "no Secure Boot" "ok      Secure Boot   off"
variable=$efi/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c
printf '\6\0\0\0\0' >"$variable"
says "Secure Boot that is off" "ok      Secure Boot   off"
printf '\6\0\0\0\1' >"$variable"
says "Secure Boot, and a module that cannot be read" "unknown Secure Boot   on; whether the module is signed cannot be seen"
# A module is an object file, with a signature behind it: three bytes of three fields, their lengths, and the mark.
modules=$root/lib/modules/$running/updates
printf '.section .modinfo, "a"\n.asciz "license=GPL"\n' | gcc -c -x assembler -o "$dir/unsigned.ko" - &&
	(cat "$dir/unsigned.ko"; printf 'abc\0\0\0\1\1\0\0\0\0\0\0\1~Module signature appended~\n') >"$dir/signed.ko"
xz -c "$dir/unsigned.ko" >"$modules/cordon.ko.xz"
says "Secure Boot, and no signature, compressed" "OPEN    Secure Boot   on, and the module has no signature"
xz -c "$dir/signed.ko" >"$modules/cordon.ko.xz"
says "Secure Boot, and a signature, compressed" "ok      Secure Boot   on, and the module is signed"
kernel "$running" cordon.ko
cp "$dir/unsigned.ko" "$modules/cordon.ko"
says "Secure Boot, and no signature" "OPEN    Secure Boot   on, and the module has no signature"
cp "$dir/signed.ko" "$modules/cordon.ko"
says "Secure Boot, and a signature" "ok      Secure Boot   on, and the module is signed"
rmdir "$root/sys/module/cordon"
says "a signature, and no key of DKMS" "unknown Secure Boot   on; whether the module's key is enrolled cannot be seen"
echo "a certificate" >"$root/var/lib/dkms/mok.pub"
says "a key that is not enrolled" "OPEN    Secure Boot   on, and the key that DKMS signs with is not enrolled"
says "what mends it" "-> mokutil --import /var/lib/dkms/mok.pub, then reboot, and at the console: Enroll MOK"
for list in MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23 db-d719b2cb-3d3a-4596-a3bc-dad00e67656f; do
	(printf 'a list'; cat "$root/var/lib/dkms/mok.pub"; echo more) >"$efi/$list"
	says "a key that is: ${list%%-*}" "ok      Secure Boot   on, and the module is signed; DKMS's key is enrolled"
	rm "$efi/$list"
done
printf '\6\0\0\0\0' >"$variable"
mkdir -p "$root/sys/module/module/parameters"
echo N >"$root/sys/module/module/parameters/sig_enforce"
says "signatures are not demanded" "ok      Secure Boot   off"
echo Y >"$root/sys/module/module/parameters/sig_enforce"
says "without Secure Boot the kernel demands them" "OPEN    Secure Boot   off, but the kernel demands signatures (module.sig_enforce)"
mkdir "$root/sys/module/cordon"
says "a module that is loaded was accepted" "ok      Secure Boot   off, but the kernel demands signatures"
cp "$dir/unsigned.ko" "$modules/cordon.ko"
says "what signs one that is not" "-> dkms unbuild cordon/"

says "no unit" "OPEN    units         cordon.service is not installed"
: >"$root/usr/lib/systemd/system/cordon.service"
says "a unit that is not enabled" "OPEN    units         cordon.service is not enabled"
says "what mends it" "-> systemctl enable --now cordon.service"
ln -s /usr/lib/systemd/system/cordon.service "$root/etc/systemd/system/sysinit.target.wants/"
says "a unit that is" "ok      units         cordon.service is enabled"

says "no bridge" "ok      bridges"
mkdir -p "$root/sys/class/net/docker0/bridge" "$root/sys/class/net/br0/bridge"
echo 1 | tee "$root/sys/class/net/docker0/type" >"$root/sys/class/net/br0/type"
says "a bridge" "OPEN    bridges       br0: what its members send one another is not judged"
! grep -q docker0 "$dir/out"
ok "that of containers is none" $?

says "a good file" "ok      file          $dir/policy.yaml is a good policy"
printf 'version: 1\nports: [eth0]\nuplinks: [eth1]\nsegments: {p: {networks: [10.0.0.0/8], interfaces: [eth1]}}\n' >"$dir/policy.yaml"
says "networks with their interfaces need no rp_filter" "ok      rp_filter"
echo nonsense >"$dir/policy.yaml"
says "a bad file" "-> cordonctl check $dir/policy.yaml"
rm "$dir/policy.yaml"
says "no file" "-> cordonctl setup"
"$ctl" doctor --json --root "$root" --policy "$dir/policy.yaml" >"$dir/out" 2>&1
[ $? = 1 ] && parses "$dir/out" --json && python3 -c '
import json, sys
d = json.load(open(sys.argv[1], encoding="utf-8"))
found = d["findings"]
sys.exit(d["open"] != sum(f["state"] == "open" for f in found) or
         any(set(f) != {"check", "state", "text", "mend"} or (f["state"] == "open") != bool(f["mend"]) for f in found))' "$dir/out"
ok "JSON: what is open, and only that, has what mends it" $?
# In the journal: an entry for each that is open, and nothing else.
python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(60)
print("bound", flush=True)
while b"CORDON_CHECK=units" not in (entry := s.recv(65536)):
    sys.stdout.buffer.write(entry)
sys.stdout.buffer.write(entry)' "$dir/journal" >"$dir/entries" &
timeout 60 bash -c 'until grep -q bound "$1"; do :; done' - "$dir/entries"
rm "$root/etc/systemd/system/sysinit.target.wants/cordon.service"
"$ctl" doctor --journal="$dir/journal" --root "$root" --policy "$dir/policy.yaml" >"$dir/out" 2>&1
[ $? = 1 ] && [ ! -s "$dir/out" ]
ok "--journal: nothing is printed" $?
wait $!
mapfile -t entry < <(sed -n '/^MESSAGE=file: /,$p' "$dir/entries" | head -n 6)
[ "${entry[0]}" = "MESSAGE=file: $dir/policy.yaml: there is none; to mend it: cordonctl setup" ] &&
	[ "${entry[*]:1}" = "MESSAGE_ID=255fc8fe3b9c415cb592958a66ef23d0 PRIORITY=4 SYSLOG_IDENTIFIER=cordon CORDON_CHECK=file CORDON_MEND=cordonctl setup" ]
ok "--journal: what is open is a warning there" $?
! grep -qx "CORDON_CHECK=\(module\|kernel\|br_netfilter\|certificates\)" "$dir/entries"
ok "--journal: what is not is none" $?
"$ctl" doctor --journal="$dir/none" --root "$root" --policy "$dir/policy.yaml" >"$dir/out" 2>"$dir/err"
grep -qx "cordon: file: $dir/policy.yaml: there is none; to mend it: cordonctl setup" "$dir/err"
ok "without a journal it is a line on standard error" $?
"$ctl" doctor --json --journal="$dir/none" >"$dir/out" 2>&1
[ $? = 2 ]
ok "--json and --journal" $?
"$ctl" doctor more >"$dir/out" 2>&1
[ $? = 2 ]
ok "a word too many" $?
echo "1..$n"
exit $failed

#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# init.sh: process 1 of the User Mode Linux guest. Puts a tmpfs over the machine's own root file system,
# which is mounted read-only, runs $CORDON_OUT/script there, and leaves its status and kmemleak's
# report in $CORDON_OUT, the only place of the machine that the guest can write to.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export PATH HOME=/root LC_ALL=C

mount -t tmpfs tmpfs /mnt
mkdir /mnt/{upper,work,root}
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work overlay /mnt/root
cd /mnt/root || exit
# What this machine is a gateway with is none of a test's business.
rm -rf etc/cordon var/lib/cordon
mount -t devtmpfs dev dev
exec </dev/null >dev/tty0 2>&1
stty -opost <dev/tty0
mount -t proc proc proc
mount -t sysfs sys sys
mount -t debugfs debug sys/kernel/debug
mount -t tmpfs -o mode=755 run run
mkdir -p dev/{pts,shm} run/{lock,netns}
mount -t devpts devpts dev/pts
mount -t tmpfs shm dev/shm
ln -s /proc/self/fd dev/fd
mount -t hostfs -o "$CORDON_OUT" out ".$CORDON_OUT"
mkdir -p lib/modules
ln -sfn "$CORDON_OUT/modules" "lib/modules/$(uname -r)"
# Not chroot: inside one no user namespace can be made.
pivot_root . mnt
umount -l /mnt
ip link set lo up

# um itself gives two RCU splats at its first fork: what came before this line is not ours.
echo '<1>cordon: script starts' >/dev/kmsg
bash "$CORDON_OUT/script"
echo $? >"$CORDON_OUT/status"
# kmemleak looks only at what is older than five seconds, and reports what two scans found.
read -r now _ </proc/uptime
end=$((${now%.*} + 6))
until [ "${now%.*}" -ge "$end" ]; do
	sleep 0.2
	read -r now _ </proc/uptime
done
echo scan >/sys/kernel/debug/kmemleak
echo scan >/sys/kernel/debug/kmemleak
cat /sys/kernel/debug/kmemleak >"$CORDON_OUT/kmemleak"
exec busybox poweroff -f

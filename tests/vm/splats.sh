#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# splats.sh [FILE...]: print the lines of a kernel log that no sound kernel prints; 1 when there are none.
# Files that are not there are passed over: a guest that died leaves only some.
splats=(
	'BUG:' 'BUG at' 'WARNING:' 'Oops' 'Kernel panic' 'general protection' 'cut here' 'Call Trace'
	'KASAN' 'KCSAN' 'UBSAN' 'ODEBUG' 'refcount_t:' 'corruption' 'cannot create duplicate'
	'scheduling while atomic' 'possible (circular|recursive|irq)' 'inconsistent lock' 'suspicious RCU'
	'bad unlock balance' 'held lock freed' 'Invalid wait context' 'lock held when returning'
	'non-static key' 'soft lockup' 'hard LOCKUP' 'rcu.* (stall|detected)' 'blocked for more than'
	'unregister_netdevice: waiting' 'leaked' 'unreferenced object' 'suspected memory leak' 'still has objects'
)
pattern=$(IFS='|'; echo "${splats[*]}")
cat -- "$@" 2>/dev/null | grep -aE "$pattern"

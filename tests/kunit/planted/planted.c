// SPDX-License-Identifier: GPL-2.0
/*
 * Deliberate bugs, one per class that the ring claims to catch: planted.sh loads this and looks for a
 * report of each. The order matters: the first report of lockdep, and any of KASAN, switch lockdep off.
 */
#include <linux/module.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

static DEFINE_SPINLOCK(first);
static DEFINE_SPINLOCK(second);
static int __rcu *published;
static volatile int sink;

static noinline void sleep_in_atomic(void)
{
	spin_lock(&first);
	kfree(kmalloc(64, GFP_KERNEL));
	spin_unlock(&first);
}

static noinline void read_without_rcu(void)
{
	sink = !rcu_dereference(published);
}

static noinline void lock_order(void)
{
	spin_lock(&first);
	spin_lock(&second);
	spin_unlock(&second);
	spin_unlock(&first);

	spin_lock(&second);
	spin_lock(&first);
	spin_unlock(&first);
	spin_unlock(&second);
}

static noinline void shift_out_of_bounds(void)
{
	volatile int width = 40;

	sink = 1 << width;
}

static noinline void use_after_free(void)
{
	volatile char *p = kmalloc(100, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(p);
	if (!p)
		return;
	kfree((void *)p);
	sink = p[5];
}

static noinline void leak(void)
{
	char *p;
	int i;

	/* The last pointer may survive in a register or on the stack. */
	for (i = 0; i < 3; i++) {
		p = kmalloc(777, GFP_KERNEL);
		OPTIMIZER_HIDE_VAR(p);
	}
}

static int __init planted_init(void)
{
	sleep_in_atomic();
	read_without_rcu();
	lock_order();
	shift_out_of_bounds();
	use_after_free();
	leak();
	return 0;
}

static void __exit planted_exit(void)
{
}

module_init(planted_init);
module_exit(planted_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("deliberate bugs that the sanitizers must report");

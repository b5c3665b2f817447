// SPDX-License-Identifier: GPL-2.0
/* Deliberate faults: the harness must see each of them. */
#include <linux/module.h>
#include <linux/panic.h>

static char *fault = "";
module_param(fault, charp, 0444);

static int __init planted_init(void)
{
	if (!strcmp(fault, "warn"))
		WARN(1, "planted");
	else if (!strcmp(fault, "oops"))
		WRITE_ONCE(*(int *)8, 0);
	else if (!strcmp(fault, "panic"))
		panic("planted");
	return 0;
}

static void __exit planted_exit(void)
{
}

module_init(planted_init);
module_exit(planted_exit);
MODULE_DESCRIPTION("deliberate faults");
MODULE_LICENSE("GPL");

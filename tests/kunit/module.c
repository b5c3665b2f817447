// SPDX-License-Identifier: GPL-2.0
/* The module that the suites are linked into: KUnit runs them when it is loaded. */
#include <linux/module.h>

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("KUnit suites of Cordon");

/* SPDX-License-Identifier: GPL-2.0 */
/* The callbacks of struct kobj_type take a const kobject from 6.2 on. */
#ifndef _CORDON_COMPAT_LINUX_KOBJECT_H
#define _CORDON_COMPAT_LINUX_KOBJECT_H

#include <linux/version.h>
#include_next <linux/kobject.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define cordon_kobj_const const
#else
#define cordon_kobj_const
#endif

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* Callbacks of struct kobj_type: the argument is const from 6.2 on, a tag a ns_common in 7.x. */
#ifndef _CORDON_COMPAT_LINUX_KOBJECT_H
#define _CORDON_COMPAT_LINUX_KOBJECT_H

#include <linux/version.h>
#include_next <linux/kobject.h>

#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 2, 0)
#define cordon_kobj_const const
#else
#define cordon_kobj_const
#endif

/* What kobj_type.namespace returns, and that of a network namespace. */
#define cordon_kobj_tag typeof(((const struct kobj_type *)0)->namespace(NULL))

#define cordon_kobj_tag_of(net)							\
	__builtin_choose_expr(__builtin_types_compatible_p(cordon_kobj_tag, const void *), \
			      (const void *)(net), &(net)->ns)

#endif

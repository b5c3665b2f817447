/* SPDX-License-Identifier: GPL-2.0 */
/* /sys/kernel/cordon */
#ifndef _CORDON_SYSFS_H
#define _CORDON_SYSFS_H

int cordon_sysfs_init(void);
void cordon_sysfs_exit(void);

#endif

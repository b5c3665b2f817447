/* SPDX-License-Identifier: GPL-2.0 */
/* /sys/kernel/cordon */
#ifndef _CORDON_SYSFS_H
#define _CORDON_SYSFS_H

struct cordon_net;
struct cordon_device;
struct cordon_segment;

int cordon_sysfs_net_add(struct cordon_net *cn);
void cordon_sysfs_net_del(struct cordon_net *cn);
int cordon_sysfs_device_add(struct cordon_net *cn, struct cordon_device *device);
void cordon_sysfs_device_del(struct cordon_device *device);
int cordon_sysfs_segment_add(struct cordon_net *cn, struct cordon_segment *segment);
void cordon_sysfs_segment_del(struct cordon_segment *segment);
int cordon_sysfs_init(void);
void cordon_sysfs_exit(void);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* Services of this machine, over sockets in their directories. */
#ifndef CORDON_LOCAL_H
#define CORDON_LOCAL_H

int local_connect(const char *dir, const char *name, int type);

#endif

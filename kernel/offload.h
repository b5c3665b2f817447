/* SPDX-License-Identifier: GPL-2.0 */
/* Connections of devices stay out of flow tables. */
#ifndef _CORDON_OFFLOAD_H
#define _CORDON_OFFLOAD_H

#include <linux/types.h>

struct nf_conn;

bool cordon_keep_from_flow_tables(struct nf_conn *ct);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* The life of a namespace. */
#ifndef _CORDON_PERNET_H
#define _CORDON_PERNET_H

int cordon_pernet_init(void);
void cordon_pernet_exit(void);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* Within the signer. */
#ifndef CORDON_SIGNER_H
#define CORDON_SIGNER_H

#include "serve/common/serve.h"

/* limits.c */
int signer_allows(const struct serve_config *config, const struct pki_profile *p, time_t now, struct pki_error *err);
int signer_reload(struct serve_config *config);

#endif

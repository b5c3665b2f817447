/* SPDX-License-Identifier: GPL-2.0 */
/* The certificate that a device has from its manufacturer (IEEE 802.1AR: IDevID), and its key. */
#ifndef CORDON_EST_VENDOR_H
#define CORDON_EST_VENDOR_H

#include "identity.h"

#define VENDOR_CHAIN	8	/* certificates behind the device's */

/** struct vendor - a manufacturer's certificate, its key, and the certificates that lead to the manufacturer's root */
struct vendor {
	X509 *cert;
	EVP_PKEY *key;
	STACK_OF(X509) *chain;
};

int vendor_load(const char *cert_path, const char *key_path, struct vendor *v, char error[IDENTITY_ERROR_LEN]);
void vendor_free(struct vendor *v);

#endif

// SPDX-License-Identifier: GPL-2.0
/* ca crl --root: a root's revocation list, of issuing CAs. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/cmd_ca.h"
#include "lib/file.h"

/**
 * ca_read_root_key - the root's key: the one that is named, or the one in the directory; or tell why not
 * @w: where it is
 * @key: EVP_PKEY_free() it
 */
bool ca_read_root_key(const struct ca_words *w, EVP_PKEY **key)
{
	char path[PATH_MAX], passphrase[SECRET_MAX_LEN + 1] = "";
	bool good;

	snprintf(path, sizeof(path), "%s/root.key", w->dir);
	if (!w->root_key && access(path, F_OK))
		return !complain(path, errno == ENOENT ? "the root's key is not there: name it with --root-key FILE" :
				 strerror(errno));
	good = (!w->passphrase_file || ca_passphrase(w, NULL, passphrase)) &&
	       ca_read_key(w->root_key ? w->root_key : path, passphrase[0] ? passphrase : NULL, key);
	explicit_bzero(passphrase, sizeof(passphrase));
	return good;
}

static int make(const struct ca_words *w, const struct pki_root_plan *plan)
{
	struct pki_error why;
	size_t len = 0;
	char *pem;
	int err;

	if (pki_root_crl(w->dir, plan, &pem, &len, &why))
		return complain(w->revoke ? w->revoke : "ca", why.text);
	err = w->out ? file_write(w->out, pem, len, 0644) : 0;
	if (!w->out)
		fwrite(pem, 1, len, stdout);
	free(pem);
	if (w->revoke)
		fprintf(stderr, "cordonctl: note: %s/root-crl.pem goes to every gateway below this root, beside its root.crt; start "
			"the server again there\n", w->dir);
	return err ? complain(w->out, strerror(-err)) : EXIT_DONE;
}

/**
 * ca_root_crl - a fresh revocation list of the root
 * @w: where its key is; what is revoked, or nothing more
 *
 * Return: an exit status.
 */
int ca_root_crl(const struct ca_words *w)
{
	struct pki_root_plan plan = { .reason = w->reason, .now = time(NULL) };
	int ret = EXIT_REFUSED;
	struct pki_ca ca;

	/* That there is no CA is said before a passphrase is asked for. */
	if (!ca_load(w, false, &ca))
		return EXIT_REFUSED;
	pki_ca_free(&ca);
	if ((!w->revoke || ca_read_cert(w->revoke, &plan.revoke)) && ca_read_root_key(w, &plan.key))
		ret = make(w, &plan);
	EVP_PKEY_free(plan.key);
	X509_free(plan.revoke);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
/* ca init --csr-out, ca import: an issuing CA below a root that never comes here. */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmd_ca.h"
#include "lib/file.h"

#define CHAIN_MAX	262144	/* bytes of a file of certificates; openssl(1) puts text before each */

static int write_request(const struct ca_words *w, const char *pem, size_t len)
{
	int err = 0;

	if (!strcmp(w->csr_out, "-"))
		err = fwrite(pem, 1, len, stdout) == len && !fflush(stdout) ? 0 : -EIO;
	else
		err = file_write(w->csr_out, pem, len, 0644);
	if (!err)
		return EXIT_DONE;
	complain(w->csr_out, strerror(-err));
	fprintf(stderr, "cordonctl: note: the key is made, and the request is in %s/request/request.pem as well\n", w->dir);
	return EXIT_REFUSED;
}

/**
 * ca_request - make an issuing CA's key, and a request for its certificate
 * @w: the command line
 * @plan: of the CA, or of the one that is to follow
 * @passphrase: asked for where the present keys need one; explicit_bzero() it
 *
 * Return: an exit status.
 */
int ca_request(const struct ca_words *w, struct pki_ca_plan *plan, char passphrase[SECRET_MAX_LEN + 1])
{
	struct pki_error why;
	char *pem = NULL;
	size_t len = 0;
	int err, ret;

	err = pki_ca_request(w->dir, plan, w->rollover, &pem, &len, &why);
	if (err == -ENOKEY && !w->passphrase_file) {
		if (!ca_passphrase(w, "Passphrase of the CA's keys: ", passphrase))
			return EXIT_REFUSED;
		plan->passphrase = passphrase;
		err = pki_ca_request(w->dir, plan, w->rollover, &pem, &len, &why);
	}
	if (err)
		return complain("ca", why.text);
	ret = write_request(w, pem, len);
	free(pem);
	if (!ret)
		fputs("cordonctl: note: have it signed as a CA's certificate that may sign certificates and revocation lists; "
		      "then 'cordonctl ca import CHAIN'\n", stderr);
	return ret;
}

static bool read_chain(const char *path, char **text, size_t *len)
{
	int err = file_read(strcmp(path, "-") ? path : "/dev/stdin", CHAIN_MAX, text, len);

	if (err)
		complain(path, strerror(-err));
	return !err;
}

static void tell_published(const struct ca_words *w)
{
	struct pki_error unused;
	struct pki_ca ca;
	bool same = true;

	if (!pki_ca_load(w->dir, false, NULL, &ca, &unused)) {
		same = !X509_cmp(ca.root, ca.next);
		pki_ca_free(&ca);
	}
	fputs(same ? "cordonctl: note: the root stays; 'cordonctl ca init --rollover --activate' lets the next CA sign\n" :
	      "cordonctl: note: start the server again, so that devices come to know the next root as they renew; who does "
	      "not know it when it is activated is cut off, as no cross certificate leads to it; 'cordonctl ca list' says "
	      "who; then 'cordonctl ca init --rollover --activate'\n", stderr);
}

/**
 * ca_import - put a chain in force, or publish it to follow
 * @w: its file
 *
 * Return: an exit status.
 */
int ca_import(const struct ca_words *w)
{
	struct pki_import what = { .now = time(NULL) };
	char passphrase[SECRET_MAX_LEN + 1] = "", *text = NULL;
	struct pki_error why;
	int done = -EINVAL, ret;

	if (!read_chain(w->who, &text, &what.len))
		return EXIT_REFUSED;
	what.pem = text;
	if ((w->root_cert && !ca_read_cert(w->root_cert, &what.root)) ||
	    (w->passphrase_file && !ca_passphrase(w, NULL, passphrase)))
		goto out;
	what.passphrase = passphrase[0] ? passphrase : NULL;
	done = pki_ca_import(w->dir, &what, &why);
	if (done == -ENOKEY && !what.passphrase) {
		if (!ca_passphrase(w, "Passphrase of the CA's key: ", passphrase))
			goto out;
		what.passphrase = passphrase;
		done = pki_ca_import(w->dir, &what, &why);
	}
	if (done < 0)
		complain(w->who, why.text);
out:
	explicit_bzero(passphrase, sizeof(passphrase));
	X509_free(what.root);
	free(text);
	if (done < 0)
		return EXIT_REFUSED;
	ret = ca_print(w, false);
	if (done)
		tell_published(w);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
/* ca init --rollover: from one CA to the next, in two steps that leave no device behind. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/cmd_ca.h"

#define NAMED	20	/* devices that are told by name */

/**
 * struct fleet - the devices that have a certificate
 * @n: how many
 * @late: that do not know the next root
 * @named: of @late, on standard error or in @names
 * @names: JSON; NULL, they are printed
 */
struct fleet {
	size_t n;
	size_t late;
	json_t *names;
	char text[NAMED * (PKI_NAME_LEN + 1) + 8];
	size_t len;
};

static int count(const char *device, bool knows, void *arg)
{
	struct fleet *f = arg;

	f->n++;
	if (knows)
		return 0;
	f->late++;
	if (f->names)
		json_array_append_new(f->names, json_string(device));
	if (f->late <= NAMED)
		f->len += snprintf(f->text + f->len, sizeof(f->text) - f->len, " %s", device);
	else if (f->late == NAMED + 1)
		snprintf(f->text + f->len, sizeof(f->text) - f->len, " ...");
	return 0;
}

/* Who knows the next root; an error is told. */
static bool look(const struct ca_words *w, struct store *s, X509 *next, struct fleet *f)
{
	u8 root[PKI_FINGERPRINT_LEN];

	if (pki_fingerprint(next, root))
		return !complain("ca", "out of memory");
	if (!store_rollover_each(s, root, time(NULL), count, f))
		return true;
	ca_complain_store(w, s);
	return false;
}

/**
 * ca_publish - make the next CA, and let devices come to know it
 * @w: the command line
 * @plan: of the next one
 * @passphrase: asked for where the keys need one; explicit_bzero() it
 *
 * Return: an exit status.
 */
int ca_publish(const struct ca_words *w, struct pki_ca_plan *plan, char passphrase[SECRET_MAX_LEN + 1])
{
	struct pki_error why;
	int err, ret;

	err = pki_ca_publish(w->dir, plan, &why);
	if (err == -ENOKEY && !w->passphrase_file) {
		if (!ca_passphrase(w, "Passphrase of the CA's keys: ", passphrase))
			return EXIT_REFUSED;
		plan->passphrase = passphrase;
		err = pki_ca_publish(w->dir, plan, &why);
	}
	if (err)
		return complain("ca", why.text);
	ret = ca_print(w, false);
	fputs("cordonctl: note: start the server again, so that devices come to know the next root as they renew; "
	      "'cordonctl ca list' says how many do; then 'cordonctl ca init --rollover --activate'\n", stderr);
	return ret;
}

/* May it be activated, as far as devices are concerned: an exit status. */
static int check_fleet(const struct ca_words *w, const struct pki_ca *ca)
{
	struct fleet f = { 0 };
	time_t restored = 0;
	char text[160];
	struct store s;
	bool good;

	if (!X509_cmp(ca->root, ca->next))	/* the root stays: nobody has anything to learn */
		return EXIT_DONE;
	if (access(w->registry, F_OK) && errno == ENOENT)
		return !w->force ? EXIT_DONE : complain(w->registry, "there is no registry, so that nobody knows which "
							"devices there are; '--force 0' activates it all the same");
	if (!ca_open_registry(w, false, &s))
		return EXIT_REFUSED;
	good = look(w, &s, ca->next, &f);
	if (store_restored_get(&s, &restored))
		restored = 0;
	store_close(&s);
	if (!good)
		return EXIT_REFUSED;
	if (restored)
		fputs("cordonctl: note: the registry was restored or lost once: devices that have not come since are "
		      "not counted\n", stderr);
	if (!f.late || (w->force >= 0 && (size_t)w->force == f.late))
		return EXIT_DONE;
	fprintf(stderr, "cordonctl: ca: %zu of %zu devices do not know the next root yet:%s\n", f.late, f.n, f.text);
	snprintf(text, sizeof(text), w->force < 0 ? "nothing is changed; '--force %zu' activates it all the same" :
		 "nothing is changed: --force must name %zu devices", f.late);
	return complain("ca", text);
}

/**
 * ca_activate - let the published CA sign
 * @w: the command line
 *
 * Return: an exit status.
 */
int ca_activate(const struct ca_words *w)
{
	struct pki_error why;
	struct pki_ca ca;
	int ret;

	if (!ca_load(w, false, &ca))
		return EXIT_REFUSED;
	ret = ca.next ? check_fleet(w, &ca) :
	      complain("ca", "no next CA is published: 'cordonctl ca init --rollover' comes first");
	pki_ca_free(&ca);
	if (ret)
		return ret;
	if (pki_ca_activate(w->dir, time(NULL), &why))
		return complain("ca", why.text);
	ret = ca_print(w, false);
	fputs("cordonctl: note: start the server again: it signs with the new CA from then on\n", stderr);
	return ret ? ret : ca_crl_after(w);
}

/**
 * ca_rollover_tell - how far a roll-over has come, in a line or two; nothing, where there is none
 * @w: the command line
 * @s: the registry
 *
 * Return: false, it cannot be told; said why.
 */
bool ca_rollover_tell(const struct ca_words *w, struct store *s)
{
	struct fleet f = { 0 };
	struct pki_error unused;
	struct pki_ca ca;
	bool good = true;

	/* A list is a list without its CA, too. */
	if (pki_ca_load(w->dir, false, NULL, &ca, &unused))
		return true;
	if (ca.next && X509_cmp(ca.root, ca.next)) {
		good = look(w, s, ca.next, &f);
		if (good)
			printf("roll-over: %zu of %zu devices know the next root%s%s\n", f.n - f.late, f.n,
			       f.late ? "; not yet:" : "", f.text);
	}
	pki_ca_free(&ca);
	return good;
}

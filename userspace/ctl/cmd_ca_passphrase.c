// SPDX-License-Identifier: GPL-2.0
/* ca passphrase: the passphrase of the CA's keys is set, changed or removed; keys that lie in the clear are told of. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backup/backup.h"
#include "ctl/cmd_ca.h"
#include "lib/file.h"

#define KEY_MAX	65536

/**
 * struct change - of passphrases
 * @only: a key's file, relative; NULL, all
 * @from: of the keys now; empty, it was not needed so far
 * @to: another one; empty, none
 * @keys: how many have it now
 */
struct change {
	const char *only;
	char from[SECRET_MAX_LEN + 1];
	char to[SECRET_MAX_LEN + 1];
	unsigned int keys;
};

static int change_one(const char *name, const char *text, char **out, size_t *len, void *arg, struct pki_error *err)
{
	struct change *c = arg;
	struct pki_error why;
	int ret;

	if (!backup_has_key(text) || (c->only && strcmp(c->only, name)))
		return 0;
	ret = backup_recode_key(text, c->from[0] ? c->from : NULL, c->to[0] ? c->to : NULL, out, len, &why);
	c->keys += !ret;
	if (!ret)
		return 0;
	return pki_fail(err, ret, "%.60s: %.120s%s; nothing was changed", name, why.text,
			ret == -EKEYREJECTED && !c->only ? ": a key alone is changed by 'ca passphrase FILE'" : "");
}

/**
 * ca_new_passphrase - a new passphrase: asked for twice, and refused when it is weak
 * @path: file that it is in; NULL, the terminal is asked
 * @prompt: for the terminal
 * @otherwise: what else is possible where there is no terminal
 * @name: that it must not be derived from; or NULL
 * @out: where to; explicit_bzero() it
 *
 * Return: false, told why.
 */
bool ca_new_passphrase(const char *path, const char *prompt, const char *otherwise, const char *name,
		       char out[SECRET_MAX_LEN + 1])
{
	const struct ca_words file = { .passphrase_file = path };
	char why[SECRET_WHY_LEN];

	out[0] = 0;
	if (path) {
		if (!ca_passphrase(&file, NULL, out))
			return false;
	} else if (EVP_read_pw_string(out, SECRET_MAX_LEN, prompt, 1) || !out[0]) {
		complain("ca", otherwise);
		return false;
	}
	if (!secret_check(out, name, NULL, why))
		return true;
	complain(path ? path : "passphrase", why);
	return false;
}

static bool take_new(const struct ca_words *w, char out[SECRET_MAX_LEN + 1])
{
	out[0] = 0;
	return w->remove || ca_new_passphrase(w->new_passphrase_file, "New passphrase of the CA's keys: ",
					      "give the new passphrase on the terminal, twice the same, or "
					      "--new-passphrase-file; --remove leaves the keys without one", NULL, out);
}

static int change(const struct ca_words *w, struct change *c)
{
	struct pki_error why;
	int err;

	c->keys = 0;
	err = pki_ca_rewrite(w->dir, change_one, c, &why);
	if (err == -ENOKEY && !c->from[0]) {
		if (!ca_passphrase(w, "Passphrase of the CA's keys now: ", c->from))
			return EXIT_REFUSED;
		c->keys = 0;
		err = pki_ca_rewrite(w->dir, change_one, c, &why);
	}
	if (err)
		return complain("ca", why.text);
	if (!c->keys)
		return complain(c->only ? c->only : w->dir, "no private key is there");
	printf("%u key%s: the passphrase is %s\n", c->keys, c->keys == 1 ? "" : "s", w->remove ? "removed" : "changed");
	fputs(w->remove ? "cordonctl: note: who reads the files has the keys\n" :
	      "cordonctl: note: the server needs it at its next start: passphrase_file in serve.yaml, or the credential "
	      "ca-passphrase\n", stderr);
	return EXIT_DONE;
}

/**
 * ca_change_passphrase - set, change or remove the passphrase of the CA's keys
 * @w: of all, or of one
 *
 * Return: an exit status.
 */
int ca_change_passphrase(const struct ca_words *w)
{
	struct change c = { .only = w->who };
	int ret = EXIT_REFUSED;

	if (access(w->dir, F_OK))
		ret = complain(w->dir, strerror(errno));
	else if ((!w->passphrase_file || ca_passphrase(w, NULL, c.from)) && take_new(w, c.to))
		ret = change(w, &c);
	explicit_bzero(&c, sizeof(c));
	return ret;
}

/* There is a key in the clear. */
static bool is_clear(const char *dir, const char *file)
{
	char path[PATH_MAX], *text;
	struct pki_error unused;
	EVP_PKEY *key;
	size_t len;

	if (snprintf(path, sizeof(path), "%s/%s", dir, file) >= (int)sizeof(path) || file_read(path, KEY_MAX, &text, &len))
		return false;
	key = pki_key_parse(text, len, NULL, &unused);
	explicit_bzero(text, len);
	free(text);
	EVP_PKEY_free(key);
	return key;
}

/**
 * ca_root_is_clear - the root's key lies unencrypted beside the key that signs
 * @dir: of the CA
 */
bool ca_root_is_clear(const char *dir)
{
	char path[PATH_MAX];

	return snprintf(path, sizeof(path), "%s/issuing.key", dir) < (int)sizeof(path) && !access(path, F_OK) &&
	       is_clear(dir, "root.key");
}

/**
 * ca_warn - tell of a CA that waits, or whose root's key lies in the clear, and what helps
 * @dir: of the CA
 */
void ca_warn(const char *dir)
{
	struct pki_error why;
	struct pki_ca ca;
	int err = pki_ca_load(dir, false, NULL, &ca, &why);

	if (!err)
		pki_ca_free(&ca);
	if (err == -EINPROGRESS)
		fprintf(stderr, "cordonctl: note: %s\n", why.text);
	if (ca_root_is_clear(dir))
		fprintf(stderr, "cordonctl: note: %s/root.key lies unencrypted beside issuing.key: who copies the directory is "
			"the root for good; move it to where it is safe until a roll-over, or 'cordonctl ca passphrase'\n", dir);
}

// SPDX-License-Identifier: GPL-2.0
/* Private keys in files, which may hold a certificate as well: encrypted for a backup, and as they were before. */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "backup/backup.h"

#define BEGIN	"-----BEGIN "
#define KEY	"PRIVATE KEY-----"
#define END	"-----END "

/* A TPM's wrapped key, which nobody but that TPM can use, is none. */
static bool is_wrapped(const char *at)
{
	return !strncmp(at, BEGIN "TSS2 ", strlen(BEGIN "TSS2 "));
}

/* From the first line of the first private key on; NULL, there is none. @text is terminated. */
static const char *find_key(const char *text)
{
	const char *at, *key;

	for (at = text; (at = strstr(at, BEGIN)); at++) {
		key = at + strcspn(at, "\n");
		if (key - at >= (ptrdiff_t)strlen(BEGIN KEY)) {
			key -= key[-1] == '\r';
			if (!strncmp(key - strlen(KEY), KEY, strlen(KEY)) && !is_wrapped(at))
				return at;
		}
	}
	return NULL;
}

/** backup_has_key - does a PEM file, terminated, hold a private key */
bool backup_has_key(const char *text)
{
	return find_key(text);
}

/**
 * backup_recode_key - the same file with its key under another passphrase
 * @text: of the file, terminated; the key is the only one in it
 * @from: passphrase of the key; NULL, it has none
 * @to: another one; NULL, none
 * @out: the file; OPENSSL_clear_free() @len of it
 * @len: of @out
 * @why: why not
 *
 * Return: 0; -ENOKEY, the key has a passphrase; -EKEYREJECTED, it is not @from; -errno.
 */
int backup_recode_key(const char *text, const char *from, const char *to, char **out, size_t *len,
		      struct pki_error *why)
{
	const char *begin = find_key(text), *end = begin ? strstr(begin, END) : NULL;
	size_t before, after, n;
	EVP_PKEY *key;
	char *pem;
	int err;

	if (!end)
		return pki_fail(why, -EINVAL, "holds no private key (PEM)");
	end += strcspn(end, "\n");
	end += *end == '\n';
	if (find_key(end))
		return pki_fail(why, -EINVAL, "holds more than one private key");
	key = pki_key_parse(begin, strlen(begin), from, why);
	if (!key)
		return -errno;
	err = pki_key_pem(key, to, &pem, &n);
	EVP_PKEY_free(key);
	if (err)
		return pki_fail(why, err, "out of memory");
	before = (size_t)(begin - text);
	after = strlen(end);
	*len = before + n + after;
	*out = OPENSSL_zalloc(*len + 1);
	if (*out) {
		memcpy(*out, text, before);
		memcpy(*out + before, pem, n);
		memcpy(*out + before + n, end, after);
	}
	OPENSSL_clear_free(pem, n);
	return *out ? 0 : pki_fail(why, -ENOMEM, "out of memory");
}

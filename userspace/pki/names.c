// SPDX-License-Identifier: GPL-2.0
/* What the certificates above allow an issuing CA: purposes, names (RFC 5280, 4.2.1.10), and how long. */
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include "parts.h"

/* The n-th certificate above what is issued, the issuing one first; NULL, there are no more. */
static X509 *above(const struct pki_ca *ca, int n)
{
	int n_between = ca->intermediates ? sk_X509_num(ca->intermediates) : 0;

	if (!n)
		return ca->issuing;
	if (n <= n_between)
		return sk_X509_value(ca->intermediates, n - 1);
	return n == n_between + 1 ? ca->root : NULL;
}

/**
 * pki_chain_end - nothing that is issued is of use any longer
 * @ca: its key is not needed; a root that is NULL is left out
 * @until: the first end of a certificate from the issuing one to the root
 *
 * Return: 0, or -EINVAL.
 */
int pki_chain_end(const struct pki_ca *ca, time_t *until)
{
	time_t from, end;
	X509 *cert;
	int n;

	for (n = 0; (cert = above(ca, n)); n++) {
		if (pki_validity(cert, &from, &end))
			return -EINVAL;
		if (!n || end < *until)
			*until = end;
	}
	return 0;
}

/* As OpenSSL reads it in a CA's certificate: of what is below. */
static int check_purpose(X509 *ca, enum pki_kind kind, struct pki_error *err)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} purposes[] = {
		[PKI_DEVICE] = { XKU_SSL_CLIENT, "clientAuth" },
		[PKI_SERVER] = { XKU_SSL_SERVER, "serverAuth" },
		[PKI_CODE] = { XKU_CODE_SIGN, "codeSigning" },
		[PKI_OPERATOR] = { XKU_SSL_CLIENT, "clientAuth" },
	};
	char name[PKI_QUOTE_LEN];

	if (!(X509_get_extension_flags(ca) & EXFLAG_XKUSAGE) || (X509_get_extended_key_usage(ca) & purposes[kind].bit))
		return 0;
	pki_subject_text(ca, name, sizeof(name));
	return pki_fail(err, -EPERM, "the extended key usage of '%s' does not allow %s (RFC 5280, 4.2.1.12)", name,
			purposes[kind].name);
}

static bool has_dns(const X509 *cert)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	bool found = false;
	int i;

	for (i = 0; !found && i < sk_GENERAL_NAME_num(names); i++)
		found = sk_GENERAL_NAME_value(names, i)->type == GEN_DNS;
	GENERAL_NAMES_free(names);
	return found;
}

/* As OpenSSL's verifier does it: a CN counts as a DNS name where there is no other. */
static bool keeps(X509 *cert, NAME_CONSTRAINTS *nc)
{
	return NAME_CONSTRAINTS_check(cert, nc) == X509_V_OK &&
	       (has_dns(cert) || NAME_CONSTRAINTS_check_CN(cert, nc) == X509_V_OK);
}

/* One line of what OpenSSL prints, which has one for each constraint. */
static void constraint_text(NAME_CONSTRAINTS *nc, char out[PKI_QUOTE_LEN])
{
	const X509V3_EXT_METHOD *method = X509V3_EXT_get_nid(NID_name_constraints);
	BIO *bio = BIO_new(BIO_s_mem());
	char text[2 * PKI_QUOTE_LEN], *data = NULL;
	size_t n = 0;
	long len = 0, i;

	if (bio && method && method->i2r && method->i2r(method, nc, bio, 0))
		len = BIO_get_mem_data(bio, &data);
	for (i = 0; i < len && n < sizeof(text); i++)
		if (data[i] != '\n' && (data[i] != ' ' || (n && text[n - 1] != ' ')))
			text[n++] = data[i];
		else if (data[i] == '\n' && n && text[n - 1] != ' ' && i + 1 < len)
			text[n++] = ' ';
	pki_quote(text, n, out);
	BIO_free(bio);
}

/* Does a name break the subtrees of @from that have this one's type, or this one alone; they stay @from's. */
static bool breaks(X509 *cert, STACK_OF(GENERAL_SUBTREE) *from, int at, bool excluded, char text[PKI_QUOTE_LEN])
{
	STACK_OF(GENERAL_SUBTREE) *some = sk_GENERAL_SUBTREE_new_null();
	NAME_CONSTRAINTS *nc = NAME_CONSTRAINTS_new();
	GENERAL_SUBTREE *one = sk_GENERAL_SUBTREE_value(from, at), *other;
	bool broken = false, good = nc && some && sk_GENERAL_SUBTREE_push(some, one);
	int i;

	for (i = 0; good && !excluded && i < sk_GENERAL_SUBTREE_num(from); i++) {
		other = sk_GENERAL_SUBTREE_value(from, i);
		if (i != at && other->base->type == one->base->type)
			good = sk_GENERAL_SUBTREE_push(some, other);
	}
	if (good) {
		*(excluded ? &nc->excludedSubtrees : &nc->permittedSubtrees) = some;
		broken = !keeps(cert, nc);
		if (broken)
			constraint_text(nc, text);
		nc->permittedSubtrees = nc->excludedSubtrees = NULL;
	}
	NAME_CONSTRAINTS_free(nc);
	sk_GENERAL_SUBTREE_free(some);
	return broken;
}

/* The first that is broken, in words; it is known that one is. */
static void find_broken(X509 *cert, NAME_CONSTRAINTS *nc, char text[PKI_QUOTE_LEN])
{
	int i;

	for (i = 0; i < sk_GENERAL_SUBTREE_num(nc->excludedSubtrees); i++)
		if (breaks(cert, nc->excludedSubtrees, i, true, text))
			return;
	for (i = 0; i < sk_GENERAL_SUBTREE_num(nc->permittedSubtrees); i++)
		if (breaks(cert, nc->permittedSubtrees, i, false, text))
			return;
	strcpy(text, "all of them together");
}

static int check_names(X509 *ca, X509 *cert, struct pki_error *err)
{
	NAME_CONSTRAINTS *nc = X509_get_ext_d2i(ca, NID_name_constraints, NULL, NULL);
	char name[PKI_QUOTE_LEN], text[PKI_QUOTE_LEN];
	int ret = 0;

	pki_subject_text(ca, name, sizeof(name));
	if (!nc)
		return pki_fail(err, -EPERM, "the name constraints of '%s' cannot be read (RFC 5280, 4.2.1.10)", name);
	if (!keeps(cert, nc)) {
		find_broken(cert, nc, text);
		ret = pki_fail(err, -EPERM, "the name constraints of '%s' do not allow it: %s (RFC 5280, 4.2.1.10)",
			       name, text);
	}
	NAME_CONSTRAINTS_free(nc);
	return ret;
}

/* Of what was just made OpenSSL does not know the names. */
static X509 *reread(X509 *cert, struct pki_error *err)
{
	unsigned char *der = NULL;
	int len = i2d_X509(cert, &der);
	X509 *out = len > 0 ? pki_cert_parse(der, len, err) : NULL;

	OPENSSL_free(der);
	if (len <= 0)
		pki_fail(err, -ENOMEM, "out of memory");
	/* The names are read with all the other extensions. */
	if (out)
		X509_check_purpose(out, -1, 0);
	return out;
}

/**
 * pki_chain_purpose - do the certificates above allow a purpose
 * @ca: its key is not needed
 * @kind: what it is for
 * @err: why not
 *
 * Return: 0, or -EPERM with @err.
 */
int pki_chain_purpose(const struct pki_ca *ca, enum pki_kind kind, struct pki_error *err)
{
	X509 *cert;
	int ret = 0, n;

	for (n = 0; !ret && (cert = above(ca, n)); n++)
		ret = check_purpose(cert, kind, err);
	return ret;
}

/**
 * pki_chain_allows - do the certificates above allow one that was just made
 * @ca: its key is not needed
 * @cert: of @ca
 * @kind: what it is for
 * @err: why not, with the constraint and whose it is
 *
 * Return: 0; with @err, -EPERM, or -ENOMEM.
 */
int pki_chain_allows(const struct pki_ca *ca, X509 *cert, enum pki_kind kind, struct pki_error *err)
{
	X509 *read = NULL, *ca_cert;
	int ret = pki_chain_purpose(ca, kind, err), n;

	for (n = 0; !ret && (ca_cert = above(ca, n)); n++) {
		if (X509_get_ext_by_NID(ca_cert, NID_name_constraints, -1) < 0)
			continue;
		if (!read)
			read = reread(cert, err);
		ret = read ? check_names(ca_cert, read, err) : -ENOMEM;
	}
	X509_free(read);
	ERR_clear_error();
	return ret;
}

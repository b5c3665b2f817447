// SPDX-License-Identifier: GPL-2.0
/*
 * What a gateway's issuing CA may certify (RFC 5280, 4.2.1.10): its own server by its names, and no other DNS name,
 * address or mailbox. Of devices' URNs nothing can be said there: a constraint of URIs names hosts, and they have none.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include "make.h"

#define IP4	4
#define IP6	16
#define NOBODY	"invalid"	/* a host that no mailbox is at (RFC 2606, 2); an empty one excludes none (4.2.1.10) */

/* Takes @value over when it succeeds. */
static bool push(STACK_OF(GENERAL_SUBTREE) **list, int type, ASN1_STRING *value)
{
	GENERAL_SUBTREE *subtree = GENERAL_SUBTREE_new();
	GENERAL_NAME *name = GENERAL_NAME_new();

	if (!*list)
		*list = sk_GENERAL_SUBTREE_new_null();
	if (!subtree || !name || !*list || !sk_GENERAL_SUBTREE_push(*list, subtree)) {
		GENERAL_SUBTREE_free(subtree);
		GENERAL_NAME_free(name);
		return false;
	}
	GENERAL_NAME_set0_value(name, type, value);
	GENERAL_NAME_free(subtree->base);
	subtree->base = name;
	return true;
}

static bool push_data(STACK_OF(GENERAL_SUBTREE) **list, int type, int string, const void *data, size_t len)
{
	ASN1_STRING *value = ASN1_STRING_type_new(string);

	if (value && ASN1_STRING_set(value, data, (int)len) && push(list, type, value))
		return true;
	ASN1_STRING_free(value);
	return false;
}

static bool push_text(STACK_OF(GENERAL_SUBTREE) **list, int type, const char *text)
{
	return push_data(list, type, V_ASN1_IA5STRING, text, strlen(text));
}

/* An address and its mask. */
static bool push_network(STACK_OF(GENERAL_SUBTREE) **list, const uint8_t *address, size_t len, uint8_t mask)
{
	uint8_t data[2 * IP6];

	memcpy(data, address, len);
	memset(data + len, mask, len);
	return push_data(list, GEN_IPADD, V_ASN1_OCTET_STRING, data, 2 * len);
}

static bool permit(NAME_CONSTRAINTS *nc, const char *name, bool has[2])
{
	uint8_t address[IP6];

	if (inet_pton(AF_INET, name, address) == 1) {
		has[0] = true;
		return push_network(&nc->permittedSubtrees, address, IP4, 0xff);
	}
	if (inet_pton(AF_INET6, name, address) == 1) {
		has[1] = true;
		return push_network(&nc->permittedSubtrees, address, IP6, 0xff);
	}
	return push_text(&nc->permittedSubtrees, GEN_DNS, name);
}

/* What is permitted of a kind excludes the rest of it; of which nothing is, all is excluded by name. */
static bool exclude(NAME_CONSTRAINTS *nc, const bool has[2])
{
	static const uint8_t all[IP6];

	return push_text(&nc->permittedSubtrees, GEN_EMAIL, NOBODY) &&
	       (has[0] || push_network(&nc->excludedSubtrees, all, IP4, 0)) &&
	       (has[1] || push_network(&nc->excludedSubtrees, all, IP6, 0));
}

static int check(const char *const *names, size_t n, struct pki_error *err)
{
	char shown[PKI_QUOTE_LEN];
	uint8_t address[IP6];
	bool dns = false;
	size_t i;

	if (n > PKI_SERVER_NAMES)
		return pki_fail(err, -E2BIG, "more than %d names of a server", PKI_SERVER_NAMES);
	for (i = 0; i < n; i++) {
		if (!pki_is_server(names[i]))
			return pki_fail(err, -EINVAL, "'%s' is neither a DNS name nor an address",
					pki_quote(names[i], strlen(names[i]), shown));
		dns |= inet_pton(AF_INET, names[i], address) != 1 && inet_pton(AF_INET6, names[i], address) != 1;
	}
	/* A certificate without one is held against the constraints by its CN, and an address looks like a name. */
	return dns ? 0 : pki_fail(err, -EINVAL, "no DNS name of the gateway's server is among its names");
}

/**
 * pki_limits_new - name constraints of a gateway's issuing CA
 * @names: of its server: DNS names and addresses, one DNS name at least
 * @n: how many
 * @err: why not
 *
 * Return: NAME_CONSTRAINTS_free() it; NULL with @err.
 */
NAME_CONSTRAINTS *pki_limits_new(const char *const *names, size_t n, struct pki_error *err)
{
	NAME_CONSTRAINTS *nc = NULL;
	bool has[2] = { false, false }, good;
	size_t i;

	if (check(names, n, err))
		return NULL;
	nc = NAME_CONSTRAINTS_new();
	good = nc;
	for (i = 0; good && i < n; i++)
		good = permit(nc, names[i], has);
	if (good && exclude(nc, has))
		return nc;
	NAME_CONSTRAINTS_free(nc);
	pki_fail(err, -ENOMEM, "out of memory");
	return NULL;
}

static bool is_one_address(const ASN1_STRING *value)
{
	const uint8_t *data = ASN1_STRING_get0_data(value);
	int len = ASN1_STRING_length(value), i;

	for (i = len / 2; i < len; i++)
		if (data[i] != 0xff)
			return false;
	return len == 2 * IP4 || len == 2 * IP6;
}

/* A name that is permitted, as text; 0: it is none of a server. */
static size_t name_text(const GENERAL_NAME *base, char out[PKI_SERVER_NAME_LEN])
{
	int type, len;
	const ASN1_STRING *value = GENERAL_NAME_get0_value(base, &type);

	len = ASN1_STRING_length(value);
	if (type == GEN_IPADD && is_one_address(value))
		return inet_ntop(len == 2 * IP4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(value), out,
				 PKI_SERVER_NAME_LEN) ? strlen(out) : 0;
	if (type != GEN_DNS || len < 1 || len >= PKI_SERVER_NAME_LEN || memchr(ASN1_STRING_get0_data(value), 0, len))
		return 0;
	memcpy(out, ASN1_STRING_get0_data(value), len);
	out[len] = 0;
	return len;
}

static bool is_nobody(const GENERAL_NAME *base)
{
	int type;
	const ASN1_STRING *value = GENERAL_NAME_get0_value(base, &type);

	return type == GEN_EMAIL && ASN1_STRING_length(value) == (int)strlen(NOBODY) &&
	       !memcmp(ASN1_STRING_get0_data(value), NOBODY, strlen(NOBODY));
}

/**
 * pki_limits_names - the server's names in name constraints that are made as pki_limits_new() makes them
 * @nc: the constraints
 * @names: filled
 * @n: set
 * @err: why not
 *
 * What they exclude is not looked at: pki_limits_new() excludes all that it can.
 *
 * Return: 0; -E2BIG; -EINVAL, they permit something else.
 */
int pki_limits_names(const NAME_CONSTRAINTS *nc, char names[PKI_SERVER_NAMES][PKI_SERVER_NAME_LEN], size_t *n,
		     struct pki_error *err)
{
	const GENERAL_NAME *base;
	int i;

	*n = 0;
	for (i = 0; i < sk_GENERAL_SUBTREE_num(nc->permittedSubtrees); i++) {
		base = sk_GENERAL_SUBTREE_value(nc->permittedSubtrees, i)->base;
		if (is_nobody(base))
			continue;
		if (*n == PKI_SERVER_NAMES)
			return pki_fail(err, -E2BIG, "more than %d names of a server", PKI_SERVER_NAMES);
		if (!name_text(base, names[*n]))
			return pki_fail(err, -EINVAL, "the name constraints that it asks for are no DNS names and addresses");
		++*n;
	}
	return 0;
}

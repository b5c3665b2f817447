// SPDX-License-Identifier: GPL-2.0
/* ca list, ca revoke: certificates that were handed out, and taken back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmd_ca.h"
#include "serve/common/revoked.h"

#define RFC5280_SERIAL_LEN 20	/* bytes, RFC 5280, 4.1.2.2 */

/**
 * ca_state_name - how a certificate is
 * @c: the certificate
 * @now: seconds since 1970
 */
const char *ca_state_name(const struct store_certificate *c, time_t now)
{
	static const char *const names[] = {
		[STORE_RESERVED] = "reserved", [STORE_ISSUED] = "issued",
		[STORE_DELIVERED] = "delivered", [STORE_REVOKED] = "revoked",
		[STORE_ABANDONED] = "abandoned",
	};

	if (c->not_after <= now && (c->state == STORE_ISSUED || c->state == STORE_DELIVERED))
		return "expired";
	return names[c->state];
}

static const char *kind_name(const struct store_certificate *c)
{
	static const char *const names[] = {
		[PKI_DEVICE] = "device", [PKI_SERVER] = "server", [PKI_CODE] = "code", [PKI_OPERATOR] = "operator",
	};

	return c->kind >= 0 && c->kind <= PKI_OPERATOR ? names[c->kind] : "unknown";
}

/**
 * ca_json_certificate - a certificate as JSON
 * @c: the certificate
 * @now: seconds since 1970
 */
json_t *ca_json_certificate(const struct store_certificate *c, time_t now)
{
	char from[POLICY_TIME_LEN], until[POLICY_TIME_LEN], when[POLICY_TIME_LEN], mac[18];
	char serial[2 * PKI_SERIAL_LEN + 1], fingerprint[CA_FINGERPRINT_LEN];
	bool made = c->state != STORE_RESERVED && c->state != STORE_ABANDONED;
	bool revoked = c->state == STORE_REVOKED;

	pki_serial_text(c->serial, serial);
	return json_pack("{ss ss ss* ss ss ss ss ss* ss* ss*}", "serial", serial, "name", c->name,
			 "mac", c->kind == PKI_DEVICE ? policy_mac_text(c->mac, mac) : NULL, "kind",
			 kind_name(c), "state", ca_state_name(c, now),
			 "not_before", policy_time_text(c->not_before, from), "not_after",
			 policy_time_text(c->not_after, until), "fingerprint",
			 made ? ca_fingerprint_text(c->fingerprint, fingerprint) : NULL, "revoked",
			 revoked ? policy_time_text(c->revoked, when) : NULL, "reason",
			 revoked ? ca_reason_name(c->reason) : NULL);
}

/* How a list is printed. */
struct listing {
	bool json;
	time_t now;
	time_t before;		/* only what ends before; 0, everything */
	struct store *s;
	struct json_list list;
};

/* Is it in use, and does it end so soon: where there is a later one, that is in use. */
static bool is_wanted(const struct listing *l, const struct store_certificate *c, int *err)
{
	time_t last;

	if (!l->before)
		return true;
	if ((c->state != STORE_ISSUED && c->state != STORE_DELIVERED) || c->not_after <= l->now ||
	    c->not_after > l->before)
		return false;
	*err = store_expiry_of(l->s, c->kind, c->name, &last);
	return !*err && last == c->not_after;
}

static int show(const struct store_certificate *c, void *arg)
{
	char until[POLICY_TIME_LEN], serial[2 * PKI_SERIAL_LEN + 1];
	struct listing *l = arg;
	int err = 0;

	if (!is_wanted(l, c, &err))
		return err;
	if (l->json) {
		json_list_add(&l->list, ca_json_certificate(c, l->now));
		return 0;
	}
	pki_serial_text(c->serial, serial);
	printf("%s %-18s %-8s %-9s %.10s\n", serial, c->name, kind_name(c), ca_state_name(c, l->now),
	       policy_time_text(c->not_after, until));
	return 0;
}

/* Another's may have more bytes than ours. */
static void serial_text(const X509 *cert, char out[2 * RFC5280_SERIAL_LEN + 1])
{
	const ASN1_INTEGER *number = X509_get0_serialNumber(cert);
	int len = ASN1_STRING_length(number), pad = len < PKI_SERIAL_LEN ? PKI_SERIAL_LEN - len : 0, i;

	for (i = 0; i < pad + len && i < RFC5280_SERIAL_LEN; i++)
		snprintf(out + 2 * i, 3, "%02x", i < pad ? 0 : ASN1_STRING_get0_data(number)[i - pad]);
}

static void show_ca_cert(struct listing *l, const char *kind, X509 *cert)
{
	char name[128], serial[2 * RFC5280_SERIAL_LEN + 1], from_text[POLICY_TIME_LEN], until_text[POLICY_TIME_LEN];
	time_t from, until;

	if (pki_validity(cert, &from, &until) || until > l->before)
		return;
	serial_text(cert, serial);
	pki_subject_text(cert, name, sizeof(name));
	policy_time_text(from, from_text);
	policy_time_text(until, until_text);
	if (l->json)
		json_list_add(&l->list, json_pack("{ss so ss ss ss ss}", "serial", serial, "name", json_text(name),
						  "kind", kind, "state", until > l->now ? "issued" : "expired",
						  "not_before", from_text, "not_after", until_text));
	else
		printf("%s %-18s %-8s %-9s %.10s\n", serial, name, kind, until > l->now ? "issued" : "expired", until_text);
}

/* The CA's own, which the registry does not have; a list is a list without its CA, too. */
static void show_ca(const struct ca_words *w, struct listing *l)
{
	struct pki_error unused;
	struct pki_ca ca;
	int i;

	if (!l->before || w->who || pki_ca_load(w->dir, false, NULL, &ca, &unused))
		return;
	show_ca_cert(l, "root", ca.root);
	for (i = ca.intermediates ? sk_X509_num(ca.intermediates) : 0; i > 0; i--)
		show_ca_cert(l, "intermediate", sk_X509_value(ca.intermediates, i - 1));
	show_ca_cert(l, "issuing", ca.issuing);
	pki_ca_free(&ca);
}

/* What others take from crl.pem; where there is none, nobody does. */
static void warn_of_list(const struct ca_words *w, time_t now)
{
	char end[POLICY_TIME_LEN];
	struct pki_error unused;
	struct pki_ca ca;
	time_t until = 0;

	if (pki_ca_load(w->dir, false, NULL, &ca, &unused))
		return;
	if (!revoked_until(&ca, w->dir, &until) && until && until - now < REVOKED_SOON)
		fprintf(stderr, "cordonctl: warning: the revocation list in %s/crl.pem %s %s; 'cordonctl ca crl --renew' "
			"renews it\n", w->dir, until > now ? "ends" : "has ended", policy_time_text(until, end));
	pki_ca_free(&ca);
}

/**
 * ca_list - print the certificates that were handed out
 * @w: whose, or everybody's
 *
 * Return: an exit status.
 */
int ca_list(const struct ca_words *w)
{
	struct listing l = { .json = w->json, .now = time(NULL) };
	struct store s;
	int ret = EXIT_DONE;

	l.s = &s;
	if (w->expiring)
		l.before = pki_later(l.now, w->expiring);

	if (!ca_open_registry(w, false, &s))
		return EXIT_REFUSED;
	if (!w->json)
		printf("%-32s %-18s %-8s %-9s %s\n", "SERIAL", "NAME", "KIND", "STATE", "UNTIL");
	show_ca(w, &l);
	if (store_cert_each(&s, w->who, show, &l))
		ret = ca_complain_store(w, &s);
	if (w->json)
		json_list_end(&l.list);
	else if (!ret && !w->who && !ca_rollover_tell(w, &s))
		ret = EXIT_REFUSED;
	store_close(&s);
	ca_warn(w->dir);
	warn_of_list(w, l.now);
	return ret;
}

/**
 * struct victims - certificates that are to be revoked
 * @list: of them
 * @n: how many
 * @room: in @list
 * @known: certificates that were meant, valid or not
 * @last: of those, one
 * @one: a serial was given, so only this certificate was meant
 * @mac: meant by it; NULL, all that are told
 * @now: what has ended is left alone
 */
struct victims {
	struct store_certificate *list;
	size_t n;
	size_t room;
	size_t known;
	struct store_certificate last;
	bool one;
	const u8 *mac;
	time_t now;
};

/*
 * One that is reserved may be signed the next moment, and one that has ended may be renewed where est.renew_after_expiry
 * is set: they are revoked as well.
 */
static int add_victim(const struct store_certificate *c, void *arg)
{
	struct victims *v = arg;
	struct store_certificate *more;

	if (v->mac && (c->kind != PKI_DEVICE || memcmp(c->mac, v->mac, 6) != 0))
		return 0;
	v->known++;
	v->last = *c;
	if (c->state == STORE_REVOKED || c->state == STORE_ABANDONED)
		return 0;
	if (v->n == v->room) {
		v->room = v->room ? 2 * v->room : 16;
		more = reallocarray(v->list, v->room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		v->list = more;
	}
	v->list[v->n++] = *c;
	return 0;
}

/* A name before a MAC before a serial: a serial's digits may well be a name. */
static int find_victims(struct store *s, const char *who, struct victims *v)
{
	struct store_certificate one;
	u8 serial[PKI_SERIAL_LEN], mac[6];
	int err;

	err = store_cert_each(s, who, add_victim, v);
	if (err || v->known)
		return err;
	if (!policy_mac_parse(who, mac)) {
		v->mac = mac;
		err = store_cert_each(s, NULL, add_victim, v);
		v->mac = NULL;
		if (err || v->known)
			return err;
	}
	if (pki_serial_find(who, serial))
		return 0;
	err = store_cert_get(s, serial, &one, NULL, NULL);
	if (err)
		return err == -ENOENT ? 0 : err;
	v->one = true;
	return add_victim(&one, v) ? -ENOMEM : 0;
}

static int revoke_all(struct store *s, struct victims *v, int reason)
{
	size_t i;
	int err;

	for (i = 0; i < v->n; i++) {
		err = store_cert_revoke(s, v->list[i].serial, v->now, reason);
		if (err)
			return err;
		v->list[i].state = STORE_REVOKED;
		v->list[i].revoked = v->now;
		v->list[i].reason = reason;
	}
	return 0;
}

/* All of them, or none: an exit status. */
static int revoke(const struct ca_words *w, struct store *s, struct victims *v)
{
	int err = store_begin(s, true);

	if (!err)
		err = find_victims(s, w->who, v);
	if (!err && v->n)
		err = revoke_all(s, v, w->reason);
	if (!err && v->n)
		err = store_commit(s);
	else if (!err)
		store_rollback(s);
	if (!err && v->n)
		return EXIT_DONE;
	if (err) {
		store_rollback(s);
		return ca_complain_store(w, s);
	}
	return complain(w->who, v->known ? "every certificate of it is revoked already" :
			"no certificate is known by this name, MAC or serial");
}

/*
 * The device proved itself with what is worth nothing now. If all that it has is revoked, no lease is left,
 * by whatever it was given. Done again each time, since whoever was killed before may not have come here.
 */
static bool end_lease(const struct victims *v)
{
	struct cnl_device device;
	struct cnl nl;
	int err;

	if (!v->known || v->last.kind != PKI_DEVICE)
		return true;
	if (cnl_open(&nl)) {
		fprintf(stderr, "cordonctl: note: no lease was ended: %s\n", nl.error);
		return true;
	}
	err = cnl_lease_end(&nl, v->last.mac, v->one ? v->last.fingerprint : NULL, &device);
	if (err && err != -ENOENT)
		complain_nl(&nl);
	cnl_close(&nl);
	return !err || err == -ENOENT;
}

static void print_victims(const struct victims *v, bool json)
{
	struct json_list list = { false };
	char serial[2 * PKI_SERIAL_LEN + 1];
	size_t i;

	for (i = 0; i < v->n; i++) {
		pki_serial_text(v->list[i].serial, serial);
		if (json)
			json_list_add(&list, ca_json_certificate(&v->list[i], v->now));
		else
			printf("%s: certificate %s is revoked: %s\n", v->list[i].name, serial,
			       ca_reason_name(v->list[i].reason));
	}
	if (json)
		json_list_end(&list);
}

/**
 * ca_revoke - take certificates back
 * @w: a device's, or one
 *
 * The registry first, as check-ins ask it; then the kernel, then the list for others.
 *
 * Return: an exit status.
 */
int ca_revoke(const struct ca_words *w)
{
	struct victims v = { .now = time(NULL) };
	struct store s;
	bool done;
	int ret;

	if (!ca_open_registry(w, false, &s))
		return EXIT_REFUSED;
	ret = revoke(w, &s, &v);
	done = ret == EXIT_DONE;
	if (!end_lease(&v))
		ret = EXIT_REFUSED;
	if (done) {
		print_victims(&v, w->json);
		if (ca_crl_renew(w, &s, NULL, NULL)) {
			fputs("cordonctl: note: it is revoked; 'cordonctl ca crl' renews crl.pem\n",
			      stderr);
			ret = EXIT_REFUSED;
		}
	}
	store_close(&s);
	free(v.list);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0
/* What handlers of requests ask of the fleet, and what they know of its gateways. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "serve/agent/fleet.h"
#include "store/fleet.h"

static const struct agent_slot *answered(const struct agent *a, enum agent_slot_kind kind, const uint8_t mac[6])
{
	const struct agent_slot *s = a->fleet->now;

	return s && s->kind == kind && s->is == FLEET_DONE && !memcmp(s->mac, mac, sizeof(s->mac)) ? s : NULL;
}

/* An array of bytes as text. */
static json_t *hex(const uint8_t *bytes, size_t n)
{
	char text[2 * 32 + 1];

	return json_string(policy_hex_text(bytes, n, text));
}

/* Only the token that was looked at is to be claimed: as the registry knows it, here and now. */
static int set_revision(struct agent *a, json_t *question, const char *name)
{
	char key[STORE_KEY_LEN];
	int64_t revision;
	int err;

	snprintf(key, sizeof(key), "all/token/%s", name);
	err = store_fleet_revision(&a->store, key, &revision);
	return err ? err : json_object_set_new(question, "revision", json_integer(revision));
}

/* Another gateway may have taken the token since then: with that it has revoked what was asked for here. */
static bool is_lost(struct agent *a, const struct agent_slot *s)
{
	struct store_certificate is;

	return !store_cert_get(&a->store, s->cert.serial, &is, NULL, NULL) && is.state != STORE_RESERVED;
}

/**
 * agent_fleet_certify - is the certificate this gateway's to make
 * @a: the agent, in a fleet
 * @q: the request
 * @r: says why not
 * @cert: name, MAC, key, kind and end; gets serial number, beginning and end, which are the same when it is asked for
 *	the second time
 *
 * The serial number is reserved in the whole fleet, and the token, if there is one, claimed for it.
 *
 * Return: false, it is not, or the request waits: what is done so far is to be undone.
 */
bool agent_fleet_certify(struct agent *a, const struct serve_request *q, struct serve_reply *r,
			 struct store_certificate *cert)
{
	const struct agent_slot *done = answered(a, FLEET_CERTIFY, cert->mac);
	struct agent_slot what = { .kind = FLEET_CERTIFY };
	bool token = q->op == SERVE_OP_ENROLL;
	json_t *question;
	char mac[18];

	if (done && !is_lost(a, done) && !strcmp(done->name, cert->name) &&
	    !memcmp(done->cert.key_id, cert->key_id, sizeof(cert->key_id))) {
		memcpy(cert->serial, done->cert.serial, sizeof(cert->serial));
		cert->not_before = done->cert.not_before;
		cert->not_after = done->cert.not_after;
		return true;
	}
	pki_serial_new(cert->serial);
	cert->not_before = pki_begin(time(NULL), cert->not_after);
	strcpy(what.name, cert->name);
	memcpy(what.mac, cert->mac, sizeof(what.mac));
	what.cert = *cert;
	what.replaces = token && a->fleet->replaces;
	memcpy(what.former, a->fleet->former, sizeof(what.former));
	question = json_pack("{s:s,s:s,s:s,s:o,s:o,s:i,s:I,s:I,s:b}", "do", "certify", "name", cert->name, "mac",
			     policy_mac_text(cert->mac, mac), "serial", hex(cert->serial, sizeof(cert->serial)), "key",
			     hex(cert->key_id, sizeof(cert->key_id)), "kind", cert->kind, "from",
			     (json_int_t)cert->not_before, "until", (json_int_t)cert->not_after, "token", token);
	if (token && set_revision(a, question, cert->name)) {
		json_decref(question);
		agent_registry_failed(a, q, r);
	} else {
		agent_slot_ask(a, q, r, &what, question);
	}
	return false;
}

/**
 * agent_fleet_has - can a certificate be handed out again
 * @a: the agent
 * @serial: of the certificate
 *
 * Of one that another gateway made, the registry has all but the certificate itself.
 */
bool agent_fleet_has(struct agent *a, const uint8_t serial[STORE_SERIAL_LEN])
{
	struct store_certificate cert;
	uint8_t *der = NULL;
	size_t len = 0;

	if (!a->fleet)
		return true;
	if (store_cert_get(&a->store, serial, &cert, &der, &len))
		return false;
	free(der);
	return len;
}

/* Whether it still counts, and is to be revoked when another takes its place. */
static bool counts(struct agent *a, const uint8_t serial[STORE_SERIAL_LEN])
{
	struct store_certificate cert;

	return !store_cert_get(&a->store, serial, &cert, NULL, NULL) && cert.state != STORE_REVOKED;
}

/**
 * agent_fleet_token - what a token is good for, where several gateways take it
 * @a: the agent
 * @verdict: of the registry
 * @serial: of the certificate that it was claimed for, with STORE_TOKEN_PENDING and STORE_TOKEN_OTHER_KEY
 *
 * The claim that cordon-fleet has just made for this very request may be in the registry, or not yet: then the token
 * is as it was before it. A certificate that another gateway made for this key cannot be handed out here: another takes
 * its place, as one of another key does.
 *
 * Return: the verdict; with STORE_TOKEN_OTHER_KEY, @serial is the one to be revoked.
 */
enum store_token agent_fleet_token(struct agent *a, enum store_token verdict, uint8_t serial[STORE_SERIAL_LEN])
{
	struct agent_fleet *f = a->fleet;
	const struct agent_slot *s;

	if (!f)
		return verdict;
	s = f->now && f->now->kind == FLEET_CERTIFY && f->now->is == FLEET_DONE ? f->now : NULL;
	f->replaces = false;
	if (verdict != STORE_TOKEN_PENDING && verdict != STORE_TOKEN_OTHER_KEY)
		return verdict;
	if (s && !memcmp(serial, s->cert.serial, STORE_SERIAL_LEN)) {
		if (!s->replaces || !counts(a, s->former))
			return STORE_TOKEN_GOOD;
		memcpy(serial, s->former, STORE_SERIAL_LEN);
		return STORE_TOKEN_OTHER_KEY;
	}
	if (verdict == STORE_TOKEN_PENDING && agent_fleet_has(a, serial))
		return verdict;
	f->replaces = true;
	memcpy(f->former, serial, sizeof(f->former));
	return STORE_TOKEN_OTHER_KEY;
}

/**
 * agent_fleet_identify - does the gateway still count that issued a certificate
 * @a: the agent, in a fleet
 * @q: the request
 * @r: says why not
 * @cert: as the registry has it
 */
bool agent_fleet_identify(struct agent *a, const struct serve_request *q, struct serve_reply *r,
			  const struct store_certificate *cert)
{
	char gateway[STORE_GATEWAY_LEN] = "";
	bool expelled = true;

	if (store_fleet_issuer(&a->store, cert->serial, gateway, &expelled)) {
		agent_registry_failed(a, q, r);
		return false;
	}
	if (!expelled)
		return true;
	agent_refuse(a, q, r, 403, SERVE_GATEWAY_EXPELLED, "the certificate is of gateway %s, which was expelled, or is not in the fleet", gateway);
	return false;
}

/**
 * agent_fleet_is_near - is a certificate about to be known that another gateway has just made
 * @a: the agent, in a fleet
 * @cert: as the registry has it
 */
bool agent_fleet_is_near(struct agent *a, const struct store_certificate *cert)
{
	char gateway[STORE_GATEWAY_LEN] = "";
	bool expelled = true;

	return cert->state == STORE_RESERVED && !store_fleet_issuer(&a->store, cert->serial, gateway, &expelled) &&
	       !expelled && gateway[0] && strcmp(gateway, a->config->fleet.gateway) != 0;
}

/**
 * agent_fleet_held - does this gateway hold a device
 * @a: the agent, in a fleet
 * @q: its check-in
 * @r: says why it is not let in, although it is held
 * @mac: of the device
 * @held: set
 *
 * Return: false, answered.
 */
bool agent_fleet_held(struct agent *a, const struct serve_request *q, struct serve_reply *r, const uint8_t mac[6],
		      bool *held)
{
	char offline[16];

	*held = answered(a, FLEET_HOLD, mac);
	if (*held)
		return true;
	if (store_fleet_held(&a->store, mac, held)) {
		agent_registry_failed(a, q, r);
		return false;
	}
	if (!*held || !agent_fleet_offline(a))
		return true;
	agent_refuse(a, q, r, 503, SERVE_FLEET_TOO_LONG, "the other gateways have been out of reach for %s or more",
		     policy_duration_text(a->config->fleet.offline, offline));
	return false;
}

/* Name of the interface that a request came by; empty, not known. */
static void port_of(struct agent *a, uint32_t ifindex, char name[CORDON_IFNAME_LEN])
{
	struct cnl_interfaces all = { .list = NULL };
	uint32_t i;

	name[0] = 0;
	if (agent_connect(a) || cnl_interfaces(&a->nl, &all))
		return;
	for (i = 0; i < all.n; i++)
		if (all.list[i].ifindex == ifindex)
			strcpy(name, all.list[i].name);
	cnl_interfaces_free(&all);
}

/**
 * agent_fleet_hold - have this gateway hold a device
 * @a: the agent, in a fleet
 * @q: its check-in
 * @r: says why not
 * @cert: its certificate
 *
 * The request waits, or is answered. When it is handled the next time, agent_fleet_held() says yes.
 */
void agent_fleet_hold(struct agent *a, const struct serve_request *q, struct serve_reply *r,
		      const struct store_certificate *cert)
{
	struct agent_slot what = { .kind = FLEET_HOLD };
	char mac[18], port[CORDON_IFNAME_LEN];
	const struct agent_place_def *place;

	if (!a->fleet->reachable) {
		agent_fleet_unreachable(a, q, r);
		return;
	}
	port_of(a, q->ifindex, port);
	place = agent_policy_place(a, cert->mac);
	strcpy(what.name, cert->name);
	memcpy(what.mac, cert->mac, sizeof(what.mac));
	agent_slot_ask(a, q, r, &what,
		  json_pack("{s:s,s:s,s:s,s:s,s:I,s:b}", "do", "hold", "name", cert->name, "mac",
			    policy_mac_text(cert->mac, mac), "port", port, "lease", (json_int_t)place->lease, "roam",
			    place->roam));
}

/** agent_fleet_waits - is the request that was just handled kept in a slot: it gets no reply now */
bool agent_fleet_waits(const struct agent *a)
{
	return a->fleet && a->fleet->later;
}

/** agent_fleet_takes - a request has come, of these bytes; NULL, it cannot wait */
void agent_fleet_takes(struct agent *a, const uint8_t *raw, size_t len)
{
	if (!a->fleet)
		return;
	a->fleet->raw = raw;
	a->fleet->raw_len = len;
	a->fleet->later = false;
}

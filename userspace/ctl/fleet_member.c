// SPDX-License-Identifier: GPL-2.0
/* fleet init, fleet add: who is in the fleet; and what is left to do about one that was expelled. */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/cmd_fleet.h"
#include "lib/file.h"
#include "store/fleet.h"

#define CERTIFICATE_MAX	65536

static int tell(const struct fleet_words *w, json_t *answer, const char *did)
{
	const char *gateway = json_string_value(json_object_get(answer, "gateway"));
	const char *issuer = json_string_value(json_object_get(answer, "issuer"));

	if (!answer)
		return EXIT_REFUSED;
	if (w->json)
		json_print(json_pack("{ss* ss*}", "gateway", gateway, "issuer", issuer));
	else
		printf("gateway %s %s; SHA-256 of its issuing certificate: %s\n", gateway ? gateway : "?", did, issuer ? issuer : "?");
	json_decref(answer);
	return EXIT_DONE;
}

/**
 * fleet_member_init - begin a fleet
 * @w: the command line
 *
 * Return: an exit status.
 */
int fleet_member_init(const struct fleet_words *w)
{
	return tell(w, fleet_question(&w->config, NULL, json_pack("{s:s}", "do", "init"), FLEET_WAIT), "begins the fleet");
}

/**
 * fleet_member_add - let a gateway into the fleet
 * @w: its name, and the file of its issuing certificate
 *
 * Return: an exit status.
 */
int fleet_member_add(const struct fleet_words *w)
{
	json_t *question;
	char *pem = NULL;
	size_t len;
	int err;

	if (!w->certificate)
		return usage_error(w->self, "add wants --certificate FILE: the gateway's issuing certificate", NULL);
	err = file_read(w->certificate, CERTIFICATE_MAX, &pem, &len);
	if (err)
		return complain(w->certificate, strerror(-err));
	question = json_pack("{s:s, s:s, s:s}", "do", "add", "gateway", w->name, "certificate", pem);
	free(pem);
	if (!question)
		return complain(w->certificate, "holds no certificate (PEM)");
	return tell(w, fleet_question(&w->config, w->name, question, FLEET_WAIT), "is in the fleet");
}

/* What the gateway's row says of its client certificate for etcd, for a terminal; free(); NULL, nothing. */
static char *client_of(const struct fleet_words *w)
{
	char key[STORE_KEY_LEN], *value = NULL, *out = NULL;
	struct store s = { .db = NULL };
	const char *text;
	size_t len = 0;
	json_t *j;
	char *c;

	snprintf(key, sizeof(key), "all/gateway/%s", w->name);
	if (!store_open(&s, w->config.registry, false) && !store_fleet_value(&s, key, &value, &len) && value) {
		j = json_loadb(value, len, 0, NULL);
		text = json_string_value(json_object_get(j, "client"));
		out = text ? strdup(text) : NULL;
		json_decref(j);
	}
	/* The gateway has said it itself. */
	for (c = out; c && *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	free(value);
	if (s.db)
		store_close(&s);
	return out;
}

/**
 * fleet_tell_expelled - what no gateway can do about one that was expelled
 * @w: its name
 */
void fleet_tell_expelled(const struct fleet_words *w)
{
	char *client = client_of(w), path[PATH_MAX];
	bool here;

	snprintf(path, sizeof(path), "%s/root.key", w->config.ca);
	here = !access(path, F_OK);
	fprintf(stderr, "cordonctl: note: two things are left, which no gateway can do:\n"
		"  1. It reads and writes etcd until its certificate for etcd is revoked%s%s.\n"
		"     Revoke it at the CA that made it, put that CA's list (PEM) on every member as --client-crl-file, and start one\n"
		"     member after the other anew: connections that are open stay open until then.\n"
		"  2. Third parties that know the root alone trust its issuing CA until the root says otherwise%s:\n"
		"     cordonctl ca crl --root --revoke FILE --reason cACompromise\n"
		"     FILE is its issuing certificate: gateways.%s.value.certificate of 'cordonctl fleet gateways --json'.\n"
		"     root-crl.pem then goes beside root.crt on every gateway.\n",
		client ? ": " : "", client ? client : "", here ? "; its key is on this gateway" : "; where the root's key is",
		w->name);
	free(client);
}

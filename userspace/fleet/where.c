// SPDX-License-Identifier: GPL-2.0
/* At which gateway a device is: what holder/MAC says. */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "fleet/holder.h"
#include "fleet/internal.h"
#include "lib/policy.h"

/**
 * struct asked - a question on its way
 * @entry: among all
 * @f: cordon-fleet
 * @client: who asked
 * @id: of the question
 * @mac: the device
 */
struct asked {
	LIST_ENTRY(asked) entry;
	struct fleet *f;
	uint64_t client;
	json_t *id;
	uint8_t mac[6];
};

static LIST_HEAD(, asked) all = LIST_HEAD_INITIALIZER(all);

/** fleet_where_end - who still waits is not answered: etcd's client is gone, and calls nobody back */
void fleet_where_end(void)
{
	struct asked *q, *next;

	for (q = LIST_FIRST(&all); q; q = next) {
		next = LIST_NEXT(q, entry);
		LIST_REMOVE(q, entry);
		json_decref(q->id);
		free(q);
	}
}

static void got(const struct etcd_answer *a, void *arg)
{
	struct asked *q = arg;
	json_t *holder = NULL;
	const char *gateway;
	char mac[18];

	LIST_REMOVE(q, entry);
	if (a->result == ETCD_OK && a->n)
		holder = json_loadb((const char *)a->kv[0].value, a->kv[0].len, 0, NULL);
	gateway = json_string_value(json_object_get(holder, "gateway"));
	if (a->result != ETCD_OK)
		fleet_say_no(q->f, q->client, q->id, "unreachable", a->why);
	else if (a->n && (!gateway || !cordon_name_is_valid(gateway, STORE_GATEWAY_LEN)))
		fleet_say_no(q->f, q->client, q->id, "refused", "what etcd has below holder/ for this device makes no sense");
	else
		fleet_answer(q->f, q->client, q->id, "done",
			     json_pack("{s:s, s:O?}", "mac", policy_mac_text(q->mac, mac), "holder", holder));
	json_decref(holder);
	free(q);
}

/**
 * fleet_where - at which gateway a device is
 * @f: cordon-fleet
 * @client: who asks
 * @id: of the question
 * @question: it; "device" is a MAC, or a name that the registry has
 */
void fleet_where(struct fleet *f, uint64_t client, json_t *id, const json_t *question)
{
	const char *device = json_string_value(json_object_get(question, "device"));
	struct store_device d = { .name = "" };
	char key[HOLD_KEY];
	struct asked *q;

	if (!device || (policy_mac_parse(device, d.mac) && store_device_get(&f->store, device, &d))) {
		fleet_say_no(f, client, id, "refused", "the registry has no device of this name; a MAC can be asked for, too");
		return;
	}
	q = f->reachable ? calloc(1, sizeof(*q)) : NULL;
	if (!q) {
		fleet_say_no(f, client, id, "unreachable", f->reachable ? "out of memory" : "etcd is out of reach");
		return;
	}
	*q = (struct asked){ .f = f, .client = client, .id = id };
	memcpy(q->mac, d.mac, sizeof(q->mac));
	LIST_INSERT_HEAD(&all, q, entry);
	if (etcd_get(f->etcd, hold_key(key, q->mac), 0, got, q))
		return;
	LIST_REMOVE(q, entry);
	free(q);
	fleet_say_no(f, client, id, "unreachable", "too much waits for etcd");
}

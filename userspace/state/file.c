// SPDX-License-Identifier: GPL-2.0
/* The state as a file of JSON. Members that a newer version may have written are passed over. */
#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/file.h"
#include "state/state.h"

#define MAX_FILE (256 << 20)

static void put_flag(json_t *out, const char *key, bool value)
{
	if (value)
		json_object_set_new(out, key, json_true());
}

static void put_text(json_t *out, const char *key, const char *value)
{
	if (*value)
		json_object_set_new(out, key, json_string(value));
}

static json_t *put_state(const struct state_device *d)
{
	char mac[18], hex[2 * CORDON_CERTIFICATE_LEN + 1];
	json_t *out = json_pack("{s:s}", "mac", policy_mac_text(d->mac, mac));

	put_text(out, "name", d->name);
	put_flag(out, "quarantined", d->quarantined);
	put_flag(out, "outdated", d->outdated);
	if (d->leased)
		json_object_set_new(out, "lease_end", json_integer(d->lease_end));
	put_text(out, "lease_port", d->lease_port);
	if (d->has_certificate)
		put_text(out, "certificate", policy_hex_text(d->certificate, sizeof(d->certificate), hex));
	return out;
}

/* Of several, the first one as the only one, too: an older version, which knows no others, is the stricter for it. */
static void put_ports(json_t *out, const struct policy *p, const struct cordon_device_def *d)
{
	json_t *all = json_array();
	u32 i;

	for (i = 0; i < cordon_device_ports(d); i++)
		json_array_append_new(all, json_string(p->draft.ports[cordon_device_port(d, i)].name));
	if (i)
		json_object_set(out, "port", json_array_get(all, 0));
	if (i > 1)
		json_object_set(out, "ports", all);
	json_decref(all);
}

static json_t *put_device(const struct policy *p, u32 i)
{
	const struct cordon_device_def *d = &p->draft.devices[i];
	json_t *addresses = json_array(), *out;
	char mac[18], addr[POLICY_ADDR_LEN];
	u32 a;

	for (a = 0; a < cordon_device_fixed(d); a++)
		json_array_append_new(addresses,
				      json_string(policy_addr_text(&p->draft.addresses[d->first + a], addr)));
	out = json_pack("{s:s,s:s,s:s,s:o}", "mac", policy_mac_text(d->mac, mac), "name", d->name,
			"segment", p->draft.segments[d->segment].name, "addresses", addresses);
	if (d->learn)
		put_text(out, "learn", policy_learn_name(d->learn));
	if (d->roam)
		json_object_set_new(out, "roam", json_true());
	put_text(out, "model", d->model);
	put_ports(out, p, d);
	if (d->vlan)
		json_object_set_new(out, "vlan", json_integer(d->vlan));
	if (d->authentication != CORDON_INHERIT)
		put_text(out, "authentication", policy_authentication_name(d->authentication));
	if (d->encryption != CORDON_INHERIT)
		put_text(out, "encryption", policy_encryption_name(d->encryption));
	if (d->firmware != CORDON_INHERIT)
		json_object_set_new(out, "firmware_auto_update", json_boolean(d->firmware));
	return out;
}

static json_t *put_binding(const struct state_binding *b)
{
	char mac[18], addr[POLICY_ADDR_LEN];
	json_t *out = json_pack("{s:s,s:s,s:s}", "address", policy_addr_text(&b->addr, addr),
				"mac", policy_mac_text(b->mac, mac), "origin", policy_origin_name(b->origin));

	put_text(out, "name", b->name);
	if (b->end)
		json_object_set_new(out, "end", json_integer(b->end));
	return out;
}

static json_t *put_destinations(const struct state_destinations *d)
{
	char mac[18], key[2 * CNL_KEY_LEN + 1], hashes[2 * sizeof(d->saved.hashes) + 1];
	json_t *out = json_pack("{s:s,s:s}", "mac", policy_mac_text(d->saved.mac, mac),
				"key", policy_hex_text(d->saved.key, sizeof(d->saved.key), key));

	put_text(out, "name", d->saved.name);
	if (d->learn_end)
		json_object_set_new(out, "learn_end", json_integer(d->learn_end));
	put_text(out, "hashes", policy_hex_text(d->saved.hashes[0], d->saved.n * sizeof(*d->saved.hashes), hashes));
	return out;
}

static json_t *put_all(const struct state *s)
{
	json_t *devices = json_array(), *changed = json_array(), *deleted = json_array();
	json_t *bindings = json_array(), *destinations = json_array();
	char mac[18];
	u32 i;

	for (i = 0; i < s->n_devices; i++)
		json_array_append_new(devices, put_state(&s->devices[i]));
	for (i = 0; i < s->changed->draft.n_devices; i++)
		json_array_append_new(changed, put_device(s->changed, i));
	for (i = 0; i < s->n_deleted; i++)
		json_array_append_new(deleted, json_string(policy_mac_text(s->deleted[i], mac)));
	for (i = 0; i < s->n_bindings; i++)
		json_array_append_new(bindings, put_binding(&s->bindings[i]));
	for (i = 0; i < s->n_destinations; i++)
		json_array_append_new(destinations, put_destinations(&s->destinations[i]));
	return json_pack("{s:i,s:I,s:s,s:o,s:o,s:o,s:o,s:o}", "version", STATE_VERSION, "saved", (json_int_t)s->saved,
			 "boot", s->boot, "devices", devices, "changed", changed, "deleted", deleted,
			 "bindings", bindings, "destinations", destinations);
}

/**
 * state_save - replace a state file, or leave it as it was
 * @path: the file
 * @s: what it holds then
 *
 * Return: 0 or -errno.
 */
int state_save(const char *path, const struct state *s)
{
	json_t *all = put_all(s);
	char *text = all ? json_dumps(all, JSON_INDENT(1)) : NULL;
	int err = text ? file_write(path, text, strlen(text), 0600) : -ENOMEM;

	json_decref(all);
	free(text);
	return err;
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text ? text : "";
}

/* Return: false, it does not fit. */
static bool get_text(const json_t *o, const char *key, char *out, size_t size)
{
	const char *text = text_of(o, key);

	if (strlen(text) >= size)
		return false;
	memcpy(out, text, strlen(text) + 1);
	return true;
}

static bool get_hex(const char *text, u8 *out, size_t n)
{
	char byte[3] = "";
	size_t i;

	if (strlen(text) != 2 * n || strspn(text, "0123456789abcdefABCDEF") != 2 * n)
		return false;
	for (i = 0; i < n; i++) {
		memcpy(byte, text + 2 * i, 2);
		out[i] = (u8)strtoul(byte, NULL, 16);
	}
	return true;
}

static const char *get_state(struct state *s, const json_t *o)
{
	const json_t *end = json_object_get(o, "lease_end"), *certificate = json_object_get(o, "certificate");
	struct state_device *d;
	u8 mac[6];

	if (policy_mac_parse(text_of(o, "mac"), mac))
		return "'mac' is no MAC";
	d = state_add(s, mac);
	if (!d)
		return "out of memory";
	if (!get_text(o, "name", d->name, sizeof(d->name)))
		return "'name' is too long";
	if (!get_text(o, "lease_port", d->lease_port, sizeof(d->lease_port)))
		return "'lease_port' is too long";
	if (end && !json_is_integer(end))
		return "'lease_end' is no number";
	d->quarantined = json_is_true(json_object_get(o, "quarantined"));
	d->outdated = json_is_true(json_object_get(o, "outdated"));
	d->leased = end;
	d->lease_end = json_integer_value(end);
	d->has_certificate = certificate;
	if (certificate && !get_hex(text_of(o, "certificate"), d->certificate, sizeof(d->certificate)))
		return "'certificate' is no SHA-256";
	return NULL;
}

/* The number of a word; CORDON_INHERIT, there is none; -1, it is not one of them. */
static int get_enum(const json_t *o, const char *key, const char *(*name)(u32), u32 n)
{
	const char *text = text_of(o, key);
	u32 i;

	if (!json_object_get(o, key))
		return CORDON_INHERIT;
	for (i = 0; i < n; i++)
		if (!strcmp(name(i), text))
			return i;
	return -1;
}

static const char *get_addresses(struct policy *p, const json_t *list)
{
	struct cordon_addr *a;
	const char *text;
	json_t *item;
	size_t i;

	if (json_array_size(list) > CORDON_MAX_DEVICE_ADDRESSES)
		return "too many 'addresses'";
	json_array_foreach(list, i, item) {
		text = json_string_value(item);
		a = policy_add_address(p);
		if (!a)
			return "out of memory";
		if (!text || policy_addr_parse(text, a))
			return "'addresses' holds something that is none";
	}
	return NULL;
}

static const char *add_port(struct policy *one, const json_t *name)
{
	struct cordon_device_def *d = &one->draft.devices[0];
	const char *text = json_string_value(name);
	struct cordon_port_def *port;

	if (!text || !*text || strlen(text) >= sizeof(port->name))
		return "'port' or 'ports' holds something that is no name, or too long";
	if (policy_find_port(one, text) != CORDON_ANY_PORT)
		return "'ports' holds one twice";
	port = policy_add_port(one);
	if (!port)
		return "out of memory";
	strcpy(port->name, text);
	cordon_device_add_port(d, one->draft.n_ports - 1);
	return NULL;
}

/* All of its ports, or the one that it has. */
static const char *get_ports(struct policy *one, const json_t *o)
{
	const json_t *list = json_object_get(o, "ports"), *port = json_object_get(o, "port");
	const char *why = NULL;
	json_t *item;
	size_t i;

	if (!list)
		return port ? add_port(one, port) : NULL;
	if (!json_array_size(list) || json_array_size(list) > CORDON_MAX_DEVICE_PORTS)
		return "'ports' is no list, or of none or too many";
	json_array_foreach(list, i, item)
		if (!why)
			why = add_port(one, item);
	return why;
}

/* A device of a policy that has but one, which is then copied by the names of its segment and ports. */
static const char *get_one(struct policy *one, const json_t *o)
{
	int authentication = get_enum(o, "authentication", policy_authentication_name, CORDON_AUTHENTICATION_CERTIFICATE + 1);
	int encryption = get_enum(o, "encryption", policy_encryption_name, CORDON_ENCRYPTION_TLS1_3 + 1);
	int learn = get_enum(o, "learn", policy_learn_name, CORDON_LEARN_AUTO_STATIC + 1);
	const json_t *firmware = json_object_get(o, "firmware_auto_update");
	json_int_t vlan = json_integer_value(json_object_get(o, "vlan"));
	const char *why;
	struct cordon_segment_def *segment = policy_add_segment(one);
	struct cordon_device_def *d = policy_add_device(one);

	if (!segment || !d)
		return "out of memory";
	if (policy_mac_parse(text_of(o, "mac"), d->mac))
		return "'mac' is no MAC";
	if (!get_text(o, "name", d->name, sizeof(d->name)) || !cordon_name_is_valid(d->name, sizeof(d->name)))
		return "'name' is no name";
	if (!get_text(o, "model", d->model, sizeof(d->model)))
		return "'model' is too long";
	if (!get_text(o, "segment", segment->name, sizeof(segment->name)) || !segment->name[0])
		return "'segment' is no name";
	if (vlan < 0 || vlan > CORDON_MAX_VLAN)
		return "'vlan' is none";
	if (authentication < 0 || encryption < 0)
		return "'authentication' or 'encryption' is a word that it cannot be";
	if (learn < 0)
		return "'learn' is a word that it cannot be";
	d->learn = learn == CORDON_INHERIT ? CORDON_LEARN_NONE : learn;
	d->roam = json_is_true(json_object_get(o, "roam"));
	d->segment = policy_find_segment(one, segment->name);
	d->vlan = vlan;
	d->authentication = authentication;
	d->encryption = encryption;
	d->firmware = firmware ? json_is_true(firmware) : CORDON_INHERIT;
	why = get_ports(one, o);
	return why ? why : get_addresses(one, json_object_get(o, "addresses"));
}

static const char *get_changed(struct state *s, const json_t *o)
{
	struct policy *one = policy_new();
	const char *why = one ? get_one(one, o) : "out of memory";

	if (!why && state_copy_device(s->changed, one, 0))
		why = "out of memory";
	policy_free(one);
	return why;
}

static const char *get_deleted(struct state *s, const json_t *o)
{
	const char *text = json_string_value(o);
	u8 mac[6];

	if (!text || policy_mac_parse(text, mac))
		return "it is no MAC";
	return state_delete(s, mac) ? "out of memory" : NULL;
}

static const char *get_binding(struct state *s, const json_t *o)
{
	int origin = get_enum(o, "origin", policy_origin_name, CORDON_ORIGIN_ARP + 1);
	const json_t *end = json_object_get(o, "end");
	struct state_binding b = { .origin = origin, .end = json_integer_value(end) };

	if (policy_addr_parse(text_of(o, "address"), &b.addr))
		return "'address' is none";
	if (policy_mac_parse(text_of(o, "mac"), b.mac))
		return "'mac' is no MAC";
	if (!get_text(o, "name", b.name, sizeof(b.name)))
		return "'name' is too long";
	if (origin <= CORDON_ORIGIN_POLICY || origin > CORDON_ORIGIN_ARP)
		return "'origin' is a word that it cannot be";
	if (end && (!json_is_integer(end) || !b.end))
		return "'end' is no number";
	return state_bind(s, &b) ? "out of memory" : NULL;
}

/* Return: why it is none, or NULL. */
static const char *read_destinations(const json_t *o, struct state_destinations *d)
{
	const json_t *end = json_object_get(o, "learn_end");
	const char *hashes = text_of(o, "hashes");
	static const u8 none[4];
	u32 i;

	d->learn_end = json_integer_value(end);
	d->saved.has_learning = true;
	d->saved.n = strlen(hashes) / (2 * sizeof(*d->saved.hashes));
	if (policy_mac_parse(text_of(o, "mac"), d->saved.mac))
		return "'mac' is no MAC";
	if (!get_text(o, "name", d->saved.name, sizeof(d->saved.name)))
		return "'name' is too long";
	if (!get_hex(text_of(o, "key"), d->saved.key, sizeof(d->saved.key)))
		return "'key' is no key";
	if (end && (!json_is_integer(end) || !d->learn_end))
		return "'learn_end' is no number";
	if (d->saved.n > CORDON_DESTINATIONS_MAX ||
	    !get_hex(hashes, d->saved.hashes[0], d->saved.n * sizeof(*d->saved.hashes)))
		return "'hashes' are none";
	for (i = 0; i < d->saved.n; i++)
		if (!memcmp(d->saved.hashes[i], none, sizeof(none)))
			return "'hashes' are none";
	return NULL;
}

static const char *get_destinations(struct state *s, const json_t *o)
{
	struct state_destinations read = { .learn_end = 0 }, *d;
	const char *why = read_destinations(o, &read);

	if (why)
		return why;
	d = state_been(s);
	if (!d)
		return "out of memory";
	*d = read;
	return NULL;
}

/* Whatever of a list cannot be read is told and left out: the rest counts none the less. */
static void get_list(struct state *s, const char *path, const json_t *all, const char *key,
		     const char *(*get)(struct state *s, const json_t *o), FILE *errors)
{
	const char *why;
	json_t *item;
	size_t i;

	json_array_foreach(json_object_get(all, key), i, item) {
		why = get(s, item);
		if (why)
			fprintf(errors, "cordonctl: %s: %s[%zu]: %s; left out\n", path, key, i, why);
	}
}

static int parse(const char *path, const char *text, size_t len, struct state *s, FILE *errors)
{
	json_error_t err;
	json_t *all = json_loadb(text, len, 0, &err);

	if (!json_is_object(all) || json_integer_value(json_object_get(all, "version")) < 1) {
		if (all)
			fprintf(errors, "cordonctl: %s: not a state of Cordon's\n", path);
		else
			fprintf(errors, "cordonctl: %s:%d:%d: %s\n", path, err.line, err.column, err.text);
		json_decref(all);
		return -EINVAL;
	}
	s->saved = json_integer_value(json_object_get(all, "saved"));
	get_text(all, "boot", s->boot, sizeof(s->boot));
	get_list(s, path, all, "devices", get_state, errors);
	get_list(s, path, all, "changed", get_changed, errors);
	get_list(s, path, all, "deleted", get_deleted, errors);
	get_list(s, path, all, "bindings", get_binding, errors);
	get_list(s, path, all, "destinations", get_destinations, errors);
	json_decref(all);
	return 0;
}

/**
 * state_load - read a state file
 * @path: the file
 * @out: the state
 * @errors: where what cannot be read is told
 *
 * Return: 0; -ENOENT, there is none, of which nothing is told; another -errno.
 */
int state_load(const char *path, struct state **out, FILE *errors)
{
	struct state *s = state_new();
	char *text = NULL;
	size_t len;
	int err = s ? file_read(path, MAX_FILE, &text, &len) : -ENOMEM;

	if (!err)
		err = parse(path, text, len, s, errors);
	else if (err != -ENOENT)
		fprintf(errors, "cordonctl: %s: %s\n", path, strerror(-err));
	free(text);
	if (err)
		state_free(s);
	else
		*out = s;
	return err;
}

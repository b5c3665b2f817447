// SPDX-License-Identifier: GPL-2.0
/* The kernel's objects as JSON: one shape for every command. */
#include <stdlib.h>

#include "ctl/ctl.h"
#include "lib/utf8.h"

/* Any value, and null for one that could not be made: what is printed is JSON in every case. */
static void dump(json_t *value, size_t flags)
{
	if (!value || json_dumpf(value, stdout, flags | JSON_ENCODE_ANY))
		fputs("null", stdout);
	json_decref(value);
}

/**
 * json_print - print a value over as many lines as it takes
 * @value: freed
 */
void json_print(json_t *value)
{
	dump(value, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
	putchar('\n');
}

/**
 * json_line - print a value on a line of its own
 * @value: freed
 */
void json_line(json_t *value)
{
	dump(value, JSON_REAL_PRECISION(15));
	putchar('\n');
}

/**
 * json_list_add - one more member, on a line of its own
 * @list: the array
 * @value: freed
 */
void json_list_add(struct json_list *list, json_t *value)
{
	fputs(list->open ? ",\n  " : "[\n  ", stdout);
	list->open = true;
	dump(value, 0);
}

/**
 * json_list_end - no more members
 * @list: the array
 */
void json_list_end(struct json_list *list)
{
	puts(list->open ? "\n]" : "[]");
}

/**
 * json_text - a string that may hold any bytes: an argument, a path, what a device said
 * @text: each byte of it that is no UTF-8 becomes U+FFFD
 */
json_t *json_text(const char *text)
{
	char *clean = utf8_repair(text);
	json_t *out = json_string(clean ? clean : "");

	free(clean);
	return out;
}

/** json_count - a counter; jansson's integers end at 2^63 - 1, and so does this */
json_t *json_count(u64 count)
{
	return json_integer(count > INT64_MAX ? INT64_MAX : (json_int_t)count);
}

json_t *json_addr(const struct cordon_addr *a)
{
	char buf[POLICY_ADDR_LEN];

	return json_string(policy_addr_text(a, buf));
}

json_t *json_hex(const u8 *bytes, size_t n)
{
	char text[2 * CORDON_CERTIFICATE_LEN + 1];

	return json_string(n <= CORDON_CERTIFICATE_LEN ? policy_hex_text(bytes, n, text) : "");
}

json_t *json_stats(const struct cnl_stats *s)
{
	json_t *anomalies = json_object();
	u32 kind;

	for (kind = 0; kind < CORDON_KINDS; kind++)
		json_object_set_new(anomalies, policy_kind_name(kind),
				    json_count(s->anomalies[kind]));
	return json_pack("{s:o,s:o,s:o,s:o,s:o,s:o}", "rx_packets", json_count(s->rx_packets),
			 "rx_bytes", json_count(s->rx_bytes), "tx_packets", json_count(s->tx_packets),
			 "tx_bytes", json_count(s->tx_bytes), "denied", json_count(s->denied),
			 "anomalies", anomalies);
}

/**
 * json_set_ports - the ports that a device is tied to: "port" of one, "ports" of several
 * @out: gets them
 * @ports: they
 */
void json_set_ports(json_t *out, const struct cnl_ports *ports)
{
	json_t *list;
	u32 i;

	if (ports->n == 1) {
		json_object_set_new(out, "port", json_text(ports->name[0]));
	} else if (ports->n) {
		list = json_array();
		for (i = 0; i < ports->n; i++)
			json_array_append_new(list, json_text(ports->name[i]));
		json_object_set_new(out, "ports", list);
	}
}

/**
 * destinations_text - how many destinations of a device are known, and whether more come
 * @d: the device, which @has_destinations
 * @buf: where to; DESTINATIONS_TEXT_LEN
 *
 * Return: @buf.
 */
const char *destinations_text(const struct cnl_device *d, char *buf)
{
	char left[16];
	int n = snprintf(buf, DESTINATIONS_TEXT_LEN, "%u destinations known", d->destinations);

	if (d->destinations >= CORDON_DESTINATIONS_MAX)
		snprintf(buf + n, DESTINATIONS_TEXT_LEN - n, ": too many to learn, and to tell a new one");
	else if (!d->has_learning)
		snprintf(buf + n, DESTINATIONS_TEXT_LEN - n, ", learning begins with its next connection");
	else if (d->learning)
		snprintf(buf + n, DESTINATIONS_TEXT_LEN - n, ", learning for %s", policy_duration_text(d->learning, left));
	return buf;
}

static json_t *json_destinations(const struct cnl_device *d)
{
	return json_pack("{s:I,s:b,s:o}", "known", (json_int_t)d->destinations,
			 "full", d->destinations >= CORDON_DESTINATIONS_MAX, "learning_seconds",
			 d->has_learning ? json_integer(d->learning) : json_null());
}

json_t *json_device(const struct cnl_device *d, bool stats)
{
	json_t *addresses = json_array(), *out;
	char mac[18];
	u32 i;

	for (i = 0; i < d->def.n; i++)
		json_array_append_new(addresses, json_addr(&d->addresses[i]));
	out = json_pack("{s:s,s:s,s:s,s:s,s:s,s:I,s:o}", "name", d->def.name,
			"mac", policy_mac_text(d->def.mac, mac), "segment", d->segment,
			"effective_segment", d->effective_segment,
			"state", policy_state_name(d->state),
			"lease_seconds", (json_int_t)d->lease, "addresses", addresses);
	if (d->def.learn)
		json_object_set_new(out, "learn", json_string(policy_learn_name(d->def.learn)));
	if (d->def.roam)
		json_object_set_new(out, "roam", json_true());
	json_set_ports(out, &d->ports);
	if (d->def.vlan)
		json_object_set_new(out, "vlan", json_integer(d->def.vlan));
	if (d->def.model[0])
		json_object_set_new(out, "model", json_string(d->def.model));
	if (d->def.authentication != CORDON_INHERIT)
		json_object_set_new(out, "authentication", json_string(
			policy_authentication_name(d->def.authentication)));
	if (d->def.encryption != CORDON_INHERIT)
		json_object_set_new(out, "encryption", json_string(
			policy_encryption_name(d->def.encryption)));
	if (d->def.firmware != CORDON_INHERIT)
		json_object_set_new(out, "firmware_auto_update", json_boolean(d->def.firmware));
	if (d->has_certificate)
		json_object_set_new(out, "certificate", json_hex(d->certificate,
								 sizeof(d->certificate)));
	if (d->lease_port[0])
		json_object_set_new(out, "lease_port", json_text(d->lease_port));
	if (d->has_destinations)
		json_object_set_new(out, "destinations", json_destinations(d));
	if (stats)
		json_object_set_new(out, "stats", json_stats(&d->stats));
	return out;
}

json_t *json_binding(const struct cnl_binding *b)
{
	char mac[18];
	json_t *out = json_pack("{s:o,s:s,s:s,s:s}", "address", json_addr(&b->addr),
				"mac", policy_mac_text(b->mac, mac), "device", b->name,
				"origin", policy_origin_name(b->origin));

	if (b->ports.n)
		json_set_ports(out, &b->ports);
	else
		json_object_set_new(out, "port", json_null());
	if (b->vlan)
		json_object_set_new(out, "vlan", json_integer(b->vlan));
	if (b->ends)
		json_object_set_new(out, "lease_seconds", json_integer(b->lease));
	return out;
}

json_t *json_segment(const struct cnl_segment *s)
{
	json_t *limits = json_object(), *firmware, *one;
	char window[16], limit[32];
	u32 kind;

	for (kind = 0; kind < CORDON_KINDS; kind++) {
		const struct cordon_limit *l = &s->def.limits[kind];

		if (!l->window)
			continue;
		snprintf(limit, sizeof(limit), "%u/%s", l->count,
			 policy_duration_text(l->window, window));
		one = json_pack("{s:s,s:s}", "limit", limit, "then", policy_action_name(l->action));
		if (kind == CORDON_KIND_NEW_DESTINATION)
			json_object_set_new(one, "learn_seconds", json_integer(s->def.learn));
		json_object_set_new(limits, policy_kind_name(kind), one);
	}
	firmware = json_pack("{s:I,s:I}", "grace_seconds", (json_int_t)s->def.grace,
			     "postpone_seconds", (json_int_t)s->def.postpone);
	return json_pack("{s:s,s:I,s:s,s:s,s:b,s:o,s:b,s:I,s:o,s:I,s:o,s:o,s:o}",
			 "name", s->def.name, "id", (json_int_t)s->id,
			 "authentication", policy_authentication_name(s->def.authentication),
			 "encryption", policy_encryption_name(s->def.encryption),
			 "firmware_auto_update", s->def.firmware, "firmware", firmware,
			 "isolate", s->def.isolate,
			 "lease_seconds", (json_int_t)s->def.lease, "anomalies", limits,
			 "devices", (json_int_t)s->devices, "packets", json_count(s->packets),
			 "bytes", json_count(s->bytes), "denied", json_count(s->denied));
}

json_t *json_rule(const struct cordon_draft *d, u32 i, const struct cnl_rule_use *use)
{
	const struct cordon_rule_def *r = &d->rules[i];
	json_t *allow = json_array(), *out;
	char buf[POLICY_MATCH_LEN];
	u32 j;

	for (j = 0; j < r->n; j++)
		json_array_append_new(allow, json_string(
			policy_match_text(&d->matches[r->first + j], buf)));
	out = json_pack("{s:I,s:s,s:s,s:o,s:b,s:b}", "index", (json_int_t)i,
			"from", d->segments[r->from].name, "to", d->segments[r->to].name,
			"allow", allow, "plaintext", r->plaintext, "related", r->related);
	if (use)
		json_object_set_new(out, "used_seconds", use->ever ? json_integer(use->ago) : json_null());
	return out;
}

json_t *json_summary(const struct cnl_summary *s)
{
	json_t *out = json_pack("{s:I,s:s,s:b,s:I,s:I,s:I,s:I,s:I,s:I,s:o}",
				"generation", (json_int_t)s->generation,
				"mode", s->mode == CORDON_MODE_OBSERVE ? "observe" : "enforce",
				"lockdown", s->lockdown, "ports", (json_int_t)s->ports,
				"uplinks", (json_int_t)s->uplinks,
				"segments", (json_int_t)s->segments,
				"networks", (json_int_t)s->networks,
				"rules", (json_int_t)s->rules, "devices", (json_int_t)s->devices,
				"stats", json_stats(&s->stats));

	if (s->awaiting)
		json_object_set_new(out, "confirm_seconds", json_integer(s->confirm));
	return out;
}

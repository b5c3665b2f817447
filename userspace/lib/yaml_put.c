// SPDX-License-Identifier: GPL-2.0
/* A policy to YAML, as yaml.c reads it. Every name comes out as text for whatever reads YAML. */
#include <strings.h>

#include "policy.h"
#include "utf8.h"
#include "yaml.h"

/*
 * What begins with a letter is no number and no date. Of the other words that YAML 1.1, YAML 1.2 or
 * some reader takes for a number, a boolean or null, all are here, in whatever case.
 */
static bool is_plain(const char *name)
{
	static const char * const words[] = {
		"y", "yes", "n", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity",
	};
	size_t i;

	if ((name[0] | 0x20) < 'a' || (name[0] | 0x20) > 'z' || !cordon_name_is_valid(name, CORDON_DEVICE_NAME_LEN))
		return false;
	for (i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcasecmp(words[i], name))
			return false;
	return true;
}

/* A name in double quotes: escaped is what they would not hold, and what some reader refuses. */
static void put_text(FILE *out, const char *text)
{
	u32 code;
	size_t n;

	fputc('"', out);
	for (; *text; text += n) {
		n = utf8_next(text, &code);
		if (code == '"' || code == '\\')
			fprintf(out, "\\%c", (char)code);
		else if (code < 0x20 || (code >= 0x7f && code < 0xa1))
			fprintf(out, "\\x%02x", code);
		else if (code == UTF8_REPLACEMENT)
			fputs(UTF8_REPLACEMENT_TEXT, out);
		else if (code == 0x2028 || code == 0x2029 || (code >= 0xe000 && code < 0x10000))
			fprintf(out, "\\u%04x", code);
		else
			fwrite(text, 1, n, out);
	}
	fputc('"', out);
}

/**
 * policy_print_name - a name as it can stand in YAML, block or flow, in quotes where it needs them
 * @name: the name
 * @out: where to
 */
void policy_print_name(const char *name, FILE *out)
{
	if (is_plain(name))
		fputs(name, out);
	else
		put_text(out, name);
}

static void put_limits(FILE *out, const struct cordon_segment_def *g)
{
	const char *comma = "";
	char window[16], learn[16];
	u32 kind;

	for (kind = 0; kind < CORDON_KINDS; kind++) {
		const struct cordon_limit *l = &g->limits[kind];

		if (!l->window)
			continue;
		fprintf(out, "%s%s: {limit: %u/%s, then: %s", *comma ? comma : "    anomalies: {",
			policy_kind_name(kind), l->count, policy_duration_text(l->window, window),
			policy_action_name(l->action));
		if (kind == CORDON_KIND_NEW_DESTINATION)
			fprintf(out, ", learn: %s", policy_duration_text(g->learn, learn));
		fputc('}', out);
		comma = ", ";
	}
	if (*comma)
		fputs("}\n", out);
}

static void put_networks(FILE *out, const struct cordon_draft *d, u32 segment)
{
	char buf[POLICY_ADDR_LEN];
	const char *comma = "";
	u32 n;

	for (n = 0; n < d->n_networks; n++) {
		if (d->networks[n].segment != segment)
			continue;
		fprintf(out, "%s\"%s\"", *comma ? comma : "    networks: [",
			policy_network_text(&d->networks[n], buf));
		comma = ", ";
	}
	if (*comma)
		fputs("]\n", out);
}

static void put_interfaces(FILE *out, const struct cordon_draft *d, u32 segment)
{
	const char *comma = "";
	u32 n;

	for (n = 0; n < d->n_interfaces; n++) {
		if (d->interfaces[n].segment != segment)
			continue;
		fputs(*comma ? comma : "    interfaces: [", out);
		put_text(out, d->interfaces[n].name);
		comma = ", ";
	}
	if (*comma)
		fputs("]\n", out);
}

static void put_segment(FILE *out, const struct policy *p, u32 i)
{
	const struct cordon_draft *d = &p->draft;
	const struct cordon_segment_def *g = &d->segments[i];
	char lease[16], grace[16], postpone[16];

	fputs("  ", out);
	policy_print_name(g->name, out);
	fprintf(out, ":\n    authentication: %s\n    encryption: %s\n    firmware_auto_update: %s\n"
		"    firmware: {grace: %s, postpone: %s}\n    isolate: %s\n    lease: %s\n",
		policy_authentication_name(g->authentication), policy_encryption_name(g->encryption),
		g->firmware ? "true" : "false", policy_duration_text(g->grace, grace),
		policy_duration_text(g->postpone, postpone), g->isolate ? "true" : "false",
		policy_duration_text(g->lease, lease));
	if (policy_is_roaming(p, i))
		fputs("    roam: true\n", out);
	put_limits(out, g);
	put_networks(out, d, i);
	put_interfaces(out, d, i);
}

static void put_rule(FILE *out, const struct cordon_draft *d, const struct cordon_rule_def *r)
{
	char buf[POLICY_MATCH_LEN];
	u32 i;

	fprintf(out, "  - {from: \"%s\", to: \"%s\", allow: [", d->segments[r->from].name,
		d->segments[r->to].name);
	for (i = 0; i < r->n; i++)
		fprintf(out, "%s\"%s\"", i ? ", " : "", policy_match_text(&d->matches[r->first + i], buf));
	fprintf(out, "]%s%s}\n", r->plaintext ? ", plaintext: true" : "", r->related ? ", related: true" : "");
}

/* The value of one key of a device, and what stands before it; of a key that the device does not have, nothing. */
static void put_device_name(FILE *out, const char *before, const struct cordon_draft *d, const struct cordon_device_def *v)
{
	(void)d;
	fprintf(out, "%s\"%s\"", before, v->name);
}

static void put_mac(FILE *out, const char *before, const struct cordon_draft *d, const struct cordon_device_def *v)
{
	char mac[18];

	(void)d;
	fprintf(out, "%s\"%s\"", before, policy_mac_text(v->mac, mac));
}

static void put_segment_name(FILE *out, const char *before, const struct cordon_draft *d, const struct cordon_device_def *v)
{
	fprintf(out, "%s\"%s\"", before, d->segments[v->segment].name);
}

static void put_addresses(FILE *out, const char *before, const struct cordon_draft *d, const struct cordon_device_def *v)
{
	u32 i, n = cordon_device_fixed(v);
	char addr[POLICY_ADDR_LEN];

	fputs(before, out);
	if (v->learn && !n) {
		fputs(v->learn == CORDON_LEARN_AUTO_STATIC ? "{auto: {static: true}}" : "auto", out);
		return;
	}
	fputc('[', out);
	for (i = 0; i < n; i++)
		fprintf(out, "%s\"%s\"", i ? ", " : "", policy_addr_text(&d->addresses[v->first + i], addr));
	fputc(']', out);
}

/* Whether others are learned, besides those that the policy gives. */
static void put_auto(FILE *out, const char *before, const struct cordon_draft *d, const struct cordon_device_def *v)
{
	(void)d;
	if (v->learn && cordon_device_fixed(v))
		fprintf(out, "%s%s", before, v->learn == CORDON_LEARN_AUTO_STATIC ? "{static: true}" : "true");
}

static void put_port(FILE *out, const char *before, const struct cordon_draft *d, const struct cordon_device_def *v)
{
	if (cordon_device_ports(v) != 1)
		return;
	fputs(before, out);
	put_text(out, d->ports[cordon_device_port(v, 0)].name);
}

static void put_ports(FILE *out, const char *before, const struct cordon_draft *d, const struct cordon_device_def *v)
{
	u32 i, n = cordon_device_ports(v);

	if (n < 2)
		return;
	fputs(before, out);
	for (i = 0; i < n; i++) {
		fputs(i ? ", " : "[", out);
		put_text(out, d->ports[cordon_device_port(v, i)].name);
	}
	fputc(']', out);
}

static void put_vlan(FILE *out, const char *before, const struct cordon_draft *d, const struct cordon_device_def *v)
{
	(void)d;
	if (v->vlan)
		fprintf(out, "%s%u", before, v->vlan);
}

static void put_roam(FILE *out, const char *before, const struct cordon_draft *d, const struct cordon_device_def *v)
{
	(void)d;
	if (v->roam)
		fprintf(out, "%strue", before);
}

static void put_model(FILE *out, const char *before, const struct cordon_draft *d, const struct cordon_device_def *v)
{
	(void)d;
	if (v->model[0])
		fprintf(out, "%s\"%s\"", before, v->model);
}

static void put_authentication(FILE *out, const char *before, const struct cordon_draft *d, const struct cordon_device_def *v)
{
	(void)d;
	if (v->authentication != CORDON_INHERIT)
		fprintf(out, "%s%s", before, policy_authentication_name(v->authentication));
}

static void put_encryption(FILE *out, const char *before, const struct cordon_draft *d, const struct cordon_device_def *v)
{
	(void)d;
	if (v->encryption != CORDON_INHERIT)
		fprintf(out, "%s%s", before, policy_encryption_name(v->encryption));
}

static void put_firmware(FILE *out, const char *before, const struct cordon_draft *d, const struct cordon_device_def *v)
{
	(void)d;
	if (v->firmware != CORDON_INHERIT)
		fprintf(out, "%s%s", before, v->firmware ? "true" : "false");
}

static const struct {
	const char *key;
	const char *before;
	void (*put)(FILE *out, const char *before, const struct cordon_draft *d, const struct cordon_device_def *v);
} device_keys[POLICY_DEVICE_KEYS] = {
	{ "name", "name: ", put_device_name }, { "mac", ", mac: ", put_mac },
	{ "network_segment", ", network_segment: ", put_segment_name },
	{ "addresses", ", addresses: ", put_addresses }, { "auto", ", auto: ", put_auto },
	{ "port", ", port: ", put_port }, { "ports", ", ports: ", put_ports },
	{ "vlan", ", vlan: ", put_vlan }, { "roam", ", roam: ", put_roam }, { "model", ", model: ", put_model },
	{ "authentication", ", authentication: ", put_authentication },
	{ "encryption", ", encryption: ", put_encryption },
	{ "firmware_auto_update", ", firmware_auto_update: ", put_firmware },
};

/** policy_device_key - the name of one of the POLICY_DEVICE_KEYS keys that a device may have */
const char *policy_device_key(u32 key)
{
	return device_keys[key].key;
}

/* The manufacturer's certificate of a device; the kernel's core does not know of it. */
static void put_idevid(FILE *out, const char *before, const struct policy_idevid *v)
{
	if (!v)
		return;
	fprintf(out, "%s{issuer: \"%s\", serial: ", before, v->issuer);
	put_text(out, v->serial);
	fputc('}', out);
}

/**
 * policy_print_value - what a device has under a key, as it can stand in YAML, block or flow
 * @p: the policy
 * @i: the device
 * @key: below POLICY_DEVICE_KEYS
 * @out: where to; nothing, if it has none there
 */
void policy_print_value(const struct policy *p, u32 i, u32 key, FILE *out)
{
	device_keys[key].put(out, "", &p->draft, &p->draft.devices[i]);
}

/* Where it has to be said: its segment's devices do roam. */
static bool stays(const struct policy *p, u32 i)
{
	return policy_is_staying(p, i) && policy_is_roaming(p, p->draft.devices[i].segment);
}

/* @still: it says that it does not roam; @idevid: of this device, or NULL */
static void put_device(FILE *out, const struct policy *p, u32 i, bool still, const struct policy_idevid *idevid)
{
	u32 key;

	fputc('{', out);
	for (key = 0; key < POLICY_DEVICE_KEYS; key++)
		device_keys[key].put(out, device_keys[key].before, &p->draft, &p->draft.devices[i]);
	if (still)
		fputs(", roam: false", out);
	put_idevid(out, ", idevid: ", idevid);
	fputc('}', out);
}

/**
 * policy_print_device - a device as it can stand in YAML, in braces, as the kernel knows it
 * @p: the policy
 * @i: the device
 * @out: where to
 */
void policy_print_device(const struct policy *p, u32 i, FILE *out)
{
	put_device(out, p, i, false, NULL);
}

/* To observe, a policy need not have them: an empty list would close everything once it enforces. */
static void put_uplinks(FILE *out, const struct cordon_draft *d)
{
	u32 i;

	if (!d->n_uplinks && d->mode == CORDON_MODE_OBSERVE)
		return;
	fputs("uplinks: [", out);
	for (i = 0; i < d->n_uplinks; i++) {
		fputs(i ? ", " : "", out);
		put_text(out, d->uplinks[i].name);
	}
	fputs("]\n", out);
}

static void put_servers(FILE *out, const struct cordon_draft *d)
{
	char addr[POLICY_ADDR_LEN];
	u32 i;

	for (i = 0; i < d->n_servers; i++)
		fprintf(out, "%s\"%s\"", i ? ", " : "dhcp_servers: [", policy_addr_text(&d->servers[i], addr));
	if (d->n_servers)
		fputs("]\n", out);
}

/**
 * policy_print - a policy as policy_load() reads it
 * @p: the policy
 * @out: where to
 *
 * What was printed and read is printed the same again.
 */
void policy_print(const struct policy *p, FILE *out)
{
	const struct policy_idevid *v = p->idevids, *end = v + p->n_idevids;
	const struct cordon_draft *d = &p->draft;
	u32 i;

	fprintf(out, "version: 1\nmode: %s\nports: [", policy_mode_name(d->mode));
	for (i = 0; i < d->n_ports; i++) {
		fputs(i ? ", " : "", out);
		put_text(out, d->ports[i].name);
	}
	fputs("]\n", out);
	put_uplinks(out, d);
	put_servers(out, d);
	if (d->unknown) {
		fputs("unknown: ", out);
		put_text(out, d->segments[d->unknown].name);
		fputs("\n", out);
	}
	if (d->n_segments > CORDON_BUILTIN_SEGMENTS)
		fputs("segments:\n", out);
	for (i = CORDON_BUILTIN_SEGMENTS; i < d->n_segments; i++)
		put_segment(out, p, i);
	if (d->n_rules)
		fputs("rules:\n", out);
	for (i = 0; i < d->n_rules; i++)
		put_rule(out, d, &d->rules[i]);
	if (d->n_devices)
		fputs("devices:\n", out);
	for (i = 0; i < d->n_devices; i++) {
		fputs("  - ", out);
		for (; v < end && v->device < i; v++)
			continue;
		put_device(out, p, i, stays(p, i), v < end && v->device == i ? v : NULL);
		fputc('\n', out);
	}
}

// SPDX-License-Identifier: GPL-2.0
/* The devices of a policy from YAML, and which of them give others their addresses. */
#include <stdlib.h>

#include "yaml_get.h"

enum device_field { D_NAME, D_MAC, D_SEGMENT, D_ADDRESSES, D_AUTO, D_PORT, D_PORTS, D_VLAN, D_ROAM, D_MODEL,
		    D_AUTHENTICATION, D_ENCRYPTION, D_FIRMWARE, D_IDEVID, D_FIELDS };

static const struct yaml_field fields[D_FIELDS] = {
	[D_NAME] = { "name", true },
	[D_MAC] = { "mac", true },
	[D_SEGMENT] = { "network_segment", true },
	[D_ADDRESSES] = { "addresses", true },
	[D_AUTO] = { "auto", false },
	[D_PORT] = { "port", false },
	[D_PORTS] = { "ports", false },
	[D_VLAN] = { "vlan", false },
	[D_ROAM] = { "roam", false },
	[D_MODEL] = { "model", false },
	[D_AUTHENTICATION] = { "authentication", false },
	[D_ENCRYPTION] = { "encryption", false },
	[D_FIRMWARE] = { "firmware_auto_update", false },
	[D_IDEVID] = { "idevid", false },
};

static void load_mac(struct loader *l, const struct yaml_node *node, u8 mac[6])
{
	const char *text = yaml_text(l, node, "mac");
	struct seen_key key = { 0, 0, NULL };

	if (!text)
		return;
	if (policy_mac_parse(text, mac)) {
		report_error(l->report, node->at, "mac '%s' must be like 02:00:00:00:01:01", text);
		return;
	}
	memcpy(&key.hi, mac, 6);
	if (!key.hi)
		report_error(l->report, node->at, "mac '%s' is zero", text);
	else if (mac[0] & 1)
		report_error(l->report, node->at, "mac '%s' is a multicast one", text);
	else
		yaml_seen(l, &l->macs, key, node, "mac");
}

static void load_address(struct loader *l, const struct yaml_node *node)
{
	const char *text = yaml_text(l, node, "an address");
	struct cordon_addr a, *out;

	if (!text)
		return;
	if (!strcmp(text, "auto")) {
		report_error(l->report, node->at,
			     "'auto' is no address: besides a list, write auto: true in the device");
		return;
	}
	if (policy_addr_parse(text, &a)) {
		report_error(l->report, node->at, "address '%s' is neither IPv4 nor IPv6", text);
		return;
	}
	if (cordon_addr_is_unspecified(&a) || cordon_addr_is_multicast(&a) ||
	    cordon_addr_is_loopback(&a)) {
		report_error(l->report, node->at, "address '%s' is none that a device can have", text);
		return;
	}
	if (yaml_seen(l, &l->addresses, (struct seen_key){ a.hi, a.lo, NULL }, node, "address"))
		return;
	out = policy_add_address(l->policy);
	if (out)
		*out = a;
	else
		yaml_no_memory(l, node);
}

static const struct yaml_field auto_fields[] = { { "static", false } };

/* true, false, or {static: true}: enum cordon_learn. */
static u8 load_auto(struct loader *l, const struct yaml_node *node)
{
	struct yaml_node *v;

	if (node->kind != YAML_MAPPING)
		return yaml_bool(l, node, "auto") ? CORDON_LEARN_AUTO : CORDON_LEARN_NONE;
	if (!yaml_fields(l, node, "auto", auto_fields, 1, &v) || !v)
		return CORDON_LEARN_AUTO;
	return yaml_bool(l, v, "static") ? CORDON_LEARN_AUTO_STATIC : CORDON_LEARN_AUTO;
}

/* No list but {auto: ...}. */
static u8 load_auto_addresses(struct loader *l, const struct yaml_node *map)
{
	static const struct yaml_field only[] = { { "auto", true } };
	struct yaml_node *v;

	if (!yaml_fields(l, map, "addresses", only, 1, &v))
		return CORDON_LEARN_AUTO;
	return load_auto(l, v);
}

static void load_list(struct loader *l, const struct yaml_node *list)
{
	const struct yaml_node *node;

	for (node = list->child; node; node = node->next) {
		if (l->policy->draft.devices[l->policy->draft.n_devices - 1].n ==
		    CORDON_MAX_DEVICE_ADDRESSES) {
			report_error(l->report, node->at, "more than %u addresses of one device",
				     CORDON_MAX_DEVICE_ADDRESSES);
			return;
		}
		load_address(l, node);
	}
}

/* @node: a list, auto, {auto: ...}, or what is none of these. Return: enum cordon_learn. */
static u8 load_addresses(struct loader *l, const struct yaml_node *node)
{
	if (node->kind == YAML_SCALAR && !strcmp(node->text, "auto"))
		return CORDON_LEARN_AUTO;
	if (node->kind == YAML_MAPPING)
		return load_auto_addresses(l, node);
	if (node->kind == YAML_SCALAR && !yaml_is_null(node))
		report_error(l->report, node->at, "addresses must be a list, or auto");
	else if (yaml_is(l, node, YAML_SEQUENCE, "addresses"))
		load_list(l, node);
	return CORDON_LEARN_NONE;
}

/* What the device has, and what it learns. */
static void load_bindings(struct loader *l, struct yaml_node **v)
{
	struct cordon_device_def *d = &l->policy->draft.devices[l->policy->draft.n_devices - 1];
	const struct yaml_node *node = v[D_ADDRESSES] ? v[D_ADDRESSES] : v[D_AUTO];
	u32 before = l->report->errors;

	if (v[D_ADDRESSES])
		d->learn = load_addresses(l, v[D_ADDRESSES]);
	if (v[D_AUTO] && d->learn)
		report_error(l->report, v[D_AUTO]->at, "auto a second time: 'addresses' says it already");
	else if (v[D_AUTO])
		d->learn = load_auto(l, v[D_AUTO]);
	if (!node || l->report->errors != before)
		return;
	if (!d->n && !d->learn)
		report_error(l->report, node->at, "a device without an address");
	if (d->learn && d->n == CORDON_MAX_DEVICE_ADDRESSES)
		report_warning(l->report, node->at,
			       "%u addresses are as many as a device may have: none can be learned",
			       CORDON_MAX_DEVICE_ADDRESSES);
}

/* A device may only demand more than its segment does. */
static void check_tighter(struct loader *l, const struct yaml_node *node, const char *what,
			  u8 own, u8 demanded, u16 segment)
{
	if (own >= demanded)
		return;
	report_error(l->report, node->at, "%s '%s' is looser than segment '%s' demands", what,
		     node->text, l->policy->draft.segments[segment].name);
}

static void load_demands(struct loader *l, struct yaml_node **v, struct cordon_device_def *d)
{
	const struct cordon_segment_def *s = NULL;
	int value;

	if (d->segment != CORDON_NO_SEGMENT)
		s = &l->policy->draft.segments[d->segment];
	if (v[D_AUTHENTICATION]) {
		value = yaml_enum(l, v[D_AUTHENTICATION], "authentication",
				  policy_authentication_name, CORDON_AUTHENTICATION_CERTIFICATE + 1);
		if (value >= 0)
			d->authentication = value;
		if (value >= 0 && s)
			check_tighter(l, v[D_AUTHENTICATION], "authentication", value,
				      s->authentication, d->segment);
	}
	if (v[D_ENCRYPTION]) {
		value = yaml_enum(l, v[D_ENCRYPTION], "encryption", policy_encryption_name,
				  CORDON_ENCRYPTION_TLS1_3 + 1);
		if (value >= 0)
			d->encryption = value;
		if (value >= 0 && s)
			check_tighter(l, v[D_ENCRYPTION], "encryption", value, s->encryption,
				      d->segment);
	}
	if (v[D_FIRMWARE]) {
		value = yaml_bool(l, v[D_FIRMWARE], "firmware_auto_update");
		if (value >= 0)
			d->firmware = value;
		if (value >= 0 && s)
			check_tighter(l, v[D_FIRMWARE], "firmware_auto_update", value, s->firmware,
				      d->segment);
	}
}

static void load_vlan(struct loader *l, const struct yaml_node *node, const struct yaml_node *port,
		      struct cordon_device_def *d)
{
	const char *text = yaml_text(l, node, "vlan");
	char *end;
	long vlan;

	if (!text)
		return;
	vlan = strtol(text, &end, 10);
	if (text[0] < '1' || text[0] > '9' || *end || vlan > CORDON_MAX_VLAN)
		report_error(l->report, node->at, "vlan must be a number from 1 to %u, not '%s'", CORDON_MAX_VLAN, text);
	else if (!port)
		report_error(l->report, node->at, "vlan is one of a port's: give the device a port, too");
	else
		d->vlan = vlan;
}

/* One of its ports. */
static void add_port(struct loader *l, const struct yaml_node *node, struct cordon_device_def *d)
{
	u16 port = yaml_port(l, node);

	if (port == CORDON_ANY_PORT)
		return;
	if (cordon_device_ports(d) && cordon_device_may_be_at(d, port))
		report_error(l->report, node->at, "port '%s' a second time", node->text);
	else
		cordon_device_add_port(d, port);
}

static void load_ports(struct loader *l, const struct yaml_node *list, struct cordon_device_def *d)
{
	const struct yaml_node *node;

	if (!yaml_is(l, list, YAML_SEQUENCE, "ports"))
		return;
	if (!list->child)
		report_error(l->report, list->at, "no port at all: leave 'ports' out, and the device may be behind any");
	for (node = list->child; node; node = node->next) {
		if (cordon_device_ports(d) == CORDON_MAX_DEVICE_PORTS) {
			report_error(l->report, node->at, "more than %u ports of one device", CORDON_MAX_DEVICE_PORTS);
			return;
		}
		add_port(l, node, d);
	}
}

/* Whether the lease holds wherever the device may be; false: nor does it go to another gateway. */
static void load_roam(struct loader *l, const struct yaml_node *node, struct cordon_device_def *d)
{
	int roam = yaml_bool(l, node, "roam");

	d->roam = max(0, roam);
	if (!roam && !policy_set_staying(l->policy))
		yaml_no_memory(l, node);
}

/* Where the device may be, and whether its lease holds at each of these places. */
static void load_place(struct loader *l, struct yaml_node **v, struct cordon_device_def *d)
{
	const struct yaml_node *list = v[D_PORTS];
	bool one = v[D_PORT] || (list && list->child && !list->child->next);

	if (v[D_PORT])
		d->port = yaml_port(l, v[D_PORT]);
	if (v[D_PORT] && list)
		report_error(l->report, list->at, "both 'port' and 'ports': write all of them in 'ports'");
	else if (list)
		load_ports(l, list, d);
	if (v[D_VLAN])
		load_vlan(l, v[D_VLAN], v[D_PORT] ? v[D_PORT] : list, d);
	if (v[D_ROAM])
		load_roam(l, v[D_ROAM], d);
	if (v[D_ROAM] && d->roam && one)
		report_error(l->report, v[D_ROAM]->at,
			     "a device that roams is not tied to one port: leave out %s, or roam",
			     v[D_PORT] ? "port" : "ports");
}

/* What of a certificate is compared byte by byte, and told. */
static bool is_serial(const char *text)
{
	size_t len = strlen(text), i;

	for (i = 0; i < len; i++)
		if (text[i] < ' ' || text[i] > '~')
			return false;
	return len && len < POLICY_SERIAL_LEN && text[0] != ' ' && text[len - 1] != ' ';
}

static bool load_serial(struct loader *l, const struct yaml_node *node, char out[POLICY_SERIAL_LEN])
{
	const char *text = yaml_text(l, node, "serial");

	if (text && is_serial(text)) {
		strcpy(out, text);
		return true;
	}
	if (text)
		report_error(l->report, node->at, "serial '%s' must be 1 to %u printable characters of ASCII, no space first "
			     "or last", text, POLICY_SERIAL_LEN - 1);
	return false;
}

/* {issuer: acme, serial: "SN-1234"}; what issuers there are, serve.yaml says. */
static void load_idevid(struct loader *l, const struct yaml_node *map)
{
	enum { ISSUER, SERIAL, N };
	static const struct yaml_field both[N] = { { "issuer", true }, { "serial", true } };
	struct yaml_node *v[N] = { NULL };
	struct policy_idevid *out;
	struct seen_key key;
	bool good;

	if (!yaml_fields(l, map, "idevid", both, N, v))
		return;
	out = policy_add_idevid(l->policy);
	if (!out) {
		yaml_no_memory(l, map);
		return;
	}
	good = v[ISSUER] && yaml_name(l, v[ISSUER], "issuer", out->issuer, sizeof(out->issuer));
	if (!v[SERIAL] || !load_serial(l, v[SERIAL], out->serial) || !good)
		return;
	key = seen_name(v[SERIAL]->text);
	key.lo = seen_name(out->issuer).hi;
	yaml_seen(l, &l->idevids, key, v[SERIAL], "of this issuer, serial");
}

static void load_device(struct loader *l, const struct yaml_node *map)
{
	struct cordon_device_def *d = policy_add_device(l->policy);
	struct yaml_field needed[D_FIELDS];
	struct yaml_node *v[D_FIELDS];

	if (!d) {
		yaml_no_memory(l, map);
		return;
	}
	memcpy(needed, fields, sizeof(needed));
	needed[D_ADDRESSES].required = map->kind != YAML_MAPPING || !yaml_has(map, fields, D_FIELDS, D_AUTO);
	yaml_fields(l, map, "a device", needed, D_FIELDS, v);
	d->segment = CORDON_NO_SEGMENT;
	if (v[D_NAME] && yaml_name(l, v[D_NAME], "name", d->name, sizeof(d->name)))
		yaml_seen(l, &l->names, seen_name(v[D_NAME]->text), v[D_NAME], "name");
	if (v[D_MAC])
		load_mac(l, v[D_MAC], d->mac);
	if (v[D_SEGMENT])
		d->segment = yaml_segment(l, v[D_SEGMENT], "network_segment");
	if (v[D_SEGMENT] && d->segment == CORDON_SEGMENT_GATEWAY)
		report_error(l->report, v[D_SEGMENT]->at,
			     "segment gateway is the gateway itself: a device cannot be in it");
	load_place(l, v, d);
	if (v[D_MODEL])
		yaml_name(l, v[D_MODEL], "model", d->model, sizeof(d->model));
	load_demands(l, v, d);
	load_bindings(l, v);
	if (v[D_IDEVID])
		load_idevid(l, v[D_IDEVID]);
}

/**
 * yaml_load_devices - read the list of devices
 * @l: the loader; segments and ports are known
 * @list: the value of "devices"
 */
void yaml_load_devices(struct loader *l, const struct yaml_node *list)
{
	const struct yaml_node *node;

	if (!yaml_is(l, list, YAML_SEQUENCE, "devices"))
		return;
	for (node = list->child; node; node = node->next) {
		if (l->policy->draft.n_devices == CORDON_MAX_DEVICES) {
			report_error(l->report, node->at, "more than %u devices", CORDON_MAX_DEVICES);
			return;
		}
		load_device(l, node);
	}
}

static void load_server(struct loader *l, const struct yaml_node *node)
{
	const char *text = yaml_text(l, node, "a DHCP server");
	struct cordon_addr a, *out;

	if (!text)
		return;
	if (policy_addr_parse(text, &a)) {
		report_error(l->report, node->at, "DHCP server '%s' is neither IPv4 nor IPv6", text);
		return;
	}
	if (yaml_seen(l, &l->servers, (struct seen_key){ a.hi, a.lo, NULL }, node, "DHCP server"))
		return;
	if (!yaml_was_seen(&l->addresses, (struct seen_key){ a.hi, a.lo, NULL })) {
		report_error(l->report, node->at, "DHCP server '%s' is no address of a device of this policy; "
			     "the gateway itself is trusted without being listed", text);
		return;
	}
	out = policy_add_server(l->policy);
	if (out)
		*out = a;
	else
		yaml_no_memory(l, node);
}

/**
 * yaml_load_servers - read which servers of DHCP are trusted besides the gateway
 * @l: the loader; addresses of devices are known
 * @list: the value of "dhcp_servers"
 */
void yaml_load_servers(struct loader *l, const struct yaml_node *list)
{
	const struct yaml_node *node;

	if (!yaml_is(l, list, YAML_SEQUENCE, "dhcp_servers"))
		return;
	for (node = list->child; node; node = node->next) {
		if (l->servers.n == CORDON_MAX_SERVERS) {
			report_error(l->report, node->at, "more than %u DHCP servers", CORDON_MAX_SERVERS);
			return;
		}
		load_server(l, node);
	}
}

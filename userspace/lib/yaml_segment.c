// SPDX-License-Identifier: GPL-2.0
/* The segments and rules of a policy from YAML. */
#include "suggest.h"
#include "yaml_get.h"

/* A device is to blame for anomalies of this kind. */
static bool kind_is_charged(int kind)
{
	return kind != CORDON_KIND_UNKNOWN_DEVICE;
}

static void load_network(struct loader *l, const struct yaml_node *node, u16 segment)
{
	const char *text = yaml_text(l, node, "a network");
	struct cordon_network_def n = { .segment = segment }, *out;
	char clean[POLICY_ADDR_LEN];

	if (!text)
		return;
	if (policy_network_parse(text, &n)) {
		report_error(l->report, node->at,
			     "network '%s' must be an address and a length, like 10.0.50.0/24", text);
		return;
	}
	if (!cordon_prefix_is_clean(&n.addr, n.len)) {
		struct cordon_addr none = { 0, 0 }, rest = cordon_prefix_last(&none, n.len);

		n.addr.hi &= ~rest.hi;
		n.addr.lo &= ~rest.lo;
		report_error(l->report, node->at, "network '%s' has host bits set: did you mean '%s'?",
			     text, policy_network_text(&n, clean));
		return;
	}
	if (l->policy->draft.n_networks == CORDON_MAX_NETWORKS) {
		report_error(l->report, node->at, "network '%s': more than %u networks", text,
			     CORDON_MAX_NETWORKS);
		return;
	}
	if (yaml_seen(l, &l->networks[n.len], (struct seen_key){ n.addr.hi, n.addr.lo, NULL },
		      node, "network"))
		return;
	out = policy_add_network(l->policy);
	if (out)
		*out = n;
	else
		yaml_no_memory(l, node);
}

/* 100/10s */
static bool limit_parse(const char *text, struct cordon_limit *limit)
{
	const char *slash = strchr(text, '/');
	char *end;
	u64 n;

	if (!slash || text[strspn(text, "0123456789")] != '/' || slash - text > 10)
		return false;
	n = strtoull(text, &end, 10);
	if (end != slash || !n || n > UINT32_MAX ||
	    policy_duration_parse(slash + 1, &limit->window) || !limit->window)
		return false;
	limit->count = n;
	return true;
}

/* For how long new_destination learns. */
static void load_learn(struct loader *l, const struct yaml_node *node, int kind, u32 *learn)
{
	const char *text = yaml_text(l, node, "learn");

	if (text && kind != CORDON_KIND_NEW_DESTINATION)
		report_error(l->report, node->at, "'learn' is for new_destination, not for %s", policy_kind_name(kind));
	else if (text && (policy_duration_parse(text, learn) || *learn < CORDON_MIN_LEARN || *learn > CORDON_MAX_LEARN))
		report_error(l->report, node->at, "learn '%s' must be a time like 30m, 24h or 7d, from 1m to 90d", text);
}

static void load_limit(struct loader *l, const struct yaml_node *key, struct cordon_segment_def *s)
{
	static const struct yaml_field fields[] = { { "limit", true }, { "then", true }, { "learn", false } };
	struct yaml_node *value[3];
	struct cordon_limit limit = { 0 }, *limits = s->limits;
	const char *text;
	int kind, action;

	if (!yaml_text(l, key, "a kind of anomaly"))
		return;
	kind = yaml_kind(l, key);
	if (!yaml_fields(l, key->next, "the limit of an anomaly", fields, 3, value) || kind < 0)
		return;
	if (limits[kind].count) {
		report_error(l->report, key->at, "anomaly '%s' a second time", key->text);
		return;
	}
	text = yaml_text(l, value[0], "limit");
	if (text && !limit_parse(text, &limit))
		report_error(l->report, value[0]->at,
			     "limit '%s' must be a number and a time, like 100/10s", text);
	if (text && kind == CORDON_KIND_SCAN && limit.count > CORDON_MAX_TARGETS)
		report_error(l->report, value[0]->at, "limit '%s': at most %u targets are told apart", text,
			     CORDON_MAX_TARGETS);
	action = yaml_enum(l, value[1], "then", policy_action_name, CORDON_ACTION_QUARANTINE + 1);
	limit.action = max(action, 0);
	if (value[2])
		load_learn(l, value[2], kind, &s->learn);
	limits[kind] = limit;
	if (kind == CORDON_KIND_MOVED_PORT && action == CORDON_ACTION_QUARANTINE && !l->warned_kinds[kind]) {
		l->warned_kinds[kind] = true;
		report_warning(l->report, value[1]->at, "anomaly 'moved_port': 'quarantine' sends an event only, "
			       "as whoever is at another port may bear the device's MAC");
	}
	if (!kind_is_charged(kind) && !l->warned_kinds[kind]) {
		l->warned_kinds[kind] = true;
		report_warning(l->report, key->at, "anomaly '%s': no device is to blame for it", key->text);
	}
}

static void load_limits(struct loader *l, const struct yaml_node *map, struct cordon_segment_def *s)
{
	const struct yaml_node *key;

	if (!yaml_is(l, map, YAML_MAPPING, "anomalies"))
		return;
	for (key = map->child; key; key = key->next->next)
		load_limit(l, key, s);
}

static void load_lease(struct loader *l, const struct yaml_node *node, u32 *lease)
{
	const char *text = yaml_text(l, node, "lease");

	if (text && (policy_duration_parse(text, lease) || !*lease || *lease > CORDON_MAX_LEASE))
		report_error(l->report, node->at,
			     "lease '%s' must be a time like 30s, 15m, 1h or 7d, at most 365d", text);
}

static void load_wait(struct loader *l, const struct yaml_node *node, const char *what, u32 *seconds)
{
	const char *text = yaml_text(l, node, what);

	if (text && (policy_duration_parse(text, seconds) || *seconds > CORDON_MAX_GRACE))
		report_error(l->report, node->at, "%s '%s' must be a time like 0s, 12h or 7d, at most 365d", what,
			     text);
}

static void load_firmware(struct loader *l, const struct yaml_node *map, struct cordon_segment_def *s)
{
	static const struct yaml_field fields[] = { { "grace", false }, { "postpone", false } };
	struct yaml_node *v[2];

	if (!yaml_fields(l, map, "firmware", fields, 2, v))
		return;
	if (v[0])
		load_wait(l, v[0], "grace", &s->grace);
	if (v[1])
		load_wait(l, v[1], "postpone", &s->postpone);
}

enum segment_field { S_AUTHENTICATION, S_ENCRYPTION, S_AUTO_UPDATE, S_FIRMWARE, S_ISOLATE, S_LEASE, S_ROAM,
		     S_ANOMALIES, S_NETWORKS, S_INTERFACES, S_FIELDS };

/* The networks, then where they are. */
static void load_networks(struct loader *l, struct yaml_node **v, u16 at)
{
	const struct yaml_node *node;
	u32 before = l->report->errors;

	if (v[S_NETWORKS] && yaml_is(l, v[S_NETWORKS], YAML_SEQUENCE, "networks"))
		for (node = v[S_NETWORKS]->child; node; node = node->next)
			load_network(l, node, at);
	if (!v[S_INTERFACES])
		return;
	if (l->report->errors == before && v[S_INTERFACES]->child &&
	    (!v[S_NETWORKS] || !v[S_NETWORKS]->child))
		report_error(l->report, v[S_INTERFACES]->at,
			     "interfaces of a segment without networks: they say where its networks are");
	yaml_load_interfaces(l, v[S_INTERFACES]);
}

static void load_segment_body(struct loader *l, const struct yaml_node *map, u16 at)
{
	static const struct yaml_field fields[S_FIELDS] = {
		[S_AUTHENTICATION] = { "authentication", false },
		[S_ENCRYPTION] = { "encryption", false },
		[S_AUTO_UPDATE] = { "firmware_auto_update", false },
		[S_FIRMWARE] = { "firmware", false },
		[S_ISOLATE] = { "isolate", false },
		[S_LEASE] = { "lease", false },
		[S_ROAM] = { "roam", false },
		[S_ANOMALIES] = { "anomalies", false },
		[S_NETWORKS] = { "networks", false },
		[S_INTERFACES] = { "interfaces", false },
	};
	struct cordon_segment_def *s = &l->policy->draft.segments[at];
	struct yaml_node *v[S_FIELDS];

	if (!yaml_fields(l, map, "a segment", fields, S_FIELDS, v))
		return;
	if (v[S_AUTHENTICATION])
		s->authentication = max(0, yaml_enum(l, v[S_AUTHENTICATION], "authentication",
						     policy_authentication_name,
						     CORDON_AUTHENTICATION_CERTIFICATE + 1));
	if (v[S_ENCRYPTION])
		s->encryption = max(0, yaml_enum(l, v[S_ENCRYPTION], "encryption",
						 policy_encryption_name,
						 CORDON_ENCRYPTION_TLS1_3 + 1));
	if (v[S_AUTO_UPDATE])
		s->firmware = max(0, yaml_bool(l, v[S_AUTO_UPDATE], "firmware_auto_update"));
	if (v[S_FIRMWARE])
		load_firmware(l, v[S_FIRMWARE], s);
	if (v[S_ISOLATE])
		s->isolate = yaml_bool(l, v[S_ISOLATE], "isolate") != 0;
	if (v[S_LEASE])
		load_lease(l, v[S_LEASE], &s->lease);
	if (v[S_ROAM] && yaml_bool(l, v[S_ROAM], "roam") > 0 && !policy_set_roaming(l->policy))
		yaml_no_memory(l, v[S_ROAM]);
	if (v[S_ANOMALIES])
		load_limits(l, v[S_ANOMALIES], s);
	load_networks(l, v, at);
}

static void load_segment(struct loader *l, const struct yaml_node *key)
{
	struct cordon_segment_def *s;
	char name[CORDON_NAME_LEN];

	if (!yaml_name(l, key, "segment", name, sizeof(name)))
		return;
	if (cordon_segment_builtin(name) != CORDON_NO_SEGMENT) {
		report_error(l->report, key->at, "segment '%s' is built in: choose another name", name);
		return;
	}
	if (yaml_seen(l, &l->segments, seen_name(key->text), key, "segment"))
		return;
	s = policy_add_segment(l->policy);
	if (!s) {
		yaml_no_memory(l, key);
		return;
	}
	strcpy(s->name, name);
	load_segment_body(l, key->next, l->policy->draft.n_segments - 1);
}

/**
 * yaml_load_segments - read the segments
 * @l: the loader; ports are known
 * @map: the value of "segments"
 */
void yaml_load_segments(struct loader *l, const struct yaml_node *map)
{
	const struct yaml_node *key;

	if (!yaml_is(l, map, YAML_MAPPING, "segments"))
		return;
	for (key = map->child; key; key = key->next->next) {
		if (l->policy->draft.n_segments == CORDON_MAX_SEGMENTS) {
			report_error(l->report, key->at, "more than %u segments, the built-in ones included",
				     CORDON_MAX_SEGMENTS);
			return;
		}
		load_segment(l, key);
	}
}

/* Why that is nothing that a rule can allow. */
static void bad_match(struct loader *l, const struct yaml_node *node, int err)
{
	char name[2 * POLICY_PROTO_LEN];
	const char *meant;

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(node->text, "/"), node->text);
	switch (err) {
	case -EPROTONOSUPPORT:
		meant = suggest(name, policy_proto_each, NULL, policy_proto_count());
		if (!meant)
			break;
		report_error(l->report, node->at, "'%s': unknown protocol '%s': did you mean '%s'?", node->text,
			     name, meant);
		return;
	case -ENOPROTOOPT:
		report_error(l->report, node->at, "'%s': %s has no ports: write '%s'", node->text, name, name);
		return;
	case -ENODATA:
		report_error(l->report, node->at, "'%s': %s comes with %s: '%s/*' for all", node->text, name,
			     strncmp(name, "icmp", 4) ? "ports" : "types", name);
		return;
	}
	report_error(l->report, node->at, "'%s' must be like tcp/443, udp/8000-8100, tcp/*, icmp/echo-request, "
		     "icmp6/128, gre, 47 or any", node->text);
}

static void load_matches(struct loader *l, const struct yaml_node *list)
{
	const struct cordon_draft *d = &l->policy->draft;
	const struct yaml_node *node;
	struct cordon_match m, *out;
	const char *text;
	int err;

	if (!yaml_is(l, list, YAML_SEQUENCE, "allow"))
		return;
	if (!list->child)
		report_error(l->report, list->at, "a rule that allows nothing");
	for (node = list->child; node; node = node->next) {
		text = yaml_text(l, node, "what a rule allows");
		if (!text)
			continue;
		err = policy_match_parse(text, &m);
		if (err) {
			bad_match(l, node, err);
			continue;
		}
		if (!strcmp(text, "ipip"))
			report_warning(l->report, node->at,
				       "ipip is protocol 94: Linux's ipip tunnels are ipencap, which is 4");
		if (d->rules[d->n_rules - 1].n == CORDON_MAX_RULE_MATCHES) {
			report_error(l->report, node->at, "more than %u in one rule: make it two",
				     CORDON_MAX_RULE_MATCHES);
			return;
		}
		if (d->n_matches == CORDON_MAX_MATCHES) {
			report_error(l->report, node->at, "the rules allow more than %u things",
				     CORDON_MAX_MATCHES);
			return;
		}
		out = policy_add_match(l->policy);
		if (out)
			*out = m;
		else
			yaml_no_memory(l, node);
	}
}

enum rule_field { R_FROM, R_TO, R_ALLOW, R_PLAINTEXT, R_RELATED, R_FIELDS };

static void load_rule(struct loader *l, const struct yaml_node *map)
{
	static const struct yaml_field fields[R_FIELDS] = {
		[R_FROM] = { "from", true },
		[R_TO] = { "to", true },
		[R_ALLOW] = { "allow", true },
		[R_PLAINTEXT] = { "plaintext", false },
		[R_RELATED] = { "related", false },
	};
	struct yaml_node *v[R_FIELDS];
	struct cordon_rule_def *r;

	yaml_fields(l, map, "a rule", fields, R_FIELDS, v);
	r = policy_add_rule(l->policy);
	if (!r) {
		yaml_no_memory(l, map);
		return;
	}
	if (v[R_FROM])
		r->from = yaml_segment(l, v[R_FROM], "from");
	if (v[R_FROM] && r->from == CORDON_SEGMENT_GATEWAY)
		report_error(l->report, v[R_FROM]->at,
			     "a rule from gateway: what the gateway opens passes without a rule");
	if (v[R_TO])
		r->to = yaml_segment(l, v[R_TO], "to");
	if (v[R_PLAINTEXT])
		r->plaintext = yaml_bool(l, v[R_PLAINTEXT], "plaintext") == 1;
	if (v[R_RELATED])
		r->related = yaml_bool(l, v[R_RELATED], "related") == 1;
	if (v[R_ALLOW])
		load_matches(l, v[R_ALLOW]);
}

/**
 * yaml_load_rules - read the rules
 * @l: the loader; segments are known
 * @list: the value of "rules"
 */
void yaml_load_rules(struct loader *l, const struct yaml_node *list)
{
	const struct yaml_node *node;

	if (!yaml_is(l, list, YAML_SEQUENCE, "rules"))
		return;
	for (node = list->child; node; node = node->next) {
		if (l->policy->draft.n_rules == CORDON_MAX_RULES) {
			report_error(l->report, node->at, "more than %u rules", CORDON_MAX_RULES);
			return;
		}
		load_rule(l, node);
	}
}

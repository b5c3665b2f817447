// SPDX-License-Identifier: GPL-2.0
/* serve.yaml: defaults, what it says, and what is wrong with it. */
#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "history/history.h"
#include "lib/yaml_get.h"
#include "serve/common/serve.h"

#define DEVICE_VALID	(90 * 86400U)
#define VALID_MAX	(3650 * 86400U)
#define RENEW_PART	30	/* of a certificate's life is the interval in which renewals are counted */
#define POLL_MIN	10U
#define POLL_MAX	86400U

static bool put_address(struct serve_listen *l, const char *host, uint16_t port)
{
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&l->at[l->n];
	struct sockaddr_in *v4 = (struct sockaddr_in *)&l->at[l->n];

	if (l->n == SERVE_LISTEN_MAX)
		return false;
	memset(&l->at[l->n], 0, sizeof(l->at[l->n]));
	if (inet_pton(AF_INET6, host, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
	} else if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
	} else {
		return false;
	}
	l->n++;
	return true;
}

/* [::]:8443, 10.0.20.1:8443, or the address alone. */
static bool parse_listen(const char *text, uint16_t port, struct serve_listen *l)
{
	const char *end = text[0] == '[' ? strchr(text, ']') : NULL, *colon;
	char host[INET6_ADDRSTRLEN], *rest;
	unsigned long n;

	if (text[0] == '[' && !end)
		return false;
	colon = end ? (end[1] ? end + 1 : NULL) : strchr(text, ':');
	if (!end && colon && strchr(colon + 1, ':'))
		colon = NULL;	/* IPv6 without brackets and port */
	if (colon) {
		if (*colon != ':' || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1))
			return false;
		n = strtoul(colon + 1, &rest, 10);
		if (!n || n > 65535)
			return false;
		port = n;
	}
	if (end)
		text++;
	else
		end = colon ? colon : strchr(text, 0);
	if ((size_t)(end - text) >= sizeof(host))
		return false;
	memcpy(host, text, end - text);
	host[end - text] = 0;
	return put_address(l, host, port);
}

static void load_listen_one(struct loader *l, const struct yaml_node *node, uint16_t port,
			    struct serve_listen *out)
{
	const char *text = yaml_text(l, node, "listen");

	if (text && out->n == SERVE_LISTEN_MAX)
		report_error(l->report, node->at, "more than %d addresses", SERVE_LISTEN_MAX);
	else if (text && !parse_listen(text, port, out))
		report_error(l->report, node->at, "'%s' is not an address and port like \"[::]:%u\"",
			     text, port);
}

static void load_listen(struct loader *l, const struct yaml_node *node, uint16_t port,
			struct serve_listen *out)
{
	const struct yaml_node *child;

	out->n = 0;
	if (node->kind != YAML_SEQUENCE && !yaml_is_null(node)) {
		load_listen_one(l, node, port, out);
		return;
	}
	if (!node->n)
		report_error(l->report, node->at, "listen names no address");
	for (child = node->child; child; child = child->next)
		load_listen_one(l, child, port, out);
}

static void load_string(struct loader *l, const struct yaml_node *node, const char *what,
			char out[SERVE_NAME_LEN])
{
	const char *text = yaml_text(l, node, what);

	if (text && (!*text || strlen(text) >= SERVE_NAME_LEN))
		report_error(l->report, node->at, "%s is %s", what, *text ? "too long" : "empty");
	else if (text)
		strcpy(out, text);
}

static void load_path(struct loader *l, const struct yaml_node *node, const char *what,
		      char out[SERVE_NAME_LEN])
{
	load_string(l, node, what, out);
	if (node->kind == YAML_SCALAR && node->text[0] && node->text[0] != '/')
		report_error(l->report, node->at, "%s '%s' does not begin with /", what, node->text);
}

static bool load_bool(struct loader *l, const struct yaml_node *node, const char *what)
{
	return yaml_bool(l, node, what) == 1;
}

static void load_est(struct loader *l, const struct yaml_node *node, struct serve_config *c)
{
	enum { LISTEN, REMOTE, APPROVAL, VALID, RENEW, AFTER, REKEY, N };
	static const struct yaml_field fields[] = {
		{ "listen", false }, { "allow_remote", false }, { "approval", false },
		{ "valid", false }, { "renew_interval", false }, { "renew_after_expiry", false },
		{ "rekey", false },
	};
	struct yaml_node *at[N] = { NULL };
	const char *text;

	if (!yaml_fields(l, node, "est", fields, N, at))
		return;
	if (at[LISTEN])
		load_listen(l, at[LISTEN], SERVE_EST_PORT, &c->est);
	if (at[REMOTE])
		c->allow_remote = load_bool(l, at[REMOTE], "allow_remote");
	if (at[APPROVAL])
		c->approval = load_bool(l, at[APPROVAL], "approval");
	text = at[VALID] ? yaml_text(l, at[VALID], "valid") : NULL;
	if (text && (policy_duration_parse(text, &c->valid) || c->valid < 60 || c->valid > VALID_MAX))
		report_error(l->report, at[VALID]->at, "'%s' is not a duration from 1m to 3650d", text);
	c->renew_interval = c->valid / RENEW_PART;
	text = at[RENEW] ? yaml_text(l, at[RENEW], "renew_interval") : NULL;
	if (text && (policy_duration_parse(text, &c->renew_interval) || c->renew_interval > VALID_MAX))
		report_error(l->report, at[RENEW]->at, "'%s' is not a duration from 0s to 3650d", text);
	text = at[AFTER] ? yaml_text(l, at[AFTER], "renew_after_expiry") : NULL;
	if (text && (policy_duration_parse(text, &c->renew_after_expiry) || c->renew_after_expiry > SERVE_REMEMBERED))
		report_error(l->report, at[AFTER]->at, "'%s' is not a duration from 0s to 365d", text);
	text = at[REKEY] ? yaml_text(l, at[REKEY], "rekey") : NULL;
	if (text && strcmp(text, "any") && strcmp(text, "signed"))
		report_error(l->report, at[REKEY]->at, "rekey is '%s', not any or signed", text);
	else if (text)
		c->rekey_signed = !strcmp(text, "signed");
}

static void load_checkin(struct loader *l, const struct yaml_node *node, struct serve_config *c)
{
	static const struct yaml_field fields[] = { { "listen", false } };
	struct yaml_node *at = NULL;

	if (yaml_fields(l, node, "checkin", fields, 1, &at) && at)
		load_listen(l, at, SERVE_CHECKIN_PORT, &c->checkin);
}

static void load_names(struct loader *l, const struct yaml_node *list, struct serve_config *c)
{
	const struct yaml_node *node;

	if (!yaml_is(l, list, YAML_SEQUENCE, "server_names"))
		return;
	if (!list->n || list->n > SERVE_NAMES_MAX) {
		report_error(l->report, list->at, "server_names holds %u names, not 1 to %d", list->n,
			     SERVE_NAMES_MAX);
		return;
	}
	c->n_names = 0;
	for (node = list->child; node; node = node->next) {
		load_string(l, node, "a server's name", c->names[c->n_names]);
		if (c->names[c->n_names][0] && !pki_is_server(c->names[c->n_names]))
			report_error(l->report, node->at, "'%s' is neither a DNS name nor an address",
				     c->names[c->n_names]);
		c->n_names++;
	}
}

static void load_manufacturer(struct loader *l, const struct yaml_node *map, struct serve_config *c)
{
	enum { NAME, ROOTS, N };
	static const struct yaml_field fields[] = { { "name", true }, { "roots", true } };
	struct serve_manufacturer *m = &c->manufacturers[c->n_manufacturers];
	struct yaml_node *at[N] = { NULL };
	size_t i;

	if (!yaml_fields(l, map, "a manufacturer", fields, N, at))
		return;
	if (at[ROOTS])
		load_path(l, at[ROOTS], "roots", m->roots);
	if (!at[NAME] || !yaml_name(l, at[NAME], "name", m->name, sizeof(m->name)))
		return;
	for (i = 0; i < c->n_manufacturers; i++)
		if (!strcmp(c->manufacturers[i].name, m->name))
			report_error(l->report, at[NAME]->at, "manufacturer '%s' a second time", m->name);
	c->n_manufacturers++;
}

static void load_manufacturers(struct loader *l, const struct yaml_node *list, struct serve_config *c)
{
	const struct yaml_node *node;

	if (!yaml_is(l, list, YAML_SEQUENCE, "manufacturers"))
		return;
	for (node = list->child; node; node = node->next) {
		if (c->n_manufacturers == SERVE_MANUFACTURERS) {
			report_error(l->report, node->at, "more than %d manufacturers", SERVE_MANUFACTURERS);
			return;
		}
		load_manufacturer(l, node, c);
	}
}

static void load_firmware(struct loader *l, const struct yaml_node *node, struct serve_config *c)
{
	enum { POLL, TENANT, DIRECTORY, N };
	static const struct yaml_field fields[] = {
		{ "poll", false }, { "tenant", false }, { "directory", false },
	};
	struct yaml_node *at[N] = { NULL };
	const char *text;

	if (!yaml_fields(l, node, "firmware", fields, N, at))
		return;
	text = at[POLL] ? yaml_text(l, at[POLL], "poll") : NULL;
	if (text && (policy_duration_parse(text, &c->poll) || c->poll < POLL_MIN || c->poll > POLL_MAX))
		report_error(l->report, at[POLL]->at, "'%s' is not a duration from 10s to 1d", text);
	if (at[TENANT])
		yaml_name(l, at[TENANT], "tenant", c->tenant, sizeof(c->tenant));
	if (at[DIRECTORY])
		load_path(l, at[DIRECTORY], "directory", c->firmware);
}

static void load_status(struct loader *l, const struct yaml_node *node, struct serve_config *c)
{
	enum { LISTEN, URL, N };
	static const struct yaml_field fields[] = { { "listen", false }, { "url", false } };
	struct yaml_node *at[N] = { NULL };
	const char *text, *why;

	if (!yaml_fields(l, node, "status", fields, N, at))
		return;
	if (at[LISTEN])
		load_listen(l, at[LISTEN], SERVE_STATUS_PORT, &c->status);
	text = at[URL] ? yaml_text(l, at[URL], "url") : NULL;
	why = text ? pki_status_url_check(text) : NULL;
	if (why)
		report_error(l->report, at[URL]->at, "'%s' %s", text, why);
	else if (text)
		strcpy(c->status_url, text);
	if (at[URL] && !at[LISTEN])
		report_error(l->report, at[URL]->at, "url without listen: certificates would name what nobody answers");
}

static bool is_loopback(const struct sockaddr_storage *at)
{
	const struct sockaddr_in6 *v6 = (const void *)at;
	const struct sockaddr_in *v4 = (const void *)at;

	return at->ss_family == AF_INET6 ? IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) : ntohl(v4->sin_addr.s_addr) >> 24 == 127;
}

/* Nobody is asked who he is there. */
static void load_metrics(struct loader *l, const struct yaml_node *node, struct serve_config *c)
{
	unsigned int faults = l->report->errors;
	size_t i;

	load_listen(l, node, SERVE_METRICS_PORT, &c->metrics);
	for (i = 0; i < c->metrics.n && l->report->errors == faults; i++)
		if (!is_loopback(&c->metrics.at[i]))
			report_error(l->report, node->at, "metrics may be had at an address of the loopback only, as 127.0.0.1:%u",
				     SERVE_METRICS_PORT);
}

/* etcd takes two kinds; without TLS it is for tests on one machine. */
static bool is_endpoint(const char *url)
{
	return !strncmp(url, "https://", 8) ? url[8] : !strncmp(url, "http://127.", 11) || !strncmp(url, "http://[::1]:", 13);
}

static void load_endpoints(struct loader *l, const struct yaml_node *list, struct serve_fleet *f)
{
	const struct yaml_node *node;

	if (!yaml_is(l, list, YAML_SEQUENCE, "etcd"))
		return;
	if (!list->n || list->n > SERVE_FLEET_ENDPOINTS) {
		report_error(l->report, list->at, "etcd holds %u members, not 1 to %d", list->n, SERVE_FLEET_ENDPOINTS);
		return;
	}
	for (node = list->child; node; node = node->next) {
		load_string(l, node, "a member of etcd", f->endpoints[f->n]);
		if (f->endpoints[f->n][0] && !is_endpoint(f->endpoints[f->n]))
			report_error(l->report, node->at, "'%s' is not a URL like https://10.0.0.1:2379", f->endpoints[f->n]);
		f->n++;
	}
}

/* This machine's own name, up to its first dot. */
static void default_gateway(struct serve_fleet *f)
{
	char host[SERVE_NAME_LEN] = "";

	if (gethostname(host, sizeof(host) - 1))
		return;
	host[strcspn(host, ".")] = 0;
	if (cordon_name_is_valid(host, sizeof(f->gateway)))
		strcpy(f->gateway, host);
}

/* registry: FILE, or what it is together with others. */
static void load_registry(struct loader *l, const struct yaml_node *node, struct serve_config *c)
{
	enum { FILE_, ETCD, CA, CERT, KEY, PREFIX, GATEWAY, RUN, DIRECTORY, OFFLINE, N };
	static const struct yaml_field fields[] = {
		{ "file", false }, { "etcd", true }, { "ca", false }, { "cert", false }, { "key", false }, { "prefix", false },
		{ "gateway", false }, { "run", false }, { "directory", false }, { "offline", false },
	};
	struct serve_fleet *f = &c->fleet;
	struct yaml_node *at[N] = { NULL };
	const char *text;
	unsigned int i;
	bool secure;

	if (node->kind != YAML_MAPPING) {
		load_path(l, node, "registry", c->registry);
		return;
	}
	if (!yaml_fields(l, node, "registry", fields, N, at))
		return;
	if (at[FILE_])
		load_path(l, at[FILE_], "file", c->registry);
	load_endpoints(l, at[ETCD], f);
	if (at[CA])
		load_path(l, at[CA], "ca", f->ca);
	if (at[CERT])
		load_path(l, at[CERT], "cert", f->cert);
	if (at[KEY])
		load_path(l, at[KEY], "key", f->key);
	if (at[PREFIX])
		load_string(l, at[PREFIX], "prefix", f->prefix);
	if (at[GATEWAY])
		yaml_name(l, at[GATEWAY], "gateway", f->gateway, sizeof(f->gateway));
	else
		default_gateway(f);
	if (at[RUN])
		load_path(l, at[RUN], "run", f->run);
	if (at[DIRECTORY])
		load_path(l, at[DIRECTORY], "directory", f->directory);
	text = at[OFFLINE] ? yaml_text(l, at[OFFLINE], "offline") : NULL;
	if (text && (policy_duration_parse(text, &f->offline) || f->offline > VALID_MAX))
		report_error(l->report, at[OFFLINE]->at, "'%s' is not a duration from 0s to 3650d", text);
	for (secure = false, i = 0; i < f->n; i++)
		secure |= !strncmp(f->endpoints[i], "https://", 8);
	if (secure && (!at[CA] || !at[CERT] || !at[KEY]))
		report_error(l->report, node->at, "registry: ca, cert and key are needed for https");
	if (!f->gateway[0] && !at[GATEWAY])
		report_error(l->report, node->at, "registry: gateway is needed, as this machine's own name is none");
}

static void load_top(struct loader *l, const struct yaml_node *root, struct serve_config *c)
{
	enum { EST, CHECKIN, CA, REGISTRY, NAMES, PASSPHRASE, CERTIFICATE, KEY, RUN, FIRMWARE, ADOPT, POLICY, MANUFACTURERS,
	       TOKENS, STATUS, PAGE, METRICS, HISTORY, LIVE, N };
	static const struct yaml_field fields[] = {
		{ "est", false }, { "checkin", false }, { "ca", false }, { "registry", false },
		{ "server_names", false }, { "passphrase_file", false },
		{ "certificate", false }, { "key", false }, { "run", false },
		{ "firmware", false }, { "adopt", false },
		{ "policy", false }, { "manufacturers", false },
		{ "token_directory", false }, { "status", false }, { "page", false }, { "metrics", false },
		{ "history", false }, { "history_live", false },
	};
	struct yaml_node *at[N] = { NULL };

	if (!yaml_fields(l, root, "serve.yaml", fields, N, at))
		return;
	if (at[EST])
		load_est(l, at[EST], c);
	if (at[CHECKIN])
		load_checkin(l, at[CHECKIN], c);
	if (at[CA])
		load_path(l, at[CA], "ca", c->ca);
	if (at[REGISTRY])
		load_registry(l, at[REGISTRY], c);
	if (at[NAMES])
		load_names(l, at[NAMES], c);
	if (at[PASSPHRASE])
		load_path(l, at[PASSPHRASE], "passphrase_file", c->passphrase_file);
	if (at[CERTIFICATE])
		load_path(l, at[CERTIFICATE], "certificate", c->certificate);
	if (at[KEY])
		load_path(l, at[KEY], "key", c->key);
	if (at[RUN])
		load_path(l, at[RUN], "run", c->run);
	if (at[FIRMWARE])
		load_firmware(l, at[FIRMWARE], c);
	if (at[ADOPT])
		c->adopt = load_bool(l, at[ADOPT], "adopt") ? SERVE_ADOPT_ON : SERVE_ADOPT_OFF;
	if (at[TOKENS])
		load_path(l, at[TOKENS], "token_directory", c->token_directory);
	if (at[STATUS])
		load_status(l, at[STATUS], c);
	if (at[PAGE])
		load_listen(l, at[PAGE], SERVE_PAGE_PORT, &c->page);
	if (at[METRICS])
		load_metrics(l, at[METRICS], c);
	if (at[HISTORY])
		load_path(l, at[HISTORY], "history", c->history);
	if (at[LIVE])
		load_path(l, at[LIVE], "history_live", c->history_live);
	if (at[POLICY])
		load_path(l, at[POLICY], "policy", c->policy);
	if (at[MANUFACTURERS])
		load_manufacturers(l, at[MANUFACTURERS], c);
	if (!at[CERTIFICATE] != !at[KEY])
		report_error(l->report, at[KEY] ? at[KEY]->at : at[CERTIFICATE]->at,
			     "certificate and key come together");
}

static void add_name(struct serve_config *c, const char *name)
{
	size_t i;

	for (i = 0; i < c->n_names; i++)
		if (!strcmp(c->names[i], name))
			return;
	/* A machine's own name may be anything: "(none)", for one. */
	if (c->n_names < SERVE_NAMES_MAX && strlen(name) < SERVE_NAME_LEN && pki_is_server(name))
		strcpy(c->names[c->n_names++], name);
}

/* By every name that this machine has: its own, and the addresses of its interfaces. */
static void default_names(struct serve_config *c)
{
	char text[INET6_ADDRSTRLEN], host[SERVE_NAME_LEN] = "";
	struct ifaddrs *list = NULL, *i;
	const void *addr;

	if (!gethostname(host, sizeof(host) - 1))
		add_name(c, host);
	add_name(c, "localhost");
	if (getifaddrs(&list))
		return;
	for (i = list; i; i = i->ifa_next) {
		if (!i->ifa_addr || (i->ifa_addr->sa_family != AF_INET &&
				     i->ifa_addr->sa_family != AF_INET6))
			continue;
		addr = i->ifa_addr->sa_family == AF_INET ?
		       (void *)&((struct sockaddr_in *)i->ifa_addr)->sin_addr :
		       (void *)&((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr;
		if (inet_ntop(i->ifa_addr->sa_family, addr, text, sizeof(text)))
			add_name(c, text);
	}
	freeifaddrs(list);
}

/**
 * serve_config_load - read serve.yaml
 * @path: the file; NULL, the default one, which may be missing
 * @out: what holds, defaults included
 * @errors: where every fault is written: file:line:col: text, the line and a caret
 *
 * Return: 0, or the number of faults; @out is of no use then.
 */
int serve_config_load(const char *path, struct serve_config *out, FILE *errors)
{
	struct report report = { .path = path ? path : SERVE_CONFIG, .out = errors };
	struct loader l = { .report = &report };
	struct yaml_tree tree;

	memset(out, 0, sizeof(*out));
	strcpy(out->ca, SERVE_CA);
	strcpy(out->registry, "/var/lib/cordon/registry.db");
	strcpy(out->run, SERVE_RUN);
	strcpy(out->fleet.prefix, "cordon/");
	strcpy(out->fleet.run, SERVE_FLEET_RUN);
	strcpy(out->fleet.directory, SERVE_FLEET_DIR);
	out->fleet.offline = SERVE_FLEET_OFFLINE;
	strcpy(out->firmware, FIRMWARE_DIR);
	strcpy(out->tenant, SERVE_TENANT);
	strcpy(out->policy, SERVE_POLICY);
	strcpy(out->history, HISTORY_DIR);
	strcpy(out->history_live, HISTORY_LIVE_DIR);
	out->poll = SERVE_POLL;
	out->valid = DEVICE_VALID;
	out->renew_interval = DEVICE_VALID / RENEW_PART;
	put_address(&out->est, "::", SERVE_EST_PORT);
	put_address(&out->checkin, "::", SERVE_CHECKIN_PORT);
	if (strlen(report.path) >= sizeof(out->path)) {
		fprintf(errors, "%s: too long a path\n", report.path);
		return 1;
	}
	strcpy(out->path, report.path);
	/* One that is there and cannot be read is no reason to take defaults. */
	out->from_file = path || !access(SERVE_CONFIG, F_OK) || errno != ENOENT;
	if (out->from_file) {
		yaml_tree_load(&tree, report.path, &report);
		if (tree.root)
			load_top(&l, tree.root, out);
		report_end(&report);
		yaml_tree_free(&tree);
	}
	out->own_names = !out->n_names;
	if (out->own_names)
		default_names(out);
	return report.errors;
}

// SPDX-License-Identifier: GPL-2.0
/* device show: all that is known of one device, on a page. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/cmd_ca.h"
#include "ctl/cmd_firmware.h"
#include "ctl/subject.h"

/**
 * struct page - what is shown
 * @s: the device
 * @segment: what its segment asks for
 * @learned: addresses that devices have learned
 * @cert: its newest certificate
 * @has_cert: it has one
 * @token: what is known of its token
 * @floor: oldest version of its model that is good enough, or empty
 * @offer: release that it is offered; @offer.id 0, none
 * @exact: numbers to their last digit
 * @now: seconds since 1970
 */
struct page {
	struct subject s;
	struct cnl_segment segment;
	struct cnl_bindings learned;
	struct store_certificate cert;
	bool has_cert;
	struct store_token_facts token;
	char floor[FIRMWARE_VERSION_LEN];
	struct firmware_action offer;
	bool exact;
	time_t now;
};

static int take_segment(const struct cnl_segment *g, void *arg)
{
	struct page *p = arg;

	if (!strcmp(g->def.name, p->s.device.segment))
		p->segment = *g;
	return 0;
}

static int take_cert(const struct store_certificate *c, void *arg)
{
	struct page *p = arg;

	p->cert = *c;
	p->has_cert = true;
	return 1;
}

static int take_offer(const struct firmware_action *a, void *arg)
{
	struct page *p = arg;

	if (a->state <= FIRMWARE_CANCELING)
		p->offer = *a;
	return p->offer.id ? 1 : 0;
}

static int ask_kernel(struct page *p)
{
	struct subject *s = &p->s;

	if (!s->listed)
		return EXIT_DONE;
	if (cnl_segment_each(&s->nl, take_segment, p))
		return complain_nl(&s->nl);
	return s->device.def.learn && cnl_bindings(&s->nl, true, &p->learned) ? complain_nl(&s->nl) : EXIT_DONE;
}

static const char *model(const struct page *p)
{
	return p->s.listed && p->s.device.def.model[0] ? p->s.device.def.model : p->s.record.model;
}

static int ask_registry(struct page *p)
{
	struct store *s = &p->s.store;
	struct firmware_floor floor;
	int err;

	if (!p->s.known)
		return EXIT_DONE;
	err = store_cert_newest(s, p->s.name, 1, take_cert, p);
	if (err >= 0)
		err = store_token_facts(s, p->s.name, &p->token);
	if (err >= 0)
		err = store_action_each(s, p->s.name, take_offer, p);
	if (err >= 0 && model(p)[0]) {
		err = store_floor_get(s, model(p), &floor);
		if (!err)
			strcpy(p->floor, floor.version);
	}
	return err < 0 && err != -ENOENT ? complain("registry", s->error) : EXIT_DONE;
}

/* Of one that has not proved who it is: what it waits for. */
static const char *why_not_leased(const struct page *p)
{
	const bool was_active = p->s.device.state == CORDON_STATE_EXPIRED;

	if (!p->s.registry)
		return was_active ? "its lease has ended" : "it has no lease yet";
	if (p->s.known && p->s.record.retired)
		return "it was retired";
	if (p->has_cert && p->cert.state == STORE_REVOKED)
		return "its certificate is revoked";
	if (p->has_cert && p->cert.not_after <= p->now)
		return "its certificate has ended";
	if (p->has_cert && p->cert.state != STORE_RESERVED && p->cert.state != STORE_ABANDONED)
		return was_active ? "its lease has ended, and it has not checked in since" :
		       "it has a certificate, and has not checked in with it yet";
	if (!p->token.known)
		return "it has no token to enrol with: 'cordonctl device token' makes one";
	if (p->token.used || p->token.expires <= p->now)
		return "its token is used up or has ended: 'cordonctl device token' makes another";
	if (p->s.record.approval && !p->s.record.approved)
		return "it has a token, and waits for 'cordonctl device approve'";
	return "it has a token, and has not enrolled yet";
}

/* Why it is in its state, in a few words. */
static const char *why(const struct page *p)
{
	const struct cnl_device *d = &p->s.device;

	switch (d->state) {
	case CORDON_STATE_ACTIVE:
		return d->lease ? "its lease holds" : "nobody demands a certificate of it";
	case CORDON_STATE_OUTDATED:
		return p->floor[0] ? "its firmware is below the floor" :
		       "its firmware is too old, or an operator said so";
	case CORDON_STATE_QUARANTINED:
		return p->s.known && p->s.record.retired ? "it was retired" :
		       "by a limit or an operator, until 'cordonctl device release'";
	default:
		return why_not_leased(p);
	}
}

static void line(const char *what)
{
	printf("  %-13s ", what);
}

static void print_policy(const struct page *p)
{
	const struct cnl_device *d = &p->s.device;
	const u32 authentication = d->def.authentication != CORDON_INHERIT ? d->def.authentication :
				   p->segment.def.authentication;
	const u32 encryption = d->def.encryption != CORDON_INHERIT ? d->def.encryption : p->segment.def.encryption;
	u32 i;

	line("policy");
	if (!p->s.listed) {
		puts(p->s.kernel ? "does not list it" : "unknown, without the module");
		return;
	}
	printf("segment %s, authentication %s, encryption %s", d->segment, policy_authentication_name(authentication),
	       policy_encryption_name(encryption));
	for (i = 0; i < d->ports.n; i++)
		printf("%s%s", i ? "," : ", port ", d->ports.name[i]);
	if (d->def.vlan)
		printf(", VLAN %u", d->def.vlan);
	if (d->def.model[0])
		printf(", model %s", d->def.model);
	putchar('\n');
}

static void print_state(const struct page *p)
{
	const struct cnl_device *d = &p->s.device;
	char left[PEOPLE_LEN];

	if (!p->s.listed)
		return;
	line("state");
	printf("%s, in %s: %s\n", policy_state_name(d->state), d->effective_segment, why(p));
	line("lease");
	if (d->lease)
		printf("%s left%s%s\n", people_time(d->lease, left), d->lease_port[0] ? ", on " : "", d->lease_port);
	else
		puts("none");
}

static void print_when(time_t when, time_t now)
{
	char text[POLICY_TIME_LEN], ago[PEOPLE_LEN];

	if (!when)
		fputs("never", stdout);
	else if (when > now)
		printf("%s (in %s)", policy_time_text(when, text), people_time(when - now, ago));
	else
		printf("%s (%s ago)", policy_time_text(when, text), people_time(now - when, ago));
}

static void print_token(const struct page *p)
{
	if (!p->token.known || p->token.used)
		return;
	line("token");
	fputs(p->token.expires > p->now ? "not used yet, ends " : "not used, ended ", stdout);
	print_when(p->token.expires, p->now);
	puts(!p->s.record.approval ? "" : p->s.record.approved ? ", approved" : ", waits for approval");
}

static void print_registry(const struct page *p)
{
	char serial[2 * PKI_SERIAL_LEN + 1];

	if (!p->s.registry)
		return;
	if (!p->s.known) {
		line("registry");
		puts(p->s.former ? "has another device by that name, with another MAC" : "does not have it");
		return;
	}
	if (p->s.record.retired) {
		line("retired");
		print_when(p->s.record.retired, p->now);
		putchar('\n');
	}
	line("certificate");
	if (p->has_cert) {
		pki_serial_text(p->cert.serial, serial);
		printf("%s, %s, ends ", serial, ca_state_name(&p->cert, p->now));
		print_when(p->cert.not_after, p->now);
		putchar('\n');
	} else {
		puts("none");
	}
	print_token(p);
	line("last check-in");
	print_when(p->s.record.checkin, p->now);
	putchar('\n');
	line("firmware");
	fputs(p->s.record.firmware[0] ? p->s.record.firmware : "never told", stdout);
	if (p->floor[0])
		printf(", floor %s", p->floor);
	if (p->offer.id)
		printf(", offered %s (%s)", p->offer.version, firmware_action_name(p->offer.state));
	putchar('\n');
}

static bool is_learned_by(const struct page *p, u32 i)
{
	return !memcmp(p->learned.list[i].mac, p->s.mac, sizeof(p->s.mac));
}

static void print_addresses(const struct page *p)
{
	const struct cnl_device *d = &p->s.device;
	char addr[POLICY_ADDR_LEN];
	u32 i;

	line("addresses");
	for (i = 0; i < d->def.n; i++)
		printf("%s%s", i ? " " : "", policy_addr_text(&d->addresses[i], addr));
	if (d->def.learn) {
		printf("%s%s:", d->def.n ? " " : "", policy_learn_name(d->def.learn));
		for (i = 0; i < p->learned.n; i++)
			if (is_learned_by(p, i))
				printf(" %s", policy_addr_text(&p->learned.list[i].addr, addr));
	}
	putchar('\n');
}

static void print_counts(const struct page *p)
{
	const struct cnl_stats *s = &p->s.device.stats;
	char a[PEOPLE_LEN], b[PEOPLE_LEN], text[DESTINATIONS_TEXT_LEN];
	const char *comma = "";
	u32 kind;

	if (p->s.device.has_destinations) {
		line("destinations");
		puts(destinations_text(&p->s.device, text));
	}
	line("from it");
	printf("%s packets, %s bytes\n", people_number(s->rx_packets, p->exact, a),
	       people_number(s->rx_bytes, p->exact, b));
	line("to it");
	printf("%s packets, %s bytes\n", people_number(s->tx_packets, p->exact, a),
	       people_number(s->tx_bytes, p->exact, b));
	line("denied");
	printf("%s packets\n", people_number(s->denied, p->exact, a));
	line("anomalies");
	for (kind = 0; kind < CORDON_KINDS; kind++) {
		if (!s->anomalies[kind])
			continue;
		printf("%s%s %s", comma, policy_kind_name(kind), people_number(s->anomalies[kind], p->exact, a));
		comma = ", ";
	}
	puts(*comma ? "" : "none");
}

static void print_page(const struct page *p)
{
	char mac[18];

	printf("%s (%s)\n", p->s.name, policy_mac_text(p->s.mac, mac));
	print_policy(p);
	print_state(p);
	print_registry(p);
	if (p->s.listed) {
		print_addresses(p);
		print_counts(p);
	}
}

static json_t *json_when(time_t when)
{
	char text[POLICY_TIME_LEN];

	return when ? json_string(policy_time_text(when, text)) : json_null();
}

static json_t *json_registry(const struct page *p)
{
	const struct store_device *d = &p->s.record;
	json_t *token = p->token.known ? json_pack("{s:b,s:o,s:o}", "used", p->token.used, "made",
						   json_when(p->token.made), "expires",
						   json_when(p->token.expires)) : json_null();

	return json_pack("{s:o,s:o,s:o,s:b,s:b,s:o,s:o,s:o,s:o,s:o}", "enrolled", json_when(d->enrolled),
			 "last_checkin", json_when(d->checkin), "retired", json_when(d->retired),
			 "approval", d->approval, "approved", d->approved, "token", token,
			 "certificate", p->has_cert ? ca_json_certificate(&p->cert, p->now) : json_null(),
			 "firmware", d->firmware[0] ? json_text(d->firmware) : json_null(),
			 "floor", p->floor[0] ? json_text(p->floor) : json_null(),
			 "offer", p->offer.id ? json_pack("{s:o,s:s}", "version", json_text(p->offer.version), "state",
							  firmware_action_name(p->offer.state)) : json_null());
}

static json_t *json_page(const struct page *p)
{
	json_t *out, *learned = json_array();
	char mac[18];
	u32 i;

	for (i = 0; i < p->learned.n; i++)
		if (is_learned_by(p, i))
			json_array_append_new(learned, json_addr(&p->learned.list[i].addr));
	if (p->s.listed)
		out = json_device(&p->s.device, true);
	else
		out = json_pack("{s:s,s:s}", "name", p->s.name, "mac", policy_mac_text(p->s.mac, mac));
	if (p->s.listed)
		json_object_set_new(out, "why", json_string(why(p)));
	if (p->s.listed && p->s.device.def.learn)
		json_object_set(out, "learned", learned);
	if (p->s.kernel)
		json_object_set_new(out, "listed", json_boolean(p->s.listed));
	if (p->s.known)
		json_object_set_new(out, "registry", json_registry(p));
	json_decref(learned);
	return out;
}

/** device_show - print what is known of a device; as struct command's run */
int device_show(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "registry", required_argument, NULL, 'r' }, { "bytes", no_argument, NULL, 'b' },
		{ "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, OPTION_HELP }, { }
	};
	struct page p = { .now = time(NULL) };
	const char *registry = STORE_PATH;
	bool json = false;
	int o, ret;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP)
			return EXIT_DONE;
		if (o == OPTION_ERROR)
			return EXIT_USAGE;
		if (o == 'r')
			registry = optarg;
		p.exact |= o == 'b';
		json |= o == 'j';
	}
	if (argc - optind < 2)
		return usage_error(self, "which device?", NULL);
	if (argc - optind > 2)
		return usage_error(self, "too many words", argv[optind + 2]);
	ret = subject_open(self, &p.s, argv[optind + 1], registry, false);
	if (!ret)
		ret = ask_kernel(&p);
	if (!ret)
		ret = ask_registry(&p);
	if (!ret && json)
		json_print(json_page(&p));
	else if (!ret)
		print_page(&p);
	cnl_bindings_free(&p.learned);
	subject_close(&p.s);
	return ret;
}

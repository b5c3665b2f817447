// SPDX-License-Identifier: GPL-2.0
/* device bind, device unbind: addresses of devices that learn their own. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/ctl.h"
#include "event/event.h"
#include "host/facts.h"

/**
 * struct bound - what became of a file of leases
 * @bound: so many
 * @others: were of devices that the policy does not have, or that learn nothing
 * @given: are addresses that the policy gives
 * @refused: the kernel refused
 */
struct bound {
	u32 bound;
	u32 others;
	u32 given;
	u32 refused;
};

static void print_binding(const struct cnl_binding *b, bool json)
{
	char text[EVENT_TEXT_LEN];

	if (json)
		json_print(json_binding(b));
	else
		puts(event_binding_text(b, text));
}

/* That an operator says it counts as much as that a server does. */
static int bind_one(const struct command *self, char **words, int n, bool json)
{
	struct cnl_binding b = { .origin = CORDON_ORIGIN_DHCP }, now;
	const char *name;
	const u8 *mac;
	struct cnl nl;
	u8 buf[6];
	int ret;

	if (!parse_device(words[0], &name, &mac, buf))
		return usage_error(self, "neither a device's name nor a MAC", words[0]);
	if (mac)
		memcpy(b.mac, mac, 6);
	else
		strcpy(b.name, name);
	if (policy_addr_parse(words[1], &b.addr))
		return usage_error(self, "not an address", words[1]);
	b.ends = n > 2;
	if (b.ends && (policy_duration_parse(words[2], &b.lease) || !b.lease || b.lease > CORDON_MAX_LEASE))
		return usage_error(self, "not a duration up to 365d", words[2]);
	if (!open_kernel(&nl))
		return EXIT_REFUSED;
	ret = cnl_binding_set(&nl, &b, &now) ? complain_nl(&nl) : EXIT_DONE;
	cnl_close(&nl);
	if (!ret)
		print_binding(&now, json);
	return ret;
}

/* Where the policy gives it to somebody, nobody need bind it. */
static bool is_given(const struct cordon_policy *p, const struct cordon_addr *addr)
{
	return cordon_policy_device_by_addr(p, addr) != CORDON_NO_DEVICE;
}

static void bind_lease(struct cnl *nl, const struct cordon_policy *p, const struct host_lease *l, time_t now,
		       struct bound *b)
{
	struct cnl_binding binding = { .addr = l->addr, .origin = CORDON_ORIGIN_DHCP, .ends = l->until }, is;
	u32 device = cordon_policy_device_by_mac(p, l->mac);
	char addr[POLICY_ADDR_LEN];

	if (device == CORDON_NO_DEVICE || !p->draft.devices[device].learn) {
		b->others++;
		return;
	}
	if (is_given(p, &l->addr)) {
		b->given++;
		return;
	}
	memcpy(binding.mac, l->mac, 6);
	if (binding.ends)
		binding.lease = l->until - now > CORDON_MAX_LEASE ? CORDON_MAX_LEASE : l->until - now;
	if (!cnl_binding_set(nl, &binding, &is)) {
		b->bound++;
		return;
	}
	b->refused++;
	fprintf(stderr, "cordonctl: %s of %s: %s\n", policy_addr_text(&l->addr, addr), p->draft.devices[device].name,
		nl->error);
}

/* A device has one IPv4 address by DHCP at a time: that which lasts longest is bound last, and stays. */
static int by_end(const void *a, const void *b)
{
	const struct host_lease *x = a, *y = b;
	u64 x_end = (u64)x->until - 1, y_end = (u64)y->until - 1;	/* 0 is no end */

	return x_end < y_end ? -1 : x_end > y_end;
}

static void print_bound(const struct bound *b, const char *file, bool json)
{
	if (json)
		json_print(json_pack("{s:I,s:I,s:I,s:I}", "bound", (json_int_t)b->bound,
				     "others", (json_int_t)b->others, "given", (json_int_t)b->given,
				     "refused", (json_int_t)b->refused));
	else
		printf("%s: %u bound; left out: %u of no device that learns, %u that the policy gives, %u refused\n",
		       file, b->bound, b->others, b->given, b->refused);
}

static int bind_all(struct cnl *nl, const char *file, struct host_facts *f, time_t now, bool json)
{
	struct cnl_runtime runtime;
	struct cordon_policy *sealed;
	struct cordon_error why;
	struct bound b = { 0 };
	struct policy *p;
	u32 i;
	int err;

	if (cnl_fetch(nl, &p, &runtime))
		return complain_nl(nl);
	cnl_runtime_free(&runtime);
	err = policy_seal(p, &sealed, &why);
	policy_free(p);
	if (err)
		return complain("device bind", strerror(-err));
	if (f->n_leases)
		qsort(f->leases, f->n_leases, sizeof(*f->leases), by_end);
	for (i = 0; i < f->n_leases; i++)
		bind_lease(nl, sealed, &f->leases[i], now, &b);
	free(sealed);
	print_bound(&b, file, json);
	return b.refused ? EXIT_REFUSED : EXIT_DONE;
}

static int bind_leases(const char *file, bool json)
{
	struct host_facts f = { .n_leases = 0 };
	time_t now = time(NULL);
	int err = host_leases_read(file, now, &f), ret = EXIT_REFUSED;
	struct cnl nl;

	if (err) {
		complain(file, strerror(-err));
	} else if (open_kernel(&nl)) {
		ret = bind_all(&nl, file, &f, now, json);
		cnl_close(&nl);
	}
	if (f.more_leases)
		fprintf(stderr, "cordonctl: %s: more than %d leases: the others are left out\n", file, HOST_LEASES_MAX);
	host_facts_free(&f);
	return ret;
}

/**
 * device_bind - bind an address, or what a file of leases says
 * @self: the command "device"
 * @argc: its words
 * @argv: its words, the first of which is "bind"
 *
 * Return: an exit status.
 */
int device_bind(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "leases", required_argument, NULL, 'l' }, { "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, OPTION_HELP }, { }
	};
	const char *leases = NULL;
	bool json = false;
	int o, words;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP || o == OPTION_ERROR)
			return o == OPTION_HELP ? EXIT_DONE : EXIT_USAGE;
		json |= o == 'j';
		if (o == 'l')
			leases = optarg;
	}
	words = argc - optind - 1;
	if (words > (leases ? 0 : 3))
		return usage_error(self, "too many words", argv[optind + (leases ? 1 : 4)]);
	if (leases)
		return bind_leases(leases, json);
	if (words < 2)
		return usage_error(self, words ? "which address?" : "which device?", NULL);
	return bind_one(self, &argv[optind + 1], words, json);
}

/**
 * device_unbind - end the learned binding of an address
 * @self: the command "device"
 * @argc: its words
 * @argv: its words, the first of which is "unbind"
 *
 * Return: an exit status.
 */
int device_unbind(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = { { "help", no_argument, NULL, OPTION_HELP }, { } };
	struct cordon_addr addr;
	struct cnl nl;
	int o, ret;

	while ((o = next_option(self, argc, argv, options)) != -1)
		if (o == OPTION_HELP || o == OPTION_ERROR)
			return o == OPTION_HELP ? EXIT_DONE : EXIT_USAGE;
	if (argc - optind < 2)
		return usage_error(self, "which address?", NULL);
	if (argc - optind > 2)
		return usage_error(self, "too many words", argv[optind + 2]);
	if (policy_addr_parse(argv[optind + 1], &addr))
		return usage_error(self, "not an address", argv[optind + 1]);
	if (!open_kernel(&nl))
		return EXIT_REFUSED;
	ret = cnl_binding_del(&nl, &addr) ? complain_nl(&nl) : EXIT_DONE;
	cnl_close(&nl);
	return ret;
}

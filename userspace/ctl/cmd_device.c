// SPDX-License-Identifier: GPL-2.0
/* device: one device at a time. */
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "store/store.h"

/**
 * struct words - what the command line says of a device
 * @change: of it
 * @mac: for @change.mac
 * @addresses: for @change.addresses
 * @ports: for @change.ports
 * @json: print the device as JSON
 */
struct words {
	struct cnl_change change;
	u8 mac[6];
	struct cordon_addr addresses[CORDON_MAX_DEVICE_ADDRESSES];
	char ports[CORDON_MAX_DEVICE_PORTS][CORDON_IFNAME_LEN];
	bool json;
};

static int find_word(const char *word, const char * (*name)(u32), u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		if (!strcasecmp(word, name(i)))
			return i;
	return -1;
}

static int parse_state(const char *word)
{
	int state = find_word(word, policy_state_name, CORDON_STATE_QUARANTINED + 1);

	return state == CORDON_STATE_ONBOARDING || state == CORDON_STATE_EXPIRED ? -1 : state;
}

static int parse_bool(const char *word)
{
	return !strcmp(word, "true") ? 1 : !strcmp(word, "false") ? 0 : -1;
}

/* 0, none; -1, no such VLAN. */
static int parse_vlan(const char *word)
{
	char *end;
	long vlan = strtol(word, &end, 10);

	if (!strcmp(word, "none"))
		return 0;
	return word[0] < '1' || word[0] > '9' || *end || vlan > CORDON_MAX_VLAN ? -1 : vlan;
}

/* Names between commas, or "any"; a sentence about what is wrong with them, or NULL. */
static const char *take_ports(struct words *w, const char *value)
{
	struct cnl_change *c = &w->change;
	size_t len;

	c->n_ports = 0;
	if (!strcmp(value, "any")) {
		c->ports[c->n_ports++] = "";
		return NULL;
	}
	for (;; value += len + 1) {
		len = strcspn(value, ",");
		if (!len)
			return "a port without a name";
		if (len >= CORDON_IFNAME_LEN)
			return "too long a name";
		if (c->n_ports == CORDON_MAX_DEVICE_PORTS)
			return "more than 4 ports";
		snprintf(w->ports[c->n_ports], CORDON_IFNAME_LEN, "%.*s", (int)len, value);
		c->ports[c->n_ports] = w->ports[c->n_ports];
		c->n_ports++;
		if (!value[len])
			return NULL;
	}
}

/* One option; a sentence about what is wrong with it, or NULL. */
static const char *take(struct words *w, int option, char *value)
{
	struct cnl_change *c = &w->change;

	switch (option) {
	case 'm':
		if (policy_mac_parse(value, w->mac))
			return "not a MAC";
		c->mac = w->mac;
		return NULL;
	case 'a':
		if (c->n_addresses == CORDON_MAX_DEVICE_ADDRESSES)
			return "too many addresses";
		c->addresses = w->addresses;
		if (!policy_addr_parse(value, &w->addresses[c->n_addresses++]))
			return NULL;
		return !strncmp(value, "auto", 4) ? "not an address; --learn auto has addresses learned" :
						    "not an address";
	case 'l':
		c->learn = find_word(value, policy_learn_name, CORDON_LEARN_AUTO_STATIC + 1);
		return c->learn < 0 ? "not auto, auto-static or none" : NULL;
	case 'r':
		c->roam = parse_bool(value);
		return c->roam < 0 ? "not true or false" : NULL;
	case 's':
		c->segment = value;
		return strlen(value) >= CORDON_NAME_LEN ? "too long a name" : NULL;
	case 'p':
		return take_ports(w, value);
	case 'v':
		c->vlan = parse_vlan(value);
		return c->vlan < 0 ? "not a VLAN from 1 to 4094, or none" : NULL;
	case 'o':
		c->model = value;
		return strlen(value) >= CORDON_NAME_LEN ? "too long a name" : NULL;
	case 'u':
		c->authentication = find_word(value, policy_authentication_name, 2);
		return c->authentication < 0 ? "not certificate or none" : NULL;
	case 'e':
		c->encryption = find_word(value, policy_encryption_name, 3);
		return c->encryption < 0 ? "not TLS1.3, TLS1.2 or any" : NULL;
	case 'f':
		c->firmware = parse_bool(value);
		return c->firmware < 0 ? "not true or false" : NULL;
	case 't':
		c->state = parse_state(value);
		return c->state < 0 ? "not active, outdated or quarantined" : NULL;
	case 'j':
		w->json = true;
		return NULL;
	}
	return "no such option";
}

static const struct option options[] = {
	{ "mac", required_argument, NULL, 'm' }, { "address", required_argument, NULL, 'a' },
	{ "learn", required_argument, NULL, 'l' }, { "roam", required_argument, NULL, 'r' },
	{ "segment", required_argument, NULL, 's' }, { "port", required_argument, NULL, 'p' },
	{ "vlan", required_argument, NULL, 'v' },
	{ "model", required_argument, NULL, 'o' },
	{ "authentication", required_argument, NULL, 'u' },
	{ "encryption", required_argument, NULL, 'e' },
	{ "firmware-auto-update", required_argument, NULL, 'f' },
	{ "state", required_argument, NULL, 't' }, { "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, OPTION_HELP }, { }
};

static void print_device(const struct cnl_device *d, bool json)
{
	char mac[18], left[40] = "", text[DESTINATIONS_TEXT_LEN];

	if (json) {
		json_print(json_device(d, true));
		return;
	}
	if (d->lease)
		snprintf(left, sizeof(left), ", %u s of its lease left", d->lease);
	printf("%s (%s): %s, in %s%s%s%s\n", d->def.name, policy_mac_text(d->def.mac, mac),
	       policy_state_name(d->state), d->effective_segment, left, d->has_destinations ? "; " : "",
	       d->has_destinations ? destinations_text(d, text) : "");
}

static bool names_something(const struct cnl_change *c)
{
	return c->segment || c->n_ports || c->model || c->n_addresses || c->learn >= 0 || c->roam >= 0 || c->vlan >= 0 ||
	       c->authentication >= 0 || c->encryption >= 0 || c->firmware >= 0 || c->state >= 0 || c->lease >= 0;
}

static int change(struct words *w, bool add, bool del)
{
	struct cnl_device now;
	struct cnl nl;
	int err;

	if (!open_kernel(&nl))
		return EXIT_REFUSED;
	if (del)
		err = cnl_device_del(&nl, w->change.name, w->change.mac);
	else if (add)
		err = cnl_device_new(&nl, &w->change, &now);
	else
		err = cnl_device_set(&nl, &w->change, &now);
	if (err)
		complain_nl(&nl);
	else if (!del)
		print_device(&now, w->json);
	else if (w->json)
		json_print(json_null());	/* what is left of it */
	cnl_close(&nl);
	return err ? EXIT_REFUSED : EXIT_DONE;
}

static int run_add(const struct command *self, struct words *w, const char *word)
{
	if (!cordon_name_is_valid(word, strlen(word) + 1) || strlen(word) >= CORDON_DEVICE_NAME_LEN)
		return usage_error(self, "not a valid name", word);
	w->change.name = word;
	if (!w->change.mac || !w->change.segment || (!w->change.n_addresses && w->change.learn <= CORDON_LEARN_NONE))
		return usage_error(self, "add needs --mac, --segment, and --address or --learn", NULL);
	if (w->change.state >= 0)
		return usage_error(self, "a new device has no state yet", NULL);
	return change(w, true, false);
}

/* Whom a command is about; a MAC given by --mac would be a second one. */
static int name_device(const struct command *self, struct words *w, const char *word)
{
	if (w->change.mac)
		return usage_error(self, "the MAC of a device cannot be changed", NULL);
	if (!parse_device(word, &w->change.name, &w->change.mac, w->mac))
		return usage_error(self, "neither a device's name nor a MAC", word);
	return EXIT_DONE;
}

static int run_lease(const struct command *self, struct words *w, const char *duration)
{
	u32 seconds = 0;

	if (strcmp(duration, "0") && strcmp(duration, "end") &&
	    (policy_duration_parse(duration, &seconds) || seconds > CORDON_MAX_LEASE))
		return usage_error(self, "not a duration up to 365d", duration);
	w->change.lease = seconds;
	return change(w, false, false);
}

/* Where it has been is forgotten, as after an update of its firmware. */
static int run_learn(struct words *w)
{
	struct cnl_device now;
	struct cnl nl;
	int err;

	if (!open_kernel(&nl))
		return EXIT_REFUSED;
	err = cnl_destinations_anew(&nl, w->change.name, w->change.mac);
	if (!err)
		err = cnl_device_get(&nl, w->change.name, w->change.mac, &now);
	if (err)
		complain_nl(&nl);
	else
		print_device(&now, w->json);
	cnl_close(&nl);
	return err ? EXIT_REFUSED : EXIT_DONE;
}

/* Those of run_change(). */
static bool is_own_verb(const char *verb)
{
	static const char * const verbs[] = { "add", "set", "del", "lease", "quarantine", "release", "learn" };
	size_t i;

	for (i = 0; i < sizeof(verbs) / sizeof(*verbs); i++)
		if (!strcmp(verb, verbs[i]))
			return true;
	return false;
}

static int run_change(const struct command *self, int argc, char **argv)
{
	struct words w = { .change = CNL_CHANGE_NONE };
	const char *verb, *problem;
	int o, words, wanted, ret;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP)
			return EXIT_DONE;
		if (o == OPTION_ERROR)
			return EXIT_USAGE;
		problem = take(&w, o, optarg);
		if (problem)
			return usage_error(self, problem, optarg);
	}
	words = argc - optind;
	verb = words ? argv[optind] : "";
	if (words && !is_own_verb(verb))
		return usage_error(self, "no such verb", verb);
	wanted = !strcmp(verb, "lease") ? 3 : 2;
	if (words < wanted)
		return usage_error(self, words > 1 ? "how long?" : words ? "which device?" :
				   "list, show, retire, add, del, set, quarantine, release, learn, lease, bind, unbind, unknown, adopt, token, "
				   "pending or approve?",
				   NULL);
	if (words > wanted)
		return usage_error(self, "too many words", argv[optind + wanted]);
	if (!strcmp(verb, "add"))
		return run_add(self, &w, argv[optind + 1]);
	if (strcmp(verb, "set") && names_something(&w.change))
		return usage_error(self, "these options are for add and set, not for", verb);
	ret = name_device(self, &w, argv[optind + 1]);
	if (ret)
		return ret;
	if (!strcmp(verb, "lease"))
		return run_lease(self, &w, argv[optind + 2]);
	if (!strcmp(verb, "learn"))
		return run_learn(&w);
	if (!strcmp(verb, "quarantine"))
		w.change.state = CORDON_STATE_QUARANTINED;
	else if (!strcmp(verb, "release"))
		w.change.state = CORDON_STATE_ACTIVE;
	else if (!strcmp(verb, "set") && !names_something(&w.change))
		return usage_error(self, "set what?", NULL);
	return change(&w, false, !strcmp(verb, "del"));
}

/* What has options of its own, has its verb first. */
static int run_device(const struct command *self, int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (!strcmp(verb, "token"))
		return device_token(self, argc, argv);
	if (!strcmp(verb, "pending"))
		return device_pending(self, argc, argv);
	if (!strcmp(verb, "approve"))
		return device_approve(self, argc, argv);
	if (!strcmp(verb, "lease") && device_lease_is_certified(argc, argv))
		return device_lease(self, argc, argv);
	if (!strcmp(verb, "bind"))
		return device_bind(self, argc, argv);
	if (!strcmp(verb, "unbind"))
		return device_unbind(self, argc, argv);
	if (!strcmp(verb, "unknown"))
		return device_unknown(self, argc, argv);
	if (!strcmp(verb, "adopt"))
		return device_adopt(self, argc, argv);
	if (!strcmp(verb, "list"))
		return device_list(self, argc, argv);
	if (!strcmp(verb, "show"))
		return device_show(self, argc, argv);
	if (!strcmp(verb, "retire"))
		return device_retire(self, argc, argv);
	return run_change(self, argc, argv);
}

const struct command cmd_device = {
	"device", "List devices; add, change, hold, free, enrol, retire or remove one",
	"device list [--segment SEGMENT] [--state STATE] [--expiring DAYS] [--registry FILE] [--json]\n"
	"device show DEVICE [--bytes] [--registry FILE] [--json]\n"
	"device retire DEVICE [--policy FILE] [--reason REASON] [--ca DIR] [--passphrase-file FILE]\n"
	" [--registry FILE] [--json]\n"
	"device add NAME --mac MAC --segment SEGMENT --address ADDR... | --learn WORD\n"
	" [--roam B] [--port PORT,...] [--vlan VLAN] [--model MODEL] [--authentication WORD]\n"
	" [--encryption WORD] [--firmware-auto-update B] [--json]\n"
	"device set DEVICE [--segment SEGMENT] [--address ADDR]... [--learn WORD]\n"
	" [--roam B] [--port PORT,...] [--vlan VLAN] [--model MODEL] [--authentication WORD]\n"
	" [--encryption WORD] [--firmware-auto-update B] [--state STATE] [--json]\n"
	"device del DEVICE\n"
	"device quarantine DEVICE\n"
	"device release DEVICE\n"
	"device learn DEVICE\n"
	"device lease DEVICE DURATION\n"
	"device lease DEVICE [end] --certificate SERIAL [--port PORT] [--registry FILE] [--json]\n"
	"device bind DEVICE ADDRESS [DURATION] [--json]\n"
	"device bind --leases FILE [--json]\n"
	"device unbind ADDRESS\n"
	"device unknown [--json]\n"
	"device adopt MAC NAME --segment SEGMENT [--json]\n"
	"device token DEVICE [--mac MAC] [--valid DURATION] [--set SECRET] [--approval]\n"
	" [--registry FILE] [--json]\n"
	"device token --list | --withdraw DEVICE [--registry FILE] [--json]\n"
	"device pending [--registry FILE] [--json]\n"
	"device approve DEVICE [--fingerprint FP] [--registry FILE]",
	"list has a line for each device that the policy in force or the registry knows; show\n"
	"has a page of one. retire revokes its certificates, ends its lease, withdraws its\n"
	"token and holds it in quarantine as long as the policy lists it.\n\n"
	"  --segment SEGMENT        list: its devices, and those that are held in it\n"
	"  --state STATE            list: onboarding | active | expired | outdated |\n"
	"                           quarantined | retired\n"
	"  --expiring DAYS          list: whose certificate ends by then, or has ended\n"
	"  --bytes                  show: all digits of every number\n"
	"  --policy FILE            retire: take it out of that file, and keep all else in it\n"
	"  --reason REASON          retire: why, as for 'ca revoke' (cessationOfOperation)\n"
	"  --ca DIR                 retire: the CA, whose revocation list is renewed\n"
	"  --passphrase-file FILE   retire: of the CA's key\n"
	"  --registry FILE          (" STORE_PATH ")\n\n"
	"DEVICE is a name or a MAC. A lease of 0 ends it; release takes quarantine and\n"
	"outdated back. 'apply' replaces what add, set and del changed in the policy.\n"
	"learn forgets where the device has been, and learns it anew: for new_destination.\n\n"
	"  --segment SEGMENT        network segment\n"
	"  --address ADDR           bound address; repeat it, up to 16; set replaces all\n"
	"  --learn WORD             learn others: auto | auto-static, or none\n"
	"  --roam B                 true: a check-in's lease holds on every port of its own\n"
	"  --port PORT,...          only behind that port, or those, up to 4; any, everywhere\n"
	"  --vlan VLAN              in that VLAN of its port, 1 to 4094; none, untagged\n"
	"  --model MODEL            which firmware fits it\n"
	"  --authentication WORD    certificate | none\n"
	"  --encryption WORD        TLS1.3 | TLS1.2 | any\n"
	"  --firmware-auto-update B true | false\n"
	"  --state STATE            active | outdated | quarantined (set only)\n"
	"  --json                   print the device as JSON\n\n"
	"bind binds an address to a device that learns its own, until unbind or the end of\n"
	"DURATION, up to 365d.\n\n"
	"  --leases FILE            all that dnsmasq's or Kea's file of leases says\n"
	"  --json                   print the binding, or how many there were, as JSON\n\n"
	"lease --certificate gives the lease of its segment to a device that proved this\n"
	"certificate on PORT to somebody else, as 'cordonctl hostapd' does; end, no more of it.\n\n"
	"unknown lists devices that no policy lists, where it has 'unknown: SEGMENT' for\n"
	"them; adopt makes one of them a device of the policy in force, with a name.\n\n"
	"token prints a one-time secret to enrol with; it replaces an older one.\n\n"
	"  --mac MAC                of a device by a name the kernel need not know yet\n"
	"  --valid DURATION         up to 365d (24h)\n"
	"  --set SECRET             one of your own, refused when weak; -, from standard input\n"
	"  --approval               an operator must approve, too\n"
	"  --list                   all that there are, but for the secrets\n"
	"  --withdraw               the device's is of no use any more\n"
	"  --registry FILE          (" STORE_PATH ")\n"
	"  --json                   print device, mac, token and valid_seconds\n\n"
	"pending lists the keys that wait for an operator's approval, with their fingerprints;\n"
	"approve lets a device have a certificate of the one key that waits.\n\n"
	"  --fingerprint FP         of the key, as the device shows it: SHA256:...\n",
	run_device
};

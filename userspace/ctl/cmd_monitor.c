// SPDX-License-Identifier: GPL-2.0
/* monitor: events as they come. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/ctl.h"
#include "event/event.h"

/**
 * struct monitor - what is printed
 * @json: as JSON
 * @left: events until the end; 0, there is none
 * @device: only of this device: its name or MAC; or NULL
 * @is_mac: it is a MAC
 * @mac: that
 * @kind: only anomalies of this kind; negative, all events
 */
struct monitor {
	bool json;
	unsigned long left;
	const char *device;
	bool is_mac;
	u8 mac[6];
	int kind;
};

/* What an event is about: the name of a device, and its MAC; else NULL. */
static const char *event_device(const struct cnl_event *e, const u8 **mac)
{
	switch (e->cmd) {
	case CORDON_CMD_DEVICE_NTF:
		*mac = e->device.def.mac;
		return e->device.def.name;
	case CORDON_CMD_BINDING_NTF:
		*mac = e->binding.mac;
		return e->binding.name;
	case CORDON_CMD_ANOMALY_NTF:
		*mac = e->anomaly.has_mac ? e->anomaly.mac : NULL;
		return e->anomaly.name;
	default:
		*mac = NULL;
		return NULL;
	}
}

static bool is_wanted(const struct monitor *m, const struct cnl_event *e)
{
	const char *name;
	const u8 *mac;

	if (m->kind >= 0 && (e->cmd != CORDON_CMD_ANOMALY_NTF || e->anomaly.kind != (u32)m->kind))
		return false;
	if (!m->device)
		return true;
	name = event_device(e, &mac);
	return m->is_mac ? mac && !memcmp(mac, m->mac, 6) : name && !strcmp(name, m->device);
}

static json_t *json_anomaly(const struct cnl_event *e)
{
	char mac[18], version[EVENT_TLS_LEN], service[EVENT_SERVICE_LEN];
	json_t *out = json_pack("{s:s,s:s,s:o,s:o,s:I,s:I,s:s,s:I,s:b}", "event", "anomaly",
				"kind", policy_kind_name(e->anomaly.kind),
				"source", json_addr(&e->anomaly.source),
				"destination", json_addr(&e->anomaly.destination),
				"protocol", (json_int_t)e->anomaly.protocol,
				"dport", (json_int_t)e->anomaly.dport,
				"service", event_service_text(e->anomaly.protocol, e->anomaly.dport, service),
				"suppressed", (json_int_t)e->anomaly.suppressed,
				"denied", e->anomaly.denied);

	if (e->anomaly.name[0])
		json_object_set_new(out, "device", json_string(e->anomaly.name));
	if (e->anomaly.has_mac)
		json_object_set_new(out, "mac",
				    json_string(policy_mac_text(e->anomaly.mac, mac)));
	if (e->anomaly.ifindex)
		json_object_set_new(out, "ifindex", json_integer(e->anomaly.ifindex));
	json_set_ports(out, &e->anomaly.ports);
	if (e->anomaly.server[0])
		json_object_set_new(out, "server_name", json_text(e->anomaly.server));
	if (e->anomaly.tls_offered)
		json_object_set_new(out, "tls_offered", json_string(event_tls_text(e->anomaly.tls_offered, version)));
	if (e->anomaly.tls_selected)
		json_object_set_new(out, "tls_selected", json_string(event_tls_text(e->anomaly.tls_selected, version)));
	if (e->anomaly.action >= 0)
		json_object_set_new(out, "action",
				    json_string(policy_action_name(e->anomaly.action)));
	return out;
}

static json_t *json_event(const struct cnl_event *e)
{
	json_t *out;

	switch (e->cmd) {
	case CORDON_CMD_POLICY_NTF:
		out = json_summary(&e->summary);
		json_object_set_new(out, "event", json_string("policy"));
		return out;
	case CORDON_CMD_DEVICE_NTF:
		out = json_device(&e->device, false);
		json_object_set_new(out, "event", json_string("device"));
		return out;
	case CORDON_CMD_INTERFACE_NTF:
		out = json_interface(&e->interface);
		json_object_set_new(out, "event", json_string("interface"));
		return out;
	case CORDON_CMD_BINDING_NTF:
		out = json_binding(&e->binding);
		json_object_set_new(out, "event", json_string("binding"));
		return out;
	default:
		return json_anomaly(e);
	}
}

/* When it was heard of: the kernel sends no times. */
static void print_time(void)
{
	time_t now = time(NULL);
	char text[32];
	struct tm tm;

	if (localtime_r(&now, &tm) && strftime(text, sizeof(text), "%F %T", &tm))
		printf("%s ", text);
}

static void print_event(const struct cnl_event *e)
{
	char text[EVENT_TEXT_LEN];

	print_time();
	switch (e->cmd) {
	case CORDON_CMD_POLICY_NTF:
		printf("policy generation %u: mode %s, %u devices%s\n", e->summary.generation,
		       e->summary.mode == CORDON_MODE_OBSERVE ? "observe" : "enforce",
		       e->summary.devices, e->summary.awaiting ? ", awaits confirmation" : "");
		break;
	case CORDON_CMD_DEVICE_NTF:
		printf("device %s: %s, in %s, lease %u s\n", e->device.def.name,
		       policy_state_name(e->device.state), e->device.effective_segment,
		       e->device.lease);
		break;
	case CORDON_CMD_INTERFACE_NTF:
		interface_print_event(&e->interface);
		break;
	case CORDON_CMD_BINDING_NTF:
		puts(event_binding_text(&e->binding, text));
		break;
	default:
		puts(event_anomaly_text(e, text));
	}
}

static int on_event(const struct cnl_event *e, void *arg)
{
	struct monitor *m = arg;
	json_t *line;

	if (!e) {
		fputs("listening\n", stderr);
		return 0;
	}
	if (!is_wanted(m, e))
		return 0;
	if (m->json) {
		line = json_event(e);
		json_object_set_new(line, "time", json_integer(time(NULL)));
		json_line(line);
	} else {
		print_event(e);
	}
	fflush(stdout);
	return m->left && !--m->left;
}

static int run_monitor(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' }, { "count", required_argument, NULL, 'n' },
		{ "device", required_argument, NULL, 'd' }, { "kind", required_argument, NULL, 'k' },
		{ "help", no_argument, NULL, OPTION_HELP }, { }
	};
	struct monitor m = { .kind = -1 };
	struct cnl nl;
	char *end;
	int o, ret;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		switch (o) {
		case OPTION_HELP:
			return EXIT_DONE;
		case OPTION_ERROR:
			return EXIT_USAGE;
		case 'j':
			m.json = true;
			break;
		case 'n':
			m.left = strtoul(optarg, &end, 10);
			if (*end || !m.left)
				return usage_error(self, "not a number of events", optarg);
			break;
		case 'd':
			m.device = optarg;
			m.is_mac = !policy_mac_parse(optarg, m.mac);
			break;
		case 'k':
			m.kind = policy_kind_find(optarg);
			if (m.kind < 0)
				return usage_error(self, "not a kind of anomaly", optarg);
			break;
		}
	}
	if (argc != optind)
		return usage_error(self, "too many words", argv[optind]);
	if (!open_kernel(&nl))
		return EXIT_REFUSED;
	ret = cnl_listen(&nl, on_event, &m) ? complain_nl(&nl) : EXIT_DONE;
	cnl_close(&nl);
	return ret;
}

const struct command cmd_monitor = {
	"monitor", "Print events as they come", "monitor [--device NAME|MAC] [--kind KIND] [--count N] [--json]",
	"  --device NAME|MAC  only what is of that device\n"
	"  --kind KIND        only anomalies of that kind\n"
	"  --count N          end after N events\n"
	"  --json             a line of JSON for each\n"
	"Says 'listening' on standard error when it has begun.\n", run_monitor
};

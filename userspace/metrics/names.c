// SPDX-License-Identifier: GPL-2.0
/* What is measured. A name that is here once stays: dashboards and alerts of others hold on to it. */
#include <string.h>

#include "metrics/metrics.h"

#define DEVICE	"device,mac,segment"

static const struct metrics_name names[METRICS_FAMILIES] = {
	[METRICS_UP] = { "up", METRICS_GAUGE, NULL, "1",
		"1 if the kernel module is loaded, and its figures are among these" },
	[METRICS_BUILD] = { "build_info", METRICS_INFO, "version", "1", "Version of what answers" },
	[METRICS_WATCH_UP] = { "watch_up", METRICS_GAUGE, NULL, "1",
		"1 if cordonctl watch has taken a sample in the last minute" },
	[METRICS_SAMPLE_AGE] = { "sample_age_seconds", METRICS_GAUGE, NULL, "1",
		"How old these figures of the kernel's are" },
	[METRICS_GENERATION] = { "policy_generation", METRICS_GAUGE, NULL, "1", "Number of the policy in force" },
	[METRICS_MODE] = { "policy_mode", METRICS_GAUGE, "mode", "1", "1 for the mode that the policy is in" },
	[METRICS_IN_FORCE] = { "policy_in_force", METRICS_GAUGE, NULL, "1", "1 if there is a policy" },
	[METRICS_AWAITING] = { "policy_awaiting_confirmation", METRICS_GAUGE, NULL, "1",
		"1 if the policy goes away again unless it is confirmed" },
	[METRICS_LOCKDOWN] = { "lockdown", METRICS_GAUGE, NULL, "1",
		"1 if nothing is forwarded while there is no policy" },
	[METRICS_APPLIED] = { "policy_applied_timestamp_seconds", METRICS_GAUGE, NULL, "1",
		"When the policy was applied, in seconds since 1970" },
	[METRICS_DENIED] = { "denied_total", METRICS_COUNTER, NULL, "1", "Packets that were denied" },
	[METRICS_ANOMALIES] = { "anomalies_total", METRICS_COUNTER, "kind", "kinds",
		"Anomalies that were seen, of unknown devices included" },
	[METRICS_SEGMENT_PACKETS] = { "segment_packets_total", METRICS_COUNTER, "segment", "segments",
		"Packets that the segment's members sent" },
	[METRICS_SEGMENT_BYTES] = { "segment_bytes_total", METRICS_COUNTER, "segment", "segments",
		"Bytes that the segment's members sent" },
	[METRICS_SEGMENT_DENIED] = { "segment_denied_total", METRICS_COUNTER, "segment", "segments",
		"Packets of the segment's members that were denied" },
	[METRICS_SEGMENT_DEVICES] = { "segment_devices", METRICS_GAUGE, "segment", "segments",
		"Devices of the segment" },
	[METRICS_DEVICES] = { "devices", METRICS_GAUGE, "state", "states", "Devices of the policy, by state" },
	[METRICS_UNLISTED] = { "unlisted_devices", METRICS_GAUGE, NULL, "1",
		"Devices that were seen and that no policy lists" },
	[METRICS_BINDINGS] = { "bindings", METRICS_GAUGE, "origin", "origins", "Addresses that are bound to devices" },
	[METRICS_INTERFACE_PRESENT] = { "interface_present", METRICS_GAUGE, "interface,role", "interfaces",
		"1 if the interface is there that the policy names" },
	[METRICS_INTERFACE_UP] = { "interface_up", METRICS_GAUGE, "interface,role", "interfaces",
		"1 if the interface is up" },
	[METRICS_INTERFACE_CLOSED] = { "interface_closed", METRICS_GAUGE, "interface,role", "interfaces",
		"1 if nothing is let through the interface" },
	[METRICS_RULES] = { "rules", METRICS_GAUGE, NULL, "1", "Rules of the policy" },
	[METRICS_RULE_USED] = { "rule_last_used_timestamp_seconds", METRICS_GAUGE, "rule,from,to,matches",
		"rules, 1000 at most",
		"When the rule last let a connection begin, in seconds since 1970; 0, never" },
	[METRICS_ROLLOUT_OFFERED] = { "rollout_offered", METRICS_GAUGE, "rollout,model,version,state",
		"roll-outs, 100 at most",
		"Devices that the roll-out was offered to" },
	[METRICS_ROLLOUT_SUCCEEDED] = { "rollout_succeeded", METRICS_GAUGE, "rollout,model,version,state",
		"roll-outs, 100 at most", "Devices that have installed it" },
	[METRICS_ROLLOUT_FAILED] = { "rollout_failed", METRICS_GAUGE, "rollout,model,version,state",
		"roll-outs, 100 at most",
		"Devices that could not install it" },
	[METRICS_EPISODES] = { "episodes_open", METRICS_GAUGE, "kind", "kinds",
		"Devices' episodes of anomalies that are not over: the last one is less than 10 minutes ago" },
	[METRICS_EPISODES_NEW] = { "episodes_unacknowledged", METRICS_GAUGE, "kind", "kinds",
		"Of those, the ones that nobody has acknowledged" },
	[METRICS_CERTIFICATES] = { "certificates", METRICS_GAUGE, "what", "kinds of certificates",
		"Devices, servers and CAs that have a certificate" },
	[METRICS_CERTIFICATES_ENDING] = { "certificates_ending", METRICS_GAUGE, "what", "kinds of certificates",
		"Those whose last certificate ends within 7 days, or has ended" },
	[METRICS_CERTIFICATE_END] = { "certificate_expiry_seconds", METRICS_GAUGE, "what,name",
		"certificates; of devices if wanted",
		"Seconds until the certificate ends; below 0, it has ended" },
	[METRICS_HISTORY_BYTES] = { "history_bytes", METRICS_GAUGE, NULL, "1", "Size of the history on the disk" },
	[METRICS_SERVE_START] = { "serve_start_time_seconds", METRICS_GAUGE, NULL, "1",
		"When the enrolment and check-in server started" },
	[METRICS_SERVE_CONNECTIONS] = { "serve_connections", METRICS_GAUGE, NULL, "1", "Connections that are open" },
	[METRICS_SERVE_ACCEPTED] = { "serve_accepted_total", METRICS_COUNTER, "what", "what can be granted",
		"What was granted" },
	[METRICS_SERVE_REFUSED] = { "serve_refused_total", METRICS_COUNTER, "reason", "reasons",
		"What was refused, by reason" },
	[METRICS_SERVE_UPDATES] = { "serve_updates_total", METRICS_COUNTER, "what", "outcomes",
		"What became of firmware updates, and of devices for want of them" },
	[METRICS_FLEET_REACHABLE] = { "fleet_reachable", METRICS_GAUGE, NULL, "1, in a fleet",
		"1 if what must happen once in the fleet can be asked for" },
	[METRICS_FLEET_HEARD] = { "fleet_heard_timestamp_seconds", METRICS_GAUGE, NULL, "1, in a fleet",
		"When etcd was last known to be as the registry is, in seconds since 1970; 0, never" },
	[METRICS_DEVICE_RX_PACKETS] = { "device_rx_packets_total", METRICS_COUNTER, DEVICE, "devices",
		"Packets that came from the device" },
	[METRICS_DEVICE_RX_BYTES] = { "device_rx_bytes_total", METRICS_COUNTER, DEVICE, "devices",
		"Bytes that came from the device" },
	[METRICS_DEVICE_TX_PACKETS] = { "device_tx_packets_total", METRICS_COUNTER, DEVICE, "devices",
		"Packets that went to the device" },
	[METRICS_DEVICE_TX_BYTES] = { "device_tx_bytes_total", METRICS_COUNTER, DEVICE, "devices",
		"Bytes that went to the device" },
	[METRICS_DEVICE_DENIED] = { "device_denied_total", METRICS_COUNTER, DEVICE, "devices",
		"Packets from or to the device that were denied" },
	[METRICS_DEVICE_ANOMALIES] = { "device_anomalies_total", METRICS_COUNTER, DEVICE ",kind",
		"devices x kinds seen of each",
		"Anomalies of the device that were seen" },
	[METRICS_DEVICE_EPISODES] = { "device_episode_anomalies", METRICS_GAUGE, DEVICE ",kind", "open episodes",
		"Anomalies of the device's episode that is neither over nor acknowledged" },
	[METRICS_DEVICE_STATE] = { "device_state", METRICS_GAUGE, DEVICE ",state", "devices",
		"1 for the state that the device is in" },
	[METRICS_DEVICE_DESTINATIONS] = { "device_destinations", METRICS_GAUGE, DEVICE,
		"devices that learn destinations",
		"Destinations of the device that are known; at 160 no more are learned" },
	[METRICS_DEVICE_LEASE] = { "device_lease_seconds", METRICS_GAUGE, DEVICE, "devices",
		"Seconds left of the device's lease" },
	[METRICS_DEVICE_BINDINGS] = { "device_bindings", METRICS_GAUGE, DEVICE, "devices",
		"Addresses that are bound to the device" },
};

/** metrics_name - what a family is */
const struct metrics_name *metrics_name(enum metrics_family family)
{
	return &names[family];
}

static const char *type_name(enum metrics_type type)
{
	return type == METRICS_COUNTER ? "counter" : type == METRICS_INFO ? "info" : "gauge";
}

/**
 * metrics_names - print the table: name, type, labels, how many series, what it is; tabs between
 * @out: where to
 */
void metrics_names(FILE *out)
{
	size_t i;

	for (i = 0; i < METRICS_FAMILIES; i++)
		fprintf(out, "cordon_%s\t%s\t%s\t%s\t%s\n", names[i].name, type_name(names[i].type),
			names[i].labels ? names[i].labels : "-", names[i].series, names[i].help);
}

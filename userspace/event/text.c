// SPDX-License-Identifier: GPL-2.0
/* Events as text. */
#include <net/if.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>

#include "event/event.h"
#include "host/facts.h"

/**
 * event_tls_text - a version of TLS
 * @version: as on the wire
 * @out: where to
 */
const char *event_tls_text(u32 version, char out[EVENT_TLS_LEN])
{
	static const char *const names[] = { "SSL3.0", "TLS1.0", "TLS1.1", "TLS1.2", "TLS1.3" };

	if (version >= 0x0300 && version < 0x0300 + sizeof(names) / sizeof(*names))
		return names[version - 0x0300];
	snprintf(out, EVENT_TLS_LEN, "0x%04x", version);
	return out;
}

/**
 * event_service_text - tcp/443 (https), icmp/echo-request, gre; the name of a port is that of services(5)
 * @protocol: IANA number
 * @port: the port, or the type of ICMP
 * @out: where to
 */
const char *event_service_text(u32 protocol, u32 port, char out[EVENT_SERVICE_LEN])
{
	struct cordon_match m = { .proto = protocol, .lo = port, .hi = port };
	char match[POLICY_MATCH_LEN], proto[POLICY_PROTO_LEN];
	bool ports = cordon_proto_has_ports(protocol);
	struct servent *service = ports ? getservbyport(htons(port), policy_proto_text(protocol, proto)) : NULL;

	if (!ports && protocol != IPPROTO_ICMP && protocol != IPPROTO_ICMPV6)
		snprintf(out, EVENT_SERVICE_LEN, "%s", policy_proto_text(protocol, proto));
	else if (service)
		snprintf(out, EVENT_SERVICE_LEN, "%s (%.40s)", policy_match_text(&m, match), service->s_name);
	else
		snprintf(out, EVENT_SERVICE_LEN, "%s", policy_match_text(&m, match));
	return out;
}

__attribute__((format(printf, 3, 4)))
static size_t add(char *out, size_t len, const char *fmt, ...)
{
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(out + len, EVENT_TEXT_LEN - len, fmt, args);
	va_end(args);
	if (n < 0)
		return len;
	return len + n < EVENT_TEXT_LEN ? len + n : EVENT_TEXT_LEN - 1;
}

/**
 * event_binding_text - a line about a binding, without its end
 * @b: the binding
 * @out: where to
 */
const char *event_binding_text(const struct cnl_binding *b, char out[EVENT_TEXT_LEN])
{
	static const char *const by[] = {
		[CORDON_ORIGIN_POLICY] = "the policy", [CORDON_ORIGIN_DHCP] = "DHCP",
		[CORDON_ORIGIN_ND] = "neighbour discovery", [CORDON_ORIGIN_ARP] = "ARP",
	};
	char addr[POLICY_ADDR_LEN], mac[18];
	size_t n;

	if (b->ends && !b->lease) {
		add(out, 0, "address %s: no longer bound to %s (%s)", policy_addr_text(&b->addr, addr), b->name,
		    policy_mac_text(b->mac, mac));
		return out;
	}
	n = add(out, 0, "address %s: bound to %s (%s) by %s", policy_addr_text(&b->addr, addr), b->name,
		policy_mac_text(b->mac, mac), b->origin < sizeof(by) / sizeof(*by) ? by[b->origin] : policy_origin_name(b->origin));

	if (b->ends)
		add(out, n, ", for %u s", b->lease);
	return out;
}

/**
 * event_anomaly_text - a line about an anomaly, without its end
 * @e: the event
 * @out: where to
 */
const char *event_anomaly_text(const struct cnl_event *e, char out[EVENT_TEXT_LEN])
{
	char from[POLICY_ADDR_LEN], to[POLICY_ADDR_LEN], mac[18], dev[IF_NAMESIZE], name[CORDON_IFNAME_LEN];
	char service[EVENT_SERVICE_LEN], version[EVENT_TLS_LEN];
	u32 i;
	size_t n = add(out, 0, "anomaly %s: %s", policy_kind_name(e->anomaly.kind),
		       e->anomaly.name[0] ? e->anomaly.name : "unknown device");

	if (e->anomaly.has_mac)
		n = add(out, n, " (%s)", policy_mac_text(e->anomaly.mac, mac));
	if (e->anomaly.ifindex && if_indextoname(e->anomaly.ifindex, dev))
		n = add(out, n, " on %s", host_clean(dev, name));
	for (i = 0; i < e->anomaly.ports.n; i++)
		n = add(out, n, "%s %s", i ? "," : e->anomaly.ports.n > 1 ? ", not on its ports" : ", not on its port",
			host_clean(e->anomaly.ports.name[i], name));
	n = add(out, n, ": %s -> %s %s: %s", policy_addr_text(&e->anomaly.source, from),
		policy_addr_text(&e->anomaly.destination, to),
		event_service_text(e->anomaly.protocol, e->anomaly.dport, service),
		e->anomaly.denied ? "denied" : "passed");
	if (e->anomaly.server[0])
		n = add(out, n, ", server %s", e->anomaly.server);
	if (e->anomaly.tls_offered)
		n = add(out, n, ", offered %s", event_tls_text(e->anomaly.tls_offered, version));
	if (e->anomaly.tls_selected)
		n = add(out, n, ", selected %s", event_tls_text(e->anomaly.tls_selected, version));
	if (e->anomaly.suppressed)
		n = add(out, n, ", and %u more before it", e->anomaly.suppressed);
	if (e->anomaly.action >= 0)
		add(out, n, "; limit reached: %s", policy_action_name(e->anomaly.action));
	return out;
}

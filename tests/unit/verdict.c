// SPDX-License-Identifier: GPL-2.0
/* verdict CASES: answer the cases of model.py with the kernel's own code, one line for each.
 *
 *	policy FILE
 *	posture DEVICE QUARANTINED OUTDATED LEASED WAS_LEASED
 *	flow FROM TO PROTOCOL PORT	an end is "gateway" or an address
 *	door MAC PORT|- SOURCE
 *	link NAME ADDRESS/LENGTH...	of the gateway; forgotten with the next policy
 *	packet DEVICE|- SOURCE|gateway IN|- DESTINATION|gateway OUT|- PROTOCOL PORT
 */
#include <stdlib.h>
#include <string.h>

#include "../../kernel/core/decide.h"
#include "../../userspace/lib/explain.h"
#include "../../userspace/lib/policy.h"
#include "../../userspace/lib/yaml.h"

#define OTHER_PORT	0xfffe	/* one that the policy does not name */

static struct cordon_policy *policy;
static struct cordon_posture *postures;
static struct explain gateway;

static void die(const char *what, const char *value)
{
	fprintf(stderr, "verdict: %s: %s\n", what, value);
	exit(1);
}

static void take_policy(const char *path)
{
	struct cordon_error err;
	struct policy *draft;

	free(policy);
	free(postures);
	explain_free(&gateway);
	memset(&gateway, 0, sizeof(gateway));
	if (policy_load(path, &draft, stderr) || policy_seal(draft, &policy, &err))
		die("refused", path);
	postures = calloc(policy->draft.n_devices + 1, sizeof(*postures));
	gateway.p = policy;
	gateway.ends = calloc(policy->draft.n_devices + 1, sizeof(*gateway.ends));
	policy_free(draft);
}

static void take_posture(const char *name, const int *v)
{
	u32 device = cordon_policy_device_by_name(policy, name);

	if (device == CORDON_NO_DEVICE)
		die("no device", name);
	postures[device] = (struct cordon_posture){ v[0], v[1], v[2], v[3] };
}

static struct cordon_addr address(const char *text)
{
	struct cordon_addr a;

	if (policy_addr_parse(text, &a))
		die("no address", text);
	return a;
}

static struct cordon_end end(const char *text)
{
	struct cordon_addr a;
	u32 device;

	if (!strcmp(text, "gateway"))
		return cordon_end_gateway();
	a = address(text);
	device = cordon_policy_device_by_addr(policy, &a);
	return device == CORDON_NO_DEVICE ? cordon_end_address(policy, &a) :
		cordon_end_device(policy, device, &postures[device]);
}

static const char *segment(const struct cordon_end *e)
{
	return e->segment == CORDON_NO_SEGMENT ? "-" : policy->draft.segments[e->segment].name;
}

static const char *state(const struct cordon_end *e)
{
	return e->device == CORDON_NO_DEVICE ? "-" : policy_state_name(e->state);
}

static void answer_flow(const char *from_text, const char *to_text, int proto, int port)
{
	struct cordon_end from = end(from_text), to = end(to_text);
	struct cordon_verdict v = cordon_decide_connection(policy, &from, &to, proto, port);

	printf("%s %s %s %s %s\n", segment(&from), state(&from), segment(&to), state(&to),
	       !v.accept ? policy_kind_name(v.kind) :
	       v.reason == CORDON_PASS_RULE && v.plaintext ? "pass,plaintext" : "pass");
}

static u16 port_of(const char *name)
{
	u32 i;

	for (i = 0; i < policy->draft.n_ports; i++)
		if (!strcmp(policy->draft.ports[i].name, name))
			return i;
	return OTHER_PORT;
}

static void answer_door(const char *mac_text, const char *port, const char *source)
{
	struct cordon_flow flow = { .src = address(source), .proto = 6, .hop_limit = 64 };
	struct cordon_verdict v;
	u8 mac[6];

	if (policy_mac_parse(mac_text, mac))
		die("no MAC", mac_text);
	v = cordon_decide_source(policy, cordon_policy_device_by_mac(policy, mac), port_of(port), 0, &flow);
	puts(v.accept ? "pass" : policy_kind_name(v.kind));
}

static void take_link(char *line)
{
	struct cordon_network_def net;
	char *word = strtok(line, " \n");
	struct explain_link *link;

	word = strtok(NULL, " \n");
	if (explain_add_link(&gateway, word))
		die("no memory", word);
	link = &gateway.links[gateway.n_links - 1];
	while ((word = strtok(NULL, " \n")))
		if (policy_network_parse(word, &net) || explain_add_address(link, &net.addr, &net.addr, net.len))
			die("no address", word);
}

static const struct explain_link *link_of(const char *name)
{
	const struct explain_link *link = strcmp(name, "-") ? explain_find_link(&gateway, name) : NULL;

	if (!link && strcmp(name, "-"))
		die("no link", name);
	return link;
}

static void answer_packet(char *const *w, int proto, int port)
{
	struct explain_packet packet = { .flow = { .proto = proto, .dport = port } };
	struct explain_answer answers[16];
	u32 i, n;

	for (i = 0; i < policy->draft.n_devices; i++)
		gateway.ends[i] = cordon_end_device(policy, i, &postures[i]);
	packet.device = strcmp(w[0], "-") ? cordon_policy_device_by_name(policy, w[0]) : CORDON_NO_DEVICE;
	packet.gateway = !strcmp(w[1], "gateway");
	packet.to_gateway = !strcmp(w[3], "gateway");
	if (!packet.gateway)
		packet.flow.src = address(w[1]);
	if (!packet.to_gateway)
		packet.flow.dst = address(w[3]);
	packet.in = link_of(w[2]);
	packet.out = link_of(w[4]);
	explain_complete(&gateway, &packet);
	n = explain_packet(&gateway, &packet, answers);
	for (i = 0; i < n; i++) {
		const struct explain_answer *a = &answers[i];

		printf("%s%s:%s", i ? " " : "", a->local ? "here" : a->out ? a->out->name : "-",
		       a->v.accept ? "pass" : policy_kind_name(a->v.kind));
		if (a->v.accept && a->encryption != CORDON_ENCRYPTION_ANY)
			printf(",%s", policy_encryption_name(a->encryption));
		if (a->v.accept && a->v.related)
			printf(",related");
	}
	putchar('\n');
}

int main(int argc, char **argv)
{
	FILE *cases = argc == 2 ? fopen(argv[1], "r") : NULL;
	char line[512], a[256], b[256], c[256], d[256], e[256];
	char *const words[] = { a, b, c, d, e };
	int v[4];

	if (!cases)
		return 2;
	while (fgets(line, sizeof(line), cases)) {
		if (sscanf(line, "policy %255s", a) == 1)
			take_policy(a);
		else if (sscanf(line, "posture %255s %d %d %d %d", a, v, v + 1, v + 2, v + 3) == 5)
			take_posture(a, v);
		else if (sscanf(line, "flow %255s %255s %d %d", a, b, v, v + 1) == 4)
			answer_flow(a, b, v[0], v[1]);
		else if (sscanf(line, "door %255s %255s %255s", a, b, c) == 3)
			answer_door(a, b, c);
		else if (sscanf(line, "packet %255s %255s %255s %255s %255s %d %d", a, b, c, d, e, v, v + 1) == 7)
			answer_packet(words, v[0], v[1]);
		else if (sscanf(line, "link %255s", a) == 1)
			take_link(line);
		else
			die("no case", line);
	}
	fclose(cases);
	free(policy);
	free(postures);
	explain_free(&gateway);
	return 0;
}

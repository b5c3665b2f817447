// SPDX-License-Identifier: GPL-2.0
/* When a rule last let a connection begin: rules that overlap, rules for everything, another policy with the same rules. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../kernel/core/decide.h"
#include "../../userspace/lib/policy.h"
#include "../../userspace/lib/yaml.h"
#include "tap.h"

#define FILE_NAME "used.yaml"
#define HEAD "version: 1\nports: [lan0]\nuplinks: []\nsegments:\n  a: {}\n  b: {networks: [10.1.0.0/16]}\n  c: {networks: [10.2.0.0/16]}\nrules:\n"

static const char rules[] =
	HEAD
	"  - {from: a, to: b, allow: [tcp/80, udp/53]}\n"
	"  - {from: a, to: b, allow: [tcp/1-100]}\n"
	"  - {from: a, to: b, allow: [tcp/443]}\n"
	"  - {from: b, to: a, allow: [any]}\n"
	"  - {from: b, to: a, allow: [tcp/22]}\n"
	"  - {from: a, to: c, allow: [tcp/0-65535]}\n";

static struct cordon_policy *sealed(const char *text)
{
	struct cordon_policy *out = NULL;
	FILE *file = fopen(FILE_NAME, "w");
	struct cordon_error err;
	struct policy *p = NULL;

	if (!file || fputs(text, file) == EOF || fclose(file) || policy_load(FILE_NAME, &p, stderr) ||
	    policy_seal(p, &out, &err))
		exit(1);
	unlink(FILE_NAME);
	policy_free(p);
	return out;
}

/* A connection is decided on as the kernel does, and begins at a time. */
static bool begins(const struct cordon_policy *p, const char *from, const char *to, u8 proto, u16 port, u32 now)
{
	const struct cordon_end a = { CORDON_NO_DEVICE, cordon_policy_segment_by_name(p, from), 0 };
	const struct cordon_end b = { CORDON_NO_DEVICE, cordon_policy_segment_by_name(p, to), 0 };
	const struct cordon_verdict v = cordon_decide_connection(p, &a, &b, proto, port);

	if (!v.accept || v.reason != CORDON_PASS_RULE)
		return false;
	cordon_policy_note_use(p, v.use, now);
	return true;
}

static bool used(const struct cordon_policy *p, const u32 *wanted)
{
	bool same = true;
	u32 i;

	for (i = 0; i < p->draft.n_rules; i++)
		same &= cordon_policy_rule_used(p, i) == wanted[i];
	return same;
}

static void test_rules(void)
{
	struct cordon_policy *p = sealed(rules);

	ok(used(p, (u32[]){ 0, 0, 0, 0, 0, 0 }), "at first none was used");
	ok(!begins(p, "a", "b", 6, 8080, 5) && used(p, (u32[]){ 0, 0, 0, 0, 0, 0 }), "what is denied uses none");
	ok(begins(p, "a", "b", 6, 443, 10) && used(p, (u32[]){ 0, 0, 10, 0, 0, 0 }), "one port");
	ok(begins(p, "a", "b", 6, 80, 20) && used(p, (u32[]){ 20, 20, 10, 0, 0, 0 }), "where rules overlap, each of them");
	ok(begins(p, "a", "b", 6, 7, 30) && used(p, (u32[]){ 20, 30, 10, 0, 0, 0 }), "of a range, what the other does not open");
	ok(begins(p, "a", "b", 17, 53, 15) && used(p, (u32[]){ 20, 30, 10, 0, 0, 0 }), "the later of two matches counts");
	ok(begins(p, "b", "a", 47, 0, 40) && used(p, (u32[]){ 20, 30, 10, 40, 0, 0 }), "everything is open: that rule alone");
	ok(begins(p, "b", "a", 6, 22, 50) && used(p, (u32[]){ 20, 30, 10, 50, 50, 0 }), "and what another rule names, both");
	ok(begins(p, "a", "c", 6, 65535, 60) && begins(p, "a", "c", 6, 0, 61) && used(p, (u32[]){ 20, 30, 10, 50, 50, 61 }),
	   "the first and the last port");
	free(p);
}

static void test_wraps(void)
{
	struct cordon_policy *p = sealed(rules);

	begins(p, "a", "b", 6, 80, 0xfffffff0);
	begins(p, "a", "b", 17, 53, 3);
	ok(cordon_policy_rule_used(p, 0) == 3, "a clock that wraps");
	free(p);
}

static void test_carried(void)
{
	static const u32 all[] = { 20, 20, 10, 0, 0, 60 }, none[] = { 0, 0, 0, 0, 0, 0 };
	struct cordon_policy *p = sealed(rules), *same = sealed(rules), *other;
	char text[sizeof(rules)];

	begins(p, "a", "b", 6, 443, 10);
	begins(p, "a", "b", 6, 80, 20);
	begins(p, "a", "c", 6, 1, 60);
	cordon_policy_carry_used(same, p);
	ok(used(same, all), "the same rules in another policy: their use goes on");
	strcpy(text, rules);
	memcpy(strstr(text, "443"), "444", 3);
	other = sealed(text);
	cordon_policy_carry_used(other, p);
	ok(used(other, none), "another port: it begins anew");
	free(other);
	strcpy(text, rules);
	*strstr(text, "c: {networks") = 'd';
	strstr(text, "to: c")[4] = 'd';
	other = sealed(text);
	cordon_policy_carry_used(other, p);
	ok(used(other, none), "a segment of another name: likewise");
	free(other);
	free(same);
	free(p);
}

int main(void)
{
	test_rules();
	test_wraps();
	test_carried();
	return tap_done();
}

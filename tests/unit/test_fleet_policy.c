// SPDX-License-Identifier: GPL-2.0
/* A fleet's policy on one gateway: what is ordered, what hand does with it, and what is told. */
#include "fleet_policy.h"

#define APPLY(confirm, text, common) "{\"do\":\"apply\",\"confirm\":" #confirm ",\"common\":" common \
	",\"gateways\":{\"a\":\"" text "\",\"b\":\"version: 1\\n\"}}"
#define ONE	"version: 1\\nmode: observe\\nports: [lan0]\\ninclude: ../common.yaml\\n"
#define TWO	"version: 1\\nmode: observe\\nports: [lan0, lan1]\\ninclude: ../common.yaml\\n"
#define COMMON	"\"segments: {iot: {}}\\n\""

static void refused(const char *name, const char *question, const char *words, uint64_t client)
{
	ask(question, client);
	ok(!strcmp(said_is, "refused") && strstr(why(), words), "refused: %s: %s", name, why());
}

static void test_refused(void)
{
	refused("not root", APPLY(0, ONE, "null"), "only root", 9);
	refused("not root's to confirm", "{\"do\":\"confirm\"}", "only root", 9);
	refused("no gateways", "{\"do\":\"apply\",\"gateways\":{}}", "no sense", 1);
	refused("a stranger", "{\"do\":\"apply\",\"gateways\":{\"x\":\"version: 1\"}}", "'x' is not in the fleet", 1);
	refused("an expelled one", "{\"do\":\"apply\",\"gateways\":{\"gone\":\"version: 1\"}}", "'gone' is not in", 1);
	refused("one is missing", "{\"do\":\"apply\",\"gateways\":{\"a\":\"version: 1\"}}", "'b' is in the fleet, and has no file", 1);
	refused("an empty file", "{\"do\":\"apply\",\"gateways\":{\"a\":\"\",\"b\":\"x\"}}", "'a': the file is empty", 1);
	refused("no number", APPLY(-1, ONE, "null"), "no sense", 1);
	refused("nothing to confirm", "{\"do\":\"confirm\"}", "no policy was ever ordered", 1);
	etcd_is = AWAY;
	ask(APPLY(0, ONE, "null"), 1);
	ok(!strcmp(said_is, "unreachable") && strstr(why(), "nothing has changed"), "etcd is away: %s", why());
	etcd_is = BEATEN;
	refused("somebody was faster", APPLY(0, ONE, COMMON), "somebody else ordered", 1);
	ok(!value_of(POLICY_ORDER), "nothing of it is ordered");
}

static void test_for_good(void)
{
	ask(APPLY(0, ONE, COMMON), 1);
	ok(!strcmp(said_is, "done") && number() == 1 && transactions == 1, "a first policy, in one transaction");
	kernel.generation = 8;
	ok(until("\"number\":1,\"is\":\"in force\""), "is in force here");
	ok(holds_text("argv", "apply gateway/a.yaml\n"), "by fixed words");
	ok(holds_text("a.yaml", "include: ../common.yaml") && holds_text("common.yaml", "segments: {iot: {}}"),
	   "its two files were there");
	ok(!holds_text("env", "HOME") && holds_text("env", "PATH=/usr/sbin"), "its environment is its own");
	ok(holds_text("policy.yaml", "# The fleet's policy, number 1") && holds_text("policy.yaml", "iot"),
	   "the next start has it");
	ok(holds_text("policy.yaml.before", "# mine"), "what was there is kept");
	ask(APPLY(0, ONE, COMMON), 1);
	ok(!strcmp(said_is, "done") && number() == 1 && !transactions, "the same again is no change");
}

static void test_trial(void)
{
	ask(APPLY(600, TWO, COMMON), 1);
	ok(number() == 2 && json_integer_value(json_object_get(said, "changed")) == 1, "one text has changed");
	kernel.generation = 9;
	kernel.awaiting = true;
	ok(until("\"number\":2,\"is\":\"on trial\""), "it is on trial");
	ok(holds_text("argv", "apply gateway/a.yaml --confirm 600s\n"), "by the kernel's own timer");
	ok(holds_text("policy.yaml", "number 1"), "the next start has the one before");
	refused("one is on trial", APPLY(0, ONE, COMMON), "policy 2 is on trial for another", 1);
	etcd_is = LOST;
	ask("{\"do\":\"confirm\"}", 1);
	ok(!strcmp(said_is, "done") && number() == 2, "confirmed, though the answer was lost");
	ok(until("\"number\":2,\"is\":\"in force\""), "and in force for good");
	kernel.awaiting = false;
	ok(holds_text("argv", "confirm\n"), "by fixed words");
	ok(holds_text("policy.yaml", "number 2") && holds_text("policy.yaml", "lan1"), "also for the next start");
	refused("confirmed already", "{\"do\":\"confirm\"}", "is confirmed already", 1);
}

static void test_rolled_back(void)
{
	ask(APPLY(600, ONE, COMMON), 1);
	kernel.generation = 10;
	kernel.awaiting = true;
	ok(until("\"number\":3,\"is\":\"on trial\""), "another trial");
	kernel.generation = 11;
	kernel.awaiting = false;
	ok(until("\"is\":\"rolled back\",\"why\":\"nobody confirmed it\""), "that nobody confirms");
	ok(strstr(value_of("from/a/policy"), "\"good\":2"), "the one before counts");
	ok(holds_text("policy.yaml", "number 2"), "also for the next start");
}

/* The order of policy 3 is over by the clock. */
static void expire(void)
{
	static const char over[] = "{\"v\":1,\"number\":3,\"until\":5,\"confirm\":600,\"before\":2,\"force\":false,\"by\":\"a\"}";

	revision++;
	put(POLICY_ORDER, over, strlen(over));
	fleet_policy_changed(&fleet);
}

static void test_refuses(void)
{
	size_t i = find(POLICY_ORDER);
	int64_t before;

	expire();
	before = keys[i].revision;
	refused("too late", "{\"do\":\"confirm\"}", "was not confirmed in time", 1);
	ok(keys[i].revision == before, "and nothing is written");
	ask(APPLY(0, TWO, COMMON), 1);
	ok(until("\"number\":4,\"is\":\"in force\"") && holds_text("a.yaml", "lan1"),
	   "what was in force before, again: not the text that nobody confirmed");
	write_file("does", "echo 'gateway/a.yaml:3:9: no such port' >&2; exit 1\n");
	ask(APPLY(0, ONE, "null"), 1);
	ok(number() == 5, "a number is given once");
	ok(until("\"number\":5,\"is\":\"refused\",\"why\":\"gateway/a.yaml:3:9: no such port\""), "refused, and why");
	ok(strstr(value_of("from/a/policy"), "\"good\":4"), "the one before stays");
	write_file("does", "head -c 100000 /dev/zero | tr '\\0' '\\377' >&2; exit 1\n");
	ask(APPLY(0, "version: 1\\nports: [lan9]\\n", "null"), 1);
	ok(until("\"number\":6,\"is\":\"refused\",\"why\":\"???"), "what it says is bounded, and text");
	ok(strlen(value_of("from/a/policy")) < HAND_NOTE, "in etcd, too");
	write_file("argv", "");
	ask(APPLY(0, "version: 1\\ninclude: /etc/shadow\\n", "null"), 1);
	ok(until("\"number\":7,\"is\":\"refused\",\"why\":\"gateway/a.yaml:2:10: a gateway's file"), "no file of its own disk");
	ok(!holds_text("argv", "apply"), "not even tried");
	write_file("does", "exit 0\n");
	ask(APPLY(0, ONE, COMMON), 1);
	kernel.generation = 12;
	ok(until("\"number\":8,\"is\":\"in force\""), "a better one is taken");
}

/* On the gateway itself somebody says 'cordonctl confirm'. */
static void test_confirmed_here(void)
{
	ask(APPLY(600, TWO, COMMON), 1);
	kernel.generation = 20;
	kernel.awaiting = true;
	ok(until("\"number\":9,\"is\":\"on trial\""), "on trial");
	write_file("argv", "");
	kernel.awaiting = false;
	ok(until("\"number\":9,\"is\":\"in force\""), "confirmed on the gateway itself, it is in force");
	ok(holds_text("policy.yaml", "number 9") && !holds_text("argv", "confirm"), "also for the next start");
	ask("{\"do\":\"confirm\"}", 1);
	ok(number() == 9 && !holds_text("argv", "confirm"), "confirmed for the fleet, nothing is left to do");
}

static void test_changed_here(void)
{
	json_t *status;

	write_file("does", "case $1 in diff) exit 3;; esac\n");
	kernel.generation = 23;
	fleet_policy_changed(&fleet);
	ok(until("\"differs\":true"), "somebody applied another one here");
	status = fleet_policy_status(&fleet);
	ok(json_is_true(json_object_get(status, "differs")), "fleet status says so");
	json_decref(status);
	ok(holds_text("argv", "diff ") && !holds_text("argv", "--fleet"), "which diff tells");
	write_file("does", "exit 0\n");
	kernel.generation = 24;
	fleet_policy_changed(&fleet);
	ok(until("\"differs\":false"), "and back");
}

static void test_again(void)
{
	stop();
	write_file("argv", "");
	start(NULL);
	ok(until("\"number\":9,\"is\":\"in force\"") && fleet.policy->had.good == 9, "a new start knows what there is");
	ok(!holds_text("argv", "apply"), "and applies nothing");
	stop();
	/* While it was away: 10 was put in force, 11 is on trial, and that is over. */
	revision++;
	put(POLICY_GATEWAY "a", "{\"v\":1,\"texts\":[{\"number\":11,\"text\":\"version: 9\"},{\"number\":10,\"text\":\"version: 1"
	    "\\nmode: observe\\nports: [lan8]\\n\"}]}", 200);
	put(POLICY_ORDER, "{\"v\":1,\"number\":11,\"until\":5,\"confirm\":60,\"before\":10,\"by\":\"b\"}", 200);
	start("/state");
	kernel.generation = 25;
	ok(until("\"number\":11,\"is\":\"rolled back\""), "it says that the trial was over");
	ok(fleet.policy->had.good == 10 && holds_text("a.yaml", "lan8"), "and has what was confirmed meanwhile");
	ok(holds_text("policy.yaml", "number 10"), "also for the next start");
	ok(holds_text("argv", "apply gateway/a.yaml --state /state\n"), "and in the place of the last good one that was said");
}

/* cordon-fleet begins anew while hand is at work: what it says of that is not taken for something else. */
static void test_anew(void)
{
	write_file("does", "case $1 in apply) echo old >&2; exit 1;; esac\n");
	ask(APPLY(0, TWO, COMMON), 1);
	while (!fleet.policy->busy || fleet.policy->doing != HAND_APPLY)
		event_base_loop(fleet.base, EVLOOP_ONCE);
	fleet_policy_end(&fleet);
	ok(!fleet_policy_begin(&fleet), "begun anew");
	ok(until("\"number\":12,\"is\":\"refused\"") && fleet.policy->had.good == 10, "the order is tried again, and refused");
}

static void test_shows(void)
{
	json_t *a;

	ask("{\"do\":\"policy\"}", 1);
	a = json_object_get(json_object_get(said, "gateways"), "a");
	ok(!strcmp(said_is, "done") && json_is_true(json_object_get(a, "here")) &&
	   json_array_size(json_object_get(a, "ports")) == 2, "who is here, with which interfaces");
	ok(json_integer_value(json_object_get(json_object_get(a, "policy"), "number")) == 11, "and which policy");
	a = json_object_get(json_object_get(said, "gateways"), "b");
	ok(json_is_false(json_object_get(a, "here")) && json_is_null(json_object_get(a, "policy")), "and who is not");
	ask("{\"do\":\"policy\"}", 9);
	ok(!strcmp(said_is, "refused"), "only root is told");
}

int main(void)
{
	set_up();
	start(NULL);
	test_refused();
	test_for_good();
	test_trial();
	test_rolled_back();
	test_refuses();
	test_confirmed_here();
	test_changed_here();
	test_again();
	test_shows();
	test_anew();
	stop();
	json_decref(said);
	while (n_keys)
		free(keys[--n_keys].value);
	event_base_loop(fleet.base, EVLOOP_NONBLOCK);
	event_base_free(fleet.base);
	tree_remove(dir);
	return tap_done();
}

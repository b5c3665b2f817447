// SPDX-License-Identifier: GPL-2.0
/* A fleet's policy in parts: the order, texts with numbers, what a file may include, and what hand runs. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "fleet/policy.h"
#include "lib/yaml_fleet.h"

#include "tap.h"

static void test_order(void)
{
	static const char * const bad[] = {
		"", "[]", "{\"v\":2,\"number\":1,\"until\":0,\"confirm\":0,\"before\":0}",
		"{\"v\":1,\"number\":0,\"until\":0,\"confirm\":0,\"before\":0}",
		"{\"v\":1,\"number\":1,\"until\":9,\"confirm\":0,\"before\":0}",
		"{\"v\":1,\"number\":1,\"until\":0,\"confirm\":0,\"before\":1}",
		"{\"v\":1,\"number\":2,\"until\":9,\"confirm\":86401,\"before\":1}",
		"{\"v\":1,\"number\":\"1\",\"until\":0,\"confirm\":0,\"before\":0}",
	};
	static const char good[] = "{\"v\":1,\"number\":2,\"until\":9,\"confirm\":60,\"before\":1,\"force\":true,\"by\":\"b\"}";
	struct fleet_order o;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		ok(fleet_order_parse(bad[i], strlen(bad[i]), &o) == -EPROTO && !o.number, "an order that makes no sense: %zu", i);
	ok(!fleet_order_parse(good, strlen(good), &o) && o.number == 2 && o.until == 9 && o.confirm == 60 && o.force &&
	   !strcmp(o.by, "b"), "one that does");
	ok(fleet_order_good(&o) == 1, "on trial, the one before counts");
	o.until = 0;
	ok(fleet_order_good(&o) == 2, "confirmed, it counts itself");
}

static void test_texts(void)
{
	json_t *one = fleet_texts_put(NULL, 0, 3, json_string("three"));
	json_t *two = fleet_texts_put(json_object_get(one, "texts"), 4, 5, json_string("five"));
	json_t *three = fleet_texts_put(json_object_get(two, "texts"), 4, 6, json_null());
	json_t *at = json_object_get(three, "texts");

	ok(!fleet_texts_at(NULL, 9) && !fleet_texts_last(NULL), "no texts");
	ok(!fleet_texts_at(json_object_get(two, "texts"), 2), "none of before the first");
	ok(!strcmp(json_string_value(fleet_texts_at(json_object_get(two, "texts"), 4)), "three"), "the last up to a number");
	ok(json_array_size(at) == 2 && fleet_texts_last(at) == 6, "what nobody confirmed is dropped");
	ok(!strcmp(json_string_value(fleet_texts_at(at, 5)), "three"), "and does not become another's");
	ok(json_is_null(fleet_texts_at(at, 6)), "none any more");
	json_decref(one);
	json_decref(two);
	json_decref(three);
}

static bool has(const char *port, void *arg)
{
	(void)arg;
	return !strcmp(port, "lan0");
}

static int includes(const char *text, bool *common)
{
	FILE *out = fopen("/dev/null", "w");
	int n = policy_fleet_includes("a.yaml", text, strlen(text), common, out);

	fclose(out);
	return n;
}

static void test_files(void)
{
	static const char ports[] = "ports: [lan0,\n  lan7]\n";
	char *text = NULL;
	bool common;
	size_t len;
	FILE *out;

	ok(!includes("version: 1\n", &common) && !common, "a file without include");
	ok(!includes("include: ../common.yaml\n", &common) && common, "with the common one");
	ok(!includes("include: [../common.yaml]\n", &common) && common, "as a list");
	ok(includes("include: /etc/shadow\n", &common) == 1, "not with one of the gateway's own");
	ok(includes("include: [../common.yaml, ../*.yaml]\n", &common) == 1, "nor a pattern");
	ok(includes("include: {x: y}\n", &common) == 1, "nor anything else");
	ok(includes("include: ../common.yaml\ninclude: /etc/shadow\n", &common) == 1, "nor the second time");
	ok(includes("include: [", &common) == 1, "no YAML");
	out = open_memstream(&text, &len);
	ok(policy_fleet_ports("a.yaml", ports, strlen(ports), "a", has, NULL, out) == 1, "a port that is not there");
	fclose(out);
	ok(strstr(text, "a.yaml:2:3: gateway 'a' has no interface 'lan7'"), "is told with its place: %s", text);
	free(text);
}

static void test_hand(void)
{
	char words[HAND_WHY], *argv[] = { "sh", "-c", "exec tail -f /dev/null", NULL }, *none[] = { "none", NULL };
	struct priv_channel here, there;

	ok(hand_run("/bin/sh", argv, 200, words) == -ETIMEDOUT && strstr(words, "did not end within"), "a command that hangs");
	ok(hand_run("/nonexistent", none, 5000, words) == 127 && strstr(words, "No such file"), "one that is not there");
	argv[2] = "kill -9 $$";
	ok(hand_run("/bin/sh", argv, 5000, words) == -ECHILD, "one that a signal ends");
	if (priv_channel_pair(&here, &there))
		return;
	priv_send(&here, "nonsense", 8);
	hand_serve(&there, NULL);
	ok(true, "what makes no sense ends it");
	priv_channel_close(&there);
	priv_channel_close(&here);
	symlink("/etc", "/tmp/cordon-policy-link");
	ok(hand_enter("/tmp/cordon-policy-link") != 0, "not into a directory by way of a link");
	unlink("/tmp/cordon-policy-link");
}

int main(void)
{
	test_order();
	test_texts();
	test_files();
	test_hand();
	return tap_done();
}

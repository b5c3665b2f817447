// SPDX-License-Identifier: GPL-2.0
/* What cordonctl prints of the kernel's objects is JSON, whatever is in them. */
#include <fcntl.h>
#include <unistd.h>

#include "../../userspace/ctl/out.c"
#include "tap.h"

/* What @print writes to standard output, to be freed. */
static char *printed(void (*print)(void *arg), void *arg)
{
	static char text[65536];
	char path[] = "/tmp/test_out.XXXXXX";
	int fd = mkstemp(path), out = dup(STDOUT_FILENO);
	ssize_t n;

	unlink(path);
	fflush(stdout);
	dup2(fd, STDOUT_FILENO);
	print(arg);
	fflush(stdout);
	dup2(out, STDOUT_FILENO);
	n = pread(fd, text, sizeof(text) - 1, 0);
	text[n > 0 ? n : 0] = 0;
	close(fd);
	close(out);
	return text;
}

static json_t *parsed(void (*print)(void *arg), void *arg)
{
	return json_loads(printed(print, arg), JSON_DECODE_ANY, NULL);
}

static void print(void *arg)
{
	json_print(arg);
}

static void line(void *arg)
{
	json_line(arg);
}

/* @arg: how many members */
static void list(void *arg)
{
	struct json_list l = { false };
	int i;

	for (i = 0; i < *(int *)arg; i++)
		json_list_add(&l, i ? json_text("lan\xff") : json_string("lan0"));
	json_list_end(&l);
}

static void test_scalars(void)
{
	json_t *v;

	v = parsed(print, json_string("lan0"));
	ok(json_is_string(v), "a string alone");
	json_decref(v);
	v = parsed(print, json_null());
	ok(json_is_null(v), "null alone");
	json_decref(v);
	v = parsed(line, json_integer(7));
	ok(json_integer_value(v) == 7, "a number on a line");
	json_decref(v);
	v = parsed(print, json_pack("{s:s}", "name", "\xff"));
	ok(json_is_null(v), "what could not be made is null");
	json_decref(v);
}

static void test_lists(void)
{
	json_t *v;
	int n;

	for (n = 0; n < 3; n++) {
		v = parsed(list, &n);
		ok(json_is_array(v) && json_array_size(v) == (size_t)n, "a list of %d strings", n);
		if (n == 2)
			ok(!strcmp(json_string_value(json_array_get(v, 1)), "lan\xef\xbf\xbd"),
			   "bytes that are no UTF-8 are replaced");
		json_decref(v);
	}
}

static const struct {
	const char *given;
	const char *text;
} texts[] = {
	{ "", "" }, { "a\"\\\n\x01z", "a\"\\\n\x01z" }, { "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80" },
	{ "\x80", "\xef\xbf\xbd" }, { "a\xc3", "a\xef\xbf\xbd" }, { "\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd" },
	{ "\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" }, { "\xf4\x90\x80\x80!", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd!" },
	{ "\xe2\x82", "\xef\xbf\xbd\xef\xbf\xbd" }, { "\xef\xbf\xbd", "\xef\xbf\xbd" }, { "\xff\xfe", "\xef\xbf\xbd\xef\xbf\xbd" },
};

static void test_text(void)
{
	json_t *v;
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		v = parsed(print, json_text(texts[i].given));
		ok(v && !strcmp(json_string_value(v), texts[i].text), "text %zu is UTF-8", i);
		json_decref(v);
	}
}

/* One of each of the kernel's objects, with the largest numbers and the worst names that netlink carries. */
static void test_objects(void)
{
	struct cnl_device d = { .def.n = 1, .def.name = "cam", .ports = { 1, { "\xff" } }, .has_certificate = true,
				.stats = { .rx_bytes = UINT64_MAX, .denied = 1ULL << 53 } };
	struct cnl_segment s = { .def.name = "iot", .bytes = UINT64_MAX };
	struct cnl_summary all = { .awaiting = true, .stats.anomalies = { UINT64_MAX } };
	json_t *v;

	s.def.limits[0] = (struct cordon_limit){ 1, 60, CORDON_ACTION_QUARANTINE };
	v = parsed(print, json_device(&d, true));
	ok(!json_object_get(v, "vlan"), "a device in no VLAN");
	json_decref(v);
	d.def.vlan = 4094;
	v = parsed(print, json_device(&d, true));
	ok(!strcmp(json_string_value(json_object_get(v, "port")), "\xef\xbf\xbd") &&
	   json_integer_value(json_object_get(v, "vlan")) == 4094 &&
	   json_integer_value(json_object_get(json_object_get(v, "stats"), "rx_bytes")) == INT64_MAX &&
	   json_integer_value(json_object_get(json_object_get(v, "stats"), "denied")) == 1LL << 53, "a device");
	json_decref(v);
	d.ports = (struct cnl_ports){ 2, { "lan0", "\xff" } };
	v = parsed(print, json_device(&d, true));
	ok(!json_object_get(v, "port") && json_array_size(json_object_get(v, "ports")) == 2 &&
	   !strcmp(json_string_value(json_array_get(json_object_get(v, "ports"), 1)), "\xef\xbf\xbd"), "one of several ports");
	json_decref(v);
	v = parsed(print, json_segment(&s));
	ok(json_integer_value(json_object_get(v, "bytes")) == INT64_MAX, "a segment");
	json_decref(v);
	v = parsed(line, json_summary(&all));
	ok(json_is_object(json_object_get(v, "stats")) && json_object_get(v, "confirm_seconds"), "the summary");
	json_decref(v);
}

/* What is known of where a device goes: of one of which nobody asks, nothing. */
static void test_destinations(void)
{
	static const struct {
		struct cnl_device device;
		const char *text;
		bool full;
		int seconds;	/* -1, null */
	} rows[] = {
		{ { .has_destinations = true }, "0 destinations known, learning begins with its next connection", false, -1 },
		{ { .has_destinations = true, .destinations = 3, .has_learning = true, .learning = 3600 },
		  "3 destinations known, learning for 1h", false, 3600 },
		{ { .has_destinations = true, .destinations = 12, .has_learning = true }, "12 destinations known", false, 0 },
		{ { .has_destinations = true, .destinations = CORDON_DESTINATIONS_MAX, .has_learning = true },
		  "160 destinations known: too many to learn, and to tell a new one", true, 0 },
	};
	struct cnl_segment s = { .def = { .name = "iot", .learn = 604800 } };
	struct cnl_device other = { .def.n = 0 };
	char text[DESTINATIONS_TEXT_LEN];
	json_t *v, *d, *left;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		v = parsed(print, json_device(&rows[i].device, false));
		d = json_object_get(v, "destinations");
		left = json_object_get(d, "learning_seconds");
		ok(json_integer_value(json_object_get(d, "known")) == rows[i].device.destinations &&
		   json_is_true(json_object_get(d, "full")) == rows[i].full &&
		   (rows[i].seconds < 0 ? json_is_null(left) : json_integer_value(left) == rows[i].seconds) &&
		   !strcmp(destinations_text(&rows[i].device, text), rows[i].text), "%s", rows[i].text);
		json_decref(v);
	}
	v = parsed(print, json_device(&other, false));
	ok(v && !json_object_get(v, "destinations"), "a device of which nobody asks");
	json_decref(v);
	s.def.limits[CORDON_KIND_NEW_DESTINATION] = (struct cordon_limit){ 1, 3600, CORDON_ACTION_EVENT };
	s.def.limits[CORDON_KIND_RATE] = (struct cordon_limit){ 1, 3600, CORDON_ACTION_EVENT };
	v = parsed(print, json_segment(&s));
	d = json_object_get(v, "anomalies");
	ok(json_integer_value(json_object_get(json_object_get(d, "new_destination"), "learn_seconds")) == 604800 &&
	   !json_object_get(json_object_get(d, "rate"), "learn_seconds"), "a segment that does");
	json_decref(v);
}

/* A device that learns says so; one that does not, says nothing; a binding without an end has none. */
static void test_bindings(void)
{
	struct cnl_device learner = { .def.learn = CORDON_LEARN_AUTO_STATIC }, other = { .def.n = 0 };
	struct cnl_binding b = { .addr = cordon_addr_v4(0x0a00140b), .name = "cam", .ports = { 1, { "\xff" } }, .ends = true,
				 .lease = UINT32_MAX, .origin = CORDON_ORIGIN_DHCP };
	json_t *v = parsed(print, json_device(&learner, false));

	ok(!strcmp(json_string_value(json_object_get(v, "learn")), "auto-static"), "a device that learns");
	json_decref(v);
	v = parsed(print, json_device(&other, false));
	ok(v && !json_object_get(v, "learn"), "one that does not");
	json_decref(v);
	v = parsed(line, json_binding(&b));
	ok(!strcmp(json_string_value(json_object_get(v, "address")), "10.0.20.11") &&
	   !strcmp(json_string_value(json_object_get(v, "origin")), "dhcp") &&
	   !strcmp(json_string_value(json_object_get(v, "port")), "\xef\xbf\xbd") && !json_object_get(v, "vlan") &&
	   json_integer_value(json_object_get(v, "lease_seconds")) == UINT32_MAX, "a binding");
	json_decref(v);
	b.vlan = 4094;
	v = parsed(line, json_binding(&b));
	ok(json_integer_value(json_object_get(v, "vlan")) == 4094, "one of a device in a VLAN");
	json_decref(v);
	b.ports.n = 4;
	v = parsed(line, json_binding(&b));
	ok(!json_object_get(v, "port") && json_array_size(json_object_get(v, "ports")) == 4, "one on several ports");
	json_decref(v);
	b = (struct cnl_binding){ .name = "cam", .origin = 99 };
	v = parsed(line, json_binding(&b));
	ok(json_is_null(json_object_get(v, "port")) && !json_object_get(v, "lease_seconds") &&
	   !strcmp(json_string_value(json_object_get(v, "origin")), "unknown"),
	   "one on any port, without an end, by something newer");
	json_decref(v);
}

static void test_rule(void)
{
	struct cordon_segment_def segments[2] = { { .name = "a" }, { .name = "b" } };
	struct cordon_match matches[3] = { { 6, 443, 443 }, { 50, 0, 65535 }, { CORDON_PROTO_ANY, 0, 65535 } };
	struct cordon_rule_def rule = { .n = 3, .to = 1, .related = 1 };
	struct cordon_draft draft = { .n_segments = 2, .n_rules = 1, .n_matches = 3, .segments = segments,
				      .rules = &rule, .matches = matches };
	json_t *v = parsed(print, json_rule(&draft, 0, NULL)), *allow = json_object_get(v, "allow");

	ok(json_is_true(json_object_get(v, "related")) && json_is_false(json_object_get(v, "plaintext")) &&
	   !strcmp(json_string_value(json_array_get(allow, 0)), "tcp/443") &&
	   !strcmp(json_string_value(json_array_get(allow, 1)), "esp") &&
	   !strcmp(json_string_value(json_array_get(allow, 2)), "any"), "a rule");
	ok(!json_object_get(v, "used_seconds"), "of a file: nobody knows when it was used");
	json_decref(v);
	v = parsed(print, json_rule(&draft, 0, &(struct cnl_rule_use){ true, 7 }));
	ok(json_integer_value(json_object_get(v, "used_seconds")) == 7, "a rule that was used");
	json_decref(v);
	v = parsed(print, json_rule(&draft, 0, &(struct cnl_rule_use){ false, 0 }));
	ok(json_is_null(json_object_get(v, "used_seconds")), "a rule that was not");
	json_decref(v);
}

int main(void)
{
	test_scalars();
	test_lists();
	test_text();
	test_objects();
	test_bindings();
	test_destinations();
	test_rule();
	return tap_done();
}

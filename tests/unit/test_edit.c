// SPDX-License-Identifier: GPL-2.0
/*
 * A policy's files, changed in their devices: what is about nothing else stays, byte by byte. Files of all layouts, by
 * chance, say afterwards what they should.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/diff.h"
#include "lib/file.h"
#include "lib/yaml_edit.h"
#include "tap.h"
#include "tree.h"

#define HEAD "version: 1\nports: [lan0, lan1]\nuplinks: [wan0] # the modem\nsegments: {iot: {}, \"guests\": {}}\n"
#define MAC(x) "\"02:00:00:00:00:0" #x "\""

static char dir[] = "/tmp/cordon-edit-XXXXXX", file[64];

static const struct {
	const char *name;
	const char *was;
	const char *devices;	/* of the policy in force, in brackets */
	const char *is;
} cases[] = {
	{ "nothing differs",
	  "devices:\n  - {name: a, mac: " MAC(1) ", network_segment: iot, addresses: [10.0.0.1]} # one\n",
	  "{name: a, mac: " MAC(1) ", network_segment: iot, addresses: [\"10.0.0.1\"]}",
	  "devices:\n  - {name: a, mac: " MAC(1) ", network_segment: iot, addresses: [10.0.0.1]} # one\n" },
	{ "one more",
	  "devices:\n  # the cameras\n  - {name: a, mac: " MAC(1) ", network_segment: iot, addresses: [10.0.0.1]} # one\n  # end\nrules: []\n",
	  "{name: a, mac: " MAC(1) ", network_segment: iot, addresses: [10.0.0.1]}, {name: b, mac: " MAC(2) ", network_segment: guests, addresses: auto}",
	  "devices:\n  # the cameras\n  - {name: a, mac: " MAC(1) ", network_segment: iot, addresses: [10.0.0.1]} # one\n"
	  "  - {name: \"b\", mac: " MAC(2) ", network_segment: \"guests\", addresses: auto}\n  # end\nrules: []\n" },
	{ "the first one, no list",
	  "rules: []",
	  "{name: b, mac: " MAC(2) ", network_segment: guests, addresses: auto}, {name: c, mac: " MAC(3) ", network_segment: iot, addresses: auto}",
	  "rules: []\ndevices:\n  - {name: \"b\", mac: " MAC(2) ", network_segment: \"guests\", addresses: auto}\n"
	  "  - {name: \"c\", mac: " MAC(3) ", network_segment: \"iot\", addresses: auto}\n" },
	{ "the first one, an empty list",
	  "devices: [] # none yet\nrules: []\n",
	  "{name: b, mac: " MAC(2) ", network_segment: guests, addresses: auto}",
	  "devices:  # none yet\n  - {name: \"b\", mac: " MAC(2) ", network_segment: \"guests\", addresses: auto}\nrules: []\n" },
	{ "the first one, all commented out",
	  "devices:\n  # - {name: x}\n",
	  "{name: b, mac: " MAC(2) ", network_segment: guests, addresses: auto}",
	  "devices:\n  - {name: \"b\", mac: " MAC(2) ", network_segment: \"guests\", addresses: auto}\n  # - {name: x}\n" },
	{ "gone, and its comments with it",
	  "devices:\n- name: a # a's\n  mac: " MAC(1) "\n  network_segment: iot\n  addresses:\n  - 10.0.0.1 # old\n  - 10.0.0.2\n# then\n"
	  "- {name: b, mac: " MAC(2) ", network_segment: iot, addresses: auto}\n",
	  "{name: b, mac: " MAC(2) ", network_segment: iot, addresses: auto}",
	  "devices:\n# then\n- {name: b, mac: " MAC(2) ", network_segment: iot, addresses: auto}\n" },
	{ "the last two are gone, in brackets",
	  "devices: [{name: a, mac: " MAC(1) ", network_segment: iot, addresses: auto}, # one\n"
	  " {name: b, mac: " MAC(2) ", network_segment: iot, addresses: auto},\n {name: c, mac: " MAC(3) ", network_segment: iot, addresses: auto}]\n",
	  "{name: a, mac: " MAC(1) ", network_segment: iot, addresses: auto}",
	  "devices: [{name: a, mac: " MAC(1) ", network_segment: iot, addresses: auto} # one\n ]\n" },
	{ "all are gone",
	  "devices: # all\n  - name: a\n    mac: " MAC(1) "\n    network_segment: iot\n    addresses: auto\n",
	  "", "devices: # all\n" },
	{ "all are gone, in brackets with a comma behind the last",
	  "devices: [\n  {name: a, mac: " MAC(1) ", network_segment: iot, addresses: auto},\n  {name: b, mac: " MAC(2) ", network_segment: iot, addresses: auto} ,\n] # all\n",
	  "", "devices: [\n  \n] # all\n" },
	{ "the first one, all commented out in brackets",
	  "devices: [\n  # {name: x},\n]\n",
	  "{name: b, mac: " MAC(2) ", network_segment: guests, addresses: auto}, {name: c, mac: " MAC(3) ", network_segment: iot, addresses: auto}",
	  "devices: [\n  # {name: x},\n{name: \"b\", mac: " MAC(2) ", network_segment: \"guests\", addresses: auto}, "
	  "{name: \"c\", mac: " MAC(3) ", network_segment: \"iot\", addresses: auto}]\n" },
	{ "a value, in braces",
	  "devices:\n  - {name: a, mac: " MAC(1) ", # in the hall\n     network_segment: iot, addresses: [10.0.0.1]}\n",
	  "{name: a, mac: " MAC(1) ", network_segment: guests, addresses: [10.0.0.1]}",
	  "devices:\n  - {name: a, mac: " MAC(1) ", # in the hall\n     network_segment: \"guests\", addresses: [10.0.0.1]}\n" },
	{ "keys come and go, in a block",
	  "devices:\n  - name: a\n    mac: " MAC(1) "\n    port: lan0 # first floor\n    network_segment: iot # for now\n"
	  "    addresses: # two\n      - 10.0.0.1 # old\n      - 10.0.0.2\n\n# more\nrules: []\n",
	  "{name: a, mac: " MAC(1) ", network_segment: iot, addresses: [10.0.0.3], auto: true, ports: [lan0, lan1], vlan: 7}",
	  "devices:\n  - name: a\n    mac: " MAC(1) "\n    network_segment: iot # for now\n"
	  "    addresses: [\"10.0.0.3\"] # two\n    auto: true\n    ports: [\"lan0\", \"lan1\"]\n    vlan: 7\n\n# more\nrules: []\n" },
	{ "keys come and go, in braces",
	  "devices: [{port: lan0, name: a, mac: " MAC(1) ", network_segment: iot, addresses: [10.0.0.1], auto: true}]\n",
	  "{name: a, mac: " MAC(1) ", network_segment: iot, addresses: [10.0.0.1], model: t1, encryption: TLS1.3}",
	  "devices: [{name: a, mac: " MAC(1) ", network_segment: iot, addresses: [10.0.0.1], model: \"t1\", encryption: TLS1.3}]\n" },
	{ "the first key goes, in a block",
	  "devices:\n  - vlan: 7 # tagged\n    port: lan0\n    name: a\n    mac: " MAC(1) "\n    network_segment: iot\n    addresses: auto",
	  "{name: a, mac: " MAC(1) ", network_segment: iot, addresses: auto, port: lan0, model: m}",
	  "devices:\n  - port: lan0\n    name: a\n    mac: " MAC(1) "\n    network_segment: iot\n    addresses: auto\n    model: \"m\"\n" },
	{ "a device without 'addresses'",
	  "devices:\n  - {name: a, mac: " MAC(1) ", network_segment: iot, auto: {static: true}}\n",
	  "{name: a, mac: " MAC(1) ", network_segment: iot, addresses: [10.0.0.1]}",
	  "devices:\n  - {name: a, mac: " MAC(1) ", network_segment: iot, addresses: [\"10.0.0.1\"]}\n" },
};

static struct policy *read_text(const char *text)
{
	struct policy *p = NULL;
	char path[96];

	snprintf(path, sizeof(path), "%s/other.yaml", dir);
	if (file_write(path, text, strlen(text), 0600) || policy_load(path, &p, stdout))
		return NULL;
	return p;
}

static void test_cases(void)
{
	char *was, *to, *is;
	struct policy_texts texts;
	struct policy *p;
	size_t i;
	int ret;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		if (asprintf(&was, "%s%s", HEAD, cases[i].was) < 0 || asprintf(&to, "%sdevices: [%s]\n", HEAD, cases[i].devices) < 0 ||
		    asprintf(&is, "%s%s", HEAD, cases[i].is) < 0)
			exit(1);
		p = read_text(to);
		ret = !p || file_write(file, was, strlen(was), 0600) ? 1 : policy_edit(file, p, &texts, stdout);
		ok(!ret && (texts.n ? !strcmp(texts.list[0].text, is) : !strcmp(was, is)), "%s", cases[i].name);
		if (!ret && texts.n && strcmp(texts.list[0].text, is))
			printf("# %s\n", texts.list[0].text);
		if (p)
			policy_texts_free(&texts);
		policy_free(p);
		free(was);
		free(to);
		free(is);
	}
}

static u32 rnd(u32 n)
{
	static u64 seed = 1;

	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)(seed >> 33) % n;
}

/* One key of a device, in some layout. */
static void put_key(FILE *out, bool flow, bool first, const char *key, const char *value)
{
	static const char * const notes[] = { "", " # kept", "", "\n      # kept below" };

	if (flow)
		fprintf(out, "%s%s: %s", first ? "" : rnd(3) ? ", " : ",\n      ", key, value);
	else
		fprintf(out, "%s%s: %s%s\n", first ? "" : "    ", key, value, notes[rnd(4)]);
}

static void put_addresses(FILE *out, bool flow, bool first, u32 id)
{
	char list[64];
	u32 n = rnd(3), i;

	if (!n) {
		put_key(out, flow, first, "addresses", rnd(2) ? "auto" : "{auto: {static: true}}");
		return;
	}
	if (!flow && rnd(2)) {
		fprintf(out, "%saddresses: # list\n", first ? "" : "    ");
		for (i = 0; i < n; i++)
			fprintf(out, "    %s- 10.0.%u.%u%s\n", id & 1 ? "  " : "", id, i + 1, rnd(2) ? " # entry" : "");
	} else {
		snprintf(list, sizeof(list), "[10.0.%u.%u%s]", id, 10 + rnd(100), n > 1 ? ", \"fd00::1\"" : "");
		if (n > 1)
			snprintf(list, sizeof(list), "[10.0.%u.%u, \"fd00::%u\"]", id, 10 + rnd(100), id + 1);
		put_key(out, flow, first, "addresses", list);
	}
	if (rnd(2))
		put_key(out, flow, false, "auto", "true");
}

static void put_some_device(FILE *out, bool flow, u32 id)
{
	static const char * const places[] = { "lan0", "[lan0, lan1]", "[lan1, lan0]" };
	u32 order = rnd(4), place = rnd(4), i;
	char text[32];

	for (i = 0; i < 4; i++) {
		switch ((i + order) % 4) {
		case 0:
			snprintf(text, sizeof(text), rnd(2) ? "d%u" : "'d%u'", id);
			put_key(out, flow, !i, "name", text);
			break;
		case 1:
			snprintf(text, sizeof(text), "\"02:00:00:00:00:%02x\"", id);
			put_key(out, flow, !i, "mac", text);
			break;
		case 2:
			put_key(out, flow, !i, "network_segment", rnd(2) ? "iot" : "guests");
			break;
		case 3:
			put_addresses(out, flow, !i, id);
			break;
		}
	}
	if (place < 3)
		put_key(out, flow, false, place ? "ports" : "port", places[place]);
	if (place < 3 && rnd(2))
		put_key(out, flow, false, "vlan", "12");
	if (rnd(2))
		put_key(out, flow, false, "model", "m1");
	if (rnd(3) == 0)
		put_key(out, flow, false, "encryption", "TLS1.2");
}

/* A policy with some of ten devices. */
static char *some_policy(void)
{
	bool list_flow = !rnd(4), flow, any = false;
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	u32 id;

	fputs(HEAD "# kept: devices\n", out);
	fputs(list_flow ? "devices: [" : "devices:\n", out);
	for (id = 1; id <= 10; id++) {
		if (rnd(2))
			continue;
		flow = list_flow || rnd(2);
		fprintf(out, "%s%s", list_flow ? any ? ", " : "" : "  - ", flow ? "{" : "");
		put_some_device(out, flow, id);
		fputs(flow ? list_flow ? "}" : rnd(2) ? "}\n" : "} # kept\n" : "", out);
		any = true;
	}
	fputs(list_flow ? "]\n" : "", out);
	fputs("rules: [] # kept: rules\n", out);
	fclose(out);
	return text;
}

static void test_chance(void)
{
	u32 round, good = 0, changed = 0, kept = 0, rounds = getenv("TORTURE") ? 100000 : 2000;
	struct policy_texts texts;
	struct policy *p;
	char *was, *to;

	for (round = 0; round < rounds; round++) {
		was = some_policy();
		to = some_policy();
		p = read_text(to);
		if (p && !file_write(file, was, strlen(was), 0600) && !policy_edit(file, p, &texts, stdout)) {
			good++;
			changed += texts.n;
			kept += !texts.n || (strstr(texts.list[0].text, "# kept: devices\n") &&
					     strstr(texts.list[0].text, "rules: [] # kept: rules\n"));
		} else if (good == round) {
			printf("# round %u, from:\n%s# to:\n%s", round, was, to);
		}
		if (p)
			policy_texts_free(&texts);
		policy_free(p);
		free(was);
		free(to);
	}
	ok(good == rounds, "%u of %u policies by chance say what they should", good, rounds);
	ok(changed > rounds / 2 && kept == rounds, "%u changed, and what is not about devices stays", changed);
}

static void put_file(const char *name, const char *text)
{
	char path[96];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (file_write(path, text, strlen(text), 0600))
		exit(1);
}

/* In two files: each gets what is its own. */
static void test_included(void)
{
	struct policy_texts texts;
	struct policy *p = read_text(HEAD "devices:\n"
				     "  - {name: a, mac: " MAC(1) ", network_segment: guests, addresses: auto}\n"
				     "  - {name: c, mac: " MAC(3) ", network_segment: iot, addresses: auto}\n");
	char path[96];
	int ret;

	snprintf(path, sizeof(path), "%s/policy.d", dir);
	mkdir(path, 0700);
	put_file("policy.d/a.yaml", "# a's\ndevices: [{name: a, mac: " MAC(1) ", network_segment: iot, addresses: auto}]\n");
	put_file("policy.d/b.yaml", "devices:\n  - {name: b, mac: " MAC(2) ", network_segment: iot, addresses: auto}\n");
	put_file("p.yaml", HEAD "include: policy.d/*.yaml\n");
	ret = p ? policy_edit(file, p, &texts, stdout) : 1;
	ok(!ret && texts.n == 2, "two files change");
	ok(!ret && texts.n == 2 && strstr(texts.list[0].path, "policy.d/a.yaml") && !strcmp(texts.list[0].text,
	   "# a's\ndevices: [{name: a, mac: " MAC(1) ", network_segment: \"guests\", addresses: auto}, "
	   "{name: \"c\", mac: " MAC(3) ", network_segment: \"iot\", addresses: auto}]\n"), "one is changed, another is added");
	ok(!ret && texts.n == 2 && !strcmp(texts.list[1].text, "devices:\n"), "one is taken out of the other");
	policy_texts_free(&texts);
	policy_free(p);
}

/* Lines end as those of the file do. */
static void test_line_breaks(void)
{
	struct policy_texts texts;
	struct policy *p = read_text(HEAD "devices: [{name: b, mac: " MAC(2) ", network_segment: iot, addresses: auto}]\n");
	const char *at;
	u32 bare = 0;

	put_file("p.yaml", "version: 1\r\nports: [lan0, lan1]\r\nuplinks: [wan0]\r\nsegments: {iot: {}, guests: {}}");
	ok(p && !policy_edit(file, p, &texts, stdout) && texts.n == 1, "a file of another system");
	for (at = texts.n ? texts.list[0].text : ""; *at; at++)
		bare += *at == '\n' && at[-1] != '\r';
	ok(texts.n && !bare, "no line of it ends otherwise than the others");
	policy_texts_free(&texts);
	policy_free(p);
}

static bool says(const char *name, const char *text)
{
	char path[96], *now;
	bool same;
	size_t len;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (file_read(path, 1 << 20, &now, &len))
		return false;
	same = !strcmp(now, text);
	free(now);
	return same;
}

#define WRITTEN_A "\xef\xbb\xbf# a's\ndevices: [{name: a, mac: " MAC(1) ", network_segment: iot, addresses: auto}]\n"
#define WRITTEN_B "devices:\n  - {name: b, mac: " MAC(2) ", network_segment: iot, addresses: auto}\n"

/* All files, or none; and not if somebody was faster. */
static void test_written(void)
{
	struct policy_texts texts;
	struct policy *p = read_text(HEAD "devices: []\n");
	char path[96];
	struct stat st;

	put_file("policy.d/a.yaml", WRITTEN_A);
	put_file("policy.d/b.yaml", WRITTEN_B);
	put_file("p.yaml", HEAD "include: policy.d/*.yaml\n");
	ok(p && !policy_edit(file, p, &texts, stdout) && texts.n == 2, "two files are to change");
	put_file("policy.d/b.yaml", WRITTEN_B "# and\n");
	ok(policy_texts_write(&texts, stdout) == -EBUSY && says("policy.d/a.yaml", WRITTEN_A) &&
	   says("policy.d/b.yaml", WRITTEN_B "# and\n"), "somebody has written to one: neither is");
	put_file("policy.d/b.yaml", WRITTEN_B);
	snprintf(path, sizeof(path), "%s/policy.d/b.yaml", dir);
	free(texts.list[1].path);
	texts.list[1].path = strdup("/proc/self/comm");	/* no temporary file beside it */
	free(texts.list[1].was);
	texts.list[1].was = strdup("test_edit\n");
	texts.list[1].was_size = 10;
	ok(policy_texts_write(&texts, stdout) && says("policy.d/a.yaml", WRITTEN_A), "one cannot be written: neither is");
	policy_texts_free(&texts);
	ok(p && !policy_edit(file, p, &texts, stdout) && (geteuid() || !chown(path, 7, 8)) && !chmod(path, 0604) &&
	   !policy_texts_write(&texts, stdout) && says("policy.d/b.yaml", "devices:\n"), "allowed: both are written");
	ok(!stat(path, &st) && (st.st_mode & 07777) == 0604 && (geteuid() || (st.st_uid == 7 && st.st_gid == 8)),
	   "whose it is, and who may read it, stays");
	policy_texts_free(&texts);
	policy_free(p);
}

int main(void)
{
	struct policy_texts texts;
	struct policy *p;

	if (!mkdtemp(dir))
		return 1;
	snprintf(file, sizeof(file), "%s/p.yaml", dir);
	test_cases();
	test_chance();
	test_included();
	test_line_breaks();
	test_written();
	p = read_text(HEAD "mode: observe\ndevices: []\n");
	put_file("p.yaml", HEAD "devices: []\n");
	ok(p && policy_edit(file, p, &texts, stdout) == -EILSEQ && !texts.n, "what differs in more than devices is refused");
	policy_texts_free(&texts);
	policy_free(p);
	tree_remove(dir);
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0
/* Devices that go out of use: in the registry, and in a policy file. */
#include "../../userspace/lib/yaml_cut.h"
#include "store_help.h"

static void check_retire(void)
{
	struct store_certificate c[] = { cert_of(1, 1, 1), cert_of(2, 1, 1), cert_of(3, 1, 1), cert_of(4, 2, 1) };
	struct store_token_facts facts;
	struct store_retired done;
	struct store_device d;
	char token[STORE_TOKEN_LEN];
	uint8_t mac[6];
	struct store s;

	help_open(&s);
	ok(store_device_retire(&s, "dev-1", NOW, 5, &done) == -ENOENT, "retire: nobody: %s", s.error);
	if (token_of(&s, 1, token) || store_cert_reserve(&s, &c[0]) || issue(&s, &c[0]) || store_cert_reserve(&s, &c[1]) ||
	    store_cert_reserve(&s, &c[3]) || issue(&s, &c[3]))
		abort();
	ok(!store_token_facts(&s, "dev-1", &facts) && facts.known && !facts.used && facts.made == NOW &&
	   facts.expires == NOW + DAY, "facts: a token");
	ok(!store_token_facts(&s, "dev-2", &facts) && !facts.known, "facts: none");
	ok(store_device_retire(&s, "dev-1", NOW, 7, &done) == -EINVAL && verdict_of(&s, 1, token, 1, NOW) == STORE_TOKEN_GOOD,
	   "retire: no such reason, nothing is changed");
	ok(!store_device_retire(&s, "dev-1", NOW, 5, &done) && done.revoked == 2 && done.token && !done.again,
	   "retire: a certificate, and one that is about to be made");
	ok(ask(&s, "SELECT count(*) FROM certificate WHERE state = 3 AND reason = 5 AND name = 'dev-1'") == 2 &&
	   ask(&s, "SELECT count(*) FROM certificate WHERE state = 3 AND name = 'dev-2'") == 0, "retire: no one else's");
	ok(verdict_of(&s, 1, token, 1, NOW) == STORE_TOKEN_USED && !store_token_facts(&s, "dev-1", &facts) && facts.used,
	   "retire: its token is no good");
	ok(!store_device_get(&s, "dev-1", &d) && d.retired == NOW, "retire: the registry knows it");
	ok(store_cert_reserve(&s, &c[2]) == -EPERM && strstr(s.error, "was retired"), "retire: no certificate: %s", s.error);
	ok(!store_device_retire(&s, "dev-1", NOW + 9, 5, &done) && !done.revoked && !done.token && done.again &&
	   !store_device_get(&s, "dev-1", &d) && d.retired == NOW, "retire: once more");
	sqlite3_exec(s.db, "UPDATE device SET model = 'm' WHERE name = 'dev-2';"
		     "INSERT INTO firmware_action (device, release, version, state, offered, changed, round)"
		     " SELECT id, 1, '1.0', 1, 0, 0, 1 FROM device WHERE name = 'dev-2'", NULL, NULL, NULL);
	ok(ask(&s, "SELECT devices FROM firmware_model WHERE model = 'm'") == 1 && !store_device_retire(&s, "dev-2", NOW, 5, &done) &&
	   ask(&s, "SELECT devices FROM firmware_model WHERE model = 'm'") == 0 &&
	   ask(&s, "SELECT state FROM firmware_action") == 3, "retire: its offer is over, and no roll-out counts it");
	ok(!enrol(&s, 5, 3) && !store_device_retire(&s, "dev-3", NOW, 5, &done) && done.revoked == 1 && !done.token && is_sound(&s),
	   "retire: one that has enrolled");
	mac_of(1, mac);
	ok(!store_device_of_mac(&s, mac, &d) && !strcmp(d.name, "dev-1"), "by its MAC");
	mac_of(9, mac);
	ok(store_device_of_mac(&s, mac, &d) == -ENOENT, "by a MAC of nobody's: %s", s.error);
	ok(!token_of(&s, 1, token) && !store_device_get(&s, "dev-1", &d) && !d.retired && !store_cert_reserve(&s, &c[2]),
	   "retire: a new token takes it back");
	store_close(&s);
	help_remove();
}

/* What is left of a text, exactly as large as it is; NULL, the device cannot be taken out. */
static const char *without(const char *text, const char *name, int *err)
{
	static char left[512];
	const size_t size = strlen(text);
	struct yaml_cut cut;
	char *exact = malloc(size ? size : 1);

	if (!exact)
		abort();
	memcpy(exact, text, size);
	*err = yaml_cut_device(exact, size, name, &cut);
	if (!*err)
		snprintf(left, sizeof(left), "%.*s%.*s", (int)cut.from, exact, (int)(size - cut.to), exact + cut.to);
	free(exact);
	return *err ? NULL : left;
}

static void check_cut(void)
{
	static const struct {
		const char *what, *text, *left;
		int err;
	} cases[] = {
		{ "a line of its own", "devices:\n  # a\n  - {name: a, x: [1, 2]} # it\n  - {name: b}\n",
		  "devices:\n  # a\n  - {name: b}\n", 0 },
		{ "several lines", "devices:\n- name: a\n  x:\n    - 1\n\n# b\n- name: b\n", "devices:\n\n# b\n- name: b\n", 0 },
		{ "the last one, without a line's end", "devices:\n- {name: b}\n- {name: a}", "devices:\n- {name: b}\n", 0 },
		{ "the name last", "devices:\n- {x: b, name: a}\n", "devices:\n", 0 },
		{ "in brackets, the first", "devices: [{name: a}, {name: b}]\n", "devices: [{name: b}]\n", 0 },
		{ "in brackets, the last", "devices: [{name: b}, {name: a}]\n", "devices: [{name: b}]\n", 0 },
		{ "in brackets, the only one", "devices: [{name: a}]\n", "devices: []\n", 0 },
		{ "in brackets, a line of its own", "devices: [\n  {name: a},\n  {name: b}\n]\n", "devices: [\n  {name: b}\n]\n", 0 },
		{ "after letters of several bytes, and a mark", "\xef\xbb\xbf# \xc3\xb6\xe2\x82\xac\ndevices: [{name: b}, {name: a}]\n",
		  "\xef\xbb\xbf# \xc3\xb6\xe2\x82\xac\ndevices: [{name: b}]\n", 0 },
		{ "quoted", "devices:\n- {name: \"a\"}\n", "devices:\n", 0 },
		{ "another's value", "devices:\n- {name: b, model: a}\n", NULL, -ENOENT },
		{ "a name that is not a device's", "segments:\n- {name: a}\n", NULL, -ENOENT },
		{ "deeper", "devices:\n- {name: b, x: {name: a}}\n", NULL, -ENOENT },
		{ "a key", "devices: {a: {name: a}}\n", NULL, -ENOENT },
		{ "no list", "devices: a\n", NULL, -ENOENT },
		{ "a dash on another line", "devices:\n-\n  name: a\n", NULL, -EINVAL },
		{ "nothing", "", NULL, -ENOENT },
	};
	const char *left;
	size_t i;
	int err;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		left = without(cases[i].text, "a", &err);
		ok(err == cases[i].err && (cases[i].left ? left && !strcmp(left, cases[i].left) : !left), "cut: %s: %d '%s'",
		   cases[i].what, err, left ? left : "");
	}
}

/* However a file is cut off, nothing is read behind its end. */
static void check_cut_short(void)
{
	static const char text[] = "devices:\n  - {name: a, x: [1, 2]} # it\n  - name: b\n    x: {y: 'z'}\n";
	char part[sizeof(text)];
	size_t len;
	int err;

	for (len = 0; len < sizeof(text); len++) {
		snprintf(part, len + 1, "%s", text);
		without(part, "a", &err);
		without(part, "b", &err);
	}
	ok(true, "cut: a file of any length");
}

int main(void)
{
	help_begin();
	check_retire();
	help_end();
	check_cut();
	check_cut_short();
	return tap_done();
}

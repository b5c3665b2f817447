// SPDX-License-Identifier: GPL-2.0
/* What signer refuses agent by its own copy of the configuration. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "serve/signer/signer.h"
#include "tap.h"

#define NOW	1800000000
#define DAY	86400

static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
static const char long_name[] = "a-server-with-a-name-that-is-longer-than-a-common-name-may-be.gateway.example";

static struct serve_config config_of(const char *first)
{
	struct serve_config c = { .n_names = 2, .valid = 90 * DAY, .from_file = true };

	strcpy(c.names[0], first);
	strcpy(c.names[1], "10.0.20.1");
	return c;
}

static void test_limits(void)
{
	static const char *both[] = { "gateway.example", "10.0.20.1" }, *bank[] = { "gateway.example", "bank.example" };
	static const char *const *const none = NULL;
	const struct {
		const char *what;
		bool good;
		struct pki_profile p;
	} rows[] = {
		{ "a device", true, { PKI_DEVICE, "cam", mac, none, 0, NULL, NOW - 300, NOW + 90 * DAY } },
		{ "a device for a second", true, { PKI_DEVICE, "cam", mac, none, 0, NULL, NOW, NOW + 1 } },
		{ "a device for a day more", false, { PKI_DEVICE, "cam", mac, none, 0, NULL, NOW, NOW + 91 * DAY } },
		{ "a device for ever", false, { PKI_DEVICE, "cam", mac, none, 0, NULL, NOW, INT64_MAX } },
		{ "a device from 1970 on", false, { PKI_DEVICE, "cam", mac, none, 0, NULL, 0, NOW + DAY } },
		{ "a device from tomorrow on", false, { PKI_DEVICE, "cam", mac, none, 0, NULL, NOW + DAY, NOW + 2 * DAY } },
		{ "a device whose end is its beginning", false, { PKI_DEVICE, "cam", mac, none, 0, NULL, NOW, NOW } },
		{ "a device with a server's name beside its own", false, { PKI_DEVICE, "cam", mac, both, 1, NULL, NOW, NOW + DAY } },
		{ "a device called like no device", false, { PKI_DEVICE, "firmware offers", mac, none, 0, NULL, NOW, NOW + DAY } },
		{ "a device without a name", false, { PKI_DEVICE, "", mac, none, 0, NULL, NOW, NOW + DAY } },
		{ "the server", true, { PKI_SERVER, "gateway.example", NULL, both, 2, NULL, NOW - 300, NOW + 30 * DAY } },
		{ "the server by one of its names", true, { PKI_SERVER, "gateway.example", NULL, both, 1, NULL, NOW, NOW + DAY } },
		{ "the server for a day more", false, { PKI_SERVER, "gateway.example", NULL, both, 2, NULL, NOW, NOW + 31 * DAY } },
		{ "another server", false, { PKI_SERVER, "bank.example", NULL, both, 2, NULL, NOW, NOW + DAY } },
		{ "another server's alternative name", false, { PKI_SERVER, "gateway.example", NULL, bank, 2, NULL, NOW, NOW + DAY } },
		{ "a server without names", false, { PKI_SERVER, "gateway.example", NULL, both, 0, NULL, NOW, NOW + DAY } },
		{ "a server by half of its name", false, { PKI_SERVER, "gateway", NULL, both, 2, NULL, NOW, NOW + DAY } },
		{ "a server with an empty name", false, { PKI_SERVER, "", NULL, both, 2, NULL, NOW, NOW + DAY } },
		{ "offers", true, { PKI_CODE, SERVE_CODE_NAME, NULL, none, 0, NULL, NOW - 300, NOW + 7 * DAY } },
		{ "offers for a day more", false, { PKI_CODE, SERVE_CODE_NAME, NULL, none, 0, NULL, NOW, NOW + 8 * DAY } },
		{ "offers by another name", false, { PKI_CODE, "Vendor", NULL, none, 0, NULL, NOW, NOW + DAY } },
		{ "offers with a server's name", false, { PKI_CODE, SERVE_CODE_NAME, NULL, both, 1, NULL, NOW, NOW + DAY } },
		{ "an operator", false, { PKI_OPERATOR, "alice", NULL, none, 0, NULL, NOW, NOW + DAY } },
		{ "a kind that is none", false, { PKI_OPERATOR + 1, "cam", mac, none, 0, NULL, NOW, NOW + DAY } },
	};
	struct serve_config c = config_of("gateway.example");
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct pki_error err = { "" };
		int ret = signer_allows(&c, &rows[i].p, NOW, &err);

		ok(rows[i].good ? !ret : ret == -EPERM && err.text[0], "%s: %s %s", rows[i].what,
		   rows[i].good ? "allowed" : "refused:", err.text);
	}
}

static void test_long_name(void)
{
	const char *names[] = { long_name };
	char cn[PKI_NAME_LEN];
	struct pki_profile p = { PKI_SERVER, cn, NULL, names, 1, NULL, NOW, NOW + DAY };
	struct serve_config c = config_of(long_name);
	struct pki_error err = { "" };

	memcpy(cn, long_name, sizeof(cn) - 1);
	cn[sizeof(cn) - 1] = 0;
	ok(!signer_allows(&c, &p, NOW, &err), "a server with a long name: its CN is cut: %s", err.text);
	cn[PKI_NAME_LEN - 2] = 0;
	ok(signer_allows(&c, &p, NOW, &err) == -EPERM, "and not shorter than need be: %s", err.text);
}

static void write_config(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	if (!out || fputs(text, out) < 0 || fclose(out))
		exit(1);
}

static void test_reload(void)
{
	char path[] = "/tmp/cordon-signer.XXXXXX";
	struct serve_config c = config_of("gateway.example");
	int fd = mkstemp(path);

	if (fd < 0 || !freopen("/dev/null", "w", stderr))
		exit(1);
	close(fd);
	strcpy(c.path, path);
	write_config(path, "est: {valid: 1h}\nserver_names: [other.example]\n");
	ok(!signer_reload(&c) && c.valid == 3600 && c.n_names == 1 && !strcmp(c.names[0], "other.example"),
	   "reload: lifetime and names are the file's");
	write_config(path, "est: {valid: 2h}\n");
	ok(!signer_reload(&c) && c.valid == 7200 && c.n_names == 1 && !strcmp(c.names[0], "other.example"),
	   "reload: no names in it: those that held");
	write_config(path, "est: {valid: 2h}\nstatus: {listen: \"[::1]:80\", url: \"http://a.example/\"}\n");
	ok(!signer_reload(&c) && !strcmp(c.status_url, "http://a.example/"), "reload: what certificates name");
	write_config(path, "est: {valid: 2h}\nstatus: {listen: \"[::1]:80\", url: \"https://a.example/\"}\n");
	ok(signer_reload(&c) == -EINVAL && !strcmp(c.status_url, "http://a.example/"), "reload: a wrong URL changes nothing");
	write_config(path, "est: {valid: 3h}\nserver_names: [bank.example]\nnonsense: 1\n");
	ok(signer_reload(&c) == -EINVAL && c.valid == 7200 && !strcmp(c.names[0], "other.example"),
	   "reload: a wrong one changes nothing");
	unlink(path);
	ok(signer_reload(&c) == -EINVAL && c.valid == 7200, "reload: none changes nothing");
}

int main(void)
{
	test_limits();
	test_long_name();
	test_reload();
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0
/* Which calls of cordonctl are in the audit log, and that nothing secret is. */
#include <stdlib.h>
#include <string.h>

#include "../../userspace/ctl/audited_which.c"
#include "../../userspace/ctl/out.c"

#include "tap.h"

#define WORDS	16

static int split(char *line, char **argv)
{
	int n = 0;
	char *word;

	for (word = strtok(line, " "); word && n < WORDS; word = strtok(NULL, " "))
		argv[n++] = word;
	return n;
}

static void which(const char *line, enum audited want)
{
	static const char * const names[] = { "not in the log", "in the log", "in the log, and goes on without it" };
	char copy[512], *argv[WORDS];
	int n;

	snprintf(copy, sizeof(copy), "%s", line);
	n = split(copy, argv);
	ok(audited_which(n, argv) == want, "%s: %s", line, names[want]);
}

/* @want: what is written of it. */
static void words(const char *line, const char *want)
{
	char copy[4096], *argv[WORDS + 1], *text;
	json_t *list;
	int n;

	snprintf(copy, sizeof(copy), "%s", line);
	n = split(copy, argv);
	list = audited_words(n, argv);
	text = json_dumps(list, JSON_COMPACT | JSON_ENSURE_ASCII);
	if (!ok(text && !strcmp(text, want), "%.60s", line))
		printf("# wanted %s\n# got    %s\n", want, text);
	free(text);
	json_decref(list);
}

static void test_which(void)
{
	which("show devices", AUDITED_NOT);
	which("apply policy.yaml", AUDITED);
	which("apply policy.yaml --dry-run", AUDITED_NOT);
	which("apply -n", AUDITED_NOT);
	which("save", AUDITED);
	which("save --dry-run", AUDITED_NOT);
	which("apply --state --dry-run policy.yaml", AUDITED);
	which("apply -- --dry-run", AUDITED);
	which("apply --help", AUDITED_NOT);
	which("confirm", AUDITED);
	which("boot", AUDITED_ANYWAY);
	which("module status", AUDITED_NOT);
	which("module unload", AUDITED);
	which("module reload", AUDITED_ANYWAY);
	which("state restore", AUDITED);
	which("state save", AUDITED_NOT);
	which("state watch", AUDITED_NOT);
	which("watch", AUDITED_NOT);
	which("fleet status --json", AUDITED_NOT);
	which("fleet gateways", AUDITED_NOT);
	which("fleet where cam1", AUDITED_NOT);
	which("fleet rejoin", AUDITED);
	which("fleet leave", AUDITED);
	which("fleet expel b --why stolen --yes", AUDITED_ANYWAY);
	which("history cam --since 7d", AUDITED_NOT);
	which("history --acknowledge 7", AUDITED_ANYWAY);
	which("history --ack=7", AUDITED_ANYWAY);
	which("history --acknowledge 7 --help", AUDITED_NOT);
	which("restore all.tar", AUDITED);
	which("restore all.tar --dry-run", AUDITED_NOT);
	which("backup all.tar", AUDITED_ANYWAY);
	which("registry restore r.db", AUDITED);
	which("registry check", AUDITED_NOT);
	which("ca issue cam", AUDITED);
	which("ca init", AUDITED);
	which("ca list", AUDITED_NOT);
	which("ca export", AUDITED_NOT);
	which("ca export --der --dir ca", AUDITED_NOT);
	which("ca export --hostapd /etc/x lan0", AUDITED);
	which("ca export lan0 --host=/etc/x", AUDITED);
	which("ca revoke cam", AUDITED_ANYWAY);
	which("ca --dir list init", AUDITED);
	which("ca is-none-yet", AUDITED);
	which("ca", AUDITED_NOT);
	which("firmware list", AUDITED_NOT);
	which("firmware rollout acme 1.1", AUDITED);
	which("firmware cancel cam", AUDITED_ANYWAY);
	which("device token cam", AUDITED);
	which("device approve cam", AUDITED);
	which("device release cam", AUDITED);
	which("device set cam --segment iot", AUDITED);
	which("device quarantine cam", AUDITED_ANYWAY);
	which("device retire cam", AUDITED_ANYWAY);
	which("device lease cam 1h", AUDITED);
	which("device lease cam 0", AUDITED_ANYWAY);
	which("device set cam --state quarantined", AUDITED_ANYWAY);
	which("device set cam --state active", AUDITED);
	which("device set cam --state quarantined --segment iot", AUDITED);
	which("device unknown", AUDITED_NOT);
	which("device quarantin cam", AUDITED);
}

static void test_words(void)
{
	char many[3000] = "device set cam ";

	words("device set cam --segment iot", "[\"device\",\"set\",\"cam\",\"--segment\",\"iot\"]");
	words("device token cam --mac 02:00:00:00:00:01 --valid=1h --json",
	      "[\"device\",\"token\",\"cam\",\"--mac\",\"02:00:00:00:00:01\",\"--valid=1h\",\"--json\"]");
	words("device token cam --set hush", "[\"device\",\"token\",\"cam\",\"--set\",\"***\"]");
	words("device token cam --set=hush", "[\"device\",\"token\",\"cam\",\"--set=***\"]");
	words("device token --s hush cam", "[\"device\",\"token\",\"--s\",\"***\",\"***\"]");
	words("device token cam --se=hush", "[\"device\",\"token\",\"cam\",\"--se=***\"]");
	words("device token cam hush", "[\"device\",\"token\",\"cam\",\"***\"]");
	words("device token -s hush cam", "[\"device\",\"token\",\"-***\",\"***\",\"***\"]");
	words("device token --set hush cam", "[\"device\",\"token\",\"--set\",\"***\",\"cam\"]");
	words("device token -s --mac 02:00:00:00:00:01 hush cam",
	      "[\"device\",\"token\",\"-***\",\"***\",\"02:00:00:00:00:01\",\"***\",\"***\"]");
	words("device token cam -shush", "[\"device\",\"token\",\"cam\",\"-***\"]");
	words("device --set hush token cam", "[\"device\",\"--set\",\"***\",\"token\",\"***\"]");
	words("device --set=hush token", "[\"device\",\"--set=***\",\"token\"]");
	words("device tokne cam --set hush", "[\"device\",\"tokne\",\"cam\",\"--set\",\"***\"]");
	words("ca init --key pkcs11:token=x?pin-value=1234&module-name=y",
	      "[\"ca\",\"init\",\"--key\",\"pkcs11:token=x?pin-value=***&module-name=y\"]");
	words("ca init --key pkcs11:pin-value=12;token=x?PIN-VALUE=34&pin-value=56",
	      "[\"ca\",\"init\",\"--key\",\"pkcs11:pin-value=***;token=x?PIN-VALUE=***&pin-value=***\"]");
	words("ca init --pin 1234", "[\"ca\",\"init\",\"--pin\",\"***\"]");
	words("ca init --passphrase-file /etc/pass", "[\"ca\",\"init\",\"--passphrase-file\",\"/etc/pass\"]");
	words("firmware add https://me:hush@host/x", "[\"firmware\",\"add\",\"https://me:****@host/x\"]");
	words("device set cam\xff\x1b", "[\"device\",\"set\",\"cam\\uFFFD\\u001B\"]");
	memset(many + strlen(many), 'x', 2500);
	words(many, "[\"device\",\"set\",\"cam\",\"...\"]");
}

int main(void)
{
	test_which();
	test_words();
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0
/* Who is in a fleet, and issuers.pem: cordon-fleet's members.c and issuers.c, with an etcd and a registry of straw. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define etcd_get		straw_get
#define etcd_txn		straw_txn
#define etcd_cancel		straw_cancel
#define fleet_answer		straw_answer
#define fleet_refuse		straw_refuse
#define serve_log		straw_log
#define store_fleet_gateway_each straw_gateway_each

#include "../../userspace/fleet/members.c"
#undef FILE_NAME
#include "../../userspace/fleet/issuers.c"
#include "../../userspace/pki/make.h"
#include "tap.h"

#define KEYS 8

static struct { char key[64]; char *value; int64_t create, mod; } keys[KEYS];
static int64_t revision = 10;
static struct { etcd_done *done; void *arg; struct etcd_answer a; struct etcd_kv kv[4]; struct etcd_reply r[4]; } call;
static enum etcd_result mood;
static bool lost;	/* the next answer is */
static char said_is[32], said_why[512], root_why[512];
static enum fleet_root root_is;
static unsigned int refusals;
static struct store_fleet_gateway gateways[8];
static size_t n_gateways;
static char base[128];

static int find(const char *key)
{
	int i;

	for (i = 0; i < KEYS; i++)
		if (keys[i].value && !strcmp(keys[i].key, key))
			return i;
	return -1;
}

static void set(const char *key, const char *value)
{
	int i = find(key), j;

	for (j = 0; i < 0 && j < KEYS; j++)
		if (!keys[j].value)
			i = j;
	if (!keys[i].value)
		keys[i].create = revision;
	free(keys[i].value);
	snprintf(keys[i].key, sizeof(keys[i].key), "%s", key);
	keys[i].value = strdup(value);
	keys[i].mod = revision;
}

static void clear(void)
{
	int i;

	for (i = 0; i < KEYS; i++) {
		free(keys[i].value);
		keys[i].value = NULL;
	}
}

static bool get_kv(const char *key, struct etcd_kv *kv)
{
	int i = find(key);

	if (i < 0)
		return false;
	*kv = (struct etcd_kv){ .key = keys[i].key, .value = (uint8_t *)keys[i].value, .len = strlen(keys[i].value),
				.mod_revision = keys[i].mod };
	return true;
}

static struct etcd_call *begin(etcd_done *done, void *arg)
{
	memset(&call, 0, sizeof(call));
	call.done = done;
	call.arg = arg;
	return (struct etcd_call *)&call;
}

struct etcd_call *etcd_get(struct etcd *e, const char *key, unsigned int timeout, etcd_done *done, void *arg)
{
	struct etcd_call *c = begin(done, arg);

	(void)e;
	(void)timeout;
	call.a.n = get_kv(key, call.kv);
	call.a.kv = call.kv;
	return c;
}

static bool holds(const struct etcd_compare *c)
{
	int i = find(c->key);

	return c->number == (i < 0 ? 0 : c->target == ETCD_CREATE ? keys[i].create : keys[i].mod);
}

struct etcd_call *etcd_txn(struct etcd *e, const struct etcd_txn *t, unsigned int timeout, etcd_done *done, void *arg)
{
	struct etcd_call *c = begin(done, arg);
	bool all = true;
	char *text;
	size_t i;

	(void)e;
	(void)timeout;
	for (i = 0; i < t->n_compares; i++)
		all &= holds(&t->compares[i]);
	if (mood == ETCD_OK && all)
		revision++;
	for (i = 0; mood == ETCD_OK && all && i < t->n_then; i++) {
		text = strndup(t->then[i].value, t->then[i].len);
		set(t->then[i].key, text);
		free(text);
	}
	for (i = 0; !all && i < t->n_otherwise; i++) {
		call.r[i].n = get_kv(t->otherwise[i].key, &call.kv[i]);
		call.r[i].kv = &call.kv[i];
	}
	call.a.replies = call.r;
	call.a.n_replies = all ? 0 : t->n_otherwise;
	call.a.succeeded = all;
	return c;
}

void etcd_cancel(struct etcd_call *c)
{
	(void)c;
	call.done = NULL;
}

/* Until nothing is on its way. */
static void pump(void)
{
	etcd_done *done;

	while ((done = call.done)) {
		call.done = NULL;
		call.a.result = lost ? ETCD_UNREACHABLE : mood;
		call.a.why = call.a.result ? "no member answers" : "";
		if (call.a.result)
			call.a.n = call.a.n_replies = 0;
		done(&call.a, call.arg);
	}
}

unsigned int fleet_gateways_count(struct fleet *f)
{
	(void)f;
	return 1;
}

void fleet_after(struct event *timer, unsigned int ms)
{
	struct timeval t = { .tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000 };

	event_add(timer, &t);
}

void fleet_answer(struct fleet *f, uint64_t client, json_t *id, const char *is, json_t *more)
{
	const char *why = json_string_value(json_object_get(more, "why"));

	(void)f;
	(void)client;
	snprintf(said_is, sizeof(said_is), "%s", is);
	snprintf(said_why, sizeof(said_why), "%s", why ? why : "");
	json_decref(id);
	json_decref(more);
}

void serve_log(int priority, const char *event, ...)
{
	(void)priority;
	(void)event;
}

int store_fleet_gateway_each(struct store *s, int (*each)(const struct store_fleet_gateway *g, void *arg), void *arg)
{
	size_t i;
	int ret = 0;

	(void)s;
	for (i = 0; !ret && i < n_gateways; i++)
		ret = each(&gateways[i], arg);
	return ret;
}

static const char *path(const char *name)
{
	static char out[4][SERVE_NAME_LEN];
	static int n;

	n = (n + 1) % 4;
	snprintf(out[n], sizeof(out[n]), "%s/%s", base, name);
	return out[n];
}

static void expect(const char *is, const char *why, const char *name)
{
	ok(!strcmp(said_is, is) && strstr(said_why, why), "%s: %s %s", name, said_is, said_why);
	said_is[0] = said_why[0] = 0;
}

static void ask_init(struct fleet *f)
{
	fleet_init(f, 1, json_integer(1), NULL);
	pump();
}

static void ask_add(struct fleet *f, const char *name, const char *pem)
{
	json_t *q = json_pack("{s:s*, s:s*}", "gateway", name, "certificate", pem);

	fleet_add(f, 1, json_integer(1), q);
	pump();
	json_decref(q);
}

static void make_ca(const char *name)
{
	const struct pki_ca_plan plan = { .name = name, .key = PKI_P256, .now = time(NULL) };
	struct pki_error err;

	if (pki_ca_make(path(name), &plan, &err)) {
		ok(false, "a CA: %s", err.text);
		exit(tap_done());
	}
}

/* Another gateway's issuing certificate, PEM, by the root of a CA; free(). */
static char *gateway_pem(const char *ca, const char *name, time_t until)
{
	static const char *const names[] = { "gw.example" };
	struct pki_issuing_plan plan = { .gateway = name, .names = names, .n_names = 1, .now = time(NULL), .until = until };
	struct pki_error err = { "" };
	EVP_PKEY *key = pki_key_new(PKI_P256);
	uint8_t *der = NULL;
	char *out = NULL;
	size_t len = 0;
	X509 *cert = NULL;

	if (!pki_cert_load(path(ca), "root.crt", &plan.root, &err) && !pki_key_load(path(ca), "root.key", NULL, &plan.key, &err) &&
	    !pki_csr_new(key, NULL, NULL, &der, &len))
		cert = pki_issuing_sign(der, len, &plan, &err);
	if (cert)
		out = pem_of(cert);
	else
		ok(false, "an issuing certificate: %s", err.text);
	X509_free(cert);
	X509_free(plan.root);
	EVP_PKEY_free(plan.key);
	EVP_PKEY_free(key);
	OPENSSL_free(der);
	return out;
}

static void check_init(struct fleet *f)
{
	mood = ETCD_UNREACHABLE;
	ask_init(f);
	expect("unreachable", "no member", "init without etcd");
	ok(find("fleet") < 0, "and nothing is there");
	mood = ETCD_OK;
	lost = true;
	ask_init(f);
	expect("unreachable", "no member", "init, whose answer is lost");
	ok(find("fleet") >= 0 && find("all/gateway/gw-a") >= 0, "it was carried out");
	lost = false;
	ask_init(f);
	expect("done", "", "init again: found to be done");
	clear();
	ask_init(f);
	expect("done", "", "init");
	ok(strstr(keys[find("all/gateway/gw-a")].value, "BEGIN CERTIFICATE"), "the first gateway is in it");
	set("fleet", "{\"v\":1,\"root\":\"00\"}");
	ask_init(f);
	expect("refused", "the fleet's root has SHA-256 00", "init of a fleet with another root");
	clear();
	set("fleet", "{\"v\":2}");
	ask_init(f);
	expect("refused", "none that this version knows", "init of a fleet of another format");
	clear();
	set("all/gateway/gw-a", "{}");
	ask_init(f);
	expect("refused", "another installation's", "init where a gateway is, and no fleet");
	ok(find("fleet") < 0, "and there still is none");
	clear();
	ask_init(f);
	expect("done", "", "init, at last");
}

void fleet_refuse(struct fleet *f, const char *why)
{
	(void)f;
	refusals += !!why;
}

static void on_look(struct fleet *f, enum fleet_root is, const char *why)
{
	(void)f;
	root_is = is;
	snprintf(root_why, sizeof(root_why), "%s", why);
}

static void look(struct fleet *f, enum fleet_root is, const char *name)
{
	ok(!fleet_root_look(f, on_look), "%s: asked", name);
	pump();
	ok(root_is == is && !root_why[0] == (is == FLEET_ROOT_RIGHT), "%s: %s", name, root_why);
}

static void check_root(struct fleet *f)
{
	char *was = strdup(keys[find("fleet")].value);

	look(f, FLEET_ROOT_RIGHT, "the root is right");
	set("fleet", "{\"v\":1,\"root\":\"00\"}");
	look(f, FLEET_ROOT_WRONG, "another root");
	set("fleet", "nonsense");
	look(f, FLEET_ROOT_WRONG, "nonsense");
	mood = ETCD_TIMED_OUT;
	look(f, FLEET_ROOT_UNKNOWN, "no etcd");
	ok(!refusals, "which says nothing of its history");
	mood = ETCD_OTHER_CLUSTER;
	look(f, FLEET_ROOT_UNKNOWN, "another cluster");
	mood = ETCD_WENT_BACK;
	look(f, FLEET_ROOT_UNKNOWN, "an older state");
	ok(refusals == 2, "another history: refused, and 'fleet rejoin' has something to do");
	mood = ETCD_OK;
	set("fleet", was);
	free(was);
}

static void check_add(struct fleet *f)
{
	time_t year = time(NULL) + 365 * 86400;
	char *pem = gateway_pem("home", "gw-b", year), *other = gateway_pem("home", "gw-b", year);
	char *foreign = gateway_pem("other", "gw-b", year), *old = gateway_pem("home", "gw-b", time(NULL) - 3600);
	char text[256];

	f->self = 0;
	ask_add(f, "gw-b", pem);
	expect("refused", "in no fleet itself", "add by one that is in none");
	f->self = keys[find("all/gateway/gw-a")].mod;
	ask_add(f, "gw b", pem);
	expect("refused", "not a gateway's name", "add: a name with a blank");
	ask_add(f, NULL, pem);
	expect("refused", "not a gateway's name", "add: no name");
	ask_add(f, "gw-b", NULL);
	expect("refused", "holds no certificate", "add: no certificate");
	ask_add(f, "gw-b", "-----BEGIN");
	expect("refused", "holds no certificate", "add: half a certificate");
	ask_add(f, "gw-b", foreign);
	expect("refused", "root does not lead to it", "add: below another root");
	ask_add(f, "gw-b", old);
	expect("refused", "expired", "add: expired");
	ok(find("all/gateway/gw-b") < 0, "none of these is in");
	f->self--;
	ask_add(f, "gw-b", pem);
	expect("refused", "was expelled", "add by one that was expelled meanwhile");
	f->self++;
	f->expelled = true;
	ask_add(f, "gw-b", pem);
	expect("refused", "this gateway is expelled", "add by one that is expelled, and whose row is as it knows it");
	ok(find("all/gateway/gw-b") < 0, "it is not in");
	f->expelled = false;
	mood = ETCD_UNREACHABLE;
	ask_add(f, "gw-b", pem);
	expect("unreachable", "no member", "add without etcd");
	mood = ETCD_OK;
	ask_add(f, "gw-b", pem);
	expect("done", "", "add");
	ok(find("all/gateway/gw-b") >= 0, "it is in");
	ask_add(f, "gw-b", pem);
	expect("done", "", "add again");
	ask_add(f, "gw-b", other);
	expect("refused", "another issuing CA", "add with another certificate");
	ok(!strstr(keys[find("all/gateway/gw-b")].value, "expelled"), "it stays as it is");
	snprintf(text, sizeof(text), "{\"v\":1,\"expelled\":%lld,\"issuer\":\"00\"}", (long long)time(NULL));
	set("all/gateway/gw-b", text);
	ask_add(f, "gw-b", pem);
	expect("refused", "was expelled", "add of one that was expelled");
	n_gateways = 1;
	gateways[0] = (struct store_fleet_gateway){ .name = "gw-c" };
	{
		BIO *bio = BIO_new_mem_buf(pem, -1);
		X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);

		pki_fingerprint(cert, gateways[0].issuer);
		X509_free(cert);
		BIO_free(bio);
	}
	ask_add(f, "gw-d", pem);
	expect("refused", "another gateway of the fleet has this issuing CA", "add of one CA under two names");
	n_gateways = 0;
	free(pem);
	free(other);
	free(foreign);
	free(old);
}

static int certificates(char **text)
{
	size_t len;
	int n = 0;
	char *at;

	free(*text);
	*text = NULL;
	if (file_read(path("fleet/issuers.pem"), 1 << 20, text, &len))
		return -1;
	for (at = *text; (at = strstr(at, "BEGIN CERTIFICATE")); at++)
		n++;
	return n;
}

static bool wrote(struct fleet *f)
{
	fleet_issuers_write(f);
	return event_base_dispatch(f->base) >= 0;
}

static int files_in(const char *directory)
{
	DIR *d = opendir(directory);
	const struct dirent *e;
	int n = 0;

	while (d && (e = readdir(d)))
		n += e->d_name[0] != '.';
	if (d)
		closedir(d);
	return n;
}

static void check_issuers(struct fleet *f)
{
	time_t year = time(NULL) + 365 * 86400;
	char *b = gateway_pem("home", "gw-b", year), *c = gateway_pem("home", "gw-c", year), *foreign = gateway_pem("other", "x", year);
	char both[16384], *text = NULL, *own;
	uint8_t issuer[PKI_FINGERPRINT_LEN] = { 0 };
	struct stat st;

	own = fleet_issuers_own(f, issuer);
	gateways[0] = (struct store_fleet_gateway){ .name = "gw-a", .certificate = own };
	gateways[1] = (struct store_fleet_gateway){ .name = "gw-b", .certificate = b };
	gateways[2] = (struct store_fleet_gateway){ .name = "gw-x", .certificate = foreign };
	gateways[3] = (struct store_fleet_gateway){ .name = "gw-y", .certificate = "-----BEGIN CERTIFICATE-----\nAA\n" };
	gateways[4] = (struct store_fleet_gateway){ .name = "gw-z" };
	n_gateways = 5;
	if (!ok(!mkdir(path("fleet"), 0755) && !chdir(path("fleet")) && !fleet_issuers_begin(f), "begun"))
		exit(tap_done());
	ok(wrote(f) && certificates(&text) == 2, "good ones are written, another root's, half a one and none left out");
	ok(!stat(path("fleet/issuers.pem"), &st) && (st.st_mode & 0777) == 0644, "for front to read");
	snprintf(both, sizeof(both), "%s%s", b, c);
	gateways[1].certificate = both;
	ok(wrote(f) && certificates(&text) == 3, "a gateway may have more than one: before and after a roll-over");
	gateways[1].expelled = 1;
	ok(wrote(f) && certificates(&text) == 1, "an expelled one has none");
	n_gateways = 0;
	ok(wrote(f) && certificates(&text) == 1, "none at all: the file stays");
	ok(files_in(path("fleet")) == 1, "and no half of one");
	fleet_issuers_end(f);
	free(text);
	free(own);
	free(b);
	free(c);
	free(foreign);
}

int main(void)
{
	static struct serve_config config;
	static struct fleet f = { .config = &config };
	uint8_t issuer[PKI_FINGERPRINT_LEN];

	snprintf(base, sizeof(base), "/tmp/cordon-members.XXXXXX");
	if (!mkdtemp(base))
		return 1;
	snprintf(config.ca, sizeof(config.ca), "%s", path("home"));
	strcpy(config.fleet.gateway, "gw-a");
	f.base = event_base_new();
	ok(!fleet_members_begin(&f) && !fleet_ca(&f) && !fleet_issuers_own(&f, issuer), "without a CA: there is none");
	ask_init(&f);
	expect("refused", "this gateway has no CA", "init without a CA");
	f.self = 1;
	ask_add(&f, "gw-b", "");
	expect("refused", "this gateway has no CA", "add without a CA");
	fleet_members_end(&f);
	make_ca("home");
	make_ca("other");
	snprintf(config.fleet.cert, sizeof(config.fleet.cert), "%s", path("home/issuing.crt"));
	ok(!fleet_members_begin(&f), "with one");
	ok(strstr(fleet_client(&f), "serial number ") && strstr(fleet_client(&f), "CN=home issuing CA"), "its certificate for etcd: %s",
	   fleet_client(&f));
	check_init(&f);
	check_root(&f);
	check_add(&f);
	check_issuers(&f);
	fleet_init(&f, 1, json_integer(1), NULL);
	fleet_members_end(&f);
	ok(!call.done, "an end with a question on its way: it is cancelled");
	event_base_free(f.base);
	clear();
	pki_tree_remove(base);
	return tap_done();
}

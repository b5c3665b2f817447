// SPDX-License-Identifier: GPL-2.0
/*
 * Three gateways that do what gateways do, in any order, with etcd out of reach now and then. In the end all registries
 * are the same, nothing that was revoked counts, and no token has served two certificates. In every third run etcd is
 * put back to an older snapshot now and then.
 */
#include <jansson.h>

#include "fleet_help.h"

#define GATEWAYS	3
#define DEVICES		6
#define STEPS		400
#define SEEDS		12
#define MOST		512

/** struct secret - a token that was made, and what it served for */
struct secret {
	unsigned int device;
	char text[STORE_TOKEN_LEN];
	unsigned int made[MOST];
	size_t n_made;
};

static struct {
	struct gateway g[GATEWAYS];
	struct secret secrets[MOST];
	size_t n_secrets;
	struct store_certificate certs[MOST];
	bool revoked[MOST];
	size_t n_certs;
	uint64_t seed;
	time_t now;
	bool put_back;		/* now and then etcd is */
	bool anew[GATEWAYS];	/* etcd has another history than it knows */
	struct kv kept[KEYS];	/* a snapshot of etcd */
	size_t n_kept;
} w;

static unsigned int draw(unsigned int n)
{
	w.seed = w.seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (unsigned int)(w.seed >> 33) % n;
}

static void new_token(struct gateway *g, unsigned int d)
{
	struct secret *t = &w.secrets[w.n_secrets];
	char name[32];
	uint8_t mac[6];

	if (w.n_secrets == MOST)
		return;
	snprintf(name, sizeof(name), "dev-%u", d);
	/* Now and then it is another device by the same name. */
	mac_of(d + (draw(12) ? 0 : 1000), mac);
	must(g, store_token_new(&g->s, name, mac, NULL, DAY, !draw(4), w.now, t->text, sizeof(t->text)), "token");
	t->device = d;
	w.n_secrets++;
}

/* The token claimed and the number reserved in one transaction, as cordon-fleet does. */
static bool certify(struct gateway *g, const struct store_certificate *c)
{
	char token[STORE_KEY_LEN], cert[STORE_KEY_LEN], hex[65], serial[33], mac[18], *old;
	json_t *o, *n;
	int64_t known;
	size_t len;
	int i;

	snprintf(token, sizeof(token), "all/token/%s", c->name);
	serial_key("cert", c->serial, cert);
	must(g, store_fleet_revision(&g->s, token, &known), "revision");
	must(g, store_fleet_value(&g->s, token, &old, &len), "value");
	if (!old || etcd_mod(token) != known || etcd_mod(cert)) {
		free(old);
		return false;
	}
	for (i = 0; i < 32; i++)
		sprintf(hex + 2 * i, "%02x", c->key_id[i]);
	snprintf(serial, sizeof(serial), "%s", strrchr(cert, '/') + 1);
	snprintf(mac, sizeof(mac), "%02x:%02x:%02x:%02x:%02x:%02x", c->mac[0], c->mac[1], c->mac[2], c->mac[3], c->mac[4],
		 c->mac[5]);
	o = json_loads(old, 0, NULL);
	free(old);
	json_object_set_new(o, "state", json_integer(1));
	json_object_set_new(o, "key", json_string(hex));
	json_object_set_new(o, "serial", json_string(serial));
	old = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
	n = json_pack("{s:i,s:s,s:s,s:i,s:i,s:n,s:s,s:I,s:I,s:s}", "v", 1, "name", c->name, "mac", mac, "kind", 0, "state", 0,
		      "fingerprint", "key", hex, "from", (json_int_t)c->not_before, "until", (json_int_t)c->not_after,
		      "gateway", g->name);
	etcd_put(token, old);
	free(old);
	old = json_dumps(n, JSON_COMPACT | JSON_SORT_KEYS);
	etcd_set(cert, old);
	free(old);
	json_decref(o);
	json_decref(n);
	gateway_hear(g, EVENTS);
	return true;
}

static int make(struct gateway *g, const struct store_certificate *c, const uint8_t *old)
{
	uint8_t der[64] = { 0x30 }, print[32] = { 7 };
	int err = 0;

	memcpy(der + 1, c->serial, STORE_SERIAL_LEN);
	memcpy(print + 1, c->serial, STORE_SERIAL_LEN);
	if (old) {
		err = store_cert_revoke(&g->s, old, w.now, 4);
		err = err == -EALREADY ? 0 : err;
	}
	if (!err)
		err = store_cert_reserve(&g->s, c);
	if (!err)
		err = store_token_claim(&g->s, c->name, c->key_id, c->serial);
	if (!err)
		err = store_cert_issued(&g->s, c->serial, der, sizeof(der), print, c->not_after);
	return err ? err : store_pending_done(&g->s, c->name);
}

static void note_revoked(const uint8_t *serial)
{
	size_t i;

	for (i = 0; i < w.n_certs; i++)
		if (!memcmp(w.certs[i].serial, serial, STORE_SERIAL_LEN))
			w.revoked[i] = true;
}

static void enrol_one(struct gateway *g)
{
	struct secret *t = &w.secrets[w.n_secrets ? draw((unsigned int)w.n_secrets) : 0];
	struct store_certificate c = cert_of((unsigned int)w.n_certs + 1, t->device, (uint8_t)draw(3));
	uint8_t serial[STORE_SERIAL_LEN], *der = NULL;
	enum store_token verdict;
	struct store_device d;
	size_t len = 0;

	if (!w.n_secrets || w.n_certs == MOST || g->away)
		return;
	must(g, store_token_check(&g->s, c.name, t->text, c.key_id, w.now, &verdict, &d, serial), "check");
	if (verdict == STORE_TOKEN_PENDING) {
		must(g, store_cert_get(&g->s, serial, &c, &der, &len), "get");
		/* Reserved here, and given up. */
		if (!len && c.state != STORE_RESERVED) {
			printf("Bail out! a certificate that is not here is to be handed out again\n");
			exit(1);
		}
		free(der);
		return;
	}
	if (verdict != STORE_TOKEN_GOOD && verdict != STORE_TOKEN_OTHER_KEY)
		return;
	memcpy(c.mac, d.mac, sizeof(c.mac));
	c.not_before = w.now;
	c.not_after = w.now + 3650 * DAY;
	w.certs[w.n_certs++] = c;
	if (!certify(g, &c))
		return;
	must(g, store_begin(&g->s, true), "begin");
	if (make(g, &c, verdict == STORE_TOKEN_OTHER_KEY ? serial : NULL)) {
		store_rollback(&g->s);
		return;
	}
	must(g, store_commit(&g->s), "commit");
	t->made[t->n_made++] = (unsigned int)w.n_certs - 1;
	if (verdict == STORE_TOKEN_OTHER_KEY)
		note_revoked(serial);
}

static void one_certificate(struct gateway *g, unsigned int what)
{
	unsigned int i = w.n_certs ? draw((unsigned int)w.n_certs) : 0;
	static const char * const versions[] = { NULL, "1.0", "1.1" };

	if (!w.n_certs)
		return;
	if (what)
		store_checkin(&g->s, w.certs[i].name, w.certs[i].serial, w.now, versions[draw(3)]);
	else if (!store_cert_revoke(&g->s, w.certs[i].serial, w.now, 1))
		w.revoked[i] = true;
}

static void one_device(struct gateway *g, unsigned int what)
{
	struct store_pending p = { .way = STORE_WAY_TOKEN, .peer = "192.0.2.1", .last = w.now };
	struct store_retired r;
	bool news;

	snprintf(p.name, sizeof(p.name), "dev-%u", draw(DEVICES));
	mac_of(draw(DEVICES), p.mac);
	p.key_id[0] = (uint8_t)draw(12);
	switch (what) {
	case 0:
		if (!draw(3))
			store_device_retire(&g->s, p.name, NULL, w.now, 5, &r);
		break;
	case 1:
		store_device_approve(&g->s, p.name);
		break;
	case 2:
		store_pending_note(&g->s, &p, &news);
		break;
	case 3:
		store_pending_approve(&g->s, p.name, p.key_id);
		break;
	case 4:
		store_token_withdraw(&g->s, p.name);
		break;
	default:
		must(g, store_fleet_mark(&g->s, p.mac, draw(2), "a reason", w.now), "mark");
	}
}

static void roll_out(struct gateway *g)
{
	uint64_t failures = draw(2);

	if (failures)
		sqlite3_exec(g->s.db, "UPDATE firmware_release SET failures = failures + 1, stopped = stopped OR"
			     " (stop_after > 0 AND failures + 1 >= stop_after)", NULL, NULL, NULL);
	else if (draw(8))
		must(g, store_release_rollout(&g->s, 1, 10 * draw(11), draw(2), draw(20)), "rollout");
	else
		must(g, store_release_resume(&g->s, 1), "resume");
}

static void drop_snapshot(void)
{
	while (w.n_kept) {
		w.n_kept--;
		free(w.kept[w.n_kept].key);
		free(w.kept[w.n_kept].value);
	}
}

static void snapshot(void)
{
	size_t i;

	drop_snapshot();
	for (i = 0; i < etcd.n_keys; i++)
		if (etcd.keys[i].value)
			w.kept[w.n_kept++] = (struct kv){ strdup(etcd.keys[i].key), strdup(etcd.keys[i].value), etcd.keys[i].mod };
}

/* etcd is put back to a snapshot: whoever comes next is told so, and rejoins. */
static void put_back(void)
{
	const int64_t revision = etcd.revision;
	int64_t last = 1;
	size_t i;

	if (!w.n_kept)
		return;
	etcd_end();
	for (i = 0; i < w.n_kept; i++) {
		etcd.revision = w.kept[i].mod;
		etcd_set(w.kept[i].key, w.kept[i].value);
		last = w.kept[i].mod > last ? w.kept[i].mod : last;
	}
	/* Its numbers are used again, for other changes. */
	etcd.revision = last + draw((unsigned int)(revision - last) + 1);
	for (i = 0; i < GATEWAYS; i++)
		w.anew[i] = true;
}

static void rejoin(struct gateway *g)
{
	if (!w.anew[g - w.g])
		return;
	w.anew[g - w.g] = false;
	must(g, store_fleet_note_all(&g->s, true), "note all");
	put_position(g, 0);
	gateway_list(g);
}

static void step(void)
{
	struct gateway *g = &w.g[draw(GATEWAYS)];
	unsigned int what = draw(26);

	w.now++;
	if (w.put_back && !draw(40))
		snapshot();
	else if (w.put_back && !draw(100))
		put_back();
	if (!g->away)
		rejoin(g);
	if (what < 3)
		new_token(g, draw(DEVICES));
	else if (what < 9)
		enrol_one(g);
	else if (what < 12)
		one_certificate(g, what - 9);
	else if (what < 18)
		one_device(g, what - 12);
	else if (what < 19)
		roll_out(g);
	else if (what < 20)
		g->away = !g->away;
	else if (g->away)
		return;
	else if (what < 23)
		gateway_tell(g, 1 + draw(3));
	else if (what < 25)
		gateway_hear(g, 1 + draw(5));
	else if (!draw(4))
		gateway_list(g);
}

static bool revoked_everywhere(void)
{
	bool good = true;
	size_t i, j;

	for (i = 0; i < w.n_certs; i++)
		for (j = 0; j < GATEWAYS && w.revoked[i]; j++)
			good &= state_of(&w.g[j], w.certs[i].serial) == STORE_REVOKED;
	return good;
}

static bool tokens_once(void)
{
	unsigned int live;
	size_t i, j;
	int state;

	for (i = 0; i < w.n_secrets; i++) {
		for (j = 0, live = 0; j < w.secrets[i].n_made; j++) {
			state = state_of(&w.g[0], w.certs[w.secrets[i].made[j]].serial);
			live += state == STORE_ISSUED || state == STORE_DELIVERED;
		}
		if (live > 1)
			return false;
	}
	return true;
}

static void begin(uint64_t seed)
{
	static const char * const names[GATEWAYS] = { "gw-a", "gw-b", "gw-c" };
	struct firmware_release r = { .model = "acme", .version = "1.2", .file = "f.bin", .size = 1, .percent = 10 };
	size_t i;

	memset(&w, 0, sizeof(w));
	w.seed = seed;
	w.put_back = !(seed % 3);
	w.now = time(NULL);
	for (i = 0; i < GATEWAYS; i++) {
		gateway_begin(&w.g[i], names[i]);
		must(&w.g[i], store_release_add(&w.g[i].s, &r), "release");
	}
}

static void run(uint64_t seed)
{
	unsigned int faults = 0, i;
	bool same;

	begin(seed);
	for (i = 0; i < STEPS; i++)
		step();
	for (i = 0; i < GATEWAYS; i++)
		rejoin(&w.g[i]);
	ok(settle_all(w.g, GATEWAYS), "%u: all is told in the end", (unsigned int)seed);
	same = same_dump(&w.g[0], &w.g[1]) && same_dump(&w.g[1], &w.g[2]);
	ok(same, "%u: all registries are the same, %zu certificates", (unsigned int)seed, w.n_certs);
	ok(same_digest(&w.g[0], &w.g[1]) && same_digest(&w.g[1], &w.g[2]), "%u: and so are the digests", (unsigned int)seed);
	ok(revoked_everywhere(), "%u: what was revoked is so everywhere", (unsigned int)seed);
	ok(tokens_once(), "%u: no token has served twice", (unsigned int)seed);
	ok(!ask(&w.g[0].s, "SELECT count(*) FROM certificate AS c JOIN device AS d ON d.name = c.name WHERE d.retired"
		" AND c.state IN (1, 2)") && !ask(&w.g[0].s, "SELECT count(*) FROM token AS t JOIN device AS d ON d.id = t.device"
		" WHERE d.retired AND t.state < 2"), "%u: no device that is retired has a certificate, or a token",
	   (unsigned int)seed);
	for (i = 0; i < GATEWAYS; i++)
		faults += (unsigned int)ask(&w.g[i].s, "SELECT count(*) FROM fleet_key WHERE strange");
	ok(!faults && is_sound(&w.g[2].s), "%u: nothing strange, and sound", (unsigned int)seed);
	for (i = 0; i < GATEWAYS; i++)
		gateway_end(&w.g[i]);
	drop_snapshot();
	etcd_end();
}

int main(int argc, char **argv)
{
	uint64_t seed = 1, last = SEEDS;

	if (argc > 1)
		seed = strtoull(argv[1], NULL, 0);
	if (argc > 1)
		last = argc > 2 ? strtoull(argv[2], NULL, 0) : seed;
	etcd_end();
	help_begin();
	for (; seed <= last; seed++)
		run(seed);
	help_end();
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0
/* Keys that wait for an approval, and tokens as they are listed and withdrawn: store/pending.c, store/token_list.c. */
#include "../../userspace/pki/pki.h"
#include "store_help.h"

static const uint8_t mac1[6] = { 2, 0, 0, 0, 0, 1 };

/** struct tally - what a walk has seen */
struct tally {
	unsigned int n;
	unsigned int approved;
	struct store_pending last;
	struct store_token_info token;
};

static int count(const struct store_pending *p, void *arg)
{
	struct tally *t = arg;

	t->n++;
	t->approved += p->approved;
	t->last = *p;
	return 0;
}

static int count_token(const struct store_token_info *token, void *arg)
{
	struct tally *t = arg;

	t->n++;
	t->token = *token;
	return 0;
}

static struct tally see(struct store *s, const char *name)
{
	struct tally t = { .n = 0 };

	if (store_pending_each(s, name, count, &t))
		t.n = 99;
	return t;
}

static struct tally see_tokens(struct store *s)
{
	struct tally t = { .n = 0 };

	if (store_token_each(s, count_token, &t))
		t.n = 99;
	return t;
}

static int note(struct store *s, const char *name, int key, const char *peer, time_t when, bool *news)
{
	struct store_pending p = { .way = STORE_WAY_IDEVID, .last = when };

	snprintf(p.name, sizeof(p.name), "%s", name);
	snprintf(p.peer, sizeof(p.peer), "%s", peer);
	memcpy(p.key_id, KEY(key), sizeof(p.key_id));
	return store_pending_note(s, &p, news);
}

static void give_token(struct store *s, const char *name, const uint8_t mac[6])
{
	char token[STORE_TOKEN_LEN];

	store_token_new(s, name, mac, NULL, DAY, true, NOW, token, sizeof(token));
}

static bool approved(struct store *s, const char *name, int key)
{
	bool yes = false;

	return !store_pending_approved(s, name, KEY(key), &yes) && yes;
}

static void check_note(void)
{
	struct tally t;
	struct store s;
	bool news;
	int i;

	help_open(&s);
	give_token(&s, "dev-1", mac1);
	ok(!note(&s, "dev-1", 1, "10.0.0.1", NOW, &news) && news, "note: news");
	ok(!note(&s, "dev-1", 1, "10.0.0.2", NOW + 9, &news) && !news && (t = see(&s, NULL), t.n == 1) &&
	   t.last.last == NOW && !strcmp(t.last.peer, "10.0.0.1"), "note: not each time");
	ok(!note(&s, "dev-1", 1, "10.0.0.2", NOW + 10, &news) && !news && (t = see(&s, "dev-1"), t.n == 1) &&
	   t.last.first == NOW && t.last.last == NOW + 10 && !strcmp(t.last.peer, "10.0.0.2") &&
	   t.last.way == STORE_WAY_IDEVID && !memcmp(t.last.mac, mac1, 6) && !t.last.approved,
	   "note: where it came from, when first and last");
	ok(!note(&s, "dev-9", 1, "10.0.0.1", NOW, &news) && see(&s, "dev-9").n == 0, "note: of no device, nothing");
	ok(!store_pending_approve(&s, "dev-1", KEY(1)), "note: one is approved");
	for (i = 2; i < 40; i++)
		note(&s, "dev-1", i, "10.0.0.3", NOW + 100 + i, &news);
	t = see(&s, "dev-1");
	ok(t.n == 9 && t.approved == 1 && !memcmp(t.last.key_id, KEY(39), 32),
	   "note: eight that came last, and those that are approved");
	store_close(&s);
	help_remove();
}

static void check_approve(void)
{
	struct store_device d;
	struct store s;
	bool news, yes;

	help_open(&s);
	ok(store_pending_approve(&s, "dev-1", KEY(1)) == -ENOENT, "approve: nobody: %s", s.error);
	give_token(&s, "dev-1", mac1);
	note(&s, "dev-1", 1, "10.0.0.1", NOW, &news);
	note(&s, "dev-1", 2, "10.0.0.1", NOW, &news);
	ok(!approved(&s, "dev-1", 1) && !approved(&s, "dev-1", 2), "approve: nothing yet");
	ok(!store_pending_approve(&s, "dev-1", KEY(1)) && approved(&s, "dev-1", 1) && !approved(&s, "dev-1", 2),
	   "approve: that key alone");
	ok(!store_pending_approve(&s, "dev-1", KEY(3)) && approved(&s, "dev-1", 3) && see(&s, "dev-1").n == 3,
	   "approve: a key that has not come yet");
	ok(!note(&s, "dev-1", 3, "10.0.0.4", NOW + 1, &news) && approved(&s, "dev-1", 3), "approve: and when it comes");
	ok(!store_pending_done(&s, "dev-1") && !see(&s, NULL).n && !approved(&s, "dev-1", 1),
	   "approve: it is for one certificate");
	ok(!store_device_approve(&s, "dev-1") && approved(&s, "dev-1", 7), "approve: of a name, whatever key comes");
	ok(!store_pending_done(&s, "dev-1") && !store_device_get(&s, "dev-1", &d) && !d.approved,
	   "approve: and that as well is for one");
	store_pending_approve(&s, "dev-1", KEY(1));
	ok(is_sound(&s), "approve: the registry is sound");
	give_token(&s, "dev-1", mac1);
	ok(!approved(&s, "dev-1", 1), "approve: a new token takes it back");
	ok(store_pending_approved(&s, "dev-9", KEY(1), &yes) == -ENOENT && !yes, "approve: of nobody");
	store_close(&s);
	help_remove();
}

static void check_meet(void)
{
	const uint8_t mac2[6] = { 2, 0, 0, 0, 0, 2 };
	struct store_device d;
	struct store s;
	bool news;

	help_open(&s);
	ok(!store_device_meet(&s, "dev-1", mac1) && !store_device_get(&s, "dev-1", &d) && !d.enrolled &&
	   !memcmp(d.mac, mac1, 6), "meet: it is there from then on");
	ok(!enrol(&s, 1, 1) && !store_device_meet(&s, "dev-1", mac1) && !store_device_get(&s, "dev-1", &d) &&
	   d.enrolled == NOW && see_tokens(&s).n == 1, "meet: it stays as it is");
	ok(store_device_meet(&s, "dev-2", mac1) == -EPERM && store_device_get(&s, "dev-2", &d) == -ENOENT,
	   "meet: another name's MAC: nothing is changed");
	note(&s, "dev-1", 4, "10.0.0.1", NOW, &news);
	ok(!store_device_meet(&s, "dev-1", mac2) && !store_device_get(&s, "dev-1", &d) && !d.enrolled &&
	   !memcmp(d.mac, mac2, 6) && !see_tokens(&s).n && !see(&s, "dev-1").n,
	   "meet: with another MAC it never enrolled, and has no token");
	store_close(&s);
	help_remove();
}

static void check_tokens(void)
{
	char token[STORE_TOKEN_LEN];
	enum store_token verdict;
	bool approved = true;
	struct tally t;
	struct store s;

	help_open(&s);
	ok(!see_tokens(&s).n, "list: none");
	store_token_new(&s, "dev-1", mac1, NULL, DAY, true, NOW, token, sizeof(token));
	ok(!store_token_maker(&s, "dev-1", "ann\x1b[2J") && (t = see_tokens(&s), t.n == 1) && !strcmp(t.token.name, "dev-1") &&
	   !strcmp(t.token.maker, "ann?[2J") && t.token.made == NOW && t.token.expires == NOW + DAY && !t.token.used &&
	   !t.token.claimed && !t.token.chosen && t.token.approval, "list: who made it, when, until when");
	store_pending_approve(&s, "dev-1", KEY(1));
	store_device_approve(&s, "dev-1");
	ok(!store_token_withdraw(&s, "dev-1") && !see_tokens(&s).n && !see(&s, "dev-1").n, "withdraw: it is gone");
	ok(!store_pending_approved(&s, "dev-1", KEY(2), &approved) && !approved, "withdraw: nor is any key let in that comes first");
	ok(!store_token_check(&s, "dev-1", token, KEY(1), NOW, &verdict, NULL, NULL) && verdict == STORE_TOKEN_WRONG,
	   "withdraw: and of no use");
	ok(store_token_withdraw(&s, "dev-1") == -ENOENT && strstr(s.error, "has no token"), "withdraw: twice: %s", s.error);
	ok(store_token_withdraw(&s, "dev-9") == -ENOENT, "withdraw: nobody's: %s", s.error);
	ok(!enrol(&s, 1, 1) && see_tokens(&s).token.used && store_token_withdraw(&s, "dev-1") == -EPERM,
	   "withdraw: one that is used up: %s", s.error);
	store_close(&s);
	help_remove();
}

static void check_text(void)
{
	static const char text[] = "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE";
	static const char * const bad[] = {
		"", "SHA256:", "sha256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE",
		"SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE==",
		"SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAF", "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=E",
		"SHA256: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE", "SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA*E",
		"SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAEx",
	};
	char out[PKI_KEY_TEXT_LEN];
	uint8_t id[32];
	size_t i;

	ok(!strcmp(pki_key_text(KEY(1), out), text), "fingerprint: as text: %s", out);
	ok(!pki_key_text_parse(text, id) && !memcmp(id, KEY(1), 32), "fingerprint: from text");
	snprintf(out, sizeof(out), "%s", text);
	ok(!pki_key_text_parse("SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE=", id) && !memcmp(id, KEY(1), 32),
	   "fingerprint: with padding");
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		memset(id, 0xa5, sizeof(id));
		ok(pki_key_text_parse(bad[i], id) == -EINVAL && id[0] == 0xa5 && id[31] == 0xa5,
		   "fingerprint: '%s' is none, and nothing moved", bad[i]);
	}
}

/* Of before there were keys: a device that has enrolled is not approved for ever. */
static void check_migration(void)
{
	struct store_device d;
	struct store s;

	help_open(&s);
	enrol(&s, 1, 1);
	give_token(&s, "dev-2", (const uint8_t[6]){ 2, 0, 0, 0, 0, 2 });
	sqlite3_exec(s.db, NO_FLEET "UPDATE device SET approved = 1; DROP TABLE pending; ALTER TABLE token DROP COLUMN maker;"
		     " PRAGMA user_version = 4", NULL, NULL, NULL);
	store_close(&s);
	help_open(&s);
	ok(!approved(&s, "dev-1", 1) && approved(&s, "dev-2", 1), "migration: who was approved and has enrolled is not any more");
	ok(!store_device_get(&s, "dev-1", &d) && d.enrolled == NOW && see_tokens(&s).n == 2 && !see_tokens(&s).token.maker[0],
	   "migration: all else is as it was");
	store_close(&s);
	help_remove();
}

/* An approval is older than the revocation: it was not given in spite of that. */
static void check_revoke(void)
{
	struct store_certificate c[] = { cert_of(1, 1, 1), cert_of(2, 1, 1) };
	bool any = false, one = false;
	struct store s;

	help_open(&s);
	if (enrol(&s, 1, 1) || store_cert_reserve(&s, &c[1]) || issue(&s, &c[1]) || store_device_approve(&s, "dev-1") ||
	    store_pending_approve(&s, "dev-1", KEY(2)))
		abort();
	ok(!store_cert_revoke(&s, c[0].serial, NOW, 4) && !store_pending_approved(&s, "dev-1", KEY(3), &any) && any,
	   "revoke: superseded: what was approved is");
	ok(!store_cert_revoke(&s, c[1].serial, NOW, 1) && !store_pending_approved(&s, "dev-1", KEY(3), &any) && !any &&
	   !store_pending_approved(&s, "dev-1", KEY(2), &one) && !one, "revoke: else nothing is approved any more");
	ok(!store_pending_approve(&s, "dev-1", KEY(2)) && !store_pending_approved(&s, "dev-1", KEY(2), &one) && one,
	   "revoke: but for what is approved afterwards");
	store_close(&s);
	help_remove();
}

int main(void)
{
	help_begin();
	check_migration();
	check_note();
	check_approve();
	check_meet();
	check_tokens();
	check_revoke();
	check_text();
	help_end();
	return tap_done();
}

// SPDX-License-Identifier: GPL-2.0
/* The registry's part about firmware: releases, floors, what is offered to whom, and what devices run. */
#include <fcntl.h>
#include <signal.h>
#include <time.h>

#include "store/firmware.h"
#include "store_help.h"

#define MODEL	"acme-t1"

static unsigned int next_file;

/* A release of MODEL, each with a file of its own. */
static struct firmware_release release_of(const char *version, unsigned int percent)
{
	struct firmware_release r = {
		.model = MODEL, .file = "app.swu", .notes = "Fixes\nthings", .signer = "CN=Acme", .size = 100,
		.added = NOW, .percent = percent, .stop_after = FIRMWARE_FAILURES,
	};

	snprintf(r.version, sizeof(r.version), "%s", version);
	next_file++;
	memcpy(r.hashes.sha256, &next_file, sizeof(next_file));
	memcpy(r.hashes.sha1, &next_file, sizeof(next_file));
	memcpy(r.hashes.md5, &next_file, sizeof(next_file));
	return r;
}

static int64_t add(struct store *s, const char *version, unsigned int percent)
{
	struct firmware_release r = release_of(version, percent);

	return store_release_add(s, &r) ? -1 : r.id;
}

/* Known to the registry; nothing more is needed of it here. */
static void meet(struct store *s, unsigned int d)
{
	char token[STORE_TOKEN_LEN];

	if (token_of(s, d, token))
		abort();
}

static const char *name_of(unsigned int d)
{
	static char name[32];

	snprintf(name, sizeof(name), "dev-%u", d);
	return name;
}

/* The version that is offered; "" none, "?" an error. */
static const char *offered(struct store *s, unsigned int d, struct firmware_action *action)
{
	static struct firmware_release r;
	struct firmware_action a;
	int err = store_offer(s, name_of(d), MODEL, NOW, action ? action : &a, &r);

	return err ? err == -ENOENT ? "" : "?" : action && action->state == FIRMWARE_CANCELING ? "stop" : r.version;
}

static bool is_offered(struct store *s, unsigned int d, const char *version)
{
	const char *got = offered(s, d, NULL);

	if (strcmp(got, version))
		printf("# dev-%u is offered '%s', not '%s'\n", d, got, version);
	return !strcmp(got, version);
}

static uint64_t generation(struct store *s)
{
	uint64_t n = 0;

	return store_firmware_generation(s, &n) ? 0 : n;
}

static int collect(const struct firmware_release *r, void *arg)
{
	strcat(arg, r->version);
	strcat(arg, " ");
	return 0;
}

struct refusal {
	const char *name;
	struct firmware_release r;
	int err;
	const char *message;
};

static void check_release(struct store *s)
{
	struct firmware_release r = release_of("1.2.0", 100), got, again;
	const struct refusal refusals[] = {
		{ "version", { .model = "m", .version = "latest", .file = "f", .size = 1 }, -EINVAL,
		  "not a version: 'latest'" },
		{ "model", { .model = "a/b", .version = "1", .file = "f", .size = 1 }, -EINVAL,
		  "not a model's name: 'a/b'" },
		{ "file", { .model = "m", .version = "1", .file = "../f", .size = 1 }, -EINVAL,
		  "not a file name for devices: '../f'" },
		{ "size", { .model = "m", .version = "1", .file = "f" }, -EINVAL,
		  "an artifact has 1 byte to 4 GiB" },
		{ "percent", { .model = "m", .version = "1", .file = "f", .size = 1, .percent = 101 }, -EINVAL,
		  "a roll-out is of 0 to 100 %, not 101" },
	};
	char list[64] = "";
	uint64_t before;
	size_t i;

	before = generation(s);
	ok(!store_release_add(s, &r) && r.id > 0 && generation(s) != before, "release: added");
	ok(!store_release_get(s, r.id, &got) && !memcmp(&got, &r, sizeof(r)), "release: got as it was added");
	ok(!store_release_find(s, MODEL, "1.2", &got) && got.id == r.id, "release: 1.2 is 1.2.0");
	ok(store_release_find(s, MODEL, "1.3", &got) == -ENOENT &&
	   !strcmp(s->error, "no version 1.3 of model 'acme-t1' in the registry"), "release: none: %s", s->error);
	again = release_of("1.2", 100);
	ok(store_release_add(s, &again) == -EEXIST && !strcmp(s->error, "model 'acme-t1' has version 1.2.0 already"),
	   "release: the version is there: %s", s->error);
	again = r;
	strcpy(again.version, "1.3");
	ok(store_release_add(s, &again) == -EEXIST &&
	   !strcmp(s->error, "that file is version 1.2.0 of model 'acme-t1' already"),
	   "release: an old file by a new name: %s", s->error);
	strcpy(again.model, "other");
	ok(!store_release_add(s, &again), "release: of another model it may be the file");
	for (i = 0; i < sizeof(refusals) / sizeof(*refusals); i++) {
		struct firmware_release bad = refusals[i].r;

		ok(store_release_add(s, &bad) == refusals[i].err && !strcmp(s->error, refusals[i].message),
		   "release: %s: %s", refusals[i].name, s->error);
	}
	add(s, "1.10", 100);
	add(s, "1.10-rc.1", 100);
	add(s, "1.9", 100);
	ok(!store_release_each(s, MODEL, collect, list) && !strcmp(list, "1.10 1.10-rc.1 1.9 1.2.0 "),
	   "release: the newest first: %s", list);
	ok(store_release_has_file(s, r.hashes.sha256) == 1, "release: its file is needed");
	ok(!store_release_remove(s, r.id) && store_release_get(s, r.id, &got) == -ENOENT, "release: removed");
	ok(store_release_has_file(s, r.hashes.sha256) == 1, "release: its file is another's, too");
	ok(!store_release_remove(s, again.id) && !store_release_has_file(s, r.hashes.sha256),
	   "release: and then nobody's");
	ok(store_release_remove(s, r.id) == -ENOENT, "release: removed twice: %s", s->error);
	again = release_of("1.2.0", 100);
	ok(!store_release_add(s, &again) && again.id > r.id, "release: a number is never used twice");
}

static int count_floor(const struct firmware_floor *f, void *arg)
{
	*(int *)arg += 1 + 10 * f->n_older;
	return 0;
}

static void check_floor(struct store *s)
{
	struct firmware_floor f;
	struct firmware_release r;
	char version[16];
	uint64_t before;
	int i, n = 0;

	ok(store_floor_get(s, MODEL, &f) == -ENOENT && !strcmp(s->error, "model 'acme-t1' has no floor"),
	   "floor: none: %s", s->error);
	before = generation(s);
	ok(!store_floor_set(s, MODEL, "1.1", NOW) && !store_floor_get(s, MODEL, &f) && !strcmp(f.version, "1.1") &&
	   f.since == NOW && !f.n_older && generation(s) != before, "floor: set");
	ok(!store_floor_set(s, MODEL, "1.1.0", NOW + 100) && !store_floor_get(s, MODEL, &f) && f.since == NOW &&
	   !f.n_older, "floor: the same again begins no grace");
	ok(!store_floor_set(s, MODEL, "1.3", NOW + 200) && !store_floor_get(s, MODEL, &f) &&
	   !strcmp(f.version, "1.3") && f.since == NOW + 200 && f.n_older == 1 &&
	   !strcmp(f.older[0].version, "1.1.0") && f.older[0].since == NOW, "floor: raised, and what was is kept");
	ok(firmware_is_outdated(&f, "1.0", 300, NOW + 300, NULL) && !firmware_is_outdated(&f, "1.2", 300, NOW + 300, NULL),
	   "floor: no second grace for who was below it before");
	ok(!store_floor_set(s, MODEL, "1.2", NOW + 300) && !store_floor_get(s, MODEL, &f) &&
	   !strcmp(f.version, "1.2") && f.since == NOW + 200 && f.n_older == 1,
	   "floor: lowered, for who is below it still it began when it was raised");
	ok(!store_floor_set(s, "other", "5", NOW) && !store_floor_each(s, count_floor, &n) && n == 12,
	   "floor: each, by model");
	r = release_of("1.1.9", 100);
	ok(store_release_add(s, &r) == -EPERM &&
	   !strcmp(s->error, "version 1.1.9 is below the floor of model 'acme-t1', 1.2"),
	   "floor: what is below is not added: %s", s->error);
	ok(store_floor_set(s, MODEL, "x", NOW) == -EINVAL && !strcmp(s->error, "not a version: 'x'") &&
	   store_floor_set(s, "a b", "1", NOW) == -EINVAL, "floor: bad words");
	for (i = 2; i < 30; i++) {
		snprintf(version, sizeof(version), "%d.0", i);
		n = store_floor_set(s, MODEL, version, NOW + i * DAY);
	}
	ok(!n && !store_floor_get(s, MODEL, &f) && !strcmp(f.version, "29.0") && f.n_older == FIRMWARE_FLOORS &&
	   !strcmp(f.older[0].version, "28.0") && !strcmp(f.older[FIRMWARE_FLOORS - 1].version, "21.0") &&
	   f.older[FIRMWARE_FLOORS - 1].since == NOW, "floor: the lowest of many takes the oldest date");
	ok(!store_floor_set(s, MODEL, NULL, NOW) && store_floor_get(s, MODEL, &f) == -ENOENT, "floor: none again");
	store_floor_set(s, "other", NULL, NOW);
}

static int history(const char *version, const char *source, time_t at, void *arg)
{
	char line[80];

	snprintf(line, sizeof(line), "%s %s %d;", version, source, (int)(at - NOW));
	if (strlen(arg) + strlen(line) < 2000)
		strcat(arg, line);
	return 0;
}

static void check_report(struct store *s)
{
	char text[2048] = "", version[16], token[STORE_TOKEN_LEN];
	struct store_certificate c = cert_of(77, 3, 1);
	struct store_device d;
	uint64_t before;
	int i;

	ok(store_firmware_report(s, "dev-3", "1.0", "ddi", NOW) == -ENOENT, "report: of nobody: %s", s->error);
	if (enrol(s, 77, 3))
		abort();
	before = generation(s);
	ok(!store_checkin(s, "dev-3", c.serial, NOW, "1.0") && generation(s) != before, "report: by a check-in");
	before = generation(s);
	ok(!store_checkin(s, "dev-3", c.serial, NOW + 1, "1.0") && generation(s) == before &&
	   !store_checkin(s, "dev-3", c.serial, NOW + 2, NULL) && generation(s) == before &&
	   !store_firmware_report(s, "dev-3", "1.0", "ddi", NOW + 3) && generation(s) == before,
	   "report: the same again is no news");
	ok(!store_firmware_report(s, "dev-3", "1.1", "ddi", NOW + 4) && !store_device_get(s, "dev-3", &d) &&
	   !strcmp(d.firmware, "1.1"), "report: by DDI");
	ok(!store_firmware_history(s, "dev-3", history, text) && !strcmp(text, "1.1 ddi 4;1.0 check-in 0;"),
	   "report: the history, last first: %s", text);
	ok(store_firmware_report(s, "dev-3", "", "ddi", NOW) == -EINVAL &&
	   store_firmware_report(s, "dev-3", "1\n2", "ddi", NOW) == -EINVAL &&
	   store_firmware_report(s, "dev-3", "1234567890123456789012345678901234567890123456789012345678901234", "ddi",
				 NOW) == -EINVAL, "report: refused: %s", s->error);
	for (i = 0; i < 50; i++) {
		snprintf(version, sizeof(version), "2.%d", i);
		store_firmware_report(s, "dev-3", version, "ddi", NOW + i);
	}
	text[0] = 0;
	ok(!store_firmware_history(s, "dev-3", history, text) && !strncmp(text, "2.49 ", 5) &&
	   ask(s, "SELECT count(*) FROM firmware_history") == 32, "report: the last 32 are kept");
	ok(!store_firmware_report(s, "dev-3", "not a version", "ddi", NOW) && is_offered(s, 3, "1.10"),
	   "report: what cannot be compared counts as nothing");
	ok(!store_token_new(s, "dev-3", (const uint8_t[6]){ 2, 9 }, NULL, DAY, false, NOW, token, sizeof(token)) &&
	   !ask(s, "SELECT count(*) FROM firmware_history") && !ask(s, "SELECT count(*) FROM firmware_action") &&
	   !store_device_get(s, "dev-3", &d) && !d.firmware[0], "report: another MAC is another device");
}

/* Free text does not tell whether an update took: offering it over and over would be no help. */
static void check_free_text(struct store *s)
{
	struct firmware_release r;
	struct firmware_action a;
	int n, times[2] = { 0, 0 };
	unsigned int d;

	add(s, "3.1", 100);
	for (d = 0; d < 2; d++) {
		meet(s, 7 + d);
		for (n = 0; n < 5 && !store_offer(s, d ? "dev-8" : "dev-7", MODEL, NOW, &a, &r); n++) {
			store_action_change(s, a.id, FIRMWARE_SUCCEEDED, NULL, NOW, NULL);
			store_firmware_report(s, a.device, d ? "1.0" : "nightly 7", "ddi", NOW);
			times[d]++;
		}
	}
	ok(times[0] == 1, "offer: to one that then tells free text: %d times", times[0]);
	ok(times[1] == 3, "offer: to one that then tells an older version: %d times", times[1]);
	store_firmware_report(s, "dev-7", "nightly 8", "ddi", NOW);
	add(s, "3.2", 100);
	ok(is_offered(s, 7, "3.2"), "offer: the next release, to one that tells free text");
}

static void check_offer(struct store *s)
{
	struct firmware_action a, b;
	struct firmware_release r;
	unsigned int tally[FIRMWARE_FAILED + 1];
	int64_t changes, v12, v13;
	bool stopped;

	add(s, "1.1", 100);
	v12 = add(s, "1.2", 100);
	meet(s, 1);
	ok(store_offer(s, "nobody", MODEL, NOW, &a, &r) == -ENOENT, "offer: to nobody: %s", s->error);
	ok(store_offer(s, "dev-1", NULL, NOW, &a, &r) == -ENOENT && store_offer(s, "dev-1", "", NOW, &a, &r) == -ENOENT &&
	   store_offer(s, "dev-1", "unheard-of", NOW, &a, &r) == -ENOENT, "offer: without a model, nothing");
	ok(store_offer(s, "dev-1", "a/b", NOW, &a, &r) == -EINVAL, "offer: no model: %s", s->error);
	ok(!store_offer(s, "dev-1", MODEL, NOW, &a, &r) && r.id == v12 && a.state == FIRMWARE_OFFERED &&
	   !strcmp(a.version, "1.2") && !strcmp(a.device, "dev-1"), "offer: the newest, to one that never told");
	changes = ask(s, "SELECT total_changes()");
	ok(!store_offer(s, "dev-1", MODEL, NOW + 9, &b, &r) && !memcmp(&a, &b, sizeof(a)) &&
	   ask(s, "SELECT total_changes()") == changes, "offer: again, and nothing is written");
	store_firmware_report(s, "dev-1", "1.3", "ddi", NOW);
	ok(is_offered(s, 1, "") && !store_action_get(s, a.id, &b) && b.state == FIRMWARE_CANCELED,
	   "offer: not what is older than what it runs");
	store_firmware_report(s, "dev-1", "1.2", "ddi", NOW);
	ok(is_offered(s, 1, ""), "offer: nor what it runs");
	store_firmware_report(s, "dev-1", "1.1", "ddi", NOW);
	ok(is_offered(s, 1, "1.2"), "offer: what it no longer runs");

	/* A newer one takes its place. */
	offered(s, 1, &a);
	v13 = add(s, "1.3", 100);
	ok(!strcmp(offered(s, 1, &b), "1.3") && b.id > a.id && !store_action_get(s, a.id, &a) &&
	   a.state == FIRMWARE_CANCELED, "offer: a newer one, at once, as it had not begun");
	ok(!store_action_change(s, b.id, FIRMWARE_RUNNING, "loading\x1b[2J", NOW + 5, NULL) &&
	   !store_action_get(s, b.id, &b) && b.state == FIRMWARE_RUNNING && b.changed == NOW + 5 &&
	   !strcmp(b.detail, "loading?[2J"), "action: running: %s", b.detail);
	add(s, "1.4", 100);
	ok(!strcmp(offered(s, 1, &a), "stop") && a.id == b.id, "offer: a newer one, and this one has begun");
	ok(!strcmp(offered(s, 1, &a), "stop") && !store_action_change(s, a.id, FIRMWARE_CANCELING, "at 50 %", NOW, NULL) &&
	   !strcmp(offered(s, 1, &a), "stop"), "offer: until it has heard");
	ok(!store_action_change(s, a.id, FIRMWARE_CANCELED, NULL, NOW, NULL) && !strcmp(offered(s, 1, &b), "1.4"),
	   "offer: and then the newer one");
	ok(!store_action_change(s, a.id, FIRMWARE_CANCELED, NULL, NOW, NULL) &&
	   store_action_change(s, a.id, FIRMWARE_SUCCEEDED, NULL, NOW, NULL) == -EALREADY,
	   "action: what is over is over: %s", s->error);
	ok(store_action_change(s, a.id, FIRMWARE_OFFERED, NULL, NOW, NULL) == -EINVAL &&
	   store_action_change(s, 999, FIRMWARE_FAILED, NULL, NOW, NULL) == -ENOENT, "action: no such state, no such action");

	/* Removed: what was only superseded comes back. */
	store_action_change(s, b.id, FIRMWARE_RUNNING, NULL, NOW, NULL);
	store_release_remove(s, b.release);
	ok(!store_offer(s, "dev-1", MODEL, NOW, &a, &r) && a.id == b.id && a.state == FIRMWARE_CANCELING && !r.id &&
	   !strcmp(a.version, "1.4"), "offer: of a release that is gone, to one that has begun");
	store_action_change(s, a.id, FIRMWARE_CANCELED, NULL, NOW, NULL);
	ok(!strcmp(offered(s, 1, &a), "1.3") && a.release == v13, "offer: and then the one before");

	/* Success, by words and by report. */
	store_action_change(s, a.id, FIRMWARE_RUNNING, NULL, NOW, NULL);
	ok(!store_firmware_report(s, "dev-1", "1.3", "check-in", NOW) && !store_action_get(s, a.id, &b) &&
	   b.state == FIRMWARE_SUCCEEDED && !store_action_change(s, a.id, FIRMWARE_SUCCEEDED, NULL, NOW, NULL),
	   "action: done, before it says so");
	ok(is_offered(s, 1, ""), "offer: nothing more");
	meet(s, 2);
	offered(s, 2, &a);
	ok(!store_action_change(s, a.id, FIRMWARE_SUCCEEDED, "done", NOW, &stopped) && !stopped && is_offered(s, 2, "") &&
	   ask(s, "SELECT firmware = '1.3' FROM device WHERE name = 'dev-2'") == 1, "action: success records the version");
	ok(!store_release_tally(s, v13, tally) && tally[FIRMWARE_SUCCEEDED] == 2 && tally[FIRMWARE_CANCELED] == 1,
	   "tally: 2 succeeded");

	/* One that says that it is done and runs the old one goes on for a while, not for ever. */
	store_firmware_report(s, "dev-2", "1.0", "ddi", NOW);
	offered(s, 2, &a);
	store_action_change(s, a.id, FIRMWARE_SUCCEEDED, NULL, NOW, NULL);
	store_firmware_report(s, "dev-2", "1.0", "ddi", NOW);
	ok(!strcmp(offered(s, 2, &a), "1.3"), "offer: succeeded twice, and it runs the old one");
	store_action_change(s, a.id, FIRMWARE_SUCCEEDED, NULL, NOW, NULL);
	store_firmware_report(s, "dev-2", "1.0", "ddi", NOW);
	ok(is_offered(s, 2, "1.2"), "offer: after three times not this one");
}

static void check_cancel(struct store *s)
{
	struct firmware_action a, b;
	struct firmware_release r;

	meet(s, 5);
	offered(s, 5, &a);
	ok(!store_action_change(s, a.id, FIRMWARE_CANCELING, "by an operator", NOW, NULL) &&
	   !store_action_get(s, a.id, &a) && a.state == FIRMWARE_CANCELED, "cancel: one that has not begun is over at once");
	ok(!strcmp(offered(s, 5, &b), "1.2") && b.id != a.id, "cancel: the one before it is offered");
	store_action_change(s, b.id, FIRMWARE_RUNNING, NULL, NOW, NULL);
	store_action_change(s, b.id, FIRMWARE_CANCELING, NULL, NOW, NULL);
	ok(!strcmp(offered(s, 5, &a), "stop"), "cancel: one that has begun must hear of it");
	ok(!store_action_change(s, b.id, FIRMWARE_RUNNING, "too late", NOW, NULL) && !strcmp(offered(s, 5, &a), "1.2") &&
	   a.state == FIRMWARE_RUNNING, "cancel: it will not stop");
	store_action_change(s, b.id, FIRMWARE_FAILED, NULL, NOW, NULL);
	ok(is_offered(s, 5, "1.1"), "cancel: and failed: what is left");
	store_release_find(s, MODEL, "1.3", &r);
	ok(!store_release_resume(s, r.id) && is_offered(s, 5, "1.3"), "cancel: a roll-out that is resumed asks again");
}

static void check_floor_offer(struct store *s)
{
	struct firmware_action a, b;

	meet(s, 6);
	offered(s, 6, &a);
	store_action_change(s, a.id, FIRMWARE_RUNNING, NULL, NOW, NULL);
	meet(s, 7);
	offered(s, 7, &b);
	ok(!store_floor_set(s, MODEL, "1.3.1", NOW) && !strcmp(offered(s, 6, &a), "stop") && is_offered(s, 7, ""),
	   "no roll-back: a floor takes back what is below it");
	ok(!store_action_get(s, b.id, &b) && b.state == FIRMWARE_CANCELED, "no roll-back: for good");
	store_floor_set(s, MODEL, NULL, NOW);
	ok(!strcmp(offered(s, 6, &a), "stop") && is_offered(s, 7, "1.3"), "no floor: what it had begun must stop all the same");
}

static void check_pause(struct store *s)
{
	struct firmware_action a, b;
	struct firmware_release r;
	int64_t id = add(s, "2.0", 100);

	meet(s, 8);
	meet(s, 9);
	offered(s, 8, &a);
	offered(s, 9, &b);
	store_action_change(s, b.id, FIRMWARE_RUNNING, NULL, NOW, NULL);
	ok(!store_release_rollout(s, id, 100, true, 5) && is_offered(s, 8, "1.3"), "pause: who has not begun gets an older one");
	ok(is_offered(s, 9, "2.0"), "pause: who has begun goes on");
	ok(!store_release_rollout(s, id, 100, false, 5) && is_offered(s, 8, "2.0"), "pause: and it is over");
	ok(!store_release_rollout(s, id, 0, false, 5) && is_offered(s, 8, "1.3"), "0 %%: to nobody");
	ok(store_release_rollout(s, id, 101, false, 5) == -EINVAL && store_release_rollout(s, 999, 1, false, 5) == -ENOENT &&
	   store_release_resume(s, 999) == -ENOENT, "roll-out: refused: %s", s->error);
	store_release_find(s, MODEL, "1.3", &r);
	store_release_rollout(s, id, 100, false, 5);
	ok(!store_release_remove(s, id) && is_offered(s, 8, "1.3") && !strcmp(offered(s, 9, &a), "stop"), "removed");
}

static unsigned int count_offered(struct store *s, const char *model, unsigned int first, unsigned int n)
{
	struct firmware_action a;
	struct firmware_release r;
	unsigned int i, got = 0;

	for (i = first; i < first + n; i++)
		got += !store_offer(s, name_of(i), model, NOW, &a, &r);
	return got;
}

/* As many as are said, whatever the order in which they come, and never fewer later. */
static void check_share(struct store *s)
{
	struct firmware_release r = release_of("1.0", 20);
	unsigned int i, in = 0, failed = 0, first, second;
	struct firmware_action a;
	bool stopped = false;

	strcpy(r.model, "many");
	if (store_release_add(s, &r))
		abort();
	for (i = 1000; i < 1100; i++)
		meet(s, i);
	first = count_offered(s, "many", 1000, 100);
	second = count_offered(s, "many", 1000, 100);
	ok(first <= 20 && second == 20 && count_offered(s, "many", 1000, 100) == 20,
	   "share: 20 %% of 100 that come one by one: %u, then %u", first, second);
	store_release_rollout(s, r.id, 21, false, 5);
	ok(count_offered(s, "many", 1000, 100) == 21, "share: 21 %%");
	store_release_rollout(s, r.id, 5, false, 5);
	ok(count_offered(s, "many", 1000, 100) == 21, "share: fewer take no offer back");
	for (i = 1100; i < 1200; i++)
		meet(s, i);
	store_release_rollout(s, r.id, 20, false, 5);
	count_offered(s, "many", 1000, 200);
	ok(count_offered(s, "many", 1000, 200) == 40, "share: 20 %% of 200, when 100 more have come");

	/* Five failures stop it. */
	for (i = 1000; i < 1200; i++) {
		if (store_offer(s, name_of(i), "many", NOW, &a, &r))
			continue;
		store_action_change(s, a.id, FIRMWARE_RUNNING, NULL, NOW, NULL);
		if (in++ < 5 && !store_action_change(s, a.id, FIRMWARE_FAILED, "no", NOW, &stopped))
			failed++;
		if (failed < 5 ? stopped : !stopped)
			abort();
	}
	ok(failed == 5 && in == 5 && !store_release_get(s, r.id, &r) && r.stopped && r.failures == 5,
	   "share: stopped by 5 failures, and no more get it");
	ok(count_offered(s, "many", 1000, 200) == 0, "share: nobody");
	store_release_rollout(s, r.id, 100, false, 5);
	ok(count_offered(s, "many", 1000, 200) == 0, "share: not by a larger share either");
	store_release_resume(s, r.id);
	ok(!store_release_get(s, r.id, &r) && !r.stopped && !r.failures && count_offered(s, "many", 1000, 200) == 200,
	   "share: resumed, all get it, and those that failed once more");
}

/* All known before the first asks: then one round is enough. */
static void check_known(struct store *s)
{
	struct firmware_release one = release_of("1.0", 20), two = release_of("1.0", 20);
	unsigned int i, both = 0, n = 0;
	struct firmware_release r;
	struct firmware_action a;
	bool first[100];

	strcpy(one.model, "known");
	if (store_release_add(s, &one))
		abort();
	for (i = 0; i < 100; i++) {
		meet(s, 2000 + i);
		if (store_device_model(s, name_of(2000 + i), "known"))
			abort();
	}
	for (i = 0; i < 100; i++) {
		first[i] = !store_offer(s, name_of(2000 + i), "known", NOW, &a, &r);
		n += first[i];
	}
	ok(n == 20, "known before: 20 at once");
	strcpy(two.model, "known");
	strcpy(two.version, "2.0");
	if (store_release_add(s, &two))
		abort();
	for (i = n = 0; i < 100; i++)
		if (!store_offer(s, name_of(2000 + i), "known", NOW, &a, &r) && r.id == two.id) {
			both += first[i];
			n++;
		}
	ok(n == 20 && both < 20, "known before: 20 of the next release, of which %u were first again", both);
}

static int remember(const struct firmware_action *a, void *arg)
{
	int64_t *last = arg;
	bool descends = !*last || a->id < *last;

	*last = a->id;
	return !descends;
}

static int count(const struct firmware_action *a, void *arg)
{
	(void)a;
	++*(int *)arg;
	return 0;
}

static void check_actions(struct store *s)
{
	struct firmware_action a;
	int64_t last = 0;
	int i, n = 0;

	ok(!store_action_each(s, NULL, remember, &last) && last, "actions: the last first");
	meet(s, 30);
	for (i = 0; i < 60; i++) {
		store_firmware_report(s, name_of(30), i & 1 ? "1.2.5" : "1.1.5", "ddi", NOW);
		offered(s, 30, &a);
		store_action_change(s, a.id, FIRMWARE_CANCELED, NULL, NOW, NULL);
		store_release_resume(s, a.release);
	}
	ok(!store_action_each(s, name_of(30), count, &n) && n >= 32 && n <= 34, "actions: of each device %d are kept", n);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* What 10,000 devices that poll cost, in the middle of a roll-out. */
static void check_speed(struct store *s)
{
	struct firmware_release r = release_of("1.0", 50), got;
	struct firmware_action a;
	char sql[200];
	double begun;
	int i, n = 0;

	strcpy(r.model, "fleet");
	if (store_release_add(s, &r) || store_begin(s, false))
		abort();
	for (i = 0; i < 10000; i++) {
		snprintf(sql, sizeof(sql), "INSERT INTO device (name, mac, approval, approved) VALUES"
			 " ('dev-%d', x'0200000000%02x', 0, 0)", 10000 + i, i & 255);
		sqlite3_exec(s->db, sql, NULL, NULL, NULL);
		store_device_model(s, name_of(10000 + i), "fleet");
	}
	if (store_commit(s))
		abort();
	begun = seconds();
	for (i = 0; i < 2000; i++)
		n += !store_offer(s, name_of(10000 + i), "fleet", NOW, &a, &got);
	ok(n > 800 && n < 1200, "speed: %d of 2000 polls get an offer; %.0f us each, under the sanitizers", n,
	   (seconds() - begun) * 1e6 / 2000);
}

/* A child that is killed at any moment leaves offers, floors and histories that fit together. */
static void check_killed(void)
{
	unsigned int i, bad = 0, status;
	struct store s;
	pid_t pid;

	for (i = 0; i < 60; i++) {
		pid = fork();
		if (!pid) {
			struct firmware_action a;
			struct firmware_release r = release_of("9.9", 100);
			unsigned int d;

			next_file = 100000 + i * 1000;
			if (store_open(&s, help_path, false))
				_exit(2);
			for (d = 1000;; d = d == 1199 ? 1000 : d + 1) {
				r.hashes.sha256[20]++;
				r.hashes.sha256[21] = i;
				strcpy(r.model, "many");
				store_release_add(&s, &r);
				store_floor_set(&s, "many", "1.0", NOW + d);
				store_firmware_report(&s, name_of(d), "0.5", "ddi", NOW);
				if (!store_offer(&s, name_of(d), "many", NOW, &a, &r))
					store_action_change(&s, a.id, d & 1 ? FIRMWARE_SUCCEEDED : FIRMWARE_FAILED, "x",
							    NOW, NULL);
				store_release_find(&s, "many", "9.9", &r);
				store_release_remove(&s, r.id);
				r = release_of("9.9", 100);
				store_floor_set(&s, "many", NULL, NOW);
			}
		}
		usleep(20000 + i * 1500);
		kill(pid, SIGKILL);
		waitpid(pid, (int *)&status, 0);
		if (!WIFSIGNALED(status) || store_open(&s, help_path, false)) {
			bad++;
			continue;
		}
		/* Success is recorded with the version, an offer with its release. */
		bad += !is_sound(&s) ||
		       ask(&s, "SELECT count(*) FROM firmware_action AS a WHERE state = 0 AND NOT EXISTS"
			   " (SELECT 1 FROM firmware_release AS r WHERE r.id = a.release)") ||
		       ask(&s, "SELECT count(*) FROM device AS d WHERE firmware != '' AND firmware IS NOT"
			   " (SELECT version FROM firmware_history WHERE device = d.id ORDER BY seq DESC LIMIT 1)") ||
		       ask(&s, "SELECT count(*) FROM (SELECT device FROM firmware_action WHERE state < 3"
			   " GROUP BY device HAVING count(*) > 1)");
		store_close(&s);
	}
	ok(!bad, "killed at 60 moments: what is there fits together (%u do not)", bad);
}

/* What the first version's tables hold becomes what the second's do. */
static void check_migrate(void)
{
	char text[64] = "";
	struct store s;

	help_open(&s);
	if (enrol(&s, 1, 1) || store_checkin(&s, "dev-1", cert_of(1, 1, 1).serial, NOW, "1.7"))
		abort();
	sqlite3_exec(s.db, NO_FLEET "DROP TABLE firmware_release; DROP TABLE firmware_floor; DROP TABLE firmware_action;"
		     "DROP TABLE firmware_history; DROP TABLE firmware_model; DROP TRIGGER device_model_changed; DELETE FROM counter WHERE name = 'firmware'; DROP INDEX device_model;"
		     "ALTER TABLE device DROP COLUMN model; ALTER TABLE device DROP COLUMN place; "
		     "DROP TABLE pending; ALTER TABLE token DROP COLUMN maker; ALTER TABLE device DROP COLUMN rekeyed; "
		     "ALTER TABLE device DROP COLUMN retired; PRAGMA user_version = 1",
		     NULL, NULL, NULL);
	store_close(&s);
	help_open(&s);
	ok(ask(&s, "PRAGMA user_version") == 6 && !store_firmware_history(&s, "dev-1", history, text) &&
	   !strcmp(text, "1.7 check-in 0;"), "migration: what a device told before is its history");
	store_close(&s);
	help_remove();
}

int main(void)
{
	struct store s;

	help_begin();
	check_migrate();
	help_open(&s);
	check_release(&s);
	check_floor(&s);
	check_report(&s);
	store_close(&s);
	help_remove();
	help_open(&s);
	check_free_text(&s);
	store_close(&s);
	help_remove();
	help_open(&s);
	check_offer(&s);
	check_cancel(&s);
	check_floor_offer(&s);
	check_pause(&s);
	check_share(&s);
	check_known(&s);
	check_actions(&s);
	check_speed(&s);
	ok(!ask(&s, "SELECT count(*) FROM firmware_model AS m WHERE devices !="
		" (SELECT count(*) FROM device AS d WHERE d.model = m.model)") &&
	   !ask(&s, "SELECT count(*) FROM firmware_release AS r WHERE admitted !="
		" (SELECT count(DISTINCT device) FROM firmware_action AS a WHERE a.release = r.id)"),
	   "what is counted as it comes is what there is");
	ok(is_sound(&s), "the registry is sound");
	store_close(&s);
	check_killed();
	help_end();
	return tap_done();
}

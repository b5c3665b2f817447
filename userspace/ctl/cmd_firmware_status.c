// SPDX-License-Identifier: GPL-2.0
/* firmware status, firmware cancel: what devices run, must run, and are offered. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "ctl/cmd_firmware.h"

/** enum verdict - on what a device runs */
enum verdict {
	VERDICT_FREE,		/* its model has no floor, or it has no model */
	VERDICT_CURRENT,	/* at the floor, or above */
	VERDICT_BELOW,		/* its grace goes on, or its segment only reports */
	VERDICT_OUTDATED,
};

static const char * const verdicts[] = { "free", "current", "below", "outdated" };

/**
 * struct posture - a device, judged
 * @d: the device
 * @floor: of its model; empty, none
 * @verdict: on it
 * @until: end of its grace, while it is below; 0, it has none
 * @offer: that is open; its id 0, none
 * @source: how it told its version; empty, it did not
 * @told: when
 */
struct posture {
	const struct fleet_device *d;
	char floor[FIRMWARE_VERSION_LEN];
	enum verdict verdict;
	time_t until;
	struct firmware_action offer;
	char source[16];
	time_t told;
};

static int take_last(const char *version, const char *source, time_t at, void *arg)
{
	struct posture *p = arg;

	(void)version;
	snprintf(p->source, sizeof(p->source), "%s", source);
	p->told = at;
	return 1;
}

static int take_open(const struct firmware_action *a, void *arg)
{
	struct posture *p = arg;

	if (a->state > FIRMWARE_CANCELING)
		return 0;
	p->offer = *a;
	return 1;
}

static int judge(struct store *s, const struct fleet_device *d, struct posture *p)
{
	struct firmware_floor floor;
	int err;

	memset(p, 0, sizeof(*p));
	p->d = d;
	err = store_firmware_history(s, d->name, take_last, p);
	if (err >= 0)
		err = store_action_each(s, d->name, take_open, p);
	if (err < 0)
		return err;
	err = d->model[0] ? store_floor_get(s, d->model, &floor) : -ENOENT;
	if (err)
		return err == -ENOENT ? 0 : err;
	strcpy(p->floor, floor.version);
	if (firmware_is_outdated(&floor, d->version, d->grace, time(NULL), &p->until))
		p->verdict = d->automatic ? VERDICT_OUTDATED : VERDICT_BELOW;
	else
		p->verdict = p->until ? VERDICT_BELOW : VERDICT_CURRENT;
	if (!d->automatic)
		p->until = 0;
	return 0;
}

static json_t *json_action(const struct firmware_action *a)
{
	char offered[POLICY_TIME_LEN], changed[POLICY_TIME_LEN];

	return json_pack("{sI ss ss ss ss so}", "id", (json_int_t)a->id, "version", a->version, "state",
			 firmware_action_name(a->state), "offered", policy_time_text(a->offered, offered),
			 "changed", policy_time_text(a->changed, changed), "detail", json_text(a->detail));
}

static json_t *json_posture(const struct posture *p)
{
	char told[POLICY_TIME_LEN], until[POLICY_TIME_LEN], mac[18];
	const struct fleet_device *d = p->d;

	return json_pack("{ss ss ss* ss* ss* ss* ss* ss ss* sb ss* so*}", "device", d->name, "mac",
			 policy_mac_text(d->mac, mac), "model", d->model[0] ? d->model : NULL, "version",
			 d->version[0] ? d->version : NULL, "source", p->source[0] ? p->source : NULL, "told",
			 p->source[0] ? policy_time_text(p->told, told) : NULL, "floor",
			 p->floor[0] ? p->floor : NULL, "verdict", verdicts[p->verdict], "until",
			 p->until ? policy_time_text(p->until, until) : NULL, "automatic", d->automatic, "state",
			 d->state >= 0 ? policy_state_name(d->state) : NULL, "offer",
			 p->offer.id ? json_action(&p->offer) : NULL);
}

static const char *or_dash(const char *text)
{
	return text[0] ? text : "-";
}

static void print_heads(void)
{
	printf("%-20s %-20s %-16s %-9s %-16s %-9s %-12s %s\n", "DEVICE", "MODEL", "VERSION", "TOLD BY", "FLOOR",
	       "VERDICT", "STATE", "OFFER");
}

static void print_posture(const struct posture *p)
{
	const struct fleet_device *d = p->d;

	printf("%-20s %-20s %-16s %-9s %-16s %-9s %-12s %s%s%s\n", d->name, or_dash(d->model), or_dash(d->version),
	       or_dash(p->source), or_dash(p->floor), verdicts[p->verdict],
	       d->state >= 0 ? policy_state_name(d->state) : "-", p->offer.id ? p->offer.version : "-",
	       p->offer.id ? " " : "", p->offer.id ? firmware_action_name(p->offer.state) : "");
}

static int all(const struct firmware_words *w, struct store *s, const struct fleet *f)
{
	struct json_list list = { false };
	struct posture p;
	int err = 0;
	size_t i;

	if (!w->json)
		print_heads();
	for (i = 0; !err && i < f->n; i++) {
		err = judge(s, &f->list[i], &p);
		if (!err && w->json)
			json_list_add(&list, json_posture(&p));
		else if (!err)
			print_posture(&p);
	}
	if (w->json)
		json_list_end(&list);
	return err ? firmware_complain(w, s) : EXIT_DONE;
}

/** struct past - what a device ran and was offered, on its way to the screen or into @versions and @actions */
struct past {
	json_t *versions;
	json_t *actions;
};

static int add_version(const char *version, const char *source, time_t at, void *arg)
{
	char text[POLICY_TIME_LEN];
	struct past *past = arg;

	policy_time_text(at, text);
	if (past->versions)
		json_array_append_new(past->versions, json_pack("{ss ss ss}", "version", version, "source", source,
								"told", text));
	else
		printf("  %s  %-16s %s\n", text, version, source);
	return 0;
}

static int add_action(const struct firmware_action *a, void *arg)
{
	char text[POLICY_TIME_LEN];
	struct past *past = arg;

	policy_time_text(a->changed, text);
	if (past->actions)
		json_array_append_new(past->actions, json_action(a));
	else
		printf("  %s  %-16s %s, action %lld%s%s\n", text, a->version, firmware_action_name(a->state),
		       (long long)a->id, a->detail[0] ? ": " : "", a->detail);
	return 0;
}

static void print_verdict(const struct posture *p)
{
	const struct fleet_device *d = p->d;
	char text[POLICY_TIME_LEN], mac[18];

	printf("%s (%s): model %s, version %s", d->name, policy_mac_text(d->mac, mac), or_dash(d->model),
	       d->version[0] ? d->version : "never told");
	if (p->source[0])
		printf(" (%s, %s)", p->source, policy_time_text(p->told, text));
	printf("\nfloor %s: %s", p->floor[0] ? p->floor : "none", verdicts[p->verdict]);
	if (p->until)
		printf(" until %s, outdated then", policy_time_text(p->until, text));
	else if (p->verdict == VERDICT_BELOW)
		printf(", and only reported");
	if (d->state >= 0)
		printf("; now %s", policy_state_name(d->state));
	putchar('\n');
	if (p->offer.id)
		printf("offered %s: %s, action %lld%s%s\n", p->offer.version, firmware_action_name(p->offer.state),
		       (long long)p->offer.id, p->offer.detail[0] ? ": " : "", p->offer.detail);
	else
		puts("offered nothing");
}

static int one(const struct firmware_words *w, struct store *s, const struct fleet_device *d)
{
	struct past past = { NULL, NULL };
	struct posture p;
	json_t *out;

	if (judge(s, d, &p))
		return firmware_complain(w, s);
	if (!w->json) {
		print_verdict(&p);
		puts("ran:");
		if (store_firmware_history(s, d->name, add_version, &past))
			return firmware_complain(w, s);
		puts("was offered:");
		return store_action_each(s, d->name, add_action, &past) ? firmware_complain(w, s) : EXIT_DONE;
	}
	past.versions = json_array();
	past.actions = json_array();
	out = json_posture(&p);
	json_object_set_new(out, "history", past.versions);
	json_object_set_new(out, "actions", past.actions);
	if (store_firmware_history(s, d->name, add_version, &past) ||
	    store_action_each(s, d->name, add_action, &past)) {
		json_decref(out);
		return firmware_complain(w, s);
	}
	json_print(out);
	return EXIT_DONE;
}

/* By its name or its MAC; told if there is none. */
static const struct fleet_device *find(const struct fleet *f, const char *word)
{
	const char *name;
	const u8 *mac;
	u8 buf[6];
	size_t i;

	if (!parse_device(word, &name, &mac, buf)) {
		complain("firmware", "neither a device's name nor a MAC");
		return NULL;
	}
	for (i = 0; i < f->n; i++)
		if (name ? !strcmp(f->list[i].name, name) : !memcmp(f->list[i].mac, mac, 6))
			return &f->list[i];
	complain(word, f->kernel ? "neither the registry nor the kernel knows this device" :
		 "the registry does not know this device");
	return NULL;
}

static int cancel(const struct firmware_words *w, struct store *s, const struct fleet_device *d)
{
	struct posture p = { .d = d };
	struct firmware_action now;

	if (store_action_each(s, d->name, take_open, &p) < 0)
		return firmware_complain(w, s);
	if (!p.offer.id)
		return complain(d->name, "it is offered nothing");
	if (p.offer.state != FIRMWARE_CANCELING &&
	    store_action_change(s, p.offer.id, FIRMWARE_CANCELING, "canceled by an operator", time(NULL), NULL))
		return firmware_complain(w, s);
	if (store_action_get(s, p.offer.id, &now))
		return firmware_complain(w, s);
	if (w->json)
		json_print(json_action(&now));
	else
		printf("%s: %s %s\n", d->name, now.version, now.state == FIRMWARE_CANCELING ?
		       "is on its way: the device is told to stop when it asks next" : "is offered no more");
	return EXIT_DONE;
}

static int with_fleet(const struct firmware_words *w, int (*what)(const struct firmware_words *w, struct store *s,
								  const struct fleet_device *d))
{
	const struct fleet_device *d = NULL;
	int ret = EXIT_REFUSED, err;
	struct fleet f;
	struct store s;

	if (!firmware_registry(w, false, &s))
		return EXIT_REFUSED;
	err = fleet_load(&f, &s);
	if (err == -ENOMEM)
		complain("firmware", strerror(ENOMEM));
	else if (err)
		firmware_complain(w, &s);
	else if (w->word[0])
		d = find(&f, w->word[0]);
	else
		ret = all(w, &s, &f);
	if (d)
		ret = what(w, &s, d);
	fleet_free(&f);
	store_close(&s);
	return ret;
}

/**
 * firmware_status - what devices run, and whether that will do
 * @w: of which device, or all
 *
 * Return: an exit status.
 */
int firmware_status(const struct firmware_words *w)
{
	return with_fleet(w, one);
}

/**
 * firmware_cancel - take a device's offer back
 * @w: which device's
 *
 * Return: an exit status.
 */
int firmware_cancel(const struct firmware_words *w)
{
	return with_fleet(w, cancel);
}

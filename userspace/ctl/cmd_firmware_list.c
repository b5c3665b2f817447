// SPDX-License-Identifier: GPL-2.0
/* firmware list, rollout, floor: which releases there are, and how far they may go. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "ctl/cmd_firmware.h"

/**
 * struct listing - how releases are printed
 * @w: what the command line says
 * @s: the registry
 * @list: as JSON
 */
struct listing {
	const struct firmware_words *w;
	struct store *s;
	struct json_list list;
};

static json_t *json_release(const struct firmware_release *r, const unsigned int *tally, const char *state)
{
	json_t *offers = json_object();
	char added[POLICY_TIME_LEN];
	int i;

	for (i = 0; i <= FIRMWARE_FAILED; i++)
		json_object_set_new(offers, firmware_action_name(i), json_integer(tally[i]));
	return json_pack("{ss ss so sI ss so so sI so so so ss sI sI sI so}", "model", r->model, "version", r->version,
			 "file", json_text(r->file), "id", (json_int_t)r->id, "state", state, "notes", json_text(r->notes), "signer",
			 json_text(r->signer), "size", (json_int_t)r->size, "sha256", json_hex(r->hashes.sha256, 32), "sha1",
			 json_hex(r->hashes.sha1, 20), "md5", json_hex(r->hashes.md5, 16), "added",
			 policy_time_text(r->added, added), "percent", (json_int_t)r->percent, "stop_after",
			 (json_int_t)r->stop_after, "failures", (json_int_t)r->failures, "offers", offers);
}

/* Why it is offered to nobody, if it is not. */
static const char *release_state(struct store *s, const struct firmware_release *r)
{
	struct firmware_floor floor;

	if (!store_floor_get(s, r->model, &floor) && firmware_version_compare(r->version, floor.version) < 0)
		return "below-floor";
	return r->stopped ? "stopped" : r->paused ? "paused" : r->percent ? "offered" : "held";
}

static void print_heads(void)
{
	printf("%-20s %-16s %-11s %5s %7s %7s %7s %7s %7s %12s %-10s %s\n", "MODEL", "VERSION", "STATE", "SHARE",
	       "OFFERED", "RUNNING", "CANCEL", "DONE", "FAILED", "BYTES", "ADDED", "SIGNER");
}

static void print_line(const struct firmware_release *r, const unsigned int *tally, const char *state)
{
	char added[POLICY_TIME_LEN];

	printf("%-20s %-16s %-11s %4u%% %7u %7u %7u %7u %7u %12llu %.10s %s\n", r->model, r->version, state, r->percent,
	       tally[FIRMWARE_OFFERED], tally[FIRMWARE_RUNNING],
	       tally[FIRMWARE_CANCELING] + tally[FIRMWARE_CANCELED], tally[FIRMWARE_SUCCEEDED],
	       tally[FIRMWARE_FAILED], (unsigned long long)r->size, policy_time_text(r->added, added), r->signer);
}

static int show(const struct firmware_release *r, void *arg)
{
	unsigned int tally[FIRMWARE_FAILED + 1];
	struct listing *l = arg;
	const char *state;
	int err;

	err = store_release_tally(l->s, r->id, tally);
	if (err)
		return err;
	state = release_state(l->s, r);
	if (l->w->json)
		json_list_add(&l->list, json_release(r, tally, state));
	else
		print_line(r, tally, state);
	return 0;
}

/**
 * firmware_list - print the releases
 * @w: of which model, or all
 *
 * Return: an exit status.
 */
int firmware_list(const struct firmware_words *w)
{
	struct listing l = { .w = w };
	int ret = EXIT_DONE;
	struct store s;

	if (!firmware_registry(w, false, &s))
		return EXIT_REFUSED;
	l.s = &s;
	if (!w->json)
		print_heads();
	if (store_release_each(&s, w->word[0], show, &l))
		ret = firmware_complain(w, &s);
	if (w->json)
		json_list_end(&l.list);
	store_close(&s);
	return ret;
}

/**
 * firmware_print_release - print one release, as it is now
 * @w: how
 * @s: the registry
 * @id: of the release
 *
 * Return: an exit status.
 */
int firmware_print_release(const struct firmware_words *w, struct store *s, int64_t id)
{
	unsigned int tally[FIRMWARE_FAILED + 1];
	struct firmware_release r;
	const char *state;

	if (store_release_get(s, id, &r) || store_release_tally(s, id, tally))
		return firmware_complain(w, s);
	state = release_state(s, &r);
	if (w->json)
		json_print(json_release(&r, tally, state));
	else
		printf("%s %s: %s, %u %% of its devices, %u failures, signed by %s\n", r.model, r.version, state,
		       r.percent, r.failures, r.signer);
	return EXIT_DONE;
}

static int change(const struct firmware_words *w, struct store *s, const struct firmware_release *r)
{
	unsigned int percent = w->percent < 0 ? r->percent : (unsigned int)w->percent;
	unsigned int stop_after = w->stop_after < 0 ? r->stop_after : (unsigned int)w->stop_after;
	int err;

	err = store_begin(s, true);
	if (!err && w->resume)
		err = store_release_resume(s, r->id);
	if (!err)
		err = store_release_rollout(s, r->id, percent, w->pause || (r->paused && !w->resume), stop_after);
	if (!err)
		err = store_commit(s);
	if (err)
		store_rollback(s);
	return err;
}

/**
 * firmware_rollout - to how many a release is offered
 * @w: which release, how many
 *
 * Return: an exit status.
 */
int firmware_rollout(const struct firmware_words *w)
{
	struct firmware_release r;
	int ret = EXIT_REFUSED;
	struct store s;

	if (w->percent < 0 && w->stop_after < 0 && !w->pause && !w->resume)
		return usage_error(w->self, "rollout needs --percent, --pause, --resume or --stop-after", NULL);
	if (!firmware_registry(w, false, &s))
		return EXIT_REFUSED;
	if (firmware_find(w, &s, &r))
		ret = change(w, &s, &r) ? firmware_complain(w, &s) : firmware_print_release(w, &s, r.id);
	store_close(&s);
	return ret;
}

static int show_floor(const struct firmware_floor *f, void *arg)
{
	struct listing *l = arg;
	char since[POLICY_TIME_LEN];

	if (l->w->word[0] && strcmp(l->w->word[0], f->model))
		return 0;
	policy_time_text(f->since, since);
	if (l->w->json)
		json_list_add(&l->list, json_pack("{ss ss ss}", "model", f->model, "version", f->version,
						  "since", since));
	else
		printf("%-20s %-16s since %s\n", f->model, f->version, since);
	return 0;
}

static int list_floors(const struct firmware_words *w, struct store *s)
{
	struct listing l = { .w = w, .s = s };
	int err = store_floor_each(s, show_floor, &l);

	if (w->json)
		json_list_end(&l.list);
	return err ? firmware_complain(w, s) : EXIT_DONE;
}

/**
 * firmware_set_floor - the oldest version that is let out; or print the floors
 * @w: of which model, and which version
 *
 * Return: an exit status.
 */
int firmware_set_floor(const struct firmware_words *w)
{
	const char *version = w->word[1];
	struct store s;
	int ret;

	if (version && !strcmp(version, "none"))
		version = NULL;
	if (!firmware_registry(w, w->word[1], &s))
		return EXIT_REFUSED;
	if (!w->word[1]) {
		ret = list_floors(w, &s);
	} else if (store_floor_set(&s, w->word[0], version, time(NULL))) {
		ret = firmware_complain(w, &s);
	} else {
		ret = EXIT_DONE;
		firmware_warn_stranded(&s, w->word[0]);
		if (w->json)
			ret = list_floors(w, &s);
	}
	store_close(&s);
	return ret;
}

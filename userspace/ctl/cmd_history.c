// SPDX-License-Identifier: GPL-2.0
/* history: what happened to a device, a segment, or all of the gateway. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ctl/audited.h"
#include "ctl/ctl.h"
#include "ctl/history_text.h"
#include "history/watch.h"

#define SINCE	86400U

static const struct {
	enum history_table table;
	const char *name;
} parts[] = {
	{ HISTORY_SERIES, "series" }, { HISTORY_STATES, "states" }, { HISTORY_EPISODES, "episodes" },
	{ HISTORY_DENIED, "denials" }, { HISTORY_TALKS, "peers" }, { HISTORY_RESTARTS, "restarts" },
	{ HISTORY_APPLIED, "policies" },
};

static int add_json(const struct history_row *row, void *arg)
{
	json_t *object = json_object();
	unsigned int i;

	for (i = 0; i < row->n; i++) {
		const struct history_value *v = &row->value[i];

		json_object_set_new(object, v->name, v->none ? json_null() : v->text ? json_text(v->text) :
				    json_integer(v->number));
	}
	return json_array_append_new(arg, object) ? -ENOMEM : 0;
}

/* Of one kind of anomaly there are only episodes and denials; of the whole gateway also policies. */
static bool is_wanted(const struct history_question *q, enum history_table table)
{
	if (q->anomalies)
		return table == HISTORY_EPISODES || table == HISTORY_DENIED;
	if (table == HISTORY_TALKS)
		return q->scope.device >= 0;
	return table != HISTORY_APPLIED || (q->scope.device < 0 && !q->scope.segment);
}

static int print_json(struct history *h, const struct history_question *q)
{
	json_t *out = json_pack("{s:I,s:I,s:I}", "since", (json_int_t)q->scope.since, "until", (json_int_t)q->now, "step",
				(json_int_t)q->scope.step);
	int err = 0;
	size_t i;

	if (q->scope.device >= 0) {
		json_object_set_new(out, "device", json_text(q->device.name));
		json_object_set_new(out, "mac", json_text(q->device.mac));
		json_object_set_new(out, "segment", json_text(q->device.segment));
	} else if (q->scope.segment) {
		json_object_set_new(out, "segment", json_text(q->scope.segment));
	}
	for (i = 0; !err && i < sizeof(parts) / sizeof(*parts); i++) {
		json_t *list = is_wanted(q, parts[i].table) ? json_array() : NULL;

		if (!list)
			continue;
		err = history_read(h, parts[i].table, &q->scope, add_json, list);
		json_object_set_new(out, parts[i].name, list);
	}
	if (!err)
		json_print(out);
	else
		json_decref(out);
	return err;
}

static int print_text(struct history *h, struct history_question *q)
{
	char *text = NULL;
	size_t len = 0, i;
	int err = 0;

	q->out = open_memstream(&text, &len);
	if (!q->out)
		return -ENOMEM;
	history_text_head(q);
	for (i = 0; !err && i < sizeof(parts) / sizeof(*parts); i++)
		if (is_wanted(q, parts[i].table))
			err = history_text(h, parts[i].table, q);
	if (fclose(q->out) && !err)
		err = -ENOMEM;
	fwrite(text, 1, len, stdout);
	free(text);
	return err;
}

/* Which device, and is there such a segment? */
static int settle(struct history *h, struct history_question *q, const char *word)
{
	u8 mac[6];
	char text[18];
	int err = 0;

	if (word) {
		err = history_lookup(h, policy_mac_parse(word, mac) ? word : policy_mac_text(mac, text), &q->device);
		if (!err)
			q->scope.device = q->device.id;
	} else if (q->scope.segment) {
		err = history_has_segment(h, q->scope.segment);
	}
	if (err == -ENOENT)
		complain(word ? word : q->scope.segment, word ? "no such device in the history" : "no device in the history was in it");
	else if (err)
		complain("history", h->error);
	return err ? EXIT_REFUSED : EXIT_DONE;
}

static int answer(struct history_question *q, const char *dir, const char *word, bool json)
{
	struct history h = { .error = "" };
	int ret;

	if (history_open(&h, dir, NULL)) {
		complain("history", h.error);
		complain_note("it is written by 'cordonctl watch'", "systemctl enable --now cordon-watch");
		return EXIT_REFUSED;
	}
	ret = settle(&h, q, word);
	if (!ret && (json ? print_json(&h, q) : print_text(&h, q)))
		ret = complain("history", h.error[0] ? h.error : "out of memory");
	history_close(&h);
	return ret;
}

static int acknowledge(const char *run, int64_t id)
{
	json_t *who = audited_who();
	const char *name = json_string_value(json_object_get(who, "sudo_user"));
	char said[WATCH_LINE];
	int err;

	if (!name)
		name = json_string_value(json_object_get(who, "user"));
	err = watch_acknowledge(run, id, name ? name : "root", said);
	json_decref(who);
	if (err == -EREMOTEIO)
		return complain("history", said);
	return err ? complain(run, err == -ENOENT || err == -ECONNREFUSED ? "'cordonctl watch' does not run" : strerror(-err)) :
		     EXIT_DONE;
}

static int parse_since(const struct command *self, struct history_question *q, const char *text)
{
	u32 seconds;

	if (policy_duration_parse(text, &seconds) || !seconds || seconds > HISTORY_DAYS_KEPT)
		return usage_error(self, "not a duration up to 400d", text);
	q->scope.since = q->now - seconds;
	return EXIT_DONE;
}

static int parse_id(const struct command *self, const char *text, long long *id)
{
	char *end;

	errno = 0;
	*id = strtoll(text, &end, 10);
	return errno || *end || end == text || *id <= 0 ? usage_error(self, "not the number of an episode", text) : EXIT_DONE;
}

/**
 * struct call - words of the command line
 * @dir: directory of history.db
 * @run: that of live.db
 * @json: as JSON
 * @id: of an episode to be acknowledged; 0, none
 */
struct call {
	const char *dir;
	const char *run;
	bool json;
	long long id;
};

static int take_option(const struct command *self, int o, struct call *c, struct history_question *q)
{
	switch (o) {
	case 's':
		q->scope.segment = optarg;
		return EXIT_DONE;
	case 'a':
		q->anomalies = true;
		return EXIT_DONE;
	case 't':
		return parse_since(self, q, optarg);
	case 'k':
		return parse_id(self, optarg, &c->id);
	case 'd':
		c->dir = optarg;
		return EXIT_DONE;
	case 'r':
		c->run = optarg;
		return EXIT_DONE;
	default:
		c->json = true;
		return EXIT_DONE;
	}
}

/* The word is a kind of anomaly, or a device. */
static int take_word(const struct command *self, struct history_question *q, char **words, int n, const char **device)
{
	if (n > 1)
		return usage_error(self, "too many words", words[1]);
	if (n && q->anomalies) {
		if (policy_kind_find(words[0]) < 0)
			return usage_error(self, "not a kind of anomaly", words[0]);
		q->scope.kind = words[0];
	} else if (n && q->scope.segment) {
		return usage_error(self, "a device, or a segment?", words[0]);
	} else if (n) {
		*device = words[0];
	}
	return EXIT_DONE;
}

static int run_history(const struct command *self, int argc, char **argv)
{
	static const struct option options[] = {
		{ "segment", required_argument, NULL, 's' }, { "anomaly", no_argument, NULL, 'a' },
		{ "since", required_argument, NULL, 't' }, { "acknowledge", required_argument, NULL, 'k' },
		{ "history", required_argument, NULL, 'd' }, { "run", required_argument, NULL, 'r' },
		{ "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, OPTION_HELP }, { }
	};
	struct history_question q = { .now = time(NULL), .scope = { .device = -1 } };
	struct call c = { .dir = HISTORY_DIR, .run = HISTORY_LIVE_DIR };
	const char *device = NULL;
	int o, ret = EXIT_DONE;

	q.scope.since = q.now - SINCE;
	while (!ret && (o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP)
			return EXIT_DONE;
		ret = o == OPTION_ERROR ? EXIT_USAGE : take_option(self, o, &c, &q);
	}
	if (!ret)
		ret = take_word(self, &q, argv + optind, argc - optind, &device);
	if (!ret && c.id && (device || q.anomalies || q.scope.segment))
		ret = usage_error(self, "--acknowledge stands alone", NULL);
	if (ret)
		return ret;
	if (c.id)
		return acknowledge(c.run, c.id);
	q.scope.step = history_step(q.now - q.scope.since);
	return answer(&q, c.dir, device, c.json);
}

const struct command cmd_history = {
	"history", "Show what happened: traffic, states, anomalies, denials, policies",
	"history [DEVICE] [--since DURATION] [--json] [--history DIR]\n"
	"history --segment SEGMENT [--since DURATION] [--json] [--history DIR]\n"
	"history --anomaly [ANOMALY] [--since DURATION] [--json] [--history DIR]\n"
	"history --acknowledge ID [--run DIR]",
	"Without a device, of the whole gateway. It is what 'cordonctl watch' has written.\n\n"
	"  --segment SEGMENT   of devices that the policy has in it\n"
	"  --anomaly           only anomalies, or those of one kind\n"
	"  --since DURATION    how far back, up to 400d (1d)\n"
	"  --acknowledge ID    that episode was seen by somebody\n"
	"  --history DIR       where the history is kept (" HISTORY_DIR ")\n"
	"  --run DIR           where the writer listens (" HISTORY_LIVE_DIR ")\n"
	"  --json              as a program reads it\n", run_history
};

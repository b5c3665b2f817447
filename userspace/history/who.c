// SPDX-License-Identifier: GPL-2.0
/* Who did it: what the end of the audit log says. */
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "audit/audit.h"
#include "history/writer.h"

#define TAIL	(64 * 1024)	/* bytes of its end that are read */
#define SOON	60		/* seconds that what was done may take */

static char *read_tail(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	char *text = malloc(TAIL + 1);
	struct stat st;
	ssize_t n = -1;

	if (fd >= 0 && text && !fstat(fd, &st) && S_ISREG(st.st_mode))
		n = pread(fd, text, TAIL, st.st_size > TAIL ? st.st_size - TAIL : 0);
	if (fd >= 0)
		close(fd);
	if (n < 0) {
		free(text);
		return NULL;
	}
	text[n] = 0;
	return text;
}

static bool is_recent(const json_t *line, time_t now)
{
	const char *text = json_string_value(json_object_get(line, "time"));
	struct tm tm = { .tm_isdst = 0 };
	time_t at;

	if (!text || !strptime(text, "%Y-%m-%dT%H:%M:%S", &tm))
		return false;
	at = timegm(&tm);
	return at <= now + 1 && now - at <= SOON;
}

/* The call was of the first word, and has the others among its own. */
static bool fits(const json_t *line, const char *const *words)
{
	const json_t *what = json_object_get(line, "what"), *word;
	const char *text;
	size_t i;

	text = json_string_value(json_array_get(what, 0));
	if (!text || strcmp(text, words[0]) != 0)
		return false;
	for (words++; *words; words++) {
		bool found = false;

		json_array_foreach(what, i, word)
			found |= json_is_string(word) && !strcmp(json_string_value(word), *words);
		if (!found)
			return false;
	}
	return true;
}

static bool read_who(const json_t *line, char out[HISTORY_WHO_LEN])
{
	const json_t *who = json_object_get(line, "who"), *uid = json_object_get(who, "uid");
	const char *name = json_string_value(json_object_get(who, "sudo_user"));

	if (!name)
		name = json_string_value(json_object_get(who, "user"));
	if (!name)
		name = json_string_value(json_object_get(who, "operator"));
	if (!name)
		name = json_string_value(who);
	if (name)
		snprintf(out, HISTORY_WHO_LEN, "%s", name);
	else if (json_is_integer(uid))
		snprintf(out, HISTORY_WHO_LEN, "uid %lld", (long long)json_integer_value(uid));
	else
		return false;
	return true;
}

/**
 * history_who - who called for something, just now
 * @w: the writer
 * @words: the command's name, and words that are among the others of the call; then NULL
 * @now: the time
 * @out: who
 *
 * Return: false, the log says nothing of it.
 */
bool history_who(const struct history_writer *w, const char *const *words, time_t now, char out[HISTORY_WHO_LEN])
{
	char *text = read_tail(w->audit ? w->audit : audit_path()), *at, *rest = text;
	bool found = false;
	json_t *line;

	while (rest && (at = strsep(&rest, "\n"))) {
		line = *at == '{' ? json_loads(at, 0, NULL) : NULL;
		if (line && is_recent(line, now) && fits(line, words))
			found |= read_who(line, out);
		json_decref(line);
	}
	free(text);
	return found;
}

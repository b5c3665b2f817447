// SPDX-License-Identifier: GPL-2.0
/* What this gateway has of the fleet's policies: as others see it, and as a note for the next start. */
#include <stdlib.h>
#include <string.h>

#include "fleet/policy.h"
#include "lib/file.h"

static const char * const names[] = {
	[FLEET_NOTHING] = "nothing", [FLEET_IN_FORCE] = "in force", [FLEET_ON_TRIAL] = "on trial",
	[FLEET_REFUSED] = "refused", [FLEET_ROLLED_BACK] = "rolled back",
};

#define N_NAMES (sizeof(names) / sizeof(*names))

/** fleet_is_name - in words */
const char *fleet_is_name(enum fleet_is is)
{
	return names[is];
}

/** fleet_boot_id - of which start of the machine this is; empty, that cannot be told */
void fleet_boot_id(char out[40])
{
	size_t len;
	char *id;

	*out = 0;
	if (file_read("/proc/sys/kernel/random/boot_id", 39, &id, &len))
		return;
	snprintf(out, 40, "%.*s", (int)strcspn(id, "\n"), id);
	free(id);
}

/** fleet_had_json - the value of from/NAME/policy */
json_t *fleet_had_json(const struct fleet_had *h)
{
	return json_pack("{s:i,s:I,s:s,s:s,s:I,s:I,s:I,s:b}", "v", 1, "number", (json_int_t)h->number, "is", names[h->is],
			 "why", h->why, "at", (json_int_t)h->at, "generation", (json_int_t)h->generation, "good",
			 (json_int_t)h->good, "differs", h->differs);
}

/**
 * fleet_had_note - as it is kept
 * @h: see there
 *
 * Return: free(); NULL, no memory.
 */
char *fleet_had_note(const struct fleet_had *h)
{
	json_t *out = fleet_had_json(h);
	char *text;

	json_object_set_new(out, "revision", json_integer(h->revision));
	json_object_set_new(out, "boot", json_string(h->boot));
	text = json_dumps(out, JSON_COMPACT);
	/* A sentence that doubles in length as JSON is less than the rest of it. */
	if (text && strlen(text) >= HAND_NOTE) {
		free(text);
		json_object_set_new(out, "why", json_string(""));
		text = json_dumps(out, JSON_COMPACT);
	}
	json_decref(out);
	return text;
}

/**
 * fleet_had_parse - what was noted
 * @note: JSON
 * @h: set; all zero where it makes no sense: then the order is put in force anew
 */
void fleet_had_parse(const char *note, struct fleet_had *h)
{
	json_int_t number, at, generation, good, revision;
	const char *is, *why, *boot;
	json_t *in = json_loads(note, 0, NULL);
	int differs;
	size_t i;

	memset(h, 0, sizeof(*h));
	if (in && !json_unpack(in, "{s:I,s:s,s:s,s:I,s:I,s:I,s:b,s:I,s:s}", "number", &number, "is", &is, "why", &why, "at",
			       &at, "generation", &generation, "good", &good, "differs", &differs, "revision", &revision, "boot",
			       &boot)) {
		for (i = 1; i < N_NAMES && strcmp(names[i], is); i++)
			;
		h->is = i < N_NAMES ? (enum fleet_is)i : FLEET_NOTHING;
		h->number = number;
		h->at = at;
		h->generation = (uint32_t)generation;
		h->good = good;
		h->differs = differs;
		h->revision = revision;
		snprintf(h->why, sizeof(h->why), "%s", why);
		snprintf(h->boot, sizeof(h->boot), "%s", boot);
	}
	json_decref(in);
}

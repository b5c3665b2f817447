// SPDX-License-Identifier: GPL-2.0
/* Names: the built-in segments', which ones are legal, and patterns of interfaces. */
#include "policy.h"

static const char * const builtin[CORDON_BUILTIN_SEGMENTS] = {
	[CORDON_SEGMENT_GATEWAY]	= "gateway",
	[CORDON_SEGMENT_ONBOARDING]	= "onboarding",
	[CORDON_SEGMENT_QUARANTINE]	= "quarantine",
	[CORDON_SEGMENT_UPDATE]		= "update",
};

/**
 * cordon_segment_def_init - the defaults of a segment
 * @s: the segment
 */
void cordon_segment_def_init(struct cordon_segment_def *s)
{
	memset(s, 0, sizeof(*s));
	s->isolate = 1;
	s->lease = CORDON_DEFAULT_LEASE;
	s->grace = CORDON_DEFAULT_GRACE;
	s->postpone = CORDON_DEFAULT_POSTPONE;
	s->learn = CORDON_DEFAULT_LEARN;
}

/**
 * cordon_draft_builtin - the segments with which every draft begins
 * @segments: room for CORDON_BUILTIN_SEGMENTS
 */
void cordon_draft_builtin(struct cordon_segment_def *segments)
{
	u32 i;

	for (i = 0; i < CORDON_BUILTIN_SEGMENTS; i++) {
		cordon_segment_def_init(&segments[i]);
		memcpy(segments[i].name, builtin[i], strlen(builtin[i]) + 1);
	}
}

/**
 * cordon_segment_builtin - the built-in segment of a name
 * @name: NUL-terminated
 *
 * Return: its number, or CORDON_NO_SEGMENT.
 */
u16 cordon_segment_builtin(const char *name)
{
	u16 i;

	for (i = 0; i < CORDON_BUILTIN_SEGMENTS; i++)
		if (!strcmp(builtin[i], name))
			return i;
	return CORDON_NO_SEGMENT;
}

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

/**
 * cordon_name_is_valid - a name is a word that can stand in a path and a table
 * @name: the name
 * @size: of its buffer, within which its NUL must lie
 *
 * Letters, digits, '_', '-' and '.', the first one a letter, a digit or '_'.
 */
bool cordon_name_is_valid(const char *name, size_t size)
{
	size_t i;

	if (!is_alnum(name[0]) && name[0] != '_')
		return false;
	for (i = 1; i < size && name[i]; i++)
		if (!is_alnum(name[i]) && name[i] != '_' && name[i] != '-' && name[i] != '.')
			return false;
	return i < size;
}

/**
 * cordon_ifname_matches - an interface has a name, or one of a pattern
 * @pattern: NUL-terminated; each * in it stands for any characters, or none
 * @name: of the interface
 */
bool cordon_ifname_matches(const char *pattern, const char *name)
{
	const char *star = NULL, *back = NULL;

	while (*name) {
		if (*pattern == '*') {
			star = pattern++;
			back = name;
		} else if (*pattern == *name) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star + 1;
			name = ++back;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}

// SPDX-License-Identifier: GPL-2.0
/* Who made a network card, as IEEE's list says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/oui.h"

/** struct vendor - whose the first three bytes of a MAC are */
struct vendor {
	u32 prefix;
	char name[64];
};

/** struct oui - the list, by prefix */
struct oui {
	struct vendor *list;
	size_t n;
};

static int compare(const void *a, const void *b)
{
	const struct vendor *x = a, *y = b;

	return x->prefix < y->prefix ? -1 : x->prefix > y->prefix;
}

/* "28-6F-B9   (hex)\t\tNokia Shanghai Bell Co., Ltd." */
static bool read_line(const char *line, struct vendor *v)
{
	const char *at = line;
	char *end;
	size_t i;

	v->prefix = 0;
	for (i = 0; i < 3; i++, at = end + 1) {
		v->prefix = v->prefix << 8 | (u32)strtoul(at, &end, 16);
		if (end - at != 2 || *end != (i < 2 ? '-' : ' '))
			return false;
	}
	at = strstr(at, "(hex)");
	if (!at)
		return false;
	at += strlen("(hex)");
	at += strspn(at, " \t");
	for (i = 0; i + 1 < sizeof(v->name) && at[i] && !strchr("\r\n", at[i]); i++)
		v->name[i] = at[i] >= 0x20 && at[i] < 0x7f ? at[i] : '?';
	v->name[i] = 0;
	return i;
}

/**
 * oui_open - read the list
 * @path: of it
 *
 * Return: the list; NULL, there is none, or no memory, and nobody's vendor is known.
 */
struct oui *oui_open(const char *path)
{
	struct oui *oui = calloc(1, sizeof(*oui));
	FILE *f = oui ? fopen(path, "re") : NULL;
	struct vendor v, *more;
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		if (!read_line(line, &v))
			continue;
		if (!(oui->n & (oui->n - 1))) {
			more = reallocarray(oui->list, oui->n ? 2 * oui->n : 1, sizeof(*more));
			if (!more)
				break;
			oui->list = more;
		}
		oui->list[oui->n++] = v;
	}
	if (f)
		fclose(f);
	if (oui && oui->n)
		qsort(oui->list, oui->n, sizeof(*oui->list), compare);
	return oui;
}

/** oui_close - forget the list; NULL is let through */
void oui_close(struct oui *oui)
{
	if (oui)
		free(oui->list);
	free(oui);
}

/**
 * oui_vendor - who made a card
 * @oui: the list, or NULL
 * @mac: of the card
 *
 * Return: the vendor, good as long as @oui; NULL, it is not known.
 */
const char *oui_vendor(const struct oui *oui, const u8 mac[6])
{
	const struct vendor key = { .prefix = (u32)mac[0] << 16 | mac[1] << 8 | mac[2] }, *found;

	if (!oui || !oui->n)
		return NULL;
	found = bsearch(&key, oui->list, oui->n, sizeof(key), compare);
	return found ? found->name : NULL;
}

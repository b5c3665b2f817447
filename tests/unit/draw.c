// SPDX-License-Identifier: GPL-2.0
/* draw WHAT [matrix|graph]: pictures of what no policy's file says, for test_draw.sh, which sees whether they are sound. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "draw/draw.h"

static int print(const struct draw_policy *p, const char *form)
{
	return form && !strcmp(form, "graph") ? draw_graph(p, stdout) : draw_matrix(p, stdout);
}

/* Names and texts are validated before they come here; the writer does not rely on it. */
static int hostile(const char *form)
{
	static const char long_text[4096] = { [0 ... 4094] = 'w' };
	struct draw_segment segments[] = {
		{ .name = "</text><script>alert(1)</script>", .authentication = "\"><b onload='x'>", .encryption = "&&amp;&#60;" },
		{ .name = "\xff\xc3(\xed\xa0\x80\x01\x1b[31m\xe2\x80\xae\xef\xbf\xbf", .role = DRAW_OWN, .within = DRAW_HOSTS },
		{ .name = "" }, { .name = long_text, .authentication = long_text, .within = DRAW_OPEN, .unlisted = true },
		{ .name = "]]>--><!--", .role = DRAW_GATEWAY },
	};
	struct draw_opening openings[] = {
		{ 0, 1, "\"'<>&, \x80\x80, ", true, true, DRAW_USE_NEVER }, { 1, 1, "", false, false, DRAW_USE_UNTOLD },
		{ 3, 0, long_text, false, true, DRAW_USE_RECENT }, { 9, 0, "nobody", false, false, 0 },
		{ 0, 5, "nowhere", false, false, 0 }, { 2, 3, ", , ,", false, false, DRAW_USE_EARLIER },
	};
	const struct draw_policy p = { segments, 5, openings, 6, true, false };

	return print(&p, form);
}

static int many(unsigned int n, const char *form)
{
	struct draw_segment *segments = calloc(n, sizeof(*segments));
	struct draw_opening *openings = calloc(n * 4ul, sizeof(*openings));
	char (*names)[32] = calloc(n, sizeof(*names));
	struct draw_policy p = { segments, n, openings, n * 4, false, false };
	unsigned int i;
	int err;

	for (i = 0; i < n; i++) {
		snprintf(names[i], sizeof(names[i]), "segment_%u", i);
		segments[i].name = names[i];
	}
	for (i = 0; i < 4 * n; i++)
		openings[i] = (struct draw_opening){ .from = i % n, .to = (i * 7 + i / n) % n, .text = "tcp/443, udp/5000-5010" };
	err = print(&p, form);
	free(segments);
	free(openings);
	free(names);
	return err;
}

/* One cell with more than there is room for: what is not shown must not hide that plaintext is allowed. */
static int crowded(const char *form)
{
	struct draw_segment segments[] = { { .name = "a" }, { .name = "b" } };
	struct draw_opening openings[20];
	const struct draw_policy p = { segments, 2, openings, 20, false, false };
	unsigned int i;

	for (i = 0; i < 20; i++)
		openings[i] = (struct draw_opening){ .from = 0, .to = 1, .text = "tcp/1, tcp/2", .plaintext = i == 19 };
	return print(&p, form);
}

/* As part of a page that forbids styles beside its sheet. */
static int embedded(const char *form)
{
	struct draw_segment segments[] = { { .name = "a", .services = true }, { .name = "gateway", .role = DRAW_GATEWAY } };
	const struct draw_policy p = { segments, 2, NULL, 0, false, true };

	return print(&p, form);
}

int main(int argc, char **argv)
{
	const char *form = argc > 2 ? argv[2] : NULL;
	int err = -EINVAL;

	if (argc > 1 && !strcmp(argv[1], "hostile"))
		err = hostile(form);
	else if (argc > 1 && !strcmp(argv[1], "crowded"))
		err = crowded(form);
	else if (argc > 1 && !strcmp(argv[1], "embedded"))
		err = embedded(form);
	else if (argc > 1 && !strcmp(argv[1], "none"))
		err = print(&(struct draw_policy){ 0 }, form);
	else if (argc > 1 && atoi(argv[1]))
		err = many(atoi(argv[1]), form);
	if (err)
		fprintf(stderr, "%s\n", strerror(-err));
	return !!err;
}

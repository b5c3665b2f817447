// SPDX-License-Identifier: GPL-2.0
/* Style and script: those of our own are built in, those of dygraphs are read once, before the sandbox closes. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "page/page_in.h"

#define LIBRARY_MAX	(2 << 20)	/* bytes of a file of dygraphs */

#define BUILT_IN(name, file) \
	extern const char page_asset_##name[], page_asset_##name##_end[]; \
	__asm__(".pushsection .rodata\n" \
		".globl page_asset_" #name "\n.globl page_asset_" #name "_end\n" \
		"page_asset_" #name ":\n.incbin \"userspace/page/assets/" file "\"\n" \
		"page_asset_" #name "_end:\n.byte 0\n.popsection\n")

BUILT_IN(css, "page.css");
BUILT_IN(js, "page.js");
BUILT_IN(icon, "icon.svg");

/** struct library - a file of dygraphs */
static struct library {
	const char *path, *file, *type;
	char *bytes;
	size_t len;
} libraries[] = {
	{ "/js/dygraph.js", "dygraph.min.js", "text/javascript; charset=utf-8", NULL, 0 },
	{ "/js/dygraph.css", "dygraph.min.css", "text/css; charset=utf-8", NULL, 0 },
};

#define N_LIBRARIES (sizeof(libraries) / sizeof(*libraries))

static int load(struct library *l, const char *dir)
{
	char path[256];
	struct stat st;
	ssize_t n;
	int fd, err;

	snprintf(path, sizeof(path), "%s/%s", dir, l->file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = fstat(fd, &st) ? -errno : !S_ISREG(st.st_mode) || st.st_size > LIBRARY_MAX ? -EFBIG : 0;
	l->bytes = err ? NULL : malloc((size_t)st.st_size + 1);
	if (!err && !l->bytes)
		err = -ENOMEM;
	n = err ? 0 : read(fd, l->bytes, (size_t)st.st_size);
	if (!err && n != st.st_size)
		err = -EIO;
	l->len = (size_t)n;
	close(fd);
	return err;
}

/**
 * page_assets_load - read what draws plots in a browser
 * @dir: PAGE_DYGRAPHS
 *
 * Return: 0; or -errno, it is not there: plots are then those that the pages themselves bring.
 */
int page_assets_load(const char *dir)
{
	size_t i;
	int err = 0;

	page_assets_unload();
	for (i = 0; !err && i < N_LIBRARIES; i++)
		err = load(&libraries[i], dir);
	if (err)
		page_assets_unload();
	return err;
}

/** page_assets_unload - forget it again */
void page_assets_unload(void)
{
	size_t i;

	for (i = 0; i < N_LIBRARIES; i++) {
		free(libraries[i].bytes);
		libraries[i].bytes = NULL;
	}
}

bool page_has_charts(void)
{
	return libraries[0].bytes;
}

static int give(const char *bytes, size_t len, const char *type, struct page_reply *out)
{
	*out = (struct page_reply){ .status = 200, .type = type, .body = malloc(len + 1), .len = len };
	if (out->body)
		memcpy(out->body, bytes, len);
	return 0;
}

/* The file of a path; out->body is NULL without memory. -ENOENT, it is no file's. */
int page_asset(const char *path, struct page_reply *out)
{
	size_t i;

	if (!strcmp(path, "/page.css"))
		return give(page_asset_css, (size_t)(page_asset_css_end - page_asset_css), "text/css; charset=utf-8", out);
	if (!strcmp(path, "/page.js"))
		return give(page_asset_js, (size_t)(page_asset_js_end - page_asset_js), "text/javascript; charset=utf-8", out);
	if (!strcmp(path, "/icon.svg"))
		return give(page_asset_icon, (size_t)(page_asset_icon_end - page_asset_icon), "image/svg+xml", out);
	for (i = 0; i < N_LIBRARIES; i++)
		if (libraries[i].bytes && !strcmp(path, libraries[i].path))
			return give(libraries[i].bytes, libraries[i].len, libraries[i].type, out);
	return -ENOENT;
}

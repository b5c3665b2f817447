// SPDX-License-Identifier: GPL-2.0
/*
 * Devices in a policy's files are added, changed and taken out; comments, order and all that is not about them stays.
 * Whatever the files look like, it is tried whether what comes out says what it should.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"
#include "yaml_edit.h"
#include "yaml_source.h"
#include "yaml_splice.h"

/**
 * struct place - where a device stands
 * @mac: of the device
 * @device: in the policy of the files
 * @file: which
 * @node: what the file says of it
 * @list: the list that it is in
 * @before: the node before it in the list, or NULL
 * @stays: it is in the other policy, too
 */
struct place {
	u8 mac[6];
	u32 device;
	u32 file;
	const struct yaml_node *node;
	const struct yaml_node *list;
	const struct yaml_node *before;
	bool stays;
};

/**
 * struct editor - files on their way
 * @s: they
 * @p: what they say
 * @to: whose devices they are to list
 * @splices: changes of each
 * @places: of @p's devices, as they come in the files
 * @n: how many
 * @by_mac: the same by MAC
 * @has_list: a list of devices was begun where there was none
 * @has_first: likewise, its first device was added
 * @has_end: the last line of the file has got a line break
 */
struct editor {
	struct yaml_sources s;
	struct policy *p;
	const struct policy *to;
	struct splices splices[YAML_SOURCES];
	struct place *places;
	u32 n;
	const struct place **by_mac;
	bool has_list;
	bool has_first;
	bool has_end[YAML_SOURCES];
};

static size_t offset(struct editor *e, u32 file, struct report_mark at)
{
	return report_offset(&e->s.list[file]->report, at);
}

static size_t line_begin(const struct report *r, size_t at)
{
	while (at && r->text[at - 1] != '\n')
		at--;
	return at;
}

/* Where the line ends, before its line break. */
static size_t line_end(const struct report *r, size_t at)
{
	while (at < r->size && r->text[at] != '\n')
		at++;
	return at;
}

/* Where the next line begins. */
static size_t next_line(const struct report *r, size_t at)
{
	at = line_end(r, at);
	return at < r->size ? at + 1 : at;
}

/* As in the file's first line. */
static const char *line_break(const struct report *r)
{
	size_t end = line_end(r, 0);

	return end && end < r->size && r->text[end - 1] == '\r' ? "\r\n" : "\n";
}

/* Behind the comma that may follow; @at, none does. */
static size_t behind_comma(const struct report *r, size_t at)
{
	size_t comma = at;

	while (comma < r->size && strchr(" \t\r\n", r->text[comma]))
		comma++;
	return comma < r->size && r->text[comma] == ',' ? comma + 1 : at;
}

static char *text_of(const char *before, const struct policy *p, u32 device, int key, const char *after)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool failed;

	if (!out)
		return NULL;
	fputs(before, out);
	if (key < 0)
		policy_print_device(p, device, out);
	else
		policy_print_value(p, device, key, out);
	fputs(after, out);
	failed = ferror(out);
	if (!fclose(out) && !failed)
		return text;
	free(text);
	return NULL;
}

static const struct yaml_node *find_key(const struct yaml_node *map, const char *name)
{
	const struct yaml_node *key = map->child;

	while (key && strcmp(key->text, name))
		key = key->next->next;
	return key;
}

static const struct yaml_node *last_of(const struct yaml_node *list)
{
	const struct yaml_node *node = list->child;

	while (node && node->next)
		node = node->next;
	return node;
}

/* The value that a key has is replaced. Comments in a list go with what they are about. */
static void replace_value(struct editor *e, const struct place *at, const struct yaml_node *key, u32 device, int which)
{
	const struct report *r = &e->s.list[at->file]->report;
	size_t from = offset(e, at->file, key->next->at), to = offset(e, at->file, key->next->end), colon;
	struct splices *splices = &e->splices[at->file];

	if (key->next->kind == YAML_SCALAR || key->next->flow || line_begin(r, from) <= offset(e, at->file, key->at)) {
		splice_add(splices, from, to, text_of("", e->to, device, which, ""));
		return;
	}
	colon = offset(e, at->file, key->end);
	while (colon < from && r->text[colon] != ':')
		colon++;
	splice_add(splices, colon + 1, colon + 1, text_of(" ", e->to, device, which, ""));
	splice_add(splices, line_begin(r, from), next_line(r, to), strdup(""));
}

/* The key and its value go. */
static void remove_key(struct editor *e, const struct place *at, const struct yaml_node *key)
{
	const struct report *r = &e->s.list[at->file]->report;
	size_t from = offset(e, at->file, key->at), to = offset(e, at->file, key->next->end);
	const struct yaml_node *before = at->node->child;

	while (before != key && before->next->next != key)
		before = before->next->next;
	if (before == key) {
		/* A device has others, too. */
		to = offset(e, at->file, key->next->next->at);
	} else if (at->node->flow) {
		from = offset(e, at->file, before->next->end);
	} else {
		from = line_begin(r, from);
		to = next_line(r, to);
	}
	splice_add(&e->splices[at->file], from, to, strdup(""));
}

static char *printed(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static char *printed(const char *fmt, ...)
{
	va_list args;
	char *text;
	int n;

	va_start(args, fmt);
	n = vasprintf(&text, fmt, args);
	va_end(args);
	return n < 0 ? NULL : text;
}

/* Lines of their own behind the line that something ends on. */
static void add_line(struct editor *e, u32 file, size_t end, u32 indent, const char *text)
{
	const struct report *r = &e->s.list[file]->report;
	size_t to = next_line(r, end);
	bool open = to && r->text[to - 1] != '\n' && !e->has_end[file];

	e->has_end[file] |= open;
	splice_add(&e->splices[file], to, to,
		   text ? printed("%s%*s%s%s", open ? line_break(r) : "", (int)indent, "", text, line_break(r)) : NULL);
}

/* A key that the device does not have comes behind those that it has. */
static void add_key(struct editor *e, const struct place *at, u32 device, u32 key)
{
	size_t end = offset(e, at->file, last_of(at->node)->end);
	char *before = printed("%s%s: ", at->node->flow ? ", " : "", policy_device_key(key));
	char *text = before ? text_of(before, e->to, device, key, "") : NULL;

	free(before);
	if (at->node->flow) {
		splice_add(&e->splices[at->file], end, end, text);
		return;
	}
	add_line(e, at->file, end, at->node->child->at.column, text);
	free(text);
}

/* Keys that say one thing between them come one after another. */
static u32 group_of(u32 key)
{
	const char *name = policy_device_key(key);

	return key && (!strcmp(name, "auto") || !strcmp(name, "ports")) ? group_of(key - 1) : key;
}

/* What both policies say of a device under a key; false, no memory. */
static bool both(struct editor *e, const struct place *at, u32 device, u32 key, char **was, char **is)
{
	*was = text_of("", e->p, at->device, key, "");
	*is = text_of("", e->to, device, key, "");
	if (*was && *is)
		return true;
	free(*was);
	free(*is);
	e->splices[at->file].failed = true;
	return false;
}

static bool group_differs(struct editor *e, const struct place *at, u32 device, u32 group)
{
	bool differs = false;
	char *was, *is;
	u32 key;

	for (key = group; key < POLICY_DEVICE_KEYS && group_of(key) == group; key++) {
		if (!both(e, at, device, key, &was, &is))
			return false;
		differs |= strcmp(was, is) != 0;
		free(was);
		free(is);
	}
	return differs;
}

/* What both policies say of a device as a whole. */
static bool device_differs(struct editor *e, const struct place *at, u32 device)
{
	char *was = text_of("", e->p, at->device, -1, ""), *is = text_of("", e->to, device, -1, "");
	bool differs = was && is && strcmp(was, is);

	if (!was || !is)
		e->splices[at->file].failed = true;
	free(was);
	free(is);
	return differs;
}

static void change_device(struct editor *e, const struct place *at, u32 device)
{
	const struct yaml_node *node;
	char *was, *is;
	u32 key;

	if (!device_differs(e, at, device))
		return;
	for (key = 0; key < POLICY_DEVICE_KEYS; key++) {
		if (!group_differs(e, at, device, group_of(key)) || !both(e, at, device, key, &was, &is))
			continue;
		node = find_key(at->node, policy_device_key(key));
		if (node && !*is)
			remove_key(e, at, node);
		else if (node && strcmp(was, is))
			replace_value(e, at, node, device, key);
		else if (!node && *is)
			add_key(e, at, device, key);
		free(was);
		free(is);
	}
}

/* Where the dash of an item is; the item itself, if something else is before it. */
static size_t dash_of(struct editor *e, const struct place *at)
{
	const struct report *r = &e->s.list[at->file]->report;
	size_t item = offset(e, at->file, at->node->at), dash = item;

	while (dash && strchr(" \t\r\n", r->text[dash - 1]))
		dash--;
	return dash && r->text[dash - 1] == '-' ? dash - 1 : item;
}

/* An item in brackets goes with the comma before it; a comment between the two stays. */
static void remove_item(struct editor *e, const struct place *at, size_t from, size_t to)
{
	const struct report *r = &e->s.list[at->file]->report;
	size_t before = offset(e, at->file, at->before->end), comma = before;

	while (comma < from && r->text[comma] != ',' && r->text[comma] != '#')
		comma++;
	if (!memchr(r->text + before, '#', from - before) || comma == from || r->text[comma] != ',') {
		splice_add(&e->splices[at->file], before, to, strdup(""));
		return;
	}
	splice_add(&e->splices[at->file], comma, comma + 1, strdup(""));
	splice_add(&e->splices[at->file], from, to, strdup(""));
}

/* @alone: nothing before it in the list stays */
static void remove_device(struct editor *e, const struct place *at, bool alone)
{
	const struct report *r = &e->s.list[at->file]->report;
	size_t from = offset(e, at->file, at->node->at), to = offset(e, at->file, at->node->end);

	if (!at->list->flow) {
		from = line_begin(r, dash_of(e, at));
		to = next_line(r, to);
	} else if (!alone) {
		remove_item(e, at, from, to);
		return;
	} else if (at->node->next) {
		to = offset(e, at->file, at->node->next->at);
	} else {
		to = behind_comma(r, to);
	}
	splice_add(&e->splices[at->file], from, to, strdup(""));
}

/* Devices are added where there are others, or else to the file that includes the rest. */
static const struct yaml_node *list_of(struct editor *e, u32 *file)
{
	const struct yaml_node *key;
	u32 i;

	for (i = 0; i < e->s.n; i++) {
		key = e->s.list[i]->tree.root->kind == YAML_MAPPING ? find_key(e->s.list[i]->tree.root, "devices") : NULL;
		*file = i;
		if (key && key->next->child)
			return key;
	}
	*file = 0;
	return find_key(e->s.list[0]->tree.root, "devices");
}

/* The column of the dashes in a list. */
static u32 indent_of(struct editor *e, u32 file, const struct yaml_node *list)
{
	struct place first = { .file = file, .node = list->child, .list = list };
	const struct report *r = &e->s.list[file]->report;
	size_t dash = dash_of(e, &first);

	return dash - line_begin(r, dash);
}

/* Whether any device of a list stays. */
static bool any_stays(const struct editor *e, const struct yaml_node *list)
{
	u32 i;

	for (i = 0; i < e->n; i++)
		if (e->places[i].list == list && e->places[i].stays)
			return true;
	return false;
}

/* In brackets, there is something, if only a comment. */
static bool is_filled(struct editor *e, u32 file, const struct yaml_node *list)
{
	size_t at = offset(e, file, list->at) + 1, end = offset(e, file, list->end);

	return list->flow && at + strspn(e->s.list[file]->report.text + at, " \t\r\n") + 1 < end;
}

/* To a list in brackets. */
static void add_item(struct editor *e, u32 file, const struct yaml_node *list, u32 device)
{
	size_t end = list->child ? offset(e, file, last_of(list)->end) : offset(e, file, list->end) - 1;
	bool first = !e->has_first && !any_stays(e, list);

	splice_add(&e->splices[file], end, end, text_of(first ? "" : ", ", e->to, device, -1, ""));
	e->has_first = true;
}

static void add_device(struct editor *e, u32 device)
{
	u32 file;
	const struct yaml_node *key = list_of(e, &file), *list = key ? key->next : NULL;
	char *text;
	size_t end;

	if (list && list->flow && is_filled(e, file, list)) {
		add_item(e, file, list, device);
		return;
	}
	text = text_of("- ", e->to, device, -1, "");
	if (list && list->child) {
		add_line(e, file, offset(e, file, last_of(list)->end), indent_of(e, file, list), text);
	} else if (list) {
		/* It is null, or []. */
		end = offset(e, file, list->end);
		splice_add(&e->splices[file], offset(e, file, list->at), end, strdup(""));
		add_line(e, file, end, 2, text);
	} else {
		if (!e->has_list)
			add_line(e, 0, e->s.list[0]->report.size, 0, "devices:");
		e->has_list = true;
		add_line(e, 0, e->s.list[0]->report.size, 2, text);
	}
	free(text);
}

static int compare_macs(const void *a, const void *b)
{
	const struct place *x = *(const struct place **)a, *y = *(const struct place **)b;

	return memcmp(x->mac, y->mac, sizeof(x->mac));
}

/* Devices come in the policy as they do in the files. */
static bool find_places(struct editor *e)
{
	const struct yaml_node *root, *key, *node, *before;
	u32 file, n;

	e->places = calloc(e->p->draft.n_devices + 1, sizeof(*e->places));
	e->by_mac = calloc(e->p->draft.n_devices + 1, sizeof(*e->by_mac));
	if (!e->places || !e->by_mac)
		return false;
	for (file = 0; file < e->s.n; file++) {
		root = e->s.list[file]->tree.root;
		key = root->kind == YAML_MAPPING ? find_key(root, "devices") : NULL;
		before = NULL;
		for (node = key ? key->next->child : NULL; node; node = node->next) {
			n = e->n++;
			e->places[n] = (struct place){ .device = n, .file = file, .node = node, .list = key->next,
						       .before = before };
			before = node;
			memcpy(e->places[n].mac, e->p->draft.devices[n].mac, sizeof(e->places[n].mac));
			e->by_mac[n] = &e->places[n];
		}
	}
	qsort(e->by_mac, e->n, sizeof(*e->by_mac), compare_macs);
	return true;
}

static struct place *find_place(struct editor *e, const u8 mac[6])
{
	struct place wanted;
	const struct place *key = &wanted, **at;

	memcpy(wanted.mac, mac, sizeof(wanted.mac));
	at = bsearch(&key, e->by_mac, e->n, sizeof(*e->by_mac), compare_macs);
	return at ? &e->places[*at - e->places] : NULL;
}

/* Return: false, no memory. */
static bool edit(struct editor *e)
{
	struct place *at;
	bool alone = true;
	u32 i;

	if (!find_places(e))
		return false;
	for (i = 0; i < e->to->draft.n_devices; i++) {
		at = find_place(e, e->to->draft.devices[i].mac);
		if (!at)
			continue;
		at->stays = true;
		change_device(e, at, i);
	}
	for (i = 0; i < e->n; i++) {
		alone = (alone || !e->places[i].before) && !e->places[i].stays;
		if (e->places[i].node && !e->places[i].stays)
			remove_device(e, &e->places[i], alone);
	}
	for (i = 0; i < e->to->draft.n_devices; i++)
		if (!find_place(e, e->to->draft.devices[i].mac))
			add_device(e, i);
	return true;
}

/* Return: false, no memory. */
static bool take_texts(struct editor *e, struct policy_texts *out)
{
	const struct yaml_source *source;
	struct policy_text *t;
	u32 i;

	out->list = calloc(e->s.n, sizeof(*out->list));
	if (!out->list)
		return false;
	for (i = 0; i < e->s.n; i++) {
		if (!e->splices[i].n && !e->splices[i].failed)
			continue;
		source = e->s.list[i];
		t = &out->list[out->n++];
		t->path = strdup(source->path);
		t->text = splice_all(&e->splices[i], source->report.text, source->report.size, &t->size);
		/* With its byte order mark. */
		t->was_size = source->report.text - source->tree.buffer + source->report.size;
		t->was = malloc(t->was_size + 1);
		if (!t->path || !t->text || !t->was)
			return false;
		memcpy(t->was, source->tree.buffer, t->was_size);
	}
	return true;
}

/* Whether the changed files say what they should; what they do not is told. */
static int try(struct editor *e, const char *path, const struct policy_texts *texts, FILE *errors)
{
	struct yaml_sources s = { .texts = texts->list, .n_texts = texts->n };
	struct policy_diff diff = { NULL, 0 };
	struct policy *p = NULL;
	char *said = NULL;
	int ret = -EILSEQ;
	size_t size;

	s.errors = open_memstream(&said, &size);
	if (!s.errors)
		return -ENOMEM;
	if (!yaml_sources_load(&s, path, &p) && !policy_diff(p, e->to, &diff) && !diff.n)
		ret = 0;
	if (ret)
		fprintf(errors, "cordonctl: %s: is not written in a way that it can be changed in%s%s%s%s\n", path,
			diff.n ? ": it would not say the same of " : "", diff.n ? diff.changes[0].object : "",
			diff.n ? " " : "", diff.n ? diff.changes[0].name : "");
	policy_diff_free(&diff);
	policy_free(p);
	yaml_sources_free(&s);
	fclose(s.errors);
	free(said);
	return ret;
}

/**
 * policy_edit - what the files of a policy must say, so that they list other devices
 * @path: the file; not standard input
 * @to: the policy with the devices, and no other than the file's in all else
 * @out: texts of those files that change; free with policy_texts_free(), whatever happened
 * @errors: where faults are written
 *
 * Return: 0; -EILSEQ, the files cannot be read, or are written in a way that they cannot be changed in, which is told;
 * -ENOMEM.
 */
int policy_edit(const char *path, const struct policy *to, struct policy_texts *out, FILE *errors)
{
	struct editor e = { .s.errors = errors, .to = to };
	int ret = -EILSEQ;
	u32 i;

	*out = (struct policy_texts){ NULL, 0 };
	if (!yaml_sources_load(&e.s, path, &e.p)) {
		ret = edit(&e) && take_texts(&e, out) ? 0 : -ENOMEM;
		if (!ret)
			ret = try(&e, path, out, errors);
		policy_free(e.p);
	}
	for (i = 0; i < YAML_SOURCES; i++)
		splices_free(&e.splices[i]);
	free(e.places);
	free(e.by_mac);
	yaml_sources_free(&e.s);
	return ret;
}

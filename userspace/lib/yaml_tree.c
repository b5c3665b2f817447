// SPDX-License-Identifier: GPL-2.0
/* libyaml's events to a tree: no anchors, no tags, one document, bounded in every direction. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "yaml.h"
#include "yaml_tree.h"

#define CHUNK	(1UL << 20)

struct yaml_chunk {
	struct yaml_chunk *next;
	size_t used;
	size_t size;
	char bytes[] __attribute__((aligned(8)));
};

/* A collection that is being read. */
struct level {
	struct yaml_node *node;
	struct yaml_node **tail;
};

struct reader {
	struct yaml_tree *tree;
	struct level levels[YAML_TREE_DEPTH];
	unsigned int depth;
	unsigned int documents;
	bool over;		/* nothing more is to be read */
	bool failed;		/* and what was read is of no use */
};

static void *take(struct yaml_tree *t, size_t size)
{
	struct yaml_chunk *c = t->chunks;
	void *piece;

	size = (size + 7) & ~(size_t)7;
	if (!c || c->size - c->used < size) {
		size_t room = size > CHUNK ? size : CHUNK;

		c = malloc(sizeof(*c) + room);
		if (!c)
			return NULL;
		*c = (struct yaml_chunk){ .next = t->chunks, .size = room };
		t->chunks = c;
	}
	piece = c->bytes + c->used;
	c->used += size;
	return piece;
}

static struct report_mark mark_of(const yaml_mark_t *m)
{
	return (struct report_mark){ m->line, m->column };
}

static void fail(struct reader *r, struct report_mark at, const char *why)
{
	report_error(r->tree->report, at, "%s", why);
	r->over = true;
	r->failed = true;
}

static struct yaml_node *add(struct reader *r, const yaml_event_t *e, enum yaml_kind kind)
{
	struct yaml_tree *t = r->tree;
	struct level *l = r->depth ? &r->levels[r->depth - 1] : NULL;
	struct yaml_node *node;

	if (t->n_nodes++ == YAML_TREE_NODES) {
		fail(r, mark_of(&e->start_mark), "more values than any policy needs");
		return NULL;
	}
	node = take(t, sizeof(*node));
	if (!node) {
		fail(r, mark_of(&e->start_mark), "not enough memory");
		return NULL;
	}
	*node = (struct yaml_node){ .kind = kind, .at = mark_of(&e->start_mark), .end = mark_of(&e->end_mark) };
	if (l) {
		*l->tail = node;	/* NOLINT: every level that was entered has one */
		l->tail = &node->next;
		l->node->n++;
	} else {
		t->root = node;
	}
	return node;
}

static void enter(struct reader *r, const yaml_event_t *e, enum yaml_kind kind, bool flow)
{
	struct yaml_node *node;

	if (r->depth == YAML_TREE_DEPTH) {
		fail(r, mark_of(&e->start_mark), "nested too deeply: at most 16 levels");
		return;
	}
	node = add(r, e, kind);
	if (!node)
		return;
	node->flow = flow;
	r->levels[r->depth++] = (struct level){ node, &node->child };
}

/* libyaml ends a block where the next token is: behind comments that follow it. */
static void leave(struct reader *r, const yaml_event_t *e)
{
	struct yaml_node *node, *child;

	if (!r->depth)
		return;
	node = r->levels[--r->depth].node;
	if (node->flow) {
		node->end = mark_of(&e->end_mark);
		return;
	}
	for (child = node->child; child; child = child->next)
		node->end = child->end;
}

static void refuse(struct reader *r, const yaml_event_t *e, const yaml_char_t *anchor,
		   const yaml_char_t *tag)
{
	if (anchor)
		report_error(r->tree->report, mark_of(&e->start_mark),
			     "anchor '&%s': anchors and aliases are not allowed", anchor);
	if (tag)
		report_error(r->tree->report, mark_of(&e->start_mark),
			     "tag '%s': tags are not allowed", tag);
}

static void scalar(struct reader *r, const yaml_event_t *e)
{
	const char *value = (const char *)e->data.scalar.value;
	size_t size = e->data.scalar.length;
	struct yaml_node *node = add(r, e, YAML_SCALAR);
	char *text;

	if (!node)
		return;
	refuse(r, e, e->data.scalar.anchor, e->data.scalar.tag);
	node->plain = e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	if (memchr(value, 0, size)) {
		report_error(r->tree->report, node->at, "a NUL character in a value");
		node->kind = YAML_BAD;
		return;
	}
	text = take(r->tree, size + 1);
	if (!text) {
		fail(r, node->at, "not enough memory");
		return;
	}
	memcpy(text, value, size);
	text[size] = 0;
	node->text = text;
}

static void document(struct reader *r, const yaml_event_t *e)
{
	if (!r->documents++)
		return;
	report_error(r->tree->report, mark_of(&e->start_mark),
		     "a second document: a policy is one document");
	r->over = true;
}

static void take_event(struct reader *r, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		document(r, e);
		break;
	case YAML_ALIAS_EVENT:
		report_error(r->tree->report, mark_of(&e->start_mark),
			     "alias '*%s': anchors and aliases are not allowed",
			     e->data.alias.anchor);
		add(r, e, YAML_BAD);
		break;
	case YAML_SCALAR_EVENT:
		scalar(r, e);
		break;
	case YAML_SEQUENCE_START_EVENT:
		refuse(r, e, e->data.sequence_start.anchor, e->data.sequence_start.tag);
		enter(r, e, YAML_SEQUENCE, e->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE);
		break;
	case YAML_MAPPING_START_EVENT:
		refuse(r, e, e->data.mapping_start.anchor, e->data.mapping_start.tag);
		enter(r, e, YAML_MAPPING, e->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		leave(r, e);
		break;
	case YAML_STREAM_END_EVENT:
		r->over = true;
		break;
	default:
		break;
	}
}

static void parser_failed(struct reader *r, const yaml_parser_t *p)
{
	struct report_mark at = mark_of(&p->problem_mark);
	char why[256];

	if (p->error == YAML_READER_ERROR)
		at = report_mark_of(r->tree->report, p->problem_offset);
	else if (p->error == YAML_MEMORY_ERROR)
		at = mark_of(&p->mark);
	snprintf(why, sizeof(why), "not YAML: %s%s%s",
		 p->error == YAML_MEMORY_ERROR ? "not enough memory" :
		 p->problem ? p->problem : "unreadable",
		 p->context ? " " : "", p->context ? p->context : "");
	fail(r, at, why);
}

/* The value of a file without any: the same as that of one which is "null". */
static struct yaml_node *nothing(struct yaml_tree *t)
{
	struct yaml_node *node = take(t, sizeof(*node));

	if (node)
		*node = (struct yaml_node){ .kind = YAML_SCALAR, .plain = true, .text = "" };
	else
		report_file(t->report, "not enough memory");
	return node;
}

/**
 * yaml_is_null - a value that YAML calls null: nothing, "~" or "null", without quotes
 * @node: the value
 *
 * Where a list or a mapping belongs, it is an empty one.
 */
bool yaml_is_null(const struct yaml_node *node)
{
	static const char * const nulls[] = { "", "~", "null", "Null", "NULL" };
	size_t i;

	for (i = 0; node->kind == YAML_SCALAR && node->plain && i < sizeof(nulls) / sizeof(*nulls); i++)
		if (!strcmp(node->text, nulls[i]))
			return true;
	return false;
}

static void parse(struct yaml_tree *t)
{
	size_t size = t->report->size;
	struct reader r = { .tree = t };
	yaml_parser_t parser;
	yaml_event_t event;

	if (!yaml_parser_initialize(&parser)) {
		report_file(t->report, "not enough memory");
		return;
	}
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)t->report->text, size);
	while (!r.over) {
		if (!yaml_parser_parse(&parser, &event)) {
			parser_failed(&r, &parser);
			break;
		}
		take_event(&r, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	if (r.failed)
		t->root = NULL;
	else if (!t->root)
		t->root = nothing(t);
}

/* Not mmap(): a file that shrinks while it is read would be a SIGBUS. */
static char *read_all(int fd, size_t *size, const char **why)
{
	size_t room = 1 << 16, n = 0;
	char *text = malloc(room), *more;
	ssize_t got;

	while (text) {
		if (n == room) {
			room *= 2;
			more = realloc(text, room);
			if (!more)
				break;
			text = more;
		}
		got = read(fd, text + n, room - n);
		if (!got) {
			*size = n;
			return text;
		}
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			*why = strerror(errno);
			free(text);
			return NULL;
		}
		n += got;
		if (n > YAML_TREE_BYTES) {
			*why = "larger than 128 MiB";
			free(text);
			return NULL;
		}
	}
	*why = strerror(ENOMEM);
	free(text);
	return NULL;
}

static char *read_file(const char *path, size_t *size, const char **why)
{
	char *text = NULL;
	struct stat st;
	int fd;

	if (!strcmp(path, "-"))
		return read_all(STDIN_FILENO, size, why);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		*why = errno == ENOENT && !strcmp(path, POLICY_PATH) ?
		       "No such file or directory: 'cordonctl setup' writes a first one" : strerror(errno);
		return NULL;
	}
	if (!fstat(fd, &st) && S_ISDIR(st.st_mode))
		*why = strerror(EISDIR);
	else
		text = read_all(fd, size, why);
	close(fd);
	return text;
}

/**
 * yaml_tree_load - read a file and parse it
 * @t: the tree; free it with yaml_tree_free(), whatever happened
 * @path: the file, or "-"
 * @r: the report, its path and out set
 */
void yaml_tree_load(struct yaml_tree *t, const char *path, struct report *r)
{
	const char *why = NULL;
	size_t size = 0;
	char *text = read_file(path, &size, &why);

	*t = (struct yaml_tree){ .report = r };
	if (text)
		yaml_tree_take(t, text, size, r);
	else
		report_file(r, why);
}

/**
 * yaml_tree_take - parse a file that was read already
 * @t: the tree; free it with yaml_tree_free(), whatever happened
 * @text: the file, which the tree frees
 * @size: of @text
 * @r: the report, its path and out set
 */
void yaml_tree_take(struct yaml_tree *t, char *text, size_t size, struct report *r)
{
	size_t bom;

	*t = (struct yaml_tree){ .report = r, .buffer = text };
	if (size >= 2 && (!memcmp(t->buffer, "\xff\xfe", 2) || !memcmp(t->buffer, "\xfe\xff", 2))) {
		report_file(r, "is UTF-16: save it as UTF-8");
		return;
	}
	/* Editors begin UTF-8 with a byte order mark. libyaml skips it only where it may guess the encoding. */
	bom = size >= 3 && !memcmp(t->buffer, "\xef\xbb\xbf", 3) ? 3 : 0;
	r->text = t->buffer + bom;
	r->size = size - bom;
	parse(t);
}

/**
 * yaml_tree_free - free what yaml_tree_load() took
 * @t: the tree
 */
void yaml_tree_free(struct yaml_tree *t)
{
	struct yaml_chunk *c;

	while (t->chunks) {
		c = t->chunks;
		t->chunks = c->next;
		free(c);
	}
	free(t->buffer);
	*t = (struct yaml_tree){ .report = t->report };
}

// SPDX-License-Identifier: GPL-2.0
/*
 * Where a device stands in a policy file. What is found is by the places that libyaml gives, and the text is not
 * written anew: comments and order stay. Whoever takes it out reads what is left again, and holds it against what it
 * should be.
 */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <yaml.h>

#include "yaml_cut.h"

/**
 * struct finder - the way through a file
 * @name: of the device
 * @depth: open collections
 * @is_key: by depth: the next scalar of a mapping is a key
 * @mapping: by depth: it is a mapping
 * @in_devices: the value of the top-level key "devices" is open, at depth 2
 * @flow: that list is in brackets
 * @names_devices: the last key of depth 1 was "devices"
 * @is_name: the last key of depth 3 was "name"
 * @match: the device that is open is the one
 * @found: it was, and is over
 * @start: where it begins
 * @last: where the last thing in it ends that has an end of its own
 */
struct finder {
	const char *name;
	unsigned int depth;
	bool is_key[8];
	bool mapping[8];
	bool in_devices;
	bool flow;
	bool names_devices;
	bool is_name;
	bool match;
	bool found;
	yaml_mark_t start;
	yaml_mark_t last;
};

#define DEPTHS	8

static void value_is_over(struct finder *f)
{
	if (f->depth < DEPTHS && f->mapping[f->depth])
		f->is_key[f->depth] = !f->is_key[f->depth];
}

static void scalar(struct finder *f, const yaml_event_t *e)
{
	const char *text = (const char *)e->data.scalar.value;
	const bool key = f->depth < DEPTHS && f->mapping[f->depth] && f->is_key[f->depth];

	if (key && f->depth == 1)
		f->names_devices = !strcmp(text, "devices");
	if (key && f->depth == 3)
		f->is_name = !strcmp(text, "name");
	else if (f->depth == 3 && f->in_devices && f->is_name && !strcmp(text, f->name))
		f->match = true;
	f->last = e->end_mark;
	value_is_over(f);
}

static void begin(struct finder *f, const yaml_event_t *e, bool mapping)
{
	if (f->depth == 1 && !mapping && f->names_devices) {
		f->in_devices = true;
		f->flow = e->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE;
	}
	if (f->depth == 2 && f->in_devices) {
		f->start = e->start_mark;
		f->match = false;
	}
	f->depth++;
	if (f->depth < DEPTHS) {
		f->mapping[f->depth] = mapping;
		f->is_key[f->depth] = mapping;
	}
	f->is_name = false;
}

/* In brackets a collection has an end of its own; another's is where the next thing begins. */
static void end(struct finder *f, const yaml_event_t *e)
{
	if (e->end_mark.index > e->start_mark.index)
		f->last = e->end_mark;
	f->depth--;
	if (f->depth == 2 && f->in_devices && f->match)
		f->found = true;
	if (f->depth == 1)
		f->in_devices = false;
	value_is_over(f);
}

static void take(struct finder *f, const yaml_event_t *e)
{
	switch (e->type) {
	case YAML_SCALAR_EVENT:
		scalar(f, e);
		break;
	case YAML_SEQUENCE_START_EVENT:
		begin(f, e, false);
		break;
	case YAML_MAPPING_START_EVENT:
		begin(f, e, true);
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		end(f, e);
		break;
	default:
		break;
	}
}

/* libyaml counts characters. */
static size_t offset_of(const char *text, size_t size, size_t characters)
{
	size_t at = 0;

	for (; at < size; at++)
		if (((unsigned char)text[at] & 0xc0) != 0x80 && !characters--)
			break;
	return at;
}

static size_t line_begin(const char *text, size_t at)
{
	while (at && text[at - 1] != '\n')
		at--;
	return at;
}

static size_t skip_blanks(const char *text, size_t size, size_t at)
{
	while (at < size && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r'))
		at++;
	return at;
}

static size_t next_line(const char *text, size_t size, size_t at)
{
	const char *end = memchr(text + at, '\n', size - at);

	return end ? (size_t)(end - text) + 1 : size;
}

/* A line or several, with nothing else on them but a comment. */
static int cut_lines(const char *text, size_t size, struct yaml_cut *out)
{
	const size_t begin = line_begin(text, out->from), dash = skip_blanks(text, size, begin);
	const size_t rest = skip_blanks(text, size, out->to);

	if (text[dash] != '-' || skip_blanks(text, size, dash + 1) != out->from)
		return -EINVAL;
	if (rest < size && text[rest] != '\n' && text[rest] != '#')
		return -EINVAL;
	out->from = begin;
	out->to = next_line(text, size, out->to);
	return 0;
}

/* One of a list in brackets goes with the comma behind it, or before it; a line that is empty then goes, too. */
static int cut_from_list(const char *text, size_t size, struct yaml_cut *out)
{
	size_t at = skip_blanks(text, size, out->to), begin;

	if (at < size && text[at] == ',') {
		out->to = skip_blanks(text, size, at + 1);
	} else {
		for (at = out->from; at && strchr(" \t\r\n", text[at - 1]); at--)
			;
		if (at && text[at - 1] == ',')
			out->from = at - 1;
	}
	begin = line_begin(text, out->from);
	if (skip_blanks(text, size, begin) == out->from && out->to < size && text[out->to] == '\n') {
		out->from = begin;
		out->to++;
	}
	return 0;
}

/**
 * yaml_cut_device - find a device in a policy file
 * @text: of the file; it was read as a policy without fault
 * @size: of @text
 * @name: the device's
 * @out: set on success
 *
 * Return: 0; -ENOENT, no such device; -EINVAL, it stands where it cannot be taken out by itself.
 */
int yaml_cut_device(const char *text, size_t size, const char *name, struct yaml_cut *out)
{
	/* libyaml takes a byte order mark only where it may guess the encoding. */
	const size_t bom = size >= 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
	struct finder f = { .name = name };
	yaml_parser_t parser;
	yaml_event_t event;
	bool over = false;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text + bom, size - bom);
	while (!over && !f.found && yaml_parser_parse(&parser, &event)) {
		over = event.type == YAML_STREAM_END_EVENT;
		take(&f, &event);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	if (!f.found)
		return -ENOENT;
	out->from = bom + offset_of(text + bom, size - bom, f.start.index);
	out->to = bom + offset_of(text + bom, size - bom, f.last.index);
	out->line = f.start.line + 1;
	return f.flow ? cut_from_list(text, size, out) : cut_lines(text, size, out);
}

// SPDX-License-Identifier: GPL-2.0
/* JSON objects one after the other, as a stream has them: cut anywhere, bounded. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "etcd/internal.h"

#define DEPTH_MAX 32

/**
 * stream_reset - begin anew
 * @s: the stream
 */
void stream_reset(struct stream *s)
{
	s->len = 0;
	s->depth = 0;
	s->in_text = false;
	s->escaped = false;
}

/**
 * stream_free - give the memory back
 * @s: the stream
 */
void stream_free(struct stream *s)
{
	free(s->buf);
	s->buf = NULL;
	s->size = 0;
	stream_reset(s);
}

/**
 * stream_keep - bytes that have come, of one object that is not whole yet
 * @s: the stream
 * @data: the bytes
 * @len: of @data
 *
 * Return: 0; -EFBIG, the object is too long; -ENOMEM.
 */
int stream_keep(struct stream *s, const char *data, size_t len)
{
	size_t size = s->size ? s->size : 4096;
	char *grown;

	if (len > s->max - s->len)
		return -EFBIG;
	while (size < s->len + len)
		size *= 2;
	if (size != s->size) {
		grown = realloc(s->buf, size);
		if (!grown)
			return -ENOMEM;
		s->buf = grown;
		s->size = size;
	}
	memcpy(s->buf + s->len, data, len);
	s->len += len;
	return 0;
}

/* How a byte changes where we are. Return: 1, it ends an object; 0; -EBADMSG. */
static int step(struct stream *s, char c)
{
	if (s->in_text) {
		if (s->escaped)
			s->escaped = false;
		else if (c == '\\')
			s->escaped = true;
		else if (c == '"')
			s->in_text = false;
		return 0;
	}
	if (!s->depth && c != '{')
		return -EBADMSG;
	if (c == '"')
		s->in_text = true;
	if (c == '{' || c == '[')
		return ++s->depth > DEPTH_MAX ? -EBADMSG : 0;
	if (c == '}' || c == ']')
		return !--s->depth;
	return 0;
}

static int emit(struct stream *s, bool (*each)(json_t *object, void *arg), void *arg)
{
	json_t *object = json_loadb(s->buf, s->len, JSON_REJECT_DUPLICATES, NULL);
	bool more;

	stream_reset(s);
	if (!json_is_object(object)) {
		json_decref(object);
		return -EBADMSG;
	}
	more = each(object, arg);
	json_decref(object);
	return more ? 0 : -ECANCELED;
}

/**
 * stream_put - bytes that have come
 * @s: the stream
 * @data: the bytes
 * @len: of @data
 * @each: is given each object that is whole, and keeps none; false, it wants no more
 * @arg: for @each
 *
 * Return: 0; -EBADMSG, this is no row of objects; -EFBIG, an object is too long; -ECANCELED, @each said so; -ENOMEM.
 */
int stream_put(struct stream *s, const char *data, size_t len, bool (*each)(json_t *object, void *arg), void *arg)
{
	size_t i, from = 0;
	int err, end;

	for (i = 0; i < len; i++) {
		if (!s->depth && strchr(" \t\r\n", data[i]) && data[i]) {
			from = i + 1;
			continue;
		}
		end = step(s, data[i]);
		if (end < 0)
			return end;
		if (!end)
			continue;
		err = stream_keep(s, data + from, i + 1 - from);
		if (!err)
			err = emit(s, each, arg);
		if (err)
			return err;
		from = i + 1;
	}
	return stream_keep(s, data + from, len - from);
}

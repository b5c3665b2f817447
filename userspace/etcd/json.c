// SPDX-License-Identifier: GPL-2.0
/* What etcd's JSON is made of: numbers of 64 bits as text, bytes as base64, and faults in three forms. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "device/base64.h"
#include "etcd/internal.h"

/**
 * json_i64 - a number of 64 bits
 * @object: the object
 * @name: of the field; if it is not there, the number is 0, which is never written
 * @out: the number
 *
 * Return: it is one, not negative, and one can be added to it.
 */
bool json_i64(const json_t *object, const char *name, int64_t *out)
{
	uint64_t n;

	if (!json_u64(object, name, &n) || n >= INT64_MAX)
		return false;
	*out = (int64_t)n;
	return true;
}

/**
 * json_u64 - likewise, of ids
 * @object: the object
 * @name: of the field
 * @out: the number
 *
 * Return: it is one.
 */
bool json_u64(const json_t *object, const char *name, uint64_t *out)
{
	const json_t *value = json_object_get(object, name);
	const char *text = json_string_value(value);
	char *end;

	if (!value || json_is_integer(value)) {
		json_int_t n = json_integer_value(value);

		*out = (uint64_t)n;
		return n >= 0;
	}
	if (!text || !isdigit((unsigned char)text[0]) || strlen(text) != json_string_length(value))
		return false;
	errno = 0;
	*out = strtoull(text, &end, 10);
	return !errno && !*end;
}

/**
 * json_flag - a truth value; not there, it is false
 * @object: the object
 * @name: of the field
 * @out: the value
 *
 * Return: it is one.
 */
bool json_flag(const json_t *object, const char *name, bool *out)
{
	const json_t *value = json_object_get(object, name);

	*out = json_is_true(value);
	return !value || json_is_boolean(value);
}

/**
 * json_header - what each answer begins with
 * @object: the answer
 * @out: its header
 *
 * Return: it has one, with a cluster's id.
 */
bool json_header(const json_t *object, struct header *out)
{
	const json_t *header = json_object_get(object, "header");

	return json_is_object(header) && json_u64(header, "cluster_id", &out->cluster) && out->cluster &&
	       json_i64(header, "revision", &out->revision);
}

/* Bytes, and a NUL behind them; not there, none. */
static bool bytes(const json_t *object, const char *name, uint8_t **out, size_t *len)
{
	const json_t *value = json_object_get(object, name);
	size_t n = json_string_length(value), got = 0;
	uint8_t *decoded = NULL, *grown;

	if (value && !json_is_string(value))
		return false;
	if (n && base64_decode(json_string_value(value), n, &decoded, &got))
		return false;
	grown = realloc(decoded, got + 1);
	if (!grown) {
		free(decoded);
		return false;
	}
	grown[got] = 0;
	*out = grown;
	*len = got;
	return true;
}

/**
 * json_kv - a key and what it holds
 * @e: whose prefix is taken off
 * @object: the JSON
 * @out: filled; kv_free()
 *
 * Return: it is one, with a key below the prefix.
 */
bool json_kv(const struct etcd *e, const json_t *object, struct etcd_kv *out)
{
	size_t prefix = strlen(e->prefix), len;
	uint8_t *key;

	memset(out, 0, sizeof(*out));
	if (!json_is_object(object) || !bytes(object, "key", &key, &len))
		return false;
	if (len < prefix || len >= ETCD_KEY_MAX || strlen((char *)key) != len || memcmp(key, e->prefix, prefix)) {
		free(key);
		return false;
	}
	memmove(key, key + prefix, len - prefix + 1);
	out->key = (char *)key;
	if (bytes(object, "value", &out->value, &out->len) &&
	    json_i64(object, "create_revision", &out->create_revision) &&
	    json_i64(object, "mod_revision", &out->mod_revision) && json_i64(object, "version", &out->version) &&
	    json_i64(object, "lease", &out->lease) && out->mod_revision)
		return true;
	free(out->value);
	free(out->key);
	memset(out, 0, sizeof(*out));
	return false;
}

/**
 * json_kvs - the keys of a range's answer
 * @e: the client
 * @object: the answer
 * @out: an array, kv_free(); NULL if there are none
 * @n: of @out
 *
 * Return: all of them are some.
 */
bool json_kvs(const struct etcd *e, const json_t *object, struct etcd_kv **out, size_t *n)
{
	const json_t *list = json_object_get(object, "kvs");
	size_t i, all = json_array_size(list);

	*out = NULL;
	*n = 0;
	if (list && !json_is_array(list))
		return false;
	if (!all)
		return true;
	*out = calloc(all, sizeof(**out));
	if (!*out)
		return false;
	for (i = 0; i < all; i++) {
		if (!json_kv(e, json_array_get(list, i), *out + i)) {
			kv_free(*out, i);
			*out = NULL;
			return false;
		}
	}
	*n = all;
	return true;
}

/**
 * kv_free - an array of keys
 * @kv: the array, or NULL
 * @n: of it
 */
void kv_free(struct etcd_kv *kv, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(kv[i].key);
		free(kv[i].value);
	}
	free(kv);
}

/**
 * json_fault - what a fault says
 * @root: {"error": TEXT, "code": N} of 3.4 and 3.5, {"message": TEXT, "code": N} of 3.6, and in streams
 *        {"error": {"message": TEXT, "grpc_code": N}} or with "code"
 * @code: of gRPC; 0, it says none
 * @why: its text, without what a terminal would take for an order
 * @size: of @why
 *
 * Return: it is a fault.
 */
bool json_fault(const json_t *root, int64_t *code, char *why, size_t size)
{
	const json_t *error = json_object_get(root, "error"), *in = json_is_object(error) ? error : root;
	const char *text = json_string_value(json_object_get(in, "message"));
	size_t i;

	if (!text)
		text = json_string_value(error);
	if (!text)
		return false;
	if (!json_i64(in, json_object_get(in, "grpc_code") ? "grpc_code" : "code", code))
		*code = 0;
	for (i = 0; text[i] && i + 1 < size; i++)
		why[i] = isprint((unsigned char)text[i]) ? text[i] : '?';
	why[i] = 0;
	return true;
}

/**
 * json_bytes - bytes as base64
 * @data: the bytes
 * @len: of @data
 *
 * Return: a string, or NULL.
 */
json_t *json_bytes(const void *data, size_t len)
{
	char *text = base64_encode(len ? data : "", len);
	json_t *string = text ? json_string(text) : NULL;

	free(text);
	return string;
}

/**
 * json_key - a key with its prefix
 * @e: the client
 * @key: the key
 * @more: bytes behind it
 * @len: of @more
 *
 * Return: a string, or NULL.
 */
json_t *json_key(const struct etcd *e, const char *key, const char *more, size_t len)
{
	char whole[ETCD_KEY_MAX + 1];
	int n = snprintf(whole, sizeof(whole), "%s%s", e->prefix, key);

	if (n < 0 || n + len > sizeof(whole))
		return NULL;
	if (len)
		memcpy(whole + n, more, len);
	return json_bytes(whole, n + len);
}

/**
 * json_key_end - the first key behind all those that begin so
 * @e: the client
 * @under: their beginning; the prefix is not empty, and no byte of a key is 255
 *
 * Return: a string, or NULL.
 */
json_t *json_key_end(const struct etcd *e, const char *under)
{
	char whole[ETCD_KEY_MAX + 1];
	int n = snprintf(whole, sizeof(whole), "%s%s", e->prefix, under);

	if (n <= 0 || (size_t)n >= sizeof(whole))
		return NULL;
	whole[n - 1]++;
	return json_bytes(whole, n);
}

/**
 * json_number - a number of 64 bits, as etcd writes it
 * @n: the number
 *
 * Return: a string, or NULL.
 */
json_t *json_number(int64_t n)
{
	return json_sprintf("%" PRId64, n);
}

/**
 * key_valid - may this be a key
 * @e: the client
 * @key: the key, without the prefix
 * @empty: it may be empty, as the beginning of others
 *
 * Return: it may.
 */
bool key_valid(const struct etcd *e, const char *key, bool empty)
{
	size_t i;

	if (!key || (!key[0] && !empty) || strlen(key) + strlen(e->prefix) >= ETCD_KEY_MAX)
		return false;
	for (i = 0; key[i]; i++)
		if (!isgraph((unsigned char)key[i]))
			return false;
	return true;
}

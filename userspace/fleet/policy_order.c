// SPDX-License-Identifier: GPL-2.0
/*
 * The order, and texts with numbers.
 *
 * A text's key holds two at most: {"v":1,"texts":[{"number":9,"text":"..."},{"number":4,"text":"..."}]}. The text of
 * policy 7 is that of number 4, the last one up to 7. So a text that does not change is not written again, however many
 * transactions write the texts of one policy nobody sees half of it, as the order comes last, and the policy that a trial
 * falls back on is there for a gateway that comes back meanwhile.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fleet/policy.h"

/**
 * fleet_order_parse - read an order
 * @text: JSON
 * @len: of @text
 * @out: set; all zero on failure
 *
 * Return: 0; -EPROTO.
 */
int fleet_order_parse(const char *text, size_t len, struct fleet_order *out)
{
	json_t *in = json_loadb(text, len, 0, NULL);
	json_int_t version = 0, number = 0, until = 0, confirm = 0, before = 0;
	const char *by = "";
	int force = 0;
	bool good = in && !json_unpack(in, "{s:I,s:I,s:I,s:I,s:I,s?b,s?s}", "v", &version, "number", &number, "until",
				       &until, "confirm", &confirm, "before", &before, "force", &force, "by", &by);

	memset(out, 0, sizeof(*out));
	good = good && version == 1 && number > 0 && until >= 0 && confirm >= 0 && confirm <= 86400 && before >= 0 &&
	       before < number && !until == !confirm && strlen(by) < sizeof(out->by);
	if (good) {
		out->number = number;
		out->until = until;
		out->confirm = confirm;
		out->before = before;
		out->force = force;
		strcpy(out->by, by);
	}
	json_decref(in);
	return good ? 0 : -EPROTO;
}

/**
 * fleet_order_read - the order that the registry has
 * @s: the registry
 * @out: set; all zero where there is none
 *
 * Return: 0, also where there is none; -EPROTO, it makes no sense; another -errno.
 */
int fleet_order_read(struct store *s, struct fleet_order *out)
{
	char *text = NULL;
	int64_t revision;
	size_t len;
	int err = store_fleet_text(s, POLICY_ORDER, &text, &len, &revision);

	memset(out, 0, sizeof(*out));
	if (err == -ENOENT || (!err && !text))
		return 0;
	if (!err)
		err = fleet_order_parse(text, len, out);
	if (!err)
		out->revision = revision;
	free(text);
	return err;
}

/** fleet_order_json - as it is put into etcd */
json_t *fleet_order_json(const struct fleet_order *o)
{
	return json_pack("{s:i,s:I,s:I,s:I,s:I,s:b,s:s}", "v", 1, "number", (json_int_t)o->number, "until",
			 (json_int_t)o->until, "confirm", (json_int_t)o->confirm, "before", (json_int_t)o->before, "force",
			 o->force, "by", o->by);
}

/** fleet_order_good - number of the policy that counts if nobody confirms; 0, none */
int64_t fleet_order_good(const struct fleet_order *o)
{
	return o->until ? o->before : o->number;
}

static bool is_text(const json_t *entry)
{
	const json_t *text = json_object_get(entry, "text");

	return json_is_integer(json_object_get(entry, "number")) && (json_is_string(text) || json_is_null(text));
}

/**
 * fleet_texts_read - the texts that the registry has under a key
 * @s: the registry
 * @key: see there
 * @err: 0, also where there are none; -EPROTO; another -errno
 *
 * Return: an array, to be freed; NULL, there are none.
 */
json_t *fleet_texts_read(struct store *s, const char *key, int *err)
{
	json_t *in, *texts = NULL, *entry;
	int64_t revision;
	char *value = NULL;
	size_t len, i;

	*err = store_fleet_text(s, key, &value, &len, &revision);
	if (*err == -ENOENT)
		*err = 0;
	if (*err || !value)
		return NULL;
	in = json_loadb(value, len, 0, NULL);
	free(value);
	if (json_integer_value(json_object_get(in, "v")) == 1)
		texts = json_incref(json_object_get(in, "texts"));
	json_decref(in);
	if (!json_is_array(texts))
		*err = -EPROTO;
	json_array_foreach(texts, i, entry)
		if (!is_text(entry))
			*err = -EPROTO;
	if (!*err)
		return texts;
	json_decref(texts);
	return NULL;
}

static const json_t *entry_at(const json_t *texts, int64_t number)
{
	json_int_t best = 0, n;
	json_t *entry, *found = NULL;
	size_t i;

	json_array_foreach(texts, i, entry) {
		n = json_integer_value(json_object_get(entry, "number"));
		if (n <= number && n > best) {
			best = n;
			found = entry;
		}
	}
	return found;
}

/**
 * fleet_texts_at - the text of a policy
 * @texts: NULL, there are none
 * @number: of the policy
 *
 * Return: a string, or null: the policy has none; borrowed. NULL, it is not there.
 */
json_t *fleet_texts_at(const json_t *texts, int64_t number)
{
	return json_object_get(entry_at(texts, number), "text");
}

/** fleet_texts_last - the highest number, also one that never was ordered */
int64_t fleet_texts_last(const json_t *texts)
{
	const json_t *entry = entry_at(texts, INT64_MAX);

	return json_integer_value(json_object_get(entry, "number"));
}

/**
 * fleet_texts_put - texts with a new one
 * @texts: as they are; NULL, there are none
 * @good: number of the policy whose text stays
 * @number: of the new one
 * @text: string or null; is taken over
 *
 * Return: the key's value; NULL, no memory.
 */
json_t *fleet_texts_put(const json_t *texts, int64_t good, int64_t number, json_t *text)
{
	const json_t *before = good ? entry_at(texts, good) : NULL;
	json_t *list = json_array();

	json_array_append_new(list, json_pack("{s:I,s:o}", "number", (json_int_t)number, "text", text));
	if (before)
		json_array_append(list, (json_t *)before);
	return json_pack("{s:i,s:o}", "v", 1, "texts", list);
}

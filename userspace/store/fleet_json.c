// SPDX-License-Identifier: GPL-2.0
/* Fields of values. Other gateways wrote them: each is looked at as if a stranger had. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store/fleet_db.h"

/** db_fleet_get_int - a number of 0 to @max */
bool db_fleet_get_int(const json_t *o, const char *name, int64_t max, int64_t *out)
{
	const json_t *v = json_object_get(o, name);

	*out = 0;
	if (!json_is_integer(v) || json_integer_value(v) < 0 || json_integer_value(v) > max)
		return false;
	*out = json_integer_value(v);
	return true;
}

/** db_fleet_get_bool - true or false */
bool db_fleet_get_bool(const json_t *o, const char *name, bool *out)
{
	const json_t *v = json_object_get(o, name);

	*out = json_is_true(v);
	return json_is_boolean(v);
}

/**
 * db_fleet_get_hex - bytes
 * @o: the object
 * @name: of the field
 * @out: zeroed where there are none
 * @len: so many
 * @null: set to whether it is null; NULL, it may not be
 */
bool db_fleet_get_hex(const json_t *o, const char *name, uint8_t *out, size_t len, bool *null)
{
	const json_t *v = json_object_get(o, name);

	memset(out, 0, len);
	if (null)
		*null = json_is_null(v);
	if (null && *null)
		return true;
	return json_is_string(v) && !policy_hex_parse(json_string_value(v), len, out);
}

/** db_fleet_mac - of a device: neither zero nor a group's; of several texts of it, the one that this program writes */
bool db_fleet_mac(const char *text, uint8_t mac[6])
{
	char again[18];

	return !policy_mac_parse(text, mac) && !strcmp(policy_mac_text(mac, again), text) && db_is_mac(mac);
}

/** db_fleet_get_mac - of a device */
bool db_fleet_get_mac(const json_t *o, const char *name, uint8_t mac[6])
{
	const char *text = json_string_value(json_object_get(o, name));

	memset(mac, 0, 6);
	return text && db_fleet_mac(text, mac);
}

/** db_fleet_get_mac_or_none - of a device, or zero: there is none */
bool db_fleet_get_mac_or_none(const json_t *o, const char *name, uint8_t mac[6])
{
	const char *text = json_string_value(json_object_get(o, name));

	return db_fleet_get_mac(o, name, mac) || (text && !strcmp(text, "00:00:00:00:00:00"));
}

/** db_fleet_get_text - printable, may be empty; UTF-8, as JSON is */
bool db_fleet_get_text(const json_t *o, const char *name, char *out, size_t size)
{
	const char *text = json_string_value(json_object_get(o, name));
	size_t i;

	*out = 0;
	if (!text || strlen(text) >= size)
		return false;
	/* C1, which terminals obey, is there as well: U+0080 to U+009F. */
	for (i = 0; text[i]; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f ||
		    ((unsigned char)text[i] == 0xc2 && ((unsigned char)text[i + 1] & 0xe0) == 0x80))
			return false;
	strcpy(out, text);
	return true;
}

/** db_fleet_object - a value without fields yet; NULL, no memory */
json_t *db_fleet_object(void)
{
	json_t *o = json_object();

	db_fleet_set_int(o, "v", 1);
	return o;
}

/** db_fleet_set_int - without memory the field is missing, and whoever reads it refuses the value */
void db_fleet_set_int(json_t *o, const char *name, int64_t value)
{
	json_object_set_new(o, name, json_integer(value));
}

/** db_fleet_set_bool - likewise */
void db_fleet_set_bool(json_t *o, const char *name, bool value)
{
	json_object_set_new(o, name, json_boolean(value));
}

/** db_fleet_set_hex - bytes, 32 at most, or null */
void db_fleet_set_hex(json_t *o, const char *name, const uint8_t *bytes, size_t len, bool null)
{
	char text[65];

	json_object_set_new(o, name, null ? json_null() : json_string(policy_hex_text(bytes, len, text)));
}

/** db_fleet_set_mac - as text */
void db_fleet_set_mac(json_t *o, const char *name, const uint8_t mac[6])
{
	char text[18];

	json_object_set_new(o, name, json_string(policy_mac_text(mac, text)));
}

/** db_fleet_set_text - UTF-8; what is none, is empty */
void db_fleet_set_text(json_t *o, const char *name, const char *text)
{
	json_t *value = json_string(text);

	json_object_set_new(o, name, value ? value : json_string(""));
}

/**
 * db_fleet_dump - a value as text, the same for the same fields
 * @s: for the error
 * @o: freed
 * @out: free(); NULL after a failure
 * @len: of @out
 *
 * Return: 0 or -ENOMEM.
 */
int db_fleet_dump(struct store *s, json_t *o, char **out, size_t *len)
{
	*out = o ? json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
	*len = *out ? strlen(*out) : 0;
	json_decref(o);
	return *out ? 0 : db_refuse(s, -ENOMEM, "no memory for a value");
}

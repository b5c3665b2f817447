// SPDX-License-Identifier: GPL-2.0
/* Keys of the fleet, taken apart and put together. None but one of these forms is a key. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/fleet_db.h"

static const struct {
	const char *prefix;
	enum fleet_kind kind;
} kinds[] = {
	{ "all/device/", FLEET_DEVICE }, { "all/token/", FLEET_TOKEN }, { "all/pending/", FLEET_PENDING },
	{ "all/cert/", FLEET_CERT }, { "all/revoked/", FLEET_REVOKED }, { "all/mark/", FLEET_MARK },
	{ "all/gateway/", FLEET_GATEWAY }, { "all/release/", FLEET_RELEASE }, { "all/policy/", FLEET_POLICY },
};

static bool take_name(const char *text, char out[64])
{
	if (strnlen(text, CORDON_DEVICE_NAME_LEN) >= CORDON_DEVICE_NAME_LEN ||
	    !cordon_name_is_valid(text, CORDON_DEVICE_NAME_LEN))
		return false;
	strcpy(out, text);
	return true;
}

/* What stands before a slash, and what behind it. */
static const char *split(const char *text, char *first, size_t size)
{
	const char *slash = strchr(text, '/');

	if (!slash || (size_t)(slash - text) >= size)
		return NULL;
	memcpy(first, text, slash - text);
	first[slash - text] = 0;
	return slash + 1;
}

static bool take_pending(const char *text, struct fleet_key *out)
{
	char name[64];
	const char *rest = split(text, name, sizeof(name));

	return rest && take_name(name, out->name) && !policy_hex_parse(rest, sizeof(out->id), out->id);
}

static bool take_release(const char *text, struct fleet_key *out)
{
	const char *rest = split(text, out->name, FIRMWARE_MODEL_LEN);

	if (!rest || !firmware_model_is_valid(out->name) || strlen(rest) >= sizeof(out->version) ||
	    !firmware_version_is_valid(rest))
		return false;
	strcpy(out->version, rest);
	return true;
}

static bool take(const char *text, struct fleet_key *out)
{
	switch (out->kind) {
	case FLEET_DEVICE:
	case FLEET_TOKEN:
	case FLEET_GATEWAY:
		return take_name(text, out->name);
	case FLEET_PENDING:
		return take_pending(text, out);
	case FLEET_CERT:
	case FLEET_REVOKED:
		return !policy_hex_parse(text, STORE_SERIAL_LEN, out->id);
	case FLEET_MARK:
		return db_fleet_mac(text, out->id);
	case FLEET_RELEASE:
		return take_release(text, out);
	case FLEET_POLICY:
		return *text;
	case FLEET_KINDS:
		break;
	}
	return false;
}

/**
 * db_fleet_parse - take a key apart
 * @key: without the prefix
 * @out: set on success
 *
 * Return: 0; -EPROTO, it is none that is known here.
 */
int db_fleet_parse(const char *key, struct fleet_key *out)
{
	size_t i, len;

	memset(out, 0, sizeof(*out));
	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		len = strlen(kinds[i].prefix);
		if (strncmp(key, kinds[i].prefix, len))
			continue;
		out->kind = kinds[i].kind;
		return db_is_word(key, STORE_KEY_LEN) && !strchr(key, ' ') && take(key + len, out) ? 0 : -EPROTO;
	}
	return -EPROTO;
}

/** db_fleet_name_key - "all/KIND/NAME" */
const char *db_fleet_name_key(char out[STORE_KEY_LEN], const char *kind, const char *name)
{
	snprintf(out, STORE_KEY_LEN, "all/%s/%s", kind, name);
	return out;
}

/** db_fleet_hex_key - "all/KIND/HEX", of 32 bytes at most; a MAC, with colons, where there are 6 */
const char *db_fleet_hex_key(char out[STORE_KEY_LEN], const char *kind, const uint8_t *id, size_t len)
{
	char text[65];

	return db_fleet_name_key(out, kind, len == 6 ? policy_mac_text(id, text) : policy_hex_text(id, len, text));
}

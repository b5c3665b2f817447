// SPDX-License-Identifier: GPL-2.0
/* The manifest of a backup: which parts there are, and what each must be. */
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backup/backup.h"
#include "lib/policy.h"

static bool is_plain(const char *name)
{
	size_t i;

	for (i = 0; name[i]; i++)
		if (!isascii(name[i]) || !(isalnum((unsigned char)name[i]) || strchr("._-~", name[i])))
			return false;
	return i && name[0] != '.';
}

/**
 * backup_name_is_known - is it the name of a part
 * @name: a path, relative
 *
 * Below ca and firmware any plain file may be: letters, digits and "._-~", and no '.' first.
 */
bool backup_name_is_known(const char *name)
{
	static const char * const files[] = { "policy.yaml", "serve.yaml", "state/state", "state/policy.yaml",
					      "registry.db", "ca.crl", "ca.crl~" };
	static const char * const dirs[] = { "ca/next/", "ca/previous/", "ca/request/", "ca/", "firmware/" };
	size_t i;

	if (strlen(name) >= BACKUP_NAME_LEN || !strcmp(name, "ca/next") || !strcmp(name, "ca/previous") ||
	    !strcmp(name, "ca/request"))
		return false;
	for (i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (!strcmp(name, files[i]))
			return true;
	for (i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (!strncmp(name, dirs[i], strlen(dirs[i])))
			return is_plain(name + strlen(dirs[i]));
	return false;
}

static json_t *put_part(const struct backup_part *p)
{
	char hex[65], mode[8];
	json_t *out;

	snprintf(mode, sizeof(mode), "%04o", (unsigned int)p->mode & 07777);
	out = json_pack("{s:s,s:I,s:s,s:s}", "name", p->name, "size", (json_int_t)p->size, "mode", mode, "sha256",
			policy_hex_text(p->sha256, sizeof(p->sha256), hex));
	if (out && p->sealed)
		json_object_set_new(out, "sealed", json_true());
	return out;
}

/**
 * backup_manifest_make - write the manifest of the parts
 * @b: with all its parts
 */
int backup_manifest_make(struct backup *b)
{
	json_t *parts = json_array(), *all;
	char when[POLICY_TIME_LEN];
	size_t i;

	for (i = 0; i < b->n; i++)
		json_array_append_new(parts, put_part(&b->parts[i]));
	policy_time_text(b->made, when);
	free(b->manifest);
	all = json_pack("{s:i,s:s,s:s,s:o}", "format", BACKUP_FORMAT, "cordonctl", b->version, "made", when,
			"parts", parts);
	b->manifest = all ? json_dumps(all, JSON_INDENT(1)) : NULL;
	json_decref(all);
	if (!b->manifest)
		return backup_fail(b, -ENOMEM, "out of memory");
	b->manifest_len = strlen(b->manifest);
	if (b->manifest_len > BACKUP_MANIFEST_MAX)
		return backup_fail(b, -E2BIG, "there are too many files: %zu", b->n);
	return 0;
}

/** backup_checksum_text - the contents of manifest.sha256 */
void backup_checksum_text(const struct backup *b, char out[BACKUP_CHECKSUM_LEN + 1])
{
	uint8_t sha256[32];
	char hex[65];

	EVP_Digest(b->manifest, b->manifest_len, sha256, NULL, EVP_sha256(), NULL);
	snprintf(out, BACKUP_CHECKSUM_LEN + 1, "%s  %s\n", policy_hex_text(sha256, sizeof(sha256), hex),
		 BACKUP_MANIFEST);
}

static int get_part(struct backup *b, const json_t *o, size_t i)
{
	struct backup_part *p = &b->parts[i];
	const char *name = json_string_value(json_object_get(o, "name"));
	const char *mode = json_string_value(json_object_get(o, "mode"));
	const char *sha256 = json_string_value(json_object_get(o, "sha256"));
	const json_t *size = json_object_get(o, "size");

	if (!name || !backup_name_is_known(name))
		return backup_fail(b, -EBADMSG, "its manifest: file %zu has a name that no part has", i + 1);
	strcpy(p->name, name);
	if (i && strcmp(b->parts[i - 1].name, name) >= 0)
		return backup_fail(b, -EBADMSG, "its manifest: '%s' is not where it belongs, or there twice", name);
	if (!json_is_integer(size) || json_integer_value(size) < 0 ||
	    (uint64_t)json_integer_value(size) >= BACKUP_PART_MAX)
		return backup_fail(b, -EBADMSG, "its manifest: '%s' has no size from 0 to 8 GiB", name);
	if (!mode || strlen(mode) != 4 || mode[0] != '0' || strspn(mode, "01234567") != 4)
		return backup_fail(b, -EBADMSG, "its manifest: '%s' has no mode from 0000 to 0777", name);
	if (!sha256 || policy_hex_parse(sha256, sizeof(p->sha256), p->sha256))
		return backup_fail(b, -EBADMSG, "its manifest: '%s' has no SHA-256", name);
	p->size = (uint64_t)json_integer_value(size);
	p->mode = (mode_t)strtoul(mode, NULL, 8);
	p->sealed = json_is_true(json_object_get(o, "sealed"));
	return 0;
}

static int get_parts(struct backup *b, const json_t *parts)
{
	size_t n = json_array_size(parts), i;
	int err = 0;

	if (!json_is_array(parts) || !n || n > BACKUP_PARTS_MAX)
		return backup_fail(b, -EBADMSG, "its manifest names no parts, or more than %d", BACKUP_PARTS_MAX);
	b->parts = calloc(n, sizeof(*b->parts));
	if (!b->parts)
		return backup_fail(b, -ENOMEM, "out of memory");
	b->n = n;
	for (i = 0; !err && i < n; i++)
		err = get_part(b, json_array_get(parts, i), i);
	return err;
}

/**
 * backup_manifest_read - the parts that the manifest names
 * @b: with the text of its manifest, and no parts
 */
int backup_manifest_read(struct backup *b)
{
	json_error_t why;
	json_t *all = json_loadb(b->manifest, b->manifest_len, JSON_REJECT_DUPLICATES, &why);
	const json_t *format = json_object_get(all, "format");
	const char *version = json_string_value(json_object_get(all, "cordonctl"));
	int err;

	/* It is printed. */
	snprintf(b->version, sizeof(b->version), "%s", version && is_plain(version) ? version : "?");
	if (!all)
		err = backup_fail(b, -EBADMSG, "its manifest is no JSON: line %d: %.100s", why.line, why.text);
	else if (!json_is_integer(format) || json_integer_value(format) < 1)
		err = backup_fail(b, -EBADMSG, "its manifest names no format");
	else if (json_integer_value(format) > BACKUP_FORMAT)
		err = backup_fail(b, -EPROTO, "a newer cordonctl (%s) made it, in format %lld: this one reads formats up to %d",
				  b->version, (long long)json_integer_value(format), BACKUP_FORMAT);
	else
		err = get_parts(b, json_object_get(all, "parts"));
	json_decref(all);
	return err;
}

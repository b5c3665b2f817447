// SPDX-License-Identifier: GPL-2.0
/* The signed offer of a release: written by the server, read and judged by the device. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/flat.h"
#include "firmware/manifest.h"
#include "lib/policy.h"

#define CLOCK_SLACK	60	/* seconds that the clock may be set between writing and signing */

static void put(FILE *out, const char *name, const char *text)
{
	fputs(name, out);
	flat_put_text(out, text);
}

/* What a shell would expand even between quotes. */
static bool is_expanded(char c)
{
	return c == '$' || c == '`';
}

/* They stand in strings only, where JSON has another way to write them. Takes @json. */
static char *escape(char *json, size_t *len)
{
	char *to = NULL;
	FILE *out = open_memstream(&to, len);
	const char *c;

	for (c = json; out && *c; c++)
		if (is_expanded(*c))
			fprintf(out, "\\u%04x", *c);
		else
			putc(*c, out);
	free(json);
	if (out && !fclose(out))
		return to;
	free(to);
	return NULL;
}

/**
 * firmware_manifest_text - a manifest as it is signed and sent
 * @m: the offer
 * @len: of the text
 *
 * Return: JSON, terminated, free(); NULL, no memory.
 */
char *firmware_manifest_text(const struct firmware_manifest *m, size_t *len)
{
	char *json = NULL, hex[2 * sizeof(m->sha256) + 1];
	FILE *out = open_memstream(&json, len);

	if (!out)
		return NULL;
	put(out, "{\"device\": ", m->device);
	fprintf(out, ", \"action\": %" PRId64, m->action);
	put(out, ", \"model\": ", m->model);
	put(out, ", \"version\": ", m->version);
	put(out, ", \"file\": ", m->file);
	fprintf(out, ", \"size\": %" PRIu64, m->size);
	put(out, ", \"sha256\": ", policy_hex_text(m->sha256, sizeof(m->sha256), hex));
	put(out, ", \"url\": ", m->url);
	put(out, ", \"notes\": ", m->notes);
	fprintf(out, ", \"issued\": %" PRId64 ", \"expires\": %" PRId64 "}\n", m->issued, m->expires);
	if (!fclose(out))
		return escape(json, len);
	free(json);
	return NULL;
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool read_hash(const char *hex, uint8_t out[32])
{
	int i;

	for (i = 0; i < 32; i++, hex += 2) {
		if (digit(hex[0]) < 0 || digit(hex[1]) < 0)
			return false;
		out[i] = digit(hex[0]) << 4 | digit(hex[1]);
	}
	return !*hex;
}

/* A path, so that there is no other server to be sent to; "//" would begin one's name. */
static bool is_path(const char *url)
{
	const char *c;

	for (c = url; *c > ' ' && *c <= '~' && *c != '#' && *c != '\\'; c++)
		;
	return url[0] == '/' && url[1] != '/' && !*c;
}

static const char *fault(const struct firmware_manifest *m)
{
	if (m->action <= 0)
		return "an action that is no number from 1 on";
	if (!firmware_model_is_valid(m->model))
		return "a model that is no name";
	if (!firmware_version_is_valid(m->version))
		return "a version that cannot be compared";
	if (!firmware_file_is_valid(m->file))
		return "a file name that is none, or a path";
	if (!is_path(m->url))
		return "a URL that is no path on this server";
	if (m->issued <= 0 || m->expires <= m->issued)
		return "an end that does not come after its beginning";
	return m->expires - m->issued > MANIFEST_LIFE_MAX ? "a life of more than a day" : NULL;
}

static int read_manifest(const char *json, size_t len, struct firmware_manifest *m, struct pki_error *err)
{
	char hash[FLAT_TEXT_LEN];
	int64_t size;
	struct flat_field fields[] = {
		{ .name = "device", .text = m->device, .size = sizeof(m->device) },
		{ .name = "action", .number = &m->action },
		{ .name = "model", .text = m->model, .size = sizeof(m->model) },
		{ .name = "version", .text = m->version, .size = sizeof(m->version) },
		{ .name = "file", .text = m->file, .size = sizeof(m->file) },
		{ .name = "size", .number = &size },
		{ .name = "sha256", .text = hash, .size = sizeof(hash) },
		{ .name = "url", .text = m->url, .size = sizeof(m->url) },
		{ .name = "notes", .text = m->notes, .size = sizeof(m->notes) },
		{ .name = "issued", .number = &m->issued },
		{ .name = "expires", .number = &m->expires },
	};
	const size_t n = sizeof(fields) / sizeof(*fields);
	const char *why;
	size_t i;

	if (flat_read(json, len, fields, n))
		return pki_fail(err, -EINVAL, "not a manifest: no flat JSON object, or too long a word in it");
	for (i = 0; i < n; i++)
		if (!fields[i].found)
			return pki_fail(err, -EINVAL, "not a manifest: no %s in it", fields[i].name);
	if (size <= 0 || !read_hash(hash, m->sha256))
		return pki_fail(err, -EINVAL, "a manifest with a %s that is none", size <= 0 ? "size" : "SHA-256");
	m->size = size;
	why = fault(m);
	return why ? pki_fail(err, -EINVAL, "a manifest with %s", why) : 0;
}

/**
 * firmware_manifest_judge - may this text be signed as an offer
 * @json: the text
 * @len: of @json
 * @now: seconds since 1970
 * @err: why not
 *
 * One line of JSON: an offer that begins now and lasts no longer than a server gives it.
 *
 * Return: 0; -EINVAL with @err.
 */
int firmware_manifest_judge(const char *json, size_t len, time_t now, struct pki_error *err)
{
	struct firmware_manifest m = { };
	size_t i;

	if (len < 3 || len > MANIFEST_MAX || json[0] != '{' || json[len - 2] != '}' || json[len - 1] != '\n')
		return pki_fail(err, -EINVAL, "no text of an offer");
	for (i = 0; i < len - 1; i++)
		if ((unsigned char)json[i] < ' ' || json[i] == 127 || is_expanded(json[i]))
			return pki_fail(err, -EINVAL, "an offer with byte 0x%02x in it", (unsigned char)json[i]);
	if (read_manifest(json, len, &m, err))
		return -EINVAL;
	if (m.issued < now - CLOCK_SLACK || m.issued > now + CLOCK_SLACK || m.expires - m.issued > MANIFEST_LIFE)
		return pki_fail(err, -EINVAL, "an offer that does not begin now, or lasts longer than %d s",
				MANIFEST_LIFE);
	return 0;
}

/**
 * firmware_manifest_open - read what is signed
 * @json: the manifest, as it came
 * @len: of @json
 * @der: the signature, as it came
 * @der_len: of @der
 * @anchors: the gateway's CA
 * @now: seconds since 1970
 * @out: the manifest, on success
 * @err: why not
 *
 * Return: 0; with @err, as pki_cms_verify_buf(): nothing that it says is to be believed; -EINVAL, it is signed
 * and no manifest.
 */
int firmware_manifest_open(const char *json, size_t len, const uint8_t *der, size_t der_len, STACK_OF(X509) *anchors,
			   time_t now, struct firmware_manifest *out, struct pki_error *err)
{
	struct firmware_manifest m = { };
	struct pki_error why;
	int ret;

	if (len > MANIFEST_MAX)
		return pki_fail(err, -EINVAL, "manifest of %zu bytes: at most %d", len, MANIFEST_MAX);
	ret = pki_cms_verify_buf(PKI_CONTENT_OFFER, der, der_len, json, len, anchors, now, NULL, 0, &why);
	if (ret)
		return pki_fail(err, ret, "the manifest's signature: %.200s", why.text);
	ret = read_manifest(json, len, &m, err);
	if (!ret)
		*out = m;
	return ret;
}

/**
 * firmware_manifest_check - is an offer for this device, now
 * @m: the offer, its signature checked
 * @self: the device
 * @now: seconds since 1970
 * @err: why not
 *
 * Return: 0; with @err, -EALREADY, the device runs that version; -EPERM, it is another device's or model's, or
 * older than what runs; -ESTALE, expired, not yet issued, or issued before the last one that was accepted.
 */
int firmware_manifest_check(const struct firmware_manifest *m, const struct firmware_self *self, time_t now,
			    struct pki_error *err)
{
	int order = self->version ? firmware_version_compare(m->version, self->version) : 1;

	if (strcmp(m->device, self->device) != 0)
		return pki_fail(err, -EPERM, "an offer to '%s': this device is '%s'", m->device, self->device);
	if (m->issued < self->issued)
		return pki_fail(err, -ESTALE, "a replay: the offer was issued %" PRId64 " s before the last one",
			      self->issued - m->issued);
	if (m->issued > now + MANIFEST_SKEW)
		return pki_fail(err, -ESTALE, "an offer of the future, or this device's clock is %" PRId64 " s behind",
			      m->issued - now);
	if (m->expires < now)
		return pki_fail(err, -ESTALE, "the offer expired %" PRId64 " s ago, or this device's clock is ahead",
			      now - m->expires);
	if (strcmp(m->model, self->model) != 0)
		return pki_fail(err, -EPERM, "firmware for model '%s': this device is a '%s'", m->model, self->model);
	if (!order)
		return pki_fail(err, -EALREADY, "version %s is installed already", m->version);
	if (order < 0)
		return pki_fail(err, -EPERM, "version %s is older than %s, which is installed", m->version,
			      self->version);
	return 0;
}

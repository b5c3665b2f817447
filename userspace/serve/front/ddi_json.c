// SPDX-License-Identifier: GPL-2.0
/* What is said in DDI, in JSON: offers to devices, and what devices say of themselves and of an action. */
#include <stdlib.h>
#include <string.h>

#include "lib/policy.h"
#include "serve/front/ddi.h"

#define URL_LEN		(DDI_BASE_LEN + 1024)
#define HEX_LEN(n)	(2 * (n) + 1)

static json_t *link_to(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static json_t *link_to(const char *fmt, ...)
{
	char url[URL_LEN];
	va_list args;

	va_start(args, fmt);
	vsnprintf(url, sizeof(url), fmt, args);
	va_end(args);
	return json_pack("{s:s}", "href", url);
}

static json_t *hex(const uint8_t *data, size_t len)
{
	char text[HEX_LEN(32)];

	return json_string(policy_hex_text(data, len, text));
}

static json_t *number_text(uint64_t number)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	return json_string(text);
}

/**
 * ddi_root - what a poll is answered with
 * @base: of links: https://HOST/TENANT/controller/v1/DEVICE
 * @o: what there is for the device
 */
json_t *ddi_root(const char *base, const struct serve_offer *o)
{
	json_t *links = json_object();
	char sleep[16];

	snprintf(sleep, sizeof(sleep), "%02u:%02u:%02u", o->poll / 3600 % 100, o->poll / 60 % 60, o->poll % 60);
	if (o->kind == SERVE_OFFER_RELEASE)
		json_object_set_new(links, "deploymentBase",
				    link_to("%s/deploymentBase/%llu", base, (unsigned long long)o->action));
	if (o->kind == SERVE_OFFER_CANCEL)
		json_object_set_new(links, "cancelAction",
				    link_to("%s/cancelAction/%llu", base, (unsigned long long)o->action));
	if (o->tell)
		json_object_set_new(links, "configData", link_to("%s/configData", base));
	return json_pack("{s:{s:{s:s}},s:o}", "config", "polling", "sleep", sleep, "_links", links);
}

static json_t *artifact(const char *base, const struct firmware_release *r)
{
	char *file = evhttp_uriencode(r->file, -1, 0), at[URL_LEN];
	const struct firmware_hashes *h = &r->hashes;
	json_t *links;

	snprintf(at, sizeof(at), "%s/softwaremodules/%lld/artifacts/%s", base, (long long)r->id, file ? file : "");
	free(file);
	/* The second pair is for clients that look for nothing else; there is no plain HTTP. */
	links = json_pack("{s:o,s:o,s:o,s:o}", "download", link_to("%s", at), "md5sum", link_to("%s.MD5SUM", at),
			  "download-http", link_to("%s", at), "md5sum-http", link_to("%s.MD5SUM", at));
	return json_pack("{s:s,s:{s:o,s:o,s:o},s:I,s:o}", "filename", r->file, "hashes",
			 "sha1", hex(h->sha1, sizeof(h->sha1)), "md5", hex(h->md5, sizeof(h->md5)),
			 "sha256", hex(h->sha256, sizeof(h->sha256)), "size", (json_int_t)r->size, "_links", links);
}

/**
 * ddi_deployment - an offer, with all that it takes to follow it
 * @base: of links
 * @o: the offer
 */
json_t *ddi_deployment(const char *base, const struct serve_offer *o)
{
	const struct firmware_release *r = &o->release;
	const char *how = o->forced ? "forced" : "attempt";
	json_t *chunk = json_pack("{s:s,s:s,s:s,s:o}", "part", "os", "version", r->version, "name", r->model,
				  "artifacts", ddi_artifacts(base, o));

	if (r->notes[0])
		json_object_set_new(chunk, "metadata",
				    json_pack("[{s:s,s:s}]", "key", "notes", "value", r->notes));
	return json_pack("{s:o,s:{s:s,s:s,s:[o]}}", "id", number_text(o->action), "deployment",
			 "download", how, "update", how, "chunks", chunk);
}

/**
 * ddi_cancellation - an offer that the device is to forget
 * @o: the offer
 */
json_t *ddi_cancellation(const struct serve_offer *o)
{
	return json_pack("{s:o,s:{s:o}}", "id", number_text(o->action), "cancelAction", "stopId",
			 number_text(o->action));
}

/**
 * ddi_artifacts - a release's artifacts: there is one
 * @base: of links
 * @o: the offer
 */
json_t *ddi_artifacts(const char *base, const struct serve_offer *o)
{
	return json_pack("[o]", artifact(base, &o->release));
}

/**
 * ddi_read_report - the version that a device tells among its attributes
 * @body: JSON
 * @len: of @body
 * @version: gets it; empty, it tells none
 *
 * Return: NULL, or what is wrong.
 */
const char *ddi_read_report(const char *body, size_t len, char version[FIRMWARE_VERSION_LEN])
{
	static const char * const names[] = { "firmware", "firmware_version", "sw_version", "version" };
	json_t *root = json_loadb(body, len, 0, NULL), *data = json_object_get(root, "data"), *value = NULL;
	const json_t *mode = json_object_get(root, "mode");
	const char *how = mode ? json_string_value(mode) : "merge", *why = NULL, *text;
	size_t i;

	version[0] = 0;
	for (i = 0; !value && i < sizeof(names) / sizeof(*names); i++)
		value = json_object_get(data, names[i]);
	text = json_string_value(value);
	if (!json_is_object(data))
		why = "the body is not JSON like {\"data\": {\"firmware\": \"1.4.2\"}}";
	else if (!how || (strcmp(how, "merge") && strcmp(how, "replace") && strcmp(how, "remove")))
		why = "mode is not merge, replace or remove";
	else if (value && (!text || strlen(text) >= FIRMWARE_VERSION_LEN))
		why = "the version is not a text of at most 63 bytes";
	else if (value && strcmp(how, "remove"))
		strcpy(version, text);
	json_decref(root);
	return why;
}

/* What it says last is what counts, but as much before it as fits is kept. */
static void join_details(const json_t *details, char out[SERVE_TEXT_LEN])
{
	size_t i, at = 0, n = json_is_string(details) ? 1 : json_array_size(details);
	const char *text;
	char *c;

	out[0] = 0;
	for (i = 0; i < n && at < SERVE_TEXT_LEN; i++) {
		text = json_string_value(json_is_string(details) ? details : json_array_get(details, i));
		if (text && *text)
			at += snprintf(out + at, SERVE_TEXT_LEN - at, "%s%s", at ? "; " : "", text);
	}
	for (c = out; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 127)
			*c = ' ';
	/* No half of a character at the end. */
	if (at >= SERVE_TEXT_LEN) {
		while (c > out && (c[-1] & 0xc0) == 0x80)
			c--;
		if (c > out && c[-1] & 0x80)
			c[-1] = 0;
	}
}

static int find_feedback(const char *execution, const char *finished)
{
	static const char * const running[] = { "proceeding", "resumed", "scheduled", "download", "downloaded" };
	size_t i;

	if (!strcmp(execution, "closed"))
		return strcmp(finished, "failure") ? SERVE_FEEDBACK_SUCCESS : SERVE_FEEDBACK_FAILURE;
	if (!strcmp(execution, "canceled"))
		return SERVE_FEEDBACK_CANCELED;
	if (!strcmp(execution, "rejected"))
		return SERVE_FEEDBACK_REJECTED;
	for (i = 0; i < sizeof(running) / sizeof(*running); i++)
		if (!strcmp(execution, running[i]))
			return SERVE_FEEDBACK_RUNNING;
	return -1;
}

/**
 * ddi_read_feedback - what a device says of an action
 * @body: JSON
 * @len: of @body
 * @q: gets feedback and detail
 *
 * Return: NULL, or what is wrong.
 */
const char *ddi_read_feedback(const char *body, size_t len, struct serve_request *q)
{
	json_t *root = json_loadb(body, len, 0, NULL), *status = json_object_get(root, "status");
	const char *execution = json_string_value(json_object_get(status, "execution"));
	const json_t *result = json_object_get(json_object_get(status, "result"), "finished");
	const char *finished = result ? json_string_value(result) : "none", *why = NULL;
	int feedback = execution && finished ? find_feedback(execution, finished) : -1;

	if (!execution)
		why = "the body is not JSON like {\"status\": {\"execution\": \"closed\", \"result\": {\"finished\": \"success\"}}}";
	else if (!finished || (strcmp(finished, "none") && strcmp(finished, "success") && strcmp(finished, "failure")))
		why = "status.result.finished is not none, success or failure";
	else if (feedback < 0)
		why = "no such status.execution";
	q->feedback = feedback;
	join_details(json_object_get(status, "details"), q->detail);
	json_decref(root);
	return why;
}

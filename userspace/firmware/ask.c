// SPDX-License-Identifier: GPL-2.0
/* What a device asks the server about firmware, and tells it; see manifest.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device/ask.h"
#include "device/base64.h"
#include "device/flat.h"
#include "firmware/update.h"

/* A server that is busy or being restarted is no reason to give up for good. */
static enum update_result judge(struct est *e, const struct http_response *r)
{
	if (r->status >= 300 && r->status < 400) {
		est_fail(e, "refused: a redirect (%d), which is not followed", r->status);
		return UPDATE_BAD;
	}
	est_judge(e, r);
	return r->status == 429 || r->status == 202 || r->status >= 500 ? UPDATE_LATER : UPDATE_BAD;
}

static enum update_result take_offer(struct est *e, struct http_response *r, struct update_offer *out)
{
	struct update_offer o = { };

	if (r->status == 204)
		return UPDATE_NOTHING;
	if (r->status != 200)
		return judge(e, r);
	if (est_expect_type(e, r, "application/json") != EST_DONE)
		return UPDATE_BAD;
	if (!r->kept || base64_decode(r->kept, strlen(r->kept), &o.der, &o.der_len)) {
		est_fail(e, "the offer is not signed: no %s in base64", MANIFEST_FIELD);
		return UPDATE_BAD;
	}
	o.json = r->body;
	o.len = r->len;
	r->body = NULL;
	*out = o;
	return UPDATE_DONE;
}

/**
 * update_ask - what is there for this device
 * @e: the server; certificate and key
 * @out: the offer, on UPDATE_DONE; nothing in it is checked
 *
 * Return: UPDATE_DONE, UPDATE_NOTHING; UPDATE_LATER or UPDATE_BAD with its error.
 */
enum update_result update_ask(struct est *e, struct update_offer *out)
{
	struct http_request q = { .method = "GET", .path = MANIFEST_PATH };
	enum update_result ret;
	struct http_response r;

	http_begin(&r);
	r.keep = MANIFEST_FIELD;
	if (est_ask(e, &q, &r) == EST_DONE)
		ret = take_offer(e, &r, out);
	else
		ret = r.state == HTTP_BAD && !r.cut ? UPDATE_BAD : UPDATE_LATER;
	http_free(&r);
	return ret;
}

static enum update_result take_signature(struct est *e, struct http_response *r, uint8_t **der, size_t *len)
{
	if (r->status == 404) {
		est_fail(e, "the artifact has no vendor's signature on the gateway");
		return UPDATE_BAD;
	}
	if (r->status != 200)
		return judge(e, r);
	if (!r->len) {
		est_fail(e, "the vendor's signature is empty");
		return UPDATE_BAD;
	}
	*der = (uint8_t *)r->body;
	*len = r->len;
	r->body = NULL;
	return UPDATE_DONE;
}

/**
 * update_ask_signature - the signature that an artifact was added to the gateway with
 * @e: the server; certificate and key
 * @url: path of the artifact
 * @der: the signature, on UPDATE_DONE; free(); nothing in it is checked
 * @len: of @der
 *
 * Return: UPDATE_DONE; UPDATE_LATER or UPDATE_BAD with its error.
 */
enum update_result update_ask_signature(struct est *e, const char *url, uint8_t **der, size_t *len)
{
	struct http_request q = { .method = "GET" };
	enum update_result ret = UPDATE_LATER;
	char path[MANIFEST_URL_LEN + 8];
	struct http_response r;

	snprintf(path, sizeof(path), "%s.p7s", url);
	q.path = path;
	http_begin(&r);
	if (est_ask(e, &q, &r) == EST_DONE)
		ret = take_signature(e, &r, der, len);
	else if (r.state == HTTP_BAD && !r.cut)
		ret = UPDATE_BAD;
	http_free(&r);
	return ret;
}

static char *report_text(const char *result, const char *version, const char *detail, size_t *len)
{
	char *json = NULL;
	FILE *out = open_memstream(&json, len);

	if (!out)
		return NULL;
	fputs("{\"result\": ", out);
	flat_put_text(out, result);
	fputs(", \"version\": ", out);
	flat_put_text(out, version);
	if (detail && detail[0]) {
		fputs(", \"detail\": ", out);
		flat_put_text(out, detail);
	}
	fputs("}", out);
	if (!fclose(out))
		return json;
	free(json);
	return NULL;
}

/* What the server has understood and does not want will not be wanted later; all else may be. */
static enum update_result judge_telling(struct est *e, const struct http_response *r)
{
	if (r->status == 200 || r->status == 204)
		return UPDATE_DONE;
	est_judge(e, r);
	if (r->status == 409)
		return UPDATE_WITHDRAWN;
	return r->status == 400 || r->status == 404 || r->status == 410 ? UPDATE_BAD : UPDATE_LATER;
}

/**
 * update_tell - say what became of an offer
 * @e: the server; certificate and key
 * @action: number of the offer
 * @result: running, success or failure
 * @version: of the offer
 * @detail: why, or NULL
 *
 * Return: UPDATE_DONE; UPDATE_WITHDRAWN, the server has taken the offer back; UPDATE_LATER, it could not be told;
 * UPDATE_BAD, the server does not want to know. The last two with its error.
 */
enum update_result update_tell(struct est *e, int64_t action, const char *result, const char *version,
			       const char *detail)
{
	struct http_request q = { .method = "POST", .type = "application/json" };
	enum update_result ret = UPDATE_LATER;
	struct http_response r;
	char path[64], *json;

	snprintf(path, sizeof(path), MANIFEST_PATH "/%" PRId64, action);
	json = report_text(result, version, detail, &q.len);
	http_begin(&r);
	q.path = path;
	q.body = json;
	if (!json)
		est_fail(e, "out of memory");
	else if (est_ask(e, &q, &r) == EST_DONE)
		ret = judge_telling(e, &r);
	http_free(&r);
	free(json);
	return ret;
}

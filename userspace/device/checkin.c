// SPDX-License-Identifier: GPL-2.0
/* A device's side of the check-in, over HTTPS and over the bare port. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"
#include "client.h"
#include "flat.h"
#include "http.h"

static enum est_result take_lease(struct est *e, const struct http_response *r,
				  struct est_lease *lease)
{
	struct flat_field fields[] = {
		{ .name = "device", .text = lease->device },
		{ .name = "segment", .text = lease->segment },
		{ .name = "lease_seconds", .number = &lease->seconds },
	};
	enum est_result ret = est_judge(e, r);

	if (ret == EST_PENDING)
		return est_fail(e, "the server's answer is not understood: status 202");
	if (ret == EST_DONE)
		ret = est_expect_type(e, r, "application/json");
	if (ret != EST_DONE)
		return ret;
	if (flat_read(r->body ? r->body : "", r->len, fields, 3) || !fields[0].found ||
	    !fields[1].found || !fields[2].found || lease->seconds < 0)
		return est_fail(e, "the server's answer is not understood: "
				"no device, segment and lease_seconds in it");
	return EST_DONE;
}

static char *firmware_json(const char *firmware)
{
	char *json = NULL;
	size_t len;
	FILE *out = open_memstream(&json, &len);

	if (!out)
		return NULL;
	fputs("{", out);
	if (firmware) {
		fputs("\"firmware\": ", out);
		flat_put_text(out, firmware);
	}
	fputs("}", out);
	if (fclose(out)) {
		free(json);
		return NULL;
	}
	return json;
}

/**
 * est_checkin - check in over HTTPS
 * @e: the server, which must be trusted; certificate and key
 * @firmware: which runs, or NULL
 * @lease: what it gave, on EST_DONE
 */
enum est_result est_checkin(struct est *e, const char *firmware, struct est_lease *lease)
{
	struct http_request q = { .method = "POST", .path = "/cordon/v1/checkin",
				  .type = "application/json" };
	char *json = firmware_json(firmware);
	enum est_result ret = EST_FAILED;
	struct http_response r;

	memset(lease, 0, sizeof(*lease));
	http_begin(&r);
	if (!json) {
		est_fail(e, "out of memory");
	} else {
		q.body = json;
		q.len = strlen(json);
		ret = est_ask(e, &q, &r);
		if (ret == EST_DONE)
			ret = take_lease(e, &r, lease);
	}
	http_free(&r);
	free(json);
	return ret;
}

/* A line, or what there is of one when the other side ends. */
static enum est_result read_line(struct est *e, struct tls_client *c, char line[EST_ANSWER_LEN])
{
	size_t len = 0;
	ssize_t n;

	while (len < EST_ANSWER_LEN - 1 && !memchr(line, '\n', len)) {
		n = tls_read(c, line + len, EST_ANSWER_LEN - 1 - len);
		if (n < 0)
			return est_fail(e, "%s", c->error);
		if (!n)
			break;
		len += n;
	}
	line[len] = 0;
	return len ? EST_DONE : est_fail(e, "the server closed the connection without an answer");
}

/**
 * est_greet - check in over the bare port
 * @e: the server, which must be trusted; certificate and key
 * @firmware: which runs, or NULL
 * @answer: what the server said, one printable line
 *
 * Return: EST_DONE, it is a welcome; EST_REFUSED, it is something else; EST_FAILED.
 */
enum est_result est_greet(struct est *e, const char *firmware, char answer[EST_ANSWER_LEN])
{
	char line[EST_ANSWER_LEN], hello[EST_REASON_LEN];
	enum est_result ret = EST_FAILED;
	struct tls_client c;

	est_prepare(e, &c);
	snprintf(hello, sizeof(hello), firmware ? "firmware %s\n" : "Cordon check-in\n", firmware);
	if (!e->trust) {
		est_fail(e, "no certificate authority is trusted");
	} else if (tls_open(&c, &e->server)) {
		est_fail(e, "%s", c.error);
	} else {
		/* Whoever refuses may have closed by now; its reason is what counts. */
		tls_write(&c, hello, strlen(hello));
		ret = read_line(e, &c, line);
	}
	tls_close(&c);
	if (ret != EST_DONE)
		return ret;
	est_plain(answer, EST_ANSWER_LEN, line);
	return strncmp(answer, "Welcome", 7) ? EST_REFUSED : EST_DONE;
}

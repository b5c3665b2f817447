// SPDX-License-Identifier: GPL-2.0
/* What page asks of agent. */
#include <errno.h>
#include <sys/socket.h>
#include <syslog.h>

#include "serve/page/web.h"

static void end(struct web *w, int status, const char *why)
{
	if (status)
		serve_log(LOG_ERR, why, NULL);
	w->status = status;
	event_base_loopbreak(w->base);
}

/**
 * web_ask - have agent decide
 * @w: the process
 * @q: the question; gets its number
 * @done: told of the reply
 * @arg: for @done
 *
 * Return: false, too much is waiting already.
 */
bool web_ask(struct web *w, struct serve_request *q, void (*done)(struct web *w, void *arg, const struct serve_reply *r),
	     void *arg)
{
	static uint8_t buf[SERVE_REQUEST_MAX];
	struct web_waiting *slot;
	size_t i, len;

	for (i = 0; i < WEB_WAITING; i++) {
		slot = &w->waiting[++w->last_id % WEB_WAITING];
		if (slot->id)
			continue;
		q->id = w->last_id;
		len = serve_request_pack(q, buf, sizeof(buf));
		if (!len || send(w->agent, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)len)
			return false;
		*slot = (struct web_waiting){ .id = q->id, .done = done, .arg = arg };
		return true;
	}
	return false;
}

static void take_reply(struct web *w, const uint8_t *buf, size_t len)
{
	struct web_waiting *slot, was;
	struct serve_reply r;

	if (!serve_reply_unpack(buf, len, &r)) {
		end(w, 1, "agent says what makes no sense");
		return;
	}
	if (!r.id) {	/* the configuration was read again */
		web_renew_certificate(w);
		return;
	}
	slot = &w->waiting[r.id % WEB_WAITING];
	if (slot->id != r.id) {
		end(w, 1, "agent answers what nobody asked");
		return;
	}
	was = *slot;
	slot->id = 0;
	was.done(w, was.arg, &r);
}

/** web_hear - agent says something, or is gone */
void web_hear(evutil_socket_t fd, short what, void *arg)
{
	static uint8_t buf[SERVE_PAGE_REPLY_MAX];
	struct web *w = arg;
	ssize_t len = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	(void)what;
	if (len > 0)
		take_reply(w, buf, len);
	else if (!len || (errno != EAGAIN && errno != EINTR))
		end(w, 0, NULL);	/* the server ends */
}

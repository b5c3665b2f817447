// SPDX-License-Identifier: GPL-2.0
/*
 * What page says to agent, and is told. It is not believed: whatever it asks for, the registry has to know the operator
 * that it names. Nothing here waits for it: who does not read what he is told misses it.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <syslog.h>
#include <unistd.h>

#include "serve/agent/agent.h"

static void hang_up(struct agent *a)
{
	close(a->page);
	a->page = -1;
}

/**
 * agent_page_reply - tell page something
 * @a: the agent
 * @r: reply to what it asked
 * @out: room for a message
 */
void agent_page_reply(struct agent *a, const struct serve_reply *r, uint8_t *out)
{
	size_t len = serve_reply_pack(r, out, SERVE_PAGE_REPLY_MAX);

	if (!len || a->page < 0)
		return;
	if (send(a->page, out, len, MSG_DONTWAIT | MSG_NOSIGNAL) != (ssize_t)len)
		serve_log(LOG_ERR, "page does not listen", "why", strerror(errno), NULL);
}

/**
 * agent_page_reload - have page take its certificate again, as the configuration may name others
 * @a: the agent
 * @out: room for a message
 */
void agent_page_reload(struct agent *a, uint8_t *out)
{
	const struct serve_reply r = { .status = 200 };

	agent_page_reply(a, &r, out);
}

/**
 * agent_page_hear - answer one request of page
 * @a: the agent
 * @in: room for a request
 * @out: room for the reply
 */
void agent_page_hear(struct agent *a, uint8_t *in, uint8_t *out)
{
	struct serve_request q;
	struct serve_reply r;
	ssize_t len = recv(a->page, in, SERVE_REQUEST_MAX, MSG_DONTWAIT);
	bool answered = true;

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len <= 0 || !serve_request_unpack(in, len, &q)) {
		if (len > 0)
			serve_log(LOG_ERR, "page says what makes no sense", NULL);
		hang_up(a);
		return;
	}
	memset(&r, 0, sizeof(r));
	r.id = q.id;
	if (q.op == SERVE_OP_SERVER)
		agent_server(a, &q, &r);
	else if (q.op == SERVE_OP_ACKNOWLEDGE)
		answered = !agent_watch_ask(a, &q, &r);
	else if (!agent_operator_handle(a, &q, &r))
		agent_refuse(a, &q, &r, 500, SERVE_PAGE_REQUEST, "no such request");
	if (answered)
		agent_page_reply(a, &r, out);
}

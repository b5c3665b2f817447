// SPDX-License-Identifier: GPL-2.0
/*
 * Acknowledgements: the process that writes the history (cordonctl watch) does them. It is asked over its socket, and
 * nobody waits for its answer but who acknowledges: one at a time.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/local.h"
#include "serve/agent/agent.h"

#define PATIENCE	5	/* seconds for an answer */
#define CONTROL		"control"

static int ask(struct agent *a, const struct serve_request *q, const char *operator)
{
	char text[PKI_NAME_LEN + 48];
	int fd = local_connect(a->config->history_live, CONTROL, SOCK_SEQPACKET | SOCK_NONBLOCK), err, len;

	if (fd < 0)
		return fd;
	len = snprintf(text, sizeof(text), "acknowledge %llu %s\n", (unsigned long long)q->number, operator);
	if (send(fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL) == len) {
		a->watch.fd = fd;
		return 0;
	}
	err = -errno;
	close(fd);
	return err;
}

/**
 * agent_watch_ask - have an episode acknowledged
 * @a: the agent
 * @q: the request
 * @r: the reply, if it is known at once
 *
 * Return: true, it comes later.
 */
bool agent_watch_ask(struct agent *a, const struct serve_request *q, struct serve_reply *r)
{
	struct agent_act act = { .request = q };
	int err;

	agent_operator_handle(a, q, r);
	if (r->status != 200)
		return false;
	snprintf(act.on, sizeof(act.on), "%llu", (unsigned long long)q->number);
	if (a->watch.fd >= 0) {
		agent_act_failed(a, &act, r, 503, "another episode is being acknowledged: try again");
		return false;
	}
	if (!agent_act_begin(a, &act, r))
		return false;
	err = ask(a, q, r->device);
	if (err) {
		agent_act_failed(a, &act, r, 503, "cordonctl watch does not answer: %s", strerror(-err));
		return false;
	}
	a->watch.request = (struct serve_request){ .op = q->op, .id = q->id, .number = q->number };
	memcpy(a->watch.request.peer, q->peer, sizeof(q->peer));
	memcpy(a->watch.request.serial, q->serial, sizeof(q->serial));
	strcpy(a->watch.operator, r->device);
	a->watch.begun = act.begun;
	a->watch.until = agent_clock() + PATIENCE;
	return true;
}

/* @why: NULL, it is done. */
static void end(struct agent *a, unsigned int status, const char *why, uint8_t *out)
{
	struct agent_act act = { .request = &a->watch.request, .begun = a->watch.begun };
	struct serve_reply r = { .id = a->watch.request.id };

	close(a->watch.fd);
	a->watch.fd = -1;
	strcpy(r.device, a->watch.operator);
	snprintf(act.on, sizeof(act.on), "%llu", (unsigned long long)a->watch.request.number);
	if (why)
		agent_act_failed(a, &act, &r, status, "%s", why);
	else
		agent_act_done(a, &act, &r);
	agent_page_reply(a, &r, out);
}

/**
 * agent_watch_hear - the answer to an acknowledgement is here
 * @a: the agent
 * @out: room for a message to page
 */
void agent_watch_hear(struct agent *a, uint8_t *out)
{
	char text[SERVE_TEXT_LEN];
	ssize_t len = recv(a->watch.fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	if (len < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (len <= 0) {
		end(a, 503, "cordonctl watch has gone without an answer", out);
		return;
	}
	text[len] = 0;
	text[strcspn(text, "\n")] = 0;
	end(a, 409, strcmp(text, "ok") ? text : NULL, out);
}

/**
 * agent_watch_tick - nobody waits for ever
 * @a: the agent
 * @out: room for a message to page
 */
void agent_watch_tick(struct agent *a, uint8_t *out)
{
	if (a->watch.fd >= 0 && agent_clock() >= a->watch.until)
		end(a, 503, "cordonctl watch does not answer", out);
}

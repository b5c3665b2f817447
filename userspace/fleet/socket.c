// SPDX-License-Identifier: GPL-2.0
/* The socket RUN/control: lines of JSON from agent and from root, each with its answer; see README. */
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <syslog.h>
#include <unistd.h>

#include "fleet/internal.h"

#define CLIENTS		32
#define AGENTS		16		/* of them, so that root always has its turn */
#define LINE		(64U << 10)
#define LINE_ROOT	(2U << 20)
#define PENDING		256		/* questions of one client without an answer */
#define UNREAD		(4U << 20)	/* bytes of answers that a client has not read: it does not read */
#define UNREAD_ROOT	(64U << 20)	/* all gateways of a large fleet */

/**
 * struct fleet_client - who asks
 * @entry: among all
 * @s: the socket
 * @bev: the connection
 * @number: never used again
 * @root: it is root
 * @pending: questions without an answer
 */
struct fleet_client {
	LIST_ENTRY(fleet_client) entry;
	struct fleet_socket *s;
	struct bufferevent *bev;
	uint64_t number;
	bool root;
	unsigned int pending;
};

/**
 * struct fleet_socket - the socket
 * @f: cordon-fleet
 * @listener: the socket
 * @clients: who is connected
 * @n: of them
 * @agents: of these, those that are not root
 * @last: the last one's number
 * @agent: user of agent
 */
struct fleet_socket {
	struct fleet *f;
	struct evconnlistener *listener;
	LIST_HEAD(, fleet_client) clients;
	unsigned int n;
	unsigned int agents;
	uint64_t last;
	uid_t agent;
};

static const struct {
	const char *name;
	bool root;
	void (*ask)(struct fleet *f, uint64_t client, json_t *id, const json_t *q);
} questions[] = {
	{ "certify", false, fleet_certify }, { "hold", false, fleet_hold }, { "status", true, fleet_status },
	{ "gateways", true, fleet_gateways }, { "expel", true, fleet_expel }, { "rejoin", true, fleet_rejoin },
	{ "init", true, fleet_init }, { "add", true, fleet_add }, { "apply", true, fleet_apply }, { "confirm", true, fleet_confirm },
	{ "policy", true, fleet_policies }, { "where", true, fleet_where },
};

static void drop(struct fleet_client *c)
{
	LIST_REMOVE(c, entry);
	c->s->n--;
	c->s->agents -= !c->root;
	bufferevent_free(c->bev);
	free(c);
}

/* False: it does not read, and is gone. */
static bool say(struct fleet_client *c, json_t *line)
{
	char *text = line ? json_dumps(line, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	struct evbuffer *out = bufferevent_get_output(c->bev);
	bool good = text && !evbuffer_add(out, text, strlen(text)) && !evbuffer_add(out, "\n", 1) &&
		    evbuffer_get_length(out) <= (c->root ? UNREAD_ROOT : UNREAD);

	free(text);
	if (!good)
		drop(c);
	return good;
}

static bool say_state(struct fleet_client *c)
{
	const struct fleet *f = c->s->f;
	json_t *j = json_pack("{s:s, s:b, s:I, s:b}", "is", "state", "reachable", f->reachable, "heard",
			      (json_int_t)f->at.heard, "refused", f->at.refused);
	bool there = say(c, j);

	json_decref(j);
	return there;
}

static struct fleet_client *find(struct fleet *f, uint64_t number)
{
	struct fleet_client *c;

	if (f->socket)
		LIST_FOREACH(c, &f->socket->clients, entry)
			if (c->number == number)
				return c;
	return NULL;
}

/**
 * fleet_answer - to a question, once
 * @f: cordon-fleet
 * @client: who asked; may be gone
 * @id: of the question; is taken over
 * @is: "done", "again", "elsewhere", "unreachable" or "refused"
 * @more: an object with the rest of the answer; is taken over; NULL, none
 */
void fleet_answer(struct fleet *f, uint64_t client, json_t *id, const char *is, json_t *more)
{
	struct fleet_client *c = find(f, client);
	json_t *j = more ? more : json_object();

	json_object_set_new(j, "id", id);
	json_object_set_new(j, "is", json_string(is));
	if (c) {
		c->pending -= c->pending > 0;
		if (say(c, j) && c->pending == PENDING - 1)
			bufferevent_trigger(c->bev, EV_READ, BEV_TRIG_DEFER_CALLBACKS);
	}
	json_decref(j);
}

/**
 * fleet_is_root - was it root who asked
 * @f: cordon-fleet
 * @client: who asked
 */
bool fleet_is_root(struct fleet *f, uint64_t client)
{
	struct fleet_client *c = find(f, client);

	return c && c->root;
}

/**
 * fleet_say_no - refuse a question
 * @f: cordon-fleet
 * @client: who asked
 * @id: of the question; is taken over
 * @is: "refused" or "unreachable"
 * @why: a sentence
 */
void fleet_say_no(struct fleet *f, uint64_t client, json_t *id, const char *is, const char *why)
{
	json_t *text = json_string(why);

	fleet_answer(f, client, id, is, json_pack("{s:o}", "why", text ? text : json_string("not UTF-8")));
}

/* False: what it says is no question, and it is let go. */
static bool ask(struct fleet_client *c, const char *line, size_t len)
{
	json_t *q = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL), *id = json_object_get(q, "id");
	const char *what = json_string_value(json_object_get(q, "do"));
	struct fleet *f = c->s->f;
	uint64_t number = c->number;
	size_t i;

	if (!json_is_integer(id) || !what) {
		json_decref(q);
		return false;
	}
	c->pending++;
	json_incref(id);
	for (i = 0; i < sizeof(questions) / sizeof(*questions); i++)
		if (!strcmp(questions[i].name, what))
			break;
	if (i == sizeof(questions) / sizeof(*questions))
		fleet_say_no(f, number, id, "refused", "there is no such question");
	else if (questions[i].root && !c->root)
		fleet_say_no(f, number, id, "refused", "only root may do that");
	else
		questions[i].ask(f, number, id, q);
	json_decref(q);
	return find(f, number);
}

static void on_read(struct bufferevent *bev, void *arg)
{
	struct fleet_client *c = arg;
	struct evbuffer *in = bufferevent_get_input(bev);
	struct fleet *f = c->s->f;
	uint64_t number = c->number;
	size_t len, most = c->root ? LINE_ROOT : LINE;
	bool good = true;
	char *line;

	/* Who asks more than is answered waits. */
	while (good && c->pending < PENDING && (line = evbuffer_readln(in, &len, EVBUFFER_EOL_LF))) {
		good = len <= most && ask(c, line, len);
		free(line);
	}
	c = find(f, number);
	if (!c)
		return;
	if (good && (c->pending >= PENDING || evbuffer_get_length(in) <= most))
		return;
	serve_log(LOG_WARNING, "who asked over the socket makes no sense, and was let go", NULL);
	drop(c);
}

static void on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	if (what & (BEV_EVENT_EOF | BEV_EVENT_ERROR))
		drop(arg);
}

static bool may_ask(const struct fleet_socket *s, int fd, bool *root)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len))
		return false;
	/* Where cordon-fleet is not started by root, its own user stands for root. */
	*root = !who.uid || who.uid == s->f->owner;
	return *root || who.uid == s->agent;
}

static void on_connect(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *at, int len, void *arg)
{
	struct fleet_socket *s = arg;
	struct fleet_client *c;
	bool root = false;

	(void)l;
	(void)at;
	(void)len;
	c = s->n < CLIENTS && may_ask(s, fd, &root) && (root || s->agents < AGENTS) ? calloc(1, sizeof(*c)) : NULL;
	if (c)
		c->bev = bufferevent_socket_new(s->f->base, fd, BEV_OPT_CLOSE_ON_FREE);
	if (!c || !c->bev) {
		free(c);
		close(fd);
		return;
	}
	c->s = s;
	c->root = root;
	c->number = ++s->last;
	LIST_INSERT_HEAD(&s->clients, c, entry);
	s->n++;
	s->agents += !root;
	bufferevent_setcb(c->bev, on_read, NULL, on_event, c);
	/* No more is read than a line has, and what is left of the one before. */
	bufferevent_setwatermark(c->bev, EV_READ, 0, 2 * (root ? LINE_ROOT : LINE));
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	say_state(c);
}

/* Only root, and the group of agent; before anybody can connect. */
static int listen_at(const struct fleet *f, const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), err = 0;

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(at.sun_path)) {
		close(fd);
		return -ENAMETOOLONG;
	}
	strcpy(at.sun_path, path);
	unlink(path);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) || chmod(path, 0660) ||
	    (!f->owner && chown(path, 0, priv_group("cordon-agent"))) || listen(fd, CLIENTS))
		err = -errno;
	if (!err)
		return fd;
	close(fd);
	return err;
}

/**
 * fleet_socket_begin - be asked
 * @f: cordon-fleet, which may still make files
 *
 * Return: 0; -errno.
 */
int fleet_socket_begin(struct fleet *f)
{
	const struct passwd *agent = getpwnam("cordon-agent");
	char path[SERVE_NAME_LEN + 16];
	struct fleet_socket *s = calloc(1, sizeof(*s));
	mode_t mask = umask(0177);
	int fd;

	snprintf(path, sizeof(path), "%s/control", f->config->fleet.run);
	fd = s ? listen_at(f, path) : -ENOMEM;
	umask(mask);
	if (fd < 0) {
		serve_log(LOG_ERR, "cannot listen", "socket", path, "why", strerror(-fd), NULL);
		free(s);
		return fd;
	}
	f->socket = s;
	s->f = f;
	s->agent = agent ? agent->pw_uid : priv_group("cordon-agent");
	LIST_INIT(&s->clients);
	s->listener = evconnlistener_new(f->base, on_connect, s, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (s->listener)
		return 0;
	close(fd);
	return -ENOMEM;
}

/**
 * fleet_socket_end - nobody is answered any more
 * @f: cordon-fleet
 */
void fleet_socket_end(struct fleet *f)
{
	struct fleet_socket *s = f->socket;
	struct fleet_client *c, *next;

	if (!s)
		return;
	for (c = LIST_FIRST(&s->clients); c; c = next) {
		next = LIST_NEXT(c, entry);
		drop(c);
	}
	if (s->listener)
		evconnlistener_free(s->listener);
	free(s);
	f->socket = NULL;
}

/**
 * fleet_socket_state - tell all who are connected how it is
 * @f: cordon-fleet
 */
void fleet_socket_state(struct fleet *f)
{
	struct fleet_client *c, *next;

	if (!f->socket)
		return;
	for (c = LIST_FIRST(&f->socket->clients); c; c = next) {
		next = LIST_NEXT(c, entry);
		say_state(c);
	}
}

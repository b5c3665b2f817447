// SPDX-License-Identifier: GPL-2.0
/* hostapd: leases for devices that hostapd has authenticated by 802.1X. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <time.h>

#include "ctl/stations.h"
#include "serve/common/serve.h"
#include "store/store.h"

#define PORTS_MAX	64
#define EVENTS_MAX	64	/* of a port, before the others have their turn */
#define TICK		1000	/* milliseconds: what is revoked, which ports there are */
#define WALK		10	/* ticks: every station, in case that an event was lost */
#define MAC_LEN		18

/**
 * struct port - an interface that hostapd has
 * @c: its control interface
 * @open: that can be asked
 * @told: that it cannot was logged
 * @there: its socket is
 */
struct port {
	struct eapol_control c;
	bool open;
	bool told;
	bool there;
};

/**
 * struct helper - all of it
 * @control: directory of hostapd's sockets
 * @ports: in no order
 * @n: how many
 * @stations: behind them
 */
struct helper {
	const char *control;
	struct port ports[PORTS_MAX];
	size_t n;
	struct stations stations;
};

static void lost(struct helper *h, struct port *p, const char *why)
{
	serve_log(LOG_WARNING, "hostapd does not answer", "port", p->c.port, "why", why, NULL);
	stations_forget(&h->stations, p->c.port);
	eapol_control_close(&p->c);
	p->open = false;
	p->told = true;
}

static void tell(struct helper *h, struct port *p, const char *what, const u8 mac[6])
{
	char command[64], reply[EAPOL_REPLY_MAX], text[MAC_LEN];
	int err;

	snprintf(command, sizeof(command), "%s %s", what, policy_mac_text(mac, text));
	err = eapol_control_ask(&p->c, command, reply);
	/* A reply that comes late would be taken for the next one's. */
	if (err)
		lost(h, p, strerror(-err));
	else if (strcmp(reply, "OK\n"))
		serve_log(LOG_WARNING, "hostapd keeps a station without a lease", "port", p->c.port, "mac", text, NULL);
}

static void take(struct helper *h, struct port *p, const struct eapol_session *s)
{
	if (stations_look(&h->stations, p->c.port, s))
		tell(h, p, "DEAUTHENTICATE", s->mac);
}

/* A station that hostapd does not know has no session. */
static void look(struct helper *h, struct port *p, const u8 mac[6])
{
	struct eapol_session s = { .authorized = false };
	char command[32], reply[EAPOL_REPLY_MAX], text[MAC_LEN];
	int err;

	snprintf(command, sizeof(command), "STA %s", policy_mac_text(mac, text));
	err = eapol_control_ask(&p->c, command, reply);
	if (err) {
		lost(h, p, strerror(-err));
		return;
	}
	if (eapol_session_parse(reply, &s))
		memset(&s, 0, sizeof(s));
	memcpy(s.mac, mac, sizeof(s.mac));
	take(h, p, &s);
}

/*
 * Every station of a port: hostapd names the one after a given one, so that is asked before this one may be thrown out.
 * An empty reply is the end. Where the given one has gone meanwhile, the rest is not known: the next walk sees them.
 */
static void walk(struct helper *h, struct port *p)
{
	char command[32], reply[EAPOL_REPLY_MAX], text[MAC_LEN];
	int err = eapol_control_ask(&p->c, "STA-FIRST", reply);
	struct eapol_session s;
	unsigned int n;

	stations_walk_begin(&h->stations, p->c.port);
	for (n = 0; !err && p->open && n < STATIONS_MAX && eapol_session_parse(reply, &s) != -ENOENT; n++) {
		snprintf(command, sizeof(command), "STA-NEXT %s", policy_mac_text(s.mac, text));
		err = eapol_control_ask(&p->c, command, reply);
		if (!err)
			take(h, p, &s);
	}
	if (!p->open)
		return;
	if (err)
		lost(h, p, strerror(-err));
	else if (!reply[0])
		stations_walk_end(&h->stations, p->c.port);
}

static void hear(struct helper *h, struct port *p)
{
	unsigned int n;
	int what = 0;
	u8 mac[6];

	/* What was missed may be of anybody. */
	if (p->c.missed) {
		p->c.missed = false;
		walk(h, p);
	}
	for (n = 0; p->open && n < EVENTS_MAX; n++) {
		what = eapol_control_event(&p->c, mac);
		if (what < 0 && what != -ENOENT)
			break;
		if (what == EAPOL_ENDED)
			stations_end(&h->stations, p->c.port, mac);
		if (what >= 0)
			look(h, p, mac);
	}
	if (p->open && what < 0 && what != -ENOENT && what != -EAGAIN && what != -EINTR)
		lost(h, p, strerror(-what));
}

static struct port *find_port(struct helper *h, const char *name)
{
	size_t i;

	for (i = 0; i < h->n; i++)
		if (!strcmp(h->ports[i].c.port, name))
			return &h->ports[i];
	return NULL;
}

static void open_port(struct helper *h, const char *name)
{
	struct port *p = find_port(h, name);
	int err;

	if (!p && h->n == PORTS_MAX)
		return;
	if (!p) {
		p = &h->ports[h->n++];
		memset(p, 0, sizeof(*p));
		snprintf(p->c.port, sizeof(p->c.port), "%s", name);
	}
	p->there = true;
	if (p->open)
		return;
	err = eapol_control_open(&p->c, h->control, name);
	if (err) {
		eapol_control_close(&p->c);
		if (!p->told)
			serve_log(LOG_WARNING, "hostapd cannot be asked", "port", name, "why", err == -EPERM ?
				  "its directory is not root's, or everybody may write to it" : strerror(-err), NULL);
		p->told = true;
		return;
	}
	p->open = true;
	p->told = false;
	serve_log(LOG_INFO, "hears hostapd", "port", name, NULL);
	walk(h, p);
}

static void close_port(struct helper *h, struct port *p)
{
	if (p->open)
		lost(h, p, "its socket is gone");
	*p = h->ports[--h->n];
}

/* hostapd may come, go and have further interfaces at any time. */
static void find_ports(struct helper *h)
{
	DIR *dir = opendir(h->control);
	struct dirent *e;
	struct stat st;
	size_t i;

	for (i = 0; i < h->n; i++)
		h->ports[i].there = false;
	while (dir && (e = readdir(dir)))
		if (strlen(e->d_name) < IF_NAMESIZE && !fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
		    S_ISSOCK(st.st_mode) && if_nametoindex(e->d_name))
			open_port(h, e->d_name);
	if (dir)
		closedir(dir);
	for (i = h->n; i--;)
		if (!h->ports[i].there)
			close_port(h, &h->ports[i]);
}

/* A hostapd that was started anew has the same name, and does not know that somebody listened. */
static void ping(struct helper *h, struct port *p)
{
	char reply[EAPOL_REPLY_MAX];
	int err = eapol_control_ask(&p->c, "PING", reply);

	if (err || strcmp(reply, "PONG\n"))
		lost(h, p, err ? strerror(-err) : "it is not hostapd");
}

static void tick(struct helper *h, bool all)
{
	char port[IF_NAMESIZE];
	struct port *p;
	u8 mac[6];
	size_t i;

	for (i = 0; i < h->n; i++)
		if (h->ports[i].open)
			ping(h, &h->ports[i]);
	find_ports(h);
	while (stations_revoked(&h->stations, port, mac)) {
		/* It may have another one by now; if it has not, it is thrown out for that. */
		p = find_port(h, port);
		if (p && p->open)
			tell(h, p, "EAPOL_REAUTH", mac);
	}
	for (i = 0; all && i < h->n; i++)
		if (h->ports[i].open)
			walk(h, &h->ports[i]);
}

static u64 now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (u64)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Something came of it while it was asked for something else. */
static bool has_heard(const struct port *p)
{
	return p->open && (p->c.n_heard || p->c.missed);
}

static int wait_for_events(struct helper *h, int ms)
{
	struct pollfd fds[PORTS_MAX];
	size_t i;

	for (i = 0; i < h->n; i++) {
		fds[i] = (struct pollfd){ .fd = h->ports[i].open ? h->ports[i].c.events : -1, .events = POLLIN };
		if (has_heard(&h->ports[i]))
			ms = 0;
	}
	if (poll(fds, h->n, ms) < 0)
		return errno == EINTR ? 0 : -errno;
	for (i = 0; i < h->n; i++)
		if (fds[i].revents || has_heard(&h->ports[i]))
			hear(h, &h->ports[i]);
	return 0;
}

/* Until it is killed: the leases that are there need nobody. */
static int loop(struct helper *h)
{
	u64 next = now_ms(), now;
	unsigned int ticks;
	int err = 0;

	for (ticks = 0; !err;) {
		now = now_ms();
		if (now >= next) {
			tick(h, !(ticks++ % WALK));
			next = now + TICK;
			continue;
		}
		err = wait_for_events(h, (int)(next - now));
	}
	return complain("hostapd", strerror(-err));
}

static const struct option options[] = {
	{ "control", required_argument, NULL, 'c' }, { "token", required_argument, NULL, 't' },
	{ "registry", required_argument, NULL, 'r' }, { "json", no_argument, NULL, 'j' },
	{ "help", no_argument, NULL, OPTION_HELP }, { }
};

static int start(const char *control, const char *token, const char *registry, bool json)
{
	static struct helper h;
	int err;

	h.control = control;
	h.stations.registry = registry;
	err = eapol_token_read(token, h.stations.token);
	if (err)
		return complain(token, err == -EINVAL ? "not the token of 'cordonctl ca export --hostapd'" : strerror(-err));
	serve_log_open("hostapd", json, false);
	serve_log(LOG_INFO, "looks for hostapd", "control", control, NULL);
	err = loop(&h);
	OPENSSL_cleanse(h.stations.token, sizeof(h.stations.token));
	return err;
}

static int run_hostapd(const struct command *self, int argc, char **argv)
{
	const char *control = EAPOL_CONTROL_DIR, *token = EAPOL_DIR "/token", *registry = STORE_PATH;
	bool json = false;
	int o;

	while ((o = next_option(self, argc, argv, options)) != -1) {
		if (o == OPTION_HELP)
			return EXIT_DONE;
		if (o == OPTION_ERROR)
			return EXIT_USAGE;
		if (o == 'c')
			control = optarg;
		else if (o == 't')
			token = optarg;
		else if (o == 'r')
			registry = optarg;
		else
			json = true;
	}
	if (optind < argc)
		return usage_error(self, "too many words", argv[optind]);
	return start(control, token, registry, json);
}

const struct command cmd_hostapd = {
	"hostapd", "Give leases to devices that hostapd has authenticated (802.1X)",
	"hostapd [--control DIR] [--token FILE] [--registry FILE] [--json]",
	"Runs until it is killed: as cordon-hostapd.service. 'cordonctl ca export --hostapd'\n"
	"writes what hostapd and FreeRADIUS need.\n\n"
	"  --control DIR          hostapd's control interfaces (" EAPOL_CONTROL_DIR ")\n"
	"  --token FILE           by which FreeRADIUS' answers are known\n"
	"                         (" EAPOL_DIR "/token)\n"
	"  --registry FILE        the registry (" STORE_PATH ")\n"
	"  --json                 log in JSON\n",
	run_hostapd
};

/* SPDX-License-Identifier: GPL-2.0 */
/* What `cordonctl watch` does, and how it is asked to acknowledge. */
#ifndef CORDON_HISTORY_WATCH_H
#define CORDON_HISTORY_WATCH_H

#include <limits.h>
#include <stdio.h>

#include "history/history.h"
#include "notify/notify.h"

#define WATCH_CONFIG	"/etc/cordon/watch.yaml"
#define WATCH_GROUP	"cordon-page"	/* reads the databases */
#define WATCH_ASKS	"cordon-agent"	/* group that may ask to acknowledge */
#define WATCH_CONTROL	"control"	/* socket, in the directory of live.db */
#define WATCH_LINE	256		/* bytes of a question or an answer */
#define WATCH_CLIENTS	8		/* that may be connected at a time */
#define WATCH_WAIT	5		/* seconds that a client may take to ask */

/**
 * struct watch_config - watch.yaml
 * @sample: seconds between two looks
 * @registry: the registry's file
 * @ca: the CA's directory
 * @notify: programs that are run when an episode begins or ends, or a state changes; emptied by watch_run()
 */
struct watch_config {
	unsigned int sample;
	char registry[PATH_MAX];
	char ca[PATH_MAX];
	struct notify_config notify;
};

/* config.c. Return: 0, or the number of faults, which are written to @errors. */
int watch_config_load(const char *path, struct watch_config *out, FILE *errors);
void watch_config_free(struct watch_config *c);

/* control.c */

/**
 * struct watch_control - who asks
 * @listening: the socket; -1, none
 * @path: of it
 * @clients: connected, or -1
 * @until: by a clock that only goes on, in seconds, when a client is given up
 */
struct watch_control {
	int listening;
	char path[PATH_MAX];
	int clients[WATCH_CLIENTS];
	time_t until[WATCH_CLIENTS];
};

struct history_writer;
struct pollfd;
int watch_control_open(struct watch_control *c, const char *dir);
void watch_control_close(struct watch_control *c);
unsigned int watch_control_poll(struct watch_control *c, struct pollfd *fds);
void watch_control_answer(struct watch_control *c, const struct pollfd *fds, struct history_writer *w);
/* Return: 0; -errno; -EREMOTEIO, it was refused, and answer says why. */
int watch_acknowledge(const char *dir, int64_t id, const char *who, char answer[WATCH_LINE]);

/* watch.c. Return: 0 when it was ended; -errno, and a sentence was written to standard error. */
int watch_run(struct watch_config *c, const char *dir, const char *live_dir);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* What the commands of a device share: whom they ask, what they say. */
#ifndef CORDON_REMOTE_H
#define CORDON_REMOTE_H

#include "ctl/command.h"
#include "device/client.h"
#include "device/identity.h"

#define REMOTE_URL_LEN	288
#define REMOTE_TIMEOUT	60	/* seconds for everything, where none are given */
#define REMOTE_TIME_LEN	32

/* What remote_take() takes. */
#define REMOTE_CERT	{ "cert", required_argument, NULL, 'C' }, { "key", required_argument, NULL, 'k' }
#define REMOTE_OPTIONS	{ "ca", required_argument, NULL, 'c' }, { "timeout", required_argument, NULL, 'w' },	\
			{ "json", no_argument, NULL, 'j' }, { "help", no_argument, NULL, OPTION_HELP }, { }

/**
 * struct remote - a command that asks a server
 * @self: the command
 * @est: the server
 * @url: as it is named in messages
 * @cert: file of the device's certificate, or NULL
 * @key: file of its key, or NULL
 * @ca: file of whom to trust, or NULL
 * @json: print JSON
 */
struct remote {
	const struct command *self;
	struct est est;
	char url[REMOTE_URL_LEN];
	const char *cert;
	const char *key;
	const char *ca;
	bool json;
};

void remote_init(struct remote *r, const struct command *self);
void remote_free(struct remote *r);
const char *remote_server(struct remote *r, const char *url);
const char *remote_host(struct remote *r, const char *word, const char *port);
const char *remote_take(struct remote *r, int option, const char *value);
int remote_failed(const struct remote *r);
int remote_complain(const struct remote *r, const char *what, const char *why);
char *remote_path(const char *dir, const char *name);
enum est_result remote_obtain(struct remote *r, EVP_PKEY *key, const char *name,
			      STACK_OF(X509) *vouch, X509 **cert);
void remote_print(const struct remote *r, const char *done, X509 *cert, const char *path);

#endif

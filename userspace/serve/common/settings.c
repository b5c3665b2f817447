// SPDX-License-Identifier: GPL-2.0
/* What of serve.yaml holds until the server ends: written down when it starts, to be compared with afterwards. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/file.h"
#include "lib/policy.h"
#include "serve/common/serve.h"

static void print_listen(const char *name, const struct serve_listen *l, FILE *out)
{
	const struct sockaddr_in6 *v6;
	const struct sockaddr_in *v4;
	char host[INET6_ADDRSTRLEN];
	size_t i;

	fputs(name, out);
	for (i = 0; i < l->n; i++) {
		v6 = (const void *)&l->at[i];
		v4 = (const void *)&l->at[i];
		if (l->at[i].ss_family == AF_INET6)
			fprintf(out, " [%s]:%u", inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof(host)),
				ntohs(v6->sin6_port));
		else
			fprintf(out, " %s:%u", inet_ntop(AF_INET, &v4->sin_addr, host, sizeof(host)),
				ntohs(v4->sin_port));
	}
	fputc('\n', out);
}

static void print_fleet(const struct serve_fleet *f, FILE *out)
{
	char offline[16];
	size_t i;

	fputs("registry.etcd", out);
	for (i = 0; i < f->n; i++)
		fprintf(out, " %s", f->endpoints[i]);
	fprintf(out, "\nregistry.prefix %s\nregistry.gateway %s\nregistry.run %s\nregistry.directory %s\nregistry.offline %s\n",
		f->prefix, f->gateway, f->run, f->directory, policy_duration_text(f->offline, offline));
}

/**
 * serve_settings_text - what of a configuration holds until the server ends
 * @c: the configuration
 *
 * Return: a line for each setting: its name, a blank, its value; free(). NULL, out of memory.
 */
char *serve_settings_text(const struct serve_config *c)
{
	const struct {
		const char *name, *value;
	} lines[] = {
		{ "config", c->path }, { "ca", c->ca }, { "registry", c->registry }, { "passphrase_file", c->passphrase_file },
		{ "certificate", c->certificate }, { "key", c->key }, { "firmware.directory", c->firmware },
		{ "firmware.tenant", c->tenant }, { "history", c->history }, { "history_live", c->history_live },
	};
	char after[16], *text = NULL;
	size_t len = 0, i;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	print_listen("est.listen", &c->est, out);
	print_listen("checkin.listen", &c->checkin, out);
	print_listen("page", &c->page, out);
	print_listen("metrics", &c->metrics, out);
	print_fleet(&c->fleet, out);
	fprintf(out, "est.renew_after_expiry %s\n", policy_duration_text(c->renew_after_expiry, after));
	for (i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		fprintf(out, "%s %s\n", lines[i].name, lines[i].value);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

/**
 * serve_settings_write - write down with what the server starts
 * @c: the configuration
 *
 * Return: 0 or -errno.
 */
int serve_settings_write(const struct serve_config *c)
{
	char path[SERVE_NAME_LEN + 16], *text = serve_settings_text(c);
	int err = -ENOMEM;

	snprintf(path, sizeof(path), "%s/serve.settings", c->run);
	if (text)
		err = file_write(path, text, strlen(text), 0644);
	free(text);
	return err;
}

/**
 * serve_settings_read - with what the server that runs has started
 * @c: where that is
 * @out: as serve_settings_text() has it; free()
 *
 * Return: 0 or -errno.
 */
int serve_settings_read(const struct serve_config *c, char **out)
{
	char path[SERVE_NAME_LEN + 16];
	size_t len;

	snprintf(path, sizeof(path), "%s/serve.settings", c->run);
	return file_read(path, SERVE_SETTINGS_MAX, out, &len);
}

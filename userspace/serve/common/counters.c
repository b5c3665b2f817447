// SPDX-License-Identifier: GPL-2.0
/* Counters of the server: a file in memory that its processes count in and everybody may read. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file.h"
#include "serve/common/serve.h"

#define MAGIC 0x636f72646f6e0008ULL	/* "cordon", layout 8 */

static const char * const accepted[SERVE_ACCEPTED] = {
	"enrolment", "renewal", "checkin", "poll", "firmware_report", "download",
	"rekey_unsigned", "adopted", "ocsp", "ocsp_signed", "page", "page_stream", "page_act", "metrics",
};

static const char * const refused[SERVE_REFUSED] = {
	"tls_version", "tls_handshake", "no_certificate", "certificate_foreign",
	"certificate_expired", "certificate_revoked", "certificate_unknown", "wrong_address",
	"remote", "unknown_device", "quarantined", "bad_token", "token_expired", "token_used",
	"too_many_tries", "not_approved", "bad_request", "bad_csr", "timeout", "crowded",
	"kernel", "registry", "wrong_device", "not_offered", "artifact", "rekey", "too_soon", "clock",
	"idevid_foreign", "idevid_expired", "idevid_unknown", "idevid_enrolled", "policy",
	"page_tls", "page_no_certificate", "page_no_operator", "page_foreign", "page_expired", "page_revoked",
	"page_unknown", "page_host", "page_forged", "page_request", "page_timeout", "page_crowded",
	"page_act_failed", "page_history",
	"fleet_unreachable", "fleet_offline", "fleet_refused", "moved_gateway", "gateway_expelled",
};

static const char * const updates[SERVE_UPDATES] = {
	"offered", "succeeded", "failed", "canceled", "rollout_stopped", "outdated", "restored",
};

/** serve_accepted_name - name of an enum serve_accepted */
const char *serve_accepted_name(unsigned int what)
{
	return what < SERVE_ACCEPTED ? accepted[what] : "unknown";
}

/** serve_refused_name - name of an enum serve_refused */
const char *serve_refused_name(unsigned int why)
{
	return why < SERVE_REFUSED ? refused[why] : "unknown";
}

/** serve_update_name - name of an enum serve_update */
const char *serve_update_name(unsigned int what)
{
	return what < SERVE_UPDATES ? updates[what] : "unknown";
}

/**
 * serve_counters_new - counters, all zero
 * @run: directory; made if it is not there
 * @err: -errno, on failure
 *
 * The file is new each time, since who has the old one mapped may still count in it.
 *
 * Return: them, shared with whoever is forked from now on; NULL.
 */
struct serve_counters *serve_counters_new(const char *run, int *err)
{
	struct serve_counters *c, first = { .magic = MAGIC, .started = time(NULL) };
	char path[SERVE_NAME_LEN + 16];
	int fd;

	snprintf(path, sizeof(path), "%s/serve.stats", run);
	*err = file_make_dirs(run, 0755);
	if (!*err)
		*err = file_write(path, &first, sizeof(first), 0644);
	if (*err)
		return NULL;
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		*err = -errno;
		return NULL;
	}
	c = mmap(NULL, sizeof(*c), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	*err = c == MAP_FAILED ? -errno : 0;
	close(fd);
	return *err ? NULL : c;
}

/**
 * serve_counters_read - counters of a server that runs, or ran last
 * @run: directory
 * @out: filled
 *
 * Return: 0; -ENOENT, none ever ran; -EPROTO, one of another version; another -errno.
 */
int serve_counters_read(const char *run, struct serve_counters *out)
{
	char path[SERVE_NAME_LEN + 16], *data;
	size_t len;
	int err;

	snprintf(path, sizeof(path), "%s/serve.stats", run);
	err = file_read(path, sizeof(*out), &data, &len);
	if (err)
		return err;
	memset(out, 0, sizeof(*out));
	memcpy(out, data, len);
	free(data);
	return len == sizeof(*out) && out->magic == MAGIC ? 0 : -EPROTO;
}

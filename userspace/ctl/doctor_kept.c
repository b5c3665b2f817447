// SPDX-License-Identifier: GPL-2.0
/* doctor: what would be lost if the power went, and revocation lists that nobody renews. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/doctor.h"
#include "host/health.h"
#include "serve/common/revoked.h"
#include "serve/common/serve.h"
#include "state/state.h"

#define RUNS		"/sys/fs/cgroup/system.slice/cordon-state.service"

/* Whether the file holds what the kernel does. Return: 1, it does; 0; -1, that cannot be told. */
static int is_saved(struct doctor *d, const char *dir)
{
	struct state *now = NULL, *before = NULL;
	FILE *unused = fopen("/dev/null", "w");
	char *path = kept_path(dir, "state");
	int lock = access(dir, W_OK) ? -1 : kept_lock(dir), saved = -1;

	if (unused && path && lock >= 0 && !keep_collect(&d->nl, dir, &now))
		saved = !state_load(path, &before, unused) && state_settle(now, before);
	state_free(before);
	state_free(now);
	free(path);
	if (lock >= 0)
		close(lock);
	if (unused)
		fclose(unused);
	return saved;
}

/**
 * doctor_kept - quarantines, leases and what was changed of devices at run time are on the disk
 * @d: the doctor, with the kernel's answers
 *
 * Of another network namespace than the machine's own nothing is kept, unless the user said where.
 */
void doctor_kept(struct doctor *d)
{
	const char *dir = d->state ? d->state : kept_is_default_place() > 0 ? STATE_DIR : NULL;
	int saved;

	if (!dir || !d->asked || !d->summary.in_force)
		return;
	if (host_has(d->root, RUNS)) {
		doctor_say(d, GOOD, "state", NULL, "cordon-state.service keeps quarantines, leases and changes on the disk");
		return;
	}
	saved = is_saved(d, dir);
	if (saved < 0)
		doctor_say(d, UNKNOWN, "state", NULL, "%s cannot be compared with what the kernel holds", dir);
	else if (!saved)
		doctor_say(d, OPEN, "state", "systemctl start cordon-state, or: cordonctl state save",
			   "quarantines, leases or devices have changed since %s/state was saved: a power cut would undo that", dir);
	else if (host_has(d->root, "/run/systemd/system"))
		doctor_say(d, OPEN, "state", "systemctl start cordon-state",
			   "it is saved, but cordon-state.service does not run: what changes next is not");
	else
		doctor_say(d, GOOD, "state", NULL, "quarantines, leases and changes are saved in %s/state", dir);
}

/**
 * doctor_revoked - the revocation list beside the CA is in time
 * @d: the doctor, with @config
 *
 * The server signs one of its own whenever it is asked; this is the file that others may take.
 */
void doctor_revoked(struct doctor *d)
{
	char end[POLICY_TIME_LEN];
	struct pki_error unused;
	struct pki_ca ca;
	time_t until = 0;

	if (!d->config || pki_ca_load(d->config->ca, false, NULL, &ca, &unused))
		return;
	if (revoked_until(&ca, d->config->ca, &until))
		doctor_say(d, OPEN, "revocation", "cordonctl ca crl", "%s/crl.pem is no revocation list of this CA", d->config->ca);
	else if (until && until - time(NULL) < REVOKED_SOON)
		doctor_say(d, OPEN, "revocation", "cordonctl ca crl --renew; systemctl start cordon-check.timer",
			   "the list in %s/crl.pem %s %s", d->config->ca, until > time(NULL) ? "ends" : "has ended",
			   policy_time_text(until, end));
	else if (until)
		doctor_say(d, GOOD, "revocation", NULL, "the list in %s/crl.pem is good until %s", d->config->ca,
			   policy_time_text(until, end));
	pki_ca_free(&ca);
}

/* SPDX-License-Identifier: GPL-2.0 */
/* What the checks of 'doctor' share. */
#ifndef CORDON_DOCTOR_H
#define CORDON_DOCTOR_H

#include "ctl/ctl.h"

/** enum finding - whether something is as it should be */
enum finding { GOOD, OPEN, UNKNOWN };

/**
 * struct doctor - one call
 * @root: where /sys, /proc, /lib and /etc lie, in place of /
 * @path: of the policy
 * @config_path: of serve.yaml; NULL, the usual
 * @state: directory of what is kept, or NULL
 * @json: the answer is JSON
 * @list: it, as it grows
 * @journal: where what is open is told, too, or NULL
 * @open: how much is
 * @asked: the kernel answered; what follows is its
 * @nl: connection to it
 * @summary: of what is in force
 * @kernel: its policy, or NULL
 * @runtime: of that
 * @config: serve.yaml, or NULL
 */
struct doctor {
	const char *root;
	const char *path;
	const char *config_path;
	const char *state;
	bool json;
	json_t *list;
	struct journal *journal;
	unsigned int open;
	bool asked;
	struct cnl nl;
	struct cnl_summary summary;
	struct policy *kernel;
	struct cnl_runtime runtime;
	struct serve_config *config;
};

__attribute__((format(printf, 5, 6)))
void doctor_say(struct doctor *d, enum finding state, const char *check, const char *mend, const char *fmt, ...);

/* doctor_bypass.c: what takes packets past the hooks, and what closes a gateway that is guarded. */
void doctor_closed(struct doctor *d);
void doctor_bypass(struct doctor *d, const struct cnl_interfaces *all);

/* doctor_kept.c: what the next start would bring back, and what would be lost. */
void doctor_kept(struct doctor *d);
void doctor_revoked(struct doctor *d);

/* doctor_ca.c: whether the CA may sign, and where its root's key lies. */
void doctor_ca(struct doctor *d);

#endif

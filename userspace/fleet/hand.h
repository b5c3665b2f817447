/* SPDX-License-Identifier: GPL-2.0 */
/* The process that puts policies in force, and what it is asked: one question, one answer, over pipes. */
#ifndef CORDON_FLEET_HAND_H
#define CORDON_FLEET_HAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "priv/priv.h"

#define HAND_WHY	2048	/* bytes of what a command says, terminated */
#define HAND_NOTE	3072	/* bytes of a note: an answer is one write to a pipe, at most PIPE_BUF */
#define HAND_ABSENT	UINT32_MAX

/** enum hand_do - what it does */
enum hand_do {
	HAND_APPLY,	/* write the texts, and put them in force; where they need not be confirmed, the next start has them */
	HAND_CONFIRM,	/* what is on trial stays; the next start has it */
	HAND_KEEP,	/* somebody has confirmed it here: the next start has it */
	HAND_DIFFERS,	/* is what is in force the policy that the next start has? status 0, it is; 3, it is not */
	HAND_WRITE,	/* keep a note */
	HAND_READ,	/* and what was noted */
};

/**
 * struct hand_question - then @common bytes, and @text bytes
 * @what: enum hand_do
 * @confirm: seconds that it is on trial; 0, it is not
 * @force: also where it cuts off whoever is connected
 * @common: bytes of the common file; HAND_ABSENT, there is none
 * @text: bytes of the gateway's file, or of the note
 * @number: of the policy
 * @sequence: of the question
 */
struct hand_question {
	uint32_t what;
	uint32_t confirm;
	uint32_t force;
	uint32_t common;
	uint32_t text;
	int64_t number;
	uint32_t sequence;
};

/**
 * struct hand_answer - then @len bytes: what the command said, or the note
 * @status: exit status; -errno, it came to none
 * @sequence: of the question
 * @len: less than HAND_NOTE
 */
struct hand_answer {
	int32_t status;
	uint32_t sequence;
	uint32_t len;
};

/**
 * struct hand_place - where it does so
 * @directory: of policies, with common.yaml and gateway/; the process' working directory
 * @gateway: this one's name
 * @policy: file that the next start puts in force
 * @state: of cordonctl's --state; NULL, as it is without
 * @cordonctl: the program
 * @timeout: ms that it may take
 */
struct hand_place {
	const char *directory;
	const char *gateway;
	const char *policy;
	const char *state;
	const char *cordonctl;
	int timeout;
};

/* hand.c */
int hand_enter(const char *directory);
void hand_serve(const struct priv_channel *c, const struct hand_place *p);

/* hand_run.c */
int hand_run(const char *program, char *const argv[], int timeout, char why[HAND_WHY]);

/* hand_keep.c */
int hand_keep(const struct hand_place *p, int64_t number, char why[HAND_WHY]);

/* hand_ask.c */
int hand_start(const struct hand_place *p, struct priv_channel *out);
int hand_ask(const struct priv_channel *c, enum hand_do what, int64_t number, uint32_t confirm, bool force,
	     const char *common, const char *text);
int hand_answered(const struct priv_channel *c, int *status, char text[HAND_NOTE]);

#endif

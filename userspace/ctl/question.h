/* SPDX-License-Identifier: GPL-2.0 */
/* One packet that a person asks about, in words, and the gateway that it is asked of. */
#ifndef CORDON_QUESTION_H
#define CORDON_QUESTION_H

#include "lib/explain.h"
#include "nl/nl.h"

/**
 * struct question - what is asked
 * @from: who opens, as written
 * @source: source address of the packet, as written; or NULL, the sender's own
 * @to: towards whom, as written
 * @in: interface that it comes in on, or NULL
 * @out: interface that it leaves by, or NULL
 * @proto: IANA number
 * @port: destination port or ICMP type
 * @arp: it is a question of ARP
 * @solicits: it is one of neighbour discovery
 */
struct question {
	const char *from;
	const char *source;
	const char *to;
	const char *in;
	const char *out;
	u8 proto;
	u16 port;
	bool arp;
	bool solicits;
};

/**
 * struct facts - what it is answered from
 * @p: the policy
 * @sealed: the same, sealed
 * @runtime: states, where the kernel was asked
 * @assumed: of each device, an address of each family is assumed, as it learns them; NULL, of none
 * @e: the gateway
 */
struct facts {
	struct policy *p;
	struct cordon_policy *sealed;
	struct cnl_runtime runtime;
	bool *assumed;
	struct explain e;
};

/**
 * struct fault - why a question has no answer
 * @word: which word of it is wrong; NULL, one is missing
 * @why: what is wrong with it
 */
struct fault {
	const char *word;
	const char *why;
};

bool question_proto(struct question *q, const char *proto, const char *port, struct fault *fault);
int question_load(struct facts *f, const char *file, const char *const *words, u32 n);
int question_seal(struct facts *f);
int question_ends(struct facts *f);
bool question_packet(const struct facts *f, const struct question *q, struct explain_packet *packet,
		     struct fault *fault);
bool question_needs_interface(const struct cordon_addr *a);
u32 question_device(const struct facts *f, const char *word);
bool question_assumes(const struct facts *f, const struct explain_packet *packet);
void question_free(struct facts *f);

#endif

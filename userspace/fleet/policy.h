/* SPDX-License-Identifier: GPL-2.0 */
/* The fleet's policy within cordon-fleet: what is ordered, what is in force here, and who orders. */
#ifndef CORDON_FLEET_POLICY_H
#define CORDON_FLEET_POLICY_H

#include "fleet/fleet.h"
#include "fleet/hand.h"

#define POLICY_ORDER	"all/policy/order"
#define POLICY_COMMON	"all/policy/common"
#define POLICY_GATEWAY	"all/policy/gateway/"
#define POLICY_WRITER	"policy/writer"	/* each write of a policy compares it, and changes it; watched by nobody */

/**
 * struct fleet_order - which policy is to be in force
 * @number: of the policy; 0, none was ever ordered
 * @until: it is on trial until then, seconds since 1970; 0, it is confirmed
 * @confirm: seconds of the trial
 * @before: the policy that counts where the trial is over; 0, none
 * @force: also where it cuts off whoever is connected
 * @revision: mod revision in etcd: a confirmation is another one
 * @by: gateway that it was ordered at
 */
struct fleet_order {
	int64_t number;
	time_t until;
	uint32_t confirm;
	int64_t before;
	bool force;
	int64_t revision;
	char by[STORE_GATEWAY_LEN];
};

/* policy_order.c */
int fleet_order_read(struct store *s, struct fleet_order *out);
int fleet_order_parse(const char *text, size_t len, struct fleet_order *out);
json_t *fleet_order_json(const struct fleet_order *o);
int64_t fleet_order_good(const struct fleet_order *o);
json_t *fleet_texts_read(struct store *s, const char *key, int *err);
json_t *fleet_texts_at(const json_t *texts, int64_t number);
json_t *fleet_texts_put(const json_t *texts, int64_t good, int64_t number, json_t *text);
int64_t fleet_texts_last(const json_t *texts);

/** enum fleet_is - what became of a policy here */
enum fleet_is { FLEET_NOTHING, FLEET_IN_FORCE, FLEET_ON_TRIAL, FLEET_REFUSED, FLEET_ROLLED_BACK };

/**
 * struct fleet_had - what this gateway has of the fleet's policies; kept by hand, as a note
 * @good: number of the policy that is in force for good; 0, none of the fleet's
 * @number: of the one that was ordered last
 * @revision: of its order
 * @is: what became of it
 * @why: where that is a refusal
 * @at: when, seconds since 1970
 * @generation: the kernel's, of what is in force
 * @differs: what is in force was changed here since
 * @boot: of the machine in which it was so: a trial does not outlive it
 */
struct fleet_had {
	int64_t good;
	int64_t number;
	int64_t revision;
	enum fleet_is is;
	char why[HAND_WHY];
	time_t at;
	uint32_t generation;
	bool differs;
	char boot[40];
};

/* policy_had.c */
void fleet_boot_id(char out[40]);
const char *fleet_is_name(enum fleet_is is);
json_t *fleet_had_json(const struct fleet_had *h);
char *fleet_had_note(const struct fleet_had *h);
void fleet_had_parse(const char *note, struct fleet_had *h);

struct fleet_change;
struct fleet_show;

/**
 * struct fleet_policy - the fleet's policy, here
 * @f: cordon-fleet
 * @hand: something is to be read from hand
 * @tick: looks after trials, reports and what is changed here
 * @known: @had was read
 * @busy: hand was asked, and has not answered
 * @doing: what it was asked
 * @order: that is put in force
 * @number: of the policy that is put in force
 * @confirm: seconds that it is on trial; 0, it is not
 * @had: see there
 * @seen: the kernel's generation that @had.differs is about
 * @tried: when hand was asked last, by CLOCK_MONOTONIC
 * @report: says what is in force to etcd
 * @said: changes of @had
 * @told: of them etcd knows
 * @telling: and these it is being told
 * @drawn: of which a time was drawn to tell them, in a large fleet
 * @from: that time, by a clock that only goes on, ms
 * @change: somebody here orders another policy
 * @shows: questions that wait for etcd
 */
struct fleet_policy {
	struct fleet *f;
	struct event *hand;
	struct event *tick;
	bool known;
	bool busy;
	enum hand_do doing;
	struct fleet_order order;
	int64_t number;
	uint32_t confirm;
	struct fleet_had had;
	uint32_t seen;
	time_t tried;
	struct etcd_call *report;
	uint64_t said;
	uint64_t told;
	uint64_t telling;
	uint64_t drawn;
	int64_t from;
	struct fleet_change *change;
	struct fleet_show *shows;
};

/* policy_report.c */
void fleet_policy_report(struct fleet_policy *p);

/* policy_apply.c, policy_show.c */
void fleet_change_end(struct fleet_policy *p);
void fleet_shows_end(struct fleet_policy *p);

#endif

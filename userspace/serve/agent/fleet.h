/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What must happen once in the fleet is asked of cordon-fleet, over its socket (userspace/fleet/README). Nobody waits
 * for it: a request whose answer depends on it is kept in a slot, byte by byte, and handled again, from the start, when
 * cordon-fleet has answered. A gateway that is alone has none of this: agent.fleet is NULL. Within the agent.
 */
#ifndef CORDON_AGENT_FLEET_H
#define CORDON_AGENT_FLEET_H

#include <jansson.h>

#include "serve/agent/agent.h"

#define FLEET_SLOTS	128	/* requests that wait */
#define FLEET_PER_DEVICE 2	/* of these of one device: one that was asked for, and one behind it */
#define FLEET_LINE	65536	/* bytes of a line of cordon-fleet, and of what is to be written */
#define FLEET_PATIENCE	5	/* seconds that a request waits, however often it is handled again */
#define FLEET_TRIES	3	/* times that somebody may have been faster */
#define FLEET_RETRY	1	/* seconds between two tries to connect */
#define FLEET_BEAT	5	/* seconds of silence after which it is asked whether it is there, and that it has to answer */
#define FLEET_LOCKED	200	/* milliseconds that are waited while cordon-fleet writes to the registry */

/** enum agent_slot_kind - what a slot's request wants */
enum agent_slot_kind {
	FLEET_FREE,
	FLEET_CERTIFY,
	FLEET_HOLD,
};

/** enum agent_slot_is - what cordon-fleet has said */
enum agent_slot_is {
	FLEET_NOTHING,		/* nothing yet */
	FLEET_DONE,
	FLEET_AGAIN,		/* somebody was faster */
	FLEET_ELSEWHERE,	/* another gateway holds the device */
	FLEET_UNREACHABLE,
	FLEET_REFUSED,
};

/**
 * struct agent_slot - a request that waits
 * @kind: FLEET_FREE, it is nobody's
 * @id: of the question; 0, none is out
 * @request: as front sent it, which may hold a token
 * @len: of @request
 * @until: when it has waited long enough, by agent_clock()
 * @asked: lines that had been heard when the question went out
 * @tries: how often somebody was faster
 * @behind: another request of the device is out: this one is handled when that has ended
 * @ready: it is to be handled again now
 * @is: what the answer is
 * @why: why not, in words; or the gateway that holds the device
 * @name: of the device
 * @mac: its
 * @cert: FLEET_CERTIFY: what was asked for
 * @former: a certificate that this one takes the place of
 * @replaces: there is a @former
 */
struct agent_slot {
	enum agent_slot_kind kind;
	uint64_t id;
	uint8_t *request;
	size_t len;
	time_t until;
	uint64_t asked;
	unsigned int tries;
	const struct agent_slot *behind;
	bool ready;
	enum agent_slot_is is;
	char why[SERVE_TEXT_LEN];
	char name[PKI_NAME_LEN];
	uint8_t mac[6];
	struct store_certificate cert;
	uint8_t former[STORE_SERIAL_LEN];
	bool replaces;
};

/**
 * struct agent_fleet - the connection to cordon-fleet, and who waits for it
 * @fd: -1, there is none
 * @retry: when to connect again, by agent_clock()
 * @said: why there was no connection was logged
 * @in: a line, as far as it has come
 * @in_len: of @in
 * @out: what is to be written
 * @out_len: of @out
 * @lines: how many were heard
 * @spoke: when the last one was, or the connection was made, by agent_clock()
 * @beat: since then it was asked whether it is there, at this time; 0, it was not
 * @reachable: the registry is as etcd is, and etcd can be asked
 * @sure: @seen is known
 * @seen: when that was known last, by agent_clock(); while it is so, it does not matter
 * @last_id: of a question
 * @slots: requests that wait
 * @used: how many of these are somebody's
 * @raw: the request that is being handled, as front sent it; NULL, it is page's
 * @raw_len: of @raw
 * @now: the slot that it is in; NULL, it came just now
 * @later: it waits: no reply yet
 * @former: a certificate that the one which it asks for takes the place of
 * @replaces: there is a @former
 */
struct agent_fleet {
	int fd;
	time_t retry;
	bool said;
	char in[FLEET_LINE];
	size_t in_len;
	char out[FLEET_LINE];
	size_t out_len;
	uint64_t lines;
	time_t spoke;
	time_t beat;
	bool reachable;
	bool sure;
	time_t seen;
	uint64_t last_id;
	struct agent_slot slots[FLEET_SLOTS];
	unsigned int used;
	const uint8_t *raw;
	size_t raw_len;
	struct agent_slot *now;
	bool later;
	uint8_t former[STORE_SERIAL_LEN];
	bool replaces;
};

/* fleet.c: the connection */
int agent_fleet_write(struct agent *a, json_t *question);
void agent_fleet_hang_up(struct agent *a, const char *why);

/* slot.c */
void agent_slot_ask(struct agent *a, const struct serve_request *q, struct serve_reply *r, const struct agent_slot *what,
		    json_t *question);
void agent_slot_answer(struct agent *a, const json_t *answer);
void agent_slots_lost(struct agent *a);
void agent_slots_late(struct agent *a);
void agent_slots_run(struct agent *a, uint8_t *out);
void agent_slots_free(struct agent_fleet *f);
void agent_fleet_unreachable(struct agent *a, const struct serve_request *q, struct serve_reply *r);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Between the files that see to it that one gateway holds a device:
 *
 *	holder.c	begins and ends them; whose turn it is
 *	hold.c		one piece of work: holder/MAC is read, decided on, written or deleted
 *	release.c	leases that ended, or that nobody asked for; what is held, compared with holder/
 *	moved.c		"to/NAME/": who took a device over
 */
#ifndef CORDON_FLEET_HOLDER_H
#define CORDON_FLEET_HOLDER_H

#include <sys/queue.h>

#include "fleet/fleet.h"
#include "fleet/macs.h"

#define HOLD_WORKS	256	/* at a time */
#define HOLD_PACED	16	/* of those, that nobody waits for */
#define HOLD_TRIES	3
#define HOLD_RECENT	1024
#define HOLD_FRESH	5	/* seconds in which who asked gives the lease */
#define HOLD_KEY	(STORE_GATEWAY_LEN + 32)
#define HOLD_SKEW	60	/* seconds by which two gateways' clocks may differ */
#define HOLD_CHECK	64	/* keys of holder/ that are read at a time */

enum hold_kind {
	HOLD_ASKED,	/* somebody waits for the answer */
	HOLD_CLAIM,	/* the kernel gave a lease, and nobody has asked */
	HOLD_RELEASE,	/* the lease has ended */
};

/**
 * struct hold_owner - what holder/MAC says
 * @gateway: who holds it; empty, nobody
 * @attempt: number of the write
 * @span: seconds that a lease can hold, at most, without this key's word
 * @revision: mod revision; 0, it is not there
 * @sound: it makes sense
 */
struct hold_owner {
	char gateway[STORE_GATEWAY_LEN];
	char attempt[33];
	int64_t span;
	int64_t revision;
	bool sound;
};

/**
 * struct hold - a piece of work on one device's key
 * @entry: among all
 * @h: whose
 * @kind: what is wanted
 * @client: who asked
 * @id: of the question
 * @mac: the device
 * @name: its
 * @port: where it is
 * @lease: seconds that it will have at most
 * @roam: it may be taken from another gateway
 * @running: it is its turn
 * @tries: reads of the key so far
 * @attempt: number of our write; empty, none so far
 * @owner: what the key said last
 * @gone: mod revision of to/OWNER/gone, by which the owner's lease is over; 0, that is not why it is taken
 * @moved: revision at which another gateway has taken the device from us meanwhile
 * @call: on its way
 */
struct hold {
	TAILQ_ENTRY(hold) entry;
	struct fleet_holder *h;
	enum hold_kind kind;
	uint64_t client;
	json_t *id;
	uint8_t mac[6];
	char name[CORDON_DEVICE_NAME_LEN];
	char port[CORDON_IFNAME_LEN];
	int64_t lease;
	bool roam;
	bool running;
	unsigned int tries;
	char attempt[33];
	struct hold_owner owner;
	int64_t gone;
	int64_t moved;
	struct etcd_call *call;
};

TAILQ_HEAD(holds, hold);

/**
 * struct hold_recent - a device that we got
 * @mac: which
 * @revision: with this one: what is older says nothing of it
 * @when: by the wall clock
 */
struct hold_recent {
	uint8_t mac[6];
	int64_t revision;
	time_t when;
};

/**
 * struct fleet_holder - which gateway has which device
 * @f: whose
 * @works: all, in the order of their coming
 * @n: how many
 * @recent: what we got last
 * @next: of @recent, that is overwritten next
 * @look: devices to be looked at: their lease ended, or nobody asked for it
 * @retry: of those, that holder/ may still say are ours, and the registry no more
 * @idle: held, and without a lease at the last look
 * @pace: one of @look after the other
 * @check: held devices whose key is to be read
 * @checking: those that are being read
 * @n_checking: how many
 * @check_call: on its way
 * @to: "to/NAME/"
 * @list: of it, being read
 * @watch: of it
 * @again: to list it again
 * @pause: ms until then
 * @failed: some of the list could not be done
 * @every: ms between two of @look
 */
struct fleet_holder {
	struct fleet *f;
	struct holds works;
	unsigned int n;
	struct hold_recent recent[HOLD_RECENT];
	size_t next;
	struct macs look;
	struct macs retry;
	struct macs idle;
	struct event *pace;
	struct macs check;
	uint8_t checking[HOLD_CHECK][6];
	size_t n_checking;
	struct etcd_call *check_call;
	char to[HOLD_KEY];
	struct etcd_list *list;
	struct etcd_watch *watch;
	struct event *again;
	unsigned int pause;
	bool failed;
	unsigned int every;
};

/* holder.c */
struct hold *hold_new(struct fleet_holder *h, enum hold_kind kind, const uint8_t mac[6]);
void hold_end(struct hold *w);			/* the next one of this device has its turn */
struct hold *hold_find(const struct fleet_holder *h, const uint8_t mac[6]);	/* the running one */
int64_t hold_revision(const struct fleet_holder *h, const uint8_t mac[6]);	/* since which it is ours; 0, of old */
bool hold_fresh(const struct fleet_holder *h, const uint8_t mac[6]);	/* its lease may still come */
void hold_note(struct fleet_holder *h, const uint8_t mac[6], int64_t revision);
bool hold_lost(struct fleet_holder *h, const uint8_t mac[6], const char *to);	/* false: not in the registry */
const char *hold_key(char out[HOLD_KEY], const uint8_t mac[6]);
void hold_owner_read(const struct etcd_kv *kv, size_t n, struct hold_owner *out);

/* hold.c */
void hold_begin(struct hold *w);

/* release.c */
void hold_pace(struct fleet_holder *h);		/* there is something to be looked at */
void hold_look(struct fleet_holder *h);		/* at one */
void hold_check_all(struct fleet_holder *h);	/* etcd is there: is what is held still ours */

/* moved.c */
void moved_begin(struct fleet_holder *h);
void moved_end(struct fleet_holder *h);

#endif

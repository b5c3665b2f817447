/* SPDX-License-Identifier: GPL-2.0 */
/* What the parts of cordon-fleet that face etcd share among themselves. */
#ifndef CORDON_FLEET_INTERNAL_H
#define CORDON_FLEET_INTERNAL_H

#include "fleet/fleet.h"
#include "priv/priv.h"

#define FLEET_USER	"cordon-fleet"
#define FLEET_WHY	512
#define FLEET_AGAIN	5	/* seconds until what failed is tried again */
#define FLEET_TICK	"all/tick"

/* reach.c */
void fleet_reach(struct fleet *f);
void fleet_heard(struct fleet *f);
void fleet_self(struct fleet *f, const char *value, size_t len, int64_t revision);
bool fleet_may_write(const struct fleet *f);
void fleet_refuse(struct fleet *f, const char *why);
void fleet_trouble(const struct fleet *f, char out[FLEET_WHY]);
time_t fleet_seconds(void);
unsigned int fleet_gateways_count(struct fleet *f);
unsigned int fleet_backoff(unsigned int gateways);
unsigned int fleet_spread(struct fleet *f, unsigned int each, unsigned int least, unsigned int most);
void fleet_after(struct event *timer, unsigned int ms);

/* batch.c */

/**
 * struct fleet_item - a key as etcd has it
 * @key: the key
 * @value: NULL, it was deleted
 * @len: of @value
 * @revision: of its last change
 */
struct fleet_item {
	char *key;
	char *value;
	size_t len;
	int64_t revision;
};

/**
 * struct fleet_batch - what goes into the registry in one transaction
 * @items: in order
 * @n: of them
 * @room: for so many
 * @bytes: of all keys and values
 */
struct fleet_batch {
	struct fleet_item *items;
	size_t n;
	size_t room;
	size_t bytes;
};

int fleet_batch_add(struct fleet_batch *b, const struct etcd_kv *kv, bool deleted);
void fleet_batch_clear(struct fleet_batch *b);
int fleet_batch_take(struct fleet *f, struct fleet_batch *b, const struct etcd_position *to, bool all);

/* replica.c */
bool fleet_replica_is_open(const struct fleet *f);
bool fleet_replica_is_whole(const struct fleet *f);
void fleet_replica_why(const struct fleet *f, char out[FLEET_WHY]);
void fleet_replica_poke(struct fleet *f);
void fleet_replica_stop(struct fleet *f);
void fleet_replica_compare(struct fleet *f);

/* tick.c */
struct fleet_tick;
struct fleet_tick *fleet_tick_new(struct fleet *f);
void fleet_tick_free(struct fleet_tick *t);
void fleet_tick_want(struct fleet_tick *t, int64_t revision);
void fleet_tick_seen(struct fleet_tick *t, int64_t revision);
int fleet_tick_after(struct fleet_tick *t, int64_t revision, void (*then)(bool is, void *arg), void *arg);
void fleet_tick_reached(struct fleet_tick *t);
void fleet_tick_fail(struct fleet_tick *t);

/* turn.c */
struct fleet_turn;
struct fleet_turn *fleet_turn_new(struct fleet *f);
void fleet_turn_free(struct fleet_turn *t);
void fleet_turn_want(struct fleet_turn *t, void (*then)(void *arg), void *arg, char why[ETCD_WHY]);
void fleet_turn_over(struct fleet_turn *t);

/* outbox.c */
bool fleet_outbox_is_told(const struct fleet *f);
void fleet_outbox_forget(struct fleet *f);

/* session.c */
bool fleet_session_is_held(const struct fleet *f);
void fleet_session_poke(struct fleet *f);
void fleet_session_why(const struct fleet *f, char out[FLEET_WHY]);
void fleet_session_leave(struct fleet *f, void (*then)(void *arg), void *arg);
int fleet_session_instance(char out[FLEET_INSTANCE]);

/* socket.c */
void fleet_say_no(struct fleet *f, uint64_t client, json_t *id, const char *is, const char *why);

/* row.c: all/gateway/NAME as this gateway writes it */
int fleet_row_begin(struct fleet *f);
void fleet_row_end(struct fleet *f);

/* certify.c, status.c, expel.c: after etcd's client has ended */
void fleet_certify_end(void);
void fleet_status_end(void);
void fleet_expel_end(void);
void fleet_where_end(void);

/* begin.c */
int fleet_run(struct fleet *f, void (*ready)(void *arg), void *arg);
void fleet_anew(struct fleet *f);

/* resolve.c */

/**
 * struct fleet_endpoints - members of etcd, with the addresses of those that have names
 * @at: as the client takes them
 * @address: for @at
 * @port: of each
 * @n: how many
 */
struct fleet_endpoints {
	struct etcd_endpoint at[ETCD_ENDPOINTS];
	char address[ETCD_ENDPOINTS][64];
	uint16_t port[ETCD_ENDPOINTS];
	size_t n;
};

int fleet_resolve(const struct serve_fleet *c, struct fleet_endpoints *out);

#endif

/* SPDX-License-Identifier: GPL-2.0 */
/* Within cordon-fleet: one process, one event loop, nothing that waits but SQLite and the kernel's own answers. */
#ifndef CORDON_FLEET_H
#define CORDON_FLEET_H

#include <event2/event.h>
#include <jansson.h>

#include "etcd/etcd.h"
#include "nl/nl.h"
#include "serve/common/serve.h"
#include "store/fleet.h"

struct fleet_client;

#define FLEET_INSTANCE	33	/* bytes of a number in hexadecimal, terminated */

/**
 * struct fleet - cordon-fleet
 * @config: serve.yaml
 * @base: the loop
 * @etcd: the client
 * @store: the registry
 * @nl: to the kernel
 * @connected: @nl is open
 * @at: how far the registry is
 * @self: mod revision of all/gateway/NAME, which each write compares: an expelled gateway writes nothing; 0, not there
 * @expelled: this gateway is cut out of the fleet
 * @reachable: the watch is open, all that etcd has is in the registry, and etcd has the revocations that waited here
 * @since: of @reachable as it is, seconds since 1970
 * @owner: user who started it: 0, or in a test another one, who stands for root
 * @instance: number of this installation, by which two gateways of one name are told apart
 * @anew: begins all parts anew, from the loop
 * @gateways: how many the fleet has, counted a while ago
 * @counted: when, by a clock that only goes on, seconds; 0, never
 * @state: of 'cordonctl apply --state'; NULL, as it is without
 * @hand: pipes to the process that puts policies in force; -1, none
 */
struct fleet {
	const struct serve_config *config;
	struct event_base *base;
	struct etcd *etcd;
	struct store store;
	struct cnl nl;
	bool connected;
	struct store_fleet at;
	int64_t self;
	bool expelled;
	bool reachable;
	time_t since;
	struct priv_channel hand;
	const char *state;
	uid_t owner;
	char instance[FLEET_INSTANCE];
	struct event *anew;
	unsigned int gateways;
	time_t counted;
	struct fleet_replica *replica;
	struct fleet_outbox *outbox;
	struct fleet_session *session;
	struct fleet_row *row;
	struct fleet_socket *socket;
	struct fleet_kernel *kernel;
	struct fleet_holder *holder;
	struct fleet_policy *policy;
	struct fleet_members *members;
	struct fleet_issuers *issuers;
};

/* Each has _begin(), 0 or -errno with a line in the log, and _end(), which may be called without. */

/* replica.c: "all/", into the registry. fleet_effect() is called for each, after the commit. */
int fleet_replica_begin(struct fleet *f);
void fleet_replica_end(struct fleet *f);
void fleet_effect(struct fleet *f, const struct store_fleet_effect *e);
/* Call @then when all up to @revision is in the registry; with false, it cannot be. */
int fleet_replica_after(struct fleet *f, int64_t revision, void (*then)(bool is, void *arg), void *arg);

/* outbox.c: what the registry has noted as changed, into etcd. */
int fleet_outbox_begin(struct fleet *f);
void fleet_outbox_end(struct fleet *f);
void fleet_outbox_poke(struct fleet *f);	/* there is something */

/* session.c: here/NAME, which goes when this gateway does; and all/gateway/NAME. */
int fleet_session_begin(struct fleet *f);
void fleet_session_end(struct fleet *f);

/*
 * socket.c. An answer takes its JSON over, and finds the client gone without harm. A question below owns @id, which it
 * gives to the one answer that it makes.
 */
int fleet_socket_begin(struct fleet *f);
void fleet_socket_end(struct fleet *f);
void fleet_socket_state(struct fleet *f);	/* reachable, or not any more */
void fleet_answer(struct fleet *f, uint64_t client, json_t *id, const char *is, json_t *more);
bool fleet_is_root(struct fleet *f, uint64_t client);

/* Questions: @client and @id are for fleet_answer(). */
void fleet_certify(struct fleet *f, uint64_t client, json_t *id, const json_t *q);	/* certify.c */
void fleet_hold(struct fleet *f, uint64_t client, json_t *id, const json_t *q);	/* holder.c */
void fleet_status(struct fleet *f, uint64_t client, json_t *id, const json_t *q);	/* status.c */
void fleet_gateways(struct fleet *f, uint64_t client, json_t *id, const json_t *q);
void fleet_expel(struct fleet *f, uint64_t client, json_t *id, const json_t *q);	/* expel.c */
void fleet_where(struct fleet *f, uint64_t client, json_t *id, const json_t *q);	/* where.c */
void fleet_rejoin(struct fleet *f, uint64_t client, json_t *id, const json_t *q);
void fleet_apply(struct fleet *f, uint64_t client, json_t *id, const json_t *q);	/* policy.c */
void fleet_confirm(struct fleet *f, uint64_t client, json_t *id, const json_t *q);
void fleet_policies(struct fleet *f, uint64_t client, json_t *id, const json_t *q);	/* policy_show.c */

/**
 * struct fleet_lease - a lease that the kernel has
 * @mac: whose
 * @name: of the device, as the policy has it
 * @port: to which it is bound; empty, to none
 * @left: seconds
 * @certified: a check-in gave it; else an operator did
 * @roam: the device may be at more than one place
 */
struct fleet_lease {
	uint8_t mac[6];
	char name[CORDON_DEVICE_NAME_LEN];
	char port[CORDON_IFNAME_LEN];
	uint32_t left;
	bool certified;
	bool roam;
};

/** enum fleet_root - what etcd says of the fleet's root */
enum fleet_root {
	FLEET_ROOT_UNKNOWN,	/* etcd is not there */
	FLEET_ROOT_NONE,	/* there is no fleet yet */
	FLEET_ROOT_WRONG,	/* another one than this gateway's CA has */
	FLEET_ROOT_RIGHT,
};

/* members.c: who is in the fleet. Begins before anything else here, while files can be opened. */
int fleet_members_begin(struct fleet *f);
void fleet_members_end(struct fleet *f);
const struct pki_ca *fleet_ca(const struct fleet *f);
const char *fleet_client(const struct fleet *f);	/* "client" of all/gateway/NAME */
bool fleet_root_is_right(const struct fleet *f, const char *value, size_t len, char *why, size_t size);
int fleet_root_look(struct fleet *f, void (*then)(struct fleet *f, enum fleet_root is, const char *why));
void fleet_init(struct fleet *f, uint64_t client, json_t *id, const json_t *q);
void fleet_add(struct fleet *f, uint64_t client, json_t *id, const json_t *q);

/* issuers.c: DIRECTORY/issuers.pem. Begins as root, behind members; then priv_enter() with that directory as writable. */
int fleet_issuers_begin(struct fleet *f);
void fleet_issuers_end(struct fleet *f);
void fleet_issuers_write(struct fleet *f);	/* at each STORE_FLEET_GATEWAY, and after a list: soon */
char *fleet_issuers_own(const struct fleet *f, uint8_t issuer[PKI_FINGERPRINT_LEN]);

/* kernel.c: leases and quarantine, both ways. */
int fleet_kernel_begin(struct fleet *f);
void fleet_kernel_end(struct fleet *f);
void fleet_kernel_revoked(struct fleet *f, const uint8_t mac[6], const uint8_t fingerprint[32]);
void fleet_kernel_mark(struct fleet *f, const uint8_t mac[6], bool quarantine);
void fleet_kernel_forget(struct fleet *f);	/* the registry was put back from a backup */
void fleet_kernel_agree(struct fleet *f);	/* after a list, or a start: all marks, all revoked */
int fleet_kernel_end_lease(struct fleet *f, const uint8_t mac[6]);	/* whichever it is; 0, there is none */
/* -ENOENT, it has none; another -errno, that is not known. */
int fleet_kernel_lease(struct fleet *f, const uint8_t mac[6], struct fleet_lease *out);

/* holder.c: which gateway has which device; "to/NAME/". */
int fleet_holder_begin(struct fleet *f);
void fleet_holder_end(struct fleet *f);
void fleet_holder_lease_ended(struct fleet *f, const uint8_t mac[6]);
void fleet_holder_leased(struct fleet *f, const uint8_t mac[6]);	/* by a check-in */
/* All that the kernel has, ordered by MAC. */
void fleet_holder_leases(struct fleet *f, const struct fleet_lease *leases, size_t n);

/* policy*.c, hand*.c: see policy.h, hand.h */
int fleet_hand_start(struct fleet *f);		/* before anything else is open, as root */
int fleet_policy_begin(struct fleet *f);
void fleet_policy_end(struct fleet *f);
void fleet_policy_changed(struct fleet *f);
json_t *fleet_policy_status(const struct fleet *f);	/* what is in force of the fleet's; null, nothing ever was */

#endif

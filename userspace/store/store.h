/* SPDX-License-Identifier: GPL-2.0 */
/* The registry: devices that enrol, their tokens, certificates and check-ins. SQLite, WAL. */
#ifndef CORDON_STORE_H
#define CORDON_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define STORE_ERROR_LEN	256
#define STORE_SERIAL_LEN 16
#define STORE_PATH	"/var/lib/cordon/registry.db"
#define STORE_TOKEN_LEN	27	/* a token of ours: 128 bit in base32, terminated */
#define STORE_LOST	"?"	/* name of a revoked certificate of which only the serial number is known */

/**
 * struct store - the registry, open
 * @db: SQLite's
 * @error: a sentence about what went wrong last
 */
struct store {
	struct sqlite3 *db;
	struct store_statements *st;
	char error[STORE_ERROR_LEN];
};

/** struct store_device - a device that has, had or will have a certificate */
struct store_device {
	char name[64];
	uint8_t mac[6];
	bool approval;		/* its token asks for an operator's approval */
	bool approved;		/* and that was given; a new token takes it back */
	time_t enrolled;	/* first certificate; 0, never */
	time_t checkin;		/* last; 0, never */
	char firmware[64];	/* as last told; or empty */
	char model[32];		/* as the policy said when it was offered something; or empty */
	time_t retired;		/* out of use since; 0, it is not; a new token takes it back */
};

/** struct store_retired - what it took to retire a device */
struct store_retired {
	unsigned int revoked;	/* certificates */
	bool token;		/* it had one that was not used up */
	bool again;		/* it was retired before */
};

/** struct store_token_facts - what may be told of a device's token; the secret is not kept */
struct store_token_facts {
	bool known;		/* it has, or had one */
	bool used;
	time_t made;
	time_t expires;
};

enum store_state {
	STORE_RESERVED,		/* serial recorded, the certificate is not made yet */
	STORE_ISSUED,		/* made; whether it reached the device is not known */
	STORE_DELIVERED,	/* the device has it */
	STORE_REVOKED,
	STORE_ABANDONED,	/* reserved, and never made */
};

/** struct store_certificate - a certificate that was handed out, or nearly so */
struct store_certificate {
	uint8_t serial[STORE_SERIAL_LEN];
	int kind;		/* enum pki_kind */
	enum store_state state;
	char name[64];
	uint8_t mac[6];
	uint8_t fingerprint[32];
	uint8_t key_id[32];	/* SHA-256 of the SubjectPublicKeyInfo */
	time_t not_before;
	time_t not_after;
	time_t revoked;		/* when */
	int reason;		/* RFC 5280, 5.3.1 */
	char gateway[64];	/* that made it, and has its DER; empty, this one */
};

enum store_token {
	STORE_TOKEN_GOOD,	/* it is this device's, in time and unused */
	STORE_TOKEN_PENDING,	/* used for a certificate of this key that may not have arrived */
	STORE_TOKEN_OTHER_KEY,	/* used for one of another key that may not have arrived */
	STORE_TOKEN_WRONG,	/* no such device, no token, or not this one */
	STORE_TOKEN_EXPIRED,
	STORE_TOKEN_USED,
};

/* Every function returns 0 or -errno with a sentence in s->error; -ENOENT, there is none. */
int store_open(struct store *s, const char *path, bool create);
/* Only to read: nothing is made, migrated or waited for. */
int store_peek(struct store *s, const char *path);
void store_close(struct store *s);
/* What was reserved when somebody was killed is abandoned. */
int store_recover(struct store *s, unsigned int *abandoned);
/* Write lock at once; waits up to 5 s for others. durable: on the disk when committed. */
int store_begin(struct store *s, bool durable);
void store_patience(struct store *s, unsigned int ms);
int store_commit(struct store *s);
void store_rollback(struct store *s);

/* Tokens. secret NULL: make one. The secret is in out, nowhere else; only its hash is kept.
 * A new token of a device replaces its older ones. Begins and commits itself. */
int store_token_new(struct store *s, const char *name, const uint8_t mac[6], const char *secret,
		    unsigned int valid, bool approval, time_t now, char *out, size_t size);
/* Is it the device's. Compared in constant time, and as slow for a name that does not exist. */
int store_token_check(struct store *s, const char *name, const char *secret, const uint8_t key_id[32],
		      time_t now, enum store_token *verdict, struct store_device *device,
		      uint8_t serial[STORE_SERIAL_LEN]);

/* Which token a device has now: changes with each new one; 0, none. */
int store_token_mark(struct store *s, const char *name, uint64_t *mark);
/* Who made it, in words; only to be listed. */
int store_token_maker(struct store *s, const char *name, const char *maker);

/**
 * struct store_token_info - a token, but for the secret
 * @name: the device's
 * @mac: its
 * @maker: who made it, in words; empty, not known
 * @made: when
 * @expires: likewise
 * @used: its certificate was delivered
 * @claimed: a certificate was issued for it, of which it is not known whether it arrived
 * @chosen: a person's choice, not a random one
 * @approval: it takes an operator's approval, too
 */
struct store_token_info {
	char name[64];
	uint8_t mac[6];
	char maker[64];
	time_t made;
	time_t expires;
	bool used;
	bool claimed;
	bool chosen;
	bool approval;
};

int store_token_each(struct store *s, int (*each)(const struct store_token_info *t, void *arg), void *arg);
/* It is of no use from then on. -ENOENT, there is none; -EPERM, it is used up. */
int store_token_withdraw(struct store *s, const char *name);
/* Is it the device's, and one of 128 random bits, which nobody guesses. */
int store_token_random(struct store *s, const char *name, const char *secret, bool *right);

int store_device_get(struct store *s, const char *name, struct store_device *out);
/* The first key that comes; store_pending_approve() is of one key. */
int store_device_approve(struct store *s, const char *name);
/* See that it is there, by this MAC: with another one it is another device, which never enrolled. */
int store_device_meet(struct store *s, const char *name, const uint8_t mac[6]);
int store_device_each(struct store *s, int (*each)(const struct store_device *d, void *arg), void *arg);

/* retire.c: out of use. All of its certificates are revoked, its token is used up, and it gets no certificate again
 * before a new token. -ENOENT: the registry has neither such a device nor a certificate of it. */
int store_device_retire(struct store *s, const char *name, const uint8_t *mac, time_t now, int reason,
			struct store_retired *out);
/* By its MAC, the one that has it last. */
int store_device_of_mac(struct store *s, const uint8_t mac[6], struct store_device *out);
int store_token_facts(struct store *s, const char *name, struct store_token_facts *out);
/** enum store_way - by what a device enrols */
enum store_way {
	STORE_WAY_TOKEN,
	STORE_WAY_IDEVID,	/* its manufacturer's certificate (IEEE 802.1AR) */
};

/**
 * struct store_pending - a key that waits for an operator's approval, or has it
 * @name: of the device
 * @mac: its
 * @key_id: SHA-256 of the SubjectPublicKeyInfo
 * @way: by what it would enrol
 * @peer: address that it came from last; empty, it has not come yet
 * @first: when it came first; 0, not yet
 * @last: and last
 * @approved: it may have its certificate
 */
struct store_pending {
	char name[64];
	uint8_t mac[6];
	uint8_t key_id[32];
	enum store_way way;
	char peer[64];
	time_t first;
	time_t last;
	bool approved;
};

/* May the device have a certificate of this key. */
int store_pending_approved(struct store *s, const char *name, const uint8_t key_id[32], bool *approved);
/* It waits; news: it did not before. */
int store_pending_note(struct store *s, const struct store_pending *p, bool *news);
int store_pending_approve(struct store *s, const char *name, const uint8_t key_id[32]);
/* It has its certificate: no approval is left. */
int store_pending_done(struct store *s, const char *name);
/* name NULL: all. */
int store_pending_each(struct store *s, const char *name,
		       int (*each)(const struct store_pending *p, void *arg), void *arg);

/* Certificates; within a transaction of the caller's. */
int store_cert_reserve(struct store *s, const struct store_certificate *cert);
int store_cert_issued(struct store *s, const uint8_t serial[STORE_SERIAL_LEN], const uint8_t *der,
		      size_t len, const uint8_t fingerprint[32], time_t not_after);
int store_cert_delivered(struct store *s, const uint8_t serial[STORE_SERIAL_LEN]);
int store_cert_revoke(struct store *s, const uint8_t serial[STORE_SERIAL_LEN], time_t when, int reason);
int store_cert_get(struct store *s, const uint8_t serial[STORE_SERIAL_LEN], struct store_certificate *out,
		   uint8_t **der, size_t *len);	/* der may be NULL; free() */
/* Has the device a certificate of this key that counts: made, not revoked, not over. */
int store_cert_has_key(struct store *s, const char *name, const uint8_t mac[6], const uint8_t key_id[32],
		       time_t now, bool *has);
/* When the device last got a certificate of another key without the old key's signature; 0, never. */
int store_rekey_get(struct store *s, const char *name, time_t *when);
int store_rekey_put(struct store *s, const char *name, const uint8_t mac[6], time_t when);
/* name NULL: all. */
int store_cert_each(struct store *s, const char *name,
		    int (*each)(const struct store_certificate *c, void *arg), void *arg);
/* The newest of a device, from the last on, so many at most. */
int store_cert_newest(struct store *s, const char *name, unsigned int most,
		      int (*each)(const struct store_certificate *c, void *arg), void *arg);
/* For a revocation list: those that are revoked and do not end before. */
int store_revoked_each(struct store *s, time_t ends, int (*each)(const struct store_certificate *c, void *arg),
		       void *arg);
/* After a crash: what was reserved and never made. */
int store_recover(struct store *s, unsigned int *abandoned);
/* Certificates that ended before. */
int store_prune(struct store *s, time_t before, unsigned int *gone);
/* The token that this certificate was issued for is used up with its delivery. */
int store_token_claim(struct store *s, const char *name, const uint8_t key_id[32],
		      const uint8_t serial[STORE_SERIAL_LEN]);

/* Of each name of a kind, the certificate that ends last; those that ended before since are left out. */
int store_expiry_each(struct store *s, int kind, time_t since,
		      int (*each)(const char *name, time_t from, time_t until, void *arg), void *arg);
int store_expiry_of(struct store *s, int kind, const char *name, time_t *until);	/* 0, it has none */
/* A roll-over of the CA; root: SHA-256 of the next one. Since begin, who gets a certificate knows it. */
int store_rollover_begin(struct store *s, const uint8_t root[32]);
int store_rollover_each(struct store *s, const uint8_t root[32], time_t now,
			int (*each)(const char *device, bool knows, void *arg), void *arg);

/* Older than what was signed since, or lost: what a registry takes over of that. Within a transaction. */
int store_cert_adopt(struct store *s, const struct store_certificate *cert, const uint8_t *der, size_t len);
int store_revoked_add(struct store *s, const uint8_t serial[STORE_SERIAL_LEN], time_t when, int reason, time_t ends,
		      bool *news);
int store_tokens_burn(struct store *s, int64_t until, unsigned int *burnt);
int store_crl_last(struct store *s, uint64_t *number);
int store_crl_raise(struct store *s, uint64_t number);
int store_restored_put(struct store *s, time_t when);
int store_restored_get(struct store *s, time_t *when);

/**
 * struct store_summary - what a registry holds
 * @version: of its tables
 * @devices: all of them
 * @certificates: all that were made
 * @revoked: of those
 * @tokens: that are not used up
 * @restored: when it was restored or found to be older than what was signed since; 0, never
 */
struct store_summary {
	int version;
	uint64_t devices;
	uint64_t certificates;
	uint64_t revoked;
	uint64_t tokens;
	time_t restored;
};

/* To read only, of this version or one before. */
int store_look(struct store *s, const char *path);
int store_summarize(struct store *s, struct store_summary *out);
/* What is wrong with it, in sentences; damage: it cannot be used. each may be NULL. */
int store_check(struct store *s, void (*each)(const char *fault, bool damage, void *arg), void *arg,
		unsigned int *faults, unsigned int *damage);
/* All of it as it is at one moment, whoever writes meanwhile. */
int store_backup(struct store *s, const char *path, void (*each)(const char *fault, bool damage, void *arg),
		 void *arg);
/* A copy that may be changed, in the directory of path; its name is 7 bytes longer. */
int store_stage(struct store *s, const char *file, const char *path, char *staged, size_t size);
void store_unstage(const char *staged);
/* Put the staged one in the place of path; what was there is kept as kept, which is empty where there was none. */
int store_replace(struct store *s, const char *path, char *kept, size_t size);

int store_checkin(struct store *s, const char *name, const uint8_t serial[STORE_SERIAL_LEN], time_t now,
		  const char *firmware);
/* Counts up and is never the same twice: a CRL's number. */
int store_crl_number(struct store *s, uint64_t *number);
/* Changes with every revocation: whoever keeps a CRL compares it. */
int store_revocations(struct store *s, uint64_t *generation);

#endif

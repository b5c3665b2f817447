/* SPDX-License-Identifier: GPL-2.0 */
/* Within the agent. */
#ifndef CORDON_AGENT_H
#define CORDON_AGENT_H

#include <poll.h>
#include <sys/stat.h>

#include "audit/audit.h"
#include "firmware/manifest.h"
#include "lib/policy.h"
#include "nl/nl.h"
#include "serve/agent/devices.h"
#include "serve/common/revoked.h"
#include "serve/common/serve.h"
#include "serve/agent/tries.h"
#include "store/firmware.h"
#include "store/store.h"

#define AGENT_RECORDS	64	/* check-ins that are not in the registry yet */

/**
 * struct agent_record - a check-in that was granted
 * @name: of the device
 * @mac: of it
 * @serial: of its certificate
 * @at: when
 * @firmware: as it told; may be empty
 */
struct agent_record {
	char name[PKI_NAME_LEN];
	uint8_t mac[6];
	uint8_t serial[PKI_SERIAL_LEN];
	time_t at;
	char firmware[SERVE_FIRMWARE_LEN];
};

/**
 * struct agent_posture - what devices' firmware is judged by
 * @floors: of the models
 * @n_floors: how many
 * @generation: of the registry, as of store_firmware_generation()
 * @policy: generation of the kernel's policy; 0, none was read
 * @tick: when to look again, by agent_clock()
 * @reload: when to ask the kernel for all devices, whether or not its policy changed
 * @until: when the first grace ends, seconds since 1970; 0, none
 */
struct agent_posture {
	struct firmware_floor *floors;
	size_t n_floors;
	uint64_t generation;
	uint32_t policy;
	time_t tick;
	time_t reload;
	time_t until;
};

#define AGENT_FORMER	(PKI_BAG_MAX / 2)	/* a root and an issuing certificate each */

/**
 * struct agent_former - a revocation list of an issuer before
 * @der: as signed last; NULL, it could not be
 * @len: of @der
 * @revocations: what it counts with, as of store_revocations()
 * @until: when another try is due
 * @made: when it was signed, seconds since 1970
 */
struct agent_former {
	uint8_t *der;
	size_t len;
	uint64_t revocations;
	time_t until;
	time_t made;
};

#define AGENT_OCSP	1024	/* statuses that are kept */

/**
 * struct agent_ocsp - the status of a certificate, as signed last
 * @issuer: of the certificate, as in struct serve_sign
 * @id: the certificate and its status
 * @made: when it was signed, seconds since 1970
 * @der: answer for any client; NULL, none
 * @len: of @der
 */
struct agent_ocsp {
	uint64_t issuer;
	struct pki_ocsp_id id;
	time_t made;
	uint8_t *der;
	size_t len;
};

/**
 * struct agent_log - the audit log, as far as agent writes it
 * @audit: the log; not open, where it could not be
 * @tally: how many lines there were of what others cause
 * @lost: lines that could not be written
 * @sync: when to have it on the disk, by agent_clock(); 0, there is nothing
 */
struct agent_log {
	struct audit audit;
	struct audit_tally tally;
	uint64_t lost;
	time_t sync;
};

/** struct agent_manufacturer - whose certificates may enrol devices */
struct agent_manufacturer {
	char name[SERVE_MANUFACTURER_LEN];
	STACK_OF(X509) *roots;
};

/** struct agent_vendored - a device for which the policy's file names a manufacturer's certificate */
struct agent_vendored {
	char issuer[SERVE_MANUFACTURER_LEN];
	char serial[POLICY_SERIAL_LEN];
	char name[CORDON_DEVICE_NAME_LEN];
	uint8_t mac[6];
};

/**
 * struct agent_idevid - first enrolments by manufacturers' certificates
 * @list: manufacturers
 * @n: how many
 */
struct agent_idevid {
	struct agent_manufacturer list[SERVE_MANUFACTURERS];
	size_t n;
};

/** struct agent_place_def - what the policy's file says of a device that comes and goes; lease: seconds */
struct agent_place_def {
	uint8_t mac[6];
	bool roam;
	uint32_t lease;
};

/**
 * struct agent_policy - what of the policy's file the kernel does not have, as it was read last
 * @vendored: devices with a manufacturer's certificate; none without manufacturers
 * @n_vendored: how many
 * @places: all devices, by MAC; none without a fleet
 * @n_places: how many
 * @err: it could not be read: -errno
 * @file: the file that was read
 * @until: when it is read again, changed or not, by agent_clock(); 0, at once
 */
struct agent_policy {
	struct agent_vendored *vendored;
	size_t n_vendored;
	struct agent_place_def *places;
	size_t n_places;
	int err;
	struct stat file;
	time_t until;
};

/**
 * struct agent_watch - what the process that writes the history is asked
 * @fd: socket to it; -1, nothing is
 * @request: of page: its number, who and what
 * @operator: who
 * @begun: as in struct agent_act
 * @until: when it has had its time, by agent_clock()
 */
struct agent_watch {
	int fd;
	struct serve_request request;
	char operator[PKI_NAME_LEN];
	uint64_t begun;
	time_t until;
};

/**
 * struct agent - the process that holds the registry and speaks netlink
 * @config: what holds now
 * @counters: shared
 * @front: pipes
 * @signer: pipes
 * @store: the registry
 * @nl: to the kernel
 * @connected: @nl is open
 * @ca: certificates of the CA
 * @ca_begin: when the issuing certificate begins
 * @ca_end: and ends
 * @expiry_next: when to look again for certificates that end
 * @former: revocation lists of issuers before, in @ca's order
 * @tries: wrong tokens
 * @devices: as the kernel has them
 * @idevid: manufacturers' certificates
 * @policy: the policy's file
 * @posture: what their firmware is judged by
 * @records: check-ins that are to be written down
 * @n_records: how many
 * @records_next: while others write, when to try again, by agent_clock()
 * @buf: for talks with the signer
 * @signed_offer: the last one, with its signature
 * @code_until: when another certificate is due to sign offers with; 0, there is none
 * @crl: revocation list, as signed last
 * @crl_len: of @crl
 * @crl_number: of the list
 * @crl_revocations: what it counts with, as of store_revocations()
 * @crl_until: when a new one is due
 * @crl_retry: after a failure, not before
 * @crl_made: when it was signed, seconds since 1970
 * @restored: when the registry was restored or found to be older than it should; 0, never
 * @page: socket to page, which never blocks; -1, there is none
 * @watch: an episode that is being acknowledged
 * @saved: files that the list is kept in, or -1
 * @is_saved: it was, since the start
 * @saved_revocations: with what it counted then
 * @saved_next: when to look again, by agent_clock()
 * @log: the audit log
 * @saved_made: when that list was signed, seconds since 1970
 * @ocsp: statuses that are kept
 * @ocsp_known: how often one of these was signed
 * @ocsp_other: and others
 * @fleet: other gateways; NULL, this one is alone
 */
struct agent {
	struct serve_config *config;
	struct serve_counters *counters;
	struct priv_channel front;
	struct priv_channel signer;
	struct store store;
	struct cnl nl;
	bool connected;
	struct pki_ca ca;
	time_t ca_begin;
	time_t ca_end;
	time_t expiry_next;
	struct agent_former former[AGENT_FORMER];
	struct tries tries;
	struct devices devices;
	struct agent_idevid idevid;
	struct agent_policy policy;
	struct agent_posture posture;
	struct agent_record records[AGENT_RECORDS];
	size_t n_records;
	time_t records_next;
	uint8_t *buf;
	uint8_t signed_offer[MANIFEST_MAX + MANIFEST_SIGNATURE_MAX + 16];
	time_t code_until;
	uint8_t *crl;
	size_t crl_len;
	uint64_t crl_number;
	uint64_t crl_revocations;
	time_t crl_until;
	time_t crl_retry;
	time_t crl_made;
	time_t restored;
	int page;
	struct agent_watch watch;
	int saved[REVOKED_SAVED];
	bool is_saved;
	uint64_t saved_revocations;
	time_t saved_next;
	struct agent_log log;
	time_t saved_made;
	struct agent_ocsp ocsp[AGENT_OCSP];
	struct serve_bucket ocsp_known;
	struct serve_bucket ocsp_other;
	struct agent_fleet *fleet;
};

void agent_refuse(struct agent *a, const struct serve_request *q, struct serve_reply *r, unsigned int status,
		  enum serve_refused reason, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
void agent_registry_failed(struct agent *a, const struct serve_request *q, struct serve_reply *r);
time_t agent_clock(void);
const char *agent_peer(const struct serve_request *q, struct cordon_addr *addr, char text[POLICY_ADDR_LEN]);

/* agent.c */
int agent_crl_renew(struct agent *a);
int agent_reply(struct agent *a, const struct serve_request *q, struct serve_reply *r, uint8_t *out);
int agent_answer(struct agent *a, const struct serve_request *q, uint8_t *out);

/* adopt.c */
int agent_adopt_begin(struct agent *a);
bool agent_adopts(const struct agent *a);
void agent_adopt(struct agent *a, const struct serve_request *q);
void agent_saved_tick(struct agent *a, bool now);

/* audit.c */
void agent_audit_open(struct agent *a);
void agent_audit_close(struct agent *a);
void agent_audit_tick(struct agent *a);
void agent_audit_did(struct agent *a, const char *what, const char *result);
void agent_audit_issued(struct agent *a, const struct serve_request *q, const struct serve_reply *r, const char *what,
			bool again);
void agent_audit_adopted(struct agent *a, const struct serve_request *q, const struct store_certificate *cert);
bool agent_audit_act(struct agent *a, const struct serve_request *q, const char *operator, const char *what,
		     const char *on, const char *result, uint64_t *begun);
void agent_audit_refused(struct agent *a, const struct serve_request *q, const struct serve_reply *r,
			 enum serve_refused reason);

/* expiry.c */
void agent_expiry_tick(struct agent *a);

/* former.c */
int agent_sign_crl(struct agent *a, unsigned int issuer, uint8_t **der, size_t *len, uint64_t *number);
void agent_former_crl(struct agent *a, const struct serve_request *q, struct serve_reply *r);

/* ocsp.c */
void agent_ocsp(struct agent *a, const struct serve_request *q, struct serve_reply *r);
void agent_ocsp_free(struct agent *a);

/* kernel.c */

/** enum agent_place - where a request came from, as the kernel sees it */
enum agent_place {
	AGENT_PLACE_OWN,	/* the device's own address */
	AGENT_PLACE_OTHER,	/* another device's */
	AGENT_PLACE_REMOTE,	/* no device's */
	AGENT_PLACE_UNKNOWN,	/* the kernel does not say */
};

enum agent_place agent_place(struct agent *a, const struct cordon_addr *peer, const uint8_t *mac,
			     char name[CORDON_DEVICE_NAME_LEN]);
int agent_connect(struct agent *a);
int agent_summary(struct agent *a, struct cnl_summary *out);
int agent_device_state(struct agent *a, const uint8_t mac[6], int state, struct cnl_device *out);
int agent_lease_likely(struct agent *a, const struct serve_request *q, const uint8_t mac[6]);
int agent_lease(struct agent *a, const struct serve_request *q, const uint8_t mac[6], struct cnl_device *out);

/* checkin.c */
void agent_checkin(struct agent *a, const struct serve_request *q, struct serve_reply *r);
void agent_firmware(struct agent *a, const struct serve_request *q);
void agent_records_write(struct agent *a, bool now);

/* approval.c */
bool agent_approved(struct agent *a, const struct serve_request *q, struct serve_reply *r, const char *name,
		    const uint8_t key_id[32]);
void agent_await(struct agent *a, const struct serve_request *q, const char *name, const uint8_t key_id[32],
		 enum store_way way);

/* issue.c */
int agent_certify(struct agent *a, const struct serve_request *q, struct pki_profile *profile,
		  struct store_certificate *cert, struct serve_reply *r);
void agent_enroll(struct agent *a, const struct serve_request *q, struct serve_reply *r);
void agent_renew(struct agent *a, const struct serve_request *q, struct serve_reply *r);
bool agent_place_is_right(struct agent *a, const struct serve_request *q, struct serve_reply *r,
			  const uint8_t *mac, const char *device);
bool agent_identify(struct agent *a, const struct serve_request *q, struct serve_reply *r,
		    struct store_certificate *cert);

bool agent_key_id(struct agent *a, const struct serve_request *q, struct serve_reply *r, uint8_t out[32]);
bool agent_commit(struct agent *a, const struct serve_request *q, struct serve_reply *r);
void agent_granted(struct agent *a, const struct serve_request *q, struct serve_reply *r, enum serve_accepted what,
		   bool again);
void agent_hand_out_again(struct agent *a, const struct serve_request *q, struct serve_reply *r,
			  const uint8_t serial[STORE_SERIAL_LEN], const char *device, enum serve_accepted what);
time_t agent_issued_at(const struct store_certificate *cert);

bool agent_clock_is_right(const struct agent *a);

/* server.c */
void agent_server(struct agent *a, const struct serve_request *q, struct serve_reply *r);

/* manufacturer.c */
int agent_manufacturers_load(const struct serve_config *c, const struct pki_ca *ca, struct agent_idevid *to);
void agent_manufacturers_free(struct agent_idevid *v);

/* policy.c */
int agent_policy_load(struct agent *a);
void agent_policy_free(struct agent_policy *p);
const struct agent_vendored *agent_vendored_find(const struct agent_policy *p, const char *issuer, const char *serial);
const struct agent_place_def *agent_policy_place(struct agent *a, const uint8_t mac[6]);

/* fleet.c: of a gateway that is alone, nothing happens, or what is the same */
int agent_fleet_begin(struct agent *a);
void agent_fleet_end(struct agent *a);
struct pollfd agent_fleet_poll(const struct agent *a);
void agent_fleet_hear(struct agent *a, uint8_t *out);
void agent_fleet_tick(struct agent *a, uint8_t *out);
bool agent_fleet_offline(struct agent *a);

/* fleet_ask.c */
void agent_fleet_takes(struct agent *a, const uint8_t *raw, size_t len);
bool agent_fleet_waits(const struct agent *a);
bool agent_fleet_certify(struct agent *a, const struct serve_request *q, struct serve_reply *r,
			 struct store_certificate *cert);
bool agent_fleet_has(struct agent *a, const uint8_t serial[STORE_SERIAL_LEN]);
enum store_token agent_fleet_token(struct agent *a, enum store_token verdict, uint8_t serial[STORE_SERIAL_LEN]);
bool agent_fleet_identify(struct agent *a, const struct serve_request *q, struct serve_reply *r,
			  const struct store_certificate *cert);
bool agent_fleet_is_near(struct agent *a, const struct store_certificate *cert);
bool agent_fleet_held(struct agent *a, const struct serve_request *q, struct serve_reply *r, const uint8_t mac[6],
		      bool *held);
void agent_fleet_hold(struct agent *a, const struct serve_request *q, struct serve_reply *r,
		      const struct store_certificate *cert);

/* idevid.c */
void agent_idevid(struct agent *a, const struct serve_request *q, struct serve_reply *r);

/* rekey.c */

/** enum agent_rekey - what proves that a renewal's key is the device's */
enum agent_rekey {
	AGENT_REKEY_SAME,	/* a certificate of the device has it */
	AGENT_REKEY_SIGNED,	/* the old key's signature */
	AGENT_REKEY_UNSIGNED,	/* front's word */
	AGENT_REKEY_REFUSED,
};

enum agent_rekey agent_rekey(struct agent *a, const struct serve_request *q, struct serve_reply *r,
			     const struct store_certificate *old, const uint8_t key_id[32]);
void agent_rekeyed(struct agent *a, const struct serve_request *q, const struct serve_reply *r);

/* limit.c */
int agent_renew_limit(struct agent *a, const struct serve_request *q, struct serve_reply *r, const char *name,
		      const uint8_t key_id[32], uint8_t again[STORE_SERIAL_LEN]);
bool agent_is_last(struct agent *a, const struct serve_request *q, struct serve_reply *r,
		   const struct store_certificate *old);
int agent_supersede(struct agent *a, const char *name, const uint8_t *spare);

/* posture.c */
void agent_posture_tick(struct agent *a);
bool agent_posture_told(struct agent *a, struct device *d, const char *version, struct cnl_device *now);
int agent_posture_begin(struct agent *a, bool *alone);
int agent_posture_commit(struct agent *a, bool alone);

/* update.c */
bool agent_updating(struct agent *a, const struct serve_request *q, struct serve_reply *r, struct device **d);
void agent_not_offered(struct agent *a, const struct serve_request *q, struct serve_reply *r, const struct device *d);
void agent_reply_offer(struct agent *a, const struct serve_request *q, struct serve_reply *r,
		       const struct serve_offer *o);
void agent_poll(struct agent *a, const struct serve_request *q, struct serve_reply *r);
void agent_deployment(struct agent *a, const struct serve_request *q, struct serve_reply *r);
void agent_artifact(struct agent *a, const struct serve_request *q, struct serve_reply *r);

int agent_find_offer(struct agent *a, struct device *d, struct serve_offer *o);

/* operator.c */
bool agent_operator_handle(struct agent *a, const struct serve_request *q, struct serve_reply *r);

/**
 * struct agent_act - what an operator wants
 * @request: of page
 * @on: which device, or episode
 * @begun: number of the line of the audit log that says that it began; 0, there is none
 */
struct agent_act {
	const struct serve_request *request;
	char on[24];
	uint64_t begun;
};

bool agent_act_begin(struct agent *a, struct agent_act *act, struct serve_reply *r);
void agent_act_failed(struct agent *a, struct agent_act *act, struct serve_reply *r, unsigned int status, const char *fmt,
		      ...) __attribute__((format(printf, 5, 6)));
void agent_act_done(struct agent *a, struct agent_act *act, struct serve_reply *r);

/* page.c */
void agent_page_hear(struct agent *a, uint8_t *in, uint8_t *out);
void agent_page_reply(struct agent *a, const struct serve_reply *r, uint8_t *out);
void agent_page_reload(struct agent *a, uint8_t *out);

/* watch.c */
bool agent_watch_ask(struct agent *a, const struct serve_request *q, struct serve_reply *r);
void agent_watch_hear(struct agent *a, uint8_t *out);
void agent_watch_tick(struct agent *a, uint8_t *out);

/* manifest.c */
void agent_manifest(struct agent *a, const struct serve_request *q, struct serve_reply *r);

/* result.c */
void agent_result(struct agent *a, const struct serve_request *q, struct serve_reply *r);

/* feedback.c */
int agent_action_end(struct agent *a, struct device *d, const struct firmware_action *action, int state,
		     const char *detail);
void agent_cancellation(struct agent *a, const struct serve_request *q, struct serve_reply *r);
void agent_feedback(struct agent *a, const struct serve_request *q, struct serve_reply *r);
void agent_report(struct agent *a, const struct serve_request *q, struct serve_reply *r);

#endif

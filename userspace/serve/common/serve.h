/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The enrolment, check-in and update server: three processes, and a fourth where people may look.
 *
 *   devices ══ front ── agent ── signer
 *   people ═══ page ──────┘
 *
 * front holds the sockets and speaks TLS and HTTP; agent holds the registry and speaks netlink; signer
 * holds the CA's key. Between them go messages over pipes. page answers people's browsers and whoever
 * collects metrics, out of the history; it and agent have a socket between them, of which each message is
 * whole. front is the parent of the others; when one of them ends, all do.
 */
#ifndef CORDON_SERVE_H
#define CORDON_SERVE_H

#include <limits.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>

#include "firmware/firmware.h"
#include "pki/pki.h"
#include "priv/priv.h"

#define SERVE_CONFIG	"/etc/cordon/serve.yaml"
#define SERVE_CA	"/var/lib/cordon/ca"
#define SERVE_RUN	"/run/cordon"
#define SERVE_EST_PORT	8443
#define SERVE_CHECKIN_PORT 8883
#define SERVE_STATUS_PORT 80
#define SERVE_PAGE_PORT	8444
#define SERVE_METRICS_PORT 9842
#define SERVE_LISTEN_MAX 8
#define SERVE_NAMES_MAX	32
#define SERVE_NAME_LEN	256
#define SERVE_TEXT_LEN	256
#define SERVE_SECRET_LEN 129	/* SECRET_MAX_LEN, terminated */
#define SERVE_FIRMWARE_LEN 64
#define SERVE_TENANT	"default"
#define SERVE_TENANT_LEN 64
#define SERVE_POLL	300		/* seconds */
#define SERVE_CODE_NAME	"firmware offers"	/* no device's: a space is in it */
#define SERVE_CODE_VALID	(7 * 86400)
#define SERVE_OCSP_VALID	3600	/* seconds that the status of a certificate is said for */
#define SERVE_RETRY	10		/* seconds, where something is amiss that may be over by then */
#define SERVE_SERVER_VALID	(30 * 86400)
#define SERVE_POLICY	"/etc/cordon/policy.yaml"
#define SERVE_MANUFACTURERS	16
#define SERVE_MANUFACTURER_LEN	32	/* as an issuer in the policy */
#define SERVE_CHAIN_MAX	8192		/* bytes of certificates behind a client's */
#define SERVE_REMEMBERED	(365 * 86400U)	/* seconds after its end that a certificate is in the registry */

/* config.c */

/** enum serve_adopt - are certificates of our CA adopted that the registry does not know */
enum serve_adopt {
	SERVE_ADOPT_RESTORED,	/* where the registry was restored, or lost */
	SERVE_ADOPT_ON,
	SERVE_ADOPT_OFF,
};

/** struct serve_listen - addresses to listen at */
struct serve_listen {
	struct sockaddr_storage at[SERVE_LISTEN_MAX];
	size_t n;
};

/** struct serve_manufacturer - whose certificates may enrol devices; roots: file in PEM */
struct serve_manufacturer {
	char name[SERVE_MANUFACTURER_LEN];
	char roots[SERVE_NAME_LEN];
};

#define SERVE_GATEWAY_LEN	64
#define SERVE_FLEET_ENDPOINTS	16
#define SERVE_FLEET_RUN		"/run/cordon-fleet"
#define SERVE_FLEET_DIR		"/var/lib/cordon-fleet"
#define SERVE_FLEET_OFFLINE	3600U

/**
 * struct serve_fleet - registry: of serve.yaml, where many gateways share one in etcd
 * @endpoints: members, as URLs
 * @n: how many; 0, this gateway is alone, and nothing below counts
 * @ca: file of certificates that a member's must lead to
 * @cert: file of this gateway's certificate for etcd
 * @key: file of its key
 * @prefix: of all keys
 * @gateway: this gateway's name in the fleet
 * @run: directory of cordon-fleet's socket
 * @directory: of what cordon-fleet keeps: issuers of other gateways, policies
 * @offline: seconds without etcd in which known devices may still check in
 */
struct serve_fleet {
	char endpoints[SERVE_FLEET_ENDPOINTS][SERVE_NAME_LEN];
	size_t n;
	char ca[SERVE_NAME_LEN];
	char cert[SERVE_NAME_LEN];
	char key[SERVE_NAME_LEN];
	char prefix[SERVE_NAME_LEN];
	char gateway[SERVE_GATEWAY_LEN];
	char run[SERVE_NAME_LEN];
	char directory[SERVE_NAME_LEN];
	uint32_t offline;
};

/**
 * struct serve_config - serve.yaml, see cordon-serve(5)
 * @path: where it was read
 * @from_file: it was there; else all of it are defaults
 * @est: addresses of EST and check-in over HTTPS
 * @checkin: addresses of the plain check-in
 * @ca: directory of the CA
 * @passphrase_file: of the CA's key, or empty
 * @token_directory: that a PKCS#11 module reads as it signs, or empty
 * @registry: file
 * @fleet: where it is shared
 * @certificate: of the server, or empty: our CA gives one
 * @key: of @certificate
 * @run: directory of the process' number and the counters
 * @firmware: directory of the artifacts
 * @tenant: the word that paths of DDI begin with
 * @poll: seconds between two polls of a device
 * @names: DNS names and addresses in the server's certificate
 * @n_names: how many
 * @valid: seconds that a device's certificate is valid
 * @renew_interval: seconds in which a device gets three certificates at most; 0, any number
 * @renew_after_expiry: seconds since a certificate's end in which it may still be renewed; 0, none
 * @allow_remote: enrol from addresses that are no device's
 * @approval: a first enrolment waits for an operator
 * @rekey_signed: another key only with the old key's signature
 * @adopt: enum serve_adopt
 * @policy: file that says which devices have manufacturers' certificates
 * @manufacturers: whose these are
 * @n_manufacturers: how many; 0, no device enrols by one
 * @own_names: @names are this machine's own, as the file says none
 * @status: addresses for revocation lists and statuses, over plain HTTP; none by default
 * @status_url: where certificates say that these are, or empty
 * @page: addresses of the page for people; none by default
 * @metrics: addresses of the loopback for metrics, over plain HTTP; none by default
 * @history: directory of what the page shows
 * @history_live: directory of how it is now, and of the socket of who writes both
 */
struct serve_config {
	char path[SERVE_NAME_LEN];
	bool from_file;
	struct serve_listen est;
	struct serve_listen checkin;
	char ca[SERVE_NAME_LEN];
	char passphrase_file[SERVE_NAME_LEN];
	char token_directory[SERVE_NAME_LEN];
	char registry[SERVE_NAME_LEN];
	struct serve_fleet fleet;
	char certificate[SERVE_NAME_LEN];
	char key[SERVE_NAME_LEN];
	char run[SERVE_NAME_LEN];
	char firmware[SERVE_NAME_LEN];
	char tenant[SERVE_TENANT_LEN];
	uint32_t poll;
	char names[SERVE_NAMES_MAX][SERVE_NAME_LEN];
	size_t n_names;
	uint32_t valid;
	uint32_t renew_interval;
	uint32_t renew_after_expiry;
	bool allow_remote;
	bool approval;
	bool rekey_signed;
	enum serve_adopt adopt;
	char policy[SERVE_NAME_LEN];
	struct serve_manufacturer manufacturers[SERVE_MANUFACTURERS];
	size_t n_manufacturers;
	bool own_names;
	struct serve_listen status;
	char status_url[SERVE_NAME_LEN];
	struct serve_listen page;
	struct serve_listen metrics;
	char history[SERVE_NAME_LEN];
	char history_live[SERVE_NAME_LEN];
};

int serve_config_load(const char *path, struct serve_config *out, FILE *errors);

/* settings.c */
#define SERVE_SETTINGS_MAX 8192

int serve_settings_write(const struct serve_config *c);
int serve_settings_read(const struct serve_config *c, char **out);
char *serve_settings_text(const struct serve_config *c);

/* counters.c */

/** enum serve_accepted - what was granted; append only */
enum serve_accepted {
	SERVE_ENROLMENT,
	SERVE_RENEWAL,
	SERVE_CHECKIN,
	SERVE_POLLED,
	SERVE_REPORT,
	SERVE_DOWNLOAD,
	SERVE_REKEY_UNSIGNED,
	SERVE_ADOPTED,	/* a certificate that the registry did not know */
	SERVE_OCSP,	/* statuses that were told */
	SERVE_OCSP_SIGNED,	/* and how many of the answers were signed for it */
	SERVE_PAGE,	/* pages, and whatever belongs to them */
	SERVE_PAGE_STREAM,	/* streams of events that were begun */
	SERVE_PAGE_ACT,	/* what operators did */
	SERVE_METRICS,
	SERVE_ACCEPTED,
};

/** enum serve_refused - why something was not; append only, names in counters.c */
enum serve_refused {
	SERVE_TLS_VERSION,
	SERVE_TLS_HANDSHAKE,
	SERVE_NO_CERTIFICATE,
	SERVE_CERTIFICATE_FOREIGN,
	SERVE_CERTIFICATE_EXPIRED,
	SERVE_CERTIFICATE_REVOKED,
	SERVE_CERTIFICATE_UNKNOWN,
	SERVE_WRONG_ADDRESS,
	SERVE_REMOTE,
	SERVE_UNKNOWN_DEVICE,
	SERVE_QUARANTINED,
	SERVE_BAD_TOKEN,
	SERVE_TOKEN_EXPIRED,
	SERVE_TOKEN_USED,
	SERVE_TOO_MANY_TRIES,
	SERVE_NOT_APPROVED,
	SERVE_BAD_REQUEST,
	SERVE_BAD_CSR,
	SERVE_TIMEOUT,
	SERVE_CROWDED,
	SERVE_KERNEL,
	SERVE_REGISTRY,
	SERVE_WRONG_DEVICE,
	SERVE_NOT_OFFERED,
	SERVE_ARTIFACT,
	SERVE_REKEY,
	SERVE_TOO_SOON,
	SERVE_CLOCK,
	SERVE_IDEVID_FOREIGN,	/* a manufacturer's certificate: of no manufacturer that is known, or not good */
	SERVE_IDEVID_EXPIRED,
	SERVE_IDEVID_UNKNOWN,	/* of no device that the policy names */
	SERVE_IDEVID_ENROLLED,	/* of one that has a certificate, or was retired */
	SERVE_POLICY_FILE,	/* the policy's file cannot be read */
	/* Of the page. */
	SERVE_PAGE_TLS,		/* no TLS 1.3, or not to its end */
	SERVE_PAGE_NO_CERTIFICATE,
	SERVE_PAGE_NO_OPERATOR,	/* a certificate of this CA, of no operator: a device's, for one */
	SERVE_PAGE_FOREIGN,	/* a certificate of nobody here */
	SERVE_PAGE_EXPIRED,
	SERVE_PAGE_REVOKED,
	SERVE_PAGE_UNKNOWN,	/* the registry does not know it */
	SERVE_PAGE_HOST,	/* by a name that is not the server's */
	SERVE_PAGE_FORGED,	/* an act that no form of ours asked for */
	SERVE_PAGE_REQUEST,	/* that makes no sense */
	SERVE_PAGE_TIMEOUT,
	SERVE_PAGE_CROWDED,
	SERVE_PAGE_ACT_FAILED,	/* an operator's act that could not be done */
	SERVE_PAGE_HISTORY,	/* there is no history to show */
	/* Of a fleet. */
	SERVE_FLEET_UNREACHABLE,	/* what must happen once in the fleet, while nobody can be asked */
	SERVE_FLEET_TOO_LONG,	/* a device that is held here, without etcd for too long */
	SERVE_FLEET_REFUSED,	/* the fleet says no: the token was used elsewhere, for one */
	SERVE_MOVED_GATEWAY,	/* another gateway holds the device, and it may not roam */
	SERVE_GATEWAY_EXPELLED,	/* a certificate of a gateway that was cut out */
	SERVE_REFUSED,
};

/** enum serve_update - what became of firmware; append only */
enum serve_update {
	SERVE_UPDATE_OFFERED,
	SERVE_UPDATE_SUCCEEDED,
	SERVE_UPDATE_FAILED,
	SERVE_UPDATE_CANCELED,
	SERVE_UPDATE_STOPPED,	/* a roll-out, by failures */
	SERVE_UPDATE_OUTDATED,	/* a device, in the kernel */
	SERVE_UPDATE_RESTORED,	/* and back */
	SERVE_UPDATES,
};

/**
 * struct serve_counters - shared by the processes, and by whoever maps the file
 * @magic: layout
 * @started: seconds since 1970
 * @connections: open now
 * @accepted: by enum serve_accepted
 * @refused: by enum serve_refused
 * @updates: by enum serve_update
 * @reloaded: when SIGHUP came last, seconds since 1970; 0, never
 * @config_faults: of serve.yaml then; 0, it was taken
 * @certificate_faults: of the server's certificate and key then; 0, they were taken
 * @reloads: how many are over
 * @certificate_until: when the server's certificate ends, seconds since 1970
 * @fleet_reachable: in a fleet: what must happen once in it can be asked for
 * @fleet_since: since when @fleet_reachable is as it is, seconds since 1970; 0, nothing was heard yet
 * @fleet_heard: when etcd was last known to be as the registry is, seconds since 1970; 0, never
 */
struct serve_counters {
	uint64_t magic;
	uint64_t started;
	uint64_t connections;
	uint64_t accepted[SERVE_ACCEPTED];
	uint64_t refused[SERVE_REFUSED];
	uint64_t updates[SERVE_UPDATES];
	uint64_t reloaded;
	uint64_t config_faults;
	uint64_t certificate_faults;
	uint64_t reloads;
	uint64_t certificate_until;
	uint64_t fleet_reachable;
	uint64_t fleet_since;
	uint64_t fleet_heard;
};

struct serve_counters *serve_counters_new(const char *run, int *err);
int serve_counters_read(const char *run, struct serve_counters *out);
const char *serve_accepted_name(unsigned int what);
const char *serve_refused_name(unsigned int why);
const char *serve_update_name(unsigned int what);

static inline void serve_count(uint64_t *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* log.c */
void serve_log_open(const char *process, bool json, bool background);
void serve_log_detach(void);
/* Pairs of key and value, then NULL; a NULL value leaves its pair out. */
void serve_log(int priority, const char *event, ...) __attribute__((sentinel));

/* message.c */

/** enum serve_op - what front and page ask of agent */
enum serve_op {
	SERVE_OP_ENROLL = 1,	/* name, secret, csr */
	SERVE_OP_RENEW,		/* serial, fingerprint, csr; proof, or none */
	SERVE_OP_CHECKIN,	/* serial, fingerprint, firmware */
	SERVE_OP_FIRMWARE,	/* serial, firmware; no reply */
	SERVE_OP_DELIVERED,	/* serial; no reply */
	SERVE_OP_SERVER,	/* csr */
	SERVE_OP_CRL,		/* number of the list that front has; 304, it is the newest */
	SERVE_OP_RELOAD,	/* 200, it is over; no reply where the request has no id */
	/* These come with serial and fingerprint; offer: struct serve_offer in the reply. */
	SERVE_OP_POLL,		/* offer */
	SERVE_OP_DEPLOYMENT,	/* number of the action; offer */
	SERVE_OP_CANCELLATION,	/* number of the action; offer */
	SERVE_OP_FEEDBACK,	/* number of the action, feedback, detail */
	SERVE_OP_CANCEL_FEEDBACK, /* likewise */
	SERVE_OP_REPORT,	/* firmware */
	SERVE_OP_MANIFEST,	/* two blobs: the offer in JSON, its signature; 204, there is none */
	SERVE_OP_RESULT,	/* number of the action, feedback, firmware, detail */
	SERVE_OP_ARTIFACT,	/* number of the release, detail: its file; offer */
	SERVE_OP_HEALTH,	/* 200, registry and signer answer; 503, why not */
	SERVE_OP_FORMER_CRL,	/* name: key identifier of an issuer before, in hexadecimal */
	SERVE_OP_OCSP,		/* number of the issuer, as in struct serve_sign; csr: struct pki_ocsp */
	SERVE_OP_STAPLE,	/* likewise, of the server's own certificate */
	SERVE_OP_IDEVID,	/* cert, chain, csr: a first certificate for a manufacturer's */
	/* What page asks of agent, and front does not: serial and fingerprint of an operator. */
	SERVE_OP_OPERATOR,	/* 200: device is the name; why not, feedback is the enum serve_refused */
	SERVE_OP_QUARANTINE,	/* detail: MAC */
	SERVE_OP_RELEASE,	/* likewise */
	SERVE_OP_ACKNOWLEDGE,	/* number of an episode of anomalies */
};

/** enum serve_feedback - what a device says of an action */
enum serve_feedback {
	SERVE_FEEDBACK_RUNNING,
	SERVE_FEEDBACK_SUCCESS,
	SERVE_FEEDBACK_FAILURE,
	SERVE_FEEDBACK_CANCELED,
	SERVE_FEEDBACK_REJECTED,
};

/**
 * struct serve_request - from front to agent
 * @op: enum serve_op
 * @id: comes back in the reply
 * @peer: address of the device, IPv4 as mapped
 * @ifindex: interface through which it came, or 0
 * @serial: of the certificate that it showed, or that was delivered
 * @fingerprint: of that certificate
 * @name: of the device, as it says
 * @secret: its token
 * @firmware: its version, as it says; may be empty
 * @exporter: base64 of the channel's binding (RFC 9266), or empty
 * @number: of an action, a release or a revocation list
 * @feedback: enum serve_feedback
 * @detail: words of the device; a file's name
 * @csr: DER, in the message
 * @csr_len: of @csr
 * @proof: the old key's signature over @csr, in the message
 * @proof_len: of @proof; 0, none came
 * @cert: the certificate that it showed, DER, in the message
 * @cert_len: of @cert; 0, it showed none, or one that is too long
 * @chain: certificates in DER, one behind the other, that it sent with a manufacturer's, in the message
 * @chain_len: of @chain
 */
struct serve_request {
	uint32_t op;
	uint64_t id;
	uint8_t peer[16];
	uint32_t ifindex;
	uint8_t serial[PKI_SERIAL_LEN];
	uint8_t fingerprint[PKI_FINGERPRINT_LEN];
	char name[PKI_NAME_LEN];
	char secret[SERVE_SECRET_LEN];
	char firmware[SERVE_FIRMWARE_LEN];
	char exporter[SERVE_FIRMWARE_LEN];
	uint64_t number;
	uint32_t feedback;
	char detail[SERVE_TEXT_LEN];
	const uint8_t *csr;
	size_t csr_len;
	const uint8_t *proof;
	size_t proof_len;
	const uint8_t *cert;
	size_t cert_len;
	const uint8_t *chain;
	size_t chain_len;
};

/**
 * struct serve_reply - from agent to front
 * @id: of the request
 * @status: as of HTTP: 200 granted, 202 later, 4xx refused, 5xx failed
 * @retry: seconds until it is worth another try, or 0
 * @feedback: to page: enum serve_refused, as it was counted
 * @lease: seconds; of a status, until there should be a newer one
 * @serial: of the certificate
 * @device: name
 * @segment: effective
 * @why: a sentence, unless granted
 * @number: of the revocation list
 * @der: certificate, revocation list, offer or what was signed, in the message
 * @der_len: of @der
 */
struct serve_reply {
	uint64_t id;
	uint32_t status;
	uint32_t retry;
	uint32_t feedback;
	uint32_t lease;
	uint8_t serial[PKI_SERIAL_LEN];
	char device[PKI_NAME_LEN];
	char segment[PKI_NAME_LEN];
	char why[SERVE_TEXT_LEN];
	uint64_t number;
	const uint8_t *der;
	size_t der_len;
};

/** enum serve_offer_kind - what there is for a device */
enum serve_offer_kind {
	SERVE_OFFER_NONE,
	SERVE_OFFER_RELEASE,
	SERVE_OFFER_CANCEL,	/* an offer that it is to forget */
};

/**
 * struct serve_offer - what a device is offered, from agent to front
 * @kind: enum serve_offer_kind
 * @action: its number
 * @forced: it may not be put off any more
 * @tell: the device is to say what it runs
 * @poll: seconds until it is to ask again
 * @release: what is offered; but what only operators have to know
 */
struct serve_offer {
	uint32_t kind;
	uint64_t action;
	bool forced;
	bool tell;
	uint32_t poll;
	struct firmware_release release;
};

/** enum serve_signature - what signer is asked for */
enum serve_signature {
	SERVE_SIGN_CERTIFICATE,
	SERVE_SIGN_CRL,
	SERVE_SIGN_REQUEST,	/* for a certificate of the key that signs offers */
	SERVE_SIGN_OFFER,
	SERVE_SIGN_RELOAD,	/* nothing: read serve.yaml again */
	SERVE_SIGN_NOTHING,	/* only whether it answers */
	SERVE_SIGN_OCSP,	/* csr: struct pki_ocsp; issuer */
};

/**
 * struct serve_sign - from agent to signer
 * @kind: enum serve_signature
 * @profile: of a certificate
 * @key_id: of the key in @csr, as agent has read it: SHA-256 of its SubjectPublicKeyInfo
 * @exporter: what the request's binding must be, or empty
 * @csr: DER, in the message; or the text of an offer
 * @csr_len: of @csr
 * @entries: of a revocation list
 * @n_entries: how many
 * @number: of the list
 * @issuer: whose list: 0, the present one; else one of pki_ca.former, counted from 1
 */
struct serve_sign {
	uint32_t kind;
	struct pki_profile profile;
	uint8_t key_id[32];
	const char *exporter;
	const uint8_t *csr;
	size_t csr_len;
	struct pki_revoked *entries;
	size_t n_entries;
	uint64_t number;
	uint32_t issuer;
};

/** struct serve_signed - from signer to agent; @error empty: @der is what was asked for */
struct serve_signed {
	char error[PKI_ERROR_LEN];
	const uint8_t *der;
	size_t der_len;
};

#define SERVE_REQUEST_MAX	(PKI_CSR_MAX + PKI_CERT_MAX + SERVE_CHAIN_MAX + 2048)
#define SERVE_SIGN_MAX		(PKI_CSR_MAX + 16384)
#define SERVE_REPLY_MAX		PRIV_FRAME_MAX
#define SERVE_PAGE_REPLY_MAX	(PKI_CERT_MAX + 2048)	/* of a reply to page */
/* What is signed has room in the message of signer and in that of agent. */
#define SERVE_SIGNED_MAX	(PRIV_FRAME_MAX - 4096)
#define SERVE_OFFER_MAX		2048

size_t serve_request_pack(const struct serve_request *r, uint8_t *buf, size_t size);
bool serve_request_unpack(const uint8_t *buf, size_t len, struct serve_request *r);
size_t serve_reply_pack(const struct serve_reply *r, uint8_t *buf, size_t size);
bool serve_reply_unpack(const uint8_t *buf, size_t len, struct serve_reply *r);
size_t serve_offer_pack(const struct serve_offer *o, uint8_t *buf, size_t size);
bool serve_offer_unpack(const uint8_t *buf, size_t len, struct serve_offer *o);

/* ocsp.c */

#define SERVE_OCSP_MAX	(PKI_OCSP_NONCE_MAX + 16 + PKI_OCSP_IDS * (PKI_OCSP_SERIAL_MAX + 32))

/**
 * struct serve_bucket - how often something was done
 * @last: when, milliseconds by a clock that nobody sets back; 0, never
 * @spent: thousandths of what may be done at once
 */
struct serve_bucket {
	uint64_t last;
	uint64_t spent;
};

size_t serve_ocsp_pack(const struct pki_ocsp *what, uint8_t *buf, size_t size);
bool serve_ocsp_unpack(const uint8_t *buf, size_t len, struct pki_ocsp *what);
time_t serve_clock(void);
bool serve_bucket_take(struct serve_bucket *b, unsigned int rate);

/* signer.c */
/* Exit status of who had a token refuse its PIN: whoever starts it again by itself locks the token. */
#define SERVE_PIN_REFUSED	77

int serve_signer(const struct serve_config *config, char *passphrase, struct priv_channel *agent);
int serve_sign(const struct priv_channel *signer, const struct serve_sign *what, uint8_t *buf, size_t size,
	       struct serve_signed *out);

/* agent.c */
int serve_agent(struct serve_config *config, struct serve_counters *counters, struct priv_channel *front,
		struct priv_channel *signer, int page);

/* page.c; agent: socket to it; ready: written to when people may come */
int serve_page(struct serve_config *config, struct serve_counters *counters, int agent, int ready);

/* tls.c: what all TLS here has in common. */
SSL_CTX *serve_tls_new(void);
const char *serve_tls_files(SSL_CTX *to, const struct serve_config *c);
bool serve_tls_is_costly(X509 *cert);
bool serve_tls_is_idle(unsigned int *records, unsigned int most, int type, const void *buf, size_t len);

/* listen.c */
int serve_cannot_listen(const char *setting, const struct sockaddr_storage *at);
bool serve_address(const struct sockaddr *at, uint8_t out[16]);

/* text.c */
struct evhttp_request;
const char *serve_status_text(unsigned int status);
bool serve_has_one_length(struct evhttp_request *req);

/* service.c */
int serve_manager_connect(void);
void serve_manager_say(int manager, const char *text);
int serve_background(int *caller);
void serve_caller_tell(int caller);

/* files.c */
const char *serve_directory_of(const char *file, char out[PATH_MAX]);
void serve_limit_files(rlim_t most);

/* front.c */

/**
 * struct serve_manager - whom the server tells how it is
 * @ready: called once, when devices may come
 * @alive: called when all three processes have answered lately
 * @reload: called when a reload begins, and when it is over
 * @arg: for all of them
 * @each: milliseconds between two calls of @alive; 0, it is not called
 */
struct serve_manager {
	void (*ready)(void *arg);
	void (*alive)(void *arg);
	void (*reload)(bool over, void *arg);
	void *arg;
	unsigned int each;
};

int serve_front(struct serve_config *config, struct serve_counters *counters, struct priv_channel *agent,
		const struct serve_manager *manager);

#endif

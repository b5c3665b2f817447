/* SPDX-License-Identifier: GPL-2.0 */
/* What the verbs of 'cordonctl ca' share. */
#ifndef CORDON_CMD_CA_H
#define CORDON_CMD_CA_H

#include "ctl/ctl.h"
#include "lib/secret.h"
#include "pki/pki.h"
#include "serve/common/serve.h"
#include "store/store.h"

#define CA_FINGERPRINT_LEN	(3 * PKI_FINGERPRINT_LEN)

/**
 * struct ca_words - what the command line says
 * @dir: of the CA
 * @registry: the registry's file
 * @passphrase_file: or NULL
 * @json: print JSON
 * @name: of a new CA; NULL, the default
 * @key: kind of a new CA's keys
 * @key_given: it was said
 * @issuing: URI of the issuing key in hardware, or a file that names it; or NULL
 * @root_cert: file of a root that is imported, or NULL
 * @root_key: file of its key, or URI of one in hardware, or NULL
 * @rollover: publish the CA that is to follow
 * @activate: put it in the place of the present one
 * @force: so many devices may not know it yet; or -1
 * @old_root_key: file of the present root's key, or NULL
 * @mac: of the device
 * @has_mac: it was given
 * @config: serve.yaml, which says what certificates name; NULL, the default one, if it is of this CA
 * @csr: file of a request, or NULL
 * @out: directory or file to write to, or NULL
 * @days: how long a certificate is good
 * @days_given: it was said
 * @gateway: whose issuing CA is certified, or NULL
 * @names: of a gateway's server
 * @n_names: how many
 * @pkcs12: key and certificate in one file, with a passphrase
 * @renew: the revocation list, if half of its time has passed
 * @expiring: only what ends within so many seconds; 0, everything
 * @reason: of a revocation
 * @der: the root alone, in DER
 * @hostapd: directory for what hostapd needs, or NULL
 * @ports: of hostapd's
 * @n_ports: how many
 * @csr_out: file for a request, of a CA whose root is elsewhere; or NULL
 * @new_passphrase_file: or NULL
 * @remove: the passphrase
 * @root: the revocation list is the root's
 * @revoke: file of a CA's certificate that is on it from now on, or NULL
 * @who: NAME, SERIAL or a file; NULL, none was given
 */
struct ca_words {
	const char *dir;
	const char *registry;
	const char *passphrase_file;
	bool json;
	const char *name;
	enum pki_key key;
	bool key_given;
	const char *issuing;
	const char *root_cert;
	const char *root_key;
	bool rollover;
	bool activate;
	long force;
	const char *old_root_key;
	u8 mac[6];
	bool has_mac;
	const char *config;
	const char *csr;
	const char *out;
	u32 days;
	bool days_given;
	const char *gateway;
	const char *names[PKI_SERVER_NAMES];
	size_t n_names;
	bool pkcs12;
	bool renew;
	u32 expiring;
	int reason;
	bool der;
	const char *csr_out;
	const char *new_passphrase_file;
	bool remove;
	bool root;
	const char *revoke;
	const char *who;
	const char *hostapd;
	char **ports;
	int n_ports;
};

/* cmd_ca.c */
bool ca_passphrase(const struct ca_words *w, const char *prompt, char out[SECRET_MAX_LEN + 1]);
bool ca_load(const struct ca_words *w, bool with_key, struct pki_ca *ca);
bool ca_open_registry(const struct ca_words *w, bool create, struct store *s);
int ca_complain_store(const struct ca_words *w, const struct store *s);
const char *ca_fingerprint_text(const u8 digest[PKI_FINGERPRINT_LEN], char out[CA_FINGERPRINT_LEN]);

/* As ca_load(); passphrase: explicit_bzero() it; empty, the key needs none. */
bool ca_load_passphrase(const struct ca_words *w, bool with_key, struct pki_ca *ca, char passphrase[SECRET_MAX_LEN + 1]);

/* cmd_ca_issue.c */
bool ca_certify(const struct ca_words *w, const struct pki_ca *ca, struct store *s, const X509_PUBKEY *subject,
		struct pki_profile *profile, struct store_certificate *record, X509 **cert);
const char *ca_place(const struct ca_words *w, const char *name, const char *suffix, char out[PATH_MAX]);
bool ca_make_place(const struct ca_words *w);
bool ca_delivered(const struct ca_words *w, struct store *s, const struct store_certificate *record);
bool ca_read_csr(const char *path, u8 **der, size_t *len);
bool ca_write_file(const char *path, const void *data, size_t len, mode_t mode);
bool ca_write_chain(const char *path, const struct pki_ca *ca, X509 *cert);
bool ca_write_trust(const char *path, const struct pki_ca *ca);
bool ca_write_key(const char *path, EVP_PKEY *key);
bool ca_take_url(const struct ca_words *w, char url[SERVE_NAME_LEN]);

/* cmd_ca_roll.c */
int ca_publish(const struct ca_words *w, struct pki_ca_plan *plan, char passphrase[SECRET_MAX_LEN + 1]);
int ca_activate(const struct ca_words *w);
bool ca_rollover_tell(const struct ca_words *w, struct store *s);

/* cmd_ca_passphrase.c */
bool ca_root_is_clear(const char *dir);
bool ca_new_passphrase(const char *path, const char *prompt, const char *otherwise, const char *name,
		       char out[SECRET_MAX_LEN + 1]);
void ca_warn(const char *dir);

/* cmd_ca_root.c */
bool ca_read_root_key(const struct ca_words *w, EVP_PKEY **key);

/* cmd_ca_import.c */
int ca_request(const struct ca_words *w, struct pki_ca_plan *plan, char passphrase[SECRET_MAX_LEN + 1]);

/* cmd_ca_init.c */
bool ca_read_cert(const char *path, X509 **out);
bool ca_read_key(const char *path, const char *passphrase, EVP_PKEY **out);
int ca_print(const struct ca_words *w, bool pem);
int ca_crl_after(const struct ca_words *w);

/* cmd_ca_list.c */
const char *ca_state_name(const struct store_certificate *c, time_t now);
json_t *ca_json_certificate(const struct store_certificate *c, time_t now);

/* The verbs. */
int ca_init(const struct ca_words *w);
int ca_export(const struct ca_words *w);
int ca_export_hostapd(const struct ca_words *w);
int ca_issue(const struct ca_words *w);
int ca_operator(const struct ca_words *w);
int ca_revoke(const struct ca_words *w);
int ca_list(const struct ca_words *w);
int ca_crl(const struct ca_words *w);
int ca_import(const struct ca_words *w);
int ca_sign_issuing(const struct ca_words *w);
int ca_root_crl(const struct ca_words *w);
int ca_change_passphrase(const struct ca_words *w);

/* cmd_ca_crl.c */
int ca_crl_renew(const struct ca_words *w, struct store *s, char **pem, size_t *len);
const char *ca_reason_name(int reason);
int ca_reason_find(const char *name);

#endif

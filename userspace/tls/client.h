/* SPDX-License-Identifier: GPL-2.0 */
/* A connection to a server over TLS 1.3, each step of which ends by a deadline. */
#ifndef CORDON_TLS_CLIENT_H
#define CORDON_TLS_CLIENT_H

#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define TLS_ERROR_LEN	256
#define TLS_HOST_LEN	254	/* a DNS name, terminated */
#define TLS_BINDING_LEN	32	/* tls-exporter, RFC 9266 */

struct addrinfo;

/**
 * struct tls_target - a server
 * @host: its name or address, without brackets
 * @port: as a number
 * @address: @host is an address
 */
struct tls_target {
	char host[TLS_HOST_LEN];
	char port[6];
	bool address;
};

/**
 * struct tls_client - a connection
 * @trust: anchors, and certificates that help to build a chain; NULL: whoever answers is
 *	taken, which is for asking what is checked by other means
 * @cert: to show, or NULL
 * @key: of @cert
 * @chain: certificates that lead from @cert to its root, or NULL
 * @deadline: on tls_clock()
 * @error: what failed: lower case, no full stop
 * @fd: the socket, or -1
 * @ctx: of @ssl
 * @ssl: the connection
 *
 * Members up to @deadline are the caller's, who outlives the connection.
 */
struct tls_client {
	X509_STORE *trust;
	X509 *cert;
	EVP_PKEY *key;
	STACK_OF(X509) *chain;
	int64_t deadline;
	char error[TLS_ERROR_LEN];
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
};

/* resolve.c */
int64_t tls_clock(void);
int tls_remaining(int64_t deadline);
const char *tls_target_parse(const char *text, const char *port, struct tls_target *out);
int tls_resolve(const struct tls_target *target, int64_t deadline, struct addrinfo **out);

/* client.c */
int tls_open(struct tls_client *c, const struct tls_target *target);
int tls_binding(struct tls_client *c, uint8_t out[TLS_BINDING_LEN]);
int tls_write(struct tls_client *c, const void *data, size_t len);
ssize_t tls_read(struct tls_client *c, void *buf, size_t size);
void tls_close(struct tls_client *c);

#endif

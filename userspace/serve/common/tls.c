// SPDX-License-Identifier: GPL-2.0
/* TLS as it is spoken here, whoever is at the other end: 1.3 only, and client certificates are asked for. */
#include <errno.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <string.h>

#include "serve/common/serve.h"

/* All of TLS 1.3's but CCM; first the one whose hash processors have instructions for. */
#define CIPHERSUITES	"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
/* Of the keys that certificates here have. RSA: the server's may be another CA's, and so a stranger's. */
#define SIGNATURES	"ECDSA+SHA256:ECDSA+SHA384:ed25519:RSA-PSS+SHA256:RSA-PSS+SHA384"
/* Of a client's: TLS checks one signature with it. */
#define RSA_BITS	4096
#define RSA_EXPONENT	64

/**
 * serve_tls_new - TLS for a server, which has no certificate yet
 *
 * No tickets: every connection proves its key.
 *
 * Return: it; NULL.
 */
SSL_CTX *serve_tls_new(void)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());

	if (!tls || !SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) ||
	    !SSL_CTX_set_ciphersuites(tls, CIPHERSUITES) || !SSL_CTX_set1_sigalgs_list(tls, SIGNATURES) ||
	    !SSL_CTX_set1_client_sigalgs_list(tls, SIGNATURES)) {
		SSL_CTX_free(tls);
		return NULL;
	}
	SSL_CTX_set_num_tickets(tls, 0);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_options(tls, SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
	return tls;
}

/**
 * serve_tls_files - take the certificate and key of another CA
 * @to: goes on with them
 * @c: names the files
 *
 * Return: NULL; or what is wrong with them, and @to is as it was.
 */
const char *serve_tls_files(SSL_CTX *to, const struct serve_config *c)
{
	SSL_CTX *from = SSL_CTX_new(TLS_server_method());
	STACK_OF(X509) *chain = NULL;
	const char *why = NULL;

	errno = 0;
	if (!from || SSL_CTX_use_certificate_chain_file(from, c->certificate) != 1)
		why = errno ? strerror(errno) : "no certificate in PEM";
	else if (SSL_CTX_use_PrivateKey_file(from, c->key, SSL_FILETYPE_PEM) != 1)
		why = errno ? strerror(errno) : "no key in PEM, or not that of the certificate";
	else if (SSL_CTX_check_private_key(from) != 1 || !SSL_CTX_get0_chain_certs(from, &chain) ||
		 SSL_CTX_use_cert_and_key(to, SSL_CTX_get0_certificate(from), SSL_CTX_get0_privatekey(from), chain, 1) != 1)
		why = "the key is not that of the certificate";
	SSL_CTX_free(from);
	ERR_clear_error();
	return why;
}

/**
 * serve_tls_is_costly - does it take long to check a signature of a client's
 * @cert: the client's certificate
 *
 * To be asked before its signature is looked at: whoever makes up an RSA key that takes a hundred times as long as
 * others need not be able to sign with it.
 */
bool serve_tls_is_costly(X509 *cert)
{
	EVP_PKEY *key = cert ? X509_get0_pubkey(cert) : NULL;
	BIGNUM *e = NULL;
	bool costly;

	if (!key || !EVP_PKEY_is_a(key, "RSA"))
		return false;
	costly = EVP_PKEY_get_bits(key) > RSA_BITS || !EVP_PKEY_get_bn_param(key, "e", &e) || BN_num_bits(e) > RSA_EXPONENT;
	BN_free(e);
	return costly;
}

/**
 * serve_tls_is_idle - a connection sends one record too many that carries no data
 * @records: how many it has sent so far
 * @most: that it may
 * @type: as OpenSSL's message callback is told, of what comes in
 * @buf: likewise
 * @len: of @buf
 *
 * OpenSSL reads records for as long as they come and carry no data: a flood of KeyUpdate (RFC 8446, 4.6.3) or of
 * a ClientHello in pieces of one byte would keep everybody else waiting. The callback is told the header of each record,
 * then, if it was encrypted, the kind of what was in it.
 *
 * Return: it does, said once.
 */
bool serve_tls_is_idle(unsigned int *records, unsigned int most, int type, const void *buf, size_t len)
{
	const uint8_t *kind = buf;

	if (type == SSL3_RT_INNER_CONTENT_TYPE && len == 1 && *kind == SSL3_RT_APPLICATION_DATA)
		(*records)--;
	return type == SSL3_RT_HEADER && ++*records == most + 1;
}

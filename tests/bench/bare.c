// SPDX-License-Identifier: GPL-2.0
/*
 * bare DIR PORT: what a check-in is held against: accept, SSL_accept() with OpenSSL's verification of the
 * client's certificate against the same CA, close. No tickets, no cache, nothing read, nothing written.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static SSL_CTX *tls_new(const char *dir)
{
	SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
	char chain[512], key[512], ca[512];

	snprintf(chain, sizeof(chain), "%s/server.pem", dir);
	snprintf(key, sizeof(key), "%s/server.key", dir);
	snprintf(ca, sizeof(ca), "%s/ca/issuing.crt", dir);
	if (!tls || !SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) ||
	    SSL_CTX_use_certificate_chain_file(tls, chain) != 1 ||
	    SSL_CTX_use_PrivateKey_file(tls, key, SSL_FILETYPE_PEM) != 1 ||
	    SSL_CTX_load_verify_file(tls, ca) != 1)
		return NULL;
	X509_STORE_set_flags(SSL_CTX_get_cert_store(tls), X509_V_FLAG_PARTIAL_CHAIN);
	SSL_CTX_set_client_CA_list(tls, SSL_load_client_CA_file(ca));
	SSL_CTX_set_verify(tls, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_num_tickets(tls, 0);
	SSL_CTX_set_session_cache_mode(tls, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_mode(tls, SSL_MODE_RELEASE_BUFFERS);
	return tls;
}

int main(int argc, char **argv)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd, one = 1;
	SSL_CTX *tls = argc == 3 ? tls_new(argv[1]) : NULL;
	SSL *ssl;

	if (!tls) {
		fprintf(stderr, "bare: cannot use the certificates\n");
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	at.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&at, sizeof(at)) || listen(listener, 64)) {
		perror("bare");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		fd = accept(listener, NULL, NULL);
		if (fd < 0)
			continue;
		ssl = SSL_new(tls);
		if (ssl && SSL_set_fd(ssl, fd) && SSL_accept(ssl) != 1)
			fprintf(stderr, "bare: a handshake failed\n");
		SSL_free(ssl);
		close(fd);
	}
}

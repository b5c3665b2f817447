// SPDX-License-Identifier: GPL-2.0
/* How the device called us: absolute links lead where it came to, and never where its Host field likes. */
#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "serve/front/call.h"
#include "serve/front/ddi.h"

/* Address and port that the connection came in at; IPv4 as mapped. */
static uint16_t local(const struct conn *c, struct in6_addr *addr)
{
	struct sockaddr_storage at;
	const struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&at;
	const struct sockaddr_in *v4 = (struct sockaddr_in *)&at;
	socklen_t len = sizeof(at);

	memset(addr, 0, sizeof(*addr));
	memset(&at, 0, sizeof(at));
	if (getsockname(c->fd, (struct sockaddr *)&at, &len))
		return SERVE_EST_PORT;
	if (at.ss_family == AF_INET6) {
		*addr = v6->sin6_addr;
		return ntohs(v6->sin6_port);
	}
	addr->s6_addr[10] = addr->s6_addr[11] = 0xff;
	memcpy(addr->s6_addr + 12, &v4->sin_addr, 4);
	return ntohs(v4->sin_port);
}

static bool is_address(const char *host, const struct in6_addr *addr)
{
	struct in6_addr got = { .s6_addr = { [10] = 0xff, [11] = 0xff } };

	if (inet_pton(AF_INET6, host, &got) != 1 && inet_pton(AF_INET, host, got.s6_addr + 12) != 1)
		return false;
	return !memcmp(&got, addr, sizeof(got));
}

/* A name that the certificate which the device has just accepted is for. */
static bool is_ours(const struct conn *c, const char *host, const struct in6_addr *addr)
{
	X509 *cert = SSL_get_certificate(c->ssl);

	return is_address(host, addr) ||
	       (cert && (X509_check_ip_asc(cert, host, 0) == 1 ||
			 X509_check_host(cert, host, strlen(host), 0, NULL) == 1));
}

/* HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT; the host alone is put out. 0: none of them. */
static unsigned int split(const char *field, unsigned int port, char host[SERVE_NAME_LEN])
{
	bool bracket = field[0] == '[';
	size_t len = bracket ? strcspn(field + 1, "]") : strcspn(field, ":");
	const char *rest = field + len + 2 * bracket;

	if (!len || len >= SERVE_NAME_LEN || (bracket && field[len + 1] != ']'))
		return 0;
	memcpy(host, field + bracket, len);
	host[len] = 0;
	if (!*rest)
		return port;
	if (*rest != ':' || !rest[1] || strlen(rest) > 6 || strspn(rest + 1, "0123456789") != strlen(rest + 1))
		return 0;
	return strtoul(rest + 1, NULL, 10);
}

/**
 * link_base - how links begin: https://HOST:PORT
 * @req: the request; its Host field is taken over if it is one of our names, or the address that it came to
 * @out: filled
 *
 * A client that leaves the port out means the one that it came to.
 */
void link_base(struct evhttp_request *req, char out[DDI_BASE_LEN])
{
	const char *field = evhttp_find_header(evhttp_request_get_input_headers(req), "Host");
	const struct conn *c = call_conn(req);
	char host[SERVE_NAME_LEN];
	struct in6_addr addr;
	unsigned int here = local(c, &addr), port = field ? split(field, here, host) : 0;

	if (!port || port > 65535 || !is_ours(c, host, &addr)) {
		port = here;
		strcpy(host, c->front->config->names[0]);
	}
	snprintf(out, DDI_BASE_LEN, strchr(host, ':') ? "https://[%s]:%u" : "https://%s:%u", host, port);
}

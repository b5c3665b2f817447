// SPDX-License-Identifier: GPL-2.0
/* Addresses of sockets; a port that cannot be had: which it is, and whose. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "host/holder.h"
#include "serve/common/serve.h"

/**
 * serve_cannot_listen - tell that an address cannot be listened at, as errno says
 * @setting: line of serve.yaml
 * @at: address
 *
 * Of a port that is taken, who has it, as far as may be seen: as root, outside of the unit's sandbox.
 *
 * Return: -1.
 */
int serve_cannot_listen(const char *setting, const struct sockaddr_storage *at)
{
	const struct sockaddr_in6 *v6 = (const void *)at;
	const struct sockaddr_in *v4 = (const void *)at;
	bool is_v6 = at->ss_family == AF_INET6;
	uint16_t port = ntohs(is_v6 ? v6->sin6_port : v4->sin_port);
	char host[INET6_ADDRSTRLEN] = "?", address[INET6_ADDRSTRLEN + 16], holder[HOST_HOLDER_LEN];
	int err = errno;

	inet_ntop(at->ss_family, is_v6 ? (const void *)&v6->sin6_addr : &v4->sin_addr, host, sizeof(host));
	snprintf(address, sizeof(address), is_v6 ? "[%s]:%u" : "%s:%u", host, port);
	if (err == EADDRINUSE)
		serve_log(LOG_ERR, "cannot listen: the port is taken; stop who has it, or set another in serve.yaml", "setting",
			  setting, "address", address, "holder", host_holder("", port, holder) ? holder :
			  "not to be seen from here; see cordonctl doctor", NULL);
	else
		serve_log(LOG_ERR, "cannot listen", "setting", setting, "address", address, "why", strerror(err), NULL);
	return -1;
}

/**
 * serve_address - an address of a socket
 * @at: of IPv4 or IPv6
 * @out: filled, IPv4 as mapped
 *
 * Return: false, it is neither.
 */
bool serve_address(const struct sockaddr *at, uint8_t out[16])
{
	memset(out, 0, 16);
	if (at->sa_family == AF_INET6) {
		memcpy(out, &((const struct sockaddr_in6 *)at)->sin6_addr, 16);
	} else if (at->sa_family == AF_INET) {
		memset(out + 10, 0xff, 2);
		memcpy(out + 12, &((const struct sockaddr_in *)at)->sin_addr, 4);
	}
	return at->sa_family == AF_INET6 || at->sa_family == AF_INET;
}

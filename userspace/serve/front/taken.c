// SPDX-License-Identifier: GPL-2.0
/* A port that cannot be had: which it is, and whose. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "host/holder.h"
#include "serve/front/front.h"

/**
 * front_cannot_listen - tell that an address cannot be listened at, as errno says
 * @setting: line of serve.yaml
 * @at: address
 *
 * Of a port that is taken, who has it, as far as may be seen: as root, outside of the unit's sandbox.
 *
 * Return: -1.
 */
int front_cannot_listen(const char *setting, const struct sockaddr_storage *at)
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

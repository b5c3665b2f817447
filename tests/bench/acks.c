// SPDX-License-Identifier: GPL-2.0
/*
 * acks FIRST COUNT ADDRESS SECONDS RATE: as a server of DHCP on the gateway, on the interface gd: acknowledge to COUNT
 * devices, from number FIRST of tests/bench/rules.py on, an address each, from ADDRESS on, for so long; RATE a second.
 */
#include <arpa/inet.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define OPTIONS	240	/* where they begin, behind the magic cookie */

static int server(void)
{
	const struct sockaddr_in from = { .sin_family = AF_INET, .sin_port = htons(67) };
	const int yes = 1;
	int s = socket(AF_INET, SOCK_DGRAM, 0);

	if (s < 0 || setsockopt(s, SOL_SOCKET, SO_BROADCAST, &yes, sizeof(yes)) ||
	    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) ||
	    setsockopt(s, SOL_SOCKET, SO_BINDTODEVICE, "gd", 3) || bind(s, (const void *)&from, sizeof(from))) {
		perror("acks: no socket");
		exit(1);
	}
	return s;
}

/* Return: its length. */
static size_t ack(uint8_t *m, uint32_t device, uint32_t address, uint32_t seconds)
{
	static const uint8_t cookie[] = { 0x63, 0x82, 0x53, 0x63 };
	static const uint8_t options[] = { 53, 1, 5, 51, 4, 0, 0, 0, 0, 255 };
	const uint8_t mac[] = { 2, 0, 0, device >> 16, device >> 8, device };

	memset(m, 0, OPTIONS);
	m[0] = 2;
	m[1] = 1;
	m[2] = sizeof(mac);
	address = htonl(address);
	memcpy(m + 16, &address, 4);
	memcpy(m + 28, mac, sizeof(mac));
	memcpy(m + OPTIONS - sizeof(cookie), cookie, sizeof(cookie));
	memcpy(m + OPTIONS, options, sizeof(options));
	seconds = htonl(seconds);
	memcpy(m + OPTIONS + 5, &seconds, 4);
	return OPTIONS + sizeof(options);
}

int main(int argc, char **argv)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET, .sin_port = htons(68), .sin_addr.s_addr = INADDR_BROADCAST,
	};
	struct timespec wait = { 0 };
	uint32_t first, count, address, seconds, i;
	struct in_addr in;
	uint8_t m[512];
	size_t len;
	int s;

	if (argc != 6 || inet_pton(AF_INET, argv[3], &in) != 1) {
		fputs("usage: acks FIRST COUNT ADDRESS SECONDS RATE\n", stderr);
		return 2;
	}
	first = strtoul(argv[1], NULL, 10);
	count = strtoul(argv[2], NULL, 10);
	address = ntohl(in.s_addr);
	seconds = strtoul(argv[4], NULL, 10);
	wait.tv_nsec = 1000000000L / strtol(argv[5], NULL, 10);
	s = server();
	for (i = 0; i < count; i++) {
		len = ack(m, first + i, address + i, seconds);
		if (sendto(s, m, len, 0, (const struct sockaddr *)&to, sizeof(to)) != (ssize_t)len) {
			perror("acks: sendto");
			return 1;
		}
		nanosleep(&wait, NULL);
	}
	return close(s);
}

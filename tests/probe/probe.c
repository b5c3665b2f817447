// SPDX-License-Identifier: GPL-2.0
/* Traffic for scenarios: servers, clients, and single frames as no honest stack would send them. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MARK "CRDN"		/* before the number of a frame, in its payload */
#define MAX_SOCKETS 256

static void die(const char *what)
{
	perror(what);
	exit(2);
}

/** struct place - where a socket goes */
struct place {
	union {
		struct sockaddr addr;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	};
	socklen_t len;
};

/* An address as numbers, with its interface where it needs one; NULL, any. What getaddrinfo() needs is not linked. */
static struct place place(const char *host, const char *port)
{
	struct place p = { .v6 = { .sin6_family = AF_INET6, .sin6_port = htons(atoi(port)) }, .len = sizeof(p.v6) };
	char name[INET6_ADDRSTRLEN], *scope;

	if (!host)
		return p;
	snprintf(name, sizeof(name), "%s", host);
	scope = strchr(name, '%');
	if (scope) {
		*scope++ = '\0';
		p.v6.sin6_scope_id = if_nametoindex(scope);
	}
	if (inet_pton(AF_INET6, name, &p.v6.sin6_addr) == 1)
		return p;
	p = (struct place){ .v4 = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) }, .len = sizeof(p.v4) };
	if (inet_pton(AF_INET, host, &p.v4.sin_addr) != 1)
		die(host);
	return p;
}

static int open_socket(const char *host, const char *port, int type, struct place *out)
{
	int fd;

	*out = place(host, port);
	fd = socket(out->addr.sa_family, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket");
	return fd;
}

/* listen PORT...: echo over TCP and UDP, IPv4 and IPv6, until killed; says "ready" first */
static _Noreturn void do_listen(char **ports)
{
	struct pollfd fds[MAX_SOCKETS];
	int stream[MAX_SOCKETS] = { 0 }, zero = 0, one = 1, n = 0, i;	/* 1 listens, 2 echoes */
	char buf[65536];

	for (; *ports; ports++) {
		for (i = 0; i < 2; i++) {
			struct place at;
			int fd = open_socket(NULL, *ports, i ? SOCK_STREAM : SOCK_DGRAM, &at);

			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
			setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
			if (bind(fd, &at.addr, at.len) || (i && listen(fd, 64)))
				die(*ports);
			stream[n] = i;
			fds[n++] = (struct pollfd){ .fd = fd, .events = POLLIN };
		}
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		if (poll(fds, n, -1) < 0)
			die("poll");
		for (i = n - 1; i >= 0; i--) {
			struct sockaddr_storage peer;
			socklen_t len = sizeof(peer);
			ssize_t got;

			if (!fds[i].revents)
				continue;
			if (stream[i] == 1) {
				int fd = accept(fds[i].fd, NULL, NULL);

				if (fd >= 0 && n < MAX_SOCKETS) {
					stream[n] = 2;
					fds[n++] = (struct pollfd){ .fd = fd, .events = POLLIN };
				}
			} else if (stream[i] == 2) {
				got = read(fds[i].fd, buf, sizeof(buf));
				if (got > 0 && send(fds[i].fd, buf, got, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
					continue;
				close(fds[i].fd);
				fds[i] = fds[--n];
				stream[i] = stream[n];
			} else {
				got = recvfrom(fds[i].fd, buf, sizeof(buf), 0, (void *)&peer, &len);
				if (got >= 0)
					sendto(fds[i].fd, buf, got, 0, (void *)&peer, len);
			}
		}
	}
}

static int wait_for(int fd, short what, int ms)
{
	struct pollfd p = { .fd = fd, .events = what };

	return poll(&p, 1, ms) == 1;
}

/* tcp|udp HOST PORT [MS]: one echo within MS (1500); 0 came back, 1 did not, 3 was refused by the host */
static int do_echo(int type, char **argv, int argc)
{
	int ms = argc > 2 ? atoi(argv[2]) : 1500, err = 0;
	socklen_t len = sizeof(err);
	struct place at;
	int fd = open_socket(argv[0], argv[1], type | SOCK_NONBLOCK, &at);
	char buf[16];

	if (connect(fd, &at.addr, at.len) && errno != EINPROGRESS)
		return 1;
	if (!wait_for(fd, POLLOUT, ms) || getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) || err)
		return err == ECONNREFUSED ? 3 : 1;
	if (send(fd, "hello", 5, MSG_NOSIGNAL) != 5 || !wait_for(fd, POLLIN, ms))
		return 1;
	if (recv(fd, buf, sizeof(buf), 0) == 5)
		return 0;
	return errno == ECONNREFUSED ? 3 : 1;
}

/* transfer HOST PORT FILE: send to an echo without end, and keep the bytes that came back in FILE */
static int do_transfer(char **argv)
{
	struct place at;
	int fd = open_socket(argv[0], argv[1], SOCK_STREAM, &at);
	int out = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0644);
	unsigned long long total = 0;
	char buf[4096] = { 0 }, text[32];
	ssize_t got;

	if (out < 0)
		die(argv[2]);
	if (connect(fd, &at.addr, at.len))
		return 1;
	for (;;) {
		if (send(fd, buf, 1024, MSG_NOSIGNAL) < 0)
			return 1;
		got = recv(fd, buf, sizeof(buf), 0);
		if (got <= 0)
			return 1;
		total += got;
		if (pwrite(out, text, snprintf(text, sizeof(text), "%llu\n", total), 0) < 0)
			die(argv[2]);
	}
}

/* blast HOST PORT: datagrams without end, as fast as they go; another source port for each 64th */
static int do_blast(char **argv)
{
	unsigned int n = 0;

	for (;;) {
		struct place at;
		int fd = open_socket(argv[0], argv[1], SOCK_DGRAM, &at);

		if (connect(fd, &at.addr, at.len))
			return 1;
		do
			(void)!send(fd, "blast", 5, MSG_DONTWAIT);
		while (++n % 64);
		close(fd);
	}
}

/* flow HOST PORT: datagrams without end on one connection; each waits for the answer to the one before, 1 ms */
static int do_flow(char **argv)
{
	struct place at;
	int fd = open_socket(argv[0], argv[1], SOCK_DGRAM, &at);
	char answer[64];

	if (connect(fd, &at.addr, at.len))
		return 1;
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };

		(void)!send(fd, "flow", 4, MSG_DONTWAIT);
		if (poll(&p, 1, 1) > 0)
			(void)!recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
	}
}

static uint16_t fold(const void *data, size_t len, uint32_t sum)
{
	const uint8_t *p = data;

	for (; len > 1; len -= 2, p += 2)
		sum += p[0] << 8 | p[1];
	if (len)
		sum += p[0] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static void read_mac(const char *text, uint8_t *mac)
{
	if (sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", mac, mac + 1, mac + 2, mac + 3,
		   mac + 4, mac + 5) != 6)
		die(text);
}

struct frame {
	uint8_t data[256];
	size_t len;
};

/* The payload's header and checksum; returns the protocol. */
static uint8_t put_payload(struct frame *f, const char *proto, int sport, int dport,
			   uint32_t number, int v6, uint32_t pseudo)
{
	uint8_t *p = f->data + f->len, id;
	size_t head, len;
	uint16_t sum;
	int at;

	if (!strcmp(proto, "udp")) {
		id = 17, head = 8, at = 6;
	} else if (!strcmp(proto, "tcp")) {
		id = 6, head = 20, at = 16;
		p[12] = 0x50, p[13] = 0x02, p[14] = 0x20;
	} else {
		id = v6 ? 58 : 1, head = 8, at = 2;
	}
	len = head + 8;
	if (id == 17 || id == 6) {
		p[0] = sport >> 8, p[1] = sport, p[2] = dport >> 8, p[3] = dport;
	} else {
		p[0] = dport;		/* the type */
		p[4] = sport >> 8, p[5] = sport;
	}
	if (id == 17)
		p[4] = len >> 8, p[5] = len;
	memcpy(p + head, MARK, 4);
	number = htonl(number);
	memcpy(p + head + 4, &number, 4);
	sum = ~fold(p, len, id == 1 ? 0 : pseudo + id + len);
	p[at] = sum >> 8, p[at + 1] = sum;
	f->len += len;
	return id;
}

/* A frame with its number in it, checksums right. */
static void build(struct frame *f, char **a, uint32_t number)
{
	int v6 = !!strchr(a[2], ':'), size = v6 ? 16 : 4;
	uint8_t src[16], dst[16], *ip = f->data + 14;
	uint32_t pseudo;
	uint16_t sum;
	uint8_t id;

	memset(f, 0, sizeof(*f));
	read_mac(a[1], f->data);
	read_mac(a[0], f->data + 6);
	f->data[12] = v6 ? 0x86 : 0x08;
	f->data[13] = v6 ? 0xdd : 0x00;
	if (inet_pton(v6 ? AF_INET6 : AF_INET, a[2], src) != 1 ||
	    inet_pton(v6 ? AF_INET6 : AF_INET, a[3], dst) != 1)
		die(a[2]);
	pseudo = fold(src, size, fold(dst, size, 0));
	f->len = v6 ? 54 : 34;
	id = put_payload(f, a[4], atoi(a[5]), atoi(a[6]), number, v6, pseudo);
	if (v6) {
		ip[0] = 0x60, ip[5] = f->len - 54, ip[6] = id, ip[7] = 64;
		memcpy(ip + 8, src, 16);
		memcpy(ip + 24, dst, 16);
	} else {
		ip[0] = 0x45, ip[3] = f->len - 14, ip[8] = 64, ip[9] = id;
		memcpy(ip + 12, src, 4);
		memcpy(ip + 16, dst, 4);
		sum = ~fold(ip, 20, 0);
		ip[10] = sum >> 8, ip[11] = sum;
	}
}

static int packet_socket(const char *dev, int proto)
{
	struct sockaddr_ll ll = {
		.sll_family = AF_PACKET, .sll_protocol = htons(proto),
		.sll_ifindex = if_nametoindex(dev),
	};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(proto));

	if (fd < 0 || !ll.sll_ifindex || bind(fd, (void *)&ll, sizeof(ll)))
		die(dev);
	return fd;
}

/* send DEV NUMBER SMAC DMAC SRC DST udp|tcp|icmp SPORT DPORT|TYPE: one frame */
static int do_send(char **argv)
{
	int fd = packet_socket(argv[0], 0);
	struct frame f;

	build(&f, argv + 2, strtoul(argv[1], NULL, 10));
	return send(fd, f.data, f.len, 0) != (ssize_t)f.len;
}

/* frames DEV: the same for each line of standard input, without DEV */
static int do_frames(char **argv)
{
	int fd = packet_socket(argv[0], 0), i;
	char line[512], *word[8], *save;
	struct frame f;

	while (fgets(line, sizeof(line), stdin)) {
		word[0] = strtok_r(line, " \n", &save);
		for (i = 1; i < 8 && word[i - 1]; i++)
			word[i] = strtok_r(NULL, " \n", &save);
		if (i < 8 || !word[7])
			die("frames: too few words");
		build(&f, word + 1, strtoul(word[0], NULL, 10));
		if (send(fd, f.data, f.len, 0) != (ssize_t)f.len)
			die("send");
	}
	return 0;
}

/* hex DEV BYTES...: a frame as it is written */
static int do_hex(char **argv)
{
	int fd = packet_socket(argv[0], 0);
	uint8_t data[2048];
	size_t n = 0;

	for (argv++; *argv; argv++) {
		const char *p = *argv;

		for (; p[0] && p[1] && n < sizeof(data); p += 2)
			sscanf(p, "%2hhx", &data[n++]);
	}
	return send(fd, data, n, 0) != (ssize_t)n;
}

/* An ICMP error or echo reply, which quotes the packet that it is about. */
static bool is_answer(const uint8_t *frame, size_t n)
{
	const uint8_t *ip = frame + ETH_HLEN;

	if (n > ETH_HLEN + 40 && ip[0] >> 4 == 6)
		return ip[6] == IPPROTO_ICMPV6 && ip[40] != 128;
	return n > ETH_HLEN + 20 && ip[0] == 0x45 && ip[9] == IPPROTO_ICMP && ip[20] != 8;
}

/* sniff DEV FILE: the numbers of frames that arrive, a line each; "ready" on standard output first */
static _Noreturn void do_sniff(char **argv)
{
	int fd = packet_socket(argv[0], ETH_P_ALL), out, size = 4 << 20;
	uint8_t data[2048], *mark;
	uint32_t number;
	char text[16];
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
	out = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0644);
	if (out < 0)
		die(argv[1]);
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct sockaddr_ll from;
		socklen_t len = sizeof(from);

		n = recvfrom(fd, data, sizeof(data), 0, (void *)&from, &len);
		if (n < 0)
			die("recv");
		if (from.sll_pkttype == PACKET_OUTGOING)
			continue;
		mark = memmem(data, n, MARK, 4);
		if (!mark || mark + 8 > data + n || is_answer(data, n))
			continue;
		memcpy(&number, mark + 4, 4);
		if (write(out, text, snprintf(text, sizeof(text), "%u\n", ntohl(number))) < 0)
			die(argv[1]);
	}
}

/* garbage HOST PORT N FILE: N connections one after the other that send what nobody understands; FILE counts them */
static int do_garbage(char **argv)
{
	int out = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC, 0644), n = atoi(argv[2]), i;
	uint32_t noise[16];
	struct place at;
	char text[16];
	size_t j;
	int fd;

	if (out < 0)
		die(argv[3]);
	for (i = 1; i <= n; i++) {
		fd = open_socket(argv[0], argv[1], SOCK_STREAM, &at);
		for (j = 0; j < sizeof(noise) / sizeof(*noise); j++)
			noise[j] = random();
		/* Not to be let in is fine; not to be answered at all would hang here. */
		if (!connect(fd, &at.addr, at.len))
			send(fd, noise, sizeof(noise), MSG_NOSIGNAL);
		close(fd);
		if (i % 100 == 0 && pwrite(out, text, snprintf(text, sizeof(text), "%d\n", i), 0) < 0)
			die(argv[3]);
	}
	return 0;
}

/* in NAMESPACE ...: the rest in a network namespace, without a process more for that */
static void enter(const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET))
		die(name);
	close(fd);
}

int main(int argc, char **argv)
{
	const char *what;

	if (argc > 2 && !strcmp(argv[1], "in")) {
		enter(argv[2]);
		argv += 2;
		argc -= 2;
	}
	what = argc > 1 ? argv[1] : "";

	if (!strcmp(what, "listen") && argc > 2)
		do_listen(argv + 2);
	if (!strcmp(what, "tcp") && argc > 3)
		return do_echo(SOCK_STREAM, argv + 2, argc - 2);
	if (!strcmp(what, "udp") && argc > 3)
		return do_echo(SOCK_DGRAM, argv + 2, argc - 2);
	if (!strcmp(what, "transfer") && argc == 5)
		return do_transfer(argv + 2);
	if (!strcmp(what, "blast") && argc == 4)
		return do_blast(argv + 2);
	if (!strcmp(what, "flow") && argc == 4)
		return do_flow(argv + 2);
	if (!strcmp(what, "send") && argc == 11)
		return do_send(argv + 2);
	if (!strcmp(what, "frames") && argc == 3)
		return do_frames(argv + 2);
	if (!strcmp(what, "hex") && argc > 3)
		return do_hex(argv + 2);
	if (!strcmp(what, "garbage") && argc == 6)
		return do_garbage(argv + 2);
	if (!strcmp(what, "sniff") && argc == 4)
		do_sniff(argv + 2);
	fputs("probe: see the comments in probe.c\n", stderr);
	return 2;
}

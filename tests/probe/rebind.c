// SPDX-License-Identifier: GPL-2.0
/*
 * rebind N STEP...: change single devices, each step in turn, N steps in all, as fast as the kernel takes them. A step is
 * set:NAME:SEGMENT:ADDRESS[,ADDRESS...], add:NAME:MAC:SEGMENT:ADDRESS[,...] with a MAC of twelve digits, or del:NAME.
 * Only addresses of IPv4. Prints the mean time of a step in nanoseconds.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <time.h>

#include "nl/nl.h"

struct step {
	char kind[4];
	char name[CORDON_DEVICE_NAME_LEN];
	char segment[CORDON_NAME_LEN];
	u8 mac[6];
	struct cordon_addr addresses[CORDON_MAX_DEVICE_ADDRESSES];
	u32 n;
};

static int read_addresses(struct step *s, char *list)
{
	struct in_addr a;
	char *one;

	while ((one = strsep(&list, ","))) {
		if (s->n == CORDON_MAX_DEVICE_ADDRESSES || inet_pton(AF_INET, one, &a) != 1)
			return -1;
		s->addresses[s->n++] = cordon_addr_v4(ntohl(a.s_addr));
	}
	return 0;
}

static int read_mac(struct step *s, const char *digits)
{
	u8 *m = s->mac;

	return sscanf(digits, "%2hhx%2hhx%2hhx%2hhx%2hhx%2hhx", m, m + 1, m + 2, m + 3, m + 4, m + 5) == 6 ? 0 : -1;
}

static int read_step(struct step *s, char *text)
{
	char *word[5] = { 0 };
	int i;

	for (i = 0; i < 5 && text; i++)
		word[i] = strsep(&text, ":");
	if (i < 2)
		return -1;
	snprintf(s->kind, sizeof(s->kind), "%s", word[0]);
	snprintf(s->name, sizeof(s->name), "%s", word[1]);
	if (!strcmp(s->kind, "del"))
		return i == 2 ? 0 : -1;
	if (!strcmp(s->kind, "add") && (i != 5 || read_mac(s, word[2])))
		return -1;
	if (i < 4)
		return -1;
	snprintf(s->segment, sizeof(s->segment), "%s", word[i - 2]);
	return read_addresses(s, word[i - 1]);
}

static int take(struct cnl *nl, const struct step *s)
{
	const struct cnl_change change = {
		.name = s->name, .mac = *s->kind == 'a' ? s->mac : NULL, .segment = s->segment,
		.addresses = s->addresses, .n_addresses = s->n, .authentication = -1, .encryption = -1,
		.firmware = -1, .state = -1, .lease = -1, .outdated = -1,
	};
	struct cnl_device now;

	switch (*s->kind) {
	case 'a':
		return cnl_device_new(nl, &change, &now);
	case 'd':
		return cnl_device_del(nl, s->name, NULL);
	default:
		return cnl_device_set(nl, &change, &now);
	}
}

static long long nanoseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv)
{
	struct step *steps = calloc(argc, sizeof(*steps));
	int i, n = argc > 1 ? atoi(argv[1]) : 0;
	long long start;
	struct cnl nl;

	if (!steps || argc < 3 || n < 1)
		return 2;
	for (i = 2; i < argc; i++)
		if (read_step(&steps[i - 2], argv[i])) {
			fprintf(stderr, "rebind: no step: %s\n", argv[i]);
			return 2;
		}
	if (cnl_open(&nl)) {
		fprintf(stderr, "rebind: %s\n", nl.error);
		return 1;
	}
	start = nanoseconds();
	for (i = 0; i < n; i++)
		if (take(&nl, &steps[i % (argc - 2)])) {
			fprintf(stderr, "rebind: step %d: %s\n", i, nl.error);
			return 1;
		}
	printf("%lld ns\n", (nanoseconds() - start) / n);
	cnl_close(&nl);
	free(steps);
	return 0;
}

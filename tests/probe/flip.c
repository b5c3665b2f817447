// SPDX-License-Identifier: GPL-2.0
/*
 * flip N DEVICE OUT NAME FORBID ALLOW: traffic of a device leaves by the interface OUT on a connection that has its stamp.
 * N times: FORBID, steps (step.c) separated by semicolons; from then on no packet may leave; ALLOW, likewise; from then on
 * it flows again. Its sender is tied to a processor, and nobody answers: so all packets of the device take one queue, and
 * once one of them was denied, those before it are through. Prints TAP.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "step.h"

#define MOST	8	/* steps */
#define WAIT	20	/* seconds, until something has to have happened */

/* A counter. Its file stays open: interfaces are renamed. */
struct counter {
	int fd;
};

static void counter_open(struct counter *c, const char *format, const char *what)
{
	char path[256];

	snprintf(path, sizeof(path), format, what);
	c->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (c->fd < 0) {
		fprintf(stderr, "flip: %s: %s\n", path, strerror(errno));
		exit(2);
	}
}

static long long counter_read(const struct counter *c)
{
	char text[32];
	ssize_t len = pread(c->fd, text, sizeof(text) - 1, 0);

	if (len <= 0) {
		perror("flip: a counter cannot be read");
		exit(2);
	}
	text[len] = '\0';
	return atoll(text);
}

/* Wait until it has grown so far. */
static bool grows(const struct counter *c, long long by)
{
	const long long start = counter_read(c);
	const time_t end = time(NULL) + WAIT;

	while (counter_read(c) < start + by)
		if (time(NULL) > end)
			return false;
	return true;
}

static int read_steps(struct step *steps, char *text)
{
	char *one;
	int n = 0;

	while ((one = strsep(&text, ";")))
		if (n == MOST || step_read(&steps[n++], one)) {
			fprintf(stderr, "flip: step %d cannot be read\n", n);
			exit(2);
		}
	return n;
}

static void take(struct cnl *nl, const struct step *steps, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (step_take(nl, &steps[i])) {
			fprintf(stderr, "flip: step %d, %s: %s\n", i + 1, steps[i].name, nl->error);
			exit(2);
		}
}

static void report(bool passed, const char *name, const char *what)
{
	printf("%sok %s: %s\n", passed ? "" : "not ", name, what);
}

int main(int argc, char **argv)
{
	struct step *forbid = calloc(2 * MOST, sizeof(*forbid)), *allow = forbid + MOST;
	long long at_once, before, late = 0, wrong = 0;
	int i = 0, times, n_forbid, n_allow;
	struct counter left, denied;
	bool flows, held = true;
	char text[128];
	struct cnl nl;

	if (!forbid || argc != 7)
		return 2;
	times = atoi(argv[1]);
	counter_open(&left, "/sys/class/net/%s/statistics/tx_packets", argv[3]);
	counter_open(&denied, "/sys/kernel/cordon/devices/%s/denied", argv[2]);
	n_forbid = read_steps(forbid, argv[5]);
	n_allow = read_steps(allow, argv[6]);
	if (cnl_open(&nl)) {
		fprintf(stderr, "flip: %s\n", nl.error);
		return 2;
	}
	flows = grows(&left, 50);
	report(flows, argv[4], "control: traffic flows");
	for (i = 0; i < times && held && flows; i++) {
		take(&nl, forbid, n_forbid);
		at_once = counter_read(&left);
		held = grows(&denied, 2);
		before = counter_read(&left);
		late += before - at_once;
		held = held && grows(&denied, 5);
		wrong += counter_read(&left) - before;
		take(&nl, allow, n_allow);
		flows = grows(&left, 5);
	}
	printf("# %s: %lld packets were on their way when it was forbidden, %lld passed later\n", argv[4], late, wrong);
	snprintf(text, sizeof(text), "%d times, not one packet passed", i);
	report(held && !wrong && late <= times && i, argv[4], text);
	report(flows && i == times, argv[4], "it flowed again each time");
	cnl_close(&nl);
	free(forbid);
	return 0;
}

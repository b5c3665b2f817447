// SPDX-License-Identifier: GPL-2.0
/* cost DIR LIVE_DIR DEVICES NOW: what `cordonctl watch` does with a history of so many devices, in processor time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "history/writer.h"

static struct history_writer w;

static double milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void look(u32 devices, u64 count, time_t now)
{
	struct cnl_device d = { .state = CORDON_STATE_ACTIVE, .segment = "iot_zone", .effective_segment = "iot_zone" };
	u32 i;

	history_sample_begin(&w, now);
	for (i = 1; i <= devices; i++) {
		memcpy(d.def.mac, (u8[]){ 2, 0, i >> 24, i >> 16, i >> 8, i }, 6);
		snprintf(d.def.name, sizeof(d.def.name), "device-%u", i);
		d.stats.rx_packets = count + i;
		d.stats.rx_bytes = 100 * (count + i);
		history_sample_device(&w, &d, now);
	}
	if (history_sample_end(&w, true, now))
		exit(1);
}

static void tell(const char *what, double since)
{
	printf("%8.0f ms  %s\n", milliseconds() - since, what);
}

/* As the clock goes on, what is old goes. */
static void prune(time_t now)
{
	history_begin(&w, now);
	history_prune(&w, now);
	if (history_commit(&w))
		exit(1);
}

int main(int argc, char **argv)
{
	u32 devices = argc == 5 ? strtol(argv[3], NULL, 10) : 0;
	time_t now = argc == 5 ? strtoll(argv[4], NULL, 10) : 0;
	char path[512];
	struct stat st;
	double t;

	if (!devices)
		return 2;
	snprintf(path, sizeof(path), "%s/" HISTORY_FILE, argv[1]);
	if (stat(path, &st))
		return 1;
	printf("%8.0f MB  history.db\n", (double)st.st_size / 1e6);
	t = milliseconds();
	if (history_writer_open(&w, argv[1], argv[2], "boot", now)) {
		fprintf(stderr, "cost: %s\n", w.h.error);
		return 1;
	}
	look(devices, 0, now);
	tell("to begin, and look for the first time", t);
	t = milliseconds();
	look(devices, 1000, now + 10);
	tell("a look, every ten seconds, where all have moved", t);
	t = milliseconds();
	if (history_minute(&w, now / 900 * 900 + 60))
		return 1;
	tell("to write a minute, and make hours and days anew", t);
	look(devices, 2000, now / 900 * 900 + 110);
	t = milliseconds();
	if (history_minute(&w, now / 900 * 900 + 120))
		return 1;
	tell("to write a minute", t);
	t = milliseconds();
	prune(now + 60);
	tell("to prune, a minute on", t);
	t = milliseconds();
	prune(now + 86400);
	tell("to prune as much as is ever done at a time", t);
	history_writer_close(&w);
	return 0;
}

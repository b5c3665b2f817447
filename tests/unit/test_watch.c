// SPDX-License-Identifier: GPL-2.0
/* top's table: rates from two samples, counters that begin again, order, sparkline, width. */
#include <stdlib.h>
#include <string.h>

#include "lib/watch.h"
#include "tap.h"

static struct watch_row row(u8 number, u64 packets, u64 bytes, u64 denied)
{
	struct watch_row r = {
		.mac = { 2, 0, 0, 0, 0, number }, .state = CORDON_STATE_ACTIVE,
		.counts = { packets, bytes, packets / 2, bytes / 2, denied, denied / 2 },
	};

	snprintf(r.name, sizeof(r.name), "device-%u", number);
	return r;
}

static void add(struct watch *w, struct watch_row r)
{
	if (watch_add(w, &r))
		abort();
}

static const struct watch_row *find(const struct watch *w, const char *name)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		if (!strcmp(w->rows[i].name, name))
			return &w->rows[i];
	return NULL;
}

static float rate(const struct watch *w, const char *name, enum watch_count count)
{
	const struct watch_row *r = find(w, name);

	return r ? r->rates[count] : -1;
}

/* A sample of one device. */
static void sample(struct watch *w, double at, u64 bytes)
{
	watch_begin(w);
	add(w, row(1, 0, bytes, 0));
	watch_sampled(w, at);
}

static void test_rates(void)
{
	struct watch w = { .n = 0 };

	watch_begin(&w);
	add(&w, row(2, 100, 1000, 10));
	add(&w, row(1, 500, 5000, 0));
	watch_sampled(&w, 10);
	ok(w.n == 2 && !find(&w, "device-1")->known && w.seconds == 0, "one sample: no rates");
	watch_begin(&w);
	add(&w, row(3, 70, 70, 70));
	add(&w, row(1, 560, 5600, 0));
	add(&w, row(2, 100, 1000, 30));
	watch_sampled(&w, 12);
	ok(w.seconds == 2, "two seconds between");
	ok(rate(&w, "device-1", WATCH_C_RX_PACKETS) == 30 && rate(&w, "device-1", WATCH_C_TX_BYTES) == 150,
	   "rates are those of a second, whatever the order of the devices");
	ok(rate(&w, "device-2", WATCH_C_DENIED) == 10 && rate(&w, "device-2", WATCH_C_RX_BYTES) == 0, "of each counter");
	ok(!find(&w, "device-3")->known && rate(&w, "device-3", WATCH_C_DENIED) == 0, "one that was not there: none");
	watch_begin(&w);
	add(&w, row(1, 20, 200, 0));
	watch_sampled(&w, 14);
	ok(rate(&w, "device-1", WATCH_C_RX_PACKETS) == 10 && rate(&w, "device-1", WATCH_C_RX_BYTES) == 100,
	   "counters that began again: from 0");
	ok(w.n == 1 && !find(&w, "device-2"), "one that is gone is gone");
	watch_begin(&w);
	add(&w, row(1, 30, 300, 0));
	watch_undo(&w);
	ok(w.n == 1 && rate(&w, "device-1", WATCH_C_RX_PACKETS) == 10, "a sample that is given up: the last one stays");
	watch_begin(&w);
	add(&w, row(1, 60, 300, 0));
	watch_sampled(&w, 18);
	ok(rate(&w, "device-1", WATCH_C_RX_PACKETS) == 10, "and the next one goes on from it");
	watch_begin(&w);
	watch_sampled(&w, 20);
	ok(!w.n, "no device at all");
	watch_free(&w);
}

static void order(const struct watch *w, enum watch_key key, const char *wanted)
{
	const struct watch_row **sorted = watch_sorted(w, key);
	char got[64] = "";
	size_t i;

	for (i = 0; i < w->n; i++)
		strcat(got, sorted[i]->name + strlen("device-"));
	ok(!strcmp(got, wanted), "by %s: %s", watch_key_name(key), got);
	free(sorted);
}

static void test_sort(void)
{
	struct watch w = { .n = 0 };
	u8 i;

	watch_begin(&w);
	for (i = 1; i <= 4; i++)
		add(&w, row(i, 0, 0, 0));
	watch_sampled(&w, 1);
	order(&w, WATCH_TRAFFIC, "1234");
	watch_begin(&w);
	add(&w, row(1, 1, 100, 8));
	add(&w, row(2, 1, 300, 0));
	add(&w, row(3, 1, 200, 0));
	add(&w, row(4, 1, 100, 9));
	watch_sampled(&w, 2);
	order(&w, WATCH_TRAFFIC, "2314");
	order(&w, WATCH_DENIED, "4123");
	order(&w, WATCH_ANOMALIES, "1423");
	order(&w, WATCH_NAME, "1234");
	ok(watch_key_parse("denied") == WATCH_DENIED && watch_key_parse("n") == WATCH_NAME, "keys by name and letter");
	ok(watch_key_parse("") == -1 && watch_key_parse("den") == -1 && watch_key_parse("q") == -1, "and nothing else");
	watch_free(&w);
}

static void number(double value, const char *wanted)
{
	char got[WATCH_NUMBER_LEN];

	watch_number(value, got);
	ok(!strcmp(got, wanted), "number: %s", got);
}

static void test_numbers(void)
{
	number(0, "0");
	number(0.01, "<0.1");
	number(0.5, "0.5");
	number(9.96, "10");
	number(999, "999");
	number(999.6, "1.0k");
	number(1234567, "1.2M");
	number(999499, "999k");
	number(2e13, "20T");
	number(1.8e19, "18E");
}

/* A table as a text; free() it. */
static char *table(const struct watch *w, struct watch_screen screen, size_t *lines)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	*lines = watch_table(w, &screen, out);
	fclose(out);
	return text;
}

static size_t widest(const char *text)
{
	size_t most = 0, here = 0;

	for (; *text; text++) {
		/* Of a character of UTF-8, what follows its first byte takes no room. */
		here = *text == '\n' ? 0 : here + ((*text & 0xc0) != 0x80);
		most = here > most ? here : most;
	}
	return most;
}

static size_t count_lines(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

static void test_width(void)
{
	static const unsigned int columns[] = { 10, 40, 79, 80, 81, 100, 132, 400 };
	struct watch w = { .n = 0 };
	struct watch_row odd = row(9, 0, 0, 0);
	size_t lines, i;
	char *text;
	u8 n;

	for (i = 1; i <= 2; i++) {
		watch_begin(&w);
		for (n = 10; n < 60; n++)
			add(&w, row(n, i * 1000000, (u64)i << 40, i * n));
		memset(odd.name, 'x', CORDON_DEVICE_NAME_LEN - 1);
		odd.name[1] = '\033';
		add(&w, odd);
		watch_sampled(&w, i);
	}
	for (i = 0; i < sizeof(columns) / sizeof(*columns); i++) {
		text = table(&w, (struct watch_screen){ .columns = columns[i], .lines = 22, .utf8 = i & 1 }, &lines);
		ok(widest(text) <= columns[i] && count_lines(text) == lines && lines == 22, "%u columns: %zu, and 22 lines",
		   columns[i], widest(text));
		free(text);
	}
	text = table(&w, (struct watch_screen){ .columns = 80, .utf8 = true, .key = WATCH_TRAFFIC }, &lines);
	ok(lines == 52 && strstr(text, "device-59"), "without a limit, all lines");
	ok(strstr(text, "x?xxxxxxxxxxxxx~ active") && !strchr(text, '\033'), "a long name is cut, and what cannot be shown is not");
	ok(strstr(text, "▇") || strstr(text, "█"), "UTF-8: a line of blocks");
	free(text);
	text = table(&w, (struct watch_screen){ .columns = 80 }, &lines);
	for (i = 0; text[i] && !(text[i] & 0x80); i++)
		;
	ok(!text[i], "otherwise ASCII alone");
	free(text);
	text = table(&w, (struct watch_screen){ .utf8 = true, .exact = true, .key = WATCH_TRAFFIC }, &lines);
	ok(strstr(text, " 1000000 1099511627776 ") && !strstr(text, "1.0M") && !strstr(text, "TRAFFIC") && !strstr(text, "█"),
	   "exact: all digits, and no graph");
	free(text);
	text = table(&w, (struct watch_screen){ .key = WATCH_TRAFFIC }, &lines);
	ok(strstr(text, "1.0M") && !strstr(text, "1000000"), "otherwise they are rounded");
	free(text);
	watch_free(&w);
}

static void test_past(void)
{
	struct watch w = { .n = 0 };
	size_t lines;
	char *text;
	u32 i;

	sample(&w, 0, 0);
	sample(&w, 1, 0);
	ok(!w.rows[0].past, "who does nothing has no history");
	sample(&w, 2, 1000);
	ok(watch_past(&w, &w.rows[0], WATCH_TRAFFIC, 0) == 1500 && watch_past(&w, &w.rows[0], WATCH_TRAFFIC, 1) == 0,
	   "what it did last, and before");
	ok(watch_past(&w, &w.rows[0], WATCH_NAME, 0) == 1500 && watch_past(&w, &w.rows[0], WATCH_DENIED, 0) == 0,
	   "by name it is traffic");
	sample(&w, 3, 1200);
	ok(watch_past(&w, &w.rows[0], WATCH_TRAFFIC, 0) == 300 && watch_past(&w, &w.rows[0], WATCH_TRAFFIC, 1) == 1500,
	   "one sample later");
	text = table(&w, (struct watch_screen){ .columns = 400, .key = WATCH_TRAFFIC }, &lines);
	ok(strstr(text, "      #.\n"), "a cell is for two samples, as high as the most of them beside the device's own most");
	free(text);
	for (i = 4; i < 3 + WATCH_HISTORY; i++)
		sample(&w, i, 1200);
	ok(w.rows[0].past, "it is remembered for %d samples", WATCH_HISTORY);
	sample(&w, i, 1200);
	ok(!w.rows[0].past, "and then forgotten");
	watch_free(&w);
}

int main(void)
{
	test_rates();
	test_sort();
	test_numbers();
	test_width();
	test_past();
	return tap_done();
}

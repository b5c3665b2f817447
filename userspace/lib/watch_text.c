// SPDX-License-Identifier: GPL-2.0
/* Rates as a table that fits a terminal. */
#include <stdlib.h>
#include <string.h>

#include "watch.h"

#define NAME_WIDTH	16	/* of a terminal of 80 columns; more of a wider one */
#define MAX_NAME_WIDTH	40
#define STATE_WIDTH	11
#define NUMBER_WIDTH	6
#define EXACT_WIDTH	13	/* with all digits, up to a terabyte; more makes its line longer */
#define MAX_LINE	60	/* cells of a sparkline: more than that show nothing more */
#define MIN_LINE	8
/* What stands left of the sparkline, with a name of NAME_WIDTH. */
#define BESIDE		(NAME_WIDTH + 1 + STATE_WIDTH + WATCH_COUNTS * (NUMBER_WIDTH + 1) + 1)

#define BOLD		"\033[1m"
#define REVERSE		"\033[7m"
#define PLAIN		"\033[m"

/**
 * watch_number - a rate in at most 6 characters
 * @value: the rate
 * @out: gets it
 *
 * Thousands of it: 1.2k, 12M, 345G.
 */
const char *watch_number(double value, char out[WATCH_NUMBER_LEN])
{
	static const char unit[] = " kMGTPE";
	size_t i = 0;

	if (value > 0 && value < 0.05)
		return strcpy(out, "<0.1");
	for (; value >= 999.5 && unit[i + 1]; i++)
		value /= 1000;
	snprintf(out, WATCH_NUMBER_LEN, value > 0 && value < 9.95 ? "%.1f%.*s" : "%.0f%.*s", value, i ? 1 : 0, &unit[i]);
	return out;
}

/* A word in a column; a longer one ends with '~', and what cannot be shown is '?'. */
static void put_word(const char *word, unsigned int width, FILE *out)
{
	size_t len = strlen(word), i;

	for (i = 0; i < width; i++)
		if (i >= len)
			putc(' ', out);
		else if (i == width - 1 && len > width)
			putc('~', out);
		else
			putc(word[i] > ' ' && word[i] < 0x7f ? word[i] : '?', out);
}

static unsigned int line_width(const struct watch_screen *screen)
{
	unsigned int columns = screen->columns ? screen->columns : 80;
	unsigned int width = columns > BESIDE && !screen->exact ? columns - BESIDE : 0;

	/* What is left goes to the name, then to the line. */
	if (width > MIN_LINE)
		width -= (width - MIN_LINE) / 2 < MAX_NAME_WIDTH - NAME_WIDTH ? (width - MIN_LINE) / 2 :
			 MAX_NAME_WIDTH - NAME_WIDTH;
	return width < MIN_LINE ? 0 : width < MAX_LINE ? width : MAX_LINE;
}

static unsigned int name_width(const struct watch_screen *screen)
{
	unsigned int columns = screen->columns ? screen->columns : 80, width;

	if (screen->exact || columns <= BESIDE + MIN_LINE)
		return NAME_WIDTH;
	width = NAME_WIDTH + (columns - BESIDE - MIN_LINE) / 2;
	return width < MAX_NAME_WIDTH ? width : MAX_NAME_WIDTH;
}

/*
 * The most of the samples that a cell is for. Cells keep their samples as time goes on, so that the line moves, and
 * does not flicker: the last one may still be filling.
 */
static float cell(const struct watch *w, const struct watch_row *row, const struct watch_screen *screen, u32 back,
		  u32 samples)
{
	u64 last = w->sample - w->sample % samples + samples - 1, sample;
	float most = 0, value;
	u32 i;

	for (i = 0; i < samples; i++) {
		sample = last - (u64)back * samples - i;
		if (sample > w->sample)
			continue;
		value = watch_past(w, row, screen->key, w->sample - sample);
		most = value > most ? value : most;
	}
	return most;
}

/* By the most that the device itself did. */
static void put_line(const struct watch *w, const struct watch_row *row, const struct watch_screen *screen,
		     unsigned int width, FILE *out)
{
	static const char *const blocks[] = { " ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const ascii[] = { " ", ".", ".", ":", ":", "|", "|", "#", "#" };
	u32 samples = (WATCH_HISTORY - 1) / width + 1, i;
	float most = 0, values[MAX_LINE];

	for (i = 0; i < width; i++) {
		values[i] = cell(w, row, screen, width - 1 - i, samples);
		most = values[i] > most ? values[i] : most;
	}
	for (i = 0; i < width; i++) {
		int level = most > 0 && values[i] > 0 ? 1 + (int)(7 * values[i] / most) : 0;

		fputs(screen->utf8 ? blocks[level] : ascii[level], out);
	}
}

/**
 * watch_line - a line of a screen, no longer than that is wide
 * @screen: the screen
 * @text: the line, of ASCII
 * @out: where to
 */
void watch_line(const struct watch_screen *screen, const char *text, FILE *out)
{
	int columns = screen->columns ? (int)screen->columns : (int)strlen(text);

	fprintf(out, "%.*s%s\n", columns, text, screen->colour ? "\033[K" : "");
}

static void put_head(const struct watch_screen *screen, FILE *out)
{
	static const char *const heads[WATCH_COUNTS] = { "RX-P/s", "RX-B/s", "TX-P/s", "TX-B/s", "DENY/s", "ANOM/s" };
	char *text = NULL;
	size_t size, i;
	FILE *line = open_memstream(&text, &size);

	if (!line)
		return;
	put_word("DEVICE", name_width(screen), line);
	fprintf(line, " %-*s", STATE_WIDTH, "STATE");
	for (i = 0; i < WATCH_COUNTS; i++)
		fprintf(line, " %*s", screen->exact ? EXACT_WIDTH : NUMBER_WIDTH, heads[i]);
	if (line_width(screen))
		fprintf(line, " %-*.*s", (int)line_width(screen), (int)line_width(screen),
			screen->key == WATCH_DENIED ? "DENIED" : screen->key == WATCH_ANOMALIES ? "ANOMALY" :
			"TRAFFIC");
	fclose(line);
	fputs(screen->colour ? REVERSE : "", out);
	fprintf(out, "%.*s", screen->columns ? (int)screen->columns : (int)strlen(text), text);
	fputs(screen->colour ? PLAIN "\033[K\n" : "\n", out);
	free(text);
}

static void put_row(const struct watch *w, const struct watch_row *row, const struct watch_screen *screen, FILE *out)
{
	char number[WATCH_NUMBER_LEN], *text = NULL;
	size_t size, i;
	FILE *line = open_memstream(&text, &size);
	bool marked = screen->colour && (row->rates[WATCH_C_DENIED] > 0 || row->rates[WATCH_C_ANOMALIES] > 0);

	if (!line)
		return;
	put_word(row->name, name_width(screen), line);
	fprintf(line, " %-*s", STATE_WIDTH, policy_state_name(row->state));
	for (i = 0; i < WATCH_COUNTS; i++) {
		if (row->known && screen->exact)
			fprintf(line, " %*.0f", EXACT_WIDTH, (double)row->rates[i]);
		else
			fprintf(line, " %*s", screen->exact ? EXACT_WIDTH : NUMBER_WIDTH,
				row->known ? watch_number(row->rates[i], number) : "-");
	}
	fclose(line);
	fputs(marked ? BOLD : "", out);
	fprintf(out, "%.*s", screen->columns ? (int)screen->columns : (int)strlen(text), text);
	fputs(marked ? PLAIN : "", out);
	if (line_width(screen)) {
		putc(' ', out);
		put_line(w, row, screen, line_width(screen), out);
	}
	fputs(screen->colour ? "\033[K\n" : "\n", out);
	free(text);
}

/**
 * watch_table - the devices with most of what the table is sorted by, as many as fit
 * @w: the devices
 * @screen: where it goes
 * @out: where to; each line ends with a newline, the last one, too
 *
 * Return: how many lines, the head included.
 */
size_t watch_table(const struct watch *w, const struct watch_screen *screen, FILE *out)
{
	const struct watch_row **sorted = watch_sorted(w, screen->key);
	size_t i, n = w->n;

	if (screen->lines && n + 1 > screen->lines)
		n = screen->lines - 1;
	put_head(screen, out);
	for (i = 0; sorted && i < n; i++)
		put_row(w, sorted[i], screen, out);
	free(sorted);
	return n + 1;
}

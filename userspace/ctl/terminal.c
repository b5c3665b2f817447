// SPDX-License-Identifier: GPL-2.0
/* A terminal that a command draws on: taken over, and given back however the command ends. */
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "ctl/ctl.h"

#define BEGIN	"\033[?1049h\033[?25l"	/* the other screen, no cursor */
#define END	"\033[m\033[?25h\033[?1049l"

static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH };

#define N_SIGNALS (sizeof(signals) / sizeof(*signals))

static struct termios before;
static bool taken, has_keys;
static sigset_t outside;		/* signals that were blocked before */
static volatile sig_atomic_t ending;	/* signal that ends the command */
static volatile sig_atomic_t resized, stopping;

static void on_signal(int number)
{
	if (number == SIGWINCH)
		resized = 1;
	else if (number == SIGTSTP)
		stopping = 1;
	else
		ending = number;
}

/* Where it cannot be written, nobody is left to see it. */
static void put(const char *text, size_t len)
{
	ssize_t n;

	while (len && ((n = write(STDOUT_FILENO, text, len)) > 0 || (n < 0 && errno == EINTR))) {
		text += n > 0 ? n : 0;
		len -= n > 0 ? n : 0;
	}
}

static void take(void)
{
	struct termios raw = before;

	raw.c_lflag &= ~(ICANON | ECHO);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (has_keys)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
	put(BEGIN, sizeof(BEGIN) - 1);
	taken = true;
}

/** terminal_end - give the terminal back as it was; again and again does no harm */
void terminal_end(void)
{
	if (!taken)
		return;
	taken = false;
	put(END, sizeof(END) - 1);
	if (has_keys)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
}

/** terminal_is - standard output is a terminal */
bool terminal_is(void)
{
	return isatty(STDOUT_FILENO);
}

/**
 * terminal_begin - take the terminal over
 *
 * It is given back at exit. Signals that end or stop the command, and a new size, are told by
 * terminal_wait(), and only there.
 */
void terminal_begin(void)
{
	struct sigaction action = { .sa_handler = on_signal };
	sigset_t blocked;
	size_t i;

	has_keys = !tcgetattr(STDIN_FILENO, &before);
	sigemptyset(&blocked);
	for (i = 0; i < N_SIGNALS; i++) {
		sigaddset(&blocked, signals[i]);
		sigaction(signals[i], &action, NULL);
	}
	sigprocmask(SIG_BLOCK, &blocked, &outside);
	atexit(terminal_end);
	take();
}

/* As if nobody had caught it. */
static void pass_on(int number)
{
	struct sigaction plain = { .sa_handler = SIG_DFL }, caught;
	sigset_t set;

	sigaction(number, &plain, &caught);
	raise(number);
	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sigaction(number, &caught, NULL);
}

/* Until somebody continues it. */
static void stop(void)
{
	stopping = 0;
	terminal_end();
	pass_on(SIGTSTP);
	take();
}

/**
 * terminal_wait - wait for a key
 * @ms: how long
 *
 * A signal that ends the command does so, when the terminal is as it was.
 *
 * Return: the key; 0, there was none; TERMINAL_RESIZED, all is to be drawn anew.
 */
int terminal_wait(int ms)
{
	const struct timespec time = { ms / 1000, ms % 1000 * 1000000L };
	struct pollfd in = { .fd = has_keys ? STDIN_FILENO : -1, .events = POLLIN };
	unsigned char key = 0;
	int n = ppoll(&in, 1, &time, &outside);

	if (ending) {
		terminal_end();
		pass_on(ending);
		exit(EXIT_REFUSED);
	}
	if (stopping) {
		stop();
		return TERMINAL_RESIZED;
	}
	if (resized) {
		resized = 0;
		return TERMINAL_RESIZED;
	}
	if (n < 1)
		return 0;
	if (read(STDIN_FILENO, &key, 1) == 1)
		return key;
	/* It has gone, and there will be no more keys. */
	has_keys = false;
	return 0;
}

/**
 * terminal_size - how large it is now
 * @columns: set
 * @lines: set
 */
void terminal_size(unsigned int *columns, unsigned int *lines)
{
	struct winsize size = { 0 };

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	*columns = size.ws_col ? size.ws_col : 80;
	*lines = size.ws_row ? size.ws_row : 24;
}

/** terminal_is_utf8 - what is written is read as UTF-8 */
bool terminal_is_utf8(void)
{
	return setlocale(LC_CTYPE, "") && !strcmp(nl_langinfo(CODESET), "UTF-8");
}

/**
 * terminal_draw - show a screen in place of the one before
 * @text: its lines; the newline behind the last one is left out, as it would scroll
 * @len: length
 */
void terminal_draw(const char *text, size_t len)
{
	put("\033[H", 3);
	put(text, len && text[len - 1] == '\n' ? len - 1 : len);
	put("\033[J", 3);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The terminal's life cycle, and its rescue.
 *
 *   take ──> taken <──resume── lent      free(), exit(): endwin()
 *              └─────lend───────^        a crash: rescue()
 *
 * After a crash ncurses cannot be trusted, and may not be called from a signal
 * handler anyway. So what brings the terminal back is asked for in advance: the
 * bytes of the capabilities and the termios. The handler writes both, puts the
 * signal's former action back and raises it again: core dumps and sanitizers
 * work as ever.
 *
 * LIMITATIONS: SIGKILL leaves the terminal as it is (type "reset"). No padding
 * for terminals slower than the kernel's buffer.
 */
#include "output/tui_screen.h"

#include <curses.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#include "base/log.h"

#define ESCAPE_DELAY_MS 25

static const int crash_signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS};
#define CRASH_SIGNALS (sizeof(crash_signals) / sizeof(crash_signals[0]))

/*
 * What must be undone. At file scope, against the rule: neither atexit() nor a
 * signal handler nor tputs() hands an argument on.
 */
static struct {
	volatile sig_atomic_t is_taken;
	bool has_exit_handler, has_colors;
	SCREEN *screen;
	struct termios termios;
	char undo[256];
	size_t undo_len;
	struct sigaction before[CRASH_SIGNALS];
	stack_t stack, stack_before;
} terminal;

/* --- the rescue --- */

static void rescue(int signo)
{
	ssize_t written = 0;

	if (terminal.is_taken) {
		terminal.is_taken = 0;
		written = write(STDOUT_FILENO, terminal.undo, terminal.undo_len);
		tcsetattr(STDIN_FILENO, TCSANOW, &terminal.termios);
	}
	(void)written;
	for (unsigned i = 0; i < CRASH_SIGNALS; i++)
		sigaction(crash_signals[i], &terminal.before[i], NULL);
	raise(signo); /* delivered when this returns */
}

static void rescue_at_exit(void)
{
	if (terminal.is_taken)
		endwin();
	terminal.is_taken = 0;
}

static bool has_capability(const char *name)
{
	const char *text = tigetstr(name);

	return text && text != (char *)-1;
}

static int keep_byte(int c)
{
	if (terminal.undo_len < sizeof(terminal.undo))
		terminal.undo[terminal.undo_len++] = (char)c;
	return c;
}

static void keep_undo(void)
{
	/* Attributes off, colours as they were, keypad, the main screen, the cursor. */
	static const char *const capabilities[] = {"sgr0", "op", "rmkx", "rmcup", "cnorm"};

	terminal.undo_len = 0;
	for (unsigned i = 0; i < sizeof(capabilities) / sizeof(capabilities[0]); i++) {
		if (has_capability(capabilities[i]))
			tputs(tigetstr(capabilities[i]), 1, keep_byte);
	}
}

/* On a stack of its own: a stack that ran over is a crash too. */
static void install_rescue(void)
{
	struct sigaction action = {.sa_handler = rescue, .sa_flags = SA_ONSTACK};

	keep_undo();
	sigfillset(&action.sa_mask);
	terminal.stack.ss_size = (size_t)sysconf(_SC_SIGSTKSZ) + 16384;
	terminal.stack.ss_sp = malloc(terminal.stack.ss_size);
	if (!terminal.stack.ss_sp || sigaltstack(&terminal.stack, &terminal.stack_before))
		action.sa_flags = 0;
	for (unsigned i = 0; i < CRASH_SIGNALS; i++)
		sigaction(crash_signals[i], &action, &terminal.before[i]);
	if (!terminal.has_exit_handler)
		terminal.has_exit_handler = !atexit(rescue_at_exit);
}

static void remove_rescue(void)
{
	for (unsigned i = 0; i < CRASH_SIGNALS; i++)
		sigaction(crash_signals[i], &terminal.before[i], NULL);
	if (terminal.stack.ss_sp)
		sigaltstack(&terminal.stack_before, NULL);
	free(terminal.stack.ss_sp);
	terminal.stack.ss_sp = NULL;
}

/* --- the life cycle --- */

static int no_terminal(const char *name)
{
	if (!name || !name[0])
		log_error("cannot draw: TERM is not set; try TERM=xterm, --json, or a pipe: "
			  "memwatch | cat");
	else
		log_error("cannot draw on a terminal of the type TERM=%s; try TERM=xterm, --json, "
			  "or a pipe: memwatch | cat",
			  name);
	return -ENOTSUP;
}

static void start_colors(void)
{
	const char *no_color = getenv("NO_COLOR"); /* https://no-color.org */

	terminal.has_colors = false;
	if ((no_color && no_color[0]) || !has_colors())
		return;
	start_color();
	if (use_default_colors() == ERR)
		return;
	init_pair(COLOR_RED, COLOR_RED, -1);
	init_pair(COLOR_YELLOW, COLOR_YELLOW, -1);
	init_pair(COLOR_GREEN, COLOR_GREEN, -1);
	terminal.has_colors = true;
}

bool tui_screen_has_colors(void)
{
	return terminal.has_colors;
}

int tui_screen_take(void)
{
	int found;

	if (tcgetattr(STDIN_FILENO, &terminal.termios))
		return -errno;
	/* Asked before newterm(), which initialises the terminal at once. */
	if (setupterm(NULL, STDOUT_FILENO, &found) == ERR)
		return no_terminal(getenv("TERM"));
	found = has_capability("cup") && has_capability("clear");
	del_curterm(cur_term);
	if (!found)
		return no_terminal(getenv("TERM"));
	use_env(false); /* LINES and COLUMNS are of the shell's past; ask the terminal */
	use_tioctl(true);
	terminal.screen = newterm(NULL, stdout, stdin);
	if (!terminal.screen)
		return -ENOMEM;
	terminal.is_taken = 1;
	install_rescue();
	set_escdelay(ESCAPE_DELAY_MS);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, true);
	nodelay(stdscr, true);
	typeahead(-1); /* finish each picture: the next may be a tick away */
	curs_set(0);
	start_colors();
	return 0;
}

bool tui_screen_is_taken(void)
{
	return terminal.is_taken;
}

void tui_screen_lend(void)
{
	if (!terminal.is_taken)
		return;
	endwin();
	terminal.is_taken = 0;
}

void tui_screen_resume(void)
{
	if (terminal.is_taken || !terminal.screen)
		return;
	terminal.is_taken = 1;
	tui_screen_fit();
}

void tui_screen_fit(void)
{
	struct winsize size;

	if (!terminal.is_taken)
		return;
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) && size.ws_row && size.ws_col)
		resizeterm(size.ws_row, size.ws_col);
	clearok(curscr, true);
}

void tui_screen_free(void)
{
	if (!terminal.screen)
		return;
	tui_screen_lend();
	remove_rescue();
	delscreen(terminal.screen);
	terminal.screen = NULL;
}

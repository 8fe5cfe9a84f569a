/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * memwatch: which process grows, what kind of memory, by what.
 *
 * A table of commands; without one, it is "watch".
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "cmd/cmd.h"

static const struct command commands[] = {
	{"watch", "live: all processes, or those named (this is the default)", cmd_watch},
	{"record", "keeps a run in a file, to be looked at and compared later", cmd_record},
	{"report", "what a recording holds: who grew, what leaks, by which code", cmd_report},
	{"check", "whether anything leaks, as an exit status, for CI", cmd_check},
	{"heap", "what is alive in a V8 heap, what of it grew, and who keeps it", cmd_heap},
	{"diff", "what one recording or census has that another has not", cmd_diff},
	{"doctor", "what this kernel, user and process allow; what is lost, how to get it",
	 cmd_doctor},
	{"schema", "the contract of --json", cmd_schema},
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

static void print_help(FILE *out)
{
	fputs("memwatch - which process grows, whether it leaks, and by which code, as it runs\n"
	      "\n"
	      "Usage:\n"
	      "  memwatch [watch] [-p PID]... [PID...] [options]\n"
	      "  memwatch COMMAND [options]\n"
	      "  memwatch --version\n"
	      "\n"
	      "Commands:\n",
	      out);
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(out, "  %-8s %s\n", commands[i].name, commands[i].help);
	fputs("\n"
	      "Examples:\n"
	      "  sudo memwatch                        the whole machine, fastest grower first\n"
	      "  sudo memwatch -p $(pidof node)       every process that pidof prints\n"
	      "  sudo memwatch -n node --json -d 60   one minute as NDJSON\n"
	      "  sudo memwatch record -o day.mwr      all of it into a file; -- CMD: around CMD\n"
	      "  memwatch report day.mwr              what it was; --format html: as a page\n"
	      "  sudo memwatch check -d 5m -n node    status 0 if none of them leaks\n"
	      "  sudo memwatch check -- npm test      runs it; status 3 if anything leaks\n"
	      "  sudo memwatch heap -p 4711 -d 30     which objects grow, and who keeps them\n"
	      "  sudo memwatch doctor -p 4711         what can be seen of this process\n"
	      "\n"
	      "'memwatch COMMAND --help' shows a command's options. The process that is watched\n"
	      "is not changed and needs no preparation; only heap stops it, for a moment.\n",
	      out);
}

/* What is closed must not become a file of ours: messages would be written into it. */
static void open_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

static int run(int argc, char **argv)
{
	if (argc > 1 &&
	    (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))) {
		print_help(stdout);
		return MEMWATCH_EXIT_OK;
	}
	if (argc > 1 && (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))) {
		puts("memwatch " MEMWATCH_VERSION);
		return MEMWATCH_EXIT_OK;
	}
	for (size_t i = 0; argc > 1 && i < COMMAND_COUNT; i++) {
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);
	}
	if (argc > 1 && argv[1][0] != '-' && (argv[1][0] < '0' || argv[1][0] > '9') && argv[1][0]) {
		log_error("'%s' is not a command; see 'memwatch --help'", argv[1]);
		return MEMWATCH_EXIT_USAGE;
	}
	return cmd_watch(argc, argv);
}

int main(int argc, char **argv)
{
	int status;

	open_standard_fds();
	setlocale(LC_CTYPE, ""); /* names in UTF-8; numbers as everywhere */
	status = run(argc, argv);
	if ((fflush(stdout) || ferror(stdout)) && status == MEMWATCH_EXIT_OK) {
		log_error("cannot write: %s", strerror(errno));
		return MEMWATCH_EXIT_FAILED;
	}
	return status;
}

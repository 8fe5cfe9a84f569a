/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * options.h - the command lines of the workloads, as tables.
 *
 * A program lists its options once; parsing and --help walk that list. Sizes are binary: 4096, 64K,
 * 16M, 1G, each also with "iB" or "B" behind. Errors end the program with status 2.
 */
#ifndef WORKLOADS_OPTIONS_H
#define WORKLOADS_OPTIONS_H

#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum option_type {
	OPTION_FLAG,   /* bool */
	OPTION_NUMBER, /* unsigned long */
	OPTION_SIZE,   /* unsigned long, in bytes */
	OPTION_REAL,   /* double, not negative */
	OPTION_TEXT,   /* const char * */
};

struct option {
	const char *name; /* with its dashes */
	enum option_type type;
	void *value; /* of that type; what it holds before is the default */
	const char *help;
};

__attribute__((noreturn, format(printf, 2, 3))) static inline void die(int status,
								       const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", program_invocation_short_name);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(status);
}

static inline unsigned long parse_number(const char *name, const char *text, bool is_size)
{
	static const char units[] = "KMGT";
	char *end;
	unsigned long value;
	unsigned int shift = 0;
	const char *unit;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || end == text || *text == '-')
		die(2, "%s: '%s' is not a number", name, text);
	unit = is_size && *end ? strchr(units, *end) : NULL;
	if (unit) {
		shift = 10 * (unsigned int)(unit - units + 1);
		end++;
		if (!strcmp(end, "iB") || !strcmp(end, "B"))
			end += strlen(end);
	}
	if (*end || value > (~0UL >> shift))
		die(2, "%s: '%s' is not a %s", name, text, is_size ? "size" : "number");
	return value << shift;
}

static inline double parse_real(const char *name, const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || !(value >= 0 && value < 1e9))
		die(2, "%s: '%s' is not a number between 0 and 1e9", name, text);
	return value;
}

static inline void options_help(const char *usage, const struct option *options, size_t n)
{
	static const char *const arguments[] = {
		[OPTION_FLAG] = "",   [OPTION_NUMBER] = " N",  [OPTION_SIZE] = " SIZE",
		[OPTION_REAL] = " S", [OPTION_TEXT] = " TEXT",
	};
	size_t i;

	printf("usage: %s %s\n", program_invocation_short_name, usage);
	for (i = 0; i < n; i++)
		printf("  %s%s\n        %s\n", options[i].name, arguments[options[i].type],
		       options[i].help);
	exit(0);
}

static inline void option_set(const struct option *option, const char *text)
{
	switch (option->type) {
	case OPTION_FLAG:
		*(bool *)option->value = true;
		break;
	case OPTION_NUMBER:
	case OPTION_SIZE:
		*(unsigned long *)option->value =
			parse_number(option->name, text, option->type == OPTION_SIZE);
		break;
	case OPTION_REAL:
		*(double *)option->value = parse_real(option->name, text);
		break;
	case OPTION_TEXT:
		*(const char **)option->value = text;
		break;
	}
}

/**
 * options_parse - fill in what the command line names
 * @argv:    starts at the first option, ends with NULL
 * @usage:   what --help prints behind the program's name
 *
 * Both "--name VALUE" and "--name=VALUE" work. Does not return upon --help or a bad command line.
 */
static inline void options_parse(char **argv, const char *usage, const struct option *options,
				 size_t n)
{
	size_t i, len;

	for (; *argv; argv++) {
		const char *text = NULL;

		if (!strcmp(*argv, "--help") || !strcmp(*argv, "-h"))
			options_help(usage, options, n);
		for (i = 0; i < n; i++) {
			len = strlen(options[i].name);
			if (!strncmp(*argv, options[i].name, len) &&
			    (!(*argv)[len] || (*argv)[len] == '='))
				break;
		}
		if (i == n)
			die(2, "unknown option '%s'; see --help", *argv);
		if ((*argv)[len] == '=')
			text = *argv + len + 1;
		else if (options[i].type != OPTION_FLAG)
			text = *++argv;
		if (!text != (options[i].type == OPTION_FLAG))
			die(2, "%s %s", options[i].name, text ? "takes no value" : "needs a value");
		option_set(&options[i], text);
	}
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Option tables: makes getopt_long's arrays from the table at run time, and
 * prints the table as help.
 *
 * getopt runs in its "return in order" mode: operands arrive where they
 * stand between options, argv is left as it was, and POSIXLY_CORRECT changes
 * nothing. A long option may be cut short as long as only one fits.
 *
 * A row with an empty @long_name has a short name only (or is a heading).
 *
 * LIMITATIONS: uses getopt's global state, so a callback must not call
 * opts_parse(). An operand does not know whether it stood after "--". Values
 * are never optional. Names are ASCII; help is measured in code points, as if
 * each were one column.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/opts.h"

#define HELP_WIDTH	80
#define HELP_COLUMN_MIN 25
#define HELP_COLUMN_MAX 30 /* an option that is longer has its help on the next line */
#define HELP_GAP	2

#define OPERAND		1   /* what getopt returns for an operand */
#define LONG_BASE	256 /* a long option is LONG_BASE + its row: no byte looks like one */

struct parser {
	const struct opt *table;
	char *short_opts;
	struct option *long_opts;
};

static bool is_heading(const struct opt *o)
{
	return !o->parse;
}

static void parser_release(struct parser *p)
{
	free(p->short_opts);
	free(p->long_opts);
}

static int parser_init(struct parser *p, const struct opt *table)
{
	size_t rows = 0, n = 0;
	char *s;

	while (table[rows].long_name)
		rows++;
	*p = (struct parser){
		.table = table,
		.short_opts = calloc(rows + 2, 2),
		.long_opts = calloc(rows + 1, sizeof(p->long_opts[0])),
	};
	if (!p->short_opts || !p->long_opts) {
		parser_release(p);
		return -ENOMEM;
	}
	s = stpcpy(p->short_opts, "-:"); /* in order; a missing value is ':' */
	for (size_t i = 0; i < rows; i++) {
		const struct opt *o = &table[i];

		if (is_heading(o))
			continue;
		if (o->short_name)
			*s++ = o->short_name;
		if (o->short_name && o->value)
			*s++ = ':';
		if (*o->long_name)
			p->long_opts[n++] = (struct option){
				.name = o->long_name,
				.has_arg = o->value ? required_argument : no_argument,
				.val = LONG_BASE + (int)i,
			};
	}
	return 0;
}

/* The row of what getopt returned or left in optopt, or NULL. */
static const struct opt *find_opt(const struct parser *p, int code)
{
	if (code >= LONG_BASE)
		return &p->table[code - LONG_BASE];
	/* The analyser cannot see that a table is never NULL: opts_parse() has walked it. */
	for (const struct opt *o = p->table; o->long_name; o++) // NOLINT
		if (!is_heading(o) && o->short_name && o->short_name == code)
			return o;
	return NULL;
}

static int refuse_long(const struct parser *p, const char *arg)
{
	int len = (int)(strchrnul(arg, '=') - arg);
	bool is_ambiguous = false;

	for (const struct option *o = p->long_opts; o->name; o++)
		if (len > 2 && !strncmp(o->name, arg + 2, (size_t)len - 2))
			is_ambiguous = true;
	if (is_ambiguous)
		return log_error_code(-EINVAL, "option '%.*s' is ambiguous; see --help", len, arg);
	return log_error_code(-EINVAL, "unknown option '%.*s'; see --help", len, arg);
}

/* Says what getopt did not like: '?' or ':', with optopt. */
static int refuse(const struct parser *p, int code, char **argv)
{
	const struct opt *o = find_opt(p, optopt);

	if (code == ':' && o && optopt >= LONG_BASE)
		return log_error_code(-EINVAL, "option '--%s' needs a value (%s); see --help",
				      o->long_name, o->value);
	if (code == ':' && o)
		return log_error_code(-EINVAL, "option '-%c' needs a value (%s); see --help",
				      o->short_name, o->value);
	if (o && optopt >= LONG_BASE)
		return log_error_code(-EINVAL, "option '--%s' takes no value; see --help",
				      o->long_name);
	if (optopt)
		return log_error_code(-EINVAL, "unknown option '-%c'; see --help", optopt);
	return refuse_long(p, argv[optind - 1]);
}

static int take_operand(opt_fn operand, void *arg, const char *text)
{
	if (!operand)
		return log_error_code(-EINVAL, "unexpected argument '%s'; see --help", text);
	return operand(arg, text);
}

int opts_parse(int argc, char **argv, const struct opt *table, opt_fn operand, void *arg)
{
	struct parser p;
	int err = parser_init(&p, table);
	int code;

	if (err)
		return log_error_code(err, "out of memory while reading the options");
	optind = 0; /* glibc: begin anew */
	while (!err) {
		const struct opt *o;

		code = getopt_long(argc, argv, p.short_opts, p.long_opts, NULL);
		if (code == -1)
			break;
		o = find_opt(&p, code);
		if (code == OPERAND)
			err = take_operand(operand, arg, optarg);
		else if (o && code != '?' && code != ':')
			err = o->parse(arg, o->value ? optarg : NULL);
		else
			err = refuse(&p, code, argv);
	}
	for (int i = optind; i < argc && !err; i++)
		err = take_operand(operand, arg, argv[i]);
	parser_release(&p);
	return err;
}

/* Code points in the @len bytes at @s. */
static int columns(const char *s, size_t len)
{
	int n = 0;

	for (size_t i = 0; i < len; i++)
		n += ((unsigned char)s[i] & 0xC0) != 0x80;
	return n;
}

/* "  -p, --pid PID" to @out, if not NULL; returns its width. */
static int print_name(FILE *out, const struct opt *o)
{
	char shortly[] = "  -x, ";
	const char *dashes = *o->long_name ? "--" : "";
	const char *gap = o->value ? " " : "";
	const char *value = o->value ? o->value : "";

	if (o->short_name)
		shortly[3] = o->short_name;
	else
		memset(shortly, ' ', sizeof(shortly) - 1);
	if (!*o->long_name)
		shortly[4] = '\0';
	if (out)
		fprintf(out, "%s%s%s%s%s", shortly, dashes, o->long_name, gap, value);
	return (int)(strlen(shortly) + strlen(dashes) + strlen(gap)) +
	       columns(o->long_name, strlen(o->long_name)) + columns(value, strlen(value));
}

static int help_column(const struct opt *table)
{
	int column = HELP_COLUMN_MIN;

	for (const struct opt *o = table; o->long_name; o++) {
		int need = is_heading(o) ? 0 : print_name(NULL, o) + HELP_GAP;

		if (need > column && need <= HELP_COLUMN_MAX)
			column = need;
	}
	return column;
}

/* Puts the words of @help from @column on; the line is filled up to @at. Ends the line. */
static void print_wrapped(FILE *out, const char *help, int at, int column)
{
	bool is_first = true; /* word of its line */

	while (*help) {
		size_t len = strcspn(help, " \n");
		int width = columns(help, len);

		if (len && !is_first && at + 1 + width > HELP_WIDTH) {
			fputc('\n', out);
			at = 0;
			is_first = true;
		}
		if (len) {
			int pad = is_first ? column - at : 1;

			fprintf(out, "%*s%.*s", pad, "", (int)len, help);
			at += pad + width;
			is_first = false;
		}
		help += len;
		if (*help == '\n') {
			fputc('\n', out);
			at = 0;
			is_first = true;
		}
		help += *help != '\0';
	}
	fputc('\n', out);
}

void opts_print(FILE *out, const struct opt *table)
{
	int column = help_column(table);

	for (const struct opt *o = table; o->long_name; o++) {
		int width;

		if (!o->help)
			continue;
		if (is_heading(o)) {
			fprintf(out, "%s%s\n", o == table ? "" : "\n", o->help);
			continue;
		}
		width = print_name(out, o);
		if (*o->help && width + HELP_GAP > column) {
			fputc('\n', out);
			width = 0;
		}
		print_wrapped(out, o->help, width, column);
	}
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For tests of who asks for censuses: a script in place of the program that takes them, which notes
 * what it was asked for and repeats what was recorded; and the loop, processes and job around it.
 */
#ifndef MEMWATCH_TESTS_HEAP_SCRIPT_H
#define MEMWATCH_TESTS_HEAP_SCRIPT_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "cmd/heap_job.h"
#include "model/process.h"

#define PAGE_SHIFT  12
#define NODE	    4711 /* as the sample's */
#define NODE_START  (5 * NSEC_PER_SEC)
#define PATIENCE_NS (20 * NSEC_PER_SEC)

struct heap_script {
	char folder[64];
	char program[96], records[96], asked[96]; /* it, what it repeats, what it has noted */
	struct loop *loop;			  /* that fails after PATIENCE_NS */
	struct process_table table;
	struct heap_job job;
};

static inline int heap_script_patience(void *arg, uint64_t expirations)
{
	(void)expirations;
	loop_stop(arg, -ETIMEDOUT);
	return 0;
}

static inline void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

/* The program and what it repeats are the test's to write. */
static inline void heap_script_begin(struct heap_script *s)
{
	strcpy(s->folder, "/tmp/memwatch-heap-script.XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->program, sizeof(s->program), "%s/program", s->folder);
	snprintf(s->records, sizeof(s->records), "%s/records", s->folder);
	snprintf(s->asked, sizeof(s->asked), "%s/asked", s->folder);
	s->loop = loop_new();
	assert_non_null(s->loop);
	assert_true(loop_add_timer(s->loop, PATIENCE_NS, heap_script_patience, s->loop) >= 0);
	assert_int_equal(process_table_init(&s->table, PAGE_SHIFT), 0);
	assert_int_equal(heap_job_init(&s->job, s->loop, s->program), 0);
}

/* Returns 0, or -1 if something is left in its folder. */
static inline int heap_script_end(struct heap_script *s)
{
	heap_job_release(&s->job);
	process_table_release(&s->table);
	loop_free(s->loop);
	unlink(s->program);
	unlink(s->records);
	unlink(s->asked);
	return rmdir(s->folder);
}

/* How often a census was asked for; @line: the last time. */
static inline unsigned heap_script_asked(const struct heap_script *s, char line[256])
{
	FILE *f = fopen(s->asked, "r");
	unsigned count = 0;
	char text[256];

	line[0] = '\0';
	while (f && fgets(text, sizeof(text), f)) {
		strcpy(line, text);
		count++;
	}
	if (f)
		fclose(f);
	return count;
}

#endif

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * collect.c - what one tick's collection costs, against reading /proc.
 *
 *	collect [ROUNDS]
 *
 * In each round, in an order of chance, and in CPU time of this process (the
 * iterator runs in it too):
 *   session      session_collect() into a table, as a tick of memwatch does
 *   proc         /proc/PID/status and stat of the same processes
 *   proc_statm   the same and statm, as top and its like do
 * /proc is read as well as it can be: open, read, close, one buffer, a parser
 * that looks at each line once. It is given the PIDs (no readdir, no kernel
 * threads) and need not ask for the cgroup. And it has less to tell: no size
 * of the brk heap.
 *
 * Afterwards the facts of all processes named "crowd", which stand still, are
 * compared: a fast answer that is not exact does not count.
 */
#include "base/clock.h"
#include "bench.h"
#include "collect/session.h"

struct facts {
	uint64_t vm, peak, anon, file, shmem, data, stack, pgtable, swap; /* KiB */
	uint64_t threads, ppid, minflt, majflt, start_ticks, resident_pages;
};

enum way { WAY_SESSION, WAY_PROC, WAY_PROC_STATM, WAYS };

static const char *const way_names[WAYS] = {"session", "proc", "proc_statm"};

/* --- /proc --- */

static const struct status_line {
	const char *key;
	size_t len;
	size_t offset;
} status_lines[] = {
	{"PPid:", 5, offsetof(struct facts, ppid)},
	{"VmSize:", 7, offsetof(struct facts, vm)},
	{"VmHWM:", 6, offsetof(struct facts, peak)},
	{"RssAnon:", 8, offsetof(struct facts, anon)},
	{"RssFile:", 8, offsetof(struct facts, file)},
	{"RssShmem:", 9, offsetof(struct facts, shmem)},
	{"VmData:", 7, offsetof(struct facts, data)},
	{"VmStk:", 6, offsetof(struct facts, stack)},
	{"VmPTE:", 6, offsetof(struct facts, pgtable)},
	{"VmSwap:", 7, offsetof(struct facts, swap)},
	{"Threads:", 8, offsetof(struct facts, threads)},
};
#define STATUS_LINES (sizeof(status_lines) / sizeof(status_lines[0]))

static uint64_t parse_number(const char **at)
{
	const char *c = *at;
	uint64_t value = 0;

	while (*c == ' ' || *c == '\t')
		c++;
	while (*c >= '0' && *c <= '9')
		value = value * 10 + (uint64_t)(*c++ - '0');
	*at = c;
	return value;
}

/* The lines come in the table's order; those of no interest are in between. */
static void parse_status(const char *text, struct facts *out)
{
	size_t next = 0;

	for (const char *line = text; line && *line && next < STATUS_LINES;) {
		const struct status_line *wanted = &status_lines[next];

		if (!strncmp(line, wanted->key, wanted->len)) {
			const char *value = line + wanted->len;

			*(uint64_t *)((char *)out + wanted->offset) = parse_number(&value);
			next++;
		}
		line = strchr(line, '\n');
		line = line ? line + 1 : NULL;
	}
}

static void parse_stat(const char *text, struct facts *out)
{
	const char *at = strrchr(text, ')'); /* field 2 may hold anything */

	for (int field = 3; at && field <= 22; field++) {
		const char *value;

		at = strchr(at + 1, ' ');
		if (!at)
			return;
		value = at + 1;
		if (field == 10)
			out->minflt = parse_number(&value);
		else if (field == 12)
			out->majflt = parse_number(&value);
		else if (field == 22)
			out->start_ticks = parse_number(&value);
	}
}

static void parse_statm(const char *text, struct facts *out)
{
	parse_number(&text);
	out->resident_pages = parse_number(&text);
}

static bool read_proc_file(uint32_t pid, const char *name, char *buffer, size_t size)
{
	char path[48];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, buffer, size - 1);
	close(fd);
	buffer[n > 0 ? n : 0] = '\0';
	return n > 0;
}

static bool read_proc(uint32_t pid, bool with_statm, struct facts *out)
{
	char buffer[4096];

	memset(out, 0, sizeof(*out));
	if (!read_proc_file(pid, "status", buffer, sizeof(buffer)))
		return false;
	parse_status(buffer, out);
	if (!read_proc_file(pid, "stat", buffer, sizeof(buffer)))
		return false;
	parse_stat(buffer, out);
	if (with_statm) {
		if (!read_proc_file(pid, "statm", buffer, sizeof(buffer)))
			return false;
		parse_statm(buffer, out);
	}
	return true;
}

/* --- measuring --- */

static struct facts facts[MW_MAX_PROCS];

static double measure(enum way way, struct session *s, struct process_table *table,
		      struct process **list, size_t count)
{
	uint64_t before = clock_cpu_ns();

	if (way == WAY_SESSION) {
		int err = session_collect(s, table);

		if (err)
			die("session_collect: %s", strerror(-err));
		process_table_sweep(table, NULL, NULL);
	} else {
		for (size_t i = 0; i < count && i < MW_MAX_PROCS; i++)
			read_proc(list[i]->pid, way == WAY_PROC_STATM, &facts[i]);
	}
	return (double)(clock_cpu_ns() - before);
}

static size_t run_round(struct session *s, struct process_table *table, uint64_t *random,
			double cost[WAYS])
{
	unsigned order[WAYS] = {WAY_SESSION, WAY_PROC, WAY_PROC_STATM};
	struct process **list;
	size_t count = 0;

	shuffle(order, WAYS, random);
	for (unsigned i = 0; i < WAYS; i++) {
		list = process_list(table, &count); /* a sweep frees those that are gone */
		if (!list)
			die("out of memory");
		cost[order[i]] = measure(order[i], s, table, list, count);
		free(list);
	}
	return count;
}

/* --- exact? --- */

static bool is_same(const struct process *p, const struct facts *f)
{
	const struct totals *t = &p->now;

	return t->anon_bytes == f->anon << 10 && t->file_bytes == f->file << 10 &&
	       t->shmem_bytes == f->shmem << 10 && t->swap_bytes == f->swap << 10 &&
	       t->vm_bytes == f->vm << 10 && t->data_bytes == f->data << 10 &&
	       t->stack_bytes == f->stack << 10 && t->pgtable_bytes == f->pgtable << 10 &&
	       p->peak_rss_bytes == f->peak << 10 && t->threads == f->threads &&
	       t->minflt == f->minflt && t->majflt == f->majflt && p->ppid == f->ppid;
}

static unsigned count_different(const struct process_table *table, unsigned *checked)
{
	struct hmap_node *node;
	struct process *p;
	struct facts f;
	unsigned different = 0;

	*checked = 0;
	process_table_for_each (table, p, node) {
		if (strcmp(p->comm, "crowd") || !read_proc(p->pid, false, &f))
			continue;
		++*checked;
		if (is_same(p, &f))
			continue;
		if (!different++)
			fprintf(stderr,
				"collect: %u differs: anon %llu/%llu file %llu/%llu peak %llu/%llu "
				"minflt %llu/%llu\n",
				p->pid, (unsigned long long)p->now.anon_bytes >> 10,
				(unsigned long long)f.anon,
				(unsigned long long)p->now.file_bytes >> 10,
				(unsigned long long)f.file,
				(unsigned long long)p->peak_rss_bytes >> 10,
				(unsigned long long)f.peak, (unsigned long long)p->now.minflt,
				(unsigned long long)f.minflt);
	}
	return different;
}

int main(int argc, char **argv)
{
	static struct series cost[WAYS], ratio[WAYS];
	struct session_options options = {0};
	int rounds = argc > 1 ? atoi(argv[1]) : 100;
	struct session *s = session_open(&options);
	struct process_table table;
	uint64_t random = 1;
	unsigned checked, different;
	size_t processes = 0;

	if (!s || process_table_init(&table, session_kernel(s)->page_shift))
		die("cannot open a session: %s", strerror(errno));
	for (int i = -2; i < rounds; i++) { /* two to warm up: the first one makes the table */
		double ns[WAYS];

		processes = run_round(s, &table, &random, ns);
		for (int way = 0; way < WAYS && i >= 0; way++) {
			series_add(&cost[way], ns[way]);
			series_add(&ratio[way], ns[way] / ns[WAY_SESSION]);
		}
	}
	session_collect(s, &table);
	different = count_different(&table, &checked);
	printf("{\"bench\":\"collect\",\"processes\":%zu", processes);
	for (int way = 0; way < WAYS; way++) {
		char key[32];

		snprintf(key, sizeof(key), "%s_ns", way_names[way]);
		putchar(',');
		print_estimate(key, &cost[way]);
		if (way == WAY_SESSION)
			continue;
		snprintf(key, sizeof(key), "%s_ratio", way_names[way]);
		putchar(',');
		print_estimate(key, &ratio[way]);
	}
	printf(",\"checked\":%u,\"different\":%u}\n", checked, different);
	process_table_release(&table);
	session_close(s);
	return different || !checked;
}

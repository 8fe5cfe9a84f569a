/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The text sink: the shape of each line, columns under their titles, nothing raw from others. */
#include <errno.h>
#include <locale.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <cmocka.h>

#include "base/clock.h"
#include "output/sink.h"
#include "sample.h"
#include "verdict_sample.h"

#define REPLACEMENT "\xEF\xBF\xBD"
#define WALL_NS	    1700000000123456789ULL /* 2023-11-14T22:13:20.123Z */
#define TITLES                                                                                     \
	"# TIME       PID COMMAND            GROWTH   DELTA   SINCE    RSS   ANON   FILE  SHMEM "  \
	"  SWAP  FLT/s CALL/s VERDICT       LIMIT\n"

struct output {
	int fd;
	struct sink *sink;
	char *text; /* what was written last */
};

static int setup(void **state)
{
	static struct output output;

	output = (struct output){.fd = sample_file()};
	output.sink = text_sink_new(output.fd, SAMPLE_PAGE_SHIFT);
	*state = &output;
	return output.sink && setlocale(LC_CTYPE, "C.UTF-8") ? 0 : -1;
}

static int teardown(void **state)
{
	struct output *o = *state;

	free(o->text);
	o->sink->ops->free(o->sink);
	close(o->fd);
	return setlocale(LC_CTYPE, "C") ? 0 : -1;
}

/* What was written since the last time. */
static const char *taken(struct output *o)
{
	free(o->text);
	o->text = sample_read(o->fd);
	return o->text;
}

static void begin(struct output *o, const struct run *run)
{
	assert_int_equal(o->sink->ops->begin(o->sink, run), 0);
	assert_string_equal(taken(o), TITLES);
}

static void begin_named(struct output *o)
{
	begin(o, &(struct run){.comm = "node"});
}

static struct tick a_tick(struct process **rows, size_t count)
{
	return (struct tick){.now_ns = 5, .wall_ns = WALL_NS, .rows = rows, .count = count};
}

static const char *show(struct output *o, struct process *p)
{
	struct tick tick = a_tick(&p, 1);

	assert_int_equal(o->sink->ops->tick(o->sink, &tick), 0);
	return taken(o);
}

static unsigned lines_of(const char *text)
{
	unsigned lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

static int columns_of(const char *line)
{
	wchar_t wide[512];
	size_t n = mbstowcs(wide, line, 512);

	assert_true(n != (size_t)-1 && n > 0 && wide[n - 1] == L'\n');
	return wcswidth(wide, n - 1);
}

/* ---- a line a process ---- */

static void test_first_tick(void **state)
{
	struct mw_task raw = sample_task(4711, 5, "node");
	struct process_table t;

	assert_int_equal(process_table_init(&t, SAMPLE_PAGE_SHIFT), 0);
	begin(*state, &(struct run){0});
	assert_string_equal(show(*state, sample_tick(&t, SAMPLE_SECOND, &raw)),
			    "22:13:20    4711 node                    -       -       0   4.8M   "
			    "3.9M 800.0K 120.0K  "
			    "16.0K      -      - -                 -\n");
	process_table_release(&t);
}

static void test_second_tick(void **state)
{
	struct mw_task raw = sample_task(4711, 5, "node");
	struct process_table t;

	assert_int_equal(process_table_init(&t, SAMPLE_PAGE_SHIFT), 0);
	begin(*state, &(struct run){0});
	sample_tick(&t, SAMPLE_SECOND, &raw);
	raw.anon_pages -= SAMPLE_MIB_PAGES;
	raw.minflt += 12300;
	raw.growth.brk_count = 4;
	assert_string_equal(show(*state, sample_tick(&t, 2 * SAMPLE_SECOND, &raw)),
			    "22:13:20    4711 node              -1.0M/s   -1.0M   -1.0M   3.8M   "
			    "2.9M 800.0K 120.0K  "
			    "16.0K  12.3k      4 -                 -\n");
	process_table_release(&t);
}

/* Whatever the values and names, each line is as wide as the titles. */
static void test_aligned(void **state)
{
	static const char *const names[] = {"",
					    "a",
					    "fifteen-letters",
					    "日本語の名前",
					    "e\u0301\u0301",
					    "\U0001F600\U0001F600",
					    "ä ö ü",
					    "\xff\xfe\xfd",
					    "\033[2J\n\r\t"};
	static const uint64_t sizes[] = {0, 1023, 999 * 1024, 1023 * 1024, 1ULL << 62};

	begin(*state, &(struct run){0});
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++) {
		for (size_t i = 0; i < 5; i++) {
			struct process p = {.pid = i == 4 ? 4194304 : i + 1, .has_delta = i % 2};
			const char *line;

			strncpy(p.comm, names[n], MW_COMM_LEN - 1);
			p.now.rss_bytes = p.now.anon_bytes = p.now.file_bytes = sizes[i];
			p.before.rss_bytes = p.first.rss_bytes = sizes[4 - i];
			p.now_ns = SAMPLE_SECOND;
			p.has_growth = p.calls_counted = p.has_delta;
			p.activity.fault_count = p.activity.mmap_count = sizes[i];
			history_add(&p.history, 1, sizes[4 - i]);
			history_add(&p.history, SAMPLE_SECOND, sizes[i]);
			line = show(*state, &p);
			assert_int_equal(lines_of(line), 1);
			assert_int_equal(columns_of(line), columns_of(TITLES));
		}
	}
}

static void test_hostile_name(void **state)
{
	struct process p = {.pid = 1, .comm = "\n# exit: 1\033[31m"};
	const char *line;

	begin(*state, &(struct run){0});
	line = show(*state, &p);
	assert_int_equal(lines_of(line), 1);
	assert_non_null(strstr(line, " " REPLACEMENT "# exit: 1" REPLACEMENT "[31m"));
}

/* ---- how many ---- */

static unsigned rows_shown(struct output *o, size_t count, size_t wanted)
{
	static struct process p[30];
	struct process *rows[30];
	struct tick tick = a_tick(rows, count);

	for (size_t i = 0; i < count; i++)
		rows[i] = &p[i];
	tick.rows_wanted = wanted;
	assert_int_equal(o->sink->ops->tick(o->sink, &tick), 0);
	return lines_of(taken(o));
}

static void test_rows(void **state)
{
	begin(*state, &(struct run){0});
	assert_int_equal(rows_shown(*state, 30, 0), 10);
	assert_int_equal(rows_shown(*state, 4, 0), 4);
	assert_int_equal(rows_shown(*state, 0, 0), 0);
	assert_int_equal(rows_shown(*state, 30, 20), 20);
	assert_int_equal(rows_shown(*state, 30, 1), 1);
	assert_int_equal(rows_shown(*state, 30, 100), 30);
}

/* Who was named is shown, all of them. */
static void test_rows_of_named(void **state)
{
	static const uint32_t pid = 1;
	const struct run named[] = {
		{.pids = &pid, .pid_count = 1}, {.comm = "x"}, {.cgroup = "/x"}};

	for (size_t i = 0; i < 3; i++) {
		begin(*state, &named[i]);
		assert_int_equal(rows_shown(*state, 30, 0), 30);
		assert_int_equal(rows_shown(*state, 30, 2), 2);
	}
}

/* ---- talk ---- */

static void test_lost(void **state)
{
	struct output *o = *state;
	struct tick tick = a_tick(NULL, 0);

	begin(o, &(struct run){0});
	tick.lost_total.count[MW_LOST_RING] = 4; /* not of this tick */
	assert_int_equal(o->sink->ops->tick(o->sink, &tick), 0);
	assert_string_equal(taken(o), "");
	tick.lost.count[MW_LOST_RING] = 3;
	tick.lost.count[LOST_TICKS] = 1;
	assert_int_equal(o->sink->ops->tick(o->sink, &tick), 0);
	assert_string_equal(taken(o), "# 22:13:20 lost: ring_full=3 ticks=1\n");
	tick.shed = "calls";
	assert_int_equal(o->sink->ops->tick(o->sink, &tick), 0);
	assert_string_equal(taken(o), "# 22:13:20 lost: ring_full=3 ticks=1 (shed: calls)\n");
}

static struct mw_event_header header(enum mw_event_type type, const char *comm)
{
	struct mw_event_header h = {
		.type = type, .pid = 4711, .ts_ns = 9, .start_ns = 2, .ppid = 1};

	memcpy(h.comm, comm, strnlen(comm, MW_COMM_LEN));
	return h;
}

/* One event's line after its time, which must be there; "" if none was written. */
static const char *event(struct output *o, const struct mw_event_header *h, const struct process *p)
{
	unsigned hour, minute, second;
	const char *text;
	int n = 0;

	assert_int_equal(o->sink->ops->event(o->sink, h, p), 0);
	assert_int_equal(o->sink->ops->flush(o->sink), 0);
	text = taken(o);
	if (!*text)
		return text;
	assert_int_equal(lines_of(text), 1);
	assert_int_equal(sscanf(text, "# %2u:%2u:%2u %n", &hour, &minute, &second, &n), 3);
	assert_int_equal(n, 11);
	return text + n;
}

static void test_exit(void **state)
{
	static const struct {
		int code;
		const char *how;
	} cases[] = {
		{0, "with status 0"},	      {3 << 8, "with status 3"},
		{9, "by signal 9 (SIGKILL)"}, {11 | 0x80, "by signal 11 (SIGSEGV)"},
		{40, "by signal 40 (SIG?)"},
	};
	char expected[128];

	begin_named(*state);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mw_event_exit e = {.h = header(MW_EVENT_EXIT, "node"),
					  .code = cases[i].code,
					  .task = {.peak_rss_pages = 1500}};

		snprintf(expected, sizeof(expected), "exit: 4711 (node) %s, peak rss 5.9M\n",
			 cases[i].how);
		assert_string_equal(event(*state, &e.h, NULL), expected);
	}
}

static void test_exec(void **state)
{
	struct mw_event_exec e = {.h = header(MW_EVENT_EXEC, "sh"), .path = "/bin/\033[mls\n# x"};
	struct mw_event_fork fork = {.h = header(MW_EVENT_FORK, "sh")};

	begin_named(*state);
	assert_string_equal(event(*state, &e.h, NULL),
			    "exec: 4711 (sh) /bin/" REPLACEMENT "[mls" REPLACEMENT "# x\n");
	assert_string_equal(event(*state, &fork.h, NULL), "");
	memset(e.path, 'p', sizeof(e.path)); /* no NUL anywhere */
	memset(e.h.comm, 'c', sizeof(e.h.comm));
	assert_int_equal(strlen(event(*state, &e.h, NULL)),
			 strlen("exec: 4711 () \n") + MW_PATH_LEN + MW_COMM_LEN);
}

static void test_vanished(void **state)
{
	struct output *o = *state;
	struct process p = {.pid = 4711, .comm = "node", .now = {.rss_bytes = 4096}};
	const char *text;

	begin_named(o);
	assert_int_equal(o->sink->ops->vanished(o->sink, &p, 5), 0);
	assert_int_equal(o->sink->ops->flush(o->sink), 0);
	text = taken(o);
	assert_int_equal(lines_of(text), 1);
	assert_string_equal(text + strlen("# HH:MM:SS "), "gone: 4711 (node), last rss 4.0K\n");
}

static void test_oom(void **state)
{
	struct mw_event_oom e = {.h = header(MW_EVENT_OOM, "no\nde"),
				 .memcg_known = 1,
				 .has_task = 1,
				 .task = {.anon_pages = 512, .file_pages = 1}};
	struct cgroup cgroup = {.path = (char *)"/a/\033b/c"};
	struct process p = {.cgroup = &cgroup};

	begin(*state, &(struct run){0}); /* on a whole machine, too */
	assert_string_equal(event(*state, &e.h, &p),
			    "OOM kill: 4711 (no" REPLACEMENT
			    "de) anon 2.0M file 4.0K shmem 0 - the machine's memory ran out\n");
	e.limit_cgroup_id = 99;
	e.limit_bytes = 64 << 20;
	assert_string_equal(
		event(*state, &e.h, &p),
		"OOM kill: 4711 (no" REPLACEMENT
		"de) anon 2.0M file 4.0K shmem 0 - limit 64.0M of cgroup /a/" REPLACEMENT "b/c\n");
	e.limit_level = 1;
	assert_non_null(strstr(event(*state, &e.h, &p), "of cgroup /a/" REPLACEMENT "b\n"));
	assert_non_null(strstr(event(*state, &e.h, NULL), "of cgroup id 99\n"));
	e.limit_cgroup_id = e.memcg_known = 0;
	assert_non_null(strstr(event(*state, &e.h, &p), "shmem 0\n"));
}

/* On a whole machine an exec or an exit is not worth a line. */
static void test_whole_machine_is_quiet(void **state)
{
	struct output *o = *state;
	struct mw_event_exit exit = {.h = header(MW_EVENT_EXIT, "x")};
	struct mw_event_exec exec = {.h = header(MW_EVENT_EXEC, "x")};
	struct process p = {.pid = 1};

	begin(o, &(struct run){0});
	assert_string_equal(event(o, &exit.h, &p), "");
	assert_string_equal(event(o, &exec.h, &p), "");
	assert_int_equal(o->sink->ops->vanished(o->sink, &p, 5), 0);
	assert_int_equal(o->sink->ops->flush(o->sink), 0);
	assert_string_equal(taken(o), "");
}

static void test_end(void **state)
{
	struct output *o = *state;
	struct end end = {
		.cost = {.cpu_pct_run = 0.254, .rss_bytes = 3 << 20, .map_bytes = 1 << 20}};

	begin(o, &(struct run){0});
	assert_int_equal(o->sink->ops->end(o->sink, &end), 0);
	assert_string_equal(taken(o),
			    "# memwatch took 0.25 % of a CPU (BPF not included), rss 3.0M "
			    "+ maps 1.0M; lost: nothing\n");
	end.cost.bpf_known = true;
	end.lost_total.count[MW_LOST_PROCS] = 2;
	assert_int_equal(o->sink->ops->end(o->sink, &end), 0);
	assert_string_equal(taken(o), "# memwatch took 0.25 % of a CPU (BPF included), rss 3.0M "
				      "+ maps 1.0M; lost: procs_full=2\n");
	end.cost.once_pct = 0.12;
	assert_int_equal(o->sink->ops->end(o->sink, &end), 0);
	assert_string_equal(taken(o), "# memwatch took 0.25 % of a CPU (BPF included; 0.12 of it "
				      "once, to learn names), rss 3.0M + maps 1.0M; lost: "
				      "procs_full=2\n");
}

/* ---- growth sites ---- */

#define MIB (1024ULL * 1024)

/* Grows by 1 MiB a second, from 1 s to 11 s; with a site of JavaScript and one of V8's own work. */
static struct process *growing(struct process *p)
{
	const struct frame js[] = {sample_js(FRAME_USER, "saveContext", "/srv/handles.js", 12),
				   sample_js(FRAME_USER, "handleStatus", "/srv/status.js", 30)};
	const struct frame gc = sample_native(FRAME_RUNTIME, "v8::internal::Scavenger::Process()",
					      "/usr/bin/node", 1);

	*p = (struct process){.pid = 4711, .comm = "no\nde", .has_delta = true};
	for (uint64_t s = 1; s <= 11; s++)
		history_add(&p->history, s * SAMPLE_SECOND, s * MIB);
	p->sites = site_table_new();
	assert_non_null(p->sites);
	p->sites->begin_ns = SAMPLE_SECOND;
	for (int i = 0; i < 10; i++)
		sample_site(p->sites, MW_SITE_V8_SURVIVED, js, 2, MIB);
	sample_site(p->sites, MW_SITE_FAULT, &gc, 1, 3 * MIB);
	p->sites->quality.stacks = 7;
	site_table_finish_tick(p->sites);
	return p;
}

#define SITES_HEAD "# 22:13:20 sites of 4711 (no" REPLACEMENT "de)\n"
#define SITE_JS                                                                                    \
	"#    10.0M   +1.0M/s  100% v8-survived  saveContext handles.js:12 ← handleStatus "      \
	"status.js:30\n"
#define SITE_GC "#     3.0M +307.2K/s  100% fault        V8 promotion\n"

/* What a tick says @after_s seconds after the run has begun, without the process's own line. */
static const char *talk_of_tick(struct output *o, struct process *p, uint64_t after_s,
				unsigned wanted)
{
	struct tick tick = a_tick(&p, 1);
	const char *text;

	tick.now_ns = clock_boot_ns() + after_s * SAMPLE_SECOND;
	tick.sites_wanted = wanted;
	if (p->sites)
		p->sites->begin_ns = tick.now_ns - 10 * SAMPLE_SECOND;
	assert_int_equal(o->sink->ops->tick(o->sink, &tick), 0);
	text = strchr(taken(o), '\n');
	assert_non_null(text);
	return text + 1;
}

static void test_sites_now_and_then(void **state)
{
	struct output *o = *state;
	struct process p;

	begin_named(o);
	growing(&p);
	assert_string_equal(talk_of_tick(o, &p, 9, 10), "");
	assert_string_equal(talk_of_tick(o, &p, 11, 10), SITES_HEAD SITE_JS SITE_GC);
	assert_string_equal(talk_of_tick(o, &p, 20, 10), "");
	assert_string_equal(talk_of_tick(o, &p, 22, 1), SITES_HEAD SITE_JS);
	assert_string_equal(talk_of_tick(o, &p, 40, 0), "");
	for (uint64_t s = 12; s <= 22; s++) /* it grows no more */
		history_add(&p.history, s * SAMPLE_SECOND, 11 * MIB);
	assert_string_equal(talk_of_tick(o, &p, 60, 10), "");
	site_table_free(p.sites);
}

static void test_sites_not_known(void **state)
{
	struct output *o = *state;
	struct site_table *t;
	struct process p;

	begin_named(o);
	site_table_free(growing(&p)->sites);
	p.sites = NULL;
	assert_string_equal(talk_of_tick(o, &p, 11, 10), "");
	p.sites = t = site_table_new();
	assert_non_null(t);
	t->quality.level = "fault";
	t->quality.why = "no symbols";
	assert_string_equal(
		talk_of_tick(o, &p, 22, 10),
		SITES_HEAD "#  no growth was sampled yet; JavaScript by page faults: no symbols\n");
	site_table_free(t);
}

#define SITES_TITLES "#    BYTES      RATE SHARE KIND         SITE\n"

/* All of them at the end, of each process that is there. */
static void test_sites_at_the_end(void **state)
{
	struct output *o = *state;
	struct process p, other = {.pid = 2}, *rows[] = {&other, growing(&p)};
	struct end end = {
		.now_ns = 11 * SAMPLE_SECOND, .wall_ns = WALL_NS, .rows = rows, .count = 2};
	const char *text;

	begin_named(o);
	assert_int_equal(o->sink->ops->end(o->sink, &end), 0);
	assert_null(strstr(taken(o), "sites")); /* nobody asked for any */
	talk_of_tick(o, &p, 0, 10);
	p.sites->begin_ns = SAMPLE_SECOND;
	assert_int_equal(o->sink->ops->end(o->sink, &end), 0);
	text = taken(o);
	assert_ptr_equal(strstr(text, SITES_HEAD SITES_TITLES SITE_JS SITE_GC "#  7 stacks\n"),
			 text);
	assert_non_null(strstr(text, "\n# memwatch took "));
	assert_int_equal(lines_of(text), 6);
	site_table_free(p.sites);
}

/* And when a process ends before that. */
static void test_sites_of_the_dead(void **state)
{
	struct output *o = *state;
	struct mw_event_exit e = {.h = header(MW_EVENT_EXIT, "node")};
	struct process p;

	growing(&p);
	begin_named(o);
	talk_of_tick(o, &p, 0, 10);
	assert_int_equal(o->sink->ops->event(o->sink, &e.h, &p), 0);
	assert_int_equal(o->sink->ops->flush(o->sink), 0);
	assert_non_null(strstr(taken(o), "saveContext handles.js:12"));
	assert_int_equal(o->sink->ops->event(o->sink, &e.h, NULL), 0);
	assert_int_equal(o->sink->ops->flush(o->sink), 0);
	assert_null(strstr(taken(o), "sites"));
	assert_int_equal(o->sink->ops->vanished(o->sink, &p, 11 * SAMPLE_SECOND), 0);
	assert_int_equal(o->sink->ops->flush(o->sink), 0);
	assert_non_null(strstr(taken(o), "saveContext handles.js:12"));
	site_table_free(p.sites);
}

/* ---- verdicts ---- */

/* What a change of the verdict of @p says, from its time on. */
static const char *verdict(struct output *o, const struct process *p, bool is_last)
{
	const char *text;

	assert_int_equal(o->sink->ops->verdict(o->sink, p, clock_boot_ns(), is_last), 0);
	assert_int_equal(o->sink->ops->flush(o->sink), 0);
	text = taken(o);
	if (!*text)
		return text;
	assert_memory_equal(text, "# ", 2);
	assert_int_equal(strspn(text + 2, "0123456789:"), 8);
	return text + 10;
}

#define LEAK                                                                                       \
	" verdict of 4711 (no" REPLACEMENT "de): leak, 92 % sure: +1.2M/s (+1.1M/s to +1.3M/s); "  \
	"memory.max of /x (512.0M) in 3m20s\n"                                                     \
	"#  it rises\n#  at this rate memory.max of /x is met\n"

static void test_verdict_of_named(void **state)
{
	struct verdict early = sample_calm(VERDICT_EARLY, 0), leak = sample_leak();
	struct process p = {.pid = 4711, .comm = "no\nde"};
	struct output *o = *state;

	begin_named(o);
	assert_string_equal(verdict(o, &p, false), ""); /* not judged */
	p.verdict = &early;
	assert_string_equal(verdict(o, &p, false), "");
	p.verdict = &leak;
	assert_string_equal(verdict(o, &p, false), LEAK);
	leak.confidence = 0.81; /* a change, but no other verdict */
	assert_string_equal(verdict(o, &p, false), "");
	p.verdict = &early;
	assert_string_equal(verdict(o, &p, false),
			    " verdict of 4711 (no" REPLACEMENT "de): too early to say\n");
	early = sample_calm(VERDICT_STEADY, 0.9);
	assert_string_equal(
		verdict(o, &p, true),
		" verdict of 4711 (no" REPLACEMENT
		"de): steady, 90 % sure: comes back to the same floor\n#  it is flat\n");
}

static void test_verdict_on_a_whole_machine(void **state)
{
	struct verdict steady = sample_calm(VERDICT_STEADY, 0.9), leak = sample_leak();
	struct process p = {.pid = 4711, .comm = "no\nde", .verdict = &steady};
	struct output *o = *state;

	begin(o, &(struct run){0});
	assert_string_equal(verdict(o, &p, false), "");
	assert_string_equal(verdict(o, &p, true), "");
	p.verdict = &leak;
	assert_string_equal(verdict(o, &p, false), LEAK);
	p.verdict = &steady;
	assert_string_equal(verdict(o, &p, false),
			    " verdict of 4711 (no" REPLACEMENT
			    "de): steady, 90 % sure: comes back to the same floor\n");
	p.verdict = &leak;
	verdict(o, &p, false);
	assert_string_equal(verdict(o, &p, true), LEAK);
}

static void test_verdict_of_a_line(void **state)
{
	struct verdict leak = sample_leak();
	struct process p = {.pid = 1, .comm = "x", .verdict = &leak};
	const char *line;

	line = show(*state, &p);
	assert_string_equal(line + strlen(line) - 21, " leak 92%      3m20s\n");
	assert_int_equal(columns_of(line), columns_of(TITLES));
}

static void test_closed_pipe(void **state)
{
	struct process p = {.pid = 1}, *rows[] = {&p};
	struct tick tick = a_tick(rows, 1);
	struct end end = {0};
	struct sink *s;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	close(fds[0]);
	s = text_sink_new(fds[1], SAMPLE_PAGE_SHIFT);
	assert_non_null(s);
	assert_int_equal(s->ops->begin(s, &(struct run){0}), -EPIPE);
	assert_int_equal(s->ops->tick(s, &tick), -EPIPE);
	assert_int_equal(s->ops->end(s, &end), -EPIPE);
	s->ops->free(s);
	close(fds[1]);
}

#define WITH_SINK(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SINK(test_first_tick),
		WITH_SINK(test_second_tick),
		WITH_SINK(test_aligned),
		WITH_SINK(test_hostile_name),
		WITH_SINK(test_rows),
		WITH_SINK(test_rows_of_named),
		WITH_SINK(test_lost),
		WITH_SINK(test_exit),
		WITH_SINK(test_exec),
		WITH_SINK(test_vanished),
		WITH_SINK(test_oom),
		WITH_SINK(test_whole_machine_is_quiet),
		WITH_SINK(test_end),
		WITH_SINK(test_sites_now_and_then),
		WITH_SINK(test_sites_not_known),
		WITH_SINK(test_sites_at_the_end),
		WITH_SINK(test_sites_of_the_dead),
		WITH_SINK(test_verdict_of_named),
		WITH_SINK(test_verdict_on_a_whole_machine),
		WITH_SINK(test_verdict_of_a_line),
		cmocka_unit_test(test_closed_pipe),
	};

	signal(SIGPIPE, SIG_IGN); /* as the command does */
	return cmocka_run_group_tests_name("output/text", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Opens the skeleton, fixes the configuration, loads the programs whose hooks
 * this kernel has, and attaches them. When a hook turns out not to work after
 * all, it is struck off and everything is opened anew without it: a program
 * that does not load fails the whole object, and there is no other way back.
 */
#include "collect/session.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/capability.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "collect/cgroup.h"
#include "memwatch.skel.h"

#define FAULT_PERIOD	  61 /* prime, so that it does not beat with loops over pages */
#define SITE_PERIOD	  13 /* the same where stacks are taken: 52 KiB a sample */
#define VERIFIER_LOG_SIZE (16 * 1024)
#define MAX_HOOKS	  24
#define MAX_LINKS	  (HOOK_MAX_PROGRAMS + MW_MAX_CPUS)

struct links {
	struct bpf_link **link;
	unsigned count;
};

struct session {
	struct kernel kernel;
	struct memwatch_bpf *skel;
	struct hook_state hooks[MAX_HOOKS];
	struct links links[CAPABILITY_MAX];
	struct ring_buffer *ring;
	session_event_fn event_fn;
	void *event_arg;
	struct mw_task *buffer; /* what the iterator is read into */
	int *fault_fds; /* perf events of the fault program, one a CPU; owned by their links */
	unsigned fault_fd_count;
	struct bpf_cost cost;
	char *verifier_log[MAX_HOOKS][HOOK_MAX_PROGRAMS]; /* only while loading */
};

/* Whole records: the kernel cuts what it hands out at the size that is asked for. */
#define READ_RECORDS	 256
#define READ_BUFFER_SIZE (READ_RECORDS * sizeof(struct mw_task))

static int bpf_message(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	log_vprint(level == LIBBPF_WARN ? LOG_DEBUG : LOG_DEBUG + 1, fmt, ap);
	return 0;
}

/* --- choosing hooks --- */

static const struct hook *used_hook(const struct session *s, enum capability c)
{
	for (size_t i = 0; i < hook_count; i++) {
		if (hook_table[i].capability == c && s->hooks[i].is_used)
			return &hook_table[i];
	}
	return NULL;
}

static bool is_of_sites(const struct hook *hook)
{
	return hook->capability == CAPABILITY_SITES || hook->capability == CAPABILITY_V8;
}

/* Probes each hook in turn and takes the first that works, unless it was struck off before. */
static void choose_hooks(struct session *s, const struct session_options *o)
{
	for (size_t i = 0; i < hook_count; i++) {
		const struct hook *hook = &hook_table[i];
		struct hook_state *state = &s->hooks[i];

		state->is_used = false;
		if (state->err)
			continue;
		if (hook->capability != CAPABILITY_TOTALS && hook_is_named(hook, o->without)) {
			state->err = -ECANCELED;
			state->why = "switched off by --without";
			continue;
		}
		if (o->no_sites && is_of_sites(hook)) {
			state->err = -ECANCELED;
			state->why = "switched off by --no-stacks";
			continue;
		}
		if (used_hook(s, hook->capability))
			continue;
		state->err = hook->probe(&s->kernel, &state->why);
		if (!state->err)
			state->why = NULL;
		state->is_used = !state->err;
		if (hook->capability == CAPABILITY_TOTALS && state->err)
			return;
	}
}

static void strike_off(struct session *s, const struct hook *hook, int err, const char *why)
{
	struct hook_state *state = &s->hooks[hook - hook_table];

	log_debug("%s does not work here: %s", hook->name, strerror(-err));
	state->is_used = false;
	state->err = err;
	state->why = why;
}

/* --- loading --- */

/* What is not used takes no memory. */
static int configure_sites(struct session *s)
{
	struct bpf_map *const of_sites[] = {s->skel->maps.mw_sites, s->skel->maps.mw_site_procs,
					    s->skel->maps.mw_scratch};
	struct bpf_map *const of_v8[] = {s->skel->maps.mw_v8_isolates, s->skel->maps.mw_v8_samples,
					 s->skel->maps.mw_v8_old,      s->skel->maps.mw_v8_calls,
					 s->skel->maps.mw_external,    s->skel->maps.mw_ext_calls};
	int err = 0;

	if (!used_hook(s, CAPABILITY_GC))
		err = bpf_map__set_max_entries(s->skel->maps.mw_gc_threads, 1);
	if (!err && !used_hook(s, CAPABILITY_GC))
		err = bpf_map__set_max_entries(s->skel->maps.mw_gc_usdt, 1);
	if (!used_hook(s, CAPABILITY_SITES)) {
		for (size_t i = 0; !err && i < sizeof(of_sites) / sizeof(of_sites[0]); i++)
			err = bpf_map__set_max_entries(of_sites[i], 1);
		if (!err)
			err = bpf_map__set_max_entries(s->skel->maps.mw_stacks,
						       sysconf(_SC_PAGESIZE));
	}
	if (!used_hook(s, CAPABILITY_V8)) {
		for (size_t i = 0; !err && i < sizeof(of_v8) / sizeof(of_v8[0]); i++)
			err = bpf_map__set_max_entries(of_v8[i], 1);
	}
	return err;
}

static int configure(struct session *s, const struct session_options *o)
{
	struct bpf_map *growth = s->skel->maps.mw_growth, *ring = s->skel->maps.mw_events;
	int err = 0;

	s->skel->rodata->mw_cfg = (struct mw_config){
		.nr_cpus = s->kernel.cpus <= MW_MAX_CPUS ? s->kernel.cpus : 0,
		.page_shift = s->kernel.page_shift,
		.fault_period = FAULT_PERIOD,
		.cgroup_v1 = s->kernel.cgroup_v1,
		.exit_has_group_dead = s->kernel.exit_has_group_dead,
		.exit_sees_mm = s->kernel.exit_has_group_dead,
	};
	if (o->pid_count) { /* a few processes need no room for all */
		err = bpf_map__set_max_entries(growth, o->pid_count + 1);
		if (!err)
			err = bpf_map__set_max_entries(ring, MW_RING_BYTES / 8);
	}
	return err ? err : configure_sites(s);
}

/* Programs with loops have a twin for kernels without bpf_loop(): see bpf/memwatch.bpf.h. */
static struct bpf_program *find_program(const struct session *s, const char *name)
{
	struct bpf_program *twin = NULL;
	char twin_name[32];

	if (!s->kernel.has_loop) {
		snprintf(twin_name, sizeof(twin_name), "%s_v510", name);
		twin = bpf_object__find_program_by_name(s->skel->obj, twin_name);
	}
	return twin ? twin : bpf_object__find_program_by_name(s->skel->obj, name);
}

static void free_verifier_logs(struct session *s)
{
	for (size_t i = 0; i < MAX_HOOKS; i++) {
		for (int j = 0; j < HOOK_MAX_PROGRAMS; j++) {
			free(s->verifier_log[i][j]);
			s->verifier_log[i][j] = NULL;
		}
	}
}

/* A log of its own for each program: the one that has something in it is the one refused. */
static int select_program(struct session *s, size_t hook, int j)
{
	struct bpf_program *program = find_program(s, hook_table[hook].programs[j]);

	s->verifier_log[hook][j] = calloc(1, VERIFIER_LOG_SIZE);
	if (!s->verifier_log[hook][j])
		return -ENOMEM;
	bpf_program__set_log_buf(program, s->verifier_log[hook][j], VERIFIER_LOG_SIZE);
	return bpf_program__set_autoload(program, true);
}

static const struct hook *refused_hook(const struct session *s)
{
	for (size_t i = 0; i < hook_count; i++) {
		for (int j = 0; j < HOOK_MAX_PROGRAMS; j++) {
			const char *text = s->verifier_log[i][j];

			if (!text || !text[0])
				continue;
			log_debug("the kernel on %s: %s", hook_table[i].programs[j], text);
			return &hook_table[i];
		}
	}
	return NULL;
}

static int load(struct session *s, const struct session_options *o)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	struct bpf_program *program;
	int err = 0;

	/*
	 * For a type that the kernel does not have (a flavour of another version) libbpf looks
	 * into the modules' BTF too, and fails where that is refused: without CAP_SYS_ADMIN.
	 */
	if (!kernel_has_cap(&s->kernel, CAP_SYS_ADMIN))
		opts.btf_custom_path = "/sys/kernel/btf/vmlinux";
	s->skel = memwatch_bpf__open_opts(&opts);
	if (!s->skel)
		return -errno;
	bpf_object__for_each_program (program, s->skel->obj)
		bpf_program__set_autoload(program, false);
	for (size_t i = 0; i < hook_count; i++) {
		const char *const *names = hook_table[i].programs;

		if (!s->hooks[i].is_used)
			continue;
		for (int j = 0; !err && j < HOOK_MAX_PROGRAMS && names[j]; j++)
			err = select_program(s, i, j);
	}
	if (!err)
		err = configure(s, o);
	return err ? err : memwatch_bpf__load(s->skel);
}

/* --- attaching --- */

static void detach(struct links *links)
{
	for (unsigned i = 0; i < links->count; i++)
		bpf_link__destroy(links->link[i]);
	free(links->link);
	memset(links, 0, sizeof(*links));
}

static int add_link(struct links *links, struct bpf_link *link)
{
	struct bpf_link **grown;

	if (!link)
		return -errno;
	grown = links->count < MAX_LINKS ? realloc(links->link, (links->count + 1) * sizeof(*grown))
					 : NULL;
	if (!grown) {
		bpf_link__destroy(link);
		return -ENOMEM;
	}
	links->link = grown;
	grown[links->count++] = link;
	return 0;
}

/* The software event counts for next to nothing; one fault in so many runs the program. */
static int attach_perf_faults(struct session *s, struct bpf_program *program, struct links *links)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_SOFTWARE,
		.size = sizeof(attr),
		.config = PERF_COUNT_SW_PAGE_FAULTS,
		.sample_period = used_hook(s, CAPABILITY_SITES) ? SITE_PERIOD : FAULT_PERIOD,
	};

	if (!s->fault_fds)
		s->fault_fds = calloc(s->kernel.cpus, sizeof(*s->fault_fds));
	if (!s->fault_fds)
		return -ENOMEM;
	s->fault_fd_count = 0;
	for (int cpu = 0; cpu < s->kernel.cpus; cpu++) {
		int fd = syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC);
		struct bpf_link *link;
		int err;

		if (fd < 0 && errno == ENODEV) /* this CPU is offline */
			continue;
		if (fd < 0)
			return -errno;
		link = bpf_program__attach_perf_event(program, fd);
		err = add_link(links, link);
		if (err) {
			if (!link)
				close(fd);
			return err;
		}
		s->fault_fds[s->fault_fd_count++] = fd;
	}
	return links->count ? 0 : -ENODEV;
}

static int attach_hook(struct session *s, const struct hook *hook)
{
	struct links *links = &s->links[hook->capability];
	int err = 0;

	for (int i = 0; !err && i < HOOK_MAX_PROGRAMS && hook->programs[i]; i++) {
		struct bpf_program *program = find_program(s, hook->programs[i]);

		switch (hook->attach) {
		case HOOK_ATTACH_AUTO:
			err = add_link(links, bpf_program__attach(program));
			break;
		case HOOK_ATTACH_ITER:
			err = add_link(links, bpf_program__attach_iter(program, NULL));
			break;
		case HOOK_ATTACH_PERF_FAULTS:
			err = attach_perf_faults(s, program, links);
			break;
		case HOOK_ATTACH_LATER:
		case HOOK_ATTACH_NONE:
			break;
		}
	}
	if (err)
		detach(links);
	return err;
}

/* The iterator's time is not in it: that is memwatch's own. */
static void account_programs(struct session *s)
{
	bpf_cost_init(&s->cost);
	for (int c = CAPABILITY_TOTALS + 1; c < CAPABILITY_MAX; c++) {
		const struct hook *hook = used_hook(s, c);

		for (int i = 0; hook && i < HOOK_MAX_PROGRAMS && hook->programs[i]; i++)
			bpf_cost_add(&s->cost, c,
				     bpf_program__fd(find_program(s, hook->programs[i])));
	}
}

static void unload(struct session *s)
{
	for (int c = 0; c < CAPABILITY_MAX; c++)
		detach(&s->links[c]);
	ring_buffer__free(s->ring);
	s->ring = NULL;
	memwatch_bpf__destroy(s->skel);
	s->skel = NULL;
}

static int set_targets(struct session *s, const struct session_options *o)
{
	int fd = bpf_map__fd(s->skel->maps.mw_targets);
	__u8 one = 1;

	for (unsigned i = 0; i < o->pid_count; i++) {
		if (bpf_map_update_elem(fd, &o->pids[i], &one, BPF_ANY))
			return -errno;
	}
	s->skel->bss->mw_ctl.nr_targets = o->pid_count;
	return 0;
}

static int on_record(void *ctx, void *data, size_t size)
{
	struct session *s = ctx;

	if (size >= sizeof(struct mw_event_header))
		s->event_fn(s->event_arg, data);
	return 0;
}

/* One pass of the iterator that fills in what only the kernel side can know; see bpf/tasks.bpf.c.
 */
static int seed(struct session *s)
{
	int fd, n;

	s->skel->bss->mw_ctl.seed = 1;
	fd = bpf_iter_create(bpf_link__fd(s->links[CAPABILITY_TOTALS].link[0]));
	if (fd < 0)
		return fd;
	do {
		n = read(fd, s->buffer, READ_BUFFER_SIZE);
	} while (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)));
	n = n < 0 ? -errno : 0;
	close(fd);
	s->skel->bss->mw_ctl.seed = 0;
	return n;
}

/*
 * The iterator first, so that the pass it makes has given every process its
 * entry before events are counted.
 */
static int attach_all(struct session *s, const struct session_options *o,
		      const struct hook **failed)
{
	int err = set_targets(s, o);

	if (err)
		return err;
	s->ring = ring_buffer__new(bpf_map__fd(s->skel->maps.mw_events), on_record, s, NULL);
	if (!s->ring)
		return -errno;
	for (size_t i = 0; i < hook_count; i++) {
		if (!s->hooks[i].is_used)
			continue;
		err = attach_hook(s, &hook_table[i]);
		if (!err && hook_table[i].capability == CAPABILITY_TOTALS)
			err = seed(s);
		if (err) {
			*failed = &hook_table[i];
			return err;
		}
	}
	account_programs(s);
	return 0;
}

/* --- opening and closing --- */

/* Which to give up when it is not known what was refused: the last in use. */
static const struct hook *expendable_hook(const struct session *s)
{
	for (size_t i = hook_count; i-- > 0;) {
		if (s->hooks[i].is_used && hook_table[i].programs[0] &&
		    hook_table[i].capability != CAPABILITY_TOTALS)
			return &hook_table[i];
	}
	return NULL;
}

static int open_with_fallbacks(struct session *s, const struct session_options *o)
{
	for (;;) {
		const struct hook *failed = NULL;
		int err;

		choose_hooks(s, o);
		if (s->hooks[0].err)
			return log_error_code(s->hooks[0].err, "%s", s->hooks[0].why);
		err = load(s, o);
		if (err)
			failed = refused_hook(s);
		if (err && !failed)
			failed = expendable_hook(s);
		free_verifier_logs(s);
		if (!err)
			err = attach_all(s, o, &failed);
		if (!err)
			return 0;
		if (!failed || failed->capability == CAPABILITY_TOTALS)
			return log_error_code(err,
					      "the kernel refused memwatch's BPF programs: %s; "
					      "run with -v for its reasons, or 'memwatch doctor'",
					      strerror(-err));
		unload(s);
		strike_off(s, failed, err, "the kernel refused the program; -v shows why");
	}
}

struct session *session_open(const struct session_options *options)
{
	struct session *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return NULL;
	bpf_cost_init(&s->cost);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	libbpf_set_print(bpf_message);
	s->buffer = calloc(READ_RECORDS, sizeof(*s->buffer));
	err = s->buffer ? kernel_init(&s->kernel) : -ENOMEM;
	if (!err)
		err = open_with_fallbacks(s, options);
	kernel_release(&s->kernel); /* the types take megabytes, and are not asked again */
	if (err) {
		session_close(s);
		errno = -err;
		return NULL;
	}
	return s;
}

void session_close(struct session *s)
{
	if (!s)
		return;
	unload(s);
	bpf_cost_release(&s->cost);
	kernel_release(&s->kernel);
	free(s->buffer);
	free(s->fault_fds);
	free(s);
}

/* nr_targets stays: with the last one gone, nothing is a target, not everything. */
void session_remove_target(struct session *s, uint32_t pid)
{
	bpf_map_delete_elem(bpf_map__fd(s->skel->maps.mw_targets), &pid);
}

/* Keys are global PIDs: in a namespace of our own they are not known here. */
void session_forget_process(struct session *s, uint32_t pid)
{
	if (!used_hook(s, CAPABILITY_EXIT) && !s->skel->bss->mw_pidns.level)
		bpf_map_delete_elem(bpf_map__fd(s->skel->maps.mw_growth), &pid);
}

bool session_is_enabled(const struct session *s, enum capability c)
{
	return s->links[c].count > 0;
}

/* --- collecting --- */

static int take_records(struct process_table *table, const struct mw_task *records, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct mw_task *raw = &records[i];
		struct process *p;
		struct cgroup *fresh;
		int err;

		err = process_table_update(table, raw, &p);
		if (err == -EEXIST)
			continue;
		if (err)
			return err;
		fresh = process_set_cgroup(table, p, raw->cgroup_id);
		if (fresh)
			cgroup_read(fresh, raw->cgroup_id, p->pid);
	}
	return 0;
}

int session_collect(struct session *s, struct process_table *table)
{
	int fd = bpf_iter_create(bpf_link__fd(s->links[CAPABILITY_TOTALS].link[0]));
	int err = 0;

	if (fd < 0)
		return fd;
	process_table_begin(table, clock_boot_ns());
	while (!err) {
		ssize_t n = read(fd, s->buffer, READ_BUFFER_SIZE);

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			err = -errno;
		if (n <= 0)
			break;
		err = take_records(table, s->buffer, n / sizeof(*s->buffer));
	}
	close(fd);
	return err;
}

int session_drain(struct session *s, session_event_fn fn, void *arg)
{
	s->event_fn = fn;
	s->event_arg = arg;
	return ring_buffer__consume(s->ring);
}

int session_event_fd(const struct session *s)
{
	return ring_buffer__epoll_fd(s->ring);
}

void session_lost(const struct session *s, struct lost *out)
{
	__u64 values[MW_MAX_CPUS] = {0};
	int fd = bpf_map__fd(s->skel->maps.mw_lost);

	if (s->kernel.cpus > MW_MAX_CPUS)
		return;
	for (__u32 cause = 0; cause < MW_LOST_MAX; cause++) {
		out->count[cause] = 0;
		if (bpf_map_lookup_elem(fd, &cause, values))
			continue;
		for (int cpu = 0; cpu < s->kernel.cpus; cpu++)
			out->count[cause] += values[cpu];
	}
}

int session_set_enabled(struct session *s, enum capability c, bool enabled)
{
	const struct hook *hook = used_hook(s, c);
	bool is_enabled = s->links[c].count > 0;

	if (!hook || hook->attach == HOOK_ATTACH_NONE || c == CAPABILITY_TOTALS)
		return -ENOENT;
	if (enabled == is_enabled)
		return 0;
	bpf_cost_look_again(&s->cost);
	if (enabled) {
		int err = c == CAPABILITY_CALLS ? seed(s) : 0; /* breaks have moved meanwhile */

		return err ? err : attach_hook(s, hook);
	}
	detach(&s->links[c]);
	bpf_cost_stop(&s->cost, c, clock_boot_ns());
	return 0;
}

/* --- sites --- */

bool session_has_sites(const struct session *s, const char **why)
{
	for (size_t i = 0; i < hook_count; i++) {
		if (hook_table[i].capability == CAPABILITY_SITES && s->hooks[i].err)
			*why = s->hooks[i].why;
	}
	return used_hook(s, CAPABILITY_SITES) != NULL;
}

int session_map_fd(const struct session *s, const char *name)
{
	return bpf_object__find_map_fd_by_name(s->skel->obj, name);
}

void session_set_site_procs(struct session *s, unsigned count)
{
	s->skel->bss->mw_ctl.nr_site_procs = count;
}

void session_vary_faults(struct session *s)
{
	uint64_t period = SITE_PERIOD - SITE_PERIOD / 2 + random() % SITE_PERIOD;

	if (!used_hook(s, CAPABILITY_SITES) || !session_is_enabled(s, CAPABILITY_FAULTS))
		return;
	for (unsigned i = 0; i < s->fault_fd_count; i++)
		ioctl(s->fault_fds[i], PERF_EVENT_IOC_PERIOD, &period);
}

int session_program_fd(const struct session *s, const char *name)
{
	const struct bpf_program *program = bpf_object__find_program_by_name(s->skel->obj, name);

	return program ? bpf_program__fd(program) : -1;
}

/* --- own cost --- */

/* "memlock:	BYTES" in fdinfo: what the kernel accounts for the map. */
uint64_t session_map_bytes(const struct session *s)
{
	struct bpf_map *map;
	uint64_t sum = 0;

	bpf_object__for_each_map (map, s->skel->obj) {
		unsigned long long bytes;
		char path[64], line[128];
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", bpf_map__fd(map));
		f = fopen(path, "re");
		if (!f)
			continue;
		while (fgets(line, sizeof(line), f)) {
			if (sscanf(line, "memlock: %llu", &bytes) == 1)
				sum += bytes;
		}
		fclose(f);
	}
	return sum;
}

struct bpf_cost *session_cost(struct session *s)
{
	return used_hook(s, CAPABILITY_SELF) ? &s->cost : NULL;
}

/* --- what is in use --- */

const struct kernel *session_kernel(const struct session *s)
{
	return &s->kernel;
}

const struct hook_state *session_hook(const struct session *s, size_t i)
{
	return &s->hooks[i];
}

const char *session_hook_name(const struct session *s, enum capability c)
{
	const struct hook *hook = used_hook(s, c);

	return hook ? hook->name : NULL;
}

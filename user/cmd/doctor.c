/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * memwatch doctor: what this kernel, this user and a process allow. It opens a
 * session as watch does, so that what it says is what happened, not a guess.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/background.h"
#include "base/log.h"
#include "base/opts.h"
#include "base/strbuf.h"
#include "base/units.h"
#include "cmd/cmd.h"
#include "cmd/run_options.h"
#include "cmd/targets.h"
#include "collect/gcs.h"
#include "collect/kernel_types.h"
#include "collect/session.h"
#include "collect/sites.h"
#include "sym/elf_file.h"
#include "v8/v8_info.h"

#ifndef CAP_PERFMON /* Linux 5.8 */
#define CAP_PERFMON 38
#define CAP_BPF	    39
#endif

struct doctor {
	struct targets targets;
	const char *without;
	const char *btf;
	bool help;
};

/* --- this machine --- */

static void print_user(const struct kernel *k)
{
	static const struct {
		int cap;
		const char *name, *need;
	} caps[] = {
		{CAP_SYS_ADMIN, "CAP_SYS_ADMIN", "own BPF run time"},
		{CAP_BPF, "CAP_BPF", "BPF programs (or CAP_SYS_ADMIN)"},
		{CAP_PERFMON, "CAP_PERFMON", "tracing (or CAP_SYS_ADMIN)"},
		{CAP_SYS_PTRACE, "CAP_SYS_PTRACE", "other users' programs and symbols"},
	};

	printf("  user      uid %d", geteuid());
	for (unsigned i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		if (!kernel_has_cap(k, caps[i].cap))
			printf("; without %s (%s)", caps[i].name, caps[i].need);
	}
	printf("\n");
}

static void print_types(const struct kernel *k)
{
	printf("  types     ");
	if (k->btf_file)
		printf("BTF in %s%s\n", k->btf_file,
		       k->has_types ? "; the kernel has its own, too"
				    : "; the kernel has none itself");
	else if (k->has_types)
		printf("BTF in %s\n", KERNEL_TYPES_PATH);
	else if (k->btf)
		printf("BTF in the vmlinux of this kernel that was found; the kernel has none "
		       "itself\n");
	else
		printf("no BTF: %s %s; see --btf\n", KERNEL_TYPES_PATH,
		       k->is_malformed ? "is malformed" : "is not there");
}

static void print_machine(const struct kernel *k)
{
	printf("memwatch %s\n", MEMWATCH_VERSION);
	printf("  kernel    Linux %s %s, %d CPUs, %u KiB pages\n", k->release, k->arch, k->cpus,
	       (1u << k->page_shift) / 1024);
	print_types(k);
	printf("  cgroups   memory controller on %s\n", k->cgroup_v1 ? "v1" : "v2");
	print_user(k);
}

/* --- capabilities --- */

static void print_refused(const struct session *s, enum capability c)
{
	for (size_t i = 0; i < hook_count; i++) {
		const struct hook_state *state = session_hook(s, i);

		if (hook_table[i].capability == c && state->err)
			printf("              not %s: %s\n", hook_table[i].name,
			       state->why ? state->why : strerror(-state->err));
	}
}

static const char *cost_of(const struct session *s, enum capability c)
{
	for (size_t i = 0; i < hook_count; i++) {
		if (hook_table[i].capability == c && session_hook(s, i)->is_used)
			return hook_table[i].cost;
	}
	return "";
}

static void print_capabilities(const struct session *s)
{
	printf("\n  capability  by\n");
	for (int c = 0; c < CAPABILITY_MAX; c++) {
		const struct capability_info *info = &capability_table[c];
		const char *hook = session_hook_name(s, c);

		printf("  %s %-9s %s\n", hook ? "+" : "-", info->name,
		       hook ? hook : "not available");
		printf("              gives: %s\n", info->gives);
		if (hook)
			printf("              costs: %s\n", cost_of(s, c));
		else
			printf("              lost:  %s\n", info->without);
		print_refused(s, c);
	}
}

/* Whether sizes are exact is seen only by collecting. */
static int print_collection(struct session *s)
{
	struct process_table table;
	struct hmap_node *node;
	struct process *p;
	unsigned approximate = 0;
	char text[UNITS_SIZE];
	int err = process_table_init(&table, session_kernel(s)->page_shift);

	if (err)
		return err;
	err = session_collect(s, &table);
	process_table_for_each (&table, p, node)
		approximate += p->rss_approximate;
	if (err)
		printf("\n  a collection failed: %s\n", strerror(-err));
	else
		printf("\n  %zu processes seen; sizes are %s; maps take %s\n", table.by_pid.count,
		       approximate ? "approximate (per-CPU counters are not added up)" : "exact",
		       units_format_bytes(text, sizeof(text), session_map_bytes(s)));
	process_table_release(&table);
	return err;
}

/* --- a process --- */

static void print_text(const char *text)
{
	struct strbuf b;

	strbuf_init(&b);
	strbuf_add_text(&b, text, strlen(text));
	fputs(b.s, stdout);
	strbuf_release(&b);
}

static void print_executable(uint32_t pid)
{
	char path[64], target[512];
	struct elf_file *f;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/exe", pid);
	n = readlink(path, target, sizeof(target) - 1);
	target[n > 0 ? n : 0] = '\0';
	printf("    program    ");
	print_text(n > 0 ? target : "unknown (no permission to read it: CAP_SYS_PTRACE)");
	printf("\n");
	f = elf_file_open(path);
	if (!f) {
		printf("    symbols    unknown: %s\n", strerror(errno));
		return;
	}
	printf("    symbols    %s, %s; build id %s\n",
	       elf_file_has_symtab(f) ? ".symtab (not stripped)" : "exported ones only (stripped)",
	       elf_file_has_dwarf(f) ? "DWARF lines" : "no DWARF lines",
	       elf_file_build_id(f)[0] ? elf_file_build_id(f) : "none");
	elf_file_free(f);
}

static void print_v8(uint32_t pid)
{
	struct v8_info v8;
	int err = v8_info_read(pid, &v8);

	if (err) {
		printf("    V8         unknown: %s\n", strerror(-err));
		return;
	}
	if (!v8.present) {
		printf("    V8         none in it\n");
		return;
	}
	printf("    V8         ");
	if (v8.major)
		printf("%d.%d.%d in ", v8.major, v8.minor, v8.build);
	else
		printf("unknown version in ");
	print_text(v8.path);
	printf("\n    metadata   %u v8dbg constants%s\n", v8.v8dbg_symbols,
	       v8.tagged_size == 4 ? " (pointer compression)" : "");
	if (v8.usdt_probes)
		printf("    USDT       %u probes of node or v8\n", v8.usdt_probes);
	else
		printf("    USDT       none (official Node binaries have none; it is not "
		       "needed)\n");
}

/* These attach for a moment, as watch does. */
static void print_collections(struct session *s, struct runtime_files *files, uint32_t pid)
{
	struct gcs *gcs = gcs_new(s, files);
	struct gc_source source;

	if (!gcs) {
		printf("    GC         unknown: %s\n", strerror(errno));
		return;
	}
	gcs_want(gcs, pid, 0);
	gcs_source(gcs, pid, 0, &source);
	if (source.by)
		printf("    GC         %s, by %s\n",
		       source.runtime ? source.runtime : "reference cycles only", source.by);
	else if (source.runtime)
		printf("    GC         %s: not seen\n", source.runtime);
	else if (source.collector == COLLECTOR_UNKNOWN)
		printf("    GC         unknown\n");
	else
		printf("    GC         none was found: malloc and free\n");
	if (source.why)
		printf("               %s\n", source.why);
	gcs_free(gcs);
}

static void print_sites(struct session *s, struct runtime_files *files, uint32_t pid)
{
	const char *why = NULL;
	struct sites *sites = sites_new(s, files, 1);
	const struct site_table *table;

	if (!sites) {
		session_has_sites(s, &why);
		printf("    sites      none: %s\n", why ? why : strerror(errno));
		return;
	}
	sites_want(sites, pid, 0);
	sites_settle(sites);
	table = sites_of(sites, pid, 0);
	if (table)
		printf("    sites      by %s\n", table->quality.level);
	else
		printf("    sites      none: the process cannot be looked at (CAP_SYS_PTRACE)\n");
	if (table && table->quality.why)
		printf("               %s\n", table->quality.why);
	sites_free(sites);
}

static void print_process(struct session *s, struct runtime_files *files, uint32_t pid)
{
	printf("\n  process %u\n", pid);
	print_executable(pid);
	print_v8(pid);
	print_collections(s, files, pid);
	print_sites(s, files, pid);
}

static int print_processes(struct session *s, const struct targets *t)
{
	struct runtime_files *files = t->count ? runtime_files_new() : NULL;

	if (t->count && !files)
		return -ENOMEM;
	for (unsigned i = 0; i < t->count; i++)
		print_process(s, files, t->pids[i]);
	runtime_files_free(files);
	return 0;
}

/* --- the command --- */

static int opt_pid(void *arg, const char *value)
{
	return targets_add_pids(&((struct doctor *)arg)->targets, value);
}

static int opt_without(void *arg, const char *value)
{
	char bad[32];

	if (hook_list_check(value, bad))
		return log_error_code(
			-EINVAL, "--without '%s' names no hook; 'memwatch doctor' lists them", bad);
	((struct doctor *)arg)->without = value;
	return 0;
}

static int opt_btf(void *arg, const char *value)
{
	((struct doctor *)arg)->btf = value;
	return 0;
}

static int opt_verbose(void *arg, const char *value)
{
	(void)arg;
	(void)value;
	log_set_level(LOG_DEBUG);
	return 0;
}

static int opt_help(void *arg, const char *value)
{
	(void)value;
	((struct doctor *)arg)->help = true;
	return 0;
}

static const struct opt table[] = {
	{'p', "pid", "PID", "also what this process allows; may be repeated", opt_pid},
	{0, "without", "HOOK,...", "as if these hooks or capabilities were missing", opt_without},
	{0, "btf", "FILE", OPT_BTF_HELP, opt_btf},
	{'v', "verbose", NULL, "also the kernel's own words", opt_verbose},
	{'h', "help", NULL, "this text", opt_help},
	{0, NULL, NULL, NULL, NULL},
};

static int examine(struct doctor *d)
{
	struct session_options options = {.without = d->without, .btf = d->btf};
	struct session *s;
	struct kernel k;
	int err = kernel_init(&k, d->btf);

	if (err) {
		kernel_release(&k);
		return err;
	}
	print_machine(&k);
	kernel_release(&k);
	fflush(stdout);
	s = session_open(&options);
	if (!s) {
		printf("\n  memwatch cannot run here.\n");
		return -errno;
	}
	print_capabilities(s);
	err = print_collection(s);
	if (!err)
		err = print_processes(s, &d->targets);
	session_close(s);
	return err;
}

int cmd_doctor(int argc, char **argv)
{
	struct doctor *d = calloc(1, sizeof(*d));
	int err = d ? opts_parse(argc, argv, table, opt_pid, d) : -ENOMEM;

	if (!err && d->help) {
		puts("memwatch doctor - what this kernel, this user and a process allow\n"
		     "\n"
		     "Usage: memwatch doctor [-p PID]...\n"
		     "\n"
		     "For each capability the hook in use, what it costs, and for each better one\n"
		     "why it is not used and how to get it. Status 1 when memwatch cannot run.\n");
		opts_print(stdout, table);
		free(d);
		return MEMWATCH_EXIT_OK;
	}
	if (!err)
		err = targets_check(&d->targets);
	if (err) {
		free(d);
		return cmd_status(err);
	}
	background_start(); /* where that fails, threads close what was attached */
	err = examine(d);
	background_wait(); /* or the process that was looked at keeps breakpoints */
	free(d);
	return err ? MEMWATCH_EXIT_FAILED : MEMWATCH_EXIT_OK;
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What memwatch's BPF object finds in a kernel's types, without that kernel: libbpf relocates it
 * to them, and none of its programs reaches the running kernel (which is asked for maps: root).
 *
 *	relocate OBJECT BTF PICKS	rows, see below; PICKS: what BTF was made to have
 *	relocate --insns OBJECT BTF	a hash of each program's relocated instructions
 *
 * Rows of three columns, separated by tabs, to be sorted and made unique:
 *
 *	picked TYPE no		PICKS does not have it: nothing is known about it
 *	exists TYPE no		asked for (bpf_core_type_exists and the like), not there
 *	access FIELD no		not there: libbpf poisoned the instruction
 *	reached PROGRAM NUMBER	a poisoned instruction that the program can come to
 *	reads PROGRAM WORDS	it reads more arguments than are passed
 *	tracepoint NAME ARGS	its arguments; "-": not there. Of those that are attached to
 *	function NAME ARGS	the same
 *	hook NAME yes|no	what user/collect/hooks.c makes of the types
 *	fact NAME yes|no	and user/collect/kernel.c
 */
#include "collect/hooks.h"
#include "intercept.h"
#include "picks.h"
#include "reach.h"

struct run {
	const char *object, *btf, *picks;
	const struct btf *types;
	bool hash;
	unsigned poisoned, named; /* instructions; and by libbpf's messages */
	bool failed;
	char access[256]; /* of the relocation that libbpf speaks of */
	char kind[32];
};

/* libbpf's print callback has no argument of its own. */
static struct run run;

/* --- what libbpf says --- */

/* Of "<byte_off> [187] struct mm_struct.rss_stat[0].count (0:25 @ offset 208)": byte_off, and
 * "struct mm_struct.rss_stat.count". */
static void take_access(const char *spec)
{
	char *to = run.access, *const end = run.access + sizeof(run.access) - 1;
	int skipped = 0;

	if (sscanf(spec, "<%31[^>]> [%*u] %n", run.kind, &skipped) < 1 || !skipped)
		return;
	for (spec += skipped; *spec && *spec != '\n' && *spec != '(' && to < end; spec++) {
		if (*spec == '[')
			spec += strcspn(spec, "]");
		else
			*to++ = *spec;
	}
	while (to > run.access && to[-1] == ' ')
		to--;
	*to = '\0';
}

static bool is_question(const char *kind)
{
	return strstr(kind, "exists") || strstr(kind, "matches");
}

static int on_message(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	char text[1024], *relo;

	vsnprintf(text, sizeof(text), fmt, ap);
	if (level == LIBBPF_WARN)
		fputs(text, stderr);
	relo = strncmp(text, "libbpf: prog '", 14) ? NULL : strstr(text, "': relo #");
	relo = relo ? strstr(relo + 3, ": ") : NULL;
	if (!relo)
		return 0;
	if (relo[2] == '<') {
		take_access(relo + 2);
	} else if (!strncmp(relo + 2, "no matching targets", strlen("no matching targets"))) {
		run.named += !is_question(run.kind);
		if (!run.hash)
			printf("%s\t%s\tno\n", is_question(run.kind) ? "exists" : "access",
			       run.access);
	}
	return 0;
}

/* --- each program, relocated --- */

static __u64 hash_insns(const struct bpf_insn *insns, size_t count)
{
	__u64 hash = 0xcbf29ce484222325; /* FNV-1a */

	for (size_t i = 0; i < count; i++) {
		struct bpf_insn insn = insns[i];

		/* The number of a map's file says nothing. */
		if (insn.code == REACH_LOAD_IMM64 && insn.src_reg)
			insn.imm = 0;
		for (size_t j = 0; j < sizeof(insn); j++)
			hash = (hash ^ ((const __u8 *)&insn)[j]) * 0x100000001b3;
	}
	return hash;
}

/* Of a function, or a typedef of a pointer to one; NULL if @id is none. */
static const struct btf_type *prototype(const struct btf *btf, int id)
{
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, id) : NULL;

	while (t && !btf_is_func_proto(t))
		t = btf__type_by_id(btf, t->type);
	return t;
}

/* If it is more than there are: a tracepoint's own is not among them, what fexit returns is. */
static void print_reads(const char *program, const char *section, unsigned arguments)
{
	const struct section_kind *kind = section_kind_of(section);
	const struct btf_type *t = prototype(run.types, section_attach_type(run.types, section));
	unsigned passed = t ? btf_vlen(t) : 0;

	if (!t || kind->attach == BPF_TRACE_ITER)
		return;
	passed += kind->attach == BPF_TRACE_FEXIT;
	passed -= kind->attach == BPF_TRACE_RAW_TP;
	if (arguments > passed)
		printf("reads\t%s\tword %u of %u\n", program, arguments, passed);
}

static void on_program(void *arg, struct bpf_program *program,
		       const struct bpf_prog_load_opts *opts)
{
	const struct bpf_insn *insns = bpf_program__insns(program);
	size_t count = bpf_program__insn_cnt(program);
	unsigned arguments = 0;
	long at;

	(void)arg;
	(void)opts;
	if (run.hash) {
		printf("%s\t%zu\t%016llx\n", bpf_program__name(program), count,
		       hash_insns(insns, count));
		return;
	}
	for (size_t i = 0; i < count; i++)
		run.poisoned += reach_is_poisoned(&insns[i]);
	at = reach_poisoned(insns, count, &arguments);
	print_reads(bpf_program__name(program), bpf_program__section_name(program), arguments);
	if (at >= 0)
		printf("reached\t%s\t%ld\n", bpf_program__name(program), at);
	else if (at == -ENOMEM)
		run.failed = true;
}

/* --- what is attached to --- */

/* "task_struct *", "int": what a program reads of an argument. "unknown pt_regs *": the kernel
 * knows no more than the name, and lets no program read it. */
static void print_argument(const struct btf *btf, __u32 id)
{
	const struct btf_type *t = btf__type_by_id(btf, id);

	while (btf_is_mod(t) || btf_is_typedef(t))
		t = btf__type_by_id(btf, t->type);
	if (btf_is_ptr(t)) {
		print_argument(btf, t->type);
		printf(" *");
	} else {
		const char *name = btf__name_by_offset(btf, t->name_off);

		printf("%s%s", btf_is_fwd(t) ? "unknown " : "",
		       t->name_off	      ? name
		       : btf_is_func_proto(t) ? "function"
					      : "void");
	}
}

/* Without the first @skipped: a tracepoint's is its own. */
static void print_arguments(const struct btf *btf, int id, int skipped)
{
	const struct btf_type *t = prototype(btf, id);

	if (!t) {
		printf("-\n");
		return;
	}
	for (int i = skipped; i < btf_vlen(t); i++) {
		printf("%s", i > skipped ? ", " : "");
		print_argument(btf, btf_params(t)[i].type);
	}
	printf("\n");
}

static void print_attached(void *arg, const char *kind, const char *name)
{
	const struct btf *btf = arg;
	const char *trace = "btf_trace_";

	if (!strcmp(kind, "func")) {
		printf("function\t%s\t", name);
		print_arguments(btf, btf__find_by_name_kind(btf, name, BTF_KIND_FUNC), 0);
	} else if (!strncmp(name, trace, strlen(trace))) {
		printf("tracepoint\t%s\t", name + strlen(trace));
		print_arguments(btf, btf__find_by_name_kind(btf, name, BTF_KIND_TYPEDEF), 1);
	}
}

/* Those probes that ask nothing but the types. */
static void print_hooks(const struct kernel *k)
{
	for (size_t i = 0; i < hook_count; i++) {
		const struct hook *hook = &hook_table[i];
		const char *why;

		if (strncmp(hook->name, "tp_btf/", strlen("tp_btf/")) != 0 &&
		    strncmp(hook->name, "raw_tp/", strlen("raw_tp/")) != 0 &&
		    hook->capability != CAPABILITY_SITES)
			continue;
		printf("hook\t%s\t%s\n", hook->name, hook->probe(k, &why) ? "no" : "yes");
	}
	printf("fact\thas_loop\t%s\n", k->has_loop ? "yes" : "no");
	printf("fact\texit_has_group_dead\t%s\n", k->exit_has_group_dead ? "yes" : "no");
}

/* --- what the types were made to have --- */

static void check_pick(void *arg, const char *kind, const char *name)
{
	FILE *f = fopen(run.picks, "re");
	char wanted[192], line[192] = "";

	(void)arg;
	snprintf(wanted, sizeof(wanted), "%s %.*s\n", kind, (int)btf_essential_len(name), name);
	while (f && fgets(line, sizeof(line), f) && strcmp(line, wanted) != 0)
		;
	if (strcmp(line, wanted) != 0)
		printf("picked\t%.*s\tno\n", (int)strlen(wanted) - 1, wanted);
	if (f)
		fclose(f);
}

static int relocate(struct bpf_object *object, const struct kernel *k)
{
	int err = intercept_prepare(object, k);

	if (!err)
		err = bpf_object__load(object);
	if (err) {
		fprintf(stderr, "relocate: %s to %s: %s\n", run.object, run.btf, strerror(-err));
		return err;
	}
	if (run.poisoned && !run.named) {
		fprintf(stderr, "relocate: this libbpf tells by other words what it cannot find\n");
		return -EPROTO;
	}
	return 0;
}

int main(int argc, char **argv)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	const struct intercept intercept = {.program = on_program};
	struct kernel k = {.cpus = 1};
	struct bpf_object *object;
	int err;

	run.hash = argc > 1 && !strcmp(argv[1], "--insns");
	if (argc != 4) {
		fprintf(stderr, "usage: relocate OBJECT BTF PICKS | --insns OBJECT BTF\n");
		return 2;
	}
	run.object = argv[run.hash ? 2 : 1];
	run.btf = argv[run.hash ? 3 : 2];
	run.picks = argv[3];
	kernel_set_btf(&k, btf__parse_raw(run.btf));
	run.types = k.btf;
	libbpf_set_print(on_message);
	err = k.btf ? intercept_register(&intercept) : -errno;
	opts.btf_custom_path = run.btf;
	object = err ? NULL : bpf_object__open_file(run.object, &opts);
	err = object ? relocate(object, &k) : -errno;
	if (!err && !run.hash) {
		print_hooks(&k);
		err = picks_each(run.object, check_pick, NULL);
		if (!err)
			err = picks_each(run.object, print_attached, k.btf);
	}
	bpf_object__close(object);
	kernel_release(&k);
	return err || run.failed ? 1 : 0;
}

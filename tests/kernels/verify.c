// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the running kernel's verifier says to each of memwatch's BPF programs, one by one: those
 * that are for this kernel, relocated and configured as in the product. Nothing is attached.
 *
 *	verify [--must LIST] [--seconds N] [--log PROGRAM]
 *
 * The first line is "# kernel ARCH SERIES RELEASE"; then a row a program, separated by tabs:
 *
 *	PROGRAM HOOK RESULT OBJECT XLATED VERIFIED WHY
 *
 * RESULT: loaded; skipped, when it is refused and its hook's probe says that it cannot work here;
 * failed, when it is refused all the same, or not verified within N seconds (60). OBJECT:
 * instructions that the kernel was given; XLATED: what it made of them; VERIFIED: how many the
 * verifier walked through (0 before Linux 5.16). WHY: what was said.
 *
 * LIST (as --without's of memwatch: "calls,fexit"; or "all"): hooks of which nothing may be
 * skipped. Of PROGRAM the whole log is printed to stderr, if it is refused. Status 1 if anything
 * failed.
 */
#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include "collect/hooks.h"
#include "intercept.h"
#include "memwatch.skel.h"

#define LOG_SIZE (16 * 1024 * 1024) /* of an older verifier, or all it has to say is ENOSPC */

struct verdict {
	int err;
	__u32 xlated, verified;
	char why[200];
};

struct verifier {
	struct kernel kernel;
	const struct bpf_object *object;
	const char *must, *log;
	int seconds;
	bool failed;
};

/* --- one program, in a process of its own: a verifier that comes to no end is killed --- */

static bool is_statistics(const char *line)
{
	return !strncmp(line, "processed ", strlen("processed ")) ||
	       !strncmp(line, "verification time", strlen("verification time")) ||
	       !strncmp(line, "stack depth", strlen("stack depth"));
}

/* The last line of the log that is not about the verifier itself. */
static void last_line(char *log, char *out, size_t size)
{
	const char *last = "";
	char *rest = log;

	for (char *line; (line = strsep(&rest, "\n"));) {
		if (*line && !is_statistics(line))
			last = line;
	}
	snprintf(out, size, "%s", last);
	for (char *tab = out; (tab = strchr(tab, '\t'));)
		*tab = ' ';
}

static void ask_kernel(const struct verifier *v, const struct bpf_program *program,
		       const struct bpf_prog_load_opts *opts, struct verdict *out)
{
	const char *section = bpf_program__section_name(program);
	const struct section_kind *kind = section_kind_of(section);
	struct bpf_prog_load_opts with = *opts;
	int attach = v->kernel.btf ? section_attach_type(v->kernel.btf, section) : 0, fd;
	struct bpf_prog_info info = {};
	__u32 len = sizeof(info);

	if (attach < 0) {
		out->err = attach;
		snprintf(out->why, sizeof(out->why), "the kernel's types have no %s", section);
		return;
	}
	with.attach_btf_id = attach;
	with.expected_attach_type = kind->attach;
	with.log_level = 0; /* only when it is refused */
	with.log_size = LOG_SIZE;
	with.log_buf = calloc(1, LOG_SIZE);
	fd = bpf_prog_load(kind->type, bpf_program__name(program), "Dual BSD/GPL",
			   bpf_program__insns(program), bpf_program__insn_cnt(program), &with);
	out->err = fd < 0 ? fd : bpf_obj_get_info_by_fd(fd, &info, &len);
	out->xlated = info.xlated_prog_len / sizeof(struct bpf_insn);
	out->verified = info.verified_insns;
	if (fd < 0 && with.log_buf && v->log && !strcmp(v->log, bpf_program__name(program)))
		fputs(with.log_buf, stderr);
	if (fd < 0 && with.log_buf)
		last_line(with.log_buf, out->why, sizeof(out->why));
	free(with.log_buf);
}

/* What the child writes, or that it did not within the time. */
static void await_verdict(const struct verifier *v, int fd, pid_t child, struct verdict *out)
{
	struct pollfd wait = {.fd = fd, .events = POLLIN};
	bool written = poll(&wait, 1, v->seconds * 1000) == 1;

	if (!written) {
		out->err = -ETIME;
		snprintf(out->why, sizeof(out->why), "not verified within %d s", v->seconds);
	} else if (read(fd, out, sizeof(*out)) != (ssize_t)sizeof(*out)) {
		out->err = -ECHILD;
		snprintf(out->why, sizeof(out->why), "the loading process died");
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

static void judge(const struct verifier *v, const struct bpf_program *program,
		  const struct bpf_prog_load_opts *opts, struct verdict *out)
{
	int ends[2];
	pid_t child;

	memset(out, 0, sizeof(*out));
	if (pipe(ends)) {
		out->err = -errno;
		return;
	}
	fflush(stdout);
	child = fork();
	if (!child) {
		ask_kernel(v, program, opts, out);
		_exit(write(ends[1], out, sizeof(*out)) != (ssize_t)sizeof(*out));
	}
	close(ends[1]);
	if (child > 0)
		await_verdict(v, ends[0], child, out);
	else
		out->err = -errno;
	close(ends[0]);
}

/* --- and whether that is right --- */

static const struct hook *hook_of(const struct verifier *v, const struct bpf_program *program)
{
	for (size_t i = 0; i < hook_count; i++) {
		const char *const *names = hook_table[i].programs;

		for (int j = 0; j < HOOK_MAX_PROGRAMS && names[j]; j++) {
			if (programs_find(v->object, &v->kernel, names[j]) == program)
				return &hook_table[i];
		}
	}
	return NULL;
}

/* Of one that was refused; @why: of its hook's probe. */
static bool may_skip(const struct verifier *v, const struct hook *hook, const char **why)
{
	if (!hook || hook_is_named(hook, v->must) || (v->must && !strcmp(v->must, "all")))
		return false;
	if (hook->probe(&v->kernel, why))
		return true;
	*why = NULL;
	return false;
}

static void on_program(void *arg, struct bpf_program *program,
		       const struct bpf_prog_load_opts *opts)
{
	struct verifier *v = arg;
	const struct hook *hook = hook_of(v, program);
	const char *result = "loaded", *why = NULL;
	struct verdict verdict;
	bool is_learn;

	is_learn = program == programs_find(v->object, &v->kernel, PROGRAMS_LEARN);
	judge(v, program, opts, &verdict);
	if (verdict.err && may_skip(v, hook, &why))
		result = "skipped";
	else if (verdict.err || (!hook && !is_learn))
		result = "failed";
	v->failed |= !strcmp(result, "failed");
	if (!hook && !is_learn)
		why = "no hook has it (user/collect/hooks.c)";
	printf("%s\t%s\t%s\t%zu\t%u\t%u\t", bpf_program__name(program), hook ? hook->name : "-",
	       result, bpf_program__insn_cnt(program), verdict.xlated, verdict.verified);
	if (verdict.err)
		printf("%s: ", strerror(-verdict.err));
	printf("%s%s%s\n", verdict.why, why && *verdict.why ? "; " : "", why ? why : "");
	fflush(stdout);
}

/* "x86 6.18", as the kernels are named in tests/kernels/. */
static void print_kernel(const struct kernel *k)
{
	const char *arch = !strcmp(k->arch, "x86_64")	 ? "x86"
			   : !strcmp(k->arch, "aarch64") ? "arm64"
							 : k->arch;
	unsigned major = 0, minor = 0;

	sscanf(k->release, "%u.%u", &major, &minor);
	printf("# kernel %s %u.%u %s\n", arch, major, minor, k->release);
}

static int verify(struct verifier *v)
{
	const struct intercept intercept = {.program = on_program, .arg = v};
	struct memwatch_bpf *skel;
	int err = intercept_register(&intercept);

	skel = err ? NULL : memwatch_bpf__open();
	if (!skel)
		return err ? err : -errno;
	v->object = skel->obj;
	skel->rodata->mw_cfg = programs_config(&v->kernel);
	err = intercept_prepare(skel->obj, &v->kernel);
	if (!err)
		err = memwatch_bpf__load(skel);
	memwatch_bpf__destroy(skel);
	return err;
}

/* hook_list_check() is of what can be left out: not the totals. */
static bool names_hooks(const char *list)
{
	for (; *list; list += strcspn(list, ","), list += *list == ',') {
		char word[64];
		size_t i = 0;

		snprintf(word, sizeof(word), "%.*s", (int)strcspn(list, ","), list);
		while (i < hook_count && !hook_is_named(&hook_table[i], word))
			i++;
		if (i == hook_count) {
			fprintf(stderr, "verify: --must: no hook is called '%s'\n", word);
			return false;
		}
	}
	return true;
}

static int parse_options(int argc, char **argv, struct verifier *v)
{
	const struct option options[] = {
		{"must", required_argument, NULL, 'm'},
		{"seconds", required_argument, NULL, 's'},
		{"log", required_argument, NULL, 'l'},
		{},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'm')
			v->must = optarg;
		else if (c == 's')
			v->seconds = atoi(optarg);
		else if (c == 'l')
			v->log = optarg;
		else
			return -EINVAL;
	}
	if (optind < argc || v->seconds <= 0)
		return -EINVAL;
	if (v->must && strcmp(v->must, "all") != 0 && !names_hooks(v->must))
		return -EINVAL;
	return 0;
}

int main(int argc, char **argv)
{
	struct verifier v = {.seconds = 60};
	int err = parse_options(argc, argv, &v);

	if (err) {
		fprintf(stderr, "usage: verify [--must LIST|all] [--seconds N] [--log PROGRAM]\n");
		return 2;
	}
	err = kernel_init(&v.kernel, NULL);
	if (!err) {
		print_kernel(&v.kernel);
		err = verify(&v);
	}
	kernel_release(&v.kernel);
	if (err)
		fprintf(stderr, "verify: the BPF object cannot be loaded: %s\n", strerror(-err));
	return err || v.failed ? 1 : 0;
}

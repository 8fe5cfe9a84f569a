/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cmd/program.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "output/event_text.h"

#define TERM_NS (5 * NSEC_PER_SEC) /* that a program has to end by itself */
#define KILL_NS (2 * NSEC_PER_SEC) /* that the kernel has */
#define REAP_MS 2000

/* --- what was asked for --- */

int program_split(int argc, char **argv, char *const **command)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--"))
			continue;
		*command = &argv[i + 1];
		return i;
	}
	return argc;
}

int program_check(char *const *command, const struct targets *t)
{
	if (command && !command[0])
		return log_error_code(-EINVAL, "no command after '--'; see --help");
	if (command && targets_are_named(t))
		return log_error_code(-EINVAL,
				      "either processes that are there, or a command after "
				      "'--': not both");
	return 0;
}

static int can_run(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EACCES;
	return access(path, X_OK) ? -errno : 0;
}

/* As execvp(3) looks for it. */
static int find_in_path(const char *name)
{
	const char *list = getenv("PATH");
	int found = -ENOENT;
	char path[PATH_MAX];

	list = list ? list : "/bin:/usr/bin";
	for (const char *dir = list; dir; dir = strchr(dir, ':')) {
		int len, err;

		dir += dir > list; /* behind the colon */
		len = (int)strcspn(dir, ":");
		snprintf(path, sizeof(path), "%.*s%s%s", len, dir, len ? "/" : "", name);
		err = can_run(path);
		if (!err)
			return 0;
		if (err == -EACCES) /* another may still be there */
			found = err;
	}
	return found;
}

int program_find(char *const *command)
{
	const char *name = command ? command[0] : NULL;
	int err;

	if (!name)
		return 0;
	err = strchr(name, '/') ? can_run(name) : find_in_path(name);
	return err ? log_error_code(err, "cannot run '%s': %s", name, strerror(-err)) : 0;
}

/* --- its life --- */

int program_prepare(struct program *p, char *const *command, struct run_options *o)
{
	int err;

	p->end_timer = -1;
	p->is_timed = o->duration_ns;
	if (!command)
		return 0;
	err = child_fork(&p->child, command);
	if (!err)
		err = tree_init(&p->tree, (uint32_t)p->child.pid);
	o->targets.tree = &p->tree;
	return err;
}

void program_discard(struct program *p)
{
	child_discard(&p->child);
	if (p->tree.by_pid.buckets)
		tree_release(&p->tree);
}

/* Whether the program itself has ended. */
static bool reap(struct program *p)
{
	if (!child_reap(&p->child))
		return false;
	tree_root_reaped(&p->tree);
	return true;
}

static int on_child(void *arg, int signo)
{
	struct program *p = arg;

	(void)signo;
	if (!reap(p))
		return 0;
	return p->is_timed && !p->child.exec_error ? 0 : engine_stop(p->engine, 0);
}

int program_add_sources(struct program *p, struct engine *e, struct loop *loop)
{
	p->engine = e;
	p->loop = loop;
	return p->child.argv ? loop_add_signal(loop, SIGCHLD, on_child, p) : 0;
}

void program_release(struct program *p)
{
	if (p->child.argv)
		child_release(&p->child);
}

/* --- its end --- */

bool program_is_ending(const struct program *p)
{
	return p->end_timer >= 0;
}

static int on_end_timer(void *arg, uint64_t expirations)
{
	(void)expirations;
	return engine_stop(((struct program *)arg)->engine, 0);
}

/* Asks all that is left to end, once. Returns whether it can be waited for. */
static bool tell_to_end(struct program *p)
{
	uint64_t now_ns = clock_boot_ns();

	if (p->child.has_ended)
		log_info("'%s' left processes behind: ending them", p->child.argv[0]);
	if (p->ending)
		p->ending(p->arg);
	p->child.was_told_to_end = !reap(p);
	p->kill_ns = now_ns + TERM_NS;
	p->give_up_ns = p->kill_ns + KILL_NS;
	p->end_timer = loop_add_timer(p->loop, TERM_NS, on_end_timer, p);
	tree_signal(&p->tree, p->end_timer < 0 ? SIGKILL : SIGTERM); /* cannot be waited for: now */
	return p->end_timer >= 0;
}

/* There are no ticks that find what a lost record hides. */
static void prune(struct program *p)
{
	tree_prune(&p->tree);
	engine_drain(p->engine);
	tree_prune(&p->tree);
}

bool program_is_left(struct program *p)
{
	uint64_t now_ns = clock_boot_ns();

	if (!p->child.argv)
		return false;
	if (p->end_timer >= 0)
		prune(p);
	if (tree_is_empty(&p->tree)) {
		child_wait(&p->child, REAP_MS);
		return false;
	}
	if (p->end_timer < 0)
		return tell_to_end(p);
	if (now_ns < p->kill_ns)
		return true;
	if (now_ns >= p->give_up_ns) {
		log_warn("not all processes of '%s' could be ended", p->child.argv[0]);
		return false;
	}
	tree_signal(&p->tree, SIGKILL);
	return !loop_set_timer(p->loop, p->end_timer, KILL_NS / 4);
}

bool program_has_failed(const struct program *p)
{
	const struct child *c = &p->child;

	return c->exec_error || (c->argv && c->has_ended && !c->was_told_to_end && c->code);
}

void program_failure_add(struct strbuf *out, const struct program *p)
{
	const struct child *c = &p->child;

	if (c->exec_error) {
		strbuf_addf(out, "cannot run '%s': %s", c->argv[0], strerror(c->exec_error));
		return;
	}
	strbuf_addf(out, "'%s' ", c->argv[0]);
	event_text_add_end(out, c->code);
}

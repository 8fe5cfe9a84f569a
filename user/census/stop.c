/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A process that stands still.
 *
 * How
 *   - PTRACE_SEIZE, then PTRACE_INTERRUPT, of all in /proc/PID/task, until a look at it after all
 *     known ones stopped shows no new one.
 *   - What traces is a thread of its own that lives as long as the stop. The kernel detaches what
 *     a thread traces when that thread ends (exit_ptrace()), in whatever state it is: PTRACE_DETACH
 *     can only do so for what is stopped, and a thread that sleeps uninterruptibly would stop,
 *     for ever, as soon as it wakes.
 *   - Stops are looked at with WNOWAIT and never consumed. The signal of a tracee that is about to
 *     take one then stays in the kernel (task->exit_code), and is delivered even if memwatch is
 *     killed here. Zombies are left to the kernel for the same reason: reaping one that is our own
 *     child would take its exit status from whoever waits for it.
 *   - No PTRACE_O_*: PTRACE_O_EXITKILL would kill it with us.
 */
#include "census/stop.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

#define TRACER_STACK_BYTES (256u << 10)
#define POLL_NS		   50000 /* stops take some 10 us each on an idle CPU */
/* Sleeping uninterruptibly as long is no page fault: vfork(2)'s parent, a file server that is gone.
   No reason to keep the others standing until the deadline. */
#define SLEEP_MS 200

struct stop_tracer {
	struct stop *stop;
	pthread_t thread;
	sem_t ready, let_go;
	sigset_t mask; /* of the thread that began it, before */
	int err;
};

__attribute__((format(printf, 3, 4))) static int refuse(struct stop *s, int err, const char *format,
							...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(s->why, sizeof(s->why), format, args);
	va_end(args);
	return err;
}

/* --- what /proc says of a thread --- */

/* The beginning of a file, as a string; "" if it cannot be read. */
static void read_text(const char *path, char *out, size_t size)
{
	FILE *in = fopen(path, "re");

	out[in ? fread(out, 1, size - 1, in) : 0] = '\0';
	if (in)
		fclose(in);
}

static void read_task(pid_t pid, pid_t tid, const char *file, char *out, size_t size)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/%s", pid, tid, file);
	read_text(path, out, size);
}

/* 'R', 'S', 'D', 't' ...; 0: there is none. */
static char thread_state(pid_t pid, pid_t tid)
{
	char stat[128]; /* a command's name has at most 15 bytes, or 64 of a kernel thread */
	const char *end;

	read_task(pid, tid, "stat", stat, sizeof(stat));
	end = strrchr(stat, ')');
	return end && end[1] == ' ' ? end[2] : '\0';
}

static bool thread_has_ended(pid_t pid, pid_t tid)
{
	char state = thread_state(pid, tid);

	return !state || state == 'Z' || state == 'X';
}

static long status_number(const char *status, const char *name)
{
	const char *at = strstr(status, name);

	return at ? strtol(at + strlen(name), NULL, 10) : -1;
}

static void thread_comm(pid_t tid, char *out, size_t size)
{
	read_task(tid, tid, "comm", out, size);
	out[strcspn(out, "\n")] = '\0';
	for (char *c = out; *c; c++) {
		if (*c < ' ' || *c > '~')
			*c = '?';
	}
	if (!out[0])
		snprintf(out, size, "a program");
}

/* --- why it cannot be traced --- */

static int refuse_permission(struct stop *s, long uid)
{
	char scope[16];

	read_text("/proc/sys/kernel/yama/ptrace_scope", scope, sizeof(scope));
	if (scope[0] == '3')
		return refuse(s, -EPERM,
			      "no process may be traced on this machine (kernel.yama.ptrace_scope "
			      "is 3): read it while it runs");
	if (uid >= 0 && uid != (long)geteuid() && geteuid() != 0)
		return refuse(s, -EPERM,
			      "it is another user's (UID %ld): run memwatch as root, or read it "
			      "while it runs",
			      uid);
	if (scope[0] == '1' || scope[0] == '2')
		return refuse(
			s, -EPERM,
			"the kernel forbids to trace it (kernel.yama.ptrace_scope is %c): run "
			"memwatch with CAP_SYS_PTRACE, or read it while it runs",
			scope[0]);
	return refuse(
		s, -EPERM,
		"the kernel forbids to trace it: run memwatch with CAP_SYS_PTRACE, or read it "
		"while it runs");
}

static int refuse_seize(struct stop *s, pid_t tid)
{
	char status[2048], comm[64];
	long tracer;

	read_task(s->pid, tid, "status", status, sizeof(status));
	if (s->pid == getpid())
		return refuse(s, -EPERM, "it is memwatch itself");
	tracer = status_number(status, "\nTracerPid:");
	if (tracer <= 0)
		return refuse_permission(s, status_number(status, "\nUid:"));
	thread_comm((pid_t)tracer, comm, sizeof(comm));
	return refuse(s, -EBUSY, "it is traced by %s (PID %ld) already", comm, tracer);
}

/* --- one thread, by the tracer --- */

static int thread_add(struct stop *s, pid_t tid)
{
	if (s->count == s->cap) {
		unsigned cap = s->cap ? 2 * s->cap : 16;
		struct stopped_thread *threads = realloc(s->threads, cap * sizeof(*threads));

		if (!threads)
			return refuse(s, -ENOMEM, "no memory");
		s->threads = threads;
		s->cap = cap;
	}
	s->threads[s->count++] = (struct stopped_thread){.tid = tid};
	return 0;
}

/* Both lists are in the order of the kernel's: nearly always the place is @hint. */
static bool is_known(const struct stop *s, pid_t tid, unsigned hint)
{
	if (hint < s->count && s->threads[hint].tid == tid)
		return true;
	for (unsigned i = 0; i < s->count; i++) {
		if (s->threads[i].tid == tid)
			return true;
	}
	return false;
}

/* 1 if it is new and being stopped, 0 if there is nothing to stop. */
static int thread_seize(struct stop *s, pid_t tid)
{
	int err;

	if (ptrace(PTRACE_SEIZE, tid, NULL, NULL)) {
		if (errno == ESRCH || thread_has_ended(s->pid, tid))
			return 0;
		return refuse_seize(s, tid);
	}
	ptrace(PTRACE_INTERRUPT, tid, NULL, NULL); /* fails only if it has ended */
	err = thread_add(s, tid);
	return err ? err : 1;
}

/* 1 if it stands still, 0 if not yet, -ESRCH if it has ended. */
static int thread_look(struct stopped_thread *t)
{
	siginfo_t info = {0};

	if (waitid(P_PID, (id_t)t->tid, &info,
		   WSTOPPED | WEXITED | WNOHANG | WNOWAIT | __WALL | __WNOTHREAD))
		return -ESRCH;
	if (!info.si_pid)
		return 0;
	if (info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED)
		return -ESRCH;
	/* PTRACE_EVENT_STOP: by us, or it was stopped before. Else it is about to take a signal. */
	t->signal = info.si_status >> 8 ? 0 : info.si_status & 0x7f;
	return 1;
}

static void thread_read_registers(struct stopped_thread *t)
{
	struct user_regs_struct regs;
	struct iovec io = {.iov_base = &regs, .iov_len = sizeof(regs)};

	if (ptrace(PTRACE_GETREGSET, t->tid, NT_PRSTATUS, &io) || io.iov_len != sizeof(regs))
		return; /* a 32-bit process has others */
#ifdef __aarch64__
	t->sp = regs.sp;
	t->pc = regs.pc;
#else
	t->sp = regs.rsp;
	t->pc = regs.rip;
#endif
}

/* --- all threads --- */

/* How many new ones are being stopped, or a negative errno. */
static int seize_new(struct stop *s)
{
	unsigned hint = 0;
	int found = 0, err = 0;
	char name[32];
	struct dirent *e;
	DIR *tasks;

	snprintf(name, sizeof(name), "/proc/%d/task", s->pid);
	tasks = opendir(name);
	if (!tasks)
		return refuse(s, -ESRCH, "the process has ended");
	while (err >= 0 && (e = readdir(tasks))) {
		pid_t tid = (pid_t)strtol(e->d_name, NULL, 10);

		if (tid <= 0 || is_known(s, tid, hint++))
			continue;
		err = thread_seize(s, tid);
		found += err > 0;
	}
	closedir(tasks);
	return err < 0 ? err : found;
}

static int wait_thread(struct stop *s, struct stopped_thread *t, uint64_t begin_ns)
{
	const struct timespec pause = {.tv_nsec = POLL_NS};
	int seen;

	while (!(seen = thread_look(t))) {
		uint64_t waited_ms = (clock_boot_ns() - begin_ns) / 1000000;

		if (waited_ms >= STOP_DEADLINE_MS ||
		    (waited_ms >= SLEEP_MS && thread_state(s->pid, t->tid) == 'D'))
			return refuse(s, -ETIMEDOUT,
				      "thread %d does not stop: it waits in the kernel", t->tid);
		if (waited_ms && thread_has_ended(s->pid, t->tid))
			return 0; /* a main thread whose threads live on is not reported */
		nanosleep(&pause, NULL);
	}
	if (seen > 0)
		thread_read_registers(t);
	return 0;
}

/* Those that ended meanwhile are no threads that stand still. */
static void drop_ended(struct stop *s)
{
	unsigned kept = 0;

	for (unsigned i = 0; i < s->count; i++) {
		if (thread_look(&s->threads[i]) > 0)
			s->threads[kept++] = s->threads[i];
	}
	s->count = kept;
}

static int stop_all(struct stop *s)
{
	uint64_t begin_ns = clock_boot_ns();
	unsigned stopped = 0;

	for (;;) {
		int found = seize_new(s);

		if (found < 0)
			return found;
		if (!found)
			break;
		for (; stopped < s->count; stopped++) {
			int err = wait_thread(s, &s->threads[stopped], begin_ns);

			if (err)
				return err;
		}
	}
	drop_ended(s);
	return s->count ? 0 : refuse(s, -ESRCH, "the process has ended");
}

static void *tracer_run(void *arg)
{
	struct stop_tracer *t = arg;

	t->err = stop_all(t->stop);
	if (!t->err) {
		sem_post(&t->ready);
		while (sem_wait(&t->let_go) && errno == EINTR)
			;
	}
	for (unsigned i = 0; i < t->stop->count; i++) {
		const struct stopped_thread *thread = &t->stop->threads[i];

		ptrace(PTRACE_DETACH, thread->tid, NULL, (void *)(intptr_t)thread->signal);
	}
	if (t->err)
		sem_post(&t->ready);
	return NULL; /* what could not be detached is now */
}

/* --- for others --- */

/* Ctrl-Z now would stop memwatch, and so leave the process standing until somebody types "fg". */
static void put_off_terminal_stops(struct stop_tracer *t)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTSTP);
	sigaddset(&set, SIGTTIN);
	sigaddset(&set, SIGTTOU);
	pthread_sigmask(SIG_BLOCK, &set, &t->mask);
}

/* Signals are for the other threads. */
static int start_thread(struct stop_tracer *t)
{
	sigset_t all, before;
	pthread_attr_t attr;
	int err;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, TRACER_STACK_BYTES);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&t->thread, &attr, tracer_run, t);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attr);
	return err;
}

static void tracer_end(struct stop *s)
{
	struct stop_tracer *t = s->tracer;

	pthread_join(t->thread, NULL);
	pthread_sigmask(SIG_SETMASK, &t->mask, NULL);
	sem_destroy(&t->ready);
	sem_destroy(&t->let_go);
	free(t);
	s->tracer = NULL;
}

int stop_begin(struct stop *s, pid_t pid, const char **why)
{
	struct stop_tracer *t = calloc(1, sizeof(*t));
	int err;

	s->pid = pid;
	s->count = 0;
	*why = s->why;
	if (!t)
		return refuse(s, -ENOMEM, "no memory");
	t->stop = s;
	sem_init(&t->ready, 0, 0);
	sem_init(&t->let_go, 0, 0);
	put_off_terminal_stops(t);
	err = start_thread(t);
	if (err) {
		pthread_sigmask(SIG_SETMASK, &t->mask, NULL);
		free(t);
		return refuse(s, -ENOMEM, "no thread can be started: %s", strerror(err));
	}
	s->tracer = t;
	while (sem_wait(&t->ready) && errno == EINTR)
		;
	err = t->err;
	if (err) {
		tracer_end(s);
		s->count = 0;
	}
	return err;
}

bool stop_holds(const struct stop *s)
{
	return s->tracer && s->count && thread_state(s->pid, s->threads[0].tid) == 't';
}

void stop_end(struct stop *s)
{
	if (!s->tracer)
		return;
	sem_post(&s->tracer->let_go);
	tracer_end(s);
}

void stop_release(struct stop *s)
{
	stop_end(s);
	free(s->threads);
	*s = (struct stop){0};
}

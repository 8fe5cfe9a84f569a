// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * record.c - what recording costs beside watching, in CPU time of memwatch itself.
 *
 *	record MEMWATCH FOLDER [WINDOWS]
 *
 * Three of them watch the whole machine at once, a tick a second: one records into FOLDER, one
 * writes NDJSON and one lines of text, both to /dev/null. What each took (all of its threads) in
 *the same two seconds is a pair: whatever else the machine does, it does to all three. --budget 0:
 * shedding would hide the cost.
 */
#include <dirent.h>

#include "bench.h"

#define WINDOW_NS  (2 * NS_PER_S)
#define SETTLED_NS (5 * NS_PER_S) /* names are learnt, and pages of the file are there */
#define WINDOWS	   15

enum way { WAY_RECORD, WAY_JSON, WAY_TEXT, WAYS };

static const char *const way_names[WAYS] = {"record", "json", "text"};

struct watcher {
	pid_t pid;
	clockid_t clock;
	int err_fd;
	uint64_t before_ns;
	struct series spent_ms; /* a tick */
};

static void start(struct watcher *w, char *const argv[])
{
	pid_t parent = getpid();
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	w->err_fd = memfd_create("err", MFD_CLOEXEC);
	w->pid = null < 0 || w->err_fd < 0 ? -1 : fork();
	if (w->pid < 0)
		die("cannot start %s: %s", argv[0], strerror(errno));
	if (!w->pid) {
		die_with_parent(parent);
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(w->err_fd, STDERR_FILENO);
		execv(argv[0], argv);
		_exit(127);
	}
	close(null);
	if (clock_getcpuclockid(w->pid, &w->clock))
		die("no clock of process %d", w->pid);
}

static void stop(struct watcher *w)
{
	int status = 0;

	kill(w->pid, SIGTERM);
	if (waitpid(w->pid, &status, 0) != w->pid || !WIFEXITED(status) || WEXITSTATUS(status)) {
		char said[1024] = "";

		(void)!pread(w->err_fd, said, sizeof(said) - 1, 0);
		die("memwatch ended with wait status %d: %s", status, said);
	}
	close(w->err_fd);
}

static unsigned count_processes(void)
{
	DIR *proc = opendir("/proc");
	unsigned count = 0;
	struct dirent *d;

	while (proc && (d = readdir(proc)))
		count += d->d_name[0] >= '1' && d->d_name[0] <= '9';
	if (proc)
		closedir(proc);
	return count;
}

static void measure(struct watcher all[WAYS], unsigned windows, struct series ratios[WAYS])
{
	for (unsigned i = 0; i <= windows; i++) {
		uint64_t spent_ns[WAYS];

		for (int w = 0; w < WAYS; w++) {
			uint64_t now_ns = read_clock_ns(all[w].clock);

			if (!now_ns)
				die("memwatch (%s) has ended", way_names[w]);
			spent_ns[w] = now_ns - all[w].before_ns;
			all[w].before_ns = now_ns;
		}
		for (int w = 0; i && w < WAYS; w++) {
			series_add(&all[w].spent_ms,
				   (double)spent_ns[w] / NS_PER_MS / (WINDOW_NS / NS_PER_S));
			series_add(&ratios[w], (double)spent_ns[WAY_RECORD] / (double)spent_ns[w]);
		}
		if (i < windows)
			sleep_ns(WINDOW_NS);
	}
}

int main(int argc, char **argv)
{
	static struct watcher all[WAYS];
	static struct series ratios[WAYS];
	char path[4096];
	unsigned windows = argc > 3 ? (unsigned)atoi(argv[3]) : WINDOWS;

	if (argc < 3)
		die("usage: record MEMWATCH FOLDER [WINDOWS]");
	snprintf(path, sizeof(path), "%s/bench.mwr", argv[2]);
	start(&all[WAY_RECORD], (char *[]){argv[1], "record", "-o", path, "--budget", "0", NULL});
	start(&all[WAY_JSON], (char *[]){argv[1], "watch", "--json", "--budget", "0", NULL});
	start(&all[WAY_TEXT], (char *[]){argv[1], "watch", "--budget", "0", NULL});
	sleep_ns(SETTLED_NS);
	measure(all, windows, ratios);
	printf("{\"bench\":\"record\",\"processes\":%u,", count_processes());
	for (int w = 0; w < WAYS; w++) {
		char key[32];

		snprintf(key, sizeof(key), "%s_ms", way_names[w]);
		print_estimate(key, &all[w].spent_ms);
		putchar(',');
	}
	print_estimate("json_ratio", &ratios[WAY_JSON]);
	putchar(',');
	print_estimate("text_ratio", &ratios[WAY_TEXT]);
	puts("}");
	for (int w = 0; w < WAYS; w++)
		stop(&all[w]);
	return 0;
}

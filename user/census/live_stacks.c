/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A line of syscall is "running", or "-1 SP PC", or the number and six arguments, SP and PC
 * (proc(5)): the last two words count.
 */
#include "census/live_stacks.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS_MAX  4096u
#define THREADS_STEP 64u

/* False: it runs, or there is no such thread. */
static bool read_thread(const char *tasks, const char *tid, struct stopped_thread *out)
{
	unsigned long long sp, pc;
	char path[300], line[256], *word;
	bool is_read;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s/syscall", tasks, tid);
	f = fopen(path, "re");
	if (!f)
		return false;
	is_read = fgets(line, sizeof(line), f);
	fclose(f);
	if (!is_read)
		return false;
	word = strrchr(line, ' ');
	if (!word)
		return false;
	pc = strtoull(word, NULL, 16);
	*word = '\0';
	word = strrchr(line, ' ');
	if (!word)
		return false;
	sp = strtoull(word, NULL, 16);
	*out = (struct stopped_thread){.tid = (pid_t)strtol(tid, NULL, 10), .sp = sp, .pc = pc};
	return sp && pc;
}

unsigned live_stacks_read(pid_t pid, struct stopped_thread **out)
{
	struct stopped_thread *threads = NULL;
	unsigned count = 0;
	struct dirent *e;
	char tasks[32];
	DIR *dir;

	snprintf(tasks, sizeof(tasks), "/proc/%d/task", pid);
	dir = opendir(tasks);
	while (dir && count < THREADS_MAX && (e = readdir(dir))) {
		if (e->d_name[0] == '.')
			continue;
		if (count % THREADS_STEP == 0) {
			struct stopped_thread *more =
				realloc(threads, (count + THREADS_STEP) * sizeof(*threads));

			if (!more)
				break;
			threads = more;
		}
		count += read_thread(tasks, e->d_name, &threads[count]);
	}
	if (dir)
		closedir(dir);
	*out = threads;
	return count;
}

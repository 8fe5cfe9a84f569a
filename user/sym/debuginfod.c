/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Debug files from servers, by libdebuginfod. It is loaded when it is needed: it
 * brings libcurl and TLS along, which nobody should map who has no server.
 *
 * Its own DEBUGINFOD_TIMEOUT is of stalled transfers only, so the progress callback, which comes
 * about once a second, ends what takes too long.
 *
 * LIMITATIONS
 *   - The caller waits. What is not there within the time is asked for again by the next run, and
 *     libdebuginfod starts anew then.
 *   - A statically linked memwatch cannot load it.
 */
#include "sym/debuginfod.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef MEMWATCH_STATIC
#include <dlfcn.h>

#include "base/clock.h"

#define DEFAULT_SECONDS 2u
#define MAX_SECONDS	10u

typedef struct debuginfod_client debuginfod_client;

/* What <elfutils/debuginfod.h> declares (ELFUTILS_0.179 to 0.183), found by name. */
struct library {
	debuginfod_client *(*begin)(void);
	void (*end)(debuginfod_client *client);
	int (*find_debuginfo)(debuginfod_client *client, const unsigned char *build_id,
			      int build_id_len, char **path);
	void (*set_progressfn)(debuginfod_client *client,
			       int (*fn)(debuginfod_client *client, long done, long all));
	void (*set_user_data)(debuginfod_client *client, void *data);
	void *(*get_user_data)(debuginfod_client *client);
};

struct waiting {
	uint64_t until_ns;
};

/* Never unloaded: libcurl does not like that. */
static bool library_load(struct library *out)
{
	void *so = dlopen("libdebuginfod.so.1", RTLD_LAZY | RTLD_LOCAL);

	*out = (struct library){0};
	if (!so)
		return false;
	*(void **)&out->begin = dlsym(so, "debuginfod_begin");
	*(void **)&out->end = dlsym(so, "debuginfod_end");
	*(void **)&out->find_debuginfo = dlsym(so, "debuginfod_find_debuginfo");
	*(void **)&out->set_progressfn = dlsym(so, "debuginfod_set_progressfn");
	*(void **)&out->set_user_data = dlsym(so, "debuginfod_set_user_data");
	*(void **)&out->get_user_data = dlsym(so, "debuginfod_get_user_data");
	return out->begin && out->end && out->find_debuginfo && out->set_progressfn &&
	       out->set_user_data && out->get_user_data;
}

/* The handle is loaded by now, so this finds what library_load() found. */
static int on_progress(debuginfod_client *client, long done, long all)
{
	struct library lib;
	const struct waiting *w;

	(void)done;
	(void)all;
	if (!library_load(&lib))
		return 1;
	w = lib.get_user_data(client);
	return clock_boot_ns() >= w->until_ns;
}

static uint64_t timeout_ns(void)
{
	const char *text = getenv("DEBUGINFOD_TIMEOUT");
	unsigned long seconds = text ? strtoul(text, NULL, 10) : DEFAULT_SECONDS;

	if (!seconds)
		seconds = DEFAULT_SECONDS;
	return (seconds < MAX_SECONDS ? seconds : MAX_SECONDS) * NSEC_PER_SEC;
}

int debuginfod_find(struct debuginfod_budget *budget, const char *build_id, char *path, size_t size)
{
	const char *urls = getenv("DEBUGINFOD_URLS");
	debuginfod_client *client;
	uint64_t begin_ns = clock_boot_ns();
	struct waiting w = {.until_ns = begin_ns + timeout_ns()};
	struct library lib;
	char *found = NULL;
	int fd, ret = -ENOENT;

	if (!urls || !*urls || !*build_id)
		return -ENOENT;
	if (budget->spent_ns >= DEBUGINFOD_ALL_NS)
		return -ETIME;
	if (!library_load(&lib))
		return -ENOENT;
	client = lib.begin();
	if (!client)
		return -ENOENT;
	lib.set_user_data(client, &w);
	lib.set_progressfn(client, on_progress);
	/* 0: it is hexadecimal */
	fd = lib.find_debuginfo(client, (const unsigned char *)build_id, 0, &found);
	if (fd >= 0) {
		/* the name suffices: the file is checked against the build id when it is opened */
		ret = (size_t)snprintf(path, size, "%s", found) < size ? 0 : -ENOENT;
		free(found);
		close(fd);
	} else if (clock_boot_ns() >= w.until_ns) {
		ret = -ETIME;
	}
	lib.end(client);
	budget->spent_ns += clock_boot_ns() - begin_ns;
	return ret;
}
#else
int debuginfod_find(struct debuginfod_budget *budget, const char *build_id, char *path, size_t size)
{
	(void)budget;
	(void)build_id;
	(void)path;
	(void)size;
	return -ENOENT;
}
#endif

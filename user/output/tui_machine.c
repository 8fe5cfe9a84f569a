/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The machine's memory, once a tick: context for what processes hold, in no contract. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "output/tui_internal.h"

/* "\nMemTotal:   8049308 kB"; a key that is not there is 0. */
static uint64_t value_of(const char *text, const char *key)
{
	const char *at = strstr(text, key);

	return at ? strtoull(at + strlen(key), NULL, 10) * 1024 : 0;
}

void machine_read(struct machine *m)
{
	char text[4096] = "\n";
	int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text + 1, sizeof(text) - 2) : -1;

	if (fd >= 0)
		close(fd);
	*m = (struct machine){0};
	if (n <= 0)
		return;
	text[n + 1] = '\0';
	m->total_bytes = value_of(text, "\nMemTotal:");
	m->available_bytes = value_of(text, "\nMemAvailable:");
	m->swap_total_bytes = value_of(text, "\nSwapTotal:");
	m->swap_free_bytes = value_of(text, "\nSwapFree:");
	m->is_known = m->total_bytes && m->available_bytes <= m->total_bytes;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Own cost. The maps are of fixed size: asked for once. */
#include "collect/self.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

static uint64_t own_rss_bytes(void)
{
	unsigned long long pages = 0;
	char text[128];
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	if (sscanf(text, "%*u %llu", &pages) != 1)
		return 0;
	return pages * sysconf(_SC_PAGESIZE);
}

void self_meter_start(struct self_meter *m, const struct session *s)
{
	bool known;

	memset(m, 0, sizeof(*m));
	m->start_ns = m->last_ns = clock_boot_ns();
	m->start_cpu_ns = m->last_cpu_ns = clock_cpu_ns();
	m->last_bpf_ns = session_bpf_ns(s, &known);
	m->map_bytes = session_map_bytes(s);
	m->rss_bytes = own_rss_bytes();
}

void self_meter_update(struct self_meter *m, const struct session *s)
{
	uint64_t now = clock_boot_ns(), cpu = clock_cpu_ns();
	bool known;
	uint64_t bpf = session_bpf_ns(s, &known);

	if (now > m->last_ns)
		m->used_pct = 100.0 * ((cpu - m->last_cpu_ns) + (bpf - m->last_bpf_ns)) /
			      (now - m->last_ns);
	m->last_ns = now;
	m->last_cpu_ns = cpu;
	m->last_bpf_ns = bpf;
	m->rss_bytes = own_rss_bytes();
}

void self_meter_read(const struct self_meter *m, const struct session *s, struct self_cost *out)
{
	uint64_t now = clock_boot_ns();

	out->cpu_ns = clock_cpu_ns();
	out->bpf_ns = session_bpf_ns(s, &out->bpf_known);
	out->cpu_pct = m->used_pct;
	out->cpu_pct_run = 0;
	if (now > m->start_ns)
		out->cpu_pct_run = 100.0 * (out->cpu_ns - m->start_cpu_ns + out->bpf_ns) /
				   (now - m->start_ns);
	out->rss_bytes = m->rss_bytes;
	out->map_bytes = m->map_bytes;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Own cost, with that of the process that closes. The maps are of fixed size: asked for once. */
#include "collect/self.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/background.h"
#include "base/clock.h"

static bool read_statm(const char *path, unsigned long long *pages, unsigned long long *of_files)
{
	char text[128];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	text[n] = '\0';
	return sscanf(text, "%*u %llu %llu", pages, of_files) == 2;
}

/* /proc may be that of another PID namespace. */
static bool proc_has_our_pids(void)
{
	char text[16] = "";

	return readlink("/proc/self", text, sizeof(text) - 1) > 0 && atoi(text) == getpid();
}

/* What the closer has of files is in memory once. */
static uint64_t own_rss_bytes(void)
{
	unsigned long long pages, of_files, sum = 0;
	pid_t closer = background_pid();
	char path[32];

	if (read_statm("/proc/self/statm", &pages, &of_files))
		sum = pages;
	snprintf(path, sizeof(path), "/proc/%d/statm", (int)closer);
	if (closer && proc_has_our_pids() && read_statm(path, &pages, &of_files))
		sum += pages - of_files;
	return sum * sysconf(_SC_PAGESIZE);
}

static uint64_t own_cpu_ns(void)
{
	pid_t closer = background_pid();

	return clock_cpu_ns() + (closer ? clock_cpu_ns_of(closer) : 0);
}

void self_meter_start(struct self_meter *m, struct session *s)
{
	memset(m, 0, sizeof(*m));
	m->start_ns = m->last_ns = clock_boot_ns();
	m->start_cpu_ns = m->last_cpu_ns = own_cpu_ns();
	m->map_bytes = session_map_bytes(s);
	m->rss_bytes = own_rss_bytes();
}

#define SPAN_MIN_NS                                                                                \
	(NSEC_PER_SEC - 50 * NSEC_PER_MSEC) /* ticks of a second are never quite that              \
					     */

void self_meter_excuse(struct self_meter *m, uint64_t ns)
{
	m->excused_ns = ns;
}

/* Estimates of BPF time may be mended downwards, and the closer's time is gone with it. */
static uint64_t grown(uint64_t now, uint64_t before)
{
	return now > before ? now - before : 0;
}

bool self_meter_update(struct self_meter *m, struct session *s)
{
	uint64_t now = clock_boot_ns(), cpu = own_cpu_ns();
	double per_pct = (now - m->last_ns) / 100.0;
	uint64_t excused;
	const struct bpf_cost *cost = session_cost(s);

	m->rss_bytes = own_rss_bytes();
	if (now < m->last_ns + SPAN_MIN_NS)
		return false;
	excused = grown(m->excused_ns, m->last_excused_ns);
	m->last_excused_ns = m->excused_ns;
	m->own_pct = m->total_pct = grown(cpu, m->last_cpu_ns + excused) / per_pct;
	for (int c = 0; cost && c < CAPABILITY_MAX; c++) {
		uint64_t bpf = bpf_cost_ns(cost, c, now);

		m->bpf_pct[c] = grown(bpf, m->last_bpf_ns[c]) / per_pct;
		m->total_pct += m->bpf_pct[c];
		m->last_bpf_ns[c] = bpf;
	}
	m->last_ns = now;
	m->last_cpu_ns = cpu;
	return true;
}

void self_meter_read(const struct self_meter *m, struct session *s, struct self_cost *out)
{
	const struct bpf_cost *cost = session_cost(s);
	uint64_t now = clock_boot_ns();

	memset(out, 0, sizeof(*out));
	out->cpu_ns = own_cpu_ns();
	out->bpf_known = cost && cost->as_of_ns;
	for (int c = 0; cost && c < CAPABILITY_MAX; c++)
		out->bpf_ns += bpf_cost_ns(cost, c, now);
	out->cpu_pct = m->total_pct;
	if (now > m->start_ns)
		out->cpu_pct_run = 100.0 * (grown(out->cpu_ns, m->start_cpu_ns) + out->bpf_ns) /
				   (now - m->start_ns);
	if (now > m->start_ns)
		out->once_pct = 100.0 * m->excused_ns / (now - m->start_ns);
	out->rss_bytes = m->rss_bytes;
	out->map_bytes = m->map_bytes;
}

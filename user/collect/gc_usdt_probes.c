// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Each place is a uprobe like any other (uprobe.h), and an entry of mw_gc_usdt, by which the
 * program knows what it is at: made before, removed after. libbpf's own way has a table of
 * its own, the size of which it does not watch (1.1.2), and waits for each that is detached.
 */
#include "collect/gc_usdt_probes.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>

#include "base/background.h"
#include "collect/gcs.h"
#include "collect/uprobe.h"
#include "memwatch/gc.h"

_Static_assert(GC_PROCS *GC_USDT_SITES <= MW_GC_USDT_SITES, "room for all processes");

static const char *const programs[GC_USDT_PROBES] = {
	[GC_USDT_END] = "mw_gc_usdt_out",
	[GC_USDT_POOL] = "mw_gc_usdt_pool",
	[GC_USDT_BEGIN] = "mw_gc_usdt_in",
};

static void forget(const struct gc_usdt_probes *p, uint64_t ip)
{
	struct mw_gc_usdt_key key = {.ip = ip, .pid = p->pid};

	bpf_map_delete_elem(p->sites_fd, &key);
}

static int attach_site(struct gc_usdt_probes *p, const struct session *s, const char *path,
		       const struct gc_usdt_site *site, uint32_t cookie)
{
	struct mw_gc_usdt_key key = {.ip = p->ips[p->count], .pid = p->pid};
	struct mw_gc_usdt_site value = {.cookie = cookie};
	int fd;

	memcpy(value.args, site->args, sizeof(value.args));
	if (bpf_map_update_elem(p->sites_fd, &key, &value, BPF_ANY))
		return -errno;
	fd = uprobe_open_usdt(session_program_fd(s, programs[site->probe]), p->pid, path,
			      site->offset, site->semaphore);
	if (fd < 0) {
		forget(p, key.ip);
		return fd;
	}
	p->fds[p->count++] = fd;
	return 0;
}

/* The places in @path; @bias: how far the process has them from where the file has them. */
static int read_file(const struct gc_usdt_place *place, const struct gc_usdt_row *row,
		     struct gc_usdt *out, uint64_t *bias)
{
	struct elf_file *f = elf_file_open(place->path);
	int err;

	if (!f)
		return -errno;
	err = elf_file_bias(f, place->start, place->offset, true, bias);
	if (!err)
		err = gc_usdt_read(f, row, out);
	elf_file_free(f);
	return err;
}

int gc_usdt_probes_attach(struct gc_usdt_probes *p, const struct session *s,
			  const struct gc_usdt_place *place, const struct gc_usdt_row *row,
			  uint32_t cookie)
{
	struct gc_usdt usdt = {0};
	uint64_t bias = 0;
	int err = read_file(place, row, &usdt, &bias);

	memset(p, 0, sizeof(*p));
	p->pid = place->pid;
	p->sites_fd = session_map_fd(s, "mw_gc_usdt");
	for (unsigned i = 0; !err && i < usdt.count; i++) {
		p->ips[p->count] = usdt.sites[i].pc + bias;
		err = attach_site(p, s, place->path, &usdt.sites[i], cookie);
	}
	if (err)
		gc_usdt_probes_detach(p);
	return err;
}

void gc_usdt_probes_detach(struct gc_usdt_probes *p)
{
	while (p->count) { /* the begin first: what ends must have been seen to begin */
		p->count--;
		background_close(p->fds[p->count]);
		forget(p, p->ips[p->count]);
	}
	memset(p, 0, sizeof(*p));
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The files that processes map.
 *
 * How
 *   - A file is known by device, inode, path and time of change: overlays and btrfs repeat inodes
 *     on one device, and a file may be rewritten in place. Nothing is opened for that.
 *   - It is counted by who maps it, and freed with the last.
 *   - What was loaded is a list, the last used first; past SYMBOL_FILES_LOADED the last of it is
 *     closed, and opened again through whoever asks next.
 *
 * LIMITATIONS
 *   - Equal files of different container images are different files, and loaded each.
 *   - That a file could not be opened is remembered for as long as somebody maps it, unless the
 *     reason was on our side (memory, descriptors).
 */
#include "sym/symbol_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/hmap.h"
#include "sym/debug_file.h"

#define VDSO_NAME      "[vdso]"
#define VDSO_BYTES     (64u << 10) /* at most; it has 2 to 4 pages */
#define FRAME_POINTERS 0.95	   /* share of code that keeps them, to say that a file does */
#define PATH_BYTES     4160

struct identity {
	uint64_t dev, inode, size;
	int64_t changed_s, changed_ns;
};

struct symbol_file {
	struct symbol_files *all;
	struct hmap_node node; /* by hash_of() */
	unsigned references;
	struct identity id;
	char *path;

	/* What is loaded; all NULL unless @elf. */
	struct symbol_file *newer, *older; /* in the order of use */
	struct elf_file *elf;
	struct elf_file *debug; /* the separate debug file */
	struct elf_symbols *symbols;
	struct dwarf_lines *lines;
	struct go_table *go;
	struct cfi *cfi;
	bool tried_debug, tried_symbols, tried_lines, tried_go, tried_cfi;
	bool is_known; /* its symbols were loaded once */

	int error; /* why it could not be opened */
	enum { FP_UNKNOWN, FP_KEPT, FP_NOT_KEPT } frame_pointers;
};

struct symbol_files {
	struct hmap by_identity;
	struct symbol_file *newest, *oldest;
	unsigned loaded;
	struct debuginfod_budget budget;
	uint64_t known; /* files, so far */
};

/* ---- the order of use ---- */

static void order_remove(struct symbol_files *all, struct symbol_file *f)
{
	*(f->newer ? &f->newer->older : &all->newest) = f->older;
	*(f->older ? &f->older->newer : &all->oldest) = f->newer;
	f->newer = f->older = NULL;
	all->loaded--;
}

static void order_add(struct symbol_files *all, struct symbol_file *f)
{
	f->older = all->newest;
	*(all->newest ? &all->newest->newer : &all->oldest) = f;
	all->newest = f;
	all->loaded++;
}

static void unload(struct symbol_files *all, struct symbol_file *f)
{
	if (!f->elf)
		return;
	order_remove(all, f);
	elf_symbols_free(f->symbols);
	dwarf_lines_free(f->lines);
	go_table_free(f->go);
	cfi_free(f->cfi);
	elf_file_free(f->debug);
	elf_file_free(f->elf);
	f->elf = f->debug = NULL;
	f->symbols = NULL;
	f->lines = NULL;
	f->go = NULL;
	f->cfi = NULL;
	f->tried_debug = f->tried_symbols = f->tried_lines = f->tried_go = f->tried_cfi = false;
}

/* ---- the table ---- */

static uint64_t hash_of(const struct identity *id, const char *path)
{
	return fnv1a_add_text(FNV1A_BEGIN ^ id->dev ^ id->inode << 20, path);
}

/* Without permission to look it up: what maps says. */
static struct identity identity_of(pid_t pid, const struct proc_map *m)
{
	struct identity id = {.dev = m->dev, .inode = m->inode};
	char path[PATH_BYTES];
	struct stat st;

	if (proc_map_is_file(m) && !proc_map_path(pid, m, path, sizeof(path)) && !stat(path, &st)) {
		id.size = (uint64_t)st.st_size;
		id.changed_s = st.st_mtim.tv_sec;
		id.changed_ns = st.st_mtim.tv_nsec;
	}
	return id;
}

struct symbol_files *symbol_files_new(void)
{
	struct symbol_files *all = calloc(1, sizeof(*all));

	if (all && hmap_init(&all->by_identity)) {
		free(all);
		errno = ENOMEM;
		return NULL;
	}
	return all;
}

void symbol_files_free(struct symbol_files *all)
{
	if (!all)
		return;
	hmap_release(&all->by_identity);
	free(all);
}

static struct symbol_file *file_new(struct symbol_files *all, const struct identity *id,
				    const char *path)
{
	struct symbol_file *f = calloc(1, sizeof(*f));

	if (!f)
		return NULL;
	f->path = strdup(path);
	if (!f->path) {
		free(f);
		return NULL;
	}
	f->all = all;
	f->id = *id;
	f->references = 1;
	hmap_add(&all->by_identity, &f->node, hash_of(id, path));
	return f;
}

struct symbol_file *symbol_file_get(struct symbol_files *all, pid_t pid, const struct proc_map *m)
{
	struct hmap_node *node;
	struct symbol_file *f;
	struct identity id;
	uint64_t hash;

	if (!proc_map_is_file(m) && strcmp(m->path, VDSO_NAME) != 0) {
		errno = ENOENT;
		return NULL;
	}
	id = identity_of(pid, m);
	hash = hash_of(&id, m->path);
	for (node = hmap_find(&all->by_identity, hash); node; node = node->next) {
		f = hmap_entry(node, struct symbol_file, node);
		if (node->key != hash || memcmp(&f->id, &id, sizeof(id)) != 0 ||
		    strcmp(f->path, m->path) != 0)
			continue;
		f->references++;
		return f;
	}
	return file_new(all, &id, m->path);
}

void symbol_file_put(struct symbol_files *all, struct symbol_file *f)
{
	if (!f || --f->references)
		return;
	unload(all, f);
	hmap_remove(&all->by_identity, &f->node);
	free(f->path);
	free(f);
}

/* ---- loading ---- */

/* Our own vdso is as good as anybody's. */
static struct elf_file *vdso_open(void)
{
	const void *at = (const void *)getauxval(AT_SYSINFO_EHDR);
	struct elf_file *f = NULL;
	char path[32];
	struct proc_maps maps = {0};
	const struct proc_map *m;
	int fd, err;

	err = proc_maps_read(getpid(), PROC_MAPS_EXECUTABLE, &maps);
	m = err ? NULL : proc_maps_find(&maps, (uintptr_t)at);
	fd = m && m->end - m->start <= VDSO_BYTES ? memfd_create("vdso", MFD_CLOEXEC) : -1;
	if (fd >= 0) {
		size_t size = m->end - m->start;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		if (write(fd, at, size) == (ssize_t)size)
			f = elf_file_open(path);
		err = errno;
		close(fd);
		errno = err;
	} else {
		errno = ENOENT;
	}
	proc_maps_release(&maps);
	return f;
}

/* A reason that lies with us or with the moment, and not with the file. */
static bool may_pass(int err)
{
	return err == -ENOMEM || err == -EMFILE || err == -ENFILE || err == -ESRCH ||
	       err == -ENOENT;
}

int symbol_file_open(struct symbol_files *all, struct symbol_file *f, pid_t pid,
		     const struct proc_map *m)
{
	if (f->elf) {
		order_remove(all, f);
		order_add(all, f);
		return 0;
	}
	if (f->error && !may_pass(f->error))
		return f->error;
	f->elf = proc_map_is_file(m) ? proc_map_open(pid, m) : vdso_open();
	f->error = f->elf ? 0 : -errno;
	if (f->error)
		return f->error;
	order_add(all, f);
	if (all->loaded > SYMBOL_FILES_LOADED)
		unload(all, all->oldest);
	return 0;
}

/* Whatever is at @path now: only if it is the same file. */
static struct elf_file *open_recorded(struct symbol_files *all, const char *path,
				      const char *build_id)
{
	struct elf_file *elf = elf_file_open(path);

	if (elf && !strcmp(elf_file_build_id(elf), build_id))
		return elf;
	elf_file_free(elf);
	return debug_file_find(build_id, &all->budget);
}

struct symbol_file *symbol_file_find(struct symbol_files *all, const char *path,
				     const char *build_id)
{
	struct elf_file *elf = open_recorded(all, path, build_id);
	struct symbol_file *f;

	if (!elf)
		return NULL;
	f = file_new(all, &(struct identity){0}, path);
	if (!f) {
		elf_file_free(elf);
		return NULL;
	}
	f->elf = elf;
	order_add(all, f);
	return f;
}

struct elf_file *symbol_file_elf(struct symbol_file *f)
{
	return f->elf;
}

/* Opened anew for what reads whole tables: libelf keeps them until it is closed. */
static struct elf_file *reopen(const struct elf_file *f)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", elf_file_fd(f));
	return elf_file_open(path);
}

static struct elf_file *debug_of(struct symbol_file *f, pid_t pid)
{
	if (!f->tried_debug) {
		f->tried_debug = true;
		f->debug = debug_file_open(pid, f->path, f->elf, &f->all->budget);
	}
	return f->debug;
}

const struct elf_symbols *symbol_file_symbols(struct symbol_file *f, pid_t pid)
{
	struct elf_file *from, *elf;

	if (f->tried_symbols || !f->elf)
		return f->symbols;
	f->tried_symbols = true;
	f->all->known += !f->is_known;
	f->is_known = true;
	from = elf_file_has_symtab(f->elf) ? NULL : debug_of(f, pid);
	elf = reopen(from && elf_file_has_symtab(from) ? from : f->elf);
	if (elf)
		f->symbols = elf_symbols_load(elf);
	elf_file_free(elf);
	return f->symbols;
}

uint64_t symbol_files_known(const struct symbol_files *all)
{
	return all->known;
}

struct dwarf_lines *symbol_file_lines(struct symbol_file *f, pid_t pid)
{
	struct elf_file *from;

	if (f->tried_lines || !f->elf)
		return f->lines;
	f->tried_lines = true;
	from = elf_file_has_dwarf(f->elf) ? f->elf : debug_of(f, pid);
	f->lines = from ? dwarf_lines_open(from) : NULL;
	return f->lines;
}

const struct go_table *symbol_file_go(struct symbol_file *f)
{
	if (!f->tried_go && f->elf && !f->symbols) {
		f->tried_go = true;
		f->go = go_table_open(f->elf);
	}
	return f->go;
}

struct cfi *symbol_file_cfi(struct symbol_file *f, pid_t pid)
{
	if (f->tried_cfi || !f->elf)
		return f->cfi;
	f->tried_cfi = true;
	f->cfi = cfi_load(f->elf);
	if (!f->cfi && debug_of(f, pid))
		f->cfi = cfi_load(f->debug);
	return f->cfi;
}

/* Go has kept frame pointers since 1.7, and its linker writes no .eh_frame. */
static bool is_go(struct elf_file *f)
{
	struct elf_section s;

	return !elf_file_section(f, ".gopclntab", &s) ||
	       !elf_file_section(f, ".note.go.buildid", &s);
}

bool symbol_file_keeps_frame_pointers(struct symbol_file *f)
{
	if (f->frame_pointers == FP_UNKNOWN && f->elf) {
		struct cfi *cfi = f->cfi ? f->cfi : cfi_load(f->elf);
		bool kept = is_go(f->elf) || (cfi && cfi_frame_pointers(cfi) >= FRAME_POINTERS);

		f->frame_pointers = kept ? FP_KEPT : FP_NOT_KEPT;
		if (cfi != f->cfi)
			cfi_free(cfi);
	}
	return f->frame_pointers == FP_KEPT;
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Functions by address.
 *
 * How
 *   1. Every symbol in executable sections is taken with a rank, functions and plain labels
 *      (V8's builtins, assembly) alike.
 *   2. Sorted by address and rank; the best of each address stays, in 16 bytes: address,
 *      size, and where its name is in the string table.
 *   3. A symbol without a size reaches to the next one.
 *   4. Names are read from the file by pread() when they are asked for: Node's are 17 MB, and few
 *      are ever shown.
 *
 * LIMITATIONS
 *   - A function of more than 4 GiB is cut.
 *   - An address between two functions, behind the end of the first by its size, has no name. A
 *     function within another is found; one that is longer than the MAX_BACK that begin after it is
 *     not, for addresses behind those.
 *   - A file that is rewritten in place while it is open gives wrong names.
 */
#include "sym/elf_symbols.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX_BACK	 64u  /* entries that are looked at for one that encloses the address */
#define UNSIZED_BYTES	 4096 /* of the last symbol, if it has no size */
#define NAME_DYNSYM	 (1u << 31) /* in entry.name: of .dynsym's strings */
#define MIN_CAPACITY	 1024u
#define MAX_RANK_LENGTH	 0xffffu
#define MAX_RANK_LEADING 15u

struct entry {
	uint64_t addr;
	uint32_t size;
	uint32_t name;
};

struct elf_symbols {
	struct entry *v; /* by address, each once */
	size_t count;
	int fd;
	struct elf_section strings[ELF_TABLES];
};

struct candidate {
	struct entry e;
	uint32_t rank; /* the lowest is the best */
};

struct loading {
	struct candidate *v;
	size_t count, capacity;
	int err;
};

/* ---- loading ---- */

/* What a reader would call the function: malloc, and not __libc_malloc or __GI___libc_malloc. */
static uint32_t rank_of(const struct elf_symbol *sym)
{
	static const uint32_t by_binding[16] = {[STB_GLOBAL] = 0, [STB_LOCAL] = 1, [STB_WEAK] = 2};
	const char *name = sym->name;
	size_t leading = strspn(name, "_");
	size_t len = strlen(name);

	if (leading == 1 && (name[1] == 'Z' || name[1] == 'R')) /* mangled */
		leading = 0;
	if (leading > MAX_RANK_LEADING)
		leading = MAX_RANK_LEADING;
	if (len > MAX_RANK_LENGTH)
		len = MAX_RANK_LENGTH;
	return (uint32_t)!sym->size << 31 | (uint32_t)(sym->type == STT_NOTYPE) << 30 |
	       (uint32_t)leading << 24 | by_binding[sym->binding & 15] << 20 | (uint32_t)len;
}

static bool is_function(const struct elf_symbol *sym)
{
	if (sym->type == STT_FUNC || sym->type == STT_GNU_IFUNC)
		return sym->is_code;
	/* Labels; but not those of the compiler, nor what marks code and data on arm64 */
	return sym->type == STT_NOTYPE && sym->is_code && *sym->name != '.' && *sym->name != '$';
}

static int on_symbol(void *arg, const struct elf_symbol *sym)
{
	struct loading *l = arg;
	struct candidate *c;

	if (!is_function(sym) || sym->name_offset >= NAME_DYNSYM)
		return 0;
	if (l->count == l->capacity) {
		size_t capacity = l->capacity ? 2 * l->capacity : MIN_CAPACITY;

		c = realloc(l->v, capacity * sizeof(*c));
		if (!c) {
			l->err = -ENOMEM;
			return -ENOMEM;
		}
		l->v = c;
		l->capacity = capacity;
	}
	c = &l->v[l->count++];
	c->e.addr = sym->value;
	c->e.size = sym->size > UINT32_MAX ? UINT32_MAX : (uint32_t)sym->size;
	c->e.name = sym->name_offset | (sym->table == ELF_DYNSYM ? NAME_DYNSYM : 0);
	c->rank = rank_of(sym);
	return 0;
}

static int by_address(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;

	if (x->e.addr != y->e.addr)
		return x->e.addr < y->e.addr ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return x->e.name < y->e.name ? -1 : x->e.name > y->e.name;
}

/* The best of each address, in as much memory as that takes. */
static int entries_make(struct elf_symbols *s, const struct loading *l)
{
	size_t distinct = 0;

	for (size_t i = 0; i < l->count; i++)
		distinct += !i || l->v[i].e.addr != l->v[i - 1].e.addr;
	s->v = malloc(distinct * sizeof(*s->v));
	if (!s->v)
		return -ENOMEM;
	for (size_t i = 0; i < l->count; i++) {
		if (!i || l->v[i].e.addr != l->v[i - 1].e.addr)
			s->v[s->count++] = l->v[i].e;
	}
	for (size_t i = 0; i < s->count; i++) {
		uint64_t next = i + 1 < s->count ? s->v[i + 1].addr - s->v[i].addr : UNSIZED_BYTES;

		if (!s->v[i].size)
			s->v[i].size = next > UINT32_MAX ? UINT32_MAX : (uint32_t)next;
	}
	return 0;
}

struct elf_symbols *elf_symbols_load(struct elf_file *f)
{
	struct elf_symbols *s = calloc(1, sizeof(*s));
	struct loading l = {0};
	int err = -ENOMEM;

	if (!s)
		goto out;
	s->fd = -1;
	/* Of a damaged table what comes before the damage is as good as any. */
	elf_file_for_each_symbol_in(f, ELF_SYMTAB, on_symbol, &l);
	if (!l.count && !l.err)
		elf_file_for_each_symbol_in(f, ELF_DYNSYM, on_symbol, &l);
	err = l.err ? l.err : !l.count ? -ENOENT : 0;
	if (err)
		goto out;
	qsort(l.v, l.count, sizeof(*l.v), by_address);
	for (enum elf_table i = 0; i < ELF_TABLES; i++)
		elf_file_strings(f, i, &s->strings[i]); /* none: stays empty */
	s->fd = fcntl(elf_file_fd(f), F_DUPFD_CLOEXEC, 0);
	err = s->fd < 0 ? -errno : entries_make(s, &l);
out:
	free(l.v);
	if (!err)
		return s;
	elf_symbols_free(s);
	errno = -err;
	return NULL;
}

void elf_symbols_free(struct elf_symbols *s)
{
	if (!s)
		return;
	if (s->fd >= 0)
		close(s->fd);
	free(s->v);
	free(s);
}

/* ---- finding ---- */

static const struct entry *entry_find(const struct elf_symbols *s, uint64_t addr)
{
	size_t low = 0, high = s->count; /* the first behind @addr */

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (s->v[mid].addr <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	for (size_t back = 0; back < MAX_BACK && back < low; back++) {
		const struct entry *e = &s->v[low - 1 - back];

		if (addr - e->addr < e->size)
			return e;
	}
	return NULL;
}

static void version_cut(char *name)
{
	char *at = strchr(name, '@');

	if (at && at != name && !strchr(at, '/')) /* Go has paths with @ */
		*at = '\0';
}

static int name_read(const struct elf_symbols *s, uint32_t offset, char *name)
{
	const struct elf_section *strings =
		&s->strings[offset & NAME_DYNSYM ? ELF_DYNSYM : ELF_SYMTAB];
	size_t max = ELF_NAME_BYTES - 1;
	ssize_t n;

	offset &= ~NAME_DYNSYM;
	if (offset >= strings->size || strings->offset > (uint64_t)INT64_MAX - offset)
		return -EFAULT;
	if (max > strings->size - offset)
		max = strings->size - offset;
	n = pread(s->fd, name, max, (off_t)(strings->offset + offset));
	if (n <= 0)
		return -EFAULT;
	name[n] = '\0';
	version_cut(name);
	return *name ? 0 : -EFAULT;
}

int elf_symbols_find(const struct elf_symbols *s, uint64_t addr, char *name, uint64_t *start)
{
	const struct entry *e = entry_find(s, addr);

	if (!e)
		return -ENOENT;
	*start = e->addr;
	return name_read(s, e->name, name);
}

size_t elf_symbols_count(const struct elf_symbols *s)
{
	return s->count;
}

size_t elf_symbols_bytes(const struct elf_symbols *s)
{
	return sizeof(*s) + s->count * sizeof(*s->v);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * ELF files read through libelf, as if somebody had written them to hurt us.
 *
 * How
 *   - The path is looked at with O_PATH first: anything but a regular file is
 *     refused before it is opened, since opening a device can do things.
 *   - libelf reads (ELF_C_READ) and does not map: a file that is truncated
 *     while we look at it gives a short read and not SIGBUS.
 *   - libelf checks that offsets lie within the file, but believes sizes: a
 *     sparse file could make it allocate terabytes. Every section has a limit
 *     here before its data is asked for.
 *   - String tables are cut once after their last NUL; an offset below that
 *     cut is a terminated string. The same for section names.
 *   - One pass over the section headers at open remembers the few that
 *     matter; tables are loaded when they are first walked.
 *
 * LIMITATIONS
 *   - 64 bits and the byte order of this machine only.
 *   - Files without section headers (sstrip, some packers) have no symbols,
 *     notes or build id here, although PT_DYNAMIC and PT_NOTE could give some.
 *   - No .gnu_debugdata, no separate debug files, no compressed symbol tables.
 *   - More than 65,279 sections or 65,534 segments (extended numbering) is
 *     ENOEXEC: linkers write that for objects and cores, not for programs.
 *   - A file on a FUSE mount can make every read wait for its server.
 */
#include "sym/elf_file.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_SYMBOLS	    (8u << 20)	 /* per table; node 26 has 170k, chrome about 2M */
#define MAX_STRINGS_BYTES   (512u << 20) /* per table; node 26 has 19 MB */
#define MAX_NOTES	    (64u << 10)
#define MAX_NOTES_BYTES	    (64u << 20)
#define MAX_BUILD_ID_BYTES  64u /* SHA-1 has 20 */
#define MAX_NOTE_SECTIONS   64u /* looked at for a build id */
#define SECTION_NAMES_BYTES (1u << 20)

#define NT_STAPSDT	    3
#define STAPSDT_HEAD_SIZE   (3 * sizeof(uint64_t)) /* pc, base, semaphore; then the strings */

struct elf_file {
	int fd;
	Elf *elf;
	Elf_Scn *symtab; /* NULL for none, as those below */
	Elf_Scn *dynsym;
	Elf_Scn *usdt;
	bool *section_is_code; /* by section; NULL: all are */
	size_t section_count;
	uint64_t usdt_base; /* address of .stapsdt.base, 0 for none */
	bool has_dwarf;
	char build_id[2 * MAX_BUILD_ID_BYTES + 1];
};

struct strings {
	const char *s;
	size_t len; /* s[len - 1] is NUL; 0 for an empty table */
};

struct note {
	uint32_t type;
	const char *name;
	size_t name_len;
	const unsigned char *desc;
	size_t desc_len;
};

/* ---- opening ---- */

/* A file descriptor, or a negative errno. */
static int open_regular(const char *path)
{
	char link[32];
	struct stat st;
	int fd, path_fd;

	path_fd = open(path, O_PATH | O_CLOEXEC);
	if (path_fd < 0)
		return -errno;
	if (fstat(path_fd, &st)) {
		fd = -errno;
	} else if (!S_ISREG(st.st_mode)) {
		fd = S_ISDIR(st.st_mode) ? -EISDIR : -ENOEXEC;
	} else {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", path_fd);
		/* O_NONBLOCK: do not wait for the holder of a lease */
		fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0)
			fd = -errno;
	}
	close(path_fd);
	return fd;
}

/* Reads exactly @len bytes or fails; -EFAULT at the end of the file. */
static int read_at(int fd, void *out, size_t len, uint64_t pos)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n;

		if (pos > (uint64_t)INT64_MAX - done)
			return -EFAULT;
		n = pread(fd, (char *)out + done, len - done, (off_t)(pos + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EFAULT;
		done += (size_t)n;
	}
	return 0;
}

/*
 * libelf allocates by the number of sections when it begins, so this is asked
 * before. (A file rewritten in between can still make it allocate, within a
 * multiple of the file's size.)
 */
static bool header_is_ours(int fd)
{
	const unsigned char order =
		__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB;
	Elf64_Ehdr eh;

	if (read_at(fd, &eh, sizeof(eh), 0) || memcmp(eh.e_ident, ELFMAG, SELFMAG))
		return false;
	if (eh.e_ident[EI_CLASS] != ELFCLASS64 || eh.e_ident[EI_DATA] != order)
		return false;
	if (eh.e_type != ET_EXEC && eh.e_type != ET_DYN)
		return false;
	if (eh.e_shnum >= SHN_LORESERVE || eh.e_phnum == PN_XNUM || eh.e_shstrndx == SHN_XINDEX)
		return false;
	return eh.e_shnum || !eh.e_shoff; /* 0 sections at an offset: extended numbering */
}

/* ---- sections ---- */

static Elf_Data *section_data(Elf_Scn *scn, const GElf_Shdr *sh, uint64_t max_bytes)
{
	Elf_Data *d;

	if (sh->sh_type == SHT_NOBITS || (sh->sh_flags & SHF_COMPRESSED) || sh->sh_size > max_bytes)
		return NULL;
	d = elf_getdata(scn, NULL);
	return d && d->d_buf && d->d_size <= max_bytes ? d : NULL;
}

static struct strings strings_load(Elf *elf, size_t index, uint64_t max_bytes)
{
	struct strings none = {0}, str;
	Elf_Scn *scn = elf_getscn(elf, index);
	const char *last;
	Elf_Data *d;
	GElf_Shdr sh;

	if (!scn || !gelf_getshdr(scn, &sh) || sh.sh_type != SHT_STRTAB)
		return none;
	d = section_data(scn, &sh, max_bytes);
	if (!d)
		return none;
	str.s = d->d_buf;
	last = memrchr(str.s, '\0', d->d_size);
	if (!last)
		return none;
	str.len = (size_t)(last - str.s) + 1;
	return str;
}

/* Returns "" for an offset that is not in the table. */
static const char *strings_get(const struct strings *str, uint64_t offset)
{
	return offset < str->len ? str->s + offset : "";
}

/* ---- notes ---- */

/* The note at @pos, which advances. False at the end and where the section is damaged. */
static bool note_next(Elf_Data *d, size_t *pos, struct note *n)
{
	size_t name_at, desc_at, next;
	GElf_Nhdr nh;

	next = gelf_getnote(d, *pos, &nh, &name_at, &desc_at);
	if (next <= *pos)
		return false;
	if (name_at > d->d_size || nh.n_namesz > d->d_size - name_at)
		return false;
	if (desc_at > d->d_size || nh.n_descsz > d->d_size - desc_at)
		return false;
	*n = (struct note){
		.type = nh.n_type,
		.name = (const char *)d->d_buf + name_at,
		.name_len = nh.n_namesz,
		.desc = (const unsigned char *)d->d_buf + desc_at,
		.desc_len = nh.n_descsz,
	};
	*pos = next;
	return true;
}

static bool note_is(const struct note *n, const char *name, uint32_t type)
{
	size_t len = strlen(name) + 1;

	return n->type == type && n->name_len == len && !memcmp(n->name, name, len);
}

static void build_id_find(struct elf_file *f, Elf_Scn *scn, const GElf_Shdr *sh)
{
	Elf_Data *d = section_data(scn, sh, MAX_NOTES_BYTES);
	struct note n;
	size_t pos = 0;
	unsigned i;

	for (i = 0; d && i < MAX_NOTES && note_next(d, &pos, &n); i++) {
		if (!note_is(&n, ELF_NOTE_GNU, NT_GNU_BUILD_ID))
			continue;
		if (!n.desc_len || n.desc_len > MAX_BUILD_ID_BYTES)
			continue;
		for (size_t k = 0; k < n.desc_len; k++)
			snprintf(f->build_id + 2 * k, 3, "%02x", n.desc[k]);
		return;
	}
}

static void sections_scan(struct elf_file *f)
{
	struct strings names;
	unsigned note_sections = 0;
	Elf_Scn *scn = NULL;
	GElf_Ehdr eh;
	GElf_Shdr sh;

	if (!gelf_getehdr(f->elf, &eh))
		return;
	f->section_is_code = calloc(eh.e_shnum ? eh.e_shnum : 1u, sizeof(*f->section_is_code));
	f->section_count = eh.e_shnum;
	names = strings_load(f->elf, eh.e_shstrndx, SECTION_NAMES_BYTES);
	while ((scn = elf_nextscn(f->elf, scn))) {
		const char *name;

		if (!gelf_getshdr(scn, &sh))
			continue;
		if (f->section_is_code && elf_ndxscn(scn) < f->section_count)
			f->section_is_code[elf_ndxscn(scn)] = sh.sh_flags & SHF_EXECINSTR;
		name = strings_get(&names, sh.sh_name);
		if (sh.sh_type == SHT_SYMTAB && !f->symtab)
			f->symtab = scn;
		else if (sh.sh_type == SHT_DYNSYM && !f->dynsym)
			f->dynsym = scn;
		else if (sh.sh_type == SHT_NOTE && !strcmp(name, ".note.stapsdt") && !f->usdt)
			f->usdt = scn;
		else if (sh.sh_type == SHT_NOTE && !*f->build_id &&
			 note_sections++ < MAX_NOTE_SECTIONS)
			build_id_find(f, scn, &sh);
		else if (!strcmp(name, ".stapsdt.base"))
			f->usdt_base = sh.sh_addr;
		else if (!strcmp(name, ".debug_info") || !strcmp(name, ".zdebug_info"))
			f->has_dwarf |= sh.sh_type != SHT_NOBITS;
	}
}

struct elf_file *elf_file_open(const char *path)
{
	struct elf_file *f = calloc(1, sizeof(*f));
	int err = ENOEXEC;

	if (!f)
		return NULL;
	f->fd = open_regular(path);
	if (f->fd < 0) {
		err = -f->fd;
		goto out;
	}
	if (!header_is_ours(f->fd) || elf_version(EV_CURRENT) == EV_NONE)
		goto out;
	f->elf = elf_begin(f->fd, ELF_C_READ, NULL);
	if (!f->elf || elf_kind(f->elf) != ELF_K_ELF || gelf_getclass(f->elf) != ELFCLASS64)
		goto out;
	sections_scan(f);
	return f;
out:
	elf_file_free(f);
	errno = err;
	return NULL;
}

void elf_file_free(struct elf_file *f)
{
	if (!f)
		return;
	elf_end(f->elf); /* takes NULL */
	if (f->fd >= 0)
		close(f->fd);
	free(f->section_is_code);
	free(f);
}

/* ---- symbols ---- */

static bool section_is_code(const struct elf_file *f, uint16_t index)
{
	return !f->section_is_code || (index < f->section_count && f->section_is_code[index]);
}

static int table_walk(struct elf_file *f, enum elf_table table, Elf_Scn *scn,
		      int (*fn)(void *arg, const struct elf_symbol *), void *arg, int *damage)
{
	const uint64_t max_bytes = (uint64_t)MAX_SYMBOLS * sizeof(Elf64_Sym);
	struct strings names;
	GElf_Shdr sh;
	Elf_Data *d;
	GElf_Sym sym;

	if (!gelf_getshdr(scn, &sh)) {
		*damage = -EBADMSG;
		return 0;
	}
	if (!sh.sh_size)
		return 0;
	d = section_data(scn, &sh, max_bytes);
	names = strings_load(f->elf, sh.sh_link, MAX_STRINGS_BYTES);
	if (!d || !names.len) {
		*damage = sh.sh_size > max_bytes ? -E2BIG : -EBADMSG;
		return 0;
	}
	for (int i = 0; gelf_getsym(d, i, &sym); i++) { /* ends at d_size: MAX_SYMBOLS */
		struct elf_symbol s;
		int ret;

		if (sym.st_shndx == SHN_UNDEF || !*strings_get(&names, sym.st_name))
			continue;
		s = (struct elf_symbol){
			.name = strings_get(&names, sym.st_name),
			.value = sym.st_value,
			.size = sym.st_size,
			.name_offset = sym.st_name,
			.type = GELF_ST_TYPE(sym.st_info),
			.binding = GELF_ST_BIND(sym.st_info),
			.table = table,
			.is_code = section_is_code(f, sym.st_shndx),
		};
		ret = fn(arg, &s);
		if (ret)
			return ret;
	}
	return 0;
}

int elf_file_for_each_symbol_in(struct elf_file *f, enum elf_table table,
				int (*fn)(void *arg, const struct elf_symbol *), void *arg)
{
	Elf_Scn *scn = table == ELF_SYMTAB ? f->symtab : f->dynsym;
	int damage = 0;
	int ret = scn ? table_walk(f, table, scn, fn, arg, &damage) : 0;

	return ret ? ret : damage;
}

int elf_file_for_each_symbol(struct elf_file *f, int (*fn)(void *arg, const struct elf_symbol *),
			     void *arg)
{
	Elf_Scn *const tables[ELF_TABLES] = {[ELF_SYMTAB] = f->symtab, [ELF_DYNSYM] = f->dynsym};
	int damage = 0;

	for (enum elf_table i = 0; i < ELF_TABLES; i++) {
		int ret = tables[i] ? table_walk(f, i, tables[i], fn, arg, &damage) : 0;

		if (ret)
			return ret;
	}
	return damage;
}

/* ---- sections, as they are ---- */

static void section_fill(const GElf_Shdr *sh, struct elf_section *out)
{
	*out = (struct elf_section){
		.addr = sh->sh_addr,
		.offset = sh->sh_offset,
		.size = sh->sh_size,
		.type = sh->sh_type,
		.is_compressed = sh->sh_flags & SHF_COMPRESSED,
	};
}

int elf_file_strings(struct elf_file *f, enum elf_table table, struct elf_section *out)
{
	Elf_Scn *scn = table == ELF_SYMTAB ? f->symtab : f->dynsym;
	GElf_Shdr sh;

	if (!scn || !gelf_getshdr(scn, &sh))
		return -ENOENT;
	scn = elf_getscn(f->elf, sh.sh_link);
	if (!scn || !gelf_getshdr(scn, &sh) || sh.sh_type != SHT_STRTAB)
		return -ENOENT;
	section_fill(&sh, out);
	return 0;
}

int elf_file_section(struct elf_file *f, const char *name, struct elf_section *out)
{
	struct strings names;
	Elf_Scn *scn = NULL;
	GElf_Ehdr eh;
	GElf_Shdr sh;

	if (!gelf_getehdr(f->elf, &eh))
		return -ENOENT;
	names = strings_load(f->elf, eh.e_shstrndx, SECTION_NAMES_BYTES);
	while ((scn = elf_nextscn(f->elf, scn))) {
		if (!gelf_getshdr(scn, &sh) || strcmp(strings_get(&names, sh.sh_name), name) != 0)
			continue;
		section_fill(&sh, out);
		return 0;
	}
	return -ENOENT;
}

void *elf_file_section_read(struct elf_file *f, const struct elf_section *s, uint64_t max_bytes)
{
	struct stat st = {0};
	void *bytes = NULL;
	int err = 0;

	if (s->size > max_bytes)
		err = E2BIG;
	else if (s->type == SHT_NOBITS)
		err = ENODATA;
	else if (s->is_compressed)
		err = ENOTSUP;
	else if (fstat(f->fd, &st))
		err = errno;
	else if (s->offset > (uint64_t)st.st_size || s->size > (uint64_t)st.st_size - s->offset)
		err = EFAULT;
	if (err) {
		errno = err;
		return NULL;
	}
	bytes = malloc(s->size ? s->size : 1);
	if (bytes && read_at(f->fd, bytes, s->size, s->offset)) {
		free(bytes);
		errno = EFAULT;
		return NULL;
	}
	return bytes;
}

/* ---- USDT ---- */

/* False where the strings are not terminated within the note. */
static bool usdt_parse(const struct elf_file *f, const struct note *n, struct elf_usdt *out)
{
	uint64_t head[3]; /* pc, where the linker had put .stapsdt.base, semaphore */
	const char *s, *end, *nul;

	if (n->desc_len < STAPSDT_HEAD_SIZE)
		return false;
	memcpy(head, n->desc, sizeof(head));
	s = (const char *)n->desc + STAPSDT_HEAD_SIZE;
	end = (const char *)n->desc + n->desc_len;

	nul = memchr(s, '\0', (size_t)(end - s));
	if (!nul)
		return false;
	out->provider = s;
	s = nul + 1;
	nul = memchr(s, '\0', (size_t)(end - s));
	if (!nul)
		return false;
	out->name = s;
	s = nul + 1;
	if (s == end)
		out->args = "";
	else if (memchr(s, '\0', (size_t)(end - s)))
		out->args = s;
	else
		return false;

	/* prelink moves sections and adjusts no notes: the base tells by how much */
	out->pc = head[0] + (f->usdt_base && head[1] ? f->usdt_base - head[1] : 0);
	out->semaphore = head[2];
	return true;
}

int elf_file_for_each_usdt(struct elf_file *f, int (*fn)(void *arg, const struct elf_usdt *),
			   void *arg)
{
	struct elf_usdt usdt;
	struct note n;
	size_t pos = 0;
	GElf_Shdr sh;
	Elf_Data *d;

	if (!f->usdt)
		return 0;
	if (!gelf_getshdr(f->usdt, &sh))
		return -EBADMSG;
	if (!sh.sh_size)
		return 0;
	d = section_data(f->usdt, &sh, MAX_NOTES_BYTES);
	if (!d)
		return sh.sh_size > MAX_NOTES_BYTES ? -E2BIG : -EBADMSG;
	for (unsigned i = 0; note_next(d, &pos, &n); i++) {
		int ret;

		if (i == MAX_NOTES)
			return -E2BIG;
		if (!note_is(&n, "stapsdt", NT_STAPSDT))
			continue;
		if (!usdt_parse(f, &n, &usdt))
			return -EBADMSG;
		ret = fn(arg, &usdt);
		if (ret)
			return ret;
	}
	return pos < d->d_size ? -EBADMSG : 0;
}

/* ---- the rest ---- */

int elf_file_read(struct elf_file *f, uint64_t addr, void *out, size_t len)
{
	GElf_Phdr ph;

	for (int i = 0; gelf_getphdr(f->elf, i, &ph); i++) { /* ends at e_phnum: 65,534 */
		uint64_t off, pos;

		if (ph.p_type != PT_LOAD || addr < ph.p_vaddr)
			continue;
		off = addr - ph.p_vaddr;
		if (off >= ph.p_filesz || len > ph.p_filesz - off)
			continue;
		if (__builtin_add_overflow(ph.p_offset, off, &pos))
			return -EFAULT;
		return read_at(f->fd, out, len, pos);
	}
	return -EFAULT;
}

bool elf_file_has_symtab(const struct elf_file *f)
{
	return f->symtab != NULL;
}

bool elf_file_has_dwarf(const struct elf_file *f)
{
	return f->has_dwarf;
}

uint16_t elf_file_machine(const struct elf_file *f)
{
	GElf_Ehdr eh;

	return gelf_getehdr(f->elf, &eh) ? eh.e_machine : EM_NONE;
}

int elf_file_fd(const struct elf_file *f)
{
	return f->fd;
}

struct Elf *elf_file_elf(const struct elf_file *f)
{
	return f->elf;
}

const char *elf_file_build_id(const struct elf_file *f)
{
	return f->build_id;
}

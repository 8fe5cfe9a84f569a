/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * elf_file: the truth about this very program (its symbols, data, build id,
 * and USDT notes that it writes with inline asm as <sys/sdt.h> would), about
 * small files that are built here, and no harm from files that are not what
 * they should be: truncated, flipped, sparse, of other kinds.
 *
 * LIMITATIONS: "no crash" means most under ASan and UBSan.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elf_build.h"
#include "sym/elf_file.h"

#define MUTATIONS 3000

/* ---- ground truth in this program ---- */

int elf_truth_function(int x);
__attribute__((noinline)) int elf_truth_function(int x)
{
	__asm__ volatile("" ::: "memory");
	return x + 1;
}

struct elf_truth {
	uint64_t a, b;
};
extern struct elf_truth elf_truth_data;
extern char elf_truth_bss[4096];
struct elf_truth elf_truth_data = {0x1122334455667788, 42};
char elf_truth_bss[4096];

/* What STAP_PROBE() writes: pc, base, semaphore, provider, name, arguments. */
#define USDT_NOTE(label, semaphore, name)                                                          \
	".globl " label "\n" label ": nop\n"                                                       \
	".pushsection .note.stapsdt,\"?\",\"note\"\n"                                              \
	".balign 4\n"                                                                              \
	".4byte 8, 991f-990f, 3\n"                                                                 \
	".asciz \"stapsdt\"\n"                                                                     \
	"990: .8byte " label "\n"                                                                  \
	".8byte _.stapsdt.base\n"                                                                  \
	".8byte " semaphore "\n"                                                                   \
	".asciz \"mw_test\"\n"                                                                     \
	".asciz \"" name "\"\n"                                                                    \
	".asciz \"-4@$1\"\n"                                                                       \
	"991: .balign 4\n"                                                                         \
	".popsection\n"

extern const char elf_truth_pc_a[], elf_truth_pc_b[];
extern unsigned short elf_truth_semaphore;
unsigned short elf_truth_semaphore __attribute__((section(".probes"), used));

__asm__(".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"
	".weak _.stapsdt.base\n"
	".hidden _.stapsdt.base\n"
	"_.stapsdt.base: .space 1\n"
	".size _.stapsdt.base, 1\n"
	".popsection\n"
	".pushsection .text\n" USDT_NOTE("elf_truth_pc_a", "0", "plain")
		USDT_NOTE("elf_truth_pc_b", "elf_truth_semaphore", "guarded") ".popsection\n");

/* Where this program was loaded, and its build id as the kernel mapped it. */
struct self {
	uint64_t base;
	char build_id[129];
};

static int self_phdr(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct self *self = arg;

	(void)size;
	self->base = info->dlpi_addr;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *ph = &info->dlpi_phdr[i];
		const unsigned char *p = (const unsigned char *)(info->dlpi_addr + ph->p_vaddr);
		const unsigned char *end = p + ph->p_filesz;

		while (ph->p_type == PT_NOTE && end - p > (long)sizeof(Elf64_Nhdr)) {
			const Elf64_Nhdr *nh = (const Elf64_Nhdr *)(const void *)p;
			const unsigned char *desc = p + sizeof(*nh) + ((nh->n_namesz + 3) & ~3u);

			if (nh->n_type == NT_GNU_BUILD_ID && nh->n_namesz == 4 &&
			    !memcmp(p + sizeof(*nh), "GNU", 4)) {
				for (unsigned k = 0; k < nh->n_descsz && k < 64; k++)
					sprintf(self->build_id + 2 * k, "%02x", desc[k]);
			}
			p = desc + ((nh->n_descsz + 3) & ~3u);
		}
	}
	return 1; /* the program is the first object */
}

static struct self self_read(void)
{
	struct self self = {0};

	dl_iterate_phdr(self_phdr, &self);
	return self;
}

/* ---- helpers ---- */

struct wanted {
	const char *name;
	struct elf_symbol found;
	unsigned times;
};

static int want_symbol(void *arg, const struct elf_symbol *s)
{
	struct wanted *w = arg;

	if (!strcmp(s->name, w->name)) {
		w->found = *s;
		w->times++;
	}
	return 0;
}

static struct elf_file *open_bytes(const void *bytes, size_t len)
{
	struct elf_file *f;
	char path[32];
	int fd = elf_build_memfd(bytes, len, path), err;

	assert_true(fd >= 0);
	f = elf_file_open(path);
	err = errno;
	close(fd);
	errno = err;
	return f;
}

static void assert_refused(const void *bytes, size_t len)
{
	assert_null(open_bytes(bytes, len));
	assert_int_equal(errno, ENOEXEC);
}

static const struct elf_build_sym some_syms[] = {
	{"alpha", ELF_BUILD_DATA, STT_OBJECT, false},
	{"beta", ELF_BUILD_DATA + 4, STT_FUNC, false},
	{"imported", 0, STT_FUNC, true},
	{0},
};
static const struct elf_build_usdt some_probes[] = {
	{"node", "gc__start", 0x1000, ELF_BUILD_BASE, 0, "4@%edi -4@$3 8@-8(%rbp)"},
	{"other", "x", 0x2000, ELF_BUILD_BASE - 0x100, 0x77, NULL},
	{"third", "unbased", 0x3000, 0, 0, NULL},
	{0},
};
static const int32_t some_data[] = {11, 22, 33, 44};
static const unsigned char some_id[] = {0xde, 0xad, 0xbe, 0xef, 0x00, 0x01};
static const struct elf_build_spec some_spec = {
	.syms = some_syms,
	.data = some_data,
	.data_count = 4,
	.probes = some_probes,
	.build_id = some_id,
	.build_id_len = sizeof(some_id),
	.dynsym = true,
};

/* ---- this program ---- */

static void self_symbols(void **state)
{
	struct elf_file *f = elf_file_open("/proc/self/exe");
	struct wanted fn = {.name = "elf_truth_function"};
	struct wanted data = {.name = "elf_truth_data"};
	uint64_t base = self_read().base;

	(void)state;
	assert_non_null(f);
	assert_true(elf_file_has_symtab(f));
	assert_int_equal(elf_file_for_each_symbol(f, want_symbol, &fn), 0);
	assert_int_equal(elf_file_for_each_symbol(f, want_symbol, &data), 0);
	assert_true(fn.times >= 1);
	assert_int_equal(fn.found.type, STT_FUNC);
	assert_true(base + fn.found.value == (uint64_t)(uintptr_t)elf_truth_function);
	assert_true(data.times >= 1);
	assert_int_equal(data.found.type, STT_OBJECT);
	assert_true(data.found.size >= sizeof(elf_truth_data)); /* ASan pads it */
	assert_true(base + data.found.value == (uint64_t)(uintptr_t)&elf_truth_data);
	assert_int_equal(elf_truth_function(1), 2);
	elf_file_free(f);
}

static void self_data(void **state)
{
	struct elf_file *f = elf_file_open("/proc/self/exe");
	struct wanted bss = {.name = "elf_truth_bss"};
	uint64_t base = self_read().base;
	struct elf_truth got = {0};
	char byte;

	(void)state;
	assert_non_null(f);
	assert_int_equal(
		elf_file_read(f, (uint64_t)(uintptr_t)&elf_truth_data - base, &got, sizeof(got)),
		0);
	assert_true(got.a == 0x1122334455667788 && got.b == 42);
	elf_file_for_each_symbol(f, want_symbol, &bss);
	assert_true(bss.times >= 1);
	assert_int_equal(elf_file_read(f, bss.found.value + sizeof(elf_truth_bss) - 1, &byte, 1),
			 -EFAULT);
	assert_int_equal(elf_file_read(f, UINT64_MAX, &byte, 1), -EFAULT);
	elf_file_free(f);
}

static void self_build_id(void **state)
{
	struct elf_file *f = elf_file_open("/proc/self/exe");
	struct self self = self_read();

	(void)state;
	assert_non_null(f);
	assert_string_equal(elf_file_build_id(f), self.build_id);
	elf_file_free(f);
}

struct usdt_truth {
	struct elf_usdt plain, guarded;
	unsigned count;
};

static int want_usdt(void *arg, const struct elf_usdt *u)
{
	struct usdt_truth *t = arg;

	if (strcmp(u->provider, "mw_test"))
		return 0;
	t->count++;
	if (!strcmp(u->name, "plain"))
		t->plain = *u;
	else if (!strcmp(u->name, "guarded"))
		t->guarded = *u;
	return 0;
}

static void self_usdt(void **state)
{
	struct elf_file *f = elf_file_open("/proc/self/exe");
	uint64_t base = self_read().base;
	struct usdt_truth t = {0};

	(void)state;
	assert_non_null(f);
	assert_int_equal(elf_file_for_each_usdt(f, want_usdt, &t), 0);
	assert_int_equal(t.count, 2);
	assert_true(base + t.plain.pc == (uint64_t)(uintptr_t)elf_truth_pc_a);
	assert_true(t.plain.semaphore == 0);
	assert_string_equal(t.plain.args, "-4@$1");
	assert_true(base + t.guarded.pc == (uint64_t)(uintptr_t)elf_truth_pc_b);
	assert_true(base + t.guarded.semaphore == (uint64_t)(uintptr_t)&elf_truth_semaphore);
	elf_file_free(f);
}

/* ---- a file that is built ---- */

static void built_symbols(void **state)
{
	size_t len;
	unsigned char *bytes = elf_build(&some_spec, &len);
	struct elf_file *f = open_bytes(bytes, len);
	struct wanted alpha = {.name = "alpha"}, beta = {.name = "beta"};
	struct wanted imported = {.name = "imported"};
	int32_t v[2];

	(void)state;
	assert_non_null(f);
	assert_int_equal(elf_file_for_each_symbol(f, want_symbol, &alpha), 0);
	assert_int_equal(elf_file_for_each_symbol(f, want_symbol, &beta), 0);
	assert_int_equal(elf_file_for_each_symbol(f, want_symbol, &imported), 0);
	assert_int_equal(alpha.times, 2); /* .symtab and .dynsym */
	assert_int_equal(beta.found.type, STT_FUNC);
	assert_int_equal(imported.times, 0);
	assert_string_equal(elf_file_build_id(f), "deadbeef0001");
	assert_false(elf_file_has_dwarf(f));

	assert_int_equal(elf_file_read(f, ELF_BUILD_DATA + 8, v, sizeof(v)), 0);
	assert_int_equal(v[0], 33);
	assert_int_equal(v[1], 44);
	assert_int_equal(elf_file_read(f, ELF_BUILD_DATA + 12, v, sizeof(v)), -EFAULT);
	assert_int_equal(elf_file_read(f, ELF_BUILD_DATA - 4, v, 4), -EFAULT);
	assert_int_equal(elf_file_read(f, ELF_BUILD_DATA, v, SIZE_MAX), -EFAULT);
	elf_file_free(f);
	free(bytes);
}

static int list_usdt(void *arg, const struct elf_usdt *u)
{
	struct elf_usdt **next = arg;

	*(*next)++ = *u;
	return 0;
}

static void built_usdt(void **state)
{
	size_t len;
	unsigned char *bytes = elf_build(&some_spec, &len);
	struct elf_file *f = open_bytes(bytes, len);
	struct elf_usdt got[3], *next = got;

	(void)state;
	assert_non_null(f);
	assert_int_equal(elf_file_for_each_usdt(f, list_usdt, &next), 0);
	assert_int_equal(next - got, 3);
	assert_string_equal(got[0].provider, "node");
	assert_string_equal(got[0].name, "gc__start");
	assert_true(got[0].pc == 0x1000 && got[0].semaphore == 0);
	assert_true(got[1].pc == 0x2100 && got[1].semaphore == 0x77); /* prelinked by 0x100 */
	assert_true(got[2].pc == 0x3000);			      /* no base noted */
	assert_string_equal(got[0].args, "4@%edi -4@$3 8@-8(%rbp)");
	assert_string_equal(got[1].args, "");
	elf_file_free(f);
	free(bytes);
}

static int stop_symbol(void *arg, const struct elf_symbol *s)
{
	(void)s;
	return ++*(int *)arg == 2 ? 77 : 0;
}

static int stop_usdt(void *arg, const struct elf_usdt *u)
{
	(void)u;
	return ++*(int *)arg == 2 ? -5 : 0;
}

static void walk_stops(void **state)
{
	size_t len;
	unsigned char *bytes = elf_build(&some_spec, &len);
	struct elf_file *f = open_bytes(bytes, len);
	int calls = 0;

	(void)state;
	assert_non_null(f);
	assert_int_equal(elf_file_for_each_symbol(f, stop_symbol, &calls), 77);
	assert_int_equal(calls, 2);
	calls = 0;
	assert_int_equal(elf_file_for_each_usdt(f, stop_usdt, &calls), -5);
	assert_int_equal(calls, 2);
	elf_file_free(f);
	free(bytes);
}

static void stripped(void **state)
{
	struct elf_build_spec spec = some_spec;
	struct elf_walk w = {0};
	size_t len;
	unsigned char *bytes;
	struct elf_file *f;

	(void)state;
	spec.stripped = true;
	bytes = elf_build(&spec, &len);
	f = open_bytes(bytes, len);
	assert_non_null(f);
	assert_false(elf_file_has_symtab(f));
	assert_int_equal(elf_file_for_each_symbol(f, elf_walk_symbol, &w), 0);
	assert_int_equal(w.symbols, 2);
	elf_file_free(f);
	free(bytes);

	spec = (struct elf_build_spec){.stripped = true};
	bytes = elf_build(&spec, &len);
	f = open_bytes(bytes, len);
	assert_non_null(f);
	assert_int_equal(elf_file_for_each_symbol(f, elf_walk_symbol, &w), 0);
	assert_int_equal(elf_file_for_each_usdt(f, elf_walk_usdt, &w), 0);
	assert_string_equal(elf_file_build_id(f), "");
	elf_file_free(f);
	free(bytes);
}

/* ---- what is refused ---- */

static void not_an_elf(void **state)
{
	static const char *const refused[] = {"/dev/null", "/dev/zero", "/proc/self/maps"};
	char dir[] = "/tmp/mw-test-elf-XXXXXX", fifo[64];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_null(elf_file_open(refused[i]));
		assert_int_equal(errno, ENOEXEC);
	}
	assert_null(elf_file_open("/tmp"));
	assert_int_equal(errno, EISDIR);
	assert_null(elf_file_open("/nonexistent/file"));
	assert_int_equal(errno, ENOENT);
	assert_null(elf_file_open(""));
	assert_int_equal(errno, ENOENT);
	assert_non_null(mkdtemp(dir));
	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_null(elf_file_open(fifo)); /* and does not wait for a writer */
	assert_int_equal(errno, ENOEXEC);
	unlink(fifo);
	rmdir(dir);
	assert_refused("", 0);
	assert_refused("#!/bin/sh\n", 10);
	assert_refused("!<arch>\n", 8);
	assert_refused(ELFMAG, 4);
	elf_file_free(NULL);
}

static void other_elf(void **state)
{
	static const struct {
		size_t at;
		unsigned char byte;
	} changes[] = {
		{EI_CLASS, ELFCLASS32},
		{EI_CLASS, 9},
		{EI_DATA, ELFDATA2MSB},
		{offsetof(Elf64_Ehdr, e_type), ET_REL},
		{offsetof(Elf64_Ehdr, e_type), ET_CORE},
		{offsetof(Elf64_Ehdr, e_shnum), 0},	  /* extended numbering */
		{offsetof(Elf64_Ehdr, e_shnum) + 1, 255}, /* reserved */
	};
	size_t len;
	unsigned char *bytes = elf_build(&some_spec, &len);

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		unsigned char was = bytes[changes[i].at];

		bytes[changes[i].at] = changes[i].byte;
		assert_refused(bytes, len);
		bytes[changes[i].at] = was;
	}
	free(bytes);
}

/* ---- what is damaged ---- */

static void bad_strings(void **state)
{
	size_t len;
	unsigned char *bytes = elf_build(&some_spec, &len);
	Elf64_Shdr *str = elf_build_shdr(bytes, EB_STRTAB);
	struct elf_walk w = {0};
	struct elf_file *f;

	(void)state;
	str->sh_size -= 3; /* "imported" loses its end; the rest is whole */
	f = open_bytes(bytes, len);
	assert_non_null(f);
	assert_int_equal(elf_file_for_each_symbol(f, elf_walk_symbol, &w), 0);
	assert_int_equal(w.symbols, 4);
	elf_file_free(f);

	str->sh_size = 8; /* "\0alpha\0b": beta is not terminated */
	f = open_bytes(bytes, len);
	w.symbols = 0;
	assert_int_equal(elf_file_for_each_symbol(f, elf_walk_symbol, &w), 0);
	assert_int_equal(w.symbols, 2);
	elf_file_free(f);

	str->sh_type = SHT_PROGBITS; /* no string table at all */
	f = open_bytes(bytes, len);
	assert_int_equal(elf_file_for_each_symbol(f, elf_walk_symbol, &w), -EBADMSG);
	elf_file_free(f);
	free(bytes);
}

static void bad_notes(void **state)
{
	size_t len;
	unsigned char *bytes = elf_build(&some_spec, &len);
	Elf64_Shdr *sh = elf_build_shdr(bytes, EB_USDT);
	struct elf_walk w = {0};
	Elf64_Nhdr *nh = (Elf64_Nhdr *)(void *)(bytes + sh->sh_offset);
	uint32_t namesz = nh->n_namesz, descsz = nh->n_descsz;
	const uint32_t sizes[] = {0, 1, 7, 9, 0x7fffffff, 0xfffffff0, 0xfffffffc, 0xffffffff};
	struct elf_file *f;

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(sizes[0]); i++) {
		nh->n_namesz = i % 2 ? sizes[i / 2] : namesz;
		nh->n_descsz = i % 2 ? descsz : sizes[i / 2];
		f = open_bytes(bytes, len);
		assert_non_null(f);
		w.probes = 0;
		elf_file_for_each_usdt(f, elf_walk_usdt, &w);
		assert_true(w.probes < 3);
		elf_file_free(f);
	}
	nh->n_namesz = namesz;
	nh->n_descsz = 24 + 5; /* pc, base, semaphore, "node\0": no name */
	f = open_bytes(bytes, len);
	assert_int_equal(elf_file_for_each_usdt(f, elf_walk_usdt, &w), -EBADMSG);
	elf_file_free(f);
	nh->n_descsz = 24 + 5 + 10 + 4; /* "gc__start\0" too, and arguments that do not end */
	f = open_bytes(bytes, len);
	assert_int_equal(elf_file_for_each_usdt(f, elf_walk_usdt, &w), -EBADMSG);
	elf_file_free(f);
	free(bytes);
}

/* Notes of two strings: not even an empty one for the arguments. */
static void note_without_arguments(void **state)
{
	size_t len;
	unsigned char *bytes = elf_build(&some_spec, &len);
	Elf64_Shdr *sh = elf_build_shdr(bytes, EB_USDT);
	Elf64_Nhdr *nh = (Elf64_Nhdr *)(void *)(bytes + sh->sh_offset);
	struct elf_usdt got[3], *next = got;
	struct elf_file *f;

	(void)state;
	nh->n_descsz = 24 + 5 + 10;
	f = open_bytes(bytes, len);
	elf_file_for_each_usdt(f, list_usdt, &next);
	assert_true(next > got);
	assert_string_equal(got[0].name, "gc__start");
	assert_string_equal(got[0].args, "");
	elf_file_free(f);
	free(bytes);
}

static void too_many_notes(void **state)
{
	struct elf_build_spec spec = {.probes = some_probes, .probe_repeat = 65536 / 3 + 1};
	struct elf_walk w = {0};
	size_t len;
	unsigned char *bytes = elf_build(&spec, &len);
	struct elf_file *f = open_bytes(bytes, len);

	(void)state;
	assert_non_null(f);
	assert_int_equal(elf_file_for_each_usdt(f, elf_walk_usdt, &w), -E2BIG);
	assert_int_equal(w.probes, 65536);
	elf_file_free(f);
	free(bytes);
}

/* A build id must fit its buffer, whatever the note says. */
static void build_id_sizes(void **state)
{
	static const unsigned char id[65] = {[0 ... 64] = 0xab};

	(void)state;
	for (size_t n = 0; n <= sizeof(id); n++) {
		struct elf_build_spec spec = {.build_id = id, .build_id_len = n};
		size_t len;
		unsigned char *bytes = elf_build(&spec, &len);
		struct elf_file *f = open_bytes(bytes, len);

		assert_non_null(f);
		assert_int_equal(strlen(elf_file_build_id(f)), n <= 64 ? 2 * n : 0);
		elf_file_free(f);
		free(bytes);
	}
}

/* Sections of a sparse file of 1 TiB lie within it: only limits keep memory down. */
static void sparse_giant(void **state)
{
	static const enum elf_build_section sections[] = {EB_SYMTAB, EB_STRTAB, EB_SHSTRTAB,
							  EB_USDT, EB_BUILD_ID};
	const uint64_t size = 1ull << 40;
	struct rusage before, after;

	(void)state;
	getrusage(RUSAGE_SELF, &before);
	for (size_t i = 0; i < 5; i++) {
		struct elf_walk w;
		size_t len;
		unsigned char *bytes = elf_build(&some_spec, &len);
		char path[32];
		int fd;

		elf_build_shdr(bytes, sections[i])->sh_size = size / 24 * 12;
		fd = elf_build_memfd(bytes, len, path);
		assert_int_equal(ftruncate(fd, (off_t)size), 0);
		assert_true(elf_walk_path(path, &w));
		if (sections[i] == EB_SYMTAB) {
			struct elf_file *f = elf_file_open(path);

			assert_int_equal(elf_file_for_each_symbol(f, elf_walk_symbol, &w), -E2BIG);
			elf_file_free(f);
		}
		close(fd);
		free(bytes);
	}
	getrusage(RUSAGE_SELF, &after);
	assert_true(after.ru_maxrss - before.ru_maxrss < 64 * 1024);
}

/* The owner of the file may cut it at any moment. A mapping would be SIGBUS. */
static void cut_while_open(void **state)
{
	size_t len;
	unsigned char *bytes = elf_build(&some_spec, &len);
	struct elf_walk w = {0};
	char path[32];
	int fd = elf_build_memfd(bytes, len, path);
	struct elf_file *f = elf_file_open(path);
	int32_t v;

	(void)state;
	assert_non_null(f);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(elf_file_for_each_symbol(f, elf_walk_symbol, &w), -EBADMSG);
	assert_int_equal(elf_file_for_each_usdt(f, elf_walk_usdt, &w), -EBADMSG);
	assert_int_equal(elf_file_read(f, ELF_BUILD_DATA, &v, 4), -EFAULT);
	assert_int_equal(w.symbols + w.probes, 0);
	elf_file_free(f);
	close(fd);
	free(bytes);
}

/* ---- mutations ---- */

static unsigned char *read_whole(const char *path, size_t *len)
{
	unsigned char *bytes = malloc(ELF_BUILD_MAX_BYTES);
	FILE *in = fopen(path, "re");

	assert_non_null(bytes);
	if (!in) {
		free(bytes);
		return NULL;
	}
	*len = fread(bytes, 1, ELF_BUILD_MAX_BYTES, in);
	fclose(in);
	return bytes;
}

/* Whether it was an ELF file at all. */
static bool walk_bytes(const void *bytes, size_t len)
{
	struct elf_walk w;
	char path[32];
	int fd = elf_build_memfd(bytes, len, path);
	bool opened;

	assert_true(fd >= 0);
	opened = elf_walk_path(path, &w);
	close(fd);
	return opened;
}

static uint64_t xorshift(uint64_t *s)
{
	*s ^= *s << 13;
	*s ^= *s >> 7;
	*s ^= *s << 17;
	return *s;
}

/* Flips of bytes, most of them where headers are: @hot bytes at both ends. */
static void mutate(const unsigned char *bytes, size_t len, size_t hot)
{
	static const unsigned char odd[] = {0, 1, 0x7f, 0x80, 0xff};
	unsigned char *copy = malloc(len);
	uint64_t seed = 0x9e3779b97f4a7c15;
	unsigned opened = 0;

	assert_non_null(copy);
	for (unsigned i = 0; i < MUTATIONS; i++) {
		unsigned flips = 1 + xorshift(&seed) % 8;

		memcpy(copy, bytes, len);
		while (flips--) {
			size_t at = xorshift(&seed) % len;
			uint64_t how = xorshift(&seed);

			if (how & 3)
				at = at % 2 ? at % hot : len - 1 - at % hot;
			copy[at] = how & 4 ? odd[(how >> 8) % 5] : (unsigned char)(how >> 16);
		}
		opened += walk_bytes(copy, len);
	}
	free(copy);
	assert_true(opened > MUTATIONS / 4); /* else this tested the magic number */
}

static void mutated_built(void **state)
{
	size_t len;
	unsigned char *bytes = elf_build(&some_spec, &len);

	(void)state;
	for (size_t cut = 0; cut < len; cut++)
		walk_bytes(bytes, cut);
	mutate(bytes, len, EB_SECTIONS * sizeof(Elf64_Shdr));
	free(bytes);
}

static void mutated_real(void **state)
{
	size_t len = 0;
	unsigned char *bytes = read_whole("/bin/true", &len);

	(void)state;
	if (!bytes || len < sizeof(Elf64_Ehdr) || len > 4 << 20) {
		print_message("skipped: /bin/true is no small file that can be read\n");
		free(bytes);
		skip();
	}
	for (size_t cut = 0; cut < len; cut += cut < 4096 || len - cut < 4096 ? 7 : 211)
		walk_bytes(bytes, cut);
	mutate(bytes, len, len < 4096 ? len : 2048);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(self_symbols),
		cmocka_unit_test(self_data),
		cmocka_unit_test(self_build_id),
		cmocka_unit_test(self_usdt),
		cmocka_unit_test(built_symbols),
		cmocka_unit_test(built_usdt),
		cmocka_unit_test(walk_stops),
		cmocka_unit_test(stripped),
		cmocka_unit_test(not_an_elf),
		cmocka_unit_test(other_elf),
		cmocka_unit_test(bad_strings),
		cmocka_unit_test(bad_notes),
		cmocka_unit_test(note_without_arguments),
		cmocka_unit_test(too_many_notes),
		cmocka_unit_test(build_id_sizes),
		cmocka_unit_test(sparse_giant),
		cmocka_unit_test(cut_while_open),
		cmocka_unit_test(mutated_built),
		cmocka_unit_test(mutated_real),
	};

	return cmocka_run_group_tests_name("sym/elf_file", tests, NULL, NULL);
}

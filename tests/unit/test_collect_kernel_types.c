/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Files for --btf: made-up types, damaged ones, and whose kernel's they can be. */
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "collect/kernel_types.h"
#include "tree.h"

#if defined(__x86_64__)
#define MEMBER	     "orig_ax"
#define OTHER_MEMBER "syscallno"
#else
#define MEMBER	     "syscallno"
#define OTHER_MEMBER "orig_ax"
#endif

#define MUTATIONS 20000

static char why[256];

/* Types as of a kernel whose struct inode takes @inode_bytes. */
static struct btf *kernel_like(const char *member, int inode_bytes)
{
	struct btf *btf = btf__new_empty();
	int number = btf__add_int(btf, "long", 8, BTF_INT_SIGNED), inner, array, pointer;

	assert_true(number > 0);
	assert_true(btf__add_struct(btf, "pt_regs", 8) > 0);
	assert_int_equal(btf__add_field(btf, member, number, 0, 0), 0);
	assert_true(btf__add_struct(btf, "inode", (uint32_t)inode_bytes) > 0);
	inner = btf__add_union(btf, NULL, 8);
	assert_int_equal(btf__add_field(btf, "a", number, 0, 0), 0);
	array = btf__add_array(btf, number, btf__add_const(btf, number), 4);
	pointer = btf__add_ptr(btf, array);
	assert_true(btf__add_struct(btf, "task_struct", 48) > 0);
	assert_int_equal(btf__add_field(btf, NULL, inner, 0, 0), 0);
	assert_int_equal(btf__add_field(btf, "b", array, 64, 0), 0);
	assert_int_equal(btf__add_field(btf, "c", pointer, 320, 0), 0);
	return btf;
}

static void write_file(const char *path, const void *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, size), size);
	close(fd);
}

static const char *file(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", root, name);
	return path;
}

static void assert_refused(const char *path, int err, const char *text)
{
	why[0] = '\0';
	assert_null(kernel_types_load(path, why, sizeof(why)));
	assert_int_equal(errno, err);
	assert_non_null(strstr(why, text));
}

static void test_files(void **state)
{
	struct btf *btf = kernel_like(MEMBER, 600), *loaded;
	uint32_t size;
	const void *data = btf__raw_data(btf, &size);

	(void)state;
	write_file(file("good"), data, size);
	loaded = kernel_types_load(file("good"), why, sizeof(why));
	assert_non_null(loaded);
	btf__free(loaded);
	assert_refused(file("none"), ENOENT, "No such file");
	assert_refused(root, EISDIR, "Is a directory");
	assert_refused("/dev/zero", EPROTO, "neither BTF nor an ELF file");
	assert_refused("/proc/self/exe", EINVAL, "neither BTF nor an ELF file");
	write_file(file("bad"), "", 0);
	assert_refused(file("bad"), EPROTO, "neither BTF nor an ELF file");
	write_file(file("bad"), "hello, world", 12);
	assert_refused(file("bad"), EINVAL, "neither BTF nor an ELF file");
	for (uint32_t cut = 1; cut < size; cut += 7) {
		write_file(file("bad"), data, cut);
		why[0] = '\0';
		assert_null(kernel_types_load(file("bad"), why, sizeof(why)));
		assert_true(why[0] != '\0');
	}
	assert_int_equal(mkfifo(file("fifo"), 0600), 0); /* nobody writes: it must not wait */
	assert_refused(file("fifo"), EPROTO, "neither BTF nor an ELF file");
	write_file(file("bad"), data, size);
	assert_int_equal(truncate(file("bad"), 1LL << 40), 0);
	assert_refused(file("bad"), EFBIG, "File too large");
	btf__free(btf);
}

/* Any byte may be any other: it is refused, or can be walked. */
static void test_mutations(void **state)
{
	struct btf *btf = kernel_like(MEMBER, 600);
	uint32_t size;
	const void *data = btf__raw_data(btf, &size);
	uint8_t bytes[4096];
	unsigned refused = 0;

	(void)state;
	assert_true(size <= sizeof(bytes));
	srand(1);
	for (int i = 0; i < MUTATIONS; i++) {
		struct btf *mutated;

		memcpy(bytes, data, size);
		for (int j = 0; j <= i % 3; j++)
			bytes[(unsigned)rand() % size] = (uint8_t)rand();
		mutated = btf__new(bytes, size);
		if (mutated && kernel_types_are_sound(mutated))
			kernel_types_compare(mutated, NULL, root, why, sizeof(why));
		else
			refused++;
		btf__free(mutated);
	}
	assert_true(refused > MUTATIONS / 10);
	btf__free(btf);
}

static void test_circles(void **state)
{
	struct btf *btf = kernel_like(MEMBER, 600);
	uint32_t next = btf__type_cnt(btf);

	(void)state;
	assert_true(kernel_types_are_sound(btf));
	btf__add_typedef(btf, "t", (int)next + 1);
	btf__add_const(btf, (int)next);
	assert_false(kernel_types_are_sound(btf));
	btf__free(btf);
	btf = kernel_like(MEMBER, 600); /* by a nameless member of itself */
	btf__add_struct(btf, "s", 8);
	btf__add_field(btf, NULL, (int)next, 0, 0);
	assert_false(kernel_types_are_sound(btf));
	btf__free(btf);
	btf = kernel_like(MEMBER, 600); /* by a pointer it is no circle */
	btf__add_struct(btf, "s", 8);
	btf__add_field(btf, "next", (int)next + 1, 0, 0);
	btf__add_ptr(btf, (int)next);
	assert_true(kernel_types_are_sound(btf));
	btf__add_typedef(btf, "nowhere", 1000);
	assert_false(kernel_types_are_sound(btf));
	btf__free(btf);
}

/* Each holds the one before twice, and nothing that is named: to look for a name is 2^@n looks. */
static struct btf *nested(int n)
{
	struct btf *btf = kernel_like(MEMBER, 600);

	for (int i = 0, last = 1; i < n; i++) {
		int id = btf__add_union(btf, NULL, 8);

		assert_int_equal(btf__add_field(btf, NULL, last, 0, 0), 0);
		assert_int_equal(btf__add_field(btf, NULL, last, 0, 0), 0);
		last = id;
	}
	return btf;
}

static void test_nested(void **state)
{
	struct btf *few = nested(8), *many = nested(30);

	(void)state;
	assert_true(kernel_types_are_sound(few));
	assert_false(kernel_types_are_sound(many));
	btf__free(few);
	btf__free(many);
}

static void assert_compared(struct btf *btf, const struct btf *own, const char *text)
{
	why[0] = '\0';
	assert_int_equal(kernel_types_compare(btf, own, root, why, sizeof(why)),
			 text ? -EINVAL : 0);
	if (text)
		assert_non_null(strstr(why, text));
	btf__free(btf);
}

static void test_whose(void **state)
{
	struct btf *own = kernel_like(MEMBER, 600);

	(void)state;
	assert_compared(btf__new_empty(), NULL, "does not hold a kernel's types");
	assert_compared(kernel_like(OTHER_MEMBER, 600), NULL, "another architecture's");
	assert_compared(kernel_like(MEMBER, 600), NULL, NULL); /* nothing to compare with */
	put("sys/kernel/slab/inode_cache/object_size", "600\n");
	assert_compared(kernel_like(MEMBER, 600), NULL, NULL);
	assert_compared(kernel_like(MEMBER, 608), NULL,
			"struct inode takes 608 bytes, the running kernel's 600");
	put("sys/kernel/slab/inode_cache/object_size", "none\n");
	assert_compared(kernel_like(MEMBER, 608), NULL, NULL);
	assert_compared(kernel_like(MEMBER, 600), own, NULL);
	assert_compared(kernel_like(MEMBER, 608), own,
			"struct inode takes 608 bytes, the running kernel's 600");
	btf__free(own);
}

#define IN_TREE(test) cmocka_unit_test_setup_teardown(test, make_root, remove_root)

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN_TREE(test_files),  IN_TREE(test_mutations), IN_TREE(test_circles),
		IN_TREE(test_nested), IN_TREE(test_whose),
	};

	libbpf_set_print(NULL);
	return cmocka_run_group_tests_name("collect/kernel_types", tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The hook table against itself and the kernel side, and the lists of --without. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "collect/hooks.h"
#include "memwatch/abi.h"
#include "model/run.h"

static void test_capabilities(void **state)
{
	(void)state;
	assert_true(CAPABILITY_MAX <= RUN_MAX_HOOKS); /* the "meta" record has room for all */
	for (int c = 0; c < CAPABILITY_MAX; c++) {
		const struct capability_info *info = &capability_table[c];
		unsigned hooks = 0;

		assert_non_null(info->name);
		assert_non_null(info->gives);
		assert_non_null(info->without);
		assert_true(info->name[0] && info->gives[0] && info->without[0]);
		for (int other = 0; other < c; other++)
			assert_string_not_equal(info->name, capability_table[other].name);
		for (size_t i = 0; i < hook_count; i++)
			hooks += hook_table[i].capability == (enum capability)c;
		assert_true(hooks >= 1);
	}
}

static void test_hooks(void **state)
{
	(void)state;
	for (size_t i = 0; i < hook_count; i++) {
		const struct hook *h = &hook_table[i];

		assert_true(h->capability < CAPABILITY_MAX);
		assert_non_null(h->name);
		assert_non_null(h->cost);
		assert_non_null(h->probe);
		assert_null(strchr(h->name, ',')); /* or --without could not name it */
		if (i)
			assert_true(h->capability >= hook_table[i - 1].capability);
		for (size_t other = 0; other < i; other++)
			assert_string_not_equal(h->name, hook_table[other].name);
		for (int c = 0; c < CAPABILITY_MAX; c++)
			assert_string_not_equal(h->name, capability_table[c].name);
		assert_int_equal(!h->programs[0], h->attach == HOOK_ATTACH_NONE);
		if (h->attach == HOOK_ATTACH_ITER)
			assert_int_equal(h->capability, CAPABILITY_TOTALS);
	}
}

/* The totals come first: nothing else is of use without them. */
static void test_totals_first(void **state)
{
	(void)state;
	assert_int_equal(CAPABILITY_TOTALS, 0);
	assert_int_equal(hook_table[0].capability, CAPABILITY_TOTALS);
	assert_int_equal(hook_table[0].attach, HOOK_ATTACH_ITER);
	assert_int_equal(hook_totals_last->capability, CAPABILITY_TOTALS);
	assert_int_equal(hook_totals_last->attach, HOOK_ATTACH_NONE); /* no program to be refused */
	for (const struct hook *h = hook_totals_last + 1; h < hook_table + hook_count; h++)
		assert_int_not_equal(h->capability, CAPABILITY_TOTALS);
}

/* A program in two hooks could not be switched off in one; "mw_", at most 15 characters. */
static void test_programs(void **state)
{
	const char *seen[64];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < hook_count; i++) {
		for (int j = 0; j < HOOK_MAX_PROGRAMS && hook_table[i].programs[j]; j++) {
			const char *name = hook_table[i].programs[j];

			assert_int_equal(strncmp(name, "mw_", 3), 0);
			assert_true(strlen(name) <= 15);
			for (size_t k = 0; k < n; k++)
				assert_string_not_equal(name, seen[k]);
			seen[n++] = name;
		}
	}
	assert_true(n > 0);
}

static const struct hook *hook_of(const char *name)
{
	for (size_t i = 0; i < hook_count; i++) {
		if (!strcmp(hook_table[i].name, name))
			return &hook_table[i];
	}
	fail_msg("no hook %s", name);
	return NULL;
}

static const struct hook *first_hook(enum capability c)
{
	size_t i = 0;

	while (hook_table[i].capability != c)
		i++;
	return &hook_table[i];
}

static void test_is_named(void **state)
{
	const struct hook *fexit = first_hook(CAPABILITY_CALLS);
	const struct hook *sys_exit = hook_of("tp_btf/sys_exit");
	const struct hook *fork = first_hook(CAPABILITY_FORK);

	(void)state;
	assert_true(hook_is_named(fexit, "calls"));
	assert_true(hook_is_named(fexit, "fexit"));
	assert_true(hook_is_named(fexit, fexit->name));
	assert_true(hook_is_named(fexit, "fork,fexit"));
	assert_true(hook_is_named(fexit, "fexit,fork"));
	assert_true(hook_is_named(fexit, "x,,calls"));
	assert_true(hook_is_named(fexit, ",calls,"));
	assert_false(hook_is_named(fexit, "kretprobe"));
	assert_false(hook_is_named(fexit, "fexi"));
	assert_false(hook_is_named(fexit, "fexit/"));
	assert_false(hook_is_named(fexit, "fexits"));
	assert_false(hook_is_named(fexit, "FEXIT"));
	assert_false(hook_is_named(fexit, " calls"));
	assert_false(hook_is_named(fexit, "calls fork"));
	assert_false(hook_is_named(fexit, ""));
	assert_false(hook_is_named(fexit, ","));
	assert_false(hook_is_named(fexit, NULL));
	assert_true(hook_is_named(sys_exit, "calls"));
	assert_true(hook_is_named(sys_exit, "tp_btf/sys_exit"));
	assert_false(hook_is_named(fork, "tp_btf/sys_exit"));
	assert_false(hook_is_named(fork, "calls"));
	assert_true(hook_is_named(fork, "fork"));
}

/* Each name of a hook passes the check and names that hook; a capability names all of its. */
static void test_every_name(void **state)
{
	char bad[32];

	(void)state;
	/* The totals cannot be left out. */
	assert_int_equal(hook_list_check("totals", bad), -EINVAL);
	assert_int_equal(hook_list_check("proc", bad), -EINVAL);
	assert_int_equal(hook_list_check("iter,proc", bad), -EINVAL);
	assert_int_equal(hook_list_check("iter", bad), 0);
	for (const struct hook *h = hook_totals_last + 1; h < hook_table + hook_count; h++) {
		size_t i = h - hook_table;
		const char *capability = capability_table[h->capability].name;

		assert_int_equal(hook_list_check(h->name, bad), 0);
		assert_int_equal(hook_list_check(capability, bad), 0);
		assert_true(hook_is_named(h, h->name));
		assert_true(hook_is_named(h, capability));
		for (size_t other = 0; other < hook_count; other++) {
			if (other != i && !strchr(hook_table[other].name, '/'))
				assert_false(hook_is_named(h, hook_table[other].name));
			if (hook_table[other].capability != h->capability)
				assert_false(hook_is_named(&hook_table[other], capability));
		}
	}
}

static void test_list_check(void **state)
{
	static const struct {
		const char *list, *bad; /* NULL: all right */
	} cases[] = {
		{"", NULL},
		{"calls", NULL},
		{"calls,faults,fork", NULL},
		{"calls,", NULL},
		{"fexit,kretprobe", NULL},
		{",", ""},
		{",calls", ""},
		{"calls,,x", ""},
		{"calls,x", "x"},
		{"x,calls", "x"},
		{"call", "call"},
		{"callss", "callss"},
		{"calls faults", "calls faults"},
		{"\xff\x1b[31m", "\xff\x1b[31m"},
		{"fexit/", "fexit/"},
		{"0123456789012345678901234567890", "0123456789012345678901234567890"},
		{"01234567890123456789012345678901", "0123456789012345678901234567890"},
		{"0123456789012345678901234567890123456789,calls",
		 "0123456789012345678901234567890"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char bad[40];

		memset(bad, '#', sizeof(bad));
		assert_int_equal(hook_list_check(cases[i].list, bad), cases[i].bad ? -EINVAL : 0);
		if (cases[i].bad)
			assert_string_equal(bad, cases[i].bad);
		else
			assert_int_equal(bad[0], '#');
		for (size_t at = 32; at < sizeof(bad); at++)
			assert_int_equal(bad[at], '#');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capabilities), cmocka_unit_test(test_hooks),
		cmocka_unit_test(test_totals_first), cmocka_unit_test(test_programs),
		cmocka_unit_test(test_is_named),     cmocka_unit_test(test_every_name),
		cmocka_unit_test(test_list_check),
	};

	return cmocka_run_group_tests_name("collect/hooks", tests, NULL, NULL);
}

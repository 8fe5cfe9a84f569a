/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* demangle: C++, both of Rust's manglings, what compilers append, and names made to hurt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "sym/demangle.h"

static const struct {
	const char *symbol, *want;
} cases[] = {
	/* C, assembly, Go: as they are */
	{"main", "main"},
	{"", ""},
	{"_start", "_start"},
	{"__libc_start_main", "__libc_start_main"},
	{"main.(*Store).Keep", "main.(*Store).Keep"},
	{"github.com/a/b%2ec.F[...]", "github.com/a/b%2ec.F[...]"},
	{"Builtins_InterpreterEntryTrampoline", "Builtins_InterpreterEntryTrampoline"},
	/* what compilers append */
	{"grow.cold", "grow"},
	{"grow.isra.0", "grow"},
	{"grow.constprop.0.isra.0", "grow"},
	{"grow.part.3.cold", "grow"},
	{"grow.llvm.1234567890", "grow"},
	{".cold", ".cold"},
	{"_ZN3app5StoreC2Ev.cold", "app::Store::Store()"},
	/* C++ */
	{"_ZN2ns5Class6methodEi", "ns::Class::method(int)"},
	{"_ZN12_GLOBAL__N_16hiddenEi", "(anonymous namespace)::hidden(int)"},
	{"_Znwm", "operator new(unsigned long)"},
	{"_ZN2v88internal13MainAllocator15AllocateRawSlowEiNS0_19AllocationAlignmentE"
	 "NS0_16AllocationOriginE",
	 "v8::internal::MainAllocator::AllocateRawSlow(int, v8::internal::AllocationAlignment, "
	 "v8::internal::AllocationOrigin)"},
	{"_ZZ4mainENKUliiE_clEii", "main::{lambda(int, int)#1}::operator()(int, int) const"},
	/* without the return type, with std::string, without allocators and comparators */
	{"_ZNSt6vectorINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEESaIS5_EE17_M_realloc_"
	 "insertIJRKS5_EEEvN9__gnu_cxx17__normal_iteratorIPS5_S7_EEDpOT_",
	 "std::vector<std::string>::_M_realloc_insert<std::string const&>(__gnu_cxx::__normal_"
	 "iterator<std::string*, std::vector<std::string>>, std::string const&)"},
	{"_ZN5CacheINSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEEE4keepES5_",
	 "Cache<std::string>::keep(std::string)"},
	{"_ZN3FooC1ESaIiE", "Foo::Foo(std::allocator<int>)"},
	{"_ZN3FooC1EiSaIiE", "Foo::Foo(int, std::allocator<int>)"},
	{"_ZN3FooC1EiRKSaIiE", "Foo::Foo(int, std::allocator<int> const&)"},
	/* broken ones stay */
	{"_Z", "_Z"},
	{"_ZN", "_ZN"},
	{"_ZN99999999999999999999x", "_ZN99999999999999999999x"},
	{"_R", "_R"},
	{"_RNvC", "_RNvC"},
	/* Rust, legacy: without the hash */
	{"_ZN3app6Handle4save17h0123456789abcdefE", "app::Handle::save"},
	{"_ZN4core3ptr85drop_in_place$LT$std..rt..lang_start$LT$$LP$$RP$$GT$..$u7b$$u7b$closure$"
	 "u7d$$u7d$$GT$17h0123456789abcdefE",
	 "core::ptr::drop_in_place<std::rt::lang_start<()>::{{closure}}>"},
	/* Rust, v0 */
	{"_RNvMs_CsaBcD_3appNtB4_6Handle4save", "<app::Handle>::save"},
	{"_RNvCs1234_7mycrate3foo", "mycrate::foo"},
	{"_RNvCs1234_7mycrate3foo.llvm.99", "mycrate::foo"},
};

static void test_names(void **state)
{
	char out[DEMANGLED_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(out, 'x', sizeof(out));
		demangle(cases[i].symbol, out);
		assert_string_equal(out, cases[i].want);
	}
}

static void test_long_names(void **state)
{
	char symbol[8192], out[DEMANGLED_BYTES];
	size_t lens[] = {510, 511, 512, 513, 2047, 2048, 8191};

	(void)state;
	for (size_t i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		memset(symbol, 'f', lens[i]);
		symbol[lens[i]] = '\0';
		demangle(symbol, out);
		if (lens[i] < DEMANGLED_BYTES) {
			assert_string_equal(out, symbol);
			continue;
		}
		assert_int_equal(strlen(out), DEMANGLED_BYTES - 1);
		assert_string_equal(out + strlen(out) - 4, "f...");
	}
}

static double seconds_of(const char *symbol, char *out)
{
	uint64_t begin_ns = clock_cpu_ns(), spent_ns;

	demangle(symbol, out);
	spent_ns = clock_cpu_ns() - begin_ns;
	assert_true(memchr(out, '\0', DEMANGLED_BYTES) != NULL);
	return (double)spent_ns / 1e9;
}

static void assert_is_cut(const char *out)
{
	assert_int_equal(strlen(out), DEMANGLED_BYTES - 1);
	assert_string_equal(out + DEMANGLED_BYTES - 4, "...");
}

/* Each substitution doubles the output: gigabytes, if they were let. */
static void test_bombs(void **state)
{
	static const char rust_bomb[] =
		"_RINvC1a1fThhETB7_B7_ETBb_Bb_ETBj_Bj_ETBr_Br_ETBz_Bz_ETBH_BH_ETBP_BP_ETBX_BX_E"
		"TB15_B15_ETB1d_B1d_ETB1n_B1n_ETB1x_B1x_ETB1H_B1H_ETB1R_B1R_ETB21_B21_ETB2b_B2b_E"
		"TB2l_B2l_ETB2v_B2v_ETB2F_B2F_ETB2P_B2P_ETB2Z_B2Z_ETB39_B39_ETB3j_B3j_ETB3t_B3t_E"
		"TB3D_B3D_ETB3N_B3N_ETB3X_B3X_ETB47_B47_ETB4h_B4h_ETB4r_B4r_EE";
	char symbol[4096] = "_Z1f1PI1aS_E", out[DEMANGLED_BYTES];

	(void)state;
	for (int i = 0; i < 34; i++) {
		const char digit = (char)(i < 10 ? '0' + i : 'A' + i - 10);
		size_t len = strlen(symbol);

		snprintf(symbol + len, sizeof(symbol) - len, "S_IS%c_S%c_E", digit, digit);
	}
	assert_true(seconds_of(symbol, out) < 1);
	assert_int_equal(strncmp(out, "f(P<a, P>, P<a, a>, P<P<", 24), 0);
	assert_is_cut(out);

	assert_true(seconds_of(rust_bomb, out) < 1);
	assert_int_equal(strncmp(out, "a::f::<(u8, u8), ((u8, u8), (u8, u8)), ", 39), 0);
	assert_is_cut(out);
}

static void test_deep_nesting(void **state)
{
	char symbol[4096] = "_Z1f", out[DEMANGLED_BYTES];

	(void)state;
	memset(symbol + 4, 'P', 2000);
	strcpy(symbol + 2004, "i");
	assert_true(seconds_of(symbol, out) < 1);
	strcpy(symbol, "_ZN");
	for (int i = 0; i < 200; i++)
		strcat(symbol, "1a");
	strcat(symbol, "E");
	assert_true(seconds_of(symbol, out) < 1);
	assert_int_equal(strncmp(out, "a::a::a::", 9), 0);
	assert_is_cut(out);
}

static void test_random_bytes(void **state)
{
	static const char *const seeds[] = {"_ZN2v88internal13MainAllocator15AllocateRawSlowEi",
					    "_RNvMs_CsaBcD_3appNtB4_6Handle4save",
					    "_ZN3app6Handle4save17h0123456789abcdefE"};
	char symbol[256], out[DEMANGLED_BYTES];

	(void)state;
	srandom(1);
	for (int i = 0; i < 30000; i++) {
		size_t len;

		strcpy(symbol, seeds[i % 3]);
		len = strlen(symbol);
		for (int k = 0; k <= i % 5; k++)
			symbol[2 + (size_t)random() % (len - 2)] = (char)(1 + random() % 255);
		demangle(symbol, out);
		assert_true(memchr(out, '\0', sizeof(out)) != NULL);
		assert_true(*out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),	     cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_bombs),	     cmocka_unit_test(test_deep_nesting),
		cmocka_unit_test(test_random_bytes),
	};

	return cmocka_run_group_tests_name("sym/demangle", tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/sha256.h"

/* Of sha256sum(1). Lengths around those where the padding takes another block. */
static void test_known_sums(void **state)
{
	static const struct {
		size_t len; /* of "aaa..." */
		const char *sum;
	} known[] = {
		{0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
		{55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318"},
		{56, "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a"},
		{64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb"},
		{119, "31eba51c313a5c08226adf18d4a359cfdfd8d2e816b13f4af952f7ea6584dcfb"},
		{120, "2f3d335432c70b580af0e8e1b3674a7c020d683aa5f73aaaedfdc55af904c21c"},
		{1000, "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3"},
	};
	char data[1000], text[2 * SHA256_BYTES + 1];
	uint8_t sum[SHA256_BYTES];

	(void)state;
	memset(data, 'a', sizeof(data));
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		sha256(sum, data, known[i].len);
		for (int k = 0; k < SHA256_BYTES; k++)
			snprintf(text + 2 * (size_t)k, 3, "%02x", sum[k]);
		assert_string_equal(text, known[i].sum);
	}
}

static void test_base64(void **state)
{
	char text[SHA256_BASE64];

	(void)state;
	assert_string_equal(sha256_base64(text, "abc", 3),
			    "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
	assert_string_equal(sha256_base64(text, "", 0),
			    "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_sums),
		cmocka_unit_test(test_base64),
	};

	return cmocka_run_group_tests_name("base/sha256", tests, NULL, NULL);
}

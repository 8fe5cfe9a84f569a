/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A shared library to be loaded by grow. */
int library_function(int x);

__attribute__((noinline)) int library_function(int x)
{
	return x + VERSION; /* line 7 */
}

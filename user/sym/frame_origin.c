/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whose code it is, from tables of paths and names.
 *
 * LIMITATIONS: heuristics. A program installed with its libraries below /usr/lib is told from
 * the system's by being the executable alone. Without source files (no DWARF), other
 * modules of a Go or Rust program than the standard ones count as its own. A Go module that is
 * called like a package of Go's library counts as that.
 */
#include "sym/frame_origin.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

struct rule {
	const char *text;
	enum frame_origin origin;
};

/* In a path of a module or a source file; the first that is in it decides. */
static const struct rule module_parts[] = {
	{"/node_modules/", FRAME_DEPENDENCY},
	{"/site-packages/", FRAME_DEPENDENCY},
	{"/dist-packages/", FRAME_DEPENDENCY},
};

static const char *const system_dirs[] = {
	"/lib/", "/lib64/", "/lib32/", "/usr/lib/", "/usr/lib64/", "/usr/lib32/", "/usr/libexec/",
};

/* Executables that run other people's programs; a version may follow (python3.11). */
static const char *const runtimes[] = {
	"node",	  "nodejs", "deno",	"bun",	       "electron", "python", "pypy",
	"ruby",	  "perl",   "php",	"php-fpm",     "java",	   "dotnet", "lua",
	"luajit", "erl",    "beam.smp", "qemu-x86_64", "julia",
};

static const struct rule source_parts[] = {
	{"/.cargo/registry/", FRAME_DEPENDENCY},
	{"/.cargo/git/", FRAME_DEPENDENCY},
	{"/pkg/mod/", FRAME_DEPENDENCY}, /* Go's modules; by -trimpath only the next one is left */
	{"@v", FRAME_DEPENDENCY},
	{"/node_modules/", FRAME_DEPENDENCY},
	{"/vendor/", FRAME_DEPENDENCY},
	{"/rustc/", FRAME_RUNTIME},
	{"/rustlib/src/", FRAME_RUNTIME},
	{"/usr/include/", FRAME_RUNTIME},
	{"/usr/lib/go", FRAME_RUNTIME},
	{"/usr/share/go", FRAME_RUNTIME},
	{"/usr/local/go/src/", FRAME_RUNTIME},
	{"/sysdeps/", FRAME_RUNTIME}, /* glibc's */
	{"/glibc", FRAME_RUNTIME},
};

/* Begin names of functions. */
static const char *const runtime_names[] = {
	/* C++ */
	"std::",
	"__gnu_cxx::",
	"__cxxabiv1::",
	"operator new",
	"operator delete",
	"__gxx_",
	/* Rust */
	"core::",
	"alloc::",
	"<std::",
	"<core::",
	"<alloc::",
	"<&std::",
	"<&core::",
	"<&alloc::",
	"<[",
	"<str>",
	"<str as",
	"<u8 as",
	"__rust_",
	"__rdl_",
	"__rg_",
	"__rustc",
	"hashbrown::",
	"<hashbrown::",
	/* C, linked statically; sanitizers */
	"__libc_",
	"__GI_",
	"_IO_",
	"_dl_",
	"__pthread_",
	"__asan_",
	"__interceptor_",
	"___interceptor_",
	"__sanitizer",
};

/* First elements of the import paths of Go's library; "." or "/" follows in a name. */
static const char *const go_packages[] = {
	"archive",  "bufio",	"bytes",   "cmp",     "compress", "container", "context",
	"crypto",   "database", "debug",   "embed",   "encoding", "errors",    "expvar",
	"flag",	    "fmt",	"go",	   "hash",    "html",	  "image",     "index",
	"internal", "io",	"iter",	   "log",     "maps",	  "math",      "mime",
	"net",	    "os",	"path",	   "plugin",  "reflect",  "regexp",    "runtime",
	"slices",   "sort",	"strconv", "strings", "sync",	  "syscall",   "testing",
	"text",	    "time",	"type:",   "unicode", "unique",	  "vendor",    "weak",
};

/* Are names of functions. */
static const char *const runtime_functions[] = {
	"malloc",	  "calloc",
	"realloc",	  "free",
	"memalign",	  "posix_memalign",
	"aligned_alloc",  "valloc",
	"pvalloc",	  "reallocarray",
	"_int_malloc",	  "_int_realloc",
	"_int_free",	  "sysmalloc",
	"sysmalloc_mmap", "malloc_consolidate",
	"systrim",	  "tcache_init",
	"arena_get2",	  "new_heap",
	"grow_heap",	  "mmap",
	"mmap64",	  "__mmap",
	"mremap",	  "brk",
	"__brk",	  "sbrk",
	"__sbrk",	  "__default_morecore",
	"__mmap64",	  "__mremap",
	"strdup",	  "__strdup",
	"strndup",	  "memcpy",
	"memset",	  "memmove",
	"_start",	  "__clone",
	"__clone3",	  "clone",
	"start_thread",
};

static bool begins(const char *s, const char *prefix)
{
	return !strncmp(s, prefix, strlen(prefix));
}

static bool find_part(const struct rule *rules, size_t count, const char *path,
		      enum frame_origin *out)
{
	for (size_t i = 0; i < count; i++) {
		if (!strstr(path, rules[i].text))
			continue;
		*out = rules[i].origin;
		return true;
	}
	return false;
}

static bool is_runtime(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;

	for (size_t i = 0; i < sizeof(runtimes) / sizeof(runtimes[0]); i++) {
		const char *rest;

		if (!begins(base, runtimes[i]))
			continue;
		rest = base + strlen(runtimes[i]);
		if (rest[strspn(rest, "0123456789.-")] == '\0' || !strcmp(rest, " (deleted)"))
			return true;
	}
	return false;
}

enum frame_origin frame_origin_of_module(const char *path, bool is_exe)
{
	enum frame_origin origin;

	if (is_exe)
		return is_runtime(path) ? FRAME_RUNTIME : FRAME_USER;
	if (*path != '/') /* [vdso] */
		return FRAME_RUNTIME;
	if (find_part(module_parts, sizeof(module_parts) / sizeof(module_parts[0]), path, &origin))
		return origin;
	for (size_t i = 0; i < sizeof(system_dirs) / sizeof(system_dirs[0]); i++) {
		if (begins(path, system_dirs[i]))
			return FRAME_RUNTIME;
	}
	return FRAME_DEPENDENCY;
}

static bool is_runtime_function(const char *fn)
{
	for (size_t i = 0; i < sizeof(runtime_names) / sizeof(runtime_names[0]); i++) {
		if (begins(fn, runtime_names[i]))
			return true;
	}
	for (size_t i = 0; i < sizeof(go_packages) / sizeof(go_packages[0]); i++) {
		const char *rest = fn + strlen(go_packages[i]);

		if (begins(fn, go_packages[i]) && (*rest == '.' || *rest == '/'))
			return true;
	}
	for (size_t i = 0; i < sizeof(runtime_functions) / sizeof(runtime_functions[0]); i++) {
		if (!strcmp(fn, runtime_functions[i]))
			return true;
	}
	return false;
}

enum frame_origin frame_origin_of_native(enum frame_origin module, const char *fn, const char *file)
{
	enum frame_origin origin;

	if (module == FRAME_RUNTIME)
		return module;
	if (fn && is_runtime_function(fn))
		return FRAME_RUNTIME;
	if (file &&
	    find_part(source_parts, sizeof(source_parts) / sizeof(source_parts[0]), file, &origin))
		return origin;
	return module;
}

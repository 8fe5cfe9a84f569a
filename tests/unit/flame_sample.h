/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A service that keeps objects and Buffers, as a recording has it, and hostile names. */
#ifndef MEMWATCH_TESTS_FLAME_SAMPLE_H
#define MEMWATCH_TESTS_FLAME_SAMPLE_H

#include "model/recorded.h"
#include "sample.h"

#define FLAME_MIB  (1024ULL * 1024)
#define FLAME_LIBC "/usr/lib/x86_64-linux-gnu/libc.so.6"
#define FLAME_NODE "/usr/bin/node"

#define FLAME_ADD(t, kind, bytes, ...)                                                             \
	({                                                                                         \
		const struct frame f_[] = {__VA_ARGS__};                                           \
		sample_site(t, kind, f_, sizeof(f_) / sizeof(f_[0]), bytes);                       \
	})

static inline struct frame flame_js_frame(const char *fn, const char *file, uint32_t line)
{
	return sample_js(FRAME_USER, fn, file, line);
}

static inline struct recorded_process flame_process(uint32_t pid)
{
	struct recorded_process p = {
		.pid = pid, .comm = "node", .is_loaded = true, .sites = site_table_new()};

	if (!p.sites)
		abort();
	return p;
}

/* main → handle → save: 6 MiB of objects; main → handle → buffer: 3 MiB of Buffers, which are
 * touched by it, too; what V8 does for it does not count; 1 MiB is libc's own. */
static inline struct recorded_process flame_service(uint32_t pid)
{
	struct recorded_process p = flame_process(pid);
	const struct frame save = flame_js_frame("save", "/srv/a.js", 12);
	struct frame save_too = flame_js_frame("save", "/srv/a.js", 14);
	const struct frame buffer = flame_js_frame("buffer", "/srv/b.js", 3);
	const struct frame handle = flame_js_frame("handle", "/srv/a.js", 30);
	const struct frame calloc_ = sample_native(FRAME_RUNTIME, "calloc", FLAME_LIBC, 1);
	const struct frame main_ = sample_native(FRAME_RUNTIME, "main", FLAME_NODE, 2);
	const struct frame heap =
		sample_native(FRAME_RUNTIME, "v8::internal::Heap::AllocateRaw", FLAME_NODE, 3);
	const struct frame own = sample_native(FRAME_RUNTIME, "printf", FLAME_LIBC, 4);

	save_too.fn_line = save.fn_line;
	FLAME_ADD(p.sites, MW_SITE_V8_SURVIVED, 4 * FLAME_MIB, save, handle, main_);
	FLAME_ADD(p.sites, MW_SITE_V8_SURVIVED, 2 * FLAME_MIB, save_too, handle, main_);
	FLAME_ADD(p.sites, MW_SITE_EXTERNAL, 3 * FLAME_MIB, buffer, handle, main_);
	FLAME_ADD(p.sites, MW_SITE_FAULT, 2 * FLAME_MIB, calloc_, buffer, handle, main_);
	FLAME_ADD(p.sites, MW_SITE_FAULT, 8 * FLAME_MIB, heap, save, handle, main_);
	FLAME_ADD(p.sites, MW_SITE_FAULT, 1 * FLAME_MIB, own, main_);
	FLAME_ADD(p.sites, MW_SITE_V8_ALLOC, 90 * FLAME_MIB, save, handle, main_);
	FLAME_ADD(p.sites, MW_SITE_BRK, 5 * FLAME_MIB, calloc_, buffer, handle, main_);
	for (int i = 0; i < 2; i++)
		site_table_finish_tick(p.sites);
	return p;
}

static const char *const flame_hostile[] = {
	"</title></svg><script>alert(1)</script>",
	"]]><script>alert(1)</script>",
	"\" onload=\"alert(1)",
	"' onload='alert(1)",
	"a;b;c 12",
	"line\nbreak 5 7\r\n",
	"\033[31mred\a\b",
	"half \xe2\x82",
	"\xff\xfe\xed\xa0\x80",
	"\xef\xbf\xbf",
	"&amp;&#0;&bogus;",
	" ",
	"",
	"<!--",
	"<![CDATA[",
	"\xe2\x80\xae"
	"evil",
};
#define FLAME_HOSTILE (sizeof(flame_hostile) / sizeof(flame_hostile[0]))

/* Each hostile name as function, file, module and note, and one that is very long. */
static inline struct recorded_process flame_hostile_process(char *longest, size_t size)
{
	struct recorded_process p = flame_process(66);

	memset(longest, '<', size - 1);
	longest[size - 1] = '\0';
	for (size_t i = 0; i <= FLAME_HOSTILE; i++) {
		const char *name = i < FLAME_HOSTILE ? flame_hostile[i] : longest;
		struct frame f[] = {
			flame_js_frame(name, "/srv/a.js", (uint32_t)i + 1),
			flame_js_frame("f", name, (uint32_t)i + 1),
			sample_native(FRAME_USER, NULL, name, 0x1000 + i),
			sample_native(FRAME_DEPENDENCY, name, "/lib/x.so", 7),
		};

		sample_site(p.sites, MW_SITE_FAULT, f, 4, (i + 1) * FLAME_MIB)->note =
			i % 2 ? name : NULL;
	}
	site_table_finish_tick(p.sites);
	return p;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libFuzzer: the input is text that a process may choose: a line of maps (by the names of its
 * files), a perf map, a symbol. Each input goes through all that read such text.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/intern.h"
#include "sym/demangle.h"
#include "sym/perf_map.h"
#include "sym/perf_name.h"
#include "sym/proc_maps.h"

static void check(int condition)
{
	if (!condition)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), readable[DEMANGLED_BYTES];
	struct intern *names = intern_new(1 << 16);
	uint64_t start, length;
	struct proc_map map;
	struct frame frame = {0};
	size_t name_at;

	if (!text || !names)
		return -1;
	memcpy(text, data, size);
	text[size] = '\0';

	if (!perf_map_parse(text, strlen(text), &start, &length, &name_at)) {
		check(name_at < strlen(text) && length && start + length > start);
		perf_name_frame(text + name_at, names, &frame);
		check(frame.fn != NULL);
	}
	perf_name_frame(text, names, &frame);
	check(frame.fn != NULL);

	demangle(text, readable);
	check(memchr(readable, '\0', sizeof(readable)) != NULL);

	if (proc_map_parse(text, &map)) { /* last: it cuts the text */
		check(map.end > map.start && map.path >= text && map.path <= text + size);
		(void)proc_map_is_file(&map);
		(void)proc_map_is_deleted(&map);
	}
	intern_free(names);
	free(text);
	return 0;
}

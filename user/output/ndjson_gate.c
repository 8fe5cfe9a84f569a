/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a check found, as keys that a pipeline reads. */
#include "output/ndjson_gate.h"

#include <sys/wait.h>

#include "output/ndjson_record.h"

const struct site_key gate_record_keys[] = {
	{"result", "pass | leak | over (--max-growth) | unknown (too early) | failed"},
	{"status", "the exit status: 0 pass, 3 leak or over, 1 unknown or failed"},
	{"seconds", "that were watched"},
	{"max_growth_bytes_per_s", "the bar; absent: none"},
	{"growth_bytes_per_s",
	 "of the process that grows fastest: the floor of its private memory after its warm-up"},
	{"processes", "that were watched"},
	{"leaking", "of these, that leak, or grew until they were killed"},
	{"command",
	 "{status | signal} that the program ended with which was run, or {error}, the errno "
	 "that it could not be executed for; absent: none was run"},
};
const size_t gate_record_key_count = sizeof(gate_record_keys) / sizeof(gate_record_keys[0]);

static void add_command(struct json *j, const struct gate_command *c)
{
	if (!c->is_run || !c->has_ended)
		return;
	json_object_begin(j, "command");
	if (c->exec_error)
		json_u64(j, "error", (uint64_t)c->exec_error);
	else if (WIFSIGNALED(c->code))
		json_u64(j, "signal", (uint64_t)WTERMSIG(c->code));
	else
		json_u64(j, "status", (uint64_t)WEXITSTATUS(c->code));
	json_object_end(j);
}

void ndjson_gate_add(struct strbuf *out, const struct gate *g, uint64_t ts_ns, uint64_t wall_ns)
{
	uint64_t leaking = 0;
	struct json j;

	for (size_t i = 0; i < g->count; i++)
		leaking += g->processes[i]->finding >= GATE_OUTGROWN;
	ndjson_record_begin(&j, out, "check", ts_ns, wall_ns);
	json_str(&j, "result", gate_result_name(g->result));
	json_u64(&j, "status", (uint64_t)gate_status(g->result));
	json_fixed(&j, "seconds", g->seconds, 1);
	if (g->max_growth > 0)
		json_fixed(&j, "max_growth_bytes_per_s", g->max_growth, 0);
	json_fixed(&j, "growth_bytes_per_s", g->worst_rate, 0);
	json_u64(&j, "processes", g->count + g->passed);
	json_u64(&j, "leaking", leaking);
	add_command(&j, &g->command);
	json_end(&j);
}

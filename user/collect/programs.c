/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which programs of the BPF object are for a kernel, and their constants. */
#include "collect/programs.h"

#include <bpf/libbpf.h>
#include <stdio.h>

#include "base/address.h"

struct bpf_program *programs_find(const struct bpf_object *object, const struct kernel *k,
				  const char *name)
{
	struct bpf_program *twin = NULL;
	char twin_name[32];

	if (!k->has_loop) {
		snprintf(twin_name, sizeof(twin_name), "%s_v510", name);
		twin = bpf_object__find_program_by_name(object, twin_name);
	}
	return twin ? twin : bpf_object__find_program_by_name(object, name);
}

struct mw_config programs_config(const struct kernel *k)
{
	return (struct mw_config){
		.nr_cpus = k->cpus <= MW_MAX_CPUS ? k->cpus : 0,
		.page_shift = k->page_shift,
		.fault_period = FAULT_PERIOD,
		.cgroup_v1 = k->cgroup_v1,
		.exit_has_group_dead = k->exit_has_group_dead,
		.exit_sees_mm = k->exit_has_group_dead,
		.has_types = k->has_types,
		.address_bits = address_bits(),
	};
}

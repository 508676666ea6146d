// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "verification.h"

#define LOG_SIZE         (64u << 10)
#define LOG_SIZE_VERBOSE (64u << 20)

void verification_run(struct verification *v, const struct object_file *file, uint32_t index,
		      const struct bpfe_load_attr *attr, unsigned level)
{
	const struct bpfe_object *object = file->object;
	struct bpfe_load_attr load = *attr;
	const struct bpf_insn *insns;
	struct bpfe_map **maps = NULL;
	struct bpfe_program *program;

	*v = (struct verification){
		.file = file,
		.program = bpfe_object_program_name(object, index),
		.section = bpfe_object_program_section(object, index),
		.index = index,
		.log = {.size = level ? LOG_SIZE_VERBOSE : LOG_SIZE, .level = (uint8_t)level},
	};
	v->log.buf = g_malloc0(v->log.size);
	bpfe_object_program(object, index, &insns, &v->n_insns);
	load.stats = &v->stats;
	v->err = bpfe_object_load(object, index, &load, &program, &maps, &v->log);
	if (v->err)
		return;
	bpfe_program_info(program, &v->info);
	bpfe_program_put(program);
	object_maps_put(object, maps);
}

void verification_clear(struct verification *v)
{
	g_free(v->log.buf);
	v->log.buf = NULL;
}

const char *verification_reason(const struct verification *v)
{
	return bpfe_reason_name(v->err ? v->log.reason : BPFE_OK);
}

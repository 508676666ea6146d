// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Fuzz target: any bytes as instructions, decoded and disassembled. What decodes must have a text,
 * its jumps must land on instructions of the same function, and its maps must exist; what does not
 * must say why.
 *
 * Built by `meson setup -Dfuzz=true` with clang, as a libFuzzer program.
 */
#include <stdlib.h>
#include <string.h>
#include "internal.h"
#include "isa/isa.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

static struct bpfe_map_binding maps[2];

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct bpfe_map_attr attr = {
		.type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 1};

	bpfe_thread_register();
	for (uint32_t m = 0; m < 2; m++) {
		maps[m].id = m + 5;
		if (bpfe_map_create(&attr, NULL, &maps[m].map, NULL))
			abort();
	}
	return 0;
}

static void check_target(const struct bpfe_image *image, uint32_t i, uint8_t form)
{
	int64_t target = bpfe_jump_target(&image->insns[i], form, i);

	bool jumps = bpfe_form_jumps(form);

	if (!jumps && form != BPFE_FORM_CALL_LOCAL && form != BPFE_FORM_LD_FUNC)
		return;
	if (target < 0 || target >= image->n_insns)
		abort();
	if (!jumps && image->subprogs[image->aux[target].subprog].start != target)
		abort();
	if (form == BPFE_FORM_LD_FUNC && (image->aux[i].callee != image->aux[target].subprog ||
					  !image->subprogs[image->aux[i].callee].is_callback))
		abort();
	if (jumps && image->aux[target].subprog != image->aux[i].subprog)
		abort();
	/* The second slot of a ld_imm64 has no opcode. */
	if (image->insns[target].code == 0)
		abort();
}

static void check_image(const struct bpfe_image *image)
{
	char text[80];

	for (uint32_t i = 0; i < image->n_insns;) {
		uint32_t left = image->n_insns - i;
		unsigned slots = bpfe_disasm(&image->insns[i], left, text, sizeof(text));
		const struct bpfe_opcode *row = bpfe_opcode_find(&image->insns[i]);

		if (!row || slots == 0 || slots > left || !text[0])
			abort();
		if (row->form != image->aux[i].form)
			abort();
		if ((row->form == BPFE_FORM_LD_MAP || row->form == BPFE_FORM_LD_MAP_VALUE) &&
		    image->aux[i].map_index >= image->n_maps)
			abort();
		check_target(image, i, row->form);
		i += slots;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[512] = "", line[80];
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpf_insn insns[256];
	struct bpfe_load_attr attr = {.insns = insns};
	struct bpfe_image image;
	int err;

	attr.n_insns = (uint32_t)(size / sizeof(insns[0]));
	if (attr.n_insns > sizeof(insns) / sizeof(insns[0]))
		return 0;
	memcpy(insns, data, attr.n_insns * sizeof(insns[0]));
	for (uint32_t i = 0; i < attr.n_insns; i++)
		bpfe_disasm(&insns[i], attr.n_insns - i, line, sizeof(line));
	err = bpfe_image_open(&image, &attr, &log);
	if (!err) {
		err = bpfe_decode(&image, maps, 2, &log);
		if (!err)
			check_image(&image);
		bpfe_image_close(&image);
	}
	if (err ? !text[0] || log.reason == BPFE_OK : text[0])
		abort();
	return 0;
}

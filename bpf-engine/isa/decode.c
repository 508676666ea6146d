/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Decoding, first half: is every slot an instruction of the set, with nothing in the fields its
 * form reserves, and does every map reference name a map? The table in opcodes.h decides; what is
 * not in it is refused.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "isa/isa.h"

int bpfe_decode_refuse(const struct bpfe_image *image, struct bpfe_log *log, uint32_t i,
		       enum bpfe_reason reason, const char *fmt, ...)
{
	const char *line = image->source_line ? image->source_line(image->source_opaque, i) : NULL;
	char text[256];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	if (line)
		bpfe_log(log, "; %s\n", line);
	return bpfe_refuse(log, -EINVAL, reason, i, "insn %u: %s", i, text);
}

static const char *field_name(uint8_t field)
{
	switch (field) {
	case BPFE_FIELD_DST:
		return "dst_reg";
	case BPFE_FIELD_SRC:
		return "src_reg";
	case BPFE_FIELD_OFF:
		return "off";
	default:
		return "imm";
	}
}

static int refuse_unknown(const struct bpfe_image *image, uint32_t i, struct bpfe_log *log)
{
	const struct bpf_insn *insn = &image->insns[i];
	const struct bpfe_opcode *first = bpfe_opcode_first(insn->code);

	if (!first)
		return bpfe_decode_refuse(image, log, i, BPFE_BAD_ENCODING,
					  "opcode 0x%02x is not a BPF instruction", insn->code);
	return bpfe_decode_refuse(image, log, i, BPFE_BAD_ENCODING,
				  "opcode 0x%02x has no variant with %s %d", insn->code,
				  field_name(first->select), bpfe_field_value(insn, first->select));
}

static int check_registers(const struct bpfe_image *image, uint32_t i,
			   const struct bpfe_opcode *opcode, struct bpfe_log *log)
{
	const struct bpf_insn *insn = &image->insns[i];
	const struct bpfe_form_info *form = bpfe_form_info(opcode->form);
	bool writes_src = opcode->form == BPFE_FORM_FETCH || opcode->form == BPFE_FORM_XCHG;

	if ((form->uses & BPFE_FIELD_DST) && insn->dst_reg > BPF_REG_10)
		return bpfe_decode_refuse(image, log, i, BPFE_BAD_ENCODING,
					  "register r%u does not exist", insn->dst_reg);
	if ((form->uses & BPFE_FIELD_SRC) && insn->src_reg > BPF_REG_10)
		return bpfe_decode_refuse(image, log, i, BPFE_BAD_ENCODING,
					  "register r%u does not exist", insn->src_reg);
	image->aux[i].writes_r10 = (form->writes_dst && insn->dst_reg == BPF_REG_10) ||
				   (writes_src && insn->src_reg == BPF_REG_10);
	return 0;
}

static int check_reserved(const struct bpfe_image *image, uint32_t i,
			  const struct bpfe_opcode *opcode, struct bpfe_log *log)
{
	static const uint8_t fields[] = {BPFE_FIELD_DST, BPFE_FIELD_SRC, BPFE_FIELD_OFF,
					 BPFE_FIELD_IMM};
	const struct bpf_insn *insn = &image->insns[i];
	uint8_t used = bpfe_form_info(opcode->form)->uses | opcode->select;

	for (size_t f = 0; f < sizeof(fields); f++) {
		if (!(used & fields[f]) && bpfe_field_value(insn, fields[f]) != 0)
			return bpfe_decode_refuse(image, log, i, BPFE_BAD_ENCODING,
						  "reserved field %s is %d, must be 0",
						  field_name(fields[f]),
						  bpfe_field_value(insn, fields[f]));
	}
	return 0;
}

static int check_second_slot(const struct bpfe_image *image, uint32_t i, struct bpfe_log *log)
{
	const struct bpf_insn *second = &image->insns[i + 1];

	if (i + 1 >= image->n_insns)
		return bpfe_decode_refuse(image, log, i, BPFE_BAD_ENCODING,
					  "second slot of ld_imm64 is missing");
	if (second->code || second->dst_reg || second->src_reg || second->off)
		return bpfe_decode_refuse(image, log, i, BPFE_BAD_ENCODING,
					  "second slot of ld_imm64 has more than an immediate");
	return 0;
}

/* Index of @map in the image, added with a reference if it is new there. */
static uint32_t use_map(struct bpfe_image *image, struct bpfe_map *map)
{
	for (uint32_t m = 0; m < image->n_maps; m++) {
		if (image->maps[m] == map)
			return m;
	}
	image->maps[image->n_maps] = bpfe_map_hold(map);
	return image->n_maps++;
}

/* Slot @i names the map of binding number *@m. */
static int find_binding(const struct bpfe_image *image, uint32_t i,
			const struct bpfe_map_binding *maps, uint32_t n_maps, uint32_t *m,
			struct bpfe_log *log)
{
	const struct bpf_insn *insn = &image->insns[i];
	uint32_t id = (uint32_t)insn->imm;

	if (insn->src_reg == BPF_PSEUDO_MAP_IDX || insn->src_reg == BPF_PSEUDO_MAP_IDX_VALUE) {
		if (id >= n_maps)
			return bpfe_decode_refuse(image, log, i, BPFE_BAD_MAP,
						  "map index %u is out of range, %u maps given", id,
						  n_maps);
		*m = id;
		if (maps[id].map)
			return 0;
		return bpfe_decode_refuse(image, log, i, BPFE_BAD_MAP, "no map has index %u", id);
	}
	for (*m = 0; *m < n_maps; ++*m) {
		if (maps[*m].id == id && maps[*m].map)
			return 0;
	}
	return bpfe_decode_refuse(image, log, i, BPFE_BAD_MAP, "no map has id %u", id);
}

/* Only the one value of an array has an address before the program runs, as in Linux. */
static int check_map_value(const struct bpfe_image *image, uint32_t i, const struct bpfe_map *map,
			   struct bpfe_log *log)
{
	const struct bpfe_map_attr *attr = bpfe_map_attr(map);
	uint32_t offset = (uint32_t)image->insns[i + 1].imm;

	if (attr->type != BPF_MAP_TYPE_ARRAY || attr->max_entries != 1)
		return bpfe_decode_refuse(image, log, i, BPFE_BAD_MAP,
					  "address of a value of map '%.16s', which is not an "
					  "array with one entry",
					  attr->name);
	if (offset >= attr->value_size)
		return bpfe_decode_refuse(image, log, i, BPFE_BAD_MAP,
					  "address at offset %u of the value of map '%.16s', which "
					  "has %u bytes",
					  offset, attr->name, attr->value_size);
	return 0;
}

static int resolve_map(struct bpfe_image *image, uint32_t i, const struct bpfe_map_binding *maps,
		       uint32_t n_maps, struct bpfe_log *log)
{
	struct bpf_insn *insn = &image->insns[i];
	bool value = bpfe_opcode_find(insn)->form == BPFE_FORM_LD_MAP_VALUE;
	uint32_t m = 0;
	int err;

	if (!value && insn[1].imm)
		return bpfe_decode_refuse(image, log, i, BPFE_BAD_MAP,
					  "map reference has an offset (%d), must be 0",
					  insn[1].imm);
	err = find_binding(image, i, maps, n_maps, &m, log);
	if (!err && value)
		err = check_map_value(image, i, maps[m].map, log);
	if (err)
		return err;
	image->aux[i].map_index = use_map(image, maps[m].map);
	insn->src_reg = value ? BPF_PSEUDO_MAP_IDX_VALUE : BPF_PSEUDO_MAP_IDX;
	insn->imm = (int32_t)image->aux[i].map_index;
	return 0;
}

/* Helpers and kfuncs share a table and are told apart by how they are called. */
static int check_call_id(const struct bpfe_image *image, uint32_t i, uint8_t form,
			 struct bpfe_log *log)
{
	uint32_t id = (uint32_t)image->insns[i].imm;
	bool kfunc = form == BPFE_FORM_CALL_KFUNC;

	if (kfunc == (id >= BPFE_KFUNC_BASE))
		return 0;
	return bpfe_decode_refuse(image, log, i, BPFE_BAD_HELPER, "no %s has id %d",
				  kfunc ? "kfunc" : "helper", image->insns[i].imm);
}

static int check_operands(struct bpfe_image *image, uint32_t i, uint8_t form,
			  const struct bpfe_map_binding *maps, uint32_t n_maps,
			  struct bpfe_log *log)
{
	switch (form) {
	case BPFE_FORM_LD_MAP:
	case BPFE_FORM_LD_MAP_VALUE:
		return resolve_map(image, i, maps, n_maps, log);
	case BPFE_FORM_LD_FUNC:
		if (image->insns[i + 1].imm)
			return bpfe_decode_refuse(image, log, i, BPFE_BAD_ENCODING,
						  "function reference has an offset (%d), must be "
						  "0",
						  image->insns[i + 1].imm);
		return 0;
	case BPFE_FORM_CALL_HELPER:
	case BPFE_FORM_CALL_KFUNC:
		return check_call_id(image, i, form, log);
	default:
		return 0;
	}
}

static int decode_insn(struct bpfe_image *image, uint32_t i, const struct bpfe_map_binding *maps,
		       uint32_t n_maps, struct bpfe_log *log)
{
	const struct bpfe_opcode *opcode = bpfe_opcode_find(&image->insns[i]);
	int err;

	if (!opcode)
		return refuse_unknown(image, i, log);
	if (opcode->form == BPFE_FORM_REFUSED)
		return bpfe_decode_refuse(image, log, i, BPFE_BAD_ENCODING, "%s is not supported",
					  opcode->text);
	err = check_reserved(image, i, opcode, log);
	if (err)
		return err;
	err = check_registers(image, i, opcode, log);
	if (err)
		return err;
	if (bpfe_is_wide(&image->insns[i])) {
		err = check_second_slot(image, i, log);
		if (err)
			return err;
	}
	image->aux[i].form = opcode->form;
	return check_operands(image, i, opcode->form, maps, n_maps, log);
}

int bpfe_decode(struct bpfe_image *image, const struct bpfe_map_binding *maps, uint32_t n_maps,
		struct bpfe_log *log)
{
	if (n_maps) {
		image->maps = calloc(n_maps, sizeof(struct bpfe_map *));
		if (!image->maps)
			return bpfe_refuse(log, -ENOMEM, BPFE_NO_MEMORY, 0,
					   "out of memory for %u map references", n_maps);
	}
	for (uint32_t i = 0; i < image->n_insns; i++) {
		int err = decode_insn(image, i, maps, n_maps, log);

		if (err)
			return err;
		i += bpfe_is_wide(&image->insns[i]);
	}
	return bpfe_decode_flow(image, log);
}

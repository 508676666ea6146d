// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "jit_listing.h"
#include "hex.h"
#include "listing.h"
#include "machine.h"

#include <stdio.h>
#include <string.h>

#define BPF_WIDTH  42 /* of the column of the program's instructions */
#define BYTE_WIDTH 20

/* Going through the machine code, with the program's instructions beside it. */
struct walk {
	const struct jit_listing *listing;
	struct machine *machine;
	gboolean *has_code; /* by slot: something stems from it */
	gboolean *shown;    /* by slot */
	gboolean *function; /* by slot: one begins here, and was not announced yet */
	uint32_t mark;      /* the next one */
	char *source;       /* printed last */
};

static gboolean walk_begin(struct walk *walk, const struct jit_listing *listing, GError **error)
{
	*walk = (struct walk){
		.listing = listing,
		.machine = machine_open(&listing->code, error),
		.has_code = g_new0(gboolean, listing->n),
		.shown = g_new0(gboolean, listing->n),
		.function = listing_functions(listing->insns, listing->n),
	};
	for (uint32_t i = 0; i < listing->code.n_marks; i++) {
		if (listing->code.marks[i].slot < listing->n)
			walk->has_code[listing->code.marks[i].slot] = TRUE;
	}
	return walk->machine != NULL;
}

static void walk_end(struct walk *walk)
{
	machine_close(walk->machine);
	g_free(walk->has_code);
	g_free(walk->shown);
	g_free(walk->function);
	g_free(walk->source);
}

/* The slot that what begins at @offset stems from, if that is another one than before. */
static gboolean walk_slot(struct walk *walk, uint32_t offset, uint32_t *slot)
{
	const struct bpfe_machine_code *code = &walk->listing->code;
	gboolean found = FALSE;

	while (walk->mark < code->n_marks && code->marks[walk->mark].offset <= offset) {
		*slot = code->marks[walk->mark++].slot;
		found = TRUE;
	}
	return found;
}

/* "   7: r0 = 1"; slots it takes. */
static unsigned format_bpf(const struct jit_listing *listing, uint32_t slot, char *buf, size_t size)
{
	char text[256] = "";
	unsigned slots;

	if (slot >= listing->n) {
		g_strlcpy(buf, "      (the program's frame)", size);
		return 1;
	}
	slots = bpfe_disasm(&listing->insns[slot], listing->n - slot, text, sizeof(text));
	snprintf(buf, size, "%4u: %s", slot, text);
	return slots ? slots : 1;
}

static const char *source_of(const struct jit_listing *listing, uint32_t slot)
{
	return listing->line && slot < listing->n ? listing->line(listing->opaque, slot) : NULL;
}

/* What stands on lines of its own before an instruction. */
static void print_source(struct walk *walk, uint32_t slot)
{
	const char *line = source_of(walk->listing, slot);

	if (slot < walk->listing->n && walk->function[slot]) {
		printf("function at %u:\n", slot);
		walk->function[slot] = FALSE;
	}
	if (!line || !g_strcmp0(line, walk->source))
		return;
	printf("; %s\n", line);
	g_free(walk->source);
	walk->source = g_strdup(line);
}

/* The instruction at @slot as text; it counts as shown, both slots of it. */
static unsigned show(struct walk *walk, uint32_t slot, char *buf, size_t size)
{
	unsigned slots = format_bpf(walk->listing, slot, buf, size);

	for (uint32_t i = slot; i < slot + slots && i < walk->listing->n; i++)
		walk->shown[i] = TRUE;
	return slots;
}

/* Instructions right before @slot that nothing of their own was made of: they went into others. */
static void print_silent(struct walk *walk, uint32_t slot)
{
	uint32_t first = slot;
	char text[288];

	while (first && !walk->has_code[first - 1] && !walk->shown[first - 1])
		first--;
	while (first < slot) {
		print_source(walk, first);
		first += show(walk, first, text, sizeof(text));
		puts(text);
	}
}

static void print_machine(const struct walk *walk, const char *bpf, const struct machine_insn *insn)
{
	g_autofree char *bytes =
		hex_format(walk->listing->code.code + insn->offset, insn->size, "");

	printf("%-*s  %5x: %-*s  %s%s%s%s%s\n", BPF_WIDTH, bpf, insn->offset, BYTE_WIDTH, bytes,
	       insn->operation, insn->operands[0] ? " " : "", insn->operands,
	       insn->comment ? "  # " : "", insn->comment ? insn->comment : "");
}

gboolean jit_listing_print(const struct jit_listing *listing, GError **error)
{
	struct machine_insn insn;
	struct walk walk;
	char bpf[288];
	uint32_t slot;
	gboolean ok = walk_begin(&walk, listing, error);

	while (ok && machine_next(walk.machine, &insn)) {
		bpf[0] = '\0';
		if (walk_slot(&walk, insn.offset, &slot)) {
			if (slot < listing->n)
				print_silent(&walk, slot);
			print_source(&walk, slot);
			show(&walk, slot, bpf, sizeof(bpf));
		}
		print_machine(&walk, bpf, &insn);
	}
	if (ok)
		print_silent(&walk, listing->n);
	walk_end(&walk);
	return ok;
}

/* ---- JSON ----------------------------------------------------------------------------------- */

static void add_text(struct json_object *to, const char *name, const char *text)
{
	json_object_object_add(to, name, json_object_new_string(text));
}

/* Operands are parted by commas outside of brackets, which x86 has none within. */
static struct json_object *operands_json(const struct machine_insn *insn)
{
	struct json_object *json = json_object_new_array();
	g_auto(GStrv) operands = g_strsplit(insn->operands, ", ", -1);

	for (char **operand = operands; *operand; operand++)
		json_object_array_add(json, json_object_new_string(*operand));
	return json;
}

static struct json_object *opcodes_json(const uint8_t *bytes, unsigned n)
{
	struct json_object *json = json_object_new_array();
	char text[8];

	for (unsigned i = 0; i < n; i++) {
		snprintf(text, sizeof(text), "0x%02x", bytes[i]);
		json_object_array_add(json, json_object_new_string(text));
	}
	return json;
}

static struct json_object *insn_json(struct walk *walk, const struct machine_insn *insn,
				     uint32_t slot, gboolean first)
{
	struct json_object *json = json_object_new_object();
	const char *line = first ? source_of(walk->listing, slot) : NULL;
	char text[288];

	if (line && g_strcmp0(line, walk->source)) {
		add_text(json, "src", line);
		g_free(walk->source);
		walk->source = g_strdup(line);
	}
	snprintf(text, sizeof(text), "0x%x", insn->offset);
	add_text(json, "pc", text);
	add_text(json, "operation", insn->operation);
	json_object_object_add(json, "operands", operands_json(insn));
	json_object_object_add(json, "opcodes",
			       opcodes_json(walk->listing->code.code + insn->offset, insn->size));
	if (slot < walk->listing->n) {
		json_object_object_add(json, "slot", json_object_new_uint64(slot));
		if (first && bpfe_disasm(&walk->listing->insns[slot], walk->listing->n - slot, text,
					 sizeof(text)))
			add_text(json, "bpf", text);
	}
	return json;
}

struct json_object *jit_listing_json(const struct jit_listing *listing, GError **error)
{
	struct json_object *json;
	struct machine_insn insn;
	uint32_t slot = UINT32_MAX;
	struct walk walk;
	gboolean first;

	if (!walk_begin(&walk, listing, error)) {
		walk_end(&walk);
		return NULL;
	}
	json = json_object_new_array();
	while (machine_next(walk.machine, &insn)) {
		first = walk_slot(&walk, insn.offset, &slot);
		json_object_array_add(json, insn_json(&walk, &insn, slot, first));
	}
	walk_end(&walk);
	return json;
}

// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Fuzz target: any bytes as a BPF object, opened and then read through every function of bpf_elf.h.
 *
 * With clang -fsanitize=fuzzer it is a libFuzzer program, best started from the examples and the
 * objects of tests/unit/loader. With FUZZ_STANDALONE it runs each file it is given once, so that
 * any compiler can replay a corpus.
 */
#include <bpf_elf.h>

#include <bpf/libbpf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	libbpf_set_print(NULL);
	return 0;
}

/* What an instruction refers to is in the object. */
static void check_reference(const struct bpfe_object *obj, const struct bpf_insn *insn, uint32_t at,
			    uint32_t n_insns)
{
	uint32_t map = insn->imm;

	if (insn->src_reg == BPF_PSEUDO_FUNC) {
		int64_t target = (int64_t)at + 1 + insn->imm;

		if (target < 0 || target >= n_insns)
			abort();
	} else if (insn->src_reg == BPF_PSEUDO_MAP_IDX) {
		if (map >= bpfe_object_n_maps(obj))
			abort();
	} else if (insn->src_reg == BPF_PSEUDO_MAP_IDX_VALUE) {
		if (map >= bpfe_object_n_maps(obj) ||
		    (uint32_t)insn[1].imm >= bpfe_object_map(obj, map)->value_size)
			abort();
	} else if (insn->src_reg) {
		abort();
	}
}

static void read_functions(const struct bpfe_object *obj, uint32_t i, uint32_t n_insns)
{
	const struct bpfe_func_info *funcs;
	uint32_t n;

	if (bpfe_object_program_funcs(obj, i, &funcs, &n) || !n || funcs[0].start)
		abort();
	for (uint32_t f = 0; f < n; f++) {
		if (funcs[f].start >= n_insns || (f && funcs[f].start <= funcs[f - 1].start) ||
		    !funcs[f].name || funcs[f].n_args > 5)
			abort();
	}
}

static void read_program(const struct bpfe_object *obj, uint32_t i)
{
	const struct bpf_insn *insns;
	uint32_t n;

	if (bpfe_object_program(obj, i, &insns, &n) || !n || n > BPFE_MAX_INSNS ||
	    !bpfe_object_program_name(obj, i) || !bpfe_object_program_section(obj, i))
		abort();
	bpfe_object_program_type(obj, i);
	read_functions(obj, i, n);
	for (uint32_t insn = 0; insn <= n; insn++)
		bpfe_object_source_line(obj, i, insn);
	for (uint32_t insn = 0; insn + 1 < n; insn++) {
		if (insns[insn].code != (BPF_LD | BPF_IMM | BPF_DW))
			continue;
		check_reference(obj, &insns[insn], insn, n);
		insn++;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[512] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_object *obj;
	int ret = bpfe_object_open(data, size, &obj, &log);

	/* Who is refused is told why. */
	if (ret ? obj || !text[0] : !obj)
		abort();
	if (ret)
		return 0;
	for (uint32_t i = 0; i < bpfe_object_n_maps(obj); i++) {
		uint32_t key, value;

		bpfe_object_map_types(obj, i, &key, &value);
		if (memchr(bpfe_object_map(obj, i)->name, 0, BPFE_NAME_LEN) == NULL)
			abort();
	}
	for (uint32_t i = 0; i < bpfe_object_n_programs(obj); i++)
		read_program(obj, i);
	bpfe_object_close(obj);
	return 0;
}

#ifdef FUZZ_STANDALONE
static int run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = NULL;
	long size;

	if (!file || fseek(file, 0, SEEK_END) || (size = ftell(file)) < 0) {
		perror(path);
		return 1;
	}
	rewind(file);
	bytes = malloc((size_t)size + !size);
	if (!bytes || fread(bytes, 1, size, file) != (size_t)size) {
		perror(path);
		return 1;
	}
	LLVMFuzzerTestOneInput(bytes, size);
	free(bytes);
	fclose(file);
	return 0;
}

int main(int argc, char **argv)
{
	int failed = argc < 2;

	LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++)
		failed |= run_file(argv[i]);
	return failed;
}
#endif

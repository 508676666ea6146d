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

static void read_program(const struct bpfe_object *obj, uint32_t i)
{
	const struct bpf_insn *insns;
	uint32_t n;

	if (bpfe_object_program(obj, i, &insns, &n) || !n || n > BPFE_MAX_INSNS ||
	    !bpfe_object_program_name(obj, i) || !bpfe_object_program_section(obj, i))
		abort();
	for (uint32_t insn = 0; insn <= n; insn++)
		bpfe_object_source_line(obj, i, insn);
	for (uint32_t insn = 0; insn < n; insn++) {
		/* Maps are named by index, and the index is one of the object's. */
		if (insns[insn].code == (BPF_LD | BPF_IMM | BPF_DW) &&
		    insns[insn].src_reg == BPF_PSEUDO_MAP_IDX && insns[insn].imm < 0)
			abort();
		insn += insns[insn].code == (BPF_LD | BPF_IMM | BPF_DW);
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

/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* jit/symbols.c, gdb_image.c, perf_map.c: profilers and debuggers see names. */
#include <fcntl.h>
#include <gelf.h>
#include <libelf.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "harness.h"
#include "jit/exec_mem.h"

/* The debugger's side of the interface: what it reads out of the process. */
struct code_entry {
	struct code_entry *next, *prev;
	char *symfile;
	uint64_t size;
};

extern struct {
	uint32_t version, action;
	struct code_entry *relevant, *first;
} __jit_debug_descriptor;

#define CODE ((const void *)0x12340000)

static unsigned entries(void)
{
	unsigned n = 0;

	for (const struct code_entry *e = __jit_debug_descriptor.first; e; e = e->next) {
		assert_true(!e->next || e->next->prev == e);
		n++;
	}
	return n;
}

static void test_list(void **state)
{
	unsigned before = entries();
	struct jit_symbol *symbols[3];

	assert_int_equal(__jit_debug_descriptor.version, 1);
	for (size_t i = 0; i < COUNT(symbols); i++) {
		symbols[i] = jit_symbol_add("name", CODE, 16);
		assert_non_null(symbols[i]);
	}
	assert_int_equal(entries(), before + 3);
	jit_symbol_remove(symbols[1]);
	assert_int_equal(entries(), before + 2);
	jit_symbol_remove(symbols[2]);
	jit_symbol_remove(symbols[0]);
	jit_symbol_remove(NULL);
	assert_int_equal(entries(), before);
	assert_null(__jit_debug_descriptor.relevant);
}

static void *add_and_remove(void *opaque)
{
	struct jit_symbol *symbols[8];

	for (unsigned round = 0; round < 200; round++) {
		for (size_t i = 0; i < COUNT(symbols); i++)
			symbols[i] = jit_symbol_add("thread", CODE, 16);
		for (size_t i = 0; i < COUNT(symbols); i++)
			jit_symbol_remove(symbols[i ^ 1]);
	}
	return NULL;
}

static void test_threads(void **state)
{
	unsigned before = entries();
	pthread_t threads[4];

	for (size_t i = 0; i < COUNT(threads); i++)
		assert_int_equal(pthread_create(&threads[i], NULL, add_and_remove, NULL), 0);
	for (size_t i = 0; i < COUNT(threads); i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(entries(), before);
}

static Elf_Scn *section_of_type(Elf *elf, uint32_t type, GElf_Shdr *header)
{
	Elf_Scn *section = NULL;

	while ((section = elf_nextscn(elf, section))) {
		assert_non_null(gelf_getshdr(section, header));
		if (header->sh_type == type)
			return section;
	}
	fail();
	return NULL;
}

static void check_image(const char *name, const char *expected)
{
	struct jit_symbol *symbol = jit_symbol_add(name, CODE, 0x123);
	struct code_entry *entry = __jit_debug_descriptor.first;
	GElf_Shdr text, symtab;
	GElf_Ehdr header;
	size_t names;
	GElf_Sym sym;
	Elf *elf;

	elf_version(EV_CURRENT);
	elf = elf_memory(entry->symfile, entry->size);
	assert_non_null(elf);
	assert_non_null(gelf_getehdr(elf, &header));
	assert_int_equal(header.e_type, ET_EXEC);
	assert_int_equal(header.e_machine, EM_X86_64);
	assert_int_equal(elf_getshdrstrndx(elf, &names), 0);
	section_of_type(elf, SHT_NOBITS, &text);
	assert_string_equal(elf_strptr(elf, names, text.sh_name), ".text");
	assert_int_equal(text.sh_addr, (uintptr_t)CODE);
	assert_int_equal(text.sh_size, 0x123);
	assert_non_null(
		gelf_getsym(elf_getdata(section_of_type(elf, SHT_SYMTAB, &symtab), NULL), 1, &sym));
	assert_string_equal(elf_strptr(elf, names, symtab.sh_name), ".symtab");
	assert_string_equal(elf_strptr(elf, symtab.sh_link, sym.st_name), expected);
	assert_int_equal(sym.st_value, (uintptr_t)CODE);
	assert_int_equal(sym.st_size, 0x123);
	assert_int_equal(GELF_ST_TYPE(sym.st_info), STT_FUNC);
	elf_end(elf);
	jit_symbol_remove(symbol);
}

static void test_image(void **state)
{
	char longest[101];

	check_image("xdp_router.main", "xdp_router.main");
	check_image("a b\nc\xc3\xa4;", "a_b_c___");
	memset(longest, 'n', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	check_image(longest, "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn");
}

/* ---- perf ---- */

static void map_path(char *path, size_t size)
{
	snprintf(path, size, "/tmp/perf-%ld.map", (long)getpid());
}

static void add_two(void)
{
	struct jit_symbol *one = jit_symbol_add("one", (const void *)0x7f0000001000, 0x20);
	struct jit_symbol *two = jit_symbol_add("t w\no", (const void *)0x7f0000002010, 4095);

	jit_symbol_remove(one);
	jit_symbol_remove(two);
}

/* The contents of the process's map, which is removed; "" if there is none. */
static void take_map(char *text, size_t size)
{
	char path[64];
	FILE *file;

	map_path(path, sizeof(path));
	memset(text, 0, size);
	file = fopen(path, "re");
	if (!file)
		return;
	assert_true(fread(text, 1, size - 1, file) > 0);
	fclose(file);
	unlink(path);
}

static void test_perf_map(void **state)
{
	char text[256];

	unsetenv("SLUICE_PERF_MAP");
	take_map(text, sizeof(text));
	add_two();
	take_map(text, sizeof(text));
	assert_string_equal(text, "");
	setenv("SLUICE_PERF_MAP", "0", 1);
	add_two();
	take_map(text, sizeof(text));
	assert_string_equal(text, "");
	setenv("SLUICE_PERF_MAP", "1", 1);
	add_two();
	take_map(text, sizeof(text));
	assert_string_equal(text, "7f0000001000 20 one\n7f0000002010 fff t_w_o\n");
	unsetenv("SLUICE_PERF_MAP");
	bpfe_perf_map(true);
	add_two();
	add_two();
	bpfe_perf_map(false);
	add_two();
	take_map(text, sizeof(text));
	assert_string_equal(text, "7f0000001000 20 one\n7f0000002010 fff t_w_o\n"
				  "7f0000001000 20 one\n7f0000002010 fff t_w_o\n");
}

/* A program that is loaded has a name as long as it is there, and a line for good. */
static void test_program(void **state)
{
	const struct bpf_insn insns[] = {MOV_K(0, 42), EXIT()};
	unsigned before = entries();
	struct bpfe_machine_code code;
	char text[256], expected[256];
	struct bpfe_program *prog;
	struct load l;

	take_map(text, sizeof(text));
	load_init(&l, insns, COUNT(insns));
	l.attr.name = "xdp_answer";
	l.attr.engine = BPFE_ENGINE_JIT;
	bpfe_perf_map(true);
	prog = load_ok(&l);
	bpfe_perf_map(false);
	assert_true(bpfe_program_code(prog, &code));
	assert_true(code.size > 0 && code.n_marks > 0);
	snprintf(expected, sizeof(expected), "%lx %zx bpf_prog_xdp_answer\n",
		 (unsigned long)(uintptr_t)code.code, code.size);
	take_map(text, sizeof(text));
	assert_string_equal(text, expected);
	assert_int_equal(entries(), before + 1);
	assert_non_null(memmem(__jit_debug_descriptor.first->symfile,
			       __jit_debug_descriptor.first->size, "bpf_prog_xdp_answer", 20));
	bpfe_program_put(prog);
	bpfe_rcu_barrier();
	assert_int_equal(entries(), before);
}

/* An interpreted program has no code. */
static void test_interpreted(void **state)
{
	const struct bpf_insn insns[] = {MOV_K(0, 42), EXIT()};
	unsigned before = entries();
	struct bpfe_machine_code code;
	struct bpfe_program *prog;
	struct load l;

	load_init(&l, insns, COUNT(insns));
	l.attr.engine = BPFE_ENGINE_INTERP;
	prog = load_ok(&l);
	assert_false(bpfe_program_code(prog, &code));
	assert_int_equal(entries(), before);
	bpfe_program_put(prog);
	bpfe_rcu_barrier();
}

/* Addresses of helpers have their names, others none. */
static void test_helper_at(void **state)
{
	assert_null(bpfe_helper_at(NULL));
	assert_null(bpfe_helper_at(CODE));
	assert_string_equal(bpfe_helper_at((const void *)(uintptr_t)bpfe_helper_by_id(1)->fn),
			    "bpf_map_lookup_elem");
}

/* Somebody else's link must not be followed. */
static void test_perf_map_link(void **state)
{
	char target[] = "/tmp/test_jit_symbols.XXXXXX", path[64];
	int fd = mkstemp(target);
	struct stat st;

	assert_true(fd >= 0);
	map_path(path, sizeof(path));
	unlink(path);
	assert_int_equal(symlink(target, path), 0);
	bpfe_perf_map(true);
	add_two();
	bpfe_perf_map(false);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_size, 0);
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	bpfe_perf_map(true);
	add_two();
	bpfe_perf_map(false);
	unlink(path);
	close(fd);
	unlink(target);
}

/* ---- gdb ---- */

/* mov eax, 42; ret */
static const uint8_t answer[] = {0xb8, 42, 0, 0, 0, 0xc3};

/* What gdb is let loose on: code with a name is made and called. */
static int debugged(void)
{
	struct jit_region *region;
	struct jit_symbol *symbol;
	const uint8_t *code;
	uint8_t *start;
	int got;

	if (jit_region_open(sizeof(answer), true, 1, &region, &start, NULL))
		return 1;
	memcpy(start, answer, sizeof(answer));
	if (jit_region_seal(region, NULL))
		return 2;
	code = (const uint8_t *)(uintptr_t)jit_region_address(region);
	symbol = jit_symbol_add("sluice_answer", code, sizeof(answer));
	got = ((int (*)(void))(uintptr_t)code)();
	jit_symbol_remove(symbol);
	jit_region_close(region);
	return got;
}

static bool gdb_runs(void)
{
	return system("gdb --batch -ex 'print 40+2' </dev/null 2>/dev/null | grep -q 42") == 0;
}

static void test_gdb(void **state)
{
	char command[512], self[256], out[16384];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	FILE *gdb;
	size_t got;

	assert_true(n > 0);
	self[n] = '\0';
	if (!gdb_runs()) {
		print_message("gdb is not installed\n");
		skip();
	}
	/*
	 * Sealed code takes no breakpoint instruction: it has to be the processor's. A leak checker
	 * cannot work where a debugger does.
	 */
	snprintf(command, sizeof(command),
		 "ASAN_OPTIONS=detect_leaks=0 gdb --batch -nx -ex 'break jit_perf_map_add' -ex run "
		 "-ex delete -ex 'hbreak sluice_answer' -ex continue -ex 'info symbol $pc' "
		 "-ex 'x/i $pc' -ex continue --args %s debugged </dev/null 2>&1",
		 self);
	gdb = popen(command, "r");
	assert_non_null(gdb);
	got = fread(out, 1, sizeof(out) - 1, gdb);
	out[got] = '\0';
	pclose(gdb);
	if (strstr(out, "ptrace: Operation not permitted")) {
		print_message("processes cannot be traced here\n");
		skip();
	}
	if (strstr(out, "Could not insert hardware breakpoint")) {
		print_message("the processor has no breakpoints here\n");
		skip();
	}
	if (!strstr(out, "in sluice_answer ()") || !strstr(out, "sluice_answer in section .text") ||
	    !strstr(out, "<sluice_answer>:\tmov    $0x2a,%eax") ||
	    !strstr(out, "exited with code 052"))
		fail_msg("gdb says:\n%s", out);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),          cmocka_unit_test(test_threads),
		cmocka_unit_test(test_image),         cmocka_unit_test(test_perf_map),
		cmocka_unit_test(test_perf_map_link), cmocka_unit_test(test_program),
		cmocka_unit_test(test_interpreted),   cmocka_unit_test(test_helper_at),
		cmocka_unit_test(test_gdb),
	};

	if (argc > 1 && !strcmp(argv[1], "debugged"))
		return debugged();
	return cmocka_run_group_tests_name("jit symbols", tests, NULL, NULL);
}

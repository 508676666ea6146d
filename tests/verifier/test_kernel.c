// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Beside the host's own kernel: generated programs, verified by both. The kernel is asked as for an
 * author it trusts least: with the capabilities that XDP takes, and not CAP_PERFMON, which is what
 * lets pointers leak. Whatever we accept and it refuses must be of a class below, each a reason
 * that is not safety here; the few in which its releases differ are shown. Skips where bpf() is not
 * to be had.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/syscall.h>
#include <linux/capability.h>
#include <bpf/bpf.h>
#include <cmocka.h>
#include "isa/isa.h"
#include "generate.h"

#define PROGRAMS 400u
#define CAP_BPF_ 39 /* newer than some <linux/capability.h> */

static const struct {
	const char *text; /* in what the kernel says last */
	const char *why;
} classes[] = {
	{"pointer -= pointer prohibited", "a packet's length is not an address"},
	{"prohibited for !root",
	 "guards against speculation, which are not the verifier's here, and "
	 "variable stack offsets, which we follow"},
	{"unbounded min value", "we know more of moduli and quotients"},
	{"infinite loop detected", "the same: its loop is ours with a known end"},
	{"too large", "fewer paths cover more of ours"},
	{"is too complex", "the same"},
	{"map_value_or_null", "constant keys in the upper half of a stack slot"},
	{"invalid mem access 'scalar'", "a branch that we know dead"},
	{"unreachable insn", "code that nothing reaches is a trap here"},
};

static int map_fds[GENERATED_MAPS];
static struct bpfe_map_binding bindings[GENERATED_MAPS];

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint32_t program_of(uint64_t seed, struct bpf_insn *insns)
{
	uint8_t bytes[140];
	uint64_t state = seed;
	size_t n = 10 + next_random(&state) % 120;

	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)next_random(&state);
	return generate_program(bytes, n, insns);
}

/* Does the kernel accept it? @text gets its log. */
static bool kernel_accepts(const struct bpf_insn *insns, uint32_t n, char *text, uint32_t size)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_buf = text, .log_size = size, .log_level = 1);
	struct bpf_insn copy[GENERATED_MAX];
	int fd;

	memcpy(copy, insns, n * sizeof(*insns));
	for (uint32_t i = 0; i < n; i++) {
		if (!bpfe_is_wide(&copy[i]))
			continue;
		copy[i].src_reg = BPF_PSEUDO_MAP_FD;
		copy[i].imm = map_fds[copy[i].imm % GENERATED_MAPS];
		i++;
	}
	text[0] = '\0';
	/* First without a log: one that overflows counts as a refusal. */
	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "sluice_test", "GPL", copy, n, NULL);
	if (fd < 0)
		bpf_prog_load(BPF_PROG_TYPE_XDP, "sluice_test", "GPL", copy, n, &opts);
	else
		close(fd);
	return fd >= 0;
}

static bool we_accept(const struct bpf_insn *insns, uint32_t n, char *text, uint32_t size)
{
	struct bpfe_log log = {.buf = text, .size = size};
	struct bpfe_load_attr attr = {.insns = insns, .n_insns = n};
	struct bpfe_image image;
	int err = bpfe_image_open(&image, &attr, &log);

	if (!err)
		err = bpfe_decode(&image, bindings, GENERATED_MAPS, &log);
	if (!err)
		err = bpfe_verify(&image, &log);
	bpfe_image_close(&image);
	return !err;
}

/* The class of a program that only we accept, by the kernel's last words; -1: none. */
static int class_of(const char *text)
{
	size_t length = strlen(text);
	const char *end = length > 3000 ? text + length - 3000 : text;

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (strstr(end, classes[i].text))
			return (int)i;
	}
	return -1;
}

static const char *last_lines(const char *text)
{
	size_t length = strlen(text);

	return length > 300 ? text + length - 300 : text;
}

static void test_against_kernel(void **state)
{
	static char theirs[1 << 20], ours[1 << 14];
	const char *given = getenv("SLUICE_TEST_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : UINT64_C(0x51c1ce);
	uint32_t both = 0, only_we[sizeof(classes) / sizeof(classes[0])] = {0}, only_kernel = 0;
	uint32_t unexplained = 0;

	print_message("# SLUICE_TEST_SEED=0x%llx\n", (unsigned long long)seed);
	for (uint32_t i = 0; i < PROGRAMS; i++) {
		struct bpf_insn insns[GENERATED_MAX];
		uint32_t n = program_of(seed + i, insns);
		bool kernel = kernel_accepts(insns, n, theirs, sizeof(theirs));
		bool we = we_accept(insns, n, ours, sizeof(ours));
		int class;

		both += kernel && we;
		only_kernel += kernel && !we;
		if (kernel || !we)
			continue;
		class = class_of(theirs);
		if (class >= 0) {
			only_we[class]++;
			continue;
		}
		unexplained++;
		print_message("# SLUICE_TEST_SEED=0x%llx: accepted here, refused there: %s\n",
			      (unsigned long long)(seed + i), last_lines(theirs));
	}
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++)
		print_message("# %u refused there for \"%s\": %s\n", only_we[i], classes[i].text,
			      classes[i].why);
	print_message("# %u of %u accepted by both, %u only by the kernel\n", both, PROGRAMS,
		      only_kernel);
	assert_true(both >= PROGRAMS / 4);
	/* Releases differ in what they follow on speculative paths, and in words. */
	assert_true(unexplained <= PROGRAMS / 100);
	/* What a compiler may rely on there should work here. */
	assert_true(only_kernel <= PROGRAMS / 50);
}

static int drop_capabilities(void)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{0}};
	uint64_t keep = UINT64_C(1) << CAP_NET_ADMIN | UINT64_C(1) << CAP_BPF_;

	for (unsigned i = 0; i < 2; i++)
		data[i].effective = data[i].permitted = (uint32_t)(keep >> 32 * i);
	return (int)syscall(SYS_capset, &header, data);
}

static int make_maps(void)
{
	static const uint32_t types[GENERATED_MAPS] = {BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_ARRAY};

	for (uint32_t m = 0; m < GENERATED_MAPS; m++) {
		struct bpfe_map_attr attr = {
			.type = types[m], .key_size = 4, .value_size = 16, .max_entries = 8};

		map_fds[m] = bpf_map_create(types[m], "sluice_test", 4, 16, 8, NULL);
		bindings[m].id = m;
		if (map_fds[m] < 0 || bpfe_map_create(&attr, NULL, &bindings[m].map, NULL))
			return -1;
	}
	return 0;
}

/* A kernel that does not know the newer instructions would refuse for that alone. */
static bool kernel_is_new_enough(void)
{
	static const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = 1},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 0, .off = 8},
		{.code = BPF_JMP | BPF_EXIT},
	};
	char text[512];

	return kernel_accepts(insns, 3, text, sizeof(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_kernel)};
	int failed;

	if (make_maps() || drop_capabilities() || !kernel_is_new_enough()) {
		puts("1..0 # SKIP the host's kernel takes no XDP programs from here, or is older "
		     "than "
		     "6.6");
		return 0;
	}
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	for (uint32_t m = 0; m < GENERATED_MAPS; m++)
		bpfe_map_put(bindings[m].map);
	bpfe_rcu_barrier();
	return failed;
}

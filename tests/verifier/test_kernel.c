// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Beside the host's own kernel: generated programs, verified by both, and run by both where both
 * accept them. Whatever we accept and it refuses must be of a class in kernel_host.c. What both
 * run must leave the same verdict, frame and maps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <cmocka.h>
#include "internal.h"
#include "isa/isa.h"
#include "generate.h"
#include "kernel_host.h"
#include "random_program.h"

#define PROGRAMS      400u
#define LONG_PROGRAMS 20000u
#define MAP_KEYS      8u
#define FRAME_ROOM    1500u
#define FRAMES        3u

static const uint32_t map_types[GENERATED_MAPS] = {BPF_MAP_TYPE_HASH, BPF_MAP_TYPE_ARRAY};
static int map_fds[GENERATED_MAPS];
static struct bpfe_map_binding bindings[GENERATED_MAPS];

static struct {
	uint32_t both, ran, only_kernel, dead, unexplained, class[64];
} tally;

/* ---- Verdicts ---------------------------------------------------------------------------------
 */

static int kernel_load(const struct bpf_insn *insns, uint32_t n, char *text, uint32_t size)
{
	struct bpf_insn copy[GENERATED_MAX];

	memcpy(copy, insns, n * sizeof(*insns));
	for (uint32_t i = 0; i < n; i++) {
		if (!bpfe_is_wide(&copy[i]))
			continue;
		copy[i].src_reg = BPF_PSEUDO_MAP_FD;
		copy[i].imm = map_fds[copy[i].imm % GENERATED_MAPS];
		i++;
	}
	return kernel_host_load(copy, n, text, size);
}

static struct bpfe_program *our_load(const struct bpf_insn *insns, uint32_t n)
{
	struct bpfe_load_attr attr = {.insns = insns,
				      .n_insns = n,
				      .maps = bindings,
				      .n_maps = GENERATED_MAPS,
				      .flags = BPFE_LOAD_CHECKED};
	struct bpfe_program *prog = NULL;

	return bpfe_program_load(&attr, &prog, NULL) ? NULL : prog;
}

/*
 * Is instruction @i one that we know nothing reaches? The kernel follows branches that it takes for
 * dead, too, as a processor may ahead of time.
 */
static bool is_dead(const struct bpf_insn *insns, uint32_t n, uint32_t i)
{
	struct bpfe_load_attr attr = {.insns = insns, .n_insns = n};
	struct bpfe_image image;
	bool dead;

	if (bpfe_image_open(&image, &attr, NULL))
		return false;
	dead = !bpfe_decode(&image, bindings, GENERATED_MAPS, NULL) && !bpfe_verify(&image, NULL) &&
	       i < n && !image.aux[i].seen;
	bpfe_image_close(&image);
	return dead;
}

/* ---- Results ----------------------------------------------------------------------------------
 */

/* Before the data the kernel has what was in the page; it does not zero what a program exposes. */
static bool exposes_memory(const struct bpf_insn *insns, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (insns[i].code == (BPF_JMP | BPF_CALL) && !insns[i].src_reg &&
		    insns[i].imm == BPF_FUNC_xdp_adjust_head)
			return true;
	}
	return false;
}

static void empty_maps(void)
{
	static const uint8_t zero[16];

	for (uint32_t m = 0; m < GENERATED_MAPS; m++) {
		uint32_t key;

		for (key = 0; map_types[m] == BPF_MAP_TYPE_ARRAY && key < MAP_KEYS; key++) {
			assert_int_equal(bpf_map_update_elem(map_fds[m], &key, zero, BPF_ANY), 0);
			assert_int_equal(bpfe_map_update(bindings[m].map, &key, zero, BPF_ANY), 0);
		}
		if (map_types[m] == BPF_MAP_TYPE_ARRAY)
			continue;
		while (!bpf_map_get_next_key(map_fds[m], NULL, &key))
			bpf_map_delete_elem(map_fds[m], &key);
		while (!bpfe_map_get_next_key(bindings[m].map, NULL, &key))
			bpfe_map_delete(bindings[m].map, &key);
	}
}

static const char *compare_maps(void)
{
	for (uint32_t m = 0; m < GENERATED_MAPS; m++) {
		uint32_t key, *previous = NULL, count = 0;

		while (!bpf_map_get_next_key(map_fds[m], previous, &key)) {
			uint8_t theirs[16], ours[16];

			if (bpf_map_lookup_elem(map_fds[m], &key, theirs))
				return "a map's key vanished";
			if (bpfe_map_lookup_copy(bindings[m].map, &key, ours))
				return "a map of the kernel's has a key that ours has not";
			if (memcmp(theirs, ours, sizeof(ours)))
				return "a map's value differs";
			previous = &key;
			count++;
		}
		if (count != bpfe_map_count(bindings[m].map))
			return "a map of ours has a key that the kernel's has not";
	}
	return NULL;
}

static const char *compare_run(const struct bpfe_program *prog, int fd, const uint8_t *input,
			       uint32_t length)
{
	uint8_t memory[BPFE_HEADROOM + FRAME_ROOM] = {0}, frame[FRAME_ROOM] = {0};
	struct bpfe_xdp_buff xdp = {.hard_start = memory,
				    .data_meta = memory + BPFE_HEADROOM,
				    .data = memory + BPFE_HEADROOM,
				    .data_end = memory + BPFE_HEADROOM + length,
				    .hard_end = memory + sizeof(memory)};
	uint32_t kernel_length = 0, kernel_retval = 0;
	struct bpfe_result result;

	memcpy(xdp.data, input, length);
	memcpy(frame, input, length);
	bpfe_rcu_read_lock();
	result = bpfe_run(prog, &xdp);
	bpfe_rcu_read_unlock();
	if (!kernel_host_run(fd, frame, length, sizeof(frame), &kernel_length, &kernel_retval))
		return "the kernel does not run it";
	if (result.abort != BPFE_ABORT_NONE)
		return "our run was aborted";
	if (result.retval != kernel_retval)
		return "the verdicts differ";
	if ((uint32_t)(xdp.data_end - xdp.data) != kernel_length)
		return "the frames' lengths differ";
	return memcmp(xdp.data, frame, kernel_length) ? "the frames differ" : compare_maps();
}

static const char *compare_runs(const struct bpfe_program *prog, int fd, uint64_t seed)
{
	static const uint32_t lengths[FRAMES] = {64, 40, 300};

	empty_maps();
	for (uint32_t i = 0; i < FRAMES; i++) {
		uint8_t input[FRAME_ROOM];
		const char *wrong;

		for (uint32_t b = 0; b < lengths[i]; b++)
			input[b] = (uint8_t)(next_random(&seed) & (b % 3 ? 0x0f : 0xff));
		wrong = compare_run(prog, fd, input, lengths[i]);
		if (wrong)
			return wrong;
	}
	return NULL;
}

/* ---- All together -----------------------------------------------------------------------------
 */

static void check_program(uint64_t seed)
{
	static char theirs[1 << 20];
	struct bpf_insn insns[GENERATED_MAX];
	uint32_t n = random_program_of(seed, 10, 120, insns);
	int fd = kernel_load(insns, n, theirs, sizeof(theirs));
	struct bpfe_program *prog = our_load(insns, n);
	const char *wrong = NULL;
	int class;

	tally.both += fd >= 0 && prog;
	tally.only_kernel += fd >= 0 && !prog;
	if (fd >= 0 && prog && !exposes_memory(insns, n)) {
		tally.ran++;
		wrong = compare_runs(prog, fd, seed);
	} else if (fd < 0 && prog) {
		class = kernel_class_of(theirs);
		if (class >= 0) {
			tally.class[class]++;
		} else if (is_dead(insns, n, kernel_refused_insn(theirs))) {
			tally.dead++;
		} else {
			tally.unexplained++;
			print_message("# SLUICE_TEST_SEED=0x%llx: accepted here, refused there: "
				      "%s\n",
				      (unsigned long long)seed, kernel_last_words(theirs));
		}
	}
	if (fd >= 0)
		close(fd);
	if (prog)
		bpfe_program_put(prog);
	if (!wrong)
		return;
	show_program(insns, n);
	fail_msg("SLUICE_TEST_SEED=0x%llx: %s", (unsigned long long)seed, wrong);
}

static void test_against_kernel(void **state)
{
	uint64_t seed;
	uint32_t count;

	random_programs_from_environment(PROGRAMS, LONG_PROGRAMS, &seed, &count);
	for (uint32_t i = 0; i < count; i++) {
		check_program(seed + i);
		if (i % 256 == 255)
			bpfe_rcu_barrier();
	}
	for (size_t i = 0; i < kernel_classes(); i++)
		print_message("# %u refused there for \"%s\": %s\n", tally.class[i],
			      kernel_class_text(i), kernel_class_why(i));
	print_message("# %u refused there for what nothing reaches\n", tally.dead);
	print_message("# %u of %u accepted by both, %u of them run by both, %u only by the "
		      "kernel\n",
		      tally.both, count, tally.ran, tally.only_kernel);
	assert_true(tally.both >= count / 4);
	/* What a compiler may rely on there should work here. */
	assert_true(tally.only_kernel <= count / 50);
	assert_int_equal(tally.unexplained, 0);
}

static int make_maps(void **state)
{
	bpfe_thread_register();
	for (uint32_t m = 0; m < GENERATED_MAPS; m++) {
		struct bpfe_map_attr attr = {.type = map_types[m],
					     .key_size = 4,
					     .value_size = 16,
					     .max_entries = MAP_KEYS};

		map_fds[m] = bpf_map_create(map_types[m], "sluice_test", 4, 16, MAP_KEYS, NULL);
		bindings[m].id = m;
		if (map_fds[m] < 0 || bpfe_map_create(&attr, NULL, &bindings[m].map, NULL))
			return -1;
	}
	return 0;
}

static int put_maps(void **state)
{
	for (uint32_t m = 0; m < GENERATED_MAPS; m++) {
		close(map_fds[m]);
		bpfe_map_put(bindings[m].map);
	}
	bpfe_thread_unregister();
	bpfe_rcu_barrier();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_against_kernel)};

	if (!kernel_host_prepare())
		return 0;
	return cmocka_run_group_tests(tests, make_maps, put_maps);
}

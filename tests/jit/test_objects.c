// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Every program of the objects given, in the interpreter and in compiled code, over frames that
 * follow one another, so that maps fill: the same verdicts, frames, maps and records.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include "bpf_elf.h"
#include "engines.h"
#include "random_program.h"

#define MAX_OBJECTS 64
#define OBJECT_SIZE (1u << 20)
#define FRAMES      200u
#define MEMORY      2048u
#define MAX_VALUE   (1u << 16)

static void *read_file(const char *path, size_t *size)
{
	FILE *file = fopen(path, "rb");
	void *data = malloc(OBJECT_SIZE);

	if (!file || !data)
		fail_msg("cannot read %s", path);
	*size = fread(data, 1, OBJECT_SIZE, file);
	fclose(file);
	return data;
}

struct subject {
	struct bpfe_program *prog;
	struct bpfe_map **maps;
	uint8_t memory[MEMORY];
	struct bpfe_xdp_buff xdp;
};

/* What it draws at random would differ. */
static bool draws_random_numbers(const struct bpfe_object *obj, uint32_t i)
{
	const struct bpf_insn *insns;
	uint32_t n;

	assert_int_equal(bpfe_object_program(obj, i, &insns, &n), 0);
	for (uint32_t s = 0; s < n; s++) {
		if (insns[s].code == (BPF_JMP | BPF_CALL) && !insns[s].src_reg &&
		    insns[s].imm == BPF_FUNC_get_prandom_u32)
			return true;
	}
	return false;
}

/* Ethernet, IPv4 or IPv6 or a VLAN tag, TCP or UDP or ICMP, some cut short, few flows. */
static void make_frame(struct subject *s, uint32_t i)
{
	static const uint32_t lengths[] = {14, 34, 60, 64, 128, 590, 42, 54, 1514};
	static const uint8_t types[][2] = {{0x08, 0}, {0x08, 0}, {0x86, 0xdd}, {0x81, 0}};
	static const uint8_t protocols[] = {6, 17, 1, 4};
	uint32_t length = lengths[i % 9];
	uint64_t random = i % 60; /* the same again after a while, so that maps are hit */
	uint64_t word = next_random(&random);
	uint8_t *frame = s->memory + BPFE_HEADROOM;

	memset(s->memory, 0, sizeof(s->memory));
	for (uint32_t b = 0; b < length; b++)
		frame[b] = (uint8_t)next_random(&random);
	memcpy(frame + 12, types[word % 4], 2);
	if (length > 23) {
		frame[14] = word >> 8 & 3 ? 0x45 : (uint8_t)(0x40 | (word >> 16 & 15));
		frame[23] = protocols[word >> 24 & 3];
	}
	s->xdp = (struct bpfe_xdp_buff){.hard_start = s->memory,
					.data_meta = frame,
					.data = frame,
					.data_end = frame + length,
					.hard_end = s->memory + MEMORY,
					.ingress_ifindex = 1 + i % 3,
					.rx_queue_index = i % 4,
					.now_ns = UINT64_C(1000000007) * i};
}

static void load(const struct bpfe_object *obj, uint32_t i, unsigned e, struct subject *s)
{
	static char text[1 << 14];
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_load_attr attr = {.flags = BPFE_LOAD_COUNTED};
	int err;

	engines_choose(&attr, e);
	text[0] = '\0';
	err = bpfe_object_load(obj, i, &attr, &s->prog, &s->maps, &log);
	if (err)
		fail_msg("%s: %s: %d: %s", bpfe_object_program_name(obj, i), engines_name(e), err,
			 text);
}

static void unload(const struct bpfe_object *obj, struct subject *s)
{
	bpfe_program_put(s->prog);
	for (uint32_t m = 0; m < bpfe_object_n_maps(obj); m++) {
		if (s->maps[m])
			bpfe_map_put(s->maps[m]);
	}
	free(s->maps);
}

static void run(struct subject *s, uint32_t i, struct bpfe_result *result)
{
	make_frame(s, i);
	bpfe_rcu_read_lock();
	*result = bpfe_run(s->prog, &s->xdp);
	bpfe_rcu_read_unlock();
}

static const char *compare_frames(const struct subject *a, const struct subject *b)
{
	if (a->xdp.data - a->memory != b->xdp.data - b->memory ||
	    a->xdp.data_meta - a->memory != b->xdp.data_meta - b->memory ||
	    a->xdp.data_end - a->memory != b->xdp.data_end - b->memory)
		return "the frames' bounds differ";
	return memcmp(a->memory, b->memory, MEMORY) ? "the frames differ" : NULL;
}

static bool same_map(struct bpfe_map *a, struct bpfe_map *b)
{
	static uint8_t x[MAX_VALUE], y[MAX_VALUE], key[BPFE_MAP_MAX_KEY];
	void *previous = NULL;

	if (bpfe_map_count(a) != bpfe_map_count(b) || bpfe_map_lost(a) != bpfe_map_lost(b))
		return false;
	for (; bpfe_map_value_bytes(a) <= MAX_VALUE && !bpfe_map_get_next_key(a, previous, key);
	     previous = key) {
		int err = bpfe_map_lookup_copy(a, key, x);

		if (err != bpfe_map_lookup_copy(b, key, y) ||
		    (!err && memcmp(x, y, bpfe_map_value_bytes(a))))
			return false;
	}
	return true;
}

static void compare_maps(const struct bpfe_object *obj, const struct subject *a,
			 const struct subject *b, const char *name, unsigned e)
{
	for (uint32_t m = 0; m < bpfe_object_n_maps(obj); m++) {
		if (a->maps[m] && b->maps[m] && !same_map(a->maps[m], b->maps[m]))
			fail_msg("%s: map %s differs after %s", name, bpfe_object_map(obj, m)->name,
				 engines_name(e));
	}
}

static void check_engine(const struct bpfe_object *obj, uint32_t i, unsigned e)
{
	static struct subject a, b;
	const char *name = bpfe_object_program_name(obj, i);

	load(obj, i, ENGINES_INTERP, &a);
	load(obj, i, e, &b);
	for (uint32_t f = 0; f < FRAMES; f++) {
		struct bpfe_result here, there;
		const char *wrong;

		run(&a, f, &here);
		run(&b, f, &there);
		wrong = engines_compare(&here, &there);
		if (!wrong)
			wrong = compare_frames(&a, &b);
		if (wrong)
			fail_msg("%s, frame %u, %s: %s: %llu after %llu instructions, %llu after "
				 "%llu",
				 name, f, engines_name(e), wrong, (unsigned long long)here.r0,
				 (unsigned long long)here.insns, (unsigned long long)there.r0,
				 (unsigned long long)there.insns);
	}
	compare_maps(obj, &a, &b, name, e);
	unload(obj, &a);
	unload(obj, &b);
}

static void check_program(const struct bpfe_object *obj, uint32_t i)
{
	const char *name = bpfe_object_program_name(obj, i);

	if (draws_random_numbers(obj, i)) {
		print_message("# %s draws random numbers: not compared\n", name);
		return;
	}
	for (unsigned e = ENGINES_HARDENED; e < ENGINES; e++)
		check_engine(obj, i, e);
	print_message("# %s: %u frames the same\n", name, FRAMES);
}

static void test_object(void **state)
{
	struct bpfe_object *obj;
	size_t size;
	void *data = read_file(*state, &size);

	assert_int_equal(bpfe_object_open(data, size, &obj, NULL), 0);
	assert_true(bpfe_object_n_programs(obj) > 0);
	for (uint32_t i = 0; i < bpfe_object_n_programs(obj); i++)
		check_program(obj, i);
	bpfe_object_close(obj);
	free(data);
	bpfe_rcu_barrier();
}

int main(int argc, char **argv)
{
	static struct CMUnitTest tests[MAX_OBJECTS];
	size_t n = 0;
	int failed;

	if (argc < 2) {
		puts("1..0 # SKIP no clang to build the programs (apt install clang-19)");
		return 0;
	}
	for (; n + 1 < (size_t)argc && n < MAX_OBJECTS; n++)
		tests[n] = (struct CMUnitTest){
			strrchr(argv[n + 1], '/') ? strrchr(argv[n + 1], '/') + 1 : argv[n + 1],
			test_object, NULL, NULL, argv[n + 1]};
	bpfe_thread_register();
	failed = _cmocka_run_group_tests("jit objects", tests, n, NULL, NULL);
	bpfe_thread_unregister();
	return failed;
}

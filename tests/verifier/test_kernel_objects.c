// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Beside the host's own kernel: what clang makes of the examples and of this folder's programs,
 * loaded by libbpf there and by our loader here, and run by both over the same frames. Verdicts and
 * frames must be the same. What we accept and the kernel refuses must be of a class in
 * kernel_host.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <cmocka.h>
#include "bpf_elf.h"
#include "kernel_host.h"
#include "random_program.h"

#define MAX_OBJECTS 64
#define LOG_SIZE    (1u << 20)
#define FRAMES      24u
#define FRAME_ROOM  1500u
#define OBJECT_SIZE (1u << 20)

static char kernel_log[LOG_SIZE];

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

/* ---- One program, in both ---------------------------------------------------------------------
 */

struct both {
	struct bpf_object *theirs;
	int fd; /* of the program in the kernel; -1: refused, see kernel_log */
	struct bpfe_program *ours;
	struct bpfe_map **maps;
	uint32_t n_maps;
};

/* The program's descriptor in the kernel, or -1. Other programs of the object stay unloaded. */
static int load_theirs(struct both *b, const char *path, const char *name)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .kernel_log_buf = kernel_log,
		    .kernel_log_size = sizeof(kernel_log), .kernel_log_level = 1);
	struct bpf_program *prog;

	kernel_log[0] = '\0';
	b->theirs = bpf_object__open_file(path, &opts);
	if (!b->theirs)
		fail_msg("libbpf does not open %s", path);
	bpf_object__for_each_program(prog, b->theirs)
		bpf_program__set_autoload(prog, strcmp(bpf_program__name(prog), name) == 0);
	if (bpf_object__load(b->theirs))
		return -1;
	prog = bpf_object__find_program_by_name(b->theirs, name);
	return prog ? bpf_program__fd(prog) : -1;
}

static void fill_frame(uint8_t *frame, uint32_t length, uint64_t *random)
{
	/* Ethernet, IPv4 or IPv6 or VLAN, TCP or UDP or ICMP, as often as not with options. */
	static const uint8_t types[][2] = {{0x08, 0}, {0x08, 0}, {0x86, 0xdd}, {0x81, 0}};
	static const uint8_t protocols[] = {6, 17, 1, 6};
	uint64_t word = next_random(random);

	for (uint32_t i = 0; i < length; i++)
		frame[i] = (uint8_t)next_random(random);
	memcpy(frame + 12, types[word % 4], 2);
	if (length > 23) {
		frame[14] = word >> 8 & 3 ? 0x45 : (uint8_t)(0x40 | (word >> 16 & 15));
		frame[23] = protocols[word >> 24 & 3];
	}
}

static void compare_runs(const struct both *b, const char *name)
{
	static const uint32_t lengths[] = {14, 34, 60, 64, 128, 590, 42, 54};
	uint64_t random = 0x51c1ce;

	for (uint32_t i = 0; i < FRAMES; i++) {
		uint8_t memory[BPFE_HEADROOM + FRAME_ROOM] = {0}, frame[FRAME_ROOM] = {0};
		uint32_t length = lengths[i % 8], kernel_length = 0, verdict = 0;
		uint32_t metadata;
		struct bpfe_xdp_buff xdp = {.hard_start = memory,
					    .data_meta = memory + BPFE_HEADROOM,
					    .data = memory + BPFE_HEADROOM,
					    .data_end = memory + BPFE_HEADROOM + length,
					    .hard_end = memory + sizeof(memory),
					    .ingress_ifindex = 1};
		struct bpfe_result result;

		fill_frame(frame, length, &random);
		memcpy(xdp.data, frame, length);
		bpfe_rcu_read_lock();
		result = bpfe_run(b->ours, &xdp);
		bpfe_rcu_read_unlock();
		if (!kernel_host_run(b->fd, frame, length, sizeof(frame), &kernel_length, &verdict))
			fail_msg("%s: the kernel does not run it", name);
		if (result.abort || result.retval != verdict)
			fail_msg("%s, frame %u: verdict %u (abort %d) here, %u there", name, i,
				 result.retval, result.abort, verdict);
		/* The kernel gives metadata too. What is in it may be random. */
		metadata = (uint32_t)(xdp.data - xdp.data_meta);
		if ((uint32_t)(xdp.data_end - xdp.data_meta) != kernel_length ||
		    memcmp(xdp.data, frame + metadata, kernel_length - metadata))
			fail_msg("%s, frame %u: the frames differ", name, i);
	}
}

static void load_ours(struct both *b, const struct bpfe_object *obj, uint32_t i)
{
	static char text[1 << 14];
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_load_attr attr = {.flags = BPFE_LOAD_CHECKED};

	if (bpfe_object_load(obj, i, &attr, &b->ours, &b->maps, &log))
		b->ours = NULL;
	b->n_maps = bpfe_object_n_maps(obj);
}

static void put_both(struct both *b)
{
	bpf_object__close(b->theirs);
	if (!b->ours)
		return;
	bpfe_program_put(b->ours);
	for (uint32_t m = 0; m < b->n_maps; m++)
		bpfe_map_put(b->maps[m]);
	free(b->maps);
}

/* Refused for a reason that is not safety here; as a trusted author's it still runs there. */
static void explain(struct both *b, const char *path, const char *name)
{
	int class = kernel_class_of(kernel_log);

	if (!kernel_log[0]) {
		print_message(
			"# %s: its verifier is not asked: a kernel without BTF or a map type\n",
			name);
		return;
	}
	if (class < 0)
		fail_msg("%s: accepted here, refused there: %s", name,
			 kernel_last_words(kernel_log));
	print_message("# %s: refused there: %s\n", name, kernel_class_why((size_t)class));
	bpf_object__close(b->theirs);
	kernel_host_trust(true);
	b->fd = load_theirs(b, path, name);
	kernel_host_trust(false);
}

static void check_program(const char *path, const struct bpfe_object *obj, uint32_t i)
{
	const char *name = bpfe_object_program_name(obj, i);
	struct both b = {0};

	b.fd = load_theirs(&b, path, name);
	load_ours(&b, obj, i);
	if (b.fd >= 0 && !b.ours)
		fail_msg("%s: accepted there, refused here", name);
	if (b.fd < 0 && b.ours)
		explain(&b, path, name);
	if (b.fd >= 0) {
		compare_runs(&b, name);
		print_message("# %s: %u frames the same\n", name, FRAMES);
	}
	put_both(&b);
}

static void test_object(void **state)
{
	struct bpfe_object *obj;
	size_t size;
	void *data = read_file(*state, &size);

	assert_int_equal(bpfe_object_open(data, size, &obj, NULL), 0);
	assert_true(bpfe_object_n_programs(obj) > 0);
	for (uint32_t i = 0; i < bpfe_object_n_programs(obj); i++)
		check_program(*state, obj, i);
	bpfe_object_close(obj);
	free(data);
	bpfe_rcu_barrier();
}

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	return 0;
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
	if (!kernel_host_prepare())
		return 0;
	libbpf_set_print(silent);
	for (; n + 1 < (size_t)argc && n < MAX_OBJECTS; n++)
		tests[n] = (struct CMUnitTest){
			strrchr(argv[n + 1], '/') ? strrchr(argv[n + 1], '/') + 1 : argv[n + 1],
			test_object, NULL, NULL, argv[n + 1]};
	bpfe_thread_register();
	failed = _cmocka_run_group_tests("kernel objects", tests, n, NULL, NULL);
	bpfe_thread_unregister();
	return failed;
}

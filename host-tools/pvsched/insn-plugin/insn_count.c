// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A TCG plugin that counts the instructions each vCPU executes, user and kernel apart, into a file
 * that another process maps and reads at any time.
 *
 *	-plugin libinsn_count.so,out=PATH
 *
 * Counting is inline code at the head of each translation block, which adds the block's number of
 * instructions. A block that an exception leaves half-way counts whole. QEMU keeps the counts in
 * memory of its own; a thread copies them to the file every 10 ms, which is rare because it takes
 * the CPU from what is measured. The reader increments `request`, and when `answer` has the same
 * value the counts are not older than the question.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <qemu-plugin.h>

#define FILE_MAGIC   0x31434e49u /* "INC1" as bytes in memory */
#define FILE_VCPUS   16          /* up to here QEMU never moves its counts, which a thread reads */
#define COPY_US      10000
#define KERNEL_START (1ull << 63) /* x86-64 Linux: the kernel has the upper half */

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

/* One vCPU's counts, in QEMU's scoreboard and in the file alike. */
struct counts {
	uint64_t user;
	uint64_t kernel;
};

/* The file; insns.py of the lab reads it. */
struct count_file {
	uint32_t magic;
	uint32_t n_vcpus;
	uint64_t request; /* the reader's */
	uint64_t answer;  /* ours */
	struct counts counts[FILE_VCPUS];
};

static struct qemu_plugin_scoreboard *board;
static qemu_plugin_u64 user_count, kernel_count;
static struct count_file *shared;

static void copy_counts(void)
{
	uint64_t request = __atomic_load_n(&shared->request, __ATOMIC_ACQUIRE);
	int n = qemu_plugin_num_vcpus();

	n = MIN(n, FILE_VCPUS);
	for (int v = 0; v < n; v++) {
		struct counts *out = &shared->counts[v];

		__atomic_store_n(&out->user, qemu_plugin_u64_get(user_count, v), __ATOMIC_RELAXED);
		__atomic_store_n(&out->kernel, qemu_plugin_u64_get(kernel_count, v),
				 __ATOMIC_RELAXED);
	}
	__atomic_store_n(&shared->n_vcpus, n, __ATOMIC_RELAXED);
	__atomic_store_n(&shared->answer, request, __ATOMIC_RELEASE);
}

static void *copy_thread(void *opaque)
{
	(void)opaque;
	for (;;) {
		copy_counts();
		g_usleep(COPY_US);
	}
	return NULL;
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	bool kernel = qemu_plugin_tb_vaddr(tb) >= KERNEL_START;

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_inline_per_vcpu(tb, QEMU_PLUGIN_INLINE_ADD_U64,
							  kernel ? kernel_count : user_count,
							  qemu_plugin_tb_n_insns(tb));
}

/* Map the file, created at its full size. Returns 0 or -1 with a line on stderr. */
static int map_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || ftruncate(fd, sizeof(*shared))) {
		fprintf(stderr, "insn_count: %s: %s\n", path, strerror(errno));
		if (fd >= 0) {
			close(fd);
		}
		return -1;
	}
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (shared == MAP_FAILED) {
		fprintf(stderr, "insn_count: %s cannot be mapped: %s\n", path, strerror(errno));
		return -1;
	}
	return 0;
}

static const char *out_option(int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		if (g_str_has_prefix(argv[i], "out=")) {
			return argv[i] + strlen("out=");
		}
	}
	return NULL;
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
					   char **argv)
{
	const char *path = out_option(argc, argv);

	(void)info;
	if (!path) {
		fprintf(stderr, "insn_count: needs the option out=PATH\n");
		return -1;
	}
	if (map_file(path)) {
		return -1;
	}
	board = qemu_plugin_scoreboard_new(sizeof(struct counts));
	user_count = qemu_plugin_scoreboard_u64_in_struct(board, struct counts, user);
	kernel_count = qemu_plugin_scoreboard_u64_in_struct(board, struct counts, kernel);
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
	g_thread_unref(g_thread_new("insn-count", copy_thread, NULL));
	shared->magic = FILE_MAGIC;
	return 0;
}

/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* jit/exec_mem.c, jit/exec_place.c: code runs, and nothing can change it. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/filter.h>
#include <linux/memfd.h>
#include <linux/seccomp.h>
#include "harness.h"
#include "jit/exec_mem.h"

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif
#define MDWE_REFUSE_EXEC_GAIN 1ul

/* mov eax, 42; ret */
static const uint8_t answer[] = {0xb8, 42, 0, 0, 0, 0xc3};

typedef int (*answer_fn)(void);

static struct jit_region *open_answer(bool random_start, uint64_t seed)
{
	struct jit_region *region;
	uint8_t *start;

	assert_int_equal(jit_region_open(sizeof(answer), random_start, seed, &region, &start, NULL),
			 0);
	memcpy(start, answer, sizeof(answer));
	return region;
}

static struct jit_region *seal_answer(bool random_start, uint64_t seed)
{
	struct jit_region *region = open_answer(random_start, seed);

	assert_int_equal(jit_region_seal(region, NULL), 0);
	return region;
}

static uint8_t *address_of(const struct jit_region *region)
{
	return (uint8_t *)(uintptr_t)jit_region_address(region);
}

static int call_answer(const struct jit_region *region)
{
	answer_fn fn = (answer_fn)(uintptr_t)jit_region_address(region);

	return fn();
}

/* A line of /proc/self/maps. */
struct mapping {
	uintptr_t start, end;
	char perms[5];
	char name[128];
};

static bool next_mapping(FILE *maps, struct mapping *m)
{
	char line[512];

	m->name[0] = '\0';
	return fgets(line, sizeof(line), maps) &&
	       sscanf(line, "%lx-%lx %4s %*s %*s %*s %127s", &m->start, &m->end, m->perms,
		      m->name) >= 3;
}

static bool mapping_at(const void *address, struct mapping *m)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	bool found = false;

	assert_non_null(maps);
	while (!found && next_mapping(maps, m))
		found = (uintptr_t)address >= m->start && (uintptr_t)address < m->end;
	fclose(maps);
	return found;
}

/* Is any memory of the process writable and executable? */
static bool any_writable_code(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	bool found = false;
	struct mapping m;

	assert_non_null(maps);
	while (!found && next_mapping(maps, &m))
		found = m.perms[1] == 'w' && m.perms[2] == 'x';
	fclose(maps);
	return found;
}

static unsigned open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* What @fn does in a child: its exit code, or the negative signal that ended it. */
static int in_child(int (*fn)(void *opaque), void *opaque)
{
	pid_t child = fork();
	int status;

	assert_true(child >= 0);
	if (!child) {
		signal(SIGSEGV, SIG_DFL);
		signal(SIGTRAP, SIG_DFL);
		_exit(fn(opaque));
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int read_byte(void *opaque)
{
	return *(volatile uint8_t *)opaque;
}

static int write_byte(void *opaque)
{
	*(volatile uint8_t *)opaque = 0xc3;
	return 0;
}

static int call_address(void *opaque)
{
	return ((answer_fn)(uintptr_t)opaque)();
}

static void test_runs(void **state)
{
	struct jit_region *region = seal_answer(false, 0);

	assert_int_equal(call_answer(region), 42);
	jit_region_close(region);
}

static void test_size(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct jit_region *region;
	struct mapping m;
	uint8_t *start;

	assert_int_equal(jit_region_open(0, false, 0, &region, &start, NULL), -EINVAL);
	for (size_t size = page - 1; size <= page + 1; size++) {
		assert_int_equal(jit_region_open(size, false, 0, &region, &start, NULL), 0);
		memset(start, 0x90, size);
		assert_int_equal(jit_region_seal(region, NULL), 0);
		assert_true(mapping_at(address_of(region), &m));
		assert_int_equal(m.end - m.start, size > page ? 2 * page : page);
		jit_region_close(region);
	}
}

/* Room that was not needed does not take memory. */
static void test_trimmed(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct jit_region *region;
	struct mapping m;
	uint8_t *start;

	assert_int_equal(jit_region_open(5 * page, false, 0, &region, &start, NULL), 0);
	memcpy(start, answer, sizeof(answer));
	start[page] = 0x90;
	assert_int_equal(jit_region_seal(region, NULL), 0);
	assert_int_equal(call_answer(region), 42);
	assert_true(mapping_at(address_of(region), &m));
	assert_int_equal(m.end - m.start, 2 * page);
	assert_int_equal(in_child(read_byte, address_of(region) + 2 * page), -SIGSEGV);
	start = address_of(region) + 2 * page;
	jit_region_close(region);
	assert_false(mapping_at(start, &m));
}

static void test_never_writable(void **state)
{
	struct jit_region *region = open_answer(false, 0);
	uint8_t *code = address_of(region);
	struct mapping m;

	/* Nothing is there yet. */
	assert_true(mapping_at(code, &m));
	assert_string_equal(m.perms, "---p");
	assert_false(any_writable_code());
	assert_int_equal(jit_region_seal(region, NULL), 0);
	assert_true(mapping_at(code, &m));
	assert_string_equal(m.perms, "r-xs");
	assert_string_equal(m.name, "/memfd:sluice-jit");
	assert_false(any_writable_code());
	jit_region_close(region);
}

static void test_sealed(void **state)
{
	struct jit_region *region = seal_answer(false, 0);
	uint8_t *code = address_of(region);
	int mem;

	assert_int_equal(mprotect(code, 4096, PROT_READ | PROT_WRITE), -1);
	assert_int_equal(errno, EACCES);
	assert_int_equal(in_child(write_byte, code), -SIGSEGV);
	/* A debugger's way of writing finds no right to write either. */
	mem = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	assert_true(mem >= 0);
	assert_int_equal(pwrite(mem, "\xc3", 1, (off_t)(uintptr_t)code), -1);
	close(mem);
	assert_int_equal(call_answer(region), 42);
	jit_region_close(region);
}

static void test_guards(void **state)
{
	struct jit_region *region = seal_answer(false, 0);
	uint8_t *code = address_of(region);
	struct mapping m;

	assert_int_equal(in_child(read_byte, code), 0xb8);
	assert_int_equal(in_child(read_byte, code - 1), -SIGSEGV);
	assert_true(mapping_at(code, &m));
	assert_int_equal(in_child(read_byte, (void *)m.end), -SIGSEGV);
	jit_region_close(region);
}

static void test_padding_traps(void **state)
{
	struct jit_region *region = seal_answer(true, 5);
	uint8_t *code = address_of(region);
	struct mapping m;

	assert_true(mapping_at(code, &m));
	for (const uint8_t *at = (const uint8_t *)m.start; at < (const uint8_t *)m.end; at++) {
		if (at < code || at >= code + sizeof(answer))
			assert_int_equal(*at, 0xcc);
	}
	assert_int_equal(in_child(call_address, code), 42);
	assert_int_equal(in_child(call_address, code + sizeof(answer)), -SIGTRAP);
	jit_region_close(region);
}

static size_t start_of(bool random_start, uint64_t seed)
{
	struct jit_region *region = seal_answer(random_start, seed);
	uint8_t *code = address_of(region);
	struct mapping m;
	size_t start;

	assert_int_equal(call_answer(region), 42);
	assert_true(mapping_at(code, &m));
	start = (uintptr_t)code - m.start;
	jit_region_close(region);
	return start;
}

static void test_random_start(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t starts[64];
	unsigned same = 0;

	for (size_t i = 0; i < COUNT(starts); i++) {
		assert_int_equal(start_of(false, i), 0);
		starts[i] = start_of(true, i);
		assert_int_equal(starts[i] % 16, 0);
		assert_true(starts[i] <= 2 * page - sizeof(answer));
		assert_int_equal(start_of(true, i), starts[i]);
		for (size_t j = 0; j < i; j++)
			same += starts[j] == starts[i];
	}
	/* 64 of 512 places: about four pairs meet, and as seeds are given always the same. */
	assert_true(same < 16);
}

static void test_near(void **state)
{
	struct jit_region *region = seal_answer(false, 0);
	int64_t distance = (int64_t)(jit_region_address(region) - (uintptr_t)jit_region_open);

	assert_true(distance == (int32_t)distance);
	jit_region_close(region);
}

static void test_close_gives_back(void **state)
{
	unsigned before = open_descriptors();
	struct jit_region *regions[64];
	struct mapping m;

	for (size_t i = 0; i < COUNT(regions); i++)
		regions[i] = i % 2 ? seal_answer(true, i) : open_answer(true, i);
	for (size_t i = 0; i < COUNT(regions); i++) {
		uint8_t *code = address_of(regions[i]);

		if (i % 2)
			assert_int_equal(call_answer(regions[i]), 42);
		assert_true(mapping_at(code, &m));
		jit_region_close(regions[i]);
		assert_false(mapping_at(code, &m));
	}
	assert_int_equal(open_descriptors(), before);
	jit_region_close(NULL);
}

/* ---- Where the system refuses ---- */

/* System call @nr fails with EPERM if its third argument has the bits @mask (0: always). */
static void refuse_call(unsigned nr, uint32_t mask)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, mask, 0, mask ? 1 : 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {.len = COUNT(filter), .filter = filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &prog))
		_exit(100);
}

/* Code runs, from memory whose line in maps has the permissions @opaque. */
static int runs_from(void *opaque)
{
	struct jit_region *region;
	struct mapping m;
	uint8_t *start;
	int got;

	if (jit_region_open(sizeof(answer), false, 0, &region, &start, NULL))
		return 1;
	memcpy(start, answer, sizeof(answer));
	if (any_writable_code() || jit_region_seal(region, NULL))
		return 2;
	if (!mapping_at(address_of(region), &m) || strcmp(m.perms, opaque))
		return 3;
	if (any_writable_code())
		return 4;
	got = call_answer(region);
	jit_region_close(region);
	return got;
}

static int without_memfd(void *opaque)
{
	refuse_call(SYS_memfd_create, 0);
	return runs_from(opaque);
}

static int without_executable_memfd(void *opaque)
{
	refuse_call(SYS_fcntl, 0);
	return runs_from(opaque);
}

static void test_anonymous(void **state)
{
	char perms[] = "r-xp";

	assert_int_equal(in_child(without_memfd, perms), 42);
	assert_int_equal(in_child(without_executable_memfd, perms), 42);
	/* perf looks for names in anonymous memory alone. */
	bpfe_perf_map(true);
	assert_int_equal(runs_from(perms), 42);
	bpfe_perf_map(false);
}

/* Executable memory somewhere fails, as a descriptor for writing makes it do before Linux 6.7; at a
 * fixed address it does not. */
static int without_writable_descriptor(void *opaque)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mmap, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[3])),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, MAP_FIXED, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = {.len = COUNT(filter), .filter = filter};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_SECCOMP, 2, &prog))
		return 100;
	return runs_from(opaque);
}

/* The first test: what the kernel does is found out once. */
static void test_read_only_descriptor(void **state)
{
	char perms[] = "r-xs";

	assert_int_equal(in_child(without_writable_descriptor, perms), 42);
}

/* What systemd's MemoryDenyWriteExecute= does: a memfd's pages may still become code. */
static int without_exec_gain(void *opaque)
{
	if (prctl(PR_SET_MDWE, MDWE_REFUSE_EXEC_GAIN, 0, 0, 0))
		return 101;
	return runs_from(opaque);
}

static void test_exec_gain_refused(void **state)
{
	char perms[] = "r-xs";
	int got = in_child(without_exec_gain, perms);

	if (got == 101)
		skip(); /* before Linux 6.3 */
	assert_int_equal(got, 42);
}

static int refused(void *opaque)
{
	char *text = opaque;
	struct bpfe_log log = {.buf = text, .size = 1024};
	struct jit_region *region;
	uint8_t *start;

	refuse_call(SYS_memfd_create, 0);
	refuse_call(SYS_mprotect, PROT_EXEC);
	if (jit_region_open(sizeof(answer), false, 0, &region, &start, &log))
		return 1;
	if (jit_region_seal(region, &log) != -EPERM)
		return 2;
	jit_region_close(region);
	return 0;
}

static void test_refused(void **state)
{
	char *text = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	assert_ptr_not_equal(text, MAP_FAILED);
	assert_int_equal(in_child(refused, text), 0);
	assert_string_equal(
		text,
		"executable memory is refused: mprotect(PROT_EXEC) of anonymous memory: Operation "
		"not permitted. Allow it (SELinux: execmem; systemd: MemoryDenyWriteExecute=no; "
		"sysctl: vm.memfd_noexec below 2; seccomp: memfd_create, or mprotect with "
		"PROT_EXEC), or have programs interpreted\n");
	munmap(text, 4096);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_only_descriptor),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_trimmed),
		cmocka_unit_test(test_never_writable),
		cmocka_unit_test(test_sealed),
		cmocka_unit_test(test_guards),
		cmocka_unit_test(test_padding_traps),
		cmocka_unit_test(test_random_start),
		cmocka_unit_test(test_near),
		cmocka_unit_test(test_close_gives_back),
		cmocka_unit_test(test_anonymous),
		cmocka_unit_test(test_exec_gain_refused),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("jit exec_mem", tests, NULL, NULL);
}

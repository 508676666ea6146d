/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Host CPUs that share a core, of made-up hosts, and what a vCPU is told of it. */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cores.h"
#include "vm_test.h"

static char folder[64];

/* ---- A host's folder ------------------------------------------------------------------------ */

static int host_setup(void **state)
{
	snprintf(folder, sizeof(folder), "/tmp/pvs-cores-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int host_teardown(void **state)
{
	return nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void make_folder(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	assert_int_equal(mkdir(path, 0700), 0);
}

/* CPU @cpu, of whose core @list says what @text is; NULL: it is offline, nothing is said. */
static void make_cpu(unsigned cpu, const char *list, const char *text)
{
	char name[32], path[160];
	FILE *file;

	snprintf(name, sizeof(name), "cpu%u", cpu);
	make_folder(name);
	if (!text)
		return;
	snprintf(name, sizeof(name), "cpu%u/topology", cpu);
	make_folder(name);
	snprintf(path, sizeof(path), "%s/%s/%s", folder, name, list);
	file = fopen(path, "we");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static struct pvs_cores *read_host(void)
{
	struct pvs_cores *cores = NULL;

	assert_int_equal(pvs_cores_read(folder, &cores), 0);
	return cores;
}

/* One after the other they lead from @cpus[0] back to it, each once. */
static void expect_core(const struct pvs_cores *cores, const uint32_t *cpus, unsigned n)
{
	uint32_t cpu = cpus[0];
	unsigned seen = 0, steps = 0;

	do {
		for (unsigned i = 0; i < n; i++)
			seen |= cpu == cpus[i] ? 1u << i : 0;
		cpu = pvs_cores_next(cores, cpu);
		assert_true(++steps <= n);
	} while (cpu != cpus[0]);
	assert_int_equal(steps, n);
	assert_int_equal(seen, (1u << n) - 1);
}

#define CORE(...) (const uint32_t[]){__VA_ARGS__}, sizeof((uint32_t[]){__VA_ARGS__}) / 4

static void test_two_to_a_core(void **state)
{
	struct pvs_cores *cores;

	make_cpu(0, "thread_siblings_list", "0,2\n");
	make_cpu(1, "thread_siblings_list", "1,3\n");
	make_cpu(2, "thread_siblings_list", "0,2\n");
	make_cpu(3, "thread_siblings_list", "1,3\n");
	make_folder("cpufreq");
	make_folder("cpu9x");
	make_folder("cpu-1");
	cores = read_host();
	expect_core(cores, CORE(0, 2));
	expect_core(cores, CORE(1, 3));
	expect_core(cores, CORE(4));
	expect_core(cores, CORE(9));
	expect_core(cores, CORE(UINT32_MAX));
	pvs_cores_free(cores);
}

static void test_four_to_a_core(void **state)
{
	struct pvs_cores *cores;

	for (unsigned cpu = 0; cpu < 12; cpu++)
		make_cpu(cpu, "core_cpus_list", cpu < 4 ? "0-3\n" : cpu < 8 ? "4-7\n" : "8-11\n");
	cores = read_host();
	expect_core(cores, CORE(2, 0, 1, 3));
	expect_core(cores, CORE(4, 5, 6, 7));
	expect_core(cores, CORE(11, 10, 9, 8));
	pvs_cores_free(cores);
}

/* No SMT; one that is offline; one whose core says nothing that could be understood. */
static void test_alone(void **state)
{
	struct pvs_cores *cores;

	make_cpu(0, "core_cpus_list", "0\n");
	make_cpu(1, "core_cpus_list", "1\n");
	make_cpu(2, "", NULL);
	make_cpu(3, "core_cpus_list", "\n");
	make_cpu(4, "core_cpus_list", "4294967295\n");
	cores = read_host();
	for (uint32_t cpu = 0; cpu < 6; cpu++)
		expect_core(cores, CORE(cpu));
	pvs_cores_free(cores);
}

/* Nothing is known where there is nothing. */
static void test_no_folder(void **state)
{
	struct pvs_cores *cores = NULL;
	char path[128];

	snprintf(path, sizeof(path), "%s/nonesuch", folder);
	assert_int_equal(pvs_cores_read(path, &cores), -ENOENT);
	assert_null(cores);
	expect_core(NULL, CORE(3));
	pvs_cores_got(NULL, 3, 1);
	assert_int_equal(pvs_cores_vcpu(NULL, 3), 0);
	pvs_cores_free(NULL);
	cores = read_host();
	expect_core(cores, CORE(0));
	pvs_cores_free(cores);
}

/* ---- What vCPUs are told -------------------------------------------------------------------- */

static int host_vm_setup(void **state)
{
	return host_setup(state) || vm_setup(state);
}

static int host_vm_teardown(void **state)
{
	return vm_teardown(state) || host_teardown(state);
}

static void start_on_pairs(void)
{
	for (unsigned cpu = 0; cpu < 8; cpu++) {
		char list[16];

		snprintf(list, sizeof(list), "%u,%u\n", cpu % 4, cpu % 4 + 4);
		make_cpu(cpu, "core_cpus_list", list);
	}
	vm_start(&f, &(struct pvs_vm_config){.sources = PVS_SRC_SWITCH, .host_cpus = folder});
}

static void runs(uint32_t vcpu, uint32_t cpu)
{
	f.now += MS;
	pvs_vm_switch(f.vm,
		      &(struct pvs_switch){
			      .ns = f.now, .vcpu = vcpu, .cpu = cpu, .event = PVS_EVENT_VCPU_RUN});
}

/* Host CPU and sibling on @vcpu's page, both -1 if they are not told. */
static void expect_told(uint32_t vcpu, int cpu, int sibling)
{
	assert_int_equal((int)(f.host[vcpu].capacity >> 24 & 0xffff) - 1, cpu);
	assert_int_equal((int)(f.host[vcpu].capacity >> 40 & 0xffff) - 1, sibling);
	assert_int_equal(f.host[vcpu].capacity >> 56, 0);
}

static void test_sibling_is_told(void **state)
{
	start_on_pairs();
	expect_told(0, -1, -1);
	runs(0, 1);
	expect_told(0, 1, -1);
	runs(3, 5);
	expect_told(3, 5, 0);
	expect_told(0, 1, -1);
	tick(&f); /* what changed by another's doing, with the tick */
	expect_told(0, 1, 3);
	expect_told(1, -1, -1);
	/* It goes to another core; nobody is interrupted for that. */
	runs(3, 6);
	expect_told(3, 6, -1);
	tick(&f);
	expect_told(0, 1, -1);
	for (unsigned i = 1; i <= VCPUS; i++)
		assert_int_equal(f.vcpu_notices[i], 0);
}

static void test_sibling_is_the_last_one(void **state)
{
	start_on_pairs();
	runs(0, 0);
	runs(1, 4);
	runs(2, 4);
	runs(0, 0);
	expect_told(0, 0, 2);
	/* The one before it did not leave a trace there, though it was nowhere else yet. */
	runs(2, 7);
	runs(0, 0);
	expect_told(0, 0, -1);
	runs(1, 4);
	runs(0, 0);
	expect_told(0, 0, 1);
	/* The same CPU is not shared with oneself. */
	runs(1, 0);
	expect_told(1, 0, -1);
}

static void test_sibling_unplugged(void **state)
{
	start_on_pairs();
	runs(0, 2);
	runs(1, 6);
	pvs_vm_vcpu_remove(f.vm, 1);
	runs(0, 2);
	expect_told(0, 2, -1);
	/* Another begins without a CPU. */
	assert_int_equal(pvs_vm_vcpu_add(f.vm, 1, TID(1), NULL), 0);
	runs(0, 2);
	expect_told(0, 2, -1);
	expect_told(1, -1, -1);
}

static void test_no_smt(void **state)
{
	make_cpu(0, "core_cpus_list", "0\n");
	make_cpu(1, "core_cpus_list", "1\n");
	vm_start(&f, &(struct pvs_vm_config){.sources = PVS_SRC_SWITCH, .host_cpus = folder});
	runs(0, 0);
	runs(1, 1);
	runs(2, 2); /* came later */
	tick(&f);
	for (uint32_t v = 0; v < 3; v++)
		expect_told(v, (int)v, -1);
}

/* Not to know it is no reason not to go on. */
static void test_host_says_nothing(void **state)
{
	char text[256] = "", path[128], expected[256];
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	struct pvs_vm *vm;

	snprintf(path, sizeof(path), "%s/nonesuch", folder);
	assert_int_equal(
		pvs_vm_create(&(struct pvs_vm_config){.n_vcpus = 1, .host_cpus = path}, &vm, &log),
		0);
	pvs_vm_destroy(vm);
	snprintf(expected, sizeof(expected),
		 "no siblings are told: %s: No such file or directory\n", path);
	assert_string_equal(text, expected);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_two_to_a_core, host_setup, host_teardown),
		cmocka_unit_test_setup_teardown(test_four_to_a_core, host_setup, host_teardown),
		cmocka_unit_test_setup_teardown(test_alone, host_setup, host_teardown),
		cmocka_unit_test_setup_teardown(test_no_folder, host_setup, host_teardown),
		cmocka_unit_test_setup_teardown(test_sibling_is_told, host_vm_setup,
						host_vm_teardown),
		cmocka_unit_test_setup_teardown(test_sibling_is_the_last_one, host_vm_setup,
						host_vm_teardown),
		cmocka_unit_test_setup_teardown(test_sibling_unplugged, host_vm_setup,
						host_vm_teardown),
		cmocka_unit_test_setup_teardown(test_no_smt, host_vm_setup, host_vm_teardown),
		cmocka_unit_test_setup_teardown(test_host_says_nothing, host_setup, host_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

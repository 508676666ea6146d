/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The host's scheduler as actuator, on threads of this process. It takes a kernel with sched_ext
 * and makes itself the scheduler of all threads for a few seconds: elsewhere only the refusal is
 * tested.
 */
#include "policy_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "kernel_host.h"
#include "kernel_scx.h"
#include "worker.h"

#define MS           1000000ull
#define LEAST_RUN    (200 * MS)
#define MOST_RUN     (10000 * MS)
#define SCX_STATE    "/sys/kernel/sched_ext/state"
#define ALL_FEATURES (PVS_F_INTENT | PVS_F_CS | PVS_F_STATE)

enum {
	VCPUS = 2
};

static struct pvs_host_page host_pages[VCPUS];
static struct pvs_kernel_host *host;
static struct pvs_scx *scx;
static struct pvs_actuator recorder, actuator;
static struct worker workers[VCPUS];
static void *threads[VCPUS]; /* the actuator's handles */

/* ---- Set-up ---------------------------------------------------------------------------------- */

static void scheduler_begin(void)
{
	char text[4096] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};

	if (pvs_kernel_host_create(0, VCPUS, true, &host, &log)) {
		fprintf(stderr, "%s", text);
		fail();
	}
	assert_int_equal(pvs_actuator_recorder(PVS_ACT_ALL, &recorder), 0);
	if (pvs_scx_open(host, &scx, &log)) {
		fprintf(stderr, "%s", text);
		fail();
	}
	assert_int_equal(pvs_actuator_scx(scx, &recorder, &actuator), 0);
}

static void scheduler_end(void)
{
	pvs_actuator_scx_close(&actuator);
	pvs_scx_close(scx);
	pvs_actuator_recorder_close(&recorder);
	pvs_kernel_host_destroy(host);
}

/* Two threads that want the same CPU all the time. */
static void rivals_begin(void)
{
	for (unsigned i = 0; i < VCPUS; i++) {
		worker_start(&workers[i], true, worker_some_cpu());
		assert_int_equal(
			actuator.ops->capture(actuator.opaque, workers[i].tid, &threads[i]), 0);
	}
}

static void rivals_end(void)
{
	for (unsigned i = 0; i < VCPUS; i++) {
		actuator.ops->release(actuator.opaque, threads[i]);
		worker_finish(&workers[i]);
	}
}

static int setup(void **state)
{
	scheduler_begin();
	rivals_begin();
	return 0;
}

static int teardown(void **state)
{
	rivals_end();
	scheduler_end();
	return 0;
}

/* ---- What is seen ---------------------------------------------------------------------------- */

static uint64_t run_ns(const struct worker *worker)
{
	char path[64];
	uint64_t ns;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/task/%d/schedstat", (int)worker->tid);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%" SCNu64, &ns), 1);
	fclose(file);
	return ns;
}

static bool evenly(const uint64_t ran[VCPUS])
{
	return ran[0] < 3 * ran[1] && ran[1] < 3 * ran[0];
}

static bool the_first(const uint64_t ran[VCPUS])
{
	return ran[0] > 10 * ran[1];
}

static bool the_second(const uint64_t ran[VCPUS])
{
	return ran[1] > 10 * ran[0];
}

static bool also_the_second(const uint64_t ran[VCPUS])
{
	return ran[1] > 50 * MS;
}

/*
 * Do they come to run so, from now on, when both together ran for a while? A machine that stalls
 * counts for whoever is on the CPU just then, so that one look says nothing; the scheduler makes up
 * for it.
 */
static bool come_to_run(bool (*so)(const uint64_t ran[VCPUS]))
{
	const uint64_t begin[VCPUS] = {run_ns(&workers[0]), run_ns(&workers[1])};
	const struct timespec nap = {.tv_nsec = MS};
	uint64_t ran[VCPUS], both;

	do {
		nanosleep(&nap, NULL);
		for (unsigned i = 0; i < VCPUS; i++)
			ran[i] = run_ns(&workers[i]) - begin[i];
		both = ran[0] + ran[1];
		if (both >= LEAST_RUN && so(ran))
			return true;
	} while (both < MOST_RUN);
	return false;
}

static void apply(unsigned worker, const struct pvs_sched *sched)
{
	assert_int_equal(actuator.ops->apply(actuator.opaque, threads[worker], sched), 0);
}

static void expect_state(const char *want)
{
	char state[32] = "";
	FILE *file = fopen(SCX_STATE, "re");

	assert_non_null(file);
	assert_non_null(fgets(state, sizeof(state), file));
	fclose(file);
	state[strcspn(state, "\n")] = '\0';
	assert_string_equal(state, want);
}

/* ---- Tests ----------------------------------------------------------------------------------- */

static void is_the_scheduler(void **state)
{
	struct pvs_kernel_host *another;
	char text[512] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};
	struct pvs_scx_stats stats;

	expect_state("enabled");
	pvs_scx_stats(scx, &stats);
	assert_true(stats.running);
	assert_string_equal(stats.end, "");
	assert_int_equal(pvs_kernel_host_create(1, 1, true, &another, &log), -EBUSY);
	assert_string_equal(text,
			    "the scheduler 'sluice_pvs' is loaded already, and the kernel takes "
			    "one at a time (/sys/kernel/sched_ext/root/ops): end the program that "
			    "loaded it\n");
	teardown(state);
	expect_state("disabled");
	setup(state);
}

static void shares_without_grants(void **state)
{
	assert_true(come_to_run(evenly));
}

static void nice_is_a_share(void **state)
{
	apply(0, &(struct pvs_sched){.set = PVS_SET_NICE, .nice = -10});
	apply(1, &(struct pvs_sched){.set = PVS_SET_NICE, .nice = 10});
	/* 86 : 1 by weights. */
	assert_true(come_to_run(the_first));
	actuator.ops->restore(actuator.opaque, threads[0]);
	actuator.ops->restore(actuator.opaque, threads[1]);
}

static void priority_goes_first(void **state)
{
	/* The first runs alone, until the second has a greater one... */
	apply(0, &(struct pvs_sched){.set = PVS_SET_FIFO, .prio = 10});
	assert_true(come_to_run(the_first));
	apply(1, &(struct pvs_sched){.set = PVS_SET_FIFO, .prio = 11});
	assert_true(come_to_run(the_second));
	/* ...or none has any. */
	actuator.ops->restore(actuator.opaque, threads[1]);
	assert_true(come_to_run(the_first));
	actuator.ops->restore(actuator.opaque, threads[0]);
	assert_true(come_to_run(also_the_second));
}

static void others_do_the_rest(void **state)
{
	const struct pvs_actuator_note *notes;
	size_t n;

	apply(0, &(struct pvs_sched){
			 .set = PVS_SET_NICE | PVS_SET_AFFINITY, .nice = 3, .affinity = 1});
	n = pvs_actuator_recorder_notes(&recorder, &notes);
	assert_int_equal(n, 1);
	assert_int_equal(notes[0].tid, workers[0].tid);
	assert_int_equal(notes[0].sched.set, PVS_SET_AFFINITY);
}

static void judged_unless_outdated(void **state)
{
	const uint64_t first = 1ull << 40; /* the kernel's grants are numbered from 1 */

	/* Nothing was granted with this number: what was judged about it comes too late. */
	pvs_actuator_scx_judge_begin(&actuator, workers[0].tid);
	apply(0, &(struct pvs_sched){.set = PVS_SET_FIFO, .prio = 10});
	pvs_actuator_scx_judge_end(&actuator, first);
	assert_true(come_to_run(also_the_second));
	/* With the one it has, it is in effect at the end. */
	pvs_actuator_scx_judge_begin(&actuator, workers[0].tid);
	pvs_actuator_scx_judge_end(&actuator, 0);
	assert_true(come_to_run(the_first));
}

static void rescued(void **state)
{
	apply(0, &(struct pvs_sched){.set = PVS_SET_FIFO, .prio = 10});
	actuator.ops->rescue(actuator.opaque);
	assert_true(come_to_run(also_the_second));
}

/* The kernel ends a scheduler for many reasons; this one is the administrator's. */
static void ended_by_the_kernel(void **state)
{
	const int fd = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
	const struct pvs_actuator_note *notes;
	const struct timespec nap = {.tv_nsec = MS};
	struct pvs_scx_stats stats;

	if (fd < 0)
		skip();
	assert_int_equal(write(fd, "S", 1), 1);
	close(fd);
	do {
		nanosleep(&nap, NULL);
		pvs_scx_stats(scx, &stats);
	} while (stats.running);
	assert_non_null(strstr(stats.end, "sysrq"));
	/* All is the other actuator's from now on. */
	apply(0, &(struct pvs_sched){.set = PVS_SET_NICE, .nice = -3});
	assert_int_equal(pvs_actuator_recorder_notes(&recorder, &notes), 1);
	assert_int_equal(notes[0].sched.nice, -3);
}

/* ---- Decided in the kernel ------------------------------------------------------------------- */

static struct pvs_vm *vm;
static struct pvs_loop *loop;
static struct pvs_live *live;
static struct pvs_vcpu_stats stats_now;

static void look(void *opaque)
{
	pvs_vm_vcpu_stats(vm, 1, &stats_now);
}

static void negotiate(void *opaque)
{
	pvs_vm_negotiated(vm, ALL_FEATURES, 1);
}

/* The vCPU's grant. */
static uint64_t granted(const struct worker *vcpu)
{
	const pid_t tid = vcpu->tid;
	struct scx_grant grant;

	assert_int_equal(bpf_map_lookup_elem(pvs_kernel_host_map(host, "grants"), &tid, &grant), 0);
	return grant.word;
}

static void vm_begin(struct worker *vcpu, struct pvs_policy *policy)
{
	const struct pvs_vm_config config = {
		.name = "scx",
		.n_vcpus = VCPUS,
		.guest = pvs_kernel_host_pages(host),
		.host = host_pages,
		.sources = PVS_SRC_SWITCH | PVS_SRC_HALT,
		.actuator = actuator,
	};

	assert_int_equal(pvs_vm_create(&config, &vm, NULL), 0);
	worker_start(vcpu, false, WORKER_ANY_CPU);
	assert_int_equal(pvs_vm_vcpu_add(vm, 1, vcpu->tid, NULL), 0);
	assert_int_equal(pvs_loop_create("pvs-scx", &loop, NULL), 0);
	assert_int_equal(pvs_loop_add(loop, vm, NULL, NULL), 0);
	assert_int_equal(pvs_live_create(loop, vm, host, true, &live, NULL), 0);
	assert_int_equal(pvs_kernel_host_add(host, 1, vcpu->tid), 0);
	pvs_loop_call(loop, negotiate, NULL);
	assert_int_equal(pvs_live_set_policy(live, policy, false, NULL), 0);
}

static void vm_end(struct worker *vcpu)
{
	pvs_live_destroy(live);
	pvs_loop_remove(loop, vm);
	pvs_loop_destroy(loop);
	pvs_vm_destroy(vm);
	worker_finish(vcpu);
}

static struct pvs_policy *kernel_policy(const char *name)
{
	return policy_opened(test_object(name),
			     &(struct pvs_policy_options){.host = PVS_HOST_KERNEL});
}

static void decided_and_in_effect(void **state)
{
	struct pvs_policy *policy = kernel_policy("live");
	const struct pvs_actuator_note *notes;
	struct pvs_scx_stats stats;
	struct pvs_kernel_stats kernel;
	struct worker vcpu;
	uint64_t word;

	vm_begin(&vcpu, policy);
	do {
		worker_go_on(&vcpu);
		sched_yield();
		pvs_loop_call(loop, look, NULL);
		pvs_scx_stats(scx, &stats);
	} while (stats_now.events[PVS_EVENT_HALT] < 20 || stats.in_place < 2);
	assert_int_equal(stats_now.boost, PVS_BOOST_RT);
	assert_int_equal(stats_now.set, PVS_SET_NICE | PVS_SET_SLICE);
	/* It is judged when the loop has heard of the last halt, or that it was preempted on the
	 * way. */
	while ((word = granted(&vcpu)) & GRANT_PROVISIONAL)
		pvs_loop_call(loop, look, NULL);
	assert_int_equal(grant_slice_ns(word), MS);
	assert_in_range(-grant_nice(word), PVS_EVENT_VCPU_STOP, PVS_EVENT_HALT);
	/* Nobody was asked to do it in user space. */
	assert_int_equal(pvs_actuator_recorder_notes(&recorder, &notes), 0);
	pvs_kernel_host_stats(host, &kernel);
	assert_int_equal(kernel.lost, 0);
	vm_end(&vcpu);
	pvs_policy_put(policy);
}

/* A hint that is answered, and a switch that is not: two events, of which one has a grant. */
static void hint_and_then_nothing(void **state)
{
	struct pvs_policy *policy = kernel_policy("live_hint_only");
	struct pvs_guest_page *page = &pvs_kernel_host_pages(host)[1];
	struct pvs_scx_stats stats;
	struct worker vcpu;
	uint64_t entered = 0;

	vm_begin(&vcpu, policy);
	do {
		entered++;
		pvs_guest_set_cs(page, entered & 1 ? PVS_CS_LOCK : 0, entered);
		worker_go_on(&vcpu);
		sched_yield();
		pvs_loop_call(loop, look, NULL);
		pvs_scx_stats(scx, &stats);
	} while (stats_now.events[PVS_EVENT_HINT] < 10 || !stats.in_place);
	assert_int_equal(granted(&vcpu) & GRANT_SCHED,
			 grant_of_nice(-PVS_EVENT_HINT) | grant_of_slice(MS));
	vm_end(&vcpu);
	pvs_policy_put(policy);
}

static void refused_without(void **state)
{
	char text[512] = "";
	struct pvs_log log = {.buf = text, .size = sizeof(text)};

	if (access(SCX_STATE, F_OK) == 0)
		skip();
	assert_int_equal(pvs_kernel_host_create(0, VCPUS, true, &host, &log), -ENOTSUP);
	assert_null(host);
	assert_string_equal(text,
			    "this kernel has no sched_ext: needs Linux 7.1 or later with "
			    "CONFIG_SCHED_CLASS_EXT (/sys/kernel/sched_ext/state is not there); "
			    "policy-host=live decides in the kernel without it\n");
}

int main(void)
{
	const struct CMUnitTest without[] = {
		cmocka_unit_test(refused_without),
	};
	const struct CMUnitTest with[] = {
		cmocka_unit_test_setup_teardown(is_the_scheduler, setup, teardown),
		cmocka_unit_test_setup_teardown(shares_without_grants, setup, teardown),
		cmocka_unit_test_setup_teardown(nice_is_a_share, setup, teardown),
		cmocka_unit_test_setup_teardown(priority_goes_first, setup, teardown),
		cmocka_unit_test_setup_teardown(others_do_the_rest, setup, teardown),
		cmocka_unit_test_setup_teardown(judged_unless_outdated, setup, teardown),
		cmocka_unit_test_setup_teardown(rescued, setup, teardown),
		cmocka_unit_test_setup_teardown(decided_and_in_effect, setup, teardown),
		cmocka_unit_test_setup_teardown(hint_and_then_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(ended_by_the_kernel, setup, teardown),
	};

	if (access(SCX_STATE, F_OK))
		return run_policy_tests(without);
	return run_policy_tests(with);
}

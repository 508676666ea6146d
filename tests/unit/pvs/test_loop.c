/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The loop's thread with mailboxes, timers and descriptors; waits on what is to happen. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sched_sys.h"
#include "vm_fixture.h"

static struct {
	struct fixture f;
	struct pvs_loop *loop;
	struct pvs_mailbox *mailbox;
	sem_t ran;
	uint32_t wanted; /* enum pvs_event; atomic */
} t;

/* Tells the test of each event it waits for. */
static int tell(struct pvs_policy *policy, struct pvs_ctx *ctx)
{
	if (ctx->event == __atomic_load_n(&t.wanted, __ATOMIC_RELAXED))
		sem_post(&t.ran);
	ctx->out = policy->out;
	ctx->out.target = ctx->vcpu;
	return ctx->event == PVS_EVENT_KICK ? policy->verdict : PVS_KEEP;
}

static void wait_for(sem_t *sem)
{
	while (sem_wait(sem))
		;
}

static int setup(void **state)
{
	memset(&t, 0, sizeof(t));
	sem_init(&t.ran, 0, 0);
	t.wanted = PVS_EVENT_KICK;
	t.f.policy.run = tell;
	t.f.policy.callbacks = PVS_DOUBLE_ALL;
	vm_start(&t.f, NULL);
	assert_int_equal(pvs_mailbox_create(VCPUS, &t.mailbox), 0);
	assert_int_equal(pvs_loop_create("pvs-test", &t.loop, NULL), 0);
	return 0;
}

static void start(void)
{
	assert_int_equal(pvs_loop_add(t.loop, t.f.vm, t.mailbox, NULL), 0);
}

static int teardown(void **state)
{
	pvs_loop_remove(t.loop, t.f.vm);
	pvs_loop_destroy(t.loop);
	pvs_mailbox_destroy(t.mailbox);
	vm_end(&t.f);
	sem_destroy(&t.ran);
	return 0;
}

static void test_kick(void **state)
{
	start();
	for (unsigned i = 0; i < 100; i++) {
		pvs_mailbox_post(t.mailbox, i % VCPUS, 1u << PVS_EVENT_KICK);
		wait_for(&t.ran);
	}
	pvs_loop_remove(t.loop, t.f.vm);
	for (uint32_t v = 0; v < VCPUS; v++)
		assert_int_equal(stats_of(&t.f, v).events[PVS_EVENT_KICK], 25);
}

/* A preempted vCPU's policy is told whether others wait for what it holds. */
static void test_who_holds_a_lock(void **state)
{
	vm_end(&t.f);
	t.f.policy.run = tell;
	t.f.policy.callbacks = PVS_DOUBLE_ALL;
	vm_start(&t.f, &(struct pvs_vm_config){.sources = PVS_SRC_SWITCH});
	start();
	pvs_mailbox_lock(t.mailbox, 1, true);
	pvs_mailbox_post(t.mailbox, 1, 1u << PVS_EVENT_VCPU_STOP | 1u << PVS_EVENT_KICK);
	wait_for(&t.ran);
	assert_int_equal(t.f.policy.last.held, PVS_HELD_VMM);
	pvs_mailbox_post(t.mailbox, 1, 1u << PVS_EVENT_VCPU_RUN | 1u << PVS_EVENT_KICK);
	wait_for(&t.ran);
	assert_int_equal(t.f.policy.last.held, 0);
	/* It waits for something, and gave the lock up for that without a word. */
	pvs_mailbox_post(t.mailbox, 1, 1u << PVS_EVENT_HALT | 1u << PVS_EVENT_KICK);
	wait_for(&t.ran);
	assert_int_equal(t.f.policy.last.held, 0);
	pvs_mailbox_post(t.mailbox, 2, 1u << PVS_EVENT_VCPU_STOP | 1u << PVS_EVENT_KICK);
	wait_for(&t.ran);
	assert_int_equal(t.f.policy.last.held, 0);
}

static void test_another_process_end(void **state)
{
	struct pvs_mailbox *other;

	start();
	assert_int_equal(pvs_mailbox_from_fds(pvs_mailbox_memfd(t.mailbox),
					      pvs_mailbox_eventfd(t.mailbox), VCPUS, &other),
			 0);
	pvs_mailbox_post(other, 2, 1u << PVS_EVENT_KICK);
	wait_for(&t.ran);
	pvs_mailbox_destroy(other);
}

/* Its own process says that a vCPU is halted, the host's scheduler does not: it is not. */
static void test_another_process_claims_a_halt(void **state)
{
	struct pvs_mailbox *theirs = t.mailbox;

	vm_end(&t.f);
	t.f.policy.run = tell;
	t.f.policy.callbacks = PVS_DOUBLE_ALL;
	vm_start(&t.f, &(struct pvs_vm_config){.sources = PVS_SRC_SWITCH | PVS_SRC_HALT});
	event(&t.f, 1, PVS_EVENT_VCPU_RUN);
	assert_int_equal(pvs_mailbox_from_fds(pvs_mailbox_memfd(theirs),
					      pvs_mailbox_eventfd(theirs), VCPUS, &t.mailbox),
			 0);
	start();
	pvs_mailbox_post(theirs, 1, 1u << PVS_EVENT_HALT | 1u << PVS_EVENT_KICK);
	wait_for(&t.ran);
	pvs_loop_remove(t.loop, t.f.vm);
	assert_int_equal(stats_of(&t.f, 1).run_state, PVS_RUN_RUNNING);
	assert_int_equal(stats_of(&t.f, 1).events[PVS_EVENT_KICK], 1);
	assert_int_equal(stats_of(&t.f, 1).events[PVS_EVENT_HALT], 0);
	pvs_mailbox_destroy(theirs);
}

static void test_ticks(void **state)
{
	t.wanted = PVS_EVENT_TICK;
	start();
	for (unsigned i = 0; i < 5 * VCPUS; i++)
		wait_for(&t.ran);
}

static void test_boost_ends_without_an_event(void **state)
{
	const struct pvs_decision d = {.set = PVS_SET_NICE,
				       .nice = -5,
				       .boost = PVS_BOOST_RT,
				       .hold_ns = 300000,
				       .target = PVS_DOUBLE_SELF};
	struct pvs_vcpu_stats stats;

	answer(&t.f, PVS_APPLY, &d);
	start();
	pvs_mailbox_post(t.mailbox, 1, 1u << PVS_EVENT_KICK);
	wait_for(&t.ran);
	__atomic_store_n(&t.wanted, PVS_EVENT_TICK, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < 3 * VCPUS; i++)
		wait_for(&t.ran);
	pvs_loop_remove(t.loop, t.f.vm);
	stats = stats_of(&t.f, 1);
	assert_int_equal(stats.applied, 1);
	assert_int_equal(stats.restored, 1);
	assert_int_equal(stats.boost, PVS_BOOST_NONE);
	expect_restored(&t.f, 1);
}

static void where(void *opaque)
{
	*(pid_t *)opaque = (pid_t)syscall(SYS_gettid);
}

static void *caller(void *opaque)
{
	for (unsigned i = 0; i < 200; i++) {
		pid_t tid = 0;

		pvs_loop_call(t.loop, where, &tid);
		if (tid != pvs_loop_tid(t.loop))
			return opaque;
	}
	return NULL;
}

static void test_calls(void **state)
{
	pthread_t threads[4];
	void *failed;

	start();
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, caller, &t), 0);
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
}

static void on_fd(void *opaque, int fd)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) != sizeof(count))
		abort();
	pvs_loop_watch(t.loop, fd, NULL, NULL); /* from the loop, in its own event */
	sem_post(opaque);
}

static void test_watch(void **state)
{
	const uint64_t one = 1;
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	assert_int_equal(pvs_loop_watch(t.loop, fd, on_fd, &t.ran), 0);
	assert_int_equal(pvs_loop_watch(t.loop, fd, on_fd, &t.ran), -EEXIST);
	assert_int_equal(write(fd, &one, sizeof(one)), sizeof(one));
	wait_for(&t.ran);
	assert_int_equal(pvs_loop_watch(t.loop, fd, NULL, NULL), -ENOENT);
	close(fd);
	start();
}

static void test_two_vms(void **state)
{
	struct fixture other = {.policy = {.run = tell, .callbacks = PVS_DOUBLE_ALL}};
	struct pvs_mailbox *mailbox;

	vm_start(&other, NULL);
	start();
	assert_int_equal(pvs_loop_add(t.loop, other.vm, NULL, NULL), 0);
	mailbox = pvs_loop_mailbox(t.loop, other.vm);
	assert_non_null(mailbox);
	assert_ptr_equal(pvs_loop_mailbox(t.loop, t.f.vm), t.mailbox);
	pvs_mailbox_post(mailbox, 3, 1u << PVS_EVENT_KICK);
	wait_for(&t.ran);
	pvs_loop_remove(t.loop, other.vm);
	assert_null(pvs_loop_mailbox(t.loop, other.vm));
	assert_int_equal(stats_of(&other, 3).events[PVS_EVENT_KICK], 1);
	vm_end(&other);
}

/* A vCPU that is said to be halted and runs all the same is charged what it ran. */
static void *spin(void *opaque)
{
	__atomic_store_n((pid_t *)opaque, (pid_t)syscall(SYS_gettid), __ATOMIC_RELEASE);
	while (__atomic_load_n((pid_t *)opaque, __ATOMIC_ACQUIRE))
		;
	return NULL;
}

static void read_stats(void *opaque)
{
	*(struct pvs_vcpu_stats *)opaque = stats_of(&t.f, 0);
}

static void test_run_time_of_a_real_thread(void **state)
{
	const struct pvs_decision d = {
		.set = PVS_SET_NICE, .nice = -5, .boost = PVS_BOOST_CS, .target = PVS_DOUBLE_SELF};
	struct pvs_vcpu_stats stats = {0};
	pthread_t thread;
	pid_t tid = 0;

	assert_int_equal(pthread_create(&thread, NULL, spin, &tid), 0);
	while (!__atomic_load_n(&tid, __ATOMIC_ACQUIRE))
		sched_yield();
	pvs_vm_vcpu_remove(t.f.vm, 0);
	assert_int_equal(pvs_vm_vcpu_add(t.f.vm, 0, tid, NULL), 0);
	assert_int_equal(pvs_vm_sources(t.f.vm), PVS_SRC_TICK | PVS_SRC_KICK | PVS_SRC_SCHEDSTAT);
	answer(&t.f, PVS_APPLY, &d);
	start();
	pvs_mailbox_post(t.mailbox, 0, 1u << PVS_EVENT_HALT | 1u << PVS_EVENT_KICK);
	while (stats.reject != PVS_REJECT_BUDGET)
		pvs_loop_call(t.loop, read_stats, &stats);
	assert_true(stats.boost_ns >= 2 * MS);
	assert_int_equal(stats.boost, PVS_BOOST_NONE);
	__atomic_store_n(&tid, 0, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
}

struct storm {
	uint32_t vcpu, posts;
};

static void *poster(void *opaque)
{
	const struct storm *s = opaque;

	for (uint32_t i = 0; i < s->posts; i++)
		pvs_mailbox_post(t.mailbox, s->vcpu,
				 1u << PVS_EVENT_KICK | PVS_POST_DOORBELL |
					 1u << (PVS_EVENT_VCPU_RUN + i % 3));
	return NULL;
}

/* However many come, as many are looked at as may be, and the loop still answers others. */
static void burn(void *opaque)
{
	const struct timespec *end = opaque;
	struct timespec now;

	do
		clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	while (now.tv_sec < end->tv_sec ||
	       (now.tv_sec == end->tv_sec && now.tv_nsec < end->tv_nsec));
}

static void run_for_2_ms(void *opaque)
{
	struct timespec end;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
	end.tv_nsec += 2000000;
	end.tv_sec += end.tv_nsec / 1000000000;
	end.tv_nsec %= 1000000000;
	burn(&end);
}

static int nice_of_loop(void)
{
	struct pvs_sched_attr attr;

	assert_int_equal(pvs_sys_getattr(pvs_loop_tid(t.loop), &attr), 0);
	return attr.nice;
}

/* Who keeps it busy does so with the loop's time as it is for all, not with a preferred thread's.
 */
static void test_busy_loop_is_not_preferred(void **state)
{
	struct pvs_sched_attr mine;

	start();
	assert_int_equal(pvs_sys_getattr(0, &mine), 0);
	if (nice_of_loop() != -20 || mine.nice == -20) {
		print_message("no permission for nice -20 here\n");
		skip();
	}
	while (nice_of_loop() != mine.nice)
		pvs_loop_call(t.loop, run_for_2_ms, NULL);
	/* Ticks alone are little. */
	while (nice_of_loop() != -20)
		sched_yield();
}

static void test_storm(void **state)
{
	struct storm storms[VCPUS];
	pthread_t threads[VCPUS];
	uint64_t kicks = 0;
	pid_t tid;

	t.wanted = PVS_EVENT_EXIT;
	start();
	for (uint32_t v = 0; v < VCPUS; v++) {
		storms[v] = (struct storm){.vcpu = v, .posts = 50000};
		assert_int_equal(pthread_create(&threads[v], NULL, poster, &storms[v]), 0);
	}
	for (unsigned i = 0; i < 20; i++)
		pvs_loop_call(t.loop, where, &tid);
	for (uint32_t v = 0; v < VCPUS; v++)
		pthread_join(threads[v], NULL);
	pvs_loop_remove(t.loop, t.f.vm);
	for (uint32_t v = 0; v < VCPUS; v++)
		kicks += stats_of(&t.f, v).events[PVS_EVENT_KICK];
	assert_true(kicks <= VCPUS * 50000u);
	assert_true(kicks > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kick, setup, teardown),
		cmocka_unit_test_setup_teardown(test_who_holds_a_lock, setup, teardown),
		cmocka_unit_test_setup_teardown(test_another_process_end, setup, teardown),
		cmocka_unit_test_setup_teardown(test_another_process_claims_a_halt, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_ticks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_boost_ends_without_an_event, setup, teardown),
		cmocka_unit_test_setup_teardown(test_calls, setup, teardown),
		cmocka_unit_test_setup_teardown(test_watch, setup, teardown),
		cmocka_unit_test_setup_teardown(test_two_vms, setup, teardown),
		cmocka_unit_test_setup_teardown(test_run_time_of_a_real_thread, setup, teardown),
		cmocka_unit_test_setup_teardown(test_busy_loop_is_not_preferred, setup, teardown),
		cmocka_unit_test_setup_teardown(test_storm, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

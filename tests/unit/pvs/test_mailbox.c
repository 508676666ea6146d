/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Events through shared memory: coalesced, in order of states, and not believed blindly. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "mailbox.h"

#define RUN  (1u << PVS_EVENT_VCPU_RUN)
#define STOP (1u << PVS_EVENT_VCPU_STOP)
#define HALT (1u << PVS_EVENT_HALT)
#define KICK (1u << PVS_EVENT_KICK)

static struct {
	unsigned calls;
	uint32_t vcpu[8], events[8], last[8];
} got;

static void note(void *opaque, uint32_t vcpu, uint32_t events, uint32_t last)
{
	if (got.calls < 8) {
		got.vcpu[got.calls] = vcpu;
		got.events[got.calls] = events;
		got.last[got.calls] = last;
	}
	got.calls++;
}

static unsigned take(struct pvs_mailbox *m)
{
	memset(&got, 0, sizeof(got));
	return pvs_mailbox_take(m, note, NULL);
}

static void expect(unsigned i, uint32_t vcpu, uint32_t events, uint32_t last)
{
	assert_int_equal(got.vcpu[i], vcpu);
	assert_int_equal(got.events[i], events);
	assert_int_equal(got.last[i], last);
}

static struct pvs_mailbox *make(uint32_t n_vcpus)
{
	struct pvs_mailbox *m;

	assert_int_equal(pvs_mailbox_create(n_vcpus, &m), 0);
	return m;
}

static void test_events(void **state)
{
	struct pvs_mailbox *m = make(130);

	assert_int_equal(take(m), 0);
	pvs_mailbox_post(m, 129, KICK);
	pvs_mailbox_post(m, 0, RUN);
	pvs_mailbox_post(m, 129, KICK | PVS_POST_DOORBELL);
	pvs_mailbox_post(m, 0, HALT);
	pvs_mailbox_post(m, 64, HALT);
	pvs_mailbox_post(m, 64, RUN);
	assert_int_equal(take(m), 3);
	expect(0, 0, RUN | HALT, PVS_EVENT_HALT);
	expect(1, 64, RUN | HALT, PVS_EVENT_VCPU_RUN);
	expect(2, 129, KICK | PVS_POST_DOORBELL, 0);
	assert_int_equal(take(m), 0);
	/* What is none of a poster's, and whom there is none. */
	pvs_mailbox_post(m, 130, KICK);
	pvs_mailbox_post(m, UINT32_MAX, KICK);
	pvs_mailbox_post(m, 1,
			 1u << PVS_EVENT_INIT | 1u << PVS_EVENT_EXIT | 1u << PVS_EVENT_TICK |
				 1u << PVS_EVENT_HINT | 1u << 20);
	assert_int_equal(take(m), 0);
	pvs_mailbox_destroy(m);
}

static uint64_t counter(struct pvs_mailbox *m)
{
	uint64_t count = 0;

	return read(pvs_mailbox_eventfd(m), &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static void test_a_bell_only_for_who_sleeps(void **state)
{
	struct pvs_mailbox *m = make(2);

	pvs_mailbox_post(m, 0, KICK);
	assert_int_equal(counter(m), 0);
	assert_false(pvs_mailbox_sleep(m, PVS_POST_ALL)); /* there is something */
	take(m);
	assert_true(pvs_mailbox_sleep(m, PVS_POST_ALL));
	pvs_mailbox_post(m, 0, KICK);
	pvs_mailbox_post(m, 1, KICK);
	assert_int_equal(counter(m), 1);
	take(m);
	assert_true(pvs_mailbox_sleep(m, PVS_POST_ALL));
	pvs_mailbox_post(m, 0, KICK);
	pvs_mailbox_wake(m);
	assert_int_equal(counter(m), 0);
	assert_int_equal(take(m), 1);
	assert_true(pvs_mailbox_sleep(m, PVS_POST_ALL));
	pvs_mailbox_wake(m);
	pvs_mailbox_post(m, 0, KICK);
	assert_int_equal(counter(m), 0);
	pvs_mailbox_destroy(m);
}

static void test_some_do_not_ring(void **state)
{
	struct pvs_mailbox *m = make(2);

	assert_true(pvs_mailbox_sleep(m, KICK));
	pvs_mailbox_post(m, 0, RUN);
	pvs_mailbox_post(m, 1, PVS_POST_DOORBELL);
	assert_int_equal(counter(m), 0);
	pvs_mailbox_post(m, 1, KICK);
	assert_int_equal(counter(m), 1);
	assert_int_equal(take(m), 2);
	expect(0, 0, RUN, PVS_EVENT_VCPU_RUN);
	expect(1, 1, KICK | PVS_POST_DOORBELL, 0);
	/* What came while it slept is not slept over. */
	assert_true(pvs_mailbox_sleep(m, KICK));
	pvs_mailbox_post(m, 0, RUN);
	assert_false(pvs_mailbox_sleep(m, KICK));
	pvs_mailbox_destroy(m);
}

/* Each vCPU's own word, which both ends see, and nobody else's. */
static void test_who_holds_a_lock(void **state)
{
	struct pvs_mailbox *m = make(65), *other;

	assert_int_equal(
		pvs_mailbox_from_fds(pvs_mailbox_memfd(m), pvs_mailbox_eventfd(m), 65, &other), 0);
	pvs_mailbox_lock(m, 64, true);
	pvs_mailbox_lock(m, 65, true); /* there is none */
	assert_true(pvs_mailbox_locked(other, 64));
	assert_false(pvs_mailbox_locked(other, 63));
	assert_false(pvs_mailbox_locked(other, 65));
	assert_int_equal(take(m), 0); /* no event */
	pvs_mailbox_lock(m, 64, false);
	assert_false(pvs_mailbox_locked(other, 64));
	pvs_mailbox_destroy(other);
	pvs_mailbox_destroy(m);
}

static void test_refused(void **state)
{
	struct pvs_mailbox *m = make(1), *other;
	struct stat st;
	int plain = memfd_create("plain", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int bell = pvs_mailbox_eventfd(m);

	assert_int_equal(pvs_mailbox_create(0, &other), -EINVAL);
	assert_int_equal(pvs_mailbox_create(PVS_MAX_VCPUS + 1, &other), -EINVAL);
	assert_int_equal(pvs_mailbox_from_fds(pvs_mailbox_memfd(m), bell, 0, &other), -EINVAL);
	assert_int_equal(pvs_mailbox_from_fds(-1, bell, 1, &other), -EINVAL);
	assert_int_equal(pvs_mailbox_from_fds(pvs_mailbox_memfd(m), -1, 1, &other), -EBADF);
	/* Of the right size, but not for good. */
	assert_int_equal(fstat(pvs_mailbox_memfd(m), &st), 0);
	assert_int_equal(ftruncate(plain, st.st_size), 0);
	assert_int_equal(pvs_mailbox_from_fds(plain, bell, 1, &other), -EINVAL);
	/* And nobody can make it smaller. */
	assert_int_equal(ftruncate(pvs_mailbox_memfd(m), 0), -1);
	assert_int_equal(errno, EPERM);
	close(plain);
	pvs_mailbox_destroy(m);
	pvs_mailbox_destroy(NULL);
}

/* Another process may write anything into it. */
static void test_random_memory(void **state)
{
	struct pvs_mailbox *m = make(100);
	struct stat st;
	unsigned char *raw;
	uint32_t seed = 7;

	assert_int_equal(fstat(pvs_mailbox_memfd(m), &st), 0);
	raw = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		   pvs_mailbox_memfd(m), 0);
	assert_ptr_not_equal(raw, MAP_FAILED);
	for (unsigned round = 0; round < 50; round++) {
		for (off_t i = 0; i < st.st_size; i++)
			raw[i] = (unsigned char)((seed = seed * 1103515245 + 12345) >> 16);
		assert_true(take(m) <= 100);
		for (unsigned i = 0; i < got.calls && i < 8; i++) {
			assert_true(got.vcpu[i] < 100);
			assert_int_equal(
				got.events[i] & ~(RUN | STOP | HALT | KICK | PVS_POST_DOORBELL), 0);
			if (got.last[i])
				assert_true(got.events[i] & 1u << got.last[i]);
			else
				assert_int_equal(got.events[i] & (RUN | STOP | HALT), 0);
		}
	}
	munmap(raw, (size_t)st.st_size);
	pvs_mailbox_destroy(m);
}

/* Everything is worth a post until the loop says otherwise, also to the other process's end. */
static void test_heard(void **state)
{
	struct pvs_mailbox *m = make(2), *other;

	assert_true(pvs_mailbox_hears(m, RUN));
	assert_true(pvs_mailbox_hears(m, KICK));
	assert_int_equal(
		pvs_mailbox_from_fds(pvs_mailbox_memfd(m), pvs_mailbox_eventfd(m), 2, &other), 0);
	pvs_mailbox_set_heard(other, STOP | KICK);
	assert_false(pvs_mailbox_hears(m, RUN | HALT));
	assert_true(pvs_mailbox_hears(m, RUN | STOP));
	assert_true(pvs_mailbox_hears(m, KICK));
	/* What is posted nevertheless is there. */
	pvs_mailbox_post(m, 1, RUN);
	assert_int_equal(take(m), 1);
	expect(0, 1, RUN, PVS_EVENT_VCPU_RUN);
	pvs_mailbox_destroy(other);
	pvs_mailbox_destroy(m);
}

/* However posts and sleeps interleave, none is lost. */
#define POSTS 100000u

static void *post_all(void *opaque)
{
	for (uint32_t i = 0; i < POSTS; i++)
		pvs_mailbox_post(opaque, i % 3, i % 2 ? KICK : RUN);
	pvs_mailbox_post(opaque, 3, KICK);
	return NULL;
}

static void test_racing(void **state)
{
	struct pvs_mailbox *m = make(4);
	uint64_t one = 1;
	pthread_t thread;
	bool end = false;

	assert_int_equal(pthread_create(&thread, NULL, post_all, m), 0);
	while (!end) {
		if (pvs_mailbox_sleep(m, PVS_POST_ALL)) {
			/* Blocks for ever if a post did not ring. */
			while (read(pvs_mailbox_eventfd(m), &one, sizeof(one)) < 0)
				assert_int_equal(errno, EAGAIN);
			pvs_mailbox_wake(m);
		}
		take(m);
		for (unsigned i = 0; i < got.calls; i++)
			end |= got.vcpu[i] == 3;
	}
	pthread_join(thread, NULL);
	take(m);
	assert_int_equal(take(m), 0);
	pvs_mailbox_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_a_bell_only_for_who_sleeps),
		cmocka_unit_test(test_some_do_not_ring),
		cmocka_unit_test(test_who_holds_a_lock),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_random_memory),
		cmocka_unit_test(test_heard),
		cmocka_unit_test(test_racing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

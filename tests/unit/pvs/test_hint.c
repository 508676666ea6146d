/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Snapshots of a guest page: what is taken, what is refused, what is not looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "pvs.h"

#define ALL_HINTS \
	(PVS_F_INTENT | PVS_F_CS | PVS_F_DEADLINE | PVS_F_LOCK | PVS_F_TICKET | PVS_F_CAPACITY)
#define VCPUS 4

static struct pvs_guest_page page;
static struct pvs_hint hint;

static int setup(void **state)
{
	memset(&page, 0, sizeof(page));
	memset(&hint, 0xa5, sizeof(hint));
	return 0;
}

static void take(uint64_t features)
{
	pvs_hint_read(&page, features, VCPUS, &hint);
}

static void expect_neutral(enum pvs_hint_status status, enum pvs_reject reject)
{
	assert_int_equal(hint.status, status);
	assert_int_equal(hint.reject, reject);
	assert_int_equal(hint.class, 0);
	assert_int_equal(hint.nice, 0);
	assert_int_equal(hint.rt_prio, 0);
	assert_int_equal(hint.pending, 0);
	assert_int_equal(hint.cs, 0);
	assert_int_equal(hint.cs_count, 0);
	assert_int_equal(hint.cs_enter, 0);
	assert_int_equal(hint.dl_runtime, 0);
	assert_int_equal(hint.dl_deadline, 0);
	assert_int_equal(hint.dl_period, 0);
	assert_int_equal(hint.next_event, 0);
	assert_int_equal(hint.wait_vcpu, PVS_WAIT_NOBODY);
	assert_int_equal(hint.wait_reason, 0);
	assert_int_equal(hint.ticket, 0);
	assert_int_equal(hint.notify, 0);
}

static void test_nothing_written(void **state)
{
	take(ALL_HINTS);
	expect_neutral(PVS_HINT_NONE, PVS_REJECT_NONE);
}

static void test_all(void **state)
{
	pvs_guest_set_intent(&page, PVS_CLASS_RT, -5, 80, PVS_PENDING_SOFTIRQ);
	pvs_guest_set_cs(&page, PVS_CS_LOCK | PVS_CS_IRQ, 777);
	pvs_guest_set_deadline(&page, 1, 2, 3, 4);
	pvs_guest_set_wait(&page, 3, PVS_WAIT_MUTEX);
	page.ticket = 9;
	page.notify = PVS_NOTIFY_TICKET;
	take(ALL_HINTS);
	assert_int_equal(hint.status, PVS_HINT_OK);
	assert_int_equal(hint.reject, PVS_REJECT_NONE);
	assert_int_equal(hint.class, PVS_CLASS_RT);
	assert_int_equal(hint.nice, -5);
	assert_int_equal(hint.rt_prio, 80);
	assert_int_equal(hint.pending, PVS_PENDING_SOFTIRQ);
	assert_int_equal(hint.intent >> 32, 1);
	assert_int_equal(hint.cs, PVS_CS_LOCK | PVS_CS_IRQ);
	assert_int_equal(hint.cs_count, 1);
	assert_int_equal(hint.cs_enter, 777);
	assert_int_equal(hint.dl_runtime, 1);
	assert_int_equal(hint.dl_deadline, 2);
	assert_int_equal(hint.dl_period, 3);
	assert_int_equal(hint.next_event, 4);
	assert_int_equal(hint.wait_vcpu, 3);
	assert_int_equal(hint.wait_reason, PVS_WAIT_MUTEX);
	assert_int_equal(hint.ticket, 9);
	assert_int_equal(hint.notify, PVS_NOTIFY_TICKET);
	pvs_guest_set_cs(&page, 0, 0);
	take(ALL_HINTS);
	assert_int_equal(hint.cs, 0);
	assert_int_equal(hint.cs_count, 1);
}

static void test_what_is_not_negotiated_is_not_looked_at(void **state)
{
	memset(&page, 0xff, sizeof(page));
	take(PVS_F_STATE | PVS_F_RING | PVS_F_OPAQUE);
	expect_neutral(PVS_HINT_NONE, PVS_REJECT_NONE);
}

static void test_malformed_words(void **state)
{
	static const struct {
		size_t offset;
		uint64_t word;
		uint64_t feature;
	} rows[] = {
		{offsetof(struct pvs_guest_page, intent), PVS_CLASS_MAX, PVS_F_INTENT},
		{offsetof(struct pvs_guest_page, intent), 40ull << PVS_INTENT_NICE_SHIFT,
		 PVS_F_INTENT},
		{offsetof(struct pvs_guest_page, intent), 100ull << PVS_INTENT_PRIO_SHIFT,
		 PVS_F_INTENT},
		{offsetof(struct pvs_guest_page, intent), 0x100ull << PVS_INTENT_FLAGS_SHIFT,
		 PVS_F_INTENT},
		{offsetof(struct pvs_guest_page, cs), 0x20, PVS_F_CS},
		{offsetof(struct pvs_guest_page, wait), 1ull << 40, PVS_F_LOCK},
		{offsetof(struct pvs_guest_page, wait), (uint64_t)PVS_WAIT_MAX << 32, PVS_F_LOCK},
		{offsetof(struct pvs_guest_page, wait), 1ull << 32 | VCPUS, PVS_F_LOCK},
		{offsetof(struct pvs_guest_page, notify), 4, PVS_F_TICKET},
		{offsetof(struct pvs_guest_page, notify), 4, PVS_F_CAPACITY},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		setup(NULL);
		page.ticket = 5;
		page.next_event = 6;
		memcpy((char *)&page + rows[i].offset, &rows[i].word, 8);
		take(rows[i].feature | PVS_F_DEADLINE | PVS_F_TICKET);
		expect_neutral(PVS_HINT_MALFORMED, PVS_REJECT_MALFORMED);
		take(PVS_F_DEADLINE | (rows[i].feature == PVS_F_INTENT ? PVS_F_CS : PVS_F_INTENT));
		assert_int_equal(hint.status, PVS_HINT_OK);
	}
}

static void test_wait_for_nobody(void **state)
{
	pvs_guest_set_wait(&page, PVS_WAIT_NOBODY, PVS_WAIT_IPI);
	take(PVS_F_LOCK);
	assert_int_equal(hint.status, PVS_HINT_OK);
	assert_int_equal(hint.wait_vcpu, PVS_WAIT_NOBODY);
	/* Without a reason the vCPU means nothing. */
	pvs_guest_set_wait(&page, 77, PVS_WAIT_NONE);
	take(PVS_F_LOCK);
	expect_neutral(PVS_HINT_NONE, PVS_REJECT_NONE);
}

static void test_deadlines(void **state)
{
	static const struct {
		uint64_t runtime, deadline, period;
		bool good;
	} rows[] = {
		{1, 1, 1, true},
		{5, 9, 0, true}, /* a period of 0 is the deadline */
		{0, 1, 1, false},
		{2, 1, 3, false},
		{1, 3, 2, false},
		{1, 1, 1ull << 63, false},
		{1, UINT64_MAX, UINT64_MAX, false},
		{7, 0, 7, true}, /* no deadline: the others mean nothing */
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		pvs_guest_set_deadline(&page, rows[i].runtime, rows[i].deadline, rows[i].period, 1);
		take(PVS_F_DEADLINE);
		assert_int_equal(hint.status, rows[i].good ? PVS_HINT_OK : PVS_HINT_MALFORMED);
	}
	assert_int_equal(hint.dl_runtime, 0);
	assert_int_equal(hint.dl_period, 0);
	pvs_guest_set_deadline(&page, 5, 9, 0, 1);
	take(PVS_F_DEADLINE);
	assert_int_equal(hint.dl_period, 9);
	page.dl_flags = 1;
	take(PVS_F_DEADLINE);
	expect_neutral(PVS_HINT_MALFORMED, PVS_REJECT_MALFORMED);
}

static void test_writer_that_never_ends(void **state)
{
	pvs_guest_set_intent(&page, PVS_CLASS_RT, 0, 50, 0);
	page.seq = 7;
	take(ALL_HINTS);
	expect_neutral(PVS_HINT_TORN, PVS_REJECT_TORN);
	take(ALL_HINTS & ~PVS_F_DEADLINE);
	assert_int_equal(hint.status, PVS_HINT_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_nothing_written, setup),
		cmocka_unit_test_setup(test_all, setup),
		cmocka_unit_test_setup(test_what_is_not_negotiated_is_not_looked_at, setup),
		cmocka_unit_test_setup(test_malformed_words, setup),
		cmocka_unit_test_setup(test_wait_for_nobody, setup),
		cmocka_unit_test_setup(test_deadlines, setup),
		cmocka_unit_test_setup(test_writer_that_never_ends, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

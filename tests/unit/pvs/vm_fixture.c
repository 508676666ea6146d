// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "vm_fixture.h"

#include <stdlib.h>

static void on_dirty(void *opaque, size_t offset, size_t size)
{
	struct fixture *f = opaque;

	assert_true(offset + size <= (VCPUS + PVS_OPAQUE_PAGES) * sizeof(struct pvs_host_page));
	f->dirty_bytes += size;
}

static void on_notify(void *opaque, uint32_t vector)
{
	struct fixture *f = opaque;

	if (vector == PVS_VECTOR_CONFIG) {
		f->config_notices++;
		return;
	}
	assert_in_range(vector, 1, VCPUS);
	f->vcpu_notices[vector]++;
}

static const struct pvs_vm_ops fixture_ops = {.host_dirty = on_dirty, .notify = on_notify};

static void *pages(size_t size)
{
	void *p = aligned_alloc(PVS_PAGE_STRIDE, size);

	assert_non_null(p);
	return memset(p, 0, size);
}

void vm_make(struct fixture *f, const struct pvs_vm_config *config)
{
	struct pvs_vm_config c = config ? *config : (struct pvs_vm_config){0};

	f->now = START;
	f->guest = pages((VCPUS + PVS_OPAQUE_PAGES) * sizeof(*f->guest));
	f->host = pages((VCPUS + PVS_OPAQUE_PAGES) * sizeof(*f->host));
	if (!c.actuator.ops) {
		assert_int_equal(pvs_actuator_recorder(PVS_ACT_ALL, &f->actuator), 0);
		c.actuator = f->actuator;
	}
	c.name = "test";
	c.n_vcpus = VCPUS;
	if (!c.n_vectors)
		c.n_vectors = 1 + VCPUS;
	c.guest = f->guest;
	c.host = f->host;
	c.ops = &fixture_ops;
	c.opaque = f;
	assert_int_equal(pvs_vm_create(&c, &f->vm, NULL), 0);
}

void vm_start(struct fixture *f, const struct pvs_vm_config *config)
{
	vm_make(f, config);
	pvs_vm_expire(f->vm, f->now);
	for (uint32_t i = 0; i < VCPUS; i++)
		assert_int_equal(pvs_vm_vcpu_add(f->vm, i, TID(i), NULL), 0);
	if (!f->policy.callbacks)
		f->policy.callbacks = 1u << PVS_EVENT_KICK;
	pvs_vm_set_policy(f->vm, &f->policy, false, f->now);
	pvs_vm_negotiated(f->vm, FEATURES, f->now);
}

void vm_end(struct fixture *f)
{
	pvs_vm_destroy(f->vm);
	if (f->actuator.ops)
		pvs_actuator_recorder_close(&f->actuator);
	free(f->guest);
	free(f->host);
	assert_int_equal(f->policy.refs, 0);
}

void answer(struct fixture *f, int verdict, const struct pvs_decision *out)
{
	f->policy.verdict = verdict;
	f->policy.out = out ? *out : (struct pvs_decision){.target = PVS_DOUBLE_SELF};
}

void kick(struct fixture *f, uint32_t vcpu)
{
	event(f, vcpu, PVS_EVENT_KICK);
}

void event(struct fixture *f, uint32_t vcpu, enum pvs_event e)
{
	pvs_vm_event(f->vm, vcpu, e, f->now);
}

uint64_t tick(struct fixture *f)
{
	return pvs_vm_tick(f->vm, f->now);
}

size_t notes(struct fixture *f)
{
	const struct pvs_actuator_note *all;

	return pvs_actuator_recorder_notes(&f->actuator, &all);
}

const struct pvs_actuator_note *note_at(struct fixture *f, int index)
{
	const struct pvs_actuator_note *all;
	const size_t n = pvs_actuator_recorder_notes(&f->actuator, &all);
	const size_t at = index < 0 ? n - 1 : (size_t)index;

	assert_true(n > 0 && at < n);
	return &all[at];
}

void expect_restored(struct fixture *f, uint32_t vcpu)
{
	const struct pvs_actuator_note *all;
	size_t n = pvs_actuator_recorder_notes(&f->actuator, &all);

	while (n && all[n - 1].tid != TID(vcpu))
		n--;
	assert_true(n > 0);
	assert_true(all[n - 1].restored);
}

struct pvs_vcpu_stats stats_of(struct fixture *f, uint32_t vcpu)
{
	struct pvs_vcpu_stats stats;

	assert_int_equal(pvs_vm_vcpu_stats(f->vm, vcpu, &stats), 0);
	return stats;
}

uint32_t shown_flags(struct fixture *f, uint32_t vcpu)
{
	return (uint32_t)(f->host[vcpu].state >> PVS_STATE_FLAGS_SHIFT & PVS_STATE_FLAGS_MASK);
}

uint32_t shown_boost(struct fixture *f, uint32_t vcpu)
{
	return (uint32_t)(f->host[vcpu].state >> PVS_STATE_BOOST_SHIFT & PVS_STATE_BOOST_MASK);
}

uint32_t shown_run(struct fixture *f, uint32_t vcpu)
{
	return (uint32_t)(f->host[vcpu].state & PVS_STATE_RUN_MASK);
}

void expect_callbacks(struct fixture *f, const char *expected)
{
	static const char names[] = "irshkHte";
	char text[4 * DOUBLE_LOG] = "";
	size_t len = 0;

	for (unsigned i = 0; i < f->policy.n_log; i++) {
		text[len++] = names[f->policy.log[i] >> 4];
		text[len++] = (char)('0' + (f->policy.log[i] & 15));
		text[len++] = ' ';
	}
	text[len] = '\0';
	assert_string_equal(text, expected);
	f->policy.n_log = 0;
}

const struct pvs_decision rt_boost = {
	.target = PVS_DOUBLE_SELF, .set = PVS_SET_NICE, .nice = -5, .boost = PVS_BOOST_RT};

void kick_for_boost(struct fixture *f, uint32_t vcpu)
{
	answer(f, PVS_APPLY, &rt_boost);
	kick(f, vcpu);
	answer(f, PVS_KEEP, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A guest page, read once and validated. The guest may write anything at any time: each word is
 * loaded once into a local, judged there and never looked at again.
 */
#include <errno.h>
#include <string.h>

#include "pvs.h"

/* What line 2 holds. */
struct deadline_line {
	uint32_t flags;
	uint64_t runtime, deadline, period, next_event;
};

static uint64_t load64(const __u64 *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static uint32_t load32(const __u32 *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static bool read_intent(const struct pvs_guest_page *page, struct pvs_hint *hint)
{
	const uint64_t word = load64(&page->intent);
	uint32_t nice;

	hint->intent = word;
	if (!word)
		return true; /* not written yet: class unknown, nice 0 */
	hint->class = (word >> PVS_INTENT_CLASS_SHIFT) & PVS_INTENT_CLASS_MASK;
	nice = (word >> PVS_INTENT_NICE_SHIFT) & PVS_INTENT_NICE_MASK;
	hint->nice = (int32_t)nice - 20;
	hint->rt_prio = (word >> PVS_INTENT_PRIO_SHIFT) & PVS_INTENT_PRIO_MASK;
	hint->pending = (word >> PVS_INTENT_FLAGS_SHIFT) & PVS_INTENT_FLAGS_MASK;
	return hint->class < PVS_CLASS_MAX && nice < 40 && hint->rt_prio < 100 &&
	       !(hint->pending & ~PVS_PENDING_ALL);
}

static bool read_cs(const struct pvs_guest_page *page, struct pvs_hint *hint)
{
	const uint64_t word = load64(&page->cs);

	hint->cs_word = word;
	hint->cs = word & 0xff;
	hint->cs_count = (uint32_t)(word >> 32);
	hint->cs_enter = load64(&page->cs_enter);
	return !(hint->cs & ~PVS_CS_ALL);
}

/* Line 2 whole, or false if it changed at every try. */
static bool read_line(const struct pvs_guest_page *page, struct deadline_line *line)
{
	for (unsigned i = 0; i < PVS_SEQ_TRIES; i++) {
		const uint32_t seq = __atomic_load_n(&page->seq, __ATOMIC_ACQUIRE);

		if (seq & 1)
			continue;
		line->flags = load32(&page->dl_flags);
		line->runtime = load64(&page->dl_runtime);
		line->deadline = load64(&page->dl_deadline);
		line->period = load64(&page->dl_period);
		line->next_event = load64(&page->next_event);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (load32(&page->seq) == seq)
			return true;
	}
	return false;
}

/* As sched_setattr(2) takes them: 0 < runtime <= deadline <= period, a period of 0 is the deadline,
 * top bits clear. */
static bool judge_deadline(const struct deadline_line *line, struct pvs_hint *hint)
{
	uint64_t period = line->period ? line->period : line->deadline;

	if (line->flags)
		return false;
	hint->next_event = line->next_event;
	if (!line->deadline)
		return true;
	if (!line->runtime || line->runtime > line->deadline || line->deadline > period ||
	    period >> 63)
		return false;
	hint->dl_runtime = line->runtime;
	hint->dl_deadline = line->deadline;
	hint->dl_period = period;
	return true;
}

static bool read_wait(const struct pvs_guest_page *page, uint32_t n_vcpus, struct pvs_hint *hint)
{
	const uint64_t word = load64(&page->wait);
	const uint32_t vcpu = (uint32_t)word;

	hint->wait_reason = (word >> 32) & 0xff;
	if (word >> 40 || hint->wait_reason >= PVS_WAIT_MAX)
		return false;
	if (hint->wait_reason == PVS_WAIT_NONE)
		return true;
	hint->wait_vcpu = vcpu;
	return vcpu == PVS_WAIT_NOBODY || vcpu < n_vcpus;
}

static bool read_notify(const struct pvs_guest_page *page, struct pvs_hint *hint)
{
	hint->notify = load32(&page->notify);
	return !(hint->notify & ~PVS_NOTIFY_ALL);
}

/* Nothing of it is to be used; the raw words stay, to see whether something changed. */
static void refuse(struct pvs_hint *hint, enum pvs_hint_status status, enum pvs_reject reject)
{
	*hint = (struct pvs_hint){
		.status = status,
		.reject = reject,
		.intent = hint->intent,
		.cs_word = hint->cs_word,
		.wait_vcpu = PVS_WAIT_NOBODY,
	};
}

static bool given(const struct pvs_hint *hint)
{
	return hint->intent || hint->cs_word || hint->dl_deadline || hint->next_event ||
	       hint->wait_reason || hint->ticket;
}

void pvs_hint_read(const struct pvs_guest_page *page, uint64_t features, uint32_t n_vcpus,
		   struct pvs_hint *hint)
{
	struct deadline_line line;
	bool good = true;

	memset(hint, 0, sizeof(*hint));
	hint->wait_vcpu = PVS_WAIT_NOBODY;
	if (features & PVS_F_INTENT)
		good &= read_intent(page, hint);
	if (features & PVS_F_CS)
		good &= read_cs(page, hint);
	if (features & PVS_F_DEADLINE) {
		if (!read_line(page, &line)) {
			refuse(hint, PVS_HINT_TORN, PVS_REJECT_TORN);
			return;
		}
		good &= judge_deadline(&line, hint);
	}
	if (features & PVS_F_LOCK)
		good &= read_wait(page, n_vcpus, hint);
	if (features & PVS_F_TICKET)
		hint->ticket = load64(&page->ticket);
	if (features & (PVS_F_TICKET | PVS_F_CAPACITY))
		good &= read_notify(page, hint);
	if (!good)
		refuse(hint, PVS_HINT_MALFORMED, PVS_REJECT_MALFORMED);
	else
		hint->status = given(hint) ? PVS_HINT_OK : PVS_HINT_NONE;
}

void pvs_guest_set_intent(struct pvs_guest_page *page, enum pvs_class class, int nice,
			  unsigned rt_prio, unsigned pending)
{
	const uint64_t generation = (load64(&page->intent) >> PVS_INTENT_GEN_SHIFT) + 1;
	const uint64_t word = (uint64_t)class << PVS_INTENT_CLASS_SHIFT |
			      (uint64_t)(nice + 20) << PVS_INTENT_NICE_SHIFT |
			      (uint64_t)rt_prio << PVS_INTENT_PRIO_SHIFT |
			      (uint64_t)pending << PVS_INTENT_FLAGS_SHIFT |
			      generation << PVS_INTENT_GEN_SHIFT;

	__atomic_store_n(&page->intent, word, __ATOMIC_RELEASE);
}

void pvs_guest_set_deadline(struct pvs_guest_page *page, uint64_t runtime, uint64_t deadline,
			    uint64_t period, uint64_t next_event)
{
	const uint32_t seq = load32(&page->seq);

	__atomic_store_n(&page->seq, seq + 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	__atomic_store_n(&page->dl_runtime, runtime, __ATOMIC_RELAXED);
	__atomic_store_n(&page->dl_deadline, deadline, __ATOMIC_RELAXED);
	__atomic_store_n(&page->dl_period, period, __ATOMIC_RELAXED);
	__atomic_store_n(&page->next_event, next_event, __ATOMIC_RELAXED);
	__atomic_store_n(&page->seq, seq + 2, __ATOMIC_RELEASE);
}

void pvs_guest_set_cs(struct pvs_guest_page *page, unsigned why, uint64_t now)
{
	const uint64_t word = load64(&page->cs);
	const uint64_t count = word >> 32;

	if (!why) {
		__atomic_store_n(&page->cs, count << 32, __ATOMIC_RELEASE);
		return;
	}
	__atomic_store_n(&page->cs_enter, now, __ATOMIC_RELAXED);
	__atomic_store_n(&page->cs, (uint64_t)(uint32_t)(count + 1) << 32 | 1u << 8 | why,
			 __ATOMIC_RELEASE);
}

void pvs_guest_set_wait(struct pvs_guest_page *page, uint32_t vcpu, enum pvs_wait_reason reason)
{
	__atomic_store_n(&page->wait, (uint64_t)reason << 32 | vcpu, __ATOMIC_RELEASE);
}

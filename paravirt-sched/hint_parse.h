/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A guest page, read once and validated. The guest may write anything at any time: each word is
 * loaded once into a local, judged there and never looked at again. Compiled for the library and
 * for the host's kernel (BPF), so that there is one truth.
 */
#ifndef PVS_HINT_PARSE_H
#define PVS_HINT_PARSE_H

#include <stdbool.h>

#include "pvs_hint.h"

/* Loads before are done before loads after. */
static inline void hint_fence(void)
{
#ifdef __bpf__
	/* BPF has no fence; an atomic operation that returns a value is a full one. */
	__u64 word = 0;

	asm volatile("" ::"r"(__sync_fetch_and_add(&word, 1)));
#else
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
#endif
}

/* What line 2 holds. */
struct hint_line {
	uint32_t flags;
	uint64_t runtime, deadline, period, next_event;
};

static inline uint64_t hint_load64(const __u64 *word)
{
#ifdef __bpf__
	return *(const volatile __u64 *)word;
#else
	return __atomic_load_n(word, __ATOMIC_RELAXED);
#endif
}

static inline uint32_t hint_load32(const __u32 *word)
{
#ifdef __bpf__
	return *(const volatile __u32 *)word;
#else
	return __atomic_load_n(word, __ATOMIC_RELAXED);
#endif
}

static inline bool hint_read_intent(const struct pvs_guest_page *page, struct pvs_hint *hint)
{
	const uint64_t word = hint_load64(&page->intent);
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

static inline bool hint_read_cs(const struct pvs_guest_page *page, struct pvs_hint *hint)
{
	const uint64_t word = hint_load64(&page->cs);

	hint->cs_word = word;
	hint->cs = word & 0xff;
	hint->cs_count = (uint32_t)(word >> 32);
	hint->cs_enter = hint_load64(&page->cs_enter);
	return !(hint->cs & ~PVS_CS_ALL);
}

/* Line 2 whole, or false if it changed at every try. */
static inline bool hint_read_line(const struct pvs_guest_page *page, struct hint_line *line)
{
	for (unsigned i = 0; i < PVS_SEQ_TRIES; i++) {
		const uint32_t seq = hint_load32(&page->seq);

		hint_fence();
		if (seq & 1)
			continue;
		line->flags = hint_load32(&page->dl_flags);
		line->runtime = hint_load64(&page->dl_runtime);
		line->deadline = hint_load64(&page->dl_deadline);
		line->period = hint_load64(&page->dl_period);
		line->next_event = hint_load64(&page->next_event);
		hint_fence();
		if (hint_load32(&page->seq) == seq)
			return true;
	}
	return false;
}

/* As sched_setattr(2) takes them: 0 < runtime <= deadline <= period, a period of 0 is the deadline,
 * top bits clear. */
static inline bool hint_judge_deadline(const struct hint_line *line, struct pvs_hint *hint)
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

static inline bool hint_read_wait(const struct pvs_guest_page *page, uint32_t n_vcpus,
				  struct pvs_hint *hint)
{
	const uint64_t word = hint_load64(&page->wait);
	const uint32_t vcpu = (uint32_t)word;

	hint->wait_reason = (word >> 32) & 0xff;
	if (word >> 40 || hint->wait_reason >= PVS_WAIT_MAX)
		return false;
	if (hint->wait_reason == PVS_WAIT_NONE)
		return true;
	hint->wait_vcpu = vcpu;
	return vcpu == PVS_WAIT_NOBODY || vcpu < n_vcpus;
}

static inline bool hint_read_notify(const struct pvs_guest_page *page, struct pvs_hint *hint)
{
	hint->notify = hint_load32(&page->notify);
	return !(hint->notify & ~PVS_NOTIFY_ALL);
}

/* Nothing of it is to be used; the raw words stay, to see whether something changed. */
static inline void hint_refuse(struct pvs_hint *hint, enum pvs_hint_status status,
			       enum pvs_reject reject)
{
	*hint = (struct pvs_hint){
		.status = status,
		.reject = reject,
		.intent = hint->intent,
		.cs_word = hint->cs_word,
		.wait_vcpu = PVS_WAIT_NOBODY,
	};
}

static inline bool hint_given(const struct pvs_hint *hint)
{
	return hint->intent || hint->cs_word || hint->dl_deadline || hint->next_event ||
	       hint->wait_reason || hint->ticket;
}

static inline void hint_parse(const struct pvs_guest_page *page, uint64_t features,
			      uint32_t n_vcpus, struct pvs_hint *hint)
{
	struct hint_line line;
	bool good = true;

	*hint = (struct pvs_hint){.wait_vcpu = PVS_WAIT_NOBODY};
	if (features & PVS_F_INTENT)
		good &= hint_read_intent(page, hint);
	if (features & PVS_F_CS)
		good &= hint_read_cs(page, hint);
	if (features & PVS_F_DEADLINE) {
		if (!hint_read_line(page, &line)) {
			hint_refuse(hint, PVS_HINT_TORN, PVS_REJECT_TORN);
			return;
		}
		good &= hint_judge_deadline(&line, hint);
	}
	if (features & PVS_F_LOCK)
		good &= hint_read_wait(page, n_vcpus, hint);
	if (features & PVS_F_TICKET)
		hint->ticket = hint_load64(&page->ticket);
	if (features & (PVS_F_TICKET | PVS_F_CAPACITY))
		good &= hint_read_notify(page, hint);
	if (!good)
		hint_refuse(hint, PVS_HINT_MALFORMED, PVS_REJECT_MALFORMED);
	else
		hint->status = hint_given(hint) ? PVS_HINT_OK : PVS_HINT_NONE;
}

/* Does a page say something else than before? */
static inline bool hint_differs(const struct pvs_hint *a, const struct pvs_hint *b)
{
	return a->intent != b->intent || a->cs_word != b->cs_word || a->status != b->status ||
	       a->dl_runtime != b->dl_runtime || a->dl_deadline != b->dl_deadline ||
	       a->dl_period != b->dl_period || a->next_event != b->next_event ||
	       a->wait_vcpu != b->wait_vcpu || a->wait_reason != b->wait_reason ||
	       a->ticket != b->ticket;
}

/* Is @hint, after @last, in another critical section? */
static inline bool hint_enters_cs(const struct pvs_hint *hint, const struct pvs_hint *last)
{
	return hint->cs && (!last->cs || hint->cs_count != last->cs_count);
}

/* A time of the guest's clock on the host's, which @offset (guest minus host) may put before its
 * beginning or behind its end; 0 stays 0, not known. */
static inline uint64_t hint_host_time(uint64_t guest_ns, int64_t offset)
{
	const uint64_t distance = offset < 0 ? -(uint64_t)offset : (uint64_t)offset;

	if (!guest_ns)
		return 0;
	if (offset < 0)
		return guest_ns < UINT64_MAX - distance ? guest_ns + distance : UINT64_MAX;
	return guest_ns > distance ? guest_ns - distance : 0;
}

#endif

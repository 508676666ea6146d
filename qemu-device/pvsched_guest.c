/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the guest negotiated, as the loop is to have it: which pages are looked at, and the guest's
 * clock.
 *
 * A loop that does not answer has the pages taken from it, so that they are the guest's when a
 * reset returns; what it is to have when it answers is kept in one place, the last only: a guest
 * may negotiate as often as it likes meanwhile.
 */
#include "qemu/osdep.h"
#include "pvsched.h"

/* ---- In the loop's thread ------------------------------------------------------------------ */

/* Pages that are left behind are zeroed, unless they were taken away. */
static void pvsched_guest_apply(void *opaque)
{
	const PvschedGuest *want = opaque;
	SluicePvsched *s = want->s;
	const uint64_t now = pvsched_clock_ns(s);
	const bool move = want->grant != s->looked_at.grant || want->host != s->looked_at.host ||
			  want->guest != s->looked_at.guest;

	if (move) {
		pvs_vm_negotiated(s->vm, 0, now);
		s->looked_at = *want;
		pvs_vm_set_pages(s->vm, want->guest, want->host, want->grant);
	}
	pvs_vm_negotiated(s->vm, want->features, now);
}

static void pvsched_guest_set_offset(void *opaque)
{
	const PvschedGuest *want = opaque;

	pvs_vm_set_clock_offset(want->s->vm, want->offset_ns);
}

static void pvsched_guest_apply_late(void *opaque)
{
	SluicePvsched *s = opaque;
	g_autofree PvschedGuest *want = qatomic_xchg(&s->late, NULL);

	pvsched_guest_set_offset(want);
	pvsched_guest_apply(want);
}

/* ---- In the main loop ---------------------------------------------------------------------- */

/* When the loop answers again. What it was to have so far and did not take yet, it never will. */
static void pvsched_guest_later(SluicePvsched *s)
{
	PvschedGuest *want = g_memdup2(&s->wanted, sizeof(s->wanted));
	PvschedGuest *old = qatomic_xchg(&s->late, want);

	if (!old && pvs_loop_post(s->loop, pvsched_guest_apply_late, s))
		g_error("%s: out of memory", pvsched_name(s));
	g_free(old);
}

static void pvsched_guest_do(SluicePvsched *s, void (*fn)(void *opaque))
{
	if (!pvsched_core_call(s, fn, &s->wanted))
		pvsched_guest_later(s);
}

/* Nothing negotiated: the pages are the BARs'. */
static PvschedGuest pvsched_guest_none(SluicePvsched *s)
{
	return (PvschedGuest){
		.s = s,
		.guest = pvsched_guest_pages(s),
		.host = pvsched_host_pages(s),
		.grant = pvs_vm_pages_grant(s->vm),
		.host_mr = &s->host_bar,
		.offset_ns = s->wanted.offset_ns,
	};
}

void pvsched_guest_init(SluicePvsched *s)
{
	s->wanted = pvsched_guest_none(s);
	s->looked_at = s->wanted;
}

void pvsched_guest_start(SluicePvsched *s, uint64_t features)
{
	const bool in_ram = s->host_ram.host;

	if (s->manager) {
		pvsched_manager_negotiated(s, features);
		return;
	}
	s->wanted.features = features;
	s->wanted.guest = in_ram ? s->guest_ram.host : pvsched_guest_pages(s);
	s->wanted.host = in_ram ? s->host_ram.host : pvsched_host_pages(s);
	s->wanted.grant = pvs_vm_pages_grant(s->vm);
	s->wanted.host_mr = in_ram ? s->host_ram.mr : &s->host_bar;
	s->wanted.host_offset = in_ram ? s->host_ram.offset : 0;
	pvsched_guest_do(s, pvsched_guest_apply);
}

/* What the loop would leave behind: all zero but for PRESENT and the count of states. */
static void pvsched_guest_wipe(SluicePvsched *s)
{
	const uint64_t stays = (uint64_t)PVS_STATE_PRESENT << PVS_STATE_FLAGS_SHIFT |
			       ~(uint64_t)0 << PVS_STATE_GEN_SHIFT;
	struct pvs_host_page *page = s->wanted.host;
	uint64_t state;
	uint32_t v;

	for (v = 0; v < s->n_vcpus; v++, page++) {
		state = qatomic_read(&page->state) & stays;
		memset(page, 0, sizeof(*page));
		qatomic_set(&page->state, state);
	}
	memset(page, 0, PVS_OPAQUE_PAGES * PVS_PAGE_STRIDE);
	memory_region_set_dirty(s->wanted.host_mr, s->wanted.host_offset,
				(uint64_t)(s->n_vcpus + PVS_OPAQUE_PAGES) * PVS_PAGE_STRIDE);
}

/* Returns the grant of pages that the loop is in the midst of, 0: none. */
static uint64_t pvsched_guest_take(SluicePvsched *s)
{
	const uint64_t midst = pvs_vm_take_pages(s->vm);

	pvsched_guest_wipe(s);
	return midst;
}

bool pvsched_guest_stop(SluicePvsched *s)
{
	PvschedGuest bar;
	uint64_t midst;

	if (s->manager) {
		pvsched_manager_negotiated(s, 0);
		return true;
	}
	bar = pvsched_guest_none(s);
	if (pvsched_core_call(s, pvsched_guest_apply, &bar)) {
		s->wanted = bar;
		return true;
	}
	midst = pvsched_guest_take(s);
	bar.grant = pvs_vm_pages_grant(s->vm);
	s->wanted = bar;
	pvsched_guest_later(s);
	return !midst || midst < s->ram_grant;
}

void pvsched_guest_clear(SluicePvsched *s)
{
	const uint64_t size = (uint64_t)s->n_vcpus * PVS_PAGE_STRIDE;

	memset(pvsched_host_pages(s), 0, size);
	memory_region_set_dirty(&s->host_bar, 0, size);
	pvsched_guest_stop(s);
}

void pvsched_guest_clock_offset(SluicePvsched *s, int64_t offset_ns)
{
	if (s->manager) {
		pvsched_manager_clock_offset(s, offset_ns);
		return;
	}
	s->wanted.offset_ns = offset_ns;
	pvsched_guest_do(s, pvsched_guest_set_offset);
}

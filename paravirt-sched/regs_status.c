/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * STATUS: the guest goes up one bit after the other,
 *
 *	0 -> ACKNOWLEDGE -> DRIVER -> FEATURES_OK -> DRIVER_OK
 *
 * and down only to 0. The device takes the last two back with RENEGOTIATE, or ends all with FAILED.
 * Several bits in one store are several steps; the first that is refused ends it.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "regs_internal.h"

#define PVS_STATUS_GUEST \
	(PVS_STATUS_ACKNOWLEDGE | PVS_STATUS_DRIVER | PVS_STATUS_FEATURES_OK | PVS_STATUS_DRIVER_OK)
#define PVS_STATUS_ALL (PVS_STATUS_GUEST | PVS_STATUS_RENEGOTIATE | PVS_STATUS_FAILED)

/* pvs_regs_running() reads it in any thread. */
static void status_set(struct pvs_regs *regs, uint32_t status)
{
	__atomic_store_n(&regs->state.status, status, __ATOMIC_RELEASE);
}

bool pvs_regs_running(const struct pvs_regs *regs)
{
	return __atomic_load_n(&regs->state.status, __ATOMIC_ACQUIRE) & PVS_STATUS_DRIVER_OK;
}

uint64_t pvs_regs_features(const struct pvs_regs *regs)
{
	return regs->state.status & PVS_STATUS_FEATURES_OK ? regs->state.drv_features : 0;
}

static void status_stop(struct pvs_regs *regs)
{
	bool running = pvs_regs_running(regs);

	status_set(regs, regs->state.status & ~PVS_STATUS_DRIVER_OK);
	if (running)
		regs->config.ops->stop(regs->config.opaque);
}

static void generation_next(struct pvs_regs *regs)
{
	/* Never 0, which a driver may take for "not read yet". */
	if (!++regs->state.generation)
		regs->state.generation = 1;
}

/* A driver is there to be told. */
static void config_changed(struct pvs_regs *regs)
{
	if (regs->state.status & PVS_STATUS_DRIVER)
		regs->config.ops->config(regs->config.opaque);
}

static enum pvs_result features_judge(const struct pvs_regs *regs)
{
	uint64_t accepted = regs->state.drv_features;

	if (accepted & ~regs->config.features)
		return PVS_RESULT_FEATURES;
	if (accepted & PVS_F_NEED_INTENT && !(accepted & PVS_F_INTENT))
		return PVS_RESULT_FEATURES;
	return PVS_RESULT_OK;
}

static bool pages_placed_well(const struct pvs_regs *regs)
{
	uint64_t size = (uint64_t)(regs->config.n_vcpus + PVS_OPAQUE_PAGES) * PVS_PAGE_STRIDE;
	uint64_t a = regs->state.guest_pages, b = regs->state.host_pages;

	return !(a % PVS_PAGE_STRIDE) && !(b % PVS_PAGE_STRIDE) && a <= UINT64_MAX - size &&
	       b <= UINT64_MAX - size && (a >= b + size || b >= a + size);
}

static enum pvs_result start(struct pvs_regs *regs)
{
	const struct pvs_regs_state *state = &regs->state;
	bool in_ram = state->drv_features & PVS_F_GUEST_RAM;

	if (in_ram && !pages_placed_well(regs))
		return PVS_RESULT_ADDRESS;
	if (regs->config.ops->start(regs->config.opaque, state->drv_features,
				    in_ram ? state->guest_pages : 0,
				    in_ram ? state->host_pages : 0))
		return PVS_RESULT_ADDRESS;
	return PVS_RESULT_OK;
}

/* One step up: may @bit be set now? */
static enum pvs_result step(struct pvs_regs *regs, uint32_t bit)
{
	if (bit != PVS_STATUS_ACKNOWLEDGE && !(regs->state.status & bit >> 1))
		return PVS_RESULT_ORDER;
	if (bit == PVS_STATUS_FEATURES_OK)
		return features_judge(regs);
	if (bit == PVS_STATUS_DRIVER_OK)
		return start(regs);
	return PVS_RESULT_OK;
}

void pvs_regs_write_status(struct pvs_regs *regs, uint32_t value)
{
	uint32_t bit, wanted = value & PVS_STATUS_GUEST;

	if (!value) {
		pvs_regs_reset(regs);
		return;
	}
	if (regs->state.status & PVS_STATUS_FAILED)
		return;
	if (regs->state.status & PVS_STATUS_GUEST & ~wanted) {
		regs->state.result = PVS_RESULT_ORDER;
		return;
	}
	for (bit = PVS_STATUS_ACKNOWLEDGE; bit <= PVS_STATUS_DRIVER_OK; bit <<= 1) {
		if (!(wanted & ~regs->state.status & bit))
			continue;
		regs->state.result = step(regs, bit);
		if (regs->state.result != PVS_RESULT_OK)
			return;
		status_set(regs, regs->state.status | bit);
	}
	if (regs->state.status & PVS_STATUS_DRIVER_OK)
		status_set(regs, regs->state.status & ~PVS_STATUS_RENEGOTIATE);
}

void pvs_regs_reset(struct pvs_regs *regs)
{
	status_stop(regs);
	status_set(regs, 0);
	regs->state.result = PVS_RESULT_OK;
	regs->state.drv_features = 0;
	regs->state.guest_pages = 0;
	regs->state.host_pages = 0;
	regs->state.clock_offset = 0;
	regs->state.clock_error = 0;
	__atomic_store_n(&regs->state.bad_access, 0, __ATOMIC_RELAXED);
	regs->clock_high = 0;
	regs->low_of = 0;
	generation_next(regs);
	regs->config.ops->clear(regs->config.opaque);
}

void pvs_regs_renegotiate(struct pvs_regs *regs, enum pvs_result why)
{
	uint32_t status = regs->state.status;

	status_stop(regs);
	generation_next(regs);
	if (!(status & PVS_STATUS_FEATURES_OK) || status & PVS_STATUS_FAILED)
		return;
	status &= ~(PVS_STATUS_FEATURES_OK | PVS_STATUS_DRIVER_OK);
	status_set(regs, status | PVS_STATUS_RENEGOTIATE);
	regs->state.result = why;
	config_changed(regs);
}

void pvs_regs_fail(struct pvs_regs *regs, enum pvs_result why)
{
	status_stop(regs);
	status_set(regs, regs->state.status | PVS_STATUS_FAILED);
	regs->state.result = why;
	config_changed(regs);
}

void pvs_regs_set_policy(struct pvs_regs *regs, const char *name)
{
	size_t len = strnlen(name, sizeof(regs->policy));

	memset(regs->policy, 0, sizeof(regs->policy));
	memcpy(regs->policy, name, len);
	regs->state.policy_serial++;
	config_changed(regs);
}

void pvs_regs_set_means(struct pvs_regs *regs, uint32_t sources, uint32_t actuators)
{
	regs->sources = sources;
	regs->actuators = actuators;
}

/* ---- Migration and snapshots ---------------------------------------------------------------- */

void pvs_regs_save(const struct pvs_regs *regs, struct pvs_regs_state *state)
{
	*state = regs->state;
}

/* Each bit on the one it builds on, and what the bits say is so. */
static bool state_valid(const struct pvs_regs_state *state)
{
	uint32_t guest = state->status & PVS_STATUS_GUEST;

	return !(state->status & ~PVS_STATUS_ALL) && !(guest & (guest + 1)) &&
	       state->result <= PVS_RESULT_WATCHDOG && state->generation &&
	       (state->status & PVS_STATUS_RENEGOTIATE ? guest >= PVS_STATUS_DRIVER : true);
}

int pvs_regs_load(struct pvs_regs *regs, const struct pvs_regs_state *state)
{
	if (!state_valid(state)) {
		pvs_regs_reset(regs);
		return -EINVAL;
	}
	status_stop(regs);
	regs->clock_high = 0;
	regs->low_of = 0;
	/* Not running here, whatever the bit says of where the state comes from. */
	regs->state = *state;
	/* The policy is another one than there. */
	regs->state.policy_serial++;
	status_set(regs, state->status & ~PVS_STATUS_DRIVER_OK);
	pvs_regs_renegotiate(regs, PVS_RESULT_MIGRATED);
	return 0;
}

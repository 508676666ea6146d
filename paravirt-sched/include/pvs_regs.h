/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The device's registers (BAR0 of include/sluice/pvsched.h) and the negotiation behind them,
 * without QEMU: what each access does, which transitions of STATUS there are and why one is
 * refused.
 *
 * Not locked: one thread at a time, but for what says otherwise.
 */
#ifndef PVS_REGS_H
#define PVS_REGS_H

#include <stdbool.h>
#include <stdint.h>

#include "sluice/pvsched.h"

struct pvs_regs;

/* What the front end does for the registers; called from within the accesses. */
struct pvs_regs_ops {
	uint64_t (*clock_ns)(void *opaque);
	uint32_t (*vcpu_id)(void *opaque, uint32_t vcpu);
	/*
	 * DRIVER_OK: look at the pages from now on, which lie at these guest-physical addresses if
	 * @features has PVS_F_GUEST_RAM. 0, or -EFAULT: they cannot be used.
	 */
	int (*start)(void *opaque, uint64_t features, uint64_t guest_pages, uint64_t host_pages);
	/* No longer; when it returns nobody looks at or writes to them. */
	void (*stop)(void *opaque);
	/* Zero all pages: reset. */
	void (*clear)(void *opaque);
	void (*clock_offset)(void *opaque, int64_t offset_ns);
	/* Vector PVS_VECTOR_CONFIG is due. */
	void (*config)(void *opaque);
};

struct pvs_regs_config {
	uint64_t features; /* PVS_F_* offered */
	uint32_t n_vcpus, n_vectors;
	const struct pvs_regs_ops *ops;
	void *opaque;
};

/* What moves with a migration or a snapshot. */
struct pvs_regs_state {
	uint64_t drv_features, guest_pages, host_pages, clock_offset;
	uint32_t status, result, generation, clock_error, policy_serial, bad_access;
};

/* -EINVAL: no vCPUs or vectors, or more than there may be; -ENOMEM. */
int pvs_regs_create(const struct pvs_regs_config *config, struct pvs_regs **regs);
/* Does not call stop. */
void pvs_regs_destroy(struct pvs_regs *regs);

/* An access of @size bytes at @offset of BAR0; KICK and DOORBELL are bad accesses here. */
uint64_t pvs_regs_read(struct pvs_regs *regs, uint64_t offset, unsigned size);
void pvs_regs_write(struct pvs_regs *regs, uint64_t offset, uint64_t value, unsigned size);

/*
 * The vCPU that a store to KICK or DOORBELL is about, or -EINVAL: it is a bad access and was
 * counted. Any thread, any time, no lock. -EAGAIN: pages are not looked at, there is nothing to do.
 */
int64_t pvs_regs_kick(struct pvs_regs *regs, uint64_t offset, uint64_t value, unsigned size);

/* Back to how it began: STATUS = 0, FLR, the machine's reset. */
void pvs_regs_reset(struct pvs_regs *regs);
/* RENEGOTIATE: what was negotiated no longer holds, for @why. Nothing if a driver had not got as
 * far as to negotiate, but for GENERATION. */
void pvs_regs_renegotiate(struct pvs_regs *regs, enum pvs_result why);
/* FAILED, for @why: until the next reset the pages are not looked at. */
void pvs_regs_fail(struct pvs_regs *regs, enum pvs_result why);

/* Another policy is in place, "" for none: its serial number goes up. */
void pvs_regs_set_policy(struct pvs_regs *regs, const char *name);
/* What a policy hears (PVS_SRC_*) and can do (PVS_ACT_*), for SOURCES and ACTUATORS. */
void pvs_regs_set_means(struct pvs_regs *regs, uint32_t sources, uint32_t actuators);

/* Pages are looked at: DRIVER_OK is in effect. Any thread. */
bool pvs_regs_running(const struct pvs_regs *regs);
uint64_t pvs_regs_features(const struct pvs_regs *regs); /* negotiated; 0 before FEATURES_OK */

void pvs_regs_save(const struct pvs_regs *regs, struct pvs_regs_state *state);
/*
 * Take up a saved state, with another GENERATION and, if it had negotiated, RENEGOTIATE: the host
 * is another one, or the state an older one. Calls stop before. -EINVAL: no state this device could
 * have been in; it is reset then.
 */
int pvs_regs_load(struct pvs_regs *regs, const struct pvs_regs_state *state);

#endif

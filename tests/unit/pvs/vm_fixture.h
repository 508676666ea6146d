/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A VM of VCPUS vCPUs with a recorder as its actuator, a policy double, pages of its own and a
 * clock that the test moves. Threads have ids that no thread of this machine has.
 */
#ifndef PVS_TEST_VM_FIXTURE_H
#define PVS_TEST_VM_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "policy_double.h"
#include "vm.h"

#define VCPUS     4
#define TID(vcpu) (0x8000000 + (int)(vcpu))
#define START     1000000000ull
#define MS        1000000ull
#define FEATURES                                                                                \
	(PVS_F_INTENT | PVS_F_CS | PVS_F_DEADLINE | PVS_F_LOCK | PVS_F_STATE | PVS_F_CAPACITY | \
	 PVS_F_RING | PVS_F_TICKET)

struct fixture {
	struct pvs_guest_page *guest;
	struct pvs_host_page *host;
	struct pvs_actuator actuator;
	struct pvs_policy policy;
	struct pvs_vm *vm;
	uint64_t now;
	unsigned config_notices, vcpu_notices[VCPUS + 1];
	size_t dirty_bytes;
	uint64_t ran[VCPUS], waited[VCPUS]; /* what the kernel would say, if sampled */
};

/* Fields of @config that are set are taken; the rest is the fixture's. */
void vm_make(struct fixture *f, const struct pvs_vm_config *config);
/* All vCPUs present, policy in place and the guest's features accepted. */
void vm_start(struct fixture *f, const struct pvs_vm_config *config);
void vm_end(struct fixture *f);

/* The policy's answer from now on. */
void answer(struct fixture *f, int verdict, const struct pvs_decision *out);
void kick(struct fixture *f, uint32_t vcpu);
void event(struct fixture *f, uint32_t vcpu, enum pvs_event e);
uint64_t tick(struct fixture *f);

/* What the recorder noted; -1: the last. */
const struct pvs_actuator_note *note_at(struct fixture *f, int index);
size_t notes(struct fixture *f);
void expect_restored(struct fixture *f, uint32_t vcpu);
struct pvs_vcpu_stats stats_of(struct fixture *f, uint32_t vcpu);
uint32_t shown_flags(struct fixture *f, uint32_t vcpu);
uint32_t shown_boost(struct fixture *f, uint32_t vcpu);
uint32_t shown_run(struct fixture *f, uint32_t vcpu);

/* Callbacks that ran since the last call, as pairs of an event and a vCPU: "k1 t0 ". */
void expect_callbacks(struct fixture *f, const char *expected);
/* Nice -5 for the vCPU itself, paid as a real-time task's. */
extern const struct pvs_decision rt_boost;
/* A kick that the policy answers with it; then it keeps. */
void kick_for_boost(struct fixture *f, uint32_t vcpu);

#endif

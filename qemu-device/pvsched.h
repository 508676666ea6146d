/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sluice-pvsched: the QEMU device around the library pvs (paravirt-sched).
 *
 * Registers are the main loop's and the vCPUs', under the big lock; KICK and DOORBELL need none.
 * What the guest's hints lead to is the business of a thread of pvs_loop's, which takes no lock of
 * QEMU's: pages are memory that guest and library share, events are posted through a mailbox, and
 * QEMU only sees to it that pages are mapped, migrated and marked dirty.
 */
#ifndef HW_NET_SLUICE_PVSCHED_H
#define HW_NET_SLUICE_PVSCHED_H

#include "hw/pci/pci_device.h"
#include "qemu/bitops.h"
#include "qom/object.h"
#include "system/runstate.h"

#include <pvs.h>
#include <pvs_kernel.h>
#include <pvs_regs.h>
#include <pvs_scx.h>

#define TYPE_SLUICE_PVSCHED "sluice-pvsched"
OBJECT_DECLARE_TYPE(SluicePvsched, SluicePvschedClass, SLUICE_PVSCHED)

/* Text of a refusal: a verifier's log may be long. */
#define PVSCHED_LOG_SIZE 16384

struct SluicePvschedClass {
	PCIDeviceClass parent_class;
	DeviceRealize parent_realize;
	ResettablePhases parent_phases;
};

/* As given on the command line. */
typedef struct PvschedOptions {
	char *policy, *policy_set, *policy_host, *ceiling;
	bool handover;
	struct pvs_limits limits; /* those that are given in its own units */
	uint64_t tick_us, cs_budget_us, boost_budget_us;
	uint32_t watchdog_ms;
	uint64_t record_limit;
	bool fifo, deadline, guard;
	char *actuators, *cgroup, *record, *manager;
	OnOffAuto switch_events;
	uint64_t features_mask;
} PvschedOptions;

typedef struct PvschedManager PvschedManager;

/* Pages in guest RAM: both ways' mapping, alive while they are in use. */
typedef struct PvschedMapping {
	void *host; /* NULL: none */
	hwaddr len;
	MemoryRegion *mr;
	ram_addr_t offset;
} PvschedMapping;

/* What the loop has of the guest. */
typedef struct PvschedGuest {
	SluicePvsched *s;
	uint64_t features; /* 0: pages are not looked at */
	struct pvs_guest_page *guest;
	struct pvs_host_page *host;
	uint64_t grant;        /* pvs_vm_pages_grant() as they were given */
	MemoryRegion *host_mr; /* that the host's are in... */
	hwaddr host_offset;    /* ...at this offset */
	int64_t offset_ns;     /* its clock minus the host's */
} PvschedGuest;

struct SluicePvsched {
	PCIDevice parent_obj;

	PvschedOptions options;

	uint32_t n_vcpus, n_vectors;
	uint32_t *vcpu_ids; /* by which the hardware knows each */
	struct pvs_regs *regs;
	struct pvs_regs_state saved; /* what moves, while it is saved or loaded */

	MemoryRegion bar0, registers, kick, doorbell;
	MemoryRegion guest_bar, host_bar; /* RAM in memfds */
	PvschedMapping guest_ram, host_ram;
	unsigned entered; /* accesses without the big lock that are under way */
	bool leaving;

	uint64_t ram_grant;     /* guest_ram and host_ram were given with this one or later ones */
	PvschedGuest wanted;    /* what the loop is to have */
	PvschedGuest *late;     /* atomic: the same, that it takes when it answers; NULL: nothing */
	PvschedGuest looked_at; /* the loop's: what it has */

	/* The library's */
	struct pvs_mailbox *mailbox;
	struct pvs_actuator actuator;
	void (*actuator_close)(struct pvs_actuator *actuator);
	struct pvs_switches *switches;
	struct pvs_kernel_host *kernel; /* policy-host=live, scx: the guest's pages are its */
	struct pvs_scx *scx;            /* policy-host=scx; `actuator` is by it, and... */
	struct pvs_actuator scx_rest;   /* ...does the rest by this */
	struct pvs_live *live;
	struct pvs_record *record;
	QEMUBH *record_bh;
	struct pvs_vm *vm; /* the loop's */
	struct pvs_loop *loop;
	struct pvs_watchdog *watchdog; /* of the loop */
	QEMUBH *watchdog_bh;
	uint64_t silences;       /* that were reported */
	uint64_t silent_ms;      /* atomic */
	GArray *kept;            /* of PvschedMapping: a stuck loop is in the midst of them */
	PvschedManager *manager; /* instead of all these but the mailbox */
	char *notes;             /* what is not permitted, and what would permit it */
	uint64_t swaps;

	/* vCPU threads */
	CPUState **cpus;
	DeviceListener *listener;

	/* Vectors that are due, set by any thread and raised by the main loop */
	unsigned long vectors_due[BITS_TO_LONGS(PVS_MAX_VECTORS)];
	QEMUBH *vectors_bh;
	VMChangeStateEntry *vm_state;
};

extern const VMStateDescription pvsched_vmstate;

/* The device's name in log and trace lines: its id, or its QOM type. */
const char *pvsched_name(SluicePvsched *s);

/* ---- pvsched_bars.c ----------------------------------------------------------------------- */

bool pvsched_bars_init(SluicePvsched *s, Error **errp);
void pvsched_bars_exit(SluicePvsched *s);
/* No access is under way any more that holds no lock, nor will there be. */
void pvsched_bars_drain(SluicePvsched *s);
/* The pages as the BARs have them; n_vcpus, then PVS_OPAQUE_PAGES. */
struct pvs_guest_page *pvsched_guest_pages(SluicePvsched *s);
struct pvs_host_page *pvsched_host_pages(SluicePvsched *s);
/* Zero what the guest wrote, and both opaque pages. */
void pvsched_pages_clear(SluicePvsched *s);

/* ---- pvsched_vectors.c -------------------------------------------------------------------- */

bool pvsched_vectors_init(SluicePvsched *s, Error **errp);
void pvsched_vectors_exit(SluicePvsched *s);
/* Raise @vector as soon as the VM runs. Any thread, no lock. */
void pvsched_vector_due(SluicePvsched *s, unsigned vector);
/* The VM runs: what was put off meanwhile. */
void pvsched_vectors_resume(SluicePvsched *s);

/* ---- pvsched_regs.c ----------------------------------------------------------------------- */

bool pvsched_regs_init(SluicePvsched *s, Error **errp);
void pvsched_regs_exit(SluicePvsched *s);
uint64_t pvsched_clock_ns(void *opaque);
/* The VM goes on or stands still: pages are looked at only while it runs. */
void pvsched_regs_vm_change(SluicePvsched *s, bool running);
/* The guest may no longer have us read its memory (bus mastering). */
void pvsched_regs_check_master(SluicePvsched *s);

/* ---- pvsched_guest_ram.c ------------------------------------------------------------------ */

/* May pages in guest RAM be offered? Not if an IOMMU stands between, whose mappings may go. */
bool pvsched_guest_ram_possible(SluicePvsched *s);
/* -EFAULT: not RAM, or not in one piece. */
int pvsched_guest_ram_map(SluicePvsched *s, uint64_t guest_pages, uint64_t host_pages);
void pvsched_guest_ram_unmap(SluicePvsched *s);
/* The loop is in the midst of them: they stay mapped... */
void pvsched_guest_ram_keep(SluicePvsched *s);
/* ...until now. */
void pvsched_guest_ram_let_go(SluicePvsched *s);

/* ---- pvsched_guest.c ---------------------------------------------------------------------- */

/* Nothing is negotiated; when there is a VM, and before its loop. */
void pvsched_guest_init(SluicePvsched *s);
/* Look at the pages from now on: those in guest RAM if they are mapped, else the BARs'. */
void pvsched_guest_start(SluicePvsched *s, uint64_t features);
/* No longer; when it returns nobody looks at them, and baselines are back. False: the loop, which
 * does not answer, is at this moment in the midst of doing so, and those in guest RAM have to stay
 * mapped until it answers. */
bool pvsched_guest_stop(SluicePvsched *s);
/* Zero the host's pages but for what is shown of a guest that negotiated nothing. */
void pvsched_guest_clear(SluicePvsched *s);
void pvsched_guest_clock_offset(SluicePvsched *s, int64_t offset_ns);

/* ---- pvsched_core.c ----------------------------------------------------------------------- */

bool pvsched_core_init(SluicePvsched *s, Error **errp);
/* How long the loop may be silent. */
uint64_t pvsched_watchdog_ns(SluicePvsched *s);
void pvsched_core_exit(SluicePvsched *s);
/* PVS_ACT_* that may be used from now on. */
bool pvsched_core_set_ceiling(SluicePvsched *s, uint32_t ceiling, Error **errp);
void pvsched_core_vcpu_add(SluicePvsched *s, uint32_t vcpu, pid_t tid);
void pvsched_core_vcpu_remove(SluicePvsched *s, uint32_t vcpu);
/* In the thread that has the VM: give it what the host's scheduler did since it last looked. */
void pvsched_core_catch_up(void *opaque);
/* Run @fn in the thread that has the VM, and wait. False: that does not answer, @fn is not run. */
bool pvsched_core_call(SluicePvsched *s, void (*fn)(void *opaque), void *opaque);
/* Something worth knowing that was not permitted: for the property "notes" and the trace. */
void pvsched_note(SluicePvsched *s, const char *text);

/* ---- pvsched_manager.c: what core does where another process is the loop ------------------ */

bool pvsched_manager_init(SluicePvsched *s, const struct pvs_limits *limits, Error **errp);
void pvsched_manager_exit(SluicePvsched *s);
/* False: not connected. @policy is its name, "" if there is none; freed with g_free(). */
bool pvsched_manager_policy_now(SluicePvsched *s, char **policy);
void pvsched_manager_negotiated(SluicePvsched *s, uint64_t features);
void pvsched_manager_clock_offset(SluicePvsched *s, int64_t offset_ns);
void pvsched_manager_vcpu(SluicePvsched *s, uint32_t vcpu, pid_t tid); /* 0: it is gone */
void pvsched_manager_service(SluicePvsched *s, pid_t tid);

/* ---- pvsched_policy.c --------------------------------------------------------------------- */

/* Load what options.policy, .policy_set and .policy_host say and put it in place of the one there.
 */
bool pvsched_policy_apply(SluicePvsched *s, Error **errp);
/* -ENOENT: none; else the reference is the caller's. */
struct pvs_policy *pvsched_policy_in_place(SluicePvsched *s);

/* ---- pvsched_record.c --------------------------------------------------------------------- */

bool pvsched_record_init(SluicePvsched *s, Error **errp);
void pvsched_record_exit(SluicePvsched *s);
/* Write decisions to the file @path from now on; "" or NULL: to none. */
bool pvsched_record_set(SluicePvsched *s, const char *path, Error **errp);

/* ---- pvsched_watchdog.c ------------------------------------------------------------------- */

bool pvsched_watchdog_init(SluicePvsched *s, Error **errp);
void pvsched_watchdog_exit(SluicePvsched *s);
/* The loop does not answer. */
bool pvsched_watchdog_stuck(SluicePvsched *s);
/* Wait until the loop answers, or is said not to. */
bool pvsched_watchdog_answers(SluicePvsched *s);
/* The same as stuck, and says so. */
bool pvsched_watchdog_refuses(SluicePvsched *s, Error **errp);

/* ---- pvsched_live.c ----------------------------------------------------------------------- */

/* Before registers and BARs are made: the guest's pages may be the kernel's. */
bool pvsched_live_init(SluicePvsched *s, Error **errp);
/* When nobody may have them mapped any more. */
void pvsched_live_exit(SluicePvsched *s);
/* Between the kernel and the loop. */
bool pvsched_live_start(SluicePvsched *s, Error **errp);
void pvsched_live_stop(SluicePvsched *s);
/* What the kernel told, and how long its decisions took to have effect. */
struct pvs_kernel_stats pvsched_live_stats(SluicePvsched *s);
bool pvsched_live_set_policy(SluicePvsched *s, struct pvs_policy *policy, Error **errp);

/* ---- pvsched_scx.c ------------------------------------------------------------------------ */

bool pvsched_scx_wanted(SluicePvsched *s);
/* After the actuator, which becomes the scheduler's. */
bool pvsched_scx_init(SluicePvsched *s, Error **errp);
void pvsched_scx_exit(SluicePvsched *s);
/* Who judges what the kernel granted goes before who was granted it... */
bool pvsched_scx_favour_loop(SluicePvsched *s, Error **errp);
/* ...and who takes it back when that is stuck; @opaque is the device. In the watchdog's thread. */
void pvsched_scx_favour_watchdog(void *opaque);

/* ---- pvsched_actuator.c ------------------------------------------------------------------- */

bool pvsched_actuator_init(SluicePvsched *s, Error **errp);
void pvsched_actuator_exit(SluicePvsched *s);

/* ---- pvsched_cpus.c ----------------------------------------------------------------------- */

/* Events of vCPUs that can be heard here: PVS_SRC_*. */
uint32_t pvsched_cpus_sources(void);
/* False: vCPUs have no threads of their own. */
bool pvsched_cpus_check(Error **errp);
/* Follow the machine's vCPUs as they come and go. */
void pvsched_cpus_init(SluicePvsched *s);
void pvsched_cpus_exit(SluicePvsched *s);

/* ---- pvsched_qom.c ------------------------------------------------------------------------ */

/* options.ceiling, fifo and deadline as PVS_ACT_*. */
uint32_t pvsched_ceiling(SluicePvsched *s);
void pvsched_register_properties(ObjectClass *klass);

#endif

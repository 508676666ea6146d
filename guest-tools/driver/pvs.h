/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sluice_pvsched: the guest's end of paravirtual scheduling.
 *
 *	pvs_main.c   PCI: probe, remove, suspend, reset
 *	pvs_hw.c     registers: negotiation, the clocks' offset
 *	pvs_mem.c    where the pages are and how they are cached
 *	pvs_cpu.c    which page is whose; CPUs that come and go
 *	pvs_hint.c   hints: the stores themselves
 *	pvs_kfunc.c  the same for BPF programs
 *	pvs_misc.c   /dev/sluice_pvsched
 *	pvs_sysfs.c  attributes, debugfs
 *
 * Negotiation, and all that changes with it, happens under pvs_dev.lock. What hints need of the
 * device is reached through pvs_cpus and pvs_chan, which are emptied, and an RCU grace period
 * waited for, before anything of it goes: hints are stored with preemption off.
 */
#ifndef SLUICE_PVS_H
#define SLUICE_PVS_H

#include <linux/cpumask.h>
#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/pci.h>
#include <linux/percpu.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

#include <sluice/pvsched.h>

#include "pvs_uapi.h"

#define PVS_DRV_NAME PVS_DEV_NAME

#define PVS_KNOWN_FEATURES                                                                      \
	(PVS_F_INTENT | PVS_F_CS | PVS_F_DEADLINE | PVS_F_LOCK | PVS_F_STATE | PVS_F_CAPACITY | \
	 PVS_F_RING | PVS_F_TICKET | PVS_F_KICK_DEBOOST | PVS_F_OPAQUE | PVS_F_GUEST_RAM)

/* Pages of one direction. */
struct pvs_region {
	void *va;
	phys_addr_t pa;
	size_t size;
	enum pvs_memtype type;
};

/* An MSI-X vector, as its interrupt handler gets it: asking PCI for numbers may sleep. */
struct pvs_vector {
	struct pvs_dev *dev;
	u32 index;
	char name[24];
};

struct pvs_dev {
	struct pci_dev *pdev;
	void __iomem *regs;
	struct kref ref; /* the driver's and one for each open file */

	struct mutex lock;
	bool gone;                      /* removed: registers must not be touched */
	bool stopped;                   /* suspended, in reset or given up */
	struct pvs_region bar[2];       /* PVS_GUEST, PVS_HOST */
	struct pvs_region ram[2];       /* with PVS_F_GUEST_RAM */
	const struct pvs_region *pages; /* bar or ram, NULL: not negotiated */
	struct pvs_info info;           /* what was last negotiated and measured */
	unsigned int failures;          /* negotiations refused in a row */

	int n_vectors;
	struct pvs_vector *vectors; /* n_vectors of them */
	struct work_struct config_work;
	struct delayed_work clock_work;

	struct list_head files; /* struct pvs_file */
	wait_queue_head_t wait;
	atomic_t events; /* configuration interrupts */
	struct dentry *debugfs;
};

enum {
	PVS_GUEST = 0,
	PVS_HOST = 1,
};

/* ---- pvs_cpu.c --------------------------------------------------------------------------------
 */

/* What a CPU's hints need. guest is NULL unless all of it is valid. */
struct pvs_cpu {
	struct pvs_guest_page *guest;
	const struct pvs_host_page *host;
	u64 features;
	u32 vcpu;
};

DECLARE_PER_CPU_ALIGNED(struct pvs_cpu, pvs_cpus);

/* The page of @c, NULL: none now. */
static __always_inline struct pvs_guest_page *pvs_page_of(const struct pvs_cpu *c)
{
	/* Pairs with pvs_cpu_attach(): the rest of @c is read after it. */
	return smp_load_acquire(&c->guest);
}

/* What belongs to @cpu, which a program may have made up; NULL: there can be no such CPU. */
static __always_inline struct pvs_cpu *pvs_cpu_at(u32 cpu)
{
	return cpu < nr_cpu_ids && cpu_possible(cpu) ? per_cpu_ptr(&pvs_cpus, cpu) : NULL;
}

/* What is not any CPU's own. */
struct pvs_chan {
	void __iomem *regs;
	struct pvs_guest_page *guest;
	const struct pvs_host_page *host;
	u64 features;
	u32 n_vcpus;
	struct {
		u32 hw_id;
		int cpu; /* -1: none now */
	} vcpus[] __counted_by(n_vcpus);
};

extern struct pvs_chan __rcu *pvs_chan;

int pvs_cpu_init(void);
void pvs_cpu_exit(void);
/* Let hints in: @pages and @regs stay valid until pvs_cpus_close(). -ENOMEM */
int pvs_cpus_open(void __iomem *regs, const struct pvs_region *pages, u64 features, u32 n_vcpus);
/* Keep hints out; when this returns none is under way. */
void pvs_cpus_close(void);
/* A page as of a CPU that says nothing. */
void pvs_page_reset(struct pvs_guest_page *page);

/* ---- pvs_hint.c: on this CPU; as the kfuncs of the same names ----------------------------------
 */
int pvs_hint_intent(u32 class, s32 nice, u32 prio, u32 pending);
int pvs_hint_pending(u32 cpu, u32 set, u32 clear);
int pvs_hint_enter(u32 why);
int pvs_hint_exit(u32 why);
int pvs_hint_deadline(u64 runtime, u64 deadline, u64 period);
int pvs_hint_next_event(u64 when);
int pvs_hint_wait(u32 cpu, u32 reason);
int pvs_hint_emit(u32 type, u32 arg);
int pvs_hint_doorbell(u32 cpu);
int pvs_hint_kick(u32 cpu);
u64 pvs_hint_ticket(void);
int pvs_hint_notify(u32 what);
/* The host's pages are about to be read. */
void pvs_hint_reads(void);

/* ---- pvs_kfunc.c ------------------------------------------------------------------------------
 */
int pvs_kfunc_init(void);
/* Tell fentry programs, and nobody else, that @cpu's interrupt came. */
void sluice_pvs_notified(u32 cpu);

/* ---- pvs_mem.c --------------------------------------------------------------------------------
 */
int pvs_mem_map_bars(struct pvs_dev *dev);
void pvs_mem_unmap_bars(struct pvs_dev *dev);
/* Choose where the pages will be, of what @offered allows. Returns the features to leave out. */
u64 pvs_mem_choose(struct pvs_dev *dev, u64 offered, u32 n_vcpus);
void pvs_mem_free_ram(struct pvs_dev *dev);
/* Give back what was mapped: nobody has an address any more. */
void pvs_mem_exit(void);
const char *pvs_memtype_name(enum pvs_memtype type);

/* ---- pvs_hw.c: all under pvs_dev.lock ----------------------------------------------------------
 */
/* From a device in any state to one whose pages are used. */
int pvs_hw_connect(struct pvs_dev *dev);
/* Take the pages out of use and reset the device, if it is still there. */
void pvs_hw_disconnect(struct pvs_dev *dev);
/* Refresh what the device may change by itself; true: it wants to be negotiated with. */
bool pvs_hw_refresh(struct pvs_dev *dev);
void pvs_hw_measure_clock(struct pvs_dev *dev);
const char *pvs_result_name(u32 result);

/* ---- pvs_misc.c -------------------------------------------------------------------------------
 */
int pvs_misc_init(struct pvs_dev *dev);
void pvs_misc_exit(struct pvs_dev *dev);
/* Take the pages out of all processes that mapped them. Under pvs_dev.lock. */
void pvs_misc_revoke(struct pvs_dev *dev);

/* ---- pvs_sysfs.c ------------------------------------------------------------------------------
 */
extern const struct attribute_group *pvs_groups[];
void pvs_debugfs_init(struct pvs_dev *dev);
void pvs_debugfs_exit(struct pvs_dev *dev);

/* ---- pvs_main.c -------------------------------------------------------------------------------
 */
void pvs_dev_free(struct kref *ref);
/* Negotiate anew. Under pvs_dev.lock. */
int pvs_renegotiate(struct pvs_dev *dev);

#endif

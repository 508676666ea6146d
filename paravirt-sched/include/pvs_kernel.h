/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A VM whose policy decides in the host's kernel, at the very switch of a vCPU thread:
 * kernel_host.c. docs/pvsched/kernel-host.md.
 *
 * Pages, hints, switches and the policy's callbacks vcpu_run, vcpu_stop, halt and hint are the
 * kernel's; tick, kick, init and exit are run from user space as ever, over the same maps. What
 * the policy answers comes out of a ring and is judged and put into effect by the VM
 * (pvs_vm_decided()), because no BPF program may change another thread's scheduling.
 */
#ifndef PVS_KERNEL_H
#define PVS_KERNEL_H

#include "pvs.h"

struct pvs_kernel_host;

/* Something that happened to a vCPU, in order of time for each. */
struct pvs_kernel_event {
	struct pvs_switch at;      /* what, and when; of a hint, the switch at which it was seen */
	const struct pvs_ctx *ctx; /* as the policy saw and answered it; NULL: it was not asked, or
				      answered PVS_KEEP */
	int verdict;               /* enum pvs_verdict, -ERANGE: it is none */
	bool asked;           /* else there was no policy, and the event is still to be put to it */
	uint64_t answered_ns; /* when the policy had answered, with ctx; 0: what it had the last
				 time, which woke nobody, or it is in effect already */
	uint64_t granted;     /* in effect until it is judged, for thread... (pvs_scx.h); 0: no */
	pid_t granted_tid;
};

/* From the policy's answer to pvs_kernel_host_applied(), ns; percentiles are upper ends of buckets
 * that are 1/8 of a power of two wide. */
struct pvs_kernel_stats {
	uint64_t switches, decisions, lost;
	uint64_t latency_count, latency_p50, latency_p99, latency_max;
};

/*
 * Make the kernel's part for VM @vm of @n_vcpus and have it tell of switches. @scheduled: the
 * host's scheduler will be pvs_scx_open()'s, so that decisions are put into effect where they are
 * taken. Needs CAP_BPF and CAP_PERFMON. -EPERM, -ENOTSUP, -EINVAL, -ENOMEM and others of bpf(2),
 * explained in @log.
 */
int pvs_kernel_host_create(uint32_t vm, uint32_t n_vcpus, bool scheduled,
			   struct pvs_kernel_host **host, struct pvs_log *log);
/* The pages go with it: nobody may have them mapped into a guest any more. */
void pvs_kernel_host_destroy(struct pvs_kernel_host *host);

/*
 * The guest's pages, @n_vcpus and PVS_OPAQUE_PAGES, filled up to a power of two, zeroed: memory of
 * a BPF map, which programs of the kernel read. Mapping the file descriptor MAP_SHARED at offset 0
 * gives the same memory, also in another process. Both are the host's.
 */
struct pvs_guest_page *pvs_kernel_host_pages(const struct pvs_kernel_host *host);
int pvs_kernel_host_pages_fd(const struct pvs_kernel_host *host);
size_t pvs_kernel_host_pages_size(const struct pvs_kernel_host *host);

/* Threads come and go; -EINVAL: no such vCPU; -EBUSY: it has a thread. */
int pvs_kernel_host_add(struct pvs_kernel_host *host, uint32_t vcpu, pid_t tid);
void pvs_kernel_host_remove(struct pvs_kernel_host *host, uint32_t vcpu);

/*
 * What contexts of @vcpu are to say of what the kernel does not find out by itself: vm, vcpu,
 * n_vcpus, n_online, sources, actuators, features, ticket (the last one that was answered), boost,
 * boost_ns, budgets, vm_boosted, vm_cap, ceiling, prio_max; and in run_ns and wait_ns what these
 * were at INIT. `active`: its callbacks are to be run. Any time, by one thread; a program that runs
 * meanwhile may see some of the old.
 */
struct pvs_kernel_told {
	struct pvs_ctx ctx;
	int64_t clock_offset;
	int32_t nice_min, base_nice; /* lowest nice for it, and its thread's own */
	bool cs_throttled, boost_throttled;
	bool active;
};
void pvs_kernel_host_tell(struct pvs_kernel_host *host, uint32_t vcpu,
			  const struct pvs_kernel_told *told);

/* A policy as part of a program at sched_switch, attached, doing nothing until it is used. */
struct pvs_kernel_program;

/*
 * Make one of @policy, which is loaded for PVS_HOST_KERNEL (a reference is taken). Any thread;
 * blocks while verifying. -EINVAL: the policy is another host's; -EACCES: its license; and what the
 * verifier says of its callbacks where they are called now: explained in @log.
 */
int pvs_kernel_program_load(struct pvs_kernel_host *host, struct pvs_policy *policy,
			    struct pvs_kernel_program **program, struct pvs_log *log);
/* Not of one in use. Blocks until the kernel let go of it. */
void pvs_kernel_program_free(struct pvs_kernel_program *program);

/*
 * From now on @program's policy is asked; NULL: none is, and events say so. One store: no switch is
 * missed, and none seen by two. INIT and EXIT are the caller's.
 */
void pvs_kernel_host_use(struct pvs_kernel_host *host, const struct pvs_kernel_program *program);

/* Readable when there is something; for pvs_loop_watch(). */
int pvs_kernel_host_fd(const struct pvs_kernel_host *host);
/* Have @fn called with what happened. One thread at a time. Returns how many. */
unsigned pvs_kernel_host_take(struct pvs_kernel_host *host,
			      void (*fn)(void *opaque, const struct pvs_kernel_event *event),
			      void *opaque);
/* ---- With a VM and its loop (live.c) --------------------------------------------------------- */

/* Carries what @host tells to @vm, and to @host what its contexts need. */
struct pvs_live;

/*
 * From now on until pvs_live_destroy() @loop, which drives @vm, takes what @host tells. Both stay
 * the caller's. The VM's configuration has PVS_SRC_SWITCH and PVS_SRC_HALT among its sources and
 * the host's pages as its guest pages; its threads are to be given to both. @scheduled: as
 * @host was made; the VM's actuator is pvs_actuator_scx()'s. Not from the loop's thread. -errno,
 * explained in @log.
 */
int pvs_live_create(struct pvs_loop *loop, struct pvs_vm *vm, struct pvs_kernel_host *host,
		    bool scheduled, struct pvs_live **live, struct pvs_log *log);
/* Nobody is asked at switches any more; the VM has its policy still. */
void pvs_live_destroy(struct pvs_live *live);

/*
 * pvs_vm_set_policy() and the kernel's side of it. A policy of another host than the kernel is
 * asked by the loop when it hears of a switch. Not from the loop's thread. What
 * pvs_kernel_program_load() says, and -ETIMEDOUT if the loop does not begin within the VM's
 * watchdog_ns: then the old one stays.
 */
int pvs_live_set_policy(struct pvs_live *live, struct pvs_policy *policy, bool handover,
			struct pvs_log *log);

/* ---- Latency --------------------------------------------------------------------------------- */

/* The decision that was taken at @answered_ns is in effect now. */
void pvs_kernel_host_applied(struct pvs_kernel_host *host, uint64_t answered_ns, uint64_t now);
void pvs_kernel_host_stats(const struct pvs_kernel_host *host, struct pvs_kernel_stats *stats);

#endif

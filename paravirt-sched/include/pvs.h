/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * pvs: the host's side of paravirtual scheduling, without QEMU.
 *
 *	front end (QEMU device, manager, replay, tests)
 *	  pvs_loop     a thread: ticks, kicks, events of other threads           loop.c
 *	   pvs_vm      one VM: pages in, policy, budgets, actuators, pages out   vm.c
 *	     pvs_hint_*   the guest's page, read once and validated              hint.c ring.c
 *	     pvs_policy   callbacks in BPF: our engine, or the host's kernel     policy*.c
 *	     pvs_budget   leaky buckets                                          budget.c
 *	     pvs_actuator what changes a thread's scheduling                     actuator*.c
 *	     pvs_record   decisions written down, and replayed                   record.c replay.c
 *
 * The guest's pages change under us: nothing here reads a word of them twice in one event. Errors
 * are negative errno values. Times are ns, the host's CLOCK_MONOTONIC unless it says otherwise.
 */
#ifndef PVS_H
#define PVS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "sluice/pvsched.h"
#include "sluice/pvsched_policy.h"

#include "pvs_hint.h"

#define PVS_NAME_LEN 16

/* ---- Log: where refusals are explained ------------------------------------------------------ */

/* Text is appended, NUL-terminated, cut at @size. May be NULL wherever it is taken. */
struct pvs_log {
	char *buf;
	size_t size, len;
};

void pvs_log(struct pvs_log *log, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Append a line and return @err: `return pvs_refuse(...)`. */
int pvs_refuse(struct pvs_log *log, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* ---- Hints: one guest page, read once and validated (hint.c) -------------------------------- */

/*
 * Take one snapshot of @page, of which only what @features (PVS_F_*) names is looked at; the rest
 * has its neutral value. @n_vcpus bounds wait_vcpu. Never blocks; at most PVS_SEQ_TRIES tries. A
 * field out of range makes all of it MALFORMED. A torn line 2 makes the whole TORN.
 */
void pvs_hint_read(const struct pvs_guest_page *page, uint64_t features, uint32_t n_vcpus,
		   struct pvs_hint *hint);

/* The writer's side, as the guest does it: for tests, benches and replay. */
void pvs_guest_set_intent(struct pvs_guest_page *page, enum pvs_class class, int nice,
			  unsigned rt_prio, unsigned pending);
void pvs_guest_set_deadline(struct pvs_guest_page *page, uint64_t runtime, uint64_t deadline,
			    uint64_t period, uint64_t next_event);
/* Enter a critical section, @why PVS_CS_*, or leave it (0). @now: guest's clock. */
void pvs_guest_set_cs(struct pvs_guest_page *page, unsigned why, uint64_t now);
void pvs_guest_set_wait(struct pvs_guest_page *page, uint32_t vcpu, enum pvs_wait_reason reason);
/* @tail: the host's, from its page. False: no room. */
bool pvs_guest_ring_put(struct pvs_guest_page *page, uint32_t tail,
			const struct pvs_ring_entry *entry);

/* ---- Ring (ring.c) -------------------------------------------------------------------------- */

/* The host's end: its index is here, not where the guest could write it. */
struct pvs_ring {
	uint32_t tail;
	uint64_t taken, refused, overruns;
};

/*
 * Copy at most @max new entries to @out and advance. A head further than PVS_RING_ENTRIES ahead is
 * the guest's fault: overruns is counted and all are dropped up to it. Entries of an unknown type
 * are dropped and counted in refused. Returns the number copied.
 */
unsigned pvs_ring_take(struct pvs_ring *ring, const struct pvs_guest_page *page,
		       struct pvs_ring_entry *out, unsigned max);

/* ---- Budgets (budget.c) --------------------------------------------------------------------- */

/* A leaky bucket: holds at most @capacity_ns, refilled by @refill_ppm ns per 10^6 ns. */
struct pvs_bucket {
	uint64_t capacity_ns;
	uint32_t refill_ppm;
	uint64_t level_ns;
	uint64_t at;       /* when level_ns was right */
	uint64_t debt_ns;  /* spent beyond the level; paid back before the level rises */
	uint32_t fraction; /* of a ns refilled, in 10^-6 */
};

void pvs_bucket_init(struct pvs_bucket *bucket, uint64_t capacity_ns, uint32_t refill_ppm,
		     uint64_t now);
/* Time passes up to @now, @spent_ns of it used. Returns what is left. A clock that steps back
 * counts as standing still. */
uint64_t pvs_bucket_charge(struct pvs_bucket *bucket, uint64_t now, uint64_t spent_ns);
/* How long the level lasts, ns, if all time is charged and it refills meanwhile; UINT64_MAX:
 * always.
 */
uint64_t pvs_bucket_lasts(const struct pvs_bucket *bucket);

/* Limits of a VM; 0 in a field of times and counts: the default. */
#define PVS_TICK_MAX_NS 3600000000000u /* longer ones are refused, as are... */
#define PVS_KICKS_MAX   1000000000u    /* ...more kicks per second */
struct pvs_limits {
	uint64_t cs_budget_ns;    /* default 2 ms */
	uint64_t boost_budget_ns; /* default 500 ms */
	/* What a vCPU that always asks gains for good: a share of time near both together. */
	uint32_t cs_refill_ppm;    /* default 20000: 2 % of time */
	uint32_t boost_refill_ppm; /* default 30000 */
	uint32_t max_boosted;      /* vCPUs at once; default: half of them, at least 1 */
	uint32_t ceiling;  /* PVS_ACT_* that may be used at all; 0: all but FIFO, DEADLINE */
	uint32_t prio_max; /* FIFO; default 10 */
	int32_t nice_min;  /* default -20; set has_nice_min for another */
	bool has_nice_min;
	uint32_t kicks_per_s; /* per vCPU, kicks and doorbells; default 20000 */
	uint64_t tick_ns;     /* default 1 ms; 4 times as long while nothing is in effect, 10
			       * times while nothing can be (no guest, no policy, all halted) */
	uint64_t watchdog_ns; /* policy host not heard for so long: baseline; default 1 s */
};

void pvs_limits_default(struct pvs_limits *limits, uint32_t n_vcpus);

/* Several VMs of one loop may draw on one: what is shared is the number of boosted vCPUs and a
 * bucket. No locks: one thread at a time. NULL: out of memory. Destroyed after its VMs. */
struct pvs_pool;
struct pvs_pool *pvs_pool_create(uint32_t max_boosted, uint64_t budget_ns, uint32_t refill_ppm);
void pvs_pool_destroy(struct pvs_pool *pool);

/* ---- Actuators (actuator.c, actuator_linux.c) ----------------------------------------------- */

/* How a thread is to be scheduled; set says which of the fields (PVS_SET_*), none: its baseline. */
struct pvs_sched {
	uint32_t set;
	int32_t nice;
	uint32_t prio, weight;
	uint64_t slice_ns, dl_runtime, dl_deadline, dl_period, affinity;
};

struct pvs_actuator_ops {
	/*
	 * Which PVS_ACT_* work for @tid, tried out on a thread of our own; what does not is
	 * explained in @log with what would permit it.
	 */
	uint32_t (*probe)(void *opaque, uint32_t wanted, struct pvs_log *log);
	/* Remember how @tid is scheduled now. -ESRCH. The handle is valid until release. */
	int (*capture)(void *opaque, pid_t tid, void **thread);
	/* Put @sched into effect, whole or not at all. -EPERM, -ESRCH, -EINVAL. */
	int (*apply)(void *opaque, void *thread, const struct pvs_sched *sched);
	/* Back to what capture saw. Quietly nothing for a thread that is gone. */
	void (*restore)(void *opaque, void *thread);
	void (*release)(void *opaque, void *thread); /* restores first */
	/*
	 * Put back what all threads were captured with, while who uses the actuator is stuck, be it
	 * in the midst of apply: any other thread; waits for nobody. What was applied is forgotten.
	 * May be NULL: nothing to put back.
	 */
	void (*rescue)(void *opaque);
};

struct pvs_actuator {
	const struct pvs_actuator_ops *ops;
	void *opaque;
};

/*
 * Linux: sched_setattr(2), sched_setaffinity(2), cgroup cpu.weight. @guard: start the crash guard,
 * a process of its own that restores every captured baseline when this process ends however it
 * ends. A boost is in effect for one thread: what that one creates has the default. affinity
 * narrows what the thread had. apply may also return -EBUSY: no DEADLINE bandwidth left, or the
 * thread is pinned; capture -EPERM: a thread of a process that this one may not change, -ENOSPC:
 * the guard's table is full, -EBUSY: captured already, for whomever. One thread at a time. -errno,
 * explained in @log.
 */
struct pvs_linux_options {
	bool guard;
	const char *cgroup; /* parent under which vCPU threads may be put for WEIGHT; NULL: none */
	/* The guard also restores all when pvs_actuator_linux_beat() was not called for so long: at
	 * least the watchdog_ns of all VMs, whose own then drop what they think is in effect. 0:
	 * does not. */
	uint64_t watchdog_ns;
};
int pvs_actuator_linux(const struct pvs_linux_options *options, struct pvs_actuator *actuator,
		       struct pvs_log *log);
void pvs_actuator_linux_close(struct pvs_actuator *actuator); /* after all are released */
/* To be called now and then, for the guard. Also removes cgroups whose threads had not quite ended
 * when they were released; the next capture and the close do that, too. */
void pvs_actuator_linux_beat(const struct pvs_actuator *actuator);
/* Is the crash guard there? */
bool pvs_actuator_linux_guarded(const struct pvs_actuator *actuator);
/* The limits this process has (RLIMIT_NICE, RLIMIT_RTPRIO): lowest nice, greatest FIFO priority (0:
 * none). What goes beyond is -EPERM: keep pvs_limits within. */
int pvs_actuator_linux_nice_min(const struct pvs_actuator *actuator);
unsigned pvs_actuator_linux_prio_max(const struct pvs_actuator *actuator);
/* Say in @log if nice and slices of process @pid count only within its session (autogroup). */
void pvs_autogroup_note(pid_t pid, struct pvs_log *log);

/* One that only notes what it was asked: tests and replay. */
struct pvs_actuator_note {
	pid_t tid;
	struct pvs_sched sched;
	bool restored;
};
int pvs_actuator_recorder(uint32_t actuators, struct pvs_actuator *actuator);
size_t pvs_actuator_recorder_notes(const struct pvs_actuator *actuator,
				   const struct pvs_actuator_note **notes);
void pvs_actuator_recorder_close(struct pvs_actuator *actuator);

/* ---- A VM (vm.c) ----------------------------------------------------------------------------- */

struct pvs_vm;
struct pvs_switch;
struct pvs_policy;
struct pvs_record;

/* Which events of the host's scheduler are worth waking whoever drives a VM. */
enum pvs_wakes {
	PVS_WAKES_ALL,
	PVS_WAKES_STOPS, /* that a vCPU is preempted, and goes on after that */
	PVS_WAKES_NEVER, /* they are taken with the next tick */
};

/* What the front end does for a VM. Called in the thread that drives the VM. */
struct pvs_vm_ops {
	/* A host page was changed: mark it dirty. Bytes [offset, offset + size) of all host pages.
	 */
	void (*host_dirty)(void *opaque, size_t offset, size_t size);
	/* Raise @vector: PVS_VECTOR_CONFIG, or that of a vCPU which asked for it. */
	void (*notify)(void *opaque, uint32_t vector);
	/* What it is to be woken for from now on, where it was PVS_WAKES_ALL. May be NULL: all. */
	void (*wakes)(void *opaque, enum pvs_wakes wakes);
	/* Tell what was not worth it: pvs_vm_switch(). May be NULL with the one before. */
	void (*catch_up)(void *opaque);
};

struct pvs_vm_config {
	const char *name;
	uint32_t index;   /* ctx->vm */
	uint32_t n_vcpus; /* 1..PVS_MAX_VCPUS */
	uint32_t n_vectors;
	/* n_vcpus of them, and behind the last, if PVS_F_OPAQUE may be negotiated, a struct
	 * pvs_opaque_page. Written by the guest. */
	struct pvs_guest_page *guest;
	struct pvs_host_page *host; /* the same */
	struct pvs_limits limits;
	uint32_t sources; /* PVS_SRC_* the front end delivers beside TICK, KICK and SCHEDSTAT */
	const struct pvs_vm_ops *ops;
	void *opaque;
	struct pvs_actuator actuator; /* not owned */
	struct pvs_pool *pool;        /* may be NULL; not owned */
	uint64_t spent_at; /* vCPUs' budgets were empty then, for they had them before; 0: full */
	/* Where the host's CPUs are described, read once; NULL: /sys/devices/system/cpu. */
	const char *host_cpus;
};

/* -EINVAL, -ENOMEM. All functions on a VM: one thread at a time, which is registered with the
 * engine if there is a policy. */
int pvs_vm_create(const struct pvs_vm_config *config, struct pvs_vm **vm, struct pvs_log *log);
void pvs_vm_destroy(struct pvs_vm *vm); /* restores all baselines */

/*
 * Where the pages are now, NULL: nowhere (unmapped). If not where the configuration said
 * (PVS_F_GUEST_RAM, a map's memory). @grant: what pvs_vm_pages_grant() said when they were given;
 * if they were taken back since, they are not looked at.
 */
void pvs_vm_set_pages(struct pvs_vm *vm, struct pvs_guest_page *guest, struct pvs_host_page *host,
		      uint64_t grant);
/* Of pages that are given now. Never 0, and greater than before each pvs_vm_take_pages(). Any
 * thread. */
uint64_t pvs_vm_pages_grant(const struct pvs_vm *vm);
/*
 * Take all pages back that were given, whatever the VM's thread does: it looks at none and writes
 * to none from now on, until it is given some anew. Returns the grant of those that it is in the
 * midst of at this moment, a few loads or stores and host_dirty: they have to stay mapped until it
 * did something else; 0: none. Any thread, waits for nobody.
 */
uint64_t pvs_vm_take_pages(struct pvs_vm *vm);

/*
 * A vCPU's thread appears or goes (hot plug; 0 for a thread that is not known yet). Its baseline is
 * captured now. -EINVAL, -EBUSY: has one already; and what capture says.
 */
int pvs_vm_vcpu_add(struct pvs_vm *vm, uint32_t vcpu, pid_t tid, struct pvs_log *log);
void pvs_vm_vcpu_remove(struct pvs_vm *vm, uint32_t vcpu);
/* A thread that serves the VM (main loop, I/O): gets what PVS_SET_SERVICE asks for. */
int pvs_vm_service_add(struct pvs_vm *vm, pid_t tid, struct pvs_log *log);

/* The guest accepted @features: from now on its pages are looked at. 0: from now on they are not,
 * every vCPU has its baseline and the host's pages are zeroed but for PRESENT. */
void pvs_vm_negotiated(struct pvs_vm *vm, uint64_t features, uint64_t now);
/* For next_event and traces: guest's clock minus host's. */
void pvs_vm_set_clock_offset(struct pvs_vm *vm, int64_t offset_ns);

/*
 * Put @policy (a reference is taken; NULL: none) in place: EXIT is run for each vCPU of the old one
 * and its effects are undone, unless @handover: then they stay until the new one decides otherwise
 * or its first decision hold ends; INIT is run for each vCPU of the new one. No event is lost or
 * seen by both.
 */
void pvs_vm_set_policy(struct pvs_vm *vm, struct pvs_policy *policy, bool handover, uint64_t now);

/* An event of a vCPU at time @now. HINT is found out by KICK and TICK, nobody else sends it. */
void pvs_vm_event(struct pvs_vm *vm, uint32_t vcpu, enum pvs_event event, uint64_t now);
/* A doorbell: entries of the vCPU's ring are taken, for the record. No policy is asked. */
void pvs_vm_doorbell(struct pvs_vm *vm, uint32_t vcpu, uint64_t now);
/* TICK of all vCPUs; also samples schedstat. Returns when it wants to be called again at the
 * latest: the next tick, or earlier the end of a boost (then pvs_vm_expire() is enough). */
uint64_t pvs_vm_tick(struct pvs_vm *vm, uint64_t now);
uint64_t pvs_vm_expire(struct pvs_vm *vm, uint64_t now);

/* Watchdog or policy fault from outside: all baselines back, and why is shown to the guest. */
void pvs_vm_fault(struct pvs_vm *vm, enum pvs_reject why);

/* PVS_ACT_* that may be used from now on, 0: all but FIFO and DEADLINE. What is in effect is
 * undone; the policy's next decisions are judged by it. */
void pvs_vm_set_ceiling(struct pvs_vm *vm, uint32_t ceiling, uint64_t now);
/* The greatest FIFO priority that its threads may get; 0: none. */
uint32_t pvs_vm_fifo_prio(const struct pvs_vm *vm);

void pvs_vm_set_record(struct pvs_vm *vm, struct pvs_record *record); /* NULL: none; not owned */

/* The host's scheduler did this to a vCPU thread (pvs_switches): the event, and for the record. */
void pvs_vm_switch(struct pvs_vm *vm, const struct pvs_switch *event);

struct pvs_vcpu_stats {
	pid_t tid;
	uint32_t run_state, boost, reject; /* enum pvs_run_state, pvs_boost, pvs_reject */
	uint32_t set;                      /* PVS_SET_* in effect */
	uint64_t events[PVS_EVENT_MAX];
	uint64_t applied, restored, rejects[PVS_REJECT_MAX], actuator_errors;
	uint64_t run_ns, wait_ns, boost_ns, throttled_ns;
	uint64_t budget_cs, budget_boost;
	uint64_t ring_taken, ring_refused, ring_overruns, rate_limited;
	uint64_t preempted_in_cs; /* stops while the page said critical section or lock held */
	struct pvs_hint hint;     /* last seen */
	uint64_t decision;
	uint64_t actuator_ns, actuator_calls; /* time in apply and restore */
};

/* -ENOENT: no such vCPU. */
int pvs_vm_vcpu_stats(const struct pvs_vm *vm, uint32_t vcpu, struct pvs_vcpu_stats *stats);
struct pvs_policy *pvs_vm_policy(const struct pvs_vm *vm); /* no new reference */
/* It failed too often in a row and is not asked any more; all vCPUs have their baseline. */
bool pvs_vm_policy_failed(const struct pvs_vm *vm);
uint64_t pvs_vm_features(const struct pvs_vm *vm); /* negotiated; 0: not */
uint32_t pvs_vm_boosted(const struct pvs_vm *vm);  /* vCPUs with a boost now */
uint32_t pvs_vm_sources(const struct pvs_vm *vm);
uint32_t pvs_vm_actuators(const struct pvs_vm *vm);

/* ---- Sources (source_schedstat.c, source_bpf.c) ---------------------------------------------- */

/* Run and wait time of @tid so far, ns. -ESRCH, -EIO. */
int pvs_schedstat_read(int fd, uint64_t *run_ns, uint64_t *wait_ns);
int pvs_schedstat_open(pid_t tid); /* a file descriptor, or -errno */

/*
 * BPF on sched_switch of the host: what happens to the threads it was told of. Needs CAP_BPF and
 * CAP_PERFMON; -EPERM and others are explained in @log with what would permit it. A run comes
 * first, also of a thread that runs when it is added; one that the kernel did not tell of comes up
 * to a tick late.
 */
struct pvs_switches;
struct pvs_switch {
	uint64_t ns;
	pid_t tid;
	uint32_t vm, vcpu, cpu;
	uint32_t
		event; /* PVS_EVENT_VCPU_RUN, VCPU_STOP, or HALT: it stopped and was not runnable */
};
int pvs_switches_open(struct pvs_switches **switches, struct pvs_log *log);
void pvs_switches_close(struct pvs_switches *switches);
int pvs_switches_add(struct pvs_switches *switches, pid_t tid, uint32_t vm, uint32_t vcpu);
void pvs_switches_remove(struct pvs_switches *switches, pid_t tid);
int pvs_switches_fd(const struct pvs_switches *switches); /* readable when there is something */
unsigned pvs_switches_take(struct pvs_switches *switches,
			   void (*fn)(void *opaque, const struct pvs_switch *event), void *opaque);
uint64_t pvs_switches_lost(const struct pvs_switches *switches);
/* What its descriptor becomes readable for; all of it is there to be taken at any time. Any thread.
 */
void pvs_switches_set_wakes(struct pvs_switches *switches, enum pvs_wakes wakes);

#include "pvs_client.h" /* a manager for several QEMUs */
#include "pvs_loop.h"
#include "pvs_policy.h"
#include "pvs_record.h"

#endif

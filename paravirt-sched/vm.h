/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A VM's insides. What an event does, in order:
 *
 *	event.c     what comes in, and a snapshot of the hints
 *	account.c   time that passed is charged to budgets
 *	ask.c       the policy is asked
 *	decide.c    the policy's wish is judged
 *	effect.c    what was granted is put into effect, kept and undone
 *	publish.c   the guest is told
 *	opaque.c    what guest and policy tell each other beside it all
 *	attend.c    what is worth being woken for, and how often to look
 *	vm.c        a VM's and its vCPUs' life: hot plug, negotiation, policies
 */
#ifndef PVS_VM_H
#define PVS_VM_H

#include <time.h>

#include "cores.h"
#include "pool.h"

/* A policy that fails so often in a row is not asked again. */
#define PVS_FAULTS_IN_ROW 8u
/* An emptied bucket pays again when this share of it is back: 1/8. */
#define PVS_RESUME_SHARE 8u
/* Run and wait time of threads are looked up so often, ns: the kernel's own figures are no finer.
 */
#define PVS_SAMPLE_NS 4000000u
/* Capacity, where the policy sets none, is that of a window of this length, ns. */
#define PVS_CAPACITY_WINDOW_NS 100000000u
/* Ticks are so many times rarer while nothing can change but through an event. */
#define PVS_IDLE_TICKS 10u
/* And so many times rarer after so many in which nothing was in effect and nobody kicked. */
#define PVS_QUIET_TICKS 4u
#define PVS_QUIET_AFTER 64u

/* A guest that reads the host's pages, or says more than what it runs, is attended to for so long
 * after. */
#define PVS_ATTEND_NS 1000000000u

/* A thread whose scheduling may be changed. */
struct pvs_thread {
	pid_t tid;
	void *handle;    /* the actuator's; NULL: none captured */
	int stat_fd;     /* /proc/.../schedstat, -1: none */
	clockid_t clock; /* its CPU time, if has_clock */
	bool has_clock;
	int base_nice;
};

/* What is in effect on a vCPU; all 0: its baseline. */
struct pvs_effect {
	struct pvs_sched sched;
	uint32_t boost; /* enum pvs_boost: which bucket pays */
	uint32_t set;   /* PVS_SET_* */
	uint64_t until; /* end of its hold; 0: none */
};

/* A bucket, and whether it is being refilled after it was empty. */
struct pvs_budget {
	struct pvs_bucket bucket;
	bool throttled;
};

/* What was last written to the host's page: never read back, since the guest may have written it.
 */
struct pvs_shown {
	uint64_t state; /* without its generation */
	uint32_t generation, seq, sources;
	uint64_t run_ns, steal_ns, last_in, last_out, boost_ns;
	uint64_t capacity;
	uint64_t decision, ticket, budget_cs, budget_boost;
	uint32_t reject, ring_tail;
};

struct pvs_vcpu {
	uint32_t index;
	bool present;
	bool active; /* INIT was run and EXIT not yet */
	struct pvs_thread thread;

	struct pvs_hint hint;
	uint64_t hint_at, cs_at; /* when the host first saw them */
	struct pvs_ring ring;
	struct pvs_bucket rate; /* kicks and doorbells */

	uint32_t run_state; /* enum pvs_run_state */
	uint64_t state_at, last_in, last_out;
	uint32_t cpu; /* host CPU that it got last + 1; 0: not known */

	uint64_t accounted_at; /* up to when time was charged */
	uint64_t run_seen;     /* thread's run time then, while boosted */
	uint64_t sampled_at;
	uint64_t run_ns, wait_ns, boost_ns;
	uint64_t run_init, wait_init, boost_init; /* the same when INIT was run */
	uint64_t throttled_ns;
	struct pvs_budget cs, boost;

	struct pvs_effect effect;
	uint64_t end_at; /* when it has to be looked at again; UINT64_MAX: not */
	uint32_t capacity, avoid;
	bool capacity_set; /* by the policy */
	uint64_t window_at, window_run, window_wait;

	uint64_t decision, ticket; /* number of the last one; last answered */
	uint32_t reject;
	struct pvs_shown shown;
	struct {
		uint32_t reads, cs_count;
		uint64_t ring_taken;
	} attended; /* as of the last tick */

	uint64_t events[PVS_EVENT_MAX];
	uint64_t applied, restored, rejects[PVS_REJECT_MAX], actuator_errors;
	uint64_t rate_limited, preempted_in_cs, actuator_ns, actuator_calls;
};

struct pvs_service {
	struct pvs_thread thread;
	uint64_t run_seen;
};

struct pvs_vm {
	char name[PVS_NAME_LEN];
	uint32_t index, n_vcpus, n_vectors, n_online;
	struct pvs_guest_page *guest; /* NULL: not mapped now */
	struct pvs_host_page *host;
	uint64_t granted;  /* with which they were given */
	uint64_t grant;    /* atomic: pages of an older one are not touched any more */
	uint64_t at_pages; /* atomic: grant of those that are being touched; 0: none */
	struct pvs_limits limits;
	uint32_t sources, actuators;
	const struct pvs_vm_ops *ops;
	void *opaque;
	struct pvs_actuator actuator;
	struct pvs_pool *pool;

	uint64_t features; /* 0: not negotiated */
	int64_t clock_offset;
	uint64_t now; /* the latest time heard of */
	uint64_t next_tick, last_tick;
	uint64_t tick_ns;      /* length of the tick under way */
	uint64_t quiet;        /* ticks since something was in effect or somebody kicked */
	enum pvs_wakes wakes;  /* what the front end was last asked for */
	uint64_t attend_until; /* the guest asked to be attended to */
	uint64_t rate_limited; /* kicks and doorbells of all vCPUs that were too many */
	uint64_t late;         /* ticks that came later than the watchdog allows */

	struct pvs_policy *policy;
	uint32_t callbacks; /* 1 << enum pvs_event */
	unsigned faults;    /* in a row */
	bool failed;        /* too many: the policy is not asked any more */
	struct pvs_record *record;

	uint32_t boosted; /* vCPUs with a boost */
	uint32_t watched; /* vCPUs whose effect is paid for or ends by itself */

	struct pvs_service *services;
	uint32_t n_services;
	struct pvs_sched service_sched; /* in effect on them */
	uint32_t service_vcpu;          /* who pays, if that is not the baseline */

	/* Whose threads take locks, told by themselves; NULL: nobody tells. Set by its loop. */
	const struct pvs_mailbox *mailbox;
	struct pvs_cores *cores; /* of the host; NULL: not known */
	/* Tests: a thread's run and wait time so far instead of the kernel's word. */
	int (*sample)(void *opaque, uint32_t vcpu, uint64_t *run_ns, uint64_t *wait_ns);
	void *sample_opaque;

	/* Whoever asks the policy elsewhere: something about the vCPU is other than it was. */
	void (*tell)(void *opaque, uint32_t vcpu);
	/* Before a tick: what it has to tell and what was in no hurry. */
	void (*catch_up)(void *opaque);
	void *tell_opaque;

	struct pvs_opaque_page opaque_shown; /* what was last stored there */

	struct pvs_vcpu vcpus[];
};

/* From @then to @now; 0 if that is not yet. */
static inline uint64_t pvs_since(uint64_t now, uint64_t then)
{
	return now > then ? now - then : 0;
}

/*
 * Between these two, and nowhere else, pages are touched. Either who takes them back sees at_pages,
 * or they are seen here to be taken back: that is worth a fence, not a lock. Nothing between them
 * may wait.
 */
static inline void pvs_pages_leave(struct pvs_vm *vm)
{
	__atomic_store_n(&vm->at_pages, 0, __ATOMIC_RELEASE);
}

static inline bool pvs_pages_enter(struct pvs_vm *vm)
{
	__atomic_store_n(&vm->at_pages, vm->granted, __ATOMIC_SEQ_CST);
	if (__atomic_load_n(&vm->grant, __ATOMIC_SEQ_CST) == vm->granted)
		return true;
	pvs_pages_leave(vm);
	return false;
}

/* thread.c: -errno of the actuator's capture. */
int pvs_thread_open(struct pvs_vm *vm, pid_t tid, struct pvs_thread *thread, struct pvs_log *log);
void pvs_thread_close(struct pvs_vm *vm, struct pvs_thread *thread);
/* Its run time so far, ns, as exactly as may be had. False: not known. */
bool pvs_thread_run_ns(const struct pvs_thread *thread, uint64_t *run_ns);

/* account.c */
/* Charge what passed since the last call. */
void pvs_account(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t now);
/* A boost begins: from now on run time is charged. */
void pvs_account_start(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t now);
/* Who pays for @boost; NULL for PVS_BOOST_NONE. */
struct pvs_budget *pvs_budget_of(struct pvs_vcpu *v, uint32_t boost);
/* Run and wait time from schedstat, if it is time to look. */
void pvs_sample(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t now);
/* What service threads ran above their baseline is charged to whom they serve. */
void pvs_account_services(struct pvs_vm *vm, uint64_t now);

/* decide.c: what of @d, about @v, is granted. -EINVAL: it is none of what the policy may ask. */
int pvs_judge(struct pvs_vm *vm, struct pvs_vcpu *v, const struct pvs_decision *d, uint64_t now,
	      struct pvs_effect *effect, enum pvs_reject *reject);

/* effect.c */
/* Put @effect in the place of what is in effect. What the actuator refuses leaves the baseline. */
enum pvs_reject pvs_effect_set(struct pvs_vm *vm, struct pvs_vcpu *v,
			       const struct pvs_effect *effect, uint64_t now);
void pvs_effect_clear(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t now);
/* End it if its hold or its budget is over. */
void pvs_effect_check(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t now);
void pvs_effect_clear_all(struct pvs_vm *vm, uint64_t now);
/* A new service thread gets what is in effect on the others. */
void pvs_service_join(struct pvs_vm *vm, struct pvs_service *service);
/* Note why the last wish was not granted, or that it was. */
void pvs_reject_set(struct pvs_vcpu *v, enum pvs_reject reject);

/* ask.c: count the event and, if there is a callback for it, ask the policy. */
void pvs_dispatch(struct pvs_vm *vm, struct pvs_vcpu *v, enum pvs_event event, uint64_t now);
void pvs_fill_ctx(const struct pvs_vm *vm, const struct pvs_vcpu *v, enum pvs_event event,
		  uint64_t now, struct pvs_ctx *ctx);
/* The policy was asked with @ctx and gave @verdict, or -errno: do as it says, within its bounds. */
void pvs_answered(struct pvs_vm *vm, struct pvs_vcpu *v, const struct pvs_ctx *ctx, int verdict,
		  uint64_t now);

/* event.c */
/*
 * What a vCPU thread did, where the policy was asked already: with @ctx, to which it gave
 * @verdict; NULL: it had nothing to say. The rest of the event's way is as for pvs_vm_switch().
 */
void pvs_vm_decided(struct pvs_vm *vm, const struct pvs_switch *at, const struct pvs_ctx *ctx,
		    int verdict);
/* INIT and EXIT of the policy in place, if there is one. */
void pvs_activate(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t now);
void pvs_deactivate(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t now);
void pvs_heard(struct pvs_vm *vm, uint64_t now);

/* attend.c */
/* The vCPU's page was read at a tick: does its guest ask for more than ticks? */
void pvs_attend_look(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t now);
/* Something that decides what is worth hearing may be other than it was. */
void pvs_attend(struct pvs_vm *vm);
/* Have the front end tell what it was in no hurry to tell. */
void pvs_catch_up(struct pvs_vm *vm);
/* What a mailbox need not be told otherwise: events of vCPUs as PVS_POST_*, of which KICK are those
 * that are not the guest's own. */
uint32_t pvs_vm_hears(const struct pvs_vm *vm);
/* From one tick to the next. */
uint64_t pvs_tick_ns(const struct pvs_vm *vm);
/* Ticks may have been rare; they are not any more. */
void pvs_wake_ticks(struct pvs_vm *vm, uint64_t now);

/* publish.c */
void pvs_publish(struct pvs_vm *vm, struct pvs_vcpu *v, uint64_t now);
/* Nothing but PRESENT is shown. */
void pvs_publish_clear(struct pvs_vm *vm, struct pvs_vcpu *v);
/* The page is another one: everything is written again. */
void pvs_publish_again(struct pvs_vm *vm, struct pvs_vcpu *v);

/* opaque.c: all do nothing while PVS_F_OPAQUE is not negotiated. */
/* The guest's line of @vcpu into @words, PVS_OPAQUE_WORDS; without one they are left alone. */
void pvs_opaque_read(struct pvs_vm *vm, uint32_t vcpu, __u64 *words);
/* Store @words in the host's line of @vcpu. */
void pvs_opaque_publish(struct pvs_vm *vm, uint32_t vcpu, const __u64 *words);
/* The host's lines are zeroed. */
void pvs_opaque_clear(struct pvs_vm *vm);
/* The page is another one: all lines are stored again. */
void pvs_opaque_publish_again(struct pvs_vm *vm);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Switches of vCPU threads, told by kernel/switches.bpf.c as they happen. */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "clock.h"
#include "kernel_access.h"
#include "kernel/switches.h"

struct pvs_switches {
	struct bpf_object *object;
	struct bpf_link *on_switch, *on_timer;
	struct ring_buffer *ring;
	int threads, events;              /* map fds, the object's */
	struct switches_globals *globals; /* the program's, mapped */
	uint64_t lost;                    /* of which the listener was told how it ended */
	uint64_t caught_up;               /* when it was told that last */
	/* for the time of pvs_switches_take() */
	void (*fn)(void *opaque, const struct pvs_switch *event);
	void *opaque;
};

static int on_event(void *opaque, void *data, size_t size)
{
	const struct pvs_switches *switches = opaque;
	const struct switches_event *entry = data;
	const struct pvs_switch event = {
		.ns = entry->ns,
		.tid = entry->tid,
		.vm = entry->vm,
		.vcpu = entry->vcpu,
		.cpu = entry->cpu,
		.event = entry->event,
	};

	switches->fn(switches->opaque, &event);
	return 0;
}

static int find_maps(struct pvs_switches *switches)
{
	switches->threads = bpf_object__find_map_fd_by_name(switches->object, "threads");
	switches->events = bpf_object__find_map_fd_by_name(switches->object, "events");
	switches->globals = pvs_kernel_object_globals(switches->object, sizeof(*switches->globals));
	if (switches->threads < 0 || switches->events < 0 || !switches->globals)
		return -EINVAL;
	switches->ring = ring_buffer__new(switches->events, on_event, switches, NULL);
	return switches->ring ? 0 : -errno;
}

static int load(struct pvs_switches *switches, struct pvs_log *log)
{
	int err = pvs_kernel_can_trace(log);

	if (!err)
		err = pvs_kernel_object_open_own("switches", &switches->object, log);
	if (!err)
		err = pvs_kernel_object_load(switches->object, log);
	return err;
}

static struct bpf_link *attach_program(struct pvs_switches *switches, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(switches->object, name);

	return program ? bpf_program__attach(program) : NULL;
}

static int attach(struct pvs_switches *switches, struct pvs_log *log)
{
	if (find_maps(switches) < 0)
		return pvs_refuse(log, -EINVAL, "switches: the object lacks a map of its own");
	switches->on_switch = attach_program(switches, "on_switch");
	if (!switches->on_switch)
		return pvs_kernel_refuse(log, -errno, "attach to sched_switch");
	switches->on_timer = attach_program(switches, "on_timer");
	return switches->on_timer
		       ? 0
		       : pvs_kernel_refuse(log, -errno, "attach to hrtimer_expire_entry");
}

int pvs_switches_open(struct pvs_switches **out, struct pvs_log *log)
{
	struct pvs_switches *switches = calloc(1, sizeof(*switches));
	int err;

	*out = NULL;
	if (!switches)
		return -ENOMEM;
	err = load(switches, log);
	if (!err)
		err = attach(switches, log);
	if (err) {
		pvs_switches_close(switches);
		return err;
	}
	*out = switches;
	return 0;
}

void pvs_switches_close(struct pvs_switches *switches)
{
	if (!switches)
		return;
	bpf_link__destroy(switches->on_switch);
	bpf_link__destroy(switches->on_timer);
	ring_buffer__free(switches->ring);
	if (switches->globals)
		munmap(switches->globals, sizeof(*switches->globals));
	bpf_object__close(switches->object);
	free(switches);
}

int pvs_switches_add(struct pvs_switches *switches, pid_t tid, uint32_t vm, uint32_t vcpu)
{
	const struct switches_thread thread = {.vm = vm, .vcpu = vcpu};

	return bpf_map_update_elem(switches->threads, &tid, &thread, BPF_ANY);
}

void pvs_switches_remove(struct pvs_switches *switches, pid_t tid)
{
	bpf_map_delete_elem(switches->threads, &tid);
}

int pvs_switches_fd(const struct pvs_switches *switches)
{
	return switches->events;
}

/* What is owed since so long before the last time it was told then: a program may have taken its
 * time and not left it in the map yet. */
#define OWED_SLACK_NS 1000000u

/* That @tid stopped found no room, and nothing was told of it since: tell it now. */
static unsigned tell_owed(struct pvs_switches *switches, pid_t tid)
{
	struct switches_thread thread;
	struct pvs_switch event = {.tid = tid};

	if (bpf_map_lookup_elem(switches->threads, &tid, &thread) < 0 || !thread.owed ||
	    thread.owed_ns + OWED_SLACK_NS < switches->caught_up)
		return 0;
	event.ns = thread.owed_ns;
	event.vm = thread.vm;
	event.vcpu = thread.vcpu;
	event.cpu = thread.owed_cpu;
	event.event = thread.owed;
	switches->fn(switches->opaque, &event);
	return 1;
}

/* Events were lost: a thread that waits since then would be held for running until it runs. */
static unsigned catch_up(struct pvs_switches *switches)
{
	pid_t tid, *last = NULL;
	const uint64_t now = pvs_clock_ns();
	unsigned told = 0;

	while (bpf_map_get_next_key(switches->threads, last, &tid) == 0) {
		told += tell_owed(switches, tid);
		last = &tid;
	}
	switches->caught_up = now;
	return told;
}

unsigned pvs_switches_take(struct pvs_switches *switches,
			   void (*fn)(void *opaque, const struct pvs_switch *event), void *opaque)
{
	const uint64_t lost = pvs_switches_lost(switches);
	unsigned owed = 0;
	int taken;

	/* Whoever takes them is woken by them: what it does to the threads is not an event. */
	__atomic_store_n(&switches->globals->listener, (__s32)gettid(), __ATOMIC_RELAXED);
	switches->fn = fn;
	switches->opaque = opaque;
	taken = ring_buffer__consume(switches->ring);
	if (lost != switches->lost)
		owed = catch_up(switches);
	switches->lost = lost;
	return (taken > 0 ? (unsigned)taken : 0) + owed;
}

void pvs_switches_set_wakes(struct pvs_switches *switches, enum pvs_wakes wakes)
{
	static const __u32 how[] = {
		[PVS_WAKES_ALL] = SWITCHES_WAS_LAZY,
		[PVS_WAKES_STOPS] = SWITCHES_LAZY,
		[PVS_WAKES_NEVER] = SWITCHES_SILENT,
	};

	__atomic_store_n(&switches->globals->lazy, how[wakes], __ATOMIC_RELAXED);
}

uint64_t pvs_switches_lost(const struct pvs_switches *switches)
{
	return __atomic_load_n(&switches->globals->lost, __ATOMIC_RELAXED);
}

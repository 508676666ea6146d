/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What switches.bpf.c and source_bpf.c share. */
#ifndef PVS_KERNEL_SWITCHES_H
#define PVS_KERNEL_SWITCHES_H

#define PVS_SWITCHES_RING_BYTES  (1u << 20)
#define PVS_SWITCHES_MAX_THREADS 16384u
#define PVS_SWITCHES_LAZY_NS     100000000u /* at the latest the listener hears after this */

/* Map `threads`: by thread id. */
struct switches_thread {
	__u32 vm, vcpu;
	__u32 hidden;  /* the listener took its CPU, which nobody was told */
	__u32 stopped; /* the last event was a stop */
	__u32 running; /* the last event was a run, and found room */
	__u32 owed;    /* the last event, if it found no room and was not a run */
	__u64 owed_ns;
	__u32 owed_cpu, reserved;
};

/* See pvs_switches_set_wakes(). The kernel wakes by itself a listener that has taken all there was;
 * after a lazy time there may be some that nobody was woken for, so that one is forced. */
enum switches_lazy {
	SWITCHES_EAGER,
	SWITCHES_LAZY,
	SWITCHES_WAS_LAZY,
	SWITCHES_SILENT,
};

/* Globals of the program. */
struct switches_globals {
	__u64 lost;     /* events that found no room */
	__s32 listener; /* the thread that takes the events, 0: not known yet */
	__u32 lazy;     /* enum switches_lazy */
	__u64 woken;    /* when the listener last was woken */
};

/* Ring `events`; the fields of struct pvs_switch. */
struct switches_event {
	__u64 ns;
	__s32 tid;
	__u32 vm, vcpu, cpu;
	__u32 event; /* enum pvs_event */
	__u32 reserved;
};

#endif

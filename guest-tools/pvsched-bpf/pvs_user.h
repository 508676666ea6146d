/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * What a thread in the guest's user space tells the publisher, without a system call: that it holds
 * a lock, and which deadline it keeps. A slot for each thread in an array of the publisher, pinned
 * at PVS_USER_PATH; the thread maps it (mmap) and writes its slot, the publisher reads the slot of
 * the thread that a CPU switches to. Shared by publisher.bpf.c and pvs_self.c.
 */
#ifndef PVS_USER_H
#define PVS_USER_H

#define PVS_USER_PATH "/sys/fs/bpf/sluice-pvsched/publisher/user"

#define PVS_USER_SLOTS 4096 /* a thread's slot is its thread id modulo this; taken: it has none */

struct pvs_user_slot {
	__u32 tid;                                /* owner; 0: free */
	__u32 held;                               /* locks held; written by the owner only */
	__u64 dl_runtime, dl_deadline, dl_period; /* ns; dl_deadline 0: none */
	__u32 dl_serial;                          /* incremented after the three were written */
	__u32 reserved[7];
};

#ifndef PVS_NO_ASSERTS
_Static_assert(sizeof(struct pvs_user_slot) == 64, "one writer in a cache line");
#endif

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * /dev/sluice_pvsched: what pvschedctl sees of the channel. Root only.
 *
 * mmap() at offset 0: the host's pages, read-only; at PVS_MMAP_GUEST: the guest's pages. Page v is
 * vCPU v's. While the device is being reset an access to either ends with SIGBUS. poll() says
 * POLLIN when the configuration, the policy or the generation changed since the last PVS_IOC_INFO.
 */
#ifndef SLUICE_PVS_UAPI_H
#define SLUICE_PVS_UAPI_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define PVS_DEV_NAME "sluice_pvsched"

#define PVS_MMAP_GUEST (1ull << 32)

/* Where the pages are. */
enum pvs_where {
	PVS_WHERE_NONE = 0,
	PVS_WHERE_BAR,
	PVS_WHERE_RAM,
};

/* How the CPU caches them, as the page table and the PAT say. */
enum pvs_memtype {
	PVS_MEMTYPE_UNKNOWN = 0,
	PVS_MEMTYPE_WB,
	PVS_MEMTYPE_WT,
	PVS_MEMTYPE_WP,
	PVS_MEMTYPE_WC,
	PVS_MEMTYPE_UC_MINUS,
	PVS_MEMTYPE_UC,
};

struct pvs_info {
	__u32 connected; /* negotiated: pages are in use */
	__u32 version;   /* of the device, major << 16 | minor */
	__u64 offered;   /* PVS_F_* */
	__u64 features;
	__u32 status; /* PVS_STATUS_* */
	__u32 result; /* enum pvs_result */
	__u32 generation;
	__u32 negotiations; /* that succeeded since the driver found the device */
	__u32 n_vcpus;
	__u32 n_cpus; /* CPU numbers of the guest are below this */
	__u32 stride;
	__u32 n_vectors;  /* MSI-X vectors in use */
	__u32 where;      /* enum pvs_where */
	__u32 guest_type; /* enum pvs_memtype */
	__u32 host_type;
	__u32 clock_error;  /* ns, 0: not measured */
	__s64 clock_offset; /* guest's clock minus host's, ns */
	__u64 clock_at;     /* when it was measured, guest's clock */
	__u32 sources;      /* PVS_SRC_* */
	__u32 actuators;    /* PVS_ACT_* */
	__u32 policy_serial;
	__u32 bad_access;
	char policy[16];
};

/* vcpus[cpu] is the CPU's vCPU, or -1; n says how many there is room for, and returns n_cpus. */
struct pvs_cpus {
	__u32 n;
	__u32 pad;
	__u64 vcpus; /* pointer to __s32 */
};

/* A hint given by hand, stored by the CPU it is about. args are those of the kfunc of the same
 * name, in order. */
enum pvs_hint_op {
	PVS_HINT_INTENT = 0, /* class, nice, prio, pending */
	PVS_HINT_PENDING,    /* set, clear */
	PVS_HINT_ENTER,      /* why */
	PVS_HINT_EXIT,       /* why */
	PVS_HINT_DEADLINE,   /* runtime, deadline, period */
	PVS_HINT_NEXT_EVENT, /* when */
	PVS_HINT_WAIT,       /* cpu, reason */
	PVS_HINT_EMIT,       /* type, arg */
	PVS_HINT_DOORBELL,
	PVS_HINT_KICK,
	PVS_HINT_TICKET,
	PVS_HINT_NOTIFY, /* what */
	PVS_HINT_RESET,  /* back to what a CPU that says nothing has */
	PVS_HINT_OP_MAX
};

struct pvs_hint_cmd {
	__u32 op; /* enum pvs_hint_op */
	__u32 cpu;
	/* Signed ones sign-extended, the rest 0. -EINVAL: more than the kfunc's parameter holds. */
	__u64 args[4];
	__u64 answer; /* TICKET: its number */
};

#define PVS_IOC_MAGIC       0xb5
#define PVS_IOC_INFO        _IOR(PVS_IOC_MAGIC, 0, struct pvs_info)
#define PVS_IOC_CPUS        _IOWR(PVS_IOC_MAGIC, 1, struct pvs_cpus)
#define PVS_IOC_HINT        _IOWR(PVS_IOC_MAGIC, 2, struct pvs_hint_cmd)
#define PVS_IOC_RENEGOTIATE _IO(PVS_IOC_MAGIC, 3)
#define PVS_IOC_CLOCK       _IO(PVS_IOC_MAGIC, 4) /* measure the clocks' offset now */

#endif

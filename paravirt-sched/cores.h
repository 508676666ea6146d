/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Which host CPUs share a core (SMT), and which vCPU of a VM each got last. The host's topology is
 * read once; CPUs that come online later are taken for ones that share nothing. One thread at a
 * time; all but the first take NULL for a host of which nothing is known.
 */
#ifndef PVS_CORES_H
#define PVS_CORES_H

#include <stdint.h>

#define PVS_HOST_CPUS "/sys/devices/system/cpu"

struct pvs_cores;

/* What @folder, laid out as PVS_HOST_CPUS, says; NULL: that one. -ENOMEM; -errno of the folder. */
int pvs_cores_read(const char *folder, struct pvs_cores **cores);
void pvs_cores_free(struct pvs_cores *cores);

/* The next CPU of @cpu's core: from one to the next they lead back to @cpu. @cpu itself: it shares
 * its core with none, or nothing is known of it. */
uint32_t pvs_cores_next(const struct pvs_cores *cores, uint32_t cpu);

/* @vcpu runs on @cpu. */
void pvs_cores_got(struct pvs_cores *cores, uint32_t cpu, uint32_t vcpu);
/* The vCPU that got @cpu last, which may have gone to another since, + 1; 0: none. */
uint32_t pvs_cores_vcpu(const struct pvs_cores *cores, uint32_t cpu);

#endif

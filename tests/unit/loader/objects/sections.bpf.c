// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* The same program in sections of every kind. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#define PROGRAM(section, name)           \
	SEC(section) int name(void *ctx) \
	{                                \
		return 1;                \
	}

PROGRAM("xdp", in_xdp)
PROGRAM("xdp/filter", in_xdp_filter)
PROGRAM("xdp.frags", in_xdp_frags)
PROGRAM("xdp_prog1", in_xdp_prog1)
PROGRAM("xdp1", in_xdp1)
PROGRAM("?xdp", in_optional)
PROGRAM("xdp/devmap", in_devmap)
PROGRAM("xdp.frags/cpumap", in_cpumap)
PROGRAM("xdp_devmap/exit", in_old_devmap)
PROGRAM("tc", in_tc)
PROGRAM("tcx/ingress", in_tcx)
PROGRAM("classifier/filter", in_classifier)
PROGRAM("action", in_action)
PROGRAM("prog", in_prog)
PROGRAM("xdpfilter", in_xdpfilter)
PROGRAM("kprobe/do_exit", in_kprobe)

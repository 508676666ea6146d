/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What xdp_firewall must do with a capture, worked out from its bytes without BPF. */
#ifndef TEST_SLUICE_RUN_ORACLE_H
#define TEST_SLUICE_RUN_ORACLE_H

#include <stdint.h>
#include "../../../examples/xdp_firewall.h"

struct oracle {
	uint64_t frames;
	uint64_t bytes;
	uint64_t passed_bytes;
	uint64_t verdicts[FW_VERDICTS];
};

/* Judge the frames of @path with the one source @blocked (16 bytes, NULL: none). */
struct oracle oracle_judge(const char *path, const uint8_t *blocked);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * bpf_classic: classic BPF, as libpcap compiles filter expressions to, becomes a program the NIC
 * runs (XDP). Instructions and their checks as Linux has them for socket filters.
 *
 * Where Linux and libpcap's interpreter differ, the answer is libpcap's: an indexed load whose
 * offset exceeds 32 bits is out of bounds (Linux wraps it), and a shift by X of 32 or more gives 0
 * (Linux takes X modulo 32).
 *
 * What a filter sees is the frame as it lies in the NIC, from its first byte, VLAN tags included:
 * "VLAN tag present" is always 0, which makes compiled expressions look for the tag in the frame.
 * A frame has 65535 bytes at most; what lies beyond is out of bounds.
 */
#ifndef BPF_CLASSIC_H
#define BPF_CLASSIC_H

#include "bpf_engine.h"
#include <linux/filter.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BPFE_CLASSIC_MAX_INSNS 4096u /* BPF_MAXINSNS */

struct bpfe_classic_attr {
	const struct sock_filter *insns;
	uint32_t n_insns;
	bool raw;          /* r0 is what the filter returns, whatever the two below say */
	uint32_t match;    /* r0 when the filter returns anything but 0: XDP_PASS ... */
	uint32_t no_match; /* r0 when it returns 0, loads out of bounds, or divides by 0 */
};

/*
 * Check a classic program: opcodes and operands, jumps, a return at the end, no word of M[] loaded
 * before it was stored on every way there. -EINVAL, -E2BIG: refused; @log names the instruction and
 * what would be accepted, and may be NULL.
 */
int bpfe_classic_validate(const struct sock_filter *insns, uint32_t n_insns, struct bpfe_log *log);

/*
 * Validate and convert to instructions for bpfe_program_load() with type XDP, which accepts them
 * whatever the filter. *insns is the caller's to free(). Errors as for validation, and -ENOMEM.
 */
int bpfe_classic_convert(const struct bpfe_classic_attr *attr, struct bpf_insn **insns,
			 uint32_t *n_insns, struct bpfe_log *log);

/* One classic instruction, which is at @index, as tcpdump -d prints it ("jeq #0x800 jt 2 jf 5").
 * FALSE if it is not one. */
bool bpfe_classic_disasm(const struct sock_filter *insn, uint32_t index, char *buf, size_t size);

#ifdef __cplusplus
}
#endif
#endif

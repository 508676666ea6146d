/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Small XDP programs, written as instructions and loaded by the real engine. */
#ifndef TEST_PROGRAMS_H
#define TEST_PROGRAMS_H

#include <bpf_engine.h>

/* Returns @verdict, whatever it is. */
struct bpfe_program *program_verdict(uint32_t verdict);

/* Returns @verdict plus the receive queue's number. */
struct bpfe_program *program_queue_verdict(uint32_t verdict);

/* Moves the frame's head by @delta (bpf_xdp_adjust_head); @verdict, or ABORTED if refused. */
struct bpfe_program *program_adjust_head(int32_t delta, uint32_t verdict);

/* Puts @value before the frame as 4 bytes of metadata and passes it. */
struct bpfe_program *program_metadata(uint32_t value);

/* Grows the metadata to @bytes (a multiple of 4, zeros) and passes the frame. */
struct bpfe_program *program_metadata_size(int32_t bytes);

/* Adds 1 to the byte at @offset of the frame and passes it; shorter frames are dropped. */
struct bpfe_program *program_touch(int32_t offset);

/* Counts @rounds down in a loop, then passes; may execute at most @budget instructions. */
struct bpfe_program *program_loop(int32_t rounds, uint32_t budget);

/* bpf_redirect(@ifindex, 0) */
struct bpfe_program *program_redirect(uint32_t ifindex);

/* bpf_redirect_map(@map, @key, @flags) */
struct bpfe_program *program_redirect_map(struct bpfe_map *map, uint32_t key, uint32_t flags);

/* bpf_check_mtu() of interface @ifindex: passes frames if it is @mtu, drops them otherwise. */
struct bpfe_program *program_check_mtu(uint32_t ifindex, uint32_t mtu);

/* Grows the frame at its tail by @delta; @verdict, or ABORTED if refused. */
struct bpfe_program *program_adjust_tail(int32_t delta, uint32_t verdict);

#endif

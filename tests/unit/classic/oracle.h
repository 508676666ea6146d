/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * libpcap's compiler and interpreter of classic BPF, to compare with. Apart from the rest because
 * its headers and Linux's both have a struct bpf_insn.
 */
#ifndef TEST_CLASSIC_ORACLE_H
#define TEST_CLASSIC_ORACLE_H

#include <linux/filter.h>
#include <stddef.h>
#include <stdint.h>

#define ORACLE_MAX 4096u

/* Compile @expression for Ethernet frames into @insns (room for ORACLE_MAX). Returns how many
 * instructions, or 0 with libpcap's reason in @why. */
uint32_t oracle_compile(const char *expression, int optimize, struct sock_filter *insns, char *why,
			size_t size);

/* What libpcap's interpreter makes of a frame. */
uint32_t oracle_filter(const struct sock_filter *insns, const void *frame, uint32_t len);

/* The text libpcap has for instruction @index, in a static buffer. */
const char *oracle_image(const struct sock_filter *insn, uint32_t index);

#endif

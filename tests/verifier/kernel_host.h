/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The host's own kernel, asked as for an author it trusts least: with the capabilities that XDP
 * takes, and not CAP_PERFMON, which is what lets pointers leak.
 */
#ifndef VERIFIER_KERNEL_HOST_H
#define VERIFIER_KERNEL_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/bpf.h>

/* Give up all capabilities but these. False, with a line saying why, if the kernel takes no XDP
 * programs from here or is older than 6.6. */
bool kernel_host_prepare(void);

/* Lend CAP_PERFMON, with which the kernel accepts what it refuses of untrusted authors, or take it
 * back. */
void kernel_host_trust(bool trusted);

/*
 * What we accept and the kernel refuses must be of a class, each a reason that is not safety here.
 * The class of a refusal by its last words, or -1.
 */
int kernel_class_of(const char *text);
/* The instruction at which it refused, by its log; UINT32_MAX if the log does not say. */
uint32_t kernel_refused_insn(const char *text);
size_t kernel_classes(void);
const char *kernel_class_text(size_t class);
const char *kernel_class_why(size_t class);

/* The end of a log. */
const char *kernel_last_words(const char *text);

/* Load, or -1 with the verifier's words in @text. */
int kernel_host_load(const struct bpf_insn *insns, uint32_t n, char *text, uint32_t size);

/* Run over @frame of @size bytes, which then holds what the program made of it. *length gets its
 * new length. False if the kernel does not run it. */
bool kernel_host_run(int fd, uint8_t *frame, uint32_t size, uint32_t room, uint32_t *length,
		     uint32_t *retval);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A benchmark program in libbpf. */
#ifndef SLUICE_BENCH_LINUX_OBJECT_H
#define SLUICE_BENCH_LINUX_OBJECT_H

#include "catalogue.h"

#include <bpf/libbpf.h>

/* Open with bench_n == @n, not loaded yet; NULL with @error. bpf_object__close() it. */
struct bpf_object *linux_object_open(const struct bench_program *program, uint32_t n,
				     GError **error);

/* Open and load; @error carries the verifier's last words. */
struct bpf_object *linux_object_load(const struct bench_program *program, uint32_t n,
				     GError **error);

/* Keep what libbpf has to say for @error instead of printing it. Call once, before all else. */
void linux_object_quiet(void);

#endif

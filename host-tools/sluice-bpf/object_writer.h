/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Write an ELF object with one program, as libbpf and iproute2 load it. */
#ifndef SLUICE_BPF_OBJECT_WRITER_H
#define SLUICE_BPF_OBJECT_WRITER_H

#include <glib.h>
#include <stdint.h>

struct bpf_insn;

struct object_writer_attr {
	const char *function;
	const char *section;
	const char *license;
	const struct bpf_insn *insns;
	uint32_t n_insns;
};

/* FALSE with @error if @path cannot be written whole. */
gboolean object_write(const char *path, const struct object_writer_attr *attr, GError **error);

#endif

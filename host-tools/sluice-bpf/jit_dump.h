/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A program of an object compiled, and what the compiler made of it printed. */
#ifndef SLUICE_BPF_JIT_DUMP_H
#define SLUICE_BPF_JIT_DUMP_H

#include "engine_options.h"
#include "object_file.h"

#include <json-c/json.h>

struct jit_dump {
	gboolean machine; /* machine code beside instructions */
	gboolean lir;     /* what the compiler's passes made, before that */
	gboolean source;  /* with source lines */
	struct engine_options engine;
};

/* Compile program @index of @file and print it. FALSE with @error: it is refused or cannot be
 * compiled. */
gboolean jit_dump_print(const struct jit_dump *dump, const struct object_file *file, uint32_t index,
			GError **error);

/* The same as an object with name, section, bytes, compile_ns, lir and insns; NULL with @error. */
struct json_object *jit_dump_json(const struct jit_dump *dump, const struct object_file *file,
				  uint32_t index, GError **error);

#endif

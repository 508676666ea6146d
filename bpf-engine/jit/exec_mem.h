/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Memory for compiled code: never writable and executable at one time, with unmapped pages on both
 * sides. Code is put together on the heap; its pages belong to a memfd that is sealed against
 * writing once the code is in it, so that nothing can make them writable again and they can still
 * be given back. They lie near the engine's own code where there is room, so that calls reach
 * helpers directly.
 */
#ifndef BPFE_EXEC_MEM_H
#define BPFE_EXEC_MEM_H

#include <stddef.h>
#include <stdint.h>
#include "internal.h"

struct jit_region;

/*
 * Room for @size bytes of code, writable, filled with int3; *start is where code may begin: the
 * first byte, or with @random_start a random one, 16-byte aligned, in front of which is only int3
 * (at most a page more is taken). -ENOMEM, -EPERM: logged.
 */
int jit_region_open(size_t size, bool random_start, uint64_t seed, struct jit_region **region,
		    uint8_t **start, struct bpfe_log *log);

/* What was written at *start is executable from now on, at jit_region_address(), and *start no
 * longer valid. -ENOMEM, -EPERM: logged. */
int jit_region_seal(struct jit_region *region, struct bpfe_log *log);

/* Where the byte at *start will be executed. */
uint64_t jit_region_address(const struct jit_region *region);

/* Nobody runs it any more, or it never was sealed. */
void jit_region_close(struct jit_region *region);

/*
 * Tell debuggers (the GDB JIT interface) and, if asked for, perf (bpfe_perf_map()) that @name lies
 * at [code, code + size); bytes other than letters, digits, dots and underscores become
 * underscores. The handle undoes it before the code goes; NULL, without memory, is fine. Any
 * thread.
 */
struct jit_symbol;
struct jit_symbol *jit_symbol_add(const char *name, const void *code, size_t size);
void jit_symbol_remove(struct jit_symbol *symbol);

#endif

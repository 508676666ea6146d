/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Address space for compiled code, near the engine's own. */
#ifndef BPFE_EXEC_PLACE_H
#define BPFE_EXEC_PLACE_H

#include <stddef.h>

/*
 * Reserve @size bytes, a multiple of the page size, that nothing can be done with yet: within
 * 2 GiB of the engine's code if there is room, else anywhere. munmap() gives them back. Any
 * thread. NULL: none left (errno).
 */
void *jit_place_reserve(size_t size);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A guest, wire and host that do anything, told by a string of bytes: random or a fuzzer's. */
#ifndef MODEL_HOSTILE_H
#define MODEL_HOSTILE_H

#include <stddef.h>
#include <stdint.h>

/* Load the programs it attaches, once; the thread must be registered with the engine. */
void hostile_init(void);
void hostile_fini(void);

/*
 * Do what @bytes say to a new NIC. NULL, or what was found broken: an equation of the counters, an
 * index outside its ring, a frame lost for want of a buffer though the wire was told to go on.
 */
const char *hostile_run(const uint8_t *bytes, size_t size);

#endif

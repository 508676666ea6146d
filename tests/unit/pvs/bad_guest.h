/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * A guest and a policy that do what bytes say, and a checker of what must hold whatever they do.
 * The bytes are a random sequence in the unit test and a fuzzer's in the fuzz target.
 */
#ifndef PVS_TEST_BAD_GUEST_H
#define PVS_TEST_BAD_GUEST_H

#include <stddef.h>
#include <stdint.h>

/* Run the script. NULL, or what did not hold, in a static buffer. */
const char *bad_guest_run(const uint8_t *data, size_t size);

#endif

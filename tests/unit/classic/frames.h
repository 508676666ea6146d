/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Frames with headers that real filters ask for, by number: the same number, the same frame. */
#ifndef TEST_CLASSIC_FRAMES_H
#define TEST_CLASSIC_FRAMES_H

#include <stdint.h>

#define FRAME_MAX 600u

/* Write frame @number (any) to @frame. Returns its length, 0 to FRAME_MAX: some end early. */
uint32_t frame_make(uint32_t number, uint8_t *frame);

#endif

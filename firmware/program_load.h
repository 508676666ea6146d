/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Program loads on the worker. docs/control-path.md, "Loading a program". */
#ifndef SLUICE_FW_PROGRAM_LOAD_H
#define SLUICE_FW_PROGRAM_LOAD_H

#include "fw_internal.h"

/* Complete the loads the worker has ended. */
void fw_loads_collect(struct fw *fw);

/* Forget all loads under way, without waiting and without completions. */
void fw_loads_cancel(struct fw *fw);

#endif

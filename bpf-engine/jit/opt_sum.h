/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
#ifndef BPFE_OPT_SUM_H
#define BPFE_OPT_SUM_H

#include "jit/lir.h"

/* Is block @b a loop that jit_opt_sum() would make one operation of? lir->flow must be right. */
bool jit_is_sum(const struct lir *lir, uint32_t b);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Entries of a record, printed. */
#ifndef SLUICE_PVSCHED_DUMP_H
#define SLUICE_PVSCHED_DUMP_H

#include <pvs.h>

#define DUMP_SETS 10

extern const char *const dump_set_names[DUMP_SETS]; /* of bit 1 << i of pvs_decision.set */

const char *reject_name(uint32_t reject);

/* One object in one line, so that a long record can be read as it comes. */
void print_entry_json(const struct pvs_record_entry *entry);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Functions of this very process by their addresses, from its executable's symbol table. */
#ifndef SLUICE_BPF_OWN_SYMBOLS_H
#define SLUICE_BPF_OWN_SYMBOLS_H

#include <stdint.h>

struct own_symbols;

/* Never NULL; without a symbol table nothing is found. */
struct own_symbols *own_symbols_open(void);
void own_symbols_close(struct own_symbols *symbols);

/* Name of the function that begins at @address, or NULL; valid until the table is closed. */
const char *own_symbols_find(const struct own_symbols *symbols, uint64_t address);

#endif

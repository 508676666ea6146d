/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Names of compiled code, for debuggers and profilers. A debugger finds the list of symbol files at
 * __jit_debug_descriptor, and a breakpoint of its own in __jit_debug_register_code() tells it that
 * the list changed (gdb's manual, "JIT Compilation Interface").
 */
#include <ctype.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include "jit/exec_mem.h"
#include "jit/gdb_image.h"
#include "jit/perf_map.h"

/* As a debugger reads them: names and layout are its own. */
struct jit_code_entry {
	struct jit_code_entry *next_entry;
	struct jit_code_entry *prev_entry;
	const void *symfile_addr;
	uint64_t symfile_size;
};

struct jit_descriptor {
	uint32_t version;
	uint32_t action_flag;
	struct jit_code_entry *relevant_entry;
	struct jit_code_entry *first_entry;
};

enum {
	JIT_NOACTION,
	JIT_REGISTER,
	JIT_UNREGISTER
};

/* Weak: QEMU, that the engine is linked into, brings its own, and a process has one list. */
void __jit_debug_register_code(void);
void __attribute__((weak, noinline)) __jit_debug_register_code(void)
{
	__asm__ volatile("" ::: "memory");
}

extern struct jit_descriptor __jit_debug_descriptor;
struct jit_descriptor __attribute__((weak)) __jit_debug_descriptor = {.version = 1};

struct jit_symbol {
	struct jit_code_entry entry;
	struct gdb_image image;
};

static pthread_mutex_t symbols_lock = PTHREAD_MUTEX_INITIALIZER;

/* Called with the lock. */
static void symbols_announce(struct jit_code_entry *entry, uint32_t action)
{
	__jit_debug_descriptor.relevant_entry = entry;
	__jit_debug_descriptor.action_flag = action;
	__jit_debug_register_code();
	__jit_debug_descriptor.action_flag = JIT_NOACTION;
	__jit_debug_descriptor.relevant_entry = NULL;
}

static void symbols_link(struct jit_code_entry *entry)
{
	pthread_mutex_lock(&symbols_lock);
	entry->next_entry = __jit_debug_descriptor.first_entry;
	if (entry->next_entry)
		entry->next_entry->prev_entry = entry;
	__jit_debug_descriptor.first_entry = entry;
	symbols_announce(entry, JIT_REGISTER);
	pthread_mutex_unlock(&symbols_lock);
}

static void symbols_unlink(struct jit_code_entry *entry)
{
	pthread_mutex_lock(&symbols_lock);
	if (entry->prev_entry)
		entry->prev_entry->next_entry = entry->next_entry;
	else
		__jit_debug_descriptor.first_entry = entry->next_entry;
	if (entry->next_entry)
		entry->next_entry->prev_entry = entry->prev_entry;
	symbols_announce(entry, JIT_UNREGISTER);
	pthread_mutex_unlock(&symbols_lock);
}

/* A program's name is its author's: only what cannot be taken for anything else remains of it. */
static void symbol_name(char *out, size_t size, const char *name)
{
	size_t i;

	for (i = 0; i + 1 < size && name[i]; i++) {
		unsigned char c = (unsigned char)name[i];

		out[i] = c < 0x80 && (isalnum(c) || c == '_' || c == '.') ? (char)c : '_';
	}
	out[i] = '\0';
}

struct jit_symbol *jit_symbol_add(const char *name, const void *code, size_t size)
{
	struct jit_symbol *symbol = calloc(1, sizeof(*symbol));
	char clean[GDB_IMAGE_NAME_LEN];

	if (!symbol)
		return NULL;
	symbol_name(clean, sizeof(clean), name);
	jit_gdb_image(&symbol->image, clean, code, size);
	symbol->entry.symfile_addr = &symbol->image;
	symbol->entry.symfile_size = sizeof(symbol->image);
	symbols_link(&symbol->entry);
	jit_perf_map_add(clean, code, size);
	return symbol;
}

void jit_symbol_remove(struct jit_symbol *symbol)
{
	if (!symbol)
		return;
	symbols_unlink(&symbol->entry);
	free(symbol);
}

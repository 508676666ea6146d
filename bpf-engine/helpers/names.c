// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Names of the helpers Linux defines, built here or not, so that a refusal says bpf_fib_lookup and
 * not 69. They come from the UAPI header this is compiled with; ids newer than it have no name.
 */
#include "internal.h"

/* The list brings its own commas, in every version of the header. */
#define LINUX_HELPER_NAME(name) "bpf_" #name

static const char *const names[] = {__BPF_FUNC_MAPPER(LINUX_HELPER_NAME)};

const char *bpfe_linux_helper_name(uint32_t id)
{
	return id && id < sizeof(names) / sizeof(names[0]) ? names[id] : "unknown";
}

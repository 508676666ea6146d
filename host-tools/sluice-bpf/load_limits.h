/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What a NIC's profile allows a program, as options. */
#ifndef SLUICE_BPF_LOAD_LIMITS_H
#define SLUICE_BPF_LOAD_LIMITS_H

#include <bpf_engine.h>
#include <glib.h>

struct limits {
	int max_insns; /* 0: what the engine allows */
	int max_stack;
	char *helpers; /* as given; NULL: all that are built in */
	uint64_t bitmap[4];
};

#define LIMIT_OPTIONS(limits)                                                \
	{"max-insns",                                                        \
	 0,                                                                  \
	 0,                                                                  \
	 G_OPTION_ARG_INT,                                                   \
	 &(limits)->max_insns,                                               \
	 "Refuse programs of more instructions, as a smaller NIC does",      \
	 "N"},                                                               \
		{"max-stack",                                                \
		 0,                                                          \
		 0,                                                          \
		 G_OPTION_ARG_INT,                                           \
		 &(limits)->max_stack,                                       \
		 "Refuse programs that need more stack, over all frames",    \
		 "BYTES"},                                                   \
		{"helpers",                                                  \
		 0,                                                          \
		 0,                                                          \
		 G_OPTION_ARG_STRING,                                        \
		 &(limits)->helpers,                                         \
		 "Allow only these helpers (a,b), or all but these (-a,-b)", \
		 "LIST"}

/* Check what was given and work out the helpers. FALSE with @error. */
gboolean limits_parse(struct limits *limits, const char *subcommand, GError **error);

void limits_apply(const struct limits *limits, struct bpfe_load_attr *attr);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Linux's own verifier tests, as test_selftests.c judges by them. Three questions about a program:
 * what do its authors expect (selftests_spec.c), does the case apply to XDP programs without what
 * is later work (selftests_features.c), and what follows for an author whom nobody trusts
 * (selftests_classes.c).
 */
#ifndef VERIFIER_SELFTESTS_H
#define VERIFIER_SELFTESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bpf_insn;
struct btf;

/* ---- What the authors expect: declaration tags in BTF -----------------------------------------
 */

#define SELFTEST_MESSAGES 24

struct selftest_mode {
	bool tested; /* something is said of this mode */
	bool says;   /* success or failure is said of this mode */
	bool fails;
	bool runs; /* retval is what it must return */
	uint32_t retval;
	const char *messages[SELFTEST_MESSAGES]; /* in the log, the expected ones only */
	uint32_t n_messages;
};

struct selftest_spec {
	struct selftest_mode priv;
	struct selftest_mode unpriv;
	bool auxiliary;  /* no case of its own */
	bool other_arch; /* only for architectures that x86-64 is not one of */
	bool jit_only, no_jit_only;
	bool sleepable;
	bool strict_alignment;
	bool pieces; /* run over frames in several pieces */
};

/* Read the tags of function @name. Texts belong to @btf. False: no such function. */
bool selftest_read_spec(const struct btf *btf, const char *name, struct selftest_spec *spec);

/* ---- Does it apply: what the program uses -----------------------------------------------------
 */

struct selftest_object;

/* An ELF object at @data, which must stay. NULL if it cannot be read. @btf is its BTF. */
struct selftest_object *selftest_object_open(void *data, size_t size, const struct btf *btf);
void selftest_object_close(struct selftest_object *obj);

/* Name of the section that function @name lies in, or NULL. */
const char *selftest_section(const struct selftest_object *obj, const char *name);

/*
 * Does the case apply to program @name of @section? If not, @why says what it uses that is not for
 * XDP programs or is later work. Looks at the program and every function it can reach. @type gets
 * the type to load it as: XDP, or SCHED_CLS for a tc program that looks into its context.
 */
bool selftest_applies(const struct selftest_object *obj, const char *name, const char *section,
		      const struct selftest_spec *spec, uint32_t *type, char *why, size_t size);

/*
 * May the function of @n slots at @code, which gets the context in the registers @held, load from
 * it or store to it? @is_memory: the context is memory for helpers too, as that of type syscall is.
 * Adds the registers in which it passes it to other functions.
 */
bool selftest_looks_into_context(const struct bpf_insn *code, uint32_t n, uint16_t held,
				 bool is_memory, uint16_t *passed);

/* ---- What follows for us ----------------------------------------------------------------------
 */

enum selftest_verdict {
	SELFTEST_ACCEPT = 0, /* must be accepted */
	SELFTEST_REFUSE,     /* must be refused */
	SELFTEST_EITHER,     /* explained by class: accepting and refusing are both right */
	SELFTEST_OF_OTHERS,  /* says nothing of XDP programs */
};

struct selftest_class {
	const char *name; /* NULL: what Linux says holds as it is */
	const char *why;
};

/* What must become of the program, and by which class if not as the authors say. */
enum selftest_verdict selftest_judge(const char *name, const struct selftest_spec *spec,
				     struct selftest_class *by);

/*
 * Is a program that Linux accepts of a privileged author, and of which the test says nothing for
 * others, refused here by a rule for those? @reason as in struct bpfe_log, @text the refusal.
 */
bool selftest_privilege(const struct selftest_spec *spec, uint32_t reason, const char *text,
			struct selftest_class *by);

/* Tables of selftests_classes.c that selftests_features.c reads. */
bool selftest_helper_allowed(uint32_t id);
bool selftest_kfunc_allowed(const char *name);
bool selftest_map_type_allowed(uint32_t type);
/* What a structure in a map's value that only later work gives a meaning is for, or NULL. */
const char *selftest_special_field(const char *type_name);

#endif

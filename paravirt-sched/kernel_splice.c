/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * One program of two objects: each function of host.bpf.c that stands for a callback gets a call
 * of it, and the callback's code follows at the end. Calls are relative and maps are named by file
 * descriptors, so that a callback's code, with the functions it calls, can be copied as it is.
 *
 * The kernel has BPF_PROG_TYPE_EXT for replacing a function of a loaded program. It wants
 * CAP_NET_ADMIN beside CAP_BPF and CAP_PERFMON, is not everywhere permitted, and verifies the
 * callback for any caller. Spliced, it is verified for the one context it gets.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "kernel_splice.h"
#include "kernel/host.h"

static const enum pvs_event spliced_events[] = {PVS_EVENT_VCPU_RUN, PVS_EVENT_VCPU_STOP,
						PVS_EVENT_HALT, PVS_EVENT_HINT};
#define N_SPLICED (sizeof(spliced_events) / sizeof(spliced_events[0]))

static bool is_constant(const struct bpf_insn *insn, int32_t value)
{
	return (insn->code == (BPF_ALU64 | BPF_MOV | BPF_K) ||
		insn->code == (BPF_ALU | BPF_MOV | BPF_K)) &&
	       insn->imm == value;
}

static bool is_wide(const struct bpf_insn *insn)
{
	return insn->code == (BPF_LD | BPF_IMM | BPF_DW);
}

/* ---- Code ------------------------------------------------------------------------------------ */

/* All places of @value among the first @n, in what was ours. Each is given to @change. */
static struct bpf_insn *find_constant(const struct splice *splice, size_t n, int32_t value)
{
	for (size_t i = 0; i < n; i += is_wide(&splice->insns[i]) ? 2 : 1)
		if (is_constant(&splice->insns[i], value))
			return &splice->insns[i];
	return NULL;
}

static int set_serial(struct splice *splice, size_t n, uint32_t serial)
{
	struct bpf_insn *insn = find_constant(splice, n, HOST_SERIAL);

	if (!insn)
		return -EINVAL;
	do
		insn->imm = (int32_t)serial;
	while ((insn = find_constant(splice, n, HOST_SERIAL)));
	return 0;
}

/* `r0 = HOST_CALLBACK + event; exit` becomes `call callback; exit`, or `r0 = PVS_KEEP; exit`. */
static int set_callback(struct splice *splice, size_t n, enum pvs_event event,
			const struct bpf_program *callback)
{
	struct bpf_insn *insn = find_constant(splice, n, HOST_CALLBACK + (int32_t)event);

	if (!insn || insn->dst_reg != BPF_REG_0 || insn[1].code != (BPF_JMP | BPF_EXIT))
		return -EINVAL;
	if (!callback) {
		insn->imm = PVS_KEEP;
		return 0;
	}
	*insn = (struct bpf_insn){
		.code = BPF_JMP | BPF_CALL,
		.src_reg = BPF_PSEUDO_CALL,
		.imm = (int32_t)(splice->n_insns - (size_t)(insn - splice->insns) - 1),
	};
	memcpy(splice->insns + splice->n_insns, bpf_program__insns(callback),
	       bpf_program__insn_cnt(callback) * sizeof(*insn));
	splice->n_insns += (uint32_t)bpf_program__insn_cnt(callback);
	return 0;
}

static const struct bpf_program *callback_of(const struct pvs_policy *policy, enum pvs_event event)
{
	return policy ? pvs_policy_kernel_program(policy, event) : NULL;
}

static int make_code(struct splice *splice, const struct bpf_insn *insns, size_t n,
		     const struct pvs_policy *policy, uint32_t serial)
{
	const struct bpf_program *callback;
	size_t size = n;
	int err;

	for (size_t i = 0; i < N_SPLICED; i++) {
		callback = callback_of(policy, spliced_events[i]);
		size += callback ? bpf_program__insn_cnt(callback) : 0;
	}
	splice->insns = calloc(size, sizeof(*insns));
	if (!splice->insns)
		return -ENOMEM;
	memcpy(splice->insns, insns, n * sizeof(*insns));
	splice->n_insns = (uint32_t)n;
	err = set_serial(splice, n, serial);
	for (size_t i = 0; i < N_SPLICED && !err; i++)
		err = set_callback(splice, n, spliced_events[i],
				   callback_of(policy, spliced_events[i]));
	return err;
}

/* ---- Functions: a policy may pass one to a helper, for which the kernel wants to know them --- */

/* Where the function begins that insn @i calls or names; 0: neither. */
static uint32_t function_at(const struct splice *splice, uint32_t i)
{
	const struct bpf_insn *insn = &splice->insns[i];

	if ((insn->code == (BPF_JMP | BPF_CALL) && insn->src_reg == BPF_PSEUDO_CALL) ||
	    (is_wide(insn) && insn->src_reg == BPF_PSEUDO_FUNC))
		return i + 1 + (uint32_t)insn->imm;
	return 0;
}

static int describe(struct splice *splice, uint32_t begin, int prototype)
{
	char name[32];
	int type;

	snprintf(name, sizeof(name), "pvs_host_%u", begin);
	type = btf__add_func(splice->types, name, BTF_FUNC_STATIC, prototype);
	if (type < 0)
		return type;
	splice->funcs[splice->n_funcs++] =
		(struct bpf_func_info){.insn_off = begin, .type_id = (uint32_t)type};
	return 0;
}

/* int f(void *), which is not far from what each is: functions of BTF kind static are verified
 * where they are called, whatever their types. */
static int add_prototype(struct btf *types)
{
	const int result = btf__add_int(types, "int", 4, BTF_INT_SIGNED);
	const int argument = btf__add_ptr(types, 0);
	const int prototype = btf__add_func_proto(types, result);
	const int err = btf__add_func_param(types, "ctx", argument);

	return err < 0 ? err : prototype;
}

static int describe_all(struct splice *splice, const bool *begins)
{
	const int prototype = add_prototype(splice->types);
	int err = prototype < 0 ? prototype : 0;

	for (uint32_t i = 0; i < splice->n_insns && !err; i++)
		if (begins[i])
			err = describe(splice, i, prototype);
	return err;
}

static int make_functions(struct splice *splice)
{
	bool *begins = calloc(splice->n_insns, sizeof(*begins));
	uint32_t to, n = 1;
	int err = -ENOMEM;

	if (!begins)
		return err;
	begins[0] = true;
	for (uint32_t i = 0; i < splice->n_insns; i += is_wide(&splice->insns[i]) ? 2 : 1) {
		to = function_at(splice, i);
		if (to && to < splice->n_insns && !begins[to]) {
			begins[to] = true;
			n++;
		}
	}
	splice->funcs = calloc(n, sizeof(*splice->funcs));
	splice->types = btf__new_empty();
	if (splice->funcs && splice->types)
		err = describe_all(splice, begins);
	free(begins);
	return err ? err : btf__load_into_kernel(splice->types);
}

int splice_make(struct splice *splice, const struct bpf_insn *insns, size_t n,
		const struct pvs_policy *policy, uint32_t serial)
{
	int err;

	memset(splice, 0, sizeof(*splice));
	err = make_code(splice, insns, n, policy, serial);
	return err ? err : make_functions(splice);
}

void splice_free(struct splice *splice)
{
	btf__free(splice->types);
	free(splice->funcs);
	free(splice->insns);
}

// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * The tables of what is compared and how, one line each with its reason. docs/selftests.md is their
 * account. Cases are told apart by what a program uses and by the message that Linux's authors
 * expect, and by name only where neither tells enough.
 */
#include "selftests.h"

#include <string.h>
#include "bpf_engine.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- What a program may use -------------------------------------------------------------------
 */

/* Helpers that Linux gives an XDP program and that mean something on a NIC. */
static const uint16_t helpers[] = {
	BPF_FUNC_map_lookup_elem,
	BPF_FUNC_map_update_elem,
	BPF_FUNC_map_delete_elem,
	BPF_FUNC_map_push_elem,
	BPF_FUNC_map_pop_elem,
	BPF_FUNC_map_peek_elem,
	BPF_FUNC_redirect,
	BPF_FUNC_redirect_map,
	BPF_FUNC_xdp_adjust_head,
	BPF_FUNC_xdp_adjust_tail,
	BPF_FUNC_xdp_adjust_meta,
	BPF_FUNC_csum_diff,
	BPF_FUNC_ktime_get_ns,
	BPF_FUNC_ktime_get_boot_ns,
	BPF_FUNC_get_prandom_u32,
	BPF_FUNC_get_smp_processor_id,
	BPF_FUNC_trace_printk,
	BPF_FUNC_perf_event_output,
	BPF_FUNC_ringbuf_output,
	BPF_FUNC_ringbuf_reserve,
	BPF_FUNC_ringbuf_submit,
	BPF_FUNC_ringbuf_discard,
	BPF_FUNC_ringbuf_query,
	BPF_FUNC_tail_call,
	BPF_FUNC_jiffies64,
	BPF_FUNC_fib_lookup,
	BPF_FUNC_spin_lock,
	BPF_FUNC_spin_unlock,
	/* By number: newer than the headers of Debian 12's libc. */
	160 /* ktime_get_coarse_ns */,
	163 /* check_mtu */,
	164 /* for_each_map_elem */,
	165 /* snprintf */,
	181 /* loop */,
	182 /* strncmp */,
	188 /* xdp_get_buff_len */,
	189 /* xdp_load_bytes */,
	190 /* xdp_store_bytes */,
	195 /* map_lookup_percpu_elem */,
	197 /* dynptr_from_mem */,
	198 /* ringbuf_reserve_dynptr */,
	199 /* ringbuf_submit_dynptr */,
	200 /* ringbuf_discard_dynptr */,
	201 /* dynptr_read */,
	202 /* dynptr_write */,
	203 /* dynptr_data */,
};

/* Kernel functions: numeric iterators, dynptrs over the frame, metadata of reception. */
static const char *const kfuncs[] = {
	"bpf_iter_num_new",         "bpf_iter_num_next",
	"bpf_iter_num_destroy",     "bpf_dynptr_from_xdp",
	"bpf_dynptr_slice",         "bpf_dynptr_slice_rdwr",
	"bpf_dynptr_adjust",        "bpf_dynptr_is_null",
	"bpf_dynptr_is_rdonly",     "bpf_dynptr_size",
	"bpf_dynptr_clone",         "bpf_xdp_metadata_rx_timestamp",
	"bpf_xdp_metadata_rx_hash", "bpf_xdp_metadata_rx_vlan_tag",
};

static const uint8_t map_types[] = {
	BPF_MAP_TYPE_HASH,         BPF_MAP_TYPE_ARRAY,
	BPF_MAP_TYPE_PROG_ARRAY,   BPF_MAP_TYPE_PERF_EVENT_ARRAY,
	BPF_MAP_TYPE_PERCPU_HASH,  BPF_MAP_TYPE_PERCPU_ARRAY,
	BPF_MAP_TYPE_LRU_HASH,     BPF_MAP_TYPE_LRU_PERCPU_HASH,
	BPF_MAP_TYPE_LPM_TRIE,     BPF_MAP_TYPE_ARRAY_OF_MAPS,
	BPF_MAP_TYPE_HASH_OF_MAPS, BPF_MAP_TYPE_DEVMAP,
	BPF_MAP_TYPE_DEVMAP_HASH,  BPF_MAP_TYPE_CPUMAP,
	BPF_MAP_TYPE_XSKMAP,       BPF_MAP_TYPE_QUEUE,
	BPF_MAP_TYPE_STACK,        BPF_MAP_TYPE_RINGBUF,
	BPF_MAP_TYPE_BLOOM_FILTER,
};

/* Structures and tags that only later work gives a meaning; a prefix where it ends in '*'. */
static const struct {
	const char *name;
	const char *what;
} special_fields[] = {
	{"bpf_timer", "timers"},
	{"bpf_wq", "work queues"},
	{"bpf_task_work", "task work"},
	{"bpf_list_head", "linked lists"},
	{"bpf_list_node", "linked lists"},
	{"bpf_rb_root", "red-black trees"},
	{"bpf_rb_node", "red-black trees"},
	{"bpf_refcount", "reference-counted objects"},
	{"bpf_res_spin_lock", "resilient spin locks"},
	{"kptr*", "kernel pointers"},
	{"percpu_kptr", "kernel pointers"},
	{"uptr", "user pointers"},
	{"arg:trusted", "pointers to kernel objects as arguments"},
	{"arg:untrusted", "untrusted pointers as arguments"},
	{"arg:arena", "arenas"},
	{"exception_callback:*", "exceptions"},
};

bool selftest_helper_allowed(uint32_t id)
{
	for (size_t i = 0; i < COUNT_OF(helpers); i++) {
		if (helpers[i] == id)
			return true;
	}
	/* Numbers that name no helper are to be refused as such. */
	return id == 0 || id > 1000;
}

bool selftest_kfunc_allowed(const char *name)
{
	for (size_t i = 0; i < COUNT_OF(kfuncs); i++) {
		if (strcmp(kfuncs[i], name) == 0)
			return true;
	}
	return false;
}

bool selftest_map_type_allowed(uint32_t type)
{
	for (size_t i = 0; i < COUNT_OF(map_types); i++) {
		if (map_types[i] == type)
			return true;
	}
	return false;
}

const char *selftest_special_field(const char *type_name)
{
	for (size_t i = 0; i < COUNT_OF(special_fields); i++) {
		const char *name = special_fields[i].name;
		size_t length = strlen(name);
		bool prefix = name[length - 1] == '*';

		if (prefix ? strncmp(name, type_name, length - 1) == 0
			   : strcmp(name, type_name) == 0)
			return special_fields[i].what;
	}
	return NULL;
}

/* ---- What an untrusted author's expectation means here ----------------------------------------
 */

/*
 * Linux accepts these of a privileged author and refuses them of another, expecting the text. Where
 * the text is of none of these classes, the refusal is one of safety and holds here.
 */
static const struct {
	const char *text;
	enum selftest_verdict verdict;
	const char *name;
	const char *why;
} unpriv_classes[] = {
	{"allowed only to CAP_PERFMON", SELFTEST_EITHER, "capability",
	 "a function that a capability allows"},
	{"back-edge", SELFTEST_ACCEPT, "loops", "Linux lets only privileged authors loop"},
	{"loop detected", SELFTEST_ACCEPT, "loops", "Linux lets only privileged authors loop"},
	{"loading/calling other bpf", SELFTEST_ACCEPT, "functions",
	 "Linux lets only privileged authors call functions"},
	{"BPF function reference", SELFTEST_ACCEPT, "functions",
	 "Linux lets only privileged authors use callbacks"},
	{"tail_call abusing map_ptr", SELFTEST_EITHER, "speculation",
	 "a tail call by one of several maps cannot be guarded by Linux"},
	{"stack pointer arithmetic goes out of range", SELFTEST_EITHER, "speculation",
	 "offsets beyond the object on the way"},
	{"pointer arithmetic of map value goes out of range", SELFTEST_EITHER, "speculation",
	 "offsets beyond the object on the way"},
	{"tried to add from different maps, paths or scalars", SELFTEST_EITHER, "speculation",
	 "masks that would have to differ by path"},
	{"tried to sub from different maps, paths or scalars", SELFTEST_EITHER, "speculation",
	 "masks that would have to differ by path"},
	{"has pointer with unsupported alu operation", SELFTEST_EITHER, "speculation",
	 "arithmetic that cannot be masked"},
	{"has unknown scalar with mixed signed bounds", SELFTEST_EITHER, "speculation",
	 "arithmetic that cannot be masked"},
	{"variable stack access prohibited for !root", SELFTEST_EITHER, "variable stack",
	 "bytes are followed one by one here"},
};

/* ---- Refusals that do not hold here -----------------------------------------------------------
 */

/* Linux refuses these of everybody; a text that is expected of the refusal. */
static const struct {
	const char *text;
	enum selftest_verdict verdict;
	const char *name;
	const char *why;
} failure_classes[] = {
	{"misaligned packet access", SELFTEST_EITHER, "alignment",
	 "asked for by a flag of the test; x86-64 does not ask"},
	{"misaligned value access", SELFTEST_EITHER, "alignment",
	 "asked for by a flag of the test; x86-64 does not ask"},
	{"subtraction from stack pointer", SELFTEST_EITHER, "stack subtraction",
	 "the same as adding the negative; Linux refuses it for its compilers' sake"},
	{"should have been in [", SELFTEST_OF_OTHERS, "return value",
	 "the range is that of another program type"},
	{"program of this type cannot use helper", SELFTEST_OF_OTHERS, "helper",
	 "a helper that XDP programs have and the type of the test does not"},
	{"points to disabled hook", SELFTEST_OF_OTHERS, "attachment", "a hook of another type"},
};

/* Cases that neither what they use nor a text tells apart. */
static const struct {
	const char *program;
	enum selftest_verdict verdict;
	const char *name;
	const char *why;
} named[] = {
	{"gotol_large_imm", SELFTEST_ACCEPT, "size",
	 "Linux allows an unprivileged author 4096 instructions"},
	{"spin_lock_test1_success", SELFTEST_ACCEPT, "locks",
	 "Linux lets only privileged authors lock"},
	{"lock_in_subprog_without_unlock", SELFTEST_ACCEPT, "locks",
	 "Linux lets only privileged authors lock"},
	{"check_ids_similar_id_mappings", SELFTEST_ACCEPT, "locks",
	 "Linux lets only privileged authors lock"},
	{"bpf_loop_inside_locked_region", SELFTEST_ACCEPT, "locks",
	 "Linux lets only privileged authors lock"},
	{"stack_check_size_512_with_may_goto", SELFTEST_EITHER, "may_goto",
	 "its counter does not lie on the program's stack here"},
	{"private_stack_nested_1", SELFTEST_OF_OTHERS, "private stack",
	 "a private stack, which a compiler gives"},
	{"private_stack_callback", SELFTEST_OF_OTHERS, "private stack",
	 "a private stack, which a compiler gives"},
	{"unpriv_cmp_pointer_with_const", SELFTEST_EITHER, "comparison with 0",
	 "of a pointer that is never NULL: the outcome is known and tells nothing"},
	{"unpriv_cmp_of_frame_pointer", SELFTEST_EITHER, "comparison with 0",
	 "of a pointer that is never NULL: the outcome is known and tells nothing"},
	{"unpriv_cmp_of_stack_pointer", SELFTEST_EITHER, "comparison with 0",
	 "of a pointer that is never NULL: the outcome is known and tells nothing"},
	{"pkt_range_clear_after_sub", SELFTEST_EITHER, "packet",
	 "data < data_end proves the one byte that is read"},
	{"pkt_range_clear_after_add", SELFTEST_EITHER, "packet",
	 "data < data_end proves the one byte that is read"},
	{"meta_access_test9", SELFTEST_EITHER, "packet",
	 "metadata of 65536 bytes, of which Linux knows that there is none, would hold the byte"},
	{"u64_offset_to_skb_data", SELFTEST_EITHER, "half of a spill",
	 "two spilled halves are known, and so is the whole"},
	{"addr_offset_to_skb_data", SELFTEST_EITHER, "half of a spill",
	 "a number spilled to the upper half of a slot stays known"},
	{"call_large_imm_test", SELFTEST_EITHER, "size", "more than 65536 instructions"},
	{"an_array_with_a_constant_too_big", SELFTEST_EITHER, "constant key",
	 "the low half of a wider constant is the key, on the only byte order there is here"},
	{"imprecise_scalar_spill_half_dead", SELFTEST_EITHER, "half of a spill",
	 "the upper half of either number is 0, and so the access lies inside"},
	{"shift_with_oversized_count_operand", SELFTEST_EITHER, "shift",
	 "RFC 9669 masks the amount, so that the result is known and lies in bounds"},
};

/*
 * Refusals of ours that are rules for an unprivileged author: of use where the test speaks of a
 * privileged one only, since Linux has no other for its program type. By our reason and words.
 */
static const struct {
	uint32_t reason; /* enum bpfe_reason */
	const char *text;
	const char *name;
	const char *why;
} privileges[] = {
	{BPFE_POINTER_LEAK, "", "leak", "an address would become observable"},
	{BPFE_BAD_ARITHMETIC, "would reveal an address", "leak",
	 "an address would become observable"},
	{BPFE_BAD_RETURN, "R0 holds a pointer", "leak", "an address would be the verdict"},
	{BPFE_BAD_STACK, "was never written", "stale bytes",
	 "bytes nobody wrote would become readable"},
};

static bool expects(const struct selftest_mode *mode, const char *text)
{
	for (uint32_t i = 0; i < mode->n_messages; i++) {
		if (strstr(mode->messages[i], text))
			return true;
	}
	return false;
}

enum selftest_verdict selftest_judge(const char *name, const struct selftest_spec *spec,
				     struct selftest_class *by)
{
	*by = (struct selftest_class){NULL, NULL};
	for (size_t i = 0; i < COUNT_OF(named); i++) {
		if (strcmp(named[i].program, name) != 0)
			continue;
		*by = (struct selftest_class){named[i].name, named[i].why};
		return named[i].verdict;
	}
	if (!spec->unpriv.fails)
		return spec->priv.says && spec->priv.fails ? SELFTEST_REFUSE : SELFTEST_ACCEPT;
	if (spec->priv.says && !spec->priv.fails) {
		for (size_t i = 0; i < COUNT_OF(unpriv_classes); i++) {
			if (!expects(&spec->unpriv, unpriv_classes[i].text))
				continue;
			*by = (struct selftest_class){unpriv_classes[i].name,
						      unpriv_classes[i].why};
			return unpriv_classes[i].verdict;
		}
		return SELFTEST_REFUSE;
	}
	for (size_t i = 0; i < COUNT_OF(failure_classes); i++) {
		if (!expects(&spec->priv, failure_classes[i].text))
			continue;
		*by = (struct selftest_class){failure_classes[i].name, failure_classes[i].why};
		return failure_classes[i].verdict;
	}
	return SELFTEST_REFUSE;
}

bool selftest_privilege(const struct selftest_spec *spec, uint32_t reason, const char *text,
			struct selftest_class *by)
{
	if (spec->unpriv.tested)
		return false;
	for (size_t i = 0; i < COUNT_OF(privileges); i++) {
		if (privileges[i].reason != reason || !strstr(text, privileges[i].text))
			continue;
		*by = (struct selftest_class){privileges[i].name, privileges[i].why};
		return true;
	}
	return false;
}

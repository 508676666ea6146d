// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * CO-RE relocations ("compile once, run everywhere"): places in the code that depend on a kernel's
 * types, for a loader to adapt.
 *
 * There is no kernel in the NIC whose types could differ. Structures of packets are what the object
 * says they are, and the context is that of <linux/bpf.h>. So offsets, sizes and signs of fields
 * hold as compiled, provided the object defines the structure (and defines the context as it is);
 * every other question has no honest answer and blocks the programs that ask it.
 */
#include "object.h"

#include <bpf/btf.h>
#include <errno.h>
#include <string.h>

struct field {
	const char *name;
	uint32_t offset;
};

#define FIELD(type, name) {#name, offsetof(struct type, name)}

static const struct field xdp_md[] = {
	FIELD(xdp_md, data),           FIELD(xdp_md, data_end),
	FIELD(xdp_md, data_meta),      FIELD(xdp_md, ingress_ifindex),
	FIELD(xdp_md, rx_queue_index), FIELD(xdp_md, egress_ifindex),
};

static const struct field sk_buff[] = {
	FIELD(__sk_buff, len),        FIELD(__sk_buff, pkt_type),
	FIELD(__sk_buff, mark),       FIELD(__sk_buff, queue_mapping),
	FIELD(__sk_buff, protocol),   FIELD(__sk_buff, vlan_present),
	FIELD(__sk_buff, vlan_tci),   FIELD(__sk_buff, vlan_proto),
	FIELD(__sk_buff, priority),   FIELD(__sk_buff, ingress_ifindex),
	FIELD(__sk_buff, ifindex),    FIELD(__sk_buff, tc_index),
	FIELD(__sk_buff, cb),         FIELD(__sk_buff, hash),
	FIELD(__sk_buff, tc_classid), FIELD(__sk_buff, data),
	FIELD(__sk_buff, data_end),   FIELD(__sk_buff, napi_id),
	FIELD(__sk_buff, data_meta),  FIELD(__sk_buff, tstamp),
	FIELD(__sk_buff, wire_len),   FIELD(__sk_buff, gso_segs),
	FIELD(__sk_buff, gso_size),   FIELD(__sk_buff, tstamp_type),
	FIELD(__sk_buff, hwtstamp),
};

/* Do the members of @type that @fields knows lie where @fields says? */
static bool matches(const struct btf *btf, const struct btf_type *type, const struct field *fields,
		    size_t n_fields)
{
	for (uint32_t m = 0; m < btf_vlen(type); m++) {
		const char *name = btf__name_by_offset(btf, btf_members(type)[m].name_off);

		for (size_t f = 0; name && f < n_fields; f++) {
			if (!strcmp(name, fields[f].name) &&
			    btf_member_bit_offset(type, m) != 8 * fields[f].offset)
				return false;
		}
	}
	return true;
}

static bool context_differs(const struct btf *btf, const struct btf_type *type, const char *name)
{
	if (!strcmp(name, "xdp_md"))
		return !matches(btf, type, xdp_md, sizeof(xdp_md) / sizeof(xdp_md[0]));
	if (!strcmp(name, "__sk_buff"))
		return !matches(btf, type, sk_buff, sizeof(sk_buff) / sizeof(sk_buff[0]));
	return false;
}

/* Is the relocation's answer what the compiler wrote? Else why it is not, and of which type. */
static bool holds_as_compiled(const struct btf *btf, const struct bpf_core_relo *relo,
			      enum blocker_kind *why, const char **of)
{
	const struct btf_type *type = object_btf_type(btf, relo->type_id);
	const char *name = type ? btf__name_by_offset(btf, type->name_off) : NULL;

	*of = name && name[0] ? name : "(no name)";
	switch (relo->kind) {
	case BPF_CORE_TYPE_ID_LOCAL:
		return true;
	case BPF_CORE_FIELD_BYTE_OFFSET:
	case BPF_CORE_FIELD_BYTE_SIZE:
	case BPF_CORE_FIELD_SIGNED:
	case BPF_CORE_FIELD_LSHIFT_U64:
	case BPF_CORE_FIELD_RSHIFT_U64:
		break;
	default:
		*why = BLOCKER_CORE_QUESTION;
		return false;
	}
	*why = BLOCKER_CORE_PARTIAL;
	if (!type || !btf_is_composite(type))
		return false;
	*why = BLOCKER_CORE_FLAVOUR;
	if (name && strstr(name, "___"))
		return false;
	*why = BLOCKER_CORE_CONTEXT;
	return !name || !context_differs(btf, type, name);
}

static int begin(struct code_section *code, uint32_t n_records)
{
	if (code->has_core_relos)
		return -EEXIST;
	code->has_core_relos = true;
	return 0;
}

static int read_record(struct bpfe_object *obj, struct code_section *code, const uint8_t *bytes,
		       size_t offset, struct bpfe_log *log)
{
	struct bpf_core_relo relo;
	enum blocker_kind why;
	const char *of;

	memcpy(&relo, bytes, sizeof(relo));
	if (relo.insn_off % sizeof(struct bpf_insn) ||
	    relo.insn_off / sizeof(struct bpf_insn) >= code->n_insns)
		return btf_ext_refuse(log, offset,
				      "CO-RE relocation of an instruction outside of its section");
	if (holds_as_compiled(obj->btf, &relo, &why, &of))
		return 0;
	return object_block(code, relo.insn_off / sizeof(struct bpf_insn), why, of, NULL);
}

int object_read_core_relos(struct bpfe_object *obj, struct bpfe_log *log)
{
	static const struct btf_ext_list list = {
		.what = "list of CO-RE relocations",
		.records = "CO-RE relocations",
		.at = BTF_EXT_CORE_RELO,
		.record_size = sizeof(struct bpf_core_relo),
		.begin = begin,
		.record = read_record,
	};

	return btf_ext_read(obj, &list, log);
}

/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * The context's fields. What Linux keeps in struct sk_buff and the NIC has no use for is 0;
 * sockets, flow keys and addresses, which only other hooks have, are no fields here.
 */
#include <string.h>
#include "context.h"

#define AT(member)       offsetof(struct bpfe_xdp_buff, member)
#define XDP(member)      offsetof(struct xdp_md, member), 4
#define SKB(member)      offsetof(struct __sk_buff, member), sizeof(((struct __sk_buff *)0)->member)
#define ETHERTYPE_OFF    12u
#define TC_INDEX_MASK    0xffffu /* Linux keeps 16 bits */
#define NO_QUEUE_MAPPING 0xffffu /* Linux drops stores of this and more */

static const struct bpfe_ctx_row xdp_rows[] = {
	{"data", BPFE_CTX_DATA, BPFE_CTX_FROM_POINTER, 0, XDP(data), AT(data)},
	{"data_end", BPFE_CTX_DATA_END, BPFE_CTX_FROM_POINTER, 0, XDP(data_end), AT(data_end)},
	{"data_meta", BPFE_CTX_DATA_META, BPFE_CTX_FROM_POINTER, 0, XDP(data_meta), AT(data_meta)},
	{"ingress_ifindex", BPFE_CTX_INGRESS_IFINDEX, BPFE_CTX_FROM_U32, 0, XDP(ingress_ifindex),
	 AT(ingress_ifindex)},
	{"rx_queue_index", BPFE_CTX_RX_QUEUE_INDEX, BPFE_CTX_FROM_U32, 0, XDP(rx_queue_index),
	 AT(rx_queue_index)},
	{"egress_ifindex", BPFE_CTX_EGRESS_IFINDEX, BPFE_CTX_FROM_U32, 0, XDP(egress_ifindex),
	 AT(egress_ifindex)},
};

#define READ  BPFE_CTX_NARROW
#define WRITE (BPFE_CTX_NARROW | BPFE_CTX_WRITE)
#define U32   BPFE_CTX_FROM_U32
#define CALC  BPFE_CTX_COMPUTED

static const struct bpfe_ctx_row skb_rows[] = {
	{"len", BPFE_CTX_LEN, CALC, READ, SKB(len), 0},
	{"pkt_type", BPFE_CTX_ZERO, CALC, READ, SKB(pkt_type), 0},
	{"mark", BPFE_CTX_MARK, U32, WRITE, SKB(mark), AT(mark)},
	{"queue_mapping", BPFE_CTX_QUEUE_MAPPING, U32, WRITE | BPFE_CTX_MASKED, SKB(queue_mapping),
	 AT(queue_mapping)},
	{"protocol", BPFE_CTX_PROTOCOL, CALC, READ, SKB(protocol), 0},
	{"vlan_present", BPFE_CTX_VLAN_PRESENT, CALC, READ, SKB(vlan_present), 0},
	{"vlan_tci", BPFE_CTX_VLAN_TCI, CALC, READ, SKB(vlan_tci), 0},
	{"vlan_proto", BPFE_CTX_VLAN_PROTO, CALC, READ, SKB(vlan_proto), 0},
	{"priority", BPFE_CTX_PRIORITY, U32, WRITE, SKB(priority), AT(priority)},
	{"ingress_ifindex", BPFE_CTX_INGRESS_IFINDEX, U32, READ, SKB(ingress_ifindex),
	 AT(ingress_ifindex)},
	{"ifindex", BPFE_CTX_IFINDEX, U32, READ, SKB(ifindex), AT(ingress_ifindex)},
	{"tc_index", BPFE_CTX_TC_INDEX, U32, WRITE | BPFE_CTX_MASKED, SKB(tc_index), AT(tc_index)},
	{"cb", BPFE_CTX_CB, U32, WRITE | BPFE_CTX_ANY, SKB(cb), AT(cb)},
	{"hash", BPFE_CTX_HASH, CALC, READ, SKB(hash), 0},
	{"tc_classid", BPFE_CTX_TC_CLASSID, U32, WRITE, SKB(tc_classid), AT(tc_classid)},
	{"data", BPFE_CTX_DATA, BPFE_CTX_FROM_POINTER, 0, SKB(data), AT(data)},
	{"data_end", BPFE_CTX_DATA_END, BPFE_CTX_FROM_POINTER, 0, SKB(data_end), AT(data_end)},
	{"napi_id", BPFE_CTX_ZERO, CALC, READ, SKB(napi_id), 0},
	{"data_meta", BPFE_CTX_DATA_META, BPFE_CTX_FROM_POINTER, 0, SKB(data_meta), AT(data_meta)},
	{"tstamp", BPFE_CTX_TSTAMP, CALC, 0, SKB(tstamp), 0},
	{"wire_len", BPFE_CTX_LEN, CALC, READ, SKB(wire_len), 0},
	{"gso_segs", BPFE_CTX_ZERO, CALC, READ, SKB(gso_segs), 0},
	{"gso_size", BPFE_CTX_ZERO, CALC, READ, SKB(gso_size), 0},
	{"tstamp_type", BPFE_CTX_ZERO, CALC, READ, SKB(tstamp_type), 0},
	{"hwtstamp", BPFE_CTX_TSTAMP, CALC, 0, SKB(hwtstamp), 0},
};

static const struct bpfe_ctx_row *rows_of(uint32_t type, size_t *n)
{
	switch (type) {
	case BPF_PROG_TYPE_XDP:
		*n = sizeof(xdp_rows) / sizeof(xdp_rows[0]);
		return xdp_rows;
	case BPF_PROG_TYPE_SCHED_CLS:
		*n = sizeof(skb_rows) / sizeof(skb_rows[0]);
		return skb_rows;
	default:
		*n = 0;
		return NULL;
	}
}

const struct bpfe_ctx_row *bpfe_ctx_row_at(uint32_t type, int64_t off)
{
	size_t n;
	const struct bpfe_ctx_row *rows = rows_of(type, &n);

	for (size_t i = 0; i < n; i++) {
		if (off >= rows[i].off && off < rows[i].off + rows[i].size)
			return &rows[i];
	}
	return NULL;
}

const struct bpfe_ctx_row *bpfe_ctx_row(uint32_t type, uint8_t field)
{
	size_t n;
	const struct bpfe_ctx_row *rows = rows_of(type, &n);

	for (size_t i = 0; i < n; i++) {
		if (rows[i].field == field)
			return &rows[i];
	}
	return NULL;
}

bool bpfe_ctx_allowed(const struct bpfe_ctx_row *row, int64_t off, unsigned size, bool write)
{
	if (off % size || off + size > row->off + row->size)
		return false;
	if (write && !(row->access & BPFE_CTX_WRITE))
		return false;
	if (size == row->size || (row->access & BPFE_CTX_ANY))
		return true;
	return !write && (row->access & BPFE_CTX_NARROW);
}

uint32_t bpfe_ctx_protocol(const struct bpfe_xdp_buff *xdp)
{
	uint16_t ethertype = 0;

	if (xdp->data_end - xdp->data >= (ptrdiff_t)(ETHERTYPE_OFF + sizeof(ethertype)))
		memcpy(&ethertype, xdp->data + ETHERTYPE_OFF, sizeof(ethertype));
	return ethertype;
}

static uint64_t field_value(const struct bpfe_xdp_buff *xdp, uint32_t protocol, uint8_t field)
{
	bool vlan = xdp->have & BPFE_HAVE_VLAN;

	switch (field) {
	case BPFE_CTX_LEN:
		return (uint32_t)(xdp->data_end - xdp->data);
	case BPFE_CTX_PROTOCOL:
		return protocol;
	case BPFE_CTX_VLAN_PRESENT:
		return vlan;
	case BPFE_CTX_VLAN_TCI:
		return vlan ? xdp->vlan_tci : 0;
	case BPFE_CTX_VLAN_PROTO:
		return vlan ? xdp->vlan_proto : 0;
	case BPFE_CTX_HASH:
		return xdp->have & BPFE_HAVE_HASH ? xdp->rx_hash : 0;
	case BPFE_CTX_TSTAMP:
		return xdp->have & BPFE_HAVE_TIMESTAMP ? xdp->rx_timestamp : 0;
	case BPFE_CTX_INGRESS_IFINDEX:
	case BPFE_CTX_IFINDEX:
		return xdp->ingress_ifindex;
	case BPFE_CTX_RX_QUEUE_INDEX:
		return xdp->rx_queue_index;
	case BPFE_CTX_EGRESS_IFINDEX:
		return xdp->egress_ifindex;
	case BPFE_CTX_MARK:
		return xdp->mark;
	case BPFE_CTX_QUEUE_MAPPING:
		return xdp->queue_mapping & NO_QUEUE_MAPPING;
	case BPFE_CTX_PRIORITY:
		return xdp->priority;
	case BPFE_CTX_TC_INDEX:
		return xdp->tc_index & TC_INDEX_MASK;
	case BPFE_CTX_TC_CLASSID:
		return xdp->tc_classid;
	default:
		return 0;
	}
}

uint64_t bpfe_ctx_load(const struct bpfe_xdp_buff *xdp, uint32_t protocol, uint8_t field,
		       unsigned byte, unsigned size)
{
	uint64_t value = 0, whole;

	if (field == BPFE_CTX_CB) {
		memcpy(&value, (const char *)xdp->cb + byte, size);
		return value;
	}
	whole = field_value(xdp, protocol, field);
	memcpy(&value, (const char *)&whole + byte, size); /* both little-endian */
	return value;
}

void bpfe_ctx_store(struct bpfe_xdp_buff *xdp, uint8_t field, unsigned byte, unsigned size,
		    uint64_t value)
{
	switch (field) {
	case BPFE_CTX_CB:
		memcpy((char *)xdp->cb + byte, &value, size);
		break;
	case BPFE_CTX_MARK:
		xdp->mark = (uint32_t)value;
		break;
	case BPFE_CTX_QUEUE_MAPPING:
		if ((uint32_t)value < NO_QUEUE_MAPPING)
			xdp->queue_mapping = (uint32_t)value;
		break;
	case BPFE_CTX_PRIORITY:
		xdp->priority = (uint32_t)value;
		break;
	case BPFE_CTX_TC_INDEX:
		xdp->tc_index = (uint32_t)value & TC_INDEX_MASK;
		break;
	case BPFE_CTX_TC_CLASSID:
		xdp->tc_classid = (uint32_t)value;
		break;
	default:
		break;
	}
}

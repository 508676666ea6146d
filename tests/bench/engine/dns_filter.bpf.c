// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * Drop DNS queries for names that are in a list, or below one that is: the question's name is taken
 * apart into labels, and each of its ends is looked up, from the top-level domain on.
 */
#include "bench.h"

#define MAX_NAME   96 /* longer names pass: a resolver will look at them */
#define MAX_LABELS 8
#define LISTED     10000
#define DOMAINS    1024

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u64); /* hash of the name */
	__type(value, __u32);
	__uint(max_entries, 2 * LISTED);
} listed SEC(".maps");

enum answer {
	ANSWER_PASSED,
	ANSWER_LISTED,
	ANSWER_MALFORMED,
	ANSWER_OTHER,
	ANSWERS
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__type(key, __u32);
	__type(value, __u64);
	__uint(max_entries, ANSWERS);
} answers SEC(".maps");

struct dns_header {
	__be16 id;
	__be16 flags;
	__be16 questions;
	__be16 counts[3];
};

#define DNS_FLAG_RESPONSE bpf_htons(0x8000)

/* FNV-1a, by which labels and names are known. */
#define FNV_START 0xcbf29ce484222325ull
#define FNV_PRIME 0x100000001b3ull

/* The name whose first label is @label, in domain @domain. */
static __always_inline __u64 in_domain(__u64 domain, __u64 label)
{
	return (domain ^ label) * FNV_PRIME;
}

static __always_inline __u8 lower(__u8 c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

/* ---- What comes in: wwwXX.hostXXX.ExAmPlE.net ----------------------------------------------- */

#define DNS_OFFSET  (sizeof(struct ethhdr) + sizeof(struct iphdr) + sizeof(struct udphdr))
#define NAME_OFFSET (DNS_OFFSET + sizeof(struct dns_header))

static __always_inline _Bool vary(struct xdp_md *ctx, __u32 seq)
{
	__u8 *name = (__u8 *)(long)ctx->data + NAME_OFFSET;
	__u32 domain = pick(seq, DOMAINS);

	if (name + 16 > (__u8 *)(long)ctx->data_end)
		return 0;
	name[4] = 'a' + (seq & 15);
	name[5] = 'A' + (seq >> 4 & 15);
	name[11] = 'a' + (domain & 15);
	name[12] = 'A' + (domain >> 4 & 15);
	name[13] = 'a' + (domain >> 8 & 15);
	return 1;
}

/* ---- The program ---------------------------------------------------------------------------- */

struct name {
	__u64 labels[MAX_LABELS];
	__u32 n;
};

/*
 * The label at @offset: its hash to *hash. Returns its bytes, 0 at the name's end, -1 if there is
 * no label. A global function, so that verifiers follow the loop once and not for each label.
 */
__weak __noinline int take_label(struct xdp_md *ctx, __u32 offset, __u64 *hash)
{
	const __u8 *end = (void *)(long)ctx->data_end, *pos = (void *)(long)ctx->data;
	__u64 sum = FNV_START;
	__u32 bytes;

	if (!hash || offset > NAME_OFFSET + MAX_NAME)
		return -1;
	pos += offset;
	if (pos + 1 > end || *pos > 63)
		return -1;
	bytes = *pos++;
	for (__u32 i = 0; i < 63 && i < bytes; i++) {
		/* Else compilers count the rounds from addresses, which verifiers forbid. */
		asm volatile("" : "+r"(pos));
		if (pos + 1 > end)
			return -1;
		sum = (sum ^ lower(*pos++)) * FNV_PRIME;
	}
	*hash = sum;
	return (int)bytes;
}

/* Hashes of the labels of the question's name; false if there is none, or it is too long. */
static __always_inline _Bool take_apart(struct xdp_md *ctx, struct name *name)
{
	__u32 offset = NAME_OFFSET;

	for (__u32 i = 0; i < MAX_LABELS; i++) {
		int bytes = take_label(ctx, offset, &name->labels[i]);

		if (bytes < 0)
			return 0;
		name->n = i;
		if (!bytes)
			return i > 0;
		offset += (__u32)bytes + 1;
	}
	return 0;
}

static __always_inline _Bool is_listed(const struct name *name)
{
	__u64 hash = FNV_START;

	for (int i = MAX_LABELS - 1; i >= 0; i--) {
		if ((__u32)i >= name->n)
			continue;
		hash = in_domain(hash, name->labels[i]);
		if (bpf_map_lookup_elem(&listed, &hash))
			return 1;
	}
	return 0;
}

static __always_inline enum answer look_at(struct xdp_md *ctx)
{
	const __u8 *end = (void *)(long)ctx->data_end;
	struct headers h;
	struct dns_header *dns;
	struct name name = {};

	if (!udp_headers(ctx, &h) || h.eth->h_proto != bpf_htons(ETH_P_IP) || h.ip->ihl != 5 ||
	    h.ip->protocol != IPPROTO_UDP || h.udp->dest != bpf_htons(53))
		return ANSWER_OTHER;
	dns = (void *)(h.udp + 1);
	if ((const __u8 *)(dns + 1) > end)
		return ANSWER_MALFORMED;
	if (dns->flags & DNS_FLAG_RESPONSE || dns->questions != bpf_htons(1))
		return ANSWER_OTHER;
	if (!take_apart(ctx, &name))
		return ANSWER_MALFORMED;
	return is_listed(&name) ? ANSWER_LISTED : ANSWER_PASSED;
}

__weak __noinline int body(struct xdp_md *ctx, __u32 seq)
{
	__u32 answer = look_at(ctx);
	__u64 *count = bpf_map_lookup_elem(&answers, &answer);

	if (count)
		++*count;
	return answer == ANSWER_LISTED || answer == ANSWER_MALFORMED ? XDP_DROP : XDP_PASS;
}

#ifdef BENCH_NATIVE
static __u64 hash_label(const char *label)
{
	__u64 hash = FNV_START;

	for (; *label; label++)
		hash = (hash ^ lower((__u8)*label)) * FNV_PRIME;
	return hash;
}

/* Each eighth of the domains that queries ask for, and names that nobody asks for. */
static int fill(bench_update_fn update, void *opaque)
{
	const __u64 example =
		in_domain(in_domain(FNV_START, hash_label("net")), hash_label("example"));
	const __u32 one = 1;
	int ret = 0;

	for (__u32 i = 0; !ret && i < DOMAINS; i += 8) {
		const char label[] = {'h',
				      'o',
				      's',
				      't',
				      'a' + (i & 15),
				      'a' + (i >> 4 & 15),
				      'a' + (i >> 8 & 15),
				      0};
		const __u64 hash = in_domain(example, hash_label(label));

		ret = update(opaque, "listed", &hash, &one);
	}
	for (__u32 i = 0; !ret && i < LISTED; i++) {
		const __u64 hash = in_domain(example, i * FNV_PRIME);

		ret = update(opaque, "listed", &hash, &one);
	}
	return ret;
}

static const char question[] = "\005wwwaa\007hostaaa\007ExAmPlE\003net";

static uint32_t frame(uint8_t *bytes)
{
	const uint32_t len = NAME_OFFSET + sizeof(question) + 4;
	const struct dns_header dns = {
		.id = bpf_htons(4711), .flags = bpf_htons(0x0100), .questions = bpf_htons(1)};

	bench_udp(bytes, len, 53);
	memcpy(bytes + DNS_OFFSET, &dns, sizeof(dns));
	memcpy(bytes + NAME_OFFSET, question, sizeof(question));
	memcpy(bytes + len - 4, "\0\001\0\001", 4); /* type A, class IN */
	return len;
}

const struct bench_info bench_info = {
	.class = "real",
	.what = "DNS filter: names taken apart and looked up",
	.iterations = 512,
	.fill = fill,
	.frame = frame,
};
#endif

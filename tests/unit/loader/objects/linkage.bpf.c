// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Functions with every kind of argument that BTF can tell of. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

/* Weak, or the compiler would look inside and leave the call out. */
#undef __noinline
#define __noinline  __attribute__((noinline, weak))
#define __tag(text) __attribute__((btf_decl_tag(text)))

struct pair {
	__u32 a;
	__u64 b;
};
typedef const struct pair pair_t;
enum colour {
	RED,
	GREEN
};
struct unknown;

__noinline int takes_ctx(const struct xdp_md *ctx, int n)
{
	return ctx->rx_queue_index + n;
}

__noinline int takes_memory(pair_t *pair, char *byte, enum colour colour,
			    __u64 *word __tag("arg:nonnull"))
{
	return (pair ? pair->b : 0) + (byte ? *byte : 0) + colour + *word;
}

__noinline int takes_tagged(void *ctx __tag("arg:ctx"), struct unknown *other,
			    struct pair *kernel __tag("arg:trusted"))
{
	return ctx && other && kernel;
}

__noinline int takes_dynptr(struct bpf_dynptr *dynptr, struct __sk_buff *skb)
{
	return (dynptr ? 1 : 2) + (skb ? 10 : 20);
}

__noinline void returns_nothing(int *where)
{
	if (where)
		*where = 1;
}

__attribute__((visibility("hidden"))) __noinline int hidden(int n)
{
	return n * 3;
}

static __attribute__((noinline)) int internal(int n)
{
	return n * 5;
}

SEC("xdp")
int calls_all(struct xdp_md *ctx)
{
	void *null = 0;
	struct pair pair = {1, 2};
	__u64 word = 3;
	int n = 0;

	/* A constant would have the compiler make a copy of the function for it. */
	asm volatile("" : "+r"(null));
	returns_nothing(&n);
	n += takes_ctx(ctx, 1);
	n += takes_memory(&pair, 0, GREEN, &word);
	n += takes_tagged(ctx, 0, &pair);
	n += takes_dynptr(null, null);
	return n + hidden(n) + internal(n);
}

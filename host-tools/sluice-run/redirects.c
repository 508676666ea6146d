// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
#include "redirects.h"

static struct redirect_target *find(struct redirects *redirects, const struct nic_redirect *like)
{
	for (guint i = 0; i < redirects->targets->len; i++) {
		struct redirect_target *target =
			&g_array_index(redirects->targets, struct redirect_target, i);

		if (target->kind == like->kind && target->index == like->index &&
		    target->missing == (like->missing != 0))
			return target;
	}
	return NULL;
}

void redirects_count(struct redirects *redirects, const struct nic_redirect *redirect)
{
	const struct redirect_target first = {redirect->kind, redirect->index,
					      redirect->missing != 0, 1};
	struct redirect_target *target;

	if (redirect->kind == NIC_REDIRECT_NOT)
		return;
	if (!redirects->targets)
		redirects->targets = g_array_new(FALSE, FALSE, sizeof(struct redirect_target));
	target = find(redirects, redirect);
	if (target)
		target->frames++;
	else if (redirects->targets->len < REDIRECTS_MAX)
		g_array_append_val(redirects->targets, first);
	else
		redirects->more++;
}

void redirects_clear(struct redirects *redirects)
{
	g_clear_pointer(&redirects->targets, g_array_unref);
}

char *redirect_target_name(const struct redirect_target *target)
{
	switch (target->kind) {
	case NIC_REDIRECT_TO_PORT:
		return g_strdup_printf("interface %u", target->index);
	case NIC_REDIRECT_TO_PORTS:
		return g_strdup("devmap, all");
	case NIC_REDIRECT_TO_QUEUE:
		return g_strdup_printf("queue %u", target->index);
	case NIC_REDIRECT_TO_SOCKET:
		return g_strdup_printf("socket, queue %u", target->index);
	default:
		return g_strdup("no target");
	}
}

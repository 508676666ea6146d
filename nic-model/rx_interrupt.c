/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* One interrupt per arming. Moderation (coalesce_usecs, coalesce_frames) is to come in here. */
#include "rx_internal.h"

void rx_interrupt(struct rx_frame *f)
{
	queue_notify(f->nic, f->q);
}

/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The first touch of guest memory: metadata and frame into the buffer, in one write. */
#include "rx_internal.h"

#include <endian.h>
#include <errno.h>

int rx_dma_write(struct rx_frame *f)
{
	struct nic *nic = f->nic;
	uint64_t addr = le64toh(f->desc.addr);
	uint32_t headroom = f->q->config.headroom;
	size_t len;

	if (f->meta_len > headroom)
		f->meta_len = 0;
	len = f->meta_len + f->len;
	/* A buffer that would wrap around the end of the address space is no buffer. */
	if (addr > UINT64_MAX - f->q->config.buffer_size ||
	    nic->ops->dma_write(nic->opaque, addr + headroom - f->meta_len, f->data - f->meta_len,
				len))
		return -EFAULT;
	f->port->stats[SLUICE_STAT_RX_DMA_BYTES] += len;
	return 0;
}

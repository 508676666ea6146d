/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Fatal errors: what makes it impossible to go on talking to the guest. The device stops, keeps
 * the first reason in its registers, and waits for a reset. docs/device-spec/reset.md.
 */
#include "fw_internal.h"

static const char *fatal_text(uint32_t code)
{
	switch (code) {
	case SLUICE_FATAL_ASQ_DMA:
		return "the admin submission ring could not be read";
	case SLUICE_FATAL_ACQ_DMA:
		return "the admin completion ring could not be written";
	case SLUICE_FATAL_ASQ_OVERRUN:
		return "the admin submission doorbell retreats or names more than the ring holds";
	case SLUICE_FATAL_EVQ_DMA:
		return "the event ring could not be written";
	case SLUICE_FATAL_ACQ_OVERRUN:
		return "the admin completion ring is full, or its doorbell out of range";
	default:
		return "unknown";
	}
}

bool fw_is_fatal(const struct fw *fw)
{
	return fw->regs.fatal_code != SLUICE_FATAL_NONE;
}

void fw_fatal(struct fw *fw, uint32_t code, uint32_t queue, uint64_t info)
{
	if (fw_is_fatal(fw))
		return;
	fw->regs.fatal_code = code;
	fw->regs.fatal_queue = queue;
	fw->regs.fatal_info = info;
	fw_log(fw, -1, "fatal error %u: %s (queue %u, info 0x%llx); the device waits for a reset",
	       code, fatal_text(code), queue, (unsigned long long)info);
	fw_admin_stop(fw);
	/* This may be inside the NIC's event callback, which must not call the NIC. */
	fw->nic_stopping = true;
	fw->ops->schedule(fw->opaque);
	fw_interrupt(fw, SLUICE_INTR_FATAL);
}

void fw_health_process(struct fw *fw)
{
	if (!fw->nic_stopping)
		return;
	fw->nic_stopping = false;
	for (unsigned port = 0; port < fw->config->n_ports; port++)
		nic_port_enable(fw->nic, port, false);
}

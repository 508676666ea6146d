/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * BAR0 as a table: each register with its width, its accesses and what they do; register_access.c
 * finds the row an access means. docs/device-spec/registers.md.
 */
#include <endian.h>
#include <string.h>

#include "fw_internal.h"
#include "mailbox.h"
#include "registers.h"

/* ---- Features ----------------------------------------------------------------------------- */

uint64_t fw_features_offered(const struct fw *fw, unsigned page)
{
	uint64_t features = SLUICE_FEATURE_XDP_OFFLOAD | SLUICE_FEATURE_RSS |
			    SLUICE_FEATURE_RX_CSUM | SLUICE_FEATURE_TX_CSUM | SLUICE_FEATURE_EVENTS;

	if (page)
		return 0;
	return fw->config->rx_pause ? features | SLUICE_FEATURE_RX_PAUSE : features;
}

bool fw_feature_accepted(const struct fw *fw, uint64_t feature)
{
	return (fw->regs.drv_features[0] & feature) == feature;
}

static bool negotiate(struct fw *fw)
{
	for (unsigned page = 0; page < FW_FEATURE_PAGES; page++) {
		uint64_t unknown = fw->regs.drv_features[page] & ~fw_features_offered(fw, page);

		if (!unknown)
			continue;
		fw_log(fw, -1, "features 0x%llx of page %u were accepted but not offered",
		       (unsigned long long)unknown, page);
		return false;
	}
	return true;
}

/* ---- What the registers do ---------------------------------------------------------------- */

static uint64_t get_magic(struct fw *fw, unsigned port)
{
	return SLUICE_MAGIC;
}

static uint64_t get_abi_version(struct fw *fw, unsigned port)
{
	return SLUICE_ABI_MAJOR << 16 | SLUICE_ABI_MINOR;
}

static uint64_t get_feature_page(struct fw *fw, unsigned port)
{
	return fw->regs.feature_page;
}

static bool set_feature_page(struct fw *fw, uint64_t value)
{
	fw->regs.feature_page = value & (FW_FEATURE_PAGES - 1);
	fw->regs.low_half[FW_HALF_FEATURES] =
		(uint32_t)fw->regs.drv_features[fw->regs.feature_page];
	return true;
}

static uint64_t get_status(struct fw *fw, unsigned port)
{
	uint64_t status = SLUICE_STATUS_READY;

	if (fw->regs.features_ok)
		status |= SLUICE_STATUS_FEATURES_OK;
	if (fw->admin.on)
		status |= SLUICE_STATUS_ADMIN_ON;
	if (fw_is_fatal(fw))
		status |= SLUICE_STATUS_FATAL;
	return status;
}

static uint64_t get_dev_features(struct fw *fw, unsigned port)
{
	return fw_features_offered(fw, fw->regs.feature_page);
}

static uint64_t get_drv_features(struct fw *fw, unsigned port)
{
	return fw->regs.drv_features[fw->regs.feature_page];
}

static bool set_drv_features(struct fw *fw, uint64_t value)
{
	if (fw->admin.on)
		return false;
	fw->regs.drv_features[fw->regs.feature_page] = value;
	fw->regs.features_ok = false;
	return true;
}

static uint64_t get_control(struct fw *fw, unsigned port)
{
	return (fw->regs.features_ok ? SLUICE_CONTROL_FEATURES_OK : 0) |
	       (fw->admin.on ? SLUICE_CONTROL_ADMIN_ENABLE : 0);
}

static bool set_control(struct fw *fw, uint64_t value)
{
	bool features = value & SLUICE_CONTROL_FEATURES_OK;
	bool enable = value & SLUICE_CONTROL_ADMIN_ENABLE;

	if (fw->admin.on && enable)
		return true;
	if (fw->admin.on)
		fw_admin_stop(fw);
	fw->regs.features_ok = features && (fw->regs.features_ok || negotiate(fw));
	if (enable)
		fw_admin_start(fw);
	return true;
}

static bool set_reset(struct fw *fw, uint64_t value)
{
	if (value != SLUICE_RESET_KEY)
		return false;
	fw_reset(fw);
	return true;
}

static uint64_t get_intr_cause(struct fw *fw, unsigned port)
{
	return fw->regs.intr_cause;
}

static bool set_intr_cause(struct fw *fw, uint64_t value)
{
	fw->regs.intr_cause &= ~(uint32_t)value;
	return true;
}

static uint64_t get_intr_mask(struct fw *fw, unsigned port)
{
	return fw->regs.intr_mask;
}

static bool set_intr_mask(struct fw *fw, uint64_t value)
{
	fw_interrupt_mask(fw, value & FW_INTR_ALL);
	return true;
}

static uint64_t get_n_ports(struct fw *fw, unsigned port)
{
	return fw->config->n_ports;
}

static uint64_t get_n_queue_pairs(struct fw *fw, unsigned port)
{
	return fw->config->n_queue_pairs;
}

static uint64_t get_n_vectors(struct fw *fw, unsigned port)
{
	return fw->config->n_vectors;
}

static uint64_t get_bad_access(struct fw *fw, unsigned port)
{
	uint64_t n = fw->regs.bad_accesses - fw->regs.bad_before_reset;

	return n < UINT32_MAX ? n : UINT32_MAX;
}

static uint64_t get_fw_version(struct fw *fw, unsigned port)
{
	return (uint64_t)FW_VERSION_MAJOR << 32 | FW_VERSION_MINOR << 16 | FW_VERSION_PATCH;
}

static uint64_t get_fatal_code(struct fw *fw, unsigned port)
{
	return fw->regs.fatal_code;
}

static uint64_t get_fatal_queue(struct fw *fw, unsigned port)
{
	return fw->regs.fatal_queue;
}

static uint64_t get_fatal_info(struct fw *fw, unsigned port)
{
	return fw->regs.fatal_info;
}

static uint64_t get_boot_state(struct fw *fw, unsigned port)
{
	return SLUICE_BOOT_RUNNING;
}

/* ---- Admin rings: their description is frozen while they run ------------------------------- */

static uint64_t get_asq_base(struct fw *fw, unsigned port)
{
	return fw->admin.asq.base;
}

static bool set_asq_base(struct fw *fw, uint64_t value)
{
	if (fw->admin.on)
		return false;
	fw->admin.asq.base = value;
	return true;
}

static uint64_t get_acq_base(struct fw *fw, unsigned port)
{
	return fw->admin.acq.base;
}

static bool set_acq_base(struct fw *fw, uint64_t value)
{
	if (fw->admin.on)
		return false;
	fw->admin.acq.base = value;
	return true;
}

static uint64_t get_evq_base(struct fw *fw, unsigned port)
{
	return fw->admin.evq.base;
}

static bool set_evq_base(struct fw *fw, uint64_t value)
{
	if (fw->admin.on)
		return false;
	fw->admin.evq.base = value;
	return true;
}

static uint64_t get_asq_size(struct fw *fw, unsigned port)
{
	return fw->admin.asq.size;
}

static bool set_asq_size(struct fw *fw, uint64_t value)
{
	if (fw->admin.on)
		return false;
	fw->admin.asq.size = (uint32_t)value;
	return true;
}

static uint64_t get_acq_size(struct fw *fw, unsigned port)
{
	return fw->admin.acq.size;
}

static bool set_acq_size(struct fw *fw, uint64_t value)
{
	if (fw->admin.on)
		return false;
	fw->admin.acq.size = (uint32_t)value;
	return true;
}

static uint64_t get_evq_size(struct fw *fw, unsigned port)
{
	return fw->admin.evq.size;
}

static bool set_evq_size(struct fw *fw, uint64_t value)
{
	if (fw->admin.on)
		return false;
	fw->admin.evq.size = (uint32_t)value;
	return true;
}

static uint64_t get_admin_vector(struct fw *fw, unsigned port)
{
	return fw->regs.admin_vector;
}

static bool set_admin_vector(struct fw *fw, uint64_t value)
{
	if (fw->admin.on)
		return false;
	fw->regs.admin_vector = (uint32_t)value;
	return true;
}

static bool set_asq_doorbell(struct fw *fw, uint64_t value)
{
	return fw_asq_doorbell(fw, (uint32_t)value);
}

static bool set_acq_doorbell(struct fw *fw, uint64_t value)
{
	return fw_acq_doorbell(fw, (uint32_t)value);
}

static bool set_evq_doorbell(struct fw *fw, uint64_t value)
{
	return fw_evq_doorbell(fw, (uint32_t)value);
}

/* ---- Port blocks -------------------------------------------------------------------------- */

static uint64_t get_port_mac_lo(struct fw *fw, unsigned port)
{
	const uint8_t *mac = fw->config->mac[port];

	return (uint32_t)mac[3] << 24 | (uint32_t)mac[2] << 16 | (uint32_t)mac[1] << 8 | mac[0];
}

static uint64_t get_port_mac_hi(struct fw *fw, unsigned port)
{
	const uint8_t *mac = fw->config->mac[port];

	return (uint32_t)mac[5] << 8 | mac[4];
}

static uint64_t get_port_link(struct fw *fw, unsigned port)
{
	struct sluice_resp_port state;

	if (nic_port_query(fw->nic, port, &state))
		return 0;
	return (uint32_t)(le32toh(state.speed) << 1 | (state.link ? 1 : 0));
}

static uint64_t get_port_mtu_limits(struct fw *fw, unsigned port)
{
	return NIC_MAX_MTU << 16 | FW_MIN_MTU;
}

/* ---- The table ---------------------------------------------------------------------------- */

#define RO(reg, get_fn) {.offset = SLUICE_REG_##reg, .name = #reg, .width = 4, .get = get_fn}
#define RW(reg, get_fn, set_fn) \
	{.offset = SLUICE_REG_##reg, .name = #reg, .width = 4, .get = get_fn, .set = set_fn}
#define WO(reg, set_fn)   {.offset = SLUICE_REG_##reg, .name = #reg, .width = 4, .set = set_fn}
#define RO64(reg, get_fn) {.offset = SLUICE_REG_##reg, .name = #reg, .width = 8, .get = get_fn}
#define RW64(reg, get_fn, set_fn, half_id) \
	{.offset = SLUICE_REG_##reg,       \
	 .name = #reg,                     \
	 .width = 8,                       \
	 .get = get_fn,                    \
	 .set = set_fn,                    \
	 .half = half_id}

static const struct fw_register device_registers[] = {
	RO(MAGIC, get_magic),
	RO(ABI_VERSION, get_abi_version),
	RW(FEATURE_PAGE, get_feature_page, set_feature_page),
	RO(STATUS, get_status),
	RO64(DEV_FEATURES, get_dev_features),
	RW64(DRV_FEATURES, get_drv_features, set_drv_features, FW_HALF_FEATURES),
	RW(CONTROL, get_control, set_control),
	{.offset = SLUICE_REG_RESET,
	 .name = "RESET",
	 .width = 4,
	 .set = set_reset,
	 .when_fatal = true},
	{.offset = SLUICE_REG_INTR_CAUSE,
	 .name = "INTR_CAUSE",
	 .width = 4,
	 .get = get_intr_cause,
	 .set = set_intr_cause,
	 .when_fatal = true},
	{.offset = SLUICE_REG_INTR_MASK,
	 .name = "INTR_MASK",
	 .width = 4,
	 .get = get_intr_mask,
	 .set = set_intr_mask,
	 .when_fatal = true},
	RO(N_PORTS, get_n_ports),
	RO(N_QUEUE_PAIRS, get_n_queue_pairs),
	RO(N_VECTORS, get_n_vectors),
	RO(BAD_ACCESS, get_bad_access),
	RO64(FW_VERSION, get_fw_version),
	RO(FATAL_CODE, get_fatal_code),
	RO(FATAL_QUEUE, get_fatal_queue),
	RO64(FATAL_INFO, get_fatal_info),
	RO(BOOT_STATE, get_boot_state),
	RW64(ASQ_BASE, get_asq_base, set_asq_base, FW_HALF_ASQ),
	RW64(ACQ_BASE, get_acq_base, set_acq_base, FW_HALF_ACQ),
	RW64(EVQ_BASE, get_evq_base, set_evq_base, FW_HALF_EVQ),
	RW(ASQ_SIZE, get_asq_size, set_asq_size),
	RW(ACQ_SIZE, get_acq_size, set_acq_size),
	RW(EVQ_SIZE, get_evq_size, set_evq_size),
	RW(ADMIN_VECTOR, get_admin_vector, set_admin_vector),
	WO(ASQ_DOORBELL, set_asq_doorbell),
	WO(ACQ_DOORBELL, set_acq_doorbell),
	WO(EVQ_DOORBELL, set_evq_doorbell),
};

#define PORT_RO(reg, get_fn) {.offset = SLUICE_##reg, .name = #reg, .width = 4, .get = get_fn}

static const struct fw_register port_registers[] = {
	PORT_RO(PORT_MAC_LO, get_port_mac_lo),
	PORT_RO(PORT_MAC_HI, get_port_mac_hi),
	PORT_RO(PORT_LINK, get_port_link),
	PORT_RO(PORT_MTU_LIMITS, get_port_mtu_limits),
};

const struct fw_register *fw_register_at(bool port_block, unsigned index)
{
	if (port_block)
		return index < sizeof(port_registers) / sizeof(port_registers[0])
			       ? &port_registers[index]
			       : NULL;
	return index < sizeof(device_registers) / sizeof(device_registers[0])
		       ? &device_registers[index]
		       : NULL;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sluice-nic: the QEMU device around the nic-model and firmware libraries.
 *
 * The libraries want their calls serialised and never nested. The big lock
 * serialises; sluice_enter() keeps a backend that answers inside transmit()
 * (slirp does) from entering a second time.
 */
#ifndef HW_NET_SLUICE_NIC_H
#define HW_NET_SLUICE_NIC_H

#include "hw/pci/pci_device.h"
#include "net/net.h"
#include "qom/object.h"
#include "system/runstate.h"

#include <firmware.h>

#define TYPE_SLUICE_NIC "sluice-nic"
OBJECT_DECLARE_TYPE(SluiceNIC, SluiceNICClass, SLUICE_NIC)

/* Transmitted frames QEMU's net queue may hold for a backend that is not ready. */
#define SLUICE_WIRE_BACKLOG 1024

/* Frames taken from the wire before the main loop gets its turn. */
#define SLUICE_WIRE_BURST 1024

#define SLUICE_LINK_SPEED_MBPS 10000

struct SluiceNICClass {
	PCIDeviceClass parent_class;
	DeviceRealize parent_realize;
	ResettablePhases parent_phases;
};

struct SluiceNIC {
	PCIDevice parent_obj;

	/* Properties */
	NICConf conf;
	struct nic_config config; /* n_queue_pairs and rx_pause are properties */
	struct fw_limits limits;
	char *engine;             /* as given; NULL: auto */
	bool jit_harden;          /* off: whatever jit_mitigations says */
	uint32_t jit_mitigations; /* enum bpfe_relax, of what is on */

	struct nic *nic;
	struct fw *fw;
	bool entered; /* a call into the libraries is under way */

	MemoryRegion regs;
	MemoryRegion doorbells;

	NICState *wire;
	QEMUBH *wire_bh;
	bool wire_held;        /* a frame was refused for now: resume when there is room */
	unsigned wire_burst;   /* frames taken since the bottom half last ran */
	unsigned wire_backlog; /* our frames in the backend's queue */

	QEMUBH *process_bh;
	VMChangeStateEntry *vm_state;

	Error *migration_blocker;
	bool blocker_refused; /* QEMU took none, and the log says so */
	bool objects_exist;

	/* The stream's form of the libraries' state, alive while it is saved or loaded */
	uint32_t nic_blob_size;
	uint8_t *nic_blob;
	uint32_t fw_blob_size;
	uint8_t *fw_blob;
};

extern const struct nic_host_ops sluice_host_ops;
extern const VMStateDescription sluice_vmstate;

/* The device's name in log and trace lines: its id, or its QOM type. */
const char *sluice_name(SluiceNIC *s);

/*
 * Begin a call into the libraries: registers this thread with the engine. False if one is under
 * way; the caller then refuses or postpones what it was asked. Big lock held.
 */
bool sluice_enter(SluiceNIC *s);
void sluice_leave(SluiceNIC *s);

void sluice_bars_init(SluiceNIC *s);

/* Attach to the netdev named by the property; cannot fail. */
void sluice_wire_init(SluiceNIC *s);
void sluice_wire_exit(SluiceNIC *s);
int sluice_wire_transmit(SluiceNIC *s, const void *frame, size_t len);
/* Tell the model what the backend says of its carrier. Inside sluice_enter(). */
void sluice_wire_set_link(SluiceNIC *s);

/* Programs or maps exist, or no longer: fw_objects_fn. */
void sluice_migration_objects(void *opaque, bool exist);

void sluice_register_properties(ObjectClass *klass);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Migration and snapshots. The libraries save themselves into blobs with versions of their own;
 * programs and maps are not in them yet, so that migration waits until there are none.
 */
#include "qemu/osdep.h"
#include "qapi/error.h"
#include "qemu/error-report.h"
#include "qemu/main-loop.h"
#include "hw/pci/msix.h"
#include "migration/blocker.h"
#include "migration/vmstate.h"
#include "sluice_nic.h"
#include "trace.h"

/* A stream is not trusted: what it may make us allocate. */
#define SLUICE_BLOB_MAX (1u << 20)

#define SLUICE_CURE                                                                 \
	"programs or maps are loaded in the NIC and cannot move with it yet; take " \
	"them out first (ip link set dev DEV xdpoffload off, unpin offloaded maps)"

void sluice_migration_objects(void *opaque, bool exist)
{
	SluiceNIC *s = opaque;
	Error *err = NULL;

	trace_sluice_objects(sluice_name(s), exist);
	s->objects_exist = exist;
	migrate_del_blocker(&s->migration_blocker);
	if (!exist)
		return;
	error_setg(&s->migration_blocker, "%s: " SLUICE_CURE, sluice_name(s));
	/*
	 * Fails while a migration runs, or with -only-migratable: the guest is not to be refused
	 * its program for that, and sluice_pre_save() holds the line. Said once: a guest can make
	 * and free maps as often as it likes.
	 */
	if (migrate_add_blocker(&s->migration_blocker, &err) == 0)
		return;
	if (s->blocker_refused)
		error_free(err);
	else
		warn_report_err(err);
	s->blocker_refused = true;
}

static void sluice_blobs_free(SluiceNIC *s)
{
	g_clear_pointer(&s->nic_blob, g_free);
	g_clear_pointer(&s->fw_blob, g_free);
	s->nic_blob_size = 0;
	s->fw_blob_size = 0;
}

static int sluice_blobs_take(SluiceNIC *s)
{
	int nic, fw;

	s->nic_blob_size = nic_save_size(s->nic);
	s->fw_blob_size = fw_save_size(s->fw);
	s->nic_blob = g_malloc0(s->nic_blob_size);
	s->fw_blob = g_malloc0(s->fw_blob_size);
	nic = nic_save(s->nic, s->nic_blob, s->nic_blob_size);
	fw = fw_save(s->fw, s->fw_blob, s->fw_blob_size);
	if (nic < 0 || fw < 0) {
		error_report("%s: state could not be saved: %s", sluice_name(s),
			     strerror(-(nic < 0 ? nic : fw)));
		return nic < 0 ? nic : fw;
	}
	trace_sluice_save(sluice_name(s), s->nic_blob_size, s->fw_blob_size);
	return 0;
}

static int sluice_pre_save(void *opaque)
{
	SluiceNIC *s = opaque;
	int err;

	sluice_blobs_free(s);
	if (s->objects_exist) {
		error_report("%s: " SLUICE_CURE, sluice_name(s));
		return -EBUSY;
	}
	if (!sluice_enter(s))
		return -EBUSY;
	fw_drain(s->fw);
	err = sluice_blobs_take(s);
	sluice_leave(s);
	return err;
}

static int sluice_post_save(void *opaque)
{
	sluice_blobs_free(opaque);
	return 0;
}

static int sluice_pre_load(void *opaque)
{
	sluice_blobs_free(opaque);
	return 0;
}

static int sluice_post_load(void *opaque, int version_id)
{
	SluiceNIC *s = opaque;
	int nic, fw;

	if (!sluice_enter(s))
		return -EBUSY;
	/* What runs here belongs to the state that goes (loadvm). */
	fw_reset(s->fw);
	nic = nic_load(s->nic, s->nic_blob, s->nic_blob_size);
	fw = nic ? 0 : fw_load(s->fw, s->fw_blob, s->fw_blob_size);
	trace_sluice_load(sluice_name(s), nic, fw);
	if (nic || fw) {
		error_report("%s: the incoming %s state is malformed or of a NIC with other "
			     "properties (queues)",
			     sluice_name(s), nic ? "nic-model" : "firmware");
		fw_reset(s->fw);
	} else {
		sluice_wire_set_link(s);
	}
	sluice_leave(s);
	sluice_blobs_free(s);
	if (nic || fw)
		return -EINVAL;
	qemu_bh_schedule(s->process_bh);
	qemu_bh_schedule(s->wire_bh);
	return 0;
}

static bool sluice_blob_sizes_valid(void *opaque, int version_id)
{
	SluiceNIC *s = opaque;

	return s->nic_blob_size <= SLUICE_BLOB_MAX && s->fw_blob_size <= SLUICE_BLOB_MAX;
}

const VMStateDescription sluice_vmstate = {
	.name = TYPE_SLUICE_NIC,
	.version_id = 1,
	.minimum_version_id = 1,
	.pre_save = sluice_pre_save,
	.post_save = sluice_post_save,
	.pre_load = sluice_pre_load,
	.post_load = sluice_post_load,
	.fields =
		(const VMStateField[]){
			VMSTATE_PCI_DEVICE(parent_obj, SluiceNIC),
			VMSTATE_MSIX(parent_obj, SluiceNIC),
			VMSTATE_UINT32(nic_blob_size, SluiceNIC),
			VMSTATE_UINT32(fw_blob_size, SluiceNIC),
			VMSTATE_VALIDATE("state sizes", sluice_blob_sizes_valid),
			VMSTATE_VBUFFER_ALLOC_UINT32(nic_blob, SluiceNIC, 1, NULL, nic_blob_size),
			VMSTATE_VBUFFER_ALLOC_UINT32(fw_blob, SluiceNIC, 1, NULL, fw_blob_size),
			VMSTATE_END_OF_LIST(),
		},
};

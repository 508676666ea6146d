// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * The channel as the module's device shows it.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "ctl.h"

#define CHAN_NODE "/dev/" PVS_DEV_NAME

/* Why there is no device node, with what would bring it. */
static bool chan_explain(int err)
{
	struct utsname u;

	if (err == EACCES || err == EPERM) {
		ctl_fail(0, "%s: needs root: run pvschedctl as root", CHAN_NODE);
	} else if (access("/sys/module/" PVS_DEV_NAME, F_OK)) {
		uname(&u);
		ctl_fail(0,
			 "the module is not loaded; load it with: insmod "
			 "/sluice/modules/%s/" PVS_DEV_NAME ".ko (or modprobe " PVS_DEV_NAME ")",
			 u.release);
	} else {
		ctl_fail(
			0,
			"the module found no device %04x:%04x that it could use; the reason is in: "
			"dmesg | grep " PVS_DEV_NAME
			"; a machine without one needs QEMU's -device sluice-pvsched",
			PVS_PCI_VENDOR_ID, PVS_PCI_DEVICE_ID);
	}
	return false;
}

bool chan_refresh(struct ctl_chan *chan)
{
	struct pvs_cpus cpus;
	int32_t *vcpus;

	if (ioctl(chan->fd, PVS_IOC_INFO, &chan->info) < 0) {
		ctl_fail(0, "the device is gone: %s", strerror(errno));
		return false;
	}
	vcpus = realloc(chan->vcpus, chan->info.n_cpus * sizeof(*vcpus));
	if (!vcpus) {
		ctl_fail(0, "out of memory");
		return false;
	}
	chan->vcpus = vcpus;
	memset(vcpus, 0xff, chan->info.n_cpus * sizeof(*vcpus));
	cpus = (struct pvs_cpus){.n = chan->info.n_cpus, .vcpus = (uintptr_t)vcpus};
	if (ioctl(chan->fd, PVS_IOC_CPUS, &cpus) < 0) {
		ctl_fail(0, "the device is gone: %s", strerror(errno));
		return false;
	}
	return true;
}

bool chan_open(struct ctl_chan *chan)
{
	*chan = (struct ctl_chan){0};
	chan->fd = open(CHAN_NODE, O_RDWR | O_CLOEXEC);
	if (chan->fd < 0)
		return chan_explain(errno);
	if (!chan_refresh(chan)) {
		chan_close(chan);
		return false;
	}
	return true;
}

static size_t chan_bytes(const struct ctl_chan *chan)
{
	return (size_t)(chan->info.n_vcpus + PVS_OPAQUE_PAGES) * PVS_PAGE_STRIDE;
}

bool chan_map(struct ctl_chan *chan, bool writable)
{
	int prot = PROT_READ | (writable ? PROT_WRITE : 0);
	void *host, *guest;

	if (!chan->info.connected) {
		ctl_fail(0,
			 "the channel is not negotiated (status %#x, result %s); try: pvschedctl "
			 "renegotiate",
			 chan->info.status, name_of(ctl_results, chan->info.result));
		return false;
	}
	host = mmap(NULL, chan_bytes(chan), PROT_READ, MAP_SHARED, chan->fd, 0);
	guest = mmap(NULL, chan_bytes(chan), prot, MAP_SHARED, chan->fd, PVS_MMAP_GUEST);
	if (host == MAP_FAILED || guest == MAP_FAILED) {
		ctl_fail(0, "%s: cannot map the pages: %s", CHAN_NODE, strerror(errno));
		if (host != MAP_FAILED)
			munmap(host, chan_bytes(chan));
		return false;
	}
	chan->host = host;
	chan->guest = guest;
	return true;
}

void chan_close(struct ctl_chan *chan)
{
	if (chan->host)
		munmap((void *)chan->host, chan_bytes(chan));
	if (chan->guest)
		munmap(chan->guest, chan_bytes(chan));
	if (chan->fd >= 0)
		close(chan->fd);
	free(chan->vcpus);
	*chan = (struct ctl_chan){.fd = -1};
}

int chan_hint(struct ctl_chan *chan, struct pvs_hint_cmd *cmd)
{
	return ioctl(chan->fd, PVS_IOC_HINT, cmd) < 0 ? -errno : 0;
}

/* ---- Pages that go away -----------------------------------------------------------------------
 */

static sigjmp_buf chan_gone;

static void chan_bus(int signal)
{
	siglongjmp(chan_gone, signal);
}

bool chan_guarded(void (*fn)(void *opaque), void *opaque)
{
	struct sigaction action = {.sa_handler = chan_bus}, old;
	volatile bool gone = false;

	sigaction(SIGBUS, &action, &old);
	if (!sigsetjmp(chan_gone, 1))
		fn(opaque);
	else
		gone = true;
	sigaction(SIGBUS, &old, NULL);
	return gone;
}

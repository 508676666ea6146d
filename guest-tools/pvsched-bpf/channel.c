/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The module, as the loaders of programs need it. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "progs.h"
#include "pvs_uapi.h"

#define DEVICE "/dev/" PVS_DEV_NAME

int progs_channel_check(struct pvs_progs_log *log)
{
	struct pvs_info info;
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC), err = 0;

	if (fd < 0) {
		err = -errno;
		if (err == -ENOENT)
			err = -ENODEV;
		return progs_refuse(log, err, "cannot open " DEVICE ": %s%s", strerror(-err),
				    err == -ENODEV ? "; the machine has no device sluice-pvsched"
						   : "");
	}
	if (ioctl(fd, PVS_IOC_INFO, &info))
		err = -errno;
	else if (!info.connected)
		err = -ENODEV;
	close(fd);
	return err ? progs_refuse(log, err,
				  "the device and the module did not agree; pvschedctl status "
				  "says more")
		   : 0;
}

int progs_channel_reset(struct pvs_progs_log *log)
{
	struct pvs_hint_cmd cmd = {.op = PVS_HINT_RESET};
	int fd = open(DEVICE, O_RDWR | O_CLOEXEC), n = libbpf_num_possible_cpus(), err = 0;

	if (fd < 0)
		return 0;
	for (int cpu = 0; cpu < n; cpu++) {
		cmd.cpu = cpu;
		/* The page of a CPU that is offline was reset as it went. */
		if (ioctl(fd, PVS_IOC_HINT, &cmd) && errno != ENODEV && errno != ENXIO)
			err = progs_refuse(log, -errno, "the page of CPU %d keeps its hints: %s",
					   cpu, strerror(errno));
	}
	close(fd);
	return err;
}

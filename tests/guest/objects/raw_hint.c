// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* raw_hint OP CPU ARG...: the ioctl as it is, with what no tool would say; prints 0 or its errno.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "pvs_uapi.h"

int main(int argc, char **argv)
{
	struct pvs_hint_cmd cmd = {0};
	int fd = open("/dev/" PVS_DEV_NAME, O_RDWR);

	if (fd < 0 || argc < 3 || argc > 7)
		return 1;
	cmd.op = (__u32)strtoul(argv[1], NULL, 0);
	cmd.cpu = (__u32)strtoul(argv[2], NULL, 0);
	for (int i = 3; i < argc; i++)
		cmd.args[i - 3] = strtoull(argv[i], NULL, 0);
	printf("%d\n", ioctl(fd, PVS_IOC_HINT, &cmd) < 0 ? errno : 0);
	return 0;
}

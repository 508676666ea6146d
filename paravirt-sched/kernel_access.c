/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Why the host's kernel takes no BPF program from here, and what would have it take one. */
#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel_access.h"

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"
#define SCX_STATE  "/sys/kernel/sched_ext/state"
#define SCX_NAME   "/sys/kernel/sched_ext/root/ops"
/* Inode of the pid namespace the machine boots with: part of the kernel's interface. */
#define INITIAL_PID_NAMESPACE 0xeffffffcull
/* Bytes of a verifier's log that are shown. */
#define VERIFIER_END 1536u

static uint64_t effective_capabilities(void)
{
	FILE *file = fopen("/proc/self/status", "re");
	uint64_t caps = 0;
	char line[256];

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "CapEff: %" SCNx64, &caps) == 1)
			break;
	fclose(file);
	return caps;
}

static int unprivileged_bpf_disabled(void)
{
	FILE *file = fopen("/proc/sys/kernel/unprivileged_bpf_disabled", "re");
	int value = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%d", &value) != 1)
		value = -1;
	fclose(file);
	return value;
}

int pvs_kernel_can_trace(struct pvs_log *log)
{
	struct stat namespace;

	if (access(KERNEL_BTF, R_OK) != 0)
		return pvs_refuse(log, -ENOTSUP,
				  "%s cannot be read (%s): tracing BPF needs a kernel with "
				  "CONFIG_DEBUG_INFO_BTF, and /sys mounted",
				  KERNEL_BTF, strerror(errno));
	if (stat("/proc/self/ns/pid", &namespace) == 0 && namespace.st_ino != INITIAL_PID_NAMESPACE)
		return pvs_refuse(
			log, -ENOTSUP,
			"this process has a pid namespace of its own, and the kernel's BPF "
			"programs know threads by their ids in the initial one: run it "
			"outside of the container, or the container with the host's pid "
			"namespace");
	return 0;
}

/* The name of the scheduler that the kernel has loaded; "" if there is none, or it has no name. */
static void read_scheduler(char *name, size_t size)
{
	FILE *file = fopen(SCX_NAME, "re");

	name[0] = '\0';
	if (!file)
		return;
	if (fgets(name, (int)size, file))
		name[strcspn(name, "\n")] = '\0';
	fclose(file);
}

int pvs_kernel_can_schedule(struct pvs_log *log)
{
	char name[64];

	if (access(SCX_STATE, F_OK) != 0)
		return pvs_refuse(
			log, -ENOTSUP,
			"this kernel has no sched_ext: needs Linux 7.1 or later with "
			"CONFIG_SCHED_CLASS_EXT (%s is not there); policy-host=live decides "
			"in the kernel without it",
			SCX_STATE);
	read_scheduler(name, sizeof(name));
	if (name[0])
		return pvs_refuse(
			log, -EBUSY,
			"the scheduler '%s' is loaded already, and the kernel takes one at "
			"a time (%s): end the program that loaded it",
			name, SCX_NAME);
	return 0;
}

/* What CAP_SYS_ADMIN grants too. */
static void refuse_permission(struct pvs_log *log, const char *what)
{
	const uint64_t caps = effective_capabilities();
	const bool admin = caps >> CAP_SYS_ADMIN & 1;
	const bool bpf = admin || (caps >> CAP_BPF & 1);
	const bool perfmon = admin || (caps >> CAP_PERFMON & 1);

	if (bpf && perfmon) {
		pvs_log(log,
			"%s: bpf() is not permitted although this process has CAP_BPF and "
			"CAP_PERFMON: a seccomp filter (a container's) or kernel lockdown forbids "
			"it\n",
			what);
		return;
	}
	pvs_log(log,
		"%s: bpf() is not permitted: this process lacks%s%s%s "
		"(kernel.unprivileged_bpf_disabled is %d); run it as root or with "
		"AmbientCapabilities=CAP_BPF CAP_PERFMON, or in the manager, which has them\n",
		what, bpf ? "" : " CAP_BPF", bpf || perfmon ? "" : " and",
		perfmon ? "" : " CAP_PERFMON", unprivileged_bpf_disabled());
}

int pvs_kernel_refuse(struct pvs_log *log, int err, const char *what)
{
	switch (-err) {
	case EPERM:
		refuse_permission(log, what);
		break;
	case ENOSYS:
		pvs_log(log, "%s: this kernel has no bpf(): needs CONFIG_BPF_SYSCALL\n", what);
		break;
	case EACCES:
		pvs_log(log, "%s: the kernel's verifier refuses it\n", what);
		break;
	default:
		pvs_log(log, "%s: the kernel refuses it: %s\n", what, strerror(-err));
	}
	return err;
}

const char *pvs_kernel_verifier_end(const char *text)
{
	const size_t size = strlen(text);
	const char *line;

	if (size <= VERIFIER_END)
		return text;
	text += size - VERIFIER_END;
	line = strchr(text, '\n');
	return line && line[1] ? line + 1 : text;
}

/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* Messages between a QEMU and the manager, and their way through a socket. */
#include "manager/proto.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HEAD       sizeof(struct pvs_msg_head)
#define WITH(part) (HEAD + sizeof(((struct pvs_msg *)0)->part))

uint32_t pvs_msg_size(uint32_t type)
{
	switch (type) {
	case PVS_MSG_HELLO:
		return WITH(hello);
	case PVS_MSG_VCPU_ADD:
	case PVS_MSG_VCPU_REMOVE:
	case PVS_MSG_SERVICE_ADD:
		return WITH(vcpu);
	case PVS_MSG_NEGOTIATED:
		return WITH(features);
	case PVS_MSG_CLOCK:
		return WITH(clock_offset);
	case PVS_MSG_WELCOME:
		return WITH(welcome);
	case PVS_MSG_REFUSED:
	case PVS_MSG_WARNING:
		return WITH(refused);
	case PVS_MSG_POLICY:
		return WITH(policy);
	case PVS_MSG_NOTIFY:
		return HEAD;
	default:
		return 0;
	}
}

int pvs_msg_send(int sock, struct pvs_msg *msg, enum pvs_msg_type type, const int *fds,
		 unsigned n_fds)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * PVS_N_FDS)];
		struct cmsghdr align;
	} control = {{0}};
	struct iovec iov = {.iov_base = msg, .iov_len = pvs_msg_size(type)};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
	struct cmsghdr *cmsg;

	msg->head.type = type;
	msg->head.size = (uint32_t)iov.iov_len;
	if (n_fds) {
		header.msg_control = control.bytes;
		header.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		cmsg = CMSG_FIRSTHDR(&header);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * n_fds);
	}
	if (sendmsg(sock, &header, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return -errno;
	return 0;
}

/* All descriptors that came along are ours now, wanted or not. Returns how many. */
static unsigned take_fds(struct msghdr *header, int *fds)
{
	unsigned n = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
		size_t bytes = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t i = 0; i < bytes / sizeof(int) && n < PVS_N_FDS; i++)
			memcpy(&fds[n++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
	}
	return n;
}

static void close_all(const int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		close(fds[i]);
}

int pvs_msg_receive(int sock, struct pvs_msg *msg, int *fds, unsigned *n_fds)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int) * PVS_N_FDS)];
		struct cmsghdr align;
	} control;
	struct iovec iov = {.iov_base = msg, .iov_len = sizeof(*msg)};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
	int taken[PVS_N_FDS];
	unsigned n;
	ssize_t size;

	header.msg_control = control.bytes;
	header.msg_controllen = sizeof(control.bytes);
	memset(msg, 0, sizeof(*msg));
	size = recvmsg(sock, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (size < 0)
		return -errno;
	n = take_fds(&header, taken);
	if (size == 0 && n == 0)
		return 0;
	/* Descriptors beyond our buffer the kernel closed, and said so. */
	if (size < (ssize_t)HEAD || (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
	    msg->head.size != (uint32_t)size || pvs_msg_size(msg->head.type) != (uint32_t)size ||
	    (n && !fds)) {
		close_all(taken, n);
		return -EPROTO;
	}
	if (fds) {
		memcpy(fds, taken, n * sizeof(int));
		*n_fds = n;
	}
	return 1;
}

void pvs_msg_terminate(char *text, size_t size)
{
	text[size - 1] = '\0';
}

void pvs_limits_pack(const struct pvs_limits *limits, struct pvs_msg_limits *msg)
{
	*msg = (struct pvs_msg_limits){
		.cs_budget_ns = limits->cs_budget_ns,
		.boost_budget_ns = limits->boost_budget_ns,
		.tick_ns = limits->tick_ns,
		.watchdog_ns = limits->watchdog_ns,
		.cs_refill_ppm = limits->cs_refill_ppm,
		.boost_refill_ppm = limits->boost_refill_ppm,
		.max_boosted = limits->max_boosted,
		.ceiling = limits->ceiling,
		.prio_max = limits->prio_max,
		.kicks_per_s = limits->kicks_per_s,
		.nice_min = limits->nice_min,
		.has_nice_min = limits->has_nice_min,
	};
}

void pvs_limits_unpack(const struct pvs_msg_limits *msg, struct pvs_limits *limits)
{
	*limits = (struct pvs_limits){
		.cs_budget_ns = msg->cs_budget_ns,
		.boost_budget_ns = msg->boost_budget_ns,
		.tick_ns = msg->tick_ns,
		.watchdog_ns = msg->watchdog_ns,
		.cs_refill_ppm = msg->cs_refill_ppm,
		.boost_refill_ppm = msg->boost_refill_ppm,
		.max_boosted = msg->max_boosted,
		.ceiling = msg->ceiling,
		.prio_max = msg->prio_max,
		.kicks_per_s = msg->kicks_per_s,
		.nice_min = msg->nice_min,
		.has_nice_min = msg->has_nice_min != 0,
	};
}

int pvs_manager_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int sock, ret;

	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	sock = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (sock < 0)
		return -errno;
	if (connect(sock, (struct sockaddr *)&address, sizeof(address)) < 0) {
		ret = -errno;
		close(sock);
		return ret;
	}
	return sock;
}

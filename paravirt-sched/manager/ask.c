/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* A command to a manager that runs, and its answer. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "manager/proto.h"
#include "pvs_manager.h"

struct packet {
	struct pvs_msg_head head;
	char text[PVS_CONTROL_MAX - sizeof(struct pvs_msg_head)];
};

static int send_command(int sock, struct packet *packet, const char *command)
{
	size_t size = strlen(command);

	if (size > sizeof(packet->text))
		return -EMSGSIZE;
	packet->head.type = PVS_MSG_CONTROL;
	packet->head.size = (uint32_t)(sizeof(packet->head) + size);
	memcpy(packet->text, command, size);
	return send(sock, packet, packet->head.size, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

/* An answer is in several packets, and ends with the connection. */
static int take_answer(int sock, struct packet *packet, char **reply)
{
	size_t len = 0;
	ssize_t n;

	while ((n = recv(sock, packet, sizeof(*packet), 0)) > 0) {
		size_t size = (size_t)n - sizeof(packet->head);
		char *more;

		if ((size_t)n < sizeof(packet->head) || packet->head.type != PVS_MSG_REPLY)
			return -EPROTO;
		more = realloc(*reply, len + size + 1);
		if (!more)
			return -ENOMEM;
		memcpy(more + len, packet->text, size);
		len += size;
		more[len] = '\0';
		*reply = more;
	}
	return n < 0 ? -errno : len ? 0 : -EPIPE;
}

int pvs_manager_ask(const char *path, const char *command, char **reply, struct pvs_log *log)
{
	struct packet *packet = malloc(sizeof(*packet));
	int sock, ret;

	if (!packet)
		return -ENOMEM;
	*reply = NULL;
	sock = pvs_manager_connect(path);
	if (sock < 0) {
		free(packet);
		return pvs_refuse(log, sock, "%s: %s; is sluice-pvsd running?", path,
				  strerror(-sock));
	}
	fcntl(sock, F_SETFL, 0);
	ret = send_command(sock, packet, command);
	if (ret == 0)
		ret = take_answer(sock, packet, reply);
	close(sock);
	free(packet);
	if (ret < 0) {
		free(*reply);
		*reply = NULL;
		return pvs_refuse(log, ret, "%s: no answer: %s", path, strerror(-ret));
	}
	return 0;
}

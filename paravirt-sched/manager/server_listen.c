/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The socket that the manager's clients and commands connect to. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "manager/server_internal.h"

#define DEFAULT_MODE 0660

/* An old socket is in the way only if somebody listens to it. */
static int replace_old(const char *path, struct pvs_log *log)
{
	struct stat st;
	int sock;

	if (lstat(path, &st) < 0)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return pvs_refuse(log, -EEXIST, "%s: exists and is no socket", path);
	sock = pvs_manager_connect(path);
	if (sock >= 0)
		close(sock);
	/* -EAGAIN, for one: it has much to do. */
	if (sock != -ECONNREFUSED)
		return pvs_refuse(log, -EADDRINUSE, "%s: another manager listens there", path);
	return unlink(path) < 0 ? -errno : 0;
}

int pvs_server_listen(struct pvs_server *server, struct pvs_log *log)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const char *path = server->config.path;
	unsigned mode = server->config.mode ? server->config.mode : DEFAULT_MODE;
	mode_t mask;
	int ret;

	if (strlen(path) >= sizeof(address.sun_path))
		return pvs_refuse(log, -ENAMETOOLONG, "%s: a socket's path has at most %zu bytes",
				  path, sizeof(address.sun_path) - 1);
	strcpy(address.sun_path, path);
	ret = replace_old(path, log);
	if (ret < 0)
		return ret;
	server->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (server->listener < 0)
		return -errno;
	mask = umask(0777 & ~mode);
	ret = bind(server->listener, (struct sockaddr *)&address, sizeof(address)) < 0 ? -errno : 0;
	umask(mask);
	if (ret < 0)
		return pvs_refuse(log, ret, "%s: %s", path, strerror(-ret));
	server->path = strdup(path);
	return listen(server->listener, PVS_MANAGER_CLIENTS) < 0 ? -errno : 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/* Policies by name: those built in, and files. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "embedded.h"
#include "pvs.h"

#define MAX_FILE (16u << 20)

#define MAX_BUILTINS 16

static const char *names[MAX_BUILTINS + 1];

static void list_names(void)
{
	for (size_t i = 0; i < MAX_BUILTINS && pvs_policy_objects[i].name; i++)
		names[i] = pvs_policy_objects[i].name;
}

const char *const *pvs_policy_names(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, list_names);
	return names;
}

static int refuse_name(const char *name, int err, struct pvs_log *log)
{
	const char *const *known = pvs_policy_names();

	pvs_log(log, "policy '%s': no such file (%s), and ", name, strerror(err));
	if (!known[0])
		return pvs_refuse(log, -ENOENT,
				  "no policies are built in: this library was built without clang");
	pvs_log(log, "built in are ");
	for (size_t i = 0; known[i]; i++)
		pvs_log(log, "%s%s", i ? ", " : "", known[i]);
	return pvs_refuse(log, -ENOENT, " only");
}

static ssize_t read_whole(int fd, uint8_t *bytes, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = read(fd, bytes + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

static int load_fd(int fd, const char *name, const struct pvs_policy_options *options,
		   struct pvs_policy **policy, struct pvs_log *log)
{
	struct stat stat;
	uint8_t *bytes;
	ssize_t size;
	int ret;

	if (fstat(fd, &stat))
		return pvs_refuse(log, -errno, "policy '%s': %s", name, strerror(errno));
	if (!S_ISREG(stat.st_mode) || stat.st_size <= 0 || stat.st_size > MAX_FILE)
		return pvs_refuse(log, -EINVAL,
				  "policy '%s': not a BPF object: a regular file of 1 to %u bytes "
				  "is accepted",
				  name, MAX_FILE);
	bytes = malloc((size_t)stat.st_size);
	if (!bytes)
		return pvs_refuse(log, -ENOMEM, "policy '%s': out of memory", name);
	size = read_whole(fd, bytes, (size_t)stat.st_size);
	if (size < 0)
		ret = pvs_refuse(log, (int)size, "policy '%s': %s", name, strerror((int)-size));
	else
		ret = pvs_policy_load(bytes, (size_t)size, name, options, policy, log);
	free(bytes);
	return ret;
}

int pvs_policy_open(const char *name, const struct pvs_policy_options *options,
		    struct pvs_policy **policy, struct pvs_log *log)
{
	const struct pvs_embedded *builtin = pvs_embedded_find(pvs_policy_objects, name);
	int fd, ret;

	*policy = NULL;
	if (builtin)
		return pvs_policy_load(builtin->data, builtin->size, name, options, policy, log);
	fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return refuse_name(name, errno, log);
	ret = load_fd(fd, name, options, policy, log);
	close(fd);
	return ret;
}

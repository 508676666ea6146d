/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The table of programs; load, unload and list, which are the same for each. */
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "progs.h"

#define MODULE "/sys/module/sluice_pvsched"

static const struct prog *const table[] = {
	&prog_publisher,
#ifdef HAVE_SCX
	&prog_scx_pvs,
#endif
};

#define TABLE_SIZE (sizeof(table) / sizeof(table[0]))

const struct pvs_prog *pvs_progs_table(void)
{
	static struct pvs_prog about[TABLE_SIZE + 1];

	for (size_t i = 0; i < TABLE_SIZE; i++)
		about[i] = table[i]->about;
	return about;
}

static const struct prog *find(const char *name, struct pvs_progs_log *log)
{
	for (size_t i = 0; i < TABLE_SIZE; i++) {
		if (!strcmp(table[i]->about.name, name))
			return table[i];
	}
	progs_log(log, "there is no program '%s' for this kernel; there are:", name);
	for (size_t i = 0; i < TABLE_SIZE; i++)
		progs_log(log, "  %s: %s", table[i]->about.name, table[i]->about.summary);
	return NULL;
}

/* The folder of all programs, made and locked against other processes. A file descriptor. */
static int lock(struct pvs_progs_log *log)
{
	int fd, err;

	if (mkdir(PVS_PROGS_DIR, 0700) && errno != EEXIST) {
		err = -errno;
		return progs_refuse(log, err,
				    "cannot make " PVS_PROGS_DIR ": %s; it needs root, and bpffs "
				    "there: mount -t bpf bpf /sys/fs/bpf",
				    strerror(-err));
	}
	fd = open(PVS_PROGS_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || flock(fd, LOCK_EX)) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return progs_refuse(log, err, "cannot lock " PVS_PROGS_DIR ": %s", strerror(-err));
	}
	return fd;
}

/* Remove what is below @dir and, unless @links says that only links are meant, @dir itself. */
static int remove_pins(const char *dir, bool links, struct pvs_progs_log *log)
{
	struct dirent *entry;
	DIR *stream = opendir(dir);
	char path[PATH_MAX];
	int err = 0;

	if (!stream)
		return -errno;
	while ((entry = readdir(stream))) {
		if (entry->d_name[0] == '.' || (links && strncmp(entry->d_name, "link_", 5)))
			continue;
		snprintf(path, sizeof(path), "%.3800s/%.255s", dir, entry->d_name);
		if (unlink(path)) {
			err = -errno;
			progs_log(log, "cannot remove %s: %s", path, strerror(-err));
		}
	}
	closedir(stream);
	if (!links && !err && rmdir(dir))
		err = -errno;
	return err;
}

/* Take out what is pinned, and what it told the host. What is in the way stays, with its reason. */
static int take_out(const struct prog *prog, const char *dir, struct pvs_progs_log *log)
{
	struct progs_ends ends;
	int err, after = 0;

	progs_ends_note(dir, &ends);
	err = remove_pins(dir, true, log);
	if (!err)
		err = progs_ends_wait(&ends, log);
	if (!err && prog->after)
		after = prog->after(log);
	if (!err)
		err = remove_pins(dir, false, log);
	return err ? err : after;
}

static int load_locked(const struct prog *prog, const char *dir,
		       const struct prog_settings *settings, struct pvs_progs_log *log)
{
	int err;

	if (mkdir(dir, 0700)) {
		if (errno == EEXIST)
			return progs_refuse(log, -EEXIST, "%s is loaded; unload it first",
					    prog->about.name);
		err = -errno;
		return progs_refuse(log, err, "cannot make %s: %s", dir, strerror(-err));
	}
	progs_catch(log);
	err = prog->load(dir, settings, log);
	progs_catch(NULL);
	/* Some of its programs may have run meanwhile. */
	if (err)
		take_out(prog, dir, log);
	return err;
}

int pvs_prog_load(const char *name, const char *const *settings, struct pvs_progs_log *log)
{
	const struct prog *prog = find(name, log);
	struct prog_settings values;
	char dir[PATH_MAX];
	int fd, err;

	if (!prog)
		return -ENOENT;
	err = progs_options(&prog->about, settings, &values, log);
	if (err)
		return err;
	if (access(MODULE, F_OK))
		return progs_refuse(log, -ENODEV,
				    "the module sluice_pvsched, whose functions %s calls, is not "
				    "loaded",
				    name);
	fd = lock(log);
	if (fd < 0)
		return fd;
	snprintf(dir, sizeof(dir), PVS_PROGS_DIR "/%s", name);
	err = load_locked(prog, dir, &values, log);
	close(fd);
	return err;
}

static int unload_locked(const struct prog *prog, const char *dir, struct pvs_progs_log *log)
{
	if (access(dir, F_OK))
		return progs_refuse(log, -ENOENT, "%s is not loaded", prog->about.name);
	return take_out(prog, dir, log);
}

int pvs_prog_unload(const char *name, struct pvs_progs_log *log)
{
	const struct prog *prog = find(name, log);
	char dir[PATH_MAX];
	int fd, err;

	if (!prog)
		return -ENOENT;
	fd = lock(log);
	if (fd < 0)
		return fd;
	snprintf(dir, sizeof(dir), PVS_PROGS_DIR "/%s", name);
	err = unload_locked(prog, dir, log);
	close(fd);
	return err;
}

/* Add the figures of one attached program. */
static void add_hook(const char *path, struct pvs_prog_state *state)
{
	struct bpf_link_info link = {0};
	struct bpf_prog_info prog = {0};
	__u32 size = sizeof(link);
	int fd = bpf_obj_get(path), prog_fd = -1;

	if (fd < 0)
		return;
	state->hooks++;
	if (!bpf_link_get_info_by_fd(fd, &link, &size) && link.prog_id)
		prog_fd = bpf_prog_get_fd_by_id(link.prog_id);
	size = sizeof(prog);
	if (prog_fd >= 0 && !bpf_prog_get_info_by_fd(prog_fd, &prog, &size)) {
		state->runs += prog.run_cnt;
		state->run_ns += prog.run_time_ns;
	}
	if (prog_fd >= 0)
		close(prog_fd);
	close(fd);
}

static void read_state(const struct prog *prog, const char *dir, struct pvs_prog_state *state)
{
	struct dirent *entry;
	DIR *stream = opendir(dir);
	char path[PATH_MAX];

	memset(state, 0, sizeof(*state));
	state->prog = &prog->about;
	state->alive = true;
	while (stream && (entry = readdir(stream))) {
		if (strncmp(entry->d_name, "link_", 5))
			continue;
		snprintf(path, sizeof(path), "%.3800s/%.255s", dir, entry->d_name);
		add_hook(path, state);
	}
	if (stream)
		closedir(stream);
	prog->state(dir, state);
}

int pvs_prog_list(int (*fn)(void *opaque, const struct pvs_prog_state *state), void *opaque,
		  struct pvs_progs_log *log)
{
	struct pvs_prog_state state;
	char dir[PATH_MAX];
	int fd, ret = 0;

	if (access(PVS_PROGS_DIR, F_OK) && errno == ENOENT)
		return 0;
	fd = lock(log);
	if (fd < 0)
		return fd;
	for (size_t i = 0; i < TABLE_SIZE && !ret; i++) {
		snprintf(dir, sizeof(dir), PVS_PROGS_DIR "/%s", table[i]->about.name);
		if (access(dir, F_OK))
			continue;
		read_state(table[i], dir, &state);
		ret = fn(opaque, &state);
	}
	close(fd);
	return ret;
}

/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * Objects for the host's kernel. libbpf speaks through one function per process: for the time of a
 * call it is ours, and what other threads of the process make libbpf say goes where it went before.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <bpf/libbpf.h>

#include "embedded.h"
#include "kernel_access.h"

static pthread_mutex_t speaking = PTHREAD_MUTEX_INITIALIZER;
static libbpf_print_fn_t others;
static _Thread_local struct pvs_log *listener;
static _Thread_local bool listening;

static int hear(enum libbpf_print_level level, const char *format, va_list args)
{
	char *text;

	if (!listening)
		return others ? others(level, format, args) : 0;
	if (level != LIBBPF_WARN || vasprintf(&text, format, args) < 0)
		return 0;
	pvs_log(listener, "%s", pvs_kernel_verifier_end(text));
	free(text);
	return 0;
}

static void listen_begin(struct pvs_log *log)
{
	pthread_mutex_lock(&speaking);
	others = libbpf_set_print(hear);
	listener = log;
	listening = true;
}

static void listen_end(void)
{
	listening = false;
	listener = NULL;
	libbpf_set_print(others);
	pthread_mutex_unlock(&speaking);
}

int pvs_kernel_object_open(const void *data, size_t size, const char *name,
			   struct bpf_object **object, struct pvs_log *log)
{
	LIBBPF_OPTS(bpf_object_open_opts, options, .object_name = name);

	listen_begin(log);
	*object = bpf_object__open_mem(data, size, &options);
	listen_end();
	if (*object)
		return 0;
	return pvs_refuse(log, -errno, "%s: libbpf cannot read this object", name);
}

int pvs_kernel_object_open_own(const char *name, struct bpf_object **object, struct pvs_log *log)
{
	const struct pvs_embedded *own = pvs_embedded_find(pvs_kernel_objects, name);

	*object = NULL;
	if (!own)
		return pvs_refuse(
			log, -ENOTSUP,
			"the host kernel's program '%s' is not in this build: it was made "
			"without clang (apt install clang)",
			name);
	return pvs_kernel_object_open(own->data, own->size, name, object, log);
}

int pvs_kernel_object_load(struct bpf_object *object, struct pvs_log *log)
{
	const size_t said = log ? log->len : 0;
	int err;

	listen_begin(log);
	err = bpf_object__load(object);
	listen_end();
	if (!err)
		return 0;
	/* What libbpf guesses about permissions is not what would help. */
	if (err == -EPERM && log && log->size) {
		log->len = said;
		log->buf[said] = '\0';
	}
	return pvs_kernel_refuse(log, err, bpf_object__name(object));
}

int pvs_kernel_object_set(const struct bpf_object *object, const void *value, size_t size)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, ".rodata");

	return map && bpf_map__value_size(map) == size
		       ? bpf_map__set_initial_value(map, value, size)
		       : -EINVAL;
}

/* What libbpf calls the map's initial value is not its memory. */
void *pvs_kernel_object_globals(const struct bpf_object *object, size_t size)
{
	const struct bpf_map *map = bpf_object__find_map_by_name(object, ".bss");
	void *memory;

	if (!map || bpf_map__value_size(map) < size)
		return NULL;
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);
	return memory == MAP_FAILED ? NULL : memory;
}

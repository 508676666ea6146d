/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The image of a program between the passes of a load. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"

/* A copy of what BTF says of the functions, names too. */
static int copy_functions(struct bpfe_image *image, const struct bpfe_load_attr *attr)
{
	size_t bytes = 1;
	char *name;

	for (uint32_t f = 0; f < attr->n_funcs; f++)
		bytes += attr->funcs[f].name ? strlen(attr->funcs[f].name) + 1 : 1;
	image->funcs = calloc(attr->n_funcs + 1, sizeof(*image->funcs));
	image->func_names = name = calloc(bytes, 1);
	if (!image->funcs || !name)
		return -ENOMEM;
	for (uint32_t f = 0; f < attr->n_funcs; f++) {
		image->funcs[f] = attr->funcs[f];
		image->funcs[f].name = name;
		name = stpcpy(name, attr->funcs[f].name ? attr->funcs[f].name : "") + 1;
	}
	image->n_funcs = attr->n_funcs;
	return 0;
}

int bpfe_image_open(struct bpfe_image *image, const struct bpfe_load_attr *attr,
		    struct bpfe_log *log)
{
	uint32_t max = attr->max_insns ? attr->max_insns : BPFE_MAX_INSNS;

	memset(image, 0, sizeof(*image));
	if (max > BPFE_MAX_INSNS)
		max = BPFE_MAX_INSNS;
	if (attr->n_insns == 0)
		return bpfe_refuse(log, -EINVAL, BPFE_BAD_ENCODING, 0,
				   "the program has no instructions");
	if (attr->n_insns > max)
		return bpfe_refuse(log, -E2BIG, BPFE_TOO_LARGE, 0,
				   "the program has %u instruction slots, at most %u are allowed",
				   attr->n_insns, max);
	image->insns = malloc(attr->n_insns * sizeof(*image->insns));
	image->aux = calloc(attr->n_insns, sizeof(*image->aux));
	if (!image->insns || !image->aux || copy_functions(image, attr)) {
		bpfe_image_close(image);
		return bpfe_refuse(log, -ENOMEM, BPFE_NO_MEMORY, 0,
				   "out of memory for %u instruction slots", attr->n_insns);
	}
	memcpy(image->insns, attr->insns, attr->n_insns * sizeof(*image->insns));
	image->n_insns = attr->n_insns;
	image->type = attr->type ? attr->type : BPF_PROG_TYPE_XDP;
	image->mem_size = attr->mem_size;
	image->max_stack = attr->max_stack;
	image->helpers = attr->helpers;
	image->cancel = attr->cancel;
	image->source_line = attr->source_line;
	image->source_opaque = attr->source_opaque;
	return 0;
}

void bpfe_image_close(struct bpfe_image *image)
{
	for (uint32_t m = 0; m < image->n_maps; m++)
		bpfe_map_release(image->maps[m]);
	free(image->func_names);
	free(image->funcs);
	free(image->maps);
	free(image->subprogs);
	free(image->aux);
	free(image->insns);
	memset(image, 0, sizeof(*image));
}

// SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause
/*
 * What verifying the stress programs takes: processor time, instructions followed, memory.
 *
 *   verifier_stress [part of a name]
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include "stress.h"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void run(const struct corpus_maps *maps, const struct stress_shape *shape)
{
	struct stress_program p = {.insns = calloc(BPFE_MAX_INSNS, sizeof(*p.insns))};
	char text[1024] = "";
	struct bpfe_log log = {.buf = text, .size = sizeof(text)};
	struct bpfe_image image;
	double start;
	int err;

	if (!p.insns)
		abort();
	shape->build(&p);
	start = now();
	err = corpus_verify(maps, p.insns, p.n, NULL, &image, &log);
	printf("%-32s %6u insns %8.1f ms %9llu followed %6llu KiB %6u states  %s\n", shape->name,
	       p.n, (now() - start) * 1e3, (unsigned long long)image.insns_verified,
	       (unsigned long long)image.peak_bytes / 1024, image.states,
	       err ? "refused" : "accepted");
	if (err)
		printf("%s", text);
	bpfe_image_close(&image);
	free(p.insns);
}

int main(int argc, char **argv)
{
	struct corpus_maps maps;

	if (corpus_maps_create(&maps))
		return 1;
	for (size_t i = 0; i < n_stress_shapes; i++) {
		if (argc < 2 || strstr(stress_shapes[i].name, argv[1]))
			run(&maps, &stress_shapes[i]);
	}
	corpus_maps_destroy(&maps);
	return 0;
}

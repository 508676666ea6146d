/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/*
 * sluice-pvsd: be the manager of several QEMUs' scheduling, or talk to one.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pvsd.h"

bool pvsd_tunable(struct pvsd_tunables *tunables, char *text)
{
	char *value = strchr(text, '='), *end;
	long long number;

	if (!value || value == text || tunables->n == PVSD_MAX_TUNABLES)
		return false;
	*value++ = '\0';
	errno = 0;
	number = strtoll(value, &end, 0);
	if (errno || end == value || *end)
		return false;
	tunables->list[tunables->n++] = (struct pvs_tunable){text, number};
	return true;
}

int main(int argc, char **argv)
{
	static char status[] = "sluice-pvsd status", policy[] = "sluice-pvsd policy",
		    record[] = "sluice-pvsd record";

	if (argc > 1 && strcmp(argv[1], "status") == 0) {
		argv[1] = status;
		return pvsd_status(argc - 1, argv + 1);
	}
	if (argc > 1 && strcmp(argv[1], "policy") == 0) {
		argv[1] = policy;
		return pvsd_policy(argc - 1, argv + 1);
	}
	if (argc > 1 && strcmp(argv[1], "record") == 0) {
		argv[1] = record;
		return pvsd_record(argc - 1, argv + 1);
	}
	return pvsd_serve(argc, argv);
}

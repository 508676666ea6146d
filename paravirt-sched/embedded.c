/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* BPF objects that are part of the library. */
#include <string.h>

#include "embedded.h"

const struct pvs_embedded *pvs_embedded_find(const struct pvs_embedded *table, const char *name)
{
	for (; table->name; table++)
		if (!strcmp(table->name, name))
			return table;
	return NULL;
}

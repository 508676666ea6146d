/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* What a policy's variables and maps hold now. */
#ifndef SLUICE_PVSCHED_STATE_H
#define SLUICE_PVSCHED_STATE_H

#include <json-c/json.h>
#include <pvs.h>

void print_state(struct pvs_policy *policy);
struct json_object *state_json(struct pvs_policy *policy);

#endif

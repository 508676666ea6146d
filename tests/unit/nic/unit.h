/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* cmocka wants these before it. */
#ifndef NIC_UNIT_H
#define NIC_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <errno.h>
#include <cmocka.h>

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later OR BSD-2-Clause */
/* The text of docs/device-spec, for the tests that hold it to the truth. */
#ifndef DOC_TEXT_H
#define DOC_TEXT_H

/* The file @name of the folder, NUL-terminated; ends the test when it cannot be read. Caller frees.
 */
char *doc_text(const char *name);

#endif

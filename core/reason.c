/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one line that says why something was refused. See reason.h for who may
 * call. Invariant: nothing but printable ASCII, then NUL, is handed out, so a
 * hostile name cannot send control sequences to a terminal.
 */
#include "core/reason.h"

char reason_text[192];

enum status reason_given(const char **why, enum status status)
{
	for (char *at = reason_text; *at != '\0'; at++) {
		if (*at < ' ' || *at > '~')
			*at = '?';
	}
	*why = reason_text;
	return status;
}

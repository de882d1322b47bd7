/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why something was refused, as one line for a person.
 *
 * Code that reads input from outside returns an error value and hands its
 * caller such a line. There is one buffer for all of them: a line lives until
 * the next refusal, and bundles, device trees and VMs are made by one hart at a
 * time. Names out of the input may be anything, so only printable ASCII of the
 * line gets through.
 */
#ifndef CORE_REASON_H
#define CORE_REASON_H

#include "core/log.h"
#include "core/types.h"

extern char reason_text[192];

/* Finish the line in reason_text, point *why to it, and return status. */
enum status reason_given(const char **why, enum status status);

/*
 * Refusing in one statement: return refuse(why, STATUS_CORRUPT, "at %lu", n);
 * with the formats of log_line(). A line that is too long is cut.
 */
#define refuse(why, status, ...)                                                         \
	(format_text(reason_text, sizeof(reason_text), __VA_ARGS__),                     \
	 reason_given(why, status))

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sequences in processes of their own, so that one that ends in a violation, a
 * failed assertion or a crash is seen and nothing else is hurt; and the shortest
 * part of such a sequence that still does.
 */
#ifndef TESTS_ORACLE_SHRINK_H
#define TESTS_ORACLE_SHRINK_H

#include <stdbool.h>

#include "tests/oracle/run.h"

/* True if it ends well. said: a file that gets what is said, or -1 for stderr. */
bool oracle_survives(const struct oracle_setting *setting,
		     const struct operation *operations, size_t count, int said,
		     struct oracle_counts *counts);

/*
 * Drop operations while what is left does not survive. Returns how many are
 * left, at the front of the same array.
 */
size_t oracle_shrink(const struct oracle_setting *setting, struct operation *operations,
		     size_t count);

#endif

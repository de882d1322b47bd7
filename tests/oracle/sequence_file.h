/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A sequence in a file, to be run again: a line that says what machine it is
 * for, then a line for each operation, as eight bytes in hexadecimal and, for
 * whoever reads it, in words.
 */
#ifndef TESTS_ORACLE_SEQUENCE_FILE_H
#define TESTS_ORACLE_SEQUENCE_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "tests/oracle/run.h"

/* By enum model_strength; NULL past the last. */
extern const char *const oracle_strengths[];

/* Where the name stands in the list, -1 if nowhere. */
int oracle_find_name(const char *const *names, const char *name);

void sequence_print_setting(FILE *out, const struct oracle_setting *setting);

/* False, with errno, if the file cannot be written. */
bool sequence_save(const char *name, const struct oracle_setting *setting,
		   const struct operation *operations, size_t count);

/* False if the first line is no setting. The operations are the caller's to free. */
bool sequence_read(FILE *file, struct oracle_setting *setting,
		   struct operation **operations, size_t *count);

#endif

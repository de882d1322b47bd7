/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the plugins' options and results have in common: numbers that are numbers to
 * their ends, and a file whose loss is said. No state.
 */
#ifndef SCRIPTS_PLUGIN_OPTIONS_H
#define SCRIPTS_PLUGIN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* True if `text` is a number in C's notation, all of it, and at most `most`. */
bool option_number(const char *text, uint64_t most, uint64_t *value);

/* Close the results of a plugin, with a line on standard error if they are not whole. */
void results_close(FILE *out, const char *plugin);

#endif

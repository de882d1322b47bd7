/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Properties of device trees with fences: whoever asks libfdt for a value gets a
 * copy of it, of exactly its size, with poison on both sides. One byte too far
 * would else be the tree's next token, which is nothing to a sanitizer.
 * For targets that are linked with -Wl,--wrap=fdt_getprop.
 */
#ifndef TESTS_FUZZ_PROPERTY_COPIES_H
#define TESTS_FUZZ_PROPERTY_COPIES_H

#include "core/types.h"

/* Before each execution: no value that was given out is looked at again. */
void property_copies_forget(void);

/* True if [data, data + size) lies within one value that was given out. */
bool property_copies_hold(const void *data, uint64_t size);

/* What fdt_getprop() becomes, and what it was. */
const void *__wrap_fdt_getprop(const void *fdt, int node, const char *name, int *length);
const void *__real_fdt_getprop(const void *fdt, int node, const char *name, int *length);

#endif

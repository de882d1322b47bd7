/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The string functions a freestanding guest needs: those the compiler may call
 * on its own, and two comparisons for the device tree. As in ISO C.
 */
#ifndef GUESTS_LIB_STRING_H
#define GUESTS_LIB_STRING_H

#include <stddef.h>

void *memset(void *to, int byte, size_t size);
void *memcpy(void *restrict to, const void *restrict from, size_t size);
int memcmp(const void *left, const void *right, size_t size);
size_t strlen(const char *text);
int strcmp(const char *left, const char *right);

#endif

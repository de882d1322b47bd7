/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The handful of C library functions that Gnomon and libfdt use.
 *
 * Signatures and meaning are ISO C's (strnlen: POSIX's), so that on the build
 * host the same declarations are met by its own library; in the hypervisor
 * core/string.c defines them. Nothing here allocates, keeps state or locks.
 */
#ifndef CORE_STRING_H
#define CORE_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *left, const void *right, size_t size);
void *memchr(const void *from, int byte, size_t size);

size_t strlen(const char *text);
size_t strnlen(const char *text, size_t limit);
int strcmp(const char *left, const char *right);
int strncmp(const char *left, const char *right, size_t limit);
char *strchr(const char *text, int character);
char *strrchr(const char *text, int character);

/*
 * As ISO C has it, locale "C": white space, one sign, then base 2 to 36, or 0
 * for the prefixes 0 and 0x. Saturates at ULONG_MAX. There is no errno.
 */
unsigned long strtoul(const char *restrict text, char **restrict end, int base);

#endif

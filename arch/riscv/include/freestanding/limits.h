/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * <limits.h> for the freestanding build: the limits that are used, no more.
 *
 * The compiler's own limits.h goes looking for a C library's; this one asks the
 * compiler's predefined macros. All types are RISC-V's lp64: char is unsigned.
 */
#ifndef FREESTANDING_LIMITS_H
#define FREESTANDING_LIMITS_H

#define CHAR_BIT  __CHAR_BIT__
#define INT_MAX	  __INT_MAX__
#define INT_MIN	  (-INT_MAX - 1)
#define UINT_MAX  (INT_MAX * 2U + 1U)
#define LONG_MAX  __LONG_MAX__
#define LONG_MIN  (-LONG_MAX - 1L)
#define ULONG_MAX (LONG_MAX * 2UL + 1UL)

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * <string.h> for libfdt's headers in the freestanding build.
 *
 * libfdt_env.h asks for the hosted headers; Gnomon has only core/string.h. This
 * folder goes before the compiler's own with -isystem, so that no header of a C
 * library can slip into the hypervisor.
 */
#ifndef FREESTANDING_STRING_H
#define FREESTANDING_STRING_H

#include "core/string.h"

#endif

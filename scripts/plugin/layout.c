/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the instructions plugin has to know of Gnomon's memory: where in a struct
 * vcpu its exit counters are, and the reasons in their order. Compiled to assembly
 * only, by Gnomon's own compiler and from its own headers; the build takes the
 * marked lines out of it.
 */
#include "core/vcpu.h"

#define LINE(words, value)	 __asm__ volatile("\n.ascii \"->" words " %0\"" ::"i"(value))
#define REASON(enumerator, name) LINE("reason " name, enumerator);

void layout(void);

void layout(void)
{
	LINE("counters", offsetof(struct vcpu, counters));
	EXIT_REASONS(REASON)
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Running code under a guard: the part that needs no assembly.
 *
 * The trap vector saves into the context that sscratch points to: the one given
 * to context_run() while that runs, else stray_context. Stray traps come here;
 * a stray trap in their handling is fatal.
 */
#include "guests/lib/context.h"

#include <stddef.h>

#include "guests/lib/console.h"
#include "guests/lib/csr.h"
#include "guests/lib/sbi.h"

_Static_assert(offsetof(struct context, pc) == CONTEXT_PC, "assembly offset");
_Static_assert(offsetof(struct context, sstatus) == CONTEXT_SSTATUS, "assembly offset");
_Static_assert(offsetof(struct context, cause) == CONTEXT_CAUSE, "assembly offset");
_Static_assert(offsetof(struct context, stval) == CONTEXT_STVAL, "assembly offset");

extern struct context stray_context;
extern char trap_vector[];

/* In context.S: both are nonzero only inside their call. */
extern uint64_t protected_sp;
_Noreturn void protected_return(const struct context *stray);
_Noreturn void stray_trap(void);

void context_init(void)
{
	csr_write(sscratch, (uintptr_t)&stray_context);
	csr_write(stvec, (uintptr_t)trap_vector);
}

/* Called by the vector with sscratch 0, so that another trap ends the guest. */
_Noreturn void stray_trap(void)
{
	if (protected_sp)
		protected_return(&stray_context);
	print("stray trap: cause 0x%lx stval 0x%lx pc 0x%lx\n", stray_context.cause,
	      stray_context.stval, stray_context.pc);
	sbi_shutdown(true);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fast trap vector's fences of a page: what lazy shadow paging does for most of
 * them, from its struct fast_fences and with no C at all.
 *
 * On entry t0, t1, a1 and a2 are in the vCPU, which a0 points to, and the guest's a0 is
 * in xscratch; a1 = the operand rs1, a2 = rs2. A fence that is not to be done here is
 * given to C with nothing changed but an entry of the log that is none yet, the log's
 * head being before it.
 */
#include "seat_trap.h"
#include "arch/riscv/exit_fast.h"
#include "asm_offsets.h"

#define X(n) (VCPU_X + 8 * (n))

/* The path is as far from a3 as the first of them is from a5. */
#define PATH(member) (FENCES_PATHS + PATH_##member)

/* On to C if the last exit was this very fence, and none may repeat: it may be a loop. */
.macro compare_last
	ld	t0, VCPU_LAST_FENCE(a0)
	ld	t1, VCPU_PC(a0)
	bne	t0, t1, 1f
	lbu	t0, VCPU_FENCE_REPEATS(a0)
	beqz	t0, met_again
	addi	t0, t0, -1
	sb	t0, VCPU_FENCE_REPEATS(a0)
1:
.endm

.macro begin
	sd	a3, X(13)(a0)
	sd	a4, X(14)(a0)
	sd	a5, X(15)(a0)
	ld	a5, VCPU_FENCES(a0)
.endm

/* A pointer on the way: where it was read, and what it was. */
.macro compare_pointer step
	ld	t0, (PATH(STEPS) + 16 * \step)(a3)
	ld	t0, 0(t0)
	ld	t1, (PATH(STEPS) + 16 * \step + 8)(a3)
	bne	t0, t1, not_known
.endm

.macro find_path
	srli	t0, a1, FAST_PATH_PREFIX
	andi	a3, t0, FAST_PATH_COUNT - 1
	slli	a3, a3, FAST_PATH_SHIFT
	add	a3, a3, a5
	ld	t1, PATH(PREFIX)(a3)
	bne	t0, t1, not_known
	ld	t0, PATH(STAMP)(a3)
	ld	t1, FENCES_STAMP(a5)
	bne	t0, t1, not_known
	compare_pointer 0
	compare_pointer 1
	lbu	t0, PATH(MORE)(a3)
	beqz	t0, 1f
	compare_pointer 2
	lbu	t0, PATH(MORE)(a3)
	addi	t0, t0, -1
	beqz	t0, 1f
	compare_pointer 3
1:
.endm

/* a2 = what the log has behind the address; free afterwards. */
.macro fill_in_log
	ld	t0, FENCES_LOG_HEAD(a5)
	andi	t0, t0, FAST_LOG_COUNT - 1
	slli	t0, t0, FAST_LOG_SHIFT
	add	t0, t0, a5
	sd	a1, FENCES_LOG(t0)
	sd	a2, (FENCES_LOG + 8)(t0)
.endm

/* t0 = the entry's place in both leaf tables, t1 = the guest's, a4 = what it comes to. */
.macro convert_leaf
	srli	t0, a1, PAGE_SHIFT
	andi	t0, t0, PTE_PER_TABLE - 1
	slli	t0, t0, 3
	ld	t1, PATH(GUEST)(a3)
	add	t1, t1, t0
	ld	t1, 0(t1)
	ld	a4, PATH(NEEDED)(a3)
	and	a2, t1, a4
	bne	a2, a4, 3f
	/* A frame number is compared with all bits above it: none of them is offered. */
	srli	a2, t1, PTE_PPN_SHIFT
	ld	a4, FENCES_RUN_FIRST(a5)
	sub	a2, a2, a4
	ld	a4, FENCES_RUN_PAGES(a5)
	bgeu	a2, a4, not_known
	ld	a4, FENCES_RUN_OFFSET(a5)
	add	a4, a4, t1
	andi	a4, a4, ~PTE_G_RSW
	/* With D = 0 the first store must still reach the guest. */
	andi	t1, t1, PTE_WD
	li	a2, PTE_WD
	beq	t1, a2, 4f
	andi	a4, a4, ~PTE_WD
	j	4f
3:
	andi	t1, t1, PTE_VALID
	bnez	t1, not_known
	ld	a4, PATH(VACANT)(a3)
4:
.endm

/* A TLB may hold what was there if that was valid; or even that nothing was. */
.macro replace_entry
	ld	t1, PATH(SHADOW)(a3)
	add	t0, t0, t1
	ld	t1, 0(t0)
	lbu	a2, PATH(DELEGATES)(a3)
	beq	t1, a4, 7f
	sd	a4, 0(t0)
	andi	t1, t1, PTE_VALID
	or	a2, a2, t1
7:
.endm

.macro take_note counter
	ld	t0, FENCES_LOG_HEAD(a5)
	addi	t0, t0, 1
	sd	t0, FENCES_LOG_HEAD(a5)
	ld	t0, \counter(a0)
	addi	t0, t0, 1
	sd	t0, \counter(a0)
	ld	t1, VCPU_PC(a0)
	sd	t1, VCPU_LAST_FENCE(a0)
	addi	t1, t1, 4
	csrw	TRAP_EPC, t1
.endm

/* The real fence comes last: what a hart needs behind it, it looks up anew. */
.macro finish
	lbu	t0, PATH(SHARED)(a3)
	ld	t1, FENCES_REAL_ASID(a5)
	ld	a3, X(13)(a0)
	ld	a4, X(14)(a0)
	ld	a5, X(15)(a0)
	beqz	a2, 5f
	bnez	t0, 6f
	fence_leaf a1, t1
5:
	ld	t0, X(5)(a0)
	ld	t1, X(6)(a0)
	ld	a1, X(11)(a0)
	ld	a2, X(12)(a0)
	csrrw	a0, TRAP_SCRATCH, a0
	trap_return
6:
	fence_leaf_of_all a1
	j	5b
.endm

	.option norelax
	.section .text.fast, "ax"
	.globl	fence_page_once
	.globl	fence_page
	.globl	fence_page_asid_once
	.globl	fence_page_asid

fence_page_once:
	compare_last
fence_page:
	begin
	li	a2, FAST_LOG_PAGE
	find_path
	fill_in_log
	convert_leaf
	replace_entry
	take_note VCPU_FAST_FENCES_PAGE
	finish

/* Of the ASID in force only: trees of others are the mode's to think of. */
fence_page_asid_once:
	compare_last
fence_page_asid:
	begin
	slli	a2, a2, 48
	ld	t0, FENCES_ASID(a5)
	bne	a2, t0, not_known
	addi	a2, a2, FAST_LOG_PAGE_ASID
	find_path
	fill_in_log
	convert_leaf
	replace_entry
	take_note VCPU_FAST_FENCES_PAGE_ASID
	finish

not_known:
	ld	a3, X(13)(a0)
	ld	a4, X(14)(a0)
	ld	a5, X(15)(a0)
met_again:
	ld	a2, X(12)(a0)
	j	exit_fast_privileged

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * CSRs, fences and the few other instructions C has no name for.
 *
 * All of them are compiler barriers, so that stores to page tables stay on
 * their side of a fence. Nothing here traps or keeps state.
 */
#ifndef GUESTS_LIB_CSR_H
#define GUESTS_LIB_CSR_H

#include <stdint.h>

#define SSTATUS_SIE  (UINT64_C(1) << 1)
#define SSTATUS_SPIE (UINT64_C(1) << 5)
#define SSTATUS_SPP  (UINT64_C(1) << 8)
#define SSTATUS_VS   (UINT64_C(3) << 9)
#define SSTATUS_FS   (UINT64_C(3) << 13)
#define SSTATUS_SUM  (UINT64_C(1) << 18)
#define SSTATUS_MXR  (UINT64_C(1) << 19)
#define SSTATUS_SD   (UINT64_C(1) << 63)

#define SSTATUS_FS_INITIAL (UINT64_C(1) << 13)
#define SSTATUS_FS_CLEAN   (UINT64_C(2) << 13)
#define SSTATUS_FS_DIRTY   (UINT64_C(3) << 13)

/* Bits of sie and sip. */
#define INTERRUPT_SSI (UINT64_C(1) << 1)
#define INTERRUPT_STI (UINT64_C(1) << 5)
#define INTERRUPT_SEI (UINT64_C(1) << 9)

#define CAUSE_INTERRUPT		 (UINT64_C(1) << 63)
#define CAUSE_FETCH_MISALIGNED	 0
#define CAUSE_FETCH_ACCESS	 1
#define CAUSE_ILLEGAL		 2
#define CAUSE_BREAKPOINT	 3
#define CAUSE_LOAD_MISALIGNED	 4
#define CAUSE_LOAD_ACCESS	 5
#define CAUSE_STORE_MISALIGNED	 6
#define CAUSE_STORE_ACCESS	 7
#define CAUSE_USER_ECALL	 8
#define CAUSE_FETCH_PAGE_FAULT	 12
#define CAUSE_LOAD_PAGE_FAULT	 13
#define CAUSE_STORE_PAGE_FAULT	 15
#define CAUSE_SOFTWARE_INTERRUPT (CAUSE_INTERRUPT | 1)
#define CAUSE_TIMER_INTERRUPT	 (CAUSE_INTERRUPT | 5)

#define SATP_MODE_SHIFT 60
#define SATP_ASID_SHIFT 44
#define SATP_ASID	(UINT64_C(0xffff) << SATP_ASID_SHIFT)
#define SATP_PPN	((UINT64_C(1) << 44) - 1)

/* csr: an assembler name or a number, without quotes. */
#define csr_read(csr)                                                                    \
	({                                                                               \
		uint64_t csr_value_;                                                     \
		__asm__ volatile("csrr %0, " #csr : "=r"(csr_value_)::"memory");         \
		csr_value_;                                                              \
	})
#define csr_write(csr, value)                                                            \
	__asm__ volatile("csrw " #csr ", %0" ::"r"((uint64_t)(value)) : "memory")
#define csr_set(csr, value)                                                              \
	__asm__ volatile("csrs " #csr ", %0" ::"r"((uint64_t)(value)) : "memory")
#define csr_clear(csr, value)                                                            \
	__asm__ volatile("csrc " #csr ", %0" ::"r"((uint64_t)(value)) : "memory")
/* Writes value and returns what was there before. */
#define csr_swap(csr, value)                                                             \
	({                                                                               \
		uint64_t csr_value_;                                                     \
		__asm__ volatile("csrrw %0, " #csr ", %1"                                \
				 : "=r"(csr_value_)                                      \
				 : "r"((uint64_t)(value))                                \
				 : "memory");                                            \
		csr_value_;                                                              \
	})

static inline void fence_all(void)
{
	__asm__ volatile("sfence.vma x0, x0" ::: "memory");
}

static inline void fence_va(uint64_t va)
{
	__asm__ volatile("sfence.vma %0, x0" ::"r"(va) : "memory");
}

static inline void fence_asid(uint64_t asid)
{
	__asm__ volatile("sfence.vma x0, %0" ::"r"(asid) : "memory");
}

static inline void fence_va_asid(uint64_t va, uint64_t asid)
{
	__asm__ volatile("sfence.vma %0, %1" ::"r"(va), "r"(asid) : "memory");
}

static inline void fence_instructions(void)
{
	__asm__ volatile("fence.i" ::: "memory");
}

static inline void wait_for_interrupt(void)
{
	__asm__ volatile("wfi" ::: "memory");
}

/* The time CSR, in ticks of the device tree's timebase-frequency. */
static inline uint64_t time_now(void)
{
	return csr_read(time);
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Counting of VM exits, by reason and by path (finished in the fast vector, or
 * after the full save). One increment an exit; each vCPU counts its own, so no
 * lock and no atomic is needed. The reasons' names are the keys of the JSON
 * that `--stats` writes. Guests know a reason by its place in the list
 * (core/pmu.h, docs/pmu.md): new ones go to its end.
 */
#ifndef CORE_COUNTERS_H
#define CORE_COUNTERS_H

#include "core/types.h"

/* X(enumerator, name) */
#define EXIT_REASONS(X)                                                                  \
	X(REASON_SATP_READ, "satp-read")                                                 \
	X(REASON_SATP_WRITE, "satp-write")                                               \
	X(REASON_FENCE_ALL, "sfence-all")                                                \
	X(REASON_FENCE_ASID, "sfence-asid")                                              \
	X(REASON_FENCE_ADDRESS, "sfence-address")                                        \
	X(REASON_FENCE_ADDRESS_ASID, "sfence-address-asid")                              \
	X(REASON_SHADOW_MISS, "shadow-miss")                                             \
	X(REASON_PTE_WRITE, "pte-write")                                                 \
	X(REASON_GSTAGE_MISS, "gstage-miss")                                             \
	X(REASON_GUEST_PAGE_FAULT, "guest-page-fault")                                   \
	X(REASON_GUEST_ACCESS_FAULT, "guest-access-fault")                               \
	X(REASON_MMIO_READ, "mmio-read")                                                 \
	X(REASON_MMIO_WRITE, "mmio-write")                                               \
	X(REASON_SBI_TIMER, "sbi-timer")                                                 \
	X(REASON_SBI_IPI, "sbi-ipi")                                                     \
	X(REASON_SBI_RFENCE, "sbi-rfence")                                               \
	X(REASON_SBI_CONSOLE, "sbi-console")                                             \
	X(REASON_SBI_OTHER, "sbi-other")                                                 \
	X(REASON_TIMER, "host-timer")                                                    \
	X(REASON_CONSOLE_POLL, "console-poll")                                           \
	X(REASON_EXTERNAL, "host-external")                                              \
	X(REASON_SOFTWARE, "host-software")                                              \
	X(REASON_VIRTUAL_INSTRUCTION, "virtual-instruction")                             \
	X(REASON_EXCEPTION, "other-exception")                                           \
	X(REASON_RETRY, "retry")                                                         \
	X(REASON_SBI_PMU, "sbi-pmu")                                                     \
	X(REASON_TIME_READ, "time-read")                                                 \
	X(REASON_MISALIGNED, "misaligned")                                               \
	X(REASON_WAIT, "wfi")

#define EXIT_REASON_ENUMERATOR(enumerator, name) enumerator,
enum exit_reason { EXIT_REASONS(EXIT_REASON_ENUMERATOR) REASON_COUNT };
#undef EXIT_REASON_ENUMERATOR

extern const char *const exit_reason_names[REASON_COUNT];

struct exit_counters {
	uint64_t fast[REASON_COUNT];
	uint64_t full[REASON_COUNT];
};

struct vcpu;

/* One exit of this vCPU, after the full save; and one without it. */
void counters_count(struct vcpu *vcpu, enum exit_reason reason);
void counters_count_fast(struct vcpu *vcpu, enum exit_reason reason);

/* All exits of one vCPU. */
uint64_t counters_total(const struct exit_counters *counters);

#endif

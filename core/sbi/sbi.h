/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The SBI served to guests (RISC-V SBI specification 2.0): one file per
 * extension, each ending in a table entry; sbi.c holds the list.
 *
 * To add one: write its file, declare its entry below, name it in sbi.c.
 */
#ifndef CORE_SBI_SBI_H
#define CORE_SBI_SBI_H

#include "core/counters.h"
#include "core/exit.h"
#include "core/sbi_numbers.h"
#include "core/vm.h"

struct sbi_request {
	uint64_t extension;
	uint64_t function;
	uint64_t argument[6];
};

/* Zeroed before a handler sees it. */
struct sbi_answer {
	int64_t error;
	uint64_t value;
};

struct sbi_extension {
	uint64_t first; /* extension ids served */
	uint64_t last;
	bool legacy; /* answers in a0 alone */
	bool fast;   /* neither stops a vCPU nor looks at more than a0 to a7 */
	enum exit_reason reason;
	void (*handle)(struct vcpu *vcpu, const struct sbi_request *request,
		       struct sbi_answer *answer);
};

extern const struct sbi_extension sbi_base, sbi_time, sbi_ipi, sbi_rfence, sbi_hsm,
	sbi_srst, sbi_dbcn, sbi_pmu, sbi_sta, sbi_legacy;

/* NULL if no extension has that id. */
const struct sbi_extension *sbi_extension_find(uint64_t id);

/* An ecall of the guest's supervisor. */
struct exit_result exit_sbi(struct vcpu *vcpu, const struct vm_exit *exit);

/*
 * Call `each` for every vCPU that a hart mask names; mask_base -1 names all.
 * SBI_ERR_INVALID_PARAM, and no call, if it names a hart that is not there.
 */
int64_t sbi_for_each_hart(struct vcpu *vcpu, uint64_t mask, uint64_t mask_base,
			  void (*each)(struct vcpu *vcpu, struct vcpu *target,
				       void *argument),
			  void *argument);

/* Shared by an extension and the legacy call that came before it. */
void sbi_send_ipi(struct vcpu *vcpu, struct vcpu *target, void *unused);
/* NULL: fence.i. It is done everywhere on return. */
int64_t sbi_remote_fence(struct vcpu *vcpu, uint64_t mask, uint64_t mask_base,
			 const struct fence *fence);
struct fence sbi_fence_range(uint64_t start, uint64_t size);
int sbi_console_get(struct vm *vm);
void sbi_shutdown(struct vcpu *vcpu, bool failure);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an exit handler may ask for. There are four answers and no others, so
 * that guest input can cause nothing else: resume, resume behind the
 * instruction, give the guest an exception, or stop this VM with a reason.
 */
#ifndef CORE_EXIT_H
#define CORE_EXIT_H

#include "core/arch.h"
#include "core/types.h"

enum exit_action { EXIT_RESUME, EXIT_RESUME_NEXT, EXIT_INJECT, EXIT_STOP };

struct exit_result {
	enum exit_action action;
	unsigned length; /* EXIT_RESUME_NEXT: bytes of the instruction */
	uint64_t number; /* EXIT_INJECT: exception code and stval */
	uint64_t value;
	const char *why; /* EXIT_STOP */
};

static inline struct exit_result exit_resume(void)
{
	return (struct exit_result){.action = EXIT_RESUME};
}

static inline struct exit_result exit_resume_next(unsigned length)
{
	return (struct exit_result){.action = EXIT_RESUME_NEXT, .length = length};
}

static inline struct exit_result exit_inject(uint64_t number, uint64_t value)
{
	return (struct exit_result){
		.action = EXIT_INJECT, .number = number, .value = value};
}

static inline struct exit_result exit_stop(const char *why)
{
	return (struct exit_result){.action = EXIT_STOP, .why = why};
}

/* Handle one exit of the loaded vCPU: count it, do it, apply the answer. */
void exit_handle(struct vcpu *vcpu, const struct vm_exit *exit);

/* Nothing could be done about this exit: let the guest try once more. */
struct exit_result exit_retry(struct vcpu *vcpu);

/* One function per family of exits. */
struct exit_result exit_translation(struct vcpu *vcpu, const struct vm_exit *exit);
struct exit_result exit_privileged(struct vcpu *vcpu, const struct vm_exit *exit);
struct exit_result exit_misaligned(struct vcpu *vcpu, const struct vm_exit *exit);

/*
 * A misaligned load or store at the vCPU's pc, byte by byte, of a mode that can translate
 * it. The exception is for what is neither.
 */
struct exit_result exit_misaligned_access(struct vcpu *vcpu, uint64_t number,
					  uint64_t value);

/* A store that the paging mode has the guest not make itself, to RAM at gpa. */
struct exit_result exit_store(struct vcpu *vcpu, const struct vm_exit *exit, gpa_t gpa);

/* An sc of those, naturally aligned, to what has to stay a page table. */
struct exit_result exit_conditional(struct vcpu *vcpu, const struct vm_exit *exit,
				    gpa_t gpa);

/*
 * The same for exits of which most registers have not been saved: to be called for
 * those alone that exit_fast.S offers. A handler that is not told all it needs does
 * nothing, and says so; the exit is then handled after the full save.
 */

/* EXIT_RESUME, EXIT_INJECT (it has been done), or EXIT_STOP: nothing was done. */
enum exit_action exit_translation_fast(struct vcpu *vcpu, const struct vm_exit *exit);

/*
 * An instruction of the guest's supervisor at pc, and its operands' values: a fence or a
 * write of satp that was met there before and stands alone, or a read of satp.
 * FAST_NOT, FAST_DONE, or FAST_VALUE: rd is for the vector to load from the vCPU.
 */
int64_t exit_privileged_fast(struct vcpu *vcpu, uint64_t rs1, uint64_t rs2,
			     uint64_t instruction, uint64_t pc);

/* An SBI call; a0 to a7 are saved. */
bool exit_sbi_fast(struct vcpu *vcpu);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * SBI DBCN: the debug console, which is the guest's serial port seen from
 * below. Buffers are guest physical memory; a call may do less than it was
 * asked, so one call never copies more than TRANSFER_LIMIT.
 */
#include "core/console_mux.h"
#include "core/sbi/sbi.h"

#define TRANSFER_LIMIT 4096

int sbi_console_get(struct vm *vm)
{
	int byte;

	spin_lock_take(&vm->devices_lock);
	byte = vuart_take(&vm->uart);
	spin_lock_give(&vm->devices_lock);
	return byte;
}

static void write_text(struct vm *vm, gpa_t from, uint64_t size,
		       struct sbi_answer *answer)
{
	for (; answer->value < size; answer->value++) {
		uint8_t byte;

		guest_memory_read(&vm->memory, &byte, GPA(from.raw + answer->value), 1);
		mux_put(&vm->screen, byte);
	}
}

static void read_text(struct vm *vm, gpa_t to, uint64_t size, struct sbi_answer *answer)
{
	for (; answer->value < size; answer->value++) {
		int got = sbi_console_get(vm);
		uint8_t byte = (uint8_t)got;

		if (got < 0)
			return;
		vm_write(vm, GPA(to.raw + answer->value), &byte, 1);
	}
}

static void transfer(struct vm *vm, const struct sbi_request *request,
		     struct sbi_answer *answer)
{
	uint64_t size = request->argument[0];
	gpa_t at = GPA(request->argument[1]);

	if (request->argument[2] != 0 ||
	    !range_within(at.raw, size, vm->memory.base.raw, vm->memory.size)) {
		answer->error = SBI_ERR_INVALID_PARAM;
		return;
	}
	if (size > TRANSFER_LIMIT)
		size = TRANSFER_LIMIT;
	if (request->function == SBI_DBCN_WRITE)
		write_text(vm, at, size, answer);
	else
		read_text(vm, at, size, answer);
}

static void handle(struct vcpu *vcpu, const struct sbi_request *request,
		   struct sbi_answer *answer)
{
	switch (request->function) {
	case SBI_DBCN_WRITE:
	case SBI_DBCN_READ:
		transfer(vcpu->vm, request, answer);
		break;
	case SBI_DBCN_WRITE_BYTE:
		mux_put(&vcpu->vm->screen, (uint8_t)request->argument[0]);
		break;
	default:
		answer->error = SBI_ERR_NOT_SUPPORTED;
	}
}

const struct sbi_extension sbi_dbcn = {
	.first = SBI_EXTENSION_DBCN,
	.last = SBI_EXTENSION_DBCN,
	.reason = REASON_SBI_CONSOLE,
	.handle = handle,
};

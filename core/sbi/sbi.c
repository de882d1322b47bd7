/* SPDX-License-Identifier: BSD-2-Clause */
/* Dispatch of SBI calls, and what several extensions share. See sbi.h. */
#include "core/sbi/sbi.h"

static const struct sbi_extension *const extensions[] = {
	&sbi_time, &sbi_rfence, &sbi_ipi, &sbi_base, &sbi_hsm,
	&sbi_srst, &sbi_dbcn,	&sbi_pmu, &sbi_sta,  &sbi_legacy,
};

const struct sbi_extension *sbi_extension_find(uint64_t id)
{
	for (unsigned i = 0; i < ARRAY_LENGTH(extensions); i++)
		if (id >= extensions[i]->first && id <= extensions[i]->last)
			return extensions[i];
	return NULL;
}

static struct sbi_request read_request(const struct vcpu *vcpu)
{
	struct sbi_request request = {
		.extension = vcpu->arch.x[17],
		.function = vcpu->arch.x[16],
	};

	for (unsigned i = 0; i < ARRAY_LENGTH(request.argument); i++)
		request.argument[i] = vcpu->arch.x[10 + i];
	return request;
}

static void serve(struct vcpu *vcpu, const struct sbi_extension *extension,
		  const struct sbi_request *request)
{
	struct sbi_answer answer = {.error = SBI_ERR_NOT_SUPPORTED};

	if (extension) {
		answer.error = SBI_SUCCESS;
		extension->handle(vcpu, request, &answer);
	}
	vcpu->arch.x[10] = (uint64_t)answer.error;
	if (!extension || !extension->legacy)
		vcpu->arch.x[11] = answer.value;
}

struct exit_result exit_sbi(struct vcpu *vcpu, const struct vm_exit *exit)
{
	const struct sbi_request request = read_request(vcpu);
	const struct sbi_extension *extension = sbi_extension_find(request.extension);

	(void)exit;
	/* Before it is handled: a call that reads an exit counter finds itself there. */
	counters_count(vcpu, extension ? extension->reason : REASON_SBI_OTHER);
	serve(vcpu, extension, &request);
	return exit_resume_next(4);
}

bool exit_sbi_fast(struct vcpu *vcpu)
{
	const struct sbi_request request = read_request(vcpu);
	const struct sbi_extension *extension = sbi_extension_find(request.extension);

	if (!extension || !extension->fast)
		return false;
	counters_count_fast(vcpu, extension->reason);
	serve(vcpu, extension, &request);
	return true;
}

static bool mask_names(unsigned id, uint64_t mask, uint64_t mask_base)
{
	if (mask_base == UINT64_MAX)
		return true;
	return id >= mask_base && id - mask_base < 64 && mask >> (id - mask_base) & 1;
}

/* True if every bit of the mask stands for a vCPU of the VM. */
static bool mask_is_valid(const struct vm *vm, uint64_t mask, uint64_t mask_base)
{
	if (mask_base == UINT64_MAX || mask == 0)
		return true;
	if (mask_base >= vm->vcpu_count)
		return false;
	return vm->vcpu_count - mask_base >= 64 ||
	       mask >> (vm->vcpu_count - mask_base) == 0;
}

int64_t sbi_for_each_hart(struct vcpu *vcpu, uint64_t mask, uint64_t mask_base,
			  void (*each)(struct vcpu *vcpu, struct vcpu *target,
				       void *argument),
			  void *argument)
{
	struct vm *vm = vcpu->vm;

	if (!mask_is_valid(vm, mask, mask_base))
		return SBI_ERR_INVALID_PARAM;
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		if (mask_names(i, mask, mask_base))
			each(vcpu, &vm->vcpus[i], argument);
	return SBI_SUCCESS;
}

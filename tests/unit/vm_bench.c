/* SPDX-License-Identifier: BSD-2-Clause */
/* A VM for tests of exits. See vm_bench.h. */
#include "tests/unit/vm_bench.h"
#include "core/vcpu_requests.h"

#include <string.h>

#include "core/console.h"
#include "core/machine.h"

struct scripted_mode scripted;
struct vm bench_vm;
struct machine machine;

/* core/vm.c's, without all that it takes to load a guest. */
void vm_end(struct vm *vm, enum vm_end end, const char *detail)
{
	if (vm->end == VM_RUNNING) {
		vm->end = end;
		vm->detail = detail;
	}
}

void vcpu_reset(struct vcpu *vcpu, gpa_t entry, uint64_t a0, uint64_t a1)
{
	vcpu->timer_deadline = UINT64_MAX;
	vcpu->pmu = (struct pmu){0};
	arch_vcpu_reset(vcpu, entry, a0, a1);
}

static struct translation scripted_fault(struct vcpu *vcpu, const struct vm_exit *exit)
{
	(void)vcpu;
	(void)exit;
	scripted.faults++;
	return scripted.translation;
}

static bool scripted_read_half(struct vcpu *vcpu, const struct access *access,
			       uint16_t *half)
{
	uint64_t index = (access->gva.raw - scripted.code_at.raw) / 2;

	(void)vcpu;
	if (access->gva.raw < scripted.code_at.raw || index >= scripted.code_length ||
	    access->kind != scripted.code_kind)
		return false;
	*half = scripted.code[index];
	return true;
}

static uint64_t scripted_satp_read(struct vcpu *vcpu)
{
	(void)vcpu;
	return scripted.satp;
}

static void scripted_satp_write(struct vcpu *vcpu, uint64_t value)
{
	(void)vcpu;
	scripted.satp = value;
	scripted.satp_writes++;
}

static void scripted_fence(struct vcpu *vcpu, const struct fence *fence)
{
	scripted.fences++;
	scripted.fences_of[vcpu->id]++;
	scripted.fence = *fence;
}

static const struct paging_mode mode = {
	.name = "scripted",
	.fault = scripted_fault,
	.read_half = scripted_read_half,
	.satp_read = scripted_satp_read,
	.satp_write = scripted_satp_write,
	.fence = scripted_fence,
};

static void plic_output(void *argument, unsigned context, bool pending)
{
	struct vm *vm = argument;

	vcpu_set_external(&vm->vcpus[context], pending);
}

static void transmit(void *context, uint8_t byte)
{
	struct vm *vm = context;

	mux_put(&vm->screen, byte);
}

void vm_bench_create(const struct fake_profile *profile, unsigned vcpus)
{
	struct vm *vm = &bench_vm;

	fake_arch_create(profile);
	machine.fdt.timebase_frequency = VM_BENCH_TIMEBASE;
	memset(&scripted, 0, sizeof(scripted));
	memset(vm, 0, sizeof(*vm));
	vm->name = "bench";
	vm->mode = &mode;
	vm->detail = "";
	vm->vcpu_count = vcpus;
	vm->memory = (struct guest_memory){
		.base = GUEST_RAM_BASE,
		.size = VM_BENCH_RAM,
		.run_count = 1,
		.runs = {{GUEST_RAM_BASE, host_ram_map(VM_BENCH_RAM, VM_BENCH_RAM),
			  VM_BENCH_RAM}},
	};
	for (unsigned i = 0; i < vcpus; i++) {
		vm->vcpus[i].vm = vm;
		vm->vcpus[i].id = i;
		vm->vcpus[i].state = i == 0 ? VCPU_STARTED : VCPU_STOPPED;
		vm->vcpus[i].timer_deadline = UINT64_MAX;
		vm->vcpus[i].hart = i == 0 ? 0 : VCPU_NO_HART;
	}
	assert_int_equal(vplic_init(&vm->plic, VM_PLIC_BASE, VPLIC_SOURCES_MAX, vcpus,
				    plic_output, vm),
			 STATUS_OK);
	vuart_init(&vm->uart, VM_UART_BASE, vplic_line(&vm->plic, VM_UART_IRQ), transmit,
		   vm);
	vm->devices[vm->device_count++] = &vm->plic.device;
	vm->devices[vm->device_count++] = &vm->uart.device;
	mux_add(&vm->screen, vm->name, &vm->uart);
	mux_open(&vm->screen);
	arch_vcpu_load(&vm->vcpus[0]);
}

void vm_bench_destroy(void)
{
	arch_vcpu_put(&bench_vm.vcpus[0]);
	mux_remove(&bench_vm.screen);
	host_ram_unmap(bench_vm.memory.runs[0].hpa, VM_BENCH_RAM);
}

void vm_bench_code(uint32_t instruction)
{
	scripted.code_at = GVA(bench_vm.vcpus[0].arch.pc);
	scripted.code[0] = (uint16_t)instruction;
	scripted.code[1] = (uint16_t)(instruction >> 16);
	scripted.code_length = (instruction & 3) == 3 ? 2 : 1;
	scripted.code_kind = ACCESS_FETCH;
}

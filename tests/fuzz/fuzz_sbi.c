/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/exit_conditional.c arch/riscv/decode_logic.c */
/* sources: core/vcpu_requests.c tests/unit/prompt_scheduler.c */
/* sources: core/exit_store.c core/exit_misaligned.c arch/riscv/decode_atomic.c */
/* sources: core/pmu.c core/sbi/pmu.c */
/* sources: core/switch.c core/check_release.c */
/* sources: core/exit.c core/exit_translation.c core/exit_privileged.c */
/* sources: core/lookahead.c arch/riscv/decode_simple.c */
/* sources: core/guest_code.c core/counters.c core/timer.c core/interrupt.c */
/* sources: core/sbi/base.c core/sbi/dbcn.c core/sbi/hsm.c core/sbi/ipi.c */
/* sources: core/sbi/legacy.c core/sbi/rfence.c core/sbi/sbi.c core/sbi/srst.c */
/* sources: core/sbi/sta.c core/sbi/time.c arch/riscv/decode.c drivers/host_mmio.c drivers/mmio.c */
/* sources: drivers/plic.c drivers/uart.c drivers/vplic.c drivers/vuart.c */
/* sources: mm/guest_memory.c tests/fuzz/guarded.c tests/unit/fake_arch.c */
/* sources: tests/unit/fake_pages.c tests/unit/host_ram.c tests/unit/vm_bench.c */
/* sources: tests/fuzz/sbi_model.c */
/* options: -max_len=384 */
/*
 * Streams of SBI calls with anything in a0 to a7, by any started vCPU of a VM of
 * one to eight, with input and time going by. What each call must answer and do
 * is worked out a second time from the SBI specification: the error, a1, the
 * output, the one stretch of memory that may change, which vCPUs get an
 * interrupt or a fence or start, and that nothing else happens. The VM's memory
 * lies in two pieces, each between pages that nobody can touch.
 */
#include <string.h>

#include "core/console.h"
#include "core/sbi_numbers.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/guarded.h"
#include "tests/fuzz/sbi_model.h"
#include "tests/unit/vm_bench.h"

#define CALLS_MAX 24

/* ---- the world outside ---- */

static char output[8192];
static unsigned output_length;

void mux_put(struct screen *screen, uint8_t byte)
{
	require(screen == &bench_vm.screen);
	require(output_length < sizeof(output));
	output[output_length++] = (char)byte;
}

void mux_add(struct screen *screen, const char *name, struct vuart *vuart)
{
	(void)screen;
	(void)name;
	(void)vuart;
}

void mux_open(struct screen *screen)
{
	(void)screen;
}

void mux_remove(struct screen *screen)
{
	(void)screen;
}

uint64_t mux_next_tick(void)
{
	return UINT64_MAX;
}

void mux_tick(void)
{
}

/* ---- what it did ---- */

/* The last fence, if it was asked of anybody: no less than the call names. */
static void check_fence(bool with_asid, const uint64_t *range)
{
	const struct fence *fence = &scripted.fence;
	uint64_t start = range[0], size = range[1], end;
	bool everything = (start == 0 && size == 0) || size == UINT64_MAX;
	bool wraps = __builtin_add_overflow(start, size, &end) || end > -PAGE_SIZE - 1;

	if (fence->has_address)
		require(!everything && (!wraps || start > -PAGE_SIZE) &&
			fence->start.raw == start && fence->size == size);
	else
		require(everything || wraps);
	require(fence->has_asid == with_asid);
	require(!with_asid || fence->asid == (range[2] & 0xffff));
}

static void check_fences(const struct call *call)
{
	bool fenced = scripted.fences > 0;

	for (unsigned i = 0; i < bench_vm.vcpu_count; i++)
		require(scripted.fences_of[i] == after.fences[i]);
	if (fenced && call->extension == SBI_EXTENSION_RFENCE)
		check_fence(call->function == 2, &call->a[2]);
	else if (fenced)
		check_fence(call->extension == 7, &call->a[1]);
	require(fake_machine.counts.instruction_fences == after.instruction_fences);
}

static void check_vcpus(void)
{
	for (unsigned i = 0; i < bench_vm.vcpu_count; i++) {
		const struct vcpu *vcpu = &bench_vm.vcpus[i];

		require(memcmp(&vcpu->arch, &after.vcpus[i].arch, sizeof(vcpu->arch)) ==
			0);
		require(vcpu->state == after.vcpus[i].state);
		require(vcpu->timer_deadline == after.vcpus[i].timer_deadline);
		require(fake_machine.interrupts[i] == after.interrupts[i]);
	}
	require(fake_machine.resets == after.resets);
	require(fake_machine.exceptions == 0);
	require(fake_machine.host_deadline == after.host_deadline);
}

static void check_output(void)
{
	require(output_length == after.printed_length);
	require(output_length == 0 || memcmp(output, after.printed, output_length) == 0);
}

static void check_ram(void)
{
	for (unsigned i = 0; i < 2; i++)
		require(memcmp(pieces[i].start, expected_ram + i * PIECE, PIECE) == 0);
	if (after.dirty_from < after.dirty_to)
		restore_ram(after.dirty_from, after.dirty_to);
}

static void prepare(const struct call *call)
{
	struct vcpu *vcpu = &bench_vm.vcpus[call->caller];

	for (unsigned i = 0; i < 6; i++)
		vcpu->arch.x[10 + i] = call->a[i];
	vcpu->arch.x[16] = call->function;
	vcpu->arch.x[17] = call->extension;
	memcpy(after.vcpus, bench_vm.vcpus, sizeof(after.vcpus[0]) * bench_vm.vcpu_count);
	memcpy(&after.uart, &bench_vm.uart, sizeof(after.uart));
	memset(after.fences, 0, sizeof(after.fences));
	memset(scripted.fences_of, 0, sizeof(scripted.fences_of));
	scripted.fences = 0;
	after.instruction_fences = fake_machine.counts.instruction_fences;
	after.resets = fake_machine.resets;
	after.host_deadline = fake_machine.host_deadline;
	memcpy(after.interrupts, fake_machine.interrupts, sizeof(after.interrupts));
	after.printed_length = output_length = 0;
}

/* What the scheduler does with a vCPU that has stopped itself. */
static void put_halted(struct vcpu *vcpu)
{
	bool any = false;

	if (vcpu->leave != VCPU_HALTED)
		return;
	require(vcpu->state == VCPU_STOP_PENDING);
	vcpu->leave = VCPU_STAYS;
	vcpu->state = VCPU_STOPPED;
	for (unsigned i = 0; i < bench_vm.vcpu_count; i++)
		any |= bench_vm.vcpus[i].state == VCPU_STARTED;
	if (!any)
		vm_end(&bench_vm, VM_STOPPED, "");
}

static void make_call(const struct call *call)
{
	struct vcpu *vcpu = &bench_vm.vcpus[call->caller];
	struct arch_vcpu *registers = &after.vcpus[call->caller].arch;
	struct answer expected;

	prepare(call);
	expected = expect(call);
	exit_handle(vcpu, &(struct vm_exit){.cause = CAUSE_SBI});
	put_halted(vcpu);
	require(vcpu->arch.x[10] == (uint64_t)expected.error);
	require(!expected.value_known || vcpu->arch.x[11] == expected.value);
	registers->x[10] = vcpu->arch.x[10];
	if (!expected.legacy)
		registers->x[11] = vcpu->arch.x[11];
	registers->pc += 4;
	check_vcpus();
	check_fences(call);
	check_output();
	require(bench_vm.end == after.end);
}

/* ---- streams ---- */

static struct vm clean_vm;
static struct fake_machine clean_machine;

static uint64_t some_argument(struct input *input)
{
	unsigned which = input_byte(input);

	switch (which % 11) {
	case 0:
		return which >> 4;
	case 1:
		return UINT64_MAX;
	case 2:
		return input_byte(input);
	case 3: /* a page's or a piece's edge */
		return RAM_BASE + (which >> 4) % 5 * (PIECE / 2) +
		       (uint64_t)input_byte(input) - 128;
	case 4:
		return input_take(input, 8);
	case 5:
		return UINT64_C(1) << input_byte(input) % 64;
	case 6:
		return MASK_AT + (which >> 4);
	case 7:
		return 4096 + (which >> 4) - 8;
	case 8:
		return RAM_BASE + input_take(input, 2);
	case 9: /* an event's index */
		return 0xf0000 + (which & 16 ? 256 : 0) + input_byte(input) % 32;
	default:
		return -input_take(input, 2);
	}
}

static void some_call(struct input *input, struct call *call)
{
	static const uint64_t extensions[] = {
		0,	    1,	      2,	  3,	      4,	  5,
		6,	    7,	      8,	  0x10,	      0x54494d45, 0x735049,
		0x52464e43, 0x48534d, 0x53525354, 0x4442434e, 0x504d55,
	};
	unsigned which = input_byte(input), function = input_byte(input);

	call->extension = which < 238 ? extensions[which % 17] : input_take(input, 8);
	if (which >= 238 && which < 246)
		call->extension = 0x535441;
	call->function = function < 240 ? function % 8 : input_take(input, 8);
	for (unsigned i = 0; i < 6; i++)
		call->a[i] = some_argument(input);
	while (bench_vm.vcpus[call->caller].state != VCPU_STARTED)
		call->caller = (call->caller + 1) % bench_vm.vcpu_count;
}

static void some_event(struct input *input)
{
	unsigned what = input_byte(input);
	uint64_t value = input_take(input, 2);

	switch (what % 4) {
	case 0:
		for (unsigned i = 0; i <= what >> 4; i++)
			vuart_receive(&bench_vm.uart, (uint8_t)(value + i));
		break;
	case 1:
		mmio_write(bench_vm.devices, bench_vm.device_count,
			   GPA(VM_UART_BASE.raw + value % 8), 1, value >> 8);
		output_length = 0;
		break;
	case 2:
		fake_machine.time = value << (what >> 4);
		model_exit(0, REASON_TIMER);
		exit_handle(&bench_vm.vcpus[0], &(struct vm_exit){.cause = CAUSE_TIMER});
		break;
	default:
		scripted.code[(what >> 4) % 8] = (uint16_t)value;
		scripted.code_length = value % 9;
		break;
	}
}

static void reset(struct input *input)
{
	unsigned flags = input_byte(input);
	unsigned vcpus = 1 + flags % VCPU_LIMIT;

	bench_vm = clean_vm;
	fake_machine = clean_machine;
	bench_vm.vcpu_count = vcpus;
	for (unsigned i = 0; i < vcpus; i++) {
		bench_vm.vcpus[i].arch.time_delta = -(uint64_t)(flags >> 3) * 1000;
		bench_vm.vcpus[i].arch.pc = RAM_BASE + 16 * i;
	}
	memset(scripted.code, 0, sizeof(scripted.code));
	scripted.code_length = 8;
	for (unsigned i = 0; i < VCPU_LIMIT; i++)
		model_reset(i);
	after.end = VM_RUNNING;
	after.dirty_from = RAM_SIZE;
	after.dirty_to = 0;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	vm_bench_create(&fake_worst, VCPU_LIMIT);
	pieces[0] = guarded_map(PIECE);
	pieces[1] = guarded_map(PIECE);
	restore_ram(0, RAM_SIZE);
	bench_vm.memory = (struct guest_memory){
		.base = GUEST_RAM_BASE,
		.size = RAM_SIZE,
		.run_count = 2,
		.runs = {{GPA(RAM_BASE), pointer_hpa(pieces[0].start), PIECE},
			 {GPA(RAM_BASE + PIECE), pointer_hpa(pieces[1].start), PIECE}},
	};
	for (unsigned i = 0; i < VCPU_LIMIT; i++)
		for (unsigned j = 1; j < 32; j++)
			bench_vm.vcpus[i].arch.x[j] = 100 * i + j;
	scripted.code_at = GVA(MASK_AT);
	scripted.code_kind = ACCESS_LOAD;
	clean_vm = bench_vm;
	clean_machine = fake_machine;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};

	reset(&input);
	for (unsigned i = 0;
	     i < CALLS_MAX && input.left > 0 && bench_vm.end == VM_RUNNING; i++) {
		unsigned what = input_byte(&input);
		struct call call = {.caller = what % bench_vm.vcpu_count};

		if (what >= 192) {
			some_event(&input);
			continue;
		}
		some_call(&input, &call);
		make_call(&call);
	}
	check_ram();
	return 0;
}

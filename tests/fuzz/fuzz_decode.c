/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/exit_conditional.c arch/riscv/decode_logic.c */
/* sources: core/vcpu_requests.c tests/unit/prompt_scheduler.c */
/* sources: core/exit_store.c core/exit_misaligned.c arch/riscv/decode_atomic.c */
/* sources: core/pmu.c core/sbi/pmu.c */
/* sources: core/switch.c core/check_release.c */
/* sources: core/exit.c core/exit_translation.c core/exit_privileged.c */
/* sources: core/lookahead.c arch/riscv/decode_simple.c */
/* sources: core/guest_code.c core/counters.c core/timer.c core/interrupt.c */
/* sources: core/console_mux.c core/sbi/base.c core/sbi/dbcn.c core/sbi/hsm.c */
/* sources: core/sbi/ipi.c core/sbi/legacy.c core/sbi/rfence.c core/sbi/sbi.c */
/* sources: core/sbi/srst.c core/sbi/sta.c core/sbi/time.c arch/riscv/decode.c drivers/host_mmio.c */
/* sources: drivers/mmio.c drivers/plic.c drivers/uart.c drivers/vplic.c */
/* sources: drivers/vuart.c mm/guest_memory.c tests/unit/fake_arch.c */
/* sources: tests/unit/fake_pages.c tests/unit/host_ram.c tests/unit/vm_bench.c */
/* sources: tests/fuzz/instruction.c */
/* sources: drivers/virtio_console.c drivers/virtio_mmio.c drivers/virtio_queue.c */
/* options: -max_len=48 */
/*
 * Exits for an instruction: any instruction word, any htinst, any registers and
 * any address, through core/exit.c to the devices. What must come of it is
 * worked out here a second time, from the specifications' listings: the fields
 * of each instruction, whether the access is one that is emulated, which single
 * register changes and to what, and where the guest goes on.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/instruction.h"
#include "tests/unit/vm_bench.h"

static struct vcpu *const vcpu = &bench_vm.vcpus[0];

/* ---- a device that answers anything, and remembers ---- */

#define PROBE_BASE UINT64_C(0x20000000)
#define PROBE_SIZE UINT64_C(0x1004)

static struct {
	bool refuses;
	uint64_t answer;
	unsigned reads, writes;
	uint64_t offset, value;
	unsigned width;
} probe;

static void probe_asked(uint64_t offset, unsigned width)
{
	require(width == 1 || width == 2 || width == 4 || width == 8);
	require(offset % width == 0 && offset + width <= PROBE_SIZE);
	probe.offset = offset;
	probe.width = width;
}

static bool probe_read(struct mmio_device *device, uint64_t offset, unsigned width,
		       uint64_t *value)
{
	(void)device;
	probe_asked(offset, width);
	probe.reads++;
	*value = probe.answer;
	return !probe.refuses;
}

static bool probe_write(struct mmio_device *device, uint64_t offset, unsigned width,
			uint64_t value)
{
	(void)device;
	probe_asked(offset, width);
	probe.writes++;
	probe.value = value;
	return !probe.refuses;
}

static struct mmio_device probe_device = {
	.name = "probe",
	.base = GPA(PROBE_BASE),
	.size = PROBE_SIZE,
	.read = probe_read,
	.write = probe_write,
};

/* ---- what must come of an exit ---- */

enum end { WENT_ON, RESUMED, EXCEPTION, STOPPED };

struct outcome_of_exit {
	enum end end;
	unsigned length;
	uint64_t number, value;
	unsigned changed; /* the one register that may; 0: none */
	bool value_known;
	uint64_t register_value;
};

static struct vcpu before;

static void require_outcome(const struct outcome_of_exit *expected)
{
	require(vcpu->arch.pc ==
		before.arch.pc + (expected->end == WENT_ON ? expected->length : 0));
	require(fake_machine.exceptions == (expected->end == EXCEPTION));
	if (expected->end == EXCEPTION)
		require(fake_machine.exception_number == expected->number &&
			fake_machine.exception_value == expected->value);
	require(bench_vm.end == (expected->end == STOPPED ? VM_STOPPED : VM_RUNNING));
	require(vcpu->arch.x[0] == 0);
	for (unsigned i = 1; i < 32; i++)
		require(vcpu->arch.x[i] == before.arch.x[i] ||
			(expected->end == WENT_ON && i == expected->changed));
	if (expected->value_known && expected->changed != 0)
		require(vcpu->arch.x[expected->changed] == expected->register_value);
}

static struct outcome_of_exit exception(uint64_t number, uint64_t value)
{
	return (struct outcome_of_exit){
		.end = EXCEPTION, .number = number, .value = value};
}

static struct outcome_of_exit access_fault(const struct vm_exit *exit)
{
	static const uint64_t numbers[] = {
		[ACCESS_FETCH] = 1, [ACCESS_LOAD] = 5, [ACCESS_STORE] = 7};

	return exception(numbers[exit->access.kind], exit->access.gva.raw);
}

/* What a fetch at pc finds, as far as it finds all of the instruction. */
static bool fetched(uint32_t *word)
{
	if (scripted.code_length == 0)
		return false;
	*word = scripted.code[0];
	if ((*word & 3) != 3)
		return true;
	*word |= (uint32_t)scripted.code[1] << 16;
	return scripted.code_length > 1;
}

static struct mmio_device *device_at(uint64_t gpa, unsigned width)
{
	for (unsigned i = 0; i < bench_vm.device_count; i++) {
		struct mmio_device *device = bench_vm.devices[i];

		if (gpa >= device->base.raw && gpa - device->base.raw < device->size &&
		    device->size - (gpa - device->base.raw) >= width)
			return device;
	}
	return NULL;
}

/*
 * An access to a real device may be refused by it, which only the device knows:
 * *refused says what it did.
 */
static struct outcome_of_exit expected_of_device(const struct vm_exit *exit, uint64_t gpa,
						 bool refused)
{
	struct fields fields;
	uint32_t word;
	struct outcome_of_exit result = {.end = WENT_ON};

	if (exit->access.kind == ACCESS_FETCH || exit->implicit || !device_at(gpa, 1))
		return access_fault(exit);
	if (!read_transformed(exit->transformed, &fields)) {
		if (!fetched(&word))
			return (struct outcome_of_exit){.end = RESUMED};
		if (!read_fields(word, &fields) ||
		    before.arch.x[fields.base] + (uint64_t)fields.offset !=
			    exit->access.gva.raw)
			return access_fault(exit);
	}
	if (fields.is_store != (exit->access.kind == ACCESS_STORE) ||
	    gpa % width_of(&fields) != 0 || !device_at(gpa, width_of(&fields)) || refused)
		return access_fault(exit);
	result.length = fields.length;
	if (device_at(gpa, 1) == &probe_device) {
		uint64_t stored = before.arch.x[fields.reg];

		if (width_of(&fields) < 8)
			stored &= (UINT64_C(1) << 8 * width_of(&fields)) - 1;
		require(probe.reads == !fields.is_store &&
			probe.writes == fields.is_store);
		require(probe.offset == gpa - PROBE_BASE);
		require(probe.width == width_of(&fields));
		require(!fields.is_store || probe.value == stored);
		result.value_known = true;
		result.register_value = extended(&fields, probe.answer);
	}
	if (fields.is_store)
		return result;
	result.changed = fields.reg;
	if (!result.value_known) /* whatever it was, the register holds it extended */
		require(vcpu->arch.x[fields.reg] ==
				extended(&fields, vcpu->arch.x[fields.reg]) ||
			fields.reg == 0);
	return result;
}

static struct outcome_of_exit expected_of_translation(const struct vm_exit *exit)
{
	static const uint64_t page[] = {
		[ACCESS_FETCH] = 12, [ACCESS_LOAD] = 13, [ACCESS_STORE] = 15};
	uint64_t gpa = scripted.translation.gpa.raw;
	bool refused = device_at(gpa, 1) == &probe_device ? probe.refuses
							  : fake_machine.exceptions > 0;

	switch (scripted.translation.outcome) {
	case OUTCOME_FILLED:
		return (struct outcome_of_exit){.end = RESUMED};
	case OUTCOME_PAGE_FAULT:
		return exception(page[exit->access.kind], exit->access.gva.raw);
	case OUTCOME_NO_MEMORY:
		return (struct outcome_of_exit){.end = STOPPED};
	case OUTCOME_DEVICE:
		return expected_of_device(exit, gpa, refused);
	default:
		return access_fault(exit);
	}
}

/* ---- satp and fences ---- */

static uint64_t satp_before;

static struct outcome_of_exit expected_of_satp(uint32_t word)
{
	unsigned source = word >> 15 & 31;
	uint64_t operand = word >> 14 & 1 ? source : before.arch.x[source];
	bool writes = true;
	uint64_t after = operand;

	if ((word >> 12 & 3) == 2) {
		after = satp_before | operand;
		writes = source != 0;
	} else if ((word >> 12 & 3) == 3) {
		after = satp_before & ~operand;
		writes = source != 0;
	}
	require(scripted.satp_writes == writes);
	require(scripted.satp == (writes ? after : satp_before));
	return (struct outcome_of_exit){.end = WENT_ON,
					.length = 4,
					.changed = word >> 7 & 31,
					.value_known = true,
					.register_value = satp_before};
}

static struct outcome_of_exit expected_of_fence(uint32_t word)
{
	unsigned address = word >> 15 & 31, asid = word >> 20 & 31;
	const struct fence *fence = &scripted.fence;

	require(scripted.fences == 1 && scripted.fences_of[0] == 1);
	require(fence->has_address == (address != 0));
	require(fence->has_asid == (asid != 0));
	if (address != 0)
		require(fence->start.raw == (before.arch.x[address] & ~UINT64_C(0xfff)) &&
			fence->size == 4096);
	if (asid != 0)
		require(fence->asid == (before.arch.x[asid] & 0xffff));
	return (struct outcome_of_exit){.end = WENT_ON, .length = 4};
}

/* csrrs and csrrc, with x0 or 0, of cycle, time or instret: it writes nothing. */
static bool reads_counter(uint32_t word)
{
	return (word & 0x7f) == 0x73 && (word >> 12 & 2) != 0 && (word >> 15 & 31) == 0 &&
	       word >> 20 >= 0xc00 && word >> 20 <= 0xc02;
}

/*
 * sfence.vma, sinval.vma, the six instructions on satp, and reads of the counters that
 * the hart lets this privilege read; nothing else.
 */
static struct outcome_of_exit expected_of_privileged(const struct vm_exit *exit)
{
	uint32_t word = (uint32_t)exit->value;
	bool supervisor = !fake_machine.guest.user;

	if ((word & 3) != 3)
		word &= 0xffff;
	if (word == 0 && !fetched(&word))
		return (struct outcome_of_exit){.end = RESUMED};
	if (supervisor && (word & 0x7f) == 0x73 && (word >> 12 & 3) != 0 &&
	    word >> 20 == 0x180)
		return expected_of_satp(word);
	require(scripted.satp_writes == 0);
	if (supervisor && (word & 0x7fff) == 0x73 &&
	    (word >> 25 == 0x09 || word >> 25 == 0x0b))
		return expected_of_fence(word);
	require(scripted.fences == 0);
	if (reads_counter(word) && arch_counter_permitted(vcpu, word >> 20 & 31))
		return (struct outcome_of_exit){
			.end = WENT_ON, .length = 4, .changed = word >> 7 & 31};
	return exception(2, word);
}

/* ---- accesses of devices, with no instruction ---- */

static void check_mmio(struct input *input)
{
	unsigned width = input_byte(input) % 17;
	uint64_t offset = input_take(input, 2);
	uint64_t gpa = PROBE_BASE + (offset & 1 ? PROBE_SIZE - 20 + (offset >> 1) % 36
						: (offset >> 1) % PROBE_SIZE);
	uint64_t value = input_take(input, 8), mask = UINT64_MAX >> (64 - 8 * width) % 64;
	bool legal = width == 1 || width == 2 || width == 4 || width == 8;
	bool taken = legal && gpa % width == 0 &&
		     gpa + width <= PROBE_BASE + PROBE_SIZE && !probe.refuses;

	require(mmio_write(bench_vm.devices, bench_vm.device_count, GPA(gpa), width,
			   value) == taken);
	require(!taken || probe.value == (value & mask));
	require(mmio_read(bench_vm.devices, bench_vm.device_count, GPA(gpa), width,
			  &value) == taken);
	require(!taken || value == (probe.answer & mask));
}

/* ---- one exit, from the fuzzer's bytes ---- */

static struct vm clean_vm;
static struct fake_machine clean_machine;

static void reset(struct input *input)
{
	uint64_t random = input_take(input, 4) | 1;
	unsigned known = input_byte(input) & 31;

	bench_vm = clean_vm;
	fake_machine = clean_machine;
	for (unsigned i = 1; i < 32; i++)
		vcpu->arch.x[i] = random_next(&random) << (random & 16);
	vcpu->arch.x[known] = known ? input_take(input, 8) : 0;
	vcpu->arch.pc = input_take(input, 5) << 1;
	scripted.faults = scripted.satp_writes = scripted.fences = 0;
	scripted.fences_of[0] = 0;
	scripted.satp = satp_before = random_next(&random);
	memset(&probe, 0, sizeof(probe));
	probe.answer = random_next(&random) << 16 ^ random_next(&random);
}

static void put_code(struct input *input, uint32_t word)
{
	unsigned flags = input_byte(input);

	vm_bench_code(word);
	if (flags % 8 == 0)
		scripted.code_length = flags >> 3 & 1;
	fake_machine.guest.user = flags >> 4 & 1;
	probe.refuses = flags >> 5 == 7;
}

static uint64_t some_gpa(struct input *input)
{
	static const uint64_t bases[] = {
		PROBE_BASE, PROBE_BASE + 0x1000, PROBE_BASE, 0x10000000,
		0x0c000000, 0x0c200000,		 0x0c002000, 0};
	unsigned which = input_byte(input) % ARRAY_LENGTH(bases);

	if (bases[which] == 0)
		return input_take(input, 8);
	return bases[which] + input_take(input, 2) % 0x1100 - 16;
}

static uint64_t some_htinst(struct input *input, uint32_t word)
{
	static const uint64_t pseudo[] = {0, 0, 0x2000, 0x3000, 0x2020, 0x3020};
	unsigned which = input_byte(input) % (ARRAY_LENGTH(pseudo) + 3);
	struct fields fields;

	if (which < ARRAY_LENGTH(pseudo))
		return pseudo[which];
	if (which == ARRAY_LENGTH(pseudo))
		return input_take(input, 8);
	if (!read_fields(word, &fields))
		return 0;
	return transformed(&fields) ^ (which & 1 ? input_take(input, 4) : 0);
}

static void make_exit(struct input *input, uint32_t word, struct vm_exit *exit)
{
	unsigned flags = input_byte(input), kind = input_byte(input);
	struct fields fields;

	put_code(input, word);
	exit->cause = flags & 3 ? CAUSE_TRANSLATION : CAUSE_PRIVILEGED;
	exit->gstage = flags >> 2 & 1;
	exit->implicit = (flags >> 3 & 7) == 7;
	exit->value = exit->number = flags & 0x40 ? 0 : word;
	exit->access.kind = (kind & 15) == 15 ? ACCESS_FETCH
			    : kind & 1	      ? ACCESS_STORE
					      : ACCESS_LOAD;
	exit->transformed = some_htinst(input, word);
	scripted.translation.gpa = GPA(some_gpa(input));
	scripted.translation.outcome =
		kind >> 4 < 5 ? (enum outcome)(kind >> 4) : OUTCOME_DEVICE;
	if (!(flags & 0x80) && read_fields(word, &fields))
		exit->access.gva =
			GVA(vcpu->arch.x[fields.base] + (uint64_t)fields.offset);
	else
		exit->access.gva = GVA(input_take(input, 8));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	vm_bench_create(&fake_worst, 1);
	bench_vm.devices[bench_vm.device_count++] = &probe_device;
	clean_vm = bench_vm;
	clean_machine = fake_machine;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input input = {data, size};
	uint32_t word = (uint32_t)input_take(&input, 4);
	struct vm_exit exit = {0};
	struct outcome_of_exit expected;

	check_decoding(word);
	check_transformed(word);
	reset(&input);
	make_exit(&input, word, &exit);
	check_transformed(exit.transformed);
	before = *vcpu;
	exit_handle(vcpu, &exit);
	expected = exit.cause == CAUSE_TRANSLATION ? expected_of_translation(&exit)
						   : expected_of_privileged(&exit);
	require_outcome(&expected);
	check_mmio(&input);
	return 0;
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fake machine, but for its TLBs: its profiles, the vCPU on each hart, and
 * what else core/arch.h asks for, which only records what it was asked. See
 * fake_arch.h.
 */
#include "tests/unit/fake_arch.h"

#include <stdlib.h>
#include <string.h>

#include "core/harts.h"
#include "core/vm.h"
#include "tests/unit/fake_tlb.h"
#include "tests/unit/host_ram.h"

/* Far more often than a hart looks that does not wait. */
#define SERVED_LIMIT (1u << 24)

const struct fake_profile fake_worst = {
	.name = "plain",
	.asid_bits = 16,
	.vmid_bits = 14,
	.modes = FAKE_ALL_MODES,
	.gstage_modes = FAKE_ALL_MODES,
	.satp_traps = true,
	.svade = true,
	.keeps_pointers = true,
	.keeps_invalid = true,
	.speculates = true,
	.vacant_faults = true,
};

const struct fake_profile fake_qemu = {
	.name = "qemu",
	.asid_bits = 16,
	.vmid_bits = 14,
	.modes = FAKE_ALL_MODES,
	.gstage_modes = FAKE_ALL_MODES,
	.satp_traps = true,
	.svade = true,
	.gstage_sets_ad = true,
	.sstc = true,
	.flushed_by_exits = true,
	.vacant_faults = true,
	.tells_instruction = true,
	.tells_gpa = true,
	.tells_access_address = true,
};

const struct fake_profile fake_cva6 = {
	.name = "cva6",
	.asid_bits = 16,
	.vmid_bits = 14,
	.modes = 1u << SATP_SV39,
	.gstage_modes = 1u << SATP_SV39,
	.satp_traps = true,
	.svade = true,
	.speculates = true,
	.tells_gpa = true,
	.stores_fault_as_loads = true,
	.lr_faults_as_store = true,
	.lr_needs_write = true,
};

struct fake_machine fake_machine;

static struct {
	struct fake_profile profile;
	unsigned current;
	const struct vcpu *loaded[FAKE_HART_LIMIT];
	unsigned served;
} fake;

const struct fake_profile *fake_default(void)
{
	static const struct fake_profile *const all[] = {&fake_worst, &fake_qemu,
							 &fake_cva6};
	const char *name = getenv("GNOMON_PROFILE");

	for (unsigned i = 0; i < ARRAY_LENGTH(all); i++)
		if (!name || strcmp(name, all[i]->name) == 0)
			return all[i];
	fail_msg("GNOMON_PROFILE is '%s', not plain, qemu or cva6", name);
	__builtin_unreachable();
}

void fake_arch_create(const struct fake_profile *profile)
{
	memset(&fake, 0, sizeof(fake));
	memset(&fake_machine, 0, sizeof(fake_machine));
	fake_machine.host_deadline = UINT64_MAX;
	fake.profile = *profile;
	fake_tlb_create();
	fake_gstage_create();
}

const struct fake_profile *fake_profile(void)
{
	return &fake.profile;
}

const struct vcpu *fake_loaded(void)
{
	return fake.loaded[fake.current];
}

void fake_hart_switch(unsigned hart)
{
	assert_true(hart < FAKE_HART_LIMIT);
	fake.current = hart;
}

void fake_guest_left(void)
{
	if (!fake.profile.flushed_by_exits)
		return;
	fake_tlb_flush();
	fake_gstage_flush();
}

/* ---- a vCPU on this hart ---- */

enum status arch_vcpu_create(struct vcpu *vcpu)
{
	(void)vcpu;
	return STATUS_OK;
}

void arch_vcpu_destroy(struct vcpu *vcpu)
{
	(void)vcpu;
}

void arch_vcpu_load(struct vcpu *vcpu)
{
	assert_null(fake.loaded[fake.current]);
	fake.loaded[fake.current] = vcpu;
	vcpu->arch.loaded = true;
}

/* No vCPU, no table of its: the hart has nothing to walk until the next root. */
void arch_vcpu_put(struct vcpu *vcpu)
{
	assert_ptr_equal(fake.loaded[fake.current], vcpu);
	fake_tlb_stop();
	fake_gstage_stop();
	fake.loaded[fake.current] = NULL;
	vcpu->arch.loaded = false;
}

void arch_vcpu_enter(struct vcpu *vcpu, struct vm_exit *exit)
{
	fake_machine.counts.entries++;
	*exit = (struct vm_exit){0};
	assert_non_null(fake_machine.enter);
	fake_machine.enter(vcpu, exit);
	fake_guest_left();
}

void arch_vcpu_reset(struct vcpu *vcpu, gpa_t entry, uint64_t a0, uint64_t a1)
{
	fake_machine.resets++;
	fake_machine.reset_entry = entry;
	fake_machine.reset_a0 = a0;
	fake_machine.reset_a1 = a1;
	vcpu->arch.pc = entry.raw;
}

void arch_inject_exception(struct vcpu *vcpu, uint64_t number, uint64_t value)
{
	(void)vcpu;
	fake_machine.exceptions++;
	fake_machine.exception_number = number;
	fake_machine.exception_value = value;
}

void arch_guest_interrupt_set(struct vcpu *vcpu, enum guest_interrupt which, bool pending)
{
	unsigned bit = 1u << which;

	if (pending)
		fake_machine.interrupts[vcpu->id] |= bit;
	else
		fake_machine.interrupts[vcpu->id] &= ~bit;
}

struct access arch_access(const struct vcpu *vcpu, gva_t gva, enum access_kind kind)
{
	struct access access = fake_machine.guest;

	(void)vcpu;
	access.gva = gva;
	access.kind = kind;
	return access;
}

uint64_t arch_guest_timer(const struct vcpu *vcpu)
{
	(void)vcpu;
	return fake.profile.sstc ? fake_machine.guest_deadline : UINT64_MAX;
}

bool arch_guest_timer_set(struct vcpu *vcpu, uint64_t deadline)
{
	(void)vcpu;
	fake_machine.guest_deadline = deadline;
	return fake.profile.sstc;
}

bool arch_has_counters(void)
{
	return !fake_machine.counters_missing;
}

uint64_t arch_counter(enum hart_counter which)
{
	return fake_machine.counters[which];
}

void arch_counter_trap(struct vcpu *vcpu, enum hart_counter which, bool trap)
{
	(void)vcpu;
	fake_machine.counter_traps[which] = trap;
}

bool arch_counter_permitted(const struct vcpu *vcpu, enum hart_counter which)
{
	(void)vcpu;
	(void)which;
	return !fake_machine.guest.user || !fake_machine.counter_denied;
}

bool arch_float_is_on(const struct vcpu *vcpu)
{
	(void)vcpu;
	return !fake_machine.float_off;
}

uint64_t arch_float_read(unsigned number)
{
	assert_false(fake_machine.float_off);
	return fake_machine.floats[number];
}

void arch_float_write(struct vcpu *vcpu, unsigned number, unsigned width, uint64_t value)
{
	(void)vcpu;
	assert_false(fake_machine.float_off);
	fake_machine.float_writes++;
	fake_machine.floats[number] = width == 4 ? value | 0xffffffff00000000 : value;
}

bool arch_read_half(gva_t gva, enum access_kind kind, uint16_t *half)
{
	return fake_machine.read_half && fake_machine.read_half(gva, kind, half);
}

void arch_reservation_drop(void)
{
	fake_machine.counts.reservations_dropped++;
}

void arch_fence_i(void)
{
	fake_machine.counts.instruction_fences++;
}

uint64_t arch_guest_satp(const struct vcpu *vcpu)
{
	(void)vcpu;
	return fake_machine.guest_satp;
}

void arch_guest_satp_set(struct vcpu *vcpu, uint64_t value)
{
	(void)vcpu;
	fake_machine.guest_satp = value;
}

/* ---- the machine ---- */

const char *arch_seat(void)
{
	return "fake";
}

size_t arch_guest_extensions(const struct paging_isa *isa, const char **names,
			     size_t limit)
{
	static const char *const all[] = {"i", "m", "a", "c", "svade"};
	size_t count = isa->svade ? 5 : 4;

	for (size_t i = 0; i < count && i < limit; i++)
		names[i] = all[i];
	return count < limit ? count : limit;
}

const char *arch_guest_mmu_type(void)
{
	return "riscv,sv39";
}

unsigned arch_hart_index(void)
{
	return fake.current;
}

uint64_t arch_time(void)
{
	return fake_machine.time;
}

void arch_host_timer_set(uint64_t deadline)
{
	fake_machine.host_deadline = deadline;
}

void arch_host_external_enable(void)
{
	fake_machine.external_enabled = true;
}

/* Nobody waits for a lock here: harts take turns. */
void harts_serve(void)
{
	if (++fake.served == SERVED_LIMIT)
		fail_msg("a hart waits for a lock for ever");
}

void arch_kick_received(void)
{
	fake_machine.counts.kicks_received++;
}

void arch_firmware_put(uint8_t byte)
{
	assert_true(fake_machine.output_length + 1 < sizeof(fake_machine.output));
	fake_machine.output[fake_machine.output_length++] = (char)byte;
}

int arch_firmware_get(void)
{
	if (!fake_machine.input || !*fake_machine.input)
		return -1;
	return (unsigned char)*fake_machine.input++;
}

_Noreturn void arch_power_off(bool failure)
{
	fail_msg("powered off, %s", failure ? "failed" : "content");
	__builtin_unreachable();
}

void arch_io_barrier(void)
{
}

uint32_t arch_translation_modes(void)
{
	return fake.profile.modes;
}

uint32_t arch_gstage_modes(void)
{
	return fake.profile.gstage_modes;
}

bool arch_satp_traps(void)
{
	return fake.profile.satp_traps;
}

bool arch_guest_svade(void)
{
	return fake.profile.svade;
}

void arch_time_begin(struct vcpu *vcpu)
{
	vcpu->arch.time_delta = -arch_time();
}

bool arch_guest_svvptc(void)
{
	return fake.profile.svvptc;
}

bool arch_interrupt_is_pending(void)
{
	return fake_machine.interrupt_pending;
}

unsigned arch_asid_bits(void)
{
	return fake.profile.asid_bits;
}

unsigned arch_vmid_bits(void)
{
	return fake.profile.vmid_bits;
}

/* The tests' guests execute nothing, so that no vector is there to learn. */
/* Tests of exits call their handlers themselves. */
void arch_vector_choose(struct vcpu *vcpu)
{
	(void)vcpu;
}

void arch_site_learn(struct vcpu *vcpu, uint64_t pc, uint32_t instruction,
		     enum arch_site kind)
{
	(void)vcpu;
	(void)pc;
	(void)instruction;
	(void)kind;
}

void arch_site_forget(struct vcpu *vcpu, uint64_t pc)
{
	(void)vcpu;
	(void)pc;
}

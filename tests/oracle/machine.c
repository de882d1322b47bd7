/* SPDX-License-Identifier: BSD-2-Clause */
/* VMs on fake harts. See machine.h. */
#include "tests/oracle/machine.h"
#include "lsp/encoding.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/console.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/fake_pages.h"
#include "tests/unit/host_ram.h"

const char *const oracle_profiles[] = {"plain", "qemu", "cva6", NULL};

static const struct fake_profile *const profiles[] = {&fake_worst, &fake_qemu,
						      &fake_cva6};

struct machine machine;

_Noreturn void oracle_fail(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fprintf(stderr, "violation: ");
	vfprintf(stderr, format, arguments);
	fprintf(stderr, "\n");
	va_end(arguments);
	abort();
}

/* core/vm.c's, without all that it takes to load a guest: no VM may be stopped. */
void vm_end(struct vm *vm, enum vm_end end, const char *detail)
{
	(void)vm;
	if (!machine.scarce)
		oracle_fail("VM ended (%u): %s", end, detail);
	machine.refused = true;
}

/* core/console.c's: nothing is printed. */
void console_put(uint8_t byte)
{
	(void)byte;
}

void console_write(const char *text)
{
	(void)text;
}

void console_line_start(void)
{
}

void console_hold(void)
{
}

void console_release(void)
{
}

/* ---- harts ---- */

void runner_put(struct runner *runner)
{
	if (!runner->loaded)
		return;
	fake_hart_switch(runner->hart);
	machine.mode->put(runner->vcpu);
	arch_vcpu_put(runner->vcpu);
	runner->loaded = false;
}

static void apply_pending(struct runner *runner)
{
	for (unsigned i = 0; i < runner->pending_count; i++)
		machine.mode->fence(runner->vcpu, &runner->pending[i]);
	runner->pending_count = 0;
}

void runner_load(struct runner *runner, unsigned hart)
{
	if (runner->loaded && runner->hart == hart) {
		fake_hart_switch(hart);
		return;
	}
	runner_put(runner);
	for (unsigned i = 0; i < machine.setting->vcpus; i++)
		if (machine.runners[i].loaded && machine.runners[i].hart == hart)
			runner_put(&machine.runners[i]);
	fake_hart_switch(hart);
	arch_vcpu_load(runner->vcpu);
	machine.mode->load(runner->vcpu);
	runner->hart = hart;
	runner->loaded = true;
	apply_pending(runner);
}

/* ---- VMs ---- */

static void create_vm(unsigned number)
{
	struct vm *vm = &machine.vms[number];

	guest_create(&machine.guests[number], &machine.memories[number], machine.modes);
	guest_build(&machine.guests[number]);
	memset(vm, 0, sizeof(*vm));
	vm->mode = machine.mode;
	vm->detail = "";
	vm->memory = machine.memories[number];
	for (unsigned i = number; i < machine.setting->vcpus; i += machine.setting->vms)
		vm->vcpu_count++;
	assert_int_equal(machine.mode->vm_create(vm), STATUS_OK);
	if (machine.setting->budget)
		machine.engine->bound_vm(vm, machine.setting->budget);
}

static void create_vcpu(unsigned number)
{
	struct runner *runner = &machine.runners[number];
	unsigned which = number % machine.setting->vms;

	runner->vm = &machine.vms[which];
	runner->vcpu = &runner->vm->vcpus[number / machine.setting->vms];
	runner->vcpu->vm = runner->vm;
	runner->vcpu->id = number / machine.setting->vms;
	runner->loaded = false;
	runner->pending_count = 0;
	assert_int_equal(machine.mode->vcpu_create(runner->vcpu), STATUS_OK);
	if (machine.setting->budget)
		machine.engine->bound_vcpu(runner->vcpu, machine.setting->budget);
	model_reset(&runner->model, &machine.guests[which], machine.setting->strength,
		    machine.mode->isa().svadu);
}

static void destroy_vcpu(struct runner *runner)
{
	runner_put(runner);
	machine.engine->end_vcpu(runner->vcpu, machine.counts->engine);
	machine.mode->vcpu_destroy(runner->vcpu);
}

static void destroy_vm(struct vm *vm)
{
	machine.engine->end_vm(vm, machine.counts->engine);
	machine.mode->vm_destroy(vm);
}

void machine_restart(const struct vm *vm)
{
	unsigned number = vm == &machine.vms[0] ? 0 : 1;

	for (unsigned i = 0; i < machine.setting->vcpus; i++)
		if (machine.runners[i].vm == vm)
			destroy_vcpu(&machine.runners[i]);
	destroy_vm(&machine.vms[number]);
	create_vm(number);
	for (unsigned i = number; i < machine.setting->vcpus; i += machine.setting->vms)
		create_vcpu(i);
}

static struct fake_profile choose_profile(const struct oracle_setting *setting)
{
	unsigned number = 0;
	struct fake_profile profile;

	while (strcmp(oracle_profiles[number], setting->profile) != 0)
		number++;
	profile = *profiles[number];
	if (profile.asid_bits > setting->asid_bits)
		profile.asid_bits = setting->asid_bits;
	return profile;
}

static void choose_faults(void)
{
	const char *faults = machine.engine->faults;

	if (faults && encoding_choose(faults) != STATUS_OK)
		oracle_fail("no faults=%s", faults);
}

/*
 * What was in a page that becomes a shadow table, at the worst: the guests' own PTEs as
 * they would be in the host, as if a VM had left them there, G and all.
 */
static void fill_with_guests_leaves(uint64_t *words)
{
	static uint64_t random = 88172645463325252u;

	for (unsigned i = 0; i < PTE_PER_TABLE; i++) {
		const struct guest *guest =
			&machine.guests[random_below(&random, machine.setting->vms)];
		const struct guest_run *run = &guest->memory->runs[0];
		uint64_t table = ORACLE_TABLES - 1 - random_below(&random, 8);

		words[i] = guest->tables[table][i] +
			   ((run->hpa.raw - run->gpa.raw) >> PAGE_SHIFT << PTE_PPN_SHIFT);
		if (random_below(&random, 3) == 0)
			words[i] &= ~(uint64_t)PTE_G;
	}
}

void machine_create(const struct oracle_setting *setting, struct oracle_counts *counts)
{
	struct fake_profile profile = choose_profile(setting);

	if (!machine.memories[0].size) {
		/* An assertion of cmocka's is to be printed, and to end it all. */
		setenv("CMOCKA_TEST_ABORT", "1", 1);
		fake_pages_create();
		for (unsigned i = 0; i < ORACLE_VM_LIMIT; i++)
			guest_ram_map(&machine.memories[i], i == 0);
	}
	machine.setting = setting;
	machine.engine = setting->engine;
	machine.mode = machine.engine->mode;
	machine.counts = counts;
	machine.modes = profile.modes;
	oracle_fresh_asids();
	fake_arch_create(&profile);
	fake_harts_were_used();
	fake_pages_contents = fill_with_guests_leaves;
	choose_faults();
	for (unsigned i = 0; i < ORACLE_ADDRESSES; i++)
		fake_speculate_on(guest_address(i, 0));
	for (unsigned i = 0; i < setting->vms; i++)
		create_vm(i);
	for (unsigned i = 0; i < setting->vcpus; i++) {
		create_vcpu(i);
		machine.runners[i].hart = i;
	}
}

void machine_destroy(void)
{
	for (unsigned i = 0; i < machine.setting->vcpus; i++)
		destroy_vcpu(&machine.runners[i]);
	for (unsigned i = 0; i < machine.setting->vms; i++)
		destroy_vm(&machine.vms[i]);
	if (fake_pages_taken() != 0)
		oracle_fail("%lu pages have not come back", fake_pages_taken());
}

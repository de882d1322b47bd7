/* SPDX-License-Identifier: BSD-2-Clause */
/* Faults as harts report them. See fault_bench.h. */
#include "tests/unit/fault_bench.h"

#include <string.h>

#include "arch/riscv/decode.h"
#include "core/guest_code.h"
#include "core/interrupt.h"
#include "core/sbi/sbi.h"
#include "core/timer.h"
#include "tests/unit/captured_console.h"
#include "tests/unit/fake_pages.h"
#include "tests/unit/host_ram.h"

#define RAM_SIZE    (8 * MIB)
#define TABLE_SIZE  (2 * MIB)
#define FAULT_LIMIT 8

struct vm fault_vm;
struct guest_tables fault_tables;
uint64_t fault_satp;
unsigned fault_exits;

static struct vcpu *const vcpu = &fault_vm.vcpus[0];

/* A fault, before anything is said of it. */
struct fault {
	struct access access;
	bool gstage;
	bool implicit;
	gpa_t gpa;
};

/* ---- what exits could come to, and here do not ---- */

void vm_end(struct vm *vm, enum vm_end end, const char *detail)
{
	fail_msg("VM %p ended, %u: %s", (void *)vm, end, detail);
}

struct exit_result exit_sbi(struct vcpu *caller, const struct vm_exit *exit)
{
	(void)caller;
	(void)exit;
	fail_msg("an SBI call");
	return exit_resume();
}

bool timer_emulate_read(struct vcpu *loaded, uint32_t instruction)
{
	(void)loaded;
	(void)instruction;
	return false;
}

void timer_after_external(struct vcpu *loaded)
{
	(void)loaded;
}

void timer_tick(struct vcpu *loaded)
{
	(void)loaded;
}

void timer_expired(struct vcpu *loaded)
{
	(void)loaded;
	fail_msg("a timer interrupt");
}

void interrupt_external(void)
{
	fail_msg("an external interrupt");
}

static void transmit(void *context, uint8_t byte)
{
	(void)context;
	(void)byte;
}

static void no_line(void *argument, unsigned context, bool pending)
{
	(void)argument;
	(void)context;
	(void)pending;
}

/* ---- the machine ---- */

static gpa_t code_page(unsigned page)
{
	return GPA(GUEST_RAM_BASE.raw + TABLE_SIZE + (2 + page) * PAGE_SIZE);
}

static uint16_t *code_half(gva_t gva)
{
	gpa_t gpa = GPA(code_page(gva.raw < 0x402000 ? 0 : 1).raw + (gva.raw & 0xfff));
	hpa_t hpa;

	assert_true(guest_memory_find(&fault_vm.memory, gpa, 2, &hpa));
	return hpa_pointer(hpa);
}

/* As the hart would fetch under nested paging: the code is where it was put. */
static bool read_half(gva_t gva, enum access_kind kind, uint16_t *half)
{
	if (kind != ACCESS_FETCH || gva.raw - 0x401000 >= 2 * PAGE_SIZE)
		return false;
	*half = *code_half(gva);
	return true;
}

static void add_uart(void)
{
	assert_int_equal(vplic_init(&fault_vm.plic, VM_PLIC_BASE, VPLIC_SOURCES_MAX, 1,
				    no_line, NULL),
			 STATUS_OK);
	vuart_init(&fault_vm.uart, VM_UART_BASE, vplic_line(&fault_vm.plic, VM_UART_IRQ),
		   transmit, NULL);
	fault_vm.devices[fault_vm.device_count++] = &fault_vm.uart.device;
}

/* A page of the port, and two of code, so that it may lie across their boundary. */
static void make_tables(void)
{
	fault_tables = (struct guest_tables){
		.memory = &fault_vm.memory,
		.next = GUEST_RAM_BASE,
		.end = GPA(GUEST_RAM_BASE.raw + TABLE_SIZE),
	};
	fault_satp = guest_satp(SATP_SV39, 1, guest_table(&fault_tables));
	guest_map(&fault_tables, fault_satp, FAULT_UART, VM_UART_BASE,
		  PTE_V | PTE_R | PTE_W | PTE_A | PTE_D, 0);
	for (unsigned page = 0; page < 2; page++)
		guest_map(&fault_tables, fault_satp, GVA(0x401000 + page * PAGE_SIZE),
			  code_page(page), PTE_V | PTE_X | PTE_A, 0);
}

void fault_bench_create(const struct fake_profile *profile,
			const struct paging_mode *mode)
{
	fake_pages_create();
	fake_arch_create(profile);
	fake_machine.read_half = read_half;
	memset(&fault_vm, 0, sizeof(fault_vm));
	captured_clear();
	fault_vm.mode = mode;
	fault_vm.vcpu_count = 1;
	vcpu->vm = &fault_vm;
	assert_int_equal(
		guest_memory_allocate(&fault_vm.memory, GUEST_RAM_BASE, RAM_SIZE),
		STATUS_OK);
	assert_int_equal(mode->vm_create(&fault_vm), STATUS_OK);
	assert_int_equal(mode->vcpu_create(vcpu), STATUS_OK);
	add_uart();
	make_tables();
	arch_vcpu_load(vcpu);
	mode->load(vcpu);
	mode->satp_write(vcpu, fault_satp);
}

void fault_bench_destroy(void)
{
	const struct paging_mode *mode = fault_vm.mode;

	mode->put(vcpu);
	arch_vcpu_put(vcpu);
	mode->vcpu_destroy(vcpu);
	mode->vm_destroy(&fault_vm);
	guest_memory_free(&fault_vm.memory);
	assert_int_equal(fake_pages_taken(), 0);
	fake_pages_destroy();
}

void fault_map_data(uint64_t flags)
{
	const gpa_t page = GPA(GUEST_RAM_BASE.raw + TABLE_SIZE);
	const struct fence fence = {.has_address = false};

	guest_map(&fault_tables, fault_satp, FAULT_DATA, page, flags, 0);
	fault_vm.mode->fence(vcpu, &fence);
	fake_guest_left();
}

/* ---- what the hart reports ---- */

/*
 * Privileged specification, "Transformed Instruction or Pseudoinstruction for
 * mtinst or htinst". What has 16 bits is told as what it stands for, bit 1 clear.
 */
static uint64_t transformed(uint32_t instruction)
{
	struct memory_access access;

	if (instruction_length((uint16_t)instruction) == 2) {
		assert_true(decode_memory_access(instruction, &access));
		assert_true(access.width == 1 && !access.sign_extend);
		if (access.is_store)
			return (uint32_t)access.reg << 20 | 0x21;
		return UINT32_C(4) << 12 | (uint32_t)access.reg << 7 | 0x01;
	}
	if ((instruction & 0x7f) == 0x03)
		return instruction & 0x7fff;
	if ((instruction & 0x7f) == 0x23)
		return instruction & 0x01f0707f;
	return instruction & ~UINT32_C(0x000f8000);
}

/* Only where nothing else is told may the seat believe that nothing is to tell. */
static uint64_t htinst_of(const struct fault *fault, uint32_t instruction)
{
	const struct fake_profile *profile = fake_profile();

	if (fault->implicit)
		return profile->tells_gpa ? 0x3000 : 0;
	if (fault->access.kind == ACCESS_FETCH || !profile->tells_instruction)
		return 0;
	return transformed(instruction);
}

static enum access_kind reported_kind(const struct fault *fault, uint32_t instruction)
{
	if (fake_profile()->lr_faults_as_store && decode_is_load_reserved(instruction) &&
	    fault->access.kind == ACCESS_LOAD)
		return ACCESS_STORE;
	return fault->access.kind;
}

/* What the boot probe finds, and what the seat does by it (arch/riscv/seat_hs.c). */
static enum access_kind kind_told_by_seat(enum access_kind reported)
{
	const struct fake_profile *profile = fake_profile();
	bool lr_as_store = profile->lr_faults_as_store && !profile->lr_needs_write;

	if (lr_as_store && reported == ACCESS_STORE && guest_code_is_load_reserved(vcpu))
		return ACCESS_LOAD;
	return reported;
}

static struct vm_exit exit_of(const struct fault *fault, uint32_t instruction)
{
	uint64_t htinst = fault->gstage ? htinst_of(fault, instruction) : 0;
	bool told = fault->gstage && fake_profile()->tells_gpa;
	struct vm_exit exit = {
		.cause = CAUSE_TRANSLATION,
		.access = fault->access,
		.gstage = fault->gstage,
		.implicit = htinst == 0x3000,
		.gpa_known = told,
		.gpa = told ? fault->gpa : GPA(0),
		.transformed = htinst,
	};

	exit.access.kind = kind_told_by_seat(reported_kind(fault, instruction));
	return exit;
}

struct vm_exit fault_access_exit(const struct access *access)
{
	const struct fake_profile *profile = fake_profile();
	enum access_kind kind = access->kind;

	if (kind == ACCESS_STORE && profile->stores_fault_as_loads)
		kind = ACCESS_LOAD;
	return (struct vm_exit){
		.cause = CAUSE_EXCEPTION,
		.number = access_fault_of(kind),
		.value = profile->tells_access_address ? access->gva.raw : 0,
	};
}

/* ---- what the hart does ---- */

/* lr is a load; whether the hart asks for no more is the profile's. */
static struct access demanded(const struct access *access, uint32_t instruction)
{
	struct access demand = *access;

	if (fake_profile()->lr_needs_write && access->kind == ACCESS_LOAD &&
	    decode_is_load_reserved(instruction))
		demand.kind = ACCESS_STORE;
	return demand;
}

/*
 * Both stages: the guest's tables lie in RAM, which is all there, so what they
 * say is the reference's to find; where they lead is for the G-stage.
 */
static bool nested_access(const struct access *access, struct fault *fault)
{
	struct reference reference =
		reference_walk(&fault_vm.memory, fake_machine.guest_satp, access);

	if (reference.outcome == OUTCOME_PAGE_FAULT)
		return false;
	fault->gstage = true;
	fault->gpa = reference.gpa;
	fault->implicit = reference.outcome == OUTCOME_ACCESS_FAULT;
	return !fault->implicit &&
	       !fake_gstage_access(reference.gpa, access->kind).may_fault;
}

/* False: a fault, of the access as the instruction made it. */
static bool access_memory(const struct fault_step *step, struct access access,
			  struct fault *fault)
{
	struct access demand = demanded(&access, step->instruction);

	*fault = (struct fault){.access = access};
	if (fake_machine.shadowed)
		return !fake_access(&demand).may_fault;
	return nested_access(&demand, fault);
}

/* The instruction's halves, which may lie on two pages, and then its access. */
static bool attempt(const struct fault_step *step, struct fault *fault)
{
	struct access fetch = {.gva = FAULT_PC, .kind = ACCESS_FETCH};

	if (!access_memory(step, fetch, fault))
		return false;
	fetch.gva.raw += instruction_length((uint16_t)step->instruction) - 2;
	return access_memory(step, fetch, fault) &&
	       access_memory(step, step->access, fault);
}

bool fault_execute(const struct fault_step *step)
{
	unsigned length = instruction_length((uint16_t)step->instruction);
	struct fault fault;

	*code_half(FAULT_PC) = (uint16_t)step->instruction;
	if (length == 4)
		*code_half(GVA(FAULT_PC.raw + 2)) = (uint16_t)(step->instruction >> 16);
	fake_machine.exceptions = 0;
	fault_exits = 0;
	vcpu->arch.pc = FAULT_PC.raw;
	while (!attempt(step, &fault)) {
		const struct vm_exit exit = exit_of(&fault, step->instruction);

		/* A VS-stage fault under nested paging is the guest's own: no exit. */
		if (!fault.gstage && !fake_machine.shadowed)
			arch_inject_exception(
				vcpu,
				page_fault_of(reported_kind(&fault, step->instruction)),
				fault.access.gva.raw);
		else
			exit_handle(vcpu, &exit);
		fake_guest_left();
		if (fake_machine.exceptions > 0)
			return false;
		if (vcpu->arch.pc == FAULT_PC.raw + length)
			return true;
		if (++fault_exits > FAULT_LIMIT)
			fail_msg("0x%x faults for ever", step->instruction);
	}
	vcpu->arch.pc += length;
	return true;
}

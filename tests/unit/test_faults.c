/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/exit_conditional.c arch/riscv/decode_logic.c */
/* sources: core/vcpu_requests.c tests/unit/prompt_scheduler.c */
/* sources: core/exit_store.c core/exit_misaligned.c arch/riscv/decode_atomic.c */
/* sources: core/pmu.c */
/* sources: core/switch.c core/check_release.c */
/* sources: arch/riscv/decode.c arch/riscv/decode_simple.c core/counters.c */
/* sources: core/exit.c core/exit_privileged.c core/lookahead.c */
/* sources: core/exit_translation.c core/guest_code.c core/json.c core/log.c */
/* sources: drivers/mmio.c drivers/vplic.c drivers/vuart.c lsp/lsp.c */
/* sources: mm/page_table_check.c */
/* sources: mm/guest_memory.c mm/nested.c */
/* sources: mm/page_table.c tests/unit/fake_arch.c tests/unit/fake_pages.c */
/* sources: tests/unit/fault_bench.c tests/unit/guest_tables.c tests/unit/host_ram.c */
/*
 * From a guest's instruction to what the guest sees of it, under both paging
 * modes, on harts that tell more or less of a fault, and on some that tell it
 * wrong: the outcome must be what the specification says, or where the hart
 * itself is at fault, what the guest would have got from it without Gnomon.
 */
#include "arch/riscv/decode.h"
#include "tests/unit/fault_bench.h"
#include "tests/unit/host_ram.h"

static const struct paging_mode *const modes[] = {&paging_lsp, &paging_nested};

static struct vcpu *const vcpu = &fault_vm.vcpus[0];

/* Of a supervisor's data, with its base register set to where it goes. */
static struct fault_step step_at(gva_t gva, uint32_t instruction, enum access_kind kind)
{
	vcpu->arch.x[10] = gva.raw;
	return (struct fault_step){
		.instruction = instruction,
		.access = {.gva = gva, .kind = kind},
	};
}

static void was_given(enum exception number, uint64_t value)
{
	assert_int_equal(fake_machine.exceptions, 1);
	assert_int_equal(fake_machine.exception_number, number);
	assert_int_equal(fake_machine.exception_value, value);
}

/* ---- devices ---- */

#define SB_A1	 0x00b50023u /* sb a1, 0(a0) */
#define LBU_A2	 0x00054603u /* lbu a2, 0(a0) */
#define C_LBU_A2 0x8110u     /* c.lbu a2, 0(a0) */
#define C_SB_A1	 0x890cu     /* c.sb a1, 0(a0) */
#define FLW_FA0	 0x00052507u /* flw fa0, 0(a0) */
#define SCRATCH	 GVA(FAULT_UART.raw + NS16550_SCR)

/* The instruction is told by htinst, or by the code: across two pages of it. */
static void a_device_is_read_and_written(void **state)
{
	static const struct {
		uint32_t store, load;
	} forms[] = {{SB_A1, LBU_A2}, {C_SB_A1, C_LBU_A2}, {SB_A1, C_LBU_A2}};

	(void)state;
	for (unsigned m = 0; m < ARRAY_LENGTH(modes); m++) {
		fault_bench_create(fake_default(), modes[m]);
		for (unsigned i = 0; i < ARRAY_LENGTH(forms); i++) {
			struct fault_step step =
				step_at(SCRATCH, forms[i].store, ACCESS_STORE);

			vcpu->arch.x[11] = 0xa0 + i;
			assert_true(fault_execute(&step));
			step = step_at(SCRATCH, forms[i].load, ACCESS_LOAD);
			assert_true(fault_execute(&step));
			assert_int_equal(vcpu->arch.x[12], 0xa0 + i);
		}
		assert_int_equal(vcpu->counters.full[REASON_MMIO_WRITE], 3);
		assert_int_equal(vcpu->counters.full[REASON_MMIO_READ], 3);
		assert_int_equal(vcpu->counters.full[REASON_RETRY], 0);
		fault_bench_destroy();
	}
}

/* Nothing that has no device, and no form that is not decoded, hangs or is guessed. */
static void what_no_device_answers_is_an_access_fault(void **state)
{
	(void)state;
	for (unsigned m = 0; m < ARRAY_LENGTH(modes); m++) {
		struct fault_step step;

		fault_bench_create(fake_default(), modes[m]);
		step = step_at(SCRATCH, FLW_FA0, ACCESS_LOAD);
		assert_false(fault_execute(&step));
		was_given(EXCEPTION_LOAD_ACCESS, SCRATCH.raw);
		guest_map(&fault_tables, fault_satp, FAULT_UART, GPA(0x30000000),
			  PTE_V | PTE_R | PTE_W | PTE_A | PTE_D, 0);
		step = step_at(SCRATCH, SB_A1, ACCESS_STORE);
		assert_false(fault_execute(&step));
		was_given(EXCEPTION_STORE_ACCESS, SCRATCH.raw);
		fault_bench_destroy();
	}
}

/* The guest's own tables lead to where it has no RAM: its walk cannot go on. */
static void tables_outside_of_ram_are_an_access_fault(void **state)
{
	const uint64_t table = 0x10000000;

	(void)state;
	for (unsigned m = 0; m < ARRAY_LENGTH(modes); m++) {
		struct fault_step step;

		fault_bench_create(fake_default(), modes[m]);
		guest_store(&fault_vm.memory,
			    guest_entry(&fault_tables, fault_satp, GVA(GIB), 2),
			    pte_make(table, PTE_V).raw);
		step = step_at(GVA(GIB + 8), LBU_A2, ACCESS_LOAD);
		assert_false(fault_execute(&step));
		was_given(EXCEPTION_LOAD_ACCESS, GIB + 8);
		step = step_at(GVA(GIB + 8), SB_A1, ACCESS_STORE);
		assert_false(fault_execute(&step));
		was_given(EXCEPTION_STORE_ACCESS, GIB + 8);
		fault_bench_destroy();
	}
}

/* ---- lr, which some harts take for a store ---- */

#define LR_W	 0x1005262fu /* lr.w a2, (a0) */
#define LR_D_AQ	 0x1405362fu /* lr.d.aq a2, (a0) */
#define SC_D	 0x18b5362fu /* sc.d a2, a1, (a0) */
#define AMOADD_D 0x00b5362fu /* amoadd.d a2, a1, (a0) */
#define SD_A1	 0x00b53023u /* sd a1, 0(a0) */

#define READABLE (PTE_V | PTE_R | PTE_A)

/* A hart that reports an lr as a store, and asks for no more than a load's rights. */
static struct fake_profile misreporting(void)
{
	struct fake_profile profile = *fake_default();

	profile.lr_faults_as_store = true;
	profile.lr_needs_write = false;
	return profile;
}

/*
 * With D clear and W set it is the same: an lr asks for neither. A hart that does all
 * the same has D set for it, where Gnomon sets it for stores.
 */
static void check_lr_on_readable_pages(const struct fake_profile *profile)
{
	static const uint64_t flags[] = {READABLE, READABLE | PTE_W, READABLE | PTE_X};
	static const uint32_t instructions[] = {LR_W, LR_D_AQ};
	bool svadu = fault_vm.mode->isa().svadu;

	for (unsigned i = 0; i < ARRAY_LENGTH(flags) * 2; i++) {
		struct fault_step step =
			step_at(FAULT_DATA, instructions[i % 2], ACCESS_LOAD);

		fault_map_data(flags[i / 2]);
		if (profile->lr_needs_write && !(svadu && (flags[i / 2] & PTE_W))) {
			assert_false(fault_execute(&step));
			was_given(EXCEPTION_STORE_PAGE, FAULT_DATA.raw);
		} else {
			assert_true(fault_execute(&step));
			assert_int_equal(fake_machine.exceptions, 0);
		}
	}
	fault_map_data(GUEST_RWX);
	assert_true(fault_execute(
		&(struct fault_step){LR_W, {.gva = FAULT_DATA, .kind = ACCESS_LOAD}}));
}

static void an_lr_reads_what_is_readable(void **state)
{
	const struct fake_profile profiles[] = {*fake_default(), misreporting()};

	(void)state;
	for (unsigned i = 0; i < 2 * ARRAY_LENGTH(modes); i++) {
		fault_bench_create(&profiles[i % 2], modes[i / 2]);
		check_lr_on_readable_pages(&profiles[i % 2]);
		fault_bench_destroy();
	}
}

/* The cause is a load's, or what the hart itself makes of it. */
static void an_lr_of_nothing_faults_as_a_load(void **state)
{
	const struct fake_profile profiles[] = {*fake_default(), misreporting()};

	(void)state;
	for (unsigned i = 0; i < 2 * ARRAY_LENGTH(modes); i++) {
		const struct fake_profile *profile = &profiles[i % 2];
		bool by_hart = modes[i / 2] == &paging_nested || profile->lr_needs_write;
		struct fault_step step;

		fault_bench_create(profile, modes[i / 2]);
		step = step_at(FAULT_DATA, LR_D_AQ, ACCESS_LOAD);
		assert_false(fault_execute(&step));
		was_given(by_hart && profile->lr_faults_as_store ? EXCEPTION_STORE_PAGE
								 : EXCEPTION_LOAD_PAGE,
			  FAULT_DATA.raw);
		fault_bench_destroy();
	}
}

/* sc, the AMOs and plain stores are stores, whoever reports them. */
static void what_writes_needs_a_writable_page(void **state)
{
	const struct fake_profile profiles[] = {*fake_default(), misreporting()};
	static const uint32_t instructions[] = {SC_D, AMOADD_D, SD_A1};

	(void)state;
	for (unsigned i = 0; i < 2 * ARRAY_LENGTH(modes); i++) {
		fault_bench_create(&profiles[i % 2], modes[i / 2]);
		fault_map_data(READABLE);
		for (unsigned n = 0; n < ARRAY_LENGTH(instructions); n++) {
			struct fault_step step =
				step_at(FAULT_DATA, instructions[n], ACCESS_STORE);

			assert_false(fault_execute(&step));
			was_given(EXCEPTION_STORE_PAGE, FAULT_DATA.raw);
		}
		fault_bench_destroy();
	}
}

/* Under lazy shadow paging, where Gnomon sets A and D: D by what stores, and no lr. */
static void what_stores_sets_d(void **state)
{
	const struct fake_profile profiles[] = {*fake_default(), misreporting()};
	static const struct {
		uint32_t instruction;
		enum access_kind kind;
	} cases[] = {
		{LBU_A2, ACCESS_LOAD}, {LR_W, ACCESS_LOAD},	 {LR_D_AQ, ACCESS_LOAD},
		{SC_D, ACCESS_STORE},  {AMOADD_D, ACCESS_STORE}, {SD_A1, ACCESS_STORE},
	};

	(void)state;
	for (unsigned i = 0; i < 2 * ARRAY_LENGTH(cases); i++) {
		const struct fake_profile *profile = &profiles[i % 2];
		uint32_t instruction = cases[i / 2].instruction;
		bool stores =
			cases[i / 2].kind == ACCESS_STORE ||
			(profile->lr_needs_write && decode_is_load_reserved(instruction));
		struct fault_step step;

		fault_bench_create(profile, &paging_lsp);
		fault_map_data(PTE_V | PTE_R | PTE_W);
		step = step_at(FAULT_DATA, instruction, cases[i / 2].kind);
		assert_true(fault_execute(&step));
		assert_int_equal(fake_machine.exceptions, 0);
		assert_int_equal(guest_load(&fault_vm.memory,
					    guest_entry(&fault_tables, fault_satp,
							FAULT_DATA, 0)) &
					 (PTE_A | PTE_D),
				 stores ? PTE_A | PTE_D : PTE_A);
		fault_bench_destroy();
	}
}

/* No device is read by an lr: a load's fault, where the hart can be put right. */
static void an_lr_of_a_device_is_an_access_fault(void **state)
{
	const struct fake_profile profiles[] = {*fake_default(), misreporting()};

	(void)state;
	for (unsigned i = 0; i < 2 * ARRAY_LENGTH(modes); i++) {
		const struct fake_profile *profile = &profiles[i % 2];
		struct fault_step step;

		fault_bench_create(profile, modes[i / 2]);
		step = step_at(SCRATCH, LR_W, ACCESS_LOAD);
		assert_false(fault_execute(&step));
		was_given(profile->lr_needs_write ? EXCEPTION_STORE_ACCESS
						  : EXCEPTION_LOAD_ACCESS,
			  SCRATCH.raw);
		fault_bench_destroy();
	}
}

/* ---- access faults of the hart's own ---- */

/*
 * They are delegated. Where a chip cannot do that, the guest gets what the hart
 * said, as it would have without Gnomon: stval 0 and a wrong kind included.
 */
static void access_faults_are_passed_on_as_they_came(void **state)
{
	(void)state;
	for (unsigned m = 0; m < ARRAY_LENGTH(modes); m++) {
		fault_bench_create(fake_default(), modes[m]);
		for (enum access_kind kind = ACCESS_FETCH; kind <= ACCESS_STORE; kind++) {
			const struct access access = {.gva = FAULT_DATA, .kind = kind};
			const struct vm_exit exit = fault_access_exit(&access);

			fake_machine.exceptions = 0;
			exit_handle(vcpu, &exit);
			was_given((enum exception)exit.number, exit.value);
		}
		fault_bench_destroy();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_device_is_read_and_written),
		cmocka_unit_test(what_no_device_answers_is_an_access_fault),
		cmocka_unit_test(tables_outside_of_ram_are_an_access_fault),
		cmocka_unit_test(an_lr_reads_what_is_readable),
		cmocka_unit_test(an_lr_of_nothing_faults_as_a_load),
		cmocka_unit_test(what_writes_needs_a_writable_page),
		cmocka_unit_test(what_stores_sets_d),
		cmocka_unit_test(an_lr_of_a_device_is_an_access_fault),
		cmocka_unit_test(access_faults_are_passed_on_as_they_came),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

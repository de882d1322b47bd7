/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plugin that feeds TLB models with what harts do: fetches (one for each page
 * that a block of code lies on), loads and stores, fences and changes of the
 * registers that translation hangs on. Options:
 *   out=FILE          a JSON object a line, for each hart, model and V
 *   model=NAME[:entries=64][:ways=4][:split=1][:pointers=N][:gpointers=N][:gleaves=N]
 *            [:gpages=1]   one more model, fed with the same (see tlb_model.h)
 *   region=marks      count only between MARK_BEGIN and MARK_END, each such region by
 *                     itself and from empty TLBs; else the whole run is one
 * Between regions code is translated anew, to run at nearly its usual speed there.
 * Invariant: a hart's models are touched by its own callbacks only.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scripts/plugin/fences.h"
#include "scripts/plugin/machine.h"
#include "scripts/plugin/options.h"
#include "scripts/plugin/tlb_hart.h"

#define HSTATUS_VTVM (UINT64_C(1) << 20)
#define MSTATUS_TVM  (UINT64_C(1) << 20)

/* What QEMU's own code counts and tests, in a scoreboard. */
struct board {
	uint64_t counting;	  /* 0 or 1 */
	uint64_t instructions[2]; /* by V; never the firmware's */
	uint64_t paused_at[2];	  /* these, when the pause began */
};

static struct models models;
static struct hart *harts;
static unsigned hart_count;
static bool by_marks;
static bool in_region;	   /* after a begin and before its end, paused or not */
static bool counting_code; /* code is translated so that it can be counted */
static qemu_plugin_id_t plugin;
static FILE *out;
static unsigned region;
static struct qemu_plugin_scoreboard *boards;

static void register_idle(qemu_plugin_id_t id);
static void register_and_begin(qemu_plugin_id_t id);

static struct board *board_of(unsigned vcpu)
{
	return qemu_plugin_scoreboard_find(boards, vcpu);
}

static qemu_plugin_u64 board_entry(size_t offset)
{
	return (qemu_plugin_u64){boards, offset};
}

/* Things told to callbacks lie in their one pointer: a number, and V on top. */
static void *packed(uint64_t number, bool is_virtual)
{
	return (void *)(uintptr_t)(number | (uint64_t)is_virtual << 63);
}

static bool packed_virtual(void *userdata)
{
	return (uintptr_t)userdata >> 63;
}

static uint64_t packed_number(void *userdata)
{
	return (uintptr_t)userdata & ~(UINT64_C(1) << 63);
}

/* ---- callbacks of code that runs ---- */

/*
 * A block may run at another address than it was translated at, with the same offset
 * in its page: pc says where. Blocks of one page that follow each other (userdata
 * names the page, virtual and physical) are at one address.
 */
static void on_block(unsigned vcpu, void *userdata)
{
	struct hart *hart = &harts[vcpu];
	bool is_virtual = packed_virtual(userdata);

	hart_read_regime(hart, is_virtual);
	if (userdata != hart->code) {
		hart->code = userdata;
		hart->code_page = align_down(machine_read_pc(), PAGE_SIZE);
	}
	hart_feed(hart, is_virtual, GVA(hart->code_page), TLB_FETCH, NO_PHYSICAL);
}

/* The block goes on in another page, so many bytes after that of its beginning. */
static void on_next_page(unsigned vcpu, void *userdata)
{
	struct hart *hart = &harts[vcpu];

	if (board_of(vcpu)->counting)
		hart_feed(hart, packed_virtual(userdata),
			  GVA(hart->code_page + packed_number(userdata)), TLB_FETCH,
			  NO_PHYSICAL);
}

static uint64_t physical_of(qemu_plugin_meminfo_t info, uint64_t address)
{
	struct qemu_plugin_hwaddr *hwaddr = qemu_plugin_get_hwaddr(info, address);

	if (!hwaddr || qemu_plugin_hwaddr_is_io(hwaddr))
		return NO_PHYSICAL;
	return qemu_plugin_hwaddr_phys_addr(hwaddr);
}

static void on_access(unsigned vcpu, qemu_plugin_meminfo_t info, uint64_t address,
		      void *userdata)
{
	enum tlb_access kind = qemu_plugin_mem_is_store(info) ? TLB_STORE : TLB_LOAD;
	uint64_t last = address + (UINT64_C(1) << qemu_plugin_mem_size_shift(info)) - 1;
	struct hart *hart = &harts[vcpu];
	bool is_virtual = packed_virtual(userdata);

	if (!board_of(vcpu)->counting)
		return;
	hart_feed(hart, is_virtual, GVA(address), kind, physical_of(info, address));
	if ((last ^ address) >> PAGE_SHIFT)
		hart_feed(hart, is_virtual, GVA(last), kind, NO_PHYSICAL);
}

/* Also between regions, whose beginning does not ask for it. */
static void on_machine_satp(unsigned vcpu, void *userdata)
{
	harts[vcpu].machine_satp =
		machine_read_x(code_rs1((uint32_t)(uintptr_t)userdata));
}

/* Before the instruction: the next block reads what it has left. */
static void on_translation_csr(unsigned vcpu, void *userdata)
{
	(void)userdata;
	harts[vcpu].stale[0] = harts[vcpu].stale[1] = true;
}

/* The hypervisor has it trap, and executes what fences it wants itself. */
static bool fence_traps(bool is_virtual)
{
	uint64_t hstatus = 0, mstatus = 0;

	machine_read(REGISTER_HSTATUS, &hstatus);
	machine_read(REGISTER_MSTATUS, &mstatus);
	if (is_virtual)
		return (hstatus & HSTATUS_VTVM) != 0;
	return machine_privilege().level == 1 && (mstatus & MSTATUS_TVM);
}

static void on_fence(unsigned vcpu, void *userdata)
{
	uint32_t code = (uint32_t)packed_number(userdata);
	bool is_virtual = packed_virtual(userdata);
	uint64_t hgatp = 0;
	enum fence_kind kind;
	struct tlb_fence fence;

	if (!code_is_fence(code, is_virtual, &kind) || fence_traps(is_virtual))
		return;
	machine_read(REGISTER_HGATP, &hgatp);
	fence = fence_from(code, kind, machine_read_x(code_rs1(code)),
			   machine_read_x(code_rs2(code)), hgatp);
	hart_fence(&harts[vcpu], &fence);
}

static void begin(unsigned vcpu)
{
	*board_of(vcpu) = (struct board){.counting = 1};
	hart_begin(&harts[vcpu]);
}

static void begin_region(void)
{
	in_region = true;
	for (unsigned vcpu = 0; vcpu < hart_count; vcpu++)
		begin(vcpu);
}

static void count_from_here(bool counting)
{
	for (unsigned vcpu = 0; vcpu < hart_count; vcpu++) {
		struct board *board = board_of(vcpu);

		if (counting && !board->counting)
			memcpy(board->instructions, board->paused_at,
			       sizeof(board->instructions));
		else if (board->counting)
			memcpy(board->paused_at, board->instructions,
			       sizeof(board->paused_at));
		board->counting = counting;
	}
}

static void end_region(void)
{
	if (!in_region)
		return;
	in_region = false;
	count_from_here(false);
	for (unsigned vcpu = 0; vcpu < hart_count; vcpu++)
		for (unsigned v = 0; v < 2; v++)
			hart_write(out, &harts[vcpu],
				   &(struct origin){region, vcpu, v,
						    board_of(vcpu)->paused_at[v]});
	fflush(out);
	region++;
}

/* One hart's mark counts for all of them. In a pause, fences go on being applied. */
static void on_mark(unsigned vcpu, void *userdata)
{
	bool is_begin = (uintptr_t)userdata == MARK_BEGIN;

	(void)vcpu;
	if (in_region && (uintptr_t)userdata != MARK_END) {
		count_from_here(is_begin);
		return;
	}
	end_region();
	if (is_begin != counting_code)
		qemu_plugin_reset(plugin, is_begin ? register_and_begin : register_idle);
}

/* ---- translation of code ---- */

static void instrument_mark(struct qemu_plugin_insn *insn, uint32_t code)
{
	if (by_marks && code_is_mark(code))
		qemu_plugin_register_vcpu_insn_exec_cb(
			insn, on_mark, QEMU_PLUGIN_CB_NO_REGS, (void *)(uintptr_t)code);
}

static void instrument_machine(struct qemu_plugin_insn *insn, uint32_t code,
			       struct privilege privilege)
{
	if (privilege.level == 3 && code_is_satp_write(code))
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_machine_satp,
						       QEMU_PLUGIN_CB_R_REGS,
						       (void *)(uintptr_t)code);
}

static void instrument(struct qemu_plugin_insn *insn, struct privilege privilege)
{
	uint32_t code = machine_code(insn);
	enum fence_kind kind;

	instrument_mark(insn, code);
	instrument_machine(insn, code, privilege);
	if (code_is_translation_csr(code))
		qemu_plugin_register_vcpu_insn_exec_cb(insn, on_translation_csr,
						       QEMU_PLUGIN_CB_NO_REGS, NULL);
	if (privilege.level > 0 && code_is_fence(code, privilege.is_virtual, &kind))
		qemu_plugin_register_vcpu_insn_exec_cb(
			insn, on_fence, QEMU_PLUGIN_CB_R_REGS,
			packed(code, privilege.is_virtual));
	if (privilege.level == 3)
		return;
	qemu_plugin_register_vcpu_insn_exec_inline_per_vcpu(
		insn, QEMU_PLUGIN_INLINE_ADD_U64,
		board_entry(offsetof(struct board, instructions[privilege.is_virtual])),
		1);
	if (!code_is_guest_access(code))
		qemu_plugin_register_vcpu_mem_cb(insn, on_access, QEMU_PLUGIN_CB_NO_REGS,
						 QEMU_PLUGIN_MEM_RW,
						 packed(0, privilege.is_virtual));
}

/* Does the last byte of the instruction lie on another page than its block began? */
static void instrument_page(struct qemu_plugin_insn *insn, uint64_t block,
			    struct privilege privilege)
{
	uint64_t first = qemu_plugin_insn_vaddr(insn);
	uint64_t last = first + qemu_plugin_insn_size(insn) - 1;
	uint64_t page = align_down(last, PAGE_SIZE);

	if (privilege.level == 3 || page == align_down(block, PAGE_SIZE) || first > page)
		return;
	qemu_plugin_register_vcpu_insn_exec_cb(
		insn, on_next_page, QEMU_PLUGIN_CB_NO_REGS,
		packed(page - align_down(block, PAGE_SIZE), privilege.is_virtual));
}

/* Sv57 leaves 45 bits of a page's number; enough of the physical one is beside it. */
static void *packed_page(const struct qemu_plugin_insn *insn, bool is_virtual)
{
	uint64_t page = qemu_plugin_insn_vaddr(insn) / PAGE_SIZE;
	uint64_t frame = machine_physical(insn) / PAGE_SIZE;

	return packed((page & ((UINT64_C(1) << 45) - 1)) | (frame & 0x3ffff) << 45,
		      is_virtual);
}

static void on_translation(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	struct privilege privilege = machine_privilege();
	size_t count = qemu_plugin_tb_n_insns(tb);
	const struct qemu_plugin_insn *first = qemu_plugin_tb_get_insn(tb, 0);
	void *page = packed_page(first, privilege.is_virtual);

	(void)id;
	if (privilege.level != 3)
		qemu_plugin_register_vcpu_tb_exec_cond_cb(
			tb, on_block, QEMU_PLUGIN_CB_R_REGS, QEMU_PLUGIN_COND_NE,
			board_entry(offsetof(struct board, counting)), 0, page);
	for (size_t i = 0; i < count; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		instrument_page(insn, qemu_plugin_insn_vaddr(first), privilege);
		instrument(insn, privilege);
	}
}

/* Outside of all regions. */
static void on_translation_idle(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	struct privilege privilege = machine_privilege();
	size_t count = qemu_plugin_tb_n_insns(tb);

	(void)id;
	machine_physical(qemu_plugin_tb_get_insn(tb, 0));
	for (size_t i = 0; i < count; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);

		instrument_mark(insn, machine_code(insn));
		instrument_machine(insn, machine_code(insn), privilege);
	}
}

/* ---- start and end ---- */

static void on_vcpu(qemu_plugin_id_t id, unsigned vcpu)
{
	(void)id;
	machine_find_registers();
	if (!hart_create(&harts[vcpu], &models))
		abort();
	if (!by_marks) {
		in_region = true;
		begin(vcpu);
	}
}

static void on_end(qemu_plugin_id_t id, void *userdata)
{
	(void)id;
	(void)userdata;
	end_region();
	results_close(out, "tlb");
}

static void register_idle(qemu_plugin_id_t id)
{
	counting_code = false;
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation_idle);
	qemu_plugin_register_atexit_cb(id, on_end, NULL);
}

static void register_counting(qemu_plugin_id_t id)
{
	counting_code = true;
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
	qemu_plugin_register_atexit_cb(id, on_end, NULL);
}

static void register_and_begin(qemu_plugin_id_t id)
{
	register_counting(id);
	begin_region();
}

static const char *set_option(char *option)
{
	if (!strncmp(option, "out=", 4) && !out)
		out = fopen(option + 4, "w");
	else if (!strcmp(option, "region=marks"))
		by_marks = true;
	else if (!strncmp(option, "model=", 6))
		return models_add(&models, option + 6);
	else
		return "an option that there is not, or out twice";
	return NULL;
}

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_INTERFACE;

QEMU_PLUGIN_EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info,
					   int argc, char **argv);

int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
			char **argv)
{
	const char *mistake = NULL;
	char plain[] = "plain";

	for (int i = 0; i < argc && !mistake; i++)
		mistake = set_option(argv[i]);
	if (!mistake && !models.count)
		mistake = models_add(&models, plain);
	if (!mistake && !out)
		mistake = "out=FILE is missing, or cannot be written";
	if (!mistake && !info->system_emulation)
		mistake = "no system is emulated";
	if (mistake) {
		fprintf(stderr, "tlb plugin: %s\n", mistake);
		return -1;
	}
	hart_count = (unsigned)info->system.smp_vcpus;
	harts = calloc(hart_count, sizeof(*harts));
	boards = qemu_plugin_scoreboard_new(sizeof(struct board));
	plugin = id;
	qemu_plugin_register_vcpu_init_cb(id, on_vcpu);
	if (by_marks)
		register_idle(id);
	else
		register_counting(id);
	return 0;
}

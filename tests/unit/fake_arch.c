/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fake machine. See fake_arch.h. The physical TLB comes first; what else
 * core/arch.h asks for only records what it was asked.
 *
 * A walk is a set of tables for each level, beginning with the root: what they
 * hold is read and remembered, and everything remembered for this address and
 * ASID, from whatever table it came, leads to results or to the next tables.
 */
#include "tests/unit/fake_arch.h"

#include <string.h>

#include "core/vm.h"
#include "tests/unit/fake_pages.h"
#include "tests/unit/host_ram.h"

#define ENTRY_LIMIT  16384
#define BUCKET_LIMIT 1024
#define WATCH_LIMIT  128
#define TABLE_LIMIT  64
#define NOWHERE	     (-1)

/* What a walk reads from a page that was freed: anything, so no access may use it. */
#define GARBAGE PTE(~UINT64_C(0))

struct entry {
	unsigned asid;
	unsigned level;
	uint64_t prefix; /* the address without what is below the level */
	pte_t pte;
	int next;
};

struct hart {
	unsigned mode;
	hpa_t root;
	unsigned asid;
	bool has_root;
	const struct vcpu *loaded;
	int buckets[BUCKET_LIMIT];
	int count;
	struct entry entries[ENTRY_LIMIT];
};

const struct fake_profile fake_worst = {
	.asid_bits = 16,
	.vmid_bits = 14,
	.modes = FAKE_ALL_MODES,
	.gstage_modes = FAKE_ALL_MODES,
	.satp_traps = true,
	.svade = true,
	.keeps_pointers = true,
	.keeps_invalid = true,
	.speculates = true,
};

const struct fake_profile fake_qemu = {
	.asid_bits = 16,
	.vmid_bits = 14,
	.modes = FAKE_ALL_MODES,
	.gstage_modes = FAKE_ALL_MODES,
	.satp_traps = true,
	.sstc = true,
};

const struct fake_profile fake_cva6 = {
	.asid_bits = 1,
	.vmid_bits = 1,
	.modes = 1u << SATP_SV39,
	.gstage_modes = 1u << SATP_SV39,
	.satp_traps = true,
	.svade = true,
	.speculates = true,
};

struct fake_machine fake_machine;

static struct {
	struct fake_profile profile;
	unsigned current;
	struct hart harts[FAKE_HART_LIMIT];
	unsigned watch_count;
	gva_t watched[WATCH_LIMIT];
} fake;

static struct hart *this_hart(void)
{
	return &fake.harts[fake.current];
}

static void tlb_clear(struct hart *hart)
{
	hart->count = 0;
	for (unsigned i = 0; i < BUCKET_LIMIT; i++)
		hart->buckets[i] = NOWHERE;
}

void fake_arch_create(const struct fake_profile *profile)
{
	memset(&fake, 0, sizeof(fake));
	memset(&fake_machine, 0, sizeof(fake_machine));
	fake_machine.host_deadline = UINT64_MAX;
	fake.profile = *profile;
	for (unsigned i = 0; i < FAKE_HART_LIMIT; i++)
		tlb_clear(&fake.harts[i]);
}

void fake_hart_switch(unsigned hart)
{
	assert_true(hart < FAKE_HART_LIMIT);
	fake.current = hart;
}

hpa_t fake_root(void)
{
	return this_hart()->root;
}

unsigned fake_root_asid(void)
{
	return this_hart()->asid;
}

/* ---- what the TLB holds ---- */

static uint64_t prefix_of(uint64_t gva, unsigned level)
{
	return align_down(gva, level_size(level));
}

static int *bucket_of(struct hart *hart, unsigned asid, unsigned level, uint64_t prefix)
{
	uint64_t hash = (prefix >> PAGE_SHIFT) * 0x9e3779b97f4a7c15u + asid * 31u + level;

	return &hart->buckets[(hash ^ hash >> 32) % BUCKET_LIMIT];
}

static void link_entry(struct hart *hart, int index)
{
	struct entry *entry = &hart->entries[index];
	int *bucket = bucket_of(hart, entry->asid, entry->level, entry->prefix);

	entry->next = *bucket;
	*bucket = index;
}

static bool entry_is(const struct entry *entry, unsigned asid, unsigned level,
		     uint64_t prefix)
{
	return entry->asid == asid && entry->level == level && entry->prefix == prefix;
}

static bool is_kept(pte_t pte)
{
	if (!pte_valid(pte))
		return fake.profile.keeps_invalid;
	return pte_is_leaf(pte) || fake.profile.keeps_pointers;
}

static void remember(struct hart *hart, unsigned level, uint64_t prefix, pte_t pte)
{
	int at = *bucket_of(hart, hart->asid, level, prefix);

	if (!is_kept(pte))
		return;
	for (; at != NOWHERE; at = hart->entries[at].next)
		if (entry_is(&hart->entries[at], hart->asid, level, prefix) &&
		    hart->entries[at].pte.raw == pte.raw)
			return;
	assert_true(hart->count < ENTRY_LIMIT);
	hart->entries[hart->count] = (struct entry){
		.asid = hart->asid, .level = level, .prefix = prefix, .pte = pte};
	link_entry(hart, hart->count++);
}

static void forget(struct hart *hart,
		   bool (*covers)(const struct entry *entry, gva_t gva, unsigned asid),
		   gva_t gva, unsigned asid)
{
	int count = hart->count;

	tlb_clear(hart);
	for (int i = 0; i < count; i++) {
		if (covers(&hart->entries[i], gva, asid))
			continue;
		hart->entries[hart->count] = hart->entries[i];
		link_entry(hart, hart->count++);
	}
}

unsigned fake_tlb_count(unsigned asid)
{
	const struct hart *hart = this_hart();
	unsigned count = 0;

	for (int i = 0; i < hart->count; i++)
		count += hart->entries[i].asid == asid;
	return count;
}

/* ---- what may stand in a shadow table ---- */

static void check_leaf(const struct hart *hart, unsigned level, pte_t pte)
{
	hpa_t hpa = HPA(pte_address(pte));

	if (pte.raw & (PTE_G | PTE_HIGH))
		fail_msg("shadow leaf 0x%lx: G or a high bit", pte.raw);
	if (!(pte.raw & PTE_A) || ((pte.raw & PTE_W) && !(pte.raw & PTE_D)))
		fail_msg("shadow leaf 0x%lx: the hart would set A or D", pte.raw);
	if ((pte.raw & PTE_W) && !(pte.raw & PTE_R))
		fail_msg("shadow leaf 0x%lx: W without R", pte.raw);
	if (!is_aligned(hpa.raw, level_size(level)))
		fail_msg("shadow leaf 0x%lx: misaligned at level %u", pte.raw, level);
	if (hart->loaded &&
	    !guest_memory_owns(&hart->loaded->vm->memory, hpa, level_size(level)))
		fail_msg("shadow leaf 0x%lx: memory of others", pte.raw);
}

static void check_pointer(const struct hart *hart, gva_t gva, unsigned level, pte_t pte)
{
	if (pte.raw == GARBAGE.raw)
		fail_msg("hart %u, ASID %u: walk for 0x%lx through a freed page at level "
			 "%u",
			 fake.current, hart->asid, gva.raw, level);
	if (pte_valid(pte))
		fail_msg("pointer 0x%lx at level %u: reserved bits, G or level 0",
			 pte.raw, level);
}

static pte_t read_entry(unsigned level, uint64_t gva, hpa_t table)
{
	if (!fake_pages_is_table(table))
		return GARBAGE;
	return ((const pte_t *)hpa_pointer(table))[level_index(gva, level)];
}

/* ---- walks ---- */

struct tables {
	unsigned count;
	hpa_t at[TABLE_LIMIT];
};

/*
 * Nothing is judged here: a walk that was never used is no harm, if what it left
 * in the TLB is fenced before an access comes to it.
 */
struct found {
	bool invalid;
	unsigned bad_level;
	pte_t bad_pointer; /* the first malformed one, or GARBAGE; else invalid */
	unsigned count;
	pte_t leaf[FAKE_RESULT_LIMIT];
	unsigned level[FAKE_RESULT_LIMIT];
};

static void add_table(struct tables *tables, hpa_t table)
{
	for (unsigned i = 0; i < tables->count; i++)
		if (tables->at[i].raw == table.raw)
			return;
	assert_true(tables->count < TABLE_LIMIT);
	tables->at[tables->count++] = table;
}

static void add_leaf(struct found *found, pte_t leaf, unsigned level)
{
	for (unsigned i = 0; i < found->count; i++)
		if (found->leaf[i].raw == leaf.raw && found->level[i] == level)
			return;
	assert_true(found->count < FAKE_RESULT_LIMIT);
	found->leaf[found->count] = leaf;
	found->level[found->count++] = level;
}

static bool is_good_pointer(unsigned level, pte_t pte)
{
	return level > 0 && !(pte.raw & (PTE_G | PTE_HIGH | PTE_A | PTE_D | PTE_U));
}

static void follow(struct found *found, struct tables *below, unsigned level, pte_t pte)
{
	bool is_pointer = pte_valid(pte) && !pte_is_leaf(pte);

	if (pte.raw == GARBAGE.raw || (is_pointer && !is_good_pointer(level, pte))) {
		found->bad_pointer = pte;
		found->bad_level = level;
	} else if (!pte_valid(pte))
		found->invalid = true;
	else if (pte_is_leaf(pte))
		add_leaf(found, pte, level);
	else
		add_table(below, HPA(pte_address(pte)));
}

/* Everything that a walk for gva may come to; what it reads is remembered. */
static void walk(struct hart *hart, gva_t gva, struct found *found)
{
	unsigned levels = mode_levels(hart->mode);
	struct tables tables = {.count = 1, .at = {hart->root}};

	*found = (struct found){.invalid = !gva_is_canonical(gva, levels)};
	for (unsigned level = levels; level-- > 0;) {
		uint64_t prefix = prefix_of(gva.raw, level);
		struct tables below = {0};
		int at;

		for (unsigned i = 0; i < tables.count; i++) {
			pte_t pte = read_entry(level, gva.raw, tables.at[i]);

			remember(hart, level, prefix, pte);
			follow(found, &below, level, pte);
		}
		at = *bucket_of(hart, hart->asid, level, prefix);
		for (; at != NOWHERE; at = hart->entries[at].next)
			if (entry_is(&hart->entries[at], hart->asid, level, prefix))
				follow(found, &below, level, hart->entries[at].pte);
		tables = below;
	}
}

static bool can_walk(const struct hart *hart, gva_t gva)
{
	return hart->has_root && gva_is_canonical(gva, mode_levels(hart->mode));
}

static void speculate(struct hart *hart)
{
	struct found found;

	for (unsigned i = 0; fake.profile.speculates && i < fake.watch_count; i++)
		if (can_walk(hart, fake.watched[i]))
			walk(hart, fake.watched[i], &found);
}

void fake_speculate_on(gva_t gva)
{
	gva = GVA(align_down(gva.raw, PAGE_SIZE));
	for (unsigned i = 0; i < fake.watch_count; i++)
		if (fake.watched[i].raw == gva.raw)
			return;
	if (fake.watch_count < WATCH_LIMIT)
		fake.watched[fake.watch_count++] = gva;
}

/* Privileged specification, "Virtual Address Translation Process", step 5 on. */
static bool permits(pte_t leaf, const struct access *access)
{
	uint64_t needed = access->kind == ACCESS_FETCH	 ? PTE_X
			  : access->kind == ACCESS_STORE ? PTE_W
							 : PTE_R;
	uint64_t has = leaf.raw;

	if (access->kind == ACCESS_LOAD && access->mxr && (has & PTE_X))
		has |= PTE_R;
	if (!(has & needed))
		return false;
	if (access->user)
		return (has & PTE_U) != 0;
	return !(has & PTE_U) || (access->sum && access->kind != ACCESS_FETCH);
}

struct fake_results fake_access(const struct access *access)
{
	struct hart *hart = this_hart();
	struct fake_results results = {0};
	struct found found;

	assert_true(hart->has_root);
	results.may_fault = !can_walk(hart, access->gva);
	if (results.may_fault)
		return results;
	fake_speculate_on(access->gva);
	walk(hart, access->gva, &found);
	check_pointer(hart, access->gva, found.bad_level, found.bad_pointer);
	results.may_fault = found.invalid;
	for (unsigned i = 0; i < found.count; i++) {
		uint64_t offset = access->gva.raw & (level_size(found.level[i]) - 1);

		/* It may be stale, but never another VM's. */
		check_leaf(hart, found.level[i], found.leaf[i]);
		if (!permits(found.leaf[i], access)) {
			results.may_fault = true;
			continue;
		}
		results.permitted[results.count].leaf = found.leaf[i];
		results.permitted[results.count].level = found.level[i];
		results.permitted[results.count++].hpa =
			HPA(pte_address(found.leaf[i]) | offset);
	}
	return results;
}

/* ---- real fences and roots ---- */

static bool covers_leaf(const struct entry *entry, gva_t gva, unsigned asid)
{
	return entry->asid == asid && entry->pte.raw != GARBAGE.raw &&
	       pte_valid(entry->pte) && pte_is_leaf(entry->pte) &&
	       entry->prefix == prefix_of(gva.raw, entry->level);
}

static bool covers_asid(const struct entry *entry, gva_t gva, unsigned asid)
{
	(void)gva;
	return entry->asid == asid;
}

static bool covers_all(const struct entry *entry, gva_t gva, unsigned asid)
{
	(void)entry;
	(void)gva;
	(void)asid;
	return true;
}

static void check_asid(unsigned asid)
{
	assert_true(asid < 1u << fake.profile.asid_bits);
}

void arch_shadow_root_set(unsigned mode, hpa_t root, unsigned asid)
{
	struct hart *hart = this_hart();

	check_asid(asid);
	assert_true(fake.profile.modes & 1u << mode);
	assert_true(fake_pages_is_table(root));
	speculate(hart);
	hart->mode = mode;
	hart->root = root;
	hart->asid = asid;
	hart->has_root = true;
	fake_machine.counts.roots_set++;
	speculate(hart);
}

void arch_shadow_fence_leaf(gva_t gva, unsigned asid)
{
	check_asid(asid);
	speculate(this_hart());
	forget(this_hart(), covers_leaf, gva, asid);
	fake_machine.counts.leaf_fences++;
	speculate(this_hart());
}

void arch_shadow_fence_asid(unsigned asid)
{
	check_asid(asid);
	speculate(this_hart());
	forget(this_hart(), covers_asid, GVA(0), asid);
	fake_machine.counts.asid_fences++;
	speculate(this_hart());
}

void arch_shadow_fence_all(void)
{
	speculate(this_hart());
	forget(this_hart(), covers_all, GVA(0), 0);
	fake_machine.counts.all_fences++;
	speculate(this_hart());
}

void arch_gstage_fence(unsigned vmid)
{
	assert_true(vmid < 1u << fake.profile.vmid_bits);
	fake_machine.counts.gstage_fences++;
}

/* ---- a vCPU on this hart ---- */

void arch_vcpu_load(struct vcpu *vcpu)
{
	assert_null(this_hart()->loaded);
	this_hart()->loaded = vcpu;
	vcpu->arch.loaded = true;
}

/* No vCPU, no table of its: the hart has nothing to walk until the next root. */
void arch_vcpu_put(struct vcpu *vcpu)
{
	assert_ptr_equal(this_hart()->loaded, vcpu);
	speculate(this_hart());
	this_hart()->loaded = NULL;
	this_hart()->has_root = false;
	vcpu->arch.loaded = false;
}

void arch_vcpu_enter(struct vcpu *vcpu, struct vm_exit *exit)
{
	fake_machine.counts.entries++;
	*exit = (struct vm_exit){0};
	assert_non_null(fake_machine.enter);
	fake_machine.enter(vcpu, exit);
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

bool arch_guest_timer_set(struct vcpu *vcpu, uint64_t deadline)
{
	(void)vcpu;
	fake_machine.guest_deadline = deadline;
	return fake.profile.sstc;
}

bool arch_read_half(gva_t gva, enum access_kind kind, uint16_t *half)
{
	return fake_machine.read_half && fake_machine.read_half(gva, kind, half);
}

void arch_fence_i(void)
{
	fake_machine.counts.instruction_fences++;
}

void arch_translate_nested(struct vcpu *vcpu, unsigned mode, hpa_t root, unsigned vmid)
{
	(void)vcpu;
	fake_machine.shadowed = false;
	fake_machine.gstage_mode = mode;
	fake_machine.gstage_root = root;
	fake_machine.gstage_vmid = vmid;
	this_hart()->has_root = false;
	tlb_clear(this_hart());
}

void arch_translate_shadow(struct vcpu *vcpu)
{
	(void)vcpu;
	fake_machine.shadowed = true;
	this_hart()->has_root = false;
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

unsigned arch_asid_bits(void)
{
	return fake.profile.asid_bits;
}

unsigned arch_vmid_bits(void)
{
	return fake.profile.vmid_bits;
}

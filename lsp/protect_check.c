/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What holds of the write-protecting modes whenever a guest may run, for the debug
 * build: the isolation invariant, the form of every entry, that it says what the
 * guest's own table says, and that no protected frame can be written.
 *
 * All tables of the VM are read in turn, under its lock, and compared with what
 * protect.h promises; nothing is changed. The form of an entry is said here once more.
 */
#include "core/arch.h"
#include "core/log.h"
#include "core/vm.h"
#include "lsp/protect.h"
#include "mm/page_alloc.h"

#define LEAF_NEVER (PTE_HIGH | PTE_G | PTE_RSW)

static char text[192];

/* What is wrong, in one line; the formats are log_line()'s. */
#define WRONG(...) (format_text(text, sizeof(text), __VA_ARGS__), text)

/* ---- leaves ---- */

static const char *form_is_wrong(const struct protect_vm *vm, pte_t leaf, unsigned level)
{
	uint64_t size = level_size(level);

	if (!guest_memory_owns(vm->memory, HPA(pte_address(leaf)), size))
		return "it maps what is not the VM's memory";
	if (!is_aligned(pte_address(leaf), size))
		return "it is not aligned for its level";
	if (!(leaf.raw & PTE_A))
		return "A is clear";
	if (leaf.raw & LEAF_NEVER)
		return "G, RSW or a high bit is set";
	if (!(leaf.raw & PTE_W) != !(leaf.raw & PTE_D))
		return "W and D differ";
	if ((leaf.raw & PTE_W) && !(leaf.raw & PTE_R))
		return "W without R";
	return NULL;
}

/* It may be less than the guest's: W comes back at the next store. */
static bool is_as_the_guest_says(const struct protect_vm *vm,
				 const struct protect_table *table, unsigned slot)
{
	const struct protect_target target = protect_target(vm, table, slot);
	pte_t leaf = table->entries[slot];

	if (table->unsync)
		return true;
	return target.kind == TARGET_LEAF &&
	       (leaf.raw == target.leaf.raw ||
		leaf.raw == (target.leaf.raw & ~(PTE_W | PTE_D)));
}

/* The list it is in holds together here. */
static bool is_linked(const struct protect_vm *vm, const struct protect_table *table,
		      unsigned slot, uint32_t list)
{
	uint32_t name = (uint32_t)(table - vm->tables) << PTE_INDEX_BITS | slot;
	const struct protect_link *link = &table->links[slot];
	const struct protect_table *other;
	unsigned at;

	if (link->next) {
		other = protect_first(vm, link->next, &at);
		if (!other->links || other->links[at].previous != name)
			return false;
	}
	if (!link->previous)
		return list == name;
	other = protect_first(vm, link->previous, &at);
	return other->links && other->links[at].next == name;
}

static bool may_be_written(const struct protect_vm *vm, gpa_t gpa, unsigned level)
{
	if (level == 0)
		return !protect_frame_is_protected(protect_frame(vm, gpa));
	return protect_region(vm, gpa, level)->tables == 0;
}

static gpa_t gpa_of(const struct guest_memory *memory, hpa_t hpa)
{
	const struct guest_run *run = memory->runs;

	while (!range_within(hpa.raw, 1, run->hpa.raw, run->size))
		run++;
	return GPA(run->gpa.raw + (hpa.raw - run->hpa.raw));
}

static const char *leaf_is_wrong(const struct protect_vm *vm,
				 const struct protect_table *table, unsigned slot)
{
	pte_t leaf = table->entries[slot];
	const char *wrong = form_is_wrong(vm, leaf, table->level);

	if (wrong)
		return wrong;
	if (!is_as_the_guest_says(vm, table, slot))
		return "the guest's table says otherwise";
	if (!(leaf.raw & PTE_W))
		return NULL;
	if (!may_be_written(vm, gpa_of(vm->memory, HPA(pte_address(leaf))), table->level))
		return "it lets a protected frame be written";
	if (!is_linked(vm, table, slot, *protect_writable(vm, leaf, table->level)))
		return "it is not in the list of those that let its frame be written";
	return NULL;
}

/* ---- pointers ---- */

static bool has_unsync(const struct protect_table *table)
{
	uint64_t any = table->unsync;

	for (size_t i = 0; i < ARRAY_LENGTH(table->unsync_below); i++)
		any |= table->unsync_below[i];
	return any != 0;
}

/* The number of the table with that page, by looking at all; 0 if there is none. */
static uint32_t number_at(const struct protect_vm *vm, uint64_t page)
{
	for (uint32_t number = vm->newest; number; number = vm->tables[number].older)
		if ((uintptr_t)vm->tables[number].entries == page)
			return number;
	return 0;
}

/* A leaf of the guest's that was broken up may stay so. */
static bool leads_where_it_should(const struct protect_vm *vm,
				  const struct protect_table *table, unsigned slot,
				  const struct protect_table *below)
{
	const struct protect_target target = protect_target(vm, table, slot);

	if (below->level + 1u != table->level)
		return false;
	if (target.kind == TARGET_TABLE)
		return below->gpa.raw == target.gpa.raw &&
		       below->direct == target.direct && below->flags == target.flags;
	return target.kind == TARGET_LEAF && below->direct &&
	       (below->flags & (PTE_R | PTE_X | PTE_U)) ==
		       (target.leaf.raw & (PTE_R | PTE_X | PTE_U));
}

static const char *pointer_is_wrong(const struct protect_vm *vm,
				    const struct protect_table *table, unsigned slot)
{
	pte_t pointer = table->entries[slot];
	uint32_t number = number_at(vm, pte_address(pointer));
	const struct protect_table *below = &vm->tables[number];

	if (pointer.raw & ~(PTE_PPN | PTE_V))
		return "a bit is set that no pointer has";
	if (!number)
		return "it points to what is no shadow table";
	if (!leads_where_it_should(vm, table, slot, below))
		return "the guest's table leads elsewhere";
	if (!is_linked(vm, table, slot, below->parents))
		return "it is not in the list of those that point there";
	if (has_unsync(below) && !(table->unsync_below[slot / 64] >> slot % 64 & 1))
		return "what is unsync below it is not known";
	return NULL;
}

/* ---- tables ---- */

static const char *entry_is_wrong(const struct protect_vm *vm,
				  const struct protect_table *table, unsigned slot)
{
	pte_t entry = table->entries[slot];

	if (!pte_valid(entry))
		return "V is clear, but not all of it";
	return pte_is_leaf(entry) ? leaf_is_wrong(vm, table, slot)
				  : pointer_is_wrong(vm, table, slot);
}

static const char *frame_is_wrong(const struct protect_vm *vm,
				  const struct protect_table *table)
{
	const struct protect_frame *frame = protect_frame(vm, table->gpa);
	struct protect_table *mirrors[PROTECT_LEVELS];
	unsigned count = protect_find_all(vm, table->gpa, mirrors), unsync = 0;

	if (table->direct)
		return table->unsync ? "it is direct, and unsync" : NULL;
	for (unsigned i = 0; i < count; i++)
		unsync += mirrors[i]->unsync;
	if (frame && (frame->tables != count || frame->unsync != unsync))
		return "its frame counts other tables";
	if (table->unsync && (table->level > 0 || !vm->policy->unsync))
		return "it is unsync";
	for (unsigned level = 1; frame && level <= PROTECT_LARGEST; level++)
		if (protect_region(vm, table->gpa, level)->tables == 0)
			return "the region around it counts no table";
	return NULL;
}

static const char *table_is_wrong(const struct protect_vm *vm,
				  const struct protect_table *table)
{
	const char *wrong = NULL;
	unsigned slot = 0;

	if (!page_is_table(pointer_hpa(table->entries), 0) ||
	    !page_is_taken(pointer_hpa(table->links)))
		return WRONG("shadow table of 0x%lx: it has no pages", table->gpa.raw);
	for (; !wrong && slot < PTE_PER_TABLE; slot++)
		if (table->entries[slot].raw)
			wrong = entry_is_wrong(vm, table, slot);
	if (wrong)
		return WRONG("shadow table of 0x%lx, level %u: entry 0x%lx of slot %u: "
			     "%s",
			     table->gpa.raw, table->level, table->entries[slot - 1].raw,
			     slot - 1, wrong);
	wrong = frame_is_wrong(vm, table);
	return wrong ? WRONG("shadow table of 0x%lx, level %u: %s", table->gpa.raw,
			     table->level, wrong)
		     : NULL;
}

/* The entries of a table take the time: in each turn there are some tables to do. */
static bool is_its_turn(uint32_t number, unsigned turn)
{
	return turn == CHECK_ALL || number % CHECK_TURNS == turn;
}

static const char *tables_are_wrong(const struct protect_vm *vm, unsigned turn)
{
	uint64_t pages = 0;

	for (uint32_t number = vm->newest; number; number = vm->tables[number].older) {
		const char *wrong = NULL;

		pages += 2;
		if (pages > vm->used)
			return WRONG("more tables than the %lu pages in use", vm->used);
		if (is_its_turn(number, turn))
			wrong = table_is_wrong(vm, &vm->tables[number]);
		if (wrong)
			return wrong;
	}
	if (pages != vm->used || vm->used > vm->limit)
		return WRONG("%lu shadow pages in use, %lu in tables, %lu are the limit",
			     vm->used, pages, vm->limit);
	return NULL;
}

/* ---- the vCPU ---- */

static const char *root_is_wrong(const struct protect_vcpu *vcpu)
{
	const struct protect_root *root = vcpu->active;

	if (!root->table || root->table->active == 0)
		return "it is none";
	if (root->bare != (satp_mode(vcpu->satp) == SATP_BARE) ||
	    (!root->bare && root->satp != vcpu->satp))
		return "satp is not what it is for";
	if (root->bare != root->table->direct ||
	    (!root->bare && root->table->gpa.raw != satp_root(root->satp)))
		return "its table is another's";
	if (!asid_tag_is_valid(&root->tag))
		return "its ASID belongs to another, or to another hart";
	if (!arch_shadow_root_is(protect_root_mode(root),
				 pointer_hpa(root->table->entries), root->tag.asid))
		return "it is not what the hart walks";
	return NULL;
}

const char *protect_check(const struct vcpu *vcpu, unsigned turn)
{
	const struct protect_vcpu *state = vcpu->paging;
	const char *wrong;

	spin_lock_take(&state->vm->lock);
	wrong = root_is_wrong(state);
	if (wrong)
		wrong = WRONG("the root of satp 0x%lx: %s", state->satp, wrong);
	else if (state->vm->must_fence || state->vm->limbo)
		wrong = WRONG("a fence is due");
	else
		wrong = tables_are_wrong(state->vm, turn);
	spin_lock_give(&state->vm->lock);
	return wrong;
}

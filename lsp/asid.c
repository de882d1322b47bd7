/* SPDX-License-Identifier: BSD-2-Clause */
/* Real ASIDs and real fences. See asid.h. */
#include "lsp/asid.h"
#include "arch/riscv/layout.h"
#include "core/arch.h"

static struct {
	uint64_t generation;
	unsigned next;
} harts_asids[HART_LIMIT];

static unsigned bits_left_out;

unsigned asid_bits(void)
{
	return arch_asid_bits() - bits_left_out;
}

enum status asid_bits_limit(unsigned bits)
{
	if (bits > arch_asid_bits())
		return STATUS_UNSUPPORTED;
	bits_left_out = arch_asid_bits() - bits;
	return STATUS_OK;
}

/* ASID 0 is left to translations that are not ours, unless there is no other. */
static unsigned first_asid(void)
{
	return asid_bits() > 0 ? 1 : 0;
}

static unsigned last_asid(void)
{
	return (1u << asid_bits()) - 1;
}

bool asid_tag_is_valid(const struct asid_tag *tag)
{
	unsigned hart = arch_hart_index();

	return tag->generation != 0 && tag->hart == hart &&
	       tag->generation == harts_asids[hart].generation;
}

bool asid_tag_renew(struct asid_tag *tag)
{
	unsigned hart = arch_hart_index();
	bool recycled =
		harts_asids[hart].generation == 0 || harts_asids[hart].next > last_asid();

	if (recycled) {
		harts_asids[hart].generation++;
		harts_asids[hart].next = first_asid();
	}
	tag->generation = harts_asids[hart].generation;
	tag->hart = hart;
	tag->asid = harts_asids[hart].next++;
	return recycled;
}

void asid_fence_leaf(struct asid_tag *tag, gva_t gva)
{
	if (asid_tag_is_valid(tag))
		arch_shadow_fence_leaf(gva, tag->asid);
	else
		tag->generation = 0;
}

void asid_fence_tree(struct asid_tag *tag)
{
	if (asid_tag_is_valid(tag))
		arch_shadow_fence_asid(tag->asid);
	else
		tag->generation = 0;
}

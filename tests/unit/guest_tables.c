/* SPDX-License-Identifier: BSD-2-Clause */
/* Guest page tables and the reference for walking them. See guest_tables.h. */
#include "tests/unit/guest_tables.h"

#include <string.h>

#include "tests/unit/host_ram.h"

void guest_ram_single(struct guest_memory *memory, gpa_t base, hpa_t hpa, uint64_t size)
{
	memset(memory, 0, sizeof(*memory));
	memory->base = base;
	memory->size = size;
	memory->run_count = 1;
	memory->runs[0] = (struct guest_run){.gpa = base, .hpa = hpa, .size = size};
}

/* NULL where there is no RAM; looks through the runs by itself. */
static uint64_t *word_at(const struct guest_memory *memory, uint64_t gpa)
{
	for (unsigned i = 0; i < memory->run_count; i++) {
		const struct guest_run *run = &memory->runs[i];

		if (gpa >= run->gpa.raw && gpa - run->gpa.raw < run->size)
			return (uint64_t *)(uintptr_t)(run->hpa.raw + gpa - run->gpa.raw);
	}
	return NULL;
}

void guest_store(struct guest_memory *memory, gpa_t at, uint64_t value)
{
	uint64_t *word = word_at(memory, at.raw);

	assert_non_null(word);
	*word = value;
}

uint64_t guest_load(const struct guest_memory *memory, gpa_t at)
{
	const uint64_t *word = word_at(memory, at.raw);

	assert_non_null(word);
	return *word;
}

gpa_t guest_table(struct guest_tables *tables)
{
	gpa_t table = tables->next;

	assert_true(table.raw < tables->end.raw);
	for (unsigned i = 0; i < 512; i++)
		guest_store(tables->memory, GPA(table.raw + 8 * i), 0);
	tables->next.raw += 4096;
	return table;
}

uint64_t guest_satp(unsigned mode, unsigned asid, gpa_t root)
{
	return (uint64_t)mode << 60 | (uint64_t)asid << 44 | root.raw >> 12;
}

static unsigned vpn(uint64_t gva, unsigned level)
{
	return gva >> (12 + 9 * level) & 0x1ff;
}

gpa_t guest_entry(struct guest_tables *tables, uint64_t satp, gva_t gva, unsigned level)
{
	uint64_t table = (satp & 0xfffffffffff) << 12;

	for (unsigned at = (unsigned)(satp >> 60) - 6; at > level; at--) {
		gpa_t entry = GPA(table + 8 * vpn(gva.raw, at));
		uint64_t pte = guest_load(tables->memory, entry);

		if (!(pte & 1)) {
			pte = guest_table(tables).raw >> 12 << 10 | 1;
			guest_store(tables->memory, entry, pte);
		}
		assert_int_equal(pte & 0xe, 0);
		table = pte >> 10 << 12;
	}
	return GPA(table + 8 * vpn(gva.raw, level));
}

void guest_map(struct guest_tables *tables, uint64_t satp, gva_t gva, gpa_t gpa,
	       uint64_t flags, unsigned level)
{
	guest_store(tables->memory, guest_entry(tables, satp, gva, level),
		    gpa.raw >> 12 << 10 | flags);
}

/* ---- the reference ---- */

/* Step 2 and 3: bits 63:54 and the encodings that are reserved. */
static bool faults_at(uint64_t pte, unsigned level)
{
	bool r = pte & 2, w = pte & 4, x = pte & 8;

	if (!(pte & 1) || (w && !r) || pte >> 54 != 0)
		return true;
	if (r || x)
		return (pte >> 10 & ((UINT64_C(1) << 9 * level) - 1)) != 0;
	return level == 0 || (pte & 0xd0) != 0;
}

static struct reference translate(const struct guest_memory *memory, uint64_t satp,
				  uint64_t gva)
{
	unsigned levels = (unsigned)(satp >> 60) - 5;
	unsigned top = 12 + 9 * levels - 1;
	uint64_t a = (satp & 0xfffffffffff) << 12;
	int64_t high = (int64_t)gva >> top;

	if (high != 0 && high != -1)
		return (struct reference){.outcome = OUTCOME_PAGE_FAULT};
	for (unsigned i = levels - 1;; i--) {
		const gpa_t at = GPA(a + 8 * vpn(gva, i));
		const uint64_t *word = word_at(memory, at.raw);
		uint64_t below = (UINT64_C(1) << (12 + 9 * i)) - 1;
		uint64_t pte;
		gpa_t gpa;

		if (!word)
			return (struct reference){.outcome = OUTCOME_ACCESS_FAULT,
						  .gpa = at};
		pte = *word;
		if (faults_at(pte, i))
			return (struct reference){.outcome = OUTCOME_PAGE_FAULT};
		a = (pte >> 10 & 0xfffffffffff) << 12;
		if ((pte & 0xe) == 0)
			continue;
		gpa = GPA((a & ~below) | (gva & below));
		return (struct reference){
			.outcome = word_at(memory, gpa.raw) ? OUTCOME_FILLED
							    : OUTCOME_DEVICE,
			.gpa = gpa,
			.pte = pte,
			.level = i,
		};
	}
}

bool reference_permits(uint64_t pte, const struct access *access)
{
	bool r = pte & 2, w = pte & 4, x = pte & 8, u = pte & 0x10;

	if (access->user && !u)
		return false;
	if (!access->user && u && access->kind == ACCESS_FETCH)
		return false;
	if (!access->user && u && !access->sum)
		return false;
	if (access->kind == ACCESS_FETCH)
		return x;
	if (access->kind == ACCESS_LOAD)
		return access->mxr ? r || x : r;
	return w;
}

uint64_t reference_marks(const struct access *access)
{
	return access->kind == ACCESS_STORE ? 0xc0 : 0x40;
}

struct reference reference_walk_svadu(const struct guest_memory *memory, uint64_t satp,
				      const struct access *access)
{
	struct reference reference;

	if (satp >> 60 == 0)
		return (struct reference){
			.outcome = word_at(memory, access->gva.raw) ? OUTCOME_FILLED
								    : OUTCOME_DEVICE,
			.gpa = GPA(access->gva.raw),
		};
	reference = translate(memory, satp, access->gva.raw);
	if (reference.pte && !reference_permits(reference.pte, access))
		return (struct reference){.outcome = OUTCOME_PAGE_FAULT};
	return reference;
}

struct reference reference_walk(const struct guest_memory *memory, uint64_t satp,
				const struct access *access)
{
	struct reference reference = reference_walk_svadu(memory, satp, access);

	if (reference.pte && (~reference.pte & reference_marks(access)))
		return (struct reference){.outcome = OUTCOME_PAGE_FAULT};
	return reference;
}

struct reference reference_leaf(const struct guest_memory *memory, uint64_t satp,
				gva_t gva)
{
	return translate(memory, satp, gva.raw);
}

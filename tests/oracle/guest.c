/* SPDX-License-Identifier: BSD-2-Clause */
/* The guests of the oracle. See guest.h. */
#include "tests/oracle/guest.h"

#include <string.h>

#include "tests/unit/host_ram.h"

/* Bits of a PTE, by the privileged specification; none of Gnomon's names. */
#define V 0x001u
#define R 0x002u
#define W 0x004u
#define X 0x008u
#define U 0x010u
#define G 0x020u
#define A 0x040u
#define D 0x080u

#define OUTSIDE UINT64_C(0x10000000) /* where guests have a UART */

/* The level of each table, as a guest that means well would use it. */
static const uint8_t table_levels[ORACLE_TABLES] = {4, 3, 3, 2, 2, 2, 2, 1, 1, 1,
						    1, 1, 0, 0, 0, 0, 0, 0, 0, 0};

/* First table of a level, and how many. */
static const struct {
	uint8_t first, count;
} tables_of_level[] = {{12, 8}, {7, 5}, {3, 4}, {1, 2}, {0, 1}};

static const uint16_t slots[STORE_SLOTS] = {0, 1, 2, 3, 511};

static uint64_t table_gpa(unsigned table)
{
	/* Two of them at the end of RAM, and at the end of a run. */
	if (table == ORACLE_TABLES - 1)
		return ORACLE_RAM_BASE + ORACLE_RAM_SIZE - PAGE_SIZE;
	if (table == ORACLE_TABLES - 2)
		return ORACLE_RAM_BASE + 2 * MIB - PAGE_SIZE;
	return ORACLE_RAM_BASE + table * PAGE_SIZE;
}

/* ---- RAM ---- */

/*
 * 2 MiB, 2, 4, 8 ... 512 MiB, 1 GiB. The first is aligned for a leaf of 1 GiB but
 * too short for one, the last has the length, others are as badly aligned as a
 * run may be.
 */
void guest_ram_map(struct guest_memory *memory, bool aligned)
{
	uint64_t offset = 0;

	*memory = (struct guest_memory){.base = GPA(ORACLE_RAM_BASE),
					.size = ORACLE_RAM_SIZE};
	while (offset < ORACLE_RAM_SIZE) {
		uint64_t size = offset ? offset : 2 * MIB;
		bool shifted = size == GIB ? !aligned : memory->run_count % 2 != 0;
		uint64_t shift = shifted ? 2 * MIB : 0;

		memory->runs[memory->run_count++] = (struct guest_run){
			.gpa = GPA(ORACLE_RAM_BASE + offset),
			.hpa = HPA(host_ram_map(size + shift, GIB).raw + shift),
			.size = size,
		};
		offset += size;
	}
}

bool guest_is_ram(uint64_t gpa, uint64_t size)
{
	return gpa >= ORACLE_RAM_BASE && size <= ORACLE_RAM_SIZE &&
	       gpa - ORACLE_RAM_BASE <= ORACLE_RAM_SIZE - size;
}

hpa_t guest_host_address(const struct guest *guest, uint64_t gpa)
{
	for (unsigned i = 0; i < guest->memory->run_count; i++) {
		const struct guest_run *run = &guest->memory->runs[i];

		if (gpa - run->gpa.raw < run->size)
			return HPA(run->hpa.raw + (gpa - run->gpa.raw));
	}
	fail_msg("no RAM at 0x%lx", gpa);
	return HPA(0);
}

static unsigned table_at(uint64_t gpa)
{
	uint64_t page = (gpa - ORACLE_RAM_BASE) / PAGE_SIZE;
	unsigned table = ORACLE_TABLES - 2;

	if (page < table)
		return (unsigned)page;
	while (table < ORACLE_TABLES && gpa - table_gpa(table) >= PAGE_SIZE)
		table++;
	return table;
}

bool guest_is_table(uint64_t gpa)
{
	return table_at(gpa) < ORACLE_TABLES;
}

uint64_t guest_read(const struct guest *guest, uint64_t gpa)
{
	unsigned table = table_at(gpa);

	return table < ORACLE_TABLES ? guest->tables[table][gpa % PAGE_SIZE / 8] : 0;
}

static void write_pte(struct guest *guest, unsigned table, unsigned slot, uint64_t pte)
{
	guest->tables[table][slot] = pte;
	guest->entries[table][slot] = pte;
}

/* Nothing is ever written but the slots; see guest_is_unchanged() for the others. */
bool guest_find_change(const struct guest *guest, uint64_t *gpa, uint64_t *value)
{
	for (unsigned table = 0; table < ORACLE_TABLES; table++)
		for (unsigned i = 0; i < ARRAY_LENGTH(slots); i++) {
			*value = guest->entries[table][slots[i]];
			*gpa = table_gpa(table) + slots[i] * sizeof(uint64_t);
			if (*value != guest->tables[table][slots[i]])
				return true;
		}
	return false;
}

uint64_t guest_address_of(const struct guest *guest, const void *entry)
{
	uintptr_t at = (uintptr_t)entry;

	for (unsigned table = 0; table < ORACLE_TABLES; table++)
		if (at - (uintptr_t)guest->entries[table] < PAGE_SIZE)
			return table_gpa(table) + (at - (uintptr_t)guest->entries[table]);
	fail_msg("no table at %p", entry);
	return 0;
}

bool guest_is_unchanged(const struct guest *guest, uint64_t *gpa)
{
	for (unsigned table = 0; table < ORACLE_TABLES; table++) {
		*gpa = table_gpa(table);
		if (memcmp(guest->entries[table], guest->tables[table], PAGE_SIZE) != 0)
			return false;
	}
	return true;
}

/* The slots are all that was ever written. */
void guest_create(struct guest *guest, struct guest_memory *memory, uint32_t modes)
{
	guest->memory = memory;
	guest->modes = modes;
	for (unsigned table = 0; table < ORACLE_TABLES; table++) {
		hpa_t hpa = guest_host_address(guest, table_gpa(table));

		guest->entries[table] = hpa_pointer(hpa);
		for (unsigned i = 0; i < ARRAY_LENGTH(slots); i++)
			write_pte(guest, table, slots[i], 0);
	}
}

/* ---- choices ---- */

const struct guest_indices guest_indices[5] = {{3, {0, 1, 511}},
					       {3, {0, 1, 511}},
					       {3, {2, 3, 511}},
					       {2, {0, 511}},
					       {2, {0, 511}}};

gva_t guest_address(unsigned number, unsigned offset)
{
	uint64_t address = offset % PAGE_SIZE;

	for (unsigned level = 0; level < ARRAY_LENGTH(guest_indices); level++) {
		const struct guest_indices *indices = &guest_indices[level];

		address |= (uint64_t)indices->at[number % indices->count]
			   << (12 + 9 * level);
		number /= indices->count;
	}
	/* Bits 63:57 as bit 56. */
	return GVA((uint64_t)((int64_t)(address << 7) >> 7));
}

/* RAM at the ends of runs, in the middle, where the tables are, and past it. */
uint64_t guest_physical(unsigned number)
{
	static const uint32_t offsets[] = {
		0,	    0x00200000, 0x00400000, 0x00800000, 0x01000000, 0x10000000,
		0x20000000, 0x3fe00000, 0x40000000, 0x40200000, 0x7fe00000, 0x7ffff000,
		0x00203000, 0x40001000, 0x001ff000, 0x3ffff000};

	return ORACLE_RAM_BASE + offsets[number % ARRAY_LENGTH(offsets)];
}

/* Devices, nothing, and what differs from RAM in one upper bit only. */
static uint64_t outer_physical(unsigned number)
{
	static const uint64_t addresses[] = {
		OUTSIDE,
		0,
		ORACLE_RAM_BASE + ORACLE_RAM_SIZE,
		UINT64_C(0xfffffffffff000),
		ORACLE_RAM_BASE + 3 * PAGE_SIZE + (UINT64_C(1) << 40),
		ORACLE_RAM_BASE + 3 * PAGE_SIZE + (UINT64_C(1) << 52),
	};

	return addresses[number % ARRAY_LENGTH(addresses)];
}

/* 0 to 7, then some that differ from 0 or 1 in one upper bit. */
uint16_t guest_asid(unsigned number)
{
	static const uint16_t asids[ORACLE_ASIDS] = {
		0,	1,	2,	3,	4,	5,	6,	7,
		0x0100, 0x0200, 0x0401, 0x0800, 0x1000, 0x4000, 0x8001, 0xffff};

	return asids[number % ORACLE_ASIDS];
}

static uint64_t satp_of(unsigned mode, unsigned asid, uint64_t root)
{
	return (uint64_t)mode << 60 | (uint64_t)asid << 44 | root >> 12;
}

static uint64_t root_of_level(unsigned level, unsigned number)
{
	return table_gpa(tables_of_level[level].first +
			 number % tables_of_level[level].count);
}

uint64_t guest_choose_satp(const struct operation *operation)
{
	unsigned asid = guest_asid(operation->b), number = operation->c;

	switch ((enum satp_choice)SATP_CHOICE(operation)) {
	case CHOOSE_BARE:
		return 0;
	case CHOOSE_SV48:
		return satp_of(9, asid, root_of_level(3, number));
	case CHOOSE_SV57:
		return satp_of(10, asid, root_of_level(4, number));
	case CHOOSE_UNSUPPORTED:
		return satp_of(number % 2 ? 5 : 11, asid, root_of_level(2, number));
	case CHOOSE_ANY_TABLE:
		return satp_of(8, asid, table_gpa(number % ORACLE_TABLES));
	case CHOOSE_OUTER:
		return satp_of(8, asid, outer_physical(number));
	case CHOOSE_SV39:
	case CHOOSE_SV39_TOO:
		break;
	}
	return satp_of(8, asid, root_of_level(2, number));
}

static uint64_t pte_of(uint64_t gpa, uint64_t flags)
{
	return gpa >> 12 << 10 | flags;
}

static uint64_t leaf_flags(unsigned bits)
{
	uint64_t flags = V | (bits & 0x3feu);

	if (!(flags & (R | X)))
		flags |= R;
	if (flags & W)
		flags |= R;
	return flags;
}

static uint64_t pointer(const struct operation *operation, unsigned level)
{
	/* G is inherited by all that is below. */
	uint64_t flags = V | (operation->c & 0x320u);

	return pte_of(root_of_level(level ? level - 1 : 0, operation->d), flags);
}

uint64_t guest_make_pte(const struct operation *operation)
{
	unsigned level = table_levels[operation->a % ORACLE_TABLES];
	uint64_t span = PAGE_SIZE << 9 * level;
	uint64_t page = guest_physical(operation->d), to = align_down(page, span);
	uint64_t flags = leaf_flags(operation->c);

	switch (STORE_FORM(operation)) {
	case FORM_ZERO:
		return 0;
	case FORM_INVALID:
		return pte_of(to, flags & ~V);
	case FORM_POINTER:
		return pointer(operation, level);
	case FORM_ANY_POINTER:
		return pte_of(table_gpa(operation->d % ORACLE_TABLES), V);
	case FORM_BAD_POINTER:
		return pointer(operation, level) |
		       (const unsigned[]){U, A, D, U | A | D}[operation->d % 4];
	case FORM_OUTER_POINTER:
		return pte_of(outer_physical(operation->d), V);
	case FORM_MISALIGNED:
		return pte_of(page + PAGE_SIZE, flags);
	case FORM_WRITE_ONLY:
		return pte_of(to, (flags | W) & ~(uint64_t)R);
	case FORM_HIGH_BIT:
		return pte_of(to, flags) | UINT64_C(1) << (54 + operation->d % 10);
	case FORM_OUTER_LEAF:
		return pte_of(align_down(outer_physical(operation->d), span), flags);
	case FORM_LEAF:
	case FORM_LIMIT:
		break;
	}
	return pte_of(to, flags);
}

uint64_t guest_change_pte(uint64_t pte, unsigned number)
{
	const uint64_t changed[] = {
		0,
		pte & ~(uint64_t)V,
		pte ^ UINT64_C(0x100), /* RSW, which is software's */
		pte ^ UINT64_C(0x200),
		pte & ~(uint64_t)W,
		pte ^ U,
		pte ^ UINT64_C(0x400), /* the PPN's lowest bit */
		pte | A | D,
	};

	return changed[number % ARRAY_LENGTH(changed)];
}

void guest_note(struct guest *guest, uint64_t gpa, uint64_t value)
{
	guest->tables[table_at(gpa)][gpa % PAGE_SIZE / 8] = value;
}

gpa_t guest_note_store(struct guest *guest, const struct operation *operation)
{
	unsigned table = operation->a % ORACLE_TABLES;
	unsigned slot = slots[STORE_SLOT(operation)];

	guest->tables[table][slot] = guest_make_pte(operation);
	return GPA(table_gpa(table) + slot * sizeof(uint64_t));
}

void guest_write(const struct guest *guest, gpa_t gpa, uint64_t value)
{
	uint64_t *memory = hpa_pointer(guest_host_address(guest, gpa.raw));

	*memory = value;
}

void guest_build(struct guest *guest)
{
	for (unsigned table = 0; table < ORACLE_TABLES; table++)
		for (unsigned slot = 0; slot < ARRAY_LENGTH(slots); slot++) {
			unsigned form = table_levels[table] ? FORM_POINTER : FORM_LEAF;
			struct operation store = {
				.a = (uint8_t)table,
				.b = (uint8_t)(slot | form << 3),
				.c = (uint16_t)(R | W | X | A | D | (table % 3 ? 0 : U)),
				.d = (uint16_t)(table + slot),
			};

			if (form == FORM_LEAF)
				store.c |= G;
			guest_write(guest, guest_note_store(guest, &store),
				    guest_make_pte(&store));
		}
}

/* What sfence.vma and SBI can say: a page, or a range that does not wrap. */
struct fence guest_make_fence(const struct operation *operation)
{
	static const uint64_t pages[] = {0, 1, 2, 62, 63, 64, 512, UINT64_C(1) << 20};
	struct fence fence = {
		.has_address = FENCE_HAS_ADDRESS(operation),
		.start = guest_address(operation->c, 0),
		.size = PAGE_SIZE,
		.has_asid = FENCE_HAS_ASID(operation),
		.asid = guest_asid(operation->b),
	};
	uint64_t size = pages[operation->d >> 12 & 7] * PAGE_SIZE;

	/* As much as a page more, or whole pages. */
	if (operation->d & 1)
		size += operation->d / 8u % PAGE_SIZE + 1;
	if (!FENCE_IS_RANGE(operation) ||
	    fence.start.raw > ~UINT64_C(0) - size - 2 * PAGE_SIZE)
		return fence;
	/* From anywhere in the first page, or from its start. */
	if (operation->d & 2)
		fence.start.raw += operation->d % PAGE_SIZE;
	fence.size = size;
	return fence;
}

struct access guest_make_access(const struct operation *operation, bool bare)
{
	gva_t gva = guest_address(operation->c, operation->d & ~7u);

	/* An address without translation is physical. */
	if (bare)
		gva = GVA(((operation->b & 0x38) == 0 ? outer_physical(operation->c)
						      : guest_physical(operation->c)) |
			  (operation->d & 0xff8));
	return (struct access){
		.gva = gva,
		.kind = ACCESS_KIND(operation),
		.user = ACCESS_USER(operation),
		.sum = ACCESS_SUM(operation),
		.mxr = ACCESS_MXR(operation),
	};
}

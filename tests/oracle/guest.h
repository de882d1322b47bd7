/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guests of the oracle: where their RAM and their page tables are, and
 * which addresses, ASIDs and PTEs the fields of an operation choose among. Few
 * of each, so that operations meet.
 *
 * The contents of the tables are kept here as the guest wrote them, apart from
 * the memory that the engine reads, which must never differ from them but for what
 * the engine may set for the guest: see guest_find_change().
 */
#ifndef TESTS_ORACLE_GUEST_H
#define TESTS_ORACLE_GUEST_H

#include "core/types.h"
#include "mm/access.h"
#include "mm/guest_memory.h"
#include "mm/paging.h"
#include "tests/oracle/operation.h"

#define ORACLE_TABLES	 20
#define ORACLE_ADDRESSES 108 /* of 3 x 3 x 3 x 2 x 2 indices, lowest level first */
#define ORACLE_ASIDS	 16
#define ORACLE_RAM_BASE	 UINT64_C(0x80000000)
#define ORACLE_RAM_SIZE	 (2 * GIB)

struct guest {
	struct guest_memory *memory;
	uint32_t modes; /* bit n: satp.MODE n is supported */
	uint64_t tables[ORACLE_TABLES][512];
	uint64_t *entries[ORACLE_TABLES]; /* the same, as the engine reads them */
};

/*
 * RAM in runs of many sizes, not all of them aligned alike in the host (aligned:
 * but the largest), mapped once and used by every guest after another.
 */
void guest_ram_map(struct guest_memory *memory, bool aligned);
void guest_create(struct guest *guest, struct guest_memory *memory, uint32_t modes);

/* The guest's way to memory: of RAM, only the tables are ever written. */
bool guest_is_ram(uint64_t gpa, uint64_t size);
bool guest_is_table(uint64_t gpa);
uint64_t guest_read(const struct guest *guest, uint64_t gpa);
hpa_t guest_host_address(const struct guest *guest, uint64_t gpa);

/*
 * A store that the guest makes: where it goes. The memory that the engine reads is
 * written by whoever carries it out.
 */
gpa_t guest_note_store(struct guest *guest, const struct operation *operation);
/* The same, of any value; gpa is an entry's. */
void guest_note(struct guest *guest, uint64_t gpa, uint64_t value);
void guest_write(const struct guest *guest, gpa_t gpa, uint64_t value);

/* An ordinary tree below every root, as a guest has one that runs. */
void guest_build(struct guest *guest);

/* A PTE that memory has otherwise than it was noted; false: there is none. */
bool guest_find_change(const struct guest *guest, uint64_t *gpa, uint64_t *value);

/* Where in the guest's memory an entry of its tables is that the engine has found. */
uint64_t guest_address_of(const struct guest *guest, const void *entry);

/* What one of a guest's other harts may make of a PTE meanwhile. */
uint64_t guest_change_pte(uint64_t pte, unsigned number);

/* False, and where, if the tables in memory are not what the guest wrote. */
bool guest_is_unchanged(const struct guest *guest, uint64_t *gpa);

/* What all addresses are made of: the indices of a level, in order. */
struct guest_indices {
	unsigned count;
	uint16_t at[3];
};

extern const struct guest_indices guest_indices[5];

/* What the fields choose. */
gva_t guest_address(unsigned number, unsigned offset);
uint64_t guest_physical(unsigned number);
uint16_t guest_asid(unsigned number);
uint64_t guest_choose_satp(const struct operation *operation);
uint64_t guest_make_pte(const struct operation *operation);
struct fence guest_make_fence(const struct operation *operation);
struct access guest_make_access(const struct operation *operation, bool bare);

#endif

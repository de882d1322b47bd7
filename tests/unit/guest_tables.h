/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's page tables, as a test writes them, and what the specification says
 * of them: a reference for the walker, written from the text of "Virtual
 * Address Translation Process" and sharing no code with it.
 */
#ifndef TESTS_UNIT_GUEST_TABLES_H
#define TESTS_UNIT_GUEST_TABLES_H

#include "mm/access.h"
#include "mm/guest_memory.h"
#include "mm/pte.h"

/* RWX leaves of a supervisor that need nothing set later. */
#define GUEST_RWX (PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D)

/* Tables are taken from [next, end) of the guest's RAM, one after another. */
struct guest_tables {
	struct guest_memory *memory;
	gpa_t next;
	gpa_t end;
};

/* One run of RAM of the guest's at base; nothing is zeroed or counted. */
void guest_ram_single(struct guest_memory *memory, gpa_t base, hpa_t hpa, uint64_t size);

void guest_store(struct guest_memory *memory, gpa_t at, uint64_t value);
uint64_t guest_load(const struct guest_memory *memory, gpa_t at);

/* A fresh, empty table. */
gpa_t guest_table(struct guest_tables *tables);

/* satp of a root table. */
uint64_t guest_satp(unsigned mode, unsigned asid, gpa_t root);

/*
 * Where the entry of that level for gva is, below the root in satp; missing
 * tables are made. What is there on the way must be a pointer or invalid.
 */
gpa_t guest_entry(struct guest_tables *tables, uint64_t satp, gva_t gva, unsigned level);

/* Map gva to gpa with one leaf. */
void guest_map(struct guest_tables *tables, uint64_t satp, gva_t gva, gpa_t gpa,
	       uint64_t flags, unsigned level);

/* What the specification says an access comes to. */
struct reference {
	enum outcome outcome; /* FILLED, PAGE_FAULT, ACCESS_FAULT or DEVICE */
	gpa_t gpa;	      /* ACCESS_FAULT: of the entry that is in no RAM */
	uint64_t pte;
	unsigned level;
};

/* To a hart that leaves A and D to the guest (Svade), and to one that sets them. */
struct reference reference_walk(const struct guest_memory *memory, uint64_t satp,
				const struct access *access);
struct reference reference_walk_svadu(const struct guest_memory *memory, uint64_t satp,
				      const struct access *access);

/* The same, for whoever may access it, whatever A and D are. Not for Bare. */
struct reference reference_leaf(const struct guest_memory *memory, uint64_t satp,
				gva_t gva);

/* Whether a leaf lets an access through, whatever A and D are. */
bool reference_permits(uint64_t pte, const struct access *access);

/* Those of A and D that an access needs. */
uint64_t reference_marks(const struct access *access);

#endif

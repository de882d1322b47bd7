/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The model: which translations the TLB of one guest hart may legally hold.
 * Written from the privileged specification alone ("Virtual Address Translation
 * Process", "Supervisor Memory-Management Fence Instruction"); nothing here is
 * shared with the engine.
 *
 * MODEL_ISA allows all that the ISA does: any PTE, leaf or not, valid or not,
 * that a walk could have read since the last fence that covers it, found again
 * by ASID. MODEL_PROMISE is what Gnomon holds itself to, a part of that: leaves
 * of whole walks only, found again only under the very same satp, or, where they have
 * G themselves, the same MODE; and faults by the tables as they are.
 *
 * Where the harts set A and D (Svadu), a leaf is used for an access once its PTE in
 * memory has the bits for it, and it may get them then and no sooner: such PTEs are
 * the marks of an access.
 */
#ifndef TESTS_ORACLE_MODEL_H
#define TESTS_ORACLE_MODEL_H

#include "tests/oracle/guest.h"

#define MODEL_LIMIT   8192
#define MODEL_BUCKETS 1024
#define LEGAL_LIMIT   128
#define MARK_LIMIT    64

enum model_strength { MODEL_PROMISE, MODEL_ISA };

/* One PTE that the hart may have kept. */
struct kept {
	uint64_t satp; /* in force when it was read */
	uint64_t prefix;
	uint64_t pte;
	uint8_t level;
	bool global;
	int next;
};

struct model {
	const struct guest *guest;
	enum model_strength strength;
	bool svadu;
	uint64_t satp;
	unsigned count;
	int buckets[MODEL_BUCKETS];
	struct kept kept[MODEL_LIMIT];
};

/* What an access may come to. */
struct legal {
	bool page_fault;
	bool access_fault;
	unsigned count;
	struct {
		uint64_t gpa;
		bool now; /* by the tables as they are */
	} reaches[LEGAL_LIMIT];
	unsigned mark_count;
	struct {
		uint64_t at;   /* the PTE's gpa */
		uint64_t bits; /* those that it lacks */
		uint64_t gpa;  /* reached with them */
	} marks[MARK_LIMIT];
};

/* A hart after reset: satp Bare, nothing kept. */
void model_reset(struct model *model, const struct guest *guest,
		 enum model_strength strength, bool svadu);

/* csrw satp; an unsupported MODE changes nothing. */
void model_satp(struct model *model, uint64_t satp);

/* The hart may walk at any time: called after every store of any hart. */
void model_walk_ahead(struct model *model);

void model_fence(struct model *model, const struct fence *fence);

/* Whether it is time that the guest fences everything: there is no more room. */
bool model_is_full(const struct model *model);

/* Whether a PTE with V and a leaf's bits permits an access, whatever A and D are. */
bool model_permits(uint64_t pte, const struct access *access);

#define MODEL_A UINT64_C(0x40)

void model_access(struct model *model, const struct access *access, struct legal *legal);

#endif

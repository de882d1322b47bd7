/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What guests and the hypervisor do to the shadow engine, as plain data: eight
 * bytes an operation. Any eight bytes are one, so that a fuzzer may write them,
 * and a sequence with some left out is a sequence, so that a failing one can be
 * shrunk. What the fields choose among stands in guest.h.
 */
#ifndef TESTS_ORACLE_OPERATION_H
#define TESTS_ORACLE_OPERATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum operation_kind {
	OPERATION_STORE,	/* a PTE into a table of the vCPU's VM */
	OPERATION_SATP,		/* csrw satp */
	OPERATION_FENCE,	/* sfence.vma */
	OPERATION_REMOTE_FENCE, /* SBI RFENCE, to any of the VM's vCPUs */
	OPERATION_ACCESS,	/* load, store or fetch */
	OPERATION_READ,		/* Gnomon reads an instruction of the guest's */
	OPERATION_MOVE,		/* the vCPU goes to another hart */
	OPERATION_PUT,		/* the vCPU is descheduled */
	OPERATION_RESTART,	/* its VM is destroyed and made anew */
	OPERATION_SCARCITY,	/* the next operation finds few pages, or none */
	OPERATION_KINDS,
};

struct operation {
	uint8_t kind;
	uint8_t vcpu;
	uint8_t a;
	uint8_t b;
	uint16_t c;
	uint16_t d;
};

/* The operation's kind, whatever the byte. */
static inline enum operation_kind operation_kind(const struct operation *operation)
{
	return (enum operation_kind)(operation->kind % OPERATION_KINDS);
}

/* Fields of OPERATION_STORE: a is the table. */
#define STORE_SLOT(operation) (((operation)->b & 7u) % STORE_SLOTS)
#define STORE_FORM(operation) ((enum store_form)(((operation)->b >> 3) % FORM_LIMIT))
#define STORE_HOW(operation)  ((operation)->d >> 13) /* see engine.h */
#define STORE_SLOTS	      5u

enum store_form {
	FORM_ZERO,
	FORM_INVALID,	    /* V = 0 with anything else set */
	FORM_POINTER,	    /* to a table of the next level */
	FORM_ANY_POINTER,   /* to any table: wrong levels, loops */
	FORM_BAD_POINTER,   /* A, D or U set in a pointer */
	FORM_OUTER_POINTER, /* to no RAM */
	FORM_LEAF,	    /* aligned for the table's level */
	FORM_MISALIGNED,    /* a leaf aligned to 4 KiB only */
	FORM_WRITE_ONLY,    /* W without R */
	FORM_HIGH_BIT,	    /* N, PBMT or a reserved bit */
	FORM_OUTER_LEAF,    /* a leaf to a device, or to nothing */
	FORM_LIMIT,
};

/* Fields of both fences: c is the address's number, b the ASID's, d the length. */
#define FENCE_HAS_ADDRESS(operation) (((operation)->a & 1u) != 0)
#define FENCE_HAS_ASID(operation)    (((operation)->a & 2u) != 0)
#define FENCE_IS_RANGE(operation)    (((operation)->a & 4u) != 0)
#define FENCE_IS_FAST(operation)     (!FENCE_IS_RANGE(operation) && ((operation)->d & 4u))
#define FENCE_IS_AT_ONCE(operation)  (((operation)->a & 8u) != 0)
#define FENCE_TARGETS(operation)     ((operation)->a >> 4)

/* Fields of OPERATION_SATP: b is the ASID's number. */
#define SATP_CHOICE(operation) ((operation)->a & 7u)

enum satp_choice {
	CHOOSE_BARE,
	CHOOSE_SV39,
	CHOOSE_SV39_TOO,
	CHOOSE_SV48,
	CHOOSE_SV57,
	CHOOSE_UNSUPPORTED,
	CHOOSE_ANY_TABLE, /* Sv39 with a root that is no root table */
	CHOOSE_OUTER,	  /* Sv39 with a root outside RAM */
};

/*
 * Fields of OPERATION_ACCESS and OPERATION_READ: c the address's number. One that
 * races faults before, and is handled after, a store that comes next.
 */
#define ACCESS_KIND(operation)	((enum access_kind)((operation)->a % 3u))
#define ACCESS_USER(operation)	(((operation)->b & 1u) != 0)
#define ACCESS_SUM(operation)	(((operation)->b & 2u) != 0)
#define ACCESS_MXR(operation)	(((operation)->b & 4u) != 0)
#define ACCESS_RACES(operation) (((operation)->d & 6u) == 6u)
#define ACCESS_LUCKY(operation) (((operation)->d & 1u) != 0)

/*
 * Where A or D are about to be set for one: how often another hart changes the PTE just
 * before, and what it makes of it the first time.
 */
#define ACCESS_MARK_RACES(operation)                                                     \
	((operation)->d >> 14 == 3 ? 1u + ((operation)->d >> 12 & 3u) : 0u)
#define ACCESS_MARK_CHANGE(operation) ((operation)->b >> 3)

#define ASID_FAVOURITES 3

/* Makes the sequence of a seed, of the shape that guests' own have. */
struct generator {
	uint64_t state; /* never 0 */
	unsigned vcpus; /* of all VMs together */
	bool narrow;	/* few tables, roots, addresses: everything meets */
	bool wide;	/* all ASIDs alike, so that there are many trees */
	bool lasting;	/* no restarts */
	bool global;	/* leaves have G, as a kernel's */
	uint16_t address;
	uint8_t asid;
	uint8_t favourites[ASID_FAVOURITES];
};

void generator_create(struct generator *generator, uint64_t state, unsigned vcpus);

struct operation operation_random(struct generator *generator);

/* One line of words, for whoever reads a failing sequence. */
void operation_print(FILE *out, const struct operation *operation);

#endif

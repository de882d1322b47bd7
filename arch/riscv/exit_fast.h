/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the fast trap vector and its C agree on: which exits it offers, how they came
 * out, the instructions it need not ask about again, and the roots that a write of satp
 * may switch to with no C at all.
 *
 * A struct fast_site says: this instruction, at this pc in the guest's supervisor, is
 * alone and of that kind. A struct fast_root says: with this satp, the hart walks by this
 * vsatp, and the tree behind it has every fence applied. Whoever breaks that clears the
 * roots first. The vector notes which tree it has switched to; its owner asks before
 * anything else.
 */
#ifndef ARCH_RISCV_EXIT_FAST_H
#define ARCH_RISCV_EXIT_FAST_H

/* In the stack frame of vcpu_enter(), behind 13 registers. */
#define HOST_FRAME_VCPU 104

/* How a fault came out in C. */
#define FAST_NOT      0 /* nothing was done: the full save is needed */
#define FAST_AGAIN    1 /* the guest may try again */
#define FAST_INJECTED 2 /* it goes on as its pc, sstatus and hstatus say now */

#define CAUSE_VIRTUAL_INSTRUCTION 22
#define CAUSE_VS_ECALL		  10

/* Access, page and guest-page faults: exception codes 1, 5, 7, 12, 13, 15, 20, 21, 23. */
#define FAST_FAULTS	24
#define FAST_FAULT_MASK 0xb0b0a2

/* How an instruction did, and what is behind it comes next. */
#define FAST_DONE  1
#define FAST_VALUE (-1) /* and rd is another, in the vCPU */

#define FAST_SITE_COUNT	      32
#define FAST_SITE_FOLD	      3
#define FAST_SITE_SHIFT	      5
#define FAST_SITE_PC	      0
#define FAST_SITE_INSTRUCTION 8
#define FAST_SITE_FIRST	      16
#define FAST_SITE_SECOND      24

#define FAST_PATH_COUNT	 128
#define FAST_PATH_SHIFT	 7
#define FAST_PATH_PREFIX 21 /* bits that an address has below it */

#define FAST_LOG_COUNT 64
#define FAST_LOG_SHIFT 4
/* The second half of a struct fence_log_entry, less the ASID. */
#define FAST_LOG_PAGE	   0x001
#define FAST_LOG_PAGE_ASID 0x101

#define FAST_ROOT_COUNT 64
#define FAST_ROOT_SHIFT 5
#define FAST_ROOT_SATP	0
#define FAST_ROOT_VSATP 8
#define FAST_ROOT_TREE	16
#define FAST_ROOT_USED	24

#ifndef __ASSEMBLER__
#include "core/types.h"
#include "mm/pte.h"

/* No instruction is at an odd address: where none is known, pc is this. */
#define FAST_SITE_NOWHERE 1

/*
 * The place of a pc's site. A kernel has a hundred, and runs a handful of them again
 * and again, which are to have places of their own. (The vector does the same.)
 */
static inline unsigned fast_site_index(uint64_t pc)
{
	return (((pc << FAST_SITE_FOLD) + pc) >> FAST_SITE_SHIFT) % FAST_SITE_COUNT;
}

struct fast_site {
	uint64_t pc;
	uint64_t instruction;
	/* Code of the vector: what reads rs1, and where that goes on. */
	uint64_t first;
	uint64_t second;
};

/* How a walk of the guest's tables for 2 MiB went: see lsp/path.h. */
struct fast_path {
	uint64_t prefix; /* of the gva, less 21 bits */
	uint64_t stamp;	 /* struct fast_fences's, when it was walked; 0: never */
	pte_t *shadow;	 /* leaf tables */
	pte_t *guest;	 /* in its RAM */
	uint64_t needed; /* bits of each guest leaf that may be installed */
	pte_t vacant;	 /* the shadow entry where the guest's has V = 0 */
	bool shared;	 /* by trees of all ASIDs */
	bool delegates;	 /* a TLB may hold a fault of the guest's own, from any entry */
	uint8_t more;	 /* pointers beyond two */
	struct {
		const pte_t *at;
		pte_t read;
	} steps[4];
	uint64_t unused; /* to a power of two, for the sake of its index */
};

/* A fence that trees which are not active still have to apply. */
struct fence_log_entry {
	gva_t gva;
	uint8_t pages; /* from there on; 0: all addresses */
	bool has_asid;
	uint8_t unused[4];
	uint16_t asid;
};

/* Guest frames that are one run of host memory. */
struct fast_run {
	uint64_t first, pages;
	uint64_t offset; /* from a guest's PTE to the host's, an addend */
};

/*
 * A fence of a page whose path has the stamp, and whose pointers still read as they
 * did, is done where the trap comes in: the guest's leaf, as it is now, goes into the
 * shadow table, and the fence into the log. Those that no path is for, or whose leaf is
 * none of the run's, are left to the paging mode.
 */
struct fast_fences {
	uint64_t stamp;	    /* 0: no path's */
	uint64_t asid;	    /* satp's, in bits 63:48 */
	uint64_t real_asid; /* that the hart walks with */
	struct fast_run run;
	uint64_t log_head;
	struct fence_log_entry log[FAST_LOG_COUNT];
	struct fast_path paths[FAST_PATH_COUNT];
};

struct fast_root {
	uint64_t satp;
	uint64_t vsatp; /* 0: no root is known here, whatever satp says */
	void *tree;
	uint64_t used; /* fast_switch.switches, when it was last switched to */
};

/*
 * Guests hand out ASIDs one after the other, so that 64 of them have places of their
 * own; where there are none, root tables tell. (The vector does the same.)
 */
static inline unsigned fast_root_index(uint64_t satp)
{
	unsigned asid = satp_asid(satp);

	return (asid != 0 ? asid : satp) % FAST_ROOT_COUNT;
}

struct fast_switch {
	void *tree;    /* switched to since the owner last asked; or NULL */
	uint64_t satp; /* the guest's; others read it: core/vcpu_requests.h */
	uint64_t switches;
	bool any; /* some root is known */
	struct fast_root roots[FAST_ROOT_COUNT];
};
#endif
#endif

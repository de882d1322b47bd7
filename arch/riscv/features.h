/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this machine can do, found by trying it on the boot hart, whose features are
 * read-only afterwards, and tried again on each other one: all that run guests have
 * what the boot hart has. What the device tree claims and only it can tell (stateless
 * extensions, block sizes) is in core/host_fdt.h.
 */
#ifndef ARCH_RISCV_FEATURES_H
#define ARCH_RISCV_FEATURES_H

#include "core/types.h"

struct features {
	bool hypervisor;    /* the H extension, without which seat hs cannot be */
	bool sstc;	    /* guests have a timer of their own, to be relied on */
	uint64_t foreign;   /* seat m: bits of mstatus set by what is none of a guest's */
	bool satp_traps;    /* hstatus.VTVM traps satp accesses */
	bool access_faults; /* a guest's access faults can reach HS-mode */
	hpa_t poison;	    /* a page that no guest can touch, and HS-mode hears of it */
	bool svade;	    /* VS-stage walks fault on A = 0 */
	bool lr_as_store;   /* lr's page faults are reported as a store's, no more */
	bool lr_needs_write;  /* lr faults on a page that is only readable */
	bool stores_as_loads; /* a store's access faults may be reported as a load's */
	bool svinval;
	bool environment;	 /* henvcfg and senvcfg are there */
	bool state_enable;	 /* Smstateen: hstateen0 is there */
	bool cache_block_zero;	 /* henvcfg.CBZE */
	bool cache_block_manage; /* henvcfg.CBCFE and CBIE = flush */
	bool counters;		 /* cycles and instructions are counted */
	bool time;		 /* time can be read */
	bool vector;		 /* V, as guests are shown it */
	unsigned vector_bytes;	 /* of a register that a guest has; 0: there are none */
	uint32_t guest_modes;	 /* vsatp.MODE values, as bits */
	uint32_t gstage_modes;
	unsigned asid_bits;
	unsigned vmid_bits;
};

extern struct features features;

/* What the calling hart has. It runs no guest; what was in its CSRs is lost. */
void features_probe(struct features *found);

/* NULL if that hart can run what this machine's guests expect, or what differs. */
const char *features_difference(const struct features *hart);

#endif

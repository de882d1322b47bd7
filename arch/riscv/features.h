/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What this machine can do, found by trying it on the boot hart. Written once
 * by features_probe(), read-only afterwards. What the device tree claims and
 * only it can tell (stateless extensions, block sizes) is in core/host_fdt.h.
 */
#ifndef ARCH_RISCV_FEATURES_H
#define ARCH_RISCV_FEATURES_H

#include "core/types.h"

struct features {
	bool hypervisor;     /* the H extension, without which seat hs cannot be */
	bool sstc;	     /* guests have a timer of their own, to be relied on */
	bool satp_traps;     /* hstatus.VTVM traps satp accesses */
	bool access_faults;  /* a guest's access faults can reach HS-mode */
	hpa_t poison;	     /* a page that no guest can touch, and HS-mode hears of it */
	bool svade;	     /* VS-stage walks fault on A = 0 */
	bool lr_as_store;    /* lr's page faults are reported as a store's, no more */
	bool lr_needs_write; /* lr faults on a page that is only readable */
	bool stores_as_loads; /* a store's access faults may be reported as a load's */
	bool svinval;
	bool environment;	 /* henvcfg and senvcfg are there */
	bool state_enable;	 /* Smstateen: hstateen0 is there */
	bool cache_block_zero;	 /* henvcfg.CBZE */
	bool cache_block_manage; /* henvcfg.CBCFE and CBIE = flush */
	bool counters;		 /* cycles and instructions are counted */
	bool time;		 /* time can be read */
	uint32_t guest_modes;	 /* vsatp.MODE values, as bits */
	uint32_t gstage_modes;
	unsigned asid_bits;
	unsigned vmid_bits;
};

extern struct features features;

/* denied: an address that the firmware closes to S-mode; 0 if none is known. */
void features_probe(hpa_t denied);

#endif

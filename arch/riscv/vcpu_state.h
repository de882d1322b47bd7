/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of a vCPU that only RISC-V knows: its registers, and what of its
 * CSRs must survive while another vCPU, or none, is on the hart.
 *
 * x and pc are current whenever Gnomon runs. status and hstatus are this
 * vCPU's view of the trap CSRs (privilege it runs at next). The rest is valid
 * only while the vCPU is put, and lives in the hart's CSRs while it is loaded.
 */
#ifndef ARCH_RISCV_VCPU_STATE_H
#define ARCH_RISCV_VCPU_STATE_H

#include "arch/riscv/exit_fast.h"
#include "core/types.h"

struct guest_csrs {
	uint64_t status;  /* vsstatus */
	uint64_t ie;	  /* vsie */
	uint64_t tvec;	  /* vstvec */
	uint64_t scratch; /* vsscratch */
	uint64_t epc;	  /* vsepc */
	uint64_t cause;	  /* vscause */
	uint64_t tval;	  /* vstval */
	uint64_t atp;	  /* vsatp */
	uint64_t timecmp; /* vstimecmp */
	uint64_t vip;	  /* hvip */
	uint64_t counteren;
	uint64_t envcfg;
};

struct float_state {
	uint64_t f[32];
	uint64_t fcsr;
};

/* Of the vector unit, where a guest may have it: see m/vector.h. */
struct vector_state {
	uint64_t start;
	uint64_t type;
	uint64_t length;
	uint64_t csr;
	void *registers; /* 32 of vlenb bytes; NULL: there is none */
};

struct arch_vcpu {
	uint64_t x[32]; /* x[0] stays 0 */
	uint64_t pc;
	uint64_t status;
	uint64_t hstatus;
	uint64_t host_sp;
	uint64_t host_tp;
	uint64_t exit_vector;
	bool loaded;		    /* its CSRs are in a hart */
	uint64_t time_delta;	    /* guest time = host time + time_delta */
	struct fast_fences *fences; /* NULL: the paging mode has none */
	struct fast_site sites[FAST_SITE_COUNT];
	struct fast_switch fast; /* large: what the vector reaches is before its end */
	struct guest_csrs csrs;
	struct float_state fp;
	struct vector_state vector;
	uint64_t trapped_counters; /* bits of hcounteren to be clear */
};

#endif

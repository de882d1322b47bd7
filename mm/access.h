/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One access of a guest to memory, and what its translation came to. The
 * paging modes answer in these terms; exit dispatch turns the answer into a
 * fault for the guest, an emulated device access or a retry.
 */
#ifndef MM_ACCESS_H
#define MM_ACCESS_H

#include "core/types.h"

enum access_kind { ACCESS_FETCH, ACCESS_LOAD, ACCESS_STORE };

/* What permission checks depend on: the effective privilege and sstatus. */
struct access {
	gva_t gva;
	enum access_kind kind;
	bool user;
	bool sum;
	bool mxr;
};

enum outcome {
	OUTCOME_FILLED,	       /* the tables are right now: try again */
	OUTCOME_PAGE_FAULT,    /* the guest's own tables forbid it */
	OUTCOME_ACCESS_FAULT,  /* nothing is at that physical address */
	OUTCOME_DEVICE,	       /* no RAM: perhaps a device, at gpa */
	OUTCOME_NO_MEMORY,     /* Gnomon cannot hold even one translation */
	OUTCOME_EMULATE_STORE, /* RAM, at gpa, that the guest may not store to itself */
	OUTCOME_UNPROTECTED,   /* it may now: try again */
};

struct translation {
	enum outcome outcome;
	gpa_t gpa;
};

/* Exception codes, privileged specification, "Supervisor Cause Register". */
enum exception {
	EXCEPTION_FETCH_ACCESS = 1,
	EXCEPTION_ILLEGAL_INSTRUCTION = 2,
	EXCEPTION_BREAKPOINT = 3,
	EXCEPTION_LOAD_MISALIGNED = 4,
	EXCEPTION_LOAD_ACCESS = 5,
	EXCEPTION_STORE_MISALIGNED = 6,
	EXCEPTION_STORE_ACCESS = 7,
	EXCEPTION_USER_ECALL = 8,
	EXCEPTION_HS_ECALL = 9,
	EXCEPTION_VS_ECALL = 10,
	EXCEPTION_FETCH_PAGE = 12,
	EXCEPTION_LOAD_PAGE = 13,
	EXCEPTION_STORE_PAGE = 15,
	EXCEPTION_FETCH_GUEST_PAGE = 20,
	EXCEPTION_LOAD_GUEST_PAGE = 21,
	EXCEPTION_VIRTUAL_INSTRUCTION = 22,
	EXCEPTION_STORE_GUEST_PAGE = 23,
};

static inline enum exception page_fault_of(enum access_kind kind)
{
	static const enum exception causes[] = {
		[ACCESS_FETCH] = EXCEPTION_FETCH_PAGE,
		[ACCESS_LOAD] = EXCEPTION_LOAD_PAGE,
		[ACCESS_STORE] = EXCEPTION_STORE_PAGE,
	};
	return causes[kind];
}

static inline enum exception access_fault_of(enum access_kind kind)
{
	static const enum exception causes[] = {
		[ACCESS_FETCH] = EXCEPTION_FETCH_ACCESS,
		[ACCESS_LOAD] = EXCEPTION_LOAD_ACCESS,
		[ACCESS_STORE] = EXCEPTION_STORE_ACCESS,
	};
	return causes[kind];
}

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bench for the write-protecting modes: a VM with vCPUs on fake harts, whose guest
 * loads and stores by virtual addresses, through the fake TLB and, where that may
 * fault, through the paging mode, as exits would have it.
 *
 * 8 MiB of RAM, the first 2 MiB for tables, all of it mapped at WINDOW, with large
 * leaves or with small ones. What is mapped before the first access goes straight to
 * memory; what comes later has to be stored by the guest.
 */
#ifndef TESTS_UNIT_PROTECT_BENCH_H
#define TESTS_UNIT_PROTECT_BENCH_H

#include "core/vm.h"
#include "lsp/protect.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/fake_pages.h"
#include "tests/unit/guest_tables.h"
#include "tests/unit/host_ram.h"

#define BENCH_RAM_SIZE	 (8 * MIB)
#define BENCH_TABLE_SIZE (2 * MIB)
#define WINDOW		 UINT64_C(0x40000000)
#define FREE_GVA	 GVA(0x10000000) /* nothing is mapped here at first */

struct bench {
	struct vm vm;
	struct guest_tables tables;
	uint64_t satp;
};

/* Level of the window's leaves: 0 or 1. The first vCPU is loaded on hart 0. */
void bench_create(struct bench *bench, const struct paging_mode *mode, unsigned vcpus,
		  unsigned window_level);
void bench_destroy(struct bench *bench);

struct vcpu *bench_vcpu(struct bench *bench, unsigned number);
struct protect_vm *bench_state(struct bench *bench);

/* Run the guest's code on that vCPU from here on, which is on the hart of its number. */
void bench_on(struct bench *bench, unsigned vcpu);

/* Of a page past the tables. */
gpa_t bench_page(unsigned number);

/* Where the window has it. */
gva_t bench_window(gpa_t gpa);

/* Another address space, with a window of its own. */
uint64_t bench_space(struct bench *bench, unsigned asid, unsigned window_level);

void bench_satp(struct bench *bench, uint64_t satp);
void bench_fence_address(struct bench *bench, gva_t gva);
void bench_fence_all(struct bench *bench);

/* What an access took, and came to. */
struct bench_access {
	enum outcome outcome;
	unsigned exits;
	bool emulated; /* a store, by the mode */
};

/* A supervisor's. Where it comes to RAM it must be the one page that was expected. */
struct bench_access bench_load(struct bench *bench, gva_t gva, gpa_t expected);
struct bench_access bench_store(struct bench *bench, gva_t gva, gpa_t expected,
				uint64_t value);

/* A load that the guest's own tables forbid. */
void bench_faults(struct bench *bench, gva_t gva);

/* Store a PTE through the window. */
struct bench_access bench_store_pte(struct bench *bench, gpa_t at, gpa_t to,
				    uint64_t flags);

/* True if the frame cannot be written by any hart, as far as the tables say. */
bool bench_is_protected(struct bench *bench, gpa_t gpa);

/* Stops the test where the check of a debug build finds anything. */
void bench_check(struct bench *bench);

#endif

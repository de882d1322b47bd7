/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A bench for lazy shadow paging: VMs with a vCPU or several, made as Gnomon
 * makes them, on fake harts, with their guests' page tables at hand. Accesses
 * go through the fake TLB and, when they may fault, through the paging mode,
 * as a hart would have it.
 *
 * A VM has 8 MiB of RAM. The first 2 MiB are for tables.
 */
#ifndef TESTS_UNIT_LSP_BENCH_H
#define TESTS_UNIT_LSP_BENCH_H

#include "core/exit.h"
#include "core/vm.h"
#include "lsp/space.h"
#include "mm/paging.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/fake_pages.h"
#include "tests/unit/guest_tables.h"
#include "tests/unit/host_ram.h"

#define BENCH_RAM_SIZE	 (8 * MIB)
#define BENCH_TABLE_SIZE (2 * MIB)

/* As many times may an access fault before it gets anywhere. */
#define BENCH_FAULT_LIMIT 6

struct bench {
	struct vm vm;
	struct guest_tables tables;
};

/* The RAM's address at an offset past the tables. */
gpa_t bench_ram(uint64_t offset);

/* A VM with so many vCPUs, none of them loaded yet. */
void bench_create(struct bench *bench, unsigned vcpus);
void bench_destroy(struct bench *bench);

/* A fresh root table and its satp. */
uint64_t bench_satp(struct bench *bench, unsigned mode, unsigned asid);

/* Load on this fake hart, and take off it again. */
void bench_load(struct vcpu *vcpu, unsigned hart);
void bench_put(struct vcpu *vcpu);

struct lsp_vcpu *bench_space(struct vcpu *vcpu);
/* Of the first vCPU; each has its own. */
struct shadow_pool *bench_pool(struct bench *bench);

/* Shadow pages of all of the VM's vCPUs. */
uint64_t bench_pages_used(struct bench *bench);

/* What the access came to, and where all its possible results are. */
struct bench_access {
	enum outcome outcome;
	gpa_t gpa;
	unsigned faults;	     /* the paging mode had to see to */
	bool is_own;		     /* a page fault that went to the guest at once */
	struct fake_results results; /* of all tries, whatever the outcome */
};

struct bench_access bench_access(struct vcpu *vcpu, const struct access *access);

/* Supervisor's accesses, with what they must come to. */
void bench_reaches(struct vcpu *vcpu, gva_t gva, enum access_kind kind, gpa_t gpa);
void bench_faults(struct vcpu *vcpu, gva_t gva, enum access_kind kind);

/* True if an access may find this gpa now, without the paging mode being asked. */
bool bench_may_find(struct vcpu *vcpu, gva_t gva, gpa_t gpa);

/* True if it may find anything at all. */
bool bench_may_find_any(struct vcpu *vcpu, gva_t gva);

/* The guest's satp writes and fences. */
void bench_satp_write(struct vcpu *vcpu, uint64_t satp);
void bench_fence(struct vcpu *vcpu, bool has_address, gva_t gva, bool has_asid,
		 unsigned asid);
void bench_fence_address(struct vcpu *vcpu, gva_t gva);
void bench_fence_all(struct vcpu *vcpu);

/* Of one ASID, or (-1) all of them, and by the vector if it can: true, then. */
bool bench_fence_fast(struct vcpu *vcpu, gva_t gva, int asid);

/* What was printed since the last call. */
const char *bench_printed(void);

/* Pages of all tables of the VM, counted by looking at them; must be pool->used. */
uint64_t bench_count_pages(struct bench *bench);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What of a hart only a guest can show, for both seats: a few instructions run as a
 * guest's supervisor on a vCPU of the probe's own, with no exception delegated, so that
 * whatever they do ends here. One hart at a time, before any VM exists.
 */
#ifndef ARCH_RISCV_PROBE_H
#define ARCH_RISCV_PROBE_H

#include "arch/riscv/features.h"
#include "mm/pte.h"

#define PROBE_TABLES_ORDER 2 /* a root, and one table of each level below it */

/* probe_guest.S, where it is linked. */
extern const char probe_guest_start[], probe_guest_end[];

struct probe {
	const char *code; /* all of it, where the guest may execute */
	hpa_t data;	  /* 8 bytes that it may load */
	pte_t *tables;	  /* all zero; the walker may read them */
};

/* satp, read and written, and sfence.vma are the hypervisor's. */
bool probe_traps(const struct probe *probe);

/* A load of that address is an access fault that comes here. */
bool probe_access_fault(const struct probe *probe, hpa_t denied);

/* A walk faults on A = 0. To be asked where the hart could set it. */
bool probe_svade(const struct probe *probe);

/* How faults of lr are reported, and what it needs. */
void probe_load_reserved(const struct probe *probe, struct features *found);

/*
 * Whether entries that lead to the page are misses that the hypervisor hears of, with
 * their address: found->poison is the page then, and stores_as_loads says if the kind is
 * not to be believed.
 */
void probe_poison(const struct probe *probe, hpa_t page, struct features *found);

#endif

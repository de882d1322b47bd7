/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical memory protection (privileged specification, "Physical Memory Protection"):
 * what S- and U-mode may reach of the machine, and the page tables walked for them,
 * which count as loads in S-mode. Every hart has its own, set before it runs a guest.
 */
#ifndef ARCH_RISCV_M_PMP_H
#define ARCH_RISCV_M_PMP_H

#include "arch/riscv/m/pmp_layout.h"

#define PMP_ENTRIES_USED 4

struct pmp_abilities {
	unsigned entries; /* that keep what they are told; 16 are looked at */
	uint64_t granule; /* bytes */
};

/* What this hart has; STATUS_UNSUPPORTED, and *why, where it is too little. */
enum status pmp_probe(struct pmp_abilities *abilities, const char **why);

/*
 * Let guests on this hart have the layout's RAM without its region, and nothing else.
 * STATUS_UNSUPPORTED: the hart does not do as it is told; *why says so. The layout
 * stays where it is: all harts have the same one.
 */
enum status pmp_close(const struct pmp_layout *layout, const char **why);

/* The same on another hart than the first. */
enum status pmp_close_again(const char **why);

/* A page that S-mode may not touch. */
hpa_t pmp_closed_page(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of the fake machine: what fake_arch.c tells the TLBs of both
 * stages. Not for tests, which have fake_arch.h.
 */
#ifndef TESTS_UNIT_FAKE_TLB_H
#define TESTS_UNIT_FAKE_TLB_H

#include "core/arch.h"

/* All harts, with nothing kept and no table to walk. */
void fake_tlb_create(void);
void fake_gstage_create(void);

/* This hart has no table of that stage to walk from here on. */
void fake_tlb_stop(void);
void fake_gstage_stop(void);

/* This hart forgets all it kept. */
void fake_tlb_flush(void);
void fake_gstage_flush(void);

/* Fences of that hart are of another VMID than that of shadow tables. */
bool fake_gstage_has_vmid(unsigned hart);

/* Fails the test if a hart may still come to this page by a G-stage entry. */
void fake_gstage_page_freed(hpa_t page);

/* The vCPU on this hart, or NULL. */
const struct vcpu *fake_loaded(void);

#endif

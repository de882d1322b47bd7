/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What firmware does for a machine, where Gnomon is the firmware: the timer and the
 * interrupts between harts (SiFive's CLINT, which ACLINT contains). Found in the device
 * tree by the boot hart; read-only afterwards.
 */
#ifndef ARCH_RISCV_M_PLATFORM_H
#define ARCH_RISCV_M_PLATFORM_H

#include "core/types.h"

/* STATUS_NOT_FOUND: there is no timer. *why says so. */
enum status platform_find(const void *tree, const char **why);

/* The clint's time register, for the fast vector too. */
extern volatile uint64_t *clint_time;

/* This hart's timer interrupt from then on; UINT64_MAX: never. */
void platform_timer_set(uint64_t hart, uint64_t deadline);

/* A software interrupt for a hart, or the end of one. */
void platform_kick(uint64_t hart, bool pending);

#endif

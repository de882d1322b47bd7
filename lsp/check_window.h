/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A window of host memory in which the check of a vCPU marks each table that it
 * comes to, so that one that is reached twice is seen.
 *
 * Host memory may be of any size, the window is not: what lies beyond it is only
 * noted, and is for further windows. On the stack of one check.
 */
#ifndef LSP_CHECK_WINDOW_H
#define LSP_CHECK_WINDOW_H

#include "lsp/table.h"

/* 32 MiB, aligned: 1 KiB of marks. */
#define CHECK_WINDOW_PAGES 8192
#define CHECK_WINDOW_SIZE  (CHECK_WINDOW_PAGES * PAGE_SIZE)

struct check_window {
	uint64_t base;
	uint64_t next; /* the lowest table beyond it; UINT64_MAX: none */
	uint64_t marks[CHECK_WINDOW_PAGES / 64];
};

/* An empty one, with that address in it. */
struct check_window check_window_at(uint64_t address);

/* False if the table, which has a page of its own at least, was marked before. */
bool check_window_mark(struct check_window *window, const pte_t *table);

#endif

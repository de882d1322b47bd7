/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The part of the check of a vCPU that reads its tables: each entry that the hart
 * may come to now, and (whole) that each page hangs in one place of one tree. See
 * check.h for what is promised.
 *
 * Invariant: no page is read that the allocator has not given out, and no more
 * of them than the vCPU's pool has in use. Nothing is changed.
 */
#ifndef LSP_CHECK_TABLES_H
#define LSP_CHECK_TABLES_H

#include "core/log.h"
#include "lsp/space.h"

extern char check_text[192];

/* What is wrong, in one line; the formats are log_line()'s. */
#define CHECK_WRONG(...)                                                                 \
	(format_text(check_text, sizeof(check_text), __VA_ARGS__), check_text)

/*
 * NULL, or what is wrong. Root pages and modes of the trees have been found to be
 * right before.
 */
const char *check_tables(const struct lsp_vcpu *space, bool whole);

#endif

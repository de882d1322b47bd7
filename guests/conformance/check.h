/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How checks are written: small functions in tables, run one after the other.
 *
 * A check states expectations; the first that does not hold makes its line a
 * `not ok` with what was expected and seen, later ones are counted. A stray trap
 * ends only the check it came in. Each check starts and ends with satp Bare,
 * everything fenced, an empty arena and all interrupts masked, so checks do not
 * depend on each other.
 */
#ifndef GUESTS_CONFORMANCE_CHECK_H
#define GUESTS_CONFORMANCE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "guests/lib/paging.h"

struct check {
	const char *name;
	void (*run)(const struct paging_mode *mode); /* NULL outside paged groups */
};

struct group {
	const char *name;
	const struct check *checks;
	unsigned count;
	bool paged; /* run once for each of Sv39, Sv48 and Sv57 */
};

/* The groups, one per file. */
extern const struct group satp_group;
extern const struct group satp_forms_group;
extern const struct group permissions_group;
extern const struct group reserved_group;
extern const struct group outside_group;
extern const struct group accessed_dirty_group;
extern const struct group contended_group;
extern const struct group superpages_group;
extern const struct group fence_group;
extern const struct group fence_levels_group;
extern const struct group fence_loops_group;
extern const struct group stale_group;
extern const struct group random_group;
extern const struct group asids_group;
extern const struct group asid_reuse_group;
extern const struct group modes_group;
extern const struct group tables_group;
extern const struct group reservations_group;
extern const struct group fetch_group;
extern const struct group misaligned_group;
extern const struct group paged_traps_group;
extern const struct group privileged_group;
extern const struct group counters_group;
extern const struct group traps_group;
extern const struct group floating_point_group;
extern const struct group interrupts_group;
extern const struct group sbi_group;
extern const struct group rfence_group;
extern const struct group vectors_group;

/* Run all of a group's checks, in every supported mode where it is paged. */
void run_group(const struct group *group);

/* Print the plan and the summary; true if nothing failed. */
bool checks_summary(void);

/* To be called by checks. */
__attribute__((format(printf, 1, 2))) void fail(const char *format, ...);
/* What the ISA leaves out on this machine cannot be checked; ends nothing. */
void skip(const char *reason);
/*
 * What was seen contradicts the ISA, but is a known fault of the hart or
 * firmware below and not of what is being judged. Counted and printed apart.
 */
void deviation(const char *reason);

/* False, and a failed check, unless seen is expected. */
bool expect_equal(const char *what, uint64_t seen, uint64_t expected);
bool expect_true(const char *what, bool condition);

/* The mode the running check is for; NULL where it is for none. */
const struct paging_mode *check_mode(void);

#endif

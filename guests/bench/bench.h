/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The benchmark guest: what its files share.
 *
 * Each benchmark does a stated number of operations on page tables it builds as
 * Linux does: user memory in 4 KiB leaves with U, A and D set; the kernel's own
 * memory at identity in 2 MiB leaves with G. It checks its own results. Only what
 * stands between measure_resume() and measure_pause() is measured. Loads and
 * stores of user memory in S-mode go with SUM set; trap.h runs user code. One
 * hart, no interrupts.
 */
#ifndef GUESTS_BENCH_BENCH_H
#define GUESTS_BENCH_BENCH_H

#include "core/types.h"
#include "guests/lib/csr.h"
#include "guests/lib/paging.h"

/* ---- a benchmark ---- */

struct benchmark {
	const char *name;
	void (*run)(void); /* calls bench_begin() and bench_end() for each row */
};

extern const struct benchmark bench_sweep, bench_demand, bench_fork, bench_switch,
	bench_range, bench_flush, bench_reach, bench_depth, bench_null;

/* True: the sizes that are published; false: as much as a test may take. */
bool bench_is_full(void);

/* The paging mode of all benchmarks but "depth". */
const struct paging_mode *bench_mode(void);

/* A row: what is done in between counts, as far as measure_*() says. */
void bench_begin(const char *format, ...) __attribute__((format(printf, 1, 2)));
void bench_end(uint64_t operations);

/* The row's result is wrong; only the first reason is kept. */
void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void bench_expect(const char *what, uint64_t seen, uint64_t expected);

/* ---- measuring ---- */

void measure_resume(void);
void measure_pause(void);

/* ---- memory ---- */

/* Zeroed frames of 4 KiB in a row; running out of them ends the guest. */
uint64_t frames_new(uint64_t count);

/*
 * All but those taken before the benchmarks began are free again; the space of the
 * kernel alone is entered, and everything fenced.
 */
void frames_reset(void);
uint64_t frames_free(void);

/* The first word of a frame, by which it is known again. */
static inline uint64_t *frame_word(uint64_t frame)
{
	return (uint64_t *)frame;
}

/* ---- address spaces ---- */

#define USER_LEAF (PTE_V | PTE_R | PTE_W | PTE_U | PTE_AD)

/* A new, empty space: the kernel's mappings and the user code's, no more. */
void user_space_new(struct space *space, const struct paging_mode *mode, uint64_t asid);

/* The space that satp has; no fence. NULL: the kernel's alone, with ASID 0. */
void user_space_enter(const struct space *space);
const struct space *user_space_current(void);

/* The same and the fence of ASID 0 behind it, as Linux does without ASIDs. */
void user_space_enter_without_asid(const struct space *space);

/* Where user memory begins, and where user code is mapped, in every space. */
uint64_t user_base(const struct paging_mode *mode);
uint64_t user_text(const struct paging_mode *mode);

/* The leaf slot for a user address, with tables made on the way to it. */
uint64_t *user_slot(const struct space *space, uint64_t va);

/* Map count pages from va to frames in a row; no fence. */
void user_map(const struct space *space, uint64_t va, uint64_t frame, uint64_t count);

/*
 * Fence a range of the current space as Linux does: page by page up to 64 of them,
 * above that the whole ASID.
 */
void fence_range(uint64_t va, uint64_t pages, uint64_t asid);

/* ---- random numbers, the same in every run ---- */

void random_seed(uint64_t seed);
uint64_t random_word(void);
uint64_t random_below(uint64_t limit); /* limit: at most 2^32 */

#endif

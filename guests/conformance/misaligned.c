/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Misaligned loads, stores and atomics, within and across pages.
 *
 * A hart may do them or raise address-misaligned (with Zicclsm it does them, as
 * far as loads and stores go), and that exception may have a higher or lower
 * priority than page faults. A page fault names "the portion of the access that
 * caused the fault"; of a store that faults, the part before may be done.
 */
#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/conformance/scene.h"
#include "guests/lib/platform.h"
#include "guests/lib/string.h"

#define FIRST  1
#define SECOND 2
#define STORED UINT64_C(0xe1e2e3e4e5e6e7e8)

static const enum access loads[] = {LH,	    LHU,    LW,	 LWU, LD,    C_LW,   C_LD,
				    C_LWSP, C_LDSP, FLD, FLW, C_FLD, C_FLDSP};
static const enum access stores[] = {SH,     SW,  SD,  C_SW,  C_SD,   C_SWSP,
				     C_SDSP, FSD, FSW, C_FSD, C_FSDSP};
static const unsigned privileges[] = {USER, SUM};

struct scene {
	struct space space;
	uint64_t second;
};

static void scene_init(struct scene *scene, const struct paging_mode *mode)
{
	space_init(&scene->space, mode, nth_asid(mode, 1));
	scene->second = window(mode, WINDOW) + PAGE_SIZE;
	space_map(&scene->space, scene->second - PAGE_SIZE, 0, frame_new(FIRST),
		  PTE_USER);
	arena_alloc(PAGE_SIZE); /* so that the two are not neighbours */
	space_map(&scene->space, scene->second, 0, frame_new(SECOND), PTE_USER);
	space_start(&scene->space);
}

static bool must_work(void)
{
	return platform_promises("zicclsm");
}

static void expect_within(const char *what, enum access access, uint64_t va, unsigned how)
{
	if (must_work())
		expect(what, access, va, how, FIRST);
	else
		expect(what, access, va, how, FIRST, MISALIGNED);
}

static void check_within_page(const struct paging_mode *mode)
{
	struct scene scene;

	scene_init(&scene, mode);
	for (unsigned offset = 1; offset < 8; offset++) {
		uint64_t va = scene.second - PAGE_SIZE + 0x120 + offset;

		for (unsigned i = 0; i < ARRAY_LENGTH(loads); i++)
			expect_within("load", loads[i], va, privileges[i % 2]);
		for (unsigned i = 0; i < ARRAY_LENGTH(stores); i++)
			expect_within("store", stores[i], va, privileges[i % 2]);
	}
}

/* The two pages' bytes around the boundary, as memory has them. */
static void read_both(uint8_t bytes[16])
{
	memcpy(bytes, (const void *)(frame_pa(FIRST) + PAGE_SIZE - 8), 8);
	memcpy(bytes + 8, (const void *)frame_pa(SECOND), 8);
}

static void restore_both(void)
{
	*(uint64_t *)(frame_pa(FIRST) + PAGE_SIZE - 8) = frame_word(FIRST);
	*(uint64_t *)frame_pa(SECOND) = frame_word(SECOND);
}

static bool is_misaligned_trap(const struct outcome *outcome, uint64_t cause, uint64_t va)
{
	return !must_work() && outcome->cause == cause && outcome->stval == va &&
	       outcome->sepc == outcome->insn;
}

static void load_across(uint64_t va, uint64_t second, enum access access, unsigned how)
{
	const struct access_info *info = &access_info[access];
	struct outcome outcome = probe(access, va, 0, how);
	unsigned unused = 64 - 8 * info->width;
	uint8_t bytes[16];
	uint64_t value = 0;

	if (is_misaligned_trap(&outcome, CAUSE_LOAD_MISALIGNED, va))
		return;
	read_both(bytes);
	memcpy(&value, bytes + 8 - (second - va), info->width);
	if (info->sign_extended)
		value = (uint64_t)((int64_t)(value << unused) >> unused);
	expect_equal("cause of a load across pages", outcome.cause, OUTCOME_DONE);
	expect_equal("value loaded across pages", outcome.value, value);
}

static void store_across(uint64_t va, uint64_t second, enum access access, unsigned how)
{
	struct outcome outcome = probe(access, va, STORED, how);
	const uint64_t stored = STORED;
	uint8_t expected[16], seen[16];

	read_both(seen);
	restore_both();
	if (is_misaligned_trap(&outcome, CAUSE_STORE_MISALIGNED, va))
		return;
	read_both(expected);
	memcpy(expected + 8 - (second - va), &stored, access_info[access].width);
	expect_equal("cause of a store across pages", outcome.cause, OUTCOME_DONE);
	expect_equal("memory after a store across pages", memcmp(seen, expected, 16) != 0,
		     false);
}

static void check_across_pages(const struct paging_mode *mode)
{
	struct scene scene;

	scene_init(&scene, mode);
	for (unsigned before = 1; before < 8; before++) {
		uint64_t va = scene.second - before;

		for (unsigned i = 0; i < ARRAY_LENGTH(loads); i++)
			if (access_info[loads[i]].width > before)
				load_across(va, scene.second, loads[i],
					    privileges[i % 2]);
		for (unsigned i = 0; i < ARRAY_LENGTH(stores); i++)
			if (access_info[stores[i]].width > before)
				store_across(va, scene.second, stores[i],
					     privileges[i % 2]);
	}
}

/* Bit 0: the first page is bad, bit 1: the second. */
static void expect_crossing_fault(const struct scene *scene, uint64_t va,
				  enum access access, unsigned bad)
{
	bool store = access_info[access].kind == KIND_STORE;
	uint64_t misaligned = store ? CAUSE_STORE_MISALIGNED : CAUSE_LOAD_MISALIGNED;
	struct outcome outcome = probe(access, va, STORED, USER);
	uint8_t seen[16], expected[16];

	read_both(seen);
	restore_both();
	read_both(expected);
	/* Of the first page, what was stored may stay if only the second is bad. */
	if (bad == 2)
		memcpy(seen, expected, 8);
	expect_equal("memory changed by a refused store", memcmp(seen, expected, 16) != 0,
		     false);
	if (is_misaligned_trap(&outcome, misaligned, va))
		return;
	expect_equal("cause across pages", outcome.cause,
		     page_fault_cause(access_info[access].kind));
	expect_equal("sepc across pages", outcome.sepc, outcome.insn);
	if (bad == 3 && outcome.stval == scene->second)
		return;
	expect_equal("stval across pages", outcome.stval, bad & 1 ? va : scene->second);
}

static void check_faults_across_pages(const struct paging_mode *mode)
{
	static const uint64_t bad_flags[] = {0, PTE_KERNEL,
					     PTE_V | PTE_X | PTE_U | PTE_AD};
	struct scene scene;

	scene_init(&scene, mode);
	for (unsigned f = 0; f < ARRAY_LENGTH(bad_flags); f++) {
		for (unsigned bad = 1; bad < 4; bad++) {
			space_map(&scene.space, scene.second - PAGE_SIZE, 0,
				  frame_pa(FIRST), bad & 1 ? bad_flags[f] : PTE_USER);
			space_map(&scene.space, scene.second, 0, frame_pa(SECOND),
				  bad & 2 ? bad_flags[f] : PTE_USER);
			fence_all();
			expect_crossing_fault(&scene, scene.second - 4, LD, bad);
			expect_crossing_fault(&scene, scene.second - 1, LH, bad);
			expect_crossing_fault(&scene, scene.second - 2, FLW, bad);
			expect_crossing_fault(&scene, scene.second - 4, SD, bad);
			expect_crossing_fault(&scene, scene.second - 1, SW, bad);
			expect_crossing_fault(&scene, scene.second - 6, FSD, bad);
		}
	}
}

/* Two pages remapped one after the other: each half by its own page's rules. */
static void check_remap_across_pages(const struct paging_mode *mode)
{
	struct scene scene;
	uint64_t low = frame_word(FIRST) >> 32 & 0xffffffff;

	scene_init(&scene, mode);
	frame_new(3);
	for (unsigned i = 0; i < 8; i++) {
		unsigned tag = i % 2 ? SECOND : 3;
		struct outcome outcome;

		space_map(&scene.space, scene.second, 0, frame_pa(tag), PTE_USER);
		fence_va(scene.second);
		outcome = probe(LD, scene.second - 4, 0, USER);
		if (is_misaligned_trap(&outcome, CAUSE_LOAD_MISALIGNED, scene.second - 4))
			continue;
		expect_equal("value across pages", outcome.value,
			     low | frame_word(tag) << 32);
	}
}

static void expect_either(const char *what, enum access access, uint64_t va, unsigned how,
			  int result)
{
	if (must_work())
		expect(what, access, va, how, result);
	else
		expect(what, access, va, how, result, MISALIGNED);
}

/* The privilege, SUM and MXR of the access. */
static void check_permissions(const struct paging_mode *mode)
{
	struct scene scene;
	uint64_t va;

	scene_init(&scene, mode);
	va = scene.second + 0x121;
	expect_either("user page without SUM", LD, va, SUPERVISOR, PAGE_FAULT);
	expect_either("user page without SUM", SW, va, SUPERVISOR, PAGE_FAULT);
	expect_either("user page with SUM", SW, va, SUM, SECOND);
	space_map(&scene.space, scene.second, 0, frame_pa(SECOND),
		  PTE_V | PTE_X | PTE_U | PTE_AD);
	fence_va(scene.second);
	expect_either("execute-only page", LD, va, USER, PAGE_FAULT);
	expect_either("execute-only page with MXR", LD, va, USER | MXR, SECOND);
	expect_either("execute-only page with MXR", SD, va, USER | MXR, PAGE_FAULT);
	space_map(&scene.space, scene.second, 0, frame_pa(SECOND),
		  PTE_V | PTE_R | PTE_U | PTE_AD);
	fence_va(scene.second);
	expect_either("read-only page", FLD, va, USER, SECOND);
	expect_either("read-only page", FSW, va, USER, PAGE_FAULT);
}

/* Write the lower half of an entry, together with the upper half of the one before. */
static bool write_lower_half(uint64_t *entry, uint64_t value)
{
	uint64_t at = (uintptr_t)entry - 4;
	struct outcome outcome = probe(SD, at, entry[-1] >> 32 | value << 32, SUPERVISOR);

	if (is_misaligned_trap(&outcome, CAUSE_STORE_MISALIGNED, at))
		return false;
	return expect_equal("cause of a store to a page table", outcome.cause,
			    OUTCOME_DONE);
}

/* A leaf of a table in use, and a pointer of its root. */
static void check_page_tables(const struct paging_mode *mode)
{
	struct scene scene;
	uint64_t *leaf, *pointer, before;

	scene_init(&scene, mode);
	frame_new(3);
	leaf = space_slot(&scene.space, scene.second, 0);
	pointer = &scene.space.root[va_index(scene.second, mode->levels - 1)];
	before = *pointer;
	for (unsigned i = 0; i < 4; i++) {
		unsigned tag = i % 2 ? SECOND : 3;

		if (!write_lower_half(leaf, pte_make(frame_pa(tag), PTE_USER)))
			return;
		fence_va(scene.second);
		expect("page whose PTE was written", LD, scene.second, USER, (int)tag);
		expect("page before it", LD, scene.second - PAGE_SIZE, USER, FIRST);
		if (!write_lower_half(pointer, 0))
			return;
		fence_all();
		expect("page of an entry that was cleared", LD, scene.second, USER,
		       PAGE_FAULT);
		write_lower_half(pointer, before);
		fence_all();
		expect("page of an entry that is back", LD, scene.second, USER, (int)tag);
	}
}

/* Set, where harts set them; or a page fault, and nothing is. D is for stores alone. */
static void expect_marked(const struct scene *scene, enum access access, uint64_t before,
			  uint64_t after)
{
	volatile uint64_t *slot = space_slot(&scene->space, scene->second, 0);
	const uint64_t va = scene->second + 0x121;
	uint64_t misaligned = access_info[access].kind == KIND_STORE
				      ? CAUSE_STORE_MISALIGNED
				      : CAUSE_LOAD_MISALIGNED;
	struct outcome outcome;

	*slot = pte_make(frame_pa(SECOND), PTE_V | PTE_RWX | PTE_U | before);
	fence_va(va);
	outcome = probe(access, va, 0, USER);
	*(uint64_t *)(frame_pa(SECOND) + 0x120) = frame_word(SECOND);
	*(uint64_t *)(frame_pa(SECOND) + 0x128) = frame_word(SECOND);
	if (is_misaligned_trap(&outcome, misaligned, va))
		return;
	if (outcome.cause != OUTCOME_DONE) {
		expect_equal("cause", outcome.cause,
			     page_fault_cause(access_info[access].kind));
		expect_equal("stval", outcome.stval, va);
		after = before;
	}
	expect_equal("A and D", *slot & PTE_AD, after);
}

static void check_accessed_dirty(const struct paging_mode *mode)
{
	struct scene scene;

	scene_init(&scene, mode);
	expect_marked(&scene, LD, 0, PTE_A);
	expect_marked(&scene, SW, 0, PTE_AD);
	expect_marked(&scene, FSD, PTE_A, PTE_AD);
	expect_marked(&scene, C_LW, PTE_A, PTE_A);
	expect_marked(&scene, SH, PTE_AD, PTE_AD);
}

/* A load into a register makes FS dirty. */
static void check_dirty(const struct paging_mode *mode)
{
	struct scene scene;
	struct outcome outcome;

	scene_init(&scene, mode);
	csr_clear(sstatus, SSTATUS_FS);
	csr_set(sstatus, SSTATUS_FS_CLEAN);
	outcome = probe(FLW, scene.second + 1, 0, USER);
	if (!is_misaligned_trap(&outcome, CAUSE_LOAD_MISALIGNED, scene.second + 1))
		expect_equal("FS after a load", csr_read(sstatus) & SSTATUS_FS,
			     SSTATUS_FS_DIRTY);
}

/* Misaligned or access fault, or done where the hart can (Zam, Zama16b). */
static void expect_amo(enum access access, uint64_t va)
{
	static const int allowed[] = {FIRST, MISALIGNED, ACCESS_FAULT};

	if (touch_matches(access, va, SUPERVISOR, allowed, ARRAY_LENGTH(allowed)) >= 0)
		return;
	if (probe(access, va, 0, SUPERVISOR).cause == CAUSE_LOAD_MISALIGNED)
		deviation("QEMU: a misaligned AMO is reported as a load");
	else
		fail("AMO at 0x%lx: neither done nor a fault of an AMO", va);
}

/* Zalrsc: "an address-misaligned exception or an access-fault exception". */
static void expect_sc(enum access access, uint64_t va)
{
	static const int retired[] = {RETIRED};

	if (touch_matches(access, va, SUPERVISOR, retired, 1) == 0)
		deviation("QEMU: an sc without reservation skips the alignment check");
	else
		expect("SC", access, va, SUPERVISOR, MISALIGNED, ACCESS_FAULT);
}

static void for_each_misaligned(const struct paging_mode *mode, enum access access,
				void (*expect_one)(enum access access, uint64_t va))
{
	struct scene scene;

	scene_init(&scene, mode);
	space_map(&scene.space, scene.second, 0, frame_pa(FIRST), PTE_KERNEL);
	fence_va(scene.second);
	for (unsigned offset = 1; offset < 8; offset++)
		if (offset % access_info[access].width)
			expect_one(access, scene.second + 0x120 + offset);
}

static void check_amo(const struct paging_mode *mode)
{
	for_each_misaligned(mode, AMOSWAP_W, expect_amo);
	for_each_misaligned(mode, AMOSWAP_D, expect_amo);
}

static void expect_lr(enum access access, uint64_t va)
{
	expect("LR", access, va, SUPERVISOR, MISALIGNED, ACCESS_FAULT);
}

static void check_lr(const struct paging_mode *mode)
{
	for_each_misaligned(mode, LR_W, expect_lr);
	for_each_misaligned(mode, LR_D, expect_lr);
}

static void check_sc(const struct paging_mode *mode)
{
	for_each_misaligned(mode, SC_W, expect_sc);
	for_each_misaligned(mode, SC_D, expect_sc);
}

static const struct check checks[] = {
	{"within a page", check_within_page},
	{"across two pages", check_across_pages},
	{"faults across two pages", check_faults_across_pages},
	{"across a remapped page", check_remap_across_pages},
	{"permissions", check_permissions},
	{"A and D", check_accessed_dirty},
	{"into page tables", check_page_tables},
	{"FS dirty", check_dirty},
	{"AMOs", check_amo},
	{"LR", check_lr},
	{"SC", check_sc},
};

const struct group misaligned_group = {"misaligned accesses", checks,
				       ARRAY_LENGTH(checks), true};

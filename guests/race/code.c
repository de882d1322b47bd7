/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Code that other harts change: once a remote fence.i has returned, no hart executes
 * what was there before.
 *
 * Each hart owns a function of two instructions in a page of its own, which returns its
 * version. It stores and fences twice, for QEMU's sake: that forgets what it has
 * translated before a store is made, may translate it again in between, and take the
 * page for one without code from then on, until the storing hart's TLB is flushed.
 */
#include "core/types.h"
#include "guests/lib/csr.h"
#include "guests/lib/sbi.h"
#include "guests/race/race.h"

#define VERSIONS 1024 /* that an immediate has room for */
#define ADDI_A0	 0x00000513u
#define RET	 0x00008067u

struct function {
	uint64_t changing;
	uint64_t published;
	uint32_t *code;
};

static struct function functions[HARTS_MAX];
static struct space space;

static uint32_t returning(uint64_t version)
{
	return ADDI_A0 | (uint32_t)(version % VERSIONS) << 20;
}

void code_prepare(const struct paging_mode *mode)
{
	space_init(&space, mode, 3);
	for (unsigned i = 0; i < HARTS_MAX; i++) {
		uint32_t *code = arena_alloc(PAGE_SIZE);

		code[0] = returning(0);
		code[1] = RET;
		functions[i] = (struct function){.code = code};
	}
}

static bool store(struct hart *hart, const struct function *own, uint64_t version)
{
	uint64_t base = hart_random(hart, 2) ? UINT64_MAX : 0;
	struct sbi_result result;

	__atomic_store_n(own->code, returning(version), __ATOMIC_SEQ_CST);
	fence_instructions();
	result = SBI_CALL(SBI_EXT_RFENCE, SBI_RFENCE_FENCE_I, base ? 0 : race_mask(),
			  base);
	if (result.error != SBI_SUCCESS)
		return race_fail(hart, "error of a remote fence.i",
				 (uint64_t)result.error, 0, 0);
	return true;
}

static bool change(struct hart *hart, struct function *own)
{
	uint64_t version = own->published + 1;

	publish(&own->changing, version);
	if (!store(hart, own, version))
		return false;
	fence_all();
	if (!store(hart, own, version))
		return false;
	publish(&own->published, version);
	return true;
}

static bool check(struct hart *hart, const struct function *function)
{
	uint64_t first = look(&function->published);
	uint64_t seen = ((uint64_t(*)(void))(uintptr_t)function->code)();
	uint64_t last = look(&function->changing);

	hart->rounds++;
	if ((seen - first) % VERSIONS <= last - first)
		return true;
	return race_fail(hart, "version of code that ran", seen, first % VERSIONS,
			 last % VERSIONS);
}

void code_run(struct hart *hart)
{
	bool ok = true;

	csr_write(satp, space_satp(&space));
	fence_all();
	while (ok && race_goes_on())
		ok = hart_random(hart, 8)
			     ? check(hart, &functions[hart_random(hart, hart_count)])
			     : change(hart, &functions[hart->index]);
	csr_write(satp, 0);
}

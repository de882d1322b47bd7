/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Single events, each as often as stated and nothing beside it: what one exit
 * costs, for those that a paging mode makes of them.
 */
#include "guests/bench/bench.h"
#include "guests/lib/platform.h"
#include "guests/lib/sbi.h"

#define ASID 1

static struct {
	struct space spaces[2];
	uint64_t base;
	uint64_t *slot; /* of base in the first space */
	uint64_t satp[2];
	bool sees_valid;
} null;

/* The same instructions with the ecall and without: natively firmware answers it. */
#define CALL_SBI(instruction)                                                            \
	({                                                                               \
		register uint64_t a0_ __asm__("a0") = 0;                                 \
		register uint64_t a1_ __asm__("a1") = 0;                                 \
		register uint64_t a6_ __asm__("a6") = SBI_BASE_SPEC_VERSION;             \
		register uint64_t a7_ __asm__("a7") = SBI_EXT_BASE;                      \
		__asm__ volatile(instruction                                             \
				 : "+r"(a0_), "+r"(a1_)                                  \
				 : "r"(a6_), "r"(a7_)                                    \
				 : "memory");                                            \
		bench_expect("error of an SBI call", a0_, SBI_SUCCESS);                  \
	})

static void call_sbi(uint64_t i)
{
	(void)i;
	CALL_SBI("ecall");
}

static void call_nothing(uint64_t i)
{
	(void)i;
	CALL_SBI("nop");
}

static void read_satp(uint64_t i)
{
	(void)i;
	bench_expect("satp", csr_read(satp), null.satp[0]);
}

/* An exit where the hart leaves time to its firmware, and an instruction elsewhere. */
static void read_time(uint64_t i)
{
	(void)i;
	(void)csr_read(time);
}

static void switch_satp(uint64_t i)
{
	csr_write(satp, null.satp[i % 2 ^ 1]);
}

static void fence_unmapped(uint64_t i)
{
	(void)i;
	fence_va_asid(null.base + GIB / 2, ASID);
}

static void fence_same(uint64_t i)
{
	(void)i;
	fence_va_asid(null.base, ASID);
}

/*
 * A fence with nothing there, and a miss that finds one leaf and no neighbours. Where
 * harts are not said to see a PTE that turns valid (Svvptc), it takes another fence.
 */
static void miss_one(uint64_t i)
{
	uint64_t leaf = *null.slot;

	(void)i;
	*null.slot = 0;
	fence_va_asid(null.base, ASID);
	*null.slot = leaf;
	if (!null.sees_valid)
		fence_va_asid(null.base, ASID);
	bench_expect("word", *(volatile uint64_t *)null.base, 0);
}

static void fence_whole_asid(uint64_t i)
{
	(void)i;
	fence_asid(ASID);
}

static void fence_everything(uint64_t i)
{
	(void)i;
	fence_all();
}

static const struct {
	const char *name;
	void (*event)(uint64_t i);
} events[] = {
	{"sbi-call", call_sbi},		  {"sbi-nop", call_nothing},
	{"satp-read", read_satp},	  {"time-read", read_time},
	{"satp-switch", switch_satp},	  {"fence-unmapped", fence_unmapped},
	{"fence-same", fence_same},	  {"miss-one", miss_one},
	{"fence-asid", fence_whole_asid}, {"fence-all", fence_everything},
};

/* Two spaces with one page each, both of which have been used. */
static void prepare(void)
{
	frames_reset();
	null.base = user_base(bench_mode());
	for (unsigned i = 0; i < 2; i++) {
		uint64_t frame = frames_new(1);

		*frame_word(frame) = i;
		user_space_new(&null.spaces[i], bench_mode(), ASID + i);
		user_map(&null.spaces[i], null.base, frame, 1);
		null.satp[i] = space_satp(&null.spaces[i]);
	}
	null.sees_valid = platform_has_extension("svvptc");
	null.slot = user_slot(&null.spaces[0], null.base);
	user_space_enter(&null.spaces[1]);
	fence_all();
}

static void use_both(void)
{
	for (unsigned i = 2; i-- > 0;) {
		user_space_enter(&null.spaces[i]);
		bench_expect("word", *(volatile uint64_t *)null.base, i);
	}
}

static void run_event(unsigned which, uint64_t times)
{
	bench_begin("%s", events[which].name);
	prepare();
	use_both();
	measure_resume();
	for (uint64_t i = 0; i < times; i++)
		events[which].event(i);
	measure_pause();
	use_both();
	bench_end(times);
}

static void run(void)
{
	uint64_t times = bench_is_full() ? 10000 : 1000;

	for (unsigned i = 0; i < ARRAY_LENGTH(events); i++)
		run_event(i, times);
}

const struct benchmark bench_null = {"null", run};

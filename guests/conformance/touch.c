/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Touching memory and saying which page answered.
 *
 * Frames are looked at through their physical addresses, which every address
 * space maps at identity. A store is attributed by looking at the same offset
 * of all frames; what it changed is put back at once, so that frames stay as
 * they were made.
 */
#include "guests/conformance/touch.h"

#include "core/types.h"
#include "guests/conformance/check.h"
#include "guests/lib/console.h"
#include "guests/lib/csr.h"
#include "guests/lib/string.h"

/* An SC may fail for no reason; a pair has to succeed in the end. */
#define LRSC_TRIES 100

struct touched {
	struct outcome outcome;
	enum access access;
	uint64_t va;
	uint64_t operand;
	unsigned changed_tag; /* the frame a store changed */
	unsigned changed;     /* how many frames it changed */
	uint64_t stored;      /* what the changed one then held, width bytes */
};

static uint64_t addresses[TAG_MAX + 1];
static unsigned highest_tag;

uint64_t frame_word(unsigned tag)
{
	uint64_t load_immediate = 0x00000513 | (uint64_t)tag << 20;
	uint64_t ebreak = 0x9002, nop = 0x0001;

	return load_immediate | ebreak << 32 | nop << 48;
}

uint64_t telling_offset(enum access access)
{
	unsigned width = access_info[access].width;

	return width < 4 ? 4 - width : 0;
}

uint64_t frames_new(unsigned first_tag, unsigned count, uint64_t alignment)
{
	uint64_t size = PAGE_SIZE * count;
	uint64_t pa = (uintptr_t)arena_alloc(size > alignment ? size : alignment);

	for (unsigned i = 0; i < count; i++) {
		uint64_t *words = (uint64_t *)(pa + i * PAGE_SIZE);

		addresses[first_tag + i] = pa + i * PAGE_SIZE;
		for (unsigned at = 0; at < PAGE_SIZE / 8; at++)
			words[at] = frame_word(first_tag + i);
	}
	if (first_tag + count - 1 > highest_tag)
		highest_tag = first_tag + count - 1;
	fence_instructions();
	return pa;
}

uint64_t frame_new(unsigned tag)
{
	return frames_new(tag, 1, PAGE_SIZE);
}

uint64_t frame_pa(unsigned tag)
{
	return addresses[tag];
}

unsigned frame_at(uint64_t pa)
{
	for (unsigned tag = 1; tag <= highest_tag; tag++)
		if (addresses[tag] == align_down(pa, PAGE_SIZE))
			return tag;
	return 0;
}

void frames_forget(void)
{
	memset(addresses, 0, sizeof(addresses));
	highest_tag = 0;
}

static bool may_store(enum access_kind kind)
{
	return kind == KIND_STORE || kind == KIND_AMO || kind == KIND_SC;
}

static uint64_t read_bytes(uint64_t pa, unsigned width)
{
	uint64_t value = 0;

	memcpy(&value, (const void *)pa, width);
	return value;
}

/* The bytes an untouched frame holds at this offset. */
static uint64_t pristine(unsigned tag, uint64_t offset, unsigned width)
{
	uint64_t words[2] = {frame_word(tag), frame_word(tag)};

	return read_bytes((uintptr_t)words + offset % 8, width);
}

static void find_changes(struct touched *touched)
{
	uint64_t offset = touched->va % PAGE_SIZE;
	unsigned width = access_info[touched->access].width;

	for (unsigned tag = 1; tag <= highest_tag; tag++) {
		uint64_t at = addresses[tag] + offset;
		uint64_t expected = pristine(tag, offset, width);

		if (!addresses[tag] || read_bytes(at, width) == expected)
			continue;
		touched->changed++;
		touched->changed_tag = tag;
		touched->stored = read_bytes(at, width);
		memcpy((void *)at, &expected, width);
	}
	if (touched->changed)
		fence_instructions();
}

static struct touched touch(enum access access, uint64_t va, unsigned how)
{
	static uint64_t counter;
	struct touched touched = {.access = access, .va = va};

	counter++;
	touched.operand = UINT64_C(0x5a00a55a00005aa5) ^ counter << 16 ^ counter << 48;
	for (unsigned tries = 0; tries < LRSC_TRIES; tries++) {
		touched.outcome = probe(access, va, touched.operand, how);
		if (access != LRSC_D || touched.outcome.cause != OUTCOME_DONE ||
		    touched.outcome.value == 0)
			break;
	}
	if (may_store(access_info[access].kind))
		find_changes(&touched);
	return touched;
}

/* An invalid address may be turned into another invalid one in stval and sepc. */
static bool same_address(uint64_t seen, uint64_t va)
{
	const struct paging_mode *mode = check_mode();

	if (seen == va)
		return true;
	return mode && !va_is_canonical(mode, va) && !va_is_canonical(mode, seen);
}

static bool is_fault(const struct touched *touched, uint64_t cause, uint64_t stval)
{
	const struct outcome *outcome = &touched->outcome;

	return outcome->cause == cause && same_address(outcome->stval, stval) &&
	       same_address(outcome->sepc, outcome->insn) && !touched->changed;
}

static uint64_t misaligned_cause(enum access_kind kind)
{
	return kind == KIND_LOAD || kind == KIND_LR ? CAUSE_LOAD_MISALIGNED
						    : CAUSE_STORE_MISALIGNED;
}

static uint64_t extend(const struct access_info *info, uint64_t value)
{
	unsigned unused = 64 - 8 * info->width;

	if (!info->sign_extended)
		return value;
	return (uint64_t)((int64_t)(value << unused) >> unused);
}

static bool stored_in(const struct touched *touched, unsigned tag)
{
	unsigned width = access_info[touched->access].width;

	return touched->changed == 1 && touched->changed_tag == tag &&
	       touched->stored == read_bytes((uintptr_t)&touched->operand, width);
}

static bool reached_frame(const struct touched *touched, unsigned tag)
{
	const struct access_info *info = &access_info[touched->access];
	uint64_t before = pristine(tag, touched->va % PAGE_SIZE, info->width);

	switch (info->kind) {
	case KIND_FETCH:
		return touched->outcome.value == tag;
	case KIND_LOAD:
	case KIND_LR:
		return touched->outcome.value == extend(info, before);
	case KIND_STORE:
		return stored_in(touched, tag);
	case KIND_AMO:
		return touched->outcome.value == extend(info, before) &&
		       stored_in(touched, tag);
	case KIND_SC:
		return touched->outcome.value == 0 && stored_in(touched, tag);
	}
	return false;
}

static bool is_result(const struct touched *touched, int result)
{
	const struct outcome *outcome = &touched->outcome;
	enum access_kind kind = access_info[touched->access].kind;

	switch (result) {
	case PAGE_FAULT:
		return is_fault(touched, page_fault_cause(kind), touched->va);
	case ACCESS_FAULT:
		return is_fault(touched, access_fault_cause(kind), touched->va);
	case MISALIGNED:
		return is_fault(touched, misaligned_cause(kind), touched->va);
	case RETIRED:
		return kind == KIND_SC && outcome->cause == OUTCOME_DONE &&
		       outcome->value != 0 && !touched->changed;
	default:
		return result > 0 && outcome->cause == OUTCOME_DONE &&
		       reached_frame(touched, (unsigned)result);
	}
}

static size_t describe_result(char *out, size_t size, int result)
{
	static const char *const names[] = {"", "page fault", "access fault",
					    "misaligned", "failed sc"};

	if (result > 0)
		return format_text(out, size, "page %d", result);
	return format_text(out, size, "%s", names[-result]);
}

static void describe_touched(char *out, size_t size, const struct touched *touched)
{
	const struct outcome *outcome = &touched->outcome;

	if (outcome->cause != OUTCOME_DONE)
		format_text(out, size,
			    "cause 0x%lx stval 0x%lx sepc 0x%lx (access at 0x%lx)%s",
			    outcome->cause, outcome->stval, outcome->sepc, outcome->insn,
			    touched->changed ? ", memory changed" : "");
	else if (may_store(access_info[touched->access].kind))
		format_text(out, size, "rd 0x%lx, %u pages changed, last %u (0x%lx)",
			    outcome->value, touched->changed, touched->changed_tag,
			    touched->stored);
	else
		format_text(out, size, "value 0x%lx", outcome->value);
}

static void fail_touch(const char *what, const struct touched *touched, unsigned how,
		       const int *allowed, unsigned count)
{
	char expected[80], seen[120];
	size_t length = 0;

	for (unsigned i = 0; i < count && length + 20 < sizeof(expected); i++) {
		length += format_text(expected + length, sizeof(expected) - length, "%s",
				      i ? " or " : "");
		length += describe_result(expected + length, sizeof(expected) - length,
					  allowed[i]);
	}
	describe_touched(seen, sizeof(seen), touched);
	fail("%s: %s by %s%s%s at 0x%lx: expected %s, saw %s", what,
	     access_info[touched->access].name, how & USER ? "U" : "S",
	     how & SUM ? " SUM" : "", how & MXR ? " MXR" : "", touched->va, expected,
	     seen);
}

static int match(const struct touched *touched, const int *allowed, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (is_result(touched, allowed[i]))
			return (int)i;
	return -1;
}

int touch_matches(enum access access, uint64_t va, unsigned how, const int *allowed,
		  unsigned count)
{
	struct touched touched = touch(access, va, how);

	return match(&touched, allowed, count);
}

bool expect_touch(const char *what, enum access access, uint64_t va, unsigned how,
		  const int *allowed, unsigned count)
{
	struct touched touched = touch(access, va, how);

	if (match(&touched, allowed, count) >= 0)
		return true;
	fail_touch(what, &touched, how, allowed, count);
	return false;
}

bool leaf_permits(uint64_t pte, enum access_kind kind, unsigned how)
{
	bool user_page = pte & PTE_U;

	if (!(pte & PTE_V) || (pte & (PTE_R | PTE_W)) == PTE_W || !(pte & PTE_RWX))
		return false;
	if (how & USER ? !user_page : user_page && (kind == KIND_FETCH || !(how & SUM)))
		return false;
	switch (kind) {
	case KIND_FETCH:
		return pte & PTE_X;
	case KIND_LOAD:
	case KIND_LR:
		return pte & PTE_R || (pte & PTE_X && how & MXR);
	case KIND_STORE:
	case KIND_AMO:
	case KIND_SC:
		return pte & PTE_W;
	}
	return false;
}

int leaf_result(uint64_t pte, unsigned level, uint64_t va, enum access access,
		unsigned how)
{
	if (!leaf_permits(pte, access_info[access].kind, how))
		return PAGE_FAULT;
	return (int)frame_at(pte_pa(pte) + va % level_size(level));
}

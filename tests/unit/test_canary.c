/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/canary.c core/reason.c core/log.c core/json.c mm/page_alloc.c tests/unit/lone_hart.c */
/* sources: mm/guest_memory.c tests/unit/host_ram.c */
/*
 * The canary: where its pages lie, that any changed byte of any of them is
 * found and named, and that all of them come back.
 */
#include <stdio.h>
#include <string.h>

#include "core/canary.h"
#include "core/json.h"
#include "mm/page_alloc.h"
#include "tests/unit/captured_console.h"
#include "tests/unit/host_ram.h"

#define SIZE	     (64 * MIB)
#define GUEST_SIZE   (16 * MIB)
#define CANARY_PAGES 64u
#define CANARY_SIZE  (CANARY_PAGES * PAGE_SIZE)

static hpa_t base;
static uint8_t bytes[SIZE / PAGE_SIZE];
static struct guest_memory memory;
static const char *why;

static int setup(void **state)
{
	(void)state;
	base = host_ram_map(SIZE, SIZE);
	page_alloc_init(base, SIZE, bytes);
	page_alloc_add(base, SIZE);
	captured_clear();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	host_ram_unmap(base, SIZE);
	return 0;
}

static void surround_a_vm(uint64_t size)
{
	assert_int_equal(canary_begin(size, &why), STATUS_OK);
	assert_int_equal(guest_memory_allocate(&memory, GUEST_RAM_BASE, GUEST_SIZE),
			 STATUS_OK);
	canary_surround(&memory);
	canary_fill();
}

/* As at the end of a VM: with the report, and nothing is left behind. */
static void expect_end(const char *line, const char *report)
{
	struct json json = {0};

	assert_string_equal(captured, line);
	captured_clear();
	canary_report(&json);
	assert_string_equal(captured, report);
	guest_memory_free(&memory);
	canary_end();
	assert_int_equal(page_alloc_free_pages(), SIZE / PAGE_SIZE);
}

static uint64_t word_at(uint64_t address)
{
	return *(uint64_t *)(uintptr_t)address;
}

/* Ours and not the VM's: the pattern is nowhere by itself. */
static bool is_canary(uint64_t page)
{
	for (uint64_t at = page; at < page + PAGE_SIZE; at += 8)
		if (word_at(at) != canary_word(at))
			return false;
	return true;
}

static void nothing_without_the_boot_argument(void **state)
{
	(void)state;
	surround_a_vm(0);
	assert_true(canary_check());
	expect_end("", "");
}

static void untouched_pages_are_counted(void **state)
{
	unsigned found = 0;

	(void)state;
	surround_a_vm(CANARY_SIZE);
	for (uint64_t page = base.raw; page < base.raw + SIZE; page += PAGE_SIZE)
		found += is_canary(page);
	assert_int_equal(found, CANARY_PAGES);
	/* What a VM does with its own memory is its own business. */
	memset(hpa_pointer(memory.runs[0].hpa), 0x5a, memory.runs[0].size);
	assert_true(canary_check());
	expect_end("gnomon: canary: 64 pages untouched\r\n",
		   "\"canary\":{\"pages\":64,\"changed\":0}");
}

static void they_lie_around_the_vm_and_at_the_end(void **state)
{
	(void)state;
	surround_a_vm(CANARY_SIZE);
	for (unsigned i = 0; i < memory.run_count; i++) {
		uint64_t start = memory.runs[i].hpa.raw;
		uint64_t end = start + memory.runs[i].size;

		if (start > base.raw)
			assert_true(is_canary(start - PAGE_SIZE));
		if (end < base.raw + SIZE)
			assert_true(is_canary(end));
	}
	for (unsigned i = 1; i <= CANARY_PAGES / 4; i++)
		assert_true(is_canary(base.raw + SIZE - i * PAGE_SIZE));
	canary_end();
	guest_memory_free(&memory);
}

/* Tables are single pages: each of the next has a canary on both sides, or nearly. */
static void later_pages_lie_between_them(void **state)
{
	void *pages[8];

	(void)state;
	surround_a_vm(CANARY_SIZE);
	for (unsigned i = 0; i < ARRAY_LENGTH(pages); i++) {
		uint64_t page;

		pages[i] = page_alloc(0);
		page = (uintptr_t)pages[i];
		assert_true(is_canary(page - PAGE_SIZE) || is_canary(page + PAGE_SIZE));
		memset(pages[i], 0xff, PAGE_SIZE);
	}
	assert_true(canary_check());
	for (unsigned i = 0; i < ARRAY_LENGTH(pages); i++)
		page_free(pages[i], 0);
	captured_clear();
	assert_true(canary_check());
	expect_end("gnomon: canary: 64 pages untouched\r\n",
		   "\"canary\":{\"pages\":64,\"changed\":0}");
}

static void expect_found(uint64_t address)
{
	uint8_t *byte = (uint8_t *)(uintptr_t)address;
	char line[128], report[128];
	uint64_t word = align_down(address, 8);

	*byte ^= 0x10;
	captured_clear();
	assert_false(canary_check());
	*byte ^= 0x10;
	snprintf(line, sizeof(line),
		 "gnomon: canary: 1 of 64 pages changed, the first at 0x%lx\r\n", word);
	assert_string_equal(captured, line);
	captured_clear();
	canary_report(&(struct json){0});
	snprintf(report, sizeof(report),
		 "\"canary\":{\"pages\":64,\"changed\":1,\"first\":%lu}", word);
	assert_string_equal(captured, report);
}

/* The first, the last and some other byte of every single page. */
static void a_changed_byte_is_found_wherever_it_is(void **state)
{
	unsigned pages = 0;

	(void)state;
	surround_a_vm(CANARY_SIZE);
	for (uint64_t page = base.raw; page < base.raw + SIZE; page += PAGE_SIZE) {
		if (!is_canary(page))
			continue;
		expect_found(page);
		expect_found(page + 1 + 61 * pages++);
		expect_found(page + PAGE_SIZE - 1);
	}
	assert_int_equal(pages, CANARY_PAGES);
	captured_clear();
	assert_true(canary_check());
	expect_end("gnomon: canary: 64 pages untouched\r\n",
		   "\"canary\":{\"pages\":64,\"changed\":0}");
}

static void several_changed_pages_are_counted(void **state)
{
	(void)state;
	surround_a_vm(CANARY_SIZE);
	for (unsigned i = 1; i <= 3; i++)
		memset((void *)(uintptr_t)(base.raw + SIZE - i * PAGE_SIZE), 0,
		       PAGE_SIZE);
	assert_false(canary_check());
	assert_non_null(strstr(captured, "3 of 64 pages changed"));
	canary_end();
	guest_memory_free(&memory);
	assert_int_equal(page_alloc_free_pages(), SIZE / PAGE_SIZE);
}

static void too_large_a_canary_is_refused(void **state)
{
	(void)state;
	assert_int_equal(canary_begin(SIZE / 4 + PAGE_SIZE, &why), STATUS_NO_MEMORY);
	assert_non_null(strstr(why, "canary of 16388 KiB"));
	assert_int_equal(page_alloc_free_pages(), SIZE / PAGE_SIZE);
	assert_true(canary_check());
	canary_end();
	surround_a_vm(SIZE / 4);
	assert_true(canary_check());
	expect_end("gnomon: canary: 4096 pages untouched\r\n",
		   "\"canary\":{\"pages\":4096,\"changed\":0}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_without_the_boot_argument, setup,
						teardown),
		cmocka_unit_test_setup_teardown(untouched_pages_are_counted, setup,
						teardown),
		cmocka_unit_test_setup_teardown(they_lie_around_the_vm_and_at_the_end,
						setup, teardown),
		cmocka_unit_test_setup_teardown(later_pages_lie_between_them, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_changed_byte_is_found_wherever_it_is,
						setup, teardown),
		cmocka_unit_test_setup_teardown(several_changed_pages_are_counted, setup,
						teardown),
		cmocka_unit_test_setup_teardown(too_large_a_canary_is_refused, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

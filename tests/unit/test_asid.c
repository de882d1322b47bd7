/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: lsp/asid.c mm/guest_memory.c tests/unit/fake_arch.c tests/unit/fake_pages.c */
/* sources: tests/unit/host_ram.c */
/*
 * Real ASIDs: one owner at a time on each hart, whatever the chip's width; and
 * fences that never reach out to a hart they cannot reach.
 */
#include <stdlib.h>

#include "lsp/asid.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/host_ram.h"

#define TAGS 40

static void create(unsigned bits)
{
	struct fake_profile profile = *fake_default();

	profile.asid_bits = bits;
	fake_arch_create(&profile);
}

/* Of all tags that are valid on a hart, no two have the same ASID. */
static void check_owners(const struct asid_tag *tags, unsigned bits)
{
	for (unsigned i = 0; i < TAGS; i++) {
		if (!asid_tag_is_valid(&tags[i]))
			continue;
		assert_true(tags[i].asid < 1u << bits);
		/* 0 is left to what is not ours, where there is a choice */
		assert_true(bits == 0 || tags[i].asid > 0);
		for (unsigned j = 0; j < i; j++)
			assert_false(asid_tag_is_valid(&tags[j]) &&
				     tags[j].asid == tags[i].asid);
	}
}

static void an_asid_has_one_owner(void **state)
{
	uint64_t seed = 7;

	(void)state;
	for (unsigned bits = 0; bits < 8; bits++) {
		struct asid_tag tags[TAGS] = {0};

		create(bits);
		for (unsigned i = 0; i < 1000; i++) {
			struct asid_tag *tag = &tags[random_below(&seed, TAGS)];

			fake_hart_switch(random_below(&seed, FAKE_HART_LIMIT));
			if (!asid_tag_is_valid(tag))
				asid_tag_renew(tag);
			assert_true(asid_tag_is_valid(tag));
			check_owners(tags, bits);
		}
	}
}

/* As on a chip that has no more, and never more than the chip has. */
static void bits_can_be_left_out(void **state)
{
	struct asid_tag tags[TAGS] = {0};

	(void)state;
	create(4);
	assert_int_equal(asid_bits_limit(5), STATUS_UNSUPPORTED);
	assert_int_equal(asid_bits(), 4);
	for (unsigned bits = 4; bits-- > 0;) {
		assert_int_equal(asid_bits_limit(bits), STATUS_OK);
		assert_int_equal(asid_bits(), bits);
		for (unsigned i = 0; i < TAGS; i++) {
			asid_tag_renew(&tags[i]);
			check_owners(tags, bits);
		}
	}
	assert_int_equal(asid_bits_limit(4), STATUS_OK);
	assert_int_equal(asid_bits(), 4);
}

/* A generation is as long as there are ASIDs, and its beginning is told. */
static void a_generation_lasts_as_long_as_its_asids(void **state)
{
	struct asid_tag tag = {0}, old;

	(void)state;
	for (unsigned bits = 0; bits < 6; bits++) {
		unsigned usable = bits == 0 ? 1 : (1u << bits) - 1;

		create(bits);
		while (!asid_tag_renew(&tag))
			;
		for (unsigned round = 0; round < 3; round++) {
			old = tag;
			for (unsigned i = 1; i < usable; i++) {
				assert_false(asid_tag_renew(&tag));
				assert_true(asid_tag_is_valid(&old));
			}
			assert_true(asid_tag_renew(&tag));
			assert_false(asid_tag_is_valid(&old));
		}
	}
}

static void harts_count_on_their_own(void **state)
{
	struct asid_tag here = {0}, there = {0};

	(void)state;
	create(4);
	asid_tag_renew(&here);
	fake_hart_switch(1);
	assert_false(asid_tag_is_valid(&here));
	while (!asid_tag_renew(&there))
		;
	while (!asid_tag_renew(&there))
		;
	fake_hart_switch(0);
	assert_true(asid_tag_is_valid(&here));
	assert_false(asid_tag_is_valid(&there));
}

static void a_tag_that_was_never_given_is_not_valid(void **state)
{
	const struct asid_tag none = {0};

	(void)state;
	create(16);
	for (unsigned hart = 0; hart < FAKE_HART_LIMIT; hart++) {
		fake_hart_switch(hart);
		assert_false(asid_tag_is_valid(&none));
	}
}

static void fences_go_where_the_tag_is(void **state)
{
	struct asid_tag tag = {0};

	(void)state;
	create(16);
	asid_tag_renew(&tag);
	asid_fence_leaf(&tag, GVA(0x1000));
	assert_int_equal(fake_machine.counts.leaf_fences, 1);
	asid_fence_tree(&tag);
	assert_int_equal(fake_machine.counts.asid_fences, 1);
	assert_true(asid_tag_is_valid(&tag));
	/* from another hart: no fence, and no such tag any more */
	fake_hart_switch(1);
	asid_fence_leaf(&tag, GVA(0x1000));
	assert_int_equal(fake_machine.counts.leaf_fences, 1);
	fake_hart_switch(0);
	assert_false(asid_tag_is_valid(&tag));
	asid_tag_renew(&tag);
	fake_hart_switch(2);
	asid_fence_tree(&tag);
	assert_int_equal(fake_machine.counts.asid_fences, 1);
	fake_hart_switch(0);
	assert_false(asid_tag_is_valid(&tag));
	asid_fence_tree(&tag);
	assert_int_equal(fake_machine.counts.asid_fences, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_asid_has_one_owner),
		cmocka_unit_test(bits_can_be_left_out),
		cmocka_unit_test(a_generation_lasts_as_long_as_its_asids),
		cmocka_unit_test(harts_count_on_their_own),
		cmocka_unit_test(a_tag_that_was_never_given_is_not_valid),
		cmocka_unit_test(fences_go_where_the_tag_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

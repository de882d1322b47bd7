/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/bundle.c core/device_tree.c core/reason.c core/log.c */
/* sources: core/bundle_image.c core/bundle_devices.c */
/* libs: -lfdt */
/*
 * Bundles: what is read from good ones, the words for bad ones, and that no
 * byte outside a bundle is ever read. Every bundle that is opened here lies in
 * a block of exactly its size, so that the address sanitizer sees one too far.
 */
#include <libfdt.h>
#include <string.h>

#include "core/bundle.h"
#include "tests/unit/silent_console.h"

/* Trees are written here and then moved to a block of their own. */
static uint64_t draft[4096];

static void *draft_begin(void)
{
	assert_int_equal(fdt_create(draft, sizeof(draft)), 0);
	assert_int_equal(fdt_finish_reservemap(draft), 0);
	assert_int_equal(fdt_begin_node(draft, ""), 0);
	return draft;
}

static void draft_finish(void)
{
	assert_int_equal(fdt_end_node(draft), 0);
	assert_int_equal(fdt_finish(draft), 0);
}

static void node(const char *name)
{
	assert_int_equal(fdt_begin_node(draft, name), 0);
}

static void end(void)
{
	assert_int_equal(fdt_end_node(draft), 0);
}

static void bytes(const char *name, const void *value, size_t size)
{
	assert_int_equal(fdt_property(draft, name, value, (int)size), 0);
}

static void text(const char *name, const char *value)
{
	bytes(name, value, strlen(value) + 1);
}

static void cell(const char *name, uint32_t value)
{
	assert_int_equal(fdt_property_u32(draft, name, value), 0);
}

static void image(const char *name, const char *data)
{
	node(name);
	text("type", "kernel");
	text("compression", "none");
	bytes("data", data, strlen(data));
	end();
}

/* A block of exactly this size: the draft and, at a multiple of 4, `tail`. */
static void *finished(size_t *size, const void *tail, size_t tail_size)
{
	size_t tree =
		tail_size > 0 ? align_up(fdt_totalsize(draft), 4) : fdt_totalsize(draft);
	char *block = malloc(tree + tail_size);

	assert_non_null(block);
	memcpy(block, draft, fdt_totalsize(draft));
	if (tail_size > 0)
		memcpy(block + tree, tail, tail_size);
	*size = tree + tail_size;
	return block;
}

static void assert_blob(struct blob blob, const char *expected)
{
	assert_int_equal(blob.size, strlen(expected));
	assert_memory_equal(blob.data, expected, blob.size);
}

/* Two VMs that use everything a configuration may say, and nothing of it. */
static void draft_two_vms(void)
{
	draft_begin();
	node("images");
	image("kernel-1", "the kernel");
	image("ramdisk-1", "the ramdisk");
	image("fdt-1", "the tree");
	end();
	node("configurations");
	text("default", "plain");
	node("full");
	text("kernel", "kernel-1");
	text("ramdisk", "ramdisk-1");
	text("fdt", "fdt-1");
	assert_int_equal(fdt_property_u64(draft, "gnomon,memory", 6 * GIB), 0);
	assert_int_equal(fdt_property_u64(draft, "gnomon,shadow-memory", 5 * GIB), 0);
	cell("gnomon,vcpus", 4);
	cell("gnomon,weight", 250);
	text("gnomon,on-reboot", "restart");
	bytes("gnomon,pin", "\0\0\0\3\xff\xff\xff\xff", 8);
	text("gnomon,paging", "nested");
	text("gnomon,bootargs", "console=ttyS0 quiet");
	fdt_property(draft, "gnomon,disks", "fdt-1\0ramdisk-1", 16);
	text("gnomon,disk-copy", "ramdisk-1");
	fdt_property(draft, "gnomon,devices", "console\0rng", 12);
	fdt_property(draft, "gnomon,net", "lan\0wan", 8);
	bytes("gnomon,net-mac", "\2\0\0\0\0\1\6\0\0\0\0\2", 12);
	end();
	node("plain");
	text("kernel", "kernel-1");
	end();
	end();
	draft_finish();
}

static void reads_all_that_is_said(void **state)
{
	struct bundle bundle;
	struct vm_config config;
	const char *why = NULL;
	size_t size;
	void *block;

	(void)state;
	draft_two_vms();
	block = finished(&size, NULL, 0);
	assert_int_equal(bundle_open(&bundle, block, size, &why), STATUS_OK);
	assert_int_equal(bundle_count(&bundle), 2);
	assert_int_equal(bundle_default(&bundle), 1);
	assert_int_equal(bundle_vm(&bundle, 0, &config, &why), STATUS_OK);
	assert_string_equal(config.name, "full");
	assert_blob(config.kernel, "the kernel");
	assert_blob(config.ramdisk, "the ramdisk");
	assert_blob(config.fdt, "the tree");
	assert_int_equal(config.memory, 6 * GIB);
	assert_int_equal(config.shadow_memory, 5 * GIB);
	assert_int_equal(config.vcpus, 4);
	assert_int_equal(config.weight, 250);
	assert_true(config.restarts);
	assert_int_equal(config.pin_count, 2);
	assert_int_equal(config.pins[0], 3);
	assert_int_equal(config.pins[1], BUNDLE_PIN_NONE);
	assert_string_equal(config.paging, "nested");
	assert_string_equal(config.bootargs, "console=ttyS0 quiet");
	assert_int_equal(config.disk_count, 2);
	assert_string_equal(config.disks[0].name, "fdt-1");
	assert_blob(config.disks[0].image, "the tree");
	assert_false(config.disks[0].is_copied);
	assert_blob(config.disks[1].image, "the ramdisk");
	assert_true(config.disks[1].is_copied);
	assert_int_equal(config.devices, VM_DEVICE_RNG | VM_DEVICE_CONSOLE);
	assert_int_equal(config.net_count, 2);
	assert_string_equal(config.networks[0], "lan");
	assert_string_equal(config.networks[1], "wan");
	assert_memory_equal(config.macs, "\2\0\0\0\0\1\6\0\0\0\0\2", 12);
	assert_null(why);
	free(block);
}

static void silence_means_the_defaults(void **state)
{
	struct bundle bundle;
	struct vm_config config;
	const char *why = NULL;
	size_t size;
	void *block;

	(void)state;
	draft_two_vms();
	block = finished(&size, "padding", 7);
	assert_int_equal(bundle_open(&bundle, block, size, &why), STATUS_OK);
	assert_int_equal(bundle_vm(&bundle, 1, &config, &why), STATUS_OK);
	assert_string_equal(config.name, "plain");
	assert_blob(config.kernel, "the kernel");
	assert_null(config.ramdisk.data);
	assert_int_equal(config.ramdisk.size, 0);
	assert_null(config.fdt.data);
	assert_int_equal(config.memory, BUNDLE_DEFAULT_MEMORY);
	assert_int_equal(config.shadow_memory, 0);
	assert_int_equal(config.vcpus, BUNDLE_DEFAULT_VCPUS);
	assert_int_equal(config.weight, BUNDLE_DEFAULT_WEIGHT);
	assert_false(config.restarts);
	assert_int_equal(config.pin_count, 0);
	assert_string_equal(config.paging, "lsp");
	assert_string_equal(config.bootargs, "");
	assert_int_equal(config.disk_count, 0);
	assert_int_equal(config.devices, 0);
	assert_int_equal(config.net_count, 0);
	assert_null(config.macs);
	free(block);
}

/* One configuration 'vm' with kernel 'k', placed by these properties. */
static void draft_external(const char *property, uint64_t start, uint32_t size)
{
	draft_begin();
	node("images");
	node("k");
	assert_int_equal(fdt_property_u64(draft, property, start), 0);
	cell("data-size", size);
	end();
	end();
	node("configurations");
	node("vm");
	text("kernel", "k");
	end();
	end();
	draft_finish();
}

static enum status read_external(struct vm_config *config, void **block, const char **why)
{
	struct bundle bundle;
	size_t size;

	*block = finished(&size, "0123456789", 10);
	assert_int_equal(bundle_open(&bundle, *block, size, why), STATUS_OK);
	return bundle_vm(&bundle, 0, config, why);
}

static void data_may_follow_the_tree(void **state)
{
	struct vm_config config;
	const char *why = NULL;
	uint64_t tree;
	void *block;

	(void)state;
	draft_external("data-offset", 2, 8);
	assert_int_equal(read_external(&config, &block, &why), STATUS_OK);
	assert_blob(config.kernel, "23456789");
	free(block);

	draft_external("data-position", 0, 4);
	tree = align_up(fdt_totalsize(draft), 4);
	draft_external("data-position", tree + 3, 4);
	assert_int_equal(read_external(&config, &block, &why), STATUS_OK);
	assert_blob(config.kernel, "3456");
	free(block);
}

static void assert_refused(enum status status, enum status expected, const char **why,
			   const char *words)
{
	assert_non_null(*why);
	assert_string_equal(*why, words);
	assert_int_equal(status, expected);
}

static void data_past_the_end_is_refused(void **state)
{
	static const struct {
		const char *property;
		uint64_t start;
		uint32_t size;
	} cases[] = {
		{"data-offset", 3, 8},
		{"data-offset", 11, 0},
		{"data-offset", UINT64_MAX, 1},
		{"data-offset", UINT64_MAX - 300, 16},
		{"data-position", UINT64_MAX - 3, 8},
		{"data-position", UINT64_C(1) << 32, UINT32_MAX},
	};
	struct vm_config config;
	const char *why = NULL;
	void *block;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		draft_external(cases[i].property, cases[i].start, cases[i].size);
		assert_int_equal(read_external(&config, &block, &why), STATUS_CORRUPT);
		assert_non_null(strstr(why, "past the end of the bundle"));
		free(block);
	}
	draft_external("data-offset", 3, 4096 + 7);
	assert_refused(read_external(&config, &block, &why), STATUS_CORRUPT, &why,
		       "configuration 'vm': image 'k' reaches 4096 bytes past the end of "
		       "the bundle");
	free(block);
}

static void places_must_be_numbers(void **state)
{
	static const char *const properties[] = {"data-position", "data-offset",
						 "data-size"};
	struct vm_config config;
	const char *why = NULL;
	char words[80];
	void *block;
	int kernel;

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(properties); i++) {
		draft_external("data-offset", 0, 8);
		assert_int_equal(fdt_open_into(draft, draft, sizeof(draft)), 0);
		kernel = fdt_path_offset(draft, "/images/k");
		assert_int_equal(fdt_setprop(draft, kernel, properties[i], "abc", 3), 0);
		snprintf(words, sizeof(words),
			 "configuration 'vm': image 'k': %s is no number", properties[i]);
		assert_refused(read_external(&config, &block, &why), STATUS_CORRUPT, &why,
			       words);
		free(block);
	}
	draft_external("data-offset", 0, 8);
	assert_int_equal(fdt_open_into(draft, draft, sizeof(draft)), 0);
	kernel = fdt_path_offset(draft, "/images/k");
	assert_int_equal(fdt_delprop(draft, kernel, "data-size"), 0);
	assert_refused(read_external(&config, &block, &why), STATUS_NOT_FOUND, &why,
		       "configuration 'vm': image 'k' has no data");
	free(block);
}

/* A configuration 'vm' of one kernel, with one more property in a chosen node. */
struct flaw {
	bool in_image;
	const char *property; /* NULL: the property is left out */
	const void *value;
	size_t size;
	enum status status;
	const char *words;
};

static void draft_flawed(const struct flaw *flaw)
{
	bool kernel_named = strcmp(flaw->property, "kernel") == 0;
	bool data = strcmp(flaw->property, "data") == 0;

	draft_begin();
	node("images");
	node("k");
	if (!data)
		bytes("data", "code", 4);
	if (flaw->in_image && flaw->value)
		bytes(flaw->property, flaw->value, flaw->size);
	end();
	end();
	node("configurations");
	node("vm");
	if (!kernel_named)
		text("kernel", "k");
	if (!flaw->in_image && flaw->value)
		bytes(flaw->property, flaw->value, flaw->size);
	end();
	end();
	draft_finish();
}

static const struct flaw flaws[] = {
	{false, "kernel", NULL, 0, STATUS_NOT_FOUND,
	 "configuration 'vm' names no kernel"},
	{false, "kernel", "nobody", 7, STATUS_NOT_FOUND,
	 "configuration 'vm': the bundle has no image 'nobody'"},
	{false, "kernel", "k", 1, STATUS_CORRUPT,
	 "configuration 'vm': kernel does not name one image"},
	{false, "fdt", "a\0b", 4, STATUS_CORRUPT,
	 "configuration 'vm': fdt does not name one image"},
	{false, "ramdisk", "", 1, STATUS_NOT_FOUND,
	 "configuration 'vm': the bundle has no image ''"},
	{false, "ramdisk", "\x1b[2J", 5, STATUS_NOT_FOUND,
	 "configuration 'vm': the bundle has no image '?[2J'"},
	{true, "data", NULL, 0, STATUS_NOT_FOUND,
	 "configuration 'vm': image 'k' has no data"},
	{true, "data", "", 0, STATUS_INVALID, "configuration 'vm': image 'k' is empty"},
	{true, "compression", "gzip", 5, STATUS_UNSUPPORTED,
	 "configuration 'vm': image 'k' has compression 'gzip'; only 'none' can be "
	 "loaded"},
	{true, "compression", "none", 4, STATUS_UNSUPPORTED,
	 "configuration 'vm': image 'k' has compression '?'; only 'none' can be loaded"},
	{false, "gnomon,memory", "\0\0\0\0", 4, STATUS_INVALID,
	 "configuration 'vm': gnomon,memory cannot be 0"},
	{false, "gnomon,memory", "512M", 5, STATUS_CORRUPT,
	 "configuration 'vm': gnomon,memory is no number"},
	{false, "gnomon,shadow-memory", "\0\0\0\0", 4, STATUS_INVALID,
	 "configuration 'vm': gnomon,shadow-memory cannot be 0"},
	{false, "gnomon,shadow-memory", "\0\1", 2, STATUS_CORRUPT,
	 "configuration 'vm': gnomon,shadow-memory is no number"},
	{false, "gnomon,vcpus", "\0\0\0\0", 4, STATUS_INVALID,
	 "configuration 'vm': gnomon,vcpus cannot be 0"},
	{false, "gnomon,vcpus", "\0\0\0\1\0\0\0\0", 8, STATUS_INVALID,
	 "configuration 'vm': gnomon,vcpus cannot be 4294967296"},
	{false, "gnomon,weight", "\0\0\0\x09", 4, STATUS_INVALID,
	 "configuration 'vm': gnomon,weight cannot be 9"},
	{false, "gnomon,weight", "\0\0\3\xe9", 4, STATUS_INVALID,
	 "configuration 'vm': gnomon,weight cannot be 1001"},
	{false, "gnomon,weight", "10", 3, STATUS_CORRUPT,
	 "configuration 'vm': gnomon,weight is no number"},
	{false, "gnomon,on-reboot", "halt", 5, STATUS_INVALID,
	 "configuration 'vm': gnomon,on-reboot is 'halt', neither stop nor restart"},
	{false, "gnomon,on-reboot", "stop", 4, STATUS_CORRUPT,
	 "configuration 'vm': gnomon,on-reboot is no string"},
	{false, "gnomon,pin", "", 0, STATUS_INVALID,
	 "configuration 'vm': gnomon,pin is no list of 1 to 8 cells"},
	{false, "gnomon,pin", "\0\0\0\1\0", 5, STATUS_INVALID,
	 "configuration 'vm': gnomon,pin is no list of 1 to 8 cells"},
	{false, "gnomon,pin", "111122223333444455556666777788889999", 36, STATUS_INVALID,
	 "configuration 'vm': gnomon,pin is no list of 1 to 8 cells"},
	{false, "gnomon,paging", "lsp", 3, STATUS_CORRUPT,
	 "configuration 'vm': gnomon,paging is no string"},
	{false, "gnomon,bootargs", "", 0, STATUS_CORRUPT,
	 "configuration 'vm': gnomon,bootargs is no string"},
	{false, "gnomon,disks", "nothing", 8, STATUS_NOT_FOUND,
	 "configuration 'vm': the bundle has no image 'nothing'"},
	{false, "gnomon,disks", "k\0k\0k\0k\0k", 10, STATUS_UNSUPPORTED,
	 "configuration 'vm': a VM can have 4 disks, not 5"},
	{false, "gnomon,disks", "k", 1, STATUS_CORRUPT,
	 "configuration 'vm': gnomon,disks is no list of strings"},
	{false, "gnomon,disk-copy", "k", 2, STATUS_NOT_FOUND,
	 "configuration 'vm': gnomon,disk-copy: 'k' is none of its disks"},
	{false, "gnomon,devices", "rng\0gpu", 8, STATUS_UNSUPPORTED,
	 "configuration 'vm': gnomon,devices: no device 'gpu' (there are rng and "
	 "console)"},
	{false, "gnomon,devices", "rng\0gpu", 7, STATUS_CORRUPT,
	 "configuration 'vm': gnomon,devices is no list of strings"},
	{false, "gnomon,net", "a\0b\0c", 6, STATUS_UNSUPPORTED,
	 "configuration 'vm': a VM can have 2 network cards, not 3"},
	{false, "gnomon,net", "lan", 3, STATUS_CORRUPT,
	 "configuration 'vm': gnomon,net is no list of strings"},
	{false, "gnomon,net-mac", "\2\0\0\0\0\1", 6, STATUS_INVALID,
	 "configuration 'vm': gnomon,net-mac has 6 bytes, not 6 for each of its "
	 "networks"},
	{true, "data-size", "abc", 3, STATUS_OK, NULL}, /* there is inline data */
};

static void flaws_are_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(flaws); i++) {
		struct bundle bundle;
		struct vm_config config;
		const char *why = NULL;
		enum status status;
		size_t size;
		void *block;

		draft_flawed(&flaws[i]);
		block = finished(&size, NULL, 0);
		assert_int_equal(bundle_open(&bundle, block, size, &why), STATUS_OK);
		status = bundle_vm(&bundle, 0, &config, &why);
		assert_int_equal(status, flaws[i].status);
		if (flaws[i].words)
			assert_string_equal(why, flaws[i].words);
		free(block);
	}
}

static void a_vm_too_far_is_refused(void **state)
{
	struct bundle bundle;
	struct vm_config config;
	const char *why = NULL;
	size_t size;
	void *block;

	(void)state;
	draft_two_vms();
	block = finished(&size, NULL, 0);
	assert_int_equal(bundle_open(&bundle, block, size, &why), STATUS_OK);
	assert_refused(bundle_vm(&bundle, 2, &config, &why), STATUS_NOT_FOUND, &why,
		       "the bundle has no VM number 2");
	free(block);
}

static void what_is_no_bundle_is_refused(void **state)
{
	static const uint64_t archive[8] = {0x3130373037303730};
	struct bundle bundle;
	const char *why = NULL;

	(void)state;
	assert_refused(bundle_open(&bundle, NULL, 0, &why), STATUS_NOT_FOUND, &why,
		       "the bundle is missing");
	assert_refused(bundle_open(&bundle, archive, 39, &why), STATUS_CORRUPT, &why,
		       "the bundle has only 39 bytes");
	assert_refused(bundle_open(&bundle, archive, sizeof(archive), &why),
		       STATUS_CORRUPT, &why,
		       "the bundle begins with 0x30373037 instead of 0xd00dfeed");
	assert_refused(bundle_open(&bundle, (const char *)archive + 4, 48, &why),
		       STATUS_INVALID, &why,
		       "the bundle is not at a multiple of 8 bytes");
}

static void a_tree_of_an_old_version_is_refused(void **state)
{
	struct bundle bundle;
	const char *why = NULL;

	(void)state;
	draft_two_vms();
	fdt_set_last_comp_version(draft, 2);
	for (unsigned version = 2; version < 16; version++) {
		fdt_set_version(draft, version);
		assert_int_equal(bundle_open(&bundle, draft, sizeof(draft), &why),
				 STATUS_CORRUPT);
	}
	assert_string_equal(why, "the bundle is of version 15, which is older than 16");
	fdt_set_version(draft, 16);
	assert_int_equal(bundle_open(&bundle, draft, sizeof(draft), &why), STATUS_OK);
}

static void a_tree_without_vms_is_refused(void **state)
{
	struct bundle bundle;
	const char *why = NULL;

	(void)state;
	draft_begin();
	draft_finish();
	assert_refused(bundle_open(&bundle, draft, sizeof(draft), &why), STATUS_CORRUPT,
		       &why, "the bundle has no VM under /configurations");
	draft_begin();
	node("configurations");
	end();
	draft_finish();
	assert_refused(bundle_open(&bundle, draft, sizeof(draft), &why), STATUS_CORRUPT,
		       &why, "the bundle has no VM under /configurations");
}

static void a_default_must_exist(void **state)
{
	struct bundle bundle;
	const char *why = NULL;

	(void)state;
	draft_begin();
	node("configurations");
	text("default", "vm2");
	node("vm");
	end();
	end();
	draft_finish();
	assert_refused(bundle_open(&bundle, draft, sizeof(draft), &why), STATUS_NOT_FOUND,
		       &why, "the bundle has no configuration 'vm2', its default");
}

/* Opens [block, block + size) and reads every byte of all that it gives out. */
static bool read_everything(const void *block, size_t size)
{
	struct bundle bundle;
	struct vm_config config;
	const char *why = NULL;
	bool whole = bundle_open(&bundle, block, size, &why) == STATUS_OK;
	unsigned count = whole ? bundle_count(&bundle) : 0;

	for (unsigned i = 0; i < count; i++) {
		char *copy = NULL;

		if (bundle_vm(&bundle, i, &config, &why) != STATUS_OK) {
			whole = false;
			continue;
		}
		copy = malloc(config.kernel.size + config.ramdisk.size + config.fdt.size);
		assert_non_null(copy);
		memcpy(copy, config.kernel.data, config.kernel.size);
		if (config.ramdisk.data)
			memcpy(copy, config.ramdisk.data, config.ramdisk.size);
		if (config.fdt.data)
			memcpy(copy, config.fdt.data, config.fdt.size);
		free(copy);
		assert_true(strlen(config.name) + strlen(config.paging) +
				    strlen(config.bootargs) <
			    size);
	}
	if (!whole)
		assert_in_range(strlen(why), 10, 191);
	return whole;
}

static void every_truncation_is_noticed(void **state)
{
	size_t size;
	char *block;

	(void)state;
	draft_two_vms();
	block = finished(&size, NULL, 0);
	for (size_t kept = 0; kept < size; kept++) {
		void *part = malloc(kept > 0 ? kept : 1);

		assert_non_null(part);
		memcpy(part, block, kept);
		assert_false(read_everything(part, kept));
		free(part);
	}
	assert_true(read_everything(block, size));
	free(block);
	draft_external("data-offset", 0, 10);
	block = finished(&size, "0123456789", 10);
	assert_true(read_everything(block, size));
	assert_false(read_everything(block, size - 1));
	free(block);
}

static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33);
}

/* Flipped bits anywhere: an answer or a refusal, never a byte from outside. */
static void damage_is_harmless(void **state)
{
	uint64_t seed = 2;
	unsigned refused = 0;
	size_t size;
	char *whole;

	(void)state;
	draft_two_vms();
	whole = finished(&size, NULL, 0);
	for (unsigned round = 0; round < 20000; round++) {
		char *block = malloc(size);

		assert_non_null(block);
		memcpy(block, whole, size);
		for (unsigned flips = 1 + next_random(&seed) % 3; flips > 0; flips--)
			block[next_random(&seed) % size] ^=
				(char)(1 << next_random(&seed) % 8);
		refused += read_everything(block, size) ? 0 : 1;
		free(block);
	}
	assert_in_range(refused, 1000, 19999);
	free(whole);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_all_that_is_said),
		cmocka_unit_test(silence_means_the_defaults),
		cmocka_unit_test(data_may_follow_the_tree),
		cmocka_unit_test(data_past_the_end_is_refused),
		cmocka_unit_test(places_must_be_numbers),
		cmocka_unit_test(flaws_are_named),
		cmocka_unit_test(a_vm_too_far_is_refused),
		cmocka_unit_test(what_is_no_bundle_is_refused),
		cmocka_unit_test(a_tree_of_an_old_version_is_refused),
		cmocka_unit_test(a_tree_without_vms_is_refused),
		cmocka_unit_test(a_default_must_exist),
		cmocka_unit_test(every_truncation_is_noticed),
		cmocka_unit_test(damage_is_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

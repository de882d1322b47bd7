/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/loader.c core/elf.c core/reason.c core/log.c */
/*
 * Loading guests: where each kind of kernel goes and starts, that nothing
 * overlaps, and the words where something does not fit. Guest RAM is a host
 * buffer behind a fake of mm/guest_memory.c that refuses what is not RAM.
 */
#include <string.h>

#include "core/elf.h"
#include "core/harts.h"
#include "core/loader.h"
#include "tests/unit/silent_console.h"

#define BASE   UINT64_C(0x80000000)
#define FILLER 0xee

static unsigned char *ram;
static uint64_t ram_size;
static bool ram_is_broken;
static unsigned attended;

enum status guest_memory_write(struct guest_memory *memory, gpa_t to, const void *from,
			       uint64_t size)
{
	(void)memory;
	if (ram_is_broken || !range_within(to.raw, size, BASE, ram_size))
		return STATUS_INVALID;
	memcpy(ram + (to.raw - BASE), from, size);
	return STATUS_OK;
}

/* Others' work is seen to, and there is none. */
void harts_attend(void)
{
	attended++;
}

enum status guest_memory_zero(struct guest_memory *memory, gpa_t to, uint64_t size)
{
	(void)memory;
	if (!range_within(to.raw, size, BASE, ram_size))
		return STATUS_INVALID;
	memset(ram + (to.raw - BASE), 0, size);
	return STATUS_OK;
}

struct guest {
	struct vm_config config;
	struct guest_memory memory;
	struct loaded_guest loaded;
	const char *why;
};

static void set_ram(uint64_t size)
{
	free(ram);
	ram = malloc(size);
	assert_non_null(ram);
	memset(ram, FILLER, size);
	ram_size = size;
}

static enum status load(struct guest *guest)
{
	guest->why = NULL;
	return loader_load(&guest->config, &guest->memory, GPA(BASE), ram_size,
			   &guest->loaded, &guest->why);
}

static void assert_refused(struct guest *guest, enum status expected, const char *words)
{
	enum status status = load(guest);

	assert_non_null(guest->why);
	assert_string_equal(guest->why, words);
	assert_int_equal(status, expected);
}

static void assert_ram(uint64_t at, const void *expected, size_t size)
{
	assert_memory_equal(ram + (at - BASE), expected, size);
}

static bool apart(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a + a_size <= b || b + b_size <= a;
}

/* What holds for every guest that was loaded. */
static void assert_layout(const struct guest *guest)
{
	const struct loaded_guest *out = &guest->loaded;
	uint64_t initrd = out->initrd_start.raw;
	uint64_t initrd_size = out->initrd_end.raw - initrd;

	assert_true(range_within(out->kernel.raw, out->kernel_size, BASE, ram_size));
	assert_true(range_within(out->entry.raw, 1, out->kernel.raw, out->kernel_size));
	assert_true(range_within(out->dtb.raw, out->dtb_max, BASE, ram_size));
	assert_true(is_aligned(out->dtb.raw, 2 * MIB));
	assert_true(out->dtb_max >= LOADER_DTB_ROOM + guest->config.fdt.size);
	assert_true(apart(out->dtb.raw, out->dtb_max, out->kernel.raw, out->kernel_size));
	assert_int_equal(initrd_size, guest->config.ramdisk.size);
	if (initrd_size == 0)
		return;
	assert_true(range_within(initrd, initrd_size, BASE, ram_size));
	assert_true(is_aligned(initrd, PAGE_SIZE));
	assert_true(apart(initrd, initrd_size, out->kernel.raw, out->kernel_size));
	assert_true(apart(initrd, initrd_size, out->dtb.raw, out->dtb_max));
	assert_ram(initrd, guest->config.ramdisk.data, initrd_size);
}

/* ---- flat binaries ---- */

static void a_flat_binary_goes_to_2_mib(void **state)
{
	struct guest guest = {
		.config = {.kernel = {"\x13\0\0\0code", 8}, .ramdisk = {"files", 5}}};

	(void)state;
	set_ram(16 * MIB);
	assert_int_equal(load(&guest), STATUS_OK);
	assert_layout(&guest);
	assert_int_equal(guest.loaded.entry.raw, BASE + 2 * MIB);
	assert_ram(BASE + 2 * MIB, "\x13\0\0\0code", 8);
	assert_int_equal(guest.loaded.dtb.raw, BASE + 14 * MIB);
	assert_int_equal(guest.loaded.dtb_max, 2 * MIB);
	assert_int_equal(guest.loaded.initrd_start.raw, BASE + 14 * MIB - PAGE_SIZE);
}

static void without_a_ramdisk_there_is_no_range(void **state)
{
	struct guest guest = {.config = {.kernel = {"code", 4}}};

	(void)state;
	set_ram(4 * MIB + PAGE_SIZE);
	assert_int_equal(load(&guest), STATUS_OK);
	assert_layout(&guest);
	assert_int_equal(guest.loaded.initrd_start.raw, 0);
	assert_int_equal(guest.loaded.initrd_end.raw, 0);
}

/* Every ramdisk size around the one that just fits above the kernel. */
static void the_layout_holds_at_every_edge(void **state)
{
	struct guest guest = {.config = {.kernel = {"code", 4}}};
	char *files = calloc(1, 6 * MIB);

	(void)state;
	assert_non_null(files);
	set_ram(8 * MIB);
	for (uint64_t size = 4 * MIB - 3 * PAGE_SIZE; size <= 4 * MIB; size += 512) {
		guest.config.ramdisk = (struct blob){files, size};
		if (load(&guest) == STATUS_OK)
			assert_layout(&guest);
		else
			assert_int_equal(size > 4 * MIB - PAGE_SIZE, true);
	}
	guest.config.ramdisk.size = 4 * MIB - PAGE_SIZE;
	assert_int_equal(load(&guest), STATUS_OK);
	guest.config.ramdisk.size = 6 * MIB;
	assert_refused(
		&guest, STATUS_TOO_BIG,
		"the ramdisk needs 6 MiB beside a kernel of 1 MiB, the VM has 8 MiB");
	free(files);
}

static void the_slot_grows_with_the_bundles_tree(void **state)
{
	static const char tree[100 * 1024];
	struct guest guest = {
		.config = {.kernel = {"code", 4}, .fdt = {tree, sizeof(tree)}}};

	(void)state;
	set_ram(8 * MIB + 128 * 1024);
	assert_int_equal(load(&guest), STATUS_OK);
	assert_layout(&guest);
	assert_int_equal(guest.loaded.dtb.raw, BASE + 6 * MIB);
	guest.config.fdt.size = 0;
	assert_int_equal(load(&guest), STATUS_OK);
	assert_int_equal(guest.loaded.dtb.raw, BASE + 8 * MIB);
	assert_int_equal(guest.loaded.dtb_max, 128 * 1024);
}

static void what_does_not_fit_is_said(void **state)
{
	char *code = calloc(1, 3 * MIB);
	struct guest guest = {.config = {.kernel = {code, 3 * MIB}}};

	(void)state;
	assert_non_null(code);
	set_ram(1 * MIB);
	assert_refused(&guest, STATUS_TOO_BIG,
		       "the kernel needs 3 MiB at 0x80200000, the VM has 1 MiB at "
		       "0x80000000");
	set_ram(5 * MIB);
	guest.config.kernel.size = 3 * MIB;
	guest.config.fdt.size = 3 * MIB;
	assert_refused(
		&guest, STATUS_TOO_BIG,
		"the VM's 5 MiB have no room for its device tree beside a kernel of "
		"3 MiB");
	guest.config.fdt.size = UINT64_MAX;
	assert_int_equal(load(&guest), STATUS_TOO_BIG);
	guest.config.fdt.size = UINT64_C(1) << 62;
	assert_int_equal(load(&guest), STATUS_TOO_BIG);
	free(code);
}

static void compressed_kernels_are_named(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
		const char *words;
	} cases[] = {
		{"\x1f\x8b\x08", 3,
		 "the kernel is compressed (gzip); it must be unpacked first"},
		{"MZ\0\0zimg", 8,
		 "the kernel is compressed (EFI zboot); it must be unpacked first"},
		{"\xfd"
		 "7zXZ",
		 6, "the kernel is compressed (xz); it must be unpacked first"},
		{"\x28\xb5\x2f\xfd", 4,
		 "the kernel is compressed (zstd); it must be unpacked first"},
	};

	(void)state;
	set_ram(8 * MIB);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct guest guest = {
			.config = {.kernel = {cases[i].bytes, cases[i].size}}};

		assert_refused(&guest, STATUS_UNSUPPORTED, cases[i].words);
		guest.config.kernel.size = 1;
		assert_int_equal(load(&guest), STATUS_OK);
	}
}

/* ---- Linux Images ---- */

static void put_le(unsigned char *at, uint64_t value, unsigned width)
{
	for (unsigned i = 0; i < width; i++)
		at[i] = (unsigned char)(value >> (8 * i));
}

/* In bytes, not by a struct: the offsets of the kernel's documentation. */
static void make_image(unsigned char *image, uint64_t text_offset, uint64_t image_size,
		       uint64_t flags)
{
	memset(image, 0, 64);
	put_le(image + 0x08, text_offset, 8);
	put_le(image + 0x10, image_size, 8);
	put_le(image + 0x18, flags, 8);
	memcpy(image + 0x30, "RISCV\0\0\0", 8);
	memcpy(image + 0x38, "RSC\x05", 4);
}

static void an_image_reserves_its_size(void **state)
{
	unsigned char image[100] = {0};
	struct guest guest = {
		.config = {.kernel = {image, sizeof(image)}, .ramdisk = {"files", 5}}};

	(void)state;
	set_ram(16 * MIB);
	make_image(image, 2 * MIB, 9 * MIB, 0);
	assert_int_equal(load(&guest), STATUS_OK);
	assert_layout(&guest);
	assert_int_equal(guest.loaded.entry.raw, BASE + 2 * MIB);
	assert_int_equal(guest.loaded.kernel_size, 9 * MIB);
	assert_ram(BASE + 2 * MIB, image, sizeof(image));

	make_image(image, 0, 0, 0);
	assert_int_equal(load(&guest), STATUS_OK);
	assert_layout(&guest);
	assert_int_equal(guest.loaded.entry.raw, BASE);
	assert_int_equal(guest.loaded.kernel_size, sizeof(image));
}

static void a_ramdisk_may_fill_the_gap(void **state)
{
	static const char files[MIB];
	unsigned char image[64];
	struct guest guest = {.config = {.kernel = {image, sizeof(image)},
					 .ramdisk = {files, sizeof(files)}}};

	(void)state;
	set_ram(16 * MIB);
	make_image(image, 2 * MIB, 11 * MIB, 0);
	assert_int_equal(load(&guest), STATUS_OK);
	assert_layout(&guest);
	assert_int_equal(guest.loaded.initrd_start.raw, BASE + 13 * MIB);
	assert_int_equal(guest.loaded.initrd_end.raw, guest.loaded.dtb.raw);
}

static void ram_that_cannot_be_written_is_said(void **state)
{
	struct guest guest = {.config = {.kernel = {"code", 4}}};

	(void)state;
	set_ram(16 * MIB);
	ram_is_broken = true;
	assert_refused(&guest, STATUS_INVALID,
		       "the kernel cannot be written to 0x80200000");
	ram_is_broken = false;
}

/* A ramdisk that has no room above a large kernel goes below it. */
static void a_ramdisk_may_lie_below_the_kernel(void **state)
{
	unsigned char image[64];
	char files[3 * PAGE_SIZE] = {1};
	struct guest guest = {.config = {.kernel = {image, sizeof(image)},
					 .ramdisk = {files, sizeof(files)}}};

	(void)state;
	set_ram(16 * MIB);
	make_image(image, 2 * MIB, 12 * MIB - PAGE_SIZE, 0);
	assert_int_equal(load(&guest), STATUS_OK);
	assert_layout(&guest);
	assert_int_equal(guest.loaded.initrd_end.raw, BASE + 2 * MIB);

	/* Then the slot, and below that nothing is left for a ramdisk. */
	make_image(image, 2 * MIB, 13 * MIB, 0);
	assert_int_equal(load(&guest), STATUS_TOO_BIG);
	guest.config.ramdisk = (struct blob){0};
	assert_int_equal(load(&guest), STATUS_OK);
	assert_layout(&guest);
	assert_int_equal(guest.loaded.dtb.raw, BASE);
	assert_int_equal(guest.loaded.dtb_max, 2 * MIB);
}

static void hostile_images_are_refused(void **state)
{
	unsigned char image[64];
	struct guest guest = {.config = {.kernel = {image, sizeof(image)}}};

	(void)state;
	set_ram(16 * MIB);
	make_image(image, 2 * MIB, 15 * MIB, 0);
	assert_refused(&guest, STATUS_TOO_BIG,
		       "the kernel needs 15 MiB at 0x80200000, the VM has 16 MiB at "
		       "0x80000000");
	make_image(image, 2 * MIB, UINT64_MAX, 0);
	assert_int_equal(load(&guest), STATUS_TOO_BIG);
	make_image(image, UINT64_MAX - BASE, 64, 0);
	assert_refused(
		&guest, STATUS_TOO_BIG,
		"the kernel's text_offset is 0xffffffff7fffffff, the VM has 16 MiB");
	make_image(image, 16 * MIB - 63, 64, 0);
	assert_int_equal(load(&guest), STATUS_TOO_BIG);
	make_image(image, 2 * MIB, 64, 1);
	assert_refused(&guest, STATUS_UNSUPPORTED, "the kernel is a big-endian Image");
	make_image(image, 2 * MIB, 64, 0);
	guest.config.kernel.size = 63; /* too short for a header: flat */
	assert_int_equal(load(&guest), STATUS_OK);
	assert_int_equal(guest.loaded.kernel_size, 63);
}

/* ---- ELF ---- */

struct segment {
	uint64_t type;
	uint64_t offset;
	uint64_t virtual;
	uint64_t physical;
	uint64_t file_size;
	uint64_t memory_size;
};

#define ELF_DATA 0x400 /* behind 17 program headers */
#define ELF_SIZE 0x500

/* By the offsets of the System V ABI; bytes at ELF_DATA and up count 0, 1, 2 ... */
static void make_elf(unsigned char *elf, uint64_t entry, const struct segment *segments,
		     unsigned count)
{
	memset(elf, 0, ELF_SIZE);
	memcpy(elf,
	       "\x7f"
	       "ELF\x02\x01\x01",
	       7);
	put_le(elf + 0x10, 2, 2);
	put_le(elf + 0x12, 243, 2);
	put_le(elf + 0x14, 1, 4);
	put_le(elf + 0x18, entry, 8);
	put_le(elf + 0x20, 64, 8);
	put_le(elf + 0x34, 64, 2);
	put_le(elf + 0x36, 56, 2);
	put_le(elf + 0x38, count, 2);
	for (unsigned i = 0; i < count; i++) {
		unsigned char *header = elf + 64 + i * 56;

		put_le(header, segments[i].type, 4);
		put_le(header + 0x08, segments[i].offset, 8);
		put_le(header + 0x10, segments[i].virtual, 8);
		put_le(header + 0x18, segments[i].physical, 8);
		put_le(header + 0x20, segments[i].file_size, 8);
		put_le(header + 0x28, segments[i].memory_size, 8);
	}
	for (unsigned i = ELF_DATA; i < ELF_SIZE; i++)
		elf[i] = (unsigned char)i;
}

static void an_elf_goes_where_it_says(void **state)
{
	static const struct segment segments[] = {
		{1, ELF_DATA, 0xffffffff80001000, BASE + 0x1000, 0x40, 0x40},
		{4, 0, 0, 0, 64, 64}, /* a note: not loaded */
		{1, ELF_DATA + 0x40, 0xffffffff80003000, BASE + 3 * MIB, 0x10, 0x2000},
		{1, 0, 0, 0, 0, 0}, /* empty: nowhere */
	};
	static const unsigned char zeros[0x2000 - 0x10];
	unsigned char elf[ELF_SIZE + 1], *odd = elf + 1;
	struct guest guest = {
		.config = {.kernel = {odd, ELF_SIZE}, .ramdisk = {"files", 5}}};

	(void)state;
	set_ram(16 * MIB);
	make_elf(odd, 0xffffffff80003004, segments, ARRAY_LENGTH(segments));
	assert_int_equal(load(&guest), STATUS_OK);
	assert_layout(&guest);
	assert_int_equal(guest.loaded.entry.raw, BASE + 3 * MIB + 4);
	assert_int_equal(guest.loaded.kernel.raw, BASE + 0x1000);
	assert_int_equal(guest.loaded.kernel_size, 3 * MIB + 0x1000);
	assert_ram(BASE + 0x1000, odd + ELF_DATA, 0x40);
	assert_int_equal(ram[0x1040], FILLER);
	assert_int_equal(ram[0xfff], FILLER);
	assert_ram(BASE + 3 * MIB, odd + ELF_DATA + 0x40, 0x10);
	assert_ram(BASE + 3 * MIB + 0x10, zeros, sizeof(zeros));
	assert_int_equal(ram[3 * MIB + 0x2000], FILLER);
}

static void an_elf_entry_may_be_physical(void **state)
{
	static const struct segment segment = {1,    ELF_DATA, 0xffffffff80000000,
					       BASE, 0x10,     0x10};
	unsigned char elf[ELF_SIZE];
	struct guest guest = {.config = {.kernel = {elf, sizeof(elf)}}};

	(void)state;
	set_ram(16 * MIB);
	make_elf(elf, BASE + 8, &segment, 1);
	assert_int_equal(load(&guest), STATUS_OK);
	assert_int_equal(guest.loaded.entry.raw, BASE + 8);
	make_elf(elf, BASE + 0x10, &segment, 1);
	assert_refused(&guest, STATUS_CORRUPT,
		       "the kernel's ELF entry 0x80000010 lies in none of its segments");
}

static void a_kernel_at_the_top_is_gone_around(void **state)
{
	static const struct segment segment = {
		1, ELF_DATA, BASE + 15 * MIB, BASE + 15 * MIB, 0x10, 1 * MIB};
	unsigned char elf[ELF_SIZE];
	struct guest guest = {
		.config = {.kernel = {elf, sizeof(elf)}, .ramdisk = {"files", 5}}};

	(void)state;
	set_ram(16 * MIB);
	make_elf(elf, BASE + 15 * MIB, &segment, 1);
	assert_int_equal(load(&guest), STATUS_OK);
	assert_layout(&guest);
	assert_int_equal(guest.loaded.dtb.raw, BASE + 14 * MIB);
	assert_int_equal(guest.loaded.dtb_max, 1 * MIB);
}

static void hostile_segments_are_refused(void **state)
{
	static const struct {
		struct segment segment;
		enum status status;
		const char *words;
	} cases[] = {
		{{1, ELF_DATA, BASE, BASE, ELF_SIZE, ELF_SIZE},
		 STATUS_CORRUPT,
		 "the kernel's ELF segment 0 reaches past the end of the file"},
		{{1, UINT64_MAX, BASE, BASE, 2, 2},
		 STATUS_CORRUPT,
		 "the kernel's ELF segment 0 reaches past the end of the file"},
		{{1, ELF_DATA, BASE, BASE, 2, 1},
		 STATUS_CORRUPT,
		 "the kernel's ELF segment 0 reaches past the end of the file"},
		{{1, ELF_DATA, BASE, UINT64_MAX - 1, 1, 2},
		 STATUS_CORRUPT,
		 "the kernel's ELF segment 0 of 0x2 bytes wraps around at "
		 "0xfffffffffffffffe"},
		{{1, ELF_DATA, BASE, 0x1000, 1, 2},
		 STATUS_TOO_BIG,
		 "the kernel needs 1 MiB at 0x1000, the VM has 16 MiB at 0x80000000"},
		{{1, ELF_DATA, BASE, BASE + 16 * MIB - 1, 1, 2},
		 STATUS_TOO_BIG,
		 "the kernel needs 1 MiB at 0x80ffffff, the VM has 16 MiB at 0x80000000"},
		{{1, ELF_DATA, BASE, BASE, 1, 17 * MIB},
		 STATUS_TOO_BIG,
		 "the kernel needs 17 MiB at 0x80000000, the VM has 16 MiB at "
		 "0x80000000"},
		{{1, ELF_DATA, BASE + 1, BASE + 1, 1, UINT64_MAX},
		 STATUS_CORRUPT,
		 "the kernel's ELF segment 0 of 0xffffffffffffffff bytes wraps around at "
		 "0x80000001"},
		{{3, ELF_DATA, BASE, BASE, 2, 2},
		 STATUS_CORRUPT,
		 "the kernel's ELF file has nothing to load"},
	};
	unsigned char elf[ELF_SIZE];
	struct guest guest = {.config = {.kernel = {elf, sizeof(elf)}}};

	(void)state;
	set_ram(16 * MIB);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		make_elf(elf, BASE, &cases[i].segment, 1);
		assert_refused(&guest, cases[i].status, cases[i].words);
	}
}

/* One field of a good file changed. */
static void hostile_headers_are_refused(void **state)
{
	static const char foreign[] = "the kernel is an ELF file, but not of 64-bit "
				      "little-endian RISC-V";
	static const char headers[] =
		"the kernel's ELF program headers reach past its end";
	static const struct {
		unsigned offset, width;
		uint64_t value;
		enum status status;
		const char *words;
	} cases[] = {
		{4, 1, 1, STATUS_UNSUPPORTED, foreign},
		{5, 1, 2, STATUS_UNSUPPORTED, foreign},
		{0x12, 2, 62, STATUS_UNSUPPORTED, foreign},
		{0x10, 2, 1, STATUS_UNSUPPORTED,
		 "the kernel is an ELF file, but no executable (type 1)"},
		{0x20, 8, UINT64_MAX, STATUS_CORRUPT, headers},
		{0x20, 8, ELF_SIZE - 55, STATUS_CORRUPT, headers},
		{0x36, 2, 32, STATUS_CORRUPT, headers},
		{0x38, 2, 0xffff, STATUS_CORRUPT, headers},
		{0x38, 2, 0, STATUS_CORRUPT, "the kernel's ELF file has nothing to load"},
	};
	static const struct segment segment = {1, ELF_DATA, BASE, BASE, 0x10, 0x10};
	unsigned char elf[ELF_SIZE];
	struct guest guest = {.config = {.kernel = {elf, sizeof(elf)}}};

	(void)state;
	set_ram(16 * MIB);
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		make_elf(elf, BASE, &segment, 1);
		put_le(elf + cases[i].offset, cases[i].value, cases[i].width);
		assert_refused(&guest, cases[i].status, cases[i].words);
	}
	make_elf(elf, BASE, &segment, 1);
	guest.config.kernel.size = 63;
	assert_refused(&guest, STATUS_CORRUPT,
		       "the kernel is an ELF file of only 63 bytes");
}

static void too_many_segments_are_refused(void **state)
{
	struct segment segments[ELF_SEGMENT_LIMIT + 1];
	unsigned char elf[ELF_SIZE];
	struct guest guest = {.config = {.kernel = {elf, sizeof(elf)}}};

	(void)state;
	set_ram(16 * MIB);
	for (unsigned i = 0; i < ARRAY_LENGTH(segments); i++)
		segments[i] = (struct segment){1, ELF_DATA, BASE, BASE, 0x10, 0x10};
	make_elf(elf, BASE, segments, ELF_SEGMENT_LIMIT);
	assert_int_equal(load(&guest), STATUS_OK);
	make_elf(elf, BASE, segments, ELF_SEGMENT_LIMIT + 1);
	assert_refused(&guest, STATUS_TOO_BIG,
		       "the kernel has more than 16 ELF segments");
}

static uint32_t next_random(uint64_t *seed)
{
	*seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*seed >> 33);
}

/* Damaged headers: loaded in good order or refused in words, never a fault. */
static void damage_is_harmless(void **state)
{
	static const struct segment segments[] = {
		{1, ELF_DATA, BASE, BASE, 0x40, 0x80},
		{1, ELF_DATA + 0x40, BASE + MIB, BASE + MIB, 0x20, 0x100},
	};
	uint64_t seed = 1;
	unsigned loaded = 0;
	unsigned char *elf = malloc(ELF_SIZE);
	struct guest guest = {
		.config = {.kernel = {elf, ELF_SIZE}, .ramdisk = {"files", 5}}};

	(void)state;
	assert_non_null(elf);
	set_ram(4 * MIB);
	for (unsigned round = 0; round < 20000; round++) {
		if (round % 4 == 0)
			make_image(elf, 2 * MIB, MIB / 2, 0);
		else
			make_elf(elf, BASE, segments, 2);
		for (unsigned flips = 1 + next_random(&seed) % 3; flips > 0; flips--)
			elf[next_random(&seed) % 176] ^=
				(unsigned char)(1 << next_random(&seed) % 8);
		if (load(&guest) == STATUS_OK) {
			assert_layout(&guest);
			loaded++;
		} else {
			assert_in_range(strlen(guest.why), 10, 191);
		}
	}
	assert_in_range(loaded, 1000, 19000);
	free(elf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_flat_binary_goes_to_2_mib),
		cmocka_unit_test(without_a_ramdisk_there_is_no_range),
		cmocka_unit_test(the_layout_holds_at_every_edge),
		cmocka_unit_test(the_slot_grows_with_the_bundles_tree),
		cmocka_unit_test(what_does_not_fit_is_said),
		cmocka_unit_test(compressed_kernels_are_named),
		cmocka_unit_test(an_image_reserves_its_size),
		cmocka_unit_test(a_ramdisk_may_fill_the_gap),
		cmocka_unit_test(ram_that_cannot_be_written_is_said),
		cmocka_unit_test(a_ramdisk_may_lie_below_the_kernel),
		cmocka_unit_test(hostile_images_are_refused),
		cmocka_unit_test(an_elf_goes_where_it_says),
		cmocka_unit_test(an_elf_entry_may_be_physical),
		cmocka_unit_test(a_kernel_at_the_top_is_gone_around),
		cmocka_unit_test(hostile_segments_are_refused),
		cmocka_unit_test(hostile_headers_are_refused),
		cmocka_unit_test(too_many_segments_are_refused),
		cmocka_unit_test(damage_is_harmless),
	};
	int failures = cmocka_run_group_tests(tests, NULL, NULL);

	free(ram);
	return failures;
}

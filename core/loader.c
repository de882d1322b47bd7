/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Putting a guest's images into its memory. See loader.h.
 *
 * Kernel headers are copied out before they are read, since an image in a
 * bundle may begin anywhere. Invariant: nothing is written before its whole
 * range was found inside RAM, so a header cannot send data elsewhere. One load
 * at a time knows its own state; nothing is kept.
 */
#include "core/loader.h"

#include "core/elf.h"
#include "core/harts.h"
#include "core/reason.h"
#include "core/string.h"

/* Where Linux wants to be on a 64-bit machine, and flat binaries are linked. */
#define FLAT_OFFSET (2 * MIB)
#define DTB_ALIGN   (2 * MIB)
#define WRITE_STEP  (256 * UINT64_C(1024))

struct loading {
	const struct blob *kernel;
	struct guest_memory *memory;
	uint64_t ram_base;
	uint64_t ram_size;
	struct loaded_guest *out;
	const char **why;
};

/* Round up, so that a size that does not fit never looks as if it did. */
static uint64_t in_mib(uint64_t bytes)
{
	return bytes / MIB + (bytes % MIB != 0);
}

/* Reserve [start, start + size) for the kernel, if RAM has it. */
static enum status reserve_kernel(const struct loading *loading, uint64_t start,
				  uint64_t size)
{
	if (!range_within(start, size, loading->ram_base, loading->ram_size))
		return refuse(loading->why, STATUS_TOO_BIG,
			      "the kernel needs %lu MiB at 0x%lx, the VM has %lu MiB at "
			      "0x%lx",
			      in_mib(size), start, in_mib(loading->ram_size),
			      loading->ram_base);
	loading->out->kernel = GPA(start);
	loading->out->kernel_size = size;
	return STATUS_OK;
}

/* In steps, for it may be long, and nobody is to wait for all of it; NULL: zeros. */
static enum status write_all(const struct loading *loading, uint64_t to, const char *from,
			     uint64_t size)
{
	struct guest_memory *memory = loading->memory;
	enum status status = STATUS_OK;

	for (uint64_t at = 0; status == STATUS_OK && at < size; at += WRITE_STEP) {
		const uint64_t step = size - at < WRITE_STEP ? size - at : WRITE_STEP;

		status = from ? guest_memory_write(memory, GPA(to + at), from + at, step)
			      : guest_memory_zero(memory, GPA(to + at), step);
		harts_attend();
	}
	return status;
}

static enum status write_image(const struct loading *loading, const char *what,
			       uint64_t to, const void *from, uint64_t size)
{
	enum status status = write_all(loading, to, from, size);

	if (status != STATUS_OK)
		return refuse(loading->why, status, "%s cannot be written to 0x%lx", what,
			      to);
	return STATUS_OK;
}

/* Flat code at start, of which the VM must keep `size` bytes or more free. */
static enum status load_flat_at(const struct loading *loading, uint64_t start,
				uint64_t size)
{
	const struct blob *kernel = loading->kernel;
	enum status status =
		reserve_kernel(loading, start, size > kernel->size ? size : kernel->size);

	if (status != STATUS_OK)
		return status;
	loading->out->entry = GPA(start);
	return write_image(loading, "the kernel", start, kernel->data, kernel->size);
}

static bool is_anything(const struct blob *kernel)
{
	(void)kernel;
	return true;
}

static enum status load_flat(const struct loading *loading)
{
	return load_flat_at(loading, loading->ram_base + FLAT_OFFSET, 0);
}

/* The header of a Linux Image: Documentation/arch/riscv/boot-image-header.rst. */
struct image_header {
	uint32_t code[2];
	uint64_t text_offset;
	uint64_t image_size;
	uint64_t flags;
	uint32_t version;
	uint32_t reserved1;
	uint64_t reserved2;
	uint64_t magic;
	char magic2[4];
	uint32_t reserved3;
};

#define IMAGE_MAGIC2	       "RSC\x05"
#define IMAGE_FLAGS_BIG_ENDIAN UINT64_C(1)

static bool is_image(const struct blob *kernel)
{
	struct image_header header;

	if (kernel->size < sizeof(header))
		return false;
	memcpy(&header, kernel->data, sizeof(header));
	return memcmp(header.magic2, IMAGE_MAGIC2, sizeof(header.magic2)) == 0;
}

static enum status load_image(const struct loading *loading)
{
	struct image_header header;

	memcpy(&header, loading->kernel->data, sizeof(header));
	if (header.flags & IMAGE_FLAGS_BIG_ENDIAN)
		return refuse(loading->why, STATUS_UNSUPPORTED,
			      "the kernel is a big-endian Image");
	if (header.text_offset > loading->ram_size)
		return refuse(loading->why, STATUS_TOO_BIG,
			      "the kernel's text_offset is 0x%lx, the VM has %lu MiB",
			      header.text_offset, in_mib(loading->ram_size));
	return load_flat_at(loading, loading->ram_base + header.text_offset,
			    header.image_size);
}

static bool is_elf(const struct blob *kernel)
{
	return elf_is(kernel->data, kernel->size);
}

static enum status load_segment(const struct loading *loading,
				const struct elf_segment *segment)
{
	enum status status = write_image(loading, "the kernel", segment->physical,
					 segment->data, segment->data_size);

	if (status != STATUS_OK)
		return status;
	/* RAM is zero, but where an earlier segment has written here too. */
	return write_all(loading, segment->physical + segment->data_size, NULL,
			 segment->size - segment->data_size);
}

static enum status load_elf(const struct loading *loading)
{
	struct elf_program program;
	enum status status = elf_read(&program, loading->kernel->data,
				      loading->kernel->size, loading->why);

	for (unsigned i = 0; status == STATUS_OK && i < program.segment_count; i++)
		status = reserve_kernel(loading, program.segments[i].physical,
					program.segments[i].size);
	if (status == STATUS_OK)
		status = reserve_kernel(loading, program.start,
					program.end - program.start);
	for (unsigned i = 0; status == STATUS_OK && i < program.segment_count; i++)
		status = load_segment(loading, &program.segments[i]);
	loading->out->entry = GPA(program.entry);
	return status;
}

/* What a kernel must be unpacked from before it can be run. */
static const struct packing {
	const char *name;
	const char *magic;
	size_t length;
} packings[] = {
	{"gzip", "\x1f\x8b", 2},
	{"xz",
	 "\xfd"
	 "7zXZ",
	 6},
	{"zstd", "\x28\xb5\x2f\xfd", 4},
	{"EFI zboot", "MZ\0\0zimg", 8},
};

static const struct packing *find_packing(const struct blob *kernel)
{
	for (size_t i = 0; i < ARRAY_LENGTH(packings); i++) {
		if (kernel->size >= packings[i].length &&
		    memcmp(kernel->data, packings[i].magic, packings[i].length) == 0)
			return &packings[i];
	}
	return NULL;
}

static bool is_packed(const struct blob *kernel)
{
	return find_packing(kernel) != NULL;
}

static enum status refuse_packed(const struct loading *loading)
{
	return refuse(loading->why, STATUS_UNSUPPORTED,
		      "the kernel is compressed (%s); it must be unpacked first",
		      find_packing(loading->kernel)->name);
}

/* The first kind that recognises a kernel loads it. */
static const struct kernel_kind {
	bool (*recognise)(const struct blob *kernel);
	enum status (*load)(const struct loading *loading);
} kernel_kinds[] = {
	{is_packed, refuse_packed},
	{is_elf, load_elf},
	{is_image, load_image},
	{is_anything, load_flat},
};

static enum status load_kernel(const struct loading *loading)
{
	const struct kernel_kind *kind = kernel_kinds;

	while (!kind->recognise(loading->kernel))
		kind++;
	return kind->load(loading);
}

/* The highest place under `ceiling`, and below the kernel if it is in the way. */
static bool place(const struct loading *loading, uint64_t ceiling, uint64_t size,
		  uint64_t alignment, uint64_t *start)
{
	uint64_t kernel = loading->out->kernel.raw;
	uint64_t kernel_end = kernel + loading->out->kernel_size;

	if (size > ceiling - loading->ram_base)
		return false;
	*start = align_down(ceiling - size, alignment);
	if (*start >= loading->ram_base && *start >= kernel_end)
		return true;
	if (*start >= loading->ram_base && *start + size <= kernel)
		return true;
	return ceiling > kernel && place(loading, kernel, size, alignment, start);
}

/* The slot reaches to what lies above it: the end of RAM, or the kernel. */
static enum status place_dtb(const struct loading *loading, uint64_t own_size)
{
	struct loaded_guest *out = loading->out;
	uint64_t ram_end = loading->ram_base + loading->ram_size;
	uint64_t start, end, size = LOADER_DTB_ROOM;

	if (__builtin_add_overflow(size, own_size, &size) ||
	    !place(loading, ram_end, size, DTB_ALIGN, &start))
		return refuse(
			loading->why, STATUS_TOO_BIG,
			"the VM's %lu MiB have no room for its device tree beside a "
			"kernel of %lu MiB",
			in_mib(loading->ram_size), in_mib(out->kernel_size));
	end = start < out->kernel.raw ? out->kernel.raw : ram_end;
	out->dtb = GPA(start);
	out->dtb_max = end - start;
	return STATUS_OK;
}

static enum status load_ramdisk(const struct loading *loading, const struct blob *ramdisk)
{
	struct loaded_guest *out = loading->out;
	uint64_t start;

	if (!ramdisk->data)
		return STATUS_OK;
	if (!place(loading, out->dtb.raw, ramdisk->size, PAGE_SIZE, &start))
		return refuse(loading->why, STATUS_TOO_BIG,
			      "the ramdisk needs %lu MiB beside a kernel of %lu MiB, the "
			      "VM has %lu MiB",
			      in_mib(ramdisk->size), in_mib(out->kernel_size),
			      in_mib(loading->ram_size));
	out->initrd_start = GPA(start);
	out->initrd_end = GPA(start + ramdisk->size);
	return write_image(loading, "the ramdisk", start, ramdisk->data, ramdisk->size);
}

enum status loader_load(const struct vm_config *config, struct guest_memory *memory,
			gpa_t ram_base, uint64_t ram_size, struct loaded_guest *out,
			const char **why)
{
	const struct loading loading = {
		.kernel = &config->kernel,
		.memory = memory,
		.ram_base = ram_base.raw,
		.ram_size = ram_size,
		.out = out,
		.why = why,
	};
	enum status status;

	*out = (struct loaded_guest){0};
	status = load_kernel(&loading);
	if (status == STATUS_OK)
		status = place_dtb(&loading, config->fdt.size);
	if (status == STATUS_OK)
		status = load_ramdisk(&loading, &config->ramdisk);
	return status;
}

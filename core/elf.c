/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading a kernel that comes as an ELF executable. See elf.h.
 *
 * Layouts and numbers are the System V ABI's (gABI, chapters 4 and 5) and the
 * RISC-V ELF psABI's. Headers are copied out before they are read: the file may
 * begin at any address.
 */
#include "core/elf.h"

#include "core/reason.h"
#include "core/string.h"

struct elf_header {
	uint8_t magic[4];
	uint8_t class;
	uint8_t byte_order;
	uint8_t version;
	uint8_t abi[9];
	uint16_t type;
	uint16_t machine;
	uint32_t version2;
	uint64_t entry;
	uint64_t program_offset;
	uint64_t section_offset;
	uint32_t flags;
	uint16_t header_size;
	uint16_t program_entry_size;
	uint16_t program_count;
	uint16_t section_entry_size;
	uint16_t section_count;
	uint16_t section_names;
};

struct program_header {
	uint32_t type;
	uint32_t flags;
	uint64_t offset;
	uint64_t virtual;
	uint64_t physical;
	uint64_t file_size;
	uint64_t memory_size;
	uint64_t alignment;
};

#define ELF_CLASS_64	  2
#define ELF_LITTLE_ENDIAN 1
#define ELF_EXECUTABLE	  2
#define ELF_SHARED	  3 /* also executables that can be relocated */
#define ELF_RISCV	  243
#define SEGMENT_LOAD	  1

struct elf_file {
	const char *bytes;
	uint64_t size;
	struct elf_header header;
	const char **why;
};

bool elf_is(const void *file, uint64_t size)
{
	return size >= 4 && memcmp(file,
				   "\x7f"
				   "ELF",
				   4) == 0;
}

static enum status check_header(const struct elf_file *file)
{
	const struct elf_header *header = &file->header;

	if (header->class != ELF_CLASS_64 || header->byte_order != ELF_LITTLE_ENDIAN ||
	    header->machine != ELF_RISCV)
		return refuse(
			file->why, STATUS_UNSUPPORTED,
			"the kernel is an ELF file, but not of 64-bit little-endian "
			"RISC-V");
	if (header->type != ELF_EXECUTABLE && header->type != ELF_SHARED)
		return refuse(file->why, STATUS_UNSUPPORTED,
			      "the kernel is an ELF file, but no executable (type %u)",
			      header->type);
	if (header->program_entry_size != sizeof(struct program_header) ||
	    !range_within(header->program_offset,
			  header->program_count * sizeof(struct program_header), 0,
			  file->size))
		return refuse(file->why, STATUS_CORRUPT,
			      "the kernel's ELF program headers reach past its end");
	return STATUS_OK;
}

static struct program_header program_header(const struct elf_file *file, unsigned index)
{
	struct program_header header;

	memcpy(&header,
	       file->bytes + file->header.program_offset + index * sizeof(header),
	       sizeof(header));
	return header;
}

static bool is_loaded(const struct program_header *header)
{
	return header->type == SEGMENT_LOAD && header->memory_size > 0;
}

static enum status add_segment(const struct elf_file *file, unsigned index,
			       const struct program_header *header,
			       struct elf_program *program)
{
	uint64_t end;

	if (header->file_size > header->memory_size ||
	    !range_within(header->offset, header->file_size, 0, file->size))
		return refuse(
			file->why, STATUS_CORRUPT,
			"the kernel's ELF segment %u reaches past the end of the file",
			index);
	if (__builtin_add_overflow(header->physical, header->memory_size, &end))
		return refuse(
			file->why, STATUS_CORRUPT,
			"the kernel's ELF segment %u of 0x%lx bytes wraps around at "
			"0x%lx",
			index, header->memory_size, header->physical);
	if (program->segment_count == ELF_SEGMENT_LIMIT)
		return refuse(file->why, STATUS_TOO_BIG,
			      "the kernel has more than %u ELF segments",
			      ELF_SEGMENT_LIMIT);
	program->segments[program->segment_count++] = (struct elf_segment){
		.data = file->bytes + header->offset,
		.data_size = header->file_size,
		.physical = header->physical,
		.size = header->memory_size,
	};
	program->start =
		header->physical < program->start ? header->physical : program->start;
	program->end = end > program->end ? end : program->end;
	return STATUS_OK;
}

static enum status read_segments(const struct elf_file *file, struct elf_program *program)
{
	enum status status = STATUS_OK;

	for (unsigned i = 0; status == STATUS_OK && i < file->header.program_count; i++) {
		struct program_header header = program_header(file, i);

		if (is_loaded(&header))
			status = add_segment(file, i, &header, program);
	}
	if (status == STATUS_OK && program->segment_count == 0)
		return refuse(file->why, STATUS_CORRUPT,
			      "the kernel's ELF file has nothing to load");
	return status;
}

/*
 * The entry is an address as the program sees it, which its segment translates;
 * a program that starts untranslated may also give the physical one.
 */
static enum status read_entry(const struct elf_file *file, struct elf_program *program)
{
	uint64_t entry = file->header.entry;

	for (unsigned i = 0; i < file->header.program_count; i++) {
		struct program_header header = program_header(file, i);

		if (!is_loaded(&header) ||
		    !range_within(entry, 1, header.virtual, header.memory_size))
			continue;
		program->entry = header.physical + (entry - header.virtual);
		return STATUS_OK;
	}
	for (unsigned i = 0; i < program->segment_count; i++) {
		program->entry = entry;
		if (range_within(entry, 1, program->segments[i].physical,
				 program->segments[i].size))
			return STATUS_OK;
	}
	return refuse(file->why, STATUS_CORRUPT,
		      "the kernel's ELF entry 0x%lx lies in none of its segments", entry);
}

enum status elf_read(struct elf_program *program, const void *file, uint64_t size,
		     const char **why)
{
	struct elf_file elf = {.bytes = file, .size = size, .why = why};
	enum status status;

	*program = (struct elf_program){.start = UINT64_MAX};
	if (size < sizeof(elf.header))
		return refuse(why, STATUS_CORRUPT,
			      "the kernel is an ELF file of only %lu bytes", size);
	memcpy(&elf.header, file, sizeof(elf.header));
	status = check_header(&elf);
	if (status == STATUS_OK)
		status = read_segments(&elf, program);
	return status == STATUS_OK ? read_entry(&elf, program) : status;
}

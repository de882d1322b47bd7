/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the firmware's device tree says about the machine, as plain numbers.
 *
 * Read once, at boot, by the boot hart; afterwards host_fdt is only read. The
 * only pointers into the tree are strings, so the tree's memory has to stay
 * (host_fdt.tree says where it is). The tree is input from outside: whatever it
 * contains, reading it gives values or an error in words.
 */
#ifndef CORE_HOST_FDT_H
#define CORE_HOST_FDT_H

#include "core/types.h"

#define HOST_MEMORY_LIMIT   32
#define HOST_RESERVED_LIMIT 64
#define HOST_HART_LIMIT	    128
#define HOST_SEED_LIMIT	    64
#define HOST_VIRTIO_LIMIT   32
#define HOST_FDT_SIZE_LIMIT (2 * MIB)

struct host_reserved {
	hpa_t base;
	uint64_t size;
	bool no_map; /* not even to be in a page table */
};

struct host_hart {
	uint64_t id;
	unsigned mmu_levels;	  /* 3, 4 or 5: the most satp can do */
	const char *isa;	  /* riscv,isa; NULL: not there */
	const char *extensions;	  /* riscv,isa-extensions: strings back to back ... */
	size_t extensions_size;	  /* ... in so many bytes; 0: not there */
	uint32_t intc_phandle;	  /* of its own interrupt controller; 0: none */
	uint32_t cbom_block_size; /* bytes; 0: not told */
	uint32_t cboz_block_size;
	bool has_plic_context;
	unsigned plic_context; /* of its supervisor external interrupt */
	bool has_machine_context;
	unsigned machine_context; /* of its machine external interrupt */
};

/* The UART that stdout-path names. */
struct host_console {
	bool is_present;
	const char *compatible; /* strings back to back, not NULL if is_present ... */
	size_t compatible_size; /* ... in so many bytes */
	hpa_t base;
	uint64_t size;
	unsigned register_shift;  /* register n is at base + (n << shift) */
	unsigned access_width;	  /* bytes of one access: 1, 2, 4 or 8 */
	uint32_t clock_frequency; /* Hz; 0: not told */
	bool has_interrupt;
	unsigned interrupt; /* the PLIC's source */
};

struct host_plic {
	bool is_present;
	hpa_t base;
	uint64_t size;
	unsigned sources; /* the highest source's number */
};

/* A place for a virtio device on the virtio-mmio transport, which may be empty. */
struct host_virtio_place {
	hpa_t base;
	uint64_t size;
	bool has_interrupt;
	unsigned interrupt; /* the PLIC's source */
};

struct host_fdt {
	const char *model; /* "" where the tree is silent, as bootargs */
	const char *bootargs;
	struct host_range tree; /* where the tree itself is */

	unsigned memory_count;
	struct host_range memory[HOST_MEMORY_LIMIT];
	unsigned reserved_count; /* /reserved-memory and the memory reservation block */
	struct host_reserved reserved[HOST_RESERVED_LIMIT];
	struct host_range initrd; /* size 0: none */

	uint32_t timebase_frequency; /* Hz */
	unsigned hart_count; /* only harts with an MMU; the boot hart is harts[0] */
	struct host_hart harts[HOST_HART_LIMIT];
	unsigned harts_left_out; /* had no more room above */
	unsigned harts_without_mmu;
	uint64_t hart_without_mmu; /* the first of those */

	struct host_console console;
	struct host_plic plic;
	unsigned virtio_count;
	struct host_virtio_place virtio[HOST_VIRTIO_LIMIT];
	unsigned virtio_left_out; /* had no more room above */

	size_t seed_size; /* rng-seed, cut to what fits */
	uint8_t seed[HOST_SEED_LIMIT];
};

/*
 * Read the tree at `tree` (8-byte aligned; its own header says how long it is).
 * boot_hart is the id of the running hart. STATUS_CORRUPT: no device tree, or a
 * property that cannot be right; STATUS_NOT_FOUND: no memory, no timebase, or a
 * boot hart that is not listed with an MMU; STATUS_TOO_BIG: more pieces of
 * memory than the limits above; STATUS_UNSUPPORTED: an address that cannot be
 * translated. *why says what and where; the console is there all the same, without its
 * interrupt, if it could be read. A missing or unknown console and a
 * missing PLIC are no errors. *host is large: keep it off the stack.
 */
enum status host_fdt_read(struct host_fdt *host, const void *tree, uint64_t boot_hart,
			  const char **why);

/*
 * Does the hart have the extension of this name (lower case: "sstc", "h")?
 * Believes riscv,isa-extensions where there is one, else riscv,isa, in which
 * "g" stands for imafd_zicsr_zifencei.
 */
bool host_fdt_has_extension(const struct host_hart *hart, const char *name);

#endif

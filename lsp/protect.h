/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Write-protecting shadow paging, the traditional way: shadow tables mirror the
 * guest's own, table by table, and are kept true by making every guest frame that
 * is known as a page table read-only in all shadow leaves, so that each store to
 * one exits and is carried out here.
 *
 * A shadow table is found by the guest frame it mirrors and the level it is used
 * at, whatever the MODE, ASID or vCPU: all of a VM's vCPUs share one set of them,
 * under one lock, which every function of the paging mode takes first.
 *
 * Invariants. A valid entry says what the guest's entry says now, but in a table
 * that is `unsync`. No shadow leaf lets a protected frame be written, and no hart
 * keeps one that did. A page returns to its allocator only after every hart that
 * may walk it has fenced.
 */
#ifndef LSP_PROTECT_H
#define LSP_PROTECT_H

#include "arch/riscv/layout.h"
#include "core/spin_lock.h"
#include "lsp/asid.h"
#include "mm/access.h"
#include "mm/guest_memory.h"
#include "mm/guest_store.h"
#include "mm/page_stock.h"
#include "mm/paging.h"
#include "mm/pte.h"

/* satp values of a vCPU that have a real ASID at the same time. */
#define PROTECT_ROOTS 16

/* Those of them whose leaf tables need no resync when they come back; as KVM has. */
#define PROTECT_RECENT 4

/* Shadow leaves are of level 0, 1 or 2: 4 KiB, 2 MiB, 1 GiB. */
#define PROTECT_LARGEST 2

/* A mirrored frame can be of each level, once. */
#define PROTECT_LEVELS 5

/* What the two modes differ in. */
struct protect_policy {
	bool unsync;	      /* leaf tables are left writable until the next fence */
	bool fence_installs;  /* a fenced address is filled at once, where it is valid */
	unsigned window;      /* aligned entries of a leaf table that one miss may fill */
	unsigned leaf_writes; /* as many writes and no use: no leaf table any more; 0: n/a
			       */
	unsigned table_writes; /* the same, of all tables above */
};

/* A place in a doubly linked list of entries; see protect_links.c. */
struct protect_link {
	uint32_t next;
	uint32_t previous;
};

/* One shadow table. */
struct protect_table {
	pte_t *entries; /* NULL: this one is not in use */
	struct protect_link *links;
	/*
	 * The guest's table. Direct: no table, but what one guest leaf, too large or
	 * not writable everywhere, spans from here on, or what Bare does.
	 */
	gpa_t gpa;
	uint64_t flags; /* direct: R, W, X and U of all entries */
	uint8_t level;
	bool direct;
	bool unsync;
	unsigned writes;  /* to the guest's table, since it was last used as one */
	unsigned active;  /* vCPUs that have it as their root */
	uint32_t parents; /* entries that point here */
	uint32_t by_gpa;  /* the next of the same bucket */
	uint32_t by_page;
	uint32_t newer;
	uint32_t older;
	uint64_t used;	 /* when it was last part of a walk */
	uint64_t filled; /* when an entry last became valid or another */
	/* Bit n: entry n leads to a table that is unsync, at once or further down. */
	uint64_t unsync_below[PTE_PER_TABLE / 64];
};

/* A frame of the guest's RAM. */
struct protect_frame {
	uint32_t writable; /* list of the level 0 leaves that let it be written */
	uint16_t tables;   /* that mirror it */
	uint16_t unsync;   /* of those */
};

/* 2 MiB or 1 GiB of it. */
struct protect_region {
	uint32_t writable; /* list of the leaves of this size that let it be written */
	uint32_t tables;   /* frames in it that are mirrored */
};

struct protect_statistics {
	uint64_t fills;	     /* misses that were filled */
	uint64_t neighbours; /* entries filled beside them */
	uint64_t fence_installs;
	uint64_t switches;    /* of roots */
	uint64_t creations;   /* of tables */
	uint64_t reclaims;    /* of tables, for want of pages */
	uint64_t floods;      /* tables dropped as written, and not used, too often */
	uint64_t orphans;     /* ... as nothing led to them any more */
	uint64_t other_drops; /* ... as they were stored to in a way no table is */
	uint64_t stores;      /* carried out for the guest */
	uint64_t unsyncs;     /* tables left writable */
	uint64_t resyncs;     /* ... and protected again */
	uint64_t full_fences;
	uint64_t remote_fences;
};

struct protect_vm {
	struct spin_lock lock;
	const struct protect_policy *policy;
	struct vm *vm;
	struct guest_memory *memory;
	uint64_t used; /* pages of tables, those that wait for a fence included */
	uint64_t peak;
	uint64_t limit;
	struct page_stock entries; /* of tables, of which so many are promised */
	struct page_stock links;
	uint32_t table_limit;
	struct protect_table *tables; /* 1 .. table_limit */
	uint32_t bucket_mask;
	uint32_t *gpa_buckets;
	uint32_t *page_buckets;
	struct protect_frame *frames;
	struct protect_region *regions[PROTECT_LARGEST];
	uint32_t unused; /* lists of tables, by by_gpa */
	uint32_t limbo;	 /* taken apart, but a hart may still walk them */
	uint32_t newest; /* list of all in use, by older */
	uint32_t oldest;
	uint64_t clock;
	uint64_t operation; /* the clock when the present call began */
	bool unfenced;	    /* harts may keep writable leaves that are gone */
	bool must_fence;    /* ... or pointers, and are to be fenced before they go on */
	uint32_t harts;	    /* that may keep anything, by index */
	struct protect_statistics statistics;
};

/* What a vCPU had in satp, and the real ASID for it. */
struct protect_root {
	struct protect_table *table; /* NULL: not in use */
	uint64_t satp;
	bool bare;
	bool user; /* Bare only: leaves have U */
	bool resync;
	struct asid_tag tag;
	uint64_t last_use;
	uint64_t left; /* when another root came instead */
};

struct protect_vcpu {
	struct protect_vm *vm;
	uint64_t satp;
	bool loaded;
	unsigned hart;
	struct protect_root *active;
	struct protect_root *recent[PROTECT_RECENT]; /* the active one first */
	struct protect_root roots[PROTECT_ROOTS];
};

/* ---- the state of a VM: protect_state.c ---- */

/* Pages for all but the tables, and for all of it. */
uint64_t protect_state_pages(uint64_t ram, unsigned vcpus, uint64_t tables);
uint64_t protect_total_pages(uint64_t ram, unsigned vcpus, uint64_t tables);

/* As many tables as fit. */
uint64_t protect_tables_within(uint64_t ram, unsigned vcpus, uint64_t pages);

/* vm->paging, for so many tables; nothing but these in it is set. */
enum status protect_state_create(struct vm *vm, uint64_t tables);
void protect_state_destroy(struct vm *vm);

/* Pages of one vCPU's state, as a power of two. */
unsigned protect_vcpu_order(void);

static inline struct protect_frame *protect_frame(const struct protect_vm *vm, gpa_t gpa)
{
	uint64_t offset = gpa.raw - vm->memory->base.raw;

	return offset < vm->memory->size ? &vm->frames[offset >> PAGE_SHIFT] : NULL;
}

/* That gpa lies in, which is RAM; level 1 or 2. */
static inline struct protect_region *protect_region(const struct protect_vm *vm,
						    gpa_t gpa, unsigned level)
{
	uint64_t size = level_size(level);
	uint64_t first = align_down(vm->memory->base.raw, size);

	return &vm->regions[level - 1][(gpa.raw - first) / size];
}

static inline bool protect_frame_is_protected(const struct protect_frame *frame)
{
	return frame && frame->tables > frame->unsync;
}

/* ---- lists of entries: protect_links.c ---- */

void protect_link(struct protect_vm *vm, uint32_t *list, struct protect_table *table,
		  unsigned slot);
void protect_unlink(struct protect_vm *vm, uint32_t *list, struct protect_table *table,
		    unsigned slot);

/* The first entry of a list, which is not empty. */
struct protect_table *protect_first(const struct protect_vm *vm, uint32_t list,
				    unsigned *slot);

/* The list that a writable leaf is in. */
uint32_t *protect_writable(const struct protect_vm *vm, pte_t leaf, unsigned level);

/* ---- entries: protect_entries.c ---- */

/* What an entry should be, by what it mirrors. */
struct protect_target {
	enum { TARGET_NONE, TARGET_LEAF, TARGET_TABLE } kind;
	pte_t leaf;
	gpa_t gpa; /* of the table below, its level, and whether it is direct */
	unsigned level;
	bool direct;
	uint64_t flags;
};

struct protect_target protect_target(const struct protect_vm *vm,
				     const struct protect_table *table, unsigned slot);

static inline bool protect_is_pointer(pte_t entry)
{
	return pte_valid(entry) && !pte_is_leaf(entry);
}

void protect_clear(struct protect_vm *vm, struct protect_table *table, unsigned slot);
void protect_set_leaf(struct protect_vm *vm, struct protect_table *table, unsigned slot,
		      pte_t leaf);
void protect_set_pointer(struct protect_vm *vm, struct protect_table *table,
			 unsigned slot, struct protect_table *below);

/* Take W from every leaf that maps the page. */
void protect_remove_writable(struct protect_vm *vm, gpa_t page);

/* ---- the tables: protect_tables.c ---- */

/* Begin and end of whatever the mode is called for: the lock, and the fence due. */
void protect_begin(struct protect_vm *vm);
void protect_end(struct protect_vm *vm);

/* A fence of everything, on every hart that may keep something of this VM. */
void protect_fence_all(struct protect_vm *vm);

/* The table with that page; there is one. */
struct protect_table *protect_table_at(const struct protect_vm *vm, hpa_t page);

/* The table that mirrors a guest's at a level; NULL if there is none. */
struct protect_table *protect_find(const struct protect_vm *vm, gpa_t gpa,
				   unsigned level);

/* All that mirror it, PROTECT_LEVELS at most; how many there are. */
unsigned protect_find_all(const struct protect_vm *vm, gpa_t page,
			  struct protect_table **tables);

/*
 * The same, or the direct one, made if need be: its frame is protected when this
 * returns. Takes pages from the oldest tables where there are no others; NULL if
 * that does not help.
 */
struct protect_table *protect_get(struct protect_vm *vm,
				  const struct protect_target *target);

/* It is part of a walk. */
void protect_use(struct protect_vm *vm, struct protect_table *table);

/* Take apart a table that is nobody's root, and all below that was there for it. */
void protect_drop(struct protect_vm *vm, struct protect_table *table);

/* ---- misses: protect_fill.c ---- */

/*
 * Fill in all that gva needs below the active root, by the guest's tables as they
 * are; *changed: whether anything had to be. STATUS_NO_MEMORY: not all of it.
 */
enum status protect_fill(struct protect_vcpu *vcpu, gva_t gva, bool *changed);

/* The leaf for gva below the active root; invalid if there is none. */
pte_t protect_find_leaf(const struct protect_vcpu *vcpu, gva_t gva, unsigned *level);

/* ---- stores: protect_store.c ---- */

/* Stop mirroring a frame, where no vCPU has it for its root; false if one has. */
bool protect_release(struct protect_vm *vm, gpa_t page);

uint64_t protect_store(struct vcpu *vcpu, const struct access *access, gpa_t gpa,
		       const struct guest_store *store);
bool protect_unprotect(struct vcpu *vcpu, const struct access *access, gpa_t gpa);
void protect_write(struct vm *vm, gpa_t to, const void *from, uint64_t size);

/* ---- leaf tables that were left writable: protect_sync.c ---- */

/* Leave the leaf table in this frame writable; false if it holds others too. */
bool protect_unsync(struct protect_vm *vm, gpa_t page);

/* Protect it again and bring its entries into line. */
void protect_sync(struct protect_vm *vm, struct protect_table *table);

/* The same for those below a table where an entry was filled after `since`. */
void protect_sync_below(struct protect_vm *vm, struct protect_table *table,
			uint64_t since);

/* One address below a root, of which the guest says that its entry may be old. */
void protect_sync_address(struct protect_vm *vm, const struct protect_root *root,
			  gva_t gva, bool active);

/* An entry of the table leads to one that is unsync. */
void protect_mark_unsync(struct protect_vm *vm, const struct protect_table *table);

/* ---- roots and fences: protect_roots.c ---- */

/* Run on the root for that satp; user matters to Bare only. */
enum status protect_activate(struct protect_vcpu *vcpu, uint64_t satp, bool user);

/* Have the hart walk the active root. */
void protect_load_root(struct protect_vcpu *vcpu);

/* What harts keep where no vCPU is now has not been fenced there. */
void protect_forget_tags(struct protect_vm *vm);

/* No vCPU may come back to a root that is taken apart. */
void protect_forget_root(struct protect_vm *vm, const struct protect_table *table);

void protect_fence(struct vcpu *vcpu, const struct fence *fence);

/* MODE of the root itself; Bare has one as well. */
unsigned protect_root_mode(const struct protect_root *root);

/* ---- the check of a debug build: protect_check.c ---- */

/* The vCPU's root and the sums each time, and of the tables a part each turn. */
const char *protect_check(const struct vcpu *vcpu, unsigned turn);

#endif

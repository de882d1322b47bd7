/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The paging-mode interface: every way to translate a VM's memory is one table
 * of functions, and nothing outside a mode asks which one it is.
 *
 * A mode keeps its state in vm->paging and vcpu->paging. All functions that
 * take a vCPU run on the hart where it is loaded, but for create and destroy; and
 * for fence, while it is loaded nowhere, on a hart where no vCPU of another mode is.
 */
#ifndef MM_PAGING_H
#define MM_PAGING_H

#include "core/types.h"
#include "mm/access.h"

struct guest_store;
struct json;
struct vcpu;
struct vm;
struct vm_exit;

/* A guest's TLB flush: sfence.vma, sinval.vma or SBI RFENCE. */
struct fence {
	bool has_address;
	gva_t start;   /* any address within the first page */
	uint64_t size; /* bytes; a trapped sfence.vma covers one page */
	bool has_asid;
	uint16_t asid;
};

/* sfence.vma: whether its rs1 and rs2 name a register, and what is in it. */
static inline struct fence fence_of_page(bool has_address, uint64_t address,
					 bool has_asid, uint64_t asid)
{
	return (struct fence){
		.has_address = has_address,
		.start = GVA(align_down(address, PAGE_SIZE)),
		.size = PAGE_SIZE,
		.has_asid = has_asid,
		.asid = (uint16_t)asid,
	};
}

/* What a guest is told of the ISA, as far as its paging mode decides it. */
struct paging_isa {
	bool svade;	       /* it sets A and D itself */
	bool svadu;	       /* its hart does: never with svade */
	bool svvptc;	       /* a PTE that turns valid needs no fence */
	bool cache_management; /* cbo.clean, cbo.flush and cbo.inval may be offered */
};

/*
 * Checks of a vCPU's tables, with turn 0, 1 and so on up to CHECK_TURNS - 1, which
 * leave nothing out between them; and the turn that leaves nothing out by itself.
 */
#define CHECK_TURNS 16
#define CHECK_ALL   CHECK_TURNS

/* Bytes that a mode may take to translate one VM, its tables and all. */
struct paging_budget {
	uint64_t least; /* with less, a guest might never get on */
	uint64_t usual; /* where its user says nothing */
};

struct paging_mode {
	const char *name;

	/* NULL, or one line that says what this machine lacks for the mode. */
	const char *(*missing)(void);

	/* What of the ISA depends on the mode. */
	struct paging_isa (*isa)(void);

	/* The mode can map a guest's physical addresses below this, on this machine. */
	uint64_t (*reach)(void);

	/*
	 * For a VM with so much RAM and so many vCPUs. NULL: what the mode takes
	 * follows from the RAM, and is not the user's to choose.
	 */
	struct paging_budget (*budget)(uint64_t ram, unsigned vcpus);

	/* vm->shadow_memory is 0 or at least the budget's least. */
	enum status (*vm_create)(struct vm *vm);
	void (*vm_destroy)(struct vm *vm);
	enum status (*vcpu_create)(struct vcpu *vcpu);
	void (*vcpu_destroy)(struct vcpu *vcpu);

	/* Translate by this vCPU's tables from here on, and stop doing so. */
	void (*load)(struct vcpu *vcpu);
	void (*put)(struct vcpu *vcpu);

	/* A translation fault of the guest; access or gpa as the exit tells. */
	struct translation (*fault)(struct vcpu *vcpu, const struct vm_exit *exit);

	/*
	 * The most frequent of them as fast as can be: the guest's leaf is FILLED,
	 * whatever it permits, since the hart looks at that again; or PAGE_FAULT: it has
	 * V = 0, or not all flags that the access asks for (W, X). DEVICE: nothing was
	 * done, and fault() is to be asked. Or no function.
	 */
	enum outcome (*fill)(struct vcpu *vcpu, gva_t gva, uint64_t asked);

	/*
	 * Where fault() answers OUTCOME_EMULATE_STORE; NULL in a mode where it never
	 * does. store: carry out one that is naturally aligned, at the gpa that fault()
	 * told for the access; returns what an AMO or an sc would put in rd, where the sc
	 * follows an lr that read what the store expects. unprotect: of any other; true:
	 * the guest can try again.
	 */
	uint64_t (*store)(struct vcpu *vcpu, const struct access *access, gpa_t gpa,
			  const struct guest_store *store);
	bool (*unprotect)(struct vcpu *vcpu, const struct access *access, gpa_t gpa);

	/*
	 * Gnomon's own writes to the RAM of a VM that has begun to run; NULL: they need
	 * no care. All of it is RAM. On any hart.
	 */
	void (*write)(struct vm *vm, gpa_t to, const void *from, uint64_t size);

	/*
	 * The 16 bits at an even gva, as the vCPU would fetch or load them in its
	 * present privilege. False: not readable just now.
	 */
	bool (*read_half)(struct vcpu *vcpu, const struct access *access, uint16_t *half);

	/*
	 * Where an access of the vCPU's goes that Gnomon is to make in its place: FILLED:
	 * to RAM at gpa, and A and D are as if it had been made; UNPROTECTED: another
	 * vCPU keeps changing the leaf, so let the guest try again. Or any outcome of
	 * fault() that stands for an exception, or DEVICE. No table of Gnomon's changes.
	 * Or no function, where the hart's misaligned accesses are the guest's own.
	 */
	struct translation (*translate)(struct vcpu *vcpu, const struct access *access);

	/*
	 * The page that the vCPU would fetch from, where Gnomon can read it; NULL: it
	 * cannot just now. Or no function, where no fences trap.
	 */
	const uint16_t *(*code_page)(struct vcpu *vcpu, const struct access *access);

	/*
	 * The guest's satp; all of its writes come here where satp traps, and then alone
	 * others know what it is. See vcpu_satp_write().
	 */
	bool satp_traps;
	uint64_t (*satp_read)(struct vcpu *vcpu);
	void (*satp_write)(struct vcpu *vcpu, uint64_t value);

	/* A fence the guest asked for on this vCPU, trapped or by SBI. */
	void (*fence)(struct vcpu *vcpu, const struct fence *fence);

	/*
	 * NULL, or what is wrong with the tables that this vCPU is translated by, as
	 * one line, which lives until the next call that finds something. What is not
	 * looked at in every turn is the mode's to say. Changes nothing; to be called
	 * between any two of the functions above.
	 */
	const char *(*check)(const struct vcpu *vcpu, unsigned turn);

	/* Members of the "shadow" object of a report. */
	void (*report)(const struct vm *vm, struct json *json);

	/* One line about its tables for the console, once a VM has ended; or NULL. */
	void (*log)(const struct vm *vm);
};

extern const struct paging_mode paging_nested;
extern const struct paging_mode paging_lsp;
extern const struct paging_mode paging_shadow;
extern const struct paging_mode paging_shadow_unsync;

/* NULL for an unknown name. */
const struct paging_mode *paging_mode_find(const char *name);

/* All modes, for boot checklists: NULL past the last. */
const struct paging_mode *paging_mode_at(unsigned index);

#endif

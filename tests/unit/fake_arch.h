/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fake machine under core/arch.h, with the worst TLB that the ISA allows.
 *
 * Each fake hart remembers every leaf, every pointer and every invalid entry
 * that its walker has read from the shadow tables, by real ASID, and may answer
 * any later access from any of them, until a real fence that covers it; and it
 * walks ahead of any access (it speculates) whenever Gnomon calls it. So what
 * an access may find is a set. An access that may come to a freed page, a
 * malformed entry or memory of another VM fails the test at once.
 */
#ifndef TESTS_UNIT_FAKE_ARCH_H
#define TESTS_UNIT_FAKE_ARCH_H

#include "core/arch.h"
#include "mm/pte.h"

#define FAKE_HART_LIMIT	  4
#define FAKE_RESULT_LIMIT 64

/*
 * What the machine is like. Where the specification leaves a choice, `plain` is
 * what makes Gnomon's work hardest; the others are as they were measured.
 */
struct fake_profile {
	const char *name;
	unsigned asid_bits;
	unsigned vmid_bits;
	uint32_t modes;
	uint32_t gstage_modes;
	bool satp_traps;
	bool svade; /* in the VS-stage; always so in the G-stage, but for this: */
	bool gstage_sets_ad;
	bool svvptc;
	bool sstc;
	/* What the TLB keeps beside leaves, whether it walks ahead, and what ends it. */
	bool keeps_pointers;
	bool keeps_invalid;
	bool speculates;
	bool flushed_by_exits; /* everything, at every change of V */
	/* Access faults where nothing is; else accesses go nowhere and tables are 0. */
	bool vacant_faults;
	/* What it tells of a fault, beside its cause. */
	bool tells_instruction;	    /* htinst, of explicit accesses */
	bool tells_gpa;		    /* htval */
	bool tells_access_address;  /* stval of access faults */
	bool stores_fault_as_loads; /* the cause of access faults */
	bool lr_faults_as_store;    /* the cause of page faults and guest-page faults */
	bool lr_needs_write;	    /* and W and D in the leaf, as a store does */
};

#define FAKE_ALL_MODES (1u << SATP_SV39 | 1u << SATP_SV48 | 1u << SATP_SV57)

extern const struct fake_profile fake_worst; /* plain: keeps everything */
extern const struct fake_profile fake_qemu;  /* leaves, until the next exit */
extern const struct fake_profile fake_cva6;  /* Sv39, leaves, and tells little */

/*
 * The one that the environment's GNOMON_PROFILE names: plain, qemu or cva6, and
 * plain without it. Every test that does not need a certain one runs on this; what
 * it must have otherwise (ASID bits, modes) it sets on a copy.
 */
const struct fake_profile *fake_default(void);

/* A new machine, all harts with empty TLBs, running on hart 0. */
void fake_arch_create(const struct fake_profile *profile);

/* What it was made as. */
const struct fake_profile *fake_profile(void);

/* Physical addresses where nothing is, from here on. */
#define FAKE_VACANT HPA(UINT64_C(1) << 50)

/* Where a detour leads: as arch_detour_page() says, whichever it is. */
#define FAKE_DETOUR HPA(UINT64_C(1) << 51)

static inline bool fake_is_detour(hpa_t hpa)
{
	return align_down(hpa.raw, PAGE_SIZE) == FAKE_DETOUR.raw;
}

static inline bool fake_is_vacant(hpa_t hpa)
{
	return hpa.raw >= FAKE_VACANT.raw;
}

/*
 * Which hart Gnomon's code runs on from here. Real ASIDs go on where they were:
 * lsp/asid.c keeps them for each hart as long as the process lives.
 */
void fake_hart_switch(unsigned hart);

/*
 * Whoever had the harts before us has left translations in them, under any ASID:
 * no access may use one before everything was fenced.
 */
void fake_harts_were_used(void);

/* An address that harts may walk at any time; those accessed are added. */
void fake_speculate_on(gva_t gva);

/* What an access by the loaded vCPU may find. */
struct fake_results {
	bool may_fault; /* no leaf, or one that forbids the access */
	bool may_access_fault;
	bool may_detour; /* to the hypervisor, whosever page faults are */
	unsigned count;	 /* leaves that permit it */
	struct {
		pte_t leaf;
		unsigned level;
		hpa_t hpa; /* of the byte accessed */
	} permitted[FAKE_RESULT_LIMIT];
};

struct fake_results fake_access(const struct access *access);

/* Whether page faults on this hart are the guest's own. */
bool fake_delegates(void);

/*
 * The guest was left, for whatever reason, and is about to be entered again. A
 * test that calls Gnomon's handlers itself says so, for profiles whose TLBs do
 * not survive it.
 */
void fake_guest_left(void);

/* The guest writes satp; true if the vector switched to its tree by itself. */
bool fake_vector_switches(struct vcpu *vcpu, uint64_t satp);

/* The guest fences the page of gva; true if the vector has done that by itself. */
bool fake_vector_fences(struct vcpu *vcpu, gva_t gva, bool has_asid, uint16_t asid);

/* What an access of the guest's may find in the G-stage, under nested paging. */
struct fake_results fake_gstage_access(gpa_t gpa, enum access_kind kind);

/* Entries of an ASID or VMID in this hart's TLB, for tests of what fences reach. */
unsigned fake_tlb_count(unsigned asid);

/* Whether any hart, under any ASID, keeps a leaf that lets this page be written. */
bool fake_tlb_may_write(hpa_t page);
unsigned fake_gstage_count(unsigned vmid);

/* Real fences since the machine was made, of any hart. */
struct fake_counts {
	unsigned leaf_fences;
	unsigned asid_fences;
	unsigned all_fences;
	unsigned remote_fences;
	unsigned gstage_fences;
	unsigned roots_set;
	unsigned instruction_fences;
	unsigned reservations_dropped;
	unsigned kicks_received;
	unsigned entries;
};

/* Everything else a test may set or look at. */
struct fake_machine {
	struct fake_counts counts;
	uint64_t time;
	uint64_t host_deadline; /* as last set */
	bool external_enabled;
	struct access guest; /* user, sum and mxr of the loaded vCPU */
	unsigned exceptions; /* injected */
	uint64_t exception_number;
	uint64_t exception_value;
	unsigned interrupts[8];	 /* pending, by vCPU id: bit n is guest_interrupt n */
	uint64_t guest_deadline; /* Sstc only */
	bool counters_missing;
	uint64_t counters[3]; /* by enum hart_counter */
	bool counter_traps[3];
	bool counter_denied; /* by the guest, to its user mode */
	uint64_t floats[32];
	bool float_off; /* as the guest has it */
	unsigned float_writes;
	uint64_t guest_satp; /* nested paging */
	unsigned gstage_mode;
	hpa_t gstage_root;
	unsigned gstage_vmid;
	bool interrupt_pending; /* of the host's */
	bool shadowed;		/* the last arch_translate_* was of shadow tables */
	unsigned resets;
	gpa_t reset_entry;
	uint64_t reset_a0;
	uint64_t reset_a1;
	/* Asked by arch_read_half() and arch_vcpu_enter(); NULL: false, not at all. */
	bool (*read_half)(gva_t gva, enum access_kind kind, uint16_t *half);
	void (*enter)(struct vcpu *vcpu, struct vm_exit *exit);
	char output[4096]; /* of the firmware's console */
	unsigned output_length;
	const char *input; /* NULL, or what it has to give */
};

extern struct fake_machine fake_machine;

/* The shadow table that this hart runs on. */
hpa_t fake_root(void);
unsigned fake_root_asid(void);

#endif

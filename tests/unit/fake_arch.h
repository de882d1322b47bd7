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

/* What the machine is like. */
struct fake_profile {
	unsigned asid_bits;
	unsigned vmid_bits;
	uint32_t modes;
	uint32_t gstage_modes;
	bool satp_traps;
	bool svade;
	bool sstc;
	/* What the TLB keeps beside leaves, and whether it walks ahead. */
	bool keeps_pointers;
	bool keeps_invalid;
	bool speculates;
};

#define FAKE_ALL_MODES (1u << SATP_SV39 | 1u << SATP_SV48 | 1u << SATP_SV57)

extern const struct fake_profile fake_worst; /* 16 ASID bits, keeps everything */
extern const struct fake_profile fake_qemu;  /* leaves only */
extern const struct fake_profile fake_cva6;  /* Sv39, leaves only, invalid ones not */

/* A new machine, all harts with empty TLBs, running on hart 0. */
void fake_arch_create(const struct fake_profile *profile);

/*
 * Which hart Gnomon's code runs on from here. Real ASIDs go on where they were:
 * lsp/asid.c keeps them for each hart as long as the process lives.
 */
void fake_hart_switch(unsigned hart);

/* An address that harts may walk at any time; those accessed are added. */
void fake_speculate_on(gva_t gva);

/* What an access by the loaded vCPU may find. */
struct fake_results {
	bool may_fault; /* no leaf, or one that forbids the access */
	unsigned count; /* leaves that permit it */
	struct {
		pte_t leaf;
		unsigned level;
		hpa_t hpa; /* of the byte accessed */
	} permitted[FAKE_RESULT_LIMIT];
};

struct fake_results fake_access(const struct access *access);

/* Entries of an ASID in this hart's TLB, for tests of what fences reach. */
unsigned fake_tlb_count(unsigned asid);

/* Real fences since the machine was made, of any hart. */
struct fake_counts {
	unsigned leaf_fences;
	unsigned asid_fences;
	unsigned all_fences;
	unsigned gstage_fences;
	unsigned roots_set;
	unsigned instruction_fences;
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
	uint64_t guest_satp;	 /* nested paging */
	unsigned gstage_mode;
	hpa_t gstage_root;
	unsigned gstage_vmid;
	bool shadowed; /* the last arch_translate_* was of shadow tables */
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

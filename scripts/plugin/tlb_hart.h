/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One hart as the TLB plugin sees it: what it translates by, its TLB models, and how
 * their translations compare to those of QEMU. Touched by the hart's own callbacks.
 */
#ifndef SCRIPTS_PLUGIN_TLB_HART_H
#define SCRIPTS_PLUGIN_TLB_HART_H

#include <stdio.h>

#include "scripts/plugin/tlb_options.h"

/* What the model's translations came to, against those of QEMU. */
struct checks {
	uint64_t compared;
	uint64_t wrong_hits;   /* a translation the TLB should not have any more */
	uint64_t wrong_misses; /* a walk that leads elsewhere than the access went */
};

struct hart {
	struct regime regimes[2]; /* by V */
	bool stale[2];		  /* the regime is to be read again */
	uint64_t machine_satp;	  /* as M-mode wrote it last */
	void *code;		  /* what on_block() was last told, and ... */
	uint64_t code_page;	  /* ... the address of that page */
	const struct models *configured;
	struct tlb_model models[MODELS_LIMIT];
	struct checks checks[MODELS_LIMIT][2];
};

/* Where a line of results comes from. */
struct origin {
	unsigned region;
	unsigned hart;
	bool is_virtual;
	uint64_t instructions;
};

/* False: no memory. */
bool hart_create(struct hart *hart, const struct models *models);

/* All counts 0, all TLBs empty, and nothing known of the registers. */
void hart_begin(struct hart *hart);

/* In a callback that may read registers: see to it that the regime is the hart's. */
void hart_read_regime(struct hart *hart, bool is_virtual);

/* One access, to all models. `physical`: where QEMU says it went, or NO_PHYSICAL. */
void hart_feed(struct hart *hart, bool is_virtual, gva_t gva, enum tlb_access kind,
	       uint64_t physical);

void hart_fence(struct hart *hart, const struct tlb_fence *fence);

/* A JSON object a line, for each model. */
void hart_write(FILE *out, const struct hart *hart, const struct origin *origin);

#endif

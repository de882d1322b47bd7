/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TLB model as an option of the plugin names it: NAME[:FIELD=NUMBER]... with the
 * fields of struct tlb_configuration, of 64 entries in 4 ways where it says nothing.
 */
#ifndef SCRIPTS_PLUGIN_TLB_OPTIONS_H
#define SCRIPTS_PLUGIN_TLB_OPTIONS_H

#include "scripts/plugin/tlb_model.h"

#define MODELS_LIMIT 8

struct named_model {
	char name[32];
	struct tlb_configuration configuration;
};

struct models {
	struct named_model named[MODELS_LIMIT];
	unsigned count;
};

/* NULL, or what is wrong with `text`, which is taken to pieces. */
const char *models_add(struct models *models, char *text);

#endif

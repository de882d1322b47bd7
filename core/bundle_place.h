/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where in the machine's memory the bundle is. Called by the boot hart before memory is
 * handed out, and before the host's page table, if it has one, is in force.
 */
#ifndef CORE_BUNDLE_PLACE_H
#define CORE_BUNDLE_PLACE_H

#include "core/types.h"

/* Addresses that something outside the device tree names; 0: it names none. */
struct bundle_hints {
	uint64_t next_stage; /* a first stage's word for what comes after the firmware */
	uint64_t built_in;   /* this build's own */
};

/*
 * Let machine.fdt.initrd be the bundle: the first that is one, of next_stage's, that of
 * the device tree's /chosen, and the built-in place's. What /chosen names stays, bundle
 * or not, if nothing better is found: reading it says what is wrong with it.
 */
void bundle_find(struct host_range image, const struct bundle_hints *hints);

/* After that, where machine.fdt.initrd is empty: all the places, in one line. */
const char *bundle_sought(void);

#endif

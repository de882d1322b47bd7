/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gnomon's own boot arguments (/chosen/bootargs), words of the form NAME=VALUE:
 *   report=TOKEN    when the VM has ended, print its report after the TOKEN
 *   console=sbi     drive the console through the firmware, without interrupts
 *   console=uart    the default: by its own driver, if there is one for it
 *   time-limit=S    stop the VM when it has run for S seconds
 *   check-every=N   of the debug build: check the tables after every Nth exit (1)
 *   faults=NAME     how lsp learns of what it has not in its tables: see docs/lsp.md
 *   errata=NAMES    act as on a chip with these defects: cip-453,cip-1200
 *   asid-bits=N     use so many of the chip's ASID bits for shadow tables, or none (0)
 *   selftest=NAME   harts: have them ask each other for fences, alone and beside the VM;
 *                   panic: have another hart find something wrong while the VM runs;
 *                   migrate: take each vCPU to another hart every millisecond
 *   escape=KEYS     what leads from a VM's console to the monitor and back (^]), or none
 *   interleave=on   print output of VMs that are not in the foreground, by the line
 *   disk-patience=S a disk of the machine's may take S seconds for a request (30)
 *   uplink=NETWORK  the machine's network card is the way out of that network
 *   canary=SIZE     watch so much memory of Gnomon's own for changes (4M, 64K)
 */
#ifndef CORE_OPTIONS_H
#define CORE_OPTIONS_H

#include "core/console_mux.h"
#include "core/selftest.h"
#include "core/types.h"

struct options {
	char report[64]; /* "": none wanted */
	char faults[16]; /* "": not said */
	char errata[32]; /* "": none pretended */
	char uplink[32]; /* "": none */
	bool console_by_firmware;
	bool interleave;
	unsigned escape_count;
	uint8_t escape[ESCAPE_LIMIT];
	bool has_asid_bits;
	unsigned asid_bits;
	enum selftest selftest;
	uint64_t time_limit;	/* seconds; 0: none */
	uint64_t disk_patience; /* seconds */
	uint64_t canary;	/* bytes; 0: none */
	uint64_t check_every;	/* exits; 0: not said */
};

/* An unknown or overlong word is STATUS_INVALID; *why names it. */
enum status options_parse(struct options *options, const char *arguments,
			  const char **why);

#endif

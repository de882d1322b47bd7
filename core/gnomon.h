/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gnomon once the machine is up: run what the bundle says, report, power off.
 */
#ifndef CORE_GNOMON_H
#define CORE_GNOMON_H

#include "core/types.h"

/* Set up machine.uart, as the device tree has it; false: there is none that is known. */
bool gnomon_find_uart(void);

/* Gnomon's boot arguments; as soon as the device tree has been read. */
void gnomon_read_options(void);

/* Errata that the machine is to be treated as if it had; "" if none. */
const char *gnomon_pretended_errata(void);

/* Say why nothing can be run on this machine, report that, and power off. */
_Noreturn void gnomon_refuse(const char *why);

/* Say that all is done, on a machine that cannot be powered off. */
void gnomon_parked(void);

/* The devices Gnomon uses itself, the console and its interrupt; and the other harts. */
void gnomon_init_devices(void);

/* Called by the boot hart, with the machine's memory and devices set up. */
_Noreturn void gnomon_main(void);

#endif

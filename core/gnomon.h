/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gnomon once the machine is up: run what the bundle says, report, power off.
 */
#ifndef CORE_GNOMON_H
#define CORE_GNOMON_H

/* The devices Gnomon uses itself: the console and its interrupt. */
void gnomon_init_devices(void);

/* Called by the boot hart, with the machine's memory and devices set up. */
_Noreturn void gnomon_main(void);

#endif

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lives of the VMs: each is made and started, ends, is reported and taken down, and
 * may be started again.
 *
 * All of it happens on the boot hart, between runs of vCPUs; what others want of it they
 * leave with the VM and recall the hart. A VM is begun, and others run on while its
 * memory is cleared; one at a time is. Invariant: a VM's memory is given away only when
 * none of its vCPUs is on a hart, and every hart has forgotten its translations.
 */
#ifndef CORE_VM_LIFE_H
#define CORE_VM_LIFE_H

#include "core/bundle.h"

struct vm;

/* What a run of all VMs is to be like: see options.h. */
struct life_plan {
	uint64_t seconds; /* then they are stopped; 0: never */
	void (*begun)(void);
	/* All are over. False, and *why: what is checked then was found wrong. */
	bool (*checked)(const char **why);
	/* One is over, and has not been taken down. */
	void (*report)(const struct vm *vm);
};

/*
 * A VM of that configuration, off as yet. STATUS_NO_MEMORY, with *why, and the run does
 * not go well: there is no memory to remember it, another of its name, or too many.
 */
enum status life_add(const struct vm_config *config, const char **why);

/*
 * Start all of them, and run them until each is over, and none that the monitor has
 * stopped, or could not start, could be started again. One that reboots is made anew if
 * its configuration says so, unless it does little else. False if one did not end well by
 * itself, or could not be made. None is left then.
 */
bool life_run(const struct life_plan *plan);

/* ---- for the monitor, which runs amid exits: done soon after. NULL, or why not ---- */

const char *life_start(struct vm *vm);
const char *life_stop(struct vm *vm);
const char *life_restart(struct vm *vm);
const char *life_pause(struct vm *vm);
const char *life_resume(struct vm *vm);

/* Nothing is left of it, its disks and its name included. */
const char *life_remove(struct vm *vm);

/* All VMs, and then the machine. */
void life_end(void);

#endif

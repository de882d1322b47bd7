/* SPDX-License-Identifier: BSD-2-Clause */
/* The debug build checks after every exit. See check.h. */
#include "core/arch.h"
#include "core/check.h"
#include "core/log.h"
#include "core/vm.h"

static uint64_t every = 1;
static uint64_t exits;
static uint64_t checks;

bool check_begin(uint64_t interval)
{
	if (interval > 0)
		every = interval;
	log_line("debug build: tables in use are checked after 1 exit in %lu, all after "
		 "%u such",
		 every, CHECK_TURNS);
	return true;
}

void check_exit(struct vcpu *vcpu)
{
	const struct paging_mode *mode = vcpu->vm->mode;
	const char *wrong;

	if (__atomic_add_fetch(&exits, 1, __ATOMIC_RELAXED) % every != 0)
		return;
	wrong = mode->check(vcpu, vcpu->check_turn);
	if (wrong) {
		log_line("internal error: paging mode %s, vCPU %u: %s", mode->name,
			 vcpu->id, wrong);
		arch_power_off(true);
	}
	vcpu->check_turn = (vcpu->check_turn + 1) % CHECK_TURNS;
	__atomic_fetch_add(&checks, 1, __ATOMIC_RELAXED);
}

uint64_t check_count(void)
{
	return __atomic_load_n(&checks, __ATOMIC_RELAXED);
}

bool check_wants_all(void)
{
	return true;
}

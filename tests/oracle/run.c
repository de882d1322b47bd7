/* SPDX-License-Identifier: BSD-2-Clause */
/* Running operations. See run.h. */
#include "tests/oracle/run.h"

#include "tests/oracle/machine.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/fake_pages.h"

/* Operations from one look at all tables of a vCPU to the next. */
#define CHECK_INTERVAL 16

/* ---- what guests do ---- */

void machine_walk_ahead(const struct runner *writer)
{
	for (unsigned i = 0; i < machine.setting->vcpus; i++)
		if (machine.runners[i].vm == writer->vm)
			model_walk_ahead(&machine.runners[i].model);
}

static void fence(struct runner *runner, const struct fence *what)
{
	fake_hart_switch(runner->hart);
	machine.mode->fence(runner->vcpu, what);
	model_fence(&runner->model, what);
}

/* So the models never run out of room, and the guests are none the wiser. */
static void make_room(struct runner *runner)
{
	const struct fence everything = {.has_address = false};

	if (!model_is_full(&runner->model))
		return;
	runner_load(runner, runner->hart);
	fence(runner, &everything);
}

static struct runner *runner_of(const struct operation *operation)
{
	return &machine.runners[operation->vcpu % machine.setting->vcpus];
}

bool machine_is_full(void)
{
	for (unsigned i = 0; i < machine.setting->vcpus; i++)
		if (model_is_full(&machine.runners[i].model))
			return true;
	return false;
}

void machine_store(const struct runner *runner, const struct operation *operation)
{
	struct guest *guest = machine_guest(runner);
	gpa_t gpa = guest_note_store(guest, operation);

	if (machine.engine->store) {
		fake_hart_switch(runner->hart);
		machine.engine->store(runner->vcpu, gpa, guest_make_pte(operation),
				      STORE_HOW(operation));
	} else {
		guest_write(guest, gpa, guest_make_pte(operation));
	}
}

bool machine_race(const struct runner *runner)
{
	const struct operation *next = machine.next;
	const struct runner *storer;

	if (!next || operation_kind(next) != OPERATION_STORE ||
	    runner_of(next)->vm != runner->vm || machine_is_full())
		return false;
	storer = runner_of(next);
	/* Who has its stores seen to by Gnomon must be there to make one. */
	if (machine.engine->store && (storer == runner || !storer->loaded))
		return false;
	machine_store(storer, next);
	fake_hart_switch(runner->hart);
	machine_walk_ahead(runner);
	machine.counts->races++;
	return true;
}

static void do_store(struct runner *runner, const struct operation *operation)
{
	machine_store(runner, operation);
	machine_walk_ahead(runner);
}

static void do_satp(struct runner *runner, const struct operation *operation)
{
	fake_machine.guest = (struct access){.user = false};
	if (fake_vector_switches(runner->vcpu, guest_choose_satp(operation)))
		machine.counts->vector_switches++;
	else
		machine.mode->satp_write(runner->vcpu, guest_choose_satp(operation));
	if (machine.refused)
		machine.counts->refusals++;
	else
		model_satp(&runner->model, guest_choose_satp(operation));
	if (machine.mode->satp_read(runner->vcpu) != runner->model.satp)
		oracle_fail("satp reads 0x%lx, not 0x%lx",
			    machine.mode->satp_read(runner->vcpu), runner->model.satp);
}

/* A page's may be done by the vector. */
static void do_fence(struct runner *runner, const struct operation *operation)
{
	struct fence what = guest_make_fence(operation);

	if (what.has_address && FENCE_IS_FAST(operation) &&
	    fake_vector_fences(runner->vcpu, what.start, what.has_asid, what.asid)) {
		machine.counts->vector_fences++;
		model_fence(&runner->model, &what);
	} else {
		fence(runner, &what);
	}
}

/*
 * One that does not run now takes it when it is loaded, before all else; or the
 * sender's hart sees to it.
 */
static void post(struct runner *target, const struct fence *what, bool at_once)
{
	model_fence(&target->model, what);
	if (target->loaded || at_once) {
		if (target->loaded)
			fake_hart_switch(target->hart);
		machine.mode->fence(target->vcpu, what);
		return;
	}
	if (target->pending_count == PENDING_LIMIT) {
		target->pending[0] = (struct fence){.has_address = false};
		target->pending_count = 1;
	} else {
		target->pending[target->pending_count++] = *what;
	}
}

static void do_remote_fence(struct runner *runner, const struct operation *operation)
{
	struct fence what = guest_make_fence(operation);

	for (unsigned i = 0; i < machine.setting->vcpus; i++) {
		struct runner *target = &machine.runners[i];

		fake_hart_switch(runner->hart);
		if (target->vm == runner->vm &&
		    (FENCE_TARGETS(operation) >> target->vcpu->id & 1))
			post(target, &what, FENCE_IS_AT_ONCE(operation));
	}
}

/* ---- sequences ---- */

/* The next operation is what it is for: see run_one(). */
static void do_scarcity(struct runner *runner, const struct operation *operation)
{
	(void)runner;
	machine.scarce =
		machine.next && operation_kind(machine.next) != OPERATION_RESTART;
	fake_pages_allow(machine.scarce ? operation->a % 4 : UINT64_MAX);
}

static void do_move(struct runner *runner, const struct operation *operation)
{
	runner_load(runner, operation->a % FAKE_HART_LIMIT);
}

static void do_put(struct runner *runner, const struct operation *operation)
{
	(void)operation;
	runner_put(runner);
}

static void do_restart(struct runner *runner, const struct operation *operation)
{
	(void)operation;
	machine_restart(runner->vm);
}

static void (*const handlers[])(struct runner *runner,
				const struct operation *operation) = {
	[OPERATION_STORE] = do_store,
	[OPERATION_SCARCITY] = do_scarcity,
	[OPERATION_SATP] = do_satp,
	[OPERATION_FENCE] = do_fence,
	[OPERATION_REMOTE_FENCE] = do_remote_fence,
	[OPERATION_ACCESS] = runner_access,
	[OPERATION_READ] = runner_read,
	[OPERATION_MOVE] = do_move,
	[OPERATION_PUT] = do_put,
	[OPERATION_RESTART] = do_restart,
};

/* What a debug build asks at each exit: it costs as much as many operations. */
static void check_tables(const struct runner *runner)
{
	const char *wrong;

	if (!runner->loaded || machine.counts->operations % CHECK_INTERVAL != 0)
		return;
	fake_hart_switch(runner->hart);
	wrong = machine.mode->check(runner->vcpu, CHECK_ALL);
	if (wrong)
		oracle_fail("%s", wrong);
}

/* What an access may set has been noted by now. */
static void check_slots(const struct runner *runner)
{
	uint64_t gpa, value;

	if (guest_find_change(machine_guest(runner), &gpa, &value))
		oracle_fail("the guest's PTE at 0x%lx was written: 0x%lx", gpa, value);
}

static void run_one(const struct operation *operation, const struct operation *next)
{
	enum operation_kind kind = operation_kind(operation);
	struct runner *runner = runner_of(operation);

	machine.next = next;
	machine.counts->operations++;
	machine.counts->kinds[kind]++;
	for (unsigned i = 0; i < machine.setting->vcpus; i++)
		make_room(&machine.runners[i]);
	if (kind != OPERATION_MOVE && kind != OPERATION_PUT)
		runner_load(runner, runner->hart);
	if (kind != OPERATION_STORE && kind != OPERATION_ACCESS)
		fake_guest_left();
	handlers[kind](runner, operation);
	if (kind != OPERATION_SCARCITY) {
		fake_pages_allow(UINT64_MAX);
		machine.scarce = machine.refused = false;
	}
	machine.engine->look(runner->vcpu, machine.counts->engine);
	check_slots(runner);
	check_tables(runner);
}

static void check_guests(void)
{
	uint64_t gpa;

	for (unsigned i = 0; i < machine.setting->vms; i++)
		if (!guest_is_unchanged(&machine.guests[i], &gpa))
			oracle_fail("the guest's table at 0x%lx was written", gpa);
}

void oracle_run(const struct oracle_setting *setting, const struct operation *operations,
		size_t count, struct oracle_counts *counts)
{
	machine_create(setting, counts);
	for (size_t i = 0; i < count; i++)
		run_one(&operations[i], i + 1 < count ? &operations[i + 1] : NULL);
	check_guests();
	machine_destroy();
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Accesses of a guest's, tried on the fake hart as often as it faults, and every
 * result and outcome held against what the model says may be. See machine.h.
 */
#include "core/exit.h"
#include "lsp/encoding.h"
#include "lsp/walker.h"
#include "tests/oracle/machine.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/host_ram.h"

/* As many faults may one access take, before it is said to take them for ever. */
#define FAULT_LIMIT 6
#define TAG	    0xb0b0

static const struct guest *guest_of(const struct runner *runner)
{
	return runner->model.guest;
}

/* ---- A and D ---- */

static bool mark_is_legal(const struct legal *legal, uint64_t at, uint64_t before,
			  uint64_t after)
{
	for (unsigned i = 0; i < legal->mark_count; i++)
		if (legal->marks[i].at == at && (before | legal->marks[i].bits) == after)
			return true;
	return false;
}

/*
 * A of a neighbour, which the same access could have come to: in the same 16 entries
 * as a PTE that the access found without it.
 */
static bool is_ahead(const struct legal *legal, const struct access *access, uint64_t at,
		     uint64_t before, uint64_t after)
{
	if (after != (before | MODEL_A) || !model_permits(before, access))
		return false;
	for (unsigned i = 0; i < legal->mark_count; i++)
		if ((legal->marks[i].bits & MODEL_A) &&
		    legal->marks[i].at / 128 == at / 128)
			return true;
	return false;
}

/* What was set in the guest's tables. */
static void take_marks(struct runner *runner, const struct access *access,
		       struct legal *legal)
{
	struct guest *guest = machine_guest(runner);
	uint64_t marks = machine.counts->marks;
	uint64_t at, value;

	while (guest_find_change(guest, &at, &value)) {
		uint64_t before = guest_read(guest, at);

		if (!mark_is_legal(legal, at, before, value) &&
		    !is_ahead(legal, access, at, before, value))
			oracle_fail("0x%lx kind %u user %u SUM %u MXR %u, satp 0x%lx: "
				    "the PTE at 0x%lx was 0x%lx, and is 0x%lx",
				    access->gva.raw, access->kind, access->user,
				    access->sum, access->mxr, runner->model.satp, at,
				    before, value);
		guest_note(guest, at, value);
		machine.counts->marks++;
	}
	if (machine.counts->marks == marks)
		return;
	machine_walk_ahead(runner);
	model_access(&runner->model, access, legal);
}

/* Another hart of the guest changes a PTE that was read, and is to be marked. */
static void change(struct runner *runner, pte_t *at)
{
	struct guest *guest = machine_guest(runner);

	at->raw = guest_change_pte(at->raw, machine.mark_change++);
	guest_note(guest, guest_address_of(guest, at), at->raw);
	machine_walk_ahead(runner);
	machine.counts->mark_races++;
}

/* The linker puts it in the place of lsp/walker.c's: see oracle.mk. */
bool __wrap_leaf_mark(pte_t *at, pte_t *leaf, const struct access *access);
bool __real_leaf_mark(pte_t *at, pte_t *leaf, const struct access *access);

bool __wrap_leaf_mark(pte_t *at, pte_t *leaf, const struct access *access)
{
	if (machine.mark_races > 0 && !leaf_is_marked(*leaf, access) &&
	    !machine_is_full()) {
		machine.mark_races--;
		change(machine.marker, at);
	}
	return __real_leaf_mark(at, leaf, access);
}

/* The fault; and what is legal when it has been handled. */
static struct translation fault(struct runner *runner, const struct vm_exit *exit,
				struct legal *legal)
{
	uint64_t races = machine.counts->mark_races;
	struct translation translation;

	machine.marker = runner;
	translation = machine.mode->fault(runner->vcpu, exit);
	if (machine.counts->mark_races != races)
		model_access(&runner->model, &exit->access, legal);
	take_marks(runner, &exit->access, legal);
	return translation;
}

/* ---- what an access comes to ---- */

static void judge_result(const struct runner *runner, const struct access *access,
			 const struct legal *legal, pte_t leaf, hpa_t hpa)
{
	bool stale = false;

	for (unsigned i = 0; i < legal->count; i++) {
		uint64_t gpa = legal->reaches[i].gpa;

		if (!guest_is_ram(gpa, 1) ||
		    guest_host_address(guest_of(runner), gpa).raw != hpa.raw)
			continue;
		if (legal->reaches[i].now)
			return;
		stale = true;
	}
	if (!stale)
		oracle_fail(
			"0x%lx kind %u user %u SUM %u MXR %u, satp 0x%lx: shadow leaf "
			"0x%lx is none that a TLB may hold",
			access->gva.raw, access->kind, access->user, access->sum,
			access->mxr, runner->model.satp, leaf.raw);
	machine.counts->stale++;
}

static bool device_is_legal(const struct runner *runner, const struct legal *legal,
			    uint64_t gpa)
{
	for (unsigned i = 0; i < legal->count; i++)
		if (legal->reaches[i].gpa == gpa && !guest_is_ram(gpa, 1) &&
		    (legal->reaches[i].now || runner->model.strength == MODEL_ISA))
			return true;
	return false;
}

static bool is_reached_now(const struct legal *legal, uint64_t gpa)
{
	for (unsigned i = 0; i < legal->count; i++)
		if (legal->reaches[i].gpa == gpa && legal->reaches[i].now)
			return true;
	return false;
}

static void judge_outcome(const struct runner *runner, const struct access *access,
			  const struct legal *legal, struct translation translation)
{
	bool is_legal = false;

	switch (translation.outcome) {
	case OUTCOME_PAGE_FAULT:
		is_legal = legal->page_fault;
		machine.counts->page_faults++;
		break;
	case OUTCOME_ACCESS_FAULT:
		is_legal = legal->access_fault;
		machine.counts->access_faults++;
		break;
	case OUTCOME_DEVICE:
		is_legal = device_is_legal(runner, legal, translation.gpa.raw);
		machine.counts->devices++;
		break;
	case OUTCOME_NO_MEMORY:
		is_legal = machine.scarce;
		machine.counts->refusals++;
		break;
	case OUTCOME_EMULATE_STORE:
		is_legal = is_reached_now(legal, translation.gpa.raw);
		machine.counts->filled++;
		break;
	case OUTCOME_FILLED:
	case OUTCOME_UNPROTECTED:
		break;
	}
	if (!is_legal)
		oracle_fail(
			"0x%lx kind %u user %u SUM %u MXR %u, satp 0x%lx: outcome %u, "
			"gpa 0x%lx",
			access->gva.raw, access->kind, access->user, access->sum,
			access->mxr, runner->model.satp, translation.outcome,
			translation.gpa.raw);
}

/* Who goes on with an access. */
enum next { NEXT_THROUGH, NEXT_GUEST, NEXT_ENGINE };

/*
 * Where the hart may find a leaf or a fault, a lucky one finds the leaf, and the
 * engine never hears of it. A fault that goes to the guest must be one of its own.
 */
static enum next try_access(const struct runner *runner, const struct access *access,
			    const struct legal *legal, bool lucky)
{
	struct fake_results results = fake_access(access);

	for (unsigned i = 0; i < results.count; i++)
		judge_result(runner, access, legal, results.permitted[i].leaf,
			     results.permitted[i].hpa);
	if (results.may_access_fault)
		oracle_fail("0x%lx: an access fault of the shadow's own",
			    access->gva.raw);
	if (!results.may_fault && !results.may_detour && results.count == 0)
		oracle_fail("0x%lx comes to nothing", access->gva.raw);
	if (results.may_fault && fake_delegates())
		judge_outcome(runner, access, legal,
			      (struct translation){.outcome = OUTCOME_PAGE_FAULT});
	if (results.count > 0 && (lucky || !(results.may_fault || results.may_detour)))
		return NEXT_THROUGH;
	return results.may_fault && fake_delegates() ? NEXT_GUEST : NEXT_ENGINE;
}

static struct access access_of(const struct runner *runner,
			       const struct operation *operation)
{
	struct access access =
		guest_make_access(operation, runner->model.satp >> 60 == 0);

	/* What is not promised: see docs/lsp.md. */
	if (encoding.delegates && (int64_t)access.gva.raw < 0)
		access.user = false;
	fake_machine.guest = access;
	return access;
}

/* Most misses are offered to the mode's fast way first. */
static enum outcome fill_fast(struct runner *runner, const struct access *access)
{
	static const uint64_t asked[] = {
		[ACCESS_FETCH] = PTE_X,
		[ACCESS_LOAD] = 0,
		[ACCESS_STORE] = PTE_W,
	};

	if (!machine.mode->fill || machine.counts->filled % 8 == 0)
		return OUTCOME_DEVICE;
	return machine.mode->fill(runner->vcpu, access->gva, asked[access->kind]);
}

void runner_access(struct runner *runner, const struct operation *operation)
{
	struct vm_exit exit = {
		.cause = CAUSE_TRANSLATION,
		.access = access_of(runner, operation),
	};
	struct legal legal;
	unsigned faults = 0;

	exit.access_fault = encoding.detour == DETOUR_ACCESS_FAULT;
	machine.mark_races = ACCESS_MARK_RACES(operation);
	machine.mark_change = ACCESS_MARK_CHANGE(operation);
	model_access(&runner->model, &exit.access, &legal);
	for (;;) {
		struct translation translation = {0};
		enum next next =
			try_access(runner, &exit.access, &legal, ACCESS_LUCKY(operation));

		if (next == NEXT_GUEST)
			return;
		if (next == NEXT_THROUGH)
			break;
		fake_guest_left();
		if (faults == 0 && ACCESS_RACES(operation) && machine_race(runner))
			model_access(&runner->model, &exit.access, &legal);
		translation.outcome = fill_fast(runner, &exit.access);
		machine.counts->fast_fills += translation.outcome == OUTCOME_FILLED;
		if (translation.outcome == OUTCOME_DEVICE)
			translation = fault(runner, &exit, &legal);
		if (translation.outcome != OUTCOME_FILLED &&
		    translation.outcome != OUTCOME_UNPROTECTED) {
			judge_outcome(runner, &exit.access, &legal, translation);
			return;
		}
		if (++faults == FAULT_LIMIT)
			oracle_fail("0x%lx faults for ever", exit.access.gva.raw);
	}
	machine.counts->filled++;
	machine.counts->without_fault += faults == 0;
}

static uint16_t *half_at(const struct runner *runner, uint64_t gpa)
{
	return hpa_pointer(guest_host_address(guest_of(runner), gpa));
}

/* ---- instructions ---- */

/* Where an instruction may be read gets a tag, but for the tables. */
static void tag(const struct runner *runner, const struct legal *legal, uint16_t value)
{
	for (unsigned i = 0; i < legal->count; i++) {
		uint64_t gpa = legal->reaches[i].gpa;

		if (guest_is_ram(gpa, 2) && !guest_is_table(gpa))
			*half_at(runner, gpa) = value;
	}
	for (unsigned i = 0; i < legal->mark_count; i++) {
		uint64_t gpa = legal->marks[i].gpa;

		if (guest_is_ram(gpa, 2) && !guest_is_table(gpa))
			*half_at(runner, gpa) = value;
	}
}

static bool half_is_legal(const struct runner *runner, const struct legal *legal,
			  uint16_t half)
{
	for (unsigned i = 0; i < legal->count; i++)
		if (guest_is_ram(legal->reaches[i].gpa, 2) &&
		    *half_at(runner, legal->reaches[i].gpa) == half)
			return true;
	for (unsigned i = 0; i < legal->mark_count; i++)
		if (guest_is_ram(legal->marks[i].gpa, 2) &&
		    *half_at(runner, legal->marks[i].gpa) == half)
			return true;
	return false;
}

/* Code that nobody has fetched yet is left to the hart, which sets its A. */
static bool may_be_unreadable(const struct legal *legal, const struct access *access)
{
	bool outside = legal->page_fault || legal->access_fault ||
		       (access->kind == ACCESS_FETCH && legal->mark_count > 0);

	for (unsigned i = 0; i < legal->count; i++)
		outside |= !guest_is_ram(legal->reaches[i].gpa, 2);
	for (unsigned i = 0; i < legal->mark_count; i++)
		outside |= !guest_is_ram(legal->marks[i].gpa, 2);
	return outside;
}

void runner_read(struct runner *runner, const struct operation *operation)
{
	struct access access = access_of(runner, operation);
	struct legal legal;
	uint16_t half = 0;

	if (access.kind == ACCESS_STORE)
		access.kind = ACCESS_FETCH;
	model_access(&runner->model, &access, &legal);
	tag(runner, &legal, TAG);
	if (machine.mode->read_half(runner->vcpu, &access, &half)) {
		if (!half_is_legal(runner, &legal, half))
			oracle_fail("0x%lx, satp 0x%lx: read 0x%x from where no TLB "
				    "leads",
				    access.gva.raw, runner->model.satp, half);
	} else if (!may_be_unreadable(&legal, &access)) {
		oracle_fail("0x%lx, satp 0x%lx: not read", access.gva.raw,
			    runner->model.satp);
	}
	tag(runner, &legal, 0);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor's `stats`: a VM's exits by reason, in all and per second since they were
 * last looked at. The counters are the running vCPUs' own; sums are as of about now.
 */
#include "core/arch.h"
#include "core/machine.h"
#include "core/monitor.h"
#include "core/string.h"
#include "core/vm.h"
#include "core/vms.h"

struct look {
	uint64_t time;
	uint64_t sums[REASON_COUNT];
};

static struct {
	const struct vm *vm; /* NULL: none was looked at */
	struct look last;
} stats;

static struct look look_at(const struct vm *vm)
{
	struct look look = {.time = arch_time()};

	for (unsigned i = 0; i < vm->vcpu_count; i++)
		for (unsigned reason = 0; reason < REASON_COUNT; reason++)
			look.sums[reason] += vm->vcpus[i].counters.fast[reason] +
					     vm->vcpus[i].counters.full[reason];
	return look;
}

/* Of a count in so many ticks. */
static uint64_t per_second(uint64_t count, uint64_t ticks)
{
	const uint64_t second = machine.fdt.timebase_frequency;

	if (count > UINT64_MAX / second)
		return count / (ticks / second + 1);
	return ticks > 0 ? count * second / ticks : 0;
}

static void print_row(const char *name, uint64_t sum, uint64_t more, uint64_t ticks,
		      bool has_rate)
{
	if (has_rate)
		monitor_print("%-24s %14lu %12lu\n", name, sum, per_second(more, ticks));
	else
		monitor_print("%-24s %14lu %12s\n", name, sum, "-");
}

/* The most per second first, then the most. */
static bool is_before(const struct look *now, const struct look *last, unsigned a,
		      unsigned b)
{
	uint64_t more_a = now->sums[a] - last->sums[a];
	uint64_t more_b = now->sums[b] - last->sums[b];

	if (more_a != more_b)
		return more_a > more_b;
	return now->sums[a] > now->sums[b];
}

static void sort(unsigned *order, const struct look *now, const struct look *last)
{
	for (unsigned i = 0; i < REASON_COUNT; i++) {
		unsigned at = i;

		for (; at > 0 && is_before(now, last, i, order[at - 1]); at--)
			order[at] = order[at - 1];
		order[at] = i;
	}
}

/* A VM's exits are counted anew in each of its lives. */
static bool is_same_life(const struct look *now, const struct look *last)
{
	for (unsigned i = 0; i < REASON_COUNT; i++)
		if (now->sums[i] < last->sums[i])
			return false;
	return true;
}

static void print_stats(const struct vm *vm)
{
	const struct look now = look_at(vm);
	const bool has_rate = stats.vm == vm && is_same_life(&now, &stats.last);
	const struct look last = has_rate ? stats.last : now;
	const uint64_t ticks = now.time - last.time;
	unsigned order[REASON_COUNT];
	uint64_t sum = 0, more = 0;

	sort(order, &now, &last);
	monitor_print("exits of %s\n%-24s %14s %12s\n", vm->name, "REASON", "SUM",
		      "PER SECOND");
	for (unsigned i = 0; i < REASON_COUNT; i++) {
		const unsigned reason = order[i];

		sum += now.sums[reason];
		more += now.sums[reason] - last.sums[reason];
		if (now.sums[reason] > 0)
			print_row(exit_reason_names[reason], now.sums[reason],
				  now.sums[reason] - last.sums[reason], ticks, has_rate);
	}
	print_row("all", sum, more, ticks, has_rate);
	stats.vm = vm;
	stats.last = now;
}

/* The VM may have gone since the last second. */
static void redraw(void)
{
	for (struct vm *vm = vms_first(); vm; vm = vms_next(vm))
		if (vm == stats.vm)
			return print_stats(vm);
	monitor_print("the VM has gone\n");
}

bool monitor_stats(unsigned count, char **words)
{
	const bool once = count > 0 && strcmp(words[0], "-1") == 0;
	const struct vm *vm;

	words += once;
	count -= once;
	if (count > 1)
		return false;
	vm = monitor_vm(count > 0 ? words[0] : NULL);
	if (!vm)
		return true;
	if (once) {
		print_stats(vm);
		return true;
	}
	if (stats.vm != vm)
		stats.last = look_at(vm);
	stats.vm = vm;
	monitor_live(redraw);
	return true;
}

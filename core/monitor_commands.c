/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The monitor's commands: the table of all, finding one, and those about VMs and
 * consoles. A name of two words comes before one that is its first word alone.
 */
#include "core/console_mux.h"
#include "core/log.h"
#include "core/machine.h"
#include "core/monitor.h"
#include "core/scheduler.h"
#include "core/string.h"
#include "core/vm.h"
#include "core/vm_life.h"
#include "core/vms.h"

static bool run_help(unsigned count, char **words);

/* ---- VMs ---- */

static bool run_vm_list(unsigned count, char **words)
{
	(void)words;
	if (count > 0)
		return false;
	monitor_print("%-16s %-10s %-14s %8s %6s %12s\n", "NAME", "STATE", "PAGING",
		      "MEMORY", "VCPUS", "EXITS");
	for (struct vm *vm = vms_first(); vm; vm = vms_next(vm))
		monitor_print("%-16s %-10s %-14s %4lu MiB %6u %12lu\n", vm->name,
			      vm_state_text(vm), vm->config.paging,
			      vm->config.memory / MIB, vm->config.vcpus, vm_exits(vm));
	return true;
}

static void print_times(const struct vcpu *vcpu)
{
	const struct vcpu_times times = scheduler_times(vcpu);
	const uint64_t run = machine_time(times.run, MICROSECONDS);
	const uint64_t stolen = machine_time(times.stolen, MICROSECONDS);

	monitor_print(
		"               weight %u, %lu.%06lu s on harts, %lu.%06lu s in wait "
		"of one, %lu moves\n",
		vcpu->place.weight, run / MICROSECONDS, run % MICROSECONDS,
		stolen / MICROSECONDS, stolen % MICROSECONDS, times.moves);
}

static void print_vcpu(const struct vcpu *vcpu)
{
	static const char *const states[] = {
		[VCPU_STARTED] = "started",
		[VCPU_STOPPED] = "stopped",
		[VCPU_START_PENDING] = "starting",
		[VCPU_STOP_PENDING] = "stopping",
	};
	/* Its hart may change it meanwhile. */
	const enum vcpu_state state = __atomic_load_n(&vcpu->state, __ATOMIC_RELAXED);

	monitor_print("  vcpu %u       %s, %lu exits, the last one at pc 0x%lx\n",
		      vcpu->id, states[state], counters_total(&vcpu->counters),
		      vcpu->arch.pc);
	print_times(vcpu);
}

static uint64_t microseconds(uint64_t ticks)
{
	return ticks * 1000000 / machine.fdt.timebase_frequency;
}

static void print_costs(const struct vm *vm)
{
	const struct vm_costs *costs = &vm->costs;
	const uint64_t zeroing = microseconds(costs->zeroing);

	if (costs->zeroed > 0)
		monitor_print(
			"  begun in     %lu us, and %lu us of all harts to zero its "
			"memory, %lu a MiB\n",
			microseconds(costs->making), zeroing,
			zeroing * MIB / costs->zeroed);
	if (costs->ending > 0)
		monitor_print("  ended in     %lu us, the last time\n",
			      microseconds(costs->ending));
}

static bool run_vm_info(unsigned count, char **words)
{
	const struct vm *vm;

	if (count != 1)
		return false;
	vm = monitor_vm(words[0]);
	if (!vm)
		return true;
	monitor_print("  state        %s%s%s\n", vm_state_text(vm),
		      vm->detail[0] ? ": " : "", vm->detail);
	monitor_print("  paging mode  %s\n", vm->config.paging);
	monitor_print("  memory       %lu MiB at 0x%lx%s\n", vm->config.memory / MIB,
		      GUEST_RAM_BASE.raw, vm->is_made ? "" : ", none of it now");
	print_costs(vm);
	for (unsigned i = 0; i < vm->device_count; i++)
		monitor_print("  device       %s at 0x%lx\n", vm->devices[i]->name,
			      vm->devices[i]->base.raw);
	for (unsigned i = 0; i < vm->vcpu_count; i++)
		print_vcpu(&vm->vcpus[i]);
	monitor_print("  console      %u bytes of output kept, %u of input wait\n",
		      vm->screen.output.count, vm->screen.input.count);
	return true;
}

static bool run_life(const char *(*life)(struct vm *vm), unsigned count, char **words)
{
	const char *why;
	struct vm *vm;

	if (count != 1)
		return false;
	vm = monitor_vm(words[0]);
	why = vm ? life(vm) : NULL;
	if (why)
		monitor_print("%s: %s\n", words[0], why);
	return true;
}

static bool run_power_off(unsigned count, char **words)
{
	(void)words;
	if (count > 0)
		return false;
	life_end();
	return true;
}

/* ---- consoles ---- */

static bool run_console(unsigned count, char **words)
{
	struct vm *vm;

	if (count > 1)
		return false;
	vm = monitor_vm(count > 0 ? words[0] : NULL);
	if (vm)
		mux_show(&vm->screen);
	return true;
}

static void put_log(char byte)
{
	monitor_print("%c", byte);
}

static bool run_log(unsigned count, char **words)
{
	(void)words;
	if (count > 0)
		return false;
	log_recall(put_log);
	return true;
}

static bool run_interleave(unsigned count, char **words)
{
	bool on = count == 1 && strcmp(words[0], "on") == 0;

	if (count > 1 || (count == 1 && !on && strcmp(words[0], "off") != 0))
		return false;
	if (count == 1)
		mux_interleave(on);
	monitor_print("output of VMs in the background is %s\n",
		      mux_is_interleaved() ? "printed by the line" : "kept");
	return true;
}

/* ---- the table ---- */

static const struct monitor_command commands[] = {
	{"help", "[COMMAND]", "all commands, or what one of them does", .run = run_help},
	{"vm list", "", "the VMs, one a line", .run = run_vm_list},
	{"vm info", "NAME", "a VM's memory, devices and vCPUs", .run = run_vm_info},
	{"vm start", "NAME", "run a VM that is off, from its beginning",
	 .life = life_start},
	{"vm stop", "NAME", "end a VM at once; it can be started again",
	 .life = life_stop},
	{"vm restart", "NAME", "end a VM and start it again", .life = life_restart},
	{"vm pause", "NAME", "run none of its vCPUs", .life = life_pause},
	{"vm resume", "NAME", "run them again", .life = life_resume},
	{"vm remove", "NAME", "end a VM for good, and drop its disks",
	 .life = life_remove},
	{"power off", "", "end all VMs, and then this machine", .run = run_power_off},
	{"console", "[NAME]", "go to a VM's console; what it kept is shown first",
	 .run = run_console},
	{"interleave", "[on|off]",
	 "print what other VMs say at once, after their [name], or keep it",
	 .run = run_interleave},
	{"stats", "[-1] [NAME]",
	 "exits by reason, in all and per second: each second anew, or once (-1)",
	 .run = monitor_stats},
	{"trace on", "[NAME]", "keep the last exits from now on, which makes all slower",
	 .run = monitor_trace_on},
	{"trace off", "[NAME]", "keep no more of them", .run = monitor_trace_off},
	{"trace", "[NAME] [COUNT]", "the last exits: time, reason, pc, address",
	 .run = monitor_trace},
	{"shadow", "[NAME]", "what the paging mode says of its tables",
	 .run = monitor_shadow},
	{"mem", "", "memory: what is free, and who has the rest", .run = monitor_memory},
	{"harts", "", "the harts: where they are, what they did for others",
	 .run = monitor_harts},
	{"net", "", "the ports of the switch: frames sent, received and dropped",
	 .run = monitor_net},
	{"log", "", "Gnomon's own last lines again", .run = run_log},
};

static void print_usage(const struct monitor_command *command)
{
	monitor_print("usage: %s%s%s\n", command->name, command->arguments[0] ? " " : "",
		      command->arguments);
}

static void print_summary(const struct monitor_command *command)
{
	char call[32];

	format_text(call, sizeof(call), "%s %s", command->name, command->arguments);
	monitor_print("  %-22s %s\n", call, command->help);
}

/* How many words of the line are this command's name; 0: it is another. */
static unsigned name_matches(const char *name, unsigned count, char **words)
{
	const char *space = strchr(name, ' ');
	size_t first = space ? (size_t)(space - name) : strlen(name);

	if (count == 0 || strlen(words[0]) != first ||
	    strncmp(words[0], name, first) != 0)
		return 0;
	if (!space)
		return 1;
	return count > 1 && strcmp(words[1], space + 1) == 0 ? 2 : 0;
}

/* All whose name begins with this word; false: there are none. */
static bool for_family(const char *word,
		       void (*print)(const struct monitor_command *command))
{
	const size_t length = strlen(word);
	bool found = false;

	for (unsigned i = 0; i < ARRAY_LENGTH(commands); i++) {
		const char *name = commands[i].name;

		if (strncmp(name, word, length) != 0 ||
		    (name[length] != '\0' && name[length] != ' '))
			continue;
		print(&commands[i]);
		found = true;
	}
	return found;
}

/* Of a command of two words; false: there is none. */
static bool print_one(char **words)
{
	for (unsigned i = 0; i < ARRAY_LENGTH(commands); i++) {
		if (name_matches(commands[i].name, 2, words) != 2)
			continue;
		print_summary(&commands[i]);
		return true;
	}
	return false;
}

static bool run_help(unsigned count, char **words)
{
	if (count == 0) {
		for (unsigned i = 0; i < ARRAY_LENGTH(commands); i++)
			print_summary(&commands[i]);
		monitor_print(
			"NAME is that of a VM; without, the one last shown. %s leads "
			"back to it,\nand %s twice sends it one.\n",
			mux_escape_text(), mux_escape_text());
		return true;
	}
	if (count > 2)
		return false;
	if (count == 2 && print_one(words))
		return true;
	if (!for_family(words[0], print_summary))
		monitor_print("there is no command '%s': `help` lists them\n", words[0]);
	return true;
}

static bool run_command(const struct monitor_command *command, unsigned count,
			char **words)
{
	return command->life ? run_life(command->life, count, words)
			     : command->run(count, words);
}

static void run_words(unsigned count, char **words)
{
	for (unsigned i = 0; i < ARRAY_LENGTH(commands); i++) {
		unsigned used = name_matches(commands[i].name, count, words);

		if (used == 0)
			continue;
		if (!run_command(&commands[i], count - used, words + used))
			print_usage(&commands[i]);
		return;
	}
	if (!for_family(words[0], print_usage))
		monitor_print("there is no command '%s': `help` lists them\n", words[0]);
}

void monitor_run(char *line)
{
	char *words[MONITOR_WORDS];
	unsigned count = 0;

	while (*line) {
		if (*line == ' ') {
			*line++ = '\0';
			continue;
		}
		if (count == MONITOR_WORDS) {
			monitor_print("no command has so many words\n");
			return;
		}
		words[count++] = line;
		while (*line && *line != ' ')
			line++;
	}
	if (count > 0)
		run_words(count, words);
}

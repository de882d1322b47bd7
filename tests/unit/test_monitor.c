/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/monitor.c core/monitor_commands.c core/monitor_line.c */
/* sources: core/monitor_stats.c core/monitor_views.c core/exit_trace.c core/vms.c */
/* sources: core/monitor_net.c core/switch.c */
/* sources: core/console_mux.c core/json.c core/counters.c */
/* sources: tests/unit/fake_pages.c mm/guest_memory.c drivers/mmio.c */
/* sources: drivers/host_mmio.c */
/* sources: drivers/uart.c drivers/vuart.c tests/unit/fake_arch.c */
/* sources: tests/unit/host_ram.c */
/*
 * The monitor from keys to answers: what each command prints, what it says to what is
 * no command, and that no bytes typed at it come to a guest.
 */
#include <stdio.h>
#include <string.h>

#include "core/console_mux.h"
#include "core/exit_trace.h"
#include "core/harts.h"
#include "core/json.h"
#include "core/machine.h"
#include "core/monitor.h"
#include "core/scheduler.h"
#include "core/switch.h"
#include "core/vm.h"
#include "core/vm_life.h"
#include "core/vms.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/fake_pages.h"
#include "tests/unit/host_ram.h"

struct machine machine;
static struct vm vm;

static void report(const struct vm *of, struct json *json)
{
	assert_ptr_equal(of, &vm);
	json_array(json, "vcpus");
	json_object(json, NULL);
	json_number(json, "trees", 7);
	json_object_end(json);
	json_array_end(json);
	json_number(json, "pages", 12);
	json_number(json, "state_pages", 3);
}

static const struct paging_mode mode = {.name = "scripted", .report = report};

const char *vm_state_text(const struct vm *of)
{
	return of->is_made ? "running" : "off";
}

uint64_t vm_exits(const struct vm *of)
{
	return counters_total(&of->vcpus[0].counters);
}

/* ---- what is asked of its life ---- */

static const char *asked;

static const char *ask(struct vm *of, const char *what)
{
	assert_ptr_equal(of, &vm);
	asked = what;
	return strcmp(what, "resume") == 0 ? "it is not paused" : NULL;
}

const char *life_start(struct vm *of)
{
	return ask(of, "start");
}

const char *life_stop(struct vm *of)
{
	return ask(of, "stop");
}

const char *life_restart(struct vm *of)
{
	return ask(of, "restart");
}

const char *life_pause(struct vm *of)
{
	return ask(of, "pause");
}

const char *life_resume(struct vm *of)
{
	return ask(of, "resume");
}

const char *life_remove(struct vm *of)
{
	return ask(of, "remove");
}

void life_end(void)
{
	asked = "end";
}

uint32_t harts_running(void)
{
	return 3;
}

enum hart_place harts_place(unsigned index)
{
	assert_int_equal(index, 1);
	return HART_WAITS;
}

uint64_t harts_served(unsigned index, enum hart_request request)
{
	return index * 10 + request;
}

struct vcpu_times scheduler_times(const struct vcpu *vcpu)
{
	return vcpu->place.times;
}

static void ignore(void *context, uint8_t byte)
{
	(void)context;
	(void)byte;
}

static int setup(void **state)
{
	static const uint8_t keys[] = {0x1d};

	(void)state;
	fake_arch_create(fake_default());
	machine.fdt.timebase_frequency = 1000000;
	machine.fdt.hart_count = 2;
	machine.fdt.harts[1].id = 5;
	fake_pages_create();
	memset(&vm, 0, sizeof(vm));
	vm.name = "linux";
	vm.detail = "";
	vm.mode = &mode;
	vm.is_made = true;
	vm.config.memory = 64 * MIB;
	vm.config.vcpus = 1;
	vm.config.paging = "scripted";
	vm.vcpu_count = 1;
	vm.memory.size = 64 * MIB;
	vm.vcpus[0].vm = &vm;
	vm.vcpus[0].place.weight = 100;
	vm.vcpus[0].place.times =
		(struct vcpu_times){.run = 2500000, .stolen = 7, .moves = 3};
	vuart_init(&vm.uart, VM_UART_BASE, (struct irq_line){0}, ignore, &vm);
	monitor_init(keys, 1, false);
	mux_init(0);
	vms_add(&vm);
	mux_open(&vm.screen);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	mux_show(&vm.screen);
	exit_trace_free(&vm);
	vms_remove(&vm);
	assert_int_equal(fake_pages_taken(), 0);
	fake_pages_destroy();
	return 0;
}

static int guest_reads(void)
{
	uint64_t status = 0, byte = 0;

	vm.uart.device.read(&vm.uart.device, NS16550_LSR, 1, &status);
	if (!(status & NS16550_LSR_DATA_READY))
		return -1;
	vm.uart.device.read(&vm.uart.device, NS16550_RBR, 1, &byte);
	return (int)byte;
}

/* What comes of keys, the guest getting none of them. */
static const char *type(const char *keys)
{
	fake_machine.output_length = 0;
	fake_machine.input = keys;
	mux_receive();
	assert_int_equal(*fake_machine.input, '\0');
	assert_int_equal(guest_reads(), -1);
	fake_machine.output[fake_machine.output_length] = '\0';
	return fake_machine.output;
}

static void assert_says(const char *keys, const char *text)
{
	if (!strstr(type(keys), text))
		fail_msg("'%s' is not in '%s'", text, fake_machine.output);
}

static void no_wake(struct switch_port *port)
{
	(void)port;
}

static void ports_are_listed(void **state)
{
	static struct switch_port ports[2];
	const uint8_t frame[60] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2};

	(void)state;
	ports[0] = (struct switch_port){.wake = no_wake, .name = "linux", .mac = 0x21};
	ports[1] = (struct switch_port){.wake = no_wake};
	assert_int_equal(switch_attach(&ports[0], "lan"), STATUS_OK);
	assert_int_equal(switch_attach(&ports[1], "lan"), STATUS_OK);
	for (unsigned i = 0; i < SWITCH_QUEUE_LIMIT + 3; i++)
		switch_send(&ports[0], frame, sizeof(frame));
	type("\x1d");
	assert_says("net\r",
		    "lan              linux            000000000021         67          0"
		    "          0       0\r\n"
		    "lan              -                000000000000          0         64"
		    "          3      64\r\n");
	switch_detach(&ports[0]);
	switch_detach(&ports[1]);
}

static void each_command_answers(void **state)
{
	static const struct {
		const char *line, *text;
	} cases[] = {
		{"help\r", "  trace [NAME] [COUNT] "},
		{"help vm\r", "  vm info NAME "},
		{"help vm list\r",
		 "  vm list                the VMs, one a line\r\ngnomon> "},
		{"help stats\r", "  stats [-1] [NAME] "},
		{"help me\r", "there is no command 'me': `help` lists them\r\n"},
		{"vm list\r",
		 "linux            running    scripted         64 MiB      1 "},
		{"vm info linux\r",
		 "  vcpu 0       started, 42 exits, the last one at pc 0x80"},
		{"vm info linux\r",
		 "weight 100, 2.500000 s on harts, 0.000007 s in wait of "
		 "one, 3 moves\r\n"},
		{"vm info other\r", "there is no VM 'other': `vm list` lists them\r\n"},
		{"stats -1\r", "mmio-read                            42            -"},
		{"trace\r", "no exits of linux were traced: `trace on` begins\r\n"},
		{"shadow\r",
		 "  vcpus\r\n    one\r\n      trees                               7\r\n"},
		{"mem\r", "  linux                       65536 KiB, and 60 KiB to "
			  "translate it\r\n"},
		{"mem\r",
		 "  all uses                    65536 KiB, 65536 KiB of it free\r\n"},
		{"harts\r", "     5 idle                       10             11\r\n"},
		{"net\r", "no VM has a network card\r\n"},
		{"log\r", "log\r\n"},
		{"interleave\r", "output of VMs in the background is kept\r\n"},
		{"interleave on\r",
		 "output of VMs in the background is printed by the line\r\n"},
	};

	(void)state;
	vm.vcpus[0].arch.pc = 0x80;
	vm.vcpus[0].counters.full[REASON_MMIO_READ] = 42;
	assert_says("\x1d", "[monitor: ^] or console leads back, help lists commands]\r\n"
			    "gnomon> ");
	for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++)
		assert_says(cases[i].line, cases[i].text);
	/* Its hart may be about to, or the VM have ended before it was. */
	vm.vcpus[0].state = VCPU_STOP_PENDING;
	assert_says("vm info linux\r", "  vcpu 0       stopping, 42 exits,");
	vm.vcpus[0].state = VCPU_STARTED;
}

static void mistakes_are_told(void **state)
{
	static const struct {
		const char *line, *text;
	} cases[] = {
		{"bogus\r", "there is no command 'bogus': `help` lists them\r\n"},
		{"vm\r", "usage: vm list\r\nusage: vm info NAME\r\n"},
		{"vm begin linux\r", "usage: vm list\r\n"},
		{"vm start\r", "usage: vm start NAME\r\n"},
		{"vm stop a b\r", "usage: vm stop NAME\r\n"},
		{"vm stop other\r", "there is no VM 'other'"},
		{"vm resume linux\r", "linux: it is not paused\r\n"},
		{"power off now\r", "usage: power off\r\n"},
		{"vm info\r", "usage: vm info NAME\r\n"},
		{"vm list all\r", "usage: vm list\r\n"},
		{"stats a b\r", "usage: stats [-1] [NAME]\r\n"},
		{"stats -2\r", "there is no VM '-2'"},
		{"help vm list all\r", "usage: help [COMMAND]\r\n"},
		{"trace 0\r", "usage: trace [NAME] [COUNT]\r\n"},
		{"trace 128\r", "usage: trace [NAME] [COUNT]\r\n"},
		{"trace 18446744073709551617\r", "usage: trace [NAME] [COUNT]\r\n"},
		{"trace linux 1x\r", "usage: trace [NAME] [COUNT]\r\n"},
		{"interleave maybe\r", "usage: interleave [on|off]\r\n"},
		{"mem 1\r", "usage: mem\r\n"},
		{"a b c d e f g\r", "no command has so many words\r\n"},
		{"hel\r", "there is no command 'hel'"},
		{"   \r", "gnomon> "},
	};

	(void)state;
	type("\x1d");
	for (unsigned i = 0; i < ARRAY_LENGTH(cases); i++)
		assert_says(cases[i].line, cases[i].text);
}

static void lives_are_asked_for(void **state)
{
	static const char *const words[] = {"start", "stop",   "restart",
					    "pause", "resume", "remove"};
	char line[32];

	(void)state;
	type("\x1d");
	for (unsigned i = 0; i < ARRAY_LENGTH(words); i++) {
		snprintf(line, sizeof(line), "vm %s linux\r", words[i]);
		type(line);
		assert_string_equal(asked, words[i]);
	}
	type("power off\r");
	assert_string_equal(asked, "end");
}

/* Of a VM that is off there is nothing to be looked at, and no harm in trying. */
static void a_vm_that_is_off_has_nothing_to_show(void **state)
{
	(void)state;
	vm.is_made = false;
	vm.vcpu_count = 0;
	vm.memory.size = 0;
	vm.mode = NULL;
	mux_close(&vm.screen);
	type("\x1d");
	assert_says("vm list\r", "linux            off ");
	assert_says("vm info linux\r", "64 MiB at 0x80000000, none of it now\r\n");
	assert_says("shadow\r", "paging mode scripted, but it is off\r\n");
	assert_says("mem\r", "  linux                           0 KiB, and 0 KiB to ");
	assert_says("trace\r", "no exits of linux were traced");
	assert_says("trace on\r", "gnomon> ");
	assert_says("stats -1\r", "all                                   0 ");
	/* What is typed at it goes nowhere, and waits for nobody. */
	type("console\r");
	for (unsigned i = 0; i < 2 * SCREEN_INPUT; i++)
		type("x");
	assert_int_equal(vm.screen.input.count, 0);
}

static void rates_are_since_the_last_look(void **state)
{
	(void)state;
	type("\x1d");
	vm.vcpus[0].counters.fast[REASON_SHADOW_MISS] = 5;
	vm.vcpus[0].counters.full[REASON_SATP_WRITE] = 100;
	type("stats -1\r");
	fake_machine.time += 2000000;
	vm.vcpus[0].counters.fast[REASON_SHADOW_MISS] = 1005;
	assert_says("stats -1\r",
		    "PER SECOND\r\n"
		    "shadow-miss                        1005          500\r\n"
		    "satp-write                          100            0\r\n"
		    "all                                1105          500\r\n");
}

/* It was restarted since the last look, and begins at none. */
static void a_restart_is_no_rate(void **state)
{
	(void)state;
	type("\x1d");
	vm.vcpus[0].counters.full[REASON_SATP_WRITE] = 100;
	type("stats -1\r");
	fake_machine.time += 2000000;
	vm.vcpus[0].counters.full[REASON_SATP_WRITE] = 7;
	assert_says("stats -1\r",
		    "satp-write                            7            -\r\n"
		    "all                                   7            -\r\n");
}

/* Drawn anew each second, until a key, which is not taken for more than that. */
static void live_stats_end_with_a_key(void **state)
{
	(void)state;
	type("\x1d");
	assert_says("stats\r", "any key ends this");
	assert_int_equal(mux_next_tick(), fake_machine.time + 1000000);
	fake_machine.output_length = 0;
	fake_machine.time += 1000000;
	mux_tick();
	fake_machine.output[fake_machine.output_length] = '\0';
	assert_non_null(strstr(fake_machine.output, "\x1b[H\x1b[Jexits of linux"));
	assert_int_equal(mux_next_tick(), fake_machine.time + 1000000);
	assert_says("q", "gnomon> ");
	assert_int_equal(mux_next_tick(), UINT64_MAX);
	assert_says("\r", "gnomon> ");
	/* a key of several bytes does so with all of them */
	assert_says("stats\r", "any key ends this");
	assert_says("\x1b[Bvm list\r", "NAME             STATE ");
	/* the escape ends it, too */
	type("stats\r\x1d");
	assert_int_equal(mux_next_tick(), UINT64_MAX);
}

static void exits_are_traced_while_it_is_on(void **state)
{
	struct vm_exit exit = {.cause = CAUSE_TRANSLATION, .access = {.gva = {0xabc}}};
	struct vcpu *vcpu = &vm.vcpus[0];

	(void)state;
	type("\x1d");
	vcpu->arch.pc = 0x1234;
	exit_trace_begin(vcpu, &exit);
	fake_pages_allow(0);
	assert_says("trace on\r", "there is no memory for it\r\n");
	assert_false(exit_trace_is_on(vcpu));
	fake_pages_allow(UINT64_MAX);
	type("trace on\r");
	assert_true(exit_trace_is_on(vcpu));
	for (unsigned i = 0; i < EXIT_TRACE_ENTRIES + 3; i++) {
		fake_machine.time = 7000000 + i;
		exit_trace_begin(vcpu, &exit);
		counters_count(vcpu, REASON_SHADOW_MISS);
	}
	assert_says("trace 1\r", "     7.000129    0 shadow-miss          "
				 "0x0000000000001234 0x0000000000000abc\r\n");
	assert_null(strstr(fake_machine.output, "7.000128"));
	type("trace off\r");
	assert_false(exit_trace_is_on(vcpu));
	exit_trace_begin(vcpu, &exit);
	assert_int_equal(vcpu->trace->count, EXIT_TRACE_ENTRIES + 3);
	vm.is_made = false;
	assert_says("trace on\r", "linux: it is off\r\n");
	assert_false(exit_trace_is_on(vcpu));
	vm.is_made = true;
}

/* A name may be anything: it comes out as what can do nothing to a terminal. */
static void names_are_only_text(void **state)
{
	(void)state;
	vm.name = "e\x1b[2Jvil\n";
	type("\x1d");
	assert_says("vm list\r", "e?[2Jvil");
}

static void garbage_stays_here(void **state)
{
	char keys[24];
	uint32_t random = 7;

	(void)state;
	type("\x1d");
	for (unsigned i = 0; i < 20000; i++) {
		for (unsigned j = 0; j < sizeof(keys) - 1; j++) {
			random = random * 1664525 + 1013904223;
			keys[j] = (char)(random >> 24);
			if (keys[j] == 0x1d || keys[j] == '\0')
				keys[j] = '\r';
		}
		keys[sizeof(keys) - 1] = '\0';
		type(keys);
	}
	assert_says("\x03vm list\r", "linux");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)
		TEST(each_command_answers),
		TEST(ports_are_listed),
		TEST(mistakes_are_told),
		TEST(lives_are_asked_for),
		TEST(a_vm_that_is_off_has_nothing_to_show),
		TEST(rates_are_since_the_last_look),
		TEST(a_restart_is_no_rate),
		TEST(live_stats_end_with_a_key),
		TEST(exits_are_traced_while_it_is_on),
		TEST(names_are_only_text),
		TEST(garbage_stays_here),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

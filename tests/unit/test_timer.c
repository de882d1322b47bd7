/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/timer.c core/counters.c mm/guest_memory.c tests/unit/fake_arch.c */
/* sources: core/vcpu_requests.c tests/unit/prompt_scheduler.c */
/* sources: tests/unit/fake_pages.c tests/unit/host_ram.c */
/*
 * The host's one timer and its uses: a guest's deadline, in guest time, the
 * polling of devices without an interrupt, and the limit of a VM's time.
 */
#include "core/console.h"
#include "core/interrupt.h"
#include "core/timer.h"
#include "core/vm.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/host_ram.h"

static struct vcpu vcpu;
static struct vm vm;
static bool polled;
static unsigned received;

bool interrupt_is_polled(void)
{
	return polled;
}

void interrupt_poll(void)
{
	received++;
}

static uint64_t next_heard = UINT64_MAX, heard;

uint64_t interrupt_next(void)
{
	return next_heard;
}

void interrupt_resume(uint64_t now)
{
	heard = now;
	if (next_heard <= now)
		next_heard = UINT64_MAX;
}

static uint64_t next_tick = UINT64_MAX;
static unsigned ticks;

uint64_t mux_next_tick(void)
{
	return next_tick;
}

void mux_tick(void)
{
	ticks++;
	next_tick = UINT64_MAX;
}

void vm_end(struct vm *ended, enum vm_end end, const char *detail)
{
	assert_int_equal(ended->end, VM_RUNNING);
	ended->end = end;
	ended->detail = detail;
}

static void end(void)
{
	vm_end(&vm, VM_STOPPED, "time limit");
}

/* Whether there is Sstc is what matters here, and what each test says. */
static void create(bool sstc)
{
	struct fake_profile profile = *fake_default();

	profile.sstc = sstc;
	fake_arch_create(&profile);
	vm = (struct vm){0};
	vcpu = (struct vcpu){.vm = &vm, .timer_deadline = UINT64_MAX};
	received = 0;
}

static bool is_pending(void)
{
	return fake_machine.interrupts[0] >> GUEST_TIMER & 1;
}

/* Tests run in this order: polling cannot be switched off again. */
static void a_deadline_comes(void **state)
{
	(void)state;
	create(false);
	fake_machine.time = 1000;
	vcpu.arch.time_delta = (uint64_t)-1000;
	timer_set_guest(&vcpu, 50);
	assert_int_equal(fake_machine.host_deadline, 1050);
	fake_machine.time = 1049;
	timer_expired(&vcpu);
	assert_false(is_pending());
	assert_int_equal(fake_machine.host_deadline, 1050);
	fake_machine.time = 1050;
	timer_expired(&vcpu);
	assert_true(is_pending());
	assert_int_equal(fake_machine.host_deadline, UINT64_MAX);
	/* each exit counts, whatever it was for */
	assert_int_equal(vcpu.counters.full[REASON_TIMER], 2);
	/* once only; and the next deadline takes the interrupt back */
	fake_machine.interrupts[0] = 0;
	timer_expired(&vcpu);
	assert_false(is_pending());
	timer_set_guest(&vcpu, 500);
	assert_false(is_pending());
	assert_int_equal(fake_machine.host_deadline, 1500);
}

static void a_deadline_in_the_past_comes_at_once(void **state)
{
	(void)state;
	create(false);
	fake_machine.time = 1000;
	vcpu.arch.time_delta = (uint64_t)-1000;
	timer_set_guest(&vcpu, 0);
	assert_int_equal(fake_machine.host_deadline, 1000);
	timer_expired(&vcpu);
	assert_true(is_pending());
}

/* So far ahead that the host's count would wrap: never, and not at once. */
static void deadlines_beyond_the_end_of_time(void **state)
{
	(void)state;
	create(false);
	vcpu.arch.time_delta = (uint64_t)-1000;
	for (uint64_t back = 0; back < 1000; back += 37) {
		timer_set_guest(&vcpu, UINT64_MAX - back);
		assert_int_equal(fake_machine.host_deadline, UINT64_MAX);
	}
	timer_set_guest(&vcpu, UINT64_MAX - 1001);
	assert_int_equal(fake_machine.host_deadline, UINT64_MAX - 1);
}

/* Guest time, into any register but x0, by the forms that do not write. */
static void time_is_read_for_the_guest(void **state)
{
	static const uint32_t reads[] = {0xc0102073, 0xc0103073, 0xc0106073, 0xc0107073};
	/* csrrw, csrrwi; rs1 or bits set; cycle, instret, timeh; another opcode */
	static const uint32_t others[] = {0xc0101073, 0xc0105073, 0xc010a073, 0xc0117073,
					  0xc0002073, 0xc0202073, 0xc8102073, 0xc0102033};

	(void)state;
	create(false);
	fake_machine.time = 1000;
	vcpu.arch.time_delta = (uint64_t)-300;
	for (unsigned i = 0; i < ARRAY_LENGTH(reads); i++)
		for (unsigned rd = 0; rd < 32; rd++) {
			vcpu.arch.x[rd] = 0;
			assert_true(timer_emulate_read(&vcpu, reads[i] | rd << 7));
			assert_int_equal(vcpu.arch.x[rd], rd ? 700 : 0);
		}
	for (unsigned i = 0; i < ARRAY_LENGTH(others); i++)
		assert_false(timer_emulate_read(&vcpu, others[i]));
	fake_machine.guest.user = true;
	assert_true(timer_emulate_read(&vcpu, reads[0]));
	fake_machine.counter_denied = true;
	assert_false(timer_emulate_read(&vcpu, reads[0]));
}

static void loading_sets_the_vcpus_own_deadline(void **state)
{
	(void)state;
	create(false);
	vcpu.timer_deadline = 777;
	timer_tick(&vcpu);
	assert_int_equal(fake_machine.host_deadline, 777);
}

static void a_chip_with_sstc_keeps_it(void **state)
{
	(void)state;
	create(true);
	timer_set_guest(&vcpu, 50);
	assert_int_equal(fake_machine.guest_deadline, 50);
	assert_int_equal(fake_machine.host_deadline, UINT64_MAX);
	assert_int_equal(vcpu.timer_deadline, UINT64_MAX);
}

static void no_polling_where_all_interrupt(void **state)
{
	(void)state;
	create(false);
	polled = false;
	timer_init(1000000);
	timer_tick(&vcpu);
	assert_int_equal(fake_machine.host_deadline, UINT64_MAX);
}

static void what_does_not_interrupt_is_polled_a_hundred_times_a_second(void **state)
{
	(void)state;
	create(false);
	polled = true;
	timer_init(1000000);
	timer_tick(&vcpu);
	assert_int_equal(fake_machine.host_deadline, 10000);
	for (unsigned i = 1; i <= 3; i++) {
		fake_machine.time = fake_machine.host_deadline;
		timer_expired(&vcpu);
		assert_int_equal(received, i);
		assert_int_equal(fake_machine.host_deadline, 10000 * (i + 1));
	}
	assert_false(is_pending());
	/* whichever comes first; both, if they come together */
	timer_set_guest(&vcpu, 35000);
	assert_int_equal(fake_machine.host_deadline, 35000);
	fake_machine.time = 35000;
	timer_expired(&vcpu);
	assert_true(is_pending());
	assert_int_equal(received, 3);
	assert_int_equal(fake_machine.host_deadline, 40000);
	timer_set_guest(&vcpu, 40000);
	fake_machine.time = 40000;
	timer_expired(&vcpu);
	assert_true(is_pending());
	assert_int_equal(received, 4);
	assert_int_equal(vcpu.counters.full[REASON_CONSOLE_POLL], 3);
	assert_int_equal(vcpu.counters.full[REASON_TIMER], 2);
}

/* Not before its time, at it once, and whatever else the timer is for goes on. */
static void the_limit_ends_the_vm(void **state)
{
	(void)state;
	create(false);
	polled = false;
	fake_machine.time = 500;
	timer_init(1000000);
	timer_limit(3, end);
	timer_tick(&vcpu);
	timer_set_guest(&vcpu, UINT64_MAX);
	while (fake_machine.host_deadline < 3000500) {
		assert_int_equal(vm.end, VM_RUNNING);
		fake_machine.time = fake_machine.host_deadline;
		timer_expired(&vcpu);
	}
	timer_set_guest(&vcpu, 3000499);
	assert_int_equal(fake_machine.host_deadline, 3000499);
	fake_machine.time = 3000499;
	timer_expired(&vcpu);
	assert_true(is_pending());
	assert_int_equal(vm.end, VM_RUNNING);
	assert_int_equal(fake_machine.host_deadline, 3000500);
	fake_machine.time = 3000500;
	timer_expired(&vcpu);
	assert_int_equal(vm.end, VM_STOPPED);
	assert_string_equal(vm.detail, "time limit");
	fake_machine.time = 9000000;
	timer_expired(&vcpu);
}

/* Asked for between exits by the console's input, and taken back by itself. */
static void the_console_has_its_ticks(void **state)
{
	(void)state;
	create(true);
	polled = false;
	timer_init(1000000);
	fake_machine.host_deadline = 0;
	timer_after_external(&vcpu);
	assert_int_equal(fake_machine.host_deadline, 0);
	fake_machine.time = 1000;
	next_tick = 2000;
	timer_after_external(&vcpu);
	assert_int_equal(fake_machine.host_deadline, 2000);
	fake_machine.time = 1999;
	timer_expired(&vcpu);
	assert_int_equal(ticks, 0);
	fake_machine.time = 2000;
	timer_expired(&vcpu);
	assert_int_equal(ticks, 1);
	assert_int_not_equal(fake_machine.host_deadline, 2000);
	assert_int_equal(vcpu.counters.full[REASON_TIMER], 2);
}

/* At its time, or as soon as no guest runs. */
static void what_is_not_heard_is_heard_again(void **state)
{
	(void)state;
	create(true);
	polled = false;
	timer_init(1000000);
	next_heard = 500;
	timer_after_external(&vcpu);
	assert_int_equal(fake_machine.host_deadline, 500);
	fake_machine.time = 499;
	timer_expired(&vcpu);
	assert_int_equal(next_heard, 500);
	fake_machine.time = 500;
	timer_expired(&vcpu);
	assert_int_equal(heard, 500);
	assert_int_not_equal(fake_machine.host_deadline, 500);
	next_heard = 900;
	timer_idle_begin();
	assert_int_equal(heard, UINT64_MAX);
	assert_int_not_equal(fake_machine.host_deadline, 900);
}

static unsigned looks;

static void look(void)
{
	looks++;
}

/* Whatever else the timer is for; of all tests the last but one, since it goes on. */
static void what_is_watched_is_looked_at_once_a_second(void **state)
{
	(void)state;
	create(true);
	polled = false;
	timer_init(1000);
	timer_watch(look);
	timer_tick(&vcpu);
	timer_expired(&vcpu);
	assert_int_equal(looks, 1);
	assert_int_equal(fake_machine.host_deadline, 1000);
	fake_machine.time = 999;
	timer_expired(&vcpu);
	assert_int_equal(looks, 1);
	fake_machine.time = 1000;
	timer_expired(&vcpu);
	assert_int_equal(looks, 2);
	timer_idle_begin();
	assert_int_equal(fake_machine.host_deadline, 2000);
	fake_machine.time = 2500;
	timer_idle_end();
	assert_int_equal(looks, 3);
	timer_after_external(&vcpu);
	assert_int_equal(looks, 3);
}

/* Which comes before the timer's, as long as they come. */
static void what_is_due_is_done_amid_interrupts_of_devices(void **state)
{
	(void)state;
	create(true);
	polled = true;
	received = ticks = 0;
	timer_init(1000000);
	timer_limit(3, end);
	fake_machine.time += 20000;
	next_tick = fake_machine.time;
	timer_after_external(&vcpu);
	assert_int_equal(received, 1);
	assert_int_equal(ticks, 1);
	assert_int_equal(vm.end, VM_RUNNING);
	fake_machine.time += 3000000;
	timer_after_external(&vcpu);
	assert_int_equal(vm.end, VM_STOPPED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_deadline_comes),
		cmocka_unit_test(a_deadline_in_the_past_comes_at_once),
		cmocka_unit_test(deadlines_beyond_the_end_of_time),
		cmocka_unit_test(time_is_read_for_the_guest),
		cmocka_unit_test(loading_sets_the_vcpus_own_deadline),
		cmocka_unit_test(a_chip_with_sstc_keeps_it),
		cmocka_unit_test(no_polling_where_all_interrupt),
		cmocka_unit_test(what_does_not_interrupt_is_polled_a_hundred_times_a_second),
		cmocka_unit_test(the_limit_ends_the_vm),
		cmocka_unit_test(the_console_has_its_ticks),
		cmocka_unit_test(what_is_not_heard_is_heard_again),
		cmocka_unit_test(what_is_watched_is_looked_at_once_a_second),
		cmocka_unit_test(what_is_due_is_done_amid_interrupts_of_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

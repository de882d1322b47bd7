/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/vuart.c drivers/mmio.c */
/*
 * The guest's serial port, register by register: what each keeps, what each
 * interrupt is raised and ended by, the FIFO, loopback, and that no byte from
 * outside is ever lost.
 */
#include "tests/unit/vuart_bench.h"

static void after_reset(void **state)
{
	(void)state;
	assert_int_equal(in(NS16550_IER), 0);
	assert_int_equal(in(NS16550_IIR), 0x01);
	assert_int_equal(in(NS16550_LCR), 0);
	assert_int_equal(in(NS16550_MCR), 0);
	assert_int_equal(in(NS16550_LSR), 0x60);
	assert_int_equal(in(NS16550_MSR), 0xb0); /* DCD DSR CTS, no deltas */
	assert_int_equal(in(NS16550_RBR), 0);
	assert_false(outside.wire);
}

static void registers_keep_what_is_theirs(void **state)
{
	(void)state;
	for (unsigned byte = 0; byte < 0x100; byte++) {
		out(NS16550_LCR, byte & 0x7f);
		out(NS16550_SCR, byte);
		out(NS16550_IER, byte);
		out(NS16550_MCR, byte);
		assert_int_equal(in(NS16550_LCR), byte & 0x7f);
		assert_int_equal(in(NS16550_SCR), byte);
		assert_int_equal(in(NS16550_IER), byte & 0x0f);
		assert_int_equal(in(NS16550_MCR), byte & 0x1f);
	}
	out(NS16550_LSR, 0xff);
	out(NS16550_MSR, 0xff);
	out(NS16550_MCR, 0);
	in(NS16550_MSR);
	assert_int_equal(in(NS16550_LSR), 0x60);
	assert_int_equal(in(NS16550_MSR), 0xb0);
}

static void divisor_hides_behind_dlab(void **state)
{
	(void)state;
	out(NS16550_IER, 0x05);
	receive("x");
	out(NS16550_LCR, 0x83);
	out(NS16550_DLL, 0x34);
	out(NS16550_DLM, 0x12);
	assert_int_equal(in(NS16550_DLL), 0x34);
	assert_int_equal(in(NS16550_DLM), 0x12);
	out(NS16550_DLL, 0xff);
	assert_int_equal(in(NS16550_DLM), 0x12);
	assert_int_equal(outside.sent_count, 0);
	out(NS16550_LCR, 0x03);
	assert_int_equal(in(NS16550_IER), 0x05);
	assert_int_equal(in(NS16550_RBR), 'x');
}

static void wide_accesses_act_on_one_register(void **state)
{
	uint64_t value;

	(void)state;
	assert_true(mmio_write(devices, 1, GPA(BASE), 4, 0x12345641));
	assert_true(mmio_write(devices, 1, GPA(BASE), 8, 0x42));
	assert_sent("AB");
	assert_int_equal(in(NS16550_SCR), 0);
	assert_true(mmio_write(devices, 1, GPA(BASE + NS16550_MSR), 2, 0xffff));
	assert_int_equal(in(NS16550_SCR), 0);
	receive("C");
	assert_true(mmio_read(devices, 1, GPA(BASE), 8, &value));
	assert_int_equal(value, 'C');
	assert_true(mmio_read(devices, 1, GPA(BASE + NS16550_MCR), 4, &value));
	assert_int_equal(value, 0);
}

static void beyond_the_registers_is_a_bus_error(void **state)
{
	uint64_t value;

	(void)state;
	for (unsigned offset = 8; offset < 0x200; offset++) {
		assert_false(mmio_read(devices, 1, GPA(BASE + offset), 1, &value));
		assert_false(mmio_write(devices, 1, GPA(BASE + offset), 1, 0));
	}
}

static void thr_interrupt(void **state)
{
	(void)state;
	out(NS16550_THR, 'a'); /* not enabled: no interrupt */
	assert_false(outside.wire);
	out(NS16550_IER, NS16550_IER_THR_EMPTY); /* enabling raises it */
	assert_true(outside.wire);
	assert_int_equal(in(NS16550_IIR), 0x02); /* reading IIR ends it */
	assert_false(outside.wire);
	assert_int_equal(in(NS16550_IIR), 0x01);
	out(NS16550_IER, NS16550_IER_THR_EMPTY); /* not switched on anew */
	assert_false(outside.wire);
	out(NS16550_THR, 'b'); /* sent, THR empties */
	assert_true(outside.wire);
	assert_int_equal(in(NS16550_LSR), 0x60);
	out(NS16550_IER, 0);
	assert_false(outside.wire);
	out(NS16550_IER, NS16550_IER_THR_EMPTY | NS16550_IER_RECEIVED);
	assert_true(outside.wire);
	receive("x"); /* more urgent: reading IIR does not end THR's */
	assert_int_equal(in(NS16550_IIR), 0x04);
	assert_int_equal(in(NS16550_IIR), 0x04);
	assert_int_equal(in(NS16550_RBR), 'x');
	assert_true(outside.wire);
	assert_int_equal(in(NS16550_IIR), 0x02);
	assert_false(outside.wire);
	assert_sent("ab");
}

/* The wire must not fall and rise again where both sides want it high. */
static void wire_does_not_glitch(void **state)
{
	(void)state;
	out(NS16550_IER, NS16550_IER_THR_EMPTY);
	assert_int_equal(outside.wire_changes, 1);
	for (unsigned i = 0; i < 16; i++)
		out(NS16550_THR, 'x');
	assert_int_equal(outside.wire_changes, 1);
}

static void received_interrupt_by_trigger_level(void **state)
{
	static const struct {
		unsigned fcr;
		unsigned trigger;
	} cases[] = {{0x01, 1}, {0x41, 4}, {0x81, 8}, {0xc1, 14}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		setup(NULL);
		out(NS16550_FCR, cases[i].fcr);
		assert_int_equal(in(NS16550_IIR), 0xc1);
		out(NS16550_IER, NS16550_IER_RECEIVED);
		for (unsigned count = 1; count <= 16; count++) {
			receive("r");
			assert_true(outside.wire);
			assert_int_equal(in(NS16550_IIR),
					 count < cases[i].trigger ? 0xcc : 0xc4);
		}
		for (unsigned count = 15; count > 0; count--) {
			assert_int_equal(in(NS16550_RBR), 'r');
			assert_true(outside.wire);
			assert_int_equal(in(NS16550_IIR),
					 count < cases[i].trigger ? 0xcc : 0xc4);
		}
		assert_int_equal(in(NS16550_RBR), 'r');
		assert_false(outside.wire);
		assert_int_equal(in(NS16550_IIR), 0xc1);
		assert_int_equal(in(NS16550_LSR), 0x60);
	}
}

/* All four kinds at once, taken away one by one, the most urgent first. */
static void interrupt_priorities(void **state)
{
	(void)state;
	out(NS16550_FCR, 0x41);
	out(NS16550_MCR, NS16550_MCR_LOOP | NS16550_MCR_RTS);
	for (unsigned i = 0; i < 17; i++)
		out(NS16550_THR, i);
	out(NS16550_IER, 0x0f);
	assert_int_equal(in(NS16550_IIR), 0xc6);
	assert_int_equal(in(NS16550_LSR), 0x63);
	assert_int_equal(in(NS16550_LSR), 0x61); /* overrun is cleared by reading */
	for (unsigned i = 0; i < 16; i++) {
		assert_int_equal(in(NS16550_IIR), i <= 12 ? 0xc4 : 0xcc);
		assert_int_equal(in(NS16550_RBR), i);
	}
	assert_int_equal(in(NS16550_IIR), 0xc2);
	assert_int_equal(in(NS16550_IIR), 0xc0);
	assert_true(outside.wire);
	in(NS16550_MSR);
	assert_int_equal(in(NS16550_IIR), 0xc1);
	assert_false(outside.wire);
}

static void fifo_control(void **state)
{
	(void)state;
	out(NS16550_FCR, 0x01);
	receive("abc");
	out(NS16550_FCR, 0x01); /* writing the same again loses nothing */
	assert_int_equal(in(NS16550_RBR), 'a');
	out(NS16550_FCR, 0xc5); /* nor does resetting the transmitter */
	assert_int_equal(in(NS16550_RBR), 'b');
	out(NS16550_FCR, 0x03);
	assert_int_equal(in(NS16550_LSR), 0x60);
	receive("d");
	out(NS16550_FCR, 0x00); /* disabling empties */
	assert_int_equal(in(NS16550_LSR), 0x60);
	assert_int_equal(in(NS16550_IIR), 0x01);
	receive("e");
	out(NS16550_FCR, 0xc2); /* without the enable bit the others are void */
	assert_int_equal(in(NS16550_LSR), 0x61);
	out(NS16550_FCR, 0x01); /* enabling empties */
	assert_int_equal(in(NS16550_LSR), 0x60);
}

static void nothing_from_outside_is_lost(void **state)
{
	(void)state;
	assert_int_equal(vuart_receive_room(&outside.vuart), 1);
	assert_true(vuart_receive(&outside.vuart, 'a'));
	assert_int_equal(vuart_receive_room(&outside.vuart), 0);
	assert_false(vuart_receive(&outside.vuart, 'b'));
	assert_int_equal(in(NS16550_LSR), 0x61); /* no overrun */
	assert_int_equal(in(NS16550_RBR), 'a');
	out(NS16550_FCR, 0x01);
	receive("0123456789abcdef");
	assert_false(vuart_receive(&outside.vuart, 'g'));
	assert_int_equal(in(NS16550_LSR), 0x61);
	assert_int_equal(in(NS16550_RBR), '0');
	assert_true(vuart_receive(&outside.vuart, 'g'));
	for (const char *next = "123456789abcdefg"; *next; next++)
		assert_int_equal(in(NS16550_RBR), *next);
}

static void loopback_of_modem_lines(void **state)
{
	static const unsigned msr_of_mcr[16] = {0x00, 0x20, 0x10, 0x30, 0x40, 0x60,
						0x50, 0x70, 0x80, 0xa0, 0x90, 0xb0,
						0xc0, 0xe0, 0xd0, 0xf0};

	(void)state;
	for (unsigned from = 0; from < 16; from++) {
		for (unsigned to = 0; to < 16; to++) {
			unsigned changed = msr_of_mcr[from] ^ msr_of_mcr[to];

			out(NS16550_MCR, NS16550_MCR_LOOP | from);
			in(NS16550_MSR);
			out(NS16550_MCR, NS16550_MCR_LOOP | to);
			if (msr_of_mcr[to] & NS16550_MSR_RI) /* no trailing edge */
				changed &= ~NS16550_MSR_RI;
			assert_int_equal(in(NS16550_MSR), msr_of_mcr[to] | changed >> 4);
			assert_int_equal(in(NS16550_MSR), msr_of_mcr[to]);
		}
	}
	out(NS16550_MCR, 0x0f);
	in(NS16550_MSR);
	out(NS16550_MCR, 0x00); /* outside loopback nobody answers */
	assert_int_equal(in(NS16550_MSR), 0xb0);
}

static void modem_interrupt(void **state)
{
	(void)state;
	out(NS16550_IER, NS16550_IER_MODEM);
	assert_false(outside.wire);
	out(NS16550_MCR, NS16550_MCR_LOOP); /* CTS, DSR and DCD go off */
	assert_true(outside.wire);
	assert_int_equal(in(NS16550_IIR), 0x00);
	assert_true(outside.wire);
	assert_int_equal(in(NS16550_MSR), 0x0b);
	assert_false(outside.wire);
	assert_int_equal(in(NS16550_IIR), 0x01);
}

static void loopback_of_data(void **state)
{
	(void)state;
	out(NS16550_FCR, 0x01);
	out(NS16550_MCR, NS16550_MCR_LOOP);
	assert_int_equal(vuart_receive_room(&outside.vuart), 0);
	assert_false(vuart_receive(&outside.vuart, '!'));
	for (unsigned i = 0; i < 20; i++)
		out(NS16550_THR, 'a' + i);
	assert_int_equal(in(NS16550_LSR), 0x63);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(in(NS16550_RBR), 'a' + i); /* the late ones are lost */
	assert_int_equal(in(NS16550_LSR), 0x60);
	out(NS16550_FCR, 0x00);
	out(NS16550_THR, 'y');
	out(NS16550_THR, 'z');
	assert_int_equal(in(NS16550_LSR), 0x63);
	assert_int_equal(in(NS16550_RBR), 'z'); /* without FIFO the early one is */
	assert_sent("");
	out(NS16550_MCR, 0);
	assert_true(vuart_receive(&outside.vuart, '!'));
	assert_int_equal(in(NS16550_RBR), '!');
}

static void push_input(void *context)
{
	assert_ptr_equal(context, &outside);
	outside.room_calls++;
	while (outside.input_next != outside.input_end &&
	       vuart_receive(&outside.vuart, (uint8_t)outside.input_next))
		outside.input_next++;
}

/* A long input with an interrupt-driven reader: all of it, in order. */
static void room_callback_keeps_input_flowing(void **state)
{
	unsigned expected = 0;

	(void)state;
	vuart_on_room(&outside.vuart, push_input);
	out(NS16550_FCR, 0x81);
	out(NS16550_IER, NS16550_IER_RECEIVED);
	outside.input_end = 10000;
	push_input(&outside);
	assert_int_equal(outside.input_next, 16);
	while (outside.wire) {
		assert_int_equal(in(NS16550_IIR)&0xf7, 0xc4);
		assert_int_equal(in(NS16550_RBR), expected & 0xff);
		expected++;
		if (expected + 16 <= outside.input_end)
			assert_int_equal(outside.input_next, expected + 16);
	}
	assert_int_equal(expected, 10000);
	outside.room_calls = 0;
	receive("x");
	in(NS16550_RBR);
	assert_int_equal(outside.room_calls, 0); /* nobody was refused */
	receive("0123456789abcdef");
	assert_false(vuart_receive(&outside.vuart, 'g'));
	in(NS16550_LSR);
	assert_int_equal(outside.room_calls, 0); /* no room yet */
	in(NS16550_RBR);
	assert_int_equal(outside.room_calls, 1);
	in(NS16550_RBR);
	assert_int_equal(outside.room_calls, 1); /* once per refusal */
}

static void room_callback_after_reset_and_loopback(void **state)
{
	(void)state;
	vuart_on_room(&outside.vuart, push_input);
	out(NS16550_FCR, 0x01);
	outside.input_end = 40;
	push_input(&outside);
	out(NS16550_FCR, 0x03);
	assert_int_equal(outside.input_next, 32);
	out(NS16550_MCR, NS16550_MCR_LOOP);
	out(NS16550_FCR, 0x03);
	assert_int_equal(outside.input_next, 32); /* the line is cut */
	out(NS16550_MCR, 0);
	assert_int_equal(outside.input_next, 40);
	assert_int_equal(in(NS16550_RBR), 32);
}

/* From below, a byte is a byte, whatever the guest has done to LCR. */
static void taken_from_below(void **state)
{
	(void)state;
	assert_int_equal(vuart_take(&outside.vuart), -1);
	assert_true(vuart_receive(&outside.vuart, 'a'));
	out(NS16550_LCR, NS16550_LCR_DLAB);
	assert_int_equal(vuart_take(&outside.vuart), 'a');
	assert_int_equal(vuart_take(&outside.vuart), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(after_reset, setup),
		cmocka_unit_test_setup(registers_keep_what_is_theirs, setup),
		cmocka_unit_test_setup(divisor_hides_behind_dlab, setup),
		cmocka_unit_test_setup(wide_accesses_act_on_one_register, setup),
		cmocka_unit_test_setup(beyond_the_registers_is_a_bus_error, setup),
		cmocka_unit_test_setup(thr_interrupt, setup),
		cmocka_unit_test_setup(wire_does_not_glitch, setup),
		cmocka_unit_test_setup(received_interrupt_by_trigger_level, setup),
		cmocka_unit_test_setup(interrupt_priorities, setup),
		cmocka_unit_test_setup(fifo_control, setup),
		cmocka_unit_test_setup(nothing_from_outside_is_lost, setup),
		cmocka_unit_test_setup(loopback_of_modem_lines, setup),
		cmocka_unit_test_setup(modem_interrupt, setup),
		cmocka_unit_test_setup(loopback_of_data, setup),
		cmocka_unit_test_setup(taken_from_below, setup),
		cmocka_unit_test_setup(room_callback_keeps_input_flowing, setup),
		cmocka_unit_test_setup(room_callback_after_reset_and_loopback, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

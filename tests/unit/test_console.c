/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: core/console.c drivers/mmio.c drivers/host_mmio.c drivers/uart.c */
/* sources: drivers/vuart.c mm/guest_memory.c tests/unit/fake_arch.c */
/* sources: tests/unit/fake_pages.c tests/unit/host_ram.c */
/* sources: drivers/virtio_console.c drivers/virtio_mmio.c drivers/virtio_queue.c */
/*
 * The host's console: lines and bytes out through the firmware, and input that
 * waits for the attached guest to have room, without losing or mixing any.
 */
#include <string.h>

#include "core/console.h"
#include "drivers/vuart.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/host_ram.h"

static struct vuart vuart, second;

static void ignore(void *context, uint8_t byte)
{
	(void)context;
	(void)byte;
}

static unsigned guest_register(struct vuart *port, unsigned offset)
{
	uint64_t value = 0;

	assert_true(port->device.read(&port->device, offset, 1, &value));
	return (unsigned)value;
}

static int guest_reads(struct vuart *port)
{
	if (!(guest_register(port, NS16550_LSR) & NS16550_LSR_DATA_READY))
		return -1;
	return (int)guest_register(port, NS16550_RBR);
}

/* What the console holds from before is read away. */
static int setup(void **state)
{
	(void)state;
	fake_arch_create(fake_default());
	vuart_init(&vuart, GPA(0x10000000), (struct irq_line){0}, ignore, NULL);
	vuart_init(&second, GPA(0x10000000), (struct irq_line){0}, ignore, NULL);
	console_attach(&vuart);
	console_receive();
	while (guest_reads(&vuart) >= 0)
		;
	return 0;
}

static void receive(const char *text)
{
	fake_machine.input = text;
	console_receive();
	assert_int_equal(*fake_machine.input, '\0');
}

static void output_goes_through_the_firmware(void **state)
{
	(void)state;
	assert_true(console_is_polled());
	console_put('\n');
	fake_machine.output_length = 0;
	console_write("one");
	console_put('!');
	console_line_start();
	console_line_start();
	console_write("two\n");
	console_line_start();
	fake_machine.output[fake_machine.output_length] = '\0';
	assert_string_equal(fake_machine.output, "one!\r\ntwo\n");
}

static void input_reaches_the_guest_in_order(void **state)
{
	(void)state;
	receive("abc");
	assert_int_equal(guest_reads(&vuart), 'a');
	receive("d");
	assert_int_equal(guest_reads(&vuart), 'b');
	assert_int_equal(guest_reads(&vuart), 'c');
	assert_int_equal(guest_reads(&vuart), 'd');
	assert_int_equal(guest_reads(&vuart), -1);
}

/* More than the port holds comes as the guest makes room. */
static void input_waits_for_room(void **state)
{
	static char text[301];

	(void)state;
	for (unsigned i = 0; i < 300; i++)
		text[i] = (char)('a' + i % 26);
	receive(text);
	for (unsigned i = 0; i < 300; i++)
		assert_int_equal(guest_reads(&vuart), text[i]);
	assert_int_equal(guest_reads(&vuart), -1);
}

/* Beyond the ring's size it waits where it comes from, and none is lost. */
static void input_beyond_all_room_waits_outside(void **state)
{
	static char text[4001];
	unsigned got = 0;

	(void)state;
	for (unsigned i = 0; i < 4000; i++)
		text[i] = (char)(1 + i % 251);
	console_attach(NULL);
	fake_machine.input = text;
	console_receive();
	assert_int_equal(fake_machine.input - text, 1024);
	console_receive();
	assert_int_equal(fake_machine.input - text, 1024);
	console_attach(&vuart);
	for (unsigned polls = 0; polls < 100; polls++) {
		console_receive();
		for (int byte; (byte = guest_reads(&vuart)) >= 0; got++)
			assert_int_equal(byte, (uint8_t)text[got]);
	}
	assert_int_equal(got, 4000);
}

static void input_waits_for_a_guest(void **state)
{
	(void)state;
	console_attach(NULL);
	receive("later");
	assert_int_equal(guest_reads(&vuart), -1);
	console_attach(&second);
	console_receive();
	assert_int_equal(guest_reads(&vuart), -1);
	for (const char *at = "later"; *at; at++)
		assert_int_equal(guest_reads(&second), *at);
}

/* A line may be begun within another, and the next hart finds the console free. */
static void turns_may_be_nested(void **state)
{
	(void)state;
	console_hold();
	console_write("a line");
	console_hold();
	console_line_start();
	console_release();
	console_put('x');
	console_release();
	fake_hart_switch(1);
	console_line_start();
	assert_string_equal(fake_machine.output, "a line\r\nx\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(function) cmocka_unit_test_setup(function, setup)
		TEST(output_goes_through_the_firmware),
		TEST(input_reaches_the_guest_in_order),
		TEST(input_waits_for_room),
		TEST(input_beyond_all_room_waits_outside),
		TEST(input_waits_for_a_guest),
		TEST(turns_may_be_nested),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/* Two guests' screens and the monitor's. See console_bench.h. */
#include <string.h>

#include "core/console.h"
#include "tests/unit/console_bench.h"
#include "tests/unit/fake_arch.h"
#include "tests/unit/host_ram.h"

struct vuart first_port, second_port;
struct screen first, second, monitor;

char keys[64];
unsigned key_count, times_shown, times_hidden, ticks;

static void key(uint8_t byte)
{
	keys[key_count++] = (char)byte;
	keys[key_count] = '\0';
}

static void shown(bool is_shown)
{
	times_shown += is_shown;
	times_hidden += !is_shown;
}

static void tick(void)
{
	ticks++;
}

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

int guest_reads(struct vuart *port)
{
	if (!(guest_register(port, NS16550_LSR) & NS16550_LSR_DATA_READY))
		return -1;
	return (int)guest_register(port, NS16550_RBR);
}

static void make_port(struct vuart *port)
{
	vuart_init(port, GPA(0x10000000), (struct irq_line){0}, ignore, port);
}

void add_first(void)
{
	mux_add(&first, "first", &first_port);
	mux_open(&first);
}

void add_both(void)
{
	add_first();
	mux_add(&second, "second", &second_port);
	mux_open(&second);
}

int console_bench_setup(void **state)
{
	static const struct screen_owner owner = {key, shown, tick};

	(void)state;
	console_put('\n');
	fake_arch_create(fake_default());
	make_port(&first_port);
	make_port(&second_port);
	memset(&first, 0, sizeof(first));
	memset(&second, 0, sizeof(second));
	memset(&monitor, 0, sizeof(monitor));
	key_count = times_shown = times_hidden = ticks = 0;
	keys[0] = '\0';
	mux_init(0);
	mux_escape((const uint8_t *)"\x1d", 1);
	mux_monitor(&monitor, &owner);
	mux_interleave(false);
	return 0;
}

/* Whoever is in front, so that the next test begins with nobody. */
int console_bench_teardown(void **state)
{
	(void)state;
	mux_remove(&second);
	mux_remove(&first);
	memset(&first, 0, sizeof(first));
	add_first();
	mux_show(&first);
	mux_remove(&first);
	return 0;
}

void receive(const char *text)
{
	fake_machine.input = text;
	mux_receive();
	assert_int_equal(*fake_machine.input, '\0');
}

void put(struct screen *screen, const char *text)
{
	while (*text)
		mux_put(screen, (uint8_t)*text++);
}

const char *output(void)
{
	fake_machine.output[fake_machine.output_length] = '\0';
	fake_machine.output_length = 0;
	return fake_machine.output;
}

void assert_reads(struct vuart *port, const char *text)
{
	for (; *text; text++)
		assert_int_equal(guest_reads(port), (uint8_t)*text);
	assert_int_equal(guest_reads(port), -1);
}

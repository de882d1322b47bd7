/* SPDX-License-Identifier: BSD-2-Clause */
/* sources: drivers/vuart.c drivers/mmio.c */
/*
 * The guest's serial port as drivers use it: the probing and the interrupt
 * tests of Linux's 8250 driver and its handler, U-Boot's polling, FreeBSD's
 * measuring of the FIFO. The sequences of accesses are theirs.
 */
#include "tests/unit/vuart_bench.h"

static unsigned linux_fifo_size(void)
{
	unsigned lcr = in(NS16550_LCR);
	unsigned fcr;
	unsigned mcr;
	unsigned count;

	out(NS16550_LCR, 0);
	fcr = in(NS16550_IIR);
	mcr = in(NS16550_MCR);
	out(NS16550_FCR, 0x07);
	out(NS16550_MCR, NS16550_MCR_LOOP);
	out(NS16550_LCR, 0x80);
	out(NS16550_DLL, 1);
	out(NS16550_DLM, 0);
	out(NS16550_LCR, 0x03);
	for (count = 0; count < 256; count++)
		out(NS16550_THR, count);
	for (count = 0; (in(NS16550_LSR)&1) && count < 256; count++)
		in(NS16550_RBR);
	out(NS16550_FCR, fcr);
	out(NS16550_MCR, mcr);
	out(NS16550_LCR, lcr);
	return count;
}

/* The steps by which Linux tells a 16550A from all its relatives. */
static void linux_finds_a_16550a(void **state)
{
	unsigned old;
	unsigned with_dlab;
	unsigned without_dlab;

	(void)state;
	out(NS16550_IER, 0);
	assert_int_equal(in(NS16550_IER), 0x00);
	out(NS16550_IER, 0x0f);
	assert_int_equal(in(NS16550_IER), 0x0f);
	out(NS16550_IER, 0);
	out(NS16550_MCR, NS16550_MCR_LOOP | 0x0a);
	assert_int_equal(in(NS16550_MSR)&0xf0, 0x90);
	out(NS16550_MCR, 0);
	out(NS16550_LCR, 0xbf); /* a 16650's EFR would hide here */
	out(NS16550_FCR, 0);
	out(NS16550_LCR, 0);
	out(NS16550_FCR, 0x01);
	assert_int_equal(in(NS16550_IIR) >> 6, 3);
	out(NS16550_LCR, 0x80);
	assert_int_not_equal(in(NS16550_IIR), 0); /* no EFR of a 16650 V1 */
	out(NS16550_LCR, 0xbf);
	assert_int_not_equal(in(NS16550_IIR), 0); /* nor of a V2 */
	out(NS16550_LCR, 0);
	old = in(NS16550_MCR); /* bank 2 of a National Super-I/O? */
	out(NS16550_LCR, 0xe0);
	if (!((in(NS16550_IIR) ^ old) & NS16550_MCR_LOOP)) {
		out(NS16550_LCR, 0);
		out(NS16550_MCR, old ^ NS16550_MCR_LOOP);
		out(NS16550_LCR, 0xe0);
		assert_false((in(NS16550_IIR) ^ old) & NS16550_MCR_LOOP);
		out(NS16550_LCR, 0);
		out(NS16550_MCR, old);
	}
	out(NS16550_LCR, 0);
	out(NS16550_FCR, 0x21); /* the 64-byte FIFO of a TI 16750? */
	without_dlab = in(NS16550_IIR) >> 5;
	out(NS16550_FCR, 0x01);
	out(NS16550_LCR, 0x80);
	out(NS16550_FCR, 0x21);
	with_dlab = in(NS16550_IIR) >> 5;
	out(NS16550_FCR, 0x01);
	out(NS16550_LCR, 0);
	assert_int_equal(without_dlab, 6);
	assert_int_equal(with_dlab, 6);
	out(NS16550_IER, 0x40); /* XScale's UUE bit? */
	assert_int_equal(in(NS16550_IER), 0);
	assert_int_equal(linux_fifo_size(), 16);
	assert_sent("");
	assert_false(outside.wire);
}

/* Linux's tests at open: does THR's interrupt come back, and come at all? */
static void linux_trusts_the_thr_interrupt(void **state)
{
	unsigned first;
	unsigned second;

	(void)state;
	out(NS16550_FCR, 0x01);
	out(NS16550_FCR, 0x07);
	out(NS16550_FCR, 0x00);
	in(NS16550_LSR);
	in(NS16550_RBR);
	in(NS16550_IIR);
	in(NS16550_MSR);
	assert_int_not_equal(in(NS16550_LSR), 0xff);
	out(NS16550_IER, NS16550_IER_THR_EMPTY);
	first = in(NS16550_IIR);
	out(NS16550_IER, 0);
	out(NS16550_IER, NS16550_IER_THR_EMPTY);
	second = in(NS16550_IIR);
	out(NS16550_IER, 0);
	assert_int_equal(first, 0x02);
	assert_int_equal(second, 0x02); /* else "THRE bug": a timer polls */
	out(NS16550_LCR, 0x03);
	out(NS16550_MCR, NS16550_MCR_OUT2);
	out(NS16550_IER, NS16550_IER_THR_EMPTY);
	assert_true(in(NS16550_LSR)&NS16550_LSR_IDLE);
	assert_int_equal(in(NS16550_IIR), 0x02); /* else "TXEN bug" */
	out(NS16550_IER, 0);
	assert_false(outside.wire);
}

/* Linux's handler: one IIR, then input, modem status and 16 bytes of output. */
static void linux_serves_an_interrupt(const char **output)
{
	unsigned iir = in(NS16550_IIR);
	unsigned lsr = in(NS16550_LSR);

	assert_false(iir & NS16550_IIR_NONE);
	while (lsr & NS16550_LSR_DATA_READY) {
		assert_int_equal(in(NS16550_RBR), outside.input_next++ & 0xff);
		lsr = in(NS16550_LSR);
	}
	in(NS16550_MSR);
	for (unsigned i = 0; i < 16 && **output; i++)
		out(NS16550_THR, (uint8_t) * (*output)++);
	if (!**output)
		out(NS16550_IER, 0x05);
}

static void linux_sends_by_interrupt(void **state)
{
	char text[1001];
	const char *output = text;
	unsigned interrupts = 0;

	(void)state;
	for (unsigned i = 0; i < 1000; i++)
		text[i] = (char)('A' + i % 26);
	text[1000] = '\0';
	out(NS16550_FCR, 0x81);
	out(NS16550_IER, 0x05);
	assert_false(outside.wire);
	out(NS16550_IER, 0x07);
	for (; outside.wire; interrupts++) {
		if (interrupts % 10 == 0)
			assert_true(vuart_receive(&outside.vuart,
						  (uint8_t)outside.input_end++));
		linux_serves_an_interrupt(&output);
	}
	assert_sent(text);
	assert_int_equal(interrupts, 63); /* 16 bytes each */
	assert_int_equal(outside.input_next, outside.input_end);
}

static void uboot_polls(void **state)
{
	(void)state;
	while (!(in(NS16550_LSR)&NS16550_LSR_IDLE))
		;
	out(NS16550_IER, 0);
	out(NS16550_MCR, 0x03);
	out(NS16550_FCR, 0x07);
	out(NS16550_LCR, 0x83);
	out(NS16550_DLL, 2);
	out(NS16550_DLM, 0);
	out(NS16550_LCR, 0x03);
	for (const char *text = "=> "; *text; text++) {
		while (!(in(NS16550_LSR)&NS16550_LSR_THR_EMPTY))
			;
		out(NS16550_THR, (unsigned)*text);
	}
	assert_sent("=> ");
	assert_false(in(NS16550_LSR)&NS16550_LSR_DATA_READY);
	receive("boot");
	for (const char *text = "boot"; *text; text++) {
		assert_true(in(NS16550_LSR)&NS16550_LSR_DATA_READY);
		assert_int_equal(in(NS16550_RBR), *text);
	}
	assert_false(in(NS16550_LSR)&NS16550_LSR_DATA_READY);
	assert_int_equal(outside.wire_changes, 0);
}

/* FreeBSD fills the FIFO in loopback until it overruns. */
static void freebsd_measures_the_fifo(void **state)
{
	unsigned count = 0;

	(void)state;
	out(NS16550_FCR, 0x07);
	out(NS16550_MCR, NS16550_MCR_LOOP);
	do {
		out(NS16550_THR, 0);
		count++;
	} while (!(in(NS16550_LSR)&NS16550_LSR_OVERRUN) && count < 1000);
	assert_int_equal(count, 17);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(linux_finds_a_16550a, setup),
		cmocka_unit_test_setup(linux_trusts_the_thr_interrupt, setup),
		cmocka_unit_test_setup(linux_sends_by_interrupt, setup),
		cmocka_unit_test_setup(uboot_polls, setup),
		cmocka_unit_test_setup(freebsd_measures_the_fifo, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of an ns16550a, for the driver of the host's and for the one
 * shown to guests.
 *
 * Numbers and names are those of the PC16550D data sheet. Some registers share
 * a number: which one is meant depends on reading or writing and on LCR's DLAB.
 */
#ifndef DRIVERS_NS16550_H
#define DRIVERS_NS16550_H

#define NS16550_RBR 0U /* read: received byte */
#define NS16550_THR 0U /* write: byte to transmit */
#define NS16550_IER 1U
#define NS16550_DLL 0U /* with DLAB */
#define NS16550_DLM 1U /* with DLAB */
#define NS16550_IIR 2U /* read */
#define NS16550_FCR 2U /* write */
#define NS16550_LCR 3U
#define NS16550_MCR 4U
#define NS16550_LSR 5U
#define NS16550_MSR 6U
#define NS16550_SCR 7U

#define NS16550_REGISTERS   8U
#define NS16550_FIFO_LENGTH 16U

#define NS16550_IER_RECEIVED	0x01U
#define NS16550_IER_THR_EMPTY	0x02U
#define NS16550_IER_LINE_STATUS 0x04U
#define NS16550_IER_MODEM	0x08U
#define NS16550_IER_ALL		0x0fU

/* IIR: what interrupts, the most urgent last (TIMEOUT and RECEIVED rank equal) */
#define NS16550_IIR_NONE	0x01U
#define NS16550_IIR_MODEM	0x00U
#define NS16550_IIR_THR_EMPTY	0x02U
#define NS16550_IIR_TIMEOUT	0x0cU
#define NS16550_IIR_RECEIVED	0x04U
#define NS16550_IIR_LINE_STATUS 0x06U
#define NS16550_IIR_FIFOS	0xc0U

#define NS16550_FCR_ENABLE	  0x01U
#define NS16550_FCR_RESET_RECEIVE 0x02U
#define NS16550_FCR_TRIGGER_SHIFT 6U

#define NS16550_LCR_DLAB 0x80U

#define NS16550_MCR_DTR	 0x01U
#define NS16550_MCR_RTS	 0x02U
#define NS16550_MCR_OUT1 0x04U
#define NS16550_MCR_OUT2 0x08U
#define NS16550_MCR_LOOP 0x10U
#define NS16550_MCR_ALL	 0x1fU

#define NS16550_LSR_DATA_READY 0x01U
#define NS16550_LSR_OVERRUN    0x02U
#define NS16550_LSR_THR_EMPTY  0x20U
#define NS16550_LSR_IDLE       0x40U /* shift register empty too */

/* The lower half of MSR: a line's change since MSR was last read. */
#define NS16550_MSR_CTS		0x10U
#define NS16550_MSR_DSR		0x20U
#define NS16550_MSR_RI		0x40U
#define NS16550_MSR_DCD		0x80U
#define NS16550_MSR_DELTA_SHIFT 4U

#endif

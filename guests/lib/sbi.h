/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls of the SBI, as far as bare-metal guests make them.
 *
 * sbi_call() is the bare ecall; the rest are its common uses. Nothing is
 * remembered between calls except by the console (guests/lib/console.h).
 */
#ifndef GUESTS_LIB_SBI_H
#define GUESTS_LIB_SBI_H

#include <stdbool.h>
#include <stdint.h>

#define SBI_EXT_LEGACY_SET_TIMER  0x00
#define SBI_EXT_LEGACY_PUTCHAR	  0x01
#define SBI_EXT_LEGACY_GETCHAR	  0x02
#define SBI_EXT_LEGACY_CLEAR_IPI  0x03
#define SBI_EXT_LEGACY_SEND_IPI	  0x04
#define SBI_EXT_LEGACY_FENCE_I	  0x05
#define SBI_EXT_LEGACY_FENCE	  0x06
#define SBI_EXT_LEGACY_FENCE_ASID 0x07
#define SBI_EXT_LEGACY_SHUTDOWN	  0x08
#define SBI_EXT_BASE		  0x10
#define SBI_EXT_TIME		  0x54494d45
#define SBI_EXT_IPI		  0x735049
#define SBI_EXT_RFENCE		  0x52464e43
#define SBI_EXT_HSM		  0x48534d
#define SBI_EXT_SRST		  0x53525354
#define SBI_EXT_DBCN		  0x4442434e
#define SBI_EXT_PMU		  0x504d55
#define SBI_EXT_STA		  0x535441

#define SBI_BASE_SPEC_VERSION 0
#define SBI_BASE_IMPL_ID      1
#define SBI_BASE_IMPL_VERSION 2
#define SBI_BASE_PROBE	      3
#define SBI_BASE_MVENDORID    4
#define SBI_BASE_MARCHID      5
#define SBI_BASE_MIMPID	      6

#define SBI_RFENCE_FENCE_I     0
#define SBI_RFENCE_SFENCE      1
#define SBI_RFENCE_SFENCE_ASID 2
#define SBI_RFENCE_LAST	       6 /* 3 to 6 are for the hypervisor extension */

#define SBI_HSM_START	0
#define SBI_HSM_STOP	1
#define SBI_HSM_STATUS	2
#define SBI_HSM_SUSPEND 3

#define SBI_DBCN_WRITE	    0
#define SBI_DBCN_READ	    1
#define SBI_DBCN_WRITE_BYTE 2

#define SBI_SUCCESS		  0
#define SBI_ERR_FAILED		  (-1)
#define SBI_ERR_NOT_SUPPORTED	  (-2)
#define SBI_ERR_INVALID_PARAM	  (-3)
#define SBI_ERR_DENIED		  (-4)
#define SBI_ERR_INVALID_ADDRESS	  (-5)
#define SBI_ERR_ALREADY_AVAILABLE (-6)

#define SBI_IMPL_OPENSBI 1

struct sbi_result {
	int64_t error;
	uint64_t value;
};

/* arguments beyond the last given are 0; see SBI_CALL. */
struct sbi_result sbi_call(uint64_t extension, uint64_t function,
			   const uint64_t arguments[6]);

#define SBI_CALL(extension, function, ...)                                               \
	sbi_call(extension, function, (const uint64_t[6]){__VA_ARGS__})

bool sbi_has_extension(uint64_t extension);

/* Whether OpenSBI is right below us, with no hypervisor that answers instead. */
bool sbi_is_opensbi(void);

/* Raise a timer interrupt at this value of the time CSR; UINT64_MAX: never. */
void sbi_set_timer(uint64_t when);

/* Power off: reason 0 when all is well, 1 (system failure) when not. */
_Noreturn void sbi_shutdown(bool failed);

#endif

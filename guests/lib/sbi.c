/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls of the SBI: the ecall itself and its common uses.
 *
 * Extensions that replaced legacy calls are preferred where they are offered,
 * so that a guest also ends and keeps time under firmware that has only one of
 * the two.
 */
#include "guests/lib/sbi.h"

#include "guests/lib/csr.h"

struct sbi_result sbi_call(uint64_t extension, uint64_t function,
			   const uint64_t arguments[6])
{
	register uint64_t a0 __asm__("a0") = arguments[0];
	register uint64_t a1 __asm__("a1") = arguments[1];
	register uint64_t a2 __asm__("a2") = arguments[2];
	register uint64_t a3 __asm__("a3") = arguments[3];
	register uint64_t a4 __asm__("a4") = arguments[4];
	register uint64_t a5 __asm__("a5") = arguments[5];
	register uint64_t a6 __asm__("a6") = function;
	register uint64_t a7 __asm__("a7") = extension;

	__asm__ volatile("ecall"
			 : "+r"(a0), "+r"(a1)
			 : "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a6), "r"(a7)
			 : "memory");
	return (struct sbi_result){.error = (int64_t)a0, .value = a1};
}

bool sbi_has_extension(uint64_t extension)
{
	struct sbi_result result = SBI_CALL(SBI_EXT_BASE, SBI_BASE_PROBE, extension);

	return result.error == SBI_SUCCESS && result.value != 0;
}

bool sbi_is_opensbi(void)
{
	return SBI_CALL(SBI_EXT_BASE, SBI_BASE_IMPL_ID, 0).value == SBI_IMPL_OPENSBI;
}

void sbi_set_timer(uint64_t when)
{
	if (SBI_CALL(SBI_EXT_TIME, 0, when).error == SBI_ERR_NOT_SUPPORTED)
		SBI_CALL(SBI_EXT_LEGACY_SET_TIMER, 0, when);
}

_Noreturn void sbi_shutdown(bool failed)
{
	SBI_CALL(SBI_EXT_SRST, 0, 0, failed);
	SBI_CALL(SBI_EXT_LEGACY_SHUTDOWN, 0, 0);
	for (;;)
		wait_for_interrupt();
}

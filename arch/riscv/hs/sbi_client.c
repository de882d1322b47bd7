/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Calls to the firmware. See sbi_client.h. Where the firmware is too old for
 * an extension, the legacy call that came before it is used.
 */
#include "arch/riscv/hs/sbi_client.h"
#include "core/arch.h"
#include "core/harts.h"
#include "core/panic.h"
#include "core/sbi_numbers.h"

/*
 * a6 and a7 are as before: under the fast trap vector they are still the guest's, and
 * whatever it calls may come to kick a hart.
 */
struct sbi_return sbi_call(uint64_t extension, uint64_t function, uint64_t a0,
			   uint64_t a1, uint64_t a2)
{
	register uint64_t r0 __asm__("a0") = a0;
	register uint64_t r1 __asm__("a1") = a1;
	register uint64_t r2 __asm__("a2") = a2;
	uint64_t a6, a7;

	__asm__ volatile("mv %[a6], a6\n\t"
			 "mv %[a7], a7\n\t"
			 "mv a6, %[function]\n\t"
			 "mv a7, %[extension]\n\t"
			 "ecall\n\t"
			 "mv a6, %[a6]\n\t"
			 "mv a7, %[a7]"
			 : "+r"(r0), "+r"(r1), [a6] "=&r"(a6), [a7] "=&r"(a7)
			 : "r"(r2), [function] "r"(function), [extension] "r"(extension)
			 : "a6", "a7", "memory");
	return (struct sbi_return){.error = (int64_t)r0, .value = r1};
}

struct sbi_return sbi_hart_start(uint64_t hart, hpa_t address)
{
	return sbi_call(SBI_EXTENSION_HSM, SBI_HSM_START, hart, address.raw, 0);
}

/* Firmware that started a hart, or answered for it, can interrupt it. */
void sbi_interrupt(uint64_t hart)
{
	struct sbi_return done = sbi_call(SBI_EXTENSION_IPI, SBI_IPI_SEND, 1, hart, 0);

	assert(done.error == SBI_SUCCESS);
}

uint64_t sbi_version(void)
{
	return sbi_call(SBI_EXTENSION_BASE, SBI_BASE_SPEC_VERSION, 0, 0, 0).value;
}

void sbi_set_timer(uint64_t deadline)
{
	sbi_call(SBI_EXTENSION_TIME, SBI_TIME_SET, deadline, 0, 0);
}

void arch_firmware_put(uint8_t byte)
{
	struct sbi_return done =
		sbi_call(SBI_EXTENSION_DBCN, SBI_DBCN_WRITE_BYTE, byte, 0, 0);

	if (done.error != SBI_SUCCESS)
		sbi_call(SBI_LEGACY_CONSOLE_PUTCHAR, 0, byte, 0, 0);
}

int arch_firmware_get(void)
{
	static uint8_t byte;
	struct sbi_return done =
		sbi_call(SBI_EXTENSION_DBCN, SBI_DBCN_READ, 1, (uintptr_t)&byte, 0);

	if (done.error == SBI_SUCCESS)
		return done.value == 1 ? byte : -1;
	done = sbi_call(SBI_LEGACY_CONSOLE_GETCHAR, 0, 0, 0, 0);
	return done.error >= 0 ? (int)done.error : -1;
}

_Noreturn void arch_power_off(bool failure)
{
	harts_stop_others();
	sbi_call(SBI_EXTENSION_SRST, SBI_SRST_RESET, SBI_SRST_SHUTDOWN,
		 failure ? SBI_SRST_SYSTEM_FAILURE : SBI_SRST_NO_REASON, 0);
	sbi_call(SBI_LEGACY_SHUTDOWN, 0, 0, 0, 0);
	arch_hart_park();
}

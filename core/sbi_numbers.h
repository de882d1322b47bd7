/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers of the RISC-V Supervisor Binary Interface specification: what Gnomon
 * calls in the firmware, and what it answers to guests.
 */
#ifndef CORE_SBI_NUMBERS_H
#define CORE_SBI_NUMBERS_H

#define SBI_SUCCESS               0
#define SBI_ERR_FAILED            (-1)
#define SBI_ERR_NOT_SUPPORTED     (-2)
#define SBI_ERR_INVALID_PARAM     (-3)
#define SBI_ERR_DENIED            (-4)
#define SBI_ERR_INVALID_ADDRESS   (-5)
#define SBI_ERR_ALREADY_AVAILABLE (-6)

#define SBI_LEGACY_SET_TIMER              0
#define SBI_LEGACY_CONSOLE_PUTCHAR        1
#define SBI_LEGACY_CONSOLE_GETCHAR        2
#define SBI_LEGACY_CLEAR_IPI              3
#define SBI_LEGACY_SEND_IPI               4
#define SBI_LEGACY_REMOTE_FENCE_I         5
#define SBI_LEGACY_REMOTE_SFENCE_VMA      6
#define SBI_LEGACY_REMOTE_SFENCE_VMA_ASID 7
#define SBI_LEGACY_SHUTDOWN               8

#define SBI_EXTENSION_BASE   0x10
#define SBI_EXTENSION_TIME   0x54494d45
#define SBI_EXTENSION_IPI    0x735049
#define SBI_EXTENSION_RFENCE 0x52464e43
#define SBI_EXTENSION_HSM    0x48534d
#define SBI_EXTENSION_SRST   0x53525354
#define SBI_EXTENSION_DBCN   0x4442434e

#define SBI_BASE_SPEC_VERSION           0
#define SBI_BASE_IMPLEMENTATION_ID      1
#define SBI_BASE_IMPLEMENTATION_VERSION 2
#define SBI_BASE_PROBE                  3
#define SBI_BASE_MVENDORID              4
#define SBI_BASE_MARCHID                5
#define SBI_BASE_MIMPID                 6

#define SBI_TIME_SET 0
#define SBI_IPI_SEND 0

#define SBI_RFENCE_FENCE_I          0
#define SBI_RFENCE_SFENCE_VMA       1
#define SBI_RFENCE_SFENCE_VMA_ASID  2
#define SBI_RFENCE_HFENCE_GVMA_VMID 3
#define SBI_RFENCE_HFENCE_GVMA      4
#define SBI_RFENCE_HFENCE_VVMA_ASID 5
#define SBI_RFENCE_HFENCE_VVMA      6

#define SBI_HSM_START   0
#define SBI_HSM_STOP    1
#define SBI_HSM_STATUS  2
#define SBI_HSM_SUSPEND 3

#define SBI_SRST_RESET          0
#define SBI_SRST_SHUTDOWN       0
#define SBI_SRST_COLD_REBOOT    1
#define SBI_SRST_WARM_REBOOT    2
#define SBI_SRST_NO_REASON      0
#define SBI_SRST_SYSTEM_FAILURE 1

#define SBI_DBCN_WRITE      0
#define SBI_DBCN_READ       1
#define SBI_DBCN_WRITE_BYTE 2

#endif

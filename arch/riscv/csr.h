/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control and status registers: numbers, fields and accessors.
 *
 * Numbers rather than the assembler's names, so that any assembler that knows
 * the base ISA builds the hypervisor extension's accesses too. Included by C
 * and by assembly.
 */
#ifndef ARCH_RISCV_CSR_H
#define ARCH_RISCV_CSR_H

#define CSR_VSTART     0x008
#define CSR_VCSR       0x00f
#define CSR_SSTATUS    0x100
#define CSR_SIE	       0x104
#define CSR_STVEC      0x105
#define CSR_SCOUNTEREN 0x106
#define CSR_SENVCFG    0x10a
#define CSR_SSCRATCH   0x140
#define CSR_SEPC       0x141
#define CSR_SCAUSE     0x142
#define CSR_STVAL      0x143
#define CSR_SIP	       0x144
#define CSR_STIMECMP   0x14d
#define CSR_SATP       0x180

#define CSR_VSSTATUS  0x200
#define CSR_VSIE      0x204
#define CSR_VSTVEC    0x205
#define CSR_VSSCRATCH 0x240
#define CSR_VSEPC     0x241
#define CSR_VSCAUSE   0x242
#define CSR_VSTVAL    0x243
#define CSR_VSIP      0x244
#define CSR_VSTIMECMP 0x24d
#define CSR_VSATP     0x280

#define CSR_HSTATUS    0x600
#define CSR_HEDELEG    0x602
#define CSR_HIDELEG    0x603
#define CSR_HIE	       0x604
#define CSR_HTIMEDELTA 0x605
#define CSR_HCOUNTEREN 0x606
#define CSR_HENVCFG    0x60a
#define CSR_HSTATEEN0  0x60c
#define CSR_HTVAL      0x643
#define CSR_HIP	       0x644
#define CSR_HVIP       0x645
#define CSR_HTINST     0x64a
#define CSR_HGATP      0x680
#define CSR_MSTATUS    0x300
#define CSR_MISA       0x301
#define CSR_MEDELEG    0x302
#define CSR_MIDELEG    0x303
#define CSR_MIE	       0x304
#define CSR_MTVEC      0x305
#define CSR_MCOUNTEREN 0x306
#define CSR_MENVCFG    0x30a
#define CSR_MSCRATCH   0x340
#define CSR_MEPC       0x341
#define CSR_MCAUSE     0x342
#define CSR_MTVAL      0x343
#define CSR_MIP	       0x344
#define CSR_PMPCFG0    0x3a0
#define CSR_PMPCFG2    0x3a2
#define CSR_PMPADDR0   0x3b0
#define CSR_PMPADDR1   0x3b1
#define CSR_PMPADDR2   0x3b2
#define CSR_PMPADDR3   0x3b3
#define CSR_MNSTATUS   0x744
#define CSR_MSECCFG    0x747
#define CSR_MCYCLE     0xb00
#define CSR_MINSTRET   0xb02
#define CSR_MHARTID    0xf14

#define CSR_CYCLE   0xc00
#define CSR_TIME    0xc01
#define CSR_INSTRET 0xc02
#define CSR_VL	    0xc20
#define CSR_VTYPE   0xc21
#define CSR_VLENB   0xc22

#define CSR_MVENDORID 0xf11
#define CSR_MARCHID   0xf12
#define CSR_MIMPID    0xf13

#define SSTATUS_SIE    (1 << 1)
#define SSTATUS_SPIE   (1 << 5)
#define SSTATUS_SPP    (1 << 8)
#define SSTATUS_FS     (3 << 13)
#define SSTATUS_SUM    (1 << 18)
#define SSTATUS_MXR    (1 << 19)
#define SSTATUS_UXL_64 (2ul << 32)

#define MISA_H (1 << 7)

#define MSTATUS_MIE	  (1 << 3)
#define MSTATUS_MPP_SHIFT 11
#define MSTATUS_MPIE	  (1 << 7)
#define MSTATUS_MPP	  (3 << 11)
#define MSTATUS_MPP_S	  (1 << 11)
#define MSTATUS_MPRV	  (1 << 17)
#define MSTATUS_TVM	  (1 << 20)
#define MSTATUS_TW	  (1 << 21)
#define MSTATUS_TSR	  (1 << 22)
#define MSTATUS_VS	  (3 << 9)
#define MSTATUS_MBE_SHIFT 37
#define MSTATUS_GVA	  (1ul << 38)
#define MSTATUS_MPV	  (1ul << 39)
#define MSTATUS_MDT_SHIFT 42
#define MSTATUS_MDT	  (1ul << MSTATUS_MDT_SHIFT)

#define HSTATUS_SPV	    (1 << 7)
#define HSTATUS_SPVP	    (1 << 8)
#define HSTATUS_GVA	    (1 << 6)
#define HSTATUS_VGEIN_SHIFT 12
#define HSTATUS_VGEIN_MAX   63
#define HSTATUS_VGEIN	    (HSTATUS_VGEIN_MAX << HSTATUS_VGEIN_SHIFT)
#define HSTATUS_VTVM	    (1 << 20)
#define HSTATUS_VTW	    (1 << 21)
#define HSTATUS_VSXL_64	    (2ul << 32)

#define INTERRUPT_SSI  (1 << 1)
#define INTERRUPT_VSSI (1 << 2)
#define INTERRUPT_STI  (1 << 5)
#define INTERRUPT_VSTI (1 << 6)
#define INTERRUPT_SEI  (1 << 9)
#define INTERRUPT_VSEI (1 << 10)
#define INTERRUPT_MSI  (1 << 3)
#define INTERRUPT_MTI  (1 << 7)
#define INTERRUPT_MEI  (1 << 11)

#define HENVCFG_CBIE_FLUSH (1ul << 4)
#define HENVCFG_CBCFE	   (1ul << 6)
#define HENVCFG_CBZE	   (1ul << 7)
#define HENVCFG_ADUE	   (1ul << 61)
#define HENVCFG_STCE	   (1ul << 63)

#define STATEEN_ENVCFG (1ul << 62)

#define COUNTEREN_CY 1
#define COUNTEREN_TM 2
#define COUNTEREN_IR 4

#define SATP_MODE_SHIFT 60
#define SATP_ASID_SHIFT 44

#ifndef __ASSEMBLER__

#define CSR_TEXT_(number) #number
#define CSR_TEXT(number)  CSR_TEXT_(number)

#define csr_read(number)                                                                 \
	({                                                                               \
		unsigned long value_;                                                    \
		__asm__ volatile("csrr %0, " CSR_TEXT(number) : "=r"(value_)::"memory"); \
		value_;                                                                  \
	})

#define csr_write(number, value)                                                         \
	__asm__ volatile("csrw " CSR_TEXT(number) ", %0" ::"rK"((unsigned long)(value))  \
			 : "memory")

#define csr_set(number, bits)                                                            \
	__asm__ volatile("csrs " CSR_TEXT(number) ", %0" ::"rK"((unsigned long)(bits))   \
			 : "memory")

#define csr_clear(number, bits)                                                          \
	__asm__ volatile("csrc " CSR_TEXT(number) ", %0" ::"rK"((unsigned long)(bits))   \
			 : "memory")

#endif
#endif

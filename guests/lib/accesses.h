/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every instruction that touches memory in its own way, as one list for C and
 * assembly: ACCESS(name, kind, width, sign extended, before, instruction, after).
 *
 * The address is in a0, what to store in a1, what was read comes back in a0.
 * `before` and `after` are other instructions that set this up; only
 * `instruction` touches memory. The compressed and the stack-pointer-relative
 * forms are here because whoever emulates an access has to decode them all.
 * LRSC is a pair on one address; its instruction is the sc. ACCESS_C marks the
 * instructions to be assembled compressed; the includer defines both macros.
 */
/* clang-format off */
ACCESS(LB, LOAD, 1, 1, "", "lb a0, 0(a0)", "")
ACCESS(LBU, LOAD, 1, 0, "", "lbu a0, 0(a0)", "")
ACCESS(LH, LOAD, 2, 1, "", "lh a0, 0(a0)", "")
ACCESS(LHU, LOAD, 2, 0, "", "lhu a0, 0(a0)", "")
ACCESS(LW, LOAD, 4, 1, "", "lw a0, 0(a0)", "")
ACCESS(LWU, LOAD, 4, 0, "", "lwu a0, 0(a0)", "")
ACCESS(LD, LOAD, 8, 0, "", "ld a0, 0(a0)", "")
ACCESS_C(C_LW, LOAD, 4, 1, "", "c.lw a0, 0(a0)", "")
ACCESS_C(C_LD, LOAD, 8, 0, "", "c.ld a0, 0(a0)", "")
ACCESS_C(C_LWSP, LOAD, 4, 1, "mv sp, a0", "c.lwsp a0, 0(sp)", "")
ACCESS_C(C_LDSP, LOAD, 8, 0, "mv sp, a0", "c.ldsp a0, 0(sp)", "")
ACCESS(FLW, LOAD, 4, 1, "", "flw fa0, 0(a0)", "fmv.x.w a0, fa0")
ACCESS(FLD, LOAD, 8, 0, "", "fld fa0, 0(a0)", "fmv.x.d a0, fa0")
ACCESS_C(C_FLD, LOAD, 8, 0, "", "c.fld fa0, 0(a0)", "fmv.x.d a0, fa0")
ACCESS_C(C_FLDSP, LOAD, 8, 0, "mv sp, a0", "c.fldsp fa0, 0(sp)", "fmv.x.d a0, fa0")
ACCESS(SB, STORE, 1, 0, "", "sb a1, 0(a0)", "")
ACCESS(SH, STORE, 2, 0, "", "sh a1, 0(a0)", "")
ACCESS(SW, STORE, 4, 0, "", "sw a1, 0(a0)", "")
ACCESS(SD, STORE, 8, 0, "", "sd a1, 0(a0)", "")
ACCESS_C(C_SW, STORE, 4, 0, "", "c.sw a1, 0(a0)", "")
ACCESS_C(C_SD, STORE, 8, 0, "", "c.sd a1, 0(a0)", "")
ACCESS_C(C_SWSP, STORE, 4, 0, "mv sp, a0", "c.swsp a1, 0(sp)", "")
ACCESS_C(C_SDSP, STORE, 8, 0, "mv sp, a0", "c.sdsp a1, 0(sp)", "")
ACCESS(FSW, STORE, 4, 0, "fmv.w.x fa0, a1", "fsw fa0, 0(a0)", "")
ACCESS(FSD, STORE, 8, 0, "fmv.d.x fa0, a1", "fsd fa0, 0(a0)", "")
ACCESS_C(C_FSD, STORE, 8, 0, "fmv.d.x fa0, a1", "c.fsd fa0, 0(a0)", "")
ACCESS_C(C_FSDSP, STORE, 8, 0, "fmv.d.x fa0, a1; mv sp, a0", "c.fsdsp fa0, 0(sp)", "")
ACCESS(AMOSWAP_W, AMO, 4, 1, "", "amoswap.w a0, a1, (a0)", "")
ACCESS(AMOSWAP_D, AMO, 8, 0, "", "amoswap.d a0, a1, (a0)", "")
ACCESS(LR_W, LR, 4, 1, "", "lr.w a0, (a0)", "")
ACCESS(LR_D, LR, 8, 0, "", "lr.d a0, (a0)", "")
ACCESS(SC_W, SC, 4, 0, "", "sc.w a0, a1, (a0)", "")
ACCESS(SC_D, SC, 8, 0, "", "sc.d a0, a1, (a0)", "")
ACCESS(LRSC_D, SC, 8, 0, "lr.d a2, (a0)", "sc.d a0, a1, (a0)", "")
/* clang-format on */

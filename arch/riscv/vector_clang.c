/* SPDX-License-Identifier: BSD-2-Clause */
/* clang, at least up to 14, takes -ffixed-x7 and the like, and uses them. See hart.h. */
#include "arch/riscv/hart.h"

const bool c_keeps_registers = false;

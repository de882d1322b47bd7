/* SPDX-License-Identifier: BSD-2-Clause */
/* gcc leaves alone the registers that it is told to (-ffixed-x7 ...). See hart.h. */
#include "arch/riscv/hart.h"

const bool c_keeps_registers = true;

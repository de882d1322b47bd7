# SPDX-License-Identifier: BSD-2-Clause
"""
The parts of scripts/bench. A part is a module with rows(options), which yields
what it measured as row.Row; report and plots turn all rows into files.
"""

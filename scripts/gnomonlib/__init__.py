# SPDX-License-Identifier: BSD-2-Clause
"""What the gnomon command is made of. Standard library only."""

# SPDX-License-Identifier: BSD-2-Clause
"""
How long a guest that takes ten seconds on an idle machine may take before it is said
to hang. No test is judged by time: a slow or a busy machine has to pass them all.
"""
TIMEOUT = 600  # seconds

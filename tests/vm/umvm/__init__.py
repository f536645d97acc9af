# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What tests/vm/run and its relatives are made of (Python's own library only)."""

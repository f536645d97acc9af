#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Random calls on all our files. UMEM_TEST_CALLS and UMEM_TEST_SEED say how many
# and which (make fuzz). With umem_sim, and with umem_rdma and a server that does
# all it should not.
#
# needs: rxe umem umem_rdma umem_sim swap=256M
# timeout: 600
set -eu

calls=${UMEM_TEST_CALLS:-100000}
# A debug kernel is much slower.
[ -z "${UMEM_DEBUG_KERNEL-}" ] || calls=$((calls / 50))

address=$(/bin/ip -4 -o addr show dev eth0 |
	sed 's/.* inet \([0-9.]*\).*/\1/')
# A client that is gone before it was accepted may be too much for it.
while :; do hostile_server "$address" 7475 >/dev/null 2>&1 || :; done &
exec umem-fuzz --seed "${UMEM_TEST_SEED:-1}" --calls "$calls" \
	--patience "60${UMEM_DEBUG_KERNEL:+0}" --rdma "$address:7475"

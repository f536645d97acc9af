#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# As stress_user, with umem_rdma among the providers, and a memory server that
# is killed.
#
# needs: rxe umem umem_rdma umem_sim swap=256M
# timeout: 300
set -eu

address=$(/bin/ip -4 -o addr show dev eth0 |
	sed 's/.* inet \([0-9.]*\).*/\1/')
# shellcheck disable=SC2086 # no words or two
exec umem-stress --seconds "${UMEM_TEST_SECONDS:-20}" \
	--seed "${UMEM_TEST_SEED:-1}" --round "${UMEM_TEST_ROUND:-0}" \
	--patience "60${UMEM_DEBUG_KERNEL:+0}" --rdma "$address:7476" \
	--cgroup /sys/fs/cgroup/umem-stress ${UMEM_TEST_STRESS-}

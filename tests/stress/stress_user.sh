#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Everything at once on a region whose providers are processes and umem_sim, each
# byte checked. UMEM_TEST_SECONDS, UMEM_TEST_SEED and UMEM_TEST_ROUND say how long and
# which (make stress).
#
# needs: umem umem_sim swap=256M
# timeout: 300
set -eu

# shellcheck disable=SC2086 # no words or two
exec umem-stress --seconds "${UMEM_TEST_SECONDS:-20}" \
	--seed "${UMEM_TEST_SEED:-1}" --round "${UMEM_TEST_ROUND:-0}" \
	--patience "60${UMEM_DEBUG_KERNEL:+0}" \
	--cgroup /sys/fs/cgroup/umem-stress ${UMEM_TEST_STRESS-}

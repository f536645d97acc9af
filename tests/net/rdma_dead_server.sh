#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A memory server that falls silent, as if its machine had lost power, is noticed
# by umem_rdma within seconds: by its READs, and without any by its KEEPALIVEs.
# What was under way is not lost.
#
# needs: rxe umem umem_rdma
# timeout: 300

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

can_silence

# Not so little that all is there before it falls silent.
MB=$((UMEM_TEST_MB > 32 ? UMEM_TEST_MB : 32))
# 8 of these are less than a second, where the machine is not slow.
# shellcheck disable=SC2154 # from lib.sh
LIMITS="--ack-timeout $((100 * umem_slower))"

serve_image $MB

detached()
{
	[ "$(status_of provider_kind)" = none ] && [ "$(status_of requests_issued)" = 0 ]
}

# With READs under way.
# shellcheck disable=SC2086,SC2016 # options; for the inner shell
umemctl run --size ${MB}M --wait-policy hard $LIMITS --provider $SOURCE -- \
	sh -c 'sha256sum <&3 >"$0"' "$TMP/sum" &
run=$!
run_target $run
wait_until 20 busy
silence
check "READs notice a silent server" wait_until 5 detached
provided=$(status_of granules_provided)
sleep 1
is "nothing is provided without it" "$(status_of granules_provided)" "$provided"
check_fails "nobody to attach to" \
	umemctl attach-provider --connect-timeout 1000 "$T" $SOURCE
speak
# shellcheck disable=SC2086 # options
check "attach again" umemctl attach-provider $LIMITS "$T" $SOURCE
wait $run
is "the program ends well" $? 0
is "every byte is right" "$(cat "$TMP/sum")" "$wanted"

# Without.
# shellcheck disable=SC2086 # options
umemctl run --size ${MB}M --wait-policy hard $LIMITS --provider $SOURCE -- \
	sleep 1000 &
run=$!
run_target $run
sleep 5
is "an idle server is kept" "$(status_of provider_kind)" kernel
silence
check "KEEPALIVEs notice a silent server" wait_until 8 detached
speak
kill "${T%:3}"

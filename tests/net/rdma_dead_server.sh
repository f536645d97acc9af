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
# A silent server is missed after 8 of these, a machine that is kept from its CPU is
# not taken for one; an idle server is asked as often.
# shellcheck disable=SC2154 # from lib.sh
ACK_MS=$((umem_slower > 1 ? 1000 : 500))
LIMITS="--ack-timeout $ACK_MS"

serve_image $MB

detached()
{
	[ "$(status_of provider_kind)" = none ] && [ "$(status_of requests_issued)" = 0 ]
}

# With READs under way.
# shellcheck disable=SC2086,SC2016 # options; for the inner shell
umemctl run --size ${MB}M --wait-policy hard $LIMITS $PATIENT --provider $SOURCE -- \
	sh -c 'sha256sum <&3 >"$0"' "$TMP/sum" &
run=$!
run_target $run
wait_until 60 busy || die "nothing is read"
silence
check "READs notice a silent server" wait_until 60 detached
provided=$(status_of granules_provided)
sleep 1
is "nothing is provided without it" "$(status_of granules_provided)" "$provided"
check_fails "nobody to attach to" \
	umemctl attach-provider --connect-timeout 1000 "$T" $SOURCE
speak
# shellcheck disable=SC2086 # options
check "attach again" umemctl attach-provider $LIMITS $PATIENT "$T" $SOURCE
wait $run
is "the program ends well" $? 0
is "every byte is right" "$(cat "$TMP/sum")" "$wanted"

# Without.
# shellcheck disable=SC2086 # options
umemctl run --size ${MB}M --wait-policy hard $LIMITS $PATIENT --provider $SOURCE -- \
	sleep 1000 &
run=$!
run_target $run
sleep $((3 * 8 * ACK_MS / 1000))
is "an idle server is kept" "$(status_of provider_kind)" kernel
silence
check "KEEPALIVEs notice a silent server" wait_until 60 detached
speak
kill "${T%:3}"

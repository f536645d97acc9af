#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The RDMA device goes away under umem_rdma, with READs in flight: it does not
# wait for anybody, and when it is back the region goes on.
#
# needs: rxe umem umem_rdma
# timeout: 300

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

require rdma

# Not so little that all is there before the third time.
MB=$((UMEM_TEST_MB > 32 ? UMEM_TEST_MB : 32))

serve_image $MB

some_more()
{
	[ "$(status_of granules_provided)" -gt $((provided + 100)) ]
}

# shellcheck disable=SC2016 # for the inner shell
# shellcheck disable=SC2086 # options
umemctl run --size "${MB}M" --wait-policy hard $PATIENT --provider $SOURCE -- \
	sh -c 'sha256sum <&3 >"$0"' "$TMP/sum" &
run=$!
run_target $run

for time in first second third; do
	provided=$(status_of granules_provided)
	check "READs are under way, the $time time" wait_until 60 some_more
	# shellcheck disable=SC2154 # from lib.sh
	check "the device is removed" timeout $((30 * umem_patience)) rdma link del rxe0
	is "no provider is left" "$(status_of provider_kind)" none
	is "no request is left with it" "$(status_of requests_issued)" 0
	check_fails "nothing to attach by" \
		umemctl attach-provider --connect-timeout 1000 "$T" $SOURCE
	check "the device is back" "$UMEM_TOP/tests/vm/guest/rxe-up"
	# The server may hold on to the connection that was, and refuse another.
	# shellcheck disable=SC2086 # options
	check "attach again" \
		wait_until 30 umemctl attach-provider $PATIENT "$T" $SOURCE
done
wait $run
is "the program ends well" $? 0
is "every byte is right" "$(cat "$TMP/sum")" "$wanted"

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# The RDMA device goes away under umem_rdma, with READs in flight: it does not
# wait for anybody, and when it is back the region goes on.
#
# needs: rxe umem umem_rdma
# timeout: 300

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/../guest/lib.sh"

require rdma umemctl sha256sum

# Not so little that all is there before the third time.
MB=$((UMEM_TEST_MB > 32 ? UMEM_TEST_MB : 32))
SOURCE=rdma://10.0.0.1:7471/7

on_host1 "head -c ${MB}M /dev/urandom >/tmp/image
	umem-serve --listen rdma://10.0.0.1:7471 --export 7=/tmp/image >/tmp/log 2>&1 &"
wanted=$(on_host1 'sha256sum </tmp/image')
wait_until 30 on_host1 'grep -q ready /tmp/log' || die "no umem-serve on host1"

field()
{
	umemctl status -j "$T" | sed -n "s/^ *\"$1\": \"*\([^\",]*\).*/\1/p"
}

some_more()
{
	[ "$(field granules_provided)" -gt $((provided + 100)) ]
}

# shellcheck disable=SC2016 # for the inner shell
umemctl run --size "${MB}M" --wait-policy hard --provider $SOURCE -- \
	sh -c 'sha256sum <&3 >"$0"' "$TMP/sum" &
run=$!
wait_until 20 pgrep -P $run >/dev/null || die "the program does not start"
T=$(pgrep -P $run):3

for time in first second third; do
	provided=$(field granules_provided)
	check "READs are under way, the $time time" wait_until 20 some_more
	check "the device is removed" timeout 10 rdma link del rxe0
	is "no provider is left" "$(field provider_kind)" none
	is "no request is left with it" "$(field requests_issued)" 0
	check_fails "nothing to attach by" \
		umemctl attach-provider --connect-timeout 1000 "$T" $SOURCE
	check "the device is back" "$UMEM_TOP/tests/vm/guest/rxe-up"
	check "attach again" umemctl attach-provider "$T" $SOURCE
done
wait $run
is "the program ends well" $? 0
is "every byte is right" "$(cat "$TMP/sum")" "$wanted"

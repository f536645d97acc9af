#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A memory server that falls silent, as if its machine had lost power, is noticed
# by umem_rdma within seconds: by its READs, and without any by its KEEPALIVEs.
# What was under way is not lost.
#
# needs: rxe umem umem_rdma
# timeout: 300

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/../guest/lib.sh"

require tc umemctl sha256sum

# Not so little that all is there before it falls silent.
MB=$((UMEM_TEST_MB > 32 ? UMEM_TEST_MB : 32))
SOURCE=rdma://10.0.0.1:7471/7
# 8 of these are less than a second, where the machine is not slow.
# shellcheck disable=SC2154 # from lib.sh
LIMITS="--ack-timeout $((100 * umem_slower))"

on_host1 "head -c ${MB}M /dev/urandom >/tmp/image
	umem-serve --listen rdma://10.0.0.1:7471 --export 7=/tmp/image >/tmp/log 2>&1 &"
wanted=$(on_host1 'sha256sum </tmp/image')
wait_until 30 on_host1 'grep -q ready /tmp/log' || die "no umem-serve on host1"

# Packets of RoCE that come to this host vanish; all else gets through.  Not those
# that leave it: Soft-RoCE takes that for congestion and repeats them for ever.
tc qdisc replace dev eth0 clsact || skip_all "no clsact in this kernel"

silence()
{
	tc filter add dev eth0 ingress pref 1 protocol ip u32 \
		match ip protocol 17 0xff match ip dport 4791 0xffff action drop
}

speak()
{
	tc filter del dev eth0 ingress pref 1
}

field()
{
	umemctl status -j "$T" | sed -n "s/^ *\"$1\": \"*\([^\",]*\).*/\1/p"
}

busy()
{
	[ "$(field granules_provided)" -gt 100 ]
}

detached()
{
	[ "$(field provider_kind)" = none ] && [ "$(field requests_issued)" = 0 ]
}

# With READs under way.
# shellcheck disable=SC2086,SC2016 # options; for the inner shell
umemctl run --size ${MB}M --wait-policy hard $LIMITS --provider $SOURCE -- \
	sh -c 'sha256sum <&3 >"$0"' "$TMP/sum" &
run=$!
wait_until 20 pgrep -P $run >/dev/null || die "the program does not start"
T=$(pgrep -P $run):3
wait_until 20 busy
silence
check "READs notice a silent server" wait_until 5 detached
provided=$(field granules_provided)
sleep 1
is "nothing is provided without it" "$(field granules_provided)" "$provided"
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
wait_until 20 pgrep -P $run >/dev/null || die "the program does not start"
T=$(pgrep -P $run):3
sleep 5
is "an idle server is kept" "$(field provider_kind)" kernel
silence
check "KEEPALIVEs notice a silent server" wait_until 8 detached
speak
kill "${T%:3}"

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Whoever waits does not wait for what is filled: umem_rdma keeps places in its queue
# free of prefetches. Shown while the server is silent, so that no READ ends, and
# no place comes back.
#
# needs: rxe umem umem_rdma
# timeout: 300

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

can_silence

PLACES=16
serve_image 8

# The silence lasts no longer than 8 of the acknowledgement's timeouts.
# shellcheck disable=SC2154 # from lib.sh
umemctl run --size 8M --wait-policy hard --provider $SOURCE \
	--reads-inflight $PLACES --ack-timeout $((5000 * umem_slower)) -- sleep 1000 &
run=$!
run_target $run
PID=${T%:3}

issued()
{
	[ "$(status_of requests_issued)" = "$1" ]
}

# touch_page N: in the background.
touch_page()
{
	dd if="/proc/$PID/fd/3" of="$TMP/page$1" bs=4096 skip="$1" count=1 2>/dev/null &
}

wait_until 20 umemctl status "$T" || die "no region"
silence
umemctl fill --window 64 "$T"
bulk=$((PLACES - PLACES / 4))
check "prefetches have three quarters of the places" wait_until 15 issued $bulk
check "more of them are queued" test "$(status_of requests_queued)" -gt 10
sleep 1
is "and do not get the others" "$(status_of requests_issued)" $bulk

touch_page 1500
one=$!
check "a fault's READ is posted at once" wait_until 15 issued $((bulk + 1))
# One that is queued for the fill already, of a window that begins at 0.
touch_page $((bulk + 4))
two=$!
check "so is that of a prefetch that somebody waits for" \
	wait_until 15 issued $((bulk + 2))
speak
wait $one $two
umemctl wait --timeout $((60 * umem_slower)) "$T" >/dev/null ||
	not_ok "the fill does not end"
is "every byte is right" "$(sha256sum <"/proc/$PID/fd/3")" "$wanted"
is "nobody gave the server up" "$(status_of provider_kind)" kernel
kill "$PID"

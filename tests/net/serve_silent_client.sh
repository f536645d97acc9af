#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# A host that falls silent, as if it had lost power: umem-provider notices a
# server, with READs open and without; umem-serve notices a client, and has room
# for another.
#
# needs: rxe umem
# timeout: 300

# shellcheck source=tests/net/lib.sh
. "$(dirname "$0")/lib.sh"

require umem-provider region_exec
can_silence

# Silence is noticed after 8 of these; a machine that is kept from its CPU is not
# taken for it.
# shellcheck disable=SC2154 # from lib.sh
ACK_MS=$((umem_slower > 1 ? 1000 : 500))
MB=32
SIZE=$((MB << 20))
serve_image $MB --max-clients 1 --keepalive 1

# provide OPTIONS...: to $T; provider=pid; false when it fails.
rm -f "$TMP/ready"
mkfifo "$TMP/ready"
provide()
{
	umem-provider --ready-fd 9 --ack-timeout "$ACK_MS" "$@" "$T" $SOURCE \
		9>"$TMP/ready" >>"$TMP/log" 2>&1 &
	provider=$!
	[ "$(head -c 1 "$TMP/ready")" = 1 ]
}

# provided_by DESCRIPTION: a result; check would run it in a subshell.
provided_by()
{
	# shellcheck disable=SC2086 # options
	if provide $PATIENT; then
		ok "$1"
	else
		not_ok "$1"
	fi
}

# gone PID: it has ended, whether or not somebody has waited for it.
gone()
{
	[ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status"
}

# ends N: of clients, in the server's log.
ends()
{
	[ "$(on_host1 'grep -c "ends after" /tmp/log')" -ge "$1" ]
}

# With READs open.
region_exec $SIZE hard sha256sum /proc/self/fd/3 >"$TMP/sum" &
reader=$!
T=$reader:3
wait_until 60 umemctl status "$T" || die "no region"
provided_by "a provider"
wait_until 60 busy || die "nothing is read"
silence
check "READs notice a silent server" wait_until 60 gone "$provider"
status=0
wait "$provider" || status=$?
is "exit status" $status 1
like "sentence" "$(tail -n 1 "$TMP/log")" 'the server does not answer any more; '
check_fails "nobody to connect to" provide --connect-timeout 2000
like "says so" "$(tail -n 1 "$TMP/log")" 'does not answer'
check "the server notices its client" wait_until 60 ends 1
speak
provided_by "the server has room again"
wait $reader
is "every byte is right" "$(cut -d' ' -f1 <"$TMP/sum")" "${wanted%% *}"
check "the provider ends with the region" wait_until 60 gone "$provider"
check "the server saw it go" wait_until 60 ends 2

# Without.
region_exec $SIZE hard sleep 1000 &
reader=$!
T=$reader:3
wait_until 60 umemctl status "$T" || die "no region"
provided_by "another region"
sleep $((2 + 3 * 8 * ACK_MS / 1000))
check_fails "an idle server is kept" gone "$provider"
check_fails "and so is an idle client" ends 3
silence
check "an idle provider notices a silent server" wait_until 60 gone "$provider"
check "the server notices an idle client" wait_until 60 ends 3
speak

# A client that cannot even say that it gives up.
provided_by "the server has room once more"
kill -STOP "$provider"
silence
check "the server notices a client that is stopped" wait_until 60 ends 4
like "and says how" "$(on_host1 'tail -n 1 /tmp/log')" 'it does not answer any more'
kill -KILL "$provider"
speak
kill $reader
[ $umem_failed = 0 ] || diag "$(cat "$TMP/log"; on_host1 'cat /tmp/log')"

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# umem-serve and clients that break the protocol: each gets the status that is
# meant for it, none gets at memory that is not its own, and the server goes on.
#
# timeout: 300
# needs: rxe

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/guest/lib/serve.sh
. "$(dirname "$0")/lib/serve.sh"

require umem-serve serve_hostile serve_read python3

serve_image "$TMP/image" 64
# A crowd has come before the first of it is dropped for its silence.
# shellcheck disable=SC2154 # from lib.sh
HANDSHAKE=$((umem_slower > 1 ? 30 : 15))
rm -f "$TMP/ready"
mkfifo "$TMP/ready"
umem-serve --listen "rdma://$SERVE_ADDR:$SERVE_PORT" --export 7="$TMP/image" \
	--max-clients 8 --handshake-timeout $HANDSHAKE --keepalive 1 --ready-fd 9 \
	9>"$TMP/ready" 2>"$TMP/log" &
server=$!
[ "$(head -c 1 "$TMP/ready")" = 1 ] || die "umem-serve did not start: $(cat "$TMP/log")"

# way NAME DESCRIPTION WANTED: WANTED is what serve_hostile prints, in one line.
way()
{
	got=$(timeout $((90 * umem_slower)) serve_hostile "$SERVE_ADDR" "$SERVE_PORT" 7 "$1" 2>&1 |
		tr '\n' ',')
	is "$2" "${got%,}" "$3"
}

# in enum umem_rdma_status: 1 version, 2 no export, 3 auth, 4 busy, 5 malformed
way req_empty "a request without data" "rejected 5"
way req_garbage "a request of garbage" "rejected 5"
way req_version "a request of another version" "rejected 1"
way req_length "a request longer than it is" "rejected 5"
way req_reserved "a request with a reserved field set" "rejected 5"
way req_psk "a request with a pre-shared key" "rejected 3"
way req_export "a request for another export" "rejected 2"

way auth_mac "a proof where there is no key" "error 3"
way auth_twice "AUTH a second time" "live,error 5"
way first_export "EXPORT from a client" "error 5"
way first_bye "BYE instead of AUTH" "dropped"
way live_export "EXPORT from a live client" "live,error 5"
way live_bye "BYE" "live,dropped"
way live_type_0 "a message of type 0" "live,error 5"
way live_type_99 "a message of type 99" "live,error 5"
way live_empty "an empty message" "live,error 5"
way live_short "a short message" "live,error 5"
way live_long "a message that is too long" "live,dropped"
way live_garbage "a message of garbage" "live,error 5"
way live_flood "a flood of messages" "live,error 5"

# in enum ibv_wc_status: 0 success, 9 remote request, 10 remote access error
way read_well "a READ with its own key" "live,status 0"
way write_export "a WRITE" "live,status 10"
way read_beyond "a READ behind the end" "live,status 10"
way other_key "a READ with the key of another connection" "live,live,status 10"
way old_key "a READ with the key of an earlier connection" \
	"live,live,another key,status 10"
way early_key "a READ before AUTH" "live,status 10"

way mute "a client without AUTH is dropped" "dropped"
way crowd "too many clients" "$(yes accepted | head -8 | tr '\n' ',')$(
	yes 'rejected 4' | head -12 | tr '\n' ',')dropped"

way live_vanish "a client that dies" "live"
check "its end is seen" wait_until 30 \
	sh -c 'tail -n 2 "$1" | grep -q "ends after"' sh "$TMP/log"

check "the server still serves" sh -c 'serve_read "$1" >"$2"' sh \
	"$(serve_source 7)" "$TMP/copy"
check "and serves the right bytes" cmp "$TMP/image" "$TMP/copy"

for text in "its request is malformed" "it speaks version 77 of the protocol" \
	"it has a pre-shared key" "no export 18446744073709551615" \
	"8 clients are the limit" "no AUTH in time" "a flood of messages" \
	"sent a message that is too long" "unauthenticated"; do
	check "the log says: $text" grep -q "$SERVE_ADDR:[0-9]*: .*$text" "$TMP/log"
done

serve_hostile "$SERVE_ADDR" "$SERVE_PORT" 7 live_wait >"$TMP/wait" &
check "a client is live" wait_until 30 grep -q live "$TMP/wait"
kill $server
status=0
wait $server || status=$?
is "SIGTERM: exit status" $status 0
wait $!
is "SIGTERM: BYE to clients" "$(tail -n 1 "$TMP/wait")" bye
[ $umem_failed = 0 ] || diag "$(cat "$TMP/log")"

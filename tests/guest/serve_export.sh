#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What umem-serve exports: every byte, zeroes up to the page, several files on
# several addresses; files that change or shrink under it.
#
# timeout: 180
# needs: rxe

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/guest/lib/serve.sh
. "$(dirname "$0")/lib/serve.sh"

require umem-serve serve_read python3

serve_image "$TMP/big" 2048
printf x >"$TMP/byte"
head -c 5000 "$TMP/big" >"$TMP/odd"
head -c 8192 "$TMP/big" >"$TMP/shrinks"
head -c 8192 "$TMP/big" >"$TMP/changes"
chmod 444 "$TMP/big"

rm -f "$TMP/ready"
mkfifo "$TMP/ready"
umem-serve --listen "rdma://$SERVE_ADDR:$SERVE_PORT" \
	--listen "rdma://[::]:$SERVE_PORT" --listen "rdma://$SERVE_ADDR:7472" \
	--export 1="$TMP/big" --export 0="$TMP/byte" --export 0xffffffffffffffff="$TMP/odd" \
	--export 4="$TMP/shrinks" --export 5="$TMP/changes" --export 6=/bin/sh \
	--ready-fd 9 9>"$TMP/ready" 2>"$TMP/log" &
server=$!
[ "$(head -c 1 "$TMP/ready")" = 1 ] || die "umem-serve did not start: $(cat "$TMP/log")"

# same DESCRIPTION SOURCE FILE: the export is FILE and zeroes up to the page.
same()
{
	size=$(stat -L -c %s "$3")
	cp "$3" "$TMP/wanted"
	truncate -s $(((size + 4095) / 4096 * 4096)) "$TMP/wanted"
	serve_read "$2" >"$TMP/got" 2>"$TMP/err" || diag "$(cat "$TMP/err")"
	check "$1" cmp "$TMP/wanted" "$TMP/got"
}

# refused DESCRIPTION SOURCE PATTERN
refused()
{
	like "$1" "$(serve_read "$2" 2>&1 >/dev/null)" "$3"
}

same "8 MiB" "$(serve_source 1)" "$TMP/big"
same "a file of one byte" "$(serve_source 0)" "$TMP/byte"
same "a short last page; the largest id" "$(serve_source 0xffffffffffffffff)" "$TMP/odd"
same "a program in use" "$(serve_source 6)" /bin/sh
same "another port" "rdma://$SERVE_ADDR:7472/1" "$TMP/big"

v6=$(/bin/ip -6 -o addr show dev eth0 scope link | sed 's/.* inet6 \([^/]*\).*/\1/')
if [ -n "$v6" ] && getent ahostsv6 "$v6%eth0" >/dev/null; then
	same "IPv6" "rdma://[$v6%eth0]:$SERVE_PORT/1" "$TMP/big"
else
	skip "IPv6" "no address"
fi

serve_read "$(serve_source 1)" hold >"$TMP/got" 2>"$TMP/err" </dev/zero &
holder=$!
check "a client holds its connection" wait_until 30 grep -q holding "$TMP/err"
same "another client beside it" "$(serve_source 1)" "$TMP/big"
kill -KILL $holder

truncate -s 100 "$TMP/shrinks"
refused "a file that was truncated is refused" "$(serve_source 4)" '^EREMOTEIO: '
sleep 0.1
printf y | dd of="$TMP/changes" conv=notrunc 2>/dev/null
refused "a file that was changed is refused" "$(serve_source 5)" '^EREMOTEIO: '
check "the log says why" grep -q 'shrinks was changed while it is exported' "$TMP/log"
refused "no such export" "$(serve_source 9)" '^ENOENT: .*no export 9'
refused "nobody listens" "rdma://$SERVE_ADDR:7479/1" '^ECONNREFUSED: '
same "it still serves" "$(serve_source 1)" "$TMP/big"

kill $server
status=0
wait $server || status=$?
is "SIGTERM: exit status" $status 0
refused "after its end nobody listens" "$(serve_source 1)" '^ECONNREFUSED: '
[ $umem_failed = 0 ] || diag "$(cat "$TMP/log")"

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# umem-bench: what it says and returns when it is asked for what cannot be.
#
# needs: rxe
# timeout: 120

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/guest/lib/serve.sh
. "$(dirname "$0")/lib/serve.sh"

require umem-bench umem-serve

umem-bench pattern --size 64K "$TMP/pattern" || die "no pattern"
serve 7="$TMP/pattern"
S=$(serve_source 7)

# says DESCRIPTION STATUS PATTERN ARGS...: of umem-bench.
says()
{
	says_what=$1 says_status=$2 says_pattern=$3
	shift 3
	status=0
	umem-bench "$@" >"$TMP/report" 2>"$TMP/errors" || status=$?
	is "$says_what: exit status" $status "$says_status"
	like "$says_what: reason" "$(cat "$TMP/errors" "$TMP/report")" "$says_pattern"
}

says "no command" 2 'usage: umem-bench COMMAND'
says "unknown command" 2 'there is no command "speed"' speed
says "unknown option" 2 "unrecognized option '--fast'" latency --fast
says "stray argument" 2 '"x" is no option' latency x
says "unknown row" 2 '^umem-bench: --rows: there is no row "nope"' \
	latency --rows present,nope
says "empty list of rows" 2 'there is no row ""' latency --rows ''
says "a list of CPUs that is none" 2 '^umem-bench: --cpu: "0-" is no list of CPUs' \
	latency --cpu 0-
says "a CPU that is not there" 1 '^umem-bench: binding to CPUs 1023' \
	latency --cpu 1023 --rows present
says "polling neither way" 2 '"often" is none of spin, yield and sleep' latency --poll often
says "no touches" 2 '^umem-bench: --touches: ' latency --touches 0
says "half a page" 2 '^umem-bench: --size: "2048" is not a multiple of 4096' \
	latency --size 2048
says "a source that is none" 2 '^umem-bench: --source: ' latency --source nowhere
says "a source without RDMA" 2 'is not reached by RDMA' latency --source tcp://10.0.0.1:7471/7

says "without a source" 3 '^raw-verbs: skipped: it needs --source rdma:' \
	latency --size 1M --touches 64 --rounds 1
says "a named row without a source" 1 '^umem-bench: row raw-verbs cannot run: it needs --source' \
	latency --size 1M --rows raw-verbs
says "rows that need none" 0 '^present-mapped +[0-9]' \
	latency --size 1M --touches 64 --rounds 1 --rows tmpfs-first,present,present-mapped

# Nobody loaded umem here.
if [ ! -e /dev/umem ]; then
	says "without umem" 3 '^umem-rdma: skipped: /dev/umem: the umem module is not loaded' \
		latency --source "$S" --rounds 1
	says "a named row without umem" 1 '^umem-bench: row umem-rdma cannot run: /dev/umem' \
		latency --source "$S" --rows umem-rdma
	says "a region without umem" 1 '^umem-bench: /dev/umem: ' create --size 1T
fi

says "no such export" 1 '^umem-bench: connecting to rdma://.*/8: ' \
	latency --source "$(serve_source 8)"
says "no server there" 1 "^umem-bench: connecting to rdma://$SERVE_ADDR:7999/7: " \
	latency --source "rdma://$SERVE_ADDR:7999/7"
says "larger than the export" 1 '^umem-bench: --size: 1 MiB are more than the 64 KiB of rdma' \
	latency --source "$S" --size 1M
says "more touches than pages" 1 '^umem-bench: --touches: of the region 16 pages can be touched' \
	latency --source "$S" --touches 17
says "no file to verify with" 1 '^umem-bench: --verify-file: /nonexistent: cannot be opened' \
	latency --source "$S" --verify-file /nonexistent
head -c 4096 "$TMP/pattern" >"$TMP/short"
says "a short file to verify with" 1 'has 1 pages, less than the 16 of --size' \
	latency --source "$S" --verify-file "$TMP/short"

says "pattern: no size" 2 '^umem-bench: --size: wanted' pattern "$TMP/x"
says "pattern: half a page" 2 '^umem-bench: --size: wanted' pattern --size 100 "$TMP/x"
says "pattern: no path" 2 'one PATH is wanted' pattern --size 4K
says "create: no size" 2 '^umem-bench: --size: wanted' create
says "create: a clock that is none" 2 '^umem-bench: --clock: ' create --size 4K --clock sun
says "pattern: nowhere to write" 1 '^umem-bench: creating /nonexistent/x' \
	pattern --size 4K /nonexistent/x
umem-bench pattern --size 8K --seed 3 "$TMP/a"
umem-bench pattern --size 4K --seed 3 "$TMP/b"
umem-bench pattern --size 4K --seed 4 "$TMP/c"
is "pattern: size" "$(stat -c %s "$TMP/a")" 8192
check "pattern: its start does not depend on the size" cmp -n 4096 "$TMP/a" "$TMP/b"
check_fails "pattern: another seed, another content" cmp "$TMP/b" "$TMP/c"

# The server goes while the bench runs: it ends, and says at what.
umem-bench pattern --size 16M "$TMP/large"
kill "$serve_pid"
wait "$serve_pid"
serve 7="$TMP/large"
umem-bench latency --source "$S" --rounds 10000 --rows raw-verbs,uffd-verbs-block \
	>"$TMP/report" 2>"$TMP/errors" &
bench=$!
# Both rows have a connection.
both_live()
{
	[ $(($(grep -c ': live' "$TMP/serve.log") - $(grep -c ': ends' "$TMP/serve.log"))) -ge 2 ]
}
wait_until 60 both_live || die "no two clients"
sleep 1
kill -9 "$serve_pid"
status=0
wait $bench || status=$?
is "server killed: exit status" $status 1
like "server killed: reason" "$(cat "$TMP/errors")" '^umem-bench: READ of offset [0-9]+ of rdma://'

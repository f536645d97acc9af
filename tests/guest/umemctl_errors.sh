#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# What can go wrong after the command line: each case has its own sentence, on
# one line, and status 1.
#
# timeout: 500
# needs: rxe umem

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/guest/lib/serve.sh
. "$(dirname "$0")/lib/serve.sh"

require umemctl umem-serve umem-provider python3

serve_image "$TMP/image" 4
serve 7="$TMP/image"

# says WHAT SENTENCE COMMAND...: fails with status 1 and SENTENCE, a pattern.
says()
{
	what=$1 sentence=$2 status=0
	shift
	shift
	out=$("$@" 2>&1 >/dev/null) || status=$?
	lines=$(printf '%s\n' "$out" | wc -l)
	like "$what" "$status $lines $out" "^1 1 (umemctl|umem-provider): .*$sentence"
}

run()
{
	umemctl run --wait-policy hard "$@" -- true
}

S=$(serve_source 7)
G=$(umemctl features -j | sed -n 's/.*"max_size": *\([0-9]*\).*/\1/p')

says "umem_rdma not loaded" '/dev/umem-rdma: the umem_rdma module is not loaded' \
	run --size 16K --provider "$S"
load umem_rdma

says "size 0" 'creating a region of 0 bytes: size must not be 0 \(Invalid argument\)' \
	run --size 0 --provider "$S"
says "size not a multiple" \
	'creating a region of 5000 bytes: size must be a multiple of 4096 \(Invalid argument\)' \
	run --size 5000 --provider "$S"
says "size too large" "size must be at most $G bytes \(File too large\)" \
	run --size $((G + 4096)) --provider "$S"
says "max-inflight too large" 'max-inflight 4294967295 must be between 1 and' \
	run --size 16K --max-inflight 4294967295 --provider "$S"
says "max-data not a multiple" 'max-data 5000 must be a multiple of 4096' \
	run --size 16K --max-data 5000 --provider "$S"
says "max-data too large" 'max-data must not exceed' \
	run --size 16K --max-data 2G --provider "$S"

for kind in "" --user; do
	name=${kind:-kernel}
	says "$name: wrong export" 'the server has no export (of that number|8);' \
		run $kind --size 16K --provider "$(serve_source 8)"
	says "$name: region larger than the export" \
		'(the region is larger than the export|the region has 20480 bytes, the export only 16384);' \
		run $kind --size 20K --provider "$S"
	says "$name: no server at the port" 'no memory server listens there' \
		run $kind --size 16K --provider "rdma://$SERVE_ADDR:1/7"
	# Which of the two depends on whether a name server can be asked.
	says "$name: unknown host" \
		'(no host is called|the name server does not answer for) "no-such-host.invalid"' \
		run $kind --size 16K --provider rdma://no-such-host.invalid:7471/7
	says "$name: server that is down" \
		'(did not answer in time|no answer in time|no route to the server)' \
		run $kind --size 16K --connect-timeout 2000 \
		--provider rdma://10.0.0.99:7471/7
	says "$name: no route" '(no route|no RDMA device|no address of this machine)' \
		run $kind --size 16K --connect-timeout 2000 \
		--provider rdma://192.0.2.1:7471/7
done
says "kernel provider of TCP" 'reads from rdma://HOST:PORT/ID only' \
	run --size 16K --provider "tcp://$SERVE_ADDR:7471/7"

umemctl run --size 16K --wait-policy hard --provider "$S" -- sleep 1000 &
started=$!
child()
{
	pgrep -P $started sleep
}
wait_until 20 child || die "umemctl run did not start its program"
T=$(child):3

for kind in "" --user; do
	name=${kind:-kernel}
	# shellcheck disable=SC2086 # $kind is empty or a word
	says "$name: a second provider" \
		"to $T: it has a provider already; .*--replace" \
		umemctl attach-provider $kind "$T" "$S"
done
says "a descriptor that is no region" 'that is no umem region' \
	umemctl attach-provider "$$:0" "$S"
says "a descriptor that is not there" 'no such process, descriptor or path' \
	umemctl attach-provider "$$:77" "$S"
check "detach" umemctl detach-provider "$T"
says "detach twice" 'it has no provider; there is nothing to detach' \
	umemctl detach-provider "$T"
says "attach of a wrong export leaves it free" 'has no export of that number' \
	umemctl attach-provider "$T" "$(serve_source 8)"
check "attach after a failed attach" umemctl attach-provider "$T" "$S"

# Another user: may not open the process's descriptors at all.
if command -v setpriv >/dev/null; then
	says "another user's region" 'no permission' \
		setpriv --reuid 65534 --clear-groups umemctl status "$T"
	says "another user makes no region" \
		'only root may use it unless the administrator changed' \
		setpriv --reuid 65534 --clear-groups umemctl features
	like "another user's list notes what it skipped" \
		"$(setpriv --reuid 65534 --clear-groups umemctl list 2>&1)" \
		'^umemctl: list: [0-9]+ processes were skipped'
fi
kill $started

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Every byte over RDMA, by every way to it, with the provider in the kernel and
# with the one in userspace; and what each of them copied.
#
# timeout: 600
# needs: rxe umem_rdma swap=256M mem=2G

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/guest/lib/serve.sh
. "$(dirname "$0")/lib/serve.sh"

require umemctl umem-serve umem-provider region_verify python3

BIG=$((UMEM_TEST_MB * 256))
SMALL=$((UMEM_TEST_MB * 32))
serve_image "$TMP/big" $BIG
serve_image "$TMP/small" $SMALL
serve 7="$TMP/big" 8="$TMP/small"

# run EXPORT PAGES [umemctl's options] -- CMD...
run()
{
	run_source=$(serve_source "$1") run_size=$(($2 * 4096))
	shift 2
	umemctl run --size $run_size --wait-policy hard \
		--provider "$run_source" "$@"
}

# counts EXPORT PAGES [OPTIONS]: granules provided, bytes copied, bytes direct,
# after every byte was read.
counts()
{
	run "$@" -- sh -c 'cat <&3 >/dev/null; umemctl status -j /proc/self/fd/3' |
		python3 -c 'import json, sys
d = json.loads(sys.stdin.read())
print(d["granules_provided"], d["bytes_copied"], d["bytes_direct"])'
}

for kind in kernel user; do
	option=
	[ $kind = kernel ] || option=--user
	for way in mmap pread reopen; do
		# shellcheck disable=SC2086 # no word or one
		check "$kind: $UMEM_TEST_MB MiB by $way" \
			run 7 $BIG $option -- region_verify $way {} "$TMP/big"
	done
	for way in same apart fork private write swap splice; do
		# shellcheck disable=SC2086
		check "$kind: $way" \
			run 8 $SMALL $option -- region_verify $way {} "$TMP/small"
	done
	# shellcheck disable=SC2086
	run 8 $SMALL $option -- region_verify apart {} "$TMP/small" &
	first=$!
	# shellcheck disable=SC2086
	check "$kind: two regions at once, one" \
		run 8 $SMALL $option -- region_verify same {} "$TMP/small"
	# Not in a subshell: only this shell can wait for it.
	wait $first
	is "$kind: two regions at once, the other" $? 0
done

is "kernel: nothing is copied" "$(counts 8 $SMALL)" \
	"$SMALL 0 $((SMALL * 4096))"
is "user: what is provided is copied" "$(counts 8 $SMALL --user)" \
	"$SMALL $((SMALL * 4096)) 0"

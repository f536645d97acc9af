#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# umemctl fill and wait: by the simulated provider, and by one in userspace.
#
# timeout: 240
# needs: rxe umem umem_sim

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/lib.sh"

# shellcheck source=tests/guest/lib/serve.sh
. "$(dirname "$0")/lib/serve.sh"

require umemctl umem-serve umem-provider umem-bench python3

umem-bench pattern --size 4M --seed 7 "$TMP/image" || die "no image"

# field NAME: of the JSON on standard input.
field()
{
	python3 -c 'import json, sys; print(json.load(sys.stdin)[sys.argv[1]])' "$1"
}

# start ARGS...: umemctl run, of a program that holds the region; sets T.
start()
{
	umemctl run --size 4M --wait-policy hard "$@" -- sleep 1000 &
	run=$!
	wait_until 30 sh -c "pgrep -P $run sleep" || die "sleep does not run"
	T=$(pgrep -P $run sleep):3
}

finish()
{
	kill "${T%:3}"
	wait $run || :
}

# whole WHAT: of the region T nothing is missing, and all is right.
whole()
{
	is "$1: nobody had to wait" "$(umemctl status -j "$T" | field faults)" 0
	check "$1: every byte" cmp "/proc/${T%:3}/fd/3" "$TMP/image"
	is "$1: all of it was filled" "$(umemctl status -j "$T" | field fills)" 1024
}

start --provider sim:latency=100us,pattern=7
like "without fill there is no end in sight" \
	"$(umemctl wait --timeout 1 "$T" 2>&1)" 'nobody fills'
check_fails "and it is a failure" umemctl wait --quiet --timeout 1 "$T"
check "fill" umemctl fill "$T"
out=$(umemctl wait --timeout 100 "$T") || not_ok "wait"
like "the end is told" "$out" 'complete: .* in [0-9.]* s'
whole sim
is "at once the next time" "$(umemctl wait -j "$T" | field complete)" True
finish

start --provider sim:latency=200ms,pattern=7
check "a small window" umemctl fill --window 2 "$T"
like "status shows it" "$(umemctl status "$T")" 'fill .* at most 2 at once'
like "progress is shown" "$(umemctl wait --timeout 10 "$T" 2>/dev/null)" \
	'[0-9.]*%, .*/s, .* left'
check "it stops" umemctl fill --stop "$T"
like "status shows that" "$(umemctl status "$T")" 'fill .* not under way'
finish

serve 7="$TMP/image"
start --user --provider "$(serve_source 7)"
check "by a provider in userspace" umemctl fill "$T"
check "until all is there" umemctl wait --quiet --timeout 100 "$T"
whole user
like "a window that is too large" "$(umemctl fill --window 1000000 "$T" 2>&1)" \
	'^umemctl: filling .*--window: at most half of the'
like "both ways" "$(umemctl fill --stop --window 1 "$T" 2>&1)" 'exclude each other'
like "no region" "$(umemctl fill /dev/null 2>&1)" '^umemctl: filling /dev/null: '
finish

#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# umem-bench with the simulated source: every row of it runs, polled and
# sleeping, read and written, and every page is right.
#
# timeout: 400
# needs: umem umem_sim

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/lib.sh"

require umem-bench python3

# json EXPRESSION: of the last report, as d; rows by kind as r.
json()
{
	python3 -c '
import json, sys
d = json.load(open(sys.argv[1]))
r = {row["kind"]: row for row in d["rows"]}
print(eval(sys.argv[2]))' "$TMP/report" "$1"
}

bench()
{
	umem-bench latency -j --size 1M --touches 128 --rounds 2 "$@" >"$TMP/report"
}

ROWS=tmpfs-first,umem-sim,uffd-sim-block,uffd-sim-poll,uffd-sim-yield,uffd-sim-minor,uffd-sim-sigbus
for poll in spin yield sleep; do
	for access in "" --write; do
		what="$poll ${access:-read}"
		check "$what" bench --source sim:latency=100us,pattern=5 --poll $poll \
			--rows $ROWS $access
		is "$what: every touch was verified" \
			"$(json 'all(x["verified"] == x["touches"] == 256 for x in r.values())')" True
		is "$what: all rows" "$(json 'len(r)')" 7
		is "$what: the latency is kept" \
			"$(json 'all(x["latency_ns"]["min"] >= 100e3 for k, x in r.items() if "sim" in k)')" True
	done
done
is "umem copied nothing" "$(json 'r["umem-sim"]["umem"]["bytes_copied"]')" 0
is "the provider did" "$(json 'r["umem-sim"]["umem"]["bytes_direct"]')" 1048576
is "the way of waiting is told" "$(json 'd["poll"]')" sleep

bench --source sim:latency=100us,pattern=5 --poll yield --rows uffd-sim-spin
is "a handler that keeps its CPU, if named" "$(json 'r["uffd-sim-spin"]["verified"]')" 256

# Of 4 MiB two pages are missing.
for access in "" --write; do
	what="holed ${access:-read}"
	bench --source sim:pattern=5 --size 4M --touches 1024 --batch 1024 --stride 1 \
		--rounds 1 --rows umem-holed $access
	is "$what: every touch was verified" "$(json 'r["umem-holed"]["verified"]')" 1024
	is "$what: two pages were missing" "$(json 'r["umem-holed"]["umem"]["faults"]')" 2
	is "$what: the provider gave them" "$(json 'r["umem-holed"]["umem"]["bytes_direct"]')" 8192
done

bench --source sim:
is "without --rows: no RDMA" "$(json '[k for k in r if "verbs" in k or "rdma" in k]')" "[]"
check_fails "a row of RDMA cannot be had" bench --source sim: --rows raw-verbs
check_fails "a row of sim: cannot be had without it" bench --rows umem-sim
check_fails "jitter is not for all rows" bench --source sim:jitter=1us
check_fails "sleeping needs sim:" \
	bench --source rdma://10.0.0.1:7471/7 --poll sleep
check_fails "no such clock" bench --clock sundial
wait_until 30 rmmod umem_sim
check_fails "without the module" bench --source sim: --rows umem-sim

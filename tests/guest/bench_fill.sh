#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# umem-bench fill, demand and scaling: the figures fit together, every page is
# right, touches beside a fill find their pages missing, a source that holds
# something else is found, and what cannot be is refused.
#
# needs: umem umem_rdma umem_sim rxe
# timeout: 400

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/guest/lib/serve.sh
. "$(dirname "$0")/lib/serve.sh"

require umem-bench umem-serve python3

PAGES=128
umem-bench pattern --size $((PAGES * 4096)) "$TMP/pattern" || die "no pattern"
umem-bench pattern --size 4M "$TMP/large" || die "no pattern"
serve 7="$TMP/pattern" 8="$TMP/large"
S=$(serve_source 7)

# bench COMMAND OPTIONS...: report in $TMP/report, status in $status.
bench()
{
	status=0
	umem-bench "$@" >"$TMP/report" 2>"$TMP/errors" || status=$?
}

# json EXPRESSION: of the report d, its rows by kind as r.
json()
{
	python3 -c '
import json, statistics, sys
d = json.load(open(sys.argv[1]))
r = {row["kind"]: row for row in d.get("rows", [])}
print(eval(sys.argv[2]))' "$TMP/report" "$1"
}

refused()
{
	what=$1 want=$2 pattern=$3
	shift 3
	bench "$@"
	is "$what: exit status" $status "$want"
	like "$what: reason" "$(cat "$TMP/errors")" "$pattern"
	is "$what: no figures" "$(cat "$TMP/report")" ""
}

# ---- fill

bench fill -j --source "$S" --rounds 2
is "fill: exit status" $status 0 || diag "$(cat "$TMP/errors")"
is "fill: the ways" "$(json '" ".join(w["name"] for w in d["ways"])')" \
	"raw-verbs tmpfs-populate tmpfs-allocate umem-fill"
is "fill: all took some time" "$(json 'all(w["total_ns"] > 0 for w in d["ways"])')" True
is "fill: the time of a page is that of 2 rounds" \
	"$(json 'all(abs(w["per_page_ns"] * 256 / w["total_ns"] - 1) < 1e-4 for w in d["ways"])')" True
is "fill: the ratio is that of its rows" \
	"$(json 'abs((d["ways"][0]["total_ns"] + d["ways"][1]["total_ns"]) / d["ways"][3]["total_ns"] / d["fill_vs_raw"] - 1) < 1e-4')" True
is "fill: as many in flight as by default" "$(json 'd["depth"]')" 16
bench fill --source "$S" --rounds 1 --depth 2
is "fill, for people: exit status" $status 0
like "fill, for people: depth" "$(head -n 1 "$TMP/report")" ', 2 in flight;'
like "fill, for people: ratio" "$(cat "$TMP/report")" 'fill_vs_raw [0-9.]+, of memory'

refused "fill: another pattern" 1 '^umem-bench: row umem-rdma: wrong bytes at offset 0: ' \
	fill -j --source "$S" --verify-pattern=1
python3 - "$TMP/pattern" "$TMP/copy" <<'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[-96] ^= 1
open(sys.argv[2], "wb").write(data)
END
refused "fill: one bit of the last page" 1 "wrong bytes at offset $((PAGES * 4096 - 96)): " \
	fill -j --source "$S" --verify-file "$TMP/copy"
refused "fill: no source" 2 '^umem-bench: --source: wanted, rdma:' fill -j
refused "fill: a simulated one" 2 '^umem-bench: --source: wanted, rdma:' fill -j --source sim:
refused "fill: no --write" 2 "unrecognized option '--write'" fill --write

# ---- demand

for access in "" --write; do
	what="demand ${access:-read}"
	bench demand -j --source sim:latency=20us,pattern=3 --size 64M --touches 40 $access
	is "$what: exit status" $status 0 || diag "$(cat "$TMP/errors")"
	is "$what: rows" "$(json '" ".join(r)')" "demand-idle demand-filling"
	is "$what: every touch verified" \
		"$(json 'all(x["touches"] == x["verified"] == 40 for x in r.values())')" True
	is "$what: every touch is a fault" \
		"$(json 'all(x["touches"] <= x["faults"] for x in r.values())')" True
	is "$what: nobody fills what is idle" \
		"$(json 'r["demand-idle"]["umem"]["granules_provided"] == r["demand-idle"]["umem"]["faults"]')" True
	is "$what: a fill goes on meanwhile" \
		"$(json 'r["demand-filling"]["umem"]["granules_provided"] > r["demand-filling"]["umem"]["faults"]')" True
	is "$what: the latency is kept where nobody fills" \
		"$(json 'r["demand-idle"]["latency_ns"]["min"] >= 20e3')" True
	is "$what: the ratios are those of the rows" \
		"$(json 'all(abs(r["demand-filling"]["latency_ns"][k] / r["demand-idle"]["latency_ns"][k] / d[k + "_ratio"] - 1) < 1e-4 for k in ("p50", "mean", "p90", "p99")) and abs(d["fill_pages_per_s_with_demand"] / d["fill_pages_per_s"] - d["fill_rate_ratio"]) < 1e-4')" True
done
bench demand -j --source sim:latency=20us,bandwidth=1G --size 4M --touches 10 --hold 0
is "demand, a fabric with a limit, no memory held: exit status" $status 0 || diag "$(cat "$TMP/errors")"
is "demand: what is held is told" "$(json 'd["hold"]')" 0
bench demand --source "$(serve_source 8)" --touches 10
is "demand by RDMA, for people: exit status" $status 0 || diag "$(cat "$TMP/errors")"
like "demand by RDMA, for people" "$(cat "$TMP/report")" 'of idle: p50 [0-9.]+, mean [0-9.]+, p90 [0-9.]+, p99 [0-9.]+; fill_rate_ratio [0-9.]+'
refused "demand: no source" 2 '--source is wanted' demand
refused "demand: a region that is full at once" 1 'a larger --size is wanted' \
	demand --source sim: --size 4K --touches 10

# ---- scaling

if [ "$(nproc)" -ge 2 ]; then
	for access in "" --write; do
		what="scaling ${access:-read}"
		bench scaling -j --source sim:pattern=3 --touches 64 --rounds 3 $access
		is "$what: exit status" $status 0 || diag "$(cat "$TMP/errors")"
		is "$what: every touch verified" \
			"$(json '[(m["name"], m["touches"], m["verified"]) for m in d["memories"]]')" \
			"[('tmpfs-first', 576, 576), ('umem-sim', 576, 576)]"
		is "$what: a figure of each round" \
			"$(json '{len(m[k]) for m in d["memories"] for k in ("per_s_one", "per_s_all")}')" "{3}"
		is "$what: the figure is the median's" \
			"$(json 'abs(statistics.median(u2 / u1 / (t2 / t1) for t1, t2, u1, u2 in zip(*(m[k] for m in d["memories"] for k in ("per_s_one", "per_s_all")))) / d["vs_tmpfs"] - 1) < 1e-3')" True
	done
	bench scaling --source sim: --touches 64 --rounds 1 --cpu 0,1
	is "scaling, for people: exit status" $status 0
	like "scaling, for people" "$(cat "$TMP/report")" 'scaling of umem by that of tmpfs: [0-9.]+'
else
	skip "scaling" "it wants 2 CPUs"
fi
refused "scaling: one CPU" 1 '2 CPUs or more' scaling --source sim: --cpu 0
refused "scaling: no source" 2 '--source is wanted' scaling --cpu 0,1
refused "scaling: too many touches" 2 'touches: at most' \
	scaling --source sim: --cpu 0,1 --touches 5000000000

kill "$serve_pid"
wait "$serve_pid"

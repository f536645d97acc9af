#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# umemctl with the simulated provider: run, attach-provider --replace, errors.
#
# timeout: 120
# needs: umem umem_sim

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/lib.sh"

require umemctl umem-bench python3

umem-bench pattern --size 64K --seed 7 "$TMP/image" || die "no image"
check "what umem-bench wrote is what is provided" \
	umemctl run --size 64K --wait-policy hard --provider sim:latency=3us,pattern=7 -- \
	cmp {} "$TMP/image"
check "a file's bytes" \
	umemctl run --size 64K --wait-policy hard --provider "sim:jitter=1ms,file=$TMP/image" -- \
	cmp {} "$TMP/image"
check_fails "an error is one" \
	umemctl run --size 64K --wait-policy hard --provider sim:error=1000 -- cat {}
check_fails "fail-fast after the source was lost" \
	umemctl run --size 64K --wait-policy fail-fast --provider sim:gone-after=3 -- cat {}

# A program that hangs on its memory gets it from the next provider.
umemctl run --size 64K --wait-policy hard --provider sim:hang-from=2,pattern=7 -- \
	cat {} >"$TMP/out" &
run=$!
wait_until 30 sh -c "pgrep -P $run cat" || die "cat does not run"
T=$(pgrep -P $run cat):3
issued()
{
	umemctl status -j "$T" | grep -q '"requests_issued": *[1-9]'
}
check "it hangs" wait_until 30 issued
like "status tells" "$(umemctl status "$T")" 'kernel sim:latency=0ns,pattern=7'
check "another takes over" umemctl attach-provider --replace "$T" sim:pattern=7
wait $run
is "and the program ends" $? 0
check "with the right bytes" cmp "$TMP/out" "$TMP/image"

# Read-ahead guesses a run right, and tells so. (How much is late is the machine's.)
cat >"$TMP/scan" <<'PYTHON'
import json, mmap, subprocess
m = mmap.mmap(3, 4 << 20, prot=mmap.PROT_READ)
for at in range(0, len(m), 4096):
    m[at]
def status(*how):
    return subprocess.check_output(["umemctl", "status", *how, "/proc/self/fd/3"],
                                   pass_fds=[3], text=True)
told = json.loads(status("-j"))
hits, late, wasted, faults = (told[name] for name in (
    "readahead_hits", "readahead_late", "readahead_wasted", "faults"))
accuracy = told["readahead_accuracy_percent"]
coverage = told["readahead_coverage_percent"]
early = hits - late
print(abs(accuracy - 100 * hits / (hits + wasted)) < 0.01, accuracy > 90)
print(abs(coverage - 100 * early / (faults + early)) < 0.01, coverage > 0)
print(f"accuracy {accuracy:.1f}%, coverage {coverage:.1f}%" in status())
PYTHON
out=$(umemctl run --size 4M --wait-policy hard --readahead 64K --provider sim:latency=3us,pattern=7 -- \
	python3 "$TMP/scan")
is "accuracy of read-ahead" "$(echo "$out" | sed -n 1p)" "True True"
is "coverage of read-ahead" "$(echo "$out" | sed -n 2p)" "True True"
is "in words" "$(echo "$out" | sed -n 3p)" True

like "a word that is none" \
	"$(umemctl run --size 64K --wait-policy hard --provider sim:late=1 -- true 2>&1)" \
	'"late" is no word of sim:'
like "a file that is too short" \
	"$(umemctl run --size 128K --wait-policy hard --provider "sim:file=$TMP/image" -- true 2>&1)" \
	'the region is larger than the file'
like "not by umem-provider" \
	"$(umemctl run --user --size 64K --wait-policy hard --provider sim: -- true 2>&1)" \
	'rdma://'
wait_until 30 rmmod umem_sim
like "without the module" \
	"$(umemctl run --size 64K --wait-policy hard --provider sim: -- true 2>&1)" \
	'the umem_sim module is not loaded'

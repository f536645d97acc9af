#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# umemctl record and replay: the second start of a program on a cold region.
#
# timeout: 300
# needs: umem umem_sim

# shellcheck source=tests/guest/lib.sh
. "$(dirname "$0")/lib.sh"

require umemctl python3 bash

# A stock program whose own pages come from the region.
cp "$(command -v bash)" "$TMP/program"
truncate -s 2M "$TMP/program"
loader=$(ldd "$TMP/program" | grep -o '/[^ ]*ld-linux[^ ]*')
SOURCE="sim:latency=200us,file=$TMP/program"
hot=$TMP/hot
# What it does, and then what its region says.
cat >"$TMP/work" <<END
declare -A seen
for word in a b c a b d; do seen[\$word]=x\${seen[\$word]}; done
[[ "\${!seen[*]}" =~ d ]] && printf -v out '%s=%s ' "\${!seen[@]}" "\${seen[a]}"
umemctl status -j /proc/self/fd/3 >$TMP/status
END

# start OPTIONS...: the program on a cold region.
start()
{
	umemctl run --size 2M --wait-policy hard --provider "$SOURCE" "$@" -- \
		"$loader" {} "$TMP/work"
}

# field NAME: of the last status.
field()
{
	python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' \
		"$TMP/status" "$1"
}

# demand: faults and reads that found something missing.
demand()
{
	echo $(($(field faults) + $(field reads)))
}

echo "umemctl record /proc/self/fd/3 $hot" >"$TMP/record"
cat "$TMP/work" "$TMP/record" >"$TMP/both" && mv "$TMP/both" "$TMP/work.1"
cp "$TMP/work" "$TMP/work.2"
cp "$TMP/work.1" "$TMP/work"
out=$(start --max-inflight 256)
is "the first start" $? 0
like "record tells how much it is" "$out" '^[0-9]+ granules of 4096 bytes, [0-9]+ ranges$'
first=$(demand)
check "it faulted" test "$first" -ge 50
cp "$TMP/work.2" "$TMP/work"
check "the second start" start --replay "$hot"
second=$(demand)
diag "demand: $first at the first start, $second at the second"
check "has 90 % less demand" test $((second * 10)) -le "$first"
check "and gets what was prefetched" test "$(field prefetches)" -ge $((first / 2))

# Where the program runs already, and prefetches find no room at first.
umemctl run --size 2M --wait-policy hard --max-inflight 8 --provider "$SOURCE" -- sleep 1000 &
run=$!
wait_until 30 sh -c "pgrep -P $run sleep" || die "sleep does not run"
T=$(pgrep -P $run sleep):3
check "replay" umemctl replay "$T" "$hot"
umemctl record "$T" "$TMP/again" >"$TMP/said"
check "brings exactly what was recorded" cmp "$TMP/again" "$hot"

# What a provider cannot give.
check "a provider that fails everything" \
	umemctl attach-provider --replace "$T" "sim:error=1000"
python3 - "$hot" "$TMP/all" <<'END'
import struct, sys
data = bytearray(open(sys.argv[1], 'rb').read()[:40])
data[32:40] = struct.pack('<Q', 1)
data[12:16] = bytes(4)
data += struct.pack('<QQ', 0, 2 << 20)
crc = 0xffffffff
for byte in data:
    crc ^= byte
    for _ in range(8):
        crc = crc >> 1 ^ (0x82f63b78 if crc & 1 else 0)
data[12:16] = struct.pack('<I', crc ^ 0xffffffff)
open(sys.argv[2], 'wb').write(data)
END
like "is told" "$(umemctl replay "$T" "$TMP/all" 2>&1)" '[0-9]+ bytes could not be had'

# Files that are none, or for another region.
refused()
{
	like "$1" "$(umemctl replay "$T" "$2" 2>&1)" "$3"
	check_fails "$1: status" umemctl replay "$T" "$2"
}
head -c 100 "$hot" >"$TMP/bad"
refused "a file cut short" "$TMP/bad" 'cut short or has more behind it'
{ cat "$hot"; printf x; } >"$TMP/bad"
refused "a file with more behind it" "$TMP/bad" 'cut short or has more behind it'
{ head -c 41 "$hot"; printf '\001'; tail -c +43 "$hot"; } >"$TMP/bad"
refused "a changed byte" "$TMP/bad" 'checksum is wrong'
printf 'hello' >"$TMP/bad"
refused "another kind of file" "$TMP/bad" 'no recorded hot set'
: >"$TMP/bad"
refused "an empty file" "$TMP/bad" 'no recorded hot set'
truncate -s 1T "$TMP/bad"
refused "a huge one" "$TMP/bad" 'larger than a hot set'
refused "a directory" "$TMP" 'no regular file'
refused "no file" "$TMP/none" 'cannot be opened'
kill "${T%:3}"
wait $run
like "a region of another size" \
	"$(umemctl run --size 4M --wait-policy hard --provider sim: --replay "$hot" -- true 2>&1)" \
	'recorded of a region of 2097152 bytes, and this one has 4194304'
like "a file that cannot be written" \
	"$(umemctl run --size 4K --wait-policy hard --provider sim: -- \
	umemctl record {} /nowhere/hot 2>&1)" 'cannot be created'

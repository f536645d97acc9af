# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# shellcheck shell=bash disable=SC2154 # here and cache are of tests/vm/kernel
#
# For recipes in kernels/: kernels out of a suite of Debian's archive that this
# machine does not install from.  Such a suite is read with a list of sources of
# its own, in the cache; the machine's configuration of apt stays as it is.
#
# The version to use is the newest in the cache; it is complete there (image,
# modules and headers are fetched together), so nothing is asked of the archive
# then.  The archive's newest is looked for when the cache has none, or when
# tests/vm/kernel --update asks for it.

keyring=/usr/share/keyrings/debian-archive-keyring.gpg

# Where this machine gets its Debian from.
archive_mirror()
{
	local uri codename

	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
	# An origin is known only of lists that were read once.
	for ((try = 0; try < 2; try++)); do
		[ $try = 0 ] || "${apt[@]}" update >/dev/null 2>&1 || :
		uri=$(apt-get indextargets --format '$(ORIGIN) $(RELEASE) $(REPO_URI)' \
			'Created-By: Packages' |
			awk -v codename="$codename" '
				$1 == "Debian" && !found++ &&
				$2 ~ "^(" codename "|stable|oldstable)$" { print $3 }')
		[ -z "$uri" ] || break
	done
	[ -n "$uri" ] ||
		die "apt's sources of this machine name no mirror of Debian $codename"
	printf '%s\n' "$uri"
}

# archive_use SUITE: from here on fetch_package takes its packages from there.
archive_use()
{
	local dir=$cache/archive/$1 mirror

	mirror=$(archive_mirror)
	mkdir -p "$dir/lists/partial"
	echo "deb [signed-by=$keyring] $mirror $1 main" >"$dir/sources.list.$$"
	mv "$dir/sources.list.$$" "$dir/sources.list"
	apt_options+=(
		-o Dir::Etc::sourcelist="$dir/sources.list"
		-o Dir::Etc::sourceparts=/dev/null
		-o Dir::Etc::preferences=/dev/null
		-o Dir::Etc::preferencesparts=/dev/null
		-o Dir::State::lists="$dir/lists"
		-o Dir::State::status=/dev/null
		-o Dir::Cache::pkgcache=
		-o Dir::Cache::srcpkgcache=
	)
	apt=(apt-get -q "${apt_options[@]}")
}

# archive_version SUITE REGEX: the newest kernel whose name, without the "-amd64"
# of the usual flavour, the expression matches.  Older ones are in the archive
# for a while, but their headers are not.
archive_version()
{
	local suite=$1 regex=$2 found lock

	if [ -z "${update-}" ]; then
		found=$(find "$cache/kernels" -maxdepth 1 -name '*-amd64' \
			-printf '%f\n' 2>/dev/null | archive_newest "$regex") || :
		[ -z "$found" ] || { printf '%s\n' "$found"; return; }
	fi
	archive_use "$suite"
	echo "umem: reading the package lists of $suite" >&2
	exec {lock}>"$cache/archive/$suite/.lock"
	flock "$lock"
	found=$("${apt[@]}" update --error-on=any 2>&1) ||
		die "cannot read the package lists of $suite:
$found"
	exec {lock}>&-
	found=$(apt-cache "${apt_options[@]}" pkgnames linux-headers- |
		sed 's/^linux-headers-//' | archive_newest "$regex") || :
	[ -n "$found" ] ||
		die "the suite $suite of the archive has no kernel like $regex"
	printf '%s\n' "$found"
}

archive_newest()
{
	grep -xE "$1-amd64" | sort -V | tail -n 1
}

# archive_fetch SUITE VERSION DIR PACKAGE...: into DIR, with the headers.
archive_fetch()
{
	local suite=$1 version=$2 dir=$3 abi=${2%-amd64} package

	shift 3
	archive_use "$suite"
	for package in "linux-headers-$version" "linux-headers-$abi-common" \
		"linux-kbuild-$abi" "$@"; do
		fetch_package "$package" "$dir" ||
			die "cannot download the package $package from $suite; the archive may have moved on: run tests/vm/kernel --update for the present version"
	done
	# To be used where it lies: links in there are relative, these are not.
	sed -i "s,/usr/src/,$cache/kernels/$version/usr/src/," \
		"$dir/usr/src/linux-headers-$version/Makefile"
	rm -f "$dir"/{usr/,}lib/modules/"$version"/{build,source}
}

archive_kdir()
{
	image "$1" >/dev/null
	printf '%s/kernels/%s/usr/src/linux-headers-%s\n' "$cache" "$1" "$1"
}

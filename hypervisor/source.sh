# SPDX-License-Identifier: GPL-2.0-only
#
# source.sh: fetch and unpack Debian's Xen source packages and apply the series.
# It uses this machine's apt sources with private lists, so that the machine's
# own state does not change.  Must be sourced with $cache (a directory), $family
# (4.17, 4.20) and $here (this directory) set.

say() { echo "xen: $*"; }
die() { echo "xen: $*" >&2; exit 1; }

need() {
    for tool; do
        command -v "$tool" >/dev/null ||
            die "$tool is missing; install what README.md lists under Build"
    done
}

# The Debian release with this family of Xen; empty: the machine's own.
suite=
[ ! -e "$here/patches/$family/suite" ] || suite=$(cat "$here/patches/$family/suite")

# derive_sources DIR TYPES: copy this machine's entries to DIR as entries of
# TYPES ("deb-src", "deb deb-src") for $suite.
derive_sources() {
    rm -rf "$1" && mkdir -p "$1"
    own=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    swap="s/(^|[[:space:]])${own:-unknown}/\\1${suite:-$own}/g"
    for f in /etc/apt/sources.list.d/*.sources; do
        [ -e "$f" ] || continue
        sed -E -e "s/^Types:.*/Types: $2/" -e "/^Suites:/$swap" "$f" > "$1/${f##*/}"
    done
    for f in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
        [ -e "$f" ] || continue
        for type in $2; do
            sed -nE "s/^[[:space:]]*deb(-src)?[[:space:]]/$type /p" "$f"
        done | sed -E "$swap" | sort -u > "$1/${f##*/}"
    done
}

# update_lists TYPES
update_lists() {
    need apt-get
    mkdir -p "$cache/apt/lists/partial" "$cache/apt/archives/partial"
    derive_sources "$cache/apt/sources.list.d" "$1"
    private_apt apt-get -qq update >&2 ||
        say "apt-get update failed in part; continuing with its lists" >&2
}

private_apt() {
    tool=$1; shift
    set -- -o Dir::Etc::SourceList=/dev/null \
        -o Dir::Etc::SourceParts="$cache/apt/sources.list.d" \
        -o Dir::State::Lists="$cache/apt/lists" -o Dir::Cache="$cache/apt" "$@"
    [ "$(id -u)" != 0 ] || set -- -o APT::Sandbox::User=root "$@"
    "$tool" "$@"
}

# The file that identifies the source package in directory $1: its .dsc, or
# without one Debian's part, which names the upstream part.
identity() { ls "$1"/*.dsc 2>/dev/null || ls "$1"/*.debian.tar.xz; }

# unpack DIR TREE: unpack a source package.  If an archive has lost only the
# .dsc, the two other files suffice: apt has checked them against its signed
# list.
unpack() {
    rm -rf "$2"
    mkdir -p "${2%/*}"
    if ls "$1"/*.dsc >/dev/null 2>&1; then
        dpkg-source --no-copy -x "$1"/*.dsc "$2" > "$cache/unpack.log" 2>&1 ||
            die "dpkg-source failed: see $cache/unpack.log"
        return
    fi
    mkdir "$2"
    tar -C "$2" --strip-components=1 -xJf "$1"/*.orig.tar.xz
    tar -C "$2" -xJf "$1"/*.debian.tar.xz
    while read -r p; do
        [ -n "$p" ] || continue
        patch -s -p1 -d "$2" < "$2/debian/patches/$p" > "$cache/unpack.log" ||
            die "Debian's $p does not apply: see $cache/unpack.log"
    done < "$2/debian/patches/series"
}

# Store the newest source package to which the series applies in
# $cache/src/VERSION and print VERSION.
fetch() {
    if [ -z "${XENFLIGHT_REFRESH:-}" ] && [ -e "$cache/src/chosen" ]; then
        cat "$cache/src/chosen"
        return
    fi
    say "looking for the newest $family source of package xen" >&2
    update_lists deb-src
    versions=$(private_apt apt-cache showsrc xen |
        sed -n "s/^Version: \($family\..*\)/\1/p" | sort -uVr)
    [ -n "$versions" ] ||
        die "apt knows no $family source of package xen; is there a Debian" \
            "source in /etc/apt?  Or set XENFLIGHT_XEN_SOURCE"
    for v in $versions; do
        dir=$cache/src/$v
        mkdir -p "$dir"
        (cd "$dir" && private_apt apt-get -qq source --download-only \
            "xen=$v") > "$dir/log" 2>&1 || true
        if ! ls "$dir"/*.orig.tar.xz "$dir"/*.debian.tar.xz >/dev/null 2>&1; then
            say "$v is listed but cannot be fetched: $(grep -m1 '^E:' "$dir/log" |
                sed -E 's,[a-z]+://[^ ]*/,,' || echo see "$dir/log")" >&2
        elif unpack "$dir" "$cache/try" && patched "$cache/try" "$v"; then
            rm -rf "$cache/try"
            echo "$v" > "$cache/src/chosen"
            echo "$v"
            return
        fi
    done
    die "none of these sources can be used:" $versions
}

# Print the series for version $1: series-<longest matching version>, else
# series.  A line is a patch, relative to the series, and the new files that
# belong to it.
series_for() {
    best=$here/patches/$family/series
    for f in "$here/patches/$family"/series-*; do
        [ -e "$f" ] || continue
        case $1 in "${f##*/series-}"*) best=$f ;; esac
    done
    echo "$best"
}

series_content() {
    cat "$(series_for "$1")"
    while read -r p files; do
        [ -z "$p" ] || cat "$here/patches/$family/$p"
    done < "$(series_for "$1")"
}

# patched TREE VERSION: apply the series.  Fuzz is not allowed, so that a change
# of a patch's context is reviewed.
patched() {
    while read -r p files; do
        [ -n "$p" ] || continue
        patch -s -p1 -F0 -d "$1" < "$here/patches/$family/$p" >&2 || {
            say "$p does not apply to $2: that source needs its own" \
                "hypervisor/patches/$family/series-$2" >&2
            return 1
        }
    done < "$(series_for "$2")"
}

# List the new files by their paths in Xen's tree.
ours() { (cd "$here" && find xen docs -type f | sort); }

# Update the new files in tree $1.  Unchanged files keep their time, so that
# make rebuilds little.
overlay() {
    ours | while read -r f; do
        cmp -s "$here/$f" "$1/$f" && continue
        mkdir -p "$1/${f%/*}"
        cp "$here/$f" "$1/$f"
    done
}

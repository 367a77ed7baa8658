# SPDX-License-Identifier: GPL-2.0-only
#
# source.sh: fetch and unpack Debian's Xen source packages and apply the series.
# It uses this machine's apt sources with private lists, so that the machine's
# own state does not change.  Must be sourced with $here (this directory) set;
# use_family sets $family (4.17, 4.20), $suite and $cache.

say() { echo "xen: $*"; }
die() { echo "xen: $*" >&2; exit 1; }

need() {
    for tool; do
        command -v "$tool" >/dev/null ||
            die "$tool is missing: run make deps, which installs what is needed"
    done
}

versions() { "$here/versions" "$@"; }

# use_family FAMILY: work on this release of Xen.
use_family() {
    family=$1
    suite=$(versions suite "$family") || exit 1
    cache=${XENFLIGHT_CACHE:-$HOME/.cache/xenflight}
    [ "$family" = 4.17 ] || cache=$cache/$family
}

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
    private_apt apt-get -qq update > "$cache/apt/update.log" 2>&1 ||
        say "apt-get update of $suite failed in part, see $cache/apt/update.log;" \
            "continuing with its lists" >&2
}

private_apt() {
    tool=$1; shift
    set -- -o Dir::Etc::SourceList=/dev/null \
        -o Dir::Etc::SourceParts="$cache/apt/sources.list.d" \
        -o Dir::State::Lists="$cache/apt/lists" -o Dir::Cache="$cache/apt" "$@"
    [ "$(id -u)" != 0 ] || set -- -o APT::Sandbox::User=root "$@"
    "$tool" "$@"
}

# is_tree DIR: DIR is an unpacked tree of Xen, not a source package.
is_tree() { [ -e "$1/xen/common/Kconfig" ]; }

# Print what identifies the source in directory $1: its .dsc, or without one
# Debian's part, which names the upstream part; of a tree a list of its files.
identity() {
    if is_tree "$1"; then
        (cd "$1" && find xen Config.mk config -type f ! -name '*.o' ! -name '.*' |
            sort | xargs sha256sum)
    else
        cat "$(identity_file "$1")"
    fi
}

identity_file() {
    if is_tree "$1"; then
        echo "$1/xen/Makefile"
    else
        ls "$1"/*.dsc 2>/dev/null || ls "$1"/*.debian.tar.xz
    fi
}

# Print the version of the source in directory $1.
version_of() {
    if is_tree "$1"; then
        awk '/^(export )?XEN_VERSION /{ v = $NF } /^(export )?XEN_SUBVERSION /{ s = $NF }
            /^(export )?XEN_EXTRAVERSION /{ e = $NF; sub(/\$.*/, "", e) }
            END { print v "." s e }' "$1/xen/Makefile"
    else
        sed -n 's/^Version: //p' "$1"/xen_*.dsc | head -n 1
    fi
}

# unpack DIR TREE: unpack a source package.  If an archive has lost only the
# .dsc, the two other files suffice: apt has checked them against its signed
# list.
unpack() {
    rm -rf "$2"
    mkdir -p "${2%/*}"
    if is_tree "$1"; then
        mkdir "$2"
        tar -C "$1" -c --exclude ./.git . | tar -C "$2" -x
        return
    fi
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

# Store the newest source package of $family to which the series applies in
# $cache/src/VERSION and print VERSION.  Return 1 with the reason if there is none.
fetch() {
    if [ -z "${XENFLIGHT_REFRESH:-}" ]; then
        # The failure is kept for a day, too.
        if [ -n "$(find "$cache/src/none" -mmin -1440 2>/dev/null)" ]; then
            cat "$cache/src/none" >&2
            return 1
        fi
        if [ -e "$cache/src/chosen" ]; then
            cat "$cache/src/chosen"
            return
        fi
    fi
    mkdir -p "$cache/src"
    rm -f "$cache/src/none"
    listed=
    for suite in $suite $(versions also "$family" | tr , ' '); do
        say "looking for the newest $family source of package xen in $suite" >&2
        update_lists deb-src
        for v in $(private_apt apt-cache showsrc xen 2>/dev/null |
            sed -n "s/^Version: \($family\..*\)/\1/p" | sort -uVr); do
            case " $listed " in *" $v "*) continue ;; esac
            listed="$listed $v"
            ! try_source "$v" || { echo "$v"; return; }
        done
    done
    suite=$(versions suite "$family")
    echo "xen: no $family source can be used; apt lists${listed:- none}." \
        "Set XEN_SOURCE to a folder with one" > "$cache/src/none"
    cat "$cache/src/none" >&2
    return 1
}

# try_source VERSION: fetch it, and see whether the series applies.
try_source() {
    dir=$cache/src/$1
    mkdir -p "$dir"
    (cd "$dir" && private_apt apt-get -qq source --download-only \
        "xen=$1") > "$dir/log" 2>&1 || true
    if ! ls "$dir"/*.orig.tar.xz "$dir"/*.debian.tar.xz >/dev/null 2>&1; then
        say "$1 is listed but cannot be fetched: $(grep -m1 '^E:' "$dir/log" |
            sed -E 's,[a-z]+://[^ ]*/,,' || echo "see $dir/log")" >&2
        return 1
    fi
    (unpack "$dir" "$cache/try") && patched "$cache/try" "$1" || return 1
    rm -rf "$cache/try"
    echo "$1" > "$cache/src/chosen"
}

# Set $family and the rest to the first family whose source can be had, this
# machine's first; say if it is another one.
use_any_family() {
    own=$(versions family) || exit 1
    for f in $(versions); do
        use_family "$f"
        (fetch >/dev/null) || continue
        [ "$f" = "$own" ] ||
            say "taking Xen $f instead of $own, with the toolstack of $suite" >&2
        return
    done
    die "no source of Xen can be had: set XEN_SOURCE to a folder with one"
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

# SPDX-License-Identifier: LGPL-2.1-or-later
#
# folder.sh: minimal Debian folders for the package tests, made by debootstrap once
# and kept in $BARE_DIR (default: the cache).  Sourced; $root is the folder in use.

folders=${BARE_DIR:-${XENFLIGHT_CACHE:-$HOME/.cache/xenflight}/bare}
codename=$(. /etc/os-release && echo "$VERSION_CODENAME")

# here COMMAND...: run it in $root.
here()
{
    chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
        DEBIAN_FRONTEND=noninteractive "$@"
}

# sources SUITE: the entries of this machine's apt that are its Debian release's own,
# for another release.
sources()
{
    apt-get indextargets --format 'deb $(REPO_URI) $(RELEASE) $(COMPONENT)' \
        'Created-By: Packages' |
        awk -v own="$codename" -v suite="$1" '
            $3 == own || index($3, own "-") == 1 { sub(own, suite, $3); print }' |
        sort -u
}

# minimal SUITE DIR: a fresh copy of it in DIR.
minimal()
{
    base=$folders/$1
    if [ ! -e "$base.done" ]
    then
        rm -rf "$base"
        mkdir -p "$folders"
        debootstrap --variant=minbase --include=ca-certificates "$1" "$base" \
            "$(sources "$1" | awk '!n++ { print $2 }')" >"$base.log" 2>&1 || {
            tail -n 5 "$base.log"
            echo "not ok - debootstrap; its messages are above"
            return 1
        }
        touch "$base.done"
    fi
    rm -rf "$2"
    cp -a "$base" "$2"
    rm -rf "$2/etc/apt/sources.list" "$2/etc/apt/sources.list.d"/*
    sources "$1" >"$2/etc/apt/sources.list"
}

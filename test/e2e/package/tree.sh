#!/bin/sh
# Runs scenario.sh in a copy of this machine's root: an overlay in memory, in a mount namespace of its own.
# Arguments: boot (systemd as process 1, by systemd-nspawn) or chroot; an empty folder; the two folders of scenario.sh.
set -eu
mode=$1 tree=$2 old=$3 new=$4
scripts=$(dirname "$0")
mount -t tmpfs tmpfs "$tree"
mkdir "$tree/upper" "$tree/work" "$tree/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$tree/upper,workdir=$tree/work" "$tree/root"
root=$tree/root
mkdir -p "$root/scenario/old" "$root/scenario/new"
cp "$scripts"/scenario.sh "$scripts"/call.ts "$root/scenario/"
cp "$old"/*.deb "$root/scenario/old/"
cp "$new"/*.deb "$root/scenario/new/"
if [ "$mode" = chroot ]; then
    mount -t proc proc "$root/proc"
    mount --bind /dev "$root/dev"
    exec chroot "$root" /scenario/scenario.sh /scenario/old /scenario/new
fi
cat > "$root/etc/systemd/system/scenario.service" << 'UNIT'
[Unit]
SuccessAction=poweroff-force
FailureAction=poweroff-force
[Service]
Type=oneshot
TimeoutStartSec=300
ExecStart=/scenario/scenario.sh /scenario/old /scenario/new
StandardOutput=file:/scenario/facts
StandardError=inherit
UNIT
# A policy-rc.d, as container images have one, forbids to restart services.
# The tree has no network that could come up.
ln -sf /dev/null "$root/etc/systemd/system/systemd-networkd-wait-online.service"
rm -f "$root/etc/machine-id" "$root/usr/sbin/policy-rc.d"
systemd-nspawn --quiet --boot --register=no --keep-unit --private-network --console=pipe --directory="$root" \
    -- --unit=scenario.service > "$tree/console" 2>&1 || { cat "$tree/console" >&2; exit 1; }
cat "$root/scenario/facts"

#!/bin/bash
# The life of the packages in a Debian tree: install, configure, start, upgrade, remove, purge. Runs as root in the tree,
# under systemd or without it. Writes facts as NAME=VALUE lines; the test compares them.
# Arguments: folder with the packages, folder with a newer version of them.
set -eu
export DEBIAN_FRONTEND=noninteractive
services='dialhook-router dialhook-notifier dialhook-console dialhook-agent'
booted() { [ -d /run/systemd/system ]; }
fact() { printf '%s=%s\n' "$1" "$(shift; "$@" 2>/dev/null | tr '\n' ' ' | sed 's/ $//')"; }
dpkg_quiet() { dpkg --force-unsafe-io "$@" > /tmp/dpkg.log 2>&1 || { cat /tmp/dpkg.log; exit 1; }; }
installed() { dpkg-query -W -f '${Package} ${db:Status-Status}\n' 'dialhook*' | grep -v not-installed; }
pids() { for unit in $services; do systemctl show -p MainPID --value $unit; done; }

dpkg_quiet -i "$1"/*.deb
fact installed installed
fact modes stat -c '%a %U:%G' /etc/dialhook/agent.env /etc/dialhook/common.env /usr/lib/dialhook/bin/node
fact sums dpkg --verify dialhook dialhook-common dialhook-agent dialhook-node
fact command sh -c 'dialhook --help | head -n 1'
units=/usr/lib/systemd/system
fact verify sh -c "systemd-analyze verify $units/dialhook-*[a-z].service dialhook-agent@b.service 2>&1"
fact exposure sh -c "for s in $services; do systemd-analyze security --no-pager --offline=yes $units/\$s.service | sed -n 's/.*level for .*: \\([0-9.]*\\).*/\\1/p'; done"
fact enabled find /etc/systemd/system -name 'dialhook*'

FREESWITCH_PASSWORD=changed fact init sh -c 'dialhook init --for systemd --yes --skip-doctor | grep wrote'
fact init_modes stat -c '%a %U:%G' /etc/dialhook/agent.env /etc/dialhook/console.env
if booted; then
    nats-server -js -sd /tmp/nats -a 127.0.0.1 > /dev/null 2>&1 &
    redis-server --port 6379 --save '' > /dev/null &
    cp "$(dirname "$0")/call.ts" /usr/lib/dialhook/
    fact unconfigured systemctl is-active $services
    /usr/lib/dialhook/bin/node /usr/lib/dialhook/call.ts > /tmp/call.log 2>&1 &
    # Returns when every service has reported READY=1.
    systemctl enable --now $services 2> /dev/null
    fact active systemctl is-active $services
    fact status systemctl show -p StatusText --value $services
    until grep -q hangup /tmp/call.log; do sleep 0.2; done
    fact call cat /tmp/call.log
    agent=$(systemctl show -p MainPID --value dialhook-agent)
    fact confined grep -E '^(CapEff|CapBnd|NoNewPrivs|Seccomp):' "/proc/$agent/status"
    fact core_limit sh -c "sed -n 's/^Max core file size *//p' /proc/$agent/limits | tr -s ' ' | sed 's/ $//'"
    # Root of the tree in the service's mount namespace: settings are hidden, folders read-only.
    fact settings_size nsenter -t "$agent" -m -- sh -c 'cat /etc/dialhook/*.env | wc -c'
    fact written nsenter -t "$agent" -m -- sh -c 'for f in /etc /usr /var /root; do touch $f/x && echo $f; done'

    mkdir /run/systemd/system/dialhook-router.service.d
    printf '[Service]\nWatchdogSec=5\n' > /run/systemd/system/dialhook-router.service.d/watchdog.conf
    systemctl daemon-reload
    systemctl restart dialhook-router
    router=$(systemctl show -p MainPID --value dialhook-router)
    kill -STOP "$router"
    until systemctl show -p NRestarts --value dialhook-router | grep -q 1; do sleep 0.5; done
    until [ "$(systemctl is-active dialhook-router)" = active ]; do sleep 0.5; done
    fact watchdog sh -c "journalctl -u dialhook-router -o cat | grep -c 'Watchdog timeout'"
    pids > /tmp/before
    rm /usr/lib/dialhook/call.ts
fi

dpkg_quiet -i "$2"/*.deb
fact upgraded dpkg-query -W -f '${Version}' dialhook-agent
fact kept grep -c changed /etc/dialhook/agent.env
if booted; then
    pids > /tmp/after
    fact same_process sh -c 'paste -d= /tmp/before /tmp/after | grep -E "^([0-9]+)=\1$"'
    fact active_after_upgrade systemctl is-active $services
fi

dpkg_quiet -r dialhook dialhook-agent dialhook-router dialhook-notifier dialhook-console
fact removed installed
booted && fact active_after_removal systemctl list-units --plain --no-legend --state=active 'dialhook*'
fact settings ls /etc/dialhook
dpkg_quiet -P $(dpkg-query -W -f '${Package}\n' 'dialhook*')
fact purged installed
fact left find /etc/dialhook /usr/lib/dialhook /usr/share/doc/dialhook-common /etc/systemd/system -name '*dialhook*'

#!/bin/sh
# Installs this checkout as a system service: sudo deploy/install.sh. Run `npm run build` before, as yourself.
# A version that does not start gives way to the one that was there.
set -eu
cd "$(dirname "$0")/.."

oldest_node=20
units=/etc/systemd/system

fail() {
  echo "install: $1" >&2
  exit 1
}
[ "$(id -u)" = 0 ] || fail "must be root: sudo deploy/install.sh"
[ ! -e /usr/lib/hearthd/bin/node ] || fail "the package hearthd is installed. Remove it first: sudo apt-get remove hearthd"
[ -x /usr/bin/node ] || fail "no /usr/bin/node, which the service runs. Install with: sudo apt-get install nodejs"
node_version=$(/usr/bin/node --version) || fail "/usr/bin/node, which the service runs, does not start."
node_major=${node_version#v}
[ "${node_major%%.*}" -ge "$oldest_node" ] ||
  fail "/usr/bin/node, which the service runs, is $node_version, and hearth needs $oldest_node or newer. Install a newer one there: Debian 13 has it, and nodejs.org for older systems."
[ -f dist/cli/main.js ] && [ -f build/Release/hearth.node ] || fail "not built. Run: npm run build"

# The package starts its service in the same way.
. deploy/deb/service.sh
start() {
  systemctl daemon-reload
  systemctl enable --quiet hearthd.service hearthd.socket
  restart_until_ready
}

# Puts the units of /opt/hearth where systemd finds them. A version before may have had fewer.
place_units() {
  mkdir -p "$units" /etc/systemd/system-generators /etc/sysusers.d /etc/tmpfiles.d
  place hearthd.service "$units/hearthd.service"
  place hearthd.socket "$units/hearthd.socket"
  place hearth-kiosk.service "$units/hearth-kiosk.service"
  place hearth-display.service "$units/hearth-display.service"
  place hearthd-generator /etc/systemd/system-generators/hearthd-generator
  place hearthd.sysusers.conf /etc/sysusers.d/hearthd.conf
  place hearthd.tmpfiles.conf /etc/tmpfiles.d/hearthd.conf
}
place() {
  if [ -e "/opt/hearth/systemd/$1" ]; then cp "/opt/hearth/systemd/$1" "$2"; else rm -f "$2"; fi
}

# Beside the old version and then in its place, so that a broken copy never runs.
rm -rf /opt/hearth.new
mkdir -p /opt/hearth.new/build/Release /opt/hearth.new/models/spark /opt/hearth.new/bin /opt/hearth.new/systemd /opt/hearth.new/kiosk
cp -r dist package.json LICENSE /opt/hearth.new/
cp models/spark/*.gguf /opt/hearth.new/models/spark/
cp build/Release/hearth.node /opt/hearth.new/build/Release/
ln -s /usr/bin/node /opt/hearth.new/bin/node
for file in systemd/* deploy/kiosk/*.service; do
  # The units are those of the package, which has its program elsewhere.
  sed 's:/usr/lib/hearthd/:/opt/hearth/:g' "$file" >"/opt/hearth.new/systemd/$(basename "$file")"
done
cp deploy/kiosk/browser /opt/hearth.new/kiosk/
chown -R root:root /opt/hearth.new
chmod -R a+rX /opt/hearth.new
chmod +x /opt/hearth.new/kiosk/browser /opt/hearth.new/dist/cli/main.js /opt/hearth.new/systemd/socket-address /opt/hearth.new/systemd/hearthd-generator
# The old version keeps the unit that it ran with, to go back to.
if [ -e /opt/hearth ] && [ -e "$units/hearthd.service" ]; then
  mkdir -p /opt/hearth/systemd
  cp "$units/hearthd.service" /opt/hearth/systemd/hearthd.service
fi
rm -rf /opt/hearth.old
[ ! -e /opt/hearth ] || mv /opt/hearth /opt/hearth.old
mv /opt/hearth.new /opt/hearth

mkdir -p /etc/hearth
[ -e /etc/hearth/hearth.toml ] || cp deploy/hearth.toml /etc/hearth/hearth.toml
chmod a+r /etc/hearth/hearth.toml
ln -sf /opt/hearth/dist/cli/main.js /usr/local/bin/hearth
place_units
systemd-sysusers hearthd.conf
# Versions before ran as a user that systemd made up at each start, and had their state in a folder of such users.
if [ -L /var/lib/hearth ] && [ -d /var/lib/private/hearth ]; then
  systemctl stop hearthd.service
  rm /var/lib/hearth
  mv /var/lib/private/hearth /var/lib/hearth
  chown -R hearth:hearth /var/lib/hearth
fi
systemd-tmpfiles --create hearthd.conf
if start; then
  systemctl status --no-pager --lines=3 hearthd
  exit 0
fi

[ -e /opt/hearth.old ] || fail "the service does not start; more is in: journalctl -u hearthd"
rm -rf /opt/hearth
mv /opt/hearth.old /opt/hearth
place_units
start || fail "neither the new version starts nor the one that was there, which is back in /opt/hearth. More is in: journalctl -u hearthd"
fail "the new version does not start: the one that was there is back and runs."

#!/bin/sh
# Installs this checkout as a system service: sudo deploy/install.sh. Run `npm run build` before, as yourself.
# A version that does not start gives way to the one that was there.
set -eu
cd "$(dirname "$0")/.."

oldest_node=20
unit=/etc/systemd/system/hearthd.service

fail() {
  echo "install: $1" >&2
  exit 1
}
[ "$(id -u)" = 0 ] || fail "must be root: sudo deploy/install.sh"
[ -x /usr/bin/node ] || fail "no /usr/bin/node, which the service runs. Install with: sudo apt-get install nodejs"
node_version=$(/usr/bin/node --version) || fail "/usr/bin/node, which the service runs, does not start."
node_major=${node_version#v}
[ "${node_major%%.*}" -ge "$oldest_node" ] ||
  fail "/usr/bin/node, which the service runs, is $node_version, and hearth needs $oldest_node or newer. Install a newer one there: Debian 13 has it, and nodejs.org for older systems."
[ -f dist/cli/main.js ] && [ -f build/Release/hearth.node ] || fail "not built. Run: npm run build"

# Starts the service anew; says in its own words why it does not.
start() {
  systemctl daemon-reload
  systemctl enable --quiet hearthd
  systemctl reset-failed hearthd 2>/dev/null || true # starts that failed before do not count against this one
  since=$(date +%s)
  systemctl restart hearthd 2>/dev/null && return 0
  said=$(journalctl --unit=hearthd --since="@$since" --output=cat --no-pager 2>/dev/null || true)
  sentence=$(echo "$said" | grep '^hearth: ' | tail -n 1)
  echo "${sentence:-$(echo "$said" | tail -n 5)}" >&2
  return 1
}

# Beside the old version and then in its place, so that a broken copy never runs.
rm -rf /opt/hearth.new
mkdir -p /opt/hearth.new/build/Release /opt/hearth.new/models/spark
cp -r dist package.json LICENSE /opt/hearth.new/
cp models/spark/*.gguf /opt/hearth.new/models/spark/
cp build/Release/hearth.node /opt/hearth.new/build/Release/
cp systemd/hearthd.service /opt/hearth.new/
chown -R root:root /opt/hearth.new
chmod -R a+rX /opt/hearth.new
chmod +x /opt/hearth.new/dist/cli/main.js
# The old version keeps the unit that it ran with, to go back to.
[ ! -e /opt/hearth ] || [ ! -e "$unit" ] || cp "$unit" /opt/hearth/hearthd.service
rm -rf /opt/hearth.old
[ ! -e /opt/hearth ] || mv /opt/hearth /opt/hearth.old
mv /opt/hearth.new /opt/hearth

mkdir -p /etc/hearth
[ -e /etc/hearth/hearth.toml ] || cp deploy/hearth.toml /etc/hearth/hearth.toml
chmod a+r /etc/hearth/hearth.toml
ln -sf /opt/hearth/dist/cli/main.js /usr/local/bin/hearth
cp /opt/hearth/hearthd.service "$unit"
if start; then
  systemctl status --no-pager --lines=3 hearthd
  exit 0
fi

[ -e /opt/hearth.old ] || fail "the service does not start; more is in: journalctl -u hearthd"
rm -rf /opt/hearth
mv /opt/hearth.old /opt/hearth
[ ! -e /opt/hearth/hearthd.service ] || cp /opt/hearth/hearthd.service "$unit"
start || fail "neither the new version starts nor the one that was there, which is back in /opt/hearth. More is in: journalctl -u hearthd"
fail "the new version does not start: the one that was there is back and runs."

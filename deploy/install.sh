#!/bin/sh
# Installs this checkout as a system service: sudo deploy/install.sh. Run `npm run build` before, as yourself.
set -eu
cd "$(dirname "$0")/.."

fail() {
  echo "install: $1" >&2
  exit 1
}
[ "$(id -u)" = 0 ] || fail "must be root: sudo deploy/install.sh"
[ -x /usr/bin/node ] || fail "no /usr/bin/node, which the service runs. Install with: sudo apt-get install nodejs"
[ -f dist/cli/main.js ] && [ -f build/Release/hearth.node ] || fail "not built. Run: npm run build"

# Beside the old version and then in its place, so that a broken copy never runs.
rm -rf /opt/hearth.new
mkdir -p /opt/hearth.new/build/Release /opt/hearth.new/models/spark
cp -r dist package.json LICENSE /opt/hearth.new/
cp models/spark/*.gguf /opt/hearth.new/models/spark/
cp build/Release/hearth.node /opt/hearth.new/build/Release/
chown -R root:root /opt/hearth.new
chmod -R a+rX /opt/hearth.new
rm -rf /opt/hearth.old
[ ! -e /opt/hearth ] || mv /opt/hearth /opt/hearth.old
mv /opt/hearth.new /opt/hearth

mkdir -p /etc/hearth
[ -e /etc/hearth/hearth.toml ] || cp deploy/hearth.toml /etc/hearth/hearth.toml
chmod a+r /etc/hearth/hearth.toml
ln -sf /opt/hearth/dist/cli/main.js /usr/local/bin/hearth
chmod +x /opt/hearth/dist/cli/main.js
cp systemd/hearthd.service /etc/systemd/system/
systemctl daemon-reload
systemctl enable hearthd
systemctl restart hearthd
systemctl status --no-pager --lines=3 hearthd

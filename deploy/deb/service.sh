# A folder while an upgrade is under way: what prerm saw, and what postrm tried.
upgrade=/run/hearthd-upgrade

say() {
  echo "hearthd: $1" >&2
}

# Whether there is a systemd that may be told to start services: not in the making of an image.
may_start() {
  [ -d /run/systemd/system ] || return 1
  [ ! -x /usr/sbin/policy-rc.d ] || /usr/sbin/policy-rc.d hearthd restart
}

# Starts the service anew and waits until it has its model; says in its own words why it does not get that far.
restart_until_ready() {
  since=$(date +%s)
  systemctl reset-failed hearthd.service hearthd.socket 2>/dev/null || true
  if systemctl restart hearthd.service 2>/dev/null; then
    tries=0
    while [ "$tries" -lt 240 ]; do
      case $(systemctl show --property=ActiveState --value hearthd.service) in
        active | reloading) ;;
        *) break ;;
      esac
      case $(systemctl show --property=StatusText --value hearthd.service) in
        Loading*) ;;
        *) return 0 ;;
      esac
      tries=$((tries + 1))
      sleep 0.5
    done
  fi
  said=$(journalctl --unit=hearthd.service --since="@$since" --output=cat --no-pager 2>/dev/null || true)
  sentence=$(echo "$said" | grep '^hearth: ' | tail -n 1)
  echo "${sentence:-$(echo "$said" | tail -n 5)}" >&2
  return 1
}

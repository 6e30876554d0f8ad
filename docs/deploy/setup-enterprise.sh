#!/bin/sh
# Installs Moltbot on one server, from a checkout that stays where it is:
#
#   git clone <repository> /opt/moltbot && ANTHROPIC_API_KEY=sk-ant-… sh /opt/moltbot/docs/deploy/setup-enterprise.sh
#
# Again after an update: settings that are there are left alone. DESTDIR=/some/folder lays everything
# out below that folder and touches no packages, users or services.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd -P)
DESTDIR=${DESTDIR:-}
etc=$DESTDIR/etc/moltbot

say() { printf 'moltbot setup: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

check() {
  case "$root" in
    /home/* | /root/*) [ -n "$DESTDIR" ] || die "the service cannot see home directories: move $root to /opt/moltbot" ;;
  esac
  [ -n "$DESTDIR" ] || [ "$(id -u)" = 0 ] || die 'run this as root'
}

bring_programs() {
  if ! command -v redis-server >/dev/null 2>&1; then
    apt-get update && apt-get install -y --no-install-recommends redis-server
    systemctl disable --now redis-server # the gateway starts its own, on a socket only it can reach
  fi
  sh "$root/scripts/run" setup # Node, packages, the web page
}

add_user() {
  id moltbot >/dev/null 2>&1 ||
    useradd --system --user-group --home-dir /var/lib/moltbot --shell /usr/sbin/nologin moltbot
}

owned_by() { # in a DESTDIR everything stays ours
  [ -n "$DESTDIR" ] || chown "$@"
}

# The sticky bit: the service may replace its own moltbot.json (the hot update), and no file of root.
lay_out() {
  mkdir -p "$etc" "$DESTDIR/var/lib/moltbot" "$DESTDIR/var/log/moltbot" \
    "$DESTDIR/usr/local/bin" "$DESTDIR/etc/systemd/system" "$DESTDIR/etc/logrotate.d"
  owned_by root:moltbot "$etc"
  owned_by moltbot:moltbot "$DESTDIR/var/lib/moltbot" "$DESTDIR/var/log/moltbot"
  chmod 1770 "$etc"
  chmod 700 "$DESTDIR/var/lib/moltbot"
  chmod 750 "$DESTDIR/var/log/moltbot"
}

write_settings() {
  if [ ! -e "$etc/moltbot.json" ]; then
    cp "$root/enterprise-config.json5" "$etc/moltbot.json"
  fi
  chmod 640 "$etc/moltbot.json"
  owned_by moltbot:moltbot "$etc/moltbot.json"

  if [ ! -e "$etc/environment" ]; then
    (umask 077 && sed \
      -e "s|^CLAWDBOT_GATEWAY_TOKEN=.*|CLAWDBOT_GATEWAY_TOKEN=\"$(openssl rand -hex 32)\"|" \
      -e "s|^ANTHROPIC_API_KEY=.*|ANTHROPIC_API_KEY=\"${ANTHROPIC_API_KEY:-}\"|" \
      "$root/docs/deploy/environment.example" >"$etc/environment")
  fi
  chmod 600 "$etc/environment"
  owned_by root:root "$etc/environment"
}

install_service() {
  ln -sf "$root/bin/moltbot" "$DESTDIR/usr/local/bin/moltbot"
  cp "$root/docs/deploy/moltbot-gateway.service" "$DESTDIR/etc/systemd/system/moltbot-gateway.service"
  cp "$root/docs/deploy/moltbot.logrotate" "$DESTDIR/etc/logrotate.d/moltbot"
  chmod 644 "$DESTDIR/etc/systemd/system/moltbot-gateway.service" "$DESTDIR/etc/logrotate.d/moltbot"
}

start() {
  systemctl daemon-reload
  if grep -q '^ANTHROPIC_API_KEY=""' "$etc/environment"; then
    say "write the key of your provider into $etc/environment, then: systemctl enable --now moltbot-gateway"
    return
  fi
  systemctl enable moltbot-gateway
  systemctl restart moltbot-gateway
  say 'started; a token for a person:'
  say '  set -a; . /etc/moltbot/environment; set +a; moltbot tokens create --user alice'
}

check
if [ -z "$DESTDIR" ]; then
  bring_programs
  add_user
fi
lay_out
write_settings
install_service
[ -n "$DESTDIR" ] || start

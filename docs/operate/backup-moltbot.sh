#!/bin/bash
# backup-moltbot.sh: everything of one server that cannot be made again, while it runs.
set -eu
umask 077

BACKUP_DIR="/backup/moltbot/$(date +%Y%m%d)"
mkdir -p "$BACKUP_DIR"

cp /etc/moltbot/moltbot.json "$BACKUP_DIR/"
cp /etc/moltbot/environment "$BACKUP_DIR/"

pack() { # a file that grows meanwhile is no fault: tar says 1, and 2 for a real one
  status=0
  tar -czf "$BACKUP_DIR/$1.tar.gz" -C /var/lib/moltbot --warning=no-file-changed "$2" || status=$?
  [ "$status" -le 1 ]
}

# Tokens, people's usage and what is not archived yet live in Redis. Its files are consistent while it does not
# rewrite them.
redis() { redis-cli -s /var/lib/moltbot/redis/redis.sock "$@"; }
trap 'redis config set auto-aof-rewrite-percentage 100 >/dev/null' EXIT
redis config set auto-aof-rewrite-percentage 0 >/dev/null
while redis info persistence | grep -q 'aof_rewrite_in_progress:1'; do sleep 1; done
pack redis redis/appendonlydir

pack sessions sessions
pack credentials credentials

# Folders of days more than 30 days ago; the guide's line would in time remove /backup/moltbot itself.
find /backup/moltbot -mindepth 1 -maxdepth 1 -type d -mtime +30 -exec rm -rf {} +

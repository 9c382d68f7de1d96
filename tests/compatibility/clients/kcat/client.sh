#!/bin/bash
# kcat as a client of the matrix (tests/compatibility/README.md). It has no admin verbs: `create` is the auto-creation
# that a producer's Metadata request asks for; topics are deleted by another client.
set -eu -o pipefail
verb=$1 bootstrap=${2:-} topic=${3:-}

case $verb in
version)
  kcat -V 2>&1 | sed -n 's/^Version \([^ ]*\).*librdkafka \([^ ]*\).*/\1 (librdkafka \2)/p'
  ;;
create)
  # The first answer is LEADER_NOT_AVAILABLE while the topic comes into being.
  kcat -L -b "$bootstrap" -t "$topic" -X allow.auto.create.topics=true >/dev/null
  ;;
produce)
  codec=$4 first=$5 count=$6
  padding=$(printf '%0200d' 0)
  awk -v first="$first" -v count="$count" -v padding="$padding" \
    'BEGIN { for (n = first; n < first + count; n++) printf "key-%d|value-%d-%s\n", n, n, padding }' |
    kcat -P -q -b "$bootstrap" -t "$topic" -K '|' -H "codec=$codec" -z "$codec" -X enable.idempotence=true -X acks=all
  ;;
consume)
  # Assignments stand on stderr: "% Group g rebalanced (memberid …): assigned: t [0], t [1]".
  kcat -b "$bootstrap" -G "$4" -u -f 'record %p %o %k %s %h\n' -X auto.offset.reset=earliest \
    -X session.timeout.ms=10000 -X heartbeat.interval.ms=300 -X auto.commit.interval.ms=100 "$topic" </dev/null \
    2> >(sed -u -n -e '/): revoked/s/.*/assigned/p' -e '/): assigned:/!b' \
      -e 's/.*): assigned://; s/ [^ ]* \[\([0-9]*\)\],\{0,1\}/ \1/g; s/^/assigned/p') &
  kcat=$!
  cat >/dev/null
  kill -TERM $kcat
  wait $kcat
  ;;
*)
  exit 64
  ;;
esac

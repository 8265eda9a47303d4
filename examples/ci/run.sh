#!/bin/sh
# One join in a CI job: set the profile, start a run, wait for the verdict, end with its code.
#
#   examples/ci/run.sh PROFILE RUN [COMMAND...]
#
# COMMAND powers the device under test; without one a simulated router is. Where the bench is say LEGACY_TC_HTTP,
# or LEGACY_TC_MQTT and LEGACY_TC_ID. Ends with 0 pass, 1 fail, 7 inconclusive (nobody came, evidence is missing), 2
# when it is called wrongly, 3 when the bench refuses, 6 when it cannot be reached.
set -eu
if [ $# -lt 2 ]; then
  echo "usage: $0 PROFILE RUN [COMMAND...]" >&2
  exit 2
fi
profile=$1 run=$2
shift 2

ask() {
  code=0
  legacy-tc request "$@" --json || code=$?
  [ "$code" -ne 1 ] || code=3 # refused, which is no verdict
  return "$code"
}

ask profile/set "profile=$profile" when=next-join >&2
ask run/start "run=$run" "permit_join=${PERMIT:-120}" "observe=${OBSERVE:-30}" "ttl=${TTL:-600}" >&2
trap 'ask run/stop "run=$run" >&2 || :' EXIT
if [ $# -gt 0 ]; then
  "$@" >&2 || { echo "$0: $1 ended with $?: nobody was powered" >&2; exit 7; }
else
  ask joiner/power joiner=zboss-r22 >&2
fi
code=0
legacy-tc request verdict/get "run=$run" "wait=${PATIENCE:-180}" --exit-code --json || code=$?
exit "$code"

#!/bin/sh
# Does what README.md says, block after block. PORT=18830 takes another port for the broker; what the page writes
# goes into a new folder, whose name is printed, or into OUT.
set -eu
cd "$(dirname "$0")/../.."
page=$PWD/examples/switch-mid-join/README.md
OUT=${OUT:-$(mktemp -d)}
echo "files: $OUT"
for each in deploy .venv; do
  [ -e "$OUT/$each" ] || [ ! -e "$each" ] || ln -s "$PWD/$each" "$OUT/$each"
done
cd "$OUT"
blocks=$(awk '/^```sh$/ { on = 1; next } /^```$/ { on = 0 } on' "$page")
exec sh -euc "trap 'kill \${BENCH-} \${BROKER-} 2>/dev/null || :' EXIT
$blocks"

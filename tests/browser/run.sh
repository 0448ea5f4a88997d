#!/bin/bash
# run.sh - drives the real server in headless Chromium; prints TAP.
# usage: tests/browser/run.sh
# Starts build/src/cmd/qorgan serve on free ports of 127.0.0.1 with a data folder of its own, reads the first password that
# it prints, and lets browser.mjs do the rest. QORGAN_BIN names another program. With QORGAN_URL (and QORGAN_USER,
# QORGAN_PASSWORD, QORGAN_DATA) a server that runs already is driven instead and nothing is started.
set -uo pipefail
here=$(cd "$(dirname "$0")" && pwd) || exit 1
root=$(cd "$here/../.." && pwd) || exit 1
export QORGAN_BIN=${QORGAN_BIN:-${QORGAN:-$root/build/src/cmd/qorgan}}
export QORGAN_SOURCE=$root

skip() {
    echo "ok - browser # SKIP $1"
    exit 0
}

command -v node >/dev/null || skip 'node is not installed'
command -v chromium >/dev/null || skip 'chromium is not installed'
cd "$here" || exit 1
if [ ! -d node_modules/playwright-core ] && ! npm ci --no-audit --no-fund --silent >/dev/null 2>&1; then
    skip 'npm ci failed: the registry is out of reach'
fi

work=$(mktemp -d) || exit 1
chmod 755 "$work" # the processes that gave up root must reach the data folder
server=
# shellcheck disable=SC2317 # called by the trap
finish() {
    if [ -n "$server" ]; then
        kill -TERM "$server" 2>/dev/null
        wait "$server" 2>/dev/null
    fi
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

mkdir "$work/tmp"
if [ -n "${QORGAN_URL:-}" ]; then
    TMPDIR=$work/tmp node --test-reporter=tap browser.mjs
    exit $?
fi

# The ports are this script's while that process lives.
coproc ports { PYTHONPATH=$root/tests exec python3 -c '
import sys
from service import free_port
print(free_port(), free_port(), free_port(), free_port(), flush=True)
sys.stdin.read()'; }
read -r web_port syslog_port tls_port agent_port <&"${ports[0]}"

export QORGAN_DATA=$work/data
mkdir -p "$QORGAN_DATA" "$work/pack"
# One draft, so that the page of packs has something to show and to switch on.
printf '%s\n' 'title: Draft of the browser test' 'id: 3f0c3d52-8d5c-4d6e-9c55-0a4b7a3d0001' 'status: test' 'logsource:' \
    '    product: linux' 'detection:' '    s:' "        message|contains: 'no such line'" '    condition: s' 'level: high' \
    >"$work/pack/draft.yml"
"$QORGAN_BIN" rules import "$work/pack" --name browser --version 1 --source 'tests/browser' --licence Apache-2.0 \
    --data "$QORGAN_DATA" >"$work/import" || sed 's/^/# /' "$work/import"
"$QORGAN_BIN" serve --data "$QORGAN_DATA" --set "web-port=$web_port" --set "syslog-port=$syslog_port" \
    --set "syslog-tls-port=$tls_port" --set "agent-port=$agent_port" >"$work/out" 2>"$work/err" &
server=$!
export QORGAN_URL=https://127.0.0.1:$web_port QORGAN_USER='' QORGAN_PASSWORD=''
for _ in $(seq 300); do
    kill -0 "$server" 2>/dev/null || break
    # whatever the words around them: the line that names the user, the line that names the password
    QORGAN_USER=$(cat "$work/out" "$work/err" | sed -nE 's/.*\buser(name)?( name)?[ :=]+"?([A-Za-z0-9._@-]+)"?.*/\3/Ip' | head -1)
    QORGAN_PASSWORD=$(cat "$work/out" "$work/err" | sed -nE 's/.*\bpassword[ :=]+"?([^ "]{8,})"?.*/\1/Ip' | head -1)
    [ -n "$QORGAN_PASSWORD" ] && curl -sk -o /dev/null "$QORGAN_URL/sign-in" && break
    sleep 0.1
done
QORGAN_USER=${QORGAN_USER:-admin}
if [ -z "$QORGAN_PASSWORD" ] || ! curl -sk -o /dev/null "$QORGAN_URL/sign-in"; then
    echo 'not ok - the server starts, prints the first password and answers'
    tail -n 40 "$work/out" "$work/err" | sed 's/^/#   /'
    exit 1
fi
echo 'ok - the server starts, prints the first password and answers'
TMPDIR=$work/tmp node --test-reporter=tap browser.mjs
status=$?
[ $status = 0 ] || tail -n 40 "$work/out" "$work/err" | sed 's/^/#   /'
exit $status

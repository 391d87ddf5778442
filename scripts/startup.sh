#!/bin/sh
# A cluster on this machine, master and volumes: see scripts/cluster.mjs, or ./scripts/startup.sh --help
command -v node >/dev/null || { echo "minivault: Node 20 or later is needed, and no node is on the PATH" >&2; exit 1; }
exec node "$(dirname "$(readlink -f "$0")")/cluster.mjs" "$@"

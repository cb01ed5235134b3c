#!/bin/sh
# Checks this dossier with what every Unix has: sha256sum, xxd, base64, openssl (3 or newer), and no network.
# Says what holds, and stops with exit code 1 at the first thing that does not. README.md says what each file is.
set -eu
cd "$(dirname "$0")"

hash() { xxd -r -p | sha256sum | cut -d ' ' -f 1; }          # hex in, hex out
refuse() { echo "DOES NOT HOLD: $1" >&2; exit 1; }

# From a hash up to a root: each line of the file says on which side the neighbour stands, and its hash.
lead() { # prefix, hash, file
    node=$2
    while read -r side neighbour; do
        case $side in
            left) node=$(printf '%s%s%s' "$1" "$neighbour" "$node" | hash) ;;
            right) node=$(printf '%s%s%s' "$1" "$node" "$neighbour" | hash) ;;
            *) refuse "$3 is malformed" ;;
        esac
    done < "$3"
    echo "$node"
}

openssl pkeyutl -verify -pubin -inkey log.pem -rawin -in checkpoint.txt -sigfile checkpoint.sig > /dev/null 2>&1 ||
    refuse "the checkpoint is not signed by log.pem"
root=$(sed -n 3p checkpoint.txt | base64 -d | xxd -p -c 64)
map=$(sed -n 's/^case-map //p' checkpoint.txt | base64 -d | xxd -p -c 64)
echo "holds: the checkpoint of $(sed -n 2p checkpoint.txt) leaves is signed by the key in log.pem"

previous=null
for step in steps/*; do
    if [ -e "$step/event.json" ]; then
        commitment=$(cat "$step/salt" "$step/event.json" | sha256sum | cut -d ' ' -f 1)
        said=$(sed -n -e 's/.*"previous":null,"recorded_at".*/null/p' \
            -e 's/.*"previous":"\([0-9a-f]*\)","recorded_at".*/\1/p' "$step/event.json")
        [ "$said" = "$previous" ] || refuse "$step does not continue the step before it"
    else
        commitment=$(cat "$step/commitment")
    fi
    leaf=$(printf '00%s' "$commitment" | hash)
    [ "$(lead 01 "$leaf" "$step/inclusion.txt")" = "$root" ] || refuse "$step is not in the log"
    for document in "$step"/documents/*; do
        [ -e "$document" ] || continue
        grep -q "\"sha256\":\"$(sha256sum < "$document" | cut -d ' ' -f 1)\"" "$step/event.json" ||
            refuse "$document is not the document of its step"
    done
    previous=$commitment
done
echo "holds: every step is in the log, in order, with its documents"

number=$(basename "$step" | sed 's/^0*\(.\)/\1/')
key=$(printf '%s' "$(cat case-id.txt)" | sha256sum | cut -d ' ' -f 1)
[ "$(lead 03 "$(printf '02%s%016x%s' "$key" "$number" "$leaf" | hash)" case-map.txt)" = "$map" ] ||
    refuse "these are not all steps of the case"
echo "holds: these are all steps of the case in that log"

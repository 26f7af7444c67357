import { directoryName, exitStatusCase, type GuestPlaces, quoted, scriptHead } from "./guest.ts";

/** Shell functions that read a batch of tickets (see memory-tickets.ts), sealed or plain, in the script's directory. */
export const ticketFunctions: string = `
open_batch() { # FILE OUT
  if [ "$(sed -n 1p "$1")" = sealed ]; then
    sed -e 1d -e '/^$/,$d' "$1" | openssl base64 -d >"$dir/wrapped"
    sed '1,/^$/d' "$1" | openssl base64 -d >"$dir/body"
    openssl pkeyutl -decrypt -inkey "$dir/key" -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -in "$dir/wrapped" -out "$dir/pass" 2>/dev/null &&
      openssl enc -d -aes-256-cbc -md sha256 -pass "file:$dir/pass" -in "$dir/body" -out "$2" 2>/dev/null
  else
    sed 1d "$1" >"$2"
  fi
  rm -f "$dir/wrapped" "$dir/body" "$dir/pass"
  [ "$(sed -n 1p "$2")" = 'holdfast-tickets 1' ] && [ "$(tail -n 1 "$2")" = end ]
}
# Newer batches first: they were signed last.
ticket_of() { # NUMBER: sets $link
  link=
  at=$batch
  while [ "$at" -ge 0 ] && [ "$at" -gt "$refused" ]; do
    signature=$(sed -n "s/^sig $1 //p" "$dir/links-$at")
    if [ -n "$signature" ]; then
      shape=$(sed -n 's/^part //p' "$dir/links-$at")
      link=\${shape%%@PART@*}$1\${shape#*@PART@}
      link=\${link%%@SIGNATURE@*}$signature\${link#*@SIGNATURE@}
      return 0
    fi
    at=$((at - 1))
  done
  return 1
}
`;

/** The small command that brings one more batch to a running dump. Says what the dump has done so far. */
export function memoryDropScript(drop: {
  readonly token: string;
  readonly directory: string;
  readonly number: number;
  readonly batch: string;
  readonly places: GuestPlaces;
}): string {
  return `${scriptHead(drop.places)}
dir=${quoted(checkedDirectory(drop.directory, drop.token, drop.places))}
ended=no-place
if [ -d "$dir" ] && [ ! -h "$dir" ]; then
  cat >"$dir/coming-${drop.number}" <<'TICKETS' && mv "$dir/coming-${drop.number}" "$dir/tickets-${drop.number}" && ended=dropped
${drop.batch}
TICKETS
fi
printf '{"schema":"holdfast.memory-drop/1","ended":"%s","progress":"%s"}\\n' "$ended" "$(cat "$dir/progress" 2>/dev/null)"
${exitStatusCase()}`;
}

/** The directory's name was told by the host, and is put into a script that runs as root: only what we could have made passes. */
export function checkedDirectory(directory: string, token: string, places: GuestPlaces): string {
  if (!places.candidates.some((candidate) => directory === `${candidate}/${directoryName(token)}`))
    throw new TypeError(`not a directory of this step: ${JSON.stringify(directory)}`);
  return directory;
}

/** Ends what a crashed run left: the script, the tool, the directory. Safe to repeat, and safe where nothing is left. */
export function memoryCleanupScript(token: string, places: GuestPlaces): string {
  return `${scriptHead(places)}
removed=''
for place in ${places.candidates.map(quoted).join(" ")}; do
  dir=$place/${directoryName(token)}
  [ -d "$dir" ] && [ ! -h "$dir" ] || continue
  for file in script tool.pid; do
    pid=$(cat "$dir/$file" 2>/dev/null) || continue
    # The number may be another process's by now: only one that has something of this directory open is ours.
    if ls -l "/proc/$pid/fd" 2>/dev/null | grep -q -F "$dir/"; then
      kill "$pid" 2>/dev/null
      for second in 1 2 3; do kill -0 "$pid" 2>/dev/null && sleep "$second"; done
      kill -9 "$pid" 2>/dev/null
    fi
  done
  umount "$dir" 2>/dev/null
  rm -rf "$dir" && removed="$removed,\\"$dir\\""
done
ended=cleaned
printf '{"schema":"holdfast.memory-cleanup/1","ended":"%s","removed":[%s]}\\n' "$ended" "\${removed#,}"
${exitStatusCase()}`;
}

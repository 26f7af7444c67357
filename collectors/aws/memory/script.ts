import { exitStatusCase, type GuestPlaces, quoted, scriptHead } from "./guest.ts";
import { checkedDirectory, ticketFunctions } from "./ticket-script.ts";
import { transferFunctions } from "./transfer-script.ts";

export type DumpWish = {
  readonly token: string;
  /** As the preflight answered, which made it. */
  readonly directory: string;
  readonly http: "curl" | "wget" | "python3";
  readonly tool: { readonly bytes: number; readonly sha256: string };
  /** Bytes of every part but the last; a multiple of 4096. */
  readonly partSize: number;
  /** Batch 0, with the tool's link: text of sealedTickets or plainTickets. */
  readonly batch: string;
  readonly tries: number;
  /** Seconds to wait for tickets before giving up, and between looks. */
  readonly patience: number;
  readonly poll: number;
  readonly places: GuestPlaces;
};

/** Parts whose MD5 is printed one by one; the answer has to stay below the 24,000 characters that SSM keeps. */
const listedParts = 400;

/**
 * The dump: fetches the pinned tool, checks it before it runs, cuts its stream into parts (one at a time, in tmpfs) and sends
 * each to its presigned link. The tool writes into a named pipe because it refuses /dev/stdout, and its source is named because
 * it would fall back to another in mid-stream (facts/aws.md §2.1). Content-MD5 because Object Lock refuses a part without a
 * checksum, and because an x-amz header that was not signed is refused (§7.3). Prints one JSON object of claims.
 */
export function memoryScript(wish: DumpWish): string {
  const { partSize, places } = wish;
  if (!Number.isSafeInteger(partSize) || partSize < 4096 || partSize % 4096 !== 0) throw new TypeError(`partSize is no multiple of 4096: ${partSize}`);
  if (!/^[0-9a-f]{64}$/.test(wish.tool.sha256)) throw new TypeError(`not a SHA-256: ${JSON.stringify(wish.tool.sha256)}`);
  const block = [1 << 20, 1 << 16, 4096].find((size) => partSize % size === 0) ?? 4096;
  return `${scriptHead(places)}
dir=${quoted(checkedDirectory(wish.directory, wish.token, places))}
http=${wish.http}
ended=interrupted
child='' tool='' summer='' rc=null parts=0 bytes=0 sha256='' executed='' list='' status=000 said=''
batch=0 refused=-1
# A trap runs wherever the signal found the shell: in bash also inside a redirection, where the answer would go into a file.
exec 7>&1
began=$(date +%s)
${transferFunctions}${ticketFunctions}
finish() {
  trap '' INT TERM HUP
  trap - EXIT
  exec >&7 7>&-
  for pid in $child $tool $summer; do kill "$pid" 2>/dev/null; done
  exec 3<&- 4>&-
  if [ -n "$tool" ]; then
    for second in 1 1 1; do kill -0 "$tool" 2>/dev/null && sleep "$second"; done
    kill -9 "$tool" 2>/dev/null
    if [ -z "$executed" ]; then executed=$(sha256_of "$dir/tool"); fi
    [ -n "$said" ] || said=$(head -c 600 "$dir/tool.said" 2>/dev/null)
  fi
  [ -n "$said" ] || said=$(head -c 600 "$dir/said" 2>/dev/null)
  said=$(printf '%s' "$said" | sed 's,[a-z]*://[^ ]*,LINK,g' | tr -c 'A-Za-z0-9._ :/+=()-' ' ' | cut -c 1-300)
  if [ -s "$dir/md5s" ]; then
    list=$(sha256_of "$dir/md5s")
    [ "$parts" -gt ${listedParts} ] || md5s=$(awk '{ printf "%s\\"%s\\"", (NR > 1 ? "," : ""), $2 }' "$dir/md5s")
  fi
  umount "$dir" 2>/dev/null
  rm -rf "$dir"
  left=false
  [ ! -e "$dir" ] || left=true
  printf '{"schema":"holdfast.memory-dump/1","ended":"%s","toolStatus":%s,"toolSha256":"%s","parts":%s,"bytes":%s,' "$ended" "$rc" "$executed" "$parts" "$bytes"
  printf '"sha256":"%s","md5sSha256":"%s","md5s":[%s],"seconds":%s,' "$sha256" "$list" "\${md5s-}" "$(($(date +%s) - began))"
  printf '"httpStatus":"%s","batch":%s,"left":%s,"said":"%s"}\\n' "$status" "$batch" "$left" "$said"
  ${exitStatusCase().trim().replaceAll("\n", "\n  ")}
}
stop() { ended=$1; exit 1; }

trap finish EXIT
if [ ! -d "$dir" ] || [ -h "$dir" ]; then stop no-place; fi
trap 'stop interrupted' INT TERM HUP
# Two dumps of one step would each send the same parts: the second finds the first one's mark and leaves it alone.
if ! (set -C; echo $$ >"$dir/script") 2>/dev/null; then
  trap - EXIT
  printf '{"schema":"holdfast.memory-dump/1","ended":"no-place","said":"this step is being carried out by process %s"}\\n' "$(cat "$dir/script")"
  exit ${/* no-place */ 47}
fi
# The agent ends a cancelled command with SIGKILL for its whole process group, which no trap sees: a process of another
# session waits for that, and cleans up.
if has setsid; then
  setsid sh -c 'while kill -0 "$1" 2>/dev/null; do sleep 1; done
    pid=$(cat "$2/tool.pid" 2>/dev/null) && kill -9 "$pid" 2>/dev/null
    umount "$2" 2>/dev/null; rm -rf "$2"' guard "$$" "$dir" </dev/null >/dev/null 2>&1 7>&- &
fi

cat >"$dir/tickets-0" <<'TICKETS'
${wish.batch}
TICKETS
open_batch "$dir/tickets-0" "$dir/links-0" || stop bad-tickets

attempt=0
until get "$(sed -n 's/^tool //p' "$dir/links-0")" "$dir/tool"; do
  attempt=$((attempt + 1))
  [ "$attempt" -lt ${wish.tries} ] || stop no-tool-fetch
  run sleep "$((attempt * ${wish.poll}))"
done
executed=$(sha256_of "$dir/tool")
if [ "$(wc -c <"$dir/tool")" -ne ${wish.tool.bytes} ] || [ "$executed" != ${wish.tool.sha256} ]; then stop tool-mismatch; fi
executed=''
chmod 700 "$dir/tool"

mkfifo -m 600 "$dir/pipe" "$dir/whole" || stop no-tmpfs-space
if has sha256sum; then sha256sum <"$dir/whole" >"$dir/sum" 7>&- & else openssl dgst -sha256 -r <"$dir/whole" >"$dir/sum" 7>&- & fi
summer=$!
exec 4>"$dir/whole"
# It holds a write end of its own before it becomes the tool: one that dies before opening the pipe ends the stream all the same.
( exec 5>"$dir/pipe" && exec "$dir/tool" acquire --compress --source ${quoted(`${places.proc}/kcore`)} "$dir/pipe" 4>&- ) </dev/null >"$dir/tool.said" 2>&1 7>&- &
tool=$!
echo "$tool" >"$dir/tool.pid"
exec 3<"$dir/pipe"

more_tickets() {
  next=$((batch + 1))
  [ -f "$dir/tickets-$next" ] || return 1
  open_batch "$dir/tickets-$next" "$dir/links-$next" || stop bad-tickets
  rm -f "$dir/tickets-$next"
  batch=$next
}
send() { # NUMBER FILE MD5
  failures=0 waited=0 denied=false
  while :; do
    while more_tickets; do :; done
    if ! ticket_of "$1"; then
      if [ "$waited" -ge ${wish.patience} ]; then
        if [ "$denied" = true ]; then stop upload-failed; else stop tickets-ran-out; fi
      fi
      run sleep ${wish.poll}
      waited=$((waited + ${wish.poll}))
      continue
    fi
    if put "$link" "$2" "$3"; then return 0; fi
    if [ "$status" = 403 ]; then
      # Lapsed, or withdrawn: every ticket of this age is. The next batch may do.
      refused=$batch denied=true
      continue
    fi
    failures=$((failures + 1))
    [ "$failures" -lt ${wish.tries} ] || stop upload-failed
    run sleep "$((failures * ${wish.poll}))"
  done
}
while :; do
  dd bs=${block} count=${partSize / block} iflag=fullblock of="$dir/part" <&3 2>"$dir/said" 4>&- 7>&- &
  child=$!
  wait "$child" || stop no-tmpfs-space
  child=''
  size=$(wc -c <"$dir/part")
  [ "$size" -gt 0 ] || break
  md5=$(md5_of "$dir/part")
  send "$((parts + 1))" "$dir/part" "$(base64_of_hex "$md5")"
  cat "$dir/part" >&4
  parts=$((parts + 1)) bytes=$((bytes + size))
  echo "$parts $md5 $size" >>"$dir/md5s"
  echo "$parts $bytes" >"$dir/progress"
  [ "$size" -eq ${partSize} ] || break
done
exec 3<&-
wait "$tool"
rc=$?
rm -f "$dir/said"
exec 4>&-
wait "$summer"
sha256=$(cut -c 1-64 "$dir/sum")
executed=$(sha256_of "$dir/tool")
tool='' summer=''
said=$(head -c 600 "$dir/tool.said")
if [ "$rc" -eq 0 ]; then ended=dumped; else ended="tool-failed"; fi
exit 0
`;
}

import { directoryName, exitStatusCase, type GuestPlaces, quoted, scriptHead } from "./guest.ts";

export type PreflightWish = {
  readonly token: string;
  /** Bytes that the tool, one part and the links need in tmpfs. */
  readonly needBytes: number;
  readonly places: GuestPlaces;
};

/** Ranges of /proc/iomem that are printed; 4 kB in all is what the answer may have, whatever the host. */
const maxRanges = 96;

/**
 * Looks whether the whole memory can be had and prints one JSON object. Read-only but for one directory in tmpfs, which is left
 * there for the dump: it holds a one-time RSA key, so that no usable link has to stand in the command history or in CloudTrail
 * (facts/aws.md §2.2). The key is tried before it is offered: a FIPS or an old openssl may refuse.
 */
export function memoryPreflightScript(wish: PreflightWish): string {
  const { places } = wish;
  return `${scriptHead(places)}
proc=${quoted(places.proc)}
sys=${quoted(places.sys)}
name=${quoted(directoryName(wish.token))}
need=${wish.needBytes}
ended=ready
dir='' free=0 noexec=false mounted=false key='' http='' lockdown='' tools=''
fail() { [ "$ended" != ready ] || ended=$1; }
plain() { tr -d '\\n' | tr -c 'A-Za-z0-9._ :/+=()[]-' '?' | cut -c "1-$1"; }
for tool in curl wget python3 openssl sha256sum md5sum base64 od awk dd mkfifo setsid; do
  if has "$tool"; then tools="$tools $tool"; fi
done
arch=$(uname -m | plain 40)
[ "$arch" = x86_64 ] || fail not-x86_64
[ "$(id -u)" = ${places.uid} ] || fail not-root
lockdown=$(plain 80 2>/dev/null <"$sys/kernel/security/lockdown" || :)
case $lockdown in *'[confidentiality]'*) fail lockdown ;; esac
kcore=false
if [ -r "$proc/kcore" ]; then kcore=true; else fail no-kcore; fi
if has curl; then http=curl
elif has wget && wget --help 2>&1 | grep -q -e --body-file; then http=wget
elif has python3 && python3 -I -c 'import http.client, ssl' 2>/dev/null; then http=python3
else fail no-http-client
fi
for tool in awk dd mkfifo sed tr cut wc mktemp; do has "$tool" || fail no-utilities; done
has md5sum || has openssl || fail no-utilities
has sha256sum || has openssl || fail no-utilities
dd if=/dev/null of=/dev/null bs=1 count=1 iflag=fullblock 2>/dev/null || fail no-utilities

is_tmpfs() { # where it is mounted, by the kernel's own table
  on=$(df -P "$1" 2>/dev/null | awk 'END { print $6 }')
  awk -v on="$on" '$2 == on { type = $3; flags = $4 } END { if (type == "tmpfs" || type == "ramfs") print flags; else exit 1 }' /proc/mounts
}
may_run() {
  printf '#!/bin/sh\\nexit 0\\n' >"$1/try" && chmod 700 "$1/try" && "$1/try" 2>/dev/null
  ran=$?
  rm -f "$1/try"
  return "$ran"
}
if [ "$ended" = ready ]; then
  second=''
  for candidate in ${places.candidates.map(quoted).join(" ")}; do
    flags=$(is_tmpfs "$candidate") || continue
    case ,$flags, in *,ro,*) continue ;; esac
    room=$(df -P -k "$candidate" | awk 'END { printf "%.0f", $4 * 1024 }')
    [ "$room" -ge "$need" ] || continue
    # mkdir, not mkdir -p: a directory that somebody else made in a place where all may write is not ours.
    mkdir -m 700 "$candidate/$name" 2>/dev/null || [ "$(ls -ldn "$candidate/$name" | awk '{ print substr($1, 1, 1) $3 }')" = "d${places.uid}" ] || continue
    chmod 700 "$candidate/$name"
    if may_run "$candidate/$name"; then
      free=$room dir=$candidate/$name
      [ -z "$second" ] || rmdir "$second"
      break
    fi
    noexec=true
    if [ -z "$second" ]; then second=$candidate/$name free=$room; else rmdir "$candidate/$name"; fi
  done
  # Nothing may be run in any of them: a private tmpfs that nobody else sees by chance, on a directory that is itself in tmpfs.
  if [ -z "$dir" ] && [ -n "$second" ]; then
    if mount -t tmpfs -o "mode=0700,nosuid,nodev,exec,size=$need" tmpfs "$second" 2>/dev/null && may_run "$second"; then
      dir=$second mounted=true
    else
      umount "$second" 2>/dev/null
      rmdir "$second"
    fi
  fi
  [ -n "$dir" ] || fail no-tmpfs-space
fi

key_works() {
  printf 0123456789abcdef >"$dir/try"
  openssl pkeyutl -encrypt -pubin -inkey "$dir/pub" -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -in "$dir/try" -out "$dir/try.rsa" &&
    openssl pkeyutl -decrypt -inkey "$dir/key" -pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -in "$dir/try.rsa" -out "$dir/try.out" &&
    cmp -s "$dir/try" "$dir/try.out" &&
    openssl enc -aes-256-cbc -md sha256 -pass "file:$dir/try" -in "$dir/pub" -out "$dir/try.aes" &&
    openssl enc -d -aes-256-cbc -md sha256 -pass "file:$dir/try" -in "$dir/try.aes" -out "$dir/try.out" &&
    cmp -s "$dir/pub" "$dir/try.out"
}
if [ "$ended" = ready ] && has openssl && has cmp; then
  if [ -s "$dir/key" ] || openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$dir/key" 2>/dev/null; then
    if openssl pkey -in "$dir/key" -pubout -out "$dir/pub" 2>/dev/null && key_works 2>/dev/null; then
      key=$(openssl pkey -in "$dir/key" -pubout -outform DER | openssl base64 | tr -d '\\n')
    fi
  fi
  rm -f "$dir"/try*
fi

ram=$(sed -n 's/^\\([0-9a-f]*-[0-9a-f]*\\) : System RAM$/\\1/p' "$proc/iomem" 2>/dev/null)
ranges=$(printf '%s\\n' "$ram" | grep -c .)
list=$(printf '%s\\n' "$ram" | sed -n '/./p' | sed '${maxRanges}q' | sed 's/.*/"&"/' | tr '\\n' ',')
if [ "$ranges" -gt ${maxRanges} ]; then list=; fi
text() { if [ -n "$1" ]; then printf '"%s"' "$1"; else printf null; fi; }
total=$(awk '$1 == "MemTotal:" { print $2 }' "$proc/meminfo" 2>/dev/null)
boot=$(plain 40 2>/dev/null <"$proc/sys/kernel/random/boot_id" || :)
printf '{"schema":"holdfast.memory-preflight/1","ended":"%s","arch":"%s","kernel":"%s","uid":%s,' "$ended" "$arch" "$(uname -r | plain 80)" "$(id -u)"
printf '"lockdown":%s,"kcore":%s,"memTotalKb":%s,"bootId":%s,"clock":"%s",' "$(text "$lockdown")" "$kcore" "\${total:-null}" "$(text "$boot")" "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
printf '"directory":%s,"free":%s,"noexec":%s,"mounted":%s,"http":%s,' "$(text "$dir")" "$free" "$noexec" "$mounted" "$(text "$http")"
printf '"tools":"%s","publicKey":%s,"ranges":%s,"ram":[%s]}\\n' "\${tools# }" "$(text "$key")" "$ranges" "\${list%,}"
${exitStatusCase()}`;
}

/**
 * Shell functions that fetch and send with what the host has. Links never stand on a command line, where every user of the
 * host could read them: they go through files in the script's own directory. The environment's and the user's configuration
 * of curl, wget and python3 is not read. Nothing follows a redirect: a link names one object and nothing else.
 */
export const transferFunctions: string = `
put_py='
import http.client, os, ssl, sys, urllib.parse
link = open(sys.argv[1]).read().strip()
at = urllib.parse.urlsplit(link)
kind = http.client.HTTPSConnection if at.scheme == "https" else http.client.HTTPConnection
way = kind(at.netloc, timeout=60)
path = at.path + ("?" + at.query if at.query else "")
if sys.argv[2] == "PUT":
    size = os.path.getsize(sys.argv[3])
    way.request("PUT", path, open(sys.argv[3], "rb"), {"Content-MD5": sys.argv[4], "Content-Length": str(size)})
else:
    way.request("GET", path)
answer = way.getresponse()
out = sys.argv[3] if sys.argv[2] == "GET" else sys.argv[5]
with open(out, "wb") as file:
    while True:
        piece = answer.read(65536)
        if not piece:
            break
        file.write(piece)
print(answer.status)
'
wget_status() { sed -n 's/^ *HTTP\\/[0-9.]* \\([0-9][0-9][0-9]\\).*/\\1/p' "$dir/said" | tail -n 1; }
# Runs in the background and is waited for: a shell does not answer signals while a program runs in front.
run() {
  "$@" 3<&- 4>&- </dev/null &
  child=$!
  wait "$child"
  ran=$?
  child=
  return "$ran"
}
# get LINK FILE / put LINK FILE MD5: sets $status to the HTTP status, or 000.
get() {
  status=000
  case $http in
    curl)
      printf 'url = "%s"\\noutput = "%s"\\n' "$1" "$2" >"$dir/link"
      run curl -q -s -S -g -K "$dir/link" --connect-timeout 20 --speed-limit 1000 --speed-time 60 -w '%{http_code}' >"$dir/status" 2>"$dir/said"
      status=$(cat "$dir/status") ;;
    wget)
      printf '%s\\n' "$1" >"$dir/link"
      run wget --no-config -nv -S --tries=1 --timeout=60 --max-redirect=0 -O "$2" -i "$dir/link" >/dev/null 2>"$dir/said"
      status=$(wget_status) ;;
    python3)
      printf '%s\\n' "$1" >"$dir/link"
      run python3 -I -c "$put_py" "$dir/link" GET "$2" >"$dir/status" 2>"$dir/said"
      status=$(cat "$dir/status") ;;
  esac
  got=$ran
  rm -f "$dir/link"
  [ "$got" -eq 0 ] && [ "\${status:=000}" = 200 ]
}
put() {
  status=000
  case $http in
    curl)
      printf 'url = "%s"\\nupload-file = "%s"\\nheader = "Content-MD5: %s"\\noutput = "%s"\\n' "$1" "$2" "$3" "$dir/answer" >"$dir/link"
      run curl -q -s -S -g -K "$dir/link" --connect-timeout 20 --speed-limit 1000 --speed-time 60 -w '%{http_code}' >"$dir/status" 2>"$dir/said"
      status=$(cat "$dir/status") ;;
    wget)
      printf '%s\\n' "$1" >"$dir/link"
      run wget --no-config -nv -S --tries=1 --timeout=60 --max-redirect=0 --method=PUT --body-file="$2" --header="Content-MD5: $3" -O "$dir/answer" -i "$dir/link" >/dev/null 2>"$dir/said"
      status=$(wget_status) ;;
    python3)
      printf '%s\\n' "$1" >"$dir/link"
      run python3 -I -c "$put_py" "$dir/link" PUT "$2" "$3" "$dir/answer" >"$dir/status" 2>"$dir/said"
      status=$(cat "$dir/status") ;;
  esac
  sent=$ran
  rm -f "$dir/link" "$dir/answer"
  [ "$sent" -eq 0 ] && [ "\${status:=000}" = 200 ]
}
sha256_of() {
  if has sha256sum; then sha256sum "$1"; else openssl dgst -sha256 -r "$1"; fi | cut -c 1-64
}
md5_of() {
  if has md5sum; then md5sum "$1"; else openssl dgst -md5 -r "$1"; fi | cut -c 1-32
}
# RFC 1864 wants base64; not every host has a base64(1).
base64_of_hex() {
  printf '%s' "$1" | awk '{
    digits = "0123456789abcdef"; letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    for (at = 1; at <= length($0); at += 6) {
      run = substr($0, at, 6); value = 0
      for (i = 1; i <= 6; i++) value = value * 16 + (i <= length(run) ? index(digits, substr(run, i, 1)) - 1 : 0)
      whole = length(run) / 2 + 1
      step = 262144 # a busybox without math has no ^
      for (i = 1; i <= 4; i++) {
        letter = int(value / step); value -= letter * step
        printf "%s", i <= whole ? substr(letters, letter + 1, 1) : "="
        step /= 64
      }
    }
  }'
}
`;

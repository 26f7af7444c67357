import { windowsHead } from "./windows-guest.ts";
import { windowsTicketFunctions } from "./windows-ticket-script.ts";

export type WindowsDumpWish = {
  readonly token: string;
  readonly tool: { readonly bytes: number; readonly sha256: string };
  readonly partSize: number;
  readonly batch: string;
  readonly tries: number;
  /** Seconds. */
  readonly patience: number;
  readonly poll: number;
};

/**
 * The dump on Windows: fetches the pinned WinPmem, checks it before it runs, and sends what it writes to its standard output (`-`)
 * part by part to presigned links; a part is held in the process's memory and never on the disk. The image is raw: from address 0
 * on, with zeros where there is no memory. Prints one JSON object of claims.
 */
export function windowsMemoryScript(wish: WindowsDumpWish): string {
  const { tool, partSize, tries, patience, poll } = wish;
  if (!Number.isSafeInteger(partSize) || partSize < 4096 || partSize >= 2 ** 31) throw new TypeError(`no part size for .NET: ${partSize}`);
  if (!/^[0-9a-f]{64}$/.test(tool.sha256)) throw new TypeError(`not a SHA-256: ${JSON.stringify(tool.sha256)}`);
  return `${windowsHead(wish.token)}
Add-Type -AssemblyName System.Net.Http
[Net.ServicePointManager]::SecurityProtocol = [Net.ServicePointManager]::SecurityProtocol -bor [Net.SecurityProtocolType]::Tls12
$began = [DateTime]::UtcNow
$script:ended = 'interrupted'; $script:parts = 0; $script:bytes = [int64]0; $script:status = 0; $script:batch = 0; $script:refused = -1
$sha256 = ''; $executed = ''; $said = ''; $rc = $null; $process = $null; $mark = $null
$opened = @{}
$exe = "$dir\\winpmem.exe"
$handler = New-Object Net.Http.HttpClientHandler
$handler.AllowAutoRedirect = $false
$client = New-Object Net.Http.HttpClient $handler
$client.Timeout = [TimeSpan]::FromMinutes(15)
function Hex($bytes) { [BitConverter]::ToString($bytes).Replace('-', '').ToLowerInvariant() }
function Digest-Of($path) { (Get-FileHash -Algorithm SHA256 -LiteralPath $path).Hash.ToLowerInvariant() }
function Stop-With($word) { $script:ended = $word; throw "holdfast: $word" }
${windowsTicketFunctions}
function Take-Batches {
  while (Test-Path -LiteralPath "$dir\\tickets-$($script:batch + 1)") {
    $path = "$dir\\tickets-$($script:batch + 1)"
    try { $opened[$script:batch + 1] = Open-Batch ([IO.File]::ReadAllText($path)) } catch { Stop-With 'bad-tickets' }
    Remove-Item -Force -LiteralPath $path
    $script:batch += 1
  }
}
function Link-Of($number) {
  for ($at = $script:batch; $at -gt $script:refused -and $at -ge 0; $at--) {
    $signature = $opened[$at].sig[$number]
    if ($signature) { return $opened[$at].part.Replace('@PART@', [string]$number).Replace('@SIGNATURE@', $signature) }
  }
  return $null
}
function Put($link, $buffer, $size, $md5) {
  $script:status = 0
  try {
    $request = New-Object Net.Http.HttpRequestMessage ([Net.Http.HttpMethod]::Put), $link
    $request.Content = New-Object Net.Http.ByteArrayContent $buffer, 0, $size
    $request.Content.Headers.ContentMD5 = $md5
    $answer = $client.SendAsync($request).GetAwaiter().GetResult()
    $script:status = [int]$answer.StatusCode
    $answer.Dispose()
  } catch { }
  return $script:status -eq 200
}
function Send($number, $buffer, $size, $md5) {
  $failures = 0; $waited = 0; $denied = $false
  while ($true) {
    Take-Batches
    $link = Link-Of $number
    if (-not $link) {
      if ($waited -ge ${patience}) { if ($denied) { Stop-With 'upload-failed' } else { Stop-With 'tickets-ran-out' } }
      Start-Sleep -Seconds ${poll}
      $waited += ${poll}
      continue
    }
    if (Put $link $buffer $size $md5) { return }
    if ($script:status -eq 403) { $script:refused = $script:batch; $denied = $true; continue }
    $failures += 1
    if ($failures -ge ${tries}) { Stop-With 'upload-failed' }
    Start-Sleep -Seconds ($failures * ${poll})
  }
}
$text = @'
${wish.batch}
'@
try {
  if (-not (Test-Path -LiteralPath $dir -PathType Container)) { Stop-With 'no-place' }
  try { $mark = [IO.File]::Open("$dir\\script", [IO.FileMode]::CreateNew) } catch { Stop-With 'no-place' }
  try { $opened[0] = Open-Batch $text } catch { Stop-With 'bad-tickets' }
  for ($try = 1; ; $try++) {
    try { [IO.File]::WriteAllBytes($exe, $client.GetByteArrayAsync($opened[0].tool).GetAwaiter().GetResult()); break }
    catch { if ($try -ge ${tries}) { Stop-With 'no-tool-fetch' }; Start-Sleep -Seconds ($try * ${poll}) }
  }
  if ((Get-Item -LiteralPath $exe).Length -ne ${tool.bytes} -or (Digest-Of $exe) -ne '${tool.sha256}') { Stop-With 'tool-mismatch' }
  $start = New-Object Diagnostics.ProcessStartInfo $exe, '-'
  $start.UseShellExecute = $false; $start.CreateNoWindow = $true; $start.WorkingDirectory = $dir
  $start.RedirectStandardOutput = $true; $start.RedirectStandardError = $true
  try { $process = [Diagnostics.Process]::Start($start) } catch { $said = $_.Exception.Message; Stop-With 'tool-failed' }
  $words = $process.StandardError.ReadToEndAsync()
  $stream = $process.StandardOutput.BaseStream
  $whole = [Security.Cryptography.SHA256]::Create()
  $md5 = [Security.Cryptography.MD5]::Create()
  $buffer = New-Object byte[] ${partSize}
  do {
    $size = 0
    while ($size -lt $buffer.Length) {
      $got = $stream.Read($buffer, $size, $buffer.Length - $size)
      if ($got -le 0) { break }
      $size += $got
    }
    if ($size -eq 0) { break }
    Send ($script:parts + 1) $buffer $size ($md5.ComputeHash($buffer, 0, $size))
    [void]$whole.TransformBlock($buffer, 0, $size, $null, 0)
    $script:parts += 1; $script:bytes += $size
  } while ($size -eq $buffer.Length)
  $process.WaitForExit()
  $rc = $process.ExitCode
  $said = $words.GetAwaiter().GetResult()
  [void]$whole.TransformFinalBlock((New-Object byte[] 0), 0, 0)
  $sha256 = Hex $whole.Hash
  $executed = Digest-Of $exe
  $script:ended = if ($rc -eq 0) { 'dumped' } else { 'tool-failed' }
} catch {
  if (-not $said) { $said = $_.Exception.Message }
} finally {
  if ($mark) { $mark.Dispose() }
  if ($process -and -not $process.HasExited) { $process.Kill(); [void]$process.WaitForExit(10000) }
  if ($process -and -not $executed -and (Test-Path -LiteralPath $exe)) { $executed = Digest-Of $exe }
  if ($mark -or $script:ended -ne 'no-place') { Remove-Item -Recurse -Force -LiteralPath $dir -ErrorAction SilentlyContinue }
}
Say ([ordered]@{
  schema = 'holdfast.memory-dump/1'; ended = $script:ended; toolStatus = $rc; toolSha256 = $executed; parts = $script:parts; bytes = $script:bytes
  sha256 = $sha256; md5s = @(); seconds = [int]([DateTime]::UtcNow - $began).TotalSeconds; httpStatus = [string]$script:status; batch = $script:batch
  left = ($mark -and (Test-Path -LiteralPath $dir)) -eq $true; said = Plain (($said -replace '[a-z]+://[^ ]*', 'LINK').Trim()) 300
})
`;
}

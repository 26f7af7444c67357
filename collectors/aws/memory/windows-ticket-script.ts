import { windowsHead } from "./windows-guest.ts";

/** PowerShell functions that read a batch of tickets (memory-tickets.ts), sealed or plain. */
export const windowsTicketFunctions: string = `
function Unseal($lines) {
  $gap = [Array]::IndexOf($lines, '')
  $wrapped = [Convert]::FromBase64String(($lines[1..($gap - 1)]) -join '')
  $body = [Convert]::FromBase64String(($lines[($gap + 1)..($lines.Length - 1)]) -join '')
  $rsa = New-Object Security.Cryptography.RSACng
  $rsa.FromXmlString([IO.File]::ReadAllText("$dir\\key"))
  $phrase = $rsa.Decrypt($wrapped, [Security.Cryptography.RSAEncryptionPadding]::OaepSHA256)
  $seed = [byte[]]($phrase + $body[8..15])
  $sha = [Security.Cryptography.SHA256]::Create()
  $first = $sha.ComputeHash($seed)
  $second = $sha.ComputeHash([byte[]]($first + $seed))
  $aes = [Security.Cryptography.Aes]::Create()
  $opener = $aes.CreateDecryptor($first, [byte[]]$second[0..15])
  [Text.Encoding]::ASCII.GetString($opener.TransformFinalBlock($body, 16, $body.Length - 16))
}
function Open-Batch($text) {
  $lines = $text.Replace([string][char]13, '').TrimEnd([char]10).Split([char]10)
  $plain = if ($lines[0] -eq 'sealed') { (Unseal $lines).TrimEnd([char]10).Split([char]10) } else { $lines[1..($lines.Length - 1)] }
  if ($plain[0] -ne 'holdfast-tickets 1' -or $plain[-1] -ne 'end') { throw 'not a whole batch of tickets' }
  $open = @{ tool = ''; part = ''; sig = @{} }
  foreach ($line in $plain) {
    $words = $line.Split(' ')
    if ($words[0] -eq 'sig') { $open.sig[[int]$words[1]] = $words[2] }
    elseif ($words[0] -eq 'tool' -or $words[0] -eq 'part') { $open[$words[0]] = $words[1] }
  }
  $open
}
`;

export function windowsDropScript(token: string, number: number, batch: string): string {
  return `${windowsHead(token)}
$ended = 'no-place'
if (Test-Path -LiteralPath $dir -PathType Container) {
  $batch = @'
${batch}
'@
  [IO.File]::WriteAllText("$dir\\coming-${number}", $batch)
  Move-Item -Force -LiteralPath "$dir\\coming-${number}" -Destination "$dir\\tickets-${number}"
  $ended = 'dropped'
}
Say ([ordered]@{ schema = 'holdfast.memory-drop/1'; ended = $ended; progress = '' })
`;
}

/** Ends the tool, has it unload its driver, removes the directory. Safe where nothing is left. */
export function windowsCleanupScript(token: string): string {
  return `${windowsHead(token)}
$removed = @()
if (Test-Path -LiteralPath $dir -PathType Container) {
  $tool = "$dir\\winpmem.exe"
  Get-Process | Where-Object { $_.Path -eq $tool } | Stop-Process -Force
  if (Test-Path -LiteralPath $tool) { try { & $tool -u 2>&1 | Out-Null } catch { } }
  Remove-Item -Recurse -Force -LiteralPath $dir
  $removed += $dir
}
Say ([ordered]@{ schema = 'holdfast.memory-cleanup/1'; ended = 'cleaned'; removed = @($removed) })
`;
}

import { directoryName, guestEndings } from "./guest.ts";

/** Where the scripts work on a Windows host: there is no tmpfs, so that the tool and the key lie on the disk while it goes on. */
export function windowsDirectory(token: string): string {
  return `C:\\Windows\\Temp\\${directoryName(token)}`;
}

/**
 * The first lines of every script, for Windows PowerShell 5.1, which every Windows Server since 2016 has. Here-strings are
 * single-quoted: nothing in them is expanded.
 */
export function windowsHead(token: string): string {
  const statuses = Object.entries(guestEndings).map(([word, status]) => `'${word}' = ${status}`);
  return `$ErrorActionPreference = 'Stop'
$ProgressPreference = 'SilentlyContinue'
$dir = '${windowsDirectory(token)}'
$statuses = @{ ${statuses.join("; ")} }
function Plain($text, $most) {
  $line = ([string]$text) -replace '[^A-Za-z0-9._ :/+=()\\[\\]-]', '?'
  if ($line.Length -gt $most) { $line.Substring(0, $most) } else { $line }
}
function Say($answer) {
  [Console]::Out.WriteLine((ConvertTo-Json -Compress -Depth 4 $answer))
  exit $statuses[$answer.ended]
}
`;
}

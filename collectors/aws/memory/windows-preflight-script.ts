import { windowsHead } from "./windows-guest.ts";

/** SubjectPublicKeyInfo of every RSA key of 2,048 bits with exponent 65537 (RFC 3279, §2.3.1), around its modulus. */
const spki = { before: "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA", after: [2, 3, 1, 0, 1] };

/**
 * Looks whether memory can be had from a Windows host, and leaves a directory for administrators only with a one-time key in it.
 * What may keep the driver from being loaded (HVCI, the block list) is told and does not decide: only loading it shows.
 */
export function windowsPreflightScript(token: string, needBytes: number): string {
  return `${windowsHead(token)}
$ended = 'ready'
$key = $null
$free = 0
$arch = if ($env:PROCESSOR_ARCHITECTURE -eq 'AMD64') { 'x86_64' } else { Plain $env:PROCESSOR_ARCHITECTURE 40 }
$me = New-Object Security.Principal.WindowsPrincipal([Security.Principal.WindowsIdentity]::GetCurrent())
if ($arch -ne 'x86_64') { $ended = 'not-x86_64' }
elseif (-not $me.IsInRole([Security.Principal.WindowsBuiltInRole]::Administrator)) { $ended = 'not-root' }
$free = (New-Object IO.DriveInfo 'C').AvailableFreeSpace
if ($ended -eq 'ready' -and $free -lt ${needBytes}) { $ended = 'no-disk-space' }
$guards = @()
try {
  $guard = Get-CimInstance -Namespace root/Microsoft/Windows/DeviceGuard -ClassName Win32_DeviceGuard
  if ($guard.SecurityServicesRunning -contains 2) { $guards += 'HVCI running' }
} catch { $guards += 'HVCI not known' }
try {
  $list = Get-ItemProperty 'HKLM:/SYSTEM/CurrentControlSet/Control/CI/Config' -Name VulnerableDriverBlocklistEnable
  if ($list.VulnerableDriverBlocklistEnable -eq 1) { $guards += 'driver block list on' }
} catch { $guards += 'driver block list not set' }
if ($ended -eq 'ready') {
  try {
    if (-not (Test-Path -LiteralPath $dir)) { [void][IO.Directory]::CreateDirectory($dir) }
    $acl = New-Object Security.AccessControl.DirectorySecurity
    $acl.SetSecurityDescriptorSddlForm('O:BAG:BAD:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)')
    Set-Acl -LiteralPath $dir -AclObject $acl
  } catch { $ended = 'no-place' }
}
if ($ended -eq 'ready') {
  try {
    $rsa = New-Object Security.Cryptography.RSACng 2048
    [IO.File]::WriteAllText("$dir\\key", $rsa.ToXmlString($true))
    $modulus = $rsa.ExportParameters($false).Modulus
    $key = [Convert]::ToBase64String([byte[]]([Convert]::FromBase64String('${spki.before}') + $modulus + [byte[]](${spki.after.join(", ")})))
  } catch { $key = $null }
}
$system = Get-CimInstance Win32_OperatingSystem
$total = (Get-CimInstance Win32_ComputerSystem).TotalPhysicalMemory
Say ([ordered]@{
  schema = 'holdfast.memory-preflight/1'; ended = $ended; arch = $arch; kernel = Plain ($system.Caption + ' ' + $system.Version) 80
  lockdown = Plain ($guards -join ' / ') 80; memTotalKb = [int64][math]::Floor($total / 1024); clock = [DateTime]::UtcNow.ToString('s') + 'Z'
  directory = $dir; free = $free; mounted = $false; http = 'dotnet'; tools = 'powershell ' + $PSVersionTable.PSVersion; publicKey = $key; ranges = 0; ram = @()
})
`;
}

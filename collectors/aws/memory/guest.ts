/**
 * What the in-guest scripts and the room agree on. The scripts run as root on a host that may be in another's hands: they get
 * no credentials, write in tmpfs only, and what they print is a claim.
 */
export type GuestPlaces = {
  readonly proc: string;
  readonly sys: string;
  /** tmpfs directories to try, in this order. */
  readonly candidates: readonly string[];
  /** Set by the script itself: a caller's PATH on a suspect host may lead anywhere. */
  readonly path: string;
  /** The user that can read all of memory. */
  readonly uid: number;
};

export const linuxPlaces: GuestPlaces = {
  proc: "/proc",
  sys: "/sys",
  candidates: ["/dev/shm", "/run"],
  path: "/usr/sbin:/usr/bin:/sbin:/bin",
  uid: 0,
};

export type GuestEnding =
  | "ready"
  | "dumped"
  | "dropped"
  | "cleaned"
  | "not-root"
  | "not-x86_64"
  | "lockdown"
  | "no-kcore"
  | "no-tmpfs-space"
  | "no-disk-space"
  | "no-http-client"
  | "no-utilities"
  | "no-place"
  | "no-tool-fetch"
  | "tool-mismatch"
  | "bad-tickets"
  | "tickets-ran-out"
  | "upload-failed"
  | "tool-failed"
  | "interrupted";

/** How a script ended, as its exit status. 194 is left out: the agent takes it for a wish to reboot (SSM, "rebooting from scripts"). */
export const guestEndings: Readonly<Record<GuestEnding, number>> = {
  ready: 0,
  dumped: 0,
  dropped: 0,
  cleaned: 0,
  "not-root": 40,
  "not-x86_64": 41,
  lockdown: 42,
  "no-kcore": 43,
  "no-tmpfs-space": 44,
  "no-http-client": 45,
  "no-utilities": 46,
  "no-place": 47,
  "no-tool-fetch": 48,
  "tool-mismatch": 49,
  "bad-tickets": 50,
  "tickets-ran-out": 51,
  "upload-failed": 52,
  "tool-failed": 53,
  interrupted: 54,
  "no-disk-space": 56,
};

/** For the shell, and never with `{{`, which SSM would take for a parameter of its own. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Names the directory of one collection's memory step: `[0-9a-z]{16,40}`. */
export function directoryName(token: string): string {
  if (!/^[0-9a-z]{16,40}$/.test(token)) throw new TypeError(`not a memory token: ${JSON.stringify(token)}`);
  return `holdfast-memory-${token}`;
}

/** The first lines of every script. Libraries put in front of ours by the environment are dropped; that a root kit is not, is why the digest counts here. */
export function scriptHead(places: GuestPlaces): string {
  return `set -u
umask 077
PATH=${quoted(places.path)}
LC_ALL=C
export PATH LC_ALL
unset WGETRC SYSTEM_WGETRC LD_PRELOAD LD_LIBRARY_PATH ENV BASH_ENV CDPATH
has() { command -v "$1" >/dev/null 2>&1; }
`;
}

/** A `case` that turns the word in $ended into the exit status. */
export function exitStatusCase(): string {
  const lines = Object.entries(guestEndings).map(([word, status]) => `  ${word}) exit ${status} ;;`);
  return `case $ended in\n${lines.join("\n")}\n  *) exit 55 ;;\nesac\n`;
}

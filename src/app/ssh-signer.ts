import { spawn } from "node:child_process";
import { access, readFile } from "node:fs/promises";
import { isAbsolute, join } from "node:path";
import type { ActorSigner } from "../core/actor-signer.ts";
import { HoldfastError, systemCode } from "../core/error.ts";
import type { Environment } from "../core/ports.ts";
import { parseSshKey, type SshKey } from "../ledger/actors/ssh-key.ts";
import { SSHSIG_NAMESPACE, sshsigBlob, sshsigData, unarmourSshsig } from "../ledger/actors/ssh-signature.ts";
import { sshAgent } from "./ssh-agent.ts";

/** Long enough to find and touch a hardware key, and shorter than other writers wait for the ledger (120 s). */
const PATIENCE_MS = 60_000;

export type SignerOptions = { readonly actor: string; readonly keyFile: string; readonly configFolder: string; readonly environment: Environment };

/**
 * Signs with the key of a `.pub` file: through the ssh-agent where one holds it, which costs a round trip on a socket, else with
 * `ssh-keygen -Y sign` and the private key beside it, which costs a process an act. The private key is never read here.
 */
export async function sshSigner(options: SignerOptions): Promise<ActorSigner> {
  const publicFile = publicKeyFile(options);
  const key = await readPublicKey(publicFile);
  const privateFile = publicFile.slice(0, -".pub".length);
  const socket = options.environment["SSH_AUTH_SOCK"] ?? "";
  let way: Promise<Way> | null = null;
  return {
    actor: options.actor,
    publicKey: key.line,
    async sign(message) {
      way ??= findWay(key, privateFile, socket);
      return (await way)(message);
    },
  };
}

type Way = (message: Uint8Array) => Promise<Uint8Array>;

async function findWay(key: SshKey, privateFile: string, socket: string): Promise<Way> {
  const agent = socket === "" ? null : sshAgent(socket, PATIENCE_MS);
  let trouble: unknown = null;
  const held = await agent?.keys().catch((error: unknown) => {
    trouble = error; // a stale socket must not hide that the key file would do; it is told if that fails as well
    return [];
  });
  if (agent !== null && held?.some((blob) => blob.equals(key.blob)) === true)
    return async (message) => {
      const signature = await agent.sign(key.blob, sshsigData(message));
      if (signature === null) throw new HoldfastError("config", `the ssh-agent refuses to sign with ${key.fingerprint}; allow it there, or see ssh-add -l`);
      return sshsigBlob(key.blob, signature);
    };
  await demandUsable(key, privateFile, trouble);
  return async (message) => {
    const ran = await keygen(["-Y", "sign", "-q", "-n", SSHSIG_NAMESPACE, "-f", privateFile], message);
    if (ran.code !== 0) throw new HoldfastError("config", `ssh-keygen could not sign with ${privateFile}: ${ran.stderr.trim() || `exit ${ran.code}`}`);
    return unarmourSshsig(ran.stdout);
  };
}

/** A passphrase is asked for once, by ssh-add: here it would be asked for with every act, or hang where nobody sits. */
async function demandUsable(key: SshKey, privateFile: string, trouble: unknown): Promise<void> {
  try {
    await access(privateFile);
  } catch (error) {
    throw new HoldfastError(
      "config",
      `actor.key: no ssh-agent holds ${key.fingerprint}, and its private key is not at ${privateFile}; run ssh-add, and see that SSH_AUTH_SOCK is set`,
      trouble ?? error,
    );
  }
  const ran = await keygen(["-y", "-P", "", "-f", privateFile], Buffer.alloc(0));
  if (ran.code !== 0)
    throw new HoldfastError(
      "config",
      `actor.key: ${privateFile} cannot be used as it is (${ran.stderr.trim()}); if it has a passphrase, give it to an agent once: ssh-add ${privateFile}`,
      trouble ?? undefined,
    );
  if (ran.stdout.trim().split(/\s+/).slice(0, 2).join(" ") !== key.line)
    throw new HoldfastError("config", `actor.key: ${privateFile} is not the private key of ${privateFile}.pub; name the pair that was enrolled`);
}

function publicKeyFile({ keyFile, configFolder, environment }: SignerOptions): string {
  const home = environment["HOME"] ?? "";
  const path = keyFile.startsWith("~/") ? join(home, keyFile.slice(2)) : isAbsolute(keyFile) ? keyFile : join(configFolder, keyFile);
  return path.endsWith(".pub") ? path : `${path}.pub`;
}

async function readPublicKey(file: string): Promise<SshKey> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch (error) {
    throw new HoldfastError("config", `actor.key: ${file} cannot be read (${systemCode(error) ?? "?"}); name the .pub file of an SSH key`, error);
  }
  try {
    return parseSshKey(text, file);
  } catch (error) {
    throw new HoldfastError("config", "actor.key cannot be used", error);
  }
}

type Ran = { readonly code: number | null; readonly stdout: string; readonly stderr: string };

function keygen(args: readonly string[], input: Uint8Array): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn("ssh-keygen", [...args], { stdio: ["pipe", "pipe", "pipe"], timeout: PATIENCE_MS });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.on("error", (error) =>
      reject(new HoldfastError("config", "actor.key: ssh-keygen could not be run; install OpenSSH's client, or use an ssh-agent", error)),
    );
    child.on("close", (code) => resolve({ code, stdout, stderr }));
    child.stdin.on("error", () => undefined); // it may have ended before it read; its exit status says why
    child.stdin.end(input);
  });
}

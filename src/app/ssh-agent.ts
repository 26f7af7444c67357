import { connect } from "node:net";
import { HoldfastError } from "../core/error.ts";
import { sshReader, sshString, sshU32 } from "../ledger/actors/ssh-wire.ts";

/** The two questions that Holdfast has for an ssh-agent (draft-ietf-sshm-ssh-agent §3.5, §3.6), one connection each. */
export type SshAgent = {
  /** Wire forms of the public keys that it holds. */
  keys(): Promise<readonly Buffer[]>;
  /** Null where it refuses: another key, or its owner said no. */
  sign(publicKey: Uint8Array, data: Uint8Array): Promise<Buffer | null>;
};

const REQUEST_IDENTITIES = 11;
const IDENTITIES_ANSWER = 12;
const SIGN_REQUEST = 13;
const SIGN_RESPONSE = 14;
const RSA_SHA2_512 = 4;
const MAX_ANSWER = 256 * 1024;

/** `patienceMs` is for a touch of a hardware key or an agent that asks its owner. */
export function sshAgent(socketPath: string, patienceMs: number): SshAgent {
  return {
    async keys() {
      const answer = await ask(socketPath, Buffer.of(REQUEST_IDENTITIES), patienceMs);
      const reader = sshReader(answer.subarray(1));
      if (answer[0] !== IDENTITIES_ANSWER) throw strange(socketPath);
      return Array.from({ length: reader.u32() }, () => {
        const key = reader.string();
        reader.string(); // the comment
        return key;
      });
    },
    async sign(publicKey, data) {
      const request = Buffer.concat([Buffer.of(SIGN_REQUEST), sshString(publicKey), sshString(data), sshU32(RSA_SHA2_512)]);
      const answer = await ask(socketPath, request, patienceMs);
      return answer[0] === SIGN_RESPONSE ? sshReader(answer.subarray(1)).string() : null;
    },
  };
}

function ask(socketPath: string, request: Uint8Array, patienceMs: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    const chunks: Buffer[] = [];
    const fail = (what: string, cause?: unknown): void => {
      socket.destroy();
      reject(new HoldfastError("config", `the ssh-agent at ${socketPath} ${what}; check SSH_AUTH_SOCK and ssh-add -l`, cause));
    };
    socket.setTimeout(patienceMs, () => fail(`did not answer within ${patienceMs / 1000} s`));
    socket.on("error", (error) => fail("cannot be asked", error));
    socket.on("end", () => fail("hung up without an answer"));
    socket.on("data", (chunk) => {
      chunks.push(chunk);
      const got = Buffer.concat(chunks);
      if (got.length < 5) return;
      const length = got.readUInt32BE(0);
      if (length === 0 || length > MAX_ANSWER) return fail(`gave an answer of ${length} bytes`);
      if (got.length < 4 + length) return;
      socket.destroy();
      resolve(got.subarray(4, 4 + length));
    });
    socket.write(sshString(request));
  });
}

function strange(socketPath: string): HoldfastError {
  return new HoldfastError("config", `the ssh-agent at ${socketPath} gave an answer that is not of the agent's protocol; check SSH_AUTH_SOCK`);
}

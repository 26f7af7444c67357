/**
 * A person's or machine's SSH key at work. `sign` gives an SSHSIG blob (OpenSSH PROTOCOL.sshsig, namespace `holdfast`) over the
 * bytes; it may wait for a touch or for an agent's question. Rejects with `config`, saying what to do, where the key cannot be used.
 */
export interface ActorSigner {
  /** The id that acts are signed for. */
  readonly actor: string;
  /** `TYPE BASE64`, as in a `.pub` file, without comment. */
  readonly publicKey: string;
  sign(message: Uint8Array): Promise<Uint8Array>;
}

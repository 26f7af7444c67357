/** The data types of SSH (RFC 4251 §5), as keys and signatures are written in. */
export type SshReader = {
  byte(): number;
  u32(): number;
  string(): Buffer;
  text(): string;
  /** A positive mpint, without its sign byte. Throws where it has a second spelling. */
  positive(): Buffer;
  /** Throws where bytes are left over. */
  end(): void;
};

export function sshReader(bytes: Uint8Array): SshReader {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const take = (length: number): Buffer => {
    if (length > buffer.length - at) throw new TypeError("ends too early");
    at += length;
    return buffer.subarray(at - length, at);
  };
  const reader: SshReader = {
    byte: () => take(1).readUInt8(),
    u32: () => take(4).readUInt32BE(),
    string: () => take(reader.u32()),
    text: () => reader.string().toString("latin1"),
    positive() {
      const number = reader.string();
      const [first = 0, second = 0] = number;
      if (number.length === 0 || first >= 0x80 || (first === 0 && second < 0x80)) throw new TypeError("holds a number that is not a positive mpint");
      return first === 0 ? number.subarray(1) : number;
    },
    end() {
      if (at !== buffer.length) throw new TypeError("goes on after its end");
    },
  };
  return reader;
}

export function sshString(bytes: Uint8Array | string): Buffer {
  const body = Buffer.from(bytes);
  return Buffer.concat([sshU32(body.length), body]);
}

export function sshU32(n: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(n);
  return bytes;
}

/** Tarballs made byte by byte: also those that no honest `tar` would make. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';

export interface Member {
  readonly name: string;
  readonly content?: string;
  /** Makes the member a symbolic link to this. */
  readonly linkTo?: string;
  readonly mode?: number;
  /** Of what kind it says that it is, where that is neither a file, a directory nor a symbolic link: tar's letter. */
  readonly type?: '1' | '3' | '4' | '6' | '7';
}

/** A `.tar.gz` (ustar) with exactly these members. Names up to 100 bytes. */
export function tarball(members: readonly Member[]): Buffer {
  const blocks = members.flatMap((member) => {
    const content = Buffer.from(member.content ?? '');
    return [header(member, content.length), content, Buffer.alloc(-content.length & 511)];
  });
  return gzipSync(Buffer.concat([...blocks, Buffer.alloc(1024)]));
}

export const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');

function header({ name, linkTo, mode, type }: Member, size: number): Buffer {
  const block = Buffer.alloc(512);
  const isDirectory = name.endsWith('/');
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
  block.write(name, 0);
  block.write(octal(mode ?? (isDirectory ? 0o755 : 0o644), 7), 100);
  block.write(octal(12_345, 7), 108); // owner: nobody whom the host knows
  block.write(octal(12_345, 7), 116);
  block.write(octal(size, 11), 124);
  block.write(octal(0, 11), 136);
  block.write(' '.repeat(8), 148);
  block.write(type ?? (isDirectory ? '5' : linkTo === undefined ? '0' : '2'), 156);
  block.write(linkTo ?? '', 157);
  block.write('ustar\x0000', 257);
  const checksum = block.reduce((sum, byte) => sum + byte, 0);
  block.write(`${octal(checksum, 6)}\0 `, 148);
  return block;
}

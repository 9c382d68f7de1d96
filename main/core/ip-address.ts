// Addresses as bytes and as Java prints them, which is how access control lists name hosts: IPv4 with dots, IPv6 as
// eight groups without zeros left out. An IPv4 address inside an IPv6 one is the IPv4 address.

const ipv4Bytes = 4;
const ipv6Bytes = 16;
const mappedPrefix = '::ffff:';

/** Null when the bytes are no address. */
export function addressFromBytes(bytes: Buffer): string | null {
  if (bytes.length === ipv4Bytes) return [...bytes].join('.');
  if (bytes.length !== ipv6Bytes) return null;
  if (bytes.readUInt32BE(8) === 0xffff && bytes.subarray(0, 8).every((byte) => byte === 0)) {
    return [...bytes.subarray(12)].join('.');
  }
  const groups: string[] = [];
  for (let at = 0; at < ipv6Bytes; at += 2) groups.push(bytes.readUInt16BE(at).toString(16));
  return groups.join(':');
}

/** What is no address (a simulated host) is passed as the loopback of IPv6. */
export function addressToBytes(address: string): Buffer {
  return parseIpv4(address) ?? parseIpv6(address) ?? parseIpv6('::1') ?? Buffer.alloc(ipv6Bytes);
}

/** As Java prints it; what is no address stays as it is. */
export function javaAddress(address: string): string {
  const bytes = parseIpv4(address) ?? parseIpv6(address);
  return (bytes === null ? null : addressFromBytes(bytes)) ?? address;
}

function parseIpv4(address: string): Buffer | null {
  const parts = (address.startsWith(mappedPrefix) ? address.slice(mappedPrefix.length) : address).split('.');
  if (parts.length !== ipv4Bytes || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return null;
  return Buffer.from(parts.map(Number));
}

function parseIpv6(address: string): Buffer | null {
  const [head = '', tail, ...more] = address.replace(/%.*$/, '').split('::');
  if (more.length > 0) return null;
  const before = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...before, ...after];
  const missing = ipv6Bytes / 2 - groups.length;
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return null;
  const bytes = Buffer.alloc(ipv6Bytes);
  before.forEach((group, index) => bytes.writeUInt16BE(parseInt(group, 16), index * 2));
  after.forEach((group, index) => bytes.writeUInt16BE(parseInt(group, 16), (before.length + missing + index) * 2));
  return bytes;
}

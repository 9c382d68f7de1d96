import { describe, expect, it } from 'vitest';
import { addressFromBytes, addressToBytes, javaAddress } from './ip-address.ts';

describe('addresses', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:10.1.2.3', '10.1.2.3'],
    ['::1', '0:0:0:0:0:0:0:1'],
    ['fe80::1%eth0', 'fe80:0:0:0:0:0:0:1'],
    ['2001:DB8::a:0', '2001:db8:0:0:0:0:a:0'],
    ['1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8'],
  ])('%s is %s to Java, and comes back from its bytes', (address, printed) => {
    expect(javaAddress(address)).toBe(printed);
    expect(addressFromBytes(addressToBytes(address))).toBe(printed);
  });

  it.each(['node-1', '1:2:3', '1::2::3', '1.2.3.999', ''])('%j is no address and stays as it is', (text) => {
    expect(javaAddress(text)).toBe(text);
    expect(addressFromBytes(addressToBytes(text))).toBe('0:0:0:0:0:0:0:1');
  });

  it('bytes of another length are no address', () => {
    expect(addressFromBytes(Buffer.alloc(5))).toBeNull();
  });
});

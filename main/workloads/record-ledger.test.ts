import { expect, it } from 'vitest';
import { RecordLedger } from './record-ledger.ts';

it('lost, doubled, reordered and secretly written records are told apart', () => {
  const ledger = new RecordLedger(10);
  for (let sent = 0; sent < 6; sent++) ledger.next();
  for (const number of [0, 1, 2, 3]) ledger.acknowledged(number);
  ledger.failed(4);
  ledger.failed(5);
  // Partition 0 holds 1 before 0 and 1 again; partition 1 holds 3 and the failed 4. Record 2 is nowhere.
  for (const number of [1, 0, 1]) ledger.found(0, number);
  for (const number of [3, 4]) ledger.found(1, number);
  expect(ledger.count()).toEqual({
    sent: 6,
    acknowledged: 4,
    failed: 2,
    inLog: 5,
    lost: 1,
    duplicated: 1,
    reordered: 1,
    failedButInLog: 1,
    lostExamples: [2],
  });
});

it('a record that was never sent is none of ours', () => {
  const ledger = new RecordLedger(2);
  ledger.next();
  ledger.found(0, 1);
  ledger.found(0, Number.NaN);
  expect(ledger.count()).toMatchObject({ sent: 1, inLog: 0, lost: 0 });
});

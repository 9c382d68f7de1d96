// The faults that a broker's menu offers with one click; the command line and drills have all of them.

import type { Component } from 'svelte';
import Hourglass from '@lucide/svelte/icons/hourglass';
import PlugZap from '@lucide/svelte/icons/plug-zap';
import Unlink from '@lucide/svelte/icons/unlink';
import Unplug from '@lucide/svelte/icons/unplug';
import type { BrokerView, Fault } from '../../../main/api/views.ts';
import { type Actions, blockedBecause } from '../../state/actions.ts';
import type { MenuItem } from '../../ui/Menu.svelte';

type Offer = { readonly label: string; readonly hint: string; readonly icon: Component<{ size?: number }> };

const offers: readonly (Offer & { readonly fault: (brokerId: number) => Fault })[] = [
  {
    label: 'Cut off',
    hint: 'from other brokers',
    icon: Unlink,
    fault: (brokerId) => ({ kind: 'cut', brokerId, peer: 'brokers', direction: 'both' }),
  },
  {
    label: 'Cut clients off',
    hint: 'both ways',
    icon: Unplug,
    fault: (brokerId) => ({ kind: 'cut', brokerId, peer: 'clients', direction: 'both' }),
  },
  {
    label: 'Slow down',
    hint: 'links + 200 ms',
    icon: Hourglass,
    fault: (brokerId) => ({ kind: 'delay', brokerId, peer: 'everyone', direction: 'both', delayMs: 200, jitterMs: 50 }),
  },
];

export function faultMenu(broker: BrokerView, actions: Actions): readonly MenuItem[] {
  // A fault may be laid on a broker that is down: it has it from its start.
  const given = offers.map(({ label, hint, icon, fault }): MenuItem => ({
    kind: 'action',
    label,
    hint,
    icon,
    run: () => void actions.addFault(fault(broker.id)),
  }));
  const powerOff: MenuItem = {
    kind: 'action',
    label: 'Power off',
    hint: 'unsynced bytes go',
    icon: PlugZap,
    danger: true,
    blocked: blockedBecause('pause', broker),
    run: () => void actions.losePower(broker.id),
  };
  return [...given, powerOff];
}

// The menu of one broker: every verb and the quick faults, the senseless ones blocked with the reason.

import type { Component } from 'svelte';
import Pause from '@lucide/svelte/icons/snowflake';
import Play from '@lucide/svelte/icons/play';
import Power from '@lucide/svelte/icons/power';
import RotateCw from '@lucide/svelte/icons/rotate-cw';
import Skull from '@lucide/svelte/icons/skull';
import Sun from '@lucide/svelte/icons/sun';
import type { BrokerView } from '../../../main/api/views.ts';
import { type Actions, blockedBecause, brokerVerbs, type BrokerVerb, verbTexts } from '../../state/actions.ts';
import type { MenuItem } from '../../ui/Menu.svelte';
import { faultMenu } from './fault-menu.ts';

export const verbIcons: Readonly<Record<BrokerVerb, Component<{ size?: number }>>> = {
  kill: Skull,
  pause: Pause,
  resume: Sun,
  stop: Power,
  start: Play,
  restart: RotateCw,
};

export function brokerMenu(broker: BrokerView, actions: Actions): readonly MenuItem[] {
  const verbs = brokerVerbs.map((verb): MenuItem => ({
    kind: 'action',
    label: verbTexts[verb].label,
    hint: verbTexts[verb].hint,
    icon: verbIcons[verb],
    danger: verb === 'kill',
    blocked: blockedBecause(verb, broker),
    run: () => void actions.broker(verb, broker.id),
  }));
  return [...verbs, { kind: 'separator' }, ...faultMenu(broker, actions)];
}

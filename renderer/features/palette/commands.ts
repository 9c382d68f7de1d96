// Every action of the page as a command of the palette.

import ArrowUpRight from '@lucide/svelte/icons/arrow-up-right';
import Copy from '@lucide/svelte/icons/copy';
import Eye from '@lucide/svelte/icons/eye';
import Layers from '@lucide/svelte/icons/layers';
import ListFilter from '@lucide/svelte/icons/list-filter';
import Mail from '@lucide/svelte/icons/message-square-text';
import Pause from '@lucide/svelte/icons/pause';
import Play from '@lucide/svelte/icons/play';
import Plus from '@lucide/svelte/icons/plus';
import Rows from '@lucide/svelte/icons/rows-3';
import Search from '@lucide/svelte/icons/search';
import Server from '@lucide/svelte/icons/server';
import Square from '@lucide/svelte/icons/square';
import Sun from '@lucide/svelte/icons/sun';
import Trash from '@lucide/svelte/icons/trash';
import Users from '@lucide/svelte/icons/users';
import { blockedBecause, brokerVerbs, verbTexts } from '../../state/actions.ts';
import type { ClusterModel } from '../../state/cluster-model.ts';
import type { Page } from '../../state/context.ts';
import { preferredLeader } from '../../state/matrix-rows.ts';
import { shownScreens } from '../../views/screens.ts';
import { verbIcons } from '../brokers/broker-menu.ts';
import type { Command } from './command.ts';
import { workspaceCommands } from './workspace-commands.ts';

/** Topics and elections offered at most; typing in the filter box finds the rest. */
export const topicCommandsMax = 250;

/** Without a model, as on a stopped cluster, what speaks of one is not offered. */
export function commandsOf(page: Page, model: ClusterModel | null): readonly Command[] {
  const everywhere = [...screenCommands(page), ...workspaceCommands(page)];
  if (model === null) return everywhere;
  return [
    ...everywhere,
    ...brokerCommands(page, model),
    ...clusterCommands(page, model),
    ...viewCommands(page, model),
    ...topicCommands(page, model),
    ...placeCommands(page, model),
  ];
}

function screenCommands({ router }: Page): Command[] {
  return shownScreens.map((entry): Command => ({
    id: `screen-${entry.name}`,
    group: 'Screens',
    label: entry.label,
    hint: `${entry.hint} · G ${entry.key.toUpperCase()}`,
    icon: entry.icon,
    run: () => router.go(entry.name),
  }));
}

/** Groups and brokers as places to go to. */
function placeCommands({ router }: Page, model: ClusterModel): Command[] {
  const groups = model.groups.slice(0, topicCommandsMax).map((group): Command => ({
    id: `group-${group.groupId}`,
    group: 'Groups',
    label: `Open group ${group.groupId}`,
    hint: group.state,
    icon: Users,
    run: () => router.go('groups', [group.groupId]),
  }));
  const brokers = model.brokers.map((broker): Command => ({
    id: `broker-${broker.id}`,
    group: 'Brokers',
    label: `Open broker ${broker.id}`,
    hint: 'metrics, configs, log file',
    icon: Server,
    run: () => router.go('brokers', [broker.id]),
  }));
  return [...groups, ...brokers];
}

function brokerCommands({ actions }: Page, model: ClusterModel): Command[] {
  return model.brokers.flatMap((broker) =>
    brokerVerbs
      .filter((verb) => blockedBecause(verb, broker) === null)
      .map((verb): Command => ({
        id: `${verb}-${broker.id}`,
        group: 'Brokers',
        label: `${verbTexts[verb].label} broker ${broker.id}`,
        hint:
          broker.id === model.facts.quorum.leaderId
            ? `${verbTexts[verb].hint} · active controller`
            : verbTexts[verb].hint,
        icon: verbIcons[verb],
        run: () => void actions.broker(verb, broker.id),
      })),
  );
}

function clusterCommands({ actions, screen }: Page, model: ClusterModel): Command[] {
  const { workload, bootstrap } = model.facts;
  return [
    {
      id: 'create-topic',
      group: 'Cluster',
      label: 'Create a topic…',
      hint: 'C',
      icon: Plus,
      run: () => (screen.createTopicOpen = true),
    },
    workload.running
      ? {
          id: 'workload',
          group: 'Cluster',
          label: 'Stop the workload',
          icon: Square,
          run: () => void actions.stopWorkload(),
        }
      : {
          id: 'workload',
          group: 'Cluster',
          label: 'Start the workload',
          icon: Play,
          run: () => void actions.startWorkload(workload.targetPerSecond || 400),
        },
    ...[50, 400, 1_000, 5_000].map((rate): Command => ({
      id: `rate-${rate}`,
      group: 'Cluster',
      label: `Run the workload at ${rate.toLocaleString('en-US')} messages/s`,
      icon: Play,
      run: () => void actions.startWorkload(rate),
    })),
    {
      id: 'copy-bootstrap',
      group: 'Cluster',
      label: 'Copy bootstrap address',
      hint: bootstrap,
      icon: Copy,
      run: () => void navigator.clipboard.writeText(bootstrap),
    },
  ];
}

function viewCommands({ cluster, preferences, screen }: Page, model: ClusterModel): Command[] {
  return [
    {
      id: 'pause',
      group: 'View',
      label: cluster.paused ? 'Resume the live view' : 'Pause the view',
      hint: 'Space',
      icon: cluster.paused ? Play : Pause,
      run: () => cluster.togglePause(),
    },
    {
      id: 'filter',
      group: 'View',
      label: 'Filter what is shown',
      hint: '/',
      icon: Search,
      run: () => document.querySelector<HTMLInputElement>('[data-search]')?.focus(),
    },
    {
      id: 'under-replicated',
      group: 'View',
      label: 'Show only under-replicated partitions',
      icon: ListFilter,
      run: () => (screen.condition = 'under-replicated'),
    },
    {
      id: 'all-partitions',
      group: 'View',
      label: 'Show all partitions',
      icon: ListFilter,
      run: () => {
        screen.condition = 'all';
        screen.filter = '';
      },
    },
    {
      id: 'internal',
      group: 'View',
      label: preferences.showInternal ? 'Hide internal topics' : 'Show internal topics',
      hint: 'I',
      icon: Eye,
      run: () => (preferences.showInternal = !preferences.showInternal),
    },
    {
      id: 'fold',
      group: 'View',
      label: 'Fold all topics',
      icon: Rows,
      run: () => screen.foldAll(model.topics.map((topic) => topic.topic)),
    },
    { id: 'unfold', group: 'View', label: 'Unfold all topics', icon: Rows, run: () => screen.foldAll([]) },
    {
      id: 'density',
      group: 'View',
      label: preferences.density === 'compact' ? 'Comfortable rows' : 'Compact rows',
      icon: Rows,
      run: () => (preferences.density = preferences.density === 'compact' ? 'comfortable' : 'compact'),
    },
    ...(['system', 'dark', 'light'] as const).map((theme): Command => ({
      id: `theme-${theme}`,
      group: 'View',
      label: theme === 'system' ? 'Theme as the system' : `${theme === 'dark' ? 'Dark' : 'Light'} theme`,
      icon: Sun,
      run: () => (preferences.theme = theme),
    })),
  ];
}

function topicCommands({ actions, screen, router }: Page, model: ClusterModel): Command[] {
  const misplaced: Command[] = [];
  for (const partitions of model.partitions.values()) {
    for (const partition of partitions) {
      const preferred = preferredLeader(partition);
      if (partition.leader === preferred || misplaced.length >= topicCommandsMax) continue;
      const name = `${partition.topic}-${partition.partition}`;
      misplaced.push({
        id: `elect-${name}`,
        group: 'Topics',
        label: `Elect preferred leader of ${name}`,
        hint: `broker ${preferred}`,
        icon: ArrowUpRight,
        run: () => void actions.electPreferred(partition.topic, partition.partition),
      });
    }
  }
  const found = model.topics.slice(0, topicCommandsMax).map((topic): Command => ({
    id: `topic-${topic.topic}`,
    group: 'Topics',
    label: `Open topic ${topic.topic}`,
    hint: `${topic.partitionCount} partitions`,
    icon: Layers,
    run: () => router.go('topics', [topic.topic]),
  }));
  const read = model.topics.slice(0, topicCommandsMax).map((topic): Command => ({
    id: `messages-${topic.topic}`,
    group: 'Topics',
    label: `Messages of ${topic.topic}`,
    icon: Mail,
    run: () => router.go('messages', [topic.topic]),
  }));
  const removable = model.topics
    .filter((topic) => !topic.internal)
    .slice(0, topicCommandsMax)
    .map((topic): Command => ({
      id: `delete-${topic.topic}`,
      group: 'Topics',
      label: `Delete topic ${topic.topic}…`,
      icon: Trash,
      run: () => (screen.topicToDelete = topic.topic),
    }));
  return [...found, ...read, ...misplaced, ...removable];
}

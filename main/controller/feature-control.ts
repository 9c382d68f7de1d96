// Levels of features: UpdateFeatures, within what every registered node supports. Pure.

import { ErrorCode } from '../protocol/errors.ts';
import type { MetadataRecord } from '../protocol/messages/metadata-records.ts';
import type { UpdateFeaturesRequest, UpdateFeaturesResponse } from '../protocol/messages/update-features.ts';
import { metadataVersionName, supportedFeatures } from '../metadata/features.ts';
import { featureLevel, featureRecord, metadataVersionFeature } from '../metadata/settings-image.ts';
import { elrSafetyRecords } from './configuration-control.ts';
import { ApiError, attempt, type ControllerView, type Decision } from './decision.ts';

type FeatureUpdate = UpdateFeaturesRequest['featureUpdates'][number];

const UpgradeType = { UPGRADE: 1, SAFE_DOWNGRADE: 2, UNSAFE_DOWNGRADE: 3 } as const;
const elrFeature = 'eligible.leader.replicas.version';

export function updateFeatures(
  view: ControllerView,
  request: UpdateFeaturesRequest,
  apiVersion: number,
): Decision<UpdateFeaturesResponse> {
  const records: MetadataRecord[] = [];
  const results = request.featureUpdates.map((update) => ({
    feature: update.feature,
    ...attempt(() => {
      const upgradeType =
        apiVersion === 0
          ? update.allowDowngrade
            ? UpgradeType.SAFE_DOWNGRADE
            : UpgradeType.UPGRADE
          : update.upgradeType;
      records.push(...updateFeature(view, update, upgradeType));
    }),
  }));
  const failed = results.find((result) => result.errorCode !== ErrorCode.NONE);
  // From version 2 on there is one error for all, and nothing is done unless all of it is.
  const isAllOrNothing = apiVersion >= 2 && failed !== undefined;
  const response = {
    throttleTimeMs: 0,
    errorCode: isAllOrNothing ? failed.errorCode : ErrorCode.NONE,
    errorMessage: isAllOrNothing
      ? `The update failed for all features since the following feature had an error: ${failed.errorMessage ?? ''}`
      : null,
    results: apiVersion >= 2 ? [] : results,
  };
  return { records: request.validateOnly || isAllOrNothing ? [] : records, response };
}

function updateFeature(view: ControllerView, update: FeatureUpdate, upgradeType: number): MetadataRecord[] {
  const { feature, maxVersionLevel: level } = update;
  const refuse = (why: string): never => {
    throw new ApiError(
      ErrorCode.INVALID_UPDATE_VERSION,
      `Invalid update version ${level} for feature ${feature}. ${why}`,
    );
  };
  if (upgradeType < UpgradeType.UPGRADE || upgradeType > UpgradeType.UNSAFE_DOWNGRADE) {
    refuse('The controller does not support the given upgrade type.');
  }
  if (level < 0) refuse('A feature version cannot be less than 0.');
  checkSupported(view, feature, level, refuse);
  const current = featureLevel(view.image.features, feature);
  if (level < current && upgradeType === UpgradeType.UPGRADE) {
    refuse(
      "Can't downgrade the version of this feature without setting the upgrade type to either safe or unsafe downgrade.",
    );
  }
  if (level > current && upgradeType !== UpgradeType.UPGRADE) refuse("Can't downgrade to a newer version.");
  if (level === current) return [];
  if (feature === metadataVersionFeature && level < current) {
    refuse(
      `Refusing to perform the requested downgrade from ${metadataVersionName(current)} to ${metadataVersionName(level)}: ` +
        'this version of the software writes records of its own metadata.version only.',
    );
  }
  if (feature === 'kraft.version') refuse('The voters of this cluster are static.');
  const records = [featureRecord(feature, level)];
  if (feature === elrFeature && level >= 1) records.push(...elrSafetyRecords(view));
  return records;
}

function checkSupported(view: ControllerView, feature: string, level: number, refuse: (why: string) => never): void {
  const local = supportedFeatures.find((candidate) => candidate.name === feature);
  if (local === undefined) return refuse(`Local controller ${view.settings.nodeId} does not support this feature.`);
  if (level < local.minSupportedVersion || level > local.maxSupportedVersion) {
    refuse(
      `Local controller ${view.settings.nodeId} only supports versions ${local.minSupportedVersion}-${local.maxSupportedVersion}`,
    );
  }
  const nodes = [
    ...[...view.image.cluster.brokers.values()].map((node) => ({ ...node, what: `Broker ${node.id}` })),
    ...[...view.image.cluster.controllers.values()].map((node) => ({ ...node, what: `Controller ${node.id}` })),
  ];
  for (const node of nodes) {
    const range = node.features.find((candidate) => candidate.name === feature);
    if (range === undefined && level > 0) refuse(`${node.what} does not support this feature.`);
    if (range !== undefined && (level < range.minSupportedVersion || level > range.maxSupportedVersion)) {
      refuse(`${node.what} only supports versions ${range.minSupportedVersion}-${range.maxSupportedVersion}`);
    }
  }
}

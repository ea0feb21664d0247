/** An engine of the first partition: the one that tells people what the fleet stage found. */
import { PartitionEngine } from '../../src/engine/engine.js';
import { neutralModel } from '../../src/learn/neutral-model.js';
import { ListShelf, settingsOf, type WorldOptions } from './world.js';

export function firstEngine({ settings, model, shelf, snapshot }: WorldOptions = {}, partition = 0): PartitionEngine {
  return new PartitionEngine(
    {
      settings: settingsOf(settings),
      config: 'first',
      model: model ?? neutralModel(),
      place: { partition, epoch: 7 },
      shelf: shelf ?? new ListShelf(),
      models: () => null,
      parseSettings: () => null,
    },
    snapshot,
  );
}
